"""What may be passed as a file, and how it is read: nothing is held in memory that is not there already.

`File` says what cannot be seen from a file itself (its name, its type) and who is told how far it is.  Where a form goes, and how, is
for `_forms.py` and `_transport/feed.py`.
"""

from __future__ import annotations

import io
import os
import stat
from errno import EISDIR

from ._deprecated import COROUTINE
from ._protocol.multipart import Part
from ._typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
    from typing import IO, TypeAlias

    from ._protocol.multipart import Content

    Progress: TypeAlias = Callable[[int, int | None], object]

__all__ = ["File", "file_from_path", "is_file", "part_of"]

PIECE = 131_072
"""Bytes that are read at once: a system call and, in asyncio, a thread's turn each."""

SMALL = 65_536
"""Bytes that are sent as they are, together with the fields around them."""

JOIN = 65_536
"""Bytes to gather from an iterator that gives less at a time."""


class File:
    """A file to be sent, with what cannot be seen from its content.

    Args:
        content: bytes, a path, an open binary file, or an iterator of bytes (for AsyncClient also an async one).
        name: as the service sees it; left out, the file's own name or "upload".
        type: its media type; left out, guessed from the name.
        headers: more header fields of its part of the form.
        progress: called with the bytes of this file that have gone out and with their total, None where nobody knows it. What it raises
            ends the call (an OSError as UploadError); a retry begins at 0 again.

    Raises:
        TypeError: the content can be no file; a str is neither a path nor a content.
    """

    __slots__ = ("content", "headers", "name", "progress", "type")

    def __init__(
        self,
        content: FileContent | Iterable[bytes] | AsyncIterable[bytes],
        name: str | None = None,
        type: str | None = None,  # noqa: A002 - the word of the API
        *,
        headers: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        check_content("content", content)
        self.content = content
        self.name = name_of(content) if name is None else name
        self.type = type
        self.headers = headers or {}
        self.progress = progress

    def __repr__(self) -> str:
        return f"<File {self.name!r}>"


if TYPE_CHECKING:
    # What methods take: the asyncio ones what can be awaited, too. Alone an iterable must be an iterator: a list holds several files.
    FileContent: TypeAlias = bytes | bytearray | memoryview | os.PathLike[str] | IO[bytes] | Iterator[bytes]
    NamedContent: TypeAlias = FileContent | Iterable[bytes] | str
    AnyContent: TypeAlias = NamedContent | AsyncIterable[bytes]
    FileTypes: TypeAlias = (
        File
        | FileContent
        | tuple[str | None, NamedContent]
        | tuple[str | None, NamedContent, str | None]
        | tuple[str | None, NamedContent, str | None, Mapping[str, str]]
    )
    AsyncFileTypes: TypeAlias = (
        FileTypes
        | AsyncIterable[bytes]
        | tuple[str | None, AnyContent]
        | tuple[str | None, AnyContent, str | None]
        | tuple[str | None, AnyContent, str | None, Mapping[str, str]]
    )


def file_from_path(path: str | os.PathLike[str], *, progress: Progress | None = None) -> File:
    """Return the file at a path, to be read when it is sent. Raises TypeError for what is no path."""
    return File(_Path(os.fspath(path)), progress=progress)


class _Path:
    """A path given as a str: what `pathlib.Path` would say, without loading it."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return self._path


# ------------------------------------------------------------------------------------------------------- what is given
def is_file(value: object) -> bool:
    """Whether a value is one file, rather than none, several, or an object by its fields."""
    return not (value is None or isinstance(value, (dict, list)) or hasattr(value, "__dataclass_fields__") or hasattr(value, "keys"))


def part_of(field: str, value: object) -> Part:
    """Return the part of a form that sends a file.

    Args:
        field: the name of the field.
        value: what the caller gave.

    Raises:
        TypeError: it can be no file.
        OSError: it is a path at which there is none.
        ValueError: its name or a header cannot be sent.
    """
    name, content, kind, headers, progress = _facts(field, value)
    label = f"{field} ({name!r})" if name else field
    if isinstance(content, str):
        content = content.encode()
    elif type(content) is io.BytesIO:
        content = content.getvalue()  # shared with it, as long as nobody writes to it
    if isinstance(content, bytes) and len(content) <= SMALL and progress is None:
        sent: bytes | Content = content
    else:
        sent = _opened_later(content, label, progress)
    return Part(field, sent, filename=name or None, content_type=kind or guess_type(name), headers=[*headers.items()])


def _facts(field: str, value: object) -> tuple[str | None, Any, str | None, Mapping[str, str], Progress | None]:
    """Return name, content, type, headers and progress."""
    if isinstance(value, File):
        return value.name, value.content, value.type, value.headers, value.progress
    if not isinstance(value, tuple):
        check_content(field, value)
        return name_of(value), value, None, {}, None
    given = cast("tuple[Any, ...]", value)  # type: ignore[redundant-cast]  # of whatever the caller put in; pyright sees no items
    if not 2 <= len(given) <= 4 or not isinstance(given[0], (str, type(None))):
        raise TypeError(f"{field}: a tuple is (name, content), (name, content, type) or (name, content, type, headers)")
    name, content, kind, headers = (*given, None, None)[:4]
    if isinstance(content, File):
        raise TypeError(f"{field}: a File has a name of its own; pass it without a tuple")
    if not isinstance(content, str):  # here it cannot be mistaken for a path
        check_content(field, content)
    return name, content, kind, headers or {}, None


def check_content(field: str, value: object) -> None:
    """Raise TypeError, saying what to do, for what can be no file."""
    if isinstance(value, (bytes, bytearray, memoryview, os.PathLike)):
        return
    if isinstance(value, str):
        raise TypeError(f"{field} is a str, which may be a path or a content: pass pathlib.Path(...), an open file, or bytes")
    if isinstance(value, io.TextIOBase):
        raise TypeError(f'{field} is a text file: open it in binary mode, open(path, "rb"), or pass bytes')
    read: Any = getattr(value, "read", None)
    if callable(read) and not hasattr(value, "__aiter__"):
        if getattr(getattr(read, "__code__", None), "co_flags", 0) & COROUTINE:
            raise TypeError(f"{field}: its read() is a coroutine; pass the file behind it (of a web framework's upload: upload.file)")
        return
    kind = type(value)
    if issubclass(kind, dict) or not any(hasattr(value, name) for name in ("__aiter__", "__iter__", "__next__")):
        raise TypeError(
            f"{field} is of type {kind.__name__}: "
            "a file is bytes, a path, an open binary file, an iterator of bytes, a tuple (name, content) or oxide.File"
        )


def name_of(value: object) -> str:
    """Return the file name that the service sees: a file's own, or "upload"."""
    name: Any = os.fspath(cast("os.PathLike[str]", value)) if isinstance(value, os.PathLike) else getattr(value, "name", "upload")
    text = os.fsdecode(name) if isinstance(name, bytes) else str(name)  # a number, of a file that was opened by its descriptor
    return os.path.basename(text.rstrip(os.sep))


def guess_type(name: str | None) -> str | None:
    """Return the media type that a name suggests; None where there is no name."""
    if not name:
        return None
    if "." not in name:
        return "application/octet-stream"
    from mimetypes import guess_type as guess  # 10 ms, and only some uploads need it

    return guess(name)[0] or "application/octet-stream"


# --------------------------------------------------------------------------------------------------------- how it is read
def _opened_later(content: Any, label: str, progress: Progress | None) -> Content:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return _Bytes(memoryview(content).cast("B"), label, progress)  # pyright: ignore[reportUnknownArgumentType]  # bytes, by then
    if isinstance(content, os.PathLike):
        return _AtPath(os.fspath(cast("os.PathLike[str]", content)), label, progress)  # or of bytes: both can be opened
    if hasattr(content, "__aiter__"):
        return _AsyncPieces(content, label, progress)
    if hasattr(content, "read"):
        return _OpenFile(content, label, progress)
    return _SyncPieces(content, label, progress)


class _Content:
    """What all contents have in common, opened or not; see `Content` and `Source`."""

    __slots__ = ("asynchronous", "label", "length", "progress", "replayable", "shared", "waits")

    def __init__(self, label: str, progress: Progress | None, length: int | None, replayable: bool) -> None:
        self.label = label
        self.progress: Progress | None = progress
        self.length = length
        self.replayable = replayable
        self.shared = False
        self.waits = True
        self.asynchronous = False

    async def receive(self) -> bytes:
        return self.read()

    def read(self) -> bytes:
        raise RuntimeError("this content is to be awaited")

    def close(self) -> None:
        return


class _Bytes(_Content):
    """Bytes in memory, cut so that their progress can be told and no copy of them all is made."""

    __slots__ = ("_at", "_view")

    def __init__(self, view: memoryview, label: str, progress: Progress | None) -> None:
        super().__init__(label, progress, len(view), True)
        self.waits = False
        self._view = view
        self._at = 0

    def open(self) -> _Bytes:
        return _Bytes(self._view, self.label, self.progress)

    def read(self) -> bytes:
        at, self._at = self._at, self._at + PIECE
        return bytes(self._view[at : self._at])


class _AtPath(_Content):
    """A file of the disk: opened for each sending, and closed after it."""

    __slots__ = ("_file", "_path")

    def __init__(self, path: str, label: str, progress: Progress | None, found: os.stat_result | None = None) -> None:
        found = os.stat(path) if found is None else found
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(EISDIR, "a directory cannot be sent as a file", path)
        regular = stat.S_ISREG(found.st_mode)
        super().__init__(label, progress, found.st_size if regular else None, regular)  # a pipe has no length, and one reading
        self._path = path
        self._file: io.FileIO | None = None

    def open(self) -> _AtPath:
        opened = object.__new__(_AtPath)
        _Content.__init__(opened, self.label, self.progress, self.length, self.replayable)
        opened._path, opened._file = self._path, None
        return opened

    def read(self) -> bytes:
        if self._file is None:  # only now, where it may wait
            self._file = io.FileIO(self._path)
        return self._file.read(PIECE)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _OpenFile(_Content):
    """A file that the caller has opened, and will close: sent whole, from its beginning, if it has one to go back to."""

    __slots__ = ("_file",)

    def __init__(self, file: Any, label: str, progress: Progress | None) -> None:
        self._file = file
        super().__init__(label, progress, *_measured(file))
        self.shared = True  # it is at one place at a time

    def open(self) -> _OpenFile:
        if self.replayable:
            self._file.seek(0)
        return self

    def read(self) -> bytes:
        return checked(self.label, self._file.read(PIECE))


def _measured(file: Any) -> tuple[int | None, bool]:
    """Return the length of an open file, None where it has no end to go to, and whether it can be rewound."""
    try:
        if hasattr(file, "seekable") and not file.seekable():
            return None, False
        file.seek(0)
    except (AttributeError, OSError):
        return None, False
    try:
        file.seek(0, os.SEEK_END)
        length = int(file.tell())
    except (AttributeError, OSError, ValueError):  # a file that is decompressed as it is read has no end yet
        length = None
    file.seek(0)
    return length, True


class _SyncPieces(_Content):
    """An iterable of bytes; of a list or tuple alone it is known that it gives them again."""

    __slots__ = ("_iterator", "_pieces")

    def __init__(self, pieces: Iterable[bytes], label: str, progress: Progress | None) -> None:
        super().__init__(label, progress, None, isinstance(pieces, (list, tuple)))
        self._pieces = pieces
        self._iterator: Iterator[bytes] = iter(())

    def open(self) -> _SyncPieces:
        opened = _SyncPieces(self._pieces, self.label, self.progress)
        opened._iterator = iter(self._pieces)
        return opened

    def read(self) -> bytes:
        joined = bytearray()
        for piece in self._iterator:
            data = checked(self.label, piece)
            if not joined and len(data) >= JOIN:
                return data
            joined += data
            if len(joined) >= JOIN:
                break
        return bytes(joined)


class _AsyncPieces(_Content):
    """An async iterable of bytes."""

    __slots__ = ("_iterator", "_pieces")

    def __init__(self, pieces: AsyncIterable[bytes], label: str, progress: Progress | None) -> None:
        super().__init__(label, progress, None, False)
        self.asynchronous = True
        self._pieces = pieces
        self._iterator: AsyncIterator[bytes] | None = None

    def open(self) -> _AsyncPieces:
        self._iterator = aiter(self._pieces)
        return self

    async def receive(self) -> bytes:
        if self._iterator is None:
            return b""
        while (piece := await anext(self._iterator, None)) is not None:
            if data := checked(self.label, piece):
                return data
        return b""


def checked(label: str, piece: object) -> bytes:
    """Return a piece as bytes. Raises TypeError for what is none."""
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, (bytearray, memoryview)):
        return bytes(cast("bytearray", piece))
    raise TypeError(
        f"{label} gives pieces of type {type(piece).__name__}, not bytes{'; open it in binary mode' if isinstance(piece, str) else ''}"
    )
