"""What the face tests share: the four ways to a server, and looks behind the client - is its pool idle, has the server seen it."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

from oxide import Timeout
from oxide.testing import Server
from tests.transport._net import CLIENT_CONTEXT, SERVER_CONTEXT, server_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faces._both import Face

WIRES = ("plain", "unix", "tls", "http2")
SECURE = ("tls", "http2")
TCP = ("plain", "tls", "http2")
HASTY = Timeout(5.0)
"""No test waits ten minutes for a peer that has gone."""


class Wire:
    """One way to a server: how to start one there, and what a client needs to reach it."""

    def __init__(self, name: str, directory: Path | None = None) -> None:
        self.name = name
        self.secure = name in SECURE
        self.http2 = name == "http2"
        self._directory = directory

    def server(self, **options: Any) -> Server:
        """Return a server that is not running yet."""
        if self.secure:
            options.setdefault("tls", server_context() if self.http2 else SERVER_CONTEXT)
        if self.name == "unix":
            options["path"] = str(self._directory / "model.sock") if self._directory else None
        return Server(http2=self.http2, **options)

    def client(self, face: Face, server: Server | None = None, **options: Any) -> Any:
        """Return the mirror of a client that trusts the server."""
        if self.secure:
            options.setdefault("ssl_context", CLIENT_CONTEXT)
            options.setdefault("http2", self.http2)
        options.setdefault("timeout", HASTY)
        options.setdefault("max_retries", 0)
        return face.client(server, **options)

    def __repr__(self) -> str:
        return self.name


def pools(client: Any) -> list[Any]:
    """Return the pools of a client, one a loop."""
    return [transport._pool for transport in client.itself._shared._transports.values()]


def busy(client: Any) -> int:
    """Return how many requests hold a connection, or wait for one."""
    return sum(sum(slot.used for slot in pool._slots) + sum(len(lane.waiting) for lane in pool._hungry) for pool in pools(client))


def kept(client: Any) -> int:
    """Return how many connections are open."""
    return sum(len(pool) for pool in pools(client))


def eventually(face: Face, condition: Callable[[], object], timeout: float = 5.0) -> bool:
    """Let the world go on until something holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        face.sleep(0.005)
    return True


def collected() -> None:
    """Have the collector take what nobody holds."""
    for _ in range(3):
        gc.collect()


def ask(client: Any, words: str = "Hello", **options: Any) -> Any:
    """Make a call."""
    return client.responses.create(model="echo", input=words, **options)


def stream(client: Any, words: str = "Hello", **options: Any) -> Any:
    """Open a stream."""
    return client.responses.create(model="echo", input=words, stream=True, **options)
