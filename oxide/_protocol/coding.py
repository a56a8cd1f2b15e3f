"""Content codings gzip and deflate (RFC 9110, 8.4.1): compressed pieces in, bounded pieces out.

A decoder inflates only what `take` asks for, so that a few kilobytes which stand for gigabytes cost their reader no more than it takes.
How much to take in all is left to that reader, as is the asking: `br` and `zstd` are not asked for and not known here.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .base import ProtocolError

if TYPE_CHECKING:
    from typing import Protocol

    class _Engine(Protocol):
        """What `zlib.decompressobj` gives; its own type has no public name."""

        @property
        def eof(self) -> bool: ...
        @property
        def unconsumed_tail(self) -> bytes: ...
        @property
        def unused_data(self) -> bytes: ...
        def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


__all__ = ["Decoder", "decoder_for"]

_GZIP, _ZLIB, _RAW = 31, 15, -15  # the window bits by which zlib tells its three wrappings apart
_WRAPPINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}  # RFC 9110, 8.4.1.3: x-gzip is gzip
_SLICE = 16384  # bytes handed to zlib at once: what it leaves over it copies, and that must not be all the input each time


def decoder_for(value: str | None) -> Decoder | None:
    """Return a new decoder for the value of a content-encoding field, None where the body is not encoded.

    Raises:
        ProtocolError: a coding that was not asked for.  That includes a coding of a coding, which nobody sends to save bytes.
    """
    if value is None:
        return None
    codings = [coding for item in value.lower().split(",") if (coding := item.strip(" \t")) not in ("", "identity")]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _WRAPPINGS:
        raise ProtocolError(f"a content coding that was not asked for: {value[:60]!r}")
    return Decoder(_WRAPPINGS[codings[0]])


class Decoder:
    """The decoder of one body: `receive` a piece, `take` until it gives b"", and so on; at the end `finish`.

    What waits to be decoded is the piece received last, whose size is its giver's to bound.  After a `ProtocolError` or a `RuntimeError`
    the decoder is of no more use.
    """

    __slots__ = ("_data", "_engine", "_failed", "_position", "_wrapping")

    def __init__(self, wrapping: int) -> None:
        self._wrapping = wrapping
        self._engine: _Engine | None = None  # the decompressor of the current member, from the first bytes on
        self._failed = False
        self._data = b""
        self._position = 0  # in `_data`: it is decoded up to there

    def receive(self, data: bytes) -> None:
        """Hand in the next compressed piece.

        Raises:
            RuntimeError: the piece before has not been taken to its end.
        """
        if self._failed or (self._engine and self._position < len(self._data)):
            raise self._misused("take what came before, until b'', before handing in more")
        if self._engine:
            self._data, self._position = data, 0
            return
        self._data += data  # one byte is kept at most: with two the wrapping is known
        if len(self._data) > 1:
            if self._wrapping == _ZLIB and not _is_zlib(self._data):
                self._wrapping = _RAW
            self._engine = _engine(self._wrapping)

    def take(self, limit: int = 65536) -> bytes:
        """Return decoded bytes, at most `limit`; b"" when more input is wanted.

        Raises:
            ProtocolError: the input is damaged, or goes on after its end.
            ValueError: the limit is less than 1.
        """
        if limit < 1:
            raise ValueError("a limit is at least 1")  # zlib would take 0 for no limit
        if self._failed:
            raise self._misused("nothing can be taken")
        engine = self._engine
        if engine is None:
            return b""
        while True:
            if engine.eof:
                if self._position == len(self._data):
                    return b""
                engine = self._next_member()
            piece = self._inflate(engine, limit)
            if piece or self._position == len(self._data):
                return piece

    def finish(self) -> None:
        """Check that the body has ended where its coding ends.  A body of no bytes is no error: it is what a HEAD or a 204 has.

        Raises:
            ProtocolError: it was cut short.
            RuntimeError: it has not been taken to its end.
        """
        engine = self._engine
        if self._failed or (engine and self._position < len(self._data)):
            raise self._misused("take what came before, until b'', before the end")
        if self._data if engine is None else not engine.eof:
            raise self._broken("the encoded body was cut short")

    def _inflate(self, engine: _Engine, limit: int) -> bytes:
        from zlib import error

        source = memoryview(self._data)[self._position : self._position + _SLICE]
        try:
            piece = engine.decompress(source, limit)
        except error as cause:
            raise self._broken(f"the encoded body is damaged: {cause}") from cause
        self._position += len(source) - len(engine.unused_data if engine.eof else engine.unconsumed_tail)
        return piece

    def _next_member(self) -> _Engine:
        """RFC 1952, 2.2: the members of a gzip file follow each other with nothing between or after them - no padding either."""
        if self._wrapping != _GZIP:
            raise self._broken("the encoded body goes on after its end")
        self._engine = _engine(_GZIP)
        return self._engine

    def _broken(self, message: str) -> ProtocolError:
        self._failed = True
        return ProtocolError(message)

    def _misused(self, message: str) -> RuntimeError:
        self._failed = True
        return RuntimeError(message)


def _engine(wrapping: int) -> _Engine:
    from zlib import decompressobj

    return decompressobj(wrapping)


def _is_zlib(start: bytes) -> bool:
    """Whether RFC 1950, 2.2 finds its header here; RFC 9110, 8.4.1.2 notes that some senders of "deflate" leave the wrapping out."""
    return start[0] & 15 == 8 and (start[0] << 8 | start[1]) % 31 == 0
