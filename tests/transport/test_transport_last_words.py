"""What a peer has said before it hung up on us is heard, also by who was busy sending."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.transport._net import Peer, World, reset

if TYPE_CHECKING:
    import socket


@pytest.mark.parametrize("world", ["blocking", "asyncio"])
def test_an_answer_before_a_reset_is_received_after_a_failed_send(world: str) -> None:
    gone = threading.Event()

    def refuse(sock: socket.socket) -> None:
        sock.recv(1)
        sock.sendall(b"too large")
        reset(sock)
        gone.set()

    async def scenario() -> bytes:
        stream = await here.open(peer.endpoint)
        await stream.send(b"much", 5.0)
        assert gone.wait(5)  # in asyncio the loop stands still, as it does while much is encrypted
        time.sleep(0.02)
        with pytest.raises(OSError):  # noqa: PT011, PT012 - which one depends on how far the system has come
            for _ in range(3):
                await stream.send(b"more", 5.0)
                await asyncio.sleep(0) if here.asyncio else None
        received: bytes = await stream.receive(5.0)
        return received

    here = World(world)
    with Peer(refuse) as peer:
        assert here.run(scenario()) == b"too large"
