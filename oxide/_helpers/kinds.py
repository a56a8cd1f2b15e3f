"""What a Python type is as far as JSON goes: its annotations are read once, for schema (`schema`) and decoder (`decoding`) alike."""

from __future__ import annotations

import enum
import sys
import types
import typing
from collections import abc
from datetime import date, datetime, time
from decimal import Decimal

from .._typing import TYPE_CHECKING, TypeVar
from .docstrings import read_docstring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = [
    "Array",
    "Choice",
    "Described",
    "Field",
    "Foreign",
    "Items",
    "Kind",
    "Map",
    "Object",
    "OneOf",
    "Scalar",
    "Text",
    "hints_of",
    "kind_of",
    "remember",
]


T = TypeVar("T")


class Kind:
    """What all kinds are."""

    __slots__ = ()


class Scalar(Kind):
    """A string, a number, true, false or null; `cls` is Any where nothing is said."""

    __slots__ = ("cls",)

    def __init__(self, cls: Any) -> None:
        self.cls = cls


class Text(Kind):
    """Something that JSON has no form of its own for, written as text."""

    __slots__ = ("cls", "read", "schema")

    def __init__(self, cls: type, read: Callable[[str], object], **schema: str) -> None:
        self.cls = cls
        self.read = read
        self.schema = schema


class Choice(Kind):
    """One of some values: JSON value -> what stands for it."""

    __slots__ = ("text", "values")

    def __init__(self, values: dict[Any, Any], text: str = "") -> None:
        self.values = values
        self.text = text


class OneOf(Kind):
    """Any of several kinds."""

    __slots__ = ("members",)

    def __init__(self, members: list[Kind]) -> None:
        self.members = members


class Array(Kind):
    """Any number of one kind; `make` turns the list into something else."""

    __slots__ = ("item", "make")

    def __init__(self, item: Kind, make: Callable[[list[Any]], object] | None = None) -> None:
        self.item = item
        self.make = make


class Items(Kind):
    """A tuple: a list of given length, each place of a kind of its own."""

    __slots__ = ("kinds",)

    def __init__(self, kinds: list[Kind]) -> None:
        self.kinds = kinds


class Map(Kind):
    """A dictionary. Strict schemas have none with open keys, so it travels as a list of its entries."""

    __slots__ = ("key", "value")

    def __init__(self, key: Kind, value: Kind) -> None:
        self.key = key
        self.value = value


class Field:
    """One field of an object.

    Attributes:
        make: returns the default, None where there is none.
        absent: whether the key is left out where the value is null: a TypedDict need not have all its keys.
    """

    __slots__ = ("absent", "kind", "make", "name", "text")

    def __init__(self, name: str, kind: Kind, text: str = "", make: Callable[[], object] | None = None, absent: bool = False) -> None:
        self.name = name
        self.kind = kind
        self.text = text
        self.make = make
        self.absent = absent


class Object(Kind):
    """A dataclass, TypedDict, NamedTuple, or the parameters of a function; `form` says which: "dataclass", "dict" or "tuple"."""

    __slots__ = ("cls", "fields", "form", "name", "text")

    def __init__(self, cls: Any, form: str, name: str, text: str = "") -> None:
        self.cls = cls
        self.form = form
        self.name = name
        self.text = text
        self.fields: list[Field] = []


class Foreign(Kind):
    """A type of another library, which knows its schema and how to decode it."""

    __slots__ = ("convert", "loads", "name", "schema")

    def __init__(self, name: str, schema: dict[str, Any], loads: Callable[[str], Any], convert: Callable[[Any], Any]) -> None:
        self.name = name
        self.schema = schema
        self.loads = loads
        self.convert = convert


class Described(Kind):
    """A kind with something said of it: a text, or keywords of JSON schema."""

    __slots__ = ("keywords", "kind", "text")

    def __init__(self, kind: Kind, text: str, keywords: dict[str, Any]) -> None:
        self.kind = kind
        self.text = text
        self.keywords = keywords


_NULL = Scalar(type(None))
_ANYTHING = Scalar(typing.Any)
_SCALARS: dict[Any, Kind] = {
    **{cls: Scalar(cls) for cls in (str, int, float, bool)},
    None: _NULL,
    type(None): _NULL,
    object: _ANYTHING,
    typing.Any: _ANYTHING,
}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text)  # until 3.11, Z is not understood


def _clock(text: str) -> time:
    return time.fromisoformat(text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text)


_TEXTS: dict[type, Kind] = {
    datetime: Text(datetime, _moment, format="date-time"),
    date: Text(date, date.fromisoformat, format="date"),
    time: Text(time, _clock, format="time"),
    Decimal: Text(Decimal, Decimal, pattern=r"^-?\d+(\.\d+)?$"),
}
_ARRAYS: dict[Any, Callable[[list[Any]], object] | None] = {
    **dict.fromkeys((list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection)),
    set: set,
    abc.MutableSet: set,
    abc.Set: frozenset,
    frozenset: frozenset,
}
_MAPS = (dict, abc.Mapping, abc.MutableMapping)
_LIMITS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
_SAYS_NOTHING = ("Required", "NotRequired", "ReadOnly", "Final")
_LIBRARY = __name__.partition(".")[0]
_MOST = 512  # types that are remembered, at each place that does
_known: dict[Any, Kind] = {}


def kind_of(hint: Any) -> Kind:
    """Return the kind of a type; types are remembered, the last few hundred of them.

    Raises:
        TypeError: it has no form in JSON; the message says where, and what would do.
    """
    try:
        found = _known.get(hint)
    except TypeError:  # not hashable, for what it is annotated with
        return Reader().read(hint, "$", {})
    if found is None:
        found = Reader().read(hint, "$", {})
        remember(_known, hint, found)
    return found


def remember(table: dict[Any, T], key: Any, value: T) -> None:
    """Put what was made of a type into a table; one that has grown large begins anew, so that types that nobody holds can go."""
    if len(table) >= _MOST:
        table.clear()
    table[key] = value


class Reader:
    """Reads types; one reader knows what it has begun, so that types may contain themselves."""

    def __init__(self) -> None:
        self._begun: dict[object, Object] = {}

    def read(self, hint: Any, path: str, bound: Mapping[Any, Kind]) -> Kind:
        """Return the kind of a type expression; `bound` tells what the type variables in it stand for."""
        origin = typing.get_origin(hint)
        if origin is not None:
            return self._composed(hint, origin, path, bound)
        found = _SCALARS.get(hint) or bound.get(hint)
        if found is not None:
            return found
        if isinstance(hint, type):
            return self._class(hint, path, {})
        inner = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None) or getattr(hint, "__bound__", None)
        if inner is None:
            raise TypeError(f"{path}: {_shown(hint)} has no form in JSON")
        return self.read(inner, path, bound)  # a NewType, an alias, a type variable

    def _composed(self, hint: Any, origin: Any, path: str, bound: Mapping[Any, Kind]) -> Kind:
        arguments = typing.get_args(hint)
        if origin is typing.Annotated:
            return self._described(hint, path, bound)
        if origin is typing.Literal:
            return _literal(arguments)
        if origin is typing.Union or origin is types.UnionType:
            return OneOf([self.read(each, path, bound) for each in arguments])
        if origin in _ARRAYS:
            return Array(self.read(arguments[0], f"{path}[]", bound), _ARRAYS[origin])
        if origin is tuple:
            if arguments[-1:] == (...,):
                return Array(self.read(arguments[0], f"{path}[]", bound), tuple)
            return Items([self.read(each, f"{path}[{i}]", bound) for i, each in enumerate(arguments)])
        if origin in _MAPS:
            return Map(*[self.read(each, f"{path}{{}}", bound) for each in arguments])
        if getattr(origin, "_name", None) in _SAYS_NOTHING:
            return self.read(arguments[0], path, bound)
        if isinstance(origin, type):
            kinds = [self.read(each, path, bound) for each in arguments]
            return self._class(origin, path, dict(zip(origin.__parameters__, kinds, strict=True)), hint)  # type: ignore[attr-defined]  # a generic class has them
        raise TypeError(f"{path}: {_shown(hint)} has no form in JSON")

    def _described(self, hint: Any, path: str, bound: Mapping[Any, Kind]) -> Kind:
        kind = self.read(hint.__origin__, path, bound)
        texts: list[str] = []
        keywords: dict[str, Any] = {}
        for note in hint.__metadata__:
            text = note if isinstance(note, str) else getattr(note, "documentation", None) or getattr(note, "description", None)
            texts += [text] if isinstance(text, str) else []
            keywords |= note if isinstance(note, dict) else {}
            limits = {key: getattr(note, name, None) for name, key in _LIMITS.items() if not isinstance(note, (str, dict))}
            keywords |= {key: limit for key, limit in limits.items() if isinstance(limit, (str, int, float))}
        if isinstance(kind, (Array, Items)):
            keywords = {key.replace("Length", "Items"): value for key, value in keywords.items()}
        return Described(kind, " ".join(texts), keywords)

    # -------------------------------------------------------------------------------------------------------- classes
    def _class(self, cls: Any, path: str, bound: Mapping[Any, Kind], hint: Any = None) -> Kind:
        if cls in _TEXTS:
            return _TEXTS[cls]
        if (cls.__module__, cls.__name__) == ("uuid", "UUID"):  # not imported here: whoever has one has done so
            return Text(cls, cls, format="uuid")
        if issubclass(cls, enum.Enum):
            return Choice({member.value: member for member in cls}, _own_text(cls))
        if foreign := _foreign(cls if hint is None else hint, cls):
            return foreign
        form = _form(cls)
        if not form:
            raise TypeError(f"{path}: {_shown(cls)} has no form in JSON{_advice(cls)}")
        key = cls, tuple(map(id, bound.values()))
        if key not in self._begun:
            name = cls.__name__ + "".join([f"_{_shown(each)}" for each in typing.get_args(hint)])
            text, texts = read_docstring(_own_text(cls))
            made = self._begun[key] = Object(cls, form, name, text)
            made.fields = list(self._fields(cls, form, path, bound, texts))
        return self._begun[key]

    def _fields(self, cls: Any, form: str, path: str, bound: Mapping[Any, Kind], texts: Mapping[str, str]) -> typing.Iterator[Field]:
        hints = hints_of(cls, {cls.__name__: cls})
        declared: Any = getattr(cls, "__dataclass_fields__", {})
        for name, hint in hints.items():
            own = declared.get(name)
            if (own is None and form == "dataclass") or (own is not None and not own.init) or _is(hint, "ClassVar"):
                continue
            kind = self.read(hint, f"{path}.{name}", bound)
            told = own.metadata.get("description", "") if own is not None else ""
            absent = form == "dict" and not _is(hint, "Required") and (_is(hint, "NotRequired") or name in cls.__optional_keys__)
            yield Field(name, kind, told or texts.get(name, ""), _default(cls, name, own), absent)


def hints_of(subject: Any, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the annotations of a class or function, as types.

    A name that its module does not have is looked for among those that are in sight where the library was called: classes that are
    made inside a function are known there only.

    Raises:
        TypeError: an annotation names something that cannot be found.
    """
    own = names or {}
    try:
        return typing.get_type_hints(subject, localns=own, include_extras=True)
    except NameError:
        near = _names_in_sight()
    try:
        return typing.get_type_hints(subject, localns={**near, **own}, include_extras=True)
    except NameError as problem:
        raise TypeError(f"{getattr(subject, '__qualname__', subject)}: {problem}, where it stands nor where it is used") from None


def _names_in_sight() -> dict[str, Any]:
    found: dict[str, Any] = {}
    frame: types.FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # the only way to it
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in (_LIBRARY, "typing"):
            found = {**frame.f_globals, **frame.f_locals, **found}
        frame = frame.f_back
    return found


def _is(hint: Any, name: str) -> bool:
    """Tell whether a hint is wrapped in a word like `NotRequired`, of whichever module."""
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _is(hint.__origin__, name)
    return getattr(origin, "_name", None) == name or (
        getattr(origin, "_name", None) in _SAYS_NOTHING and _is(typing.get_args(hint)[0], name)
    )


def _default(cls: Any, name: str, own: Any) -> Callable[[], object] | None:
    if own is not None:
        import dataclasses

        if own.default_factory is not dataclasses.MISSING:
            factory: Callable[[], object] = own.default_factory
            return factory
        return None if own.default is dataclasses.MISSING else lambda: own.default
    defaults: Mapping[str, object] = getattr(cls, "_field_defaults", {})
    return (lambda: defaults[name]) if name in defaults else None


def _form(cls: Any) -> str:
    if hasattr(cls, "__dataclass_fields__"):
        return "dataclass"
    if dict in cls.__mro__ and hasattr(cls, "__total__"):
        return "dict"
    return "tuple" if tuple in cls.__mro__ and hasattr(cls, "_field_defaults") else ""


def _literal(values: tuple[Any, ...]) -> Kind:
    choice = Choice({value.value if isinstance(value, enum.Enum) else value: value for value in values if value is not None})
    return OneOf([choice, _NULL]) if None in values else choice


def _own_text(cls: Any) -> str:
    """Return the docstring that somebody wrote for a class; not what the standard library writes by itself."""
    text = cls.__dict__.get("__doc__") or ""
    return "" if text.startswith(f"{cls.__name__}(") or text in ("An enumeration.", dict.__doc__) else text


def _advice(cls: Any) -> str:
    if cls in (list, tuple, set, frozenset, dict):
        return f"; say what is in it, as in {cls.__name__}[{'str, int' if cls is dict else 'str'}]"
    return "; a dataclass, TypedDict, NamedTuple or Enum has"


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


# ------------------------------------------------------------------------------------------------- other libraries
def _foreign(hint: Any, cls: Any) -> Foreign | None:
    """Return the kind of a pydantic model or dataclass, or of a msgspec struct; both are known by what they can do."""
    name = getattr(hint, "__name__", cls.__name__)
    if hasattr(cls, "model_json_schema") and hasattr(cls, "model_validate_json"):
        return Foreign(name, hint.model_json_schema(), hint.model_validate_json, hint.model_validate)
    if hasattr(cls, "__pydantic_validator__"):
        adapter: Any = sys.modules["pydantic"].TypeAdapter(hint)
        return Foreign(name, adapter.json_schema(), adapter.validate_json, adapter.validate_python)
    if hasattr(cls, "__struct_fields__"):
        msgspec: Any = sys.modules["msgspec"]
        return Foreign(
            name,
            msgspec.json.schema(hint),
            lambda text: msgspec.json.decode(text, type=hint),
            lambda value: msgspec.convert(value, hint),
        )
    return None
