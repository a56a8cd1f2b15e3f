"""Compression of WebSocket messages (RFC 7692, permessage-deflate): what is offered, what the server made of it, and the coder."""

from __future__ import annotations

import zlib

from .._typing import TYPE_CHECKING
from .websocket_frames import BAD_DATA, TOO_LARGE, WebSocketError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Inflater(Protocol):
        """What `zlib.decompressobj` returns, as far as it is used here."""

        @property
        def eof(self) -> bool: ...
        @property
        def unused_data(self) -> bytes: ...
        def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


__all__ = ["OFFER", "Deflate", "agreed"]

OFFER = "permessage-deflate; client_max_window_bits"
_TAIL = b"\0\0\xff\xff"  # RFC 7692, 7.2.1: every message would end with it, so that it is left out
_MAX_FINAL = 16  # final blocks of one message: what comes behind each is copied
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_BITS = ("server_max_window_bits", "client_max_window_bits")


class Deflate:
    """Both directions of the compression of one connection.

    Args:
        keeps: whether the server's messages refer to earlier ones of it.
        our_keeps: whether ours may.
        bits: of the window of ours; that of the server is never larger than what we can read.
    """

    __slots__ = ("_bits", "_deflater", "_inflater", "_keeps", "_our_keeps")

    def __init__(self, keeps: bool = True, our_keeps: bool = True, bits: int = 15) -> None:
        self._keeps = keeps
        self._our_keeps = our_keeps
        self._bits = max(bits, 9)  # zlib has no window of 8 bits; it takes 9 for it, and nothing written here looks further back
        self._inflater: Inflater = zlib.decompressobj(-15)
        self._deflater = zlib.compressobj(wbits=-self._bits)

    def inflate(self, data: bytes, limit: int) -> bytes:
        """Return a whole message. Raises WebSocketError where it is broken, or larger than `limit` bytes."""
        result, left, finals = b"", data + _TAIL, 0
        try:
            while left:
                if finals == _MAX_FINAL:
                    raise WebSocketError("a message of too many final blocks", BAD_DATA)
                finals += 1
                result += self._inflater.decompress(left, limit + 1 - len(result))
                if len(result) > limit:
                    raise WebSocketError(f"a message that grows to more than {limit} bytes", TOO_LARGE)
                if not self._inflater.eof:
                    break
                # RFC 7692, 7.2.3.4: a message may have a final block; what comes behind it starts afresh.
                left = self._inflater.unused_data
                self._inflater = zlib.decompressobj(-15)
        except zlib.error as error:
            raise WebSocketError(f"a message that cannot be decompressed: {error}", BAD_DATA) from None
        if not self._keeps:
            self._inflater = zlib.decompressobj(-15)
        return result

    def deflate(self, data: bytes) -> bytes:
        """Return a message as it is sent."""
        if not self._our_keeps:
            self._deflater = zlib.compressobj(wbits=-self._bits)
        return (self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH))[: -len(_TAIL)]


def agreed(answer: str) -> Deflate:
    """Return the compression that the server's Sec-WebSocket-Extensions names (RFC 7692, 7.1). Raises WebSocketError."""
    name, *given = [part.strip(" \t") for part in answer.split(";")]
    if name.lower() != "permessage-deflate" or "," in answer:
        raise WebSocketError("the server chose an extension that was not offered")
    parameters: dict[str, str] = {}
    for part in given:
        key, _, value = part.partition("=")
        key = key.strip(" \t").lower()
        if key in parameters:
            raise WebSocketError("a parameter of permessage-deflate comes twice")
        parameters[key] = value.strip(' \t"')
    return _made(parameters)


def _made(parameters: Mapping[str, str]) -> Deflate:
    for key, value in parameters.items():
        sound = not value if key in _FLAGS else key in _BITS and value in _WINDOWS
        if not sound:
            raise WebSocketError("a parameter of permessage-deflate that was not offered")
    bits = int(parameters.get("client_max_window_bits", 15))
    return Deflate("server_no_context_takeover" not in parameters, "client_no_context_takeover" not in parameters and bits > 8, bits)


_WINDOWS = frozenset(map(str, range(8, 16)))
