"""Clients that keep below the limits of the service: order, waits, deadlines, cancelling; in both worlds."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide.testing import Fault, Server
from tests.exchange._story import RESPONSE, answer, asked, failed, scripted

if TYPE_CHECKING:
    from tests.faces._both import Face


def ask(client: Any, text: str = "Hello", **options: Any) -> Any:
    return client.responses.create(model="echo", input=text, **options)


# --------------------------------------------------------------------------------------------------- a scripted clock
def test_requests_are_spread_over_the_minute() -> None:
    client, world = scripted([answer(200, RESPONSE)] * 5, rate_limiter=oxide.RateLimiter(2))
    for _ in range(5):
        ask(client)
    assert world.clock == pytest.approx(90.0)
    assert max(world.naps) <= 1.0


def test_the_time_in_the_queue_is_told_with_the_answer() -> None:
    client, _ = scripted([answer(200, RESPONSE)] * 2, rate_limiter=oxide.RateLimiter(1))
    assert [round(ask(client).http.timings.queued) for _ in range(2)] == [0, 60]


def test_a_refusal_makes_the_others_wait_too() -> None:
    limiter = oxide.RateLimiter()
    client, world = scripted([answer(429, {"error": {}}, retry_after="20"), answer(200, RESPONSE)], rate_limiter=limiter, max_retries=0)
    with pytest.raises(oxide.RateLimitError):
        ask(client)
    ask(client)
    assert world.clock == pytest.approx(20.0)


def test_a_retry_waits_for_its_turn_like_any_request() -> None:
    limiter = oxide.RateLimiter(1)
    client, world = scripted([answer(500, b""), answer(200, RESPONSE)], rate_limiter=limiter)
    ask(client)
    assert world.clock == pytest.approx(60.0)


def test_what_only_asks_does_not_wait() -> None:
    client, world = scripted([answer(200, RESPONSE)] * 5, rate_limiter=oxide.RateLimiter(1))
    for _ in range(5):
        client.responses.retrieve("resp_1")
    assert world.clock == 0.0


def test_a_call_that_cannot_go_in_time_says_so_at_once() -> None:
    limiter = oxide.RateLimiter(1)
    client, world = scripted([answer(200, RESPONSE)], rate_limiter=limiter)
    ask(client)
    for timeout in (oxide.Timeout(total=30.0), oxide.Timeout(pool=30.0)):
        with pytest.raises(
            oxide.APITimeoutError, match=r"the rate limiter does not let it go in time: .* 60\.0 s more; waited 0 s"
        ) as caught:
            ask(client, timeout=timeout)
        assert (caught.value.phase, caught.value.after) == ("pool", 0.0)
    assert (world.clock, limiter.waiting, len(asked(world))) == (0.0, 0, 1)


def test_tokens_are_put_right_by_the_answer() -> None:
    limiter = oxide.RateLimiter(tokens_per_minute=10_000)
    cheap = {**RESPONSE, "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}
    client, world = scripted([answer(200, cheap)] * 20, rate_limiter=limiter)
    for _ in range(20):
        ask(client, max_output_tokens=9_000)
    assert world.clock == pytest.approx(0.0)
    dear = {**RESPONSE, "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 12_000}}
    client, world = scripted([answer(200, dear)] * 2, rate_limiter=oxide.RateLimiter(tokens_per_minute=10_000))
    ask(client)
    ask(client, max_output_tokens=1)
    assert world.clock == pytest.approx(12.0, abs=1.0)


@pytest.mark.parametrize(
    "reply", [ConnectionRefusedError(), [failed(500)], [failed(429)], [failed(400)]], ids=["refused", "500", "429", "400"]
)
def test_what_failed_has_cost_no_tokens(reply: Any) -> None:
    limiter = oxide.RateLimiter(tokens_per_minute=10_000)
    client, _ = scripted(reply, rate_limiter=limiter, max_retries=0)
    with pytest.raises(oxide.APIError):
        ask(client, max_output_tokens=9_000)
    assert limiter._tokens.left == 10_000


def test_what_may_have_been_read_may_have_cost_something() -> None:
    limiter = oxide.RateLimiter(tokens_per_minute=10_000)
    client, _ = scripted([lambda _: ConnectionResetError()], rate_limiter=limiter, max_retries=0)
    with pytest.raises(oxide.APIConnectionError):
        ask(client, max_output_tokens=9_000)
    assert limiter._tokens.left < 1_000


def test_the_service_tells_the_limits() -> None:
    limiter = oxide.RateLimiter()
    fields = {"x_ratelimit_limit_requests": "60", "x_ratelimit_remaining_requests": "1"}
    client, world = scripted([answer(200, RESPONSE, **fields)] * 3, rate_limiter=limiter)
    for _ in range(3):
        ask(client)
    assert limiter.requests_per_minute == 60
    assert world.clock == pytest.approx(1.0)


def test_who_has_to_wait_is_told() -> None:
    told: list[float] = []
    client, _ = scripted([answer(200, RESPONSE)] * 2, rate_limiter=oxide.RateLimiter(1, on_wait=told.append))
    ask(client)
    ask(client)
    assert told == [pytest.approx(60.0)]


def test_something_else_is_no_limiter() -> None:
    limiter: Any = 5
    with pytest.raises(oxide.ConfigurationError, match=r"rate_limiter must be an oxide\.RateLimiter, not a int"):
        oxide.Client(api_key="k", rate_limiter=limiter)


# ------------------------------------------------------------------------------------------------------- real clocks
def test_first_come_first_served(face: Face, server: Server) -> None:
    limiter = oxide.RateLimiter(1200)
    client = face.client(server, rate_limiter=limiter)
    ask(client)
    limiter._requests.left = 0.0
    order: list[int] = []

    def call(number: int) -> Any:
        def blocking(itself: Any) -> None:
            while limiter.waiting < number:
                time.sleep(0.001)
            ask(itself, str(number))
            order.append(number)

        async def waiting(itself: Any) -> None:
            await ask(itself, str(number))
            order.append(number)

        return waiting if face.name == "asyncio" else blocking

    begun = time.monotonic()
    results = face.together(client, [call(number) for number in range(8)])
    assert results == [None] * 8
    assert order == list(range(8))
    assert time.monotonic() - begun >= 8 * 0.05 - 0.02
    assert limiter.waiting == 0


def test_streams_wait_and_are_put_right_too(face: Face, server: Server) -> None:
    limiter = oxide.RateLimiter(tokens_per_minute=100_000, learn=False)
    client = face.client(server, rate_limiter=limiter)
    with ask(client, stream=True, max_output_tokens=50_000) as stream:
        events = face.collect(stream.itself) if face.name == "blocking" else list(stream)
    total = events[-1].response.usage.total_tokens
    assert limiter._tokens.left == pytest.approx(100_000 - total, abs=2_000)


def test_hedged_streams_are_put_right_too(face: Face) -> None:
    limiter = oxide.RateLimiter(tokens_per_minute=100_000)
    with Server(pace=0.005) as server:
        client = face.client(server, rate_limiter=limiter).hedged(delay=30.0)
        for _ in client.responses.create(model="echo", input="Hello", stream=True, max_output_tokens=50_000):
            pass
    assert limiter.delay(90_000, time.monotonic()) == 0


def test_threads_and_tasks_share_one_limiter(server: Server) -> None:
    limiter = oxide.RateLimiter(1200)
    limiter._requests.left = 0.0
    limiter._requests.at = time.monotonic()
    begun = time.monotonic()

    async def tasks() -> None:
        async with oxide.AsyncClient(base_url=server.url, api_key="test", rate_limiter=limiter) as client:
            await asyncio.gather(*[ask(client) for _ in range(5)])

    def calls() -> None:
        with oxide.Client(base_url=server.url, api_key="test", rate_limiter=limiter) as client:
            for _ in range(5):
                ask(client)

    threads = [threading.Thread(target=calls), threading.Thread(target=lambda: asyncio.run(tasks()))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert time.monotonic() - begun >= 10 * 0.05 - 0.02
    assert len(server.requests) == 10
    assert limiter.waiting == 0


def test_a_task_that_is_cancelled_leaves_the_queue(server: Server) -> None:
    limiter = oxide.RateLimiter(600)

    async def main() -> list[str]:
        async with oxide.AsyncClient(base_url=server.url, api_key="test", rate_limiter=limiter) as client:
            limiter._requests.left = 0.0
            limiter._requests.at = time.monotonic()
            tasks = [asyncio.ensure_future(ask(client, str(number))) for number in range(4)]
            while limiter.waiting < 4:
                await asyncio.sleep(0)
            tasks[0].cancel()  # the front
            tasks[2].cancel()  # in the middle
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(one).__name__ for one in done] == ["CancelledError", "Response", "CancelledError", "Response"]
            return [one.json["input"] for one in server.requests]

    assert asyncio.run(main()) == ["1", "3"]
    assert limiter.waiting == 0


def test_who_waits_too_long_behind_others_is_told_so(server: Server) -> None:
    limiter = oxide.RateLimiter(60)

    async def main() -> None:
        async with oxide.AsyncClient(base_url=server.url, api_key="test", rate_limiter=limiter) as client:
            limiter._requests.left = 0.0
            limiter._requests.at = time.monotonic()
            first = asyncio.ensure_future(ask(client))
            await asyncio.sleep(0)
            with pytest.raises(oxide.APITimeoutError, match=r"others are before it; waited 0\.2"):
                await ask(client, timeout=oxide.Timeout(pool=0.2))
            with pytest.raises(oxide.APITimeoutError, match=r"deadline of 0\.1 s"):
                await ask(client, timeout=oxide.Timeout(total=0.1))
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    asyncio.run(main())
    assert limiter.waiting == 0


def test_copies_of_a_client_share_its_limiter_or_have_their_own(face: Face, server: Server) -> None:
    limiter = oxide.RateLimiter(600)
    client = face.client(server, rate_limiter=limiter)
    ask(client.with_options(max_retries=5))
    assert limiter._requests.left < 600
    other = oxide.RateLimiter(5)
    ask(client.with_options(rate_limiter=other))
    assert other._requests.left < 5


def test_copies_of_a_hedged_call_wait_too_and_leave_the_queue_when_they_have_lost(face: Face, server: Server) -> None:
    limiter = oxide.RateLimiter(600)
    client = face.client(server, rate_limiter=limiter).hedged(delay=0.03, copies=2, budget=1.0)
    ask(client)
    limiter._requests.left = 0.0
    limiter._requests.at = time.monotonic()
    answered = ask(client)
    assert answered.http.timings.queued >= 0.09
    deadline = time.monotonic() + 5.0
    while limiter.waiting and time.monotonic() < deadline:
        face.sleep(0.005)
    assert limiter.waiting == 0


def test_a_broken_answer_leaves_the_limiter_in_order(face: Face, server: Server) -> None:
    limiter = oxide.RateLimiter(6000)
    client = face.client(server, rate_limiter=limiter, max_retries=0)
    for fault in (Fault(cut="reset", at="body"), Fault(cut="reset"), Fault(status=500), Fault(gzip=True)):
        server.fail_next(fault)
        if fault.gzip:
            assert ask(client).output_text == "You said: Hello"
        else:
            with pytest.raises(oxide.APIError):
                ask(client)
    assert limiter.waiting == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_in_a_forked_child_nobody_is_before_it(server: Server) -> None:
    limiter = oxide.RateLimiter(600)
    client = oxide.Client(base_url=server.url, api_key="test", rate_limiter=limiter)
    ask(client)
    limiter.queue.append(object())  # of a thread that the child does not have
    child = os.fork()
    if child == 0:
        try:
            ask(client)
            os._exit(0 if limiter.waiting == 0 else 1)
        except BaseException:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    limiter.queue.clear()
    client.close()
    assert os.waitstatus_to_exitcode(status) == 0
