"""How fast requests may go, so that the service has none to refuse: two buckets, which fill as the minute goes by.

A policy: it is told the time, and answers how long to wait. Who waits, and in which order, is for `_transport/limited.py`.

    delay(cost, now)     seconds until a request may go, 0 if it may at once
    take(cost, now)      it goes
    correct(more)        it has cost so many tokens more than was thought, or less
    heed(said, now)      the service has said how much is left
    pause(seconds, now)  the service has refused a request, and said for how long it will go on to
"""

from __future__ import annotations

import re
from collections import deque

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .ratelimit import RateLimit

__all__ = ["Meter", "RateLimiter", "estimate"]

MINUTE = 60.0
INFINITY = float("inf")
LONGEST_PAUSE = 120.0
"""Seconds that one refusal may stop everything, whatever it says."""

NOTHING = 1e-6
"""Of a request or a token: what is missing by rounding, for which no clock could be waited for."""

LIMIT = re.compile(rb'"max_(?:output_|completion_)?tokens" ?: ?([0-9]{1,9})\b')
TOTAL = re.compile(rb'"total_tokens" ?: ?([0-9]{1,12})')
MARK = b'"total_tokens"'
TAIL = 40  # bytes that `TOTAL` may be cut within


def estimate(body: bytes) -> int:
    """Return the tokens that a request may cost: a quarter of its bytes, and as many as it allows the answer to have.

    A quotation mark inside a JSON string has a backslash before it, so that what people write is never taken for a parameter.
    """
    allowed = LIMIT.search(body)
    return len(body) // 4 + (int(allowed[1]) if allowed else 0)


class Bucket:
    """What is left of one limit.

    Args:
        own: a minute's worth, as the user wants it; None: as the service says, and endless until it does.
    """

    __slots__ = ("at", "left", "limit", "own")

    def __init__(self, own: float | None) -> None:
        self.own = own
        self.limit = self.left = INFINITY if own is None else float(own)
        self.at = 0.0

    def fill(self, now: float) -> None:
        """Add what the time has brought."""
        if self.limit != INFINITY:
            self.left = min(self.limit, self.left + max(0.0, now - self.at) * self.limit / MINUTE)
        self.at = now

    def delay(self, cost: float) -> float:
        """Return the seconds until there is enough; for more than the whole, until it is full."""
        short = min(cost, self.limit) - self.left
        return short * MINUTE / self.limit if short > NOTHING else 0.0

    def heed(self, limit: int | None, left: int | None) -> None:
        """Go by what the service says, where that is less than was thought: others may use the same key."""
        if limit is not None and limit > 0:
            self.limit = min(float(limit), INFINITY if self.own is None else float(self.own))
            self.left = min(self.left, self.limit)
        if left is not None and self.limit != INFINITY:
            self.left = min(self.left, float(left))


class RateLimiter:
    """Keeps the requests of clients below the limits of the service: `Client(rate_limiter=RateLimiter(requests_per_minute=500))`.

    Requests that make something (POST) wait for their turn, first come, first served, over all clients, threads and event loops that
    share the limiter. How many tokens one will cost is estimated: a quarter of its bytes, and the most that its answer may have. The
    `total_tokens` of the answer put that right.

    Args:
        requests_per_minute: how many requests may go in a minute; left out, what the service says in its header fields.
        tokens_per_minute: how many tokens they may cost; likewise.
        learn: whether to go by what the service says, where that is less.
        on_wait: called with the estimated seconds when a request has to wait; for asyncio it may be a coroutine function.

    Raises:
        ValueError: a limit that is none.
    """

    __slots__ = ("__weakref__", "_blocked", "_requests", "_tokens", "learn", "on_wait", "queue")

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        learn: bool = True,
        on_wait: Callable[[float], object] | None = None,
    ) -> None:
        for name, value in (("requests_per_minute", requests_per_minute), ("tokens_per_minute", tokens_per_minute)):
            if value is not None and not 0 < value < INFINITY:
                raise ValueError(f"{name} must be a number above 0, or None to go by what the service says; not {value!r}")
        self._requests = Bucket(requests_per_minute)
        self._tokens = Bucket(tokens_per_minute)
        self._blocked = -INFINITY
        self.learn = learn
        self.on_wait = on_wait
        self.queue: deque[Any] = deque()  # of gates, each opened when it has come to the front

    @property
    def requests_per_minute(self) -> float:
        """How many requests may go in a minute, as far as is known; else infinity."""
        return self._requests.limit

    @property
    def tokens_per_minute(self) -> float:
        """How many tokens they may cost, as far as is known; else infinity."""
        return self._tokens.limit

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self.queue)

    def delay(self, cost: float, now: float) -> float:
        """Return the seconds until a request that costs so many tokens may go."""
        self._requests.fill(now)
        self._tokens.fill(now)
        return max(self._requests.delay(1), self._tokens.delay(cost), self._blocked - now, 0.0)

    def take(self, cost: float, now: float) -> None:
        """Let a request go; what costs more than there can ever be leaves a debt."""
        self._requests.fill(now)
        self._tokens.fill(now)
        self._requests.left -= 1
        self._tokens.left -= cost

    def correct(self, more: float) -> None:
        """Put an estimate right, by tokens that were spent in addition, or not."""
        self._tokens.left = min(self._tokens.limit, self._tokens.left - more)

    def heed(self, said: RateLimit, now: float) -> None:
        """Go by the header fields of an answer."""
        if self.learn:
            self._requests.fill(now)
            self._tokens.fill(now)
            self._requests.heed(said.limit_requests, said.remaining_requests)
            self._tokens.heed(said.limit_tokens, said.remaining_tokens)

    def pause(self, seconds: float, now: float) -> None:
        """Let nothing go for so long."""
        if seconds > 0:
            self._blocked = max(self._blocked, now + min(seconds, LONGEST_PAUSE))

    def __repr__(self) -> str:
        return f"RateLimiter(requests_per_minute={self._requests.limit:g}, tokens_per_minute={self._tokens.limit:g})"

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickled, (self._requests.own, self._tokens.own, self.learn, self.on_wait)


def _unpickled(requests: float | None, tokens: float | None, learn: bool, on_wait: Callable[[float], object] | None) -> RateLimiter:
    return RateLimiter(requests, tokens, learn=learn, on_wait=on_wait)


class Meter:
    """Reads what a request has cost from its answer, JSON or events, as that comes.

    Args:
        cost: what was taken for it.
    """

    __slots__ = ("_tail", "cost")

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self._tail = b""

    def receive(self, data: bytes) -> int:
        """Take more of the answer; return by how many tokens it has cost more than was known, or less."""
        text = self._tail + data
        self._tail = text[-TAIL:]
        place = text.rfind(MARK)
        found = TOTAL.match(text, place) if place >= 0 else None
        if found is None:
            return 0
        before, self.cost = self.cost, int(found[1])
        return self.cost - before
