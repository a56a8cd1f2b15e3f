"""`responses.run`, in both worlds: which workers, how a turn is asked for, and the streams of a run's events."""

from __future__ import annotations

from .._omit import omit
from .._stream import AsyncStream, Stream
from .._transport.base import run_now
from .._typing import TYPE_CHECKING, Generic, cast
from .agents import AgentLoop, Options, WholeTurn
from .response_streams import open_response_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import TypeVar

    from .._caller import AsyncCaller, Caller
    from .._exchange import Exchange
    from .._operation import Operation
    from .agent_events import AgentEvent as AgentEvent  # in the bases below, as a string
    from .agent_events import AgentResult
    from .agents import OpenTurn, Turn, Workers

    T = TypeVar("T", default=Any)
else:
    T = "T"

__all__ = ["AgentStream", "AsyncAgentStream", "async_run_agent", "run_agent"]


class AgentStream(Stream["AgentEvent[T]"], Generic[T]):
    """The events of a run: those of each answer, and what happens to the tools.

    Leaving it early, by `close`, by the end of `with`, or by dropping it, ends the run; a tool that is being called runs on to its end.
    """

    __slots__ = ("_loop",)

    def __init__(self, loop: AgentLoop) -> None:
        super().__init__(loop)
        self._loop = loop

    def __enter__(self) -> AgentStream[T]:
        return self

    def until_done(self) -> AgentStream[T]:
        """Go on to the end of the run."""
        for _ in self._events:
            continue
        return self

    def get_final_result(self) -> AgentResult[T]:
        """Go on to the end of the run, and return what it has come to."""
        return self.until_done()._loop.result()


class AsyncAgentStream(AsyncStream["AgentEvent[T]"], Generic[T]):
    """The events of a run: those of each answer, and what happens to the tools.

    Leaving it early, by `close`, by the end of `async with`, or by cancelling the task, ends the run, and cancels its tools.
    """

    __slots__ = ("_loop",)

    def __init__(self, loop: AgentLoop) -> None:
        super().__init__(loop)
        self._loop = loop

    async def __aenter__(self) -> AsyncAgentStream[T]:
        return self

    async def close(self) -> None:
        """End the run, and wait until its tools are cancelled."""
        await self._loop.stop()

    aclose = close

    async def until_done(self) -> AsyncAgentStream[T]:
        """Go on to the end of the run."""
        async for _ in self:
            continue
        return self

    async def get_final_result(self) -> AgentResult[T]:
        """Go on to the end of the run, and return what it has come to."""
        return (await self.until_done())._loop.result()


def run_agent(caller: Caller, operation: Operation[Any], given: dict[str, Any]) -> AgentResult[Any] | AgentStream[Any]:
    """Run a model with tools, in threads."""
    from .._transport.workers import ThreadWorkers

    async def begin(exchange: Exchange, operation: Operation[Any], given: dict[str, Any]) -> AgentLoop:
        return _loop(exchange, operation, given, ThreadWorkers, waiting=False)

    streamed = _streamed(given)
    loop = caller.run(begin, operation, given)
    return AgentStream(loop) if streamed else run_now(loop.finish())


async def async_run_agent(
    caller: AsyncCaller, operation: Operation[Any], given: dict[str, Any]
) -> AgentResult[Any] | AsyncAgentStream[Any]:
    """Run a model with tools, in tasks."""
    from .._transport.tasks import TaskWorkers

    async def begin(exchange: Exchange, operation: Operation[Any], given: dict[str, Any]) -> AgentLoop:
        return _loop(exchange, operation, given, TaskWorkers, waiting=True)

    streamed = _streamed(given)
    loop = await caller.run(begin, operation, given)
    return AsyncAgentStream(loop) if streamed else await loop.finish()


def _streamed(given: dict[str, Any]) -> bool:
    stream = given.get("stream", omit)
    return stream is not omit and bool(stream)


def _loop(exchange: Exchange, operation: Operation[Any], given: dict[str, Any], crew: Callable[[int], Workers], waiting: bool) -> AgentLoop:
    options, transport = Options(given), given.pop("transport", "http")
    workers = crew(options.max_parallel)
    if transport == "http":
        return AgentLoop(exchange, given, options, workers, _over_http(exchange, operation), waiting)
    if transport != "websocket":
        raise ValueError(f'transport is {transport!r}; it must be "http" or "websocket"')
    from .session_runs import SessionLoop

    return SessionLoop(exchange, given, options, workers, waiting)


def _over_http(exchange: Exchange, operation: Operation[Any]) -> OpenTurn:
    """Return what asks the model over HTTP: for events, or for the answer as a whole."""

    async def open_turn(given: dict[str, Any]) -> Turn:
        if _streamed(given):
            folding = await open_response_stream(exchange, operation, given, lenient=True)
            return cast("Turn", folding)  # checkers would have its events be of one type
        hint = given.pop("text_format", omit)
        if hint is not omit:
            from .structured import with_format

            given["text"] = with_format(given.get("text", omit), hint)
        return WholeTurn(await exchange.call(operation, given), hint)

    return open_turn
