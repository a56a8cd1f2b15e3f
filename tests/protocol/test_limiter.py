"""The policy of a rate limiter: how long a request waits, told the time."""

from __future__ import annotations

import json
import pickle
import random

import pytest

from oxide._protocol.limiter import INFINITY, Meter, RateLimiter, estimate
from oxide._protocol.ratelimit import RateLimit


def spent(limiter: RateLimiter, cost: float, now: float) -> float:
    """Wait for leave, and go; return when."""
    now += limiter.delay(cost, now)
    limiter.take(cost, now)
    return now


# -------------------------------------------------------------------------------------------------------- the buckets
def test_a_minutes_worth_may_go_at_once_and_then_one_after_the_other() -> None:
    limiter = RateLimiter(60)
    assert [limiter.delay(0, 0.0) or limiter.take(0, 0.0) for _ in range(60)] == [None] * 60
    assert limiter.delay(0, 0.0) == pytest.approx(1.0)
    assert limiter.delay(0, 0.75) == pytest.approx(0.25)
    assert limiter.delay(0, 1.0) == pytest.approx(0.0)


def test_tokens_count_as_well_as_requests() -> None:
    limiter = RateLimiter(1000, 6000)
    limiter.take(6000, 0.0)
    assert limiter.delay(100, 0.0) == pytest.approx(1.0)
    assert limiter.delay(0, 0.0) == 0.0


def test_what_costs_more_than_there_can_be_waits_for_all_there_is() -> None:
    limiter = RateLimiter(None, 600)
    assert limiter.delay(10_000, 0.0) == 0.0
    limiter.take(10_000, 0.0)
    assert limiter.delay(1, 0.0) == pytest.approx((9_400 + 1) / 10)  # it leaves a debt


def test_nothing_is_saved_up_beyond_a_minute() -> None:
    limiter = RateLimiter(60)
    limiter.take(0, 0.0)
    for _ in range(60):
        limiter.take(0, 10_000.0)
    assert limiter.delay(0, 10_000.0) == pytest.approx(1.0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limiter = RateLimiter(60)
    for _ in range(60):
        limiter.take(0, 100.0)
    assert limiter.delay(0, 50.0) == pytest.approx(1.0)


def test_no_limit_is_no_wait() -> None:
    limiter = RateLimiter()
    assert [spent(limiter, 1e9, 0.0) for _ in range(1000)] == [0.0] * 1000
    assert (limiter.requests_per_minute, limiter.tokens_per_minute) == (INFINITY, INFINITY)


@pytest.mark.parametrize("seed", range(20))
def test_in_no_minute_there_go_more_than_two_minutes_worth_and_in_the_long_run_one(seed: int) -> None:
    dice = random.Random(seed)
    limiter, now = RateLimiter(120, 1200), 0.0
    went: list[tuple[float, int]] = []
    for _ in range(800):
        now += dice.random() * 0.3
        cost = dice.randrange(20)
        now = spent(limiter, cost, now)
        went.append((now, cost))
    for begin, _ in went:
        window = [cost for moment, cost in went if begin <= moment < begin + 60]
        assert len(window) <= 240 + 1
        assert sum(window) <= 2400 + 20
    assert len(went) <= 120 + went[-1][0] * 2 + 1
    assert sum(cost for _, cost in went) <= 1200 + went[-1][0] * 20 + 20


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan")])
def test_a_limit_that_is_none_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="requests_per_minute"):
        RateLimiter(limit)
    with pytest.raises(ValueError, match="tokens_per_minute"):
        RateLimiter(None, limit)


# ------------------------------------------------------------------------------------------------ what the service says
def test_it_learns_the_limits_from_the_service() -> None:
    limiter = RateLimiter()
    limiter.heed(RateLimit(600, 6000, 0, 100), 0.0)
    assert (limiter.requests_per_minute, limiter.tokens_per_minute) == (600, 6000)
    assert limiter.delay(0, 0.0) == pytest.approx(0.1)
    assert limiter.delay(300, 0.0) == pytest.approx(2.0)


def test_a_limit_of_ones_own_holds_where_it_is_lower() -> None:
    limiter = RateLimiter(60)
    limiter.heed(RateLimit(600, None, 599, None), 0.0)
    assert limiter.requests_per_minute == 60
    limiter.heed(RateLimit(30, None, 30, None), 0.0)
    assert limiter.requests_per_minute == 30
    limiter.heed(RateLimit(600, None, 599, None), 0.0)
    assert limiter.requests_per_minute == 60


def test_who_does_not_want_to_learn_does_not() -> None:
    limiter = RateLimiter(60, learn=False)
    limiter.heed(RateLimit(1, 1, 0, 0), 0.0)
    assert (limiter.requests_per_minute, limiter.delay(0, 0.0)) == (60, 0.0)


def test_what_is_left_is_never_raised_by_what_the_service_says() -> None:
    limiter = RateLimiter(60)
    for _ in range(60):
        limiter.take(0, 0.0)  # under way, and not yet counted there
    limiter.heed(RateLimit(60, None, 59, None), 0.0)
    assert limiter.delay(0, 0.0) == pytest.approx(1.0)


def test_silence_and_nonsense_change_nothing() -> None:
    limiter = RateLimiter(60)
    limiter.heed(RateLimit(), 0.0)
    limiter.heed(RateLimit(0, 0, None, None), 0.0)
    assert (limiter.requests_per_minute, limiter.tokens_per_minute, limiter.delay(5, 0.0)) == (60, INFINITY, 0.0)


def test_a_refusal_stops_everything_for_as_long_as_it_says_within_bounds() -> None:
    limiter = RateLimiter(600)
    limiter.pause(5.0, 100.0)
    assert limiter.delay(0, 101.0) == pytest.approx(4.0)
    limiter.pause(1.0, 101.0)  # a shorter one takes nothing back
    assert limiter.delay(0, 101.0) == pytest.approx(4.0)
    for strange in (-1.0, float("nan")):
        limiter.pause(strange, 101.0)
    limiter.pause(1e9, 101.0)
    assert limiter.delay(0, 101.0) == pytest.approx(120.0)


# --------------------------------------------------------------------------------------------------- what a request costs
def body(**values: object) -> bytes:
    return json.dumps(values).encode()


@pytest.mark.parametrize(
    ("values", "more"),
    [
        ({"model": "m", "input": "x" * 4000}, 0),
        ({"model": "m", "max_output_tokens": 500}, 500),
        ({"model": "m", "max_tokens": 300}, 300),
        ({"model": "m", "max_completion_tokens": 200}, 200),
        ({"model": "m", "max_output_tokens": None}, 0),
        ({"input": 'say "max_tokens": 9999'}, 0),  # what people write has its quotation marks masked
        ({"metadata": {"max_tool_calls": 7}}, 0),
    ],
)
def test_a_request_is_estimated_by_its_bytes_and_by_what_it_allows(values: dict[str, object], more: int) -> None:
    text = body(**values)
    assert estimate(text) == len(text) // 4 + more
    compact = json.dumps(values, separators=(",", ":")).encode()
    assert estimate(compact) == len(compact) // 4 + more


ANSWER = json.dumps({"output": [{"text": 'it said "total_tokens": 7'}], "usage": {"input_tokens": 30, "total_tokens": 1234}, "user": None})


@pytest.mark.parametrize("size", [1, 2, 3, 7, 19, 1000])
def test_what_a_request_has_cost_is_read_however_the_answer_is_cut(size: int) -> None:
    meter, data = Meter(1000), ANSWER.encode()
    more = sum(meter.receive(data[place : place + size]) for place in range(0, len(data), size))
    assert (more, meter.cost) == (234, 1234)


def test_of_several_totals_the_last_one_counts() -> None:
    meter = Meter(0)
    assert meter.receive(b'data: {"usage": {"total_tokens": 5}}\n\n') == 5
    assert meter.receive(b'data: {"usage": {"total_tokens": 9}}\n\n') == 4
    assert meter.receive(b"data: [DONE]\n\n") == 0


def test_an_answer_without_a_total_costs_what_was_thought() -> None:
    meter = Meter(55)
    assert meter.receive(b'{"error": "total_tokens", "total_tokens": null}') == 0
    assert meter.cost == 55


def test_what_was_not_spent_can_be_spent_again() -> None:
    limiter = RateLimiter(None, 600)
    limiter.take(600, 0.0)
    assert limiter.delay(100, 0.0) == pytest.approx(10.0)
    limiter.correct(-500)
    assert limiter.delay(100, 0.0) == 0.0
    limiter.correct(-10_000)
    assert limiter.delay(601, 0.0) == 0.0
    limiter.take(600, 0.0)
    assert limiter.delay(1, 0.0) == pytest.approx(0.1)


def test_a_limiter_that_travels_keeps_its_limits_and_leaves_the_queue() -> None:
    limiter = RateLimiter(60, 600, learn=False)
    limiter.queue.append(object())
    arrived = pickle.loads(pickle.dumps(limiter))
    assert repr(arrived) == repr(limiter) == "RateLimiter(requests_per_minute=60, tokens_per_minute=600)"
    assert (arrived.waiting, arrived.learn) == (0, False)
