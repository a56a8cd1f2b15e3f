"""Sessions of the Responses API over a WebSocket: `ResponsesSession` and `AsyncResponsesSession`.

One story for both worlds, `SessionCore`; the two faces are spelling.  Where the server refuses WebSockets a session may go on over HTTP.
"""

from __future__ import annotations

from .._errors import APIStatusError, ConfigurationError, RemoteProtocolError
from .._link import Links
from .._omit import not_given, omit
from .._operation import Operation, StreamOperation
from .._settings import as_timeout
from .._stream import AsyncStream, Stream, open_stream
from .._transport.base import run_now
from .._turn import TurnReader
from .._typing import TYPE_CHECKING, Protocol
from .folding import kept_tools
from .history import History
from .response_streams import AsyncResponseStream, ResponseFolding, ResponseStream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any, TypeAlias

    from typing_extensions import Unpack

    from .._exchange import Exchange
    from .._models import responses, responses_events
    from .._models.responses_input_params import ResponseCreateParams
    from .._omit import NotGiven
    from .._socket import SocketOptions
    from .._stream import EventReader
    from .._timeout import Timeout

    Event: TypeAlias = "responses_events.ResponseStreamEvent"

    class TurnParams(ResponseCreateParams, total=False):
        """What `responses.create` takes, as far as it concerns one turn."""

        extra_body: Mapping[str, object] | None
        timeout: float | Timeout | None | NotGiven

    class StreamParams(TurnParams, total=False):
        """What `responses.stream` takes, as far as it concerns one turn."""

        text_format: type[Any] | Mapping[str, Any]


__all__ = ["AsyncResponsesSession", "ResponsesSession"]

CONNECT: Operation[None] = Operation("GET", "/responses")
CREATE: StreamOperation[responses.Response, responses_events.ResponseStreamEvent] = StreamOperation(
    "POST", "/responses", "responses.Response", "responses_events.ResponseStreamEvent", body="json"
)


class _Caller(Protocol):
    """A caller of either client."""

    @property
    def exchange(self) -> Exchange: ...


class SessionCore:
    """The story of a session.

    Args:
        exchange: of the client.
        given: the headers, query and timeout of the connection.
        options: habits of the WebSocket.
        fallback: whether to go on over HTTP where the server refuses WebSockets.
        keep_history: whether to keep what was said.
    """

    def __init__(
        self, exchange: Exchange, given: dict[str, Any], options: SocketOptions | None, fallback: bool, keep_history: bool
    ) -> None:
        settings = exchange.settings
        self.exchange = exchange
        self._links = Links(exchange, CONNECT.prepare(given, settings.for_sockets()), options)
        self._given = given
        self._fallback = fallback
        self._history = History() if keep_history else None
        self.plain = False  # over HTTP from now on

    async def create(self, params: Mapping[str, Any]) -> responses.Response:
        if params.get("stream"):
            raise ConfigurationError("session.create returns a whole answer; session.stream and session.events give its events.")
        reader = await self._begin(params)
        if reader is not None:
            return await reader.answer()
        return await self.exchange.call(CREATE, self._over_http(params))

    async def events(self, params: Mapping[str, Any]) -> EventReader[Event] | TurnReader:
        reader = await self._begin(params)
        if reader is not None:
            return reader
        return await open_stream(self.exchange, CREATE, {**self._over_http(params), "stream": True})

    async def stream(self, params: Mapping[str, Any], lenient: bool = False) -> ResponseFolding[Any]:
        given = dict(params)
        hint, tools = given.pop("text_format", omit), kept_tools(given)
        if hint is not omit:
            from .structured import with_format

            given["text"] = with_format(given.get("text", omit), hint)
        return ResponseFolding(await self.events(given), hint, tools, None, lenient)

    async def warmup(self, params: Mapping[str, Any]) -> responses.Response | None:
        reader = await self._begin(params, generate=False)
        return None if reader is None else await reader.answer()

    async def _begin(self, params: Mapping[str, Any], **more: object) -> TurnReader | None:
        """Send a turn; None where it has to go over HTTP."""
        if self.plain:
            return None
        values: dict[str, Any] = {
            name: value for name, value in params.items() if value is not omit and value is not not_given and name != "stream"
        }
        if values.get("background"):
            raise ConfigurationError("A turn of a session cannot run in the background; use client.responses.create.")
        timeout = as_timeout(values.pop("timeout", not_given), self._links.request.timeout)
        extra = values.pop("extra_body", None)
        if not isinstance(values.get("input", ""), str):
            values["input"] = list(values["input"])  # it may be needed again
        body: dict[str, Any] = {"type": "response.create", **values, **more, **(extra or {})}
        try:
            return await TurnReader(self._links, body, timeout, self._history).start()
        except (APIStatusError, RemoteProtocolError):
            if not self._fallback or self._links.seen:
                raise
            self.plain = True
            return None

    def _over_http(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._given, **params}

    async def close(self) -> None:
        await self._links.close()


class ResponsesSession:
    """Calls of the Responses API over one WebSocket, which stays open between them; from any number of threads. A context manager.

    It is opened with the first call.  Up to 16 answers are written at a time; further calls wait for one to end.
    """

    def __init__(
        self,
        caller: _Caller,
        given: dict[str, Any],
        options: SocketOptions | None = None,
        fallback: bool = False,
        keep_history: bool = False,
    ) -> None:
        self._core = SessionCore(caller.exchange, given, options, fallback, keep_history)

    @property
    def transport(self) -> str:
        """How the calls travel: "websocket", or "http" where the server has refused that."""
        return "http" if self._core.plain else "websocket"

    def create(self, **params: Unpack[TurnParams]) -> responses.Response:
        """Ask for an answer and wait for it. The parameters are those of `client.responses.create`.

        Raises:
            APIStatusError: the service refused the connection, or told of an error.
            WebSocketConnectionClosedError: the connection was closed before the answer was complete.
            RemoteProtocolError: what came was no event of the API.
            APITimeoutError, APIConnectionError: as for every call.
        """
        return run_now(self._core.create(params))

    def stream(self, **params: Unpack[StreamParams]) -> ResponseStream[Any]:
        """Ask for an answer and get its events as they come, and what they make: as `client.responses.stream`, without a manager."""
        return ResponseStream(run_now(self._core.stream(params)))

    def events(self, **params: Unpack[TurnParams]) -> Stream[Event]:
        """Ask for an answer and get its events as they come, and no more: as `client.responses.create(stream=True)`."""
        return Stream(run_now(self._core.events(params)))

    def warmup(self, **params: Unpack[TurnParams]) -> responses.Response | None:
        """Have the service read the input without answering it yet; go on with the `id` of what it returns, as `previous_response_id`.

        Returns None where the session goes over HTTP, which has no such thing.
        """
        return run_now(self._core.warmup(params))

    def close(self) -> None:
        """End the session; its connection is kept warm for the next one. Calls under way fail."""
        run_now(self._core.close())

    def __enter__(self) -> ResponsesSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class AsyncResponsesSession:
    """Calls of the Responses API over one WebSocket, which stays open between them; from any number of tasks. See `ResponsesSession`."""

    def __init__(
        self,
        caller: _Caller,
        given: dict[str, Any],
        options: SocketOptions | None = None,
        fallback: bool = False,
        keep_history: bool = False,
    ) -> None:
        self._caller = caller
        self._made: SessionCore | None = None
        self._arguments = given, options, fallback, keep_history

    @property
    def _core(self) -> SessionCore:
        """The session in the running loop: each has connections of its own."""
        exchange = self._caller.exchange
        core = self._made
        if core is None or core.exchange is not exchange:
            core = self._made = SessionCore(exchange, *self._arguments)
        return core

    @property
    def transport(self) -> str:
        """How the calls travel: "websocket", or "http" where the server has refused that."""
        return "http" if self._made is not None and self._made.plain else "websocket"

    async def create(self, **params: Unpack[TurnParams]) -> responses.Response:
        """Ask for an answer and wait for it. Parameters and errors are those of `ResponsesSession.create`."""
        return await self._core.create(params)

    async def stream(self, **params: Unpack[StreamParams]) -> AsyncResponseStream[Any]:
        """Ask for an answer and get its events as they come, and what they make; see `ResponsesSession.stream`."""
        return AsyncResponseStream(await self._core.stream(params))

    async def events(self, **params: Unpack[TurnParams]) -> AsyncStream[Event]:
        """Ask for an answer and get its events as they come, and no more."""
        return AsyncStream(await self._core.events(params))

    async def warmup(self, **params: Unpack[TurnParams]) -> responses.Response | None:
        """Have the service read the input without answering it yet; see `ResponsesSession.warmup`."""
        return await self._core.warmup(params)

    async def close(self) -> None:
        """End the session; its connection is kept warm for the next one. Calls under way fail."""
        if self._made is not None:
            await self._made.close()

    async def __aenter__(self) -> AsyncResponsesSession:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()
