"""One attempt of a call as the transport sees it: what is sent, how long each wait may take, and how far it has come."""

from __future__ import annotations

from .._timeout import FOREVER
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Sequence
    from typing import TypeAlias

    from .._timeout import Timeout
    from .._url import Origin

    Pieces: TypeAlias = Iterable[bytes] | AsyncIterable[bytes]

__all__ = ["Course", "DeadlineError", "Opaque", "Outgoing"]


class Opaque(bytes):
    """Bytes on their way to the peer; their `repr` shows no key, since a traceback may print the local variables of a frame."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class DeadlineError(TimeoutError):
    """The deadline of the whole call has passed."""


class Outgoing:
    """A request as it goes out: `fields` are complete but for the framing ones, which the machines add."""

    __slots__ = ("body", "fields", "length", "method", "origin", "replayable", "target")

    def __init__(
        self,
        method: str,
        origin: Origin,
        target: str,
        fields: Sequence[tuple[str, str]],
        body: bytes | Pieces,
        length: int | None,
        replayable: bool,
    ) -> None:
        self.method = method
        self.origin = origin
        self.target = target
        self.fields = fields
        self.body = body
        self.length = length  # of a body in pieces, where it is known
        self.replayable = replayable


class Course:
    """The limits of an attempt, the phase it is in, and when it came there (monotonic seconds).

    `bound` names the option that set the deadline: "total", or for streams "first_event" or "idle".

    Phases: "pool", "connect" (refined by the dialling to "resolve", "proxy", "tls"), "send", "head", "body".
    """

    __slots__ = ("begun", "bound", "connected", "deadline", "done", "first_byte", "now", "phase", "queued", "timeout")

    def __init__(self, timeout: Timeout, deadline: float, now: Callable[[], float], begun: float) -> None:
        self.timeout = timeout
        self.deadline = deadline
        self.bound = "total"
        self.now = now
        self.begun = begun
        self.phase = "pool"
        self.queued = 0.0  # seconds until there was a connection, or leave to open one
        self.connected = 0.0  # seconds it took to open one; 0 for one that stood
        self.first_byte = 0.0
        self.done = 0.0

    def expect(self, bound: str, since: float) -> None:
        """Bound the wait for an event of a stream: it comes "first_event" or "idle" seconds after `since`, or the call is over."""
        due, total = since + getattr(self.timeout, bound), self.begun + self.timeout.total
        self.bound, self.deadline = (bound, due) if due < total else ("total", total)

    @property
    def span(self) -> float:
        """Seconds that each wait of the present phase may take, unless the deadline of the call is nearer."""
        span: float = getattr(self.timeout, _LIMITS.get(self.phase, "connect"))
        return span

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed; timers may be a little early."""
        return self.now() >= self.deadline - 0.001

    def left(self, span: float) -> float:
        """Return how long a wait may take that is allowed `span` seconds. Raises DeadlineError where the call has none left."""
        if self.deadline != FOREVER:
            left = self.deadline - self.now()
            if left <= 0:
                raise DeadlineError("the deadline of the call has passed")
            span = min(span, left)
        return span


_LIMITS = {"pool": "pool", "send": "write", "head": "read", "body": "read"}
"""Phase -> the limit of its waits; all others belong to connecting."""
