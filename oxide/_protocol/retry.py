"""Whether a failed attempt is followed by another, and after how long.

Facts in, decision out: the clock and the dice are arguments, the waiting is left to the exchange.  Whether a body *can* be sent again
is for the exchange to know, too.
"""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .headers import Headers

__all__ = ["RetryBudget", "RetryPolicy", "http_date"]

INFINITY = float("inf")


class RetryPolicy:
    """When a request is tried again; a value that does not change.

    Args:
        limit: the most retries of one call; 0 for none.
        first: seconds before the first retry; doubled for each that follows.
        longest: seconds that doubling stops at.
        jitter: the part of a delay, from 0 to 1, that the dice may take away, so that many clients do not come back in step.
        honour: the most seconds a server may ask us to wait; where it asks for more, the call fails at once.
        statuses: what is worth another attempt, besides every status of 500 and above.
        final_codes: error codes that no attempt can change, whatever their status.

    Raises:
        ValueError: a number is out of its range.
    """

    __slots__ = ("final_codes", "first", "honour", "jitter", "limit", "longest", "statuses")

    limit: int
    first: float
    longest: float
    jitter: float
    honour: float
    statuses: frozenset[int]
    final_codes: frozenset[str]

    def __init__(
        self,
        limit: int = 2,
        *,
        first: float = 0.5,
        longest: float = 8.0,
        jitter: float = 0.25,
        honour: float = 120.0,
        statuses: Iterable[int] = (408, 409, 429),
        final_codes: Iterable[str] = ("insufficient_quota",),
    ) -> None:
        if limit < 0:
            raise ValueError(f"the limit of retries is {limit!r}; it must be 0 or more")
        for name, value in (("first", first), ("longest", longest), ("honour", honour)):
            if not 0 <= value < INFINITY:
                raise ValueError(f"{name} is {value!r}; it must be a finite number of seconds, 0 or more")
        if not 0 <= jitter <= 1:
            raise ValueError(f"jitter is {jitter!r}; it must be from 0 to 1")
        keep = object.__setattr__
        keep(self, "limit", limit)
        keep(self, "first", first)
        keep(self, "longest", longest)
        keep(self, "jitter", jitter)
        keep(self, "honour", honour)
        keep(self, "statuses", frozenset(statuses))
        keep(self, "final_codes", frozenset(final_codes))

    def delay(
        self, retries_taken: int, status: int | None, headers: Headers | None, dice: float, unix_time: float, *, code: str | None = None
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None to stop.

        Args:
            retries_taken: how many retries this call has had.
            status: of the response; None where none came (a transport error).
            headers: of the response, if any.
            dice: a random number from 0 to 1.
            unix_time: seconds since 1970, which a date in `retry-after` is compared with.
            code: the error code in the body, if any.
        """
        if retries_taken >= self.limit or not self._worthwhile(status, headers, code):
            return None
        asked = asked_delay(headers, unix_time) if headers else None
        if asked is None or not 0 < asked < INFINITY:
            # 2**60 half seconds are long enough for any `longest`, and no float overflows.
            return min(self.first * 2.0 ** min(retries_taken, 60), self.longest) * (1 - self.jitter * dice)
        return asked if asked <= self.honour else None

    def with_limit(self, limit: int) -> RetryPolicy:
        """Return the same policy with another number of retries.

        Raises:
            ValueError: the limit is negative.
        """
        return policy_from({**self._values(), "limit": limit})

    def _worthwhile(self, status: int | None, headers: Headers | None, code: str | None) -> bool:
        verdict = headers.get("x-should-retry") if headers else None
        if verdict == "true" or verdict == "false":
            return verdict == "true"
        if status is None:
            return True
        return (status >= 500 or status in self.statuses) and code not in self.final_codes

    def _values(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a RetryPolicy does not change; make another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a RetryPolicy does not change; make another")

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, RetryPolicy) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._values().values()))

    def __repr__(self) -> str:
        return f"RetryPolicy({self.limit}, first={self.first}, longest={self.longest}, jitter={self.jitter}, honour={self.honour})"

    def __reduce__(self) -> tuple[object, ...]:
        return policy_from, (self._values(),)


def policy_from(values: dict[str, object]) -> RetryPolicy:
    """Make a policy again from the values of one."""
    return RetryPolicy(**values)  # type: ignore[arg-type]  # the values are those of a policy


class RetryBudget:
    """A bucket of tokens that all calls of one client share, so that an outage is not answered with a storm of retries.

    A retry takes `cost` tokens and a call that succeeds at once gives back `refund`.  With the default numbers 100 retries are free
    after a calm; from then on every five successes pay for one retry, so that retries add at most a fifth to the load.

    Two threads may race in `take` or `give`; then the count is off by one step, which does no harm.
    """

    __slots__ = ("capacity", "cost", "refund", "tokens")

    def __init__(self, capacity: float = 500, cost: float = 5, refund: float = 1) -> None:
        if not (0 <= capacity < INFINITY and 0 < cost < INFINITY and 0 <= refund < INFINITY):
            raise ValueError(f"a retry budget needs finite numbers of tokens and a cost above 0, not {capacity!r}, {cost!r}, {refund!r}")
        self.capacity = capacity
        self.cost = cost
        self.refund = refund
        self.tokens = capacity

    def take(self) -> bool:
        """Pay for a retry; return whether it may be made."""
        if self.tokens < self.cost:
            return False
        self.tokens -= self.cost
        return True

    def give(self) -> None:
        """Note a call that succeeded with its first attempt."""
        self.tokens = min(self.tokens + self.refund, self.capacity)

    def __repr__(self) -> str:
        return f"RetryBudget({self.capacity}, {self.cost}, {self.refund}) with {self.tokens} tokens"


def asked_delay(headers: Headers, unix_time: float) -> float | None:
    """Return the seconds that the server asks us to wait: any float, also nan or negative; None where it names no number or date."""
    milliseconds = number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = number(text)
    if seconds is None and text:
        date = http_date(text)
        return None if date is None else date - unix_time
    return seconds


def number(text: str | None) -> float | None:
    try:
        return float(text) if text and text.isascii() and "_" not in text else None
    except ValueError:
        return None


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH = f"(?P<month>{'|'.join(MONTHS)})"
CLOCK = "(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"
DAY_NAME = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
DATES = (  # RFC 9110, 5.6.7: the three forms of a date; text, because compiling them would cost every start a millisecond
    f"{DAY_NAME}, (?P<day>[0-9]{{2}}) {MONTH} (?P<year>[0-9]{{4}}) {CLOCK} GMT",
    f"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>[0-9]{{2}})-{MONTH}-(?P<year>[0-9]{{2}}) {CLOCK} GMT",
    f"{DAY_NAME} {MONTH} (?P<day>[ 0-9][0-9]) {CLOCK} (?P<year>[0-9]{{4}})",
)


def http_date(text: str) -> float | None:
    """Return the seconds since 1970 of a date as RFC 9110, 5.6.7 writes it, or None for any other text.

    The day of the week is not compared with the date.  A year of two digits lies between 1970 and 2069.
    """
    for form in DATES:
        match = re.fullmatch(form, text)
        if match:
            year, day, hour, minute, second = (int(part) for part in match.group("year", "day", "hour", "minute", "second"))
            if len(match["year"]) == 2:
                year += 1900 if year >= 70 else 2000
            days = days_since_1970(year, 1 + MONTHS.index(match["month"]), day)
            return None if days is None else float(days * 86_400 + hour * 3600 + minute * 60 + second)
    return None


def days_since_1970(year: int, month: int, day: int) -> int | None:
    """Count in the Gregorian calendar; None where the month has no such day."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not (year and 1 <= day <= lengths[month - 1]):
        return None
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + sum(lengths[: month - 1]) + day - 719_163
