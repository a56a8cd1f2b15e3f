"""What every backend promises, asked of each: blocking and asyncio, in clear and through TLS."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from oxide._transport import addresses
from oxide._transport.aio import LoopGate
from oxide._transport.base import Endpoint, ResolveError
from oxide._transport.blocking import BlockingGate
from tests.transport._net import Deaf, Peer, World, echo, end_politely, receive_exactly, reset, unused_port

if TYPE_CHECKING:
    from pathlib import Path

CLEAR = ["blocking", "asyncio"]


@pytest.fixture(params=[*CLEAR, "blocking-tls", "asyncio-tls"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture(params=CLEAR)
def clear(request: pytest.FixtureRequest) -> World:
    return World(request.param)


# Bytes -----------------------------------------------------------------------------------------------------------------------------


def test_what_is_sent_comes_back(world: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        for size in (1, 700, 20_000):
            await stream.send(b"x" * size, 5)
            assert await receive_exactly(stream, size) == b"x" * size
        stream.close()

    with world.peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_large_transfers_run_in_both_directions_at_once(world: World) -> None:
    data = os.urandom(1 << 20) * 5

    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        sending = await world.beside(lambda: stream.send(data, 20))
        assert await receive_exactly(stream, len(data)) == data
        await sending.wait()
        stream.close()

    with world.peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_the_end_comes_after_the_last_bytes_and_leaves_the_other_direction_open(world: World) -> None:
    heard: list[bytes] = []

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"bye")
        if not world.tls:
            sock.shutdown(socket.SHUT_WR)
            heard.append(sock.recv(100))
        else:
            end_politely(sock)
            time.sleep(0.2)

    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        assert await receive_exactly(stream, 3) == b"bye"
        assert await stream.receive(5) == b""
        assert await stream.receive(5) == b""
        await stream.send(b"still here", 5)
        await world.backend.sleep(0.1)
        stream.close()

    with world.peer(handler) as peer:
        world.run(story(peer.endpoint))
    assert world.tls or heard == [b"still here"]


def test_a_reset_by_the_peer_is_a_connection_reset(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        sock.recv(10)
        reset(sock)

    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        await stream.send(b"x", 5)
        with pytest.raises(ConnectionResetError):
            await stream.receive(5)
        stream.close()

    with world.peer(handler) as peer:
        world.run(story(peer.endpoint))


# Time ------------------------------------------------------------------------------------------------------------------------------


def test_a_silent_peer_ends_in_a_timeout_and_the_stream_goes_on(world: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        for timeout in (0.0, 0.05, 0.02):
            start = time.monotonic()
            with pytest.raises(TimeoutError):
                await stream.receive(timeout)
            assert timeout <= time.monotonic() - start + 0.005 < timeout + 1
        await stream.send(b"late", 5)
        assert await stream.receive(math.inf) == b"late"
        stream.close()

    with world.peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_a_timeout_can_grow_and_shrink_between_receives(world: World) -> None:
    """One timer serves all receives of a stream: a later, shorter timeout must not be lost behind an earlier, longer one."""

    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        await stream.send(b"1", 600)
        assert await stream.receive(600) == b"1"
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await stream.receive(0.05)
        assert time.monotonic() - start < 2
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await stream.receive(0.15)
        assert time.monotonic() - start > 0.1
        stream.close()

    with world.peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_a_peer_that_does_not_read_ends_a_send_in_a_timeout(world: World) -> None:
    done = threading.Event()

    def handler(sock: socket.socket) -> None:
        done.wait(10)

    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await stream.send(b"x" * 30_000_000, 0.2)
        assert time.monotonic() - start < 8
        stream.close()

    with world.peer(handler, receive_buffer=4096) as peer:
        world.run(story(peer.endpoint))
        done.set()


def test_a_host_that_does_not_answer_ends_connecting_in_a_timeout(clear: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await clear.backend.connect(endpoint, 0.2)
        assert 0.15 < time.monotonic() - start < 1.5

    with Deaf() as deaf:
        clear.run(story(Endpoint("127.0.0.1", deaf.port)))


# Closing ---------------------------------------------------------------------------------------------------------------------------


def test_closing_wakes_who_receives(world: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        receiving = await world.beside(lambda: stream.receive(10))
        await world.backend.sleep(0.1)
        start = time.monotonic()
        stream.close()
        with pytest.raises(ConnectionAbortedError):
            await receiving.wait()
        assert time.monotonic() - start < 2

    with world.peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_closing_from_a_foreign_thread_wakes_who_receives(world: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        timer = threading.Timer(0.1, stream.close)
        timer.start()
        with pytest.raises(ConnectionAbortedError):
            await stream.receive(10)
        timer.join()

    with world.peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_a_closed_stream_says_so_and_may_be_closed_again(world: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        stream.close()
        stream.close()
        assert not stream.quiet
        with pytest.raises(ConnectionAbortedError):
            await stream.receive(1)
        with pytest.raises(ConnectionAbortedError):
            await stream.send(b"x", 1)

    with world.peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_no_descriptor_is_left_behind(world: World) -> None:
    async def story(endpoint: Endpoint, refused: Endpoint) -> None:
        for _ in range(3):
            (await world.open(endpoint)).close()
        await world.backend.sleep(0.05)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            stream = await world.open(endpoint)
            await stream.send(b"x", 5)
            await stream.receive(5)
            stream.close()
            with pytest.raises(ConnectionRefusedError):
                await world.backend.connect(refused, 1)
        for _ in range(50):
            await world.backend.sleep(0.02)
            if len(os.listdir("/proc/self/fd")) <= before:
                return
        raise AssertionError(f"{len(os.listdir('/proc/self/fd')) - before} more descriptors")

    def handler(sock: socket.socket) -> None:
        echo(sock)
        sock.close()

    with world.peer(handler) as peer:
        world.run(story(peer.endpoint, Endpoint("127.0.0.1", unused_port())))


# Quiet -----------------------------------------------------------------------------------------------------------------------------


def test_an_idle_stream_is_quiet_until_the_peer_hangs_up(world: World) -> None:
    leave = threading.Event()

    def handler(sock: socket.socket) -> None:
        sock.sendall(sock.recv(10))
        leave.wait(5)
        end_politely(sock)

    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        assert stream.quiet
        await stream.send(b"x", 5)
        await stream.receive(5)
        await world.backend.sleep(0.05)
        assert stream.quiet
        leave.set()
        await world.backend.sleep(0.2)
        assert not stream.quiet
        stream.close()

    with world.peer(handler) as peer:
        world.run(story(peer.endpoint))


def test_bytes_that_nobody_asked_for_are_not_quiet_and_not_lost(world: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await world.open(endpoint)
        await world.backend.sleep(0.2)
        assert not stream.quiet
        assert not stream.quiet
        assert await stream.receive(5) == b"surprise"
        stream.close()

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"surprise")
        sock.recv(1)

    with world.peer(handler) as peer:
        world.run(story(peer.endpoint))


# Addresses -------------------------------------------------------------------------------------------------------------------------


def test_a_refusal_names_the_host_and_counts_the_addresses(clear: World) -> None:
    async def story() -> None:
        port = unused_port()
        with pytest.raises(ConnectionRefusedError, match=rf"'127.0.0.1' port {port}, 1 address tried"):
            await clear.backend.connect(Endpoint("127.0.0.1", port), 5)

    clear.run(story())


@pytest.mark.parametrize("host", ["nowhere.invalid", "", "a" * 300, "no\0way", "nowhere.inv\u00e4lid"])
def test_a_name_without_address_is_a_resolve_error(clear: World, host: str) -> None:
    async def story() -> None:
        with pytest.raises(ResolveError):
            await clear.backend.connect(Endpoint(host, unused_port()), 10)

    clear.run(story())


def answers(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Have every name resolve to 127.0.0.1, at each of the ports."""
    real = socket.getaddrinfo

    def found(host: Any, port: int, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> Any:
        if flags & socket.AI_NUMERICHOST or host != b"many.test":
            return real(host, port, family, kind, proto, flags)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", found)


def test_an_address_that_is_silent_does_not_keep_the_next_one_waiting(clear: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        start = time.monotonic()
        stream = await clear.backend.connect(Endpoint("many.test", 80), 5)
        assert 0.2 < time.monotonic() - start < 1.5
        await stream.send(b"x", 5)
        assert await stream.receive(5) == b"x"
        stream.close()

    with Deaf() as deaf, Peer(echo) as peer:
        answers(monkeypatch, deaf.port, peer.port)
        clear.run(story())


def test_an_address_that_refuses_lets_the_next_one_start_at_once(clear: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        start = time.monotonic()
        (await clear.backend.connect(Endpoint("many.test", 80), 5)).close()
        assert time.monotonic() - start < 0.2

    with Peer(echo) as peer:
        answers(monkeypatch, unused_port(), unused_port(), peer.port)
        clear.run(story())


def test_when_all_addresses_fail_their_number_is_told(clear: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        with pytest.raises(ConnectionRefusedError, match="3 addresses tried"):
            await clear.backend.connect(Endpoint("many.test", 80), 5)

    answers(monkeypatch, unused_port(), unused_port(), unused_port())
    clear.run(story())


def test_the_timeout_covers_all_addresses_together(clear: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await clear.backend.connect(Endpoint("many.test", 80), 0.4)
        assert 0.35 < time.monotonic() - start < 2

    with Deaf() as one, Deaf() as two:
        answers(monkeypatch, one.port, two.port)
        clear.run(story())


def test_a_resolver_that_hangs_ends_in_a_timeout_of_the_resolver(clear: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(host: object, port: object, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> Any:
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "a name")
        release.wait(10)
        return []

    async def story() -> None:
        start = time.monotonic()
        with pytest.raises(ResolveError) as caught:
            await clear.backend.connect(Endpoint("slow.test", 80), 0.2)
        assert isinstance(caught.value, TimeoutError)
        assert "slow.test" in str(caught.value)
        assert time.monotonic() - start < 2

    monkeypatch.setattr(addresses.socket, "getaddrinfo", hang)
    try:
        clear.run(story())
    finally:
        release.set()


def test_families_take_turns() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    found: Any = [(six, "a"), (six, "b"), (six, "c"), (four, "d"), (four, "e")]
    assert [address for _, address in addresses.alternate(found)] == ["a", "d", "b", "e", "c"]
    assert addresses.alternate([]) == []


def test_a_unix_socket_is_reached_by_its_path(clear: World, tmp_path: Path) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await clear.backend.connect(endpoint, 5)
        await stream.send(b"local", 5)
        assert await stream.receive(5) == b"local"
        stream.close()
        with pytest.raises(FileNotFoundError, match=r"no\.sock"):
            await clear.backend.connect(Endpoint("localhost", 0, str(tmp_path / "no.sock")), 5)

    with Peer(echo, path=str(tmp_path / "s.sock")) as peer:
        clear.run(story(peer.endpoint))


def test_connections_have_no_delay_and_are_kept_alive() -> None:
    sock = addresses.new_socket(socket.AF_INET)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 60
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 5
    sock.close()


# Gates, races, naps ----------------------------------------------------------------------------------------------------------------


def test_a_gate_lets_through_whoever_waits_and_whoever_comes_later(clear: World) -> None:
    async def story() -> None:
        gate = clear.backend.gate()
        assert await gate.wait(0.02) is False
        waiting = [await clear.beside(lambda: gate.wait(5)) for _ in range(3)]
        await clear.backend.sleep(0.05)
        start = time.monotonic()
        gate.open()
        gate.open()
        assert [await one.wait() for one in waiting] == [True, True, True]
        assert await gate.wait(5) is True
        assert time.monotonic() - start < 2

    clear.run(story())


def test_a_gate_is_opened_from_a_foreign_thread(clear: World) -> None:
    async def story() -> None:
        gate = clear.backend.gate()
        timer = threading.Timer(0.05, gate.open)
        timer.start()
        assert await gate.wait(math.inf) is True
        timer.join()

    clear.run(story())


def test_a_race_is_won_by_the_first_result(clear: World) -> None:
    async def after(delay: float, result: str) -> str:
        await clear.backend.sleep(delay)
        return result

    async def story() -> None:
        start = time.monotonic()
        assert await clear.backend.race([lambda: after(2, "slow"), lambda: after(0.02, "fast")], 0.02) == "fast"
        assert await clear.backend.race([lambda: after(0.0, "first"), lambda: after(0, "never begun")], 1.0) == "first"
        assert await clear.backend.race([lambda: after(0.0, "alone")], 1.0) == "alone"
        assert time.monotonic() - start < 1

    clear.run(story())


def test_a_failure_in_a_race_starts_the_next_at_once_and_the_last_one_counts(clear: World) -> None:
    async def fail(message: str) -> str:
        raise OSError(message)

    async def good() -> str:
        return "good"

    async def story() -> None:
        start = time.monotonic()
        assert await clear.backend.race([lambda: fail("one"), lambda: fail("two"), good], 5.0) == "good"
        with pytest.raises(OSError, match="two"):
            await clear.backend.race([lambda: fail("one"), lambda: fail("two")], 5.0)
        assert time.monotonic() - start < 2

    clear.run(story())


def test_the_loser_of_a_race_is_stopped_where_it_waits(clear: World) -> None:
    ended: list[str] = []
    gate = clear.backend.gate()

    async def receiver(endpoint: Endpoint) -> str:
        stream = await clear.backend.connect(endpoint, 5)
        try:
            await stream.receive(20)
        finally:
            stream.close()
            ended.append("receiver")
        return "received"

    async def sleeper() -> str:
        try:
            await clear.backend.sleep(20)
        finally:
            ended.append("sleeper")
        return "slept"

    async def waiter() -> str:
        try:
            await gate.wait(20)
        finally:
            ended.append("waiter")
        return "waited"

    async def winner() -> str:
        await clear.backend.sleep(0.1)
        return "won"

    async def story(endpoint: Endpoint) -> None:
        assert await clear.backend.race([lambda: receiver(endpoint), sleeper, waiter, winner], 0.01) == "won"
        for _ in range(100):
            if len(ended) == 3:
                return
            await clear.backend.sleep(0.02)
        raise AssertionError(f"only {ended} ended")

    with Peer(echo) as peer:
        clear.run(story(peer.endpoint))


def test_the_mutex_is_a_lock_and_the_clock_is_monotonic(clear: World) -> None:
    with clear.backend.mutex:
        pass
    assert abs(clear.backend.now() - time.monotonic()) < 1


def test_a_plain_value_settles_at_once(clear: World) -> None:
    assert clear.run(clear.backend.settle(5)) == 5


def test_an_awaitable_settles_in_asyncio_only(clear: World) -> None:
    async def five() -> int:
        return 5

    if clear.asyncio:
        assert clear.run(clear.backend.settle(five())) == 5
    else:
        with pytest.raises(TypeError, match="asyncio client"):
            clear.run(clear.backend.settle(five()))


def test_an_aborted_stream_says_which_side_closed_it(clear: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await clear.open(endpoint)
        stream.close()
        with pytest.raises(OSError, match="this side") as caught:
            await stream.receive(1)
        assert caught.value.errno == errno.ECONNABORTED

    with Peer(echo) as peer:
        clear.run(story(peer.endpoint))


@pytest.mark.parametrize("made", [BlockingGate, LoopGate])
def test_a_gate_that_opens_in_the_moment_in_which_a_wait_runs_out_troubles_nobody(made: Any) -> None:
    gate = made()

    class Watched(list[Any]):
        def __contains__(self, waiter: object) -> bool:
            gate.open()
            return True

    gate._waiting = Watched()

    async def scenario() -> None:
        await gate.wait(0.01)
        gate.open()
        assert await gate.wait(0.01)

    asyncio.run(scenario())
