"""Many at once, and many in a row: nothing is lost, doubled, mixed up or leaked, and nobody starves."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from oxide import APITimeoutError, Limits, Timeout
from oxide.testing import Fault, Server
from tests.faces._both import Face
from tests.faces._wires import HASTY, Wire, ask, busy, collected, eventually, kept, stream

if TYPE_CHECKING:
    from collections.abc import Callable

IN_A_ROW = int(os.environ.get("OXIDE_STREAMS", "2000"))
CROWD = Timeout(30.0)


def asker(number: int) -> Callable[[Any], Any]:
    return lambda client: ask(client, f"call {number}")


def said(results: list[Any]) -> list[str]:
    """Return what the answers say; an error says what it is."""
    return [getattr(result, "output_text", repr(result)) for result in results]


def expected(count: int) -> list[str]:
    return [f"You said: call {number}" for number in range(count)]


def blocking_text(client: Any, number: int) -> str:
    with stream(client, f"call {number}") as events:
        return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def asyncio_text(client: Any, number: int) -> str:
    async with await stream(client, f"call {number}") as events:
        return "".join([event.delta async for event in events if event.type == "response.output_text.delta"])


def streamer(face: Face, number: int) -> Callable[[Any], Any]:
    return lambda client: (blocking_text if face.name == "blocking" else asyncio_text)(client, number)


@pytest.mark.parametrize("http2", ["auto", False, True])
@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
def test_two_hundred_callers_on_one_client_get_their_own_answers(face: Face, secure: bool, http2: Any) -> None:
    wire = Wire("http2" if secure else "plain")
    with wire.server() as server, wire.client(face, server, http2=http2, timeout=CROWD) as client:
        assert said(face.together(client, [asker(number) for number in range(200)])) == expected(200)
        assert busy(client) == 0
        assert len(server.requests) == 200
        assert eventually(face, lambda: server.open_connections == kept(client) <= 100)


def test_twenty_callers_share_one_http2_connection(face: Face) -> None:
    wire = Wire("http2")
    with wire.server() as server, wire.client(face, server, timeout=CROWD) as client:
        ask(client)
        for _ in range(3):
            assert said(face.together(client, [asker(number) for number in range(20)])) == expected(20)
            assert said(face.together(client, [streamer(face, number) for number in range(20)])) == list(map(repr, expected(20)))
        assert (server.connections, busy(client)) == (1, 0)


def test_twenty_paced_streams_share_one_http2_connection(face: Face) -> None:
    wire = Wire("http2")
    with wire.server(pace=0.005) as server, wire.client(face, server, timeout=CROWD) as client:
        assert said(face.together(client, [streamer(face, number) for number in range(20)])) == list(map(repr, expected(20)))
        assert (server.connections, busy(client)) == (1, 0)


@pytest.mark.parametrize("pace", [0.0, 0.002])
def test_a_front_end_that_says_goodbye_after_every_ten_requests_loses_nothing(face: Face, pace: float) -> None:
    wire = Wire("http2")
    with wire.server(max_requests=10, pace=pace) as server, wire.client(face, server, timeout=CROWD) as client:
        for _ in range(3):
            assert said(face.together(client, [asker(number) for number in range(60)])) == expected(60)
            assert said(face.together(client, [streamer(face, number) for number in range(60)])) == list(map(repr, expected(60)))
        assert busy(client) == 0
        assert len(server.requests) == 360, "each is answered once"


def test_more_calls_than_streams_wait_for_their_turn(face: Face) -> None:
    wire = Wire("http2")
    with wire.server(max_streams=5, fault=Fault(delay=0.01)) as server:
        with wire.client(face, server, timeout=CROWD, limits=Limits(1)) as client:
            assert said(face.together(client, [asker(number) for number in range(50)])) == expected(50)
            assert (server.connections, busy(client)) == (1, 0)
        with wire.client(face, server, timeout=CROWD) as client:
            assert said(face.together(client, [asker(number) for number in range(50)])) == expected(50)
            assert busy(client) == 0


def test_a_small_pool_serves_in_order(face: Face) -> None:
    with Server(fault=Fault(delay=0.04)) as server, face.client(server, limits=Limits(2), timeout=CROWD) as client:
        done: list[int] = []

        def numbered(number: int) -> Callable[[Any], Any]:
            def blocking(client: Any) -> Any:
                time.sleep(0.01 * number)
                result = ask(client, f"call {number}")
                done.append(number)
                return result

            async def awaited(client: Any) -> Any:
                await asyncio.sleep(0.01 * number)
                result = await ask(client, f"call {number}")
                done.append(number)
                return result

            return blocking if face.name == "blocking" else awaited

        assert said(face.together(client, [numbered(number) for number in range(20)])) == expected(20)
        assert max(abs(place - number) for place, number in enumerate(done)) <= 3, done
        assert (server.connections, busy(client)) == (2, 0)


def test_who_waits_too_long_for_a_connection_is_told_which_limit_it_was(face: Face) -> None:
    with Server(fault=Fault(delay=0.5)) as server:
        client = face.client(server, limits=Limits(2), timeout=Timeout(5.0, pool=0.1), max_retries=0)
        results = face.together(client, [asker(number) for number in range(5)])
        late = [result for result in results if isinstance(result, APITimeoutError)]
        assert len(late) == 3
        assert all(error.phase == "pool" and error.after == 0.1 and "max_connections" in str(error) for error in late)
        assert busy(client) == 0


def test_streams_and_calls_mixed_keep_apart(face: Face, wire: Wire) -> None:
    with wire.server(pace=0.001) as server, wire.client(face, server, timeout=CROWD) as client:
        calls = [streamer(face, number) if number % 2 else asker(number) for number in range(40)]
        results = face.together(client, calls)
        assert [result if isinstance(result, str) else getattr(result, "output_text", repr(result)) for result in results] == expected(40)
        assert busy(client) == 0


def test_a_crowd_among_faults_gets_answers_all_the_same(face: Face, wire: Wire) -> None:
    from oxide._protocol.retry import RetryPolicy

    kinds: list[Any] = ["reset", "close"] if wire.name != "unix" else ["close"]
    faults = [Fault(cut=kind, at=at) for kind in kinds for at in ("before", "head", "body")] + [Fault(status=503), Fault(cut="refuse")]
    with wire.server() as server:
        client = wire.client(face, server, timeout=CROWD, max_retries=12, retry=RetryPolicy(12, first=0.001))
        server.fail_next(*[fault for _ in range(3) for fault in (*faults, None, None)])
        assert said(face.together(client, [asker(number) for number in range(60)])) == expected(60)
        assert busy(client) == 0


# ------------------------------------------------------------------------------------------------ in a row


@pytest.mark.parametrize("way", ["plain", "tls", "http2"])
def test_thousands_of_streams_in_a_row_cost_no_memory_and_no_descriptors(face: Face, way: str) -> None:
    wire = Wire(way)
    count = IN_A_ROW if way == "plain" else IN_A_ROW // 10
    with wire.server(keep=10) as server, wire.client(face, server, timeout=CROWD) as client:

        def read(times: int) -> None:
            for _ in range(times):
                assert face.collect(stream(client))[-1].type == "response.completed"

        read(50)
        collected()
        tracemalloc.start()
        read(20)  # what is made once under the tracer
        gc.collect()
        before, descriptors = tracemalloc.get_traced_memory()[0], len(os.listdir("/proc/self/fd"))
        tracemalloc.stop()
        read(count - 90)
        gc.collect()
        tracemalloc.start()
        read(20)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert after - before < 50_000
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        assert (server.connections, busy(client), kept(client)) == (1, 0, 1)


def test_failures_in_a_row_cost_no_memory_and_no_descriptors(face: Face, wire: Wire) -> None:
    with wire.server(keep=10) as server, wire.client(face, server) as client:

        def fail(times: int) -> None:
            for number in range(times):
                server.fail_next(Fault(cut="close", at=("before", "head", "body")[number % 3]))
                with pytest.raises(Exception, match="POST"):
                    ask(client)

        fail(9)
        collected()
        descriptors = len(os.listdir("/proc/self/fd"))
        fail(90)
        collected()
        assert eventually(face, lambda: len(os.listdir("/proc/self/fd")) <= descriptors + 2)
        assert (busy(client), kept(client)) == (0, 0)


# ------------------------------------------------------------------------------------------------ loops, threads, forks


@pytest.mark.parametrize("way", ["plain", "http2"])
def test_one_client_in_two_loops_one_after_the_other(way: str) -> None:
    from oxide import AsyncClient
    from tests.transport._net import CLIENT_CONTEXT

    wire = Wire(way)
    with wire.server() as server:
        client = AsyncClient(base_url=server.url, api_key="test", ssl_context=CLIENT_CONTEXT, http2=wire.http2, timeout=HASTY)

        async def twice() -> list[str]:
            return [(await ask(client, f"call {number}")).output_text for number in range(2)]

        for _ in range(5):
            assert asyncio.run(twice()) == expected(2)
        assert server.connections == 5
        assert len(client._shared._transports) <= 2, "the connections of loops that have ended are let go"
        asyncio.run(client.close())


@pytest.mark.parametrize("way", ["plain", "http2"])
def test_one_client_in_many_loops_at_the_same_time(way: str) -> None:
    from oxide import AsyncClient
    from tests.transport._net import CLIENT_CONTEXT

    wire = Wire(way)
    with wire.server(pace=0.001) as server:
        client = AsyncClient(base_url=server.url, api_key="test", ssl_context=CLIENT_CONTEXT, http2=wire.http2, timeout=CROWD)
        outcomes: dict[int, list[str]] = {}

        async def several(base: int) -> list[str]:
            return list(await asyncio.gather(*(asyncio_text(client, base + number) for number in range(10))))

        def run(base: int) -> None:
            outcomes[base] = asyncio.run(several(base))

        threads = [threading.Thread(target=run, args=(10 * place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [text for base in sorted(outcomes) for text in outcomes[base]] == expected(40)
        asyncio.run(client.close())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only makes a call and leaves
@pytest.mark.parametrize("streaming", [False, True], ids=["idle", "in a stream"])
def test_after_a_fork_both_processes_go_on(wire: Wire, streaming: bool) -> None:
    face = Face()
    with wire.server(pace=0.005) as server, wire.client(face, server) as client:
        assert ask(client).output_text
        events = iter(stream(client)) if streaming else iter(())
        seen = [next(events)] if streaming else []
        child = os.fork()
        if not child:
            status = 1
            try:
                status = 0 if ask(client.itself, "child").output_text == "You said: child" else 2
            finally:
                os._exit(status)
        seen.extend(events)
        assert ask(client, "parent").output_text == "You said: parent"
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ask(client, "parent").output_text == "You said: parent"
        if streaming:
            assert [event.sequence_number for event in seen] == list(range(len(seen)))
            assert seen[-1].type == "response.completed"
        assert server.connections == 2, "the parent's connections are its own still"
        assert not server.cancelled
        assert busy(client) == 0
