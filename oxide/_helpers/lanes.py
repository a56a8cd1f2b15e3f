"""Which events of a connection belong to which call: calls of the Responses API share a WebSocket in lanes (`stream_id`).

The service works off each lane in turn, and the lanes side by side; it remembers in each what was said last.  So a conversation goes on in
its lane, and a new one begins in a lane of its own, as long as there are any.  Sans-IO: messages in, and out come calls that are woken.

    a lane is    when                                              next
    free         `take` gives it to a turn                         busy
    busy         its last event comes, or the turn finds it        free
                 the turn is left before that (`leave`)            draining: what comes for it is dropped
    draining     the last event comes                              free

While one turn alone is under way, all that comes is its own: it gets the messages as they are.  Otherwise they are parsed here, and each
turn gets the events of its lane.  The caller holds a lock around each method of `Lanes`.
"""

from __future__ import annotations

from collections import deque

from .._json import as_object, decode
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    Message: TypeAlias = "str | bytes | dict[str, Any] | Lost"

__all__ = ["ALL_LANES", "MAX_ACTIVE", "MAX_NAMED", "TERMINAL", "Lane", "Lanes", "Lost", "Turn", "error_code", "parsed", "word"]

MAX_ACTIVE = 16
"""Answers that the service writes at a time on one connection."""

MAX_NAMED = 32
"""Names of lanes that it knows on one connection; the lane without a name comes on top."""

MAX_WAITING = 67_108_864
"""Characters of events that wait to be taken by a turn, the others having gone on."""

TERMINAL = frozenset(("response.completed", "response.incomplete", "response.failed", "error"))
"""Types of events after which a turn gets nothing more."""

ALL_LANES = frozenset(("websocket_connection_limit_reached",))
"""Codes of errors that concern the connection, whatever lane they come in."""


class Lost:
    """Stands among the events of a turn where there can be no more of them; `why` is a clause."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


class Turn:
    """One call in flight.

    Args:
        wake: called when something has come for it.

    Attributes:
        inbox: messages as they came, or parsed and with their size; a `Lost` is the last one.
        lane: where it takes place.
        abandoned: it takes nothing any more.
    """

    __slots__ = ("_came", "_taken", "abandoned", "inbox", "lane", "wake")

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self.inbox: deque[str | bytes | tuple[dict[str, Any], int] | Lost] = deque()
        self.lane: Lane | None = None
        self.abandoned = False
        self._came = self._taken = 0  # sizes of parsed events: the first is for who delivers alone to count, the second for who takes

    def take(self) -> Message:
        """Return the next message. Raises IndexError where there is none."""
        message = self.inbox.popleft()
        if not isinstance(message, tuple):
            return message
        self._taken += message[1]
        return message[0]

    def put(self, event: dict[str, Any], size: int, most: int) -> bool:
        """Add an event; return whether there was room for it."""
        if self._came - self._taken + size > most:
            return False
        self._came += size
        self.inbox.append((event, size))
        return True


class Lane:
    """One line of turns.

    Attributes:
        name: its `stream_id`; None for the one without.
        last: id of the answer that the service remembers in it.
    """

    __slots__ = ("last", "name")

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.last: str | None = None


class Lanes:
    """The lanes of one connection.

    Args:
        active: turns at a time.
        named: lanes with names.
        max_waiting: characters of events that may wait for a turn.
    """

    __slots__ = ("_active", "_busy", "_free", "_max_waiting", "_named", "failure", "waiting")

    def __init__(self, *, active: int = MAX_ACTIVE, named: int = MAX_NAMED, max_waiting: int = MAX_WAITING) -> None:
        self._active = active
        self._named = named
        self._max_waiting = max_waiting
        self._busy: dict[str | None, Turn] = {}  # turns in flight and abandoned ones, by the names of their lanes
        self._free: list[Lane] = []  # those in which nothing was said, and then those of the longest silence, come first
        self.failure: str | None = None  # why no more turns can begin
        self.waiting: list[Callable[[], None]] = []  # wake those who wait for a lane

    @property
    def active(self) -> int:
        """How many turns are in flight, the abandoned ones included."""
        return len(self._busy)

    def take(self, turn: Turn, previous: str | None = None) -> bool:
        """Give a turn a lane: the one in which `previous` was said, if it is free; return False where all are taken."""
        if len(self._busy) >= self._active or self.failure is not None:
            return False
        lane = self._choose(previous)
        if lane is None:
            return False
        turn.lane = lane
        self._busy[lane.name] = turn
        return True

    def _choose(self, previous: str | None) -> Lane | None:
        free = self._free
        if previous is not None:
            for place, lane in enumerate(free):
                if lane.last == previous:
                    return free.pop(place)
        if free and free[0].last is None:
            return free.pop(0)
        made = len(free) + len(self._busy)
        if made <= self._named:
            return Lane(str(made) if made else None)
        return free.pop(0) if free else None  # the service forgets what was said there, longest ago

    def deliver(self, messages: Sequence[str | bytes]) -> Turn | None:
        """Give the messages of one read to the only turn under way, and return that; None: there are others, they have to be parsed."""
        if len(self._busy) == 1:
            (turn,) = self._busy.values()
            if not turn.abandoned:
                turn.inbox.extend(messages)
                return turn
        return None

    def route(self, messages: Sequence[tuple[dict[str, Any] | None, int]]) -> set[Turn]:
        """Give parsed messages, each with its size, to the turns they belong to; return those that have got any."""
        woken: set[Turn] = set()
        for event, size in messages:
            if event is None:
                self.lose("a message came that is no event of the API", woken)
            else:
                self._route(event, size, woken)
        return woken

    def _route(self, event: dict[str, Any], size: int, woken: set[Turn]) -> None:
        kind = word(event.get("type"))
        name = event.get("stream_id")
        turn = self._busy.get(name) if name is None or isinstance(name, str) else None
        if kind == "error" and (turn is None or error_code(event) in ALL_LANES):
            if error_code(event) in ALL_LANES:
                self.failure = "the service ended it"
            for each in [*self._busy.values()]:
                self._give(each, event, size, woken)
                self._free_lane(each)
        elif turn is not None:
            self._give(turn, event, size, woken)
            if kind in TERMINAL:
                response = as_object(event.get("response"))
                self.finish(turn, None if response is None else response.get("id"))

    def _give(self, turn: Turn, event: dict[str, Any], size: int, woken: set[Turn]) -> None:
        if not turn.abandoned:
            woken.add(turn)
            if not turn.put(event, size, self._max_waiting):
                turn.abandoned = True
                turn.inbox.append(Lost(f"more than {self._max_waiting} characters of its events have come, and nobody took them"))

    def finish(self, turn: Turn, response_id: object) -> None:
        """The last event of a turn has come: its lane is free, and the service remembers this answer in it."""
        lane = turn.lane
        if lane is not None and self._busy.get(lane.name) is turn:
            if isinstance(response_id, str):
                lane.last = response_id
            self._free_lane(turn)

    def leave(self, turn: Turn) -> None:
        """A turn is not wanted any more: what still comes for it is dropped, and its lane is free behind its last event."""
        lane = turn.lane
        if lane is None or self._busy.get(lane.name) is not turn or turn.abandoned:
            return
        turn.abandoned = True
        rest = [turn.inbox.popleft() for _ in range(len(turn.inbox))]
        # Parsed ones are no matter: with the last of them the lane would have been given back.
        self.route([parsed(message) for message in rest if isinstance(message, (str, bytes))])

    def _free_lane(self, turn: Turn) -> None:
        lane = turn.lane
        if lane is not None and self._busy.pop(lane.name, None) is not None:
            self._free.insert(0 if lane.last is None else len(self._free), lane)
            for wake in self.waiting:
                wake()

    def lose(self, why: str, woken: set[Turn]) -> None:
        """Nothing more will come on this connection: end all turns, and let no other begin."""
        self.failure = why
        for turn in self._busy.values():
            if not turn.abandoned:
                turn.inbox.append(Lost(why))
                woken.add(turn)
        self._busy.clear()
        for wake in self.waiting:
            wake()


def parsed(message: str | bytes) -> tuple[dict[str, Any] | None, int]:
    """Return the event that a message is, None where it is none, and its size."""
    try:
        return as_object(decode(message)), len(message)
    except ValueError:
        return None, len(message)


def error_code(event: dict[str, Any]) -> str | None:
    """Return the code of the error that an event tells of."""
    return word((as_object(event.get("error")) or event).get("code"))


def word(value: object) -> str | None:
    """Return a text, None for all else that a service may say in its place: not all of it can be looked up."""
    return value if isinstance(value, str) else None
