"""`responses.run` over a WebSocket: the turns of a run in one session, each with what is new and no more, whatever the service stores."""

from __future__ import annotations

from .._omit import omit
from .._typing import TYPE_CHECKING, cast
from .agents import AgentLoop, WholeTurn
from .sessions import SessionCore

if TYPE_CHECKING:
    from typing import Any

    from .._exchange import Exchange
    from .agent_events import AgentEvent
    from .agents import OpenTurn, Options, Turn, Workers

__all__ = ["SessionLoop"]

OF_CONNECTION = ("extra_headers", "extra_query", "timeout", "max_retries")
"""Arguments of a call that belong to the connection here."""


class SessionLoop(AgentLoop):
    """A run in a session of its own, whose connection is a warm one where there is one, and is kept warm behind it.

    Where the service forgets what was said, since its connection had to be replaced, the session sends all of it.
    """

    def __init__(self, exchange: Exchange, given: dict[str, Any], options: Options, workers: Workers, waiting: bool) -> None:
        of_connection = {name: given.pop(name) for name in OF_CONNECTION if name in given}
        given = {name: value for name, value in given.items() if name not in ("self", "idempotency_key")}
        store = given.pop("store", omit)  # the loop would send the whole conversation each time where nothing is stored
        self._session = SessionCore(exchange, of_connection, None, fallback=False, keep_history=True)
        super().__init__(exchange, given, options, workers, _over_session(self._session, store), waiting)

    async def next_batch(self) -> list[AgentEvent[Any]] | None:
        try:
            batch = await super().next_batch()
        except BaseException:
            await self._session.close()
            raise
        if batch is None:
            await self._session.close()
        return batch

    async def stop(self) -> None:
        await super().stop()
        await self._session.close()


def _over_session(session: SessionCore, store: object) -> OpenTurn:
    async def open_turn(given: dict[str, Any]) -> Turn:
        streamed = given.pop("stream", omit)
        if store is not omit:
            given["store"] = store
        if streamed is not omit and streamed:
            return cast("Turn", await session.stream(given, lenient=True))  # checkers would have its events be of one type
        hint = given.pop("text_format", omit)
        if hint is not omit:
            from .structured import with_format

            given["text"] = with_format(given.get("text", omit), hint)
        return WholeTurn(await session.create(given), hint)

    return open_turn
