"""The scripted world keeps the same promises, without a socket and without a clock."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from oxide._transport.base import Endpoint, run_now
from oxide.testing.scripted import ScriptedBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

HERE = Endpoint("api.test", 80)


@pytest.fixture(params=[run_now, asyncio.run], ids=["run_now", "asyncio"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine, and see that next to no real time has passed."""

    def bounded(coroutine: Coroutine[Any, Any, Any]) -> Any:
        start = time.monotonic()
        try:
            return request.param(coroutine)
        finally:
            assert time.monotonic() - start < 2

    return bounded


def test_replies_come_in_order_and_the_end_stays(run: Any) -> None:
    backend = ScriptedBackend([b"one", lambda sent: sent.upper(), ConnectionResetError(), b""])

    async def story() -> None:
        stream = await backend.connect(HERE, 5)
        assert await stream.receive(1) == b"one"
        await stream.send(b"hello ", 1)
        await stream.send(b"you", 1)
        assert await stream.receive(1) == b"HELLO YOU"
        with pytest.raises(ConnectionResetError):
            await stream.receive(1)
        assert [await stream.receive(1), await stream.receive(1)] == [b"", b""]
        assert stream.writes == [b"hello ", b"you"]

    run(story())
    assert backend.sent == [b"hello you"]
    assert backend.clock == 0


def test_silence_moves_the_clock(run: Any) -> None:
    backend = ScriptedBackend([3, b"late", 10.0, b"later"])

    async def story() -> None:
        stream = await backend.connect(HERE, 5)
        with pytest.raises(TimeoutError):
            await stream.receive(2)
        assert backend.now() == 2
        assert await stream.receive(2) == b"late"
        assert backend.now() == 3
        with pytest.raises(TimeoutError):
            await stream.receive(4)
        assert backend.now() == 7
        assert await stream.receive(600) == b"later"
        assert backend.now() == 13
        with pytest.raises(TimeoutError):
            await stream.receive(600)
        assert backend.now() == 613

    run(story())


def test_naps_are_kept_and_take_no_time(run: Any) -> None:
    backend = ScriptedBackend()

    async def story() -> None:
        await backend.sleep(0.5)
        await backend.sleep(3600)

    run(story())
    assert backend.naps == [0.5, 3600]
    assert backend.clock == 3600.5


def test_connections_fail_as_written(run: Any) -> None:
    backend = ScriptedBackend(ConnectionRefusedError(), TimeoutError(), [b"ok"])

    async def story() -> None:
        with pytest.raises(ConnectionRefusedError):
            await backend.connect(HERE, 5)
        with pytest.raises(TimeoutError):
            await backend.connect(HERE, 5)
        assert backend.clock == 5
        assert await (await backend.connect(HERE, 5)).receive(1) == b"ok"
        with pytest.raises(AssertionError, match="no connection number 4"):
            await backend.connect(HERE, 5)

    run(story())


def test_a_closed_stream_says_so(run: Any) -> None:
    backend = ScriptedBackend([b"x"], [lambda _: b"y"])

    async def story() -> None:
        stream = await backend.connect(HERE, 5)
        assert not stream.quiet
        stream.close()
        stream.close()
        with pytest.raises(ConnectionAbortedError):
            await stream.receive(1)
        with pytest.raises(ConnectionAbortedError):
            await stream.send(b"x", 1)
        idle = await backend.connect(HERE, 5)
        assert idle.quiet
        idle.forget()
        assert not idle.quiet
        assert idle.forgotten

    run(story())


def test_a_gate_that_nobody_opens_only_moves_the_clock(run: Any) -> None:
    backend = ScriptedBackend()

    async def story() -> None:
        gate = backend.gate()
        assert await gate.wait(7) is False
        gate.open()
        assert await gate.wait(7) is True

    run(story())
    assert backend.clock == 7


def test_a_gate_is_opened_by_another_task() -> None:
    backend = ScriptedBackend()

    async def story() -> None:
        gate = backend.gate()
        waiting = [asyncio.ensure_future(gate.wait(7)) for _ in range(3)]
        await asyncio.sleep(0)
        gate.open()
        assert await asyncio.gather(*waiting) == [True, True, True]

    asyncio.run(story())
    assert backend.clock == 0


def test_a_race_is_run_as_if_side_by_side(run: Any) -> None:
    backend = ScriptedBackend()
    begun: list[float] = []

    async def attempt(duration: float, result: object) -> object:
        begun.append(backend.now())
        await backend.sleep(duration)
        if isinstance(result, Exception):
            raise result
        return result

    async def story() -> None:
        assert await backend.race([lambda: attempt(10, "slow"), lambda: attempt(2, "fast"), lambda: attempt(1, "unneeded")], 3) == "fast"
        assert (begun, backend.clock) == ([0, 3], 5)
        begun.clear()
        assert await backend.race([lambda: attempt(1, OSError("no")), lambda: attempt(2, "good")], 30) == "good"
        assert (begun, backend.clock) == ([5, 6], 8)
        with pytest.raises(OSError, match="second"):
            await backend.race([lambda: attempt(1, OSError("first")), lambda: attempt(9, OSError("second"))], 3)

    run(story())


def test_values_settle(run: Any) -> None:
    async def five() -> int:
        return 5

    assert run(ScriptedBackend().settle(5)) == 5
    assert run(ScriptedBackend().settle(five())) == 5
