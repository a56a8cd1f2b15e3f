"""A response as it comes: its head, its body in chunks, and the connection, which it gives back or gives up."""

from __future__ import annotations

from .._protocol.base import ProtocolError
from .._protocol.coding import decoder_for
from .._typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import TypeAlias

    from .._protocol.coding import Decoder
    from .._protocol.headers import Headers
    from .._protocol.pool import Slot
    from .connection import Channel, Http1Connection
    from .course import Course
    from .multiplex import Http2Connection

    Connection: TypeAlias = Http1Connection | Http2Connection
    ConnectionSlot: TypeAlias = Slot[Connection]

__all__ = ["Incoming", "TooLargeError"]


class TooLargeError(ProtocolError):
    """The body is larger than the caller allows."""


class Lender(Protocol):
    """Who has lent the connection and takes it back: the transport."""

    def release(self, incoming: Incoming, now: float) -> None:
        """Take back the slot of a response that has ended, unless somebody else has."""
        ...

    def claim(self, incoming: Incoming) -> ConnectionSlot | None:
        """Take its slot from a response, unless somebody else has."""
        ...

    def give_back(self, slot: ConnectionSlot, now: float) -> None:
        """Take back a slot that was claimed."""
        ...

    def abandon(self, slot: ConnectionSlot, channel: Channel) -> None:
        """Take back the slot of a response that was dropped; called by the collector, at any point of any code."""
        ...


class Incoming:
    """A response whose head has come; its connection goes back to the pool at the end of the body, or is discarded.

    Raises:
        ProtocolError: its body is in a content coding that nobody asked for; the channel is discarded then, its slot still the caller's.
    """

    __slots__ = ("_channel", "_complete", "_decoder", "_transport", "course", "head", "slot", "status")

    def __init__(self, transport: Lender, slot: ConnectionSlot, channel: Channel, course: Course) -> None:
        self.slot: ConnectionSlot | None = None  # of the connection, until it is given back: the transport takes it, once
        head = channel.head
        if head is None:
            raise ProtocolError("a response without a head")
        self.head = head
        self.status = head.status
        self.course = course
        self._transport = transport
        self._channel = channel
        self._decoder = None if head.coding is None else _decoder(head.coding, channel)
        self._complete = False  # the whole body has come
        self.slot = slot

    def _take_over(self, other: Incoming) -> None:
        """Go on as another response does; nobody uses that one any more, and this one gives the connection back."""
        for name in Incoming.__slots__:
            setattr(self, name, getattr(other, name))
        other.slot = None

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self.head.headers

    async def next_chunk(self) -> bytes | None:
        """Return more of the body, decoded; b"" where nothing came of what was received; None at its end."""
        if self.slot is None:
            return self._rest()
        try:
            if self._decoder is None:
                chunk = await self._channel.next_chunk(self.course)
            else:
                chunk = await self._next_decoded(self._decoder)
        except BaseException:
            self.discard()
            raise
        if self._channel.ended:
            self._complete = True
            self.course.done = now = self.course.now()
            self._transport.release(self, now)
        return chunk

    def _rest(self) -> bytes | None:
        """What the decoder has left. The connection is not asked: it may serve another request by now."""
        if not self._complete:
            raise ConnectionAbortedError("the response was closed on this side")
        if self._decoder is None:
            return None
        if chunk := self._decoder.take():
            return chunk
        self._decoder.finish()
        return None

    async def _next_decoded(self, decoder: Decoder) -> bytes | None:
        self.course.phase = "body"  # the body may have come along with its head
        while not (chunk := decoder.take()):
            data = await self._channel.next_chunk(self.course)
            if data is None:
                decoder.finish()
                return None
            decoder.receive(data)
        return chunk

    def at_hand(self, limit: int) -> bytes | None:
        """Return the whole body if it has come along with its head, as that of a short answer mostly has; None: `read` it."""
        body = None if self._decoder is not None else self._channel.at_hand(limit)
        if body is not None:
            self._complete = True
            self.course.done = now = self.course.now()
            self._transport.release(self, now)
        return body

    async def read(self, limit: int, cut: bool = False) -> bytes:
        """Return the whole body, or raise TooLargeError. With `cut`, what there is of one that breaks off or is larger than `limit`."""
        chunks: list[bytes] = []
        size = 0
        try:
            while size <= limit and (chunk := await self.next_chunk()) is not None:
                size += len(chunk)
                chunks.append(chunk)
                if self.slot is None and self._decoder is None:
                    break
        except (OSError, ProtocolError):
            if not cut:
                raise
        if size > limit:
            self.discard()
            if not cut:
                raise TooLargeError(f"the body has more than {limit} bytes; see the option max_body")
            return b"".join(chunks)[:limit]
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def discard(self) -> None:
        """Want no more of it: free the connection at once. From any thread or task; a reader that waits is woken."""
        slot = self._transport.claim(self)  # first of all, or the connection might serve another request by the time it is closed
        if slot is not None:
            self._channel.discard()
            self._give_back(slot)

    def park(self) -> None:
        """Want no more of it, since its last event has come: the connection is kept if the end of the body follows."""
        slot = self._transport.claim(self)
        if slot is not None:
            self._channel.park()
            self._give_back(slot)

    def _give_back(self, slot: ConnectionSlot) -> None:
        self.course.done = now = self.course.now()
        self._transport.give_back(slot, now)

    def __del__(self) -> None:
        if self.slot is not None:
            self._transport.abandon(self.slot, self._channel)


def _decoder(coding: str, channel: Channel) -> Decoder | None:
    try:
        return decoder_for(coding)
    except ProtocolError:
        channel.discard()
        raise
