"""The pool's decisions, told as short stories.

A story is lines of words; each line is a step.

    ask NAME ORIGIN [fresh]       a request NAME comes; origins in capitals are https
    open NAME [h2 [PLACES]]       its connection stands (HTTP/1.1, or HTTP/2 with so many places, 1 until told)
    fail NAME                     it could not be opened
    done NAME [broken]            the request is done with its connection
    leave NAME                    it gives up
    size NAME PLACES              the peer allows another number of requests on its connection
    retire NAME                   the connection takes no more requests
    wait SECONDS                  time passes

and `-> WORDS` at the end of a line tells what must come of it, in order: `NAME opens` (leave to open a connection), `NAME offers`
(likewise, and HTTP/2 is to be offered), `NAME=c1` (connection number 1), `NAME waits`, `x1` (connection number 1 is to be closed).
Nothing told means that nothing comes of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from oxide._protocol.pool import Pool, Slot, Ticket

TABLE: list[tuple[str, dict[str, Any], str]] = [
    (
        "a lone caller uses one connection again and again",
        {},
        """
        ask a x -> a opens
        open a
        done a
        ask b x -> b=c1
        done b
        ask c x -> c=c1
        """,
    ),
    (
        "the connection that was used last is used first",
        {},
        """
        ask a x -> a opens
        open a
        ask b x -> b opens
        open b
        done b
        done a
        ask c x -> c=c1
        ask d x -> d=c2
        """,
    ),
    (
        "origins have connections of their own",
        {},
        """
        ask a x -> a opens
        open a
        done a
        ask b y -> b opens
        """,
    ),
    (
        "a broken connection is closed and not used again",
        {},
        """
        ask a x -> a opens
        open a
        done a broken -> x1
        ask b x -> b opens
        """,
    ),
    (
        "what has been idle too long is closed when somebody asks, and its successor is found again",
        {"expiry": 60},
        """
        ask a x -> a opens
        open a
        done a
        wait 59
        ask b x -> b=c1
        done b
        wait 60
        ask c x -> c opens x1
        open c
        done c
        ask d x -> d=c2
        """,
    ),
    (
        "connections to other origins expire too",
        {"expiry": 60},
        """
        ask a x -> a opens
        open a
        done a
        wait 61
        ask b y -> b opens x1
        """,
    ),
    (
        "only so many are kept idle: the one idle longest goes",
        {"max_idle": 1},
        """
        ask a x -> a opens
        open a
        ask b x -> b opens
        open b
        done a
        done b -> x1
        ask c x -> c=c2
        """,
    ),
    (
        "none is kept idle where that is asked for, but who waits is served first",
        {"max_idle": 0, "max_connections": 1},
        """
        ask a x -> a opens
        open a
        ask b x -> b waits
        done a -> b=c1
        done b -> x1
        """,
    ),
    (
        "who comes when all are in use waits, first come first served",
        {"max_connections": 1},
        """
        ask a x -> a opens
        open a
        ask b x -> b waits
        ask c x -> c waits
        done a -> b=c1
        done b -> c=c1
        """,
    ),
    (
        "a place that becomes free goes to who waits longest, over all origins",
        {"max_connections": 2},
        """
        ask a x -> a opens
        open a
        ask b x -> b opens
        open b
        ask c y -> c waits
        ask d x -> d waits
        done a -> c opens x1
        done b -> d=c2
        """,
    ),
    (
        "an idle connection to another origin makes room",
        {"max_connections": 2},
        """
        ask a x -> a opens
        open a
        done a
        ask b y -> b opens
        open b
        ask c z -> c opens x1
        """,
    ),
    (
        "after a connection was found dead the idle ones of its origin are closed, and those of others are kept",
        {},
        """
        ask a x -> a opens
        open a
        ask b x -> b opens
        open b
        ask c y -> c opens
        open c
        done a
        done b
        done c
        ask d x fresh -> d opens x1 x2
        open d
        done d
        ask e x -> e=c4
        ask f y -> f=c3
        """,
    ),
    (
        "a connection that could not be opened leaves room for the next",
        {"max_connections": 1},
        """
        ask a x -> a opens
        ask b x -> b waits
        fail a -> b opens
        """,
    ),
    (
        "four requests at once to an https origin: the fourth offers HTTP/2, and those after it wait to share it",
        {},
        """
        ask a X -> a opens
        ask b X -> b opens
        ask c X -> c opens
        ask d X -> d offers
        ask e X -> e waits
        open a
        ask f X -> f waits
        open d h2 1
        size d 100 -> e=c2 f=c2
        ask g X -> g=c2
        """,
    ),
    (
        "a connection that becomes free serves who waits for an offer to be answered",
        {},
        """
        ask a X -> a opens
        open a
        ask b X -> b opens
        ask c X -> c opens
        ask d X -> d offers
        ask e X -> e waits
        done a -> e=c1
        """,
    ),
    (
        "a peer that does not speak HTTP/2 is not asked again, and who waited opens connections",
        {},
        """
        ask a X -> a opens
        ask b X -> b opens
        ask c X -> c opens
        ask d X -> d offers
        ask e X -> e waits
        ask f X -> f waits
        open d -> e opens f opens
        ask g X -> g opens
        """,
    ),
    (
        "an offer that fails is made again by the next who waits",
        {},
        """
        ask a X -> a opens
        ask b X -> b opens
        ask c X -> c opens
        ask d X -> d offers
        ask e X -> e waits
        ask f X -> f waits
        fail d -> e offers
        """,
    ),
    (
        "cleartext is never HTTP/2",
        {"http2": True},
        """
        ask a x -> a opens
        ask b x -> b opens
        ask c x -> c opens
        ask d x -> d opens
        ask e x -> e opens
        """,
    ),
    (
        "HTTP/2 may be forbidden",
        {"http2": False},
        """
        ask a X -> a opens
        ask b X -> b opens
        ask c X -> c opens
        ask d X -> d opens
        """,
    ),
    (
        "HTTP/2 may be wanted from the first request on",
        {"http2": True},
        """
        ask a X -> a offers
        ask b X -> b waits
        open a h2 1
        size a 2 -> b=c1
        ask c X -> c offers
        """,
    ),
    (
        "a shared connection without a word about its places serves one after the other",
        {"http2": True},
        """
        ask a X -> a offers
        ask b X -> b waits
        open a h2 1
        done a -> b=c1
        done b
        ask c X -> c=c1
        """,
    ),
    (
        "a full shared connection is joined by another one",
        {"http2": True},
        """
        ask a X -> a offers
        open a h2 2
        ask b X -> b=c1
        ask c X -> c offers
        ask d X -> d waits
        done a -> d=c1
        """,
    ),
    (
        "a shared connection is idle when its last request is done, and expires",
        {"http2": True, "expiry": 60},
        """
        ask a X -> a offers
        open a h2 9
        ask b X -> b=c1
        done a
        wait 61
        done b
        wait 59
        ask c X -> c=c1
        done c
        wait 61
        ask d X -> d offers x1
        open d h2 9
        ask e X -> e=c2
        """,
    ),
    (
        "a peer may take fewer requests than are under way",
        {"http2": True, "max_connections": 1},
        """
        ask a X -> a offers
        open a h2 2
        ask b X -> b=c1
        size a 1
        ask c X -> c waits
        done a
        done b -> c=c1
        """,
    ),
    (
        "a peer that takes no requests at all gives way to another connection, which is found again",
        {"http2": True, "max_connections": 1},
        """
        ask a X -> a offers
        open a h2 1
        size a 0
        done a
        ask b X -> b offers x1
        open b h2 9
        ask c X -> c=c2
        """,
    ),
    (
        "a retired connection finishes what it has, and is closed once, with the last of it",
        {"http2": True},
        """
        ask a X -> a offers
        open a h2 9
        ask b X -> b=c1
        retire a
        ask c X -> c offers
        done a
        retire b
        done b -> x1
        """,
    ),
    (
        "room that a retired connection leaves is for who waits",
        {"http2": True, "max_connections": 1},
        """
        ask a X -> a offers
        open a h2 1
        ask b X -> b waits
        retire a -> b offers
        done a -> x1
        """,
    ),
    (
        "who gives up before being served is forgotten",
        {"max_connections": 1},
        """
        ask a x -> a opens
        open a
        ask b x -> b waits
        ask c x -> c waits
        leave b
        done a -> c=c1
        """,
    ),
    (
        "who gives up after being served hands on the connection",
        {"max_connections": 1},
        """
        ask a x -> a opens
        open a
        ask b x -> b waits
        ask c x -> c waits
        done a -> b=c1
        leave b -> c=c1
        """,
    ),
    (
        "who gives up after being allowed to open one hands that on too",
        {"max_connections": 1},
        """
        ask a x -> a opens
        ask b x -> b waits
        ask c x -> c waits
        fail a -> b opens
        leave b -> c opens
        """,
    ),
]


class Stage:
    """Plays a story, and writes down what comes of each step."""

    def __init__(self, *, max_connections: int = 10, max_idle: int = 10, expiry: float = 60, http2: bool | str = "auto") -> None:
        self.pool: Pool[str] = Pool(max_connections, max_idle, expiry, http2)
        self.tickets: dict[str, Ticket[str]] = {}
        self.now = 0.0
        self.opened = 0

    def play(self, line: str) -> str:
        verb, who, *more = line.split()
        came = list(getattr(self, verb)(who, *more) or ())
        assert self.pool.unsettled or not (self.pool.served() or self.pool.closing())
        came += [self.state(ticket) for ticket in self.pool.served()]
        came += [f"x{connection[1:]}" for connection in self.pool.closing()]
        assert not self.pool.unsettled
        return " ".join(came)

    def state(self, ticket: Ticket[str]) -> str:
        name = next(name for name, other in self.tickets.items() if other is ticket)
        if ticket.slot is None:
            return f"{name} waits"
        if ticket.slot.connection is None:
            return f"{name} {'offers' if ticket.slot.offers_http2 else 'opens'}"
        return f"{name}={ticket.slot.connection}"

    def slot(self, name: str) -> Slot[str]:
        slot = self.tickets[name].slot
        assert slot is not None, f"{name} has no slot"
        return slot

    def ask(self, name: str, origin: str, fresh: str = "") -> list[str]:
        self.tickets[name] = ticket = self.pool.request(origin, origin.isupper(), self.now, bool(fresh))
        return [self.state(ticket)]

    def open(self, name: str, protocol: str = "", places: str = "1") -> None:
        self.opened += 1
        self.pool.opened(self.slot(name), f"c{self.opened}", int(places), protocol == "h2")

    def fail(self, name: str) -> None:
        self.pool.failed(self.slot(name))

    def done(self, name: str, broken: str = "") -> None:
        self.pool.release(self.slot(name), not broken, self.now)

    def leave(self, name: str) -> None:
        self.pool.withdraw(self.tickets[name], self.now)

    def size(self, name: str, places: str) -> None:
        self.pool.resize(self.slot(name), int(places))

    def retire(self, name: str) -> None:
        self.pool.retire(self.slot(name))

    def wait(self, seconds: str) -> None:
        self.now += float(seconds)


@pytest.mark.parametrize(("title", "options", "story"), TABLE, ids=[row[0] for row in TABLE])
def test_a_story_of_the_pool(title: str, options: dict[str, Any], story: str) -> None:
    stage = Stage(**options)
    for line in filter(None, map(str.strip, story.splitlines())):
        step, _, expected = line.partition(" -> ")
        assert stage.play(step) == expected, line


def test_the_length_counts_what_is_open_or_being_opened() -> None:
    stage = Stage()
    for step in ("ask a x", "ask b x", "open b"):
        stage.play(step)
    assert len(stage.pool) == 2


def test_clearing_returns_every_connection_once_and_wakes_who_waits() -> None:
    stage = Stage(max_connections=3, http2=True)
    for step in ("ask a x", "open a", "ask b x", "open b", "done b", "ask c X", "ask d X"):
        stage.play(step)
    assert sorted(stage.pool.clear()) == ["c1", "c2"]
    assert stage.pool.served() == [stage.tickets["d"]]
    assert stage.tickets["d"].slot is None
    stage.leave("d")
    stage.done("a")
    stage.fail("c")
    assert not stage.pool.unsettled
    assert len(stage.pool) == 0
