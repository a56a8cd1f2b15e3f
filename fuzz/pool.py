"""Whatever order requests, connections and failures come in: no more slots than allowed, no slot serves more than its places, nothing is
closed while it is used or closed twice, and when everybody has gone home nothing is left behind and nobody still waits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.pool`

from _harness import command, run

from oxide._protocol.pool import Pool, Slot, Ticket

Case = tuple[int, int, "bool | str", list[tuple[str, int]]]
VERBS = ["request", "request", "request", "open", "open", "fail", "release", "release", "break", "withdraw", "resize", "retire", "wait"]


def make(random: Random) -> Case:
    limit = random.choice([1, 2, 5])
    steps = [(random.choice(VERBS), random.randrange(1000)) for _ in range(random.randrange(1, 120))]
    return limit, random.randrange(4), random.choice([True, False, "auto"]), steps


class Story:
    """A pool, and those who use it."""

    def __init__(self, limit: int, idle: int, http2: bool | str) -> None:
        self.limit = limit
        self.pool: Pool[int] = Pool(limit, idle, 10.0, http2, wide=2)
        self.now = 0.0
        self.connections = 0
        self.closed: set[int] = set()
        self.waiting: list[Ticket[int]] = []
        self.opening: list[Slot[int]] = []
        self.using: list[tuple[Slot[int], int]] = []

    def settle(self) -> None:
        """Hear what the pool decided, and hold it to its promises."""
        for ticket in self.pool.served():
            self.waiting.remove(ticket)
            self.got(ticket.slot)
        for connection in self.pool.closing():
            assert connection not in self.closed, "closed twice"
            assert connection not in [used for _, used in self.using], "closed while in use"
            self.closed.add(connection)
        assert len(self.pool) <= self.limit, "more connections than allowed"
        for slot, _ in self.using:
            assert slot.used == sum(other is slot for other, _ in self.using), "the pool lost count"

    def got(self, slot: Slot[int] | None) -> None:
        assert slot is not None
        if slot.connection is None:
            self.opening.append(slot)
        else:
            assert slot.connection not in self.closed, "a closed connection was handed out"
            self.using.append((slot, slot.connection))

    def step(self, verb: str, number: int) -> None:
        self.now += 0.5
        if verb == "request":
            ticket = self.pool.request(("a", "b")[number % 2], True, self.now, fresh=number % 17 == 0)
            self.waiting.append(ticket) if ticket.slot is None else self.got(ticket.slot)
        elif verb in ("open", "fail") and self.opening:
            self.answer(self.opening.pop(number % len(self.opening)), number, verb == "open")
        elif verb in ("release", "break") and self.using:
            slot, _ = self.using.pop(number % len(self.using))
            self.pool.release(slot, verb == "release", self.now)
        elif verb == "withdraw" and self.waiting:
            self.pool.withdraw(self.waiting.pop(number % len(self.waiting)), self.now)
        elif verb in ("resize", "retire") and self.using:
            slot = self.using[number % len(self.using)][0]
            if verb == "retire":
                self.pool.retire(slot)
            elif slot.multiplexed and not slot.gone:
                self.pool.resize(slot, number % 5)
        elif verb == "wait":
            self.now += number % 20
        self.settle()

    def answer(self, slot: Slot[int], number: int, good: bool) -> None:
        if not good:
            self.pool.failed(slot)
            return
        self.connections += 1
        shared = slot.offers_http2 and number % 3 > 0
        self.using.append((slot, self.connections))
        self.pool.opened(slot, self.connections, 1 + number % 4 if shared else 1, shared)

    def go_home(self) -> None:
        """Everybody finishes: all are served in the end, and all is closed."""
        while self.opening or self.using or self.waiting:
            before = len(self.opening) + len(self.using) + len(self.waiting)
            while self.opening:
                self.step("open", 0)
            while self.using:
                self.step("release", 0)
            assert len(self.opening) + len(self.using) + len(self.waiting) < before, "somebody waits for ever"
        self.pool.clear()
        assert len(self.pool) == 0


def check(case: Case) -> None:
    limit, idle, http2, steps = case
    story = Story(limit, idle, http2)
    for verb, number in steps:
        story.step(verb, number)
    story.go_home()


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, only=only)


if __name__ == "__main__":
    command(main, __doc__)
