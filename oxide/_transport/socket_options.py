"""What a WebSocket may take and how long it may be silent: values only."""

from __future__ import annotations

import os

from .._protocol.websocket import WebSocket
from .._timeout import FOREVER

__all__ = ["SocketOptions"]


class SocketOptions:
    """Limits and habits of a WebSocket.

    Args:
        max_message: bytes of the largest message that is received, inflated.
        max_frame: bytes of the largest frame; None: as many.
        compression: whether to offer compression (RFC 7692).
        ping_interval: seconds of silence, while somebody reads, after which the peer is asked whether it is there; None: never.
        ping_timeout: seconds it has to say anything at all then.
        close_timeout: seconds it has to answer a goodbye.

    Raises:
        ValueError: a size or a time that is not above 0.
    """

    __slots__ = ("close_timeout", "compression", "max_frame", "max_message", "ping_interval", "ping_timeout")

    def __init__(
        self,
        *,
        max_message: int = 67_108_864,
        max_frame: int | None = None,
        compression: bool = False,
        ping_interval: float | None = 20.0,
        ping_timeout: float | None = 20.0,
        close_timeout: float | None = 10.0,
    ) -> None:
        for name, value in (("max_message", max_message), ("max_frame", max_frame)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is a number of bytes, 1 or more, not {value!r}")
        for name, seconds in (("ping_interval", ping_interval), ("ping_timeout", ping_timeout), ("close_timeout", close_timeout)):
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name} is a number of seconds above 0, or None for no limit; not {seconds!r}")
        self.max_message = max_message
        self.max_frame = max_frame
        self.compression = compression
        self.ping_interval = FOREVER if ping_interval is None else ping_interval
        self.ping_timeout = FOREVER if ping_timeout is None else ping_timeout
        self.close_timeout = FOREVER if close_timeout is None else close_timeout

    def machine(self) -> WebSocket:
        """Return a new machine with these limits."""
        return WebSocket(os.urandom, deflate=self.compression, max_message=self.max_message, max_frame=self.max_frame)
