"""What only the asyncio world can get wrong: cancellation, loops that come and go, back-pressure, timers."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from oxide._transport import aio_stream
from oxide._transport.aio import AsyncioBackend
from tests.transport._net import Deaf, Endpoint, Peer, World, echo

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def in_loop(story: Callable[[Peer], Coroutine[Any, Any, Any]], handler: Callable[[socket.socket], object] = echo) -> Any:
    with Peer(handler) as peer:
        return asyncio.run(story(peer))


@pytest.mark.parametrize("tls", [False, True])
def test_a_cancelled_receive_loses_no_bytes(tls: bool) -> None:
    world = World("asyncio-tls" if tls else "asyncio")

    async def story(peer: Peer) -> None:
        stream = await world.open(peer.endpoint)
        for number in range(20):
            receiving = asyncio.ensure_future(stream.receive(5))
            await asyncio.sleep(0)
            await stream.send(b"%03d" % number, 5)
            while not receiving.done() and not (stream._inner if tls else stream)._chunks:
                await asyncio.sleep(0)  # until the bytes are there and, mostly, the task has not run yet
            receiving.cancel()
            try:
                data = await receiving
            except asyncio.CancelledError:
                data = await stream.receive(5)
            assert data == b"%03d" % number
        stream.close()

    with world.peer(echo) as peer:
        asyncio.run(story(peer))


def test_a_cancelled_connect_leaves_no_socket() -> None:
    async def story(port: int) -> None:
        task = asyncio.ensure_future(AsyncioBackend().connect(Endpoint("127.0.0.1", port), 10))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    with Deaf() as deaf:
        asyncio.run(story(deaf.port))


def test_a_connect_cancelled_at_any_moment_leaves_no_socket() -> None:
    """One turn of the loop later each time, so that the cancellation meets every state."""

    async def story(peer: Peer) -> None:
        backend = AsyncioBackend()
        for turns in range(30):
            task = asyncio.ensure_future(backend.connect(peer.endpoint, 10))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            try:
                (await task).close()
            except asyncio.CancelledError:
                continue
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        in_loop(story)
        gc.collect()


def test_a_reader_that_is_slow_makes_the_peer_wait() -> None:
    total = 8_000_000

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"x" * total)

    async def story(peer: Peer) -> None:
        stream = await AsyncioBackend().connect(peer.endpoint, 5)
        await asyncio.sleep(0.3)
        received = 0
        while received < total:
            assert stream._size <= aio_stream._HIGH_WATER + aio_stream._RECEIVE_SIZE
            received += len(await stream.receive(5))
        stream.close()

    in_loop(story, handler)


def test_a_stream_has_one_timer_however_often_it_receives() -> None:
    async def story(peer: Peer) -> None:
        loop = asyncio.get_running_loop()
        stream = await AsyncioBackend().connect(peer.endpoint, 5)
        armed: list[float] = []
        real = loop.call_at

        def call_at(when: float, *rest: Any, **options: Any) -> asyncio.TimerHandle:
            armed.append(when)
            return real(when, *rest, **options)

        loop.call_at = call_at  # type: ignore[method-assign]  # a spy
        for _ in range(50):
            await stream.send(b"x", 600)
            await stream.receive(600)
        loop.call_at = real  # type: ignore[method-assign]  # as above
        assert len(armed) == 1
        stream.close()

    in_loop(story)


def test_the_timer_goes_on_to_the_deadline_that_holds_when_it_looks() -> None:
    async def story(peer: Peer) -> None:
        stream = await AsyncioBackend().connect(peer.endpoint, 5)
        await stream.send(b"x", 5)
        await stream.receive(0.1)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await stream.receive(0.3)
        assert 0.29 < time.monotonic() - start < 1
        stream.close()

    in_loop(story)


def test_a_stream_of_another_loop_is_not_quiet() -> None:
    async def opened(peer: Peer) -> Any:
        return await AsyncioBackend().connect(peer.endpoint, 5)

    async def quiet(stream: Any) -> bool:
        return bool(stream.quiet)

    with Peer(echo) as peer, warnings.catch_warnings():
        warnings.simplefilter("error")
        first = asyncio.new_event_loop()
        stream = first.run_until_complete(opened(peer))
        assert first.run_until_complete(quiet(stream))
        assert not asyncio.run(quiet(stream))
        assert not stream.quiet
        stream.close()
        first.run_until_complete(asyncio.sleep(0))
        first.close()


@pytest.mark.parametrize("closed", [True, False])
def test_a_stream_that_outlives_its_loop_closes_without_a_word(closed: bool) -> None:
    ended = threading.Event()

    def handler(sock: socket.socket) -> None:
        try:
            echo(sock)
        finally:
            ended.set()

    async def opened(peer: Peer) -> Any:
        return await AsyncioBackend().connect(peer.endpoint, 5)

    with Peer(handler) as peer, warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = asyncio.run(opened(peer))
        if closed:
            stream.close()
        del stream
        gc.collect()
        assert ended.wait(5)


def test_closing_from_a_thread_reaches_a_sleeping_loop() -> None:
    async def story(peer: Peer) -> None:
        stream = await AsyncioBackend().connect(peer.endpoint, 5)
        receiving = asyncio.ensure_future(stream.receive(60))
        await asyncio.sleep(0.05)
        threading.Thread(target=stream.close).start()
        start = time.monotonic()
        with pytest.raises(ConnectionAbortedError):
            await receiving
        assert time.monotonic() - start < 2

    in_loop(story)


def test_a_send_that_waits_is_woken_by_a_close() -> None:
    stop = threading.Event()

    async def story(peer: Peer) -> None:
        stream = await AsyncioBackend().connect(peer.endpoint, 5)
        sending = asyncio.ensure_future(stream.send(b"x" * 30_000_000, 60))
        await asyncio.sleep(0.1)
        assert not sending.done()
        stream.close()
        with pytest.raises(ConnectionAbortedError):
            await asyncio.wait_for(sending, 5)
        stop.set()

    in_loop(story, lambda _sock: stop.wait(10))


def test_the_losers_of_a_race_are_gone_when_it_ends() -> None:
    cleaned: list[int] = []

    async def lose(number: int) -> int:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)
            cleaned.append(number)
        return number

    async def win() -> str:
        return "won"

    async def story() -> None:
        assert await AsyncioBackend().race([lambda: lose(1), lambda: lose(2), win], 0.01) == "won"
        assert sorted(cleaned) == [1, 2]
        cleaned.clear()
        task = asyncio.ensure_future(AsyncioBackend().race([lambda: lose(1), lambda: lose(2)], 0.01))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(cleaned) == [1, 2]

    asyncio.run(story())


def test_a_loop_that_is_no_selector_loop_gets_a_plain_protocol() -> None:
    async def story(peer: Peer) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.create_connection(("127.0.0.1", peer.port))
        sock.setblocking(False)
        _, stream = await loop.create_connection(lambda: aio_stream.PlainStream(loop), sock=sock)
        for size in (1, 100_000):
            await stream.send(b"x" * size, 5)
            got = b""
            while len(got) < size:
                got += await stream.receive(5)
            assert got == b"x" * size
        assert stream.quiet
        stream.close()

    in_loop(story)
