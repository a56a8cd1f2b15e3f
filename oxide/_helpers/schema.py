"""The strict JSON schema of a Python type. What the type is, `kinds` reads; what strict means, `strict` says."""

from __future__ import annotations

import re
from typing import get_args

from .._json import as_object
from .._typing import TYPE_CHECKING
from .kinds import Array, Choice, Described, Foreign, Items, Map, Object, OneOf, Scalar, Text, kind_of, remember
from .strict import make_strict, or_null, with_note

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .kinds import Field, Kind

    Schema = dict[str, Any]

__all__ = ["WRAPPED", "is_wrapped", "schema_name", "schema_of", "sent_schema", "strict_schema"]

WRAPPED = "value"
"""The only key of the object that stands around what is no object: a schema has one at its root."""

_NAMES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_written: dict[Kind, Schema] = {}


def strict_schema(hint: Any) -> dict[str, Any]:
    """Return the strict JSON schema that is sent for a type.

    What is no object (a list, a union, an enum, a scalar) comes as the only key, `value`, of one: the service wants objects.

    Args:
        hint: a dataclass, TypedDict or NamedTuple; an Enum, `Literal`, union, list, set, tuple or `dict[str, X]` of what is allowed here;
            str, int, float, bool, None; datetime, date, time, UUID, Decimal; a pydantic model or a msgspec struct; or a JSON schema
            as a dictionary, which is made strict. Texts in `Annotated[X, "..."]`, docstrings, and `field(metadata={"description": ...})`
            become descriptions.

    Raises:
        TypeError: something in it has no form in JSON, or no strict schema; the message says where.
        ValueError: a JSON schema is wrong in itself.
    """
    given = as_object(hint)
    return schema_of(kind_of(hint)) if given is None else make_strict(given)


def sent_schema(hint: Any) -> dict[str, Any]:
    """Return what `strict_schema` returns, for sending: types are remembered, so it is not to be changed."""
    if as_object(hint) is not None:
        return strict_schema(hint)
    kind = kind_of(hint)
    found = _written.get(kind)
    if found is None:
        found = schema_of(kind)
        remember(_written, kind, found)
    return found


def is_wrapped(kind: Kind) -> bool:
    """Tell whether values of a kind come as the only key of an object."""
    while isinstance(kind, Described):
        kind = kind.kind
    if isinstance(kind, Foreign):
        return not _is_object(kind.schema)
    return not isinstance(kind, Object)


def _is_object(schema: Schema) -> bool:
    reference = schema.get("$ref", "")
    inner = schema.get("$defs", {}).get(reference.rpartition("/")[2], schema)
    return bool(inner.get("type") == "object")


def schema_of(kind: Kind) -> Schema:
    """Return the strict schema of a kind, with an object at its root."""
    writer = _Writer()
    schema = _object({WRAPPED: writer.write(kind, "$")}) if is_wrapped(kind) else writer.root(kind)
    definitions = {**schema.pop("$defs", {}), **writer.definitions}
    return {**schema, **({"$defs": definitions} if definitions else {})}


def schema_name(hint: Any) -> str:
    """Return the name under which the schema of a type is sent: letters, digits, `_` and `-`, 64 at most."""
    given = as_object(hint)
    if given is not None:
        name = str(given.get("title") or "")
    else:
        name = hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:64] or "response"


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


class _Writer:
    """Writes schemas; objects inside are definitions, so that they may contain themselves."""

    def __init__(self) -> None:
        self.definitions: Schema = {}
        self._names: dict[int, str] = {}  # by the identity of the kind
        self._open: list[Object] = []

    def root(self, kind: Kind) -> Schema:
        """Return the schema of an object as it stands at the root."""
        if isinstance(kind, Described):
            return self._told(self.root(kind.kind), kind.text, kind.keywords)
        return self._whole(kind, "$") if isinstance(kind, Object) else self.write(kind, "$")

    def write(self, kind: Kind, path: str) -> Schema:
        """Return the schema of a kind that stands at a path."""
        if isinstance(kind, Scalar):
            if kind.cls not in _NAMES:
                raise TypeError(f"{path}: Any and object have no strict schema; say what it may be")
            return {"type": _NAMES[kind.cls]}
        if isinstance(kind, Text):
            return {"type": "string", **kind.schema}
        if isinstance(kind, Choice):
            return _choice(kind)
        if isinstance(kind, OneOf):
            return self._union(kind, path)
        if isinstance(kind, Array):
            return {"type": "array", "items": self.write(kind.item, f"{path}[]")}
        if isinstance(kind, Items):
            return self._items(kind, path)
        return self._composed(kind, path)

    def _composed(self, kind: Kind, path: str) -> Schema:
        if isinstance(kind, Map):
            entry = _object({"key": self.write(kind.key, f"{path}{{}}"), "value": self.write(kind.value, f"{path}{{}}")})
            return {"type": "array", "items": entry, "description": "The entries of a mapping; no key comes twice."}
        if isinstance(kind, Object):
            return self._reference(kind, path)
        if isinstance(kind, Foreign):
            return self._foreign(kind, path)
        assert isinstance(kind, Described)
        schema = self.write(kind.kind, path)
        return self._told(schema, kind.text, kind.keywords) if kind.text or kind.keywords else schema

    def _told(self, schema: Schema, text: str, keywords: Mapping[str, Any]) -> Schema:
        """Return a schema with something said of it. A reference stands alone; unless it contains itself, it is unfolded then."""
        if "$ref" in schema:
            inner = self.definitions.get(schema["$ref"].rpartition("/")[2])
            schema = {"anyOf": [schema]} if inner is None or _mentions(inner, schema["$ref"]) else inner
        told = {"description": text} if text else {}
        return make_strict({**schema, **told, **keywords}) if keywords and "$ref" not in repr(schema) else {**schema, **told, **keywords}

    def _union(self, kind: OneOf, path: str) -> Schema:
        members: list[Schema] = []
        for each in kind.members:
            schema = self.write(each, path)
            members += [inner for inner in (schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]) if inner not in members]
        return members[0] if len(members) == 1 else {"anyOf": members}

    def _items(self, kind: Items, path: str) -> Schema:
        places = [self.write(each, f"{path}[{i}]") for i, each in enumerate(kind.kinds)]
        kinds = [each for number, each in enumerate(places) if each not in places[:number]]
        length = {"minItems": len(places), "maxItems": len(places)}
        if len(kinds) <= 1:
            return {"type": "array", "items": kinds[0] if kinds else {"type": "null"}, **length}
        told = "; ".join([each.get("type") or each.get("$ref", "").rpartition("/")[2] or "as below" for each in places])
        return with_note({"type": "array", "items": {"anyOf": kinds}, **length}, f"The kinds of its items, in this order: {told}.")

    def _reference(self, kind: Object, path: str) -> Schema:
        name = self._names.get(id(kind))
        if name is None:
            name = self._names[id(kind)] = self._free(re.sub(r"\W+", "_", kind.name).strip("_"))
            self.definitions[name] = {}
            self.definitions[name] = self._whole(kind, path)
        return {"$ref": f"#/$defs/{name}"}

    def _free(self, name: str) -> str:
        return next(each for each in (name, *[f"{name}_{number}" for number in range(2, 1000)]) if each not in self.definitions)

    def _whole(self, kind: Object, path: str) -> Schema:
        schema = _object({each.name: self._field(each, f"{path}.{each.name}") for each in kind.fields})
        return {**schema, "description": kind.text} if kind.text else schema

    def _field(self, field: Field, path: str) -> Schema:
        schema = self.write(field.kind, path)
        if field.make is not None or field.absent:
            schema = or_null(schema)
        return self._told(schema, field.text, {}) if field.text and "description" not in schema else schema

    def _foreign(self, kind: Foreign, path: str) -> Schema:
        schema = make_strict(kind.schema, optional_null=False)
        for name, inner in schema.pop("$defs", {}).items():
            if self.definitions.setdefault(name, inner) != inner:
                raise TypeError(f"{path}: two types are called {name}")
        return schema


def _mentions(schema: Any, reference: str) -> bool:
    """Tell whether a definition is not written yet, or leads to a reference in itself."""
    return not schema or reference in repr(schema)


def _choice(kind: Choice) -> Schema:
    names = {_NAMES.get(value.__class__) for value in kind.values}
    if None in names:
        raise TypeError(
            f"the values of a choice are strings and numbers, not {next(v for v in kind.values if v.__class__ not in _NAMES)!r}"
        )
    schema: Schema = {"enum": list(kind.values)}
    schema = {"type": names.pop(), **schema} if len(names) == 1 else schema
    return {**schema, "description": kind.text} if kind.text else schema
