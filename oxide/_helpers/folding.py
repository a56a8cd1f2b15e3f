"""Streams of events that are folded as they come: the reader, for both worlds, and what the streams made of it can do in each."""

from __future__ import annotations

from collections import deque

from .._errors import OxideError, StreamError
from .._omit import omit
from .._protocol.base import ProtocolError
from .._stream import AsyncStream, Stream
from .._typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from .._caller import AsyncCaller, Caller
    from .._info import HttpInfo
    from .._models._base import Record
    from .._operation import Operation
    from .._raw import RawResponse
    from .._stream import Batches
    from .early_calls import FunctionCall

__all__ = ["AsyncFoldedStream", "AsyncStreamManager", "FoldedStream", "Folding", "StreamManager", "kept_tools"]

E = TypeVar("E")


class _Closing(Protocol):
    def close(self) -> object: ...


class _AsyncClosing(Protocol):
    async def close(self) -> object: ...


S = TypeVar("S", bound=_Closing)
A = TypeVar("A", bound=_AsyncClosing)


class Folding(Generic[E]):
    """The events of a stream, folded: a reader over another one.

    Args:
        reader: the events as they come.

    Attributes:
        calls: function calls that are complete, and that nobody has taken yet.
    """

    __slots__ = ("_closed", "_handed", "_reader", "_waiting", "calls")

    def __init__(self, reader: Batches[Any]) -> None:
        self._reader = reader
        self._waiting: list[Any] = []  # what has come and was not folded, the next one last
        self._handed: list[E] = []  # what the last event made: what nobody has taken of it goes with `close`
        self._closed = False
        self.calls: deque[FunctionCall] = deque()

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the answer."""
        return self._reader.http

    @property
    def response(self) -> RawResponse:
        """The answer without a body, which is the stream."""
        return self._reader.response

    def fold(self, event: Record, fresh: list[E]) -> None:
        """Take an event; put those to hand out behind `fresh`."""
        raise NotImplementedError

    async def next_batch(self) -> list[E] | None:
        """Return what the next event makes, at least one event, or None at the end: what is folded and what is handed out keep in step.

        Raises:
            StreamError, APIConnectionError, APITimeoutError: as any stream.
            LengthFinishReasonError, ContentFilterFinishReasonError: an answer that was to be parsed has ended so.
        """
        while not self._closed:
            if not self._waiting:
                batch = await self._reader.next_batch()
                if batch is None:
                    return None
                batch.reverse()
                self._waiting = batch
            if fresh := self._next():
                return fresh
        return None

    def _next(self) -> list[E]:
        """Fold events until one makes something to hand out."""
        fresh: list[E] = []
        try:
            while self._waiting and not fresh:
                self.fold(self._waiting.pop(), fresh)
        except OxideError:
            self.close()
            raise
        except ProtocolError as problem:
            self.close()
            raise StreamError(f"The events of the stream make no whole: {problem}.") from problem
        self._handed = fresh
        return fresh

    def close(self) -> None:
        """Free the connection at once; from any thread or task."""
        self._closed = True
        self._waiting.clear()
        self._handed.clear()
        self._reader.close()


class FoldedStream(Stream[E]):
    """The events of an answer, as they come, with what they make: an iterator and a context manager."""

    __slots__ = ("_folding", "_text")

    def __init__(self, folding: Folding[E], text: Callable[[E], str]) -> None:
        super().__init__(folding)
        self._folding = folding
        self._text = text

    def __enter__(self) -> Self:
        return self

    def until_done(self) -> Self:
        """Read on to the end of the stream."""
        for _ in self._events:
            continue
        return self

    def text_deltas(self) -> Iterator[str]:
        """Iterate over the text alone, piece by piece; of several answers, that of the first."""
        text = self._text
        return filter(None, map(text, self._events))

    def function_calls(self) -> Iterator[FunctionCall]:
        """Iterate over the calls of functions, each handed out the moment its arguments are complete; the rest is read on the way."""
        calls = self._folding.calls
        more = True
        while more or calls:
            while calls:
                yield calls.popleft()
            more = next(self._events, None) is not None


class StreamManager(Generic[S]):
    """A stream that is asked for inside a `with` block, and closed at its end."""

    __slots__ = ("_caller", "_given", "_operation", "_stream")

    def __init__(self, caller: Caller, operation: Operation[Any], given: dict[str, Any]) -> None:
        self._caller = caller
        self._operation = operation
        self._given = given
        self._stream: S | None = None

    def _open(self) -> S:
        raise NotImplementedError

    def __enter__(self) -> S:
        self._stream = stream = self._open()
        return stream

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._stream is not None:
            self._stream.close()


class AsyncFoldedStream(AsyncStream[E]):
    """The events of an answer, as they come, with what they make: an asynchronous iterator and context manager."""

    __slots__ = ("_folding", "_text")

    def __init__(self, folding: Folding[E], text: Callable[[E], str]) -> None:
        super().__init__(folding)
        self._folding = folding
        self._text = text

    async def __aenter__(self) -> Self:
        return self

    async def until_done(self) -> Self:
        """Read on to the end of the stream."""
        async for _ in self:
            continue
        return self

    def text_deltas(self) -> AsyncIterator[str]:
        """Iterate over the text alone, piece by piece; of several answers, that of the first."""
        return _Texts(self, self._text)

    def function_calls(self) -> AsyncIterator[FunctionCall]:
        """Iterate over the calls of functions, each handed out the moment its arguments are complete; the rest is read on the way."""
        return _Calls(self, self._folding.calls)


class AsyncStreamManager(Generic[A]):
    """A stream that is asked for inside an `async with` block, and closed at its end."""

    __slots__ = ("_caller", "_given", "_operation", "_stream")

    def __init__(self, caller: AsyncCaller, operation: Operation[Any], given: dict[str, Any]) -> None:
        self._caller = caller
        self._operation = operation
        self._given = given
        self._stream: A | None = None

    async def _open(self) -> A:
        raise NotImplementedError

    async def __aenter__(self) -> A:
        self._stream = stream = await self._open()
        return stream

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._stream is not None:
            await self._stream.close()


class _Texts(Generic[E]):
    __slots__ = ("_events", "_text")

    def __init__(self, events: AsyncStream[E], text: Callable[[E], str]) -> None:
        self._events = events
        self._text = text

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            if text := self._text(await self._events.__anext__()):
                return text


class _Calls:
    __slots__ = ("_calls", "_events")

    def __init__(self, events: AsyncStream[Any], calls: deque[FunctionCall]) -> None:
        self._events = events
        self._calls = calls

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FunctionCall:
        while not self._calls:
            await self._events.__anext__()
        return self._calls.popleft()


def kept_tools(given: dict[str, Any]) -> list[Any]:
    """Return the tools of a call as a list that may be gone through again, and send that."""
    tools = given.get("tools", omit)
    if tools is omit or tools is None:
        return []
    given["tools"] = kept = list(tools)
    return kept
