"""Hedging: one call in several copies, of which the first answer counts. Facts in, decisions out; the waiting is left to the exchange.

    nothing sent   --start-->      running
    running        --start-->      running   after the delay, or at once when a copy has failed: the next copy
    running        --won-->        won       whatever else comes is dropped
    running        --failed-->     running   a copy or a retry is still to start, or another copy runs
    running        --failed-->     lost      none is; or the failure is one that every copy would meet

A failure is followed by the next copy, if one is left and the budget pays for it, or else by a retry, if the call has one left; the
server's wish to be left alone for a while holds for both.  No more than `copies` run at once, and no more than `copies` and the retries
are ever sent.
"""

from __future__ import annotations

from collections import deque

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .retry import RetryBudget

__all__ = ["Failure", "HedgeBudget", "HedgePolicy", "HedgeState", "Latencies", "LatencyTable"]

INFINITY = float("inf")
MOST_COPIES = 10
ROUNDING = 1e-6
"""Seconds: a moment and a span until then do not always add up."""


class HedgePolicy:
    """When another copy of a call is sent; a value that does not change.

    Args:
        delay: seconds after which the next copy starts, or a percentile such as "p95" of the latencies that the client has seen.
        copies: the most copies of one call, the first one included; from 1 to 10.
        budget: the most copies beyond the first, as a share of the calls: 0.1 is one extra request in ten calls.

    Raises:
        ValueError: a number is out of its range, or the delay is no percentile from "p50" to "p99".
    """

    __slots__ = ("budget", "copies", "delay", "rank")

    delay: float | str
    copies: int
    budget: float
    rank: float | None

    def __init__(self, delay: float | str = "p95", copies: int = 2, budget: float = 0.1) -> None:
        if not 1 <= copies <= MOST_COPIES:
            raise ValueError(f"copies is {copies!r}; it must be from 1 to {MOST_COPIES}")
        if not 0 <= budget < INFINITY:
            raise ValueError(f"the budget is {budget!r}; it must be a share of the calls, such as 0.1, and not negative")
        keep = object.__setattr__
        keep(self, "delay", delay)
        keep(self, "copies", copies)
        keep(self, "budget", budget)
        keep(self, "rank", _rank(delay) if isinstance(delay, str) else None)
        if not isinstance(delay, str) and not 0 <= delay < INFINITY:
            raise ValueError(f"the delay is {delay!r}; it must be a finite number of seconds, 0 or more, or a percentile such as 'p95'")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a HedgePolicy does not change; make another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a HedgePolicy does not change; make another")

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, HedgePolicy) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"HedgePolicy(delay={self.delay!r}, copies={self.copies}, budget={self.budget})"

    def __reduce__(self) -> tuple[object, ...]:
        return HedgePolicy, self._values()

    def _values(self) -> tuple[float | str, int, float]:
        return self.delay, self.copies, self.budget


def _rank(text: str) -> float:
    digits = text[1:]
    if text[:1] != "p" or not (digits.isascii() and digits.isdecimal() and len(digits) == 2 and digits >= "50"):
        raise ValueError(f'the delay is {text!r}; it must be seconds, or a percentile from "p50" to "p99"')
    return int(digits) / 100


class HedgeBudget:
    """Tokens that pay for copies beyond the first: each call brings `share` of one, each extra copy takes one.

    After n calls no more than `share` * n extra copies have been sent, rounded up, so that the very first call may have one.  What calm
    times save is bounded by `most`.  Two threads may race; then the count is off by one step.
    """

    __slots__ = ("most", "share", "tokens")

    def __init__(self, share: float, most: float = 10.0) -> None:
        self.share = share
        self.most = max(most, share)
        self.tokens = max(0.0, 1.0 - share) if share else 0.0

    def note_call(self) -> None:
        """A call begins."""
        self.tokens = min(self.tokens + self.share, self.most)

    def take(self) -> bool:
        """Pay for an extra copy; return whether it may be sent."""
        if self.tokens < 1 - 1e-9:  # ten times a tenth is a little less than one
            return False
        self.tokens = max(0.0, self.tokens - 1)
        return True

    def __repr__(self) -> str:
        return f"HedgeBudget({self.share}, {self.most}) with {self.tokens:g} tokens"


class Latencies:
    """The latest latencies of one operation, and their percentiles by nearest rank: exact for what it holds, in bounded memory.

    A copy that was stopped past the delay counts with the delay: it would have taken longer.  That keeps the percentile true, since to lie
    above it is all that matters; leaving such copies out would have it sink with every hedge, and their age have it rise.

    Args:
        window: how many latencies are held; older ones are forgotten.
        least: how many there must be before a percentile is told.
    """

    __slots__ = ("_latest", "_least")

    def __init__(self, window: int = 256, least: int = 20) -> None:
        if not 1 <= least <= window:
            raise ValueError(f"at least 1 latency and at most the window, {window!r}, must be asked for, not {least!r}")
        self._latest: deque[float] = deque(maxlen=window)  # each step on it is atomic: many threads take notes
        self._least = least

    def __len__(self) -> int:
        return len(self._latest)

    def note(self, seconds: float) -> None:
        """Take in a latency."""
        if not 0 <= seconds < INFINITY:
            raise ValueError(f"no latency: {seconds!r}")
        self._latest.append(seconds)

    def percentile(self, rank: float, lean: float = 0.0) -> float | None:
        """Return the smallest latency that is not exceeded by `rank` (0 to 1) of those held; None while there are too few.

        Args:
            lean: how many standard errors of the rank to lean to the low side.
        """
        latest = sorted(list(self._latest))  # noqa: C414 - copied in one step, while others append
        size = len(latest)
        if size < self._least:
            return None
        place = rank * size - lean * (size * rank * (1 - rank)) ** 0.5
        return latest[max(0, min(-int(-place // 1), size) - 1)]  # rounded up


class LatencyTable:
    """The latencies of some operations.

    Args:
        operations: how many are known at once; for another one the first of them is forgotten.
        shortest, longest: seconds between which a delay that is learnt lies.
    """

    __slots__ = ("_known", "_operations", "longest", "shortest")

    def __init__(self, operations: int = 64, shortest: float = 0.01, longest: float = 60.0) -> None:
        self._known: dict[str, Latencies] = {}
        self._operations = operations
        self.shortest = shortest
        self.longest = longest

    def __len__(self) -> int:
        return len(self._known)

    def note(self, operation: str, seconds: float) -> None:
        """Take in a latency of an operation."""
        known = self._known
        (known.get(operation) or known.setdefault(operation, Latencies())).note(seconds)
        while len(known) > self._operations:
            known.pop(list(known)[0], None)  # noqa: RUF015 - in one step, while others add

    def delay(self, operation: str, rank: float) -> float | None:
        """Return the delay before a second copy; None where too little is known of the operation.

        It is the percentile, but no more than twice what stands two standard errors of the rank below it.  Where one answer in twenty is
        slow, the 95th percentile is a quick one or a slow one by chance, and to wait for the slow ones would help nobody.
        """
        latencies = self._known.get(operation)
        found = None if latencies is None else latencies.percentile(rank)
        low = None if latencies is None else latencies.percentile(rank, lean=2.0)
        return None if found is None or low is None else max(self.shortest, min(found, 2 * low, self.longest))


class Failure:
    """How a copy has failed.

    Args:
        error: what it raised.
        again: seconds to wait before a retry; None where every further attempt would fail alike.
        asked: the server has asked to wait as long, so that no copy may start earlier either.
        doubtful: another copy may be the cause, such as a deletion that has happened: those that run may do better.
    """

    __slots__ = ("again", "asked", "doubtful", "error")

    def __init__(self, error: Exception, again: float | None, asked: bool = False, doubtful: bool = False) -> None:
        self.error = error
        self.again = again
        self.asked = asked
        self.doubtful = doubtful


class HedgeState:
    """One call in several copies, numbered from 0 in the order in which they start.

    Args:
        copies: the most copies, the first one included.
        delay: seconds between their starts; None where a copy follows a failure only.
        retries: the most retries of the call, whichever copy has failed.
        budget: pays for copies beyond the first; None where they are free.
        retry_budget: pays for retries; None where they are free.
        deadline: from this moment on nothing starts.

    Attributes:
        sent: how many copies and retries have started.
        running: those that have not ended.
        winner: the number of the copy that has won; None before.
        over: whether the call has been won or lost.
        retries_taken: how many starts were retries.
    """

    __slots__ = (
        *("_budget", "_copies_left", "_deadline", "_delay", "_failures", "_hold", "_next_copy", "_owed", "_retries", "_retries_left"),
        *("_retry_budget", "over", "retries_taken", "running", "sent", "winner"),
    )

    def __init__(
        self,
        copies: int,
        delay: float | None,
        retries: int = 0,
        budget: HedgeBudget | None = None,
        retry_budget: RetryBudget | None = None,
        deadline: float = INFINITY,
    ) -> None:
        self._delay = INFINITY if delay is None else delay
        self._copies_left = copies
        self._retries_left = retries
        self._budget = budget
        self._retry_budget = retry_budget
        self._deadline = deadline
        self._next_copy = -INFINITY  # when the next copy is to start
        self._hold = -INFINITY  # before this moment nothing starts: the server has asked for it
        self._owed: list[float] = []  # when those retries are due for which copies stand in
        self._retries: list[float] = []  # when retries are due
        self._failures: list[Failure] = []
        self.running: set[int] = set()
        self.sent = 0
        self.retries_taken = 0
        self.winner: int | None = None
        self.over = False

    @property
    def errors(self) -> Sequence[Exception]:
        """What the failed copies raised, in the order of their failures."""
        return [failure.error for failure in self._failures]

    def due(self, now: float) -> float | None:
        """Return the seconds until the next start, 0 or less for at once, None where none is to be expected."""
        moment = max(min(self._copy_due(), *self._retries, INFINITY), self._hold)
        return None if self.over or moment == INFINITY or (self.sent and moment >= self._deadline) else moment - now

    def _copy_due(self) -> float:
        return self._next_copy if self._copies_left else INFINITY

    def start(self, now: float) -> int | None:
        """Start what is due; return its number, or None where no budget pays for it.

        Raises:
            RuntimeError: nothing is due.
        """
        due = self.due(now)
        if due is None or due > ROUNDING:
            raise RuntimeError("no copy is due")
        paid = self._start_copy(now) if self._copy_due() <= min(self._retries, default=INFINITY) else self._start_retry()
        if not paid:
            self._look_for_the_end()
            return None
        number, self.sent = self.sent, self.sent + 1
        self.running.add(number)
        return number

    def _start_copy(self, now: float) -> bool:
        """Count a copy as sent; where the budget does not pay there are no further ones, and what they stood for is retried instead."""
        if self.sent and self._budget is not None and not self._budget.take():
            self._copies_left = 0
            for moment in self._owed:
                self._plan_retry(moment)
            return False
        self._copies_left -= 1
        del self._owed[:1]
        self._next_copy = now if self._owed else now + self._delay
        return True

    def _start_retry(self) -> bool:
        self._retries.remove(min(self._retries))
        if self._retry_budget is not None and not self._retry_budget.take():
            return False
        self.retries_taken += 1
        return True

    def won(self, number: int) -> None:
        """A copy has its answer. Raises RuntimeError where it does not run, or the call is over."""
        self._end(number)
        self.winner = number
        self.over = True

    def failed(self, number: int, failure: Failure, now: float) -> None:
        """A copy has failed. Raises RuntimeError where it does not run, or the call is over."""
        self._end(number)
        self._failures.append(failure)
        if failure.again is None:
            self._copies_left, self._retries = 0, []
            self.over = not (failure.doubtful and self.running)
            return
        if failure.asked:
            self._hold = max(self._hold, now + failure.again)
        if self._copies_left > len(self._owed):
            self._next_copy = now
            self._owed.append(now + failure.again)
        else:
            self._plan_retry(now + failure.again)
        self._look_for_the_end()

    def _plan_retry(self, moment: float) -> None:
        if self._retries_left:
            self._retries_left -= 1
            self._retries.append(moment)

    def _end(self, number: int) -> None:
        if self.over or number not in self.running:
            raise RuntimeError(f"copy {number} does not run")
        self.running.remove(number)

    def _look_for_the_end(self) -> None:
        if not self.running and self.due(0.0) is None:
            self.over = True

    def verdict(self) -> Exception:
        """Return the error of a lost call: the first one that every copy would meet, or else the first one.

        Raises:
            RuntimeError: no copy has failed.
        """
        if not self._failures:
            raise RuntimeError("no copy has failed")
        return next((failure.error for failure in self._failures if failure.again is None), self._failures[0].error)
