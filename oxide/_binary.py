"""Answers that are files: `BinaryResponse` and `AsyncBinaryResponse`. The method that returns one returns when its head is here.

The body stays where it is until somebody reads it, walks it, or has it written into a file.
"""

from __future__ import annotations

import codecs
import os

from ._body import Lines, Pieces, Texts, Whole, call_here, download
from ._json import decode
from ._raw import AnswerFacts
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from ._body import BodyReader, Progress
    from ._info import HttpInfo
    from ._operation import Request

__all__ = ["AsyncBinaryResponse", "AsyncOpenAnswer", "BinaryResponse", "OpenAnswer"]

C = TypeVar("C")


class Cutter(Protocol[C]):
    """Makes other pieces of the pieces of a body."""

    def receive(self, chunk: bytes) -> list[C]: ...
    def finish(self) -> list[C]: ...


class _AnyAnswer(AnswerFacts):
    """What an answer with its body still to be read has in both worlds."""

    __slots__ = ("__weakref__", "_reader")

    def __init__(self, reader: BodyReader) -> None:
        self._reader = reader

    @property
    def http(self) -> HttpInfo:
        """Attempts, timings, rate limits."""
        return self._reader.answer.http()

    @property
    def request(self) -> Request:
        """What was asked, without its secrets."""
        return self._reader.answer.request

    @property
    def is_closed(self) -> bool:
        """Whether nothing more of the body is to come."""
        return self._reader.closed

    @property
    def encoding(self) -> str:
        """How the body is made text: what the Content-Type says, else UTF-8."""
        name = (self.headers.get("content-type") or "").partition("charset=")[2].partition(";")[0].strip(" \"'")
        try:
            b"\xff\xff".decode(name or "utf-8", "replace")  # some names are of no text (zlib), some codecs replace nothing (idna)
            return codecs.lookup(name or "utf-8").name
        except (LookupError, UnicodeError):
            return "utf-8"

    def _pieces(self, size: int | None) -> Cutter[bytes]:
        return Whole() if size is None else Pieces(size)

    def _lines(self) -> Cutter[str]:
        return Lines(self.encoding, self._reader.limit)

    def __repr__(self) -> str:
        reader = self._reader
        state = "read" if reader.content is not None else "closed" if reader.closed else "open"
        return f"<{type(self).__name__} {self.status_code} to {self.request.method} {self.request.place}, {state}>"


class OpenAnswer(_AnyAnswer):
    """An answer whose body comes as it is read: a context manager, which frees the connection at its end."""

    __slots__ = ()

    def read(self, *, progress: Progress | None = None) -> bytes:
        """Read the whole body, and keep it.

        Args:
            progress: called with the bytes that have come and those to come in all, None where that is not known.

        Raises:
            APIConnectionError, APITimeoutError: the connection failed, or nothing came in time.
            APIResponseValidationError: the body is larger than the client's `max_body`.
            RuntimeError: it was taken in pieces, or closed.
        """
        return run_now(self._reader.read(progress))

    def json(self) -> object:
        """Read the body as JSON. Raises ValueError if it is none."""
        return decode(self.read())

    def iter_bytes(self, chunk_size: int | None = None, *, progress: Progress | None = None) -> Iterator[bytes]:
        """Walk the body as it comes, in pieces of `chunk_size` bytes if that is given. What is walked is not kept."""
        return _walked(self._reader, self._pieces(chunk_size), progress)

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Walk the body as text."""
        return _walked(self._reader, Texts(self.encoding, chunk_size), None)

    def iter_lines(self) -> Iterator[str]:
        """Walk the lines of the body, without their ends."""
        return _walked(self._reader, self._lines(), None)

    def stream_to_file(
        self, file: str | bytes | os.PathLike[str] | os.PathLike[bytes], *, chunk_size: int | None = None, progress: Progress | None = None
    ) -> None:
        """Write the body into a file as it comes. The file has its name only once it is complete; one that had the name is replaced.

        Args:
            file: the path.
            chunk_size: bytes to gather for each writing; 1 MiB if left out.
            progress: called with the bytes that have come and those to come in all, None where that is not known.

        Raises:
            IsADirectoryError, FileNotFoundError, FileExistsError: no plain file can be there; the body can still be read.
            APIConnectionError, APITimeoutError: the connection failed, or nothing came in time.
        """
        run_now(download(self._reader, os.fsdecode(file), call_here, progress, chunk_size))

    write_to_file = stream_to_file

    def close(self) -> None:
        """Want no more of the body: the connection is free at once; from any thread."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class BinaryResponse(OpenAnswer):
    """An answer that is a file: its head has come, its body comes as it is read.

    Dropping it, `close`, and the end of `with` free its connection.
    """

    __slots__ = ()

    @property
    def content(self) -> bytes:
        """The whole body, read at the first use; see `read`."""
        return self.read()

    @property
    def text(self) -> str:
        """The whole body as text; bytes that are none are replaced."""
        return self.read().decode(self.encoding, "replace")


class AsyncOpenAnswer(_AnyAnswer):
    """An answer whose body comes as it is read: an asynchronous context manager, which frees the connection at its end."""

    __slots__ = ()

    async def read(self, *, progress: Progress | None = None) -> bytes:
        """Read the whole body, and keep it; see `OpenAnswer.read`."""
        return await self._reader.read(progress)

    def iter_bytes(self, chunk_size: int | None = None, *, progress: Progress | None = None) -> AsyncIterator[bytes]:
        """Walk the body as it comes, in pieces of `chunk_size` bytes if that is given. What is walked is not kept."""
        return _awaited(self._reader, self._pieces(chunk_size), progress)

    def iter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Walk the body as text."""
        return _awaited(self._reader, Texts(self.encoding, chunk_size), None)

    def iter_lines(self) -> AsyncIterator[str]:
        """Walk the lines of the body, without their ends."""
        return _awaited(self._reader, self._lines(), None)

    async def stream_to_file(
        self, file: str | bytes | os.PathLike[str] | os.PathLike[bytes], *, chunk_size: int | None = None, progress: Progress | None = None
    ) -> None:
        """Write the body into a file as it comes, in a thread, so that the loop goes on; see `OpenAnswer.stream_to_file`."""
        from ._transport.threads import call_in_thread

        await download(self._reader, os.fsdecode(file), call_in_thread, progress, chunk_size)

    write_to_file = stream_to_file

    async def close(self) -> None:
        """Want no more of the body: the connection is free at once; from any task."""
        self._reader.close()

    aread = read
    aiter_bytes = iter_bytes
    aiter_text = iter_text
    aiter_lines = iter_lines
    astream_to_file = stream_to_file
    awrite_to_file = stream_to_file
    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._reader.close()


class AsyncBinaryResponse(AsyncOpenAnswer):
    """An answer that is a file: its head has come, its body comes as it is read.

    `content`, `text` and `json` tell of a body that `await read()` has read.  Dropping it, `close`, and the end of `async with` free its
    connection.
    """

    __slots__ = ()

    @property
    def content(self) -> bytes:
        """The whole body. Raises RuntimeError unless it was read: nothing can be awaited here."""
        if (content := self._reader.content) is None:
            raise RuntimeError("The body has not been read: `await response.read()` first; that returns it as well.")
        return content

    @property
    def text(self) -> str:
        """The whole body as text, once it was read; bytes that are none are replaced."""
        return self.content.decode(self.encoding, "replace")

    def json(self) -> object:
        """The whole body as JSON, once it was read. Raises ValueError if it is none."""
        return decode(self.content)


def _walked(reader: BodyReader, cutter: Cutter[C], progress: Progress | None) -> Iterator[C]:
    source = reader.take()
    try:
        while (chunk := run_now(source.next_chunk())) is not None:
            if progress is not None:
                progress(source.received, source.total)
            yield from cutter.receive(chunk)
        yield from cutter.finish()
    finally:
        reader.close()  # whoever leaves the walk cannot take it up again


async def _awaited(reader: BodyReader, cutter: Cutter[C], progress: Progress | None) -> AsyncIterator[C]:
    source = reader.take()
    try:
        while (chunk := await source.next_chunk()) is not None:
            if progress is not None:
                progress(source.received, source.total)
            for piece in cutter.receive(chunk):
                yield piece
        for piece in cutter.finish():
            yield piece
    finally:
        reader.close()  # whoever leaves the walk cannot take it up again
