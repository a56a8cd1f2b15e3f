"""Two arguments that say nothing: `omit` is not sent, `not_given` leaves an option as the client has it."""

from __future__ import annotations

__all__ = ["NotGiven", "Omit", "not_given", "omit"]


class Omit:
    """The type of `omit`: an argument, header or query parameter that is not sent."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "omit"

    def __reduce__(self) -> str:
        return "omit"


class NotGiven:
    """The type of `not_given`: an option for which the client's own value holds."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "not_given"

    def __reduce__(self) -> str:
        return "not_given"


omit = Omit()
not_given = NotGiven()
