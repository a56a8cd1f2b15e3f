"""What a connection is to the player of an answer (`Wire`) and to its server (`Host`), and how a connection is broken off."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ._script import Cut, CutKind, Head, Received, Step

__all__ = ["Habits", "Host", "Wire", "break_off"]

LINGER_NONE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Habits:
    """How the server treats its connections."""

    idle: float | None = None
    max_requests: int = 0
    max_streams: int = 1000
    max_body: int = 268_435_456
    http2: bool = True


class Wire(Protocol):
    """Where an answer goes: an HTTP/1.1 connection or an HTTP/2 stream. `blocked` while it takes no more bytes."""

    @property
    def blocked(self) -> bool: ...
    def head(self, step: Head) -> None: ...
    def data(self, data: bytes) -> None: ...
    def raw(self, data: bytes) -> None: ...
    def interim(self) -> None: ...
    def again(self) -> None: ...
    def end(self) -> None: ...
    def cut(self, step: Cut) -> None: ...
    def flush(self) -> None:
        """Write what has gathered."""
        ...

    def played(self) -> None:
        """Take note that the script is at its end."""
        ...


class Connection(Protocol):
    """What the server may ask of a connection."""

    def abort(self) -> None: ...


class Host(Protocol):
    """What a connection asks of the server it belongs to."""

    habits: Habits

    def opened(self, connection: Connection) -> int: ...
    def closed(self, connection: Connection) -> None: ...
    def answer(self, received: Received) -> Iterator[Step]: ...
    def left(self, received: Received) -> None: ...
    def stalls(self, received: Received) -> None: ...


def break_off(transport: asyncio.Transport, how: CutKind) -> None:
    """End a connection: "close" politely, "half" only our side, "drop" without a word of TLS, "reset" with RST."""
    if how == "half" and transport.can_write_eof():
        transport.write_eof()
    elif how in ("drop", "reset"):
        _abort_when_written(transport, how)
    else:
        transport.close()


def _abort_when_written(transport: asyncio.Transport, how: CutKind) -> None:
    """Abort once the system has all bytes, as the script counts on them being sent before."""
    if transport.get_write_buffer_size():
        asyncio.get_running_loop().call_later(0.001, _abort_when_written, transport, how)
        return
    connected: socket.socket | None = transport.get_extra_info("socket")
    if how == "reset" and connected is not None and connected.family != getattr(socket, "AF_UNIX", None):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    transport.abort()
