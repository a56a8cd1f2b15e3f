"""The retry decision, the retry budget and the rate limits, against tables."""

from __future__ import annotations

import copy
import pickle

import pytest

from oxide._protocol.headers import Headers
from oxide._protocol.ratelimit import RateLimit, parse_reset, rate_limit
from oxide._protocol.retry import RetryBudget, RetryPolicy, http_date

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT
LATER = "Sun, 06 Nov 1994 08:49:47 GMT"  # ten seconds
BACKOFF = 0.5


def delay(status: int | None = 500, taken: int = 0, dice: float = 0.0, code: str | None = None, **fields: str) -> float | None:
    headers = Headers([(name.replace("_", "-"), value) for name, value in fields.items()])
    return RetryPolicy().delay(taken, status, headers, dice, NOW, code=code)


@pytest.mark.parametrize("status", [None, 408, 409, 429, 500, 502, 503, 504, 529, 599])
def test_these_are_tried_again(status: int | None) -> None:
    assert delay(status) == BACKOFF


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 413, 418, 422, 425, 499])
def test_these_are_not(status: int) -> None:
    assert delay(status) is None


def test_a_transport_error_has_no_headers() -> None:
    assert RetryPolicy().delay(0, None, None, 0.0, NOW) == BACKOFF


def test_retries_end_at_the_limit() -> None:
    assert [delay(taken=taken) for taken in range(4)] == [0.5, 1.0, None, None]
    assert RetryPolicy(0).delay(0, 500, None, 0.0, NOW) is None


def test_the_delay_doubles_until_the_longest_and_the_dice_take_a_part_away() -> None:
    policy = RetryPolicy(10**7)
    assert [policy.delay(taken, 500, None, 0.0, NOW) for taken in range(7)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert policy.delay(10**6, 500, None, 0.0, NOW) == 8
    assert [policy.delay(taken, 500, None, 1.0, NOW) for taken in range(3)] == [0.375, 0.75, 1.5]


def test_the_server_may_decide_against_the_status() -> None:
    assert delay(400, x_should_retry="true") == BACKOFF
    assert delay(500, x_should_retry="false") is None
    assert delay(500, x_should_retry="perhaps") == BACKOFF
    assert delay(400, x_should_retry="perhaps") is None
    assert delay(500, taken=2, x_should_retry="true") is None


def test_an_exhausted_quota_is_final_unless_the_server_says_otherwise() -> None:
    assert delay(429, code="insufficient_quota") is None
    assert delay(429, code="rate_limit_exceeded") == BACKOFF
    assert delay(429, code="insufficient_quota", x_should_retry="true") == BACKOFF


ASKED: list[tuple[dict[str, str], float | None]] = [
    ({"retry_after": "3"}, 3),
    ({"retry_after": "1.5"}, 1.5),
    ({"retry_after": "120"}, 120),
    ({"retry_after": "120.001"}, None),
    ({"retry_after": "86400"}, None),
    ({"retry_after": "0"}, BACKOFF),
    ({"retry_after": "-1"}, BACKOFF),
    ({"retry_after": "inf"}, BACKOFF),
    ({"retry_after": "-inf"}, BACKOFF),
    ({"retry_after": "nan"}, BACKOFF),
    ({"retry_after": "1e400"}, BACKOFF),
    ({"retry_after": "1e-400"}, BACKOFF),
    ({"retry_after": "9" * 10_000}, BACKOFF),
    ({"retry_after": "1_0"}, BACKOFF),
    ({"retry_after": "٣"}, BACKOFF),
    ({"retry_after": ""}, BACKOFF),
    ({"retry_after": "soon"}, BACKOFF),
    ({"retry_after": LATER}, 10),
    ({"retry_after": "Sun, 06 Nov 1994 08:49:27 GMT"}, BACKOFF),
    ({"retry_after": "Sun, 06 Nov 1994 08:59:37 GMT"}, None),
    ({"retry_after": "Sun, 31 Feb 1999 08:59:37 GMT"}, BACKOFF),
    ({"retry_after_ms": "1500"}, 1.5),
    ({"retry_after_ms": "120001"}, None),
    ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
    ({"retry_after_ms": "soon", "retry_after": "9"}, 9),
    ({"retry_after_ms": "0", "retry_after": "9"}, BACKOFF),
    ({"retry_after_ms": "nan", "retry_after": "9"}, BACKOFF),
]


@pytest.mark.parametrize(("fields", "seconds"), ASKED, ids=[str(fields)[:60] for fields, _ in ASKED])
def test_the_server_may_name_the_delay(fields: dict[str, str], seconds: float | None) -> None:
    assert delay(429, **fields) == seconds


DATES: list[tuple[str, float | None]] = [
    ("Sun, 06 Nov 1994 08:49:37 GMT", NOW),
    ("Sunday, 06-Nov-94 08:49:37 GMT", NOW),
    ("Sun Nov  6 08:49:37 1994", NOW),
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
    ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
    ("Thu, 01 Mar 2068 00:00:00 GMT", 3_097_785_600),
    ("Thursday, 01-Mar-68 00:00:00 GMT", 3_097_785_600),
    ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
    ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),  # a leap second
    ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
    ("Thu, 29 Feb 1900 00:00:00 GMT", None),
    ("Thu, 31 Apr 1998 00:00:00 GMT", None),
    ("Thu, 00 Apr 1998 00:00:00 GMT", None),
    ("Thu, 01 Apr 0000 00:00:00 GMT", None),
    ("Thu, 01 Apr 1998 24:00:00 GMT", None),
    ("Thu, 01 Apr 1998 00:60:00 GMT", None),
    ("Thu, 01 Apr 1998 00:00:61 GMT", None),
    ("Thu, 01 Apr 1998 00:00:00 CET", None),
    ("thu, 01 apr 1998 00:00:00 gmt", None),
    ("Thu, 01 Apr 1998 00:00:00 GMT\n", None),
    ("Thu, 01 Apr ١٩٩٨ 00:00:00 GMT", None),
    ("1998-04-01T00:00:00Z", None),
    ("", None),
    ("9" * 100_000, None),
]


@pytest.mark.parametrize(("text", "moment"), DATES, ids=[text[:40] for text, _ in DATES])
def test_dates(text: str, moment: float | None) -> None:
    assert http_date(text) == moment


def test_a_policy_is_a_value() -> None:
    policy = RetryPolicy(3, first=1, statuses=[418], final_codes=["x"])
    assert policy == pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy)
    assert hash(policy) == hash(copy.copy(policy))
    assert policy != RetryPolicy(3, first=1)
    assert policy != 3
    assert repr(RetryPolicy()) == "RetryPolicy(2, first=0.5, longest=8.0, jitter=0.25, honour=120.0)"
    assert policy.delay(0, 418, None, 0.0, NOW) == 1
    assert policy.delay(0, 429, None, 0.0, NOW) is None
    with pytest.raises(AttributeError):
        policy.limit = 4
    with pytest.raises(AttributeError):
        del policy.limit


def test_a_policy_is_made_again_with_another_limit() -> None:
    policy = RetryPolicy(2, first=1, statuses=[418])
    assert policy.with_limit(5) == RetryPolicy(5, first=1, statuses=[418])
    assert policy.limit == 2
    with pytest.raises(ValueError, match="it must be"):
        policy.with_limit(-1)


@pytest.mark.parametrize(
    "bad", [{"limit": -1}, {"first": -1}, {"longest": float("inf")}, {"honour": float("nan")}, {"jitter": 1.1}, {"jitter": float("nan")}]
)
def test_a_policy_of_impossible_numbers_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="it must be"):
        RetryPolicy(**bad)


def test_a_budget_stops_a_storm_and_recovers_with_success() -> None:
    budget = RetryBudget()
    assert sum(budget.take() for _ in range(1000)) == 100
    for _ in range(4):
        budget.give()
    assert not budget.take()
    budget.give()
    assert budget.take()
    for _ in range(10_000):
        budget.give()
    assert budget.tokens == budget.capacity == 500
    assert repr(budget) == "RetryBudget(500, 5, 1) with 500 tokens"


@pytest.mark.parametrize("numbers", [(-1, 1, 1), (1, 0, 1), (1, 1, -1), (float("inf"), 1, 1), (1, float("nan"), 1)])
def test_a_budget_of_impossible_numbers_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        RetryBudget(*numbers)


RESETS: list[tuple[str, float | None]] = [
    ("1m20s", 80),
    ("6.5s", 6.5),
    ("100ms", 0.1),
    ("1h", 3600),
    ("2d3h", 183_600),
    ("0s", 0),
    ("6m0s", 360),
    ("1h0m0.5s", 3600.5),
    ("250µs", 0.00025),
    ("3us", 0.000003),
    ("12", 12),
    ("0.25", 0.25),
    ("", None),
    ("s", None),
    ("1", 1),
    ("1m20", None),
    ("1 s", None),
    ("-1s", None),
    ("1e3s", None),
    (".5s", None),
    ("1.s", None),
    ("nan", None),
    ("infs", None),
    ("9" * 400, None),
    ("9" * 400 + "s", None),
    ("1y", None),
]


@pytest.mark.parametrize(("text", "seconds"), RESETS, ids=[text[:20] for text, _ in RESETS])
def test_resets(text: str, seconds: float | None) -> None:
    assert parse_reset(text) == (None if seconds is None else pytest.approx(seconds))


def test_rate_limits_are_read_from_the_fields() -> None:
    fields = {
        "limit-requests": "500",
        "Limit-Tokens": "30000",
        "remaining-requests": "0",
        "remaining-tokens": "29,000",
        "reset-requests": "120ms",
    }
    limit = rate_limit(Headers([(f"x-ratelimit-{name}", value) for name, value in fields.items()]))
    assert limit == RateLimit(500, 30_000, 0, None, 0.12, None)
    assert rate_limit(Headers()) == RateLimit() != limit
    assert "limit_requests=500, limit_tokens=30000" in repr(limit)
