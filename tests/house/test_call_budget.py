"""How many Python functions run for a warm call and for an event: counted, since a count does not depend on how busy the machine is."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import oxide
from oxide._protocol.base import Data
from oxide._protocol.http1 import Http1
from oxide._protocol.sse import SSEDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide.testing import Server

QUESTION: dict[str, Any] = {"model": "echo", "input": "Hello"}

# Measured, plus a tenth.  A change that needs more says in its commit message what it buys.
A_BLOCKING_CALL = 70
AN_ASYNCIO_CALL = 113
A_STREAMED_EVENT = 5.6
A_READ_OF_A_SLOW_STREAM = 5  # by the machines: four functions, and the end of the counting


class Count:
    """Counts the Python functions that this thread enters while it is used as a context."""

    def __init__(self) -> None:
        self.calls = 0

    def _note(self, _frame: object, event: str, _argument: object) -> None:
        self.calls += event == "call"

    def __enter__(self) -> Count:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)


def fewest(work: Callable[[], object], rounds: int = 5) -> int:
    """Return the fewest functions that one of some rounds entered: the first ones load, connect and learn."""
    counts = []
    for _ in range(rounds):
        with Count() as count:
            work()
        counts.append(count.calls)
    return min(counts)


def test_a_warm_blocking_call_is_cheap(server: Server) -> None:
    with oxide.Client(base_url=server.url, api_key="test") as client:
        assert fewest(lambda: client.responses.create(**QUESTION)) <= A_BLOCKING_CALL


def test_a_warm_asyncio_call_is_cheap(server: Server) -> None:
    async def calls() -> int:
        counts = []
        async with oxide.AsyncClient(base_url=server.url, api_key="test") as client:
            for _ in range(5):
                with Count() as count:
                    await client.responses.create(**QUESTION)
                counts.append(count.calls)
        return min(counts)

    assert asyncio.run(calls()) <= AN_ASYNCIO_CALL


def test_a_streamed_event_is_cheap(server: Server) -> None:
    """The price of an event is what a longer stream costs more, by event."""
    with oxide.Client(base_url=server.url, api_key="test") as client:

        def events_of(words: int) -> int:
            return len(list(client.responses.create(model="echo", input="word " * words, stream=True)))

        more_calls = fewest(lambda: events_of(400)) - fewest(lambda: events_of(100))
        more_events = events_of(400) - events_of(100)
    assert more_events >= 250, "the server answers longer questions with longer streams"
    assert more_calls / more_events <= A_STREAMED_EVENT


def test_an_event_that_fills_a_read_is_cheap() -> None:
    """A slow stream brings one event in one chunk in one read: each machine takes it with one look."""
    event = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "word"}\n\n'
    chunk = b"%x\r\n%b\r\n" % (len(event), event)
    machine, decoder = Http1(), SSEDecoder()
    machine.request("GET", "/", [("Host", "a.test")])
    machine.receive(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
    decoder.receive(event)
    with Count() as count:
        (data,) = machine.receive(chunk)
        assert isinstance(data, Data)
        (found,) = decoder.receive(data.data)
    assert found.event == "response.output_text.delta"
    assert count.calls <= A_READ_OF_A_SLOW_STREAM
