"""Who makes the calls of a client's resources: one caller for threads, one for event loops; both hand them to an exchange."""

from __future__ import annotations

from ._caller import AsyncCaller, Caller
from ._errors import ConfigurationError
from ._exchange import Exchange
from ._judge import CLOSED
from ._omit import omit
from ._page import AsyncPage, PageReader, first_page
from ._stream import AsyncStream, Stream, open_stream
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._binary import AsyncBinaryResponse, BinaryResponse
    from ._caller import Story
    from ._operation import Operation, PageOperation, StreamOperation
    from ._page import Page
    from ._settings import Settings
    from ._shared import Shared
    from ._transport.aio import RunningLoop

__all__ = ["BlockingCaller", "LoopCaller"]

T = TypeVar("T")
E = TypeVar("E")
R = TypeVar("R")


class BlockingCaller(Caller):
    """Makes calls for the resources of a blocking client."""

    __slots__ = ("exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    @property
    def settings(self) -> Settings:
        """The options of the client."""
        return self.exchange.settings

    def close(self) -> None:
        """Let every further call fail."""
        self.exchange.closed = True

    def call(self, operation: Operation[T], given: dict[str, Any]) -> T:
        return run_now(self.exchange.call(operation, given))

    def open(self, operation: StreamOperation[T, E], given: dict[str, Any]) -> T | Stream[E]:
        stream = operation.always or given.get("stream")
        if stream is omit or not stream:
            return run_now(self.exchange.call(operation, given))
        return Stream(run_now(open_stream(self.exchange, operation, given)))

    def page(self, operation: PageOperation[T], given: dict[str, Any]) -> Page[T]:
        return first_page(PageReader(self, operation, given))

    def binary(self, operation: Operation[bytes], given: dict[str, Any]) -> BinaryResponse:
        from ._binary import BinaryResponse
        from ._body import open_body

        return BinaryResponse(run_now(open_body(self.exchange, operation, given)))

    def run(self, story: Story[T, R], operation: Operation[T], given: dict[str, Any]) -> R:
        return run_now(story(self.exchange, operation, given))


class LoopCaller(AsyncCaller):
    """Makes calls for the resources of an asyncio client: each event loop has connections of its own."""

    __slots__ = ("_closed", "_here", "_settings", "_shared", "_wrap")

    def __init__(self, settings: Settings, shared: Shared, wrap: Callable[[Exchange], Exchange] | None) -> None:
        self._settings = settings
        self._shared = shared
        self._wrap = wrap  # makes of an exchange one that has ways of its own
        self._here: tuple[RunningLoop, Exchange] | None = None
        self._closed = False

    @property
    def settings(self) -> Settings:
        """The options of the client."""
        return self._settings

    def close(self) -> None:
        """Let every further call fail, in any loop."""
        self._closed = True
        self._here = None

    @property
    def exchange(self) -> Exchange:
        """The exchange of the running loop."""
        here = self._here
        if here is not None and here[0].here():
            return here[1]
        if self._closed:
            raise ConfigurationError(CLOSED)
        from ._transport.aio import AsyncioBackend, RunningLoop
        from ._transport.threads import call_in_thread

        running = RunningLoop()
        transport = self._shared.transport(running.loop, AsyncioBackend)
        exchange = Exchange(self._settings, transport, transport.backend, self._shared.budget, call_in_thread)
        if self._wrap is not None:
            exchange = self._wrap(exchange)
        self._here = running, exchange  # together: another thread may run another loop
        return exchange

    async def call(self, operation: Operation[T], given: dict[str, Any]) -> T:
        return await self.exchange.call(operation, given)

    async def open(self, operation: StreamOperation[T, E], given: dict[str, Any]) -> T | AsyncStream[E]:
        stream = operation.always or given.get("stream")
        if stream is omit or not stream:
            return await self.exchange.call(operation, given)
        return AsyncStream(await open_stream(self.exchange, operation, given))

    def page(self, operation: PageOperation[T], given: dict[str, Any]) -> AsyncPage[T]:
        return AsyncPage(PageReader(self, operation, given))

    async def binary(self, operation: Operation[bytes], given: dict[str, Any]) -> AsyncBinaryResponse:
        from ._binary import AsyncBinaryResponse
        from ._body import open_body

        return AsyncBinaryResponse(await open_body(self.exchange, operation, given))

    async def run(self, story: Story[T, R], operation: Operation[T], given: dict[str, Any]) -> R:
        return await story(self.exchange, operation, given)
