"""The frames of WebSocket (RFC 6455, 5): masking and writing them, and what stands in them. Reading them is left to `websocket`."""

from __future__ import annotations

from .base import ProtocolError

__all__ = [
    "ABNORMAL",
    "BAD_DATA",
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "FINAL",
    "MAX_CONTROL",
    "NO_CODE",
    "PING",
    "PONG",
    "PROTOCOL_ERROR",
    "RESERVED_1",
    "TEXT",
    "TOO_LARGE",
    "Closed",
    "Ping",
    "Pong",
    "WebSocketError",
    "check_close",
    "masked",
    "masked_frame",
    "read_close",
]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""Opcodes (RFC 6455, 5.2)."""

FINAL, RESERVED_1 = 0x80, 0x40
"""Bits of the first byte: the last frame of its message; by RFC 7692, 6 a message that is compressed."""

PROTOCOL_ERROR, NO_CODE, ABNORMAL, BAD_DATA, TOO_LARGE = 1002, 1005, 1006, 1007, 1009
"""Codes of a closing (RFC 6455, 7.4.1); 1005 and 1006 are never sent: no code was given, and nobody said goodbye."""

MAX_CONTROL = 125
"""Bytes that a control frame may carry (RFC 6455, 5.5)."""

_DEFINED = frozenset((1000, 1001, 1002, 1003, *range(1007, 1015)))
_LARGE = 6_000  # bytes from which on masking by tables is faster than by one large number
_BYTES = int.from_bytes(bytes(range(256)), "little")


class WebSocketError(ProtocolError):
    """The peer broke the rules of WebSocket; `code` is the one to close with."""

    def __init__(self, message: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code


class Ping:
    """The peer asked whether we are there; the machine has an answer ready."""

    __slots__ = ("payload",)

    def __init__(self, payload: bytes) -> None:
        self.payload = payload

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.payload!r})"

    def __eq__(self, other: object) -> bool:
        return self.payload == other.payload if isinstance(other, Ping) and type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equality by value of a mutable object


class Pong(Ping):
    """The peer is there."""

    __slots__ = ()


class Closed:
    """Nothing will follow. `code` and `reason` are the peer's; 1005 where it gave none, 1006 where it hung up without a word."""

    __slots__ = ("code", "reason")

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason

    def __repr__(self) -> str:
        return f"Closed({self.code}, {self.reason!r})"

    def __eq__(self, other: object) -> bool:
        return (self.code, self.reason) == (other.code, other.reason) if isinstance(other, Closed) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as its siblings


def masked(data: bytes, key: bytes) -> bytes | bytearray:
    """Return `data`, each byte combined with one of the four of the key (RFC 6455, 5.3)."""
    size = len(data)
    if size < _LARGE:
        pattern = (key * ((size >> 2) + 1))[:size]
        return (int.from_bytes(data, "little") ^ int.from_bytes(pattern, "little")).to_bytes(size, "little")
    result = bytearray(data)
    for place, part in enumerate(key):
        table = (_BYTES ^ int.from_bytes(bytes((part,)) * 256, "little")).to_bytes(256, "little")
        result[place::4] = result[place::4].translate(table)
    return result


def masked_frame(first: int, payload: bytes, key: bytes) -> bytes:
    """Return a frame of a client. `first` is its first byte: FINAL and other bits, and the opcode."""
    size = len(payload)
    if size < 126:
        head = b"%c%c%b" % (first, 0x80 | size, key)
    elif size < 65_536:
        head = b"%c\xfe%c%c%b" % (first, size >> 8, size & 255, key)
    else:
        head = b"%c\xff%b%b" % (first, size.to_bytes(8, "big"), key)
    return b"".join((head, masked(payload, key)))


def read_close(payload: bytes) -> Closed:
    """Return what the payload of a close frame says (RFC 6455, 5.5.1). Raises WebSocketError."""
    if not payload:
        return Closed(NO_CODE)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not _sendable(code):
        raise WebSocketError("a close frame without a valid code")
    try:
        return Closed(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise WebSocketError("the reason of a close frame is no UTF-8", BAD_DATA) from None


def check_close(code: int, reason: str) -> bytes:
    """Return the payload of a close frame. Raises ValueError: a code that nobody may send, or a reason of more than 123 bytes."""
    if not _sendable(code):
        raise ValueError(f"{code} is no code to close with: 1000 to 1003, 1007 to 1014 and 3000 to 4999 are")
    payload = code.to_bytes(2, "big") + reason.encode()
    if len(payload) > MAX_CONTROL:
        raise ValueError(f"the reason of a closing is at most {MAX_CONTROL - 2} bytes long")
    return payload


def _sendable(code: int) -> bool:
    return code in _DEFINED or 3000 <= code < 5000
