"""What the records of parsed answers have in common: beside what was received they hold what was made of it."""

from __future__ import annotations

from .._typing import TYPE_CHECKING, TypeVar
from ._record import Record

if TYPE_CHECKING:
    from typing import Any

__all__ = ["Made", "as_parsed"]

R = TypeVar("R", bound=Record)


class Made(Record):
    """A record with something made of it, which is no part of its JSON: it is neither sent back nor compared."""

    __slots__ = ("_made",)

    if TYPE_CHECKING:
        _made: Any

    def __getstate__(self) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        state = super().__getstate__()
        fields, slots = state if isinstance(state, tuple) else (state, {})
        return fields, {**slots, "_made": made_of(self)}


def made_of(record: Record) -> Any:
    """Return what was made of a record, None where nothing was."""
    return getattr(record, "_made", None)


def as_parsed(cls: type[R], record: Record, made: object = None, /, **fields: object) -> R:
    """Return a record of a class that says what another says, except for some fields, and holds what was made of it."""
    parsed = object.__new__(cls)
    parsed.__dict__ = {**record.__dict__, **fields}
    if isinstance(parsed, Made):
        parsed._made = made  # pyright: ignore[reportPrivateUsage]  # the one writer of that slot
    return parsed
