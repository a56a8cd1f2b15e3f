"""Where an object differs from the description of the API: `validate` for programs, `strict_decoder` for clients with `strict=True`.

The API grows: keys, values of enums and kinds of objects that this library has never heard of are no problems.
"""

from __future__ import annotations

from ._models._base import Record, Unknown, decoder
from ._models._shape import MODELS, resolve, shape
from ._models._vectors import Vector
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["MismatchError", "Problem", "strict_decoder", "validate"]

SHOWN = 5
"""Problems that an error names, at the most."""


class Problem:
    """One difference.

    Attributes:
        path: where, as `output[2].content[0].text`; "" is the object itself.
        fault: what, as "missing" or "int where str is expected".
    """

    __slots__ = ("fault", "path")

    def __init__(self, path: str, fault: str) -> None:
        self.path = path
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.path or 'the object'}: {self.fault}"

    def __repr__(self) -> str:
        return f"<Problem {self}>"


class MismatchError(ValueError):
    """A decoded value is not what its type expression says."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        more = len(problems) - SHOWN
        super().__init__("; ".join(map(str, problems[:SHOWN])) + (f"; and {more} more" if more > 0 else ""))


def validate(value: object) -> list[Problem]:
    """Return where a record, or a list or page of records, differs from what the API describes; an empty list if nowhere.

    Told are required fields that are missing, and values of another type than the field's, however deep inside.
    """
    if isinstance(value, Record):
        return list(_of_record(value, ""))
    return list(_of_items(getattr(value, "data", value), _RECORDS, "data" if hasattr(value, "data") else ""))


def strict_decoder(expression: str) -> Callable[[Any], Any]:
    """Return a function that decodes as that of `decoder` does, and raises MismatchError where the value is not as described."""
    decode, allowed = decoder(expression), _read(expression, __name__)

    def decode_strictly(value: Any) -> Any:
        found = decode(value)
        if problems := list(_problems(found, allowed, "")):
            raise MismatchError(problems)
        return found

    return decode_strictly


# ---------------------------------------------------------------------------------------------------------- looking
class _Allowed:
    """What a type expression allows: classes of values, and what is allowed inside lists and maps."""

    __slots__ = ("anything", "items", "plain", "records", "values")

    def __init__(self) -> None:
        self.anything = False
        self.plain: set[type] = set()
        self.records: list[type] = []
        self.items: _Allowed | None = None
        self.values: _Allowed | None = None

    def __str__(self) -> str:
        records = [cls.__name__ for cls in self.records]
        names = (records if len(records) <= 3 else ["object"]) + sorted([cls.__name__ for cls in self.plain])
        names += [name for name, inner in (("list", self.items), ("dict", self.values)) if inner is not None]
        return " or ".join([name.replace("NoneType", "null") for name in names])


_RECORDS = _Allowed()
_RECORDS.records.append(Record)
_fields: dict[type, list[tuple[str, bool, _Allowed]]] = {}


def _problems(value: Any, allowed: _Allowed, path: str) -> Iterator[Problem]:
    """Yield the problems of a value and of all inside it."""
    kind: Any = value.__class__
    if allowed.anything or kind in allowed.plain or (kind is float and int in allowed.plain and value.is_integer()):
        return
    if allowed.records and isinstance(value, Record):
        yield from _of_record(value, path)
    elif allowed.items is not None and (kind is list or isinstance(value, Vector)):
        yield from _of_items(value, allowed.items, path)
    elif allowed.values is not None and kind is dict:
        yield from _of_map(value, allowed.values, path)
    else:
        yield Problem(path, f"{'null' if value is None else kind.__name__} where {allowed} is expected")


def _of_items(values: Any, allowed: _Allowed, path: str) -> Iterator[Problem]:
    if isinstance(values, Vector):
        return  # it holds numbers and nothing else
    for index, value in enumerate(values):
        yield from _problems(value, allowed, f"{path}[{index}]")


def _of_map(values: dict[str, Any], allowed: _Allowed, path: str) -> Iterator[Problem]:
    for key, value in values.items():
        yield from _problems(value, allowed, f"{path}[{key!r}]")


def _of_record(record: Record, path: str) -> Iterator[Problem]:
    values = record.__dict__
    start = f"{path}." if path else ""
    for key, required, allowed in () if isinstance(record, Unknown) else _fields_of(type(record)):
        if key in values:
            yield from _problems(values[key], allowed, start + key)
        elif required:
            yield Problem(start + key, "missing")


def _fields_of(cls: type[Record]) -> list[tuple[str, bool, _Allowed]]:
    found = _fields.get(cls)
    if found is None:
        about = shape(cls)
        required = {about.attributes[name] for name in about.required}
        found = _fields[cls] = [(key, key in required, _read(text, module)) for key, (text, module) in about.types.items()]
    return found


# ---------------------------------------------------------------------------------------------- reading expressions
def _read(text: str, module: str) -> _Allowed:
    allowed = _Allowed()
    _add(_parsed(text), module, allowed)
    return allowed


def _parsed(text: str) -> ast.expr:
    import ast

    return ast.parse(f"({text})", mode="eval").body  # in brackets, as aliases take several lines


def _add(node: ast.expr, module: str, allowed: _Allowed) -> None:
    """Add what an expression allows."""
    import ast

    if isinstance(node, ast.BinOp):
        _add(node.left, module, allowed)
        _add(node.right, module, allowed)
    elif isinstance(node, ast.Subscript):
        inner = node.slice
        _add_generic(ast.unparse(node.value), inner.elts if isinstance(inner, ast.Tuple) else [inner], module, allowed)
    elif isinstance(node, ast.Constant):
        allowed.plain.add(type(node.value))  # None, or one of a Literal
    else:
        _add_name(ast.unparse(node), module, allowed)


def _add_generic(name: str, arguments: list[ast.expr], module: str, allowed: _Allowed) -> None:
    if name == "list":
        allowed.items = allowed.items or _Allowed()
        _add(arguments[0], module, allowed.items)
    elif name == "dict":
        allowed.values = allowed.values or _Allowed()
        _add(arguments[1], module, allowed.values)
    else:  # a Literal, any value of whose types is fine
        for argument in arguments:
            _add(argument, module, allowed)


_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}


def _add_name(name: str, module: str, allowed: _Allowed) -> None:
    if name in _PLAIN:
        allowed.plain.update(_PLAIN[name])
        return
    target = resolve(name, module)
    if isinstance(target, str):
        package = name.rpartition(".")[0]
        _add(_parsed(target), f"{MODELS}.{package}" if package else module, allowed)
    elif isinstance(target, type) and issubclass(target, Record):
        allowed.records.append(target)
    else:
        allowed.anything = True  # `Any`, and bytes, which no JSON holds
