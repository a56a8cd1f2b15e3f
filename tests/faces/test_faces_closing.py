"""Leaving early - by cancelling, closing, dropping or an interrupt, at any point of a call - frees the connection and tells the server."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from oxide import ConfigurationError, Limits, OxideError, Timeout
from oxide._transport import aio
from oxide.testing import Fault, Server
from tests.faces._both import AsyncioFace, Face
from tests.faces._wires import HASTY, TCP, Wire, ask, busy, collected, eventually, kept, stream
from tests.transport._net import Deaf, Peer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

SLOW = Fault(pieces=[b'data: {"type": "response.in_progress", "sequence_number": %d}\n\n' % n for n in range(1000)], gap=0.02)
STUCK = Fault(cut="stall", at="body")


@pytest.fixture
def loop_face() -> Iterator[AsyncioFace]:
    """The world in which a call can be cancelled."""
    face = AsyncioFace()
    yield face
    face.close()


@pytest.fixture(params=TCP)
def tcp(request: pytest.FixtureRequest) -> Wire:
    return Wire(request.param)


# ------------------------------------------------------------------------------------------------ cancelled tasks


def cancel(face: AsyncioFace, call: Callable[[], Awaitable[Any]], there: Callable[[], object] = lambda: True) -> None:
    """Start a call, cancel it once it is `there`, and see that it ends at once."""

    async def story() -> None:
        task = asyncio.ensure_future(call())
        deadline = time.monotonic() + 5
        while not there() and time.monotonic() < deadline:
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.03)
        assert not task.done(), "it was to be cancelled on its way"
        task.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 0.5

    face.run(story())


def test_cancelled_while_it_waits_for_a_connection(loop_face: AsyncioFace, tcp: Wire) -> None:
    with tcp.server(max_streams=1) as server, tcp.client(loop_face, server, limits=Limits(1)) as client:
        server.fail_next(Fault(cut="stall"))

        async def first_and_second() -> None:
            first = asyncio.ensure_future(ask(client.itself))
            while not server.stalled:
                await asyncio.sleep(0.002)
            second = asyncio.ensure_future(ask(client.itself))
            await asyncio.sleep(0.02)
            assert busy(client) == 2
            second.cancel()
            await asyncio.wait([second])
            assert busy(client) == 1
            first.cancel()
            await asyncio.wait([first])

        loop_face.run(first_and_second())
        assert busy(client) == 0
        assert ask(client).output_text == "You said: Hello"


def test_cancelled_while_the_name_is_looked_up(loop_face: AsyncioFace, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()
    monkeypatch.setattr(aio, "lookup", lambda host, port: looked.wait(5))
    client = loop_face.client(base_url="http://slow.example/v1", timeout=HASTY)
    cancel(loop_face, lambda: ask(client.itself))
    assert busy(client) == kept(client) == 0
    looked.set()


def test_cancelled_while_it_connects(loop_face: AsyncioFace) -> None:
    with Deaf() as deaf:
        client = loop_face.client(base_url=f"http://127.0.0.1:{deaf.port}/v1", timeout=HASTY)
        cancel(loop_face, lambda: ask(client.itself))
        assert busy(client) == kept(client) == 0


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "socks5://127.0.0.1:{port}"])
def test_cancelled_while_it_talks_to_a_proxy_or_tls(loop_face: AsyncioFace, proxy: str | None) -> None:
    said: list[bytes] = []
    ended = threading.Event()

    def listen(sock: Any) -> None:
        while data := sock.recv(65536):
            said.append(data)
        ended.set()

    with Peer(listen) as peer:
        url = f"https://127.0.0.1:{peer.port}/v1"
        client = loop_face.client(base_url=url, proxy=proxy and proxy.format(port=peer.port), timeout=HASTY)
        cancel(loop_face, lambda: ask(client.itself), lambda: said)
        assert eventually(loop_face, ended.is_set)
        assert busy(client) == kept(client) == 0


def test_cancelled_while_a_large_body_is_sent_to_a_peer_that_does_not_read(loop_face: AsyncioFace) -> None:
    accepted, ended = threading.Event(), threading.Event()

    def deaf(sock: Any) -> None:
        sock.recv(1)
        accepted.set()
        ended.wait(5)

    with Peer(deaf, receive_buffer=4096) as peer:
        client = loop_face.client(base_url=f"http://127.0.0.1:{peer.port}/v1", timeout=HASTY)
        cancel(loop_face, lambda: ask(client.itself, "x" * 30_000_000), accepted.is_set)
        assert busy(client) == kept(client) == 0
        ended.set()


@pytest.mark.parametrize("at", ["before", "head", "body"])
def test_cancelled_while_it_waits_for_the_answer(loop_face: AsyncioFace, wire: Wire, at: Any) -> None:
    with wire.server() as server, wire.client(loop_face, server) as client:
        server.fail_next(Fault(cut="stall", at=at))
        cancel(loop_face, lambda: ask(client.itself), lambda: server.stalled)
        assert busy(client) == 0
        assert eventually(loop_face, lambda: len(server.cancelled) == 1)
        assert ask(client).output_text == "You said: Hello"
        assert server.connections == (1 if wire.http2 else 2)


def test_cancelled_in_the_midst_of_a_stream(loop_face: AsyncioFace, wire: Wire) -> None:
    with wire.server() as server, wire.client(loop_face, server) as client:
        server.fail_next(SLOW)
        seen: list[Any] = []

        async def read() -> None:
            async for event in await stream(client.itself):
                seen.append(event)

        cancel(loop_face, read, lambda: len(seen) > 2)
        assert busy(client) == 0
        assert eventually(loop_face, lambda: len(server.cancelled) == 1)
        assert ask(client).output_text == "You said: Hello"
        assert server.connections == (1 if wire.http2 else 2)


def test_cancelled_while_it_sleeps_before_a_retry(loop_face: AsyncioFace, wire: Wire) -> None:
    with wire.server() as server, wire.client(loop_face, server, max_retries=2) as client:
        server.fail_next(Fault(status=503, headers={"retry-after": "5"}))
        cancel(loop_face, lambda: ask(client.itself), lambda: server.requests)
        assert (busy(client), len(server.cancelled)) == (0, 0)
        assert ask(client).output_text == "You said: Hello"
        assert (len(server.requests), server.connections) == (2, 1)


def test_cancelled_at_any_turn_of_the_loop(loop_face: AsyncioFace, wire: Wire) -> None:
    """The whole call is cancelled after 0, 1, 2 ... turns of the loop, until it is faster than that."""

    async def story(client: Any, turns: int) -> bool:
        task = asyncio.ensure_future(ask(client))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    with wire.server() as server:
        for fresh in (True, False):
            client = wire.client(loop_face, server)
            turns = 0
            while loop_face.run(story(client.itself, turns)) and turns < 400:
                assert busy(client) == 0, f"after {turns} turns"
                turns += 1 if turns < 30 else 10
                if fresh:
                    client.close()
                    client = wire.client(loop_face, server)
            assert turns > 3
            assert ask(client).output_text == "You said: Hello"
            assert busy(client) == 0
            client.close()
        assert eventually(loop_face, lambda: server.open_connections == 0)


def test_a_body_in_pieces_is_left_when_the_call_is_cancelled(loop_face: AsyncioFace, wire: Wire) -> None:
    left: list[str] = []

    async def pieces() -> Any:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.005)
        finally:
            left.append("left")

    with wire.server() as server, wire.client(loop_face, server) as client:
        cancel(loop_face, lambda: client.itself.request("POST", "/responses", content=pieces()), lambda: server.connections)
        collected()
        loop_face.sleep(0.01)
        assert (busy(client), left) == (0, ["left"])


# ------------------------------------------------------------------------------------------------ streams that are left


def soon(face: Face, act: Callable[[], object]) -> None:
    """Do something in a moment, from another thread or from the loop."""
    if isinstance(face, AsyncioFace):
        face.loop.call_later(0.15, act)
    else:
        threading.Timer(0.15, act).start()


def test_leaving_a_with_block_early_frees_the_connection_at_once(face: Face, wire: Wire) -> None:
    with wire.server(fault=SLOW) as server, wire.client(face, server) as client:
        for number in range(1, 4):
            with stream(client) as events:
                assert next(iter(events)).type == "response.in_progress"
            assert busy(client) == 0
            assert eventually(face, lambda number=number: len(server.cancelled) == number)
        assert server.connections == (1 if wire.http2 else 3)


def test_closing_a_stream_twice_or_after_its_end_does_nothing(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        events = stream(client)
        face.collect(events)
        events.close()
        events.close()
        assert face.collect(events) == []
        assert (busy(client), kept(client), len(server.cancelled)) == (0, 1, 0)


def test_a_closed_stream_has_no_more_events(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        events = stream(client)
        next(iter(events))
        events.close()
        assert face.collect(events) == []
        assert busy(client) == 0


def test_a_stream_dropped_without_a_word_frees_its_connection(face: Face, wire: Wire) -> None:
    with wire.server(fault=SLOW) as server, wire.client(face, server, limits=Limits(1)) as client:
        for number in range(1, 4):
            events = iter(stream(client))
            next(events)
            del events
            collected()
            assert busy(client) == 0
            assert eventually(face, lambda number=number: len(server.cancelled) == number)
        assert server.connections == (1 if wire.http2 else 3)


def test_a_dropped_stream_makes_room_for_who_waits(face: Face, tcp: Wire) -> None:
    with tcp.server(max_streams=1) as server, tcp.client(face, server, limits=Limits(1), timeout=Timeout(2.0)) as client:
        server.fail_next(SLOW)
        held = [iter(stream(client))]
        next(held[0])
        soon(face, lambda: (held.clear(), collected()))
        (answer,) = face.together(client, [ask])
        assert getattr(answer, "output_text", answer) == "You said: Hello"
        assert busy(client) == 0


def test_closing_a_stream_from_elsewhere_wakes_its_reader(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(STUCK)
        events = stream(client)
        seen: list[Any] = []
        started = time.monotonic()
        if face.name == "blocking":
            closer = threading.Timer(0.1, events.itself.close)
            closer.start()
            seen.extend(events.itself)
            closer.join()
        else:

            async def read_and_close() -> None:
                async def read() -> None:
                    seen.extend([event async for event in events.itself])

                reader = asyncio.ensure_future(read())
                await asyncio.sleep(0.1)
                await events.itself.close()
                await asyncio.wait_for(reader, 2)

            face.run(read_and_close())
        assert time.monotonic() - started < 1
        assert [event.type for event in seen][:1] == ["response.created"]
        assert busy(client) == 0
        assert eventually(face, lambda: len(server.cancelled) == 1)
        assert ask(client).output_text == "You said: Hello"
        assert server.connections == (1 if wire.http2 else 2)


def test_closing_the_client_ends_the_calls_under_way(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(cut="stall")) as server:
        client = wire.client(face, server)
        soon(face, lambda: face.run(client.itself.close()) if face.name == "blocking" else asyncio.ensure_future(client.itself.close()))
        started = time.monotonic()
        outcomes = face.together(client, [ask] * 3)
        assert [isinstance(outcome, OxideError) for outcome in outcomes] == [True] * 3, outcomes
        assert time.monotonic() - started < 2
        assert eventually(face, lambda: server.open_connections == 0)
        with pytest.raises(ConfigurationError, match="closed"):
            ask(client)


def test_an_interrupt_in_a_blocking_call_frees_its_connection(wire: Wire) -> None:
    face = Face()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with wire.server() as server, wire.client(face, server) as client:
            for at in ("before", "body"):
                server.fail_next(Fault(cut="stall", at=at))
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with pytest.raises(KeyboardInterrupt):
                    ask(client)
                assert busy(client) == 0
            assert eventually(face, lambda: len(server.cancelled) == 2)
            assert ask(client).output_text == "You said: Hello"
    finally:
        signal.signal(signal.SIGALRM, before)
        face.close()


def test_a_copy_keeps_the_connections_that_the_original_closes(face: Face) -> None:
    with Server() as server:
        client = face.client(server)
        copy = client.with_options(timeout=5.0)
        ask(client)
        client.close()
        assert ask(copy).output_text == "You said: Hello"
        assert server.connections == 1
        copy.close()
        assert eventually(face, lambda: server.open_connections == 0)
