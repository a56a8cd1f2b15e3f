"""One request and its response on a shared HTTP/2 connection: what has come for it, and how it may fail."""

from __future__ import annotations

from collections import deque

from .._protocol.base import Data, End, Head
from .._protocol.http2_events import Reset
from .._typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._protocol.http2_events import StreamEvent
    from .base import Gate
    from .course import Course

__all__ = ["Http2Channel", "RefusedError", "ResetError"]


class ResetError(ConnectionResetError):
    """The peer reset the stream of a request."""


class RefusedError(ResetError):
    """The peer says that it has not looked at the request: it may be sent again elsewhere (RFC 9113, 8.7)."""


class Shared(Protocol):
    """The connection that a channel belongs to, as the channel knows it."""

    async def wait(self, channel: Http2Channel, satisfied: Callable[[], bool], course: Course, span: float) -> None:
        """Wait until `satisfied`; raise what broke the connection, or TimeoutError after `span` seconds."""
        ...

    async def consumed(self, stream_id: int, size: int, course: Course) -> None:
        """Let the peer send `size` bytes more on a stream."""
        ...

    def abandon(self, channel: Http2Channel) -> None:
        """Reset the stream of a channel, unless it has ended."""
        ...


class Http2Channel:
    """One request and its response on a shared connection."""

    __slots__ = ("_chunks", "complete", "connection", "ended", "error", "gate", "head", "roomy", "stream_id")

    def __init__(self, connection: Shared, stream_id: int) -> None:
        self.connection = connection
        self.stream_id = stream_id
        self.head: Head | None = None
        self._chunks: deque[bytes] = deque()  # put in by one thread, taken out by another
        self.complete = False  # the whole response has come
        self.ended = False  # and the caller has had it
        self.roomy = False  # the peer has opened a send window
        self.error: Exception | None = None
        self.gate: Gate | None = None

    def take(self, event: StreamEvent) -> None:
        """Keep what came for this channel; wake who waits for it."""
        if isinstance(event, Data):
            self._chunks.append(event.data)
        elif isinstance(event, Head):
            self.head = event
        elif isinstance(event, End):
            self.complete = True
        elif isinstance(event, Reset):
            self.error = (RefusedError if event.retryable else ResetError)(event.text)
        else:
            self.roomy = True
        self.wake()

    def wake(self) -> None:
        """Open the gate of who waits for this channel, if anybody does."""
        gate = self.gate  # left where it is: another thread may be putting the next one there
        if gate is not None:
            gate.open()

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.complete or self.error is not None

    def has_head(self) -> bool:
        """Whether there is a head, or never will be."""
        return self.head is not None or self.over

    def has_more(self) -> bool:
        """Whether there are chunks, or never will be."""
        return bool(self._chunks) or self.over

    def has_room(self) -> bool:
        """Whether more of the body can be sent, or there is no use in it."""
        return self.roomy or self.has_head()

    def at_hand(self, limit: int) -> None:
        """Return nothing: what has come must be acknowledged, and that may have to wait."""
        return

    async def next_chunk(self, course: Course) -> bytes | None:
        """Return more of the body, None at its end."""
        if self.ended:
            return None
        course.phase = "body"
        if not self._chunks:
            await self.connection.wait(self, self.has_more, course, course.timeout.read)
        complete = self.complete  # looked at first: another thread may add the last chunk, and then say that it was the last
        data = b"".join([self._chunks.popleft() for _ in range(len(self._chunks))])
        if not data and self.error is not None:
            raise self.error
        self.ended = complete
        if not self.ended:
            await self.connection.consumed(self.stream_id, len(data), course)
        return data if data or not self.ended else None

    def discard(self) -> None:
        """Reset the stream, unless it has ended."""
        self.connection.abandon(self)

    def park(self) -> None:
        """Leave the stream to its end mark: a connection with many streams does not wait for it."""
        self.connection.abandon(self)
