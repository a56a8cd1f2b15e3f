"""What tells the members of a union apart in parsed JSON: their classes, and among objects a field whose values differ."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .kinds import Array, Choice, Described, Foreign, Items, Map, Object, OneOf, Scalar, Text
from .leaves import COMPLAINTS, NAMES, values_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .kinds import Field, Kind

__all__ = ["bare", "classes_of", "distance", "fits", "flat", "only_class", "tag_of", "takes_null", "title_of"]


def flat(kinds: list[Kind]) -> list[Kind]:
    """Return kinds with the members of unions in the place of these, and without what is said of them."""
    found: list[Kind] = []
    for kind in map(bare, kinds):
        found += flat(kind.members) if isinstance(kind, OneOf) else [kind]
    return found


def bare(kind: Kind) -> Kind:
    """Return a kind without what is said of it."""
    while isinstance(kind, Described):
        kind = kind.kind
    return kind


def only_class(kind: Kind) -> type | None:
    """Return the class whose values need no more than to be of it."""
    kind = bare(kind)
    return kind.cls if isinstance(kind, Scalar) and kind.cls in (str, int, float, bool, type(None)) else None


_ALL = (str, int, float, bool, type(None), list, dict)
_NUMBERS = (int, float)


def classes_of(kind: Kind) -> tuple[Any, ...]:
    """Return the classes of parsed JSON that a kind is written as."""
    if isinstance(kind, Scalar):
        return (kind.cls,) if kind.cls in _ALL else _ALL
    if isinstance(kind, Choice):
        return tuple(dict.fromkeys([value.__class__ for value in kind.values]))
    if isinstance(kind, (Array, Items)):
        return (list,)
    if isinstance(kind, Map):
        return (list, dict)
    return (str,) if isinstance(kind, Text) else (dict,) if isinstance(kind, Object) else _ALL


def takes_null(kind: Kind) -> bool:
    """Tell whether null is a value of a kind."""
    return any(type(None) in classes_of(each) for each in flat([kind]))


def title_of(kind: Kind) -> str:
    """Return what messages call a kind."""
    if isinstance(kind, Scalar):
        return NAMES.get(kind.cls) or kind.cls.__name__
    if isinstance(kind, Choice):
        return values_of(kind.values)
    if isinstance(kind, (Object, Foreign)):
        return kind.name
    return kind.cls.__name__ if isinstance(kind, Text) else "dict" if isinstance(kind, Map) else "list"


def fits(kind: Kind, value: Any, depth: int = 4) -> bool:
    """Tell whether a value is of a kind, as far as is seen from `depth` levels above.

    Whoever chooses between kinds by this never has to go back on it, so that no text takes longer than others of its length.
    """
    kind = bare(kind)
    if isinstance(kind, OneOf):
        return any(fits(each, value, depth) for each in kind.members)
    if isinstance(kind, Scalar):
        return kind.cls not in _ALL or value.__class__ is kind.cls or (kind.cls in _NUMBERS and value.__class__ in _NUMBERS)
    if value.__class__ not in classes_of(kind):
        return False
    if isinstance(kind, (Text, Foreign)):
        return _can(kind.read if isinstance(kind, Text) else kind.convert, value)
    return value in kind.values if isinstance(kind, Choice) else depth == 0 or _fits_inside(kind, value, depth - 1)


def _fits_inside(kind: Kind, value: Any, depth: int) -> bool:
    if isinstance(kind, Array):
        return all(fits(kind.item, each, depth) for each in value)
    if isinstance(kind, Items):
        return len(value) == len(kind.kinds) and all(map(fits, kind.kinds, value, [depth] * len(value)))
    return not isinstance(kind, Object) or all(_fits_field(field, value.get(field.name, field), depth) for field in kind.fields)


def _fits_field(field: Field, inner: Any, depth: int) -> bool:
    if inner is field or inner is None:
        return field.make is not None or field.absent or (inner is None and takes_null(field.kind))
    return fits(field.kind, inner, depth)


def _can(read: Callable[[Any], object], value: Any) -> bool:
    try:
        read(value)
    except COMPLAINTS:
        return False
    return True


def distance(kind: Kind, value: Any) -> int:
    """Return how many keys of an object are not those of a kind, or the other way round."""
    if not isinstance(kind, Object):
        return 0
    wanted = {field.name for field in kind.fields if field.make is None and not field.absent}
    return len(wanted - value.keys()) + len(value.keys() - {field.name for field in kind.fields})


def tag_of(kinds: list[Kind]) -> tuple[str, dict[Any, Kind]] | None:
    """Return the field whose value tells objects apart, and which value means which."""
    objects = [kind for kind in kinds if isinstance(kind, Object)]
    if len(objects) < len(kinds):
        return None
    for name in [field.name for field in objects[0].fields]:
        choices = [(bare(field.kind), kind) for kind in objects for field in kind.fields if field.name == name]
        table: dict[Any, Kind] = {value: kind for choice, kind in choices if isinstance(choice, Choice) for value in choice.values}
        count = sum(len(choice.values) for choice, _ in choices if isinstance(choice, Choice))
        if len(choices) == len(objects) and all(isinstance(choice, Choice) for choice, _ in choices) and count == len(table):
            return (name, table) if all(value.__class__ is str for value in table) else None
    return None
