"""Requests that wait for leave to go: the queue before a transport, for clients that have a `RateLimiter`.

The front of the queue sleeps until the policy lets it go; each other one waits at a gate, which its neighbour opens.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock
from _weakref import ref

from .._protocol.limiter import Meter, estimate
from .._protocol.ratelimit import RateLimit, count
from .._protocol.retry import asked_delay
from .._typing import TYPE_CHECKING
from .http import PoolTimeoutError
from .incoming import Incoming

if TYPE_CHECKING:
    from .._protocol.limiter import RateLimiter
    from .base import Backend
    from .course import Course, Outgoing
    from .http import HttpTransport

__all__ = ["LimitedTransport"]

NAP = 1.0
"""Seconds after which the front of the queue looks again: others may have cost less than was thought."""

FAILED = 400  # from here on, an answer has cost no tokens
TOO_MANY = 429
REACHED = ("send", "head", "body")
"""Phases in which the service may have seen a request; one that never got so far has cost nothing."""

SAID = (
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
)

_mutex = allocate_lock()  # one for all limiters, each of which may serve several transports; held for single steps
_limiters: list[ref[RateLimiter]] = []


class LimitedTransport:
    """Opens requests as a transport does, each in its turn.

    Args:
        transport: sends them.
        backend: the world.
        limiter: says when; shared with others.
    """

    __slots__ = ("_backend", "_limiter", "_transport")

    def __init__(self, transport: HttpTransport, backend: Backend, limiter: RateLimiter) -> None:
        self._transport = transport
        self._backend = backend
        self._limiter = limiter
        if not any(one() is limiter for one in list(_limiters)):
            _limiters.append(ref(limiter, _limiters.remove))

    async def open(self, outgoing: Outgoing, course: Course) -> Incoming:
        """Wait for leave, send a request, and return its response, whose head has come.

        Raises:
            PoolTimeoutError: the leave would come too late for this call.
        """
        if outgoing.method != "POST":
            return await self._transport.open(outgoing, course)
        cost = estimate(outgoing.body) if isinstance(outgoing.body, bytes) else 0
        if not self._at_once(cost):
            await self._queued(cost, course)
        try:
            incoming = await self._transport.open(outgoing, course)
        except BaseException:
            if course.phase not in REACHED:
                self._correct(-cost)
            raise
        self._heed(incoming)
        if incoming.status >= FAILED:
            self._correct(-cost)
            return incoming
        return _Metered(incoming, self._limiter, cost)

    def _correct(self, more: int) -> None:
        with _mutex:
            self._limiter.correct(more)

    def _at_once(self, cost: int) -> bool:
        limiter, now = self._limiter, self._backend.now()
        with _mutex:
            if limiter.queue or limiter.delay(cost, now) > 0:
                return False
            limiter.take(cost, now)
        return True

    async def _queued(self, cost: int, course: Course) -> None:
        limiter, backend = self._limiter, self._backend
        begun = backend.now()
        deadline = begun + course.left(course.timeout.pool)
        gate = backend.gate()
        with _mutex:
            limiter.queue.append(gate)
            first = limiter.queue[0] is gate
            estimated = limiter.delay(cost, begun)
        try:
            if limiter.on_wait is not None:
                await backend.settle(limiter.on_wait(estimated))
            if not first and not await gate.wait(deadline - backend.now()):
                raise _late(begun, backend.now(), None)
            while (delay := self._delay(cost)) > 0:
                now = backend.now()
                if now + delay > deadline:
                    raise _late(begun, now, delay)
                await backend.sleep(min(delay, NAP))
        finally:
            self._leave(gate)
            course.queued += backend.now() - begun

    def _delay(self, cost: int) -> float:
        """Return the seconds until a request may go; 0: it does."""
        with _mutex:
            now = self._backend.now()
            delay = self._limiter.delay(cost, now)
            if delay <= 0:
                self._limiter.take(cost, now)
        return delay

    def _leave(self, gate: object) -> None:
        queue = self._limiter.queue
        with _mutex:
            if gate in queue:  # unless this is a forked child, whose queue is new
                queue.remove(gate)
            front = queue[0] if queue else None
        if front is not None:
            front.open()

    def _heed(self, incoming: Incoming) -> None:
        limiter, now = self._limiter, self._backend.now()
        headers = incoming.headers
        said = RateLimit(*[count(headers.get(name)) for name in SAID])  # when the buckets are full again is of no interest
        asked = asked_delay(headers, time.time()) if incoming.status == TOO_MANY else None
        with _mutex:
            limiter.heed(said, now)
            if asked is not None:
                limiter.pause(asked, now)


def _late(begun: float, now: float, delay: float | None) -> PoolTimeoutError:
    more = "others are before it" if delay is None else f"it would have to wait for {delay:.1f} s more"
    error = PoolTimeoutError(f"the rate limiter does not let it go in time: {more}")
    error.waited = now - begun
    return error


class _Metered(Incoming):
    """A response that tells the limiter what it has cost."""

    __slots__ = ("_limiter", "_meter")

    def __init__(self, incoming: Incoming, limiter: RateLimiter, cost: int) -> None:
        self._take_over(incoming)
        self._limiter = limiter
        self._meter = Meter(cost)

    async def next_chunk(self) -> bytes | None:
        chunk = await super().next_chunk()
        if chunk:
            self.meter(chunk)
        return chunk

    def at_hand(self, limit: int) -> bytes | None:
        body = super().at_hand(limit)
        if body:
            self.meter(body)
        return body

    async def read(self, limit: int, cut: bool = False) -> bytes:
        body = await super().read(limit, cut)
        self.meter(body)
        return body

    def meter(self, data: bytes) -> None:
        """Take more of the body: what the request has cost may stand in it."""
        more = self._meter.receive(data)
        if more:
            with _mutex:
                self._limiter.correct(more)


def _forget() -> None:
    """In a forked child: nobody waits here."""
    global _mutex
    _mutex = allocate_lock()
    for limiter in [one() for one in _limiters]:
        if limiter is not None:
            limiter.queue.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
