"""HTTP/2 connections: many channels on one byte stream, shared by tasks or by threads with the same code.

Nobody owns the connection.  Who lacks an event and finds no reader becomes the reader: it receives, gives every event to the channel it
belongs to and opens their gates, until its own has come; then another one that waits takes over.  Sending works likewise: who has bytes
and finds no sender sends all that is queued, in the order in which the machine made it (header compression depends on it).
"""

from __future__ import annotations

from .._protocol.base import ProtocolError
from .._protocol.http2 import Http2
from .._protocol.http2_events import GoAway, SendMore, SlotsChanged
from .._timeout import FOREVER
from .._typing import TYPE_CHECKING
from .connection import next_piece, piece_iterator
from .http2_channel import Http2Channel, RefusedError
from .outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._protocol.http2_events import StreamEvent
    from .base import Backend, ByteStream, Gate
    from .course import Course, Outgoing

__all__ = ["Http2Connection"]

PING_AFTER = 20.0
"""Seconds of silence, while answers are awaited, after which the peer is asked whether it is there."""

PING_PATIENCE = 20.0
"""Seconds it has to say anything at all then."""

MOMENT = 0.001
"""Seconds to take in what has come already."""


class Http2Connection:
    """One HTTP/2 connection.

    Args:
        changed: called, with the connection, when the number of `places` changed or no new requests may come.
    """

    __slots__ = (
        "_backend",
        "_called",
        "_changed",
        "_channels",
        "_outbox",
        "_reader",
        "_reading",
        "deaf",
        "failure",
        "greeted",
        "machine",
        "released",
        "stream",
    )

    def __init__(self, backend: Backend, stream: ByteStream, changed: Callable[[Http2Connection], None]) -> None:
        self._backend = backend
        self._changed = changed
        self.stream = stream
        self.machine = Http2()
        self.released = 0.0
        self.failure: Exception | None = None
        self.deaf = False  # the peer takes nothing any more
        self.greeted = False  # the peer has told how many requests fit
        self._channels: dict[int, Http2Channel] = {}
        self._called: Http2Channel | None = None  # who is to be the next reader, and has not come yet
        self._outbox = Outbox(backend, stream)
        self._outbox.put(self.machine.start())
        self._reader: Http2Channel | None = None  # whom the reader reads for; nobody, where it only takes in what has come
        self._reading = False

    @property
    def reusable(self) -> bool:
        """Whether new requests may be sent."""
        return self.failure is None and not self.deaf and self.machine.reusable

    @property
    def places(self) -> int:
        """How many requests fit on the connection, those under way included: one until the peer has told."""
        return self.machine.capacity if self.greeted else 1

    def fails_unanswered(self) -> bool:
        """Whether a request that failed here may be sent again: the connection died, and it had stood idle before."""
        return self.failure is not None or not self.machine.reusable

    @property
    def unsettled(self) -> bool:
        """Whether the peer may have said something while the connection stood idle."""
        return not self._channels and not self._reading and self._backend.now() - self.released > MOMENT

    async def settle(self) -> bool:
        """Take in what the peer has said meanwhile; return whether the connection may be used again."""
        more = True
        while more and self.reusable:
            with self._backend.mutex:
                if self._reading or self._channels:
                    break
                self._reading = True  # before anything is asked of the stream: asking may take in bytes that another reader waits for
            more = await self._take_in()
        return self.reusable

    def sound(self) -> bool:
        """Whether a settled connection may be used again."""
        return self.reusable

    async def _take_in(self) -> bool:
        """Receive what has come already; return whether there was anything."""
        try:
            if self.stream.quiet:
                return False
            self._receive(await self.stream.receive(MOMENT))
        except TimeoutError:
            return True  # only half a TLS record, or a session ticket
        except (OSError, ProtocolError) as error:
            self._fail(error)
        finally:
            with self._backend.mutex:
                self._reading = False
            self._wake_next()
        return True

    # ------------------------------------------------------------------------------------------------ requests
    async def open(self, outgoing: Outgoing, course: Course) -> Http2Channel:
        """Send the request and return its channel, whose head has come."""
        course.phase = "send"
        origin, body = outgoing.origin, outgoing.body
        ended = isinstance(body, bytes) and not body
        with self._backend.mutex:
            if not self.reusable or self.machine.slots <= 0:
                raise RefusedError("the connection takes no more requests")
            fields = _sized(outgoing)
            stream_id, data = self.machine.request(outgoing.method, "https", origin.authority, outgoing.target, fields, ended=ended)
            channel = self._channels[stream_id] = Http2Channel(self, stream_id)
            if isinstance(body, bytes) and body:
                sent, more = self.machine.send(stream_id, body, ended=True)
                data += more
            else:
                sent = 0
            self._outbox.put(data)
        try:
            await self._flush(course)
            await self._send_rest(channel, outgoing, sent, course)
            course.phase = "head"
            await self.wait(channel, channel.has_head, course, course.timeout.read)
        except BaseException:
            channel.discard()
            raise
        if channel.head is None:
            channel.discard()
            raise channel.error or ProtocolError("a stream ended without a head")
        return channel

    async def _send_rest(self, channel: Http2Channel, outgoing: Outgoing, sent: int, course: Course) -> None:
        body = outgoing.body
        if isinstance(body, bytes):
            if sent < len(body):
                await self._send_body(channel, memoryview(body)[sent:], True, course)
            return
        source = piece_iterator(body)
        while not channel.has_head() and (piece := await next_piece(source)) is not None:
            await self._send_body(channel, memoryview(piece), False, course)
        await self._send_body(channel, memoryview(b""), True, course)

    async def _send_body(self, channel: Http2Channel, left: memoryview, ended: bool, course: Course) -> None:
        """Send what the peer's windows allow, wait, and go on, until an answer makes it pointless (RFC 9113, 8.1)."""
        while not channel.has_head():
            with self._backend.mutex:
                channel.roomy = False
                sent, data = self.machine.send(channel.stream_id, left, ended=ended)
                self._outbox.put(data)
            await self._flush(course)
            left = left[sent:]
            if not left:
                return
            if not sent:
                await self.wait(channel, channel.has_room, course, course.timeout.write)

    # ------------------------------------------------------------------------------------------------ reading
    async def wait(self, channel: Http2Channel, satisfied: Callable[[], bool], course: Course, span: float) -> None:
        """Wait until `satisfied`, as the reader or behind one; raise what broke the connection, or TimeoutError after `span` seconds."""
        until = course.now() + course.left(span)
        queued = False
        try:
            while not satisfied():
                if self.failure is not None:
                    raise self.failure
                left = until - course.now() if until != FOREVER else FOREVER
                if left <= 0:
                    course.left(span)  # tells whether it is the deadline of the call that has passed
                    raise TimeoutError("nothing has come for this request")
                gate = self._claim(channel)
                if gate is None:
                    await self._read(course, left)
                    continue
                queued = True
                if not satisfied() and self.failure is None:
                    await gate.wait(left)
        finally:
            if queued:
                self._leave(channel)

    def _claim(self, channel: Http2Channel) -> Gate | None:
        """Become the reader (None), or get the gate to wait at."""
        with self._backend.mutex:
            if self._called is channel:
                self._called = None
            if self._reading:
                gate = channel.gate = self._backend.gate()
                return gate
            self._reading = True
            self._reader = channel
            channel.gate = None
            return None

    def _leave(self, channel: Http2Channel) -> None:
        """Stand at no gate any more. Who was called to read, and has got all it wanted meanwhile, calls the next."""
        with self._backend.mutex:
            channel.gate = None
            called = self._called is channel
            if called:
                self._called = None
        if called:
            self._wake_next()

    async def _read(self, course: Course, left: float) -> None:
        """Be the reader until something has come; then let another one be."""
        try:
            await self._read_patiently(course, left)
        finally:
            with self._backend.mutex:
                self._reading = False
                self._reader = None
            self._wake_next()

    def _wake_next(self) -> None:
        """Call one of those who wait to be the reader, unless somebody is, or has been called already."""
        with self._backend.mutex:
            if self._reading or self._called is not None:
                return
            self._called = waiting = next((channel for channel in self._channels.values() if channel.gate is not None), None)
        if waiting is not None:
            waiting.wake()

    async def _read_patiently(self, course: Course, left: float) -> None:
        """Receive once; a long silence is broken by a PING, and a peer that does not even answer that is gone."""
        if await self._read_once(course, min(left, PING_AFTER)) or left <= PING_AFTER:
            return
        with self._backend.mutex:
            self._outbox.put(self.machine.ping())
        await self._flush(course)
        patience = min(left - PING_AFTER, PING_PATIENCE)
        if not await self._read_once(course, patience) and left - PING_AFTER > PING_PATIENCE:
            self._fail(ConnectionAbortedError(f"the peer has been silent for {PING_AFTER + PING_PATIENCE:g} s and answers no PING"))

    async def _read_once(self, course: Course, timeout: float) -> bool:
        """Receive, and say what has to be said to that; return whether anything has come.

        What fails is for `wait` to tell, and only to those who still lack something: an answer may be complete nevertheless.
        """
        try:
            data = await self.stream.receive(timeout)
        except TimeoutError:
            return False
        except OSError as error:
            self._fail(error)
            return True
        try:
            self._receive(data)
        except ProtocolError as error:
            self._fail(error)
        await self._flush_for_others(course)
        return True

    def _receive(self, data: bytes) -> None:
        with self._backend.mutex:
            events = self.machine.receive(data)
            self._outbox.reply(self.machine.pending())
        self._distribute(events)
        if self.machine.failure is not None:
            self._fail(self.machine.failure)  # in the midst of what was received; the events before it count
        elif not data:
            self._fail(ConnectionResetError("the peer closed the connection"))

    def _distribute(self, events: Sequence[tuple[int, StreamEvent]]) -> None:
        changed = False
        for stream_id, event in events:
            channel = self._channels.get(stream_id)
            if channel is not None:
                channel.take(event)
                if channel.over:
                    self._channels.pop(stream_id, None)  # unless another thread has just abandoned it
            elif isinstance(event, SendMore):
                for each in list(self._channels.values()):
                    each.take(event)
            elif isinstance(event, (GoAway, SlotsChanged)):
                self.greeted = changed = True
        if changed:
            self._changed(self)

    def _fail(self, error: Exception) -> None:
        """The connection is of no more use: everybody on it learns why."""
        with self._backend.mutex:
            if self.failure is None:
                self.failure = error
            channels, self._channels = list(self._channels.values()), {}
        self.stream.close()
        for channel in channels:
            if channel.error is None:
                channel.error = error
            channel.wake()
        self._changed(self)

    # ------------------------------------------------------------------------------------------------ sending
    async def consumed(self, stream_id: int, size: int, course: Course) -> None:
        """The reader of a stream took `size` bytes: the peer may send as many more."""
        with self._backend.mutex:
            if self.failure is None:
                self._outbox.put(self.machine.consumed(stream_id, size))
        await self._flush_for_others(course)

    async def _flush_for_others(self, course: Course) -> None:
        """Send what is not the caller's request. What fails is for the next who waits: what has come is handed out all the same."""
        if self.failure is None:
            try:
                await self._flush(course)
            except OSError:
                return

    async def _flush(self, course: Course) -> None:
        timeout = course.left(course.timeout.write)  # a call that has no time left leaves the connection whole, and the bytes to others
        try:
            await self._outbox.flush(timeout)
        except TimeoutError as error:
            self._fail(error)
            raise
        except OSError:
            # The peer has closed. What it said before, answers or a GOAWAY, is still to be read: that will end this as it should.
            self.deaf = True
            self._changed(self)

    def abandon(self, channel: Http2Channel) -> None:
        """Nobody wants this stream any more: reset it."""
        if not channel.over:
            channel.error = ConnectionAbortedError("the response was closed on this side")
        with self._backend.mutex:
            known = self._channels.pop(channel.stream_id, None)
            if known is not None and self.failure is None:
                self._outbox.put(self.machine.reset(channel.stream_id))
                if self._reader is channel:  # closed by another thread or task: the answer to a PING wakes it
                    self._outbox.put(self.machine.ping())
        channel.wake()
        self._wake_next()
        if known is not None and self.failure is None:
            self._outbox.flush_now()

    def close(self) -> None:
        """Close the connection at once."""
        self.stream.close()

    def forget(self) -> None:
        """Let go of it without a word to the peer, which belongs to the parent process."""
        self.stream.forget()


def _sized(outgoing: Outgoing) -> Sequence[tuple[str, str]]:
    """The fields, and the length of the body where it is known (RFC 9110, 8.6)."""
    size = len(outgoing.body) if isinstance(outgoing.body, bytes) else outgoing.length
    return [*outgoing.fields, ("content-length", str(size))] if size else outgoing.fields
