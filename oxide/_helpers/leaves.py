"""The leaves of decoding: scalars, texts and choices are checked here, and what does not fit is told with its place."""

from __future__ import annotations

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .kinds import Choice, Text

    Read = Callable[[Any], Any]

__all__ = ["COMPLAINTS", "NAMES", "Wrong", "at", "brief", "choice_of", "guarded", "lacking", "scalar", "text_of", "unlike", "values_of"]

COMPLAINTS = (ValueError, TypeError, ArithmeticError)
NAMES: dict[Any, str] = {type(None): "None"}


class Wrong(Exception):  # noqa: N818 - users never see it
    """A value that does not fit; who holds it adds its step to the path."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path: list[str | int] = []  # from the inside out

    @property
    def place(self) -> str:
        """Where the value stands, as `$.steps[2].output`."""
        return "$" + "".join([f"[{step}]" if step.__class__ is int else f".{step}" for step in reversed(self.path)])


def unlike(expected: str, value: Any) -> Wrong:
    """Return the complaint about a value of another kind."""
    return Wrong(f"expected {expected}, got {NAMES.get(value.__class__) or value.__class__.__name__}")


def lacking(name: str) -> Wrong:
    """Return the complaint about a key that is not there."""
    wrong = Wrong("missing")
    wrong.path.append(name)
    return wrong


def brief(value: Any) -> str:
    """Return a value as messages show it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def at(step: str | int, read: Read, value: Any) -> Any:
    """Read a value that stands one step further inside."""
    try:
        return read(value)
    except Wrong as wrong:
        wrong.path.append(step)
        raise


def scalar(cls: Any) -> Read:
    """Return the function for values of a class of JSON; Any takes all."""
    if cls is float:
        return _float
    if cls is int:
        return _int
    if cls not in (str, bool, type(None)):
        return lambda value: value  # anything
    name = NAMES.get(cls) or cls.__name__

    def check(value: Any) -> Any:
        if value.__class__ is cls:
            return value
        raise unlike(name, value)

    return check


def _float(value: Any) -> float:
    if value.__class__ is float:
        number: float = value
        return number
    if value.__class__ is int:
        try:
            return float(value)
        except OverflowError:
            raise Wrong("expected float, got an int beyond its range") from None
    raise unlike("float", value)


def _int(value: Any) -> int:
    if value.__class__ is int or (value.__class__ is float and value.is_integer()):
        return int(value)
    raise unlike("int", value)


def text_of(kind: Text) -> Read:
    """Return the function for what is written as text."""
    name = kind.cls.__name__
    read = guarded(kind.read)

    def text(value: Any) -> Any:
        if value.__class__ is not str:
            raise unlike(f"{name} as str", value)
        return read(value)

    return text


def choice_of(kind: Choice) -> Read:
    """Return the function for one of some values."""
    values = {(value.__class__, value): meaning for value, meaning in kind.values.items()}
    expected = values_of(kind.values)

    def choice(value: Any) -> Any:
        try:
            return values[value.__class__, value]
        except (KeyError, TypeError):  # of a list, which has no hash
            raise Wrong(f"expected {expected}, got {brief(value)}") from None

    return choice


def values_of(values: Iterable[Any]) -> str:
    """Return values as messages show a choice of them."""
    shown = [repr(value) for value in values]
    return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"


def guarded(make: Read) -> Read:
    """Return the function, its complaints told as ours."""

    def made(value: Any) -> Any:
        try:
            return make(value)
        except COMPLAINTS as problem:
            raise Wrong(f"{problem} (got {brief(value)})") from problem

    return made
