"""The body of an answer that is still coming: `BodyReader` takes it piece by piece, `download` writes it into a file.

Written once for both worlds. What cuts a body into pieces of a size, into text or into lines knows no network.
"""

from __future__ import annotations

import codecs
import os
import stat
from errno import EEXIST, EISDIR

from ._protocol.base import ProtocolError
from ._transport.incoming import TooLargeError
from ._typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from io import FileIO
    from typing import Any, TypeAlias

    from ._exchange import Answer, Exchange
    from ._operation import Operation

    Progress: TypeAlias = Callable[[int, "int | None"], object]
    OffLoop: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]

__all__ = ["BodyReader", "Lines", "Pieces", "Texts", "Whole", "call_here", "download", "open_body"]


T = TypeVar("T")


class Source(Protocol):
    """Gives the pieces of a body."""

    @property
    def received(self) -> int: ...
    @property
    def total(self) -> int | None: ...
    async def next_chunk(self) -> bytes | None: ...


class KeptBody:
    """A body that was read before."""

    __slots__ = ("_content", "received", "total")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.total: int | None = len(content)
        self.received = 0

    async def next_chunk(self) -> bytes | None:
        """Return all of it, and None after that."""
        if self.received == self.total:
            return None
        self.received = len(self._content)
        return self._content


BATCH = 1 << 20
"""Bytes that are gathered before they are written: in asyncio each writing is handed to a thread and back."""


class BodyReader:
    """The body of one answer, in the pieces that come.

    Args:
        answer: its head has come.
        limit: bytes of the largest body that is kept whole.
        content: the body, where it has been read already.
    """

    __slots__ = ("_content", "_limit", "_taken", "answer", "closed", "received")

    def __init__(self, answer: Answer, limit: int, content: bytes | None = None) -> None:
        self.answer = answer
        self._limit = limit
        self._content = content
        self._taken = False
        self.received = 0
        self.closed = content is not None  # nothing more is to come, or wanted

    @property
    def content(self) -> bytes | None:
        """The whole body, once it has been read."""
        return self._content

    @property
    def total(self) -> int | None:
        """Bytes of the whole body, where the service tells."""
        headers = self.answer.incoming.headers
        length = headers.get("content-length")
        return int(length) if length is not None and length.isdecimal() and "content-encoding" not in headers else None

    @property
    def limit(self) -> int:
        """Bytes of the largest body that is kept whole."""
        return self._limit

    def check(self) -> None:
        """Raise RuntimeError if the body is not here any more: what is left of it would not be the body."""
        if self._content is None:
            if self._taken:
                raise RuntimeError("The body is gone: it was taken in pieces, and only read() keeps it; or it broke off.")
            if self.closed:
                raise RuntimeError("The response was closed before its body was read.")

    def take(self) -> Source:
        """Return what gives the pieces of the body, this once; or any number of times of a body that is kept."""
        self.check()
        if self._content is not None:
            return KeptBody(self._content)
        self._taken = True
        return self

    async def next_chunk(self) -> bytes | None:
        """Return more of the body, at least a byte, or None at its end.

        Raises:
            APIConnectionError, APITimeoutError: the connection failed, or nothing came in time.
        """
        incoming = self.answer.incoming
        try:
            while (chunk := await incoming.next_chunk()) is not None:
                if chunk:
                    self.received += len(chunk)
                    return chunk
        except (OSError, ProtocolError) as cause:
            self.close()
            raise self.answer.failed(cause, ()) from cause
        except BaseException:
            self.close()
            raise
        self.closed = True
        return None

    async def read(self, progress: Progress | None = None) -> bytes:
        """Return the whole body, and keep it.

        Raises:
            APIResponseValidationError: it is larger than the client's `max_body`.
        """
        if self._content is None:
            self.take()
            try:
                self._content = b"".join(await self._chunks(progress))
            finally:
                self.close()  # also if `progress` raised: nobody can read on
        return self._content

    async def _chunks(self, progress: Progress | None) -> list[bytes]:
        chunks: list[bytes] = []
        while (chunk := await self.next_chunk()) is not None:
            if self.received > self._limit:
                raise self.answer.failed(TooLargeError(f"the body has more than {self._limit} bytes; see the option max_body"), ())
            chunks.append(chunk)
            if progress is not None:
                progress(self.received, self.total)
        return chunks

    def close(self) -> None:
        """Want no more of it: the connection is free at once. From any thread or task."""
        if not self.closed:
            self.closed = True
            self.answer.discard()


async def open_body(exchange: Exchange, operation: Operation[Any], given: dict[str, Any], events: bool = False) -> BodyReader:
    """Make a call; the head of its answer has come when this returns, the body is left to be read."""
    answer, _ = await exchange.send(operation.prepare(given, exchange.settings), whole=False, events=events)
    return BodyReader(answer, exchange.settings.max_body)


# --------------------------------------------------------------------------------------------------------- cutting
class Pieces:
    """Cuts a body anew, into pieces of `size` bytes; the last one may be shorter."""

    __slots__ = ("_kept", "_size")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"chunk_size must be at least 1, not {size}")
        self._size = size
        self._kept = bytearray()

    def receive(self, chunk: bytes) -> list[bytes]:
        """Return the pieces that are complete."""
        kept, size = self._kept, self._size
        kept += chunk
        whole = len(kept) - len(kept) % size
        pieces = [bytes(kept[at : at + size]) for at in range(0, whole, size)]
        del kept[:whole]
        return pieces

    def finish(self) -> list[bytes]:
        """Return what is left."""
        return [bytes(self._kept)] if self._kept else []


class Whole:
    """Leaves the pieces as they come."""

    __slots__ = ()

    def receive(self, chunk: bytes) -> list[bytes]:
        """Return the piece."""
        return [chunk]

    def finish(self) -> list[bytes]:
        """Return nothing."""
        return []


class Texts:
    """Makes text of bytes, in pieces as they come or of `size` characters; bytes that are no text are replaced."""

    __slots__ = ("_decoder", "_kept", "_size")

    def __init__(self, encoding: str, size: int | None = None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"chunk_size must be at least 1, not {size}")
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")  # a character whose bytes come apart is whole
        self._kept = ""
        self._size = size

    def receive(self, chunk: bytes) -> list[str]:
        """Return the pieces that are complete."""
        text, size = self._kept + self._decoder.decode(chunk), self._size
        if size is None:
            return [text] if text else []
        whole = len(text) - len(text) % size
        self._kept = text[whole:]
        return [text[at : at + size] for at in range(0, whole, size)]

    def finish(self) -> list[str]:
        """Return what is left."""
        rest = self._kept + self._decoder.decode(b"", True)
        size = self._size or len(rest) or 1
        return [rest[at : at + size] for at in range(0, len(rest), size)]


class Lines:
    """Makes lines of bytes, without their ends: LF, CR LF or CR. One that is longer than `limit` characters comes in parts."""

    __slots__ = ("_held", "_kept", "_limit", "_returned", "_texts")

    def __init__(self, encoding: str, limit: int) -> None:
        self._texts = Texts(encoding)
        self._held = 0  # characters of them: to count them anew for each part would take ever longer
        self._limit = limit
        self._kept: list[str] = []  # the parts of a line that has not ended
        self._returned = False  # the last character was a CR: an LF after it belongs to the same end

    def receive(self, chunk: bytes) -> list[str]:
        """Return the lines that are complete."""
        return self._cut("".join(self._texts.receive(chunk)))

    def finish(self) -> list[str]:
        """Return the last line, if nothing ended it."""
        lines = self._cut("".join(self._texts.finish()))
        return [*lines, "".join(self._kept)] if self._kept else lines

    def _cut(self, text: str) -> list[str]:
        if self._returned and text:
            text = text.removeprefix("\n")
            self._returned = False
        self._returned = self._returned or text.endswith("\r")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        rest = lines.pop()
        if lines:
            lines[0] = self._line() + lines[0]
        if rest:
            self._kept.append(rest)
            self._held += len(rest)
            if self._held > self._limit:
                lines.append(self._line())
        return lines

    def _line(self) -> str:
        line = "".join(self._kept)
        self._kept.clear()
        self._held = 0
        return line


# ----------------------------------------------------------------------------------------------------------- files
class PartialFile:
    """A file that has its name only when it is complete: until then it has another one, in the same directory."""

    __slots__ = ("_file", "_path", "_target")

    def __init__(self, target: str) -> None:
        self._target = target
        self._path = ""
        self._file: FileIO | None = None

    def open(self) -> None:
        """Make the file.

        Raises:
            IsADirectoryError, FileNotFoundError, PermissionError: no file can be made there.
            FileExistsError: the target is a link or no plain file, and would be replaced rather than written to.
        """
        mode = _check_target(self._target)
        path = os.path.join(os.path.dirname(self._target), f".oxide-{os.urandom(6).hex()}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(path, flags, mode), "wb", buffering=0)
        self._path = path

    def write(self, chunks: list[bytes]) -> None:
        """Add to the file."""
        if self._file is not None:
            rest = memoryview(b"".join(chunks))
            while rest:
                rest = rest[self._file.write(rest) :]

    def finish(self) -> None:
        """Give the file its name; one that had it before is replaced."""
        if self._file is not None:
            self._file.close()
            os.replace(self._path, self._target)
            self._path = ""

    def discard(self) -> None:
        """Leave nothing behind, unless the file has its name already."""
        try:
            if self._file is not None:
                self._file.close()
        finally:
            if self._path and os.path.lexists(self._path):  # or its directory is gone, and that is not what went wrong
                os.unlink(self._path)


def _check_target(target: str) -> int:
    """Return the mode for the file, from which the umask is taken: that of the file in its place, so that nobody else can read it then."""
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        directory = os.path.dirname(target) or os.curdir
        if not os.path.isdir(directory):
            raise FileNotFoundError(2, "no such directory to write a file into", directory) from None
        if not os.path.basename(target):
            raise IsADirectoryError(EISDIR, "the name of a file is wanted, this one is of a directory", target) from None
        return 0o666  # as `open` has it
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(EISDIR, "the name of a file is wanted, this one is of a directory", target)
    if stat.S_ISLNK(mode):
        raise FileExistsError(EEXIST, "a symbolic link is not written through; pass os.path.realpath(path)", target)
    if not stat.S_ISREG(mode):
        raise FileExistsError(EEXIST, "this is no plain file and would be replaced; write the pieces of iter_bytes() to it", target)
    return mode & 0o777


async def call_here(function: Callable[..., T], *args: Any) -> T:
    """Call a function, blocking."""
    return function(*args)


async def download(reader: BodyReader, target: str, off_loop: OffLoop, progress: Progress | None, size: int | None) -> None:
    """Write a body into a file, which appears under its name when it is complete.

    Args:
        off_loop: calls a function where it may wait for a disk, and returns when that has ended, even if cancelled.
        progress: told bytes so far and in all.
        size: bytes to be gathered for each writing.
    """
    if size is not None and size < 1:
        raise ValueError(f"chunk_size must be at least 1, not {size}")
    reader.check()
    file = PartialFile(target)
    try:
        await off_loop(file.open)  # what is wrong with the target is told before anything is taken of the body
        source = reader.take()
    except BaseException:
        file.discard()
        raise
    try:
        await _fill(source, file, off_loop, progress, size or BATCH)
        await off_loop(file.finish)
    except BaseException:
        reader.close()
        file.discard()
        raise


async def _fill(source: Source, file: PartialFile, off_loop: OffLoop, progress: Progress | None, size: int) -> None:
    batch: list[bytes] = []
    held = 0
    while (chunk := await source.next_chunk()) is not None:
        batch.append(chunk)
        held += len(chunk)
        if held >= size:
            await off_loop(file.write, batch)
            batch, held = [], 0
        if progress is not None:
            progress(source.received, source.total)
    await off_loop(file.write, batch)
