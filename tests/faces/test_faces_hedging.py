"""Hedged calls in both worlds, over every kind of connection: who wins, who pays, and what becomes of the losers."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import (
    APIConnectionError,
    APITimeoutError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    Timeout,
)
from oxide.testing import Fault, Server
from tests.faces._both import AsyncioFace, Face
from tests.faces._wires import Wire, ask, busy, eventually, kept, stream

if TYPE_CHECKING:
    from pathlib import Path

DELAY = 0.08
SLOW = Fault(delay=30)
DOWN = Fault(status=503)
GONE = Fault(cut="reset", at="head")
LATE_EVENT = Fault(pieces=[b": wait\n\n", b": for it\n\n"] * 2000, gap=0.02)


def hedged(client: Any, **options: Any) -> Any:
    """Return a hedged copy of a client; it is closed at the end of the test, if not before."""
    copy = client.hedged(**{"delay": DELAY, "budget": 5, **options})
    client._face._clients.append(copy.itself)
    return copy


def wound_up(face: Face, client: Any, server: Server, cancelled: int) -> bool:
    """Whether the losers have gone: the server has seen it, no connection is held, no thread or task runs."""
    return eventually(face, lambda: len(server.cancelled) == cancelled and busy(client) == 0 and not racing(face))


def open_files() -> int:
    """How many files this process has open, where the system tells."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def racing(face: Face) -> bool:
    """Whether copies still run."""
    from oxide._transport import blocking

    loop = getattr(face, "loop", None)
    return bool(blocking._racers) or (loop is not None and len(asyncio.all_tasks(loop)) > 0)


# ------------------------------------------------------------------------------------------------------- who wins
def test_a_quick_answer_is_the_only_request(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        response = ask(hedged(client))
        assert response.output_text == "You said: Hello"
        assert (response.http.hedge.winner, response.http.hedge.sent, response.http.hedge.delay) == (1, 1, DELAY)
        assert len(server.requests) == 1


def test_a_slow_answer_is_overtaken_and_its_request_cancelled(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        ask(client)  # the connection stands, and in HTTP/2 both copies are to share it
        server.fail_next(SLOW)
        began = time.monotonic()
        response = ask(hedged(client))
        assert time.monotonic() - began < 5
        assert (response.http.hedge.winner, response.http.hedge.sent) == (2, 2)
        assert [attempt.status for attempt in response.http.attempts] == [None, 200]
        assert "another copy" in response.http.attempts[0].cause
        assert response.http.attempts[1].started >= DELAY - 0.01
        assert wound_up(face, client, server, cancelled=1)
        first, second = server.requests[-2:]
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert first.body == second.body
        assert server.connections == (1 if wire.http2 else 2)
        assert ask(client).output_text  # what is left of the connections serves on


def test_the_first_copy_may_win_all_the_same(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(Fault(delay=0.2), SLOW)
        response = ask(hedged(client))
        assert (response.http.hedge.winner, response.http.hedge.sent) == (1, 2)
        assert wound_up(face, client, server, cancelled=1)


def test_three_copies_start_a_delay_apart(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(SLOW, SLOW)
        response = ask(hedged(client, copies=3))
        assert (response.http.hedge.winner, response.http.hedge.sent) == (3, 3)
        assert wound_up(face, client, server, cancelled=2)


def test_a_stream_is_won_by_its_first_event(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        whole = [event.type for event in stream(client)]
        server.fail_next(LATE_EVENT)  # its head comes at once, but no event
        with stream(hedged(client)) as events:
            assert (events.http.hedge.winner, events.http.hedge.sent) == (2, 2)
            assert [event.type for event in events] == whole
        assert wound_up(face, client, server, cancelled=1)


def test_a_hedged_stream_can_be_left_early(face: Face, wire: Wire) -> None:
    with wire.server(pace=0.02) as server, wire.client(face, server) as client:
        with stream(hedged(client), words="many " * 100) as events:
            next(iter(events))
        assert wound_up(face, client, server, cancelled=1)


@pytest.mark.parametrize("kind", ["open file", "pieces", "bytes"])
def test_copies_of_an_upload_do_not_read_each_other_s_bytes(face: Face, kind: str, tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    pieces = [data[at : at + 65_536] for at in range(0, len(data), 65_536)]
    (tmp_path / "x.bin").write_bytes(data)
    with Server() as server, face.client(server) as client, open(tmp_path / "x.bin", "rb") as opened:
        for _ in range(3):
            content: Any = {"open file": opened, "pieces": pieces, "bytes": data}[kind]
            file = oxide.File(content, "x.bin")
            answer = hedged(client, delay=0.0, copies=4, budget=10).files.create(file=file, purpose="assistants")
            assert answer.bytes == len(data)
            if kind == "open file":  # there is one, which is at one place at a time
                assert answer.http.hedge is None
        assert eventually(face, lambda: not racing(face))
        assert all(data in request.body for request in server.requests)


def test_files_pages_and_raw_answers_are_hedged(face: Face) -> None:
    page = {"object": "list", "data": [{"id": "m1", "object": "model"}], "has_more": False}
    with Server() as server, face.client(server) as client:
        twice = hedged(client)
        server.fail_next(SLOW, Fault(status=200, body=b"words", headers={"content-type": "application/octet-stream"}))
        answer = twice.files.content("file-1")
        assert (answer.read(), answer.http.hedge.winner) == (b"words", 2)
        server.fail_next(SLOW, Fault(status=200, body=page))
        models = face.run(twice.models.list().itself) if face.name == "asyncio" else twice.models.list()
        assert models.http.hedge.winner == 2
        server.fail_next(SLOW)
        raw = twice.responses.with_raw_response.create(model="echo", input="Hello")
        assert (raw.http.hedge.winner, raw.parse().output_text) == (2, "You said: Hello")
        server.fail_next(SLOW)
        assert twice.get("/models")["object"] == "list"
        assert wound_up(face, client, server, cancelled=4)


def test_a_copy_with_other_options_is_hedged_and_shares_the_budget(face: Face) -> None:
    with Server() as server, face.client(server) as client:
        twice = hedged(client, budget=0.5)
        server.fail_next(SLOW, None, Fault(delay=0.3), None)
        assert ask(twice.with_options(timeout=5)).http.hedge.sent == 2
        assert ask(twice.with_options(max_retries=0)).http.hedge.sent == 1
        copy = pickle.loads(pickle.dumps(twice.itself))
        assert copy._hedging.policy == twice.itself._hedging.policy
        assert ask(client).http.hedge is None


# ---------------------------------------------------------------------------------------------------------- failures
def test_a_copy_that_fails_at_once_is_followed_at_once(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        for fault in (DOWN, GONE):
            server.fail_next(fault)
            response = ask(hedged(client, delay=20))
            assert (response.http.hedge.winner, response.http.hedge.sent, response.http.hedge.retries) == (2, 2, 0)
            assert response.http.attempts[0].cause
        assert wound_up(face, client, server, cancelled=len(server.cancelled))


def test_where_all_copies_fail_the_error_tells_of_each(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(DOWN, Fault(status=500))
        with pytest.raises(InternalServerError, match="503") as caught:
            ask(hedged(client))
        assert [attempt.status for attempt in caught.value.attempts] == [503, 500]
        assert [attempt.number for attempt in caught.value.attempts] == [1, 2]
        assert "500" in caught.value.__notes__[0]
        server.fail_next(GONE, GONE)
        with pytest.raises(APIConnectionError) as broken:
            ask(hedged(client))
        assert len(broken.value.attempts) == 2
        assert busy(client) == 0


def test_retries_are_shared_between_the_copies(face: Face) -> None:
    with Server() as server, face.client(server, retry=oxide.RetryPolicy(2, first=0.01)) as client:
        server.fail_next(DOWN, DOWN, DOWN, DOWN, DOWN, DOWN)
        with pytest.raises(InternalServerError) as caught:
            ask(hedged(client), max_retries=2)
        assert len(caught.value.attempts) == len(server.requests) == 4  # two copies, two retries
        server.fail_next()
        server.clear()
    with Server() as server, face.client(server, retry=oxide.RetryPolicy(2, first=0.01)) as client:
        server.fail_next(DOWN, DOWN, DOWN)
        response = ask(hedged(client), max_retries=2)
        assert (response.http.hedge.sent, response.http.retries, len(response.http.attempts)) == (4, 2, 4)


def test_a_refusal_is_not_asked_for_twice(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(Fault(status=400))
        with pytest.raises(BadRequestError) as caught:
            ask(hedged(client))
        assert len(caught.value.attempts) == len(server.requests) == 1
        server.fail_next(SLOW, Fault(status=404))
        with pytest.raises(NotFoundError) as missing:
            ask(hedged(client))
        assert [attempt.status for attempt in missing.value.attempts] == [None, 404]
        assert wound_up(face, client, server, cancelled=1)


def test_no_copy_is_sent_while_the_server_asks_to_wait(face: Face) -> None:
    with Server() as server, face.client(server) as client:
        server.fail_next(Fault(status=429, headers={"retry-after-ms": "300"}))
        response = ask(hedged(client))
        assert response.http.attempts[1].started >= 0.29
        server.fail_next(Fault(status=429, headers={"retry-after": "300"}))
        with pytest.raises(RateLimitError):
            ask(hedged(client))


def test_a_deletion_that_has_happened_is_no_failure(face: Face) -> None:
    with Server() as server, face.client(server) as client:
        server.fail_next(Fault(delay=0.3, status=200, body={"id": "r", "deleted": True}), Fault(status=404))
        assert hedged(client).delete("/responses/resp_1")["deleted"]
        assert len(server.requests) == 2


def test_a_stream_that_breaks_before_its_first_event_is_asked_for_again(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(Fault(cut="reset", at="body", after=0))
        with stream(hedged(client, delay=20)) as events:
            assert events.http.hedge.winner == 2
            assert len(list(events)) > 3


# ------------------------------------------------------------------------------------------------------------- bounds
def test_the_budget_bounds_the_copies(face: Face) -> None:
    with Server(fault=Fault(delay=0.06)) as server, face.client(server) as client:
        twice = hedged(client, delay=0.02, budget=0.1)
        sent = [ask(twice).http.hedge.sent for _ in range(20)]
        assert sum(sent) == len(server.requests) == 22
        assert ask(hedged(client, delay=0.02, budget=0)).http.hedge.sent == 1


def test_the_deadline_of_the_call_holds_for_every_copy(face: Face, wire: Wire) -> None:
    with wire.server(fault=SLOW) as server, wire.client(face, server, timeout=Timeout(5, total=0.4)) as client:
        for faults in ((), (DOWN,)):
            server.fail_next(*faults)
            began = time.monotonic()
            with pytest.raises(APITimeoutError, match=r"0\.4 s"):
                ask(hedged(client))
            assert 0.3 < time.monotonic() - began < 2
        assert wound_up(face, client, server, cancelled=3)


def test_a_body_that_can_be_read_once_is_sent_once(face: Face) -> None:
    with Server() as server, face.client(server) as client:
        server.fail_next(Fault(delay=0.3))
        response = hedged(client).request("POST", "/responses", content=iter([b'{"model": "echo", ', b'"input": "Hello"}']))
        assert len(server.requests) == 1
        assert response.http.hedge is None


def test_a_percentile_is_learnt_from_the_calls_of_the_client(face: Face) -> None:
    with Server() as server, face.client(server) as client:
        twice = hedged(client, delay="p95", budget=1)
        server.fail_next(*[Fault(delay=0.02)] * 20)
        assert {ask(twice).http.hedge.delay for _ in range(20)} == {None}
        server.fail_next(SLOW)
        hedge = ask(twice).http.hedge
        assert (hedge.winner, hedge.sent) == (2, 2)
        assert 0.02 <= hedge.delay < 1
        page = stream(twice)
        assert page.http.hedge.delay is None  # of another operation nothing is known
        page.close()


def test_arguments_that_cannot_be_are_refused(face: Face) -> None:
    client = face.client(base_url="http://127.0.0.1:9/v1")
    for options in ({"delay": -1}, {"delay": "fast"}, {"copies": 0}, {"budget": -1}, {"copies": "2"}):
        with pytest.raises(ConfigurationError, match="hedged"):
            client.hedged(**options)
    twice = client.hedged()
    twice.close()
    with pytest.raises(ConfigurationError, match="closed"):
        ask(twice)
    with pytest.raises(ConfigurationError, match="closed"):
        twice.hedged()


# ------------------------------------------------------------------------------------------------------ nothing is left
def test_hooks_see_every_copy(face: Face) -> None:
    seen: list[tuple[Any, ...]] = []

    class Hooks:
        def on_request(self, request: Any) -> None:
            seen.append(("request", request.headers["idempotency-key"]))

        def on_response(self, request: Any, http: Any) -> None:
            seen.append(("response", http.status))

        def on_error(self, request: Any, error: Any) -> None:
            seen.append(("error", error.status_code))

        def on_retry(self, request: Any, error: Any, delay: float) -> None:
            seen.append(("retry", error.status_code, delay > 0))

    with Server() as server, face.client(server, hooks=[Hooks()], retry=oxide.RetryPolicy(1, first=0.01)) as client:
        server.fail_next(DOWN, DOWN)
        key = ask(hedged(client), max_retries=1, idempotency_key="once").http.attempts
        assert len(key) == 3
        request = ("request", "once")
        failed = [request, ("response", 503), ("error", 503)]
        assert seen == [*failed, *failed, ("retry", 503, True), request, ("response", 200)]


def test_a_loser_that_answers_after_all_is_dropped(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(Fault(delay=DELAY + 0.02), Fault(delay=0.02), Fault(delay=DELAY), None)
        for _ in range(2):  # both answers come within a moment: either wins, and the other is not mistaken for the next call's
            assert ask(hedged(client), words="one").output_text == "You said: one"
            assert ask(client, words="two").output_text == "You said: two"
        assert eventually(face, lambda: busy(client) == 0 and not racing(face))


def test_closing_the_client_ends_the_copies(wire: Wire) -> None:
    face = Face()
    with wire.server(fault=SLOW) as server:
        client = wire.client(face, server)
        twice = hedged(client)
        failed: list[BaseException] = []

        def call() -> None:
            try:
                ask(twice)
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        assert eventually(face, lambda: len(server.requests) == 2)
        twice.close()
        client.close()
        thread.join(5)
        assert not thread.is_alive()
        assert isinstance(failed[0], oxide.OxideError)
        assert eventually(face, lambda: not racing(face) and len(server.cancelled) == 2)
    face.close()


def test_a_cancelled_call_cancels_all_its_copies(wire: Wire) -> None:
    face = AsyncioFace()
    with wire.server(fault=SLOW) as server, wire.client(face, server) as client:
        twice = hedged(client)

        async def story() -> None:
            task = asyncio.ensure_future(ask(twice.itself))
            while len(server.requests) < 2:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        face.run(story())
        assert wound_up(face, client, server, cancelled=2)
    face.close()


def test_an_interrupt_ends_all_copies(wire: Wire) -> None:
    face = Face()
    with wire.server(fault=SLOW) as server, wire.client(face, server) as client:
        timer = threading.Timer(0.5, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            ask(hedged(client))
        timer.join()
        assert wound_up(face, client, server, cancelled=2)
    face.close()


def test_two_hundred_hedged_calls_leave_nothing_behind(face: Face, wire: Wire) -> None:
    with wire.server(slow=(3, 0.2)) as server, wire.client(face, server) as client:
        twice = hedged(client, delay=0.02)
        threads, files = threading.active_count(), open_files()
        for _ in range(10):
            calls = [lambda client, words=f"call {number}": ask(client, words) for number in range(20)]
            answers = face.together(twice, calls)
            assert [answer.output_text for answer in answers] == [f"You said: call {number}" for number in range(20)]
        assert len(server.requests) > 200
        assert eventually(face, lambda: busy(client) == 0 and not racing(face))
        assert eventually(face, lambda: threading.active_count() <= threads)
        assert eventually(face, lambda: open_files() <= files + 2 * kept(client))  # their other ends are here, too
        assert eventually(face, lambda: server.open_connections == kept(client))
        twice.close()
    assert kept(client) == 0
