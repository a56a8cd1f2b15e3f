"""The retry decision, against a model of it, and dates, against the standard library's writer."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from oxide._protocol.headers import Headers
from oxide._protocol.ratelimit import parse_reset, rate_limit
from oxide._protocol.retry import RetryBudget, RetryPolicy, http_date

DICE = st.floats(0, 1)
NAMES = st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "x-ratelimit-reset-requests", "x-ratelimit-limit-requests"])
VALUES = st.one_of(st.text(), st.floats().map(str), st.integers().map(str), st.sampled_from(["true", "false"]))


@given(st.integers(0, 10**9), st.one_of(st.none(), st.integers(100, 999)), st.dictionaries(NAMES, VALUES), DICE, st.text())
def test_any_fields_give_none_or_a_delay_within_the_bounds(
    taken: int, status: int | None, fields: dict[str, str], dice: float, code: str
) -> None:
    headers = Headers(fields.items())
    delay = RetryPolicy(10).delay(taken, status, headers, dice, 1e9, code=code)
    assert delay is None or 0 < delay <= 120
    rate_limit(headers)


@given(st.integers(0, 9), DICE)
def test_the_backoff_is_the_official_one(taken: int, dice: float) -> None:
    assert RetryPolicy(10).delay(taken, 500, None, dice, 0) == min(0.5 * 2**taken, 8) * (1 - 0.25 * dice)


@given(st.floats(0, 200, exclude_min=True))
def test_a_delay_the_server_asks_for_is_kept_to_the_letter_or_ends_the_call(seconds: float) -> None:
    delay = RetryPolicy().delay(0, 503, Headers([("retry-after", repr(seconds))]), 0.5, 0)
    assert delay == (seconds if seconds <= 120 else None)


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(timezone.utc)))
def test_dates_are_read_as_the_standard_library_writes_them(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert http_date(format_datetime(moment, usegmt=True)) == moment.timestamp()


@given(st.text())
def test_any_text_is_a_date_and_a_span_or_none(text: str) -> None:
    assert http_date(text) is None
    assert parse_reset(text) is None or text[0].isdigit()


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_spans_add_up(days: int, hours: int, minutes: int, seconds: int, millis: int) -> None:
    expected = days * 86_400 + hours * 3600 + minutes * 60 + seconds + millis / 1000
    span = parse_reset(f"{days}d{hours}h{minutes}m{seconds}s{millis}ms")
    assert span is not None
    assert abs(span - expected) < 1e-6


class BudgetMachine(RuleBasedStateMachine):
    """A bucket, beside a plain account of it."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget(20, 5, 1)
        self.account = 20

    @rule()
    def retry(self) -> None:
        allowed = self.account >= 5
        assert self.budget.take() is allowed
        self.account -= 5 * allowed

    @rule()
    def success(self) -> None:
        self.budget.give()
        self.account = min(20, self.account + 1)

    @invariant()
    def the_account_is_right(self) -> None:
        assert self.budget.tokens == self.account


TestBudget = BudgetMachine.TestCase
