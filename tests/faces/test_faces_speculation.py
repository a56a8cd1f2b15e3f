"""Work on speculation, and the functions that send a request twice: in threads and in asyncio, down to what the server sees."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import RejectedError, hedged_request, hedged_request_n, speculate
from oxide._transport.racing import StoppedError
from oxide.testing import Fault, Server
from tests.faces._both import Face
from tests.faces._wires import Wire, ask, busy, eventually, stream
from tests.faces.test_faces_hedging import DOWN, SLOW, racing, wound_up

if TYPE_CHECKING:
    from collections.abc import Callable


def calling(face: Face, client: Any, *words: str, **options: Any) -> Callable[[], Any]:
    """Return a function of no arguments that makes calls one after the other."""
    if face.name == "blocking":
        return lambda: [ask(client.itself, each, **options) for each in words][-1]

    async def call() -> Any:
        answers = [await ask(client.itself, each, **options) for each in words]
        return answers[-1]

    return call


def failing(face: Face, after: float = 0.0) -> Callable[[], Any]:
    def fail() -> Any:
        time.sleep(after)
        raise LookupError("no")

    async def fail_too() -> Any:
        await asyncio.sleep(after)
        raise LookupError("no")

    return fail if face.name == "blocking" else fail_too


def test_both_results_are_returned(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        for faults in ((None, Fault(delay=0.1)), (Fault(delay=0.1), None)):
            server.fail_next(*faults)
            calls = calling(face, client, "check"), calling(face, client, "work")
            check, work = face.run(speculate(*calls, lambda checked: "check" in checked.output_text))
            assert (check.output_text, work.output_text) == ("You said: check", "You said: work")
        assert wound_up(face, client, server, cancelled=0)


def test_the_two_run_side_by_side(face: Face) -> None:
    with Server(fault=Fault(delay=0.3)) as server, face.client(server) as client:
        began = time.monotonic()
        face.run(speculate(calling(face, client, "check"), calling(face, client, "work")))
        assert time.monotonic() - began < 0.55


def test_work_is_stopped_where_the_check_is_not_accepted(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        ask(client)
        server.fail_next(Fault(delay=0.1), Fault(delay=30))
        began = time.monotonic()
        work = then(face, calling(face, client, "work", "more work"))
        with pytest.raises(RejectedError) as caught:
            face.run(speculate(calling(face, client, "check"), work, lambda _: False))
        assert time.monotonic() - began < 2
        assert caught.value.result.output_text == "You said: check"
        assert wound_up(face, client, server, cancelled=1)
        assert len(server.requests) == 3  # not the second one of the work
        assert ask(client).output_text


def then(face: Face, call: Callable[[], Any]) -> Callable[[], Any]:
    """Begin a moment later, so that the server's faults find their requests."""

    def run() -> Any:
        time.sleep(0.03)
        return call()

    async def run_too() -> Any:
        await asyncio.sleep(0.03)
        return await call()

    return run if face.name == "blocking" else run_too


def test_work_is_stopped_where_the_check_fails(face: Face, wire: Wire) -> None:
    with wire.server(fault=SLOW) as server, wire.client(face, server) as client:
        with pytest.raises(LookupError):
            face.run(speculate(failing(face, after=0.2), calling(face, client, "work")))
        assert wound_up(face, client, server, cancelled=1)


def test_a_hedged_call_in_the_work_is_stopped_with_its_copies(face: Face, wire: Wire) -> None:
    with wire.server(fault=SLOW) as server, wire.client(face, server) as client:
        twice = client.hedged(delay=0.02, budget=1)
        with pytest.raises(LookupError):
            face.run(speculate(failing(face, after=0.4), calling(face, twice, "work")))
        assert wound_up(face, client, server, cancelled=2)
        twice.close()


def test_a_stream_that_the_work_reads_is_stopped(wire: Wire) -> None:
    face = Face()
    seen: list[Any] = []
    with wire.server(pace=0.02) as server, wire.client(face, server) as client:
        with pytest.raises(LookupError):
            speculate(failing(face, after=0.3), lambda: seen.extend(stream(client.itself, "many " * 200)))
        assert wound_up(face, client, server, cancelled=1)
    face.close()


def test_work_that_fails_ends_the_check(face: Face) -> None:
    with Server(fault=SLOW) as server, face.client(server) as client:
        with pytest.raises(LookupError):
            face.run(speculate(calling(face, client, "check"), failing(face, after=0.2)))
        assert wound_up(face, client, server, cancelled=1)


def test_what_handles_errors_does_not_catch_the_stop() -> None:
    face = Face()
    went_on, ended = threading.Event(), threading.Event()
    kinds: list[type[BaseException]] = []
    with Server(fault=SLOW) as server, face.client(server) as client:

        def work() -> None:
            try:
                try:
                    ask(client.itself)
                except Exception:
                    went_on.set()
            except BaseException as stop:
                kinds.append(type(stop))
                raise
            finally:
                ended.set()

        with pytest.raises(LookupError):
            speculate(failing(face, after=0.2), work)
        assert ended.wait(5)
    assert kinds == [StoppedError]
    assert not went_on.is_set()
    face.close()


def test_a_function_that_does_not_call_us_ends_by_itself_and_nobody_waits_for_it() -> None:
    face, release, ended = Face(), threading.Event(), threading.Event()

    def work() -> None:
        release.wait(10)
        ended.set()

    began = time.monotonic()
    with pytest.raises(LookupError):
        speculate(failing(face), work)
    assert time.monotonic() - began < 2
    release.set()
    assert ended.wait(5)
    assert eventually(face, lambda: not racing(face))


def test_asyncio_takes_awaitables_tasks_and_coroutine_functions() -> None:
    async def value(number: int) -> int:
        await asyncio.sleep(0.01)
        return number

    async def accept(number: int) -> bool:
        return number == 1

    async def story() -> None:
        assert await speculate(value(1), asyncio.ensure_future(value(2)), accept) == (1, 2)
        assert await speculate(lambda: value(1), lambda: value(2)) == (1, 2)
        task = asyncio.ensure_future(value(30))
        with pytest.raises(RejectedError):
            await speculate(value(2), asyncio.sleep(10), accept)
        slow = asyncio.ensure_future(asyncio.sleep(10))
        with pytest.raises(RejectedError):
            await speculate(value(2), slow, accept)
        assert slow.cancelled()
        assert await task == 30

    asyncio.run(story())


def test_cancelling_it_cancels_both() -> None:
    async def story() -> None:
        both = [asyncio.ensure_future(asyncio.sleep(10)) for _ in range(2)]
        task = asyncio.ensure_future(speculate(*both))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert all(each.cancelled() for each in both)

    asyncio.run(story())


# ------------------------------------------------------------------------------------------------- the functions
REQUEST = {"model": "echo", "input": "Hello"}


def test_a_request_is_sent_twice_at_once_or_after_a_delay(face: Face) -> None:
    with Server() as server, face.client(server) as client:
        server.fail_next(SLOW)
        response = face.run(hedged_request(client.itself, REQUEST))
        assert (response.output_text, response.http.hedge.sent) == ("You said: Hello", 2)
        assert response.http.attempts[1].started < 1
        response = face.run(hedged_request(client.itself, REQUEST, delay=5))
        assert response.http.hedge.sent == 1


@pytest.mark.parametrize(("n", "sent"), [(-1, 1), (0, 1), (1, 1), (2, 2), (3, 3), (10, 3)])
def test_a_request_is_sent_up_to_three_times(face: Face, n: int, sent: int) -> None:
    with Server(fault=Fault(delay=0.2)) as server, face.client(server) as client:
        response = face.run(hedged_request_n(client.itself, REQUEST, n))
        assert response.http.hedge.sent == sent
        assert eventually(face, lambda: len(server.requests) == sent and busy(client) == 0)


def test_where_all_fail_the_error_tells_of_each(face: Face) -> None:
    with Server() as server, face.client(server, max_retries=0) as client:
        server.fail_next(DOWN, DOWN, DOWN)
        with pytest.raises(oxide.InternalServerError) as caught:
            face.run(hedged_request_n(client.itself, REQUEST, 3, 0.01))
        assert len(caught.value.attempts) == 3
