"""The successful answer to a call, as the exchange hands it on: its body is still coming, or has been read."""

from __future__ import annotations

from ._errors import APIConnectionError
from ._info import HttpInfo
from ._judge import failure
from ._raw import RawResponse
from ._timeout import FOREVER
from ._typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._errors import APIError, AttemptRecord, ConfigurationError
    from ._operation import Request
    from ._transport.incoming import Incoming

__all__ = ["Answer"]

T = TypeVar("T")


class Answer:
    """The successful answer to a call; its body is still coming, or has been read."""

    __slots__ = ("_begun", "_event_at", "_events", "attempts", "incoming", "request")

    def __init__(self, request: Request, incoming: Incoming, attempts: Sequence[AttemptRecord], begun: float) -> None:
        self.request = request
        self.incoming = incoming
        self.attempts = attempts
        self._begun = begun
        self._events = 0
        self._event_at = begun  # since when the next event is awaited

    @property
    def limited(self) -> bool:
        """Whether the waits for events have limits of their own."""
        timeout = self.request.timeout
        return timeout.idle != FOREVER or timeout.first_event != FOREVER

    def expect(self, events: int) -> None:
        """A stream waits for another event after `events` have come: bound that wait, whatever else comes meanwhile."""
        course = self.incoming.course
        if events != self._events:
            self._events, self._event_at = events, course.now()
        course.expect("idle" if events else "first_event", self._event_at)

    def http(self) -> HttpInfo:
        """The HTTP side of the answer, as far as it has come."""
        head, course, begun = self.incoming.head, self.incoming.course, self._begun
        seconds = course.queued, course.connected, course.first_byte - begun, course.done - begun if course.done else 0.0
        return HttpInfo(head.status, head.headers, head.version, self.attempts, seconds)

    def raw(self, content: bytes | None, make: Callable[[], T] | None = None) -> RawResponse[T]:
        """The answer with its body, None if that is for others; `make` is what `parse` calls."""
        return RawResponse(self.http(), self.request, content, make)

    def park(self) -> None:
        """The last event has come: the connection is free when the end of the body has come too."""
        self.incoming.park()

    def discard(self) -> None:
        """Free the connection at once."""
        self.incoming.discard()

    def failed(self, cause: Exception, events_so_far: Sequence[object]) -> APIError | ConfigurationError:
        """Return the error of a stream whose body broke off."""
        error = failure(cause, self.request, self.incoming.course)
        if isinstance(error, APIConnectionError):
            error.attempts = self.attempts
            error.events_so_far = list(events_so_far)
        return error
