"""The pool against a plain model: whatever happens in whatever order, its promises hold.

The model knows only what the pool has told: who has which slot, who waits, which connections stand, and which have been closed.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from oxide._protocol.pool import Pool, Slot, Ticket

ORIGINS = ("x", "y", "X", "Y")  # capitals are https
EXPIRY = 10.0


class PoolMachine(RuleBasedStateMachine):
    """Requests, connections and peers that do what they like."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.max_connections = 0
        self.now = 0.0
        self.opened = 0
        self.holding: dict[Ticket[int], Slot[int]] = {}
        self.waiting: list[Ticket[int]] = []  # in the order in which they came
        self.connecting: set[Slot[int]] = set()
        self.places: dict[Slot[int], int] = {}
        self.unanswered: set[Slot[int]] = set()  # HTTP/2 was offered, and how many requests fit is not known
        self.retired: set[Slot[int]] = set()
        self.open: dict[int, Slot[int]] = {}
        self.closed: set[int] = set()

    @precondition(lambda self: not self.max_connections)
    @rule(
        max_connections=st.integers(1, 5),
        max_idle=st.integers(0, 5),
        http2=st.sampled_from((True, False, "auto")),
        wide=st.integers(1, 3),
    )
    def build(self, max_connections: int, max_idle: int, http2: bool | str, wide: int) -> None:
        self.max_connections = max_connections
        self.max_idle = max_idle
        self.pool: Pool[int] = Pool(max_connections, max_idle, EXPIRY, http2, wide)

    # ------------------------------------------------------------------------------------------------ what may happen
    @precondition(lambda self: self.max_connections)
    @rule(target=tickets, key=st.sampled_from(ORIGINS), fresh=st.booleans())
    def ask(self, key: str, fresh: bool) -> Ticket[int]:
        ticket = self.pool.request(key, key.isupper(), self.now, fresh)
        if ticket.slot is None:
            self.waiting.append(ticket)
        else:
            assert not any(other.lane.key == key for other in self.waiting), "it jumped the queue of its origin"
            self.take(ticket)
        self.hear()
        return ticket

    @rule(ticket=tickets, multiplexed=st.booleans(), places=st.integers(1, 4))
    def connect(self, ticket: Ticket[int], multiplexed: bool, places: int) -> None:
        slot = self.holding.get(ticket)
        if slot not in self.connecting or slot is None:
            return
        multiplexed = multiplexed and slot.offers_http2
        self.opened += 1
        self.connecting.remove(slot)
        self.open[self.opened] = slot
        self.places[slot] = places if multiplexed else 1
        if not multiplexed or places > 1:
            self.unanswered.discard(slot)
        self.pool.opened(slot, self.opened, self.places[slot], multiplexed)
        self.hear()

    @rule(ticket=consumes(tickets))
    def fail(self, ticket: Ticket[int]) -> None:
        slot = self.holding.get(ticket)
        if slot not in self.connecting or slot is None:
            return self.leave(ticket)
        self.drop(ticket)
        self.pool.failed(slot)
        return self.hear()

    @rule(ticket=consumes(tickets), reusable=st.booleans())
    def finish(self, ticket: Ticket[int], reusable: bool) -> None:
        slot = self.holding.get(ticket)
        if slot is None or slot in self.connecting:
            return self.leave(ticket)
        del self.holding[ticket]
        if not reusable:
            self.retired.add(slot)
        self.pool.release(slot, reusable, self.now)
        return self.hear()

    @rule(ticket=consumes(tickets))
    def leave(self, ticket: Ticket[int]) -> None:
        if ticket in self.waiting:
            self.waiting.remove(ticket)
        elif ticket in self.holding:
            self.drop(ticket)
        else:
            return
        self.pool.withdraw(ticket, self.now)
        self.hear()

    @rule(ticket=tickets, places=st.integers(0, 4))
    def resize(self, ticket: Ticket[int], places: int) -> None:
        slot = self.holding.get(ticket)
        if slot is not None and slot.multiplexed and slot not in self.retired:
            self.places[slot] = places
            self.unanswered.discard(slot)
            self.pool.resize(slot, places)
            self.hear()

    @rule(ticket=tickets)
    def retire(self, ticket: Ticket[int]) -> None:
        slot = self.holding.get(ticket)
        if slot is not None and slot not in self.connecting:
            self.retired.add(slot)
            self.pool.retire(slot)
            self.hear()

    @rule(seconds=st.sampled_from((0.5, EXPIRY / 2, EXPIRY)))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    # ------------------------------------------------------------------------------------------------ the model
    def take(self, ticket: Ticket[int]) -> None:
        slot = ticket.slot
        assert slot is not None
        assert slot.lane is ticket.lane
        users = sum(other is slot for other in self.holding.values())
        if slot.connection is None:
            assert not users, "leave to open one connection was given twice"
            self.connecting.add(slot)
            if slot.offers_http2:
                self.unanswered.add(slot)
        else:
            assert users < self.places[slot], "more requests than places"
            assert slot not in self.retired, "a retired connection was handed out"
            assert slot.connection not in self.closed, "a closed connection was handed out"
        self.holding[ticket] = slot

    def drop(self, ticket: Ticket[int]) -> None:
        slot = self.holding.pop(ticket)
        if slot in self.connecting:
            self.connecting.remove(slot)
            self.unanswered.discard(slot)

    def hear(self) -> None:
        for ticket in self.pool.served():
            first = next(other for other in self.waiting if other.lane.key == ticket.lane.key)
            assert first is ticket, "not the first of its origin"
            self.waiting.remove(ticket)
            self.take(ticket)
        for connection in self.pool.closing():
            assert connection not in self.closed, "closed twice"
            slot = self.open.pop(connection)
            assert slot not in self.holding.values(), "closed while in use"
            self.closed.add(connection)

    def slots(self) -> set[Slot[int]]:
        """Those that count: connecting, or standing and not retired."""
        return self.connecting | {slot for slot in self.open.values() if slot not in self.retired}

    def idle(self) -> set[Slot[int]]:
        return {slot for slot in self.open.values() if slot not in self.holding.values()}

    # ------------------------------------------------------------------------------------------------ the promises
    @precondition(lambda self: self.max_connections)
    @invariant()
    def no_more_than_allowed(self) -> None:
        assert len(self.pool) == len(self.slots()) <= self.max_connections
        assert len(self.idle()) <= self.max_idle

    @precondition(lambda self: self.max_connections)
    @invariant()
    def nobody_waits_in_vain(self) -> None:
        for ticket in self.waiting:
            mine = [slot for slot in self.slots() if slot.lane.key == ticket.lane.key]
            assert not any(slot in self.idle() and self.places[slot] for slot in mine), "an idle connection of its origin"
            shared = [slot for slot in mine if slot.multiplexed and slot.connection]
            users = {slot: sum(other is slot for other in self.holding.values()) for slot in shared}
            assert not any(users[slot] < self.places[slot] for slot in shared), "a free place on a shared connection"
            awaited = self.unanswered.intersection(mine)
            room = len(self.slots()) < self.max_connections or self.idle()
            assert awaited or not room, "there is room for another connection"

    @precondition(lambda self: self.max_connections)
    @invariant()
    def origins_have_one_lane_each(self) -> None:
        for slot in self.slots():
            assert self.pool._lanes[slot.lane.key] is slot.lane, "its connections are not found again"

    def teardown(self) -> None:
        """All go home: nothing is left behind."""
        if not self.max_connections:
            return
        while self.waiting or self.holding:
            for ticket in [*self.waiting, *self.holding]:
                self.leave(ticket)
        self.now += EXPIRY
        self.pool.request("last", False, self.now)
        self.hear()
        assert not self.open
        assert list(self.pool._lanes) == ["last"]
        assert len(self.pool) == 1
        assert self.pool.clear() == []
        assert not self.pool._lanes
        assert not self.pool.unsettled


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
