"""What tells the members of a union apart in parsed JSON: their classes, and among objects a field whose values differ."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .kinds import Array, Choice, Described, Foreign, Items, Map, Object, OneOf, Scalar, Text
from .leaves import NAMES, values_of

if TYPE_CHECKING:
    from typing import Any

    from .kinds import Kind

__all__ = ["bare", "classes_of", "flat", "only_class", "tag_of", "takes_null", "title_of"]


def flat(kinds: list[Kind]) -> list[Kind]:
    found: list[Kind] = []
    for kind in map(bare, kinds):
        found += flat(kind.members) if isinstance(kind, OneOf) else [kind]
    return found


def bare(kind: Kind) -> Kind:
    while isinstance(kind, Described):
        kind = kind.kind
    return kind


def only_class(kind: Kind) -> type | None:
    """Return the class whose values need no more than to be of it."""
    kind = bare(kind)
    return kind.cls if isinstance(kind, Scalar) and kind.cls in (str, int, float, bool, type(None)) else None


_ALL = (str, int, float, bool, type(None), list, dict)


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
    return any(type(None) in classes_of(each) for each in flat([kind]))


def title_of(kind: Kind) -> str:
    if isinstance(kind, Scalar):
        return NAMES.get(kind.cls) or kind.cls.__name__
    if isinstance(kind, Choice):
        return values_of(kind.values)
    if isinstance(kind, (Object, Foreign)):
        return kind.name
    return kind.cls.__name__ if isinstance(kind, Text) else "dict" if isinstance(kind, Map) else "list"


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
