"""What a record class says about itself: its annotations, read when the class is first used.

The annotations are the only description of a record.  Reading them late means that importing a thousand records costs
a thousand bare `class` statements and no more.  Decoding and the records themselves are left to `_base`.
"""

from __future__ import annotations

import sys

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, ClassVar

__all__ = ["MODELS", "Kinds", "Shape", "Shaped", "Wire", "literals", "mentions_types", "read_kinds", "resolve", "shape", "wire"]

MODELS = __name__.rpartition(".")[0]
_PLAIN = frozenset(("str", "int", "float", "bool", "None", "Any", "File", "list", "dict", "[", "]"))


def wire(name: str, default: Any = ...) -> Any:
    """Declare a field whose JSON key is no Python name: `async_: bool | None = wire("async", default=None)`."""
    return Wire(name, default is ...)


class Wire:
    """The attribute of such a field: reads and writes the JSON key."""

    __slots__ = ("key", "required")

    def __init__(self, key: str, required: bool) -> None:
        self.key = key
        self.required = required

    def __get__(self, record: Any, owner: type) -> Any:
        return None if record is None else record.__dict__.get(self.key)

    def __set__(self, record: Any, value: Any) -> None:
        record.__dict__[self.key] = value

    def __delete__(self, record: Any) -> None:
        record.__dict__.pop(self.key, None)


class Shaped:
    """What all records are; what they can do is told in `_base`."""

    __slots__ = ("__dict__", "__weakref__")

    if TYPE_CHECKING:
        unknown: ClassVar[type[Shaped]]
        """The class of objects of no known kind; `_record` puts it here."""


# ------------------------------------------------------------------------------------------------------- the shape
class Shape:
    """Facts about a record class.

    Attributes:
        attributes: attribute -> JSON key, in the order they are declared.
        types: JSON key -> (annotation, the module it is written in).
        required: the attributes without a default.
        constants: JSON key -> its only value, as `{"type": "message"}`.
    """

    __slots__ = ("attributes", "constants", "required", "types")

    def __init__(self, cls: type[Shaped]) -> None:
        self.attributes: dict[str, str] = {}
        self.types: dict[str, tuple[str, str]] = {}
        self.required: list[str] = []
        self.constants: dict[str, str] = {}
        for base in reversed(cls.__mro__[:-1]):
            for name, text in base.__annotations__.items():
                self._add(name, text if isinstance(text, str) else "Any", base)

    def _add(self, name: str, text: str, owner: type) -> None:
        default = owner.__dict__.get(name, self)
        key = default.key if isinstance(default, Wire) else name
        self.attributes[name] = key
        self.types[key] = text, owner.__module__
        if default is self or (isinstance(default, Wire) and default.required):
            self.required.append(name)
        elif isinstance(default, str) and text.startswith("Literal["):
            self.constants[key] = default


_shapes: dict[type[Shaped], Shape] = {}


def shape(cls: type[Shaped]) -> Shape:
    """Return the facts about a record class."""
    found = _shapes.get(cls)
    if found is None:
        found = _shapes[cls] = Shape(cls)
    return found


# ------------------------------------------------------------------------------------------------ type expressions
class Kinds:
    """What a type expression allows, as far as decoding cares: records, lists of something, maps of something."""

    __slots__ = ("classes", "items", "values")

    def __init__(self) -> None:
        self.classes: list[type[Shaped]] = []
        self.items: Kinds | None = None
        self.values: Kinds | None = None


def read_kinds(text: str, module: str) -> Kinds:
    """Read a type expression, written in a module of records; importing the modules that it names."""
    kinds = Kinds()
    _read(iter(_tokens(text)), module, kinds)
    return kinds


def mentions_types(text: str) -> bool:
    """Tell whether an expression names anything but scalars; nothing is imported for it."""
    return not _PLAIN.issuperset(_tokens(text))


def literals(text: str, module: str) -> list[str] | None:
    """Return the strings that a field allows, None where it is no enum; an alias is followed."""
    name = text.partition(" ")[0]
    if mentions_types(name) and "[" not in name:
        target = resolve(name, module)
        text = target.lstrip() if isinstance(target, str) else ""
    return text.split("'")[1::2] if text.startswith("Literal[") else None


def _tokens(text: str) -> list[str]:
    """ "A | list[B] | Literal['c']" -> ["A", "list", "[", "B", "]"]: literals are scalars, whatever they say."""
    head, *rest = "".join(text.split("'")[::2]).split("Literal[")
    bare = head + "".join([part.partition("]")[2] for part in rest])
    return bare.replace("[", " [ ").replace("]", " ] ").replace("|", " ").replace(",", " ").split()


def _read(tokens: Iterator[str], module: str, kinds: Kinds) -> None:
    for token in tokens:
        if token == "]":
            return
        if token == "list":
            kinds.items = kinds.items or Kinds()
            next(tokens)
            _read(tokens, module, kinds.items)
        elif token == "dict":
            kinds.values = kinds.values or Kinds()
            next(tokens)
            _read(tokens, module, kinds.values)
        elif token not in _PLAIN:
            _add(token, module, kinds)


def _add(name: str, module: str, kinds: Kinds) -> None:
    target = resolve(name, module)
    if isinstance(target, str):
        package = name.rpartition(".")[0]
        _read(iter(_tokens(target)), f"{MODELS}.{package}" if package else module, kinds)
    elif isinstance(target, type) and issubclass(target, Shaped) and target not in kinds.classes:
        kinds.classes.append(target)


def resolve(name: str, module: str) -> object:
    """Return what a name means in a module of records: a record class, or an alias, which is a string."""
    package, _, last = name.rpartition(".")
    if package:
        module = f"{MODELS}.{package}"
        __import__(module)  # also if it is known: another thread may be in the midst of it, and is waited for then
    return sys.modules[module].__dict__.get(last)
