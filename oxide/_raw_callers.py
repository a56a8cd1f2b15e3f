"""Callers that give raw answers: `with_raw_response` and `with_streaming_response` are resources over one of these.

Each wraps the caller of a client. What a result is made by is written once, for raw and streamed answers, in either world.
"""

from __future__ import annotations

from functools import partial

from ._binary import AsyncBinaryResponse, BinaryResponse
from ._body import BodyReader, open_body
from ._exchange import Exchange
from ._page import LoadedAsyncPage, Page, PageReader
from ._stream import AsyncStream, EventReader, Stream
from ._streamed import AsyncStreamingOpening, AsyncStreamingResponse, StreamingOpening, StreamingResponse
from ._transport.base import run_now
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeAlias

    from ._caller import Story
    from ._exchange import Answer
    from ._operation import Operation, PageOperation, Request, StreamOperation
    from ._page import Source
    from ._raw import RawResponse
    from ._settings import Settings

    Make: TypeAlias = Callable[[Exchange, BodyReader], Coroutine[Any, Any, Any]]

__all__ = ["AsyncStreamingView", "RawCaller", "StreamingCaller", "entered"]


class Making:
    """How the result of one call is made of its answer; `waiting` is whether that is asyncio."""

    __slots__ = ("_given", "_operation", "_source", "_waiting")

    def __init__(self, source: Source, waiting: bool, operation: Any, given: dict[str, Any]) -> None:
        self._source = source
        self._waiting = waiting
        self._operation = operation
        self._given = given

    async def record(self, exchange: Exchange, reader: BodyReader) -> Any:
        """Make the record, text or None."""
        return exchange.result(self._operation, reader.answer, await reader.read())

    async def page(self, exchange: Exchange, reader: BodyReader) -> Any:
        """Make the page."""
        content = await reader.read()
        pages = PageReader(self._source, self._operation, self._given)
        return (LoadedAsyncPage if self._waiting else Page)(pages, *exchange.page_of(self._operation, reader.answer, content))

    async def events(self, exchange: Exchange, reader: BodyReader) -> Any:
        """Make the stream, which takes the body over."""
        reader.take()
        events = EventReader(exchange.adopters[self._operation.event]).adopt(reader.answer)
        return (AsyncStream if self._waiting else Stream)(events)

    async def binary(self, exchange: Exchange, reader: BodyReader) -> Any:
        """Make the answer that is a file."""
        return (AsyncBinaryResponse if self._waiting else BinaryResponse)(reader)


class _OtherCaller:
    """Makes calls as the caller of a client does, and gives something else of their answers."""

    __slots__ = ("_caller", "_waiting")

    def __init__(self, caller: Source, waiting: bool) -> None:
        self._caller = caller
        self._waiting = waiting

    @property
    def exchange(self) -> Exchange:
        """The exchange of the client, or of the running loop."""
        return self._caller.exchange

    @property
    def settings(self) -> Settings:
        """The options of the client."""
        return self._caller.settings

    def call(self, operation: Operation[Any], given: dict[str, Any]) -> Any:
        """Call an operation with one result."""
        return self._begin(operation, given, Making(self._caller, self._waiting, operation, given).record)

    def page(self, operation: PageOperation[Any], given: dict[str, Any]) -> Any:
        """Call an operation that lists."""
        return self._begin(operation, given, Making(self._caller, self._waiting, operation, given).page)

    def binary(self, operation: Operation[Any], given: dict[str, Any]) -> Any:
        """Call an operation that answers with a file."""
        return self._begin(operation, given, Making(self._caller, self._waiting, operation, given).binary)

    def open(self, operation: StreamOperation[Any, Any], given: dict[str, Any]) -> Any:
        """Call an operation that may stream."""
        if not (operation.always or given.get("stream")):
            return self.call(operation, given)
        return self._begin(operation, given, Making(self._caller, self._waiting, operation, given).events, events=True)

    def run(self, story: Story[Any, Any], operation: Operation[Any], given: dict[str, Any]) -> Any:
        """Run what was written by hand: the answer is the last one that it asked for, its result the one that the story returns."""
        raise NotImplementedError

    def _begin(self, operation: Operation[Any], given: dict[str, Any], make: Make, events: bool = False) -> Any:
        raise NotImplementedError

    async def _told(self, story: Story[Any, Any], operation: Operation[Any], given: dict[str, Any]) -> tuple[BodyReader, Any]:
        exchange = Overheard(self.exchange)
        result = await story(exchange, operation, given)
        return exchange.reader, result


class Overheard(Exchange):
    """An exchange that keeps its last answer."""

    __slots__ = ("_itself", "reader")

    reader: BodyReader

    def __init__(self, exchange: Exchange) -> None:
        for name in Exchange.__slots__:
            setattr(self, name, getattr(exchange, name))
        self._itself = exchange  # which may send in a way of its own

    async def send(
        self, request: Request, whole: bool, judged: bool = True, events: bool = False, begun: float | None = None
    ) -> tuple[Answer, bytes]:
        answer, body = await self._itself.send(request, whole, judged, events, begun)
        self.reader = BodyReader(answer, self.settings.max_body, body if whole else None)
        return answer, body


class RawCaller(_OtherCaller):
    """Gives a `RawResponse`: the body has been read, unless it is a stream of events."""

    __slots__ = ()

    def _begin(self, operation: Operation[Any], given: dict[str, Any], make: Make, events: bool = False) -> Any:
        answer = self._answer(operation, given, make, events)
        return answer if self._waiting else run_now(answer)

    def run(self, story: Story[Any, Any], operation: Operation[Any], given: dict[str, Any]) -> Any:
        answer = self._run(story, operation, given)
        return answer if self._waiting else run_now(answer)

    async def _run(self, story: Story[Any, Any], operation: Operation[Any], given: dict[str, Any]) -> RawResponse[Any]:
        reader, result = await self._told(story, operation, given)
        return reader.answer.raw(reader.content, lambda: result)

    async def _answer(self, operation: Operation[Any], given: dict[str, Any], make: Make, events: bool) -> RawResponse[Any]:
        exchange = self.exchange
        answer, body = await exchange.send(operation.prepare(given, exchange.settings), whole=not events, events=events)
        content = None if events else body
        reader = BodyReader(answer, exchange.settings.max_body, content)
        return answer.raw(content, lambda: run_now(make(exchange, reader)))  # the body is here: nothing is waited for, in asyncio neither


class StreamingCaller(_OtherCaller):
    """Gives the opening of a `StreamingResponse`; in asyncio a coroutine, of which `AsyncStreamingView` makes one."""

    __slots__ = ()

    def _begin(self, operation: Operation[Any], given: dict[str, Any], make: Make, events: bool = False) -> Any:
        if self._waiting:
            return self._opened(operation, given, make, events)
        return StreamingOpening(lambda: self._open(operation, given, make, events))

    def run(self, story: Story[Any, Any], operation: Operation[Any], given: dict[str, Any]) -> Any:
        if self._waiting:
            return self._ran(story, operation, given)
        return StreamingOpening(lambda: StreamingResponse(*_finished(*run_now(self._told(story, operation, given)))))

    async def _ran(self, story: Story[Any, Any], operation: Operation[Any], given: dict[str, Any]) -> AsyncStreamingResponse[Any]:
        return AsyncStreamingResponse(*_finished(*await self._told(story, operation, given)))

    def _open(self, operation: Operation[Any], given: dict[str, Any], make: Make, events: bool) -> StreamingResponse[Any]:
        exchange = self.exchange
        return StreamingResponse(run_now(open_body(exchange, operation, given, events)), partial(make, exchange))

    async def _opened(self, operation: Operation[Any], given: dict[str, Any], make: Make, events: bool) -> AsyncStreamingResponse[Any]:
        exchange = self.exchange
        return AsyncStreamingResponse(await open_body(exchange, operation, given, events), partial(make, exchange))


def _finished(reader: BodyReader, result: Any) -> tuple[BodyReader, Callable[[BodyReader], Coroutine[Any, Any, Any]]]:
    async def made(_: BodyReader) -> Any:
        return result

    return reader, made


def entered(view: Any) -> AsyncStreamingView:
    """Return the view of a resource of asyncio, or of all, over a `StreamingCaller`."""
    return AsyncStreamingView(view)


class AsyncStreamingView:
    """A resource of asyncio over a `StreamingCaller`: what its methods return is entered, not awaited."""

    __slots__ = ("_itself",)

    def __init__(self, itself: Any) -> None:
        self._itself = itself

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._itself, name)
        if hasattr(value, "_caller"):
            return AsyncStreamingView(value)
        return _entered(value) if callable(value) else value

    def __dir__(self) -> list[str]:
        return dir(self._itself)

    def __repr__(self) -> str:
        return f"<with_streaming_response of {self._itself!r}>"


def _entered(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make of a coroutine method one whose result is entered."""

    def call(*args: Any, **named: Any) -> Any:
        return AsyncStreamingOpening(method(*args, **named))

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(call, name, getattr(method, name))
    call.__wrapped__ = method  # type: ignore[attr-defined]  # where `inspect.signature` looks
    return call
