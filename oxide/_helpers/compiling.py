"""Compiles a kind to the function that turns a parsed value into one of it, every value checked."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .kinds import Array, Choice, Described, Foreign, Items, Map, Object, OneOf, Scalar, Text
from .leaves import Wrong, at, brief, choice_of, guarded, scalar, text_of, unlike, values_of
from .members import classes_of, distance, fits, flat, only_class, tag_of, title_of
from .plans import Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .kinds import Kind

    Read = Callable[[Any], Any]

__all__ = ["Compiler"]


class Compiler:
    """Makes the functions of one type."""

    def __init__(self) -> None:
        self._objects: dict[int, Read] = {}  # by the identity of the kind: types may contain themselves

    def read(self, kind: Kind) -> Read:
        """Return the function that turns a parsed value into one of a kind; it raises `Wrong`."""
        if isinstance(kind, Scalar):
            return scalar(kind.cls)
        if isinstance(kind, Text):
            return text_of(kind)
        if isinstance(kind, Choice):
            return choice_of(kind)
        if isinstance(kind, Array):
            return self._array(kind)
        if isinstance(kind, Items):
            return self._items(kind)
        if isinstance(kind, Map):
            return self._map(kind)
        if isinstance(kind, Object):
            return self._object(kind)
        if isinstance(kind, Foreign):
            return guarded(kind.convert)
        if isinstance(kind, Described):
            return self.read(kind.kind)
        assert isinstance(kind, OneOf)
        return self._one_of(kind)

    # ------------------------------------------------------------------------------------------------------- lists
    def _array(self, kind: Array) -> Read:
        read, make = self.read(kind.item), kind.make
        only = only_class(kind.item)

        def array(values: Any) -> Any:
            if values.__class__ is not list:
                raise unlike("list", values)
            if only is None or not {only}.issuperset(map(type, values)):
                values = _each(read, values)
            return values if make is None else make(values)

        return array

    def _items(self, kind: Items) -> Read:
        reads = [self.read(each) for each in kind.kinds]

        def items(values: Any) -> Any:
            if values.__class__ is not list:
                raise unlike("list", values)
            if len(values) != len(reads):
                raise Wrong(f"expected {len(reads)} items, got {len(values)}")
            return tuple([at(place, read, value) for place, (read, value) in enumerate(zip(reads, values))])  # noqa: B905 - of equal length

        return items

    def _map(self, kind: Map) -> Read:
        key, value = self.read(kind.key), self.read(kind.value)

        def entry(pair: Any) -> tuple[Any, Any]:
            if pair.__class__ is not dict or not pair.keys() >= {"key", "value"}:
                raise Wrong("expected an object with key and value")
            return at("key", key, pair["key"]), at("value", value, pair["value"])

        def entries(values: Any) -> Any:
            if values.__class__ is dict:
                return {at(name, key, name): at(name, value, inner) for name, inner in values.items()}
            if values.__class__ is not list:
                raise unlike("list of entries", values)
            return dict([at(place, entry, pair) for place, pair in enumerate(values)])

        return entries

    # ----------------------------------------------------------------------------------------------------- objects
    def _object(self, kind: Object) -> Read:
        found = self._objects.get(id(kind))
        if found is None:
            late: list[Read] = []
            self._objects[id(kind)] = lambda value: late[0](value)  # whoever contains it meanwhile
            late.append(Plan(kind, [self.read(field.kind) for field in kind.fields]).reader())
            found = self._objects[id(kind)] = late[0]
        return found

    def _one_of(self, kind: OneOf) -> Read:
        by_class: dict[Any, list[Kind]] = {}
        for each in flat(kind.members):
            for cls in classes_of(each):
                by_class.setdefault(cls, []).append(each)
        reads = {cls: self._any_of(kinds) for cls, kinds in by_class.items()}
        for cls, instead in ((float, int), (int, float)):  # 1.0 is an integer to JSON, and 1 a number
            if cls not in reads and instead in reads:
                reads[cls] = reads[instead]
        plain = {cls for cls, kinds in by_class.items() if len(kinds) == 1 and only_class(kinds[0]) is cls}
        expected = " or ".join(dict.fromkeys([title_of(each) for each in flat(kind.members)]))

        def one_of(value: Any) -> Any:
            if value.__class__ in plain:
                return value
            read = reads.get(value.__class__)
            if read is None:
                raise unlike(expected, value)
            return read(value)

        return one_of

    def _any_of(self, kinds: list[Kind]) -> Read:
        """Return the function for values of one class of JSON that may be of several kinds: what looks most like one is taken for it."""
        if len(kinds) == 1:
            return self.read(kinds[0])
        if tag := tag_of(kinds):
            return self._tagged(*tag)
        kinds = sorted(kinds, key=lambda each: isinstance(each, Scalar))  # any string comes after some strings
        reads = [self.read(each) for each in kinds]

        def any_of(value: Any) -> Any:
            nearness = [(not fits(each, value), distance(each, value)) for each in kinds]
            return reads[nearness.index(min(nearness))](value)

        return any_of

    def _tagged(self, name: str, table: dict[Any, Kind]) -> Read:
        reads = {value: self.read(kind) for value, kind in table.items()}

        def tagged(value: Any) -> Any:
            tag = value.get(name)
            read = reads.get(tag) if tag.__class__ is str else None
            if read is None:
                wrong = Wrong(f"expected {values_of(table)}, got {brief(tag)}")
                wrong.path.append(name)
                raise wrong
            return read(value)

        return tagged


def _each(read: Read, values: list[Any]) -> list[Any]:
    made: list[Any] = []
    add = made.append
    try:
        for value in values:
            add(read(value))
    except Wrong as wrong:
        wrong.path.append(len(made))
        raise
    return made
