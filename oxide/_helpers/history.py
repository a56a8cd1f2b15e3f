"""What was said, for services that forget: the turns of conversations, so that one can be sent whole.

An answer names the one it goes on from; the turns are kept as JSON, which nobody changes later and which takes little room.
"""

from __future__ import annotations

from .._json import decode, encode
from .._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Any

__all__ = ["History", "as_items"]


def as_items(given: object) -> list[object]:
    """Return the input of a turn as a list of items: a text is a message of the user."""
    if given is None:
        return []
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return list(cast("list[object]", given))  # any iterable, by its annotation


class History:
    """The turns that were kept.

    Args:
        turns: how many; the oldest one goes first, and the conversations it belongs to can be sent whole no more.
    """

    __slots__ = ("_most", "_turns")

    def __init__(self, turns: int = 4096) -> None:
        self._most = turns
        self._turns: dict[str, tuple[str | None, bytes]] = {}  # id of the answer -> the answer before it, and the items of this turn

    def record(self, answer: str, previous: str | None, given: object, output: object) -> None:
        """Keep a turn: its input, and the output of the answer."""
        if len(self._turns) >= self._most:
            del self._turns[next(iter(self._turns))]
        self._turns[answer] = previous, encode([*as_items(given), *as_items(output)])

    def whole(self, previous: str, given: object) -> list[Any] | None:
        """Return all that was said up to and with an answer, and a new input behind it; None: not all of that is known."""
        turns: list[bytes] = []
        at: str | None = previous
        while at is not None:
            turn = self._turns.get(at)
            if turn is None or len(turns) > self._most:
                return None
            at, items = turn
            turns.append(items)
        said = [item for items in reversed(turns) for item in cast("list[Any]", decode(items))]  # written by `record`
        return [*said, *as_items(given)]
