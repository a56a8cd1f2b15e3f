"""Contests, in which attempts start as they are asked for and one result counts; and threads that are stopped where they wait."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from oxide._transport.base import Contest, run_now
from oxide._transport.blocking import BlockingBackend
from oxide._transport.racing import StoppedError
from oxide.testing.scripted import ScriptedBackend
from tests.transport._net import Peer, World, echo, receive_exactly

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide._transport.base import Attempt, Endpoint

CLEAR = ("blocking", "asyncio")


@pytest.fixture(params=CLEAR)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


class Listed(Contest[str]):
    """A contest of attempts that start at given moments after the first; the number of one that is lost ends it."""

    def __init__(self, attempts: list[tuple[float, Attempt[str]]], fatal: int = -1) -> None:
        self.waiting = attempts
        self.fatal = fatal
        self.first: float | None = None
        self.told: list[str] = []
        self.dropped: list[str] = []
        self.error: Exception = RuntimeError("nothing failed")

    def due(self, now: float) -> float | None:
        self.first = now if self.first is None else self.first
        return self.first + self.waiting[0][0] - now if self.waiting else None

    def start(self, now: float) -> Attempt[str] | None:
        self.told.append("start")
        return self.waiting.pop(0)[1]

    def won(self, number: int) -> None:
        self.told.append(f"won {number}")

    def failed(self, number: int, error: Exception, now: float) -> bool:
        self.told.append(f"failed {number}")
        self.error = error
        return number == self.fatal

    def verdict(self) -> Exception:
        return self.error

    def drop(self, result: str) -> None:
        self.dropped.append(result)


def after(backend: Any, seconds: float, result: str | Exception) -> Attempt[str]:
    async def attempt() -> str:
        await backend.sleep(seconds)
        if isinstance(result, Exception):
            raise result
        return result

    return attempt


def in_each_world(make: Callable[[Any], Listed], world: World | None) -> tuple[Listed, Any]:
    """Run a contest in a true world, or on the clock of a script; return it with its result or what it raised."""
    backend: Any = world.backend if world is not None else ScriptedBackend()
    contest = make(backend)

    async def story() -> Any:
        try:
            return await backend.contest(contest)
        except Exception as error:
            return error

    return contest, run_now(story()) if world is None else world.run(story())


@pytest.fixture(params=[*CLEAR, "scripted"])
def place(request: pytest.FixtureRequest) -> World | None:
    return None if request.param == "scripted" else World(request.param)


def test_attempts_start_when_they_are_asked_for(place: World | None) -> None:
    contest, result = in_each_world(
        lambda backend: Listed(
            [(0, after(backend, 0.5, "slow")), (0.05, after(backend, 0, OSError("no"))), (0.1, after(backend, 0.05, "good"))]
        ),
        place,
    )
    assert result == "good"
    assert contest.told == ["start", "start", "failed 1", "start", "won 2"]


def test_a_loss_can_end_it_though_others_run(place: World | None) -> None:
    began = time.monotonic()
    contest, result = in_each_world(
        lambda backend: Listed([(0, after(backend, 5, "slow")), (0.05, after(backend, 0, OSError("fatal")))], fatal=1), place
    )
    assert str(result) == "fatal"
    assert contest.told[-1] == "failed 1"
    assert time.monotonic() - began < 3


def test_where_all_fail_the_verdict_is_raised(place: World | None) -> None:
    _, result = in_each_world(
        lambda backend: Listed([(0, after(backend, 0, OSError("one"))), (0.05, after(backend, 0, OSError("two")))]), place
    )
    assert str(result) == "two"


def test_a_result_that_comes_too_late_is_dropped() -> None:
    """In threads only: a task that is cancelled has no result."""
    backend, contest = BlockingBackend(), None
    release, ended = threading.Event(), threading.Event()

    async def deaf() -> str:
        release.wait(5)  # not a wait of ours: nobody can stop it
        ended.set()
        return "too late"

    contest = Listed([(0, deaf), (0, after(backend, 0.05, "good"))])
    assert run_now(backend.contest(contest)) == "good"
    assert contest.dropped == []
    release.set()
    assert ended.wait(5)
    deadline = time.monotonic() + 5
    while not contest.dropped and time.monotonic() < deadline:
        time.sleep(0.005)
    assert contest.dropped == ["too late"]


# -------------------------------------------------------------------------------------------------- stopped threads
def test_a_stream_is_whole_after_its_reader_was_stopped(world: World) -> None:
    async def story(endpoint: Endpoint) -> None:
        stream = await world.backend.connect(endpoint, 5)

        async def reads() -> str:
            return (await stream.receive(20)).decode()

        async def wins() -> str:
            await world.backend.sleep(0.1)
            return "won"

        assert await world.backend.race([reads, wins], 0.01) == "won"
        await world.backend.sleep(0.05)
        await stream.send(b"still here", 5)
        assert await receive_exactly(stream, 10) == b"still here"
        stream.close()

    with Peer(echo) as peer:
        world.run(story(peer.endpoint))


def test_who_is_stopped_while_the_peer_takes_nothing_gives_up_after_a_moment() -> None:
    backend, ended, release = BlockingBackend(), threading.Event(), threading.Event()
    kinds: list[type[BaseException]] = []

    def handler(sock: socket.socket) -> None:
        release.wait(10)

    async def story(endpoint: Endpoint) -> None:
        stream = await backend.connect(endpoint, 5)

        async def sends() -> str:
            try:
                await stream.send(bytes(50_000_000), 60)
            except BaseException as error:
                kinds.append(type(error))
                raise
            finally:
                ended.set()
            return "sent"

        async def wins() -> str:
            await backend.sleep(0.1)
            return "won"

        began = time.monotonic()
        assert await backend.race([sends, wins], 0.01) == "won"
        assert time.monotonic() - began < 0.9  # nobody waits for the loser
        assert ended.wait(5)
        with pytest.raises(OSError, match=r"closed|pipe|abort|reset"):
            await stream.send(b"more", 1)
        stream.close()

    with Peer(handler) as peer:
        run_now(story(peer.endpoint))
        release.set()
    assert kinds == [ConnectionAbortedError]


def test_who_is_stopped_connects_no_more() -> None:
    backend, ended = BlockingBackend(), threading.Event()
    kinds: list[type[BaseException]] = []
    accepted: list[int] = []

    async def story(endpoint: Endpoint) -> None:
        async def works() -> str:
            time.sleep(0.3)  # busy with something else when it is stopped
            try:
                await backend.connect(endpoint, 5)
            except BaseException as error:
                kinds.append(type(error))
                raise
            finally:
                ended.set()
            return "connected"

        async def wins() -> str:
            return "won"

        assert await backend.race([works, wins], 0.01) == "won"
        assert ended.wait(5)

    with Peer(lambda sock: accepted.append(1)) as peer:
        run_now(story(peer.endpoint))
    assert kinds == [StoppedError]
    assert accepted == []
