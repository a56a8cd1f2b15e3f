"""HTTP/2 frames (RFC 9113, 4): bytes in, whole frames out; and the two frames that the connection writes itself.

What a frame means is left to the connection.  A field block that was sent in several frames (6.10) comes as one piece, since nothing may
stand between them.
"""

from __future__ import annotations

from struct import Struct

from .._typing import TYPE_CHECKING
from .base import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FrameReader", "write_goaway", "write_window_update"]

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
MAX_FRAME = 16_384  # the least a peer may be allowed, and what it is allowed when nothing else is announced
MAX_FRAGMENTS = 32  # frames of one field block
MASK = 2**31 - 1  # the first bit of a stream id is reserved (4.1)

_read_head = Struct(">BHBBL").unpack_from
_write_window_update = Struct(">BHBBLL").pack
_write_goaway = Struct(">BHBBLLL").pack


def write_window_update(stream_id: int, n: int) -> bytes:
    """Return the frame that allows the peer `n` bytes more (6.9)."""
    return _write_window_update(0, 4, WINDOW_UPDATE, 0, stream_id, n)


def write_goaway(code: int) -> bytes:
    """Return the frame that says goodbye; a client has no streams of the peer to finish (6.8)."""
    return _write_goaway(0, 8, GOAWAY, 0, 0, 0, code)


class FrameReader:
    """Cuts what was received into frames.

    Args:
        max_block: bytes of one field block that comes in several frames.
    """

    __slots__ = ("_block", "_fragments", "_greeted", "_max_block", "_need", "_rest")

    def __init__(self, max_block: int) -> None:
        self._max_block = max_block
        self._rest = bytearray()  # the beginning of a frame
        self._need = 9  # how long it must become before it is looked at again
        self._block = bytearray()  # the frames of a field block that has not ended
        self._fragments = 0
        self._greeted = False  # the peer's SETTINGS have come

    def receive(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield type, flags, stream id and all bytes of every frame that `data` completes; to be read to its end.

        Raises:
            ProtocolError: a frame is too long, or not allowed where it stands.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest.clear()
        start, size, self._need = 0, len(data), 9
        while size - start >= 9:
            high, low, kind, flags, stream_id = _read_head(data, start)
            length = high << 16 | low
            if length > MAX_FRAME:
                raise ProtocolError(f"a frame of {length} bytes where {MAX_FRAME} are allowed")
            end = start + 9 + length
            if end > size:
                self._need = 9 + length
                break
            frame = data[start:end]
            start = end
            if kind > HEADERS or self._block or not self._greeted or not (kind == DATA or flags & END_HEADERS):
                whole = self._place(kind, flags, stream_id & MASK, frame)
                if whole is not None:
                    yield whole
            else:
                yield kind, flags, stream_id & MASK, frame
        if start < size:
            self._rest += data[start:]

    def _place(self, kind: int, flags: int, stream_id: int, frame: bytes) -> tuple[int, int, int, bytes] | None:
        """Check that the frame may stand here, and return it, unless a field block goes on."""
        if not self._greeted:
            if kind != SETTINGS or flags & ACK:
                raise ProtocolError("the peer does not begin with its settings (RFC 9113, 3.4)")
            self._greeted = True
        if kind == CONTINUATION:
            return self._continue(flags, stream_id, frame)
        if self._block:
            raise ProtocolError("another frame within a field block")
        if kind == PUSH_PROMISE:
            raise ProtocolError("a push, which our settings forbid (8.4)")
        if kind == HEADERS and not flags & END_HEADERS:
            self._block += frame
            self._fragments = 1
            return None
        return kind, flags, stream_id, frame

    def _continue(self, flags: int, stream_id: int, frame: bytes) -> tuple[int, int, int, bytes] | None:
        block = self._block
        if not block or stream_id != int.from_bytes(block[5:9], "big") & MASK:
            raise ProtocolError("a continuation without a beginning")
        block += frame
        self._fragments += 1
        if len(block) > self._max_block or self._fragments > MAX_FRAGMENTS:
            raise ProtocolError("a field block over the limit")
        if not flags & END_HEADERS:
            return None
        self._block = bytearray()
        return HEADERS, block[4], stream_id, bytes(block)
