"""Which connection serves which request: decisions only.

The pool knows slots, not sockets: a `Slot` is the place of one connection, made when the pool allows one more to be opened.  The
transport asks (`request`), tells (`opened`, `failed`, `release`, `withdraw`), and does all the connecting, waiting and closing itself.

States of a slot

    opening   made for the request that will connect it; `connection` is None
    busy      serves `used` of its `places` requests
    idle      serves none, and may serve again
    gone      closed, or to be closed by who is told so

HTTP/1.1 has one place a connection, HTTP/2 as many as the peer allows.  Under "auto" a caller on its own gets HTTP/1.1, the cheapest in
pure Python; once `wide` requests to one https origin are in flight, the next connection offers HTTP/2, and whoever comes while it is
being opened waits to share it.
"""

from __future__ import annotations

from collections import deque

from .._typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["WIDE", "Pool", "Slot", "Ticket"]

C = TypeVar("C")

WIDE = 4
"""Requests in flight to one origin from which "auto" offers HTTP/2 (measured: docs/decisions)."""


class Slot(Generic[C]):
    """The place of one connection."""

    __slots__ = ("awaited", "connection", "gone", "idle_since", "lane", "multiplexed", "offers_http2", "places", "used")

    def __init__(self, lane: Lane[C], offers_http2: bool, awaited: bool) -> None:
        self.lane = lane
        self.offers_http2 = offers_http2
        self.awaited = awaited  # requests of this lane wait to see whether it can be shared
        self.connection: C | None = None
        self.multiplexed = False
        self.places = 1
        self.used = 1
        self.idle_since = 0.0
        self.gone = False


class Opener(Protocol):
    """What wakes one who waits."""

    def open(self) -> None: ...


class Ticket(Generic[C]):
    """One request's claim: it has a slot, or waits for one (the transport hangs its gate on it)."""

    __slots__ = ("gate", "lane", "number", "slot")

    def __init__(self, lane: Lane[C], number: int) -> None:
        self.lane = lane
        self.number = number
        self.slot: Slot[C] | None = None
        self.gate: Opener | None = None


class Lane(Generic[C]):
    """What the pool knows of one origin."""

    __slots__ = ("idle", "key", "opening", "refuses_http2", "secure", "shared", "slots", "waiting")

    def __init__(self, key: Hashable, secure: bool) -> None:
        self.key = key
        self.secure = secure
        self.idle: list[Slot[C]] = []  # HTTP/1.1, the latest used at the end
        self.shared: list[Slot[C]] = []  # HTTP/2
        self.slots = 0
        self.opening: Slot[C] | None = None  # the awaited one
        self.refuses_http2 = False
        self.waiting: deque[Ticket[C]] = deque()


class Pool(Generic[C]):
    """The slots of all origins, and who waits for one.

    Args:
        max_connections: slots in all.
        max_idle: connections kept while nobody uses them.
        expiry: seconds an idle connection is kept.
        http2: True (always offered over TLS), False (never), "auto".
        wide: see `WIDE`.
    """

    def __init__(self, max_connections: int, max_idle: int, expiry: float, http2: bool | str, wide: int = WIDE) -> None:
        self._max = max_connections
        self._max_idle = max_idle
        self._expiry = expiry
        self._http2 = http2
        self._wide = wide
        self._lanes: dict[Hashable, Lane[C]] = {}
        self._hungry: dict[Lane[C], None] = {}  # lanes where somebody waits
        self._slots: dict[Slot[C], None] = {}
        self._idle: dict[Slot[C], None] = {}  # the longest idle first
        self._served: list[Ticket[C]] = []
        self._closing: list[C] = []
        self._number = 0
        self.unsettled = False  # whether `served` or `closing` have something to tell

    # ------------------------------------------------------------------------------------------------ asking
    def request(self, key: Hashable, secure: bool, now: float, fresh: bool = False) -> Ticket[C]:
        """Claim a connection to an origin. The ticket has a slot (`connection` None: open it), or waits.

        Args:
            fresh: the idle connections of this origin are not to be trusted, since one of them was found dead: close them.
        """
        slot = self.take(key, secure, now, fresh)
        lane = self._lanes[key]
        self._number += 1
        ticket: Ticket[C] = Ticket(lane, self._number)
        ticket.slot = slot
        if slot is None:
            lane.waiting.append(ticket)
            self._hungry[lane] = None
        return ticket

    def take(self, key: Hashable, secure: bool, now: float, fresh: bool = False) -> Slot[C] | None:
        """Claim a connection as `request` does, if there is one to be had at once; None: one would have to wait."""
        for longest in self._idle:
            if now - longest.idle_since >= self._expiry:
                self._expire(now)
            break
        known = self._lanes.get(key)
        if known is not None and known.idle and not (fresh or known.waiting):
            slot = known.idle.pop()  # the usual case, as in `_find`
            del self._idle[slot]
            slot.used = 1
            return slot
        lane: Lane[C] = Lane(key, secure) if known is None else known
        if fresh:
            for slot in list(lane.idle):
                self._retire(slot)
        self._lanes[key] = lane  # again, where it went with its last connection
        return None if lane.waiting else self._find(lane)

    def _find(self, lane: Lane[C]) -> Slot[C] | None:
        """An idle connection, a place on a shared one, or leave to open one; None: wait."""
        if lane.idle:
            slot = lane.idle.pop()
            del self._idle[slot]
            slot.used = 1
            return slot
        for slot in lane.shared:
            if slot.used < slot.places:
                self._idle.pop(slot, None)
                slot.used += 1
                return slot
        if lane.opening is not None:
            return None
        if len(self._slots) >= self._max and not self._evict():
            return None
        return self._open(lane)

    def _open(self, lane: Lane[C]) -> Slot[C]:
        offers = self._offers_http2(lane)
        slot = Slot(lane, offers, awaited=offers and not lane.refuses_http2)
        if slot.awaited:
            lane.opening = slot
        lane.slots += 1
        self._lanes[lane.key] = lane  # again, where it went with the connection that made room
        self._slots[slot] = None
        return slot

    def _offers_http2(self, lane: Lane[C]) -> bool:
        if not lane.secure or self._http2 is False:
            return False
        return self._http2 is True or (not lane.refuses_http2 and lane.slots >= self._wide - 1)

    # ------------------------------------------------------------------------------------------------ telling
    def opened(self, slot: Slot[C], connection: C, places: int, multiplexed: bool) -> None:
        """The slot's connection stands; `places` requests fit on it, the opener's included.

        A shared one has a single place until the peer has told how many there are (`resize`): who waits for it goes on waiting.
        """
        slot.connection = connection
        slot.places = places
        slot.multiplexed = multiplexed
        if multiplexed:
            slot.lane.shared.append(slot)
        elif slot.offers_http2:
            slot.lane.refuses_http2 = True
        if not multiplexed or places > 1:
            self._settle(slot)

    def failed(self, slot: Slot[C]) -> None:
        """The slot's connection could not be opened."""
        slot.used = 0
        self._retire(slot)
        self._settle(slot)

    def _settle(self, slot: Slot[C]) -> None:
        """An offer of HTTP/2 is answered: those who waited for it may go on."""
        if slot.lane.opening is slot:
            slot.lane.opening = None
        if self._hungry:
            self._serve()

    def release(self, slot: Slot[C], reusable: bool, now: float) -> None:
        """One request is done with the slot; `reusable`: its connection may serve more."""
        slot.used -= 1
        if not reusable:
            self._retire(slot)
        elif not slot.used and not slot.gone:
            slot.idle_since = now
            self._idle[slot] = None
            if not slot.multiplexed:
                slot.lane.idle.append(slot)
        if slot.gone and not slot.used:
            self._forget(slot)
        if self._hungry:
            self._serve()
        if len(self._idle) > self._max_idle:
            self._evict()

    def retire(self, slot: Slot[C]) -> None:
        """The slot takes no more requests; those it serves may finish."""
        self._retire(slot)
        if self._hungry:
            self._serve()

    def resize(self, slot: Slot[C], places: int) -> None:
        """The peer allows another number of requests on a shared connection."""
        slot.places = places
        self._settle(slot)

    def withdraw(self, ticket: Ticket[C], now: float) -> None:
        """A waiting request gives up; what it was handed meanwhile goes to the next."""
        slot = ticket.slot
        if slot is None:
            self._leave(ticket)
        elif slot.connection is None:
            self.failed(slot)
        else:
            self.release(slot, reusable=True, now=now)

    # ------------------------------------------------------------------------------------------------ hearing
    def served(self) -> list[Ticket[C]]:
        """Tickets that got their slot since last asked: open their gates."""
        served, self._served = self._served, []
        self.unsettled = bool(self._closing)
        return served

    def closing(self) -> list[C]:
        """Connections that nobody uses any more since last asked: close them."""
        closing, self._closing = self._closing, []
        self.unsettled = bool(self._served)
        return closing

    def clear(self) -> list[C]:
        """Take every connection out of the pool, and return all of them, used or not; who waits is served nothing."""
        for lane in list(self._hungry):
            self._served.extend(lane.waiting)
            self.unsettled = True
            lane.waiting.clear()
        self._hungry.clear()
        for slot in list(self._slots):
            self._drop(slot)
            self._forget(slot)
        return self.closing()

    def __len__(self) -> int:
        """Connections open or being opened."""
        return len(self._slots)

    # ------------------------------------------------------------------------------------------------ inside
    def _serve(self) -> None:
        """Give what is free to those who wait, the longest waiting first."""
        progress = True
        while progress and self._hungry:
            progress = False
            for lane in sorted(self._hungry, key=_first_number):
                slot = self._find(lane)
                if slot is not None:
                    ticket = lane.waiting[0]
                    self._leave(ticket)
                    ticket.slot = slot
                    self._served.append(ticket)
                    self.unsettled = True
                    progress = True
                    break

    def _leave(self, ticket: Ticket[C]) -> None:
        lane = ticket.lane
        if ticket in lane.waiting:  # not so after `clear`
            lane.waiting.remove(ticket)
        if not lane.waiting and lane in self._hungry:
            del self._hungry[lane]
            self._tidy(lane)

    def _expire(self, now: float) -> None:
        while self._idle:
            slot = next(iter(self._idle))
            if now - slot.idle_since < self._expiry:
                break
            self._retire(slot)

    def _evict(self) -> bool:
        """Close the connection that has been idle longest, to make room."""
        for slot in self._idle:
            self._retire(slot)
            return True
        return False

    def _retire(self, slot: Slot[C]) -> None:
        if slot.gone:
            return
        self._drop(slot)
        if not slot.used:
            self._forget(slot)

    def _forget(self, slot: Slot[C]) -> None:
        if slot.connection is not None:
            self._closing.append(slot.connection)
            self.unsettled = True
            slot.connection = None

    def _drop(self, slot: Slot[C]) -> None:
        slot.gone = True
        lane = slot.lane
        self._slots.pop(slot, None)
        if slot in self._idle:
            del self._idle[slot]
            if not slot.multiplexed:
                lane.idle.remove(slot)
        if slot.multiplexed and slot in lane.shared:
            lane.shared.remove(slot)
        if lane.opening is slot:
            lane.opening = None
        lane.slots -= 1
        self._tidy(lane)

    def _tidy(self, lane: Lane[C]) -> None:
        if not lane.slots and not lane.waiting:
            self._lanes.pop(lane.key, None)


def _first_number(lane: Lane[C]) -> int:
    return lane.waiting[0].number
