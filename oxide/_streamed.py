"""`with_streaming_response`: an answer that is opened on entering a `with` block, and released at its end, read or not."""

from __future__ import annotations

from ._binary import AsyncOpenAnswer, OpenAnswer
from ._json import decode
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType
    from typing import Any

    from ._body import BodyReader

__all__ = ["AsyncStreamingOpening", "AsyncStreamingResponse", "StreamingOpening", "StreamingResponse"]

T = TypeVar("T")


class StreamingResponse(OpenAnswer, Generic[T]):
    """An answer whose body comes as it is read."""

    __slots__ = ("_made", "_make")

    def __init__(self, reader: BodyReader, make: Callable[[BodyReader], Coroutine[Any, Any, T]]) -> None:
        super().__init__(reader)
        self._make = make
        self._made: list[T] = []

    def text(self) -> str:
        """Read the body as text; bytes that are none are replaced."""
        return self.read().decode(self.encoding, "replace")

    def parse(self) -> T:
        """Return what the method itself would have returned: a record, page, stream or binary answer; the same one each time.

        Raises:
            APIResponseValidationError: the body is not what the description promises.
        """
        if not self._made:
            self._made.append(run_now(self._make(self._reader)))
        return self._made[0]


class AsyncStreamingResponse(AsyncOpenAnswer, Generic[T]):
    """An answer whose body comes as it is read, in asyncio."""

    __slots__ = ("_made", "_make")

    def __init__(self, reader: BodyReader, make: Callable[[BodyReader], Coroutine[Any, Any, T]]) -> None:
        super().__init__(reader)
        self._make = make
        self._made: list[T] = []

    async def text(self) -> str:
        """Read the body as text; bytes that are none are replaced."""
        return (await self.read()).decode(self.encoding, "replace")

    async def json(self) -> object:
        """Read the body as JSON. Raises ValueError if it is none."""
        return decode(await self.read())

    async def parse(self) -> T:
        """Return what the method itself would have returned; see `StreamingResponse.parse`."""
        if not self._made:
            self._made.append(await self._make(self._reader))
        return self._made[0]


class StreamingOpening(Generic[T]):
    """A call that is made on entering a `with` block."""

    __slots__ = ("_answer", "_open")

    def __init__(self, open_answer: Callable[[], StreamingResponse[T]]) -> None:
        self._open = open_answer
        self._answer: StreamingResponse[T] | None = None

    def __enter__(self) -> StreamingResponse[T]:
        self._answer = self._open()
        return self._answer

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._answer is not None:
            self._answer.close()


class AsyncStreamingOpening(Generic[T]):
    """A call that is made on entering an `async with` block."""

    __slots__ = ("_answer", "_opening")

    def __init__(self, opening: Coroutine[Any, Any, AsyncStreamingResponse[T]]) -> None:
        self._opening = opening
        self._answer: AsyncStreamingResponse[T] | None = None

    async def __aenter__(self) -> AsyncStreamingResponse[T]:
        self._answer = await self._opening
        return self._answer

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._answer is not None:
            await self._answer.close()
