"""What waits to be sent on a shared connection: all of it goes out in its order, whoever is stopped in the midst of it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from oxide._transport.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Generator

MIB = 1 << 20


class Suspended:
    def __await__(self) -> Generator[None, None, None]:
        yield


class Pipe:
    """A stream that takes 1 MiB at a time, as TLS does, and waits for the peer after each."""

    mutex = nullcontext()

    def __init__(self) -> None:
        self.taken = bytearray()
        self.closed = False
        self.late = False

    async def send(self, data: bytes, timeout: float) -> None:
        if self.late:
            self.taken += data[:5]
            raise TimeoutError
        for start in range(0, len(data), MIB):
            self.taken += data[start : start + MIB]
            await Suspended()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def outbox(pipe: Pipe) -> Any:
    return Outbox(pipe, pipe)  # type: ignore[arg-type]  # as much of both as is needed


def test_a_cancelled_sender_leaves_nothing_half_sent(outbox: Any, pipe: Pipe) -> None:
    data = bytes(range(256)) * (3 * MIB // 256)
    outbox.put(b"first")
    outbox.put(data)
    sending = outbox.flush(60.0)
    sending.send(None)
    outbox.put(b"last")
    with pytest.raises(asyncio.CancelledError):
        sending.throw(asyncio.CancelledError)
    assert bytes(pipe.taken) == b"first" + data + b"last"
    assert not pipe.closed


def test_a_farewell_that_is_not_taken_in_time_ends_the_connection(outbox: Any, pipe: Pipe) -> None:
    pipe.late = True
    outbox.put(b"a reset of a stream")
    outbox.flush_now()
    assert pipe.closed
