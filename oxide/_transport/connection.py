"""HTTP/1.1 connections: a machine and a byte stream, joined. One request at a time; `Http2Connection` stands beside this file."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from .._errors import UploadError
from .._protocol.base import Data, End, Head, ProtocolError
from .._protocol.http1 import IDLE, Http1
from .._timeout import FOREVER
from .._typing import TYPE_CHECKING, Protocol
from .course import Opaque

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._protocol.base import Event
    from .base import ByteStream
    from .course import Course, Outgoing, Pieces

__all__ = ["Channel", "Http1Connection", "next_piece", "piece_iterator"]

PIECE = 1 << 20
"""A larger body is sent apart from its head rather than copied behind it."""

LINGER = 1.0
"""Seconds to look for an answer of a peer that stopped taking our request."""

DRAIN = 65536
"""Bytes of a body that may follow the last event of a stream without costing its connection."""


LATE = 0.3
"""Seconds to wait for the end mark of a stream whose last event has come, before its connection is given up for another one."""


class Channel(Protocol):
    """One request and its response, on a connection of its own or on a shared one."""

    ended: bool

    @property
    def head(self) -> Head | None: ...

    def at_hand(self, limit: int) -> bytes | None:
        """Return the whole body if it has come along with its head and is no longer than `limit`, None otherwise."""
        ...

    async def next_chunk(self, course: Course) -> bytes | None:
        """Return more of the body, b"" for none yet, None at its end."""
        ...

    def discard(self) -> None:
        """Want no more of it, at once: an HTTP/1.1 connection is closed, an HTTP/2 stream is reset."""
        ...

    def park(self) -> None:
        """Want no more of it, since only its end mark is missing."""
        ...


class Http1Connection:
    """One HTTP/1.1 connection; it is the channel of the request it serves."""

    __slots__ = ("_closed", "_events", "ended", "head", "machine", "released", "stream", "unsettled")

    places = 1
    head: Head

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.machine = Http1()
        self.ended = True
        self.released = 0.0  # when it last became idle
        self._events: Sequence[Event] = ()
        self.unsettled = False  # the end mark of its last response had not come when its last event had
        self._closed = False  # the rest of a response may be there, and its machine be ready: the connection is not

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent, now or after `settle`."""
        return (self.machine.state == IDLE or self.unsettled) and not self._closed

    def fails_unanswered(self) -> bool:
        """Whether a request that failed here may be sent again: no byte of its response has come."""
        return not self.machine.received

    def sound(self) -> bool:
        """Whether an idle connection that is settled may be used again: the peer has said nothing since its last response.

        It is asked each time, however soon: a second answer must never be taken for that to the next request (docs/decisions, 0008).
        """
        return self.stream.quiet

    async def open(self, outgoing: Outgoing, course: Course) -> Http1Connection:
        """Send the request, and return the channel of its response, whose head has come."""
        self.ended = False
        course.phase = "send"
        bounded, timeout, body = course.deadline != FOREVER, course.timeout, outgoing.body
        machine, stream = self.machine, self.stream
        try:
            if isinstance(body, bytes) and len(body) <= PIECE:
                request = Opaque(machine.request(outgoing.method, outgoing.target, outgoing.fields, body))
                await stream.send(request, course.left(timeout.write) if bounded else timeout.write)
            else:
                await self._send_pieces(outgoing, body, course)
        except (OSError, ProtocolError) as error:
            events = await self._early_answer(error, course)
        else:
            course.phase = "head"
            while not (events := machine.receive(await stream.receive(course.left(timeout.read) if bounded else timeout.read))):
                pass
        head, *self._events = events
        if not isinstance(head, Head):
            raise ProtocolError("a body came before its head")
        self.head = head
        return self

    async def _send_pieces(self, outgoing: Outgoing, body: bytes | Pieces, course: Course) -> None:
        """Send the head apart from the body, which is large or comes in pieces."""
        machine = self.machine
        known, pieces = (len(body), (body,)) if isinstance(body, bytes) else (outgoing.length, body)
        head = Opaque(machine.request(outgoing.method, outgoing.target, outgoing.fields, length=known, chunked=known is None))
        await self.stream.send(head, course.left(course.timeout.write))
        source = piece_iterator(pieces)
        while (piece := await next_piece(source)) is not None:
            if data := machine.body_piece(piece):
                await self.stream.send(data, course.left(course.timeout.write))
        if data := machine.end_body():
            await self.stream.send(data, course.left(course.timeout.write))

    async def _early_answer(self, error: Exception, course: Course) -> Sequence[Event]:
        """A peer that stops taking a request may have said why (RFC 9112, 9.5): return that answer, or raise the error."""
        if isinstance(error, TimeoutError):
            raise error
        course.phase = "head"
        try:
            while True:
                if events := self.machine.receive(await self.stream.receive(min(LINGER, course.left(LINGER)))):
                    self._closed = True  # to other requests: only a part of this one has gone out
                    return events
        except (OSError, ProtocolError):
            course.phase = "send"
            raise error from None

    def at_hand(self, limit: int) -> bytes | None:
        """Return the whole body if it has come along with its head and is no longer than `limit`, None otherwise."""
        events = self._events
        if not events or type(events[-1]) is not End:
            return None
        first = events[0]
        body = first.data if type(first) is Data else b""
        if len(body) > limit:
            return None
        self._events = ()
        self.ended = True
        return body

    async def next_chunk(self, course: Course) -> bytes | None:
        """Return more of the body, b"" for none yet, None at its end."""
        if self.ended:
            return None
        events = self._events
        if events:
            self._events = ()
        else:
            course.phase = "body"
            bounded, span = course.deadline != FOREVER, course.timeout.read
            receive, stream = self.machine.receive, self.stream
            while not (events := receive(await stream.receive(course.left(span) if bounded else span))):
                pass
        if type(events[-1]) is End:
            self.ended = True
        first = events[0]
        return first.data if type(first) is Data else None

    def discard(self) -> None:
        """Close the connection, unless its response has ended."""
        if not self.ended:
            self.close()

    def park(self) -> None:
        """Leave a response whose last event has come; its end mark may still be on its way, and `settle` will look for it."""
        if not self.ended:
            self.unsettled = not self._events
            if not self.unsettled:
                self.close()

    async def settle(self) -> bool:
        """Take in what was left of the former response; return whether it has ended."""
        self.unsettled = False
        size = 0
        try:
            while not self.ended and size < DRAIN:
                for event in self.machine.receive(await self.stream.receive(LATE)):
                    size += len(event.data) if isinstance(event, Data) else 0
                    self.ended = isinstance(event, End)
        except (OSError, ProtocolError):
            return False
        return self.ended and self.machine.reusable

    def close(self) -> None:
        """Close the connection at once."""
        self._closed = True
        self.stream.close()

    def forget(self) -> None:
        """Let go of it without a word to the peer, which belongs to the parent process."""
        self.stream.forget()


def piece_iterator(pieces: Pieces) -> Iterator[bytes] | AsyncIterator[bytes]:
    """Return the iterator of a body in pieces."""
    return aiter(pieces) if isinstance(pieces, AsyncIterable) else iter(pieces)


async def next_piece(source: Iterator[bytes] | AsyncIterator[bytes]) -> bytes | None:
    """Return the next piece of a body, None at its end. Raises UploadError where the body itself fails like a connection."""
    try:
        return await anext(source, None) if isinstance(source, AsyncIterator) else next(source, None)
    except OSError as error:  # of the caller's iterator or progress: it must not be judged, or tried again, as one of the connection
        raise UploadError(f"the body cannot be sent, what gives it failed: {error}") from error
