"""Hedged calls: the exchange of a client that sends a call in several copies and takes the first answer.

What starts when is decided by `HedgeState`; copies run side by side in a contest of the backend, each one attempt of an exchange.
"""

from __future__ import annotations

from collections import deque

from ._errors import APIError, AttemptRecord, ConfigurationError
from ._exchange import Answer, Exchange
from ._info import Hedge, HedgedInfo
from ._judge import CLOSED
from ._protocol.base import ProtocolError
from ._protocol.hedge import Failure, HedgeBudget, HedgePolicy, HedgeState, LatencyTable
from ._protocol.sse import SSEDecoder
from ._transport.base import Contest
from ._transport.incoming import Incoming
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from ._operation import Request
    from ._protocol.retry import RetryPolicy
    from ._transport.base import Attempt
    from ._transport.course import Course

    Answered: TypeAlias = "tuple[Answer, bytes]"

__all__ = ["HedgedExchange", "Hedging", "hedging"]

PRELUDE = 1 << 20
"""Bytes of comments that may come before the first event of a stream; one that sends more has begun."""

STOPPED = "stopped, as another copy was faster"


class Hedging:
    """What a hedged client and its copies share: the policy, what is left of the budget, and the latencies seen."""

    __slots__ = ("budget", "latencies", "policy")

    def __init__(self, policy: HedgePolicy) -> None:
        self.policy = policy
        self.budget = HedgeBudget(policy.budget)
        self.latencies = LatencyTable()

    def exchange(self, exchange: Exchange) -> Exchange:
        """Make of an exchange one that hedges."""
        return HedgedExchange(exchange, self)

    def delay(self, operation: str) -> float | None:
        """Return the seconds before a second copy of a call; None where too little is known for a percentile."""
        policy = self.policy
        if policy.rank is not None:
            return self.latencies.delay(operation, policy.rank)
        return policy.delay  # type: ignore[return-value]  # seconds, where there is no rank


def hedging(delay: float | str, copies: int, budget: float) -> Hedging:
    """Return what a hedged client has beside its options. Raises ConfigurationError."""
    try:
        return Hedging(HedgePolicy(delay, copies, budget))
    except (TypeError, ValueError) as problem:
        raise ConfigurationError(f"hedged: {problem}") from None


class HedgedExchange(Exchange):
    """An exchange that hedges every request that can be sent again, while it is being sent too: an open file cannot."""

    __slots__ = ("hedging",)

    def __init__(self, exchange: Exchange, hedging: Hedging) -> None:
        _take_over(self, exchange)
        self.hedging = hedging

    async def send(
        self, request: Request, whole: bool, judged: bool = True, events: bool = False, begun: float | None = None
    ) -> tuple[Answer, bytes]:
        """Send a request in copies until one is answered; a stream is answered by its first event.

        Raises:
            APIError: all copies have failed; `attempts` and the notes of the error tell of each.
        """
        if not request.replayable or getattr(request.body, "shared", False):  # as forms with open files are
            return await super().send(request, whole, judged, events, begun)
        if self.closed:
            raise ConfigurationError(CLOSED)
        call = _Call(self, request, (whole, judged, events), begun)
        answer, body = await self.backend.contest(call)
        return call.answer(answer), body


def _take_over(exchange: Exchange, other: Exchange) -> None:
    for name in Exchange.__slots__:
        setattr(exchange, name, getattr(other, name))


class _Call(Contest["Answered"]):
    """One hedged call, as the backend asks for it.

    Args:
        how: the arguments `whole`, `judged` and `events` of `Exchange.send`.
    """

    def __init__(self, exchange: HedgedExchange, request: Request, how: tuple[bool, bool, bool], begun: float | None) -> None:
        self.exchange = exchange
        self.request = request
        self.how = how
        self.begun = exchange.backend.now() if begun is None else begun
        hedging = exchange.hedging
        hedging.budget.note_call()
        self._operation = operation_of(request, exchange.settings.prefix, how)
        self._delay = hedging.delay(self._operation)
        deadline = self.begun + request.timeout.total
        self.state = HedgeState(hedging.policy.copies, self._delay, request.max_retries, hedging.budget, exchange.budget, deadline)
        self.copies: list[_Copy] = []
        self._last: Failure | None = None

    def due(self, now: float) -> float | None:
        return self.state.due(now)

    def start(self, now: float) -> Attempt[Answered] | None:
        state, retries = self.state, self.state.retries_taken
        number = state.start(now)
        if number is None:
            return None
        copy = _Copy(self, number, now, self._last if state.retries_taken > retries else None)
        self.copies.append(copy)
        return copy.run

    def won(self, number: int) -> None:
        self.state.won(number)
        if self.exchange.hedging.policy.rank is not None:
            self._learn(self.copies[number])
        budget = self.exchange.budget
        if budget is not None and self.state.sent == 1:
            budget.give()

    def _learn(self, winner: _Copy) -> None:
        """Note the latency of the winner, and for each that is stopped past the delay that it was longer."""
        latencies, now, delay = self.exchange.hedging.latencies, self.exchange.backend.now(), self._delay
        latencies.note(self._operation, max(0.0, winner.ended - winner.started))
        for number in self.state.running:
            if delay is not None and now - self.copies[number].started >= delay:
                latencies.note(self._operation, delay)

    def failed(self, number: int, error: Exception, now: float) -> bool:
        self._last = self.copies[number].failure(error)
        self.state.failed(number, self._last, now)
        return self.state.over

    def verdict(self) -> Exception:
        """The error that counts, with the attempts of all copies, and notes about the others."""
        error = self.state.verdict()
        if isinstance(error, APIError):
            error.attempts = self.attempts()
        others = [other for other in self.state.errors if other is not error]
        if others:
            note = f"{len(others) + 1} copies or retries of this call have failed; the others: "
            error.__notes__ = [note + "; ".join(f"{type(other).__name__}: {other}" for other in others)]  # type: ignore[attr-defined]  # 3.11
        return error

    def drop(self, result: Answered) -> None:
        result[0].discard()

    def answer(self, answer: Answer) -> _HedgedAnswer:
        """Return the answer that has won, which knows of the others."""
        state = self.state
        winner = 1 + (state.winner or 0)
        return _HedgedAnswer(self, answer.incoming, Hedge(winner, state.sent, state.retries_taken, self._delay))

    def attempts(self) -> tuple[AttemptRecord, ...]:
        """Every copy, in the order of their starts."""
        return tuple(copy.record() for copy in self.copies)


class _HedgedAnswer(Answer):
    """The answer to a hedged call."""

    __slots__ = ("_hedge",)

    def __init__(self, call: _Call, incoming: Incoming, hedge: Hedge) -> None:
        super().__init__(call.request, incoming, call.attempts(), call.begun)
        self._hedge = hedge

    def http(self) -> HedgedInfo:
        return HedgedInfo(super().http(), self._hedge)


class _Copy(Exchange):
    """One copy of a call: an exchange that makes one attempt, and tells whether another one would be of use.

    Args:
        before: the failure after which this one is a retry; None for a copy.
    """

    __slots__ = ("_again", "_asked", "_before", "_call", "_doubtful", "_number", "_retries", "ended", "error", "started", "status")

    def __init__(self, call: _Call, number: int, started: float, before: Failure | None) -> None:
        _take_over(self, call.exchange)
        self.budget = None  # the call pays
        self.started = started
        self.ended = 0.0
        self.status: int | None = None
        self.error: Exception | None = None
        self._call = call
        self._number = number
        self._before = before
        self._retries = call.state.retries_taken
        self._again: float | None = None
        self._asked = self._doubtful = False

    async def run(self) -> tuple[Answer, bytes]:
        """Make the attempt."""
        call = self._call
        whole, judged, events = call.how
        if self._before is not None:
            await self._tell("on_retry", call.request, self._before.error, self._before.again)
        answer, body = await super().send(call.request, whole, judged, events, call.begun)
        if events:
            await self._await_event(answer)
        self.status, self.ended = answer.incoming.status, self.backend.now()
        return answer, body

    async def _await_event(self, answer: Answer) -> None:
        """Wait until the first event has come; it stays in the answer."""
        incoming, machine = answer.incoming, SSEDecoder()
        kept: deque[bytes] = deque()
        size = 0
        try:
            while size < PRELUDE and (chunk := await incoming.next_chunk()) is not None:
                size += len(chunk)
                kept.append(chunk)
                if chunk and machine.receive(chunk):
                    break
        except (OSError, ProtocolError) as cause:
            incoming.discard()
            error = answer.failed(cause, ())
            await self._failed(answer.request, error, cause, incoming.course, [*answer.attempts])
            raise error from cause
        answer.incoming = _Begun(incoming, kept)

    def failure(self, error: Exception) -> Failure:
        """Return what the failure of this copy means for the call."""
        self.ended = self.backend.now()
        self.error = error
        self.status = getattr(error, "status_code", None)
        return Failure(error, self._again, self._asked, self._doubtful)

    def record(self) -> AttemptRecord:
        """Return how it went; one that runs is about to be stopped."""
        begun, ended = self._call.begun, self.ended or self.backend.now()
        cause = str(self.error) if self.error is not None else "" if self._number == self._call.state.winner else STOPPED
        return AttemptRecord(self._number + 1, self.started - begun, ended - begun, self.status if cause != STOPPED else None, cause)

    def _policy(self, request: Request) -> RetryPolicy:
        return self.settings.retry.with_limit(self._retries + 1)  # the call counts the retries of all copies

    def _delay(self, request: Request, error: Exception, cause: Exception | None, course: Course, taken: int) -> float | None:
        """Note whether another attempt would be of use, and after how long; this one is over in any case."""
        self._again = None if course.expired else super()._delay(request, error, cause, course, self._retries)
        status = getattr(error, "status_code", None)
        self._asked = status == 429 or getattr(error, "retry_after", None) is not None
        self._doubtful = request.method == "DELETE" and status is not None
        return None


class _Begun(Incoming):
    """A response of whose body something has been looked at, which comes once more."""

    __slots__ = ("_kept", "_meter")

    def __init__(self, incoming: Incoming, kept: deque[bytes]) -> None:
        self._kept = kept
        self._meter: Callable[[bytes], None] | None = getattr(incoming, "meter", None)  # where a limiter counts what it has cost
        self._take_over(incoming)

    async def next_chunk(self) -> bytes | None:
        if self._kept:
            return self._kept.popleft()
        chunk = await super().next_chunk()
        if chunk and self._meter is not None:
            self._meter(chunk)
        return chunk

    def discard(self) -> None:
        self._kept.clear()
        super().discard()


def operation_of(request: Request, prefix: str, how: Sequence[bool]) -> str:
    """Name the operation of a request: method and path, without what looks like the id of something, and what is waited for."""
    path = request.target.partition("?")[0].removeprefix(prefix)
    parts = ["{}" if any(c.isdigit() for c in part) else part for part in path.split("/")]
    return f"{request.method} {'/'.join(parts)} {'event' if how[2] else 'body' if how[0] else 'head'}"
