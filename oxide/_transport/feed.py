"""How a form goes out: read where that may wait, joined where pieces are small, held to its length, closed in every ending."""

from __future__ import annotations

from collections.abc import AsyncIterable

from .._errors import UploadError
from .._protocol.multipart import Multipart
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from .._protocol.multipart import Content, Source
    from .course import Pieces

    OffLoop: TypeAlias = Callable[[Callable[[], bytes]], Awaitable[bytes]]
    Told: TypeAlias = tuple[Callable[[int, int | None], object], int, int | None]

__all__ = ["Feed", "fed", "release"]

JOIN = 65_536
"""Bytes below which neighbours are joined, so that many small pieces cost one write."""


def fed(body: Pieces | Multipart, off_loop: OffLoop | None) -> Pieces:
    """Return the pieces of a body that is not bytes.

    Args:
        off_loop: calls a function where it may wait, and returns its result; None in the blocking world, which waits itself.

    Raises:
        TypeError: the blocking world cannot await; nothing has been sent yet.
    """
    if isinstance(body, Multipart):
        awaited = next((content.label for content in body.contents if content.asynchronous), None)
    else:
        awaited = "the body" if isinstance(body, AsyncIterable) else None
    if awaited is not None and off_loop is None:
        raise TypeError(f"{awaited} is an async iterator, which only the asyncio client can await; use AsyncClient or a plain iterator")
    return Feed(body, off_loop or _at_once) if isinstance(body, Multipart) else body


async def _at_once(function: Callable[[], bytes]) -> bytes:
    return function()


def release(body: object) -> None:
    """A body has been sent, or will not be any further: let go of what it has open."""
    if isinstance(body, Feed):
        body.close()


class Feed:
    """The pieces of a form, as often as it can be sent; one after the other."""

    __slots__ = ("_form", "_latest", "_off_loop")

    def __init__(self, form: Multipart, off_loop: OffLoop) -> None:
        self._form = form
        self._off_loop = off_loop
        self._latest: Feeding | None = None

    def __aiter__(self) -> Feeding:
        self.close()
        self._latest = feeding = Feeding(self._form, self._off_loop)
        return feeding

    def close(self) -> None:
        """Let go of what is open."""
        if self._latest is not None:
            self._latest.close()


class Feeding:
    """One sending of a form.  Who asks for a piece has sent the one before: that is when progress is told."""

    __slots__ = ("_content", "_given", "_off_loop", "_segments", "_source", "_told")

    def __init__(self, form: Multipart, off_loop: OffLoop) -> None:
        self._segments = form.segments()
        self._off_loop = off_loop
        self._content: Content | None = None
        self._source: Source | None = None
        self._given = 0  # bytes of this content
        self._told: list[Told] = []  # when the present piece has gone out

    def __aiter__(self) -> Feeding:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece.

        Raises:
            UploadError: a content cannot be read, or is not as long as it was.
        """
        self._tell()
        joined = bytearray()
        while len(joined) < JOIN:
            chunk = await self._next()
            if chunk is None:
                break
            if not joined and len(chunk) >= JOIN:
                return chunk
            joined += chunk
        if not joined:
            raise StopAsyncIteration
        return bytes(joined)

    def _tell(self) -> None:
        told, self._told = self._told, []
        for progress, sent, total in told:
            progress(sent, total)

    async def _next(self) -> bytes | None:
        """Return more of the body, b"" between two contents, None at its end."""
        content, source = self._content, self._source
        if content is None or source is None:
            segment = next(self._segments, None)
            if segment is None or isinstance(segment, bytes):
                return segment
            content, source = self._content, self._source = segment, segment.open()
            self._given = 0
        chunk = await self._read(content, source)
        self._given += len(chunk)
        _check_length(content, self._given, ended=not chunk)
        if not chunk:
            self.close()
        elif content.progress is not None:
            self._told.append((content.progress, self._given, content.length))
        return chunk

    async def _read(self, content: Content, source: Source) -> bytes:
        try:
            if content.asynchronous:
                return await source.receive()
            return await self._off_loop(source.read) if content.waits else source.read()
        except OSError as error:  # none of the connection: it must not be judged, or tried again, as one
            raise UploadError(f"{content.label} cannot be read: {error}") from error

    def close(self) -> None:
        """Let go of what is open."""
        source, self._source, self._content = self._source, None, None
        if source is not None:
            source.close()


def _check_length(content: Content, given: int, ended: bool) -> None:
    known = content.length
    if known is None or (given == known if ended else given <= known):
        return
    change = "shorter" if given < known else "longer"
    raise UploadError(
        f"{content.label} has become {change} while it was sent: it had {known} bytes; send it again when nobody writes to it"
    )
