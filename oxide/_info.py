"""What is known of an answer beside its content: `result.http`."""

from __future__ import annotations

from ._protocol.headers import Headers
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._errors import AttemptRecord
    from ._protocol.ratelimit import RateLimit

__all__ = ["Hedge", "HedgedInfo", "HttpInfo", "Timings"]


class Timings:
    """How long a call took, in seconds.

    Attributes:
        queued: waiting for a connection.
        connected: opening one; 0 where one stood already.
        first_byte: from the start of the call to the head of the answer.
        done: from the start of the call to the end of the answer; 0 while a stream is running.
    """

    __slots__ = ("connected", "done", "first_byte", "queued")

    def __init__(self, queued: float, connected: float, first_byte: float, done: float) -> None:
        self.queued = queued
        self.connected = connected
        self.first_byte = first_byte
        self.done = done

    def __repr__(self) -> str:
        return f"Timings({', '.join(f'{name}={getattr(self, name):.4f}' for name in self.__slots__)})"

    def __reduce__(self) -> tuple[object, ...]:
        return Timings, (self.queued, self.connected, self.first_byte, self.done)


class HttpInfo:
    """The HTTP side of an answer.

    Attributes:
        status: the HTTP status.
        headers: as received.
        version: "HTTP/1.1" or "HTTP/2".
        attempts: every try of the call, the last one included.
    """

    __slots__ = ("attempts", "headers", "seconds", "status", "version")

    def __init__(
        self, status: int, headers: Headers, version: str, attempts: Sequence[AttemptRecord], seconds: tuple[float, float, float, float]
    ) -> None:
        self.status = status
        self.headers = headers
        self.version = version
        self.attempts = attempts
        self.seconds = seconds  # what `timings` is made of

    @property
    def timings(self) -> Timings:
        """How long the call took."""
        return Timings(*self.seconds)

    @property
    def status_code(self) -> int:
        """The HTTP status, under its other name."""
        return self.status

    @property
    def request_id(self) -> str | None:
        """What to tell the service's support."""
        return self.headers.get("x-request-id")

    @property
    def retries(self) -> int:
        """How many times the call was tried again."""
        return len(self.attempts) - 1

    @property
    def hedge(self) -> Hedge | None:
        """Which copy of a hedged call has won; None for a call of a plain client."""
        return None

    @property
    def ratelimit(self) -> RateLimit:
        """Limits, what remains of them, and seconds until they are full again, as the service told."""
        from ._protocol.ratelimit import rate_limit

        return rate_limit(self.headers)

    def __repr__(self) -> str:
        return f"<{self.version} {self.status}, request id {self.request_id}, {len(self.attempts)} attempt(s), {self.timings!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        return HttpInfo, (self.status, self.headers, self.version, tuple(self.attempts), self.seconds)


class Hedge:
    """How a hedged call went.

    Attributes:
        winner: the number of the attempt whose answer counts, the first one being 1.
        sent: how many were sent, retries included.
        retries: how many of them were retries.
        delay: seconds after which another copy was to start; None where not enough was known for a percentile.
    """

    __slots__ = ("delay", "retries", "sent", "winner")

    def __init__(self, winner: int, sent: int, retries: int, delay: float | None) -> None:
        self.winner = winner
        self.sent = sent
        self.retries = retries
        self.delay = delay

    def __repr__(self) -> str:
        return f"<{self.winner} of {self.sent} won>"

    def __reduce__(self) -> tuple[object, ...]:
        return Hedge, (self.winner, self.sent, self.retries, self.delay)


class HedgedInfo(HttpInfo):
    """The HTTP side of the answer to a hedged call: of the copy that has won; `attempts` has the others as well."""

    __slots__ = ("_hedge",)

    def __init__(self, info: HttpInfo, hedge: Hedge) -> None:
        super().__init__(info.status, info.headers, info.version, info.attempts, info.seconds)
        self._hedge = hedge

    @property
    def hedge(self) -> Hedge:
        """Which copy has won."""
        return self._hedge

    @property
    def retries(self) -> int:
        """How many times the call was tried again; copies are no retries."""
        return self._hedge.retries

    def __reduce__(self) -> tuple[object, ...]:
        return HedgedInfo, (HttpInfo(self.status, self.headers, self.version, tuple(self.attempts), self.seconds), self._hedge)
