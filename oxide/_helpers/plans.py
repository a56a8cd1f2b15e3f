"""How objects are made of parsed dictionaries: dataclasses, TypedDicts, NamedTuples; each by a plan that is made once."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .leaves import COMPLAINTS, Wrong, at, brief, guarded, lacking, unlike
from .members import only_class, takes_null

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .kinds import Kind, Object

    Read = Callable[[Any], Any]

__all__ = ["Plan"]

_ABSENT = object()
_new = object.__new__
_put = object.__setattr__


class Plan:
    """How the objects of one class are made.

    Attributes:
        rows: name, class that needs no more than to be of it, function; of each field.
        optional: the fields that need not be there.
    """

    def __init__(self, kind: Object, reads: list[Read]) -> None:
        self.kind = kind
        self.rows = [
            (field.name, only_class(field.kind), self._field(field.kind, read, field.make))
            for field, read in zip(kind.fields, reads, strict=True)
        ]
        self.optional = {field.name for field in kind.fields if field.make is not None or field.absent}

    def _field(self, kind: Kind, read: Read, make: Callable[[], object] | None) -> Read:
        """Return the function of a field; where null, or nothing, stands for the default, it gives that."""
        if make is None:
            return read
        defaults = (_ABSENT,) if takes_null(kind) else (_ABSENT, None)
        return lambda value: make() if value in defaults else read(value)

    def reader(self) -> Read:
        """Return the function that makes an object of a dictionary."""
        make = self._maker()
        rows, count, name, whole, optional = self.rows, len(self.rows), self.kind.name, self._whole, self.optional
        if optional and self.kind.form == "dict":
            return self._loose()

        def read(value: Any) -> Any:
            if value.__class__ is not dict:
                raise unlike(name, value)
            if len(value) != count or (optional and not optional <= value.keys()):
                whole(value)
            field = ""
            try:
                for field, cls, read_field in rows:
                    inner = value[field]
                    if inner.__class__ is not cls:
                        value[field] = read_field(inner)
            except KeyError:
                if field in value:
                    raise
                raise lacking(field) from None
            except Wrong as wrong:
                wrong.path.append(field)
                raise
            return make(value)

        return read

    def _whole(self, value: dict[str, Any]) -> None:
        """Mark where nothing came but something may stand, and take out what nobody knows."""
        for name in self.optional - value.keys():
            value[name] = _ABSENT
        if len(value) > len(self.rows):
            known = {name for name, _, _ in self.rows}
            for name in [name for name in value if name not in known]:
                del value[name]

    def _loose(self) -> Read:
        """Return the function for a dictionary that need not have all its keys."""
        wanted = [name for name, _, _ in self.rows if name not in self.optional]
        reads = {name: read for name, _, read in self.rows}
        nullable = {field.name for field in self.kind.fields if takes_null(field.kind)}

        def loose(value: Any) -> Any:
            if value.__class__ is not dict:
                raise unlike(self.kind.name, value)
            if absent := [name for name in wanted if name not in value]:
                raise lacking(absent[0])
            sent = [name for name in reads if name in value and (value[name] is not None or name in nullable or name in wanted)]
            return {name: at(name, reads[name], value[name]) for name in sent}

        return loose

    def _maker(self) -> Read:
        cls, form = self.kind.cls, self.kind.form
        if form == "dict":
            return lambda value: value
        if form == "tuple":
            names = [name for name, _, _ in self.rows]
            return guarded(lambda value: cls(*[value[name] for name in names]))
        if not _wears_its_dictionary(cls, [name for name, _, _ in self.rows]):
            return guarded(lambda value: cls(**value))
        return _settling_wearer(cls) if hasattr(cls, "__post_init__") else _wearer(cls)


def _wears_its_dictionary(cls: Any, names: list[str]) -> bool:
    """Tell whether a dataclass keeps all that it is given, and nothing else, in its `__dict__`."""
    if cls.__new__ is not object.__new__ or not hasattr(_new(cls), "__dict__"):
        return False
    made = getattr(getattr(cls.__init__, "__code__", None), "co_filename", "") == "<string>"  # by the standard library
    fields = cls.__dataclass_fields__.values()
    return made and len(names) == len(fields) and not any(hasattr(getattr(cls, name, None), "__set__") for name in names)


def _wearer(cls: Any) -> Read:
    frozen = cls.__setattr__ is not object.__setattr__

    def wear(value: dict[str, Any]) -> Any:
        made = _new(cls)
        made.__dict__ = value
        return made

    def wear_for_good(value: dict[str, Any]) -> Any:
        made = _new(cls)
        _put(made, "__dict__", value)
        return made

    return wear_for_good if frozen else wear


def _settling_wearer(cls: Any) -> Read:
    """Return the function for a class that checks or completes what it was given, and may complain."""
    settle = cls.__post_init__

    def wear(value: dict[str, Any]) -> Any:
        made = _new(cls)
        _put(made, "__dict__", value)
        try:
            settle(made)
        except COMPLAINTS as problem:
            raise Wrong(f"{problem} (got {brief(value)})") from problem
        return made

    return wear
