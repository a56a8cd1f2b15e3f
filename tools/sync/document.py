"""Reads the schemas of an OpenAPI document as kinds: one for each schema, and a shape for every object, nameless ones too.

An object is known by its place: `Response` for a schema, `Response.error` for what its property holds, `Response.tools[]` for the
items of a list, `X{}` for the values of a map, `X|label` for a member of a union. Names are given elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import readable
from .kinds import ANY, FILE, NONE, Kind, ListOf, MapOf, Object, Property, Reference, Scalar, Shape, Union, Values, table, union
from .readable import SCALARS, VERBS, types_of

SAYS_NOTHING = frozenset(("title", "description", "summary", "example", "examples", "externalDocs", "default", "deprecated", "nullable"))
TAGS = ("type", "role", "object", "event")


class Document:
    """The schemas of a document.

    Attributes:
        named: name of a schema -> its kind.
        shapes: place -> the object there.
        notes: what is odd about the document, though it can be read.

    Raises:
        UnreadableError: there is something in the document that cannot be read.
    """

    def __init__(self, document: Any) -> None:
        readable.check(document)
        self.document: dict[str, Any] = document
        self.schemas: dict[str, Any] = document["components"]["schemas"] if "components" in document else {}
        self.named: dict[str, Kind] = {}
        self.shapes: dict[str, Shape] = {}
        self.notes: list[str] = []
        self._reading = ""
        for name, schema in self.schemas.items():
            self._reading = name
            self.named[name] = self.read(schema, name)

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield verb, path and description of each operation, in the order of the document."""
        for path, item in self.document["paths"].items():
            for verb in VERBS:
                if verb in item:
                    yield verb.upper(), path, item[verb]

    def leaves(self, kind: Kind | None, seen: frozenset[str] = frozenset()) -> Iterator[Kind]:
        """Yield what a kind may be in the end: unions and names opened."""
        if isinstance(kind, Reference):
            if kind.schema not in seen:
                yield from self.leaves(self.named.get(kind.schema), seen | {kind.schema})
        elif isinstance(kind, Union):
            for member in kind.members:
                yield from self.leaves(member, seen)
        elif kind is not None:
            yield kind

    def nullable(self, name: str) -> bool:
        """Tell whether a schema allows null."""
        kind = self.named[name]
        return NONE in kind.members if isinstance(kind, Union) else isinstance(kind, Reference) and self.nullable(kind.schema)

    # ---------------------------------------------------------------------------------------------------- reading
    def read(self, given: Any, place: str) -> Kind:
        """Return the kind that a schema describes; objects in it are entered into `shapes`."""
        schema = table(given)
        if schema is None:
            return ANY
        kind = self._read(schema, place)
        return union([kind, NONE]) if schema.get("nullable") is True else kind

    def _read(self, schema: dict[str, Any], place: str) -> Kind:
        if "$ref" in schema:
            return Reference(target(schema))
        if "$recursiveRef" in schema:
            return Reference(self._reading)
        if "const" in schema:
            return Values((schema["const"],))
        if "enum" in schema:
            values = Values(tuple(dict.fromkeys([v for v in schema["enum"] if v is not None])))
            return union([values, NONE]) if None in schema["enum"] else values
        if "allOf" in schema:
            return self._all_of(schema, place)
        if "properties" not in schema and ("oneOf" in schema or "anyOf" in schema):
            return self._one_of(schema, place)
        return self._by_type(schema, place)

    def _by_type(self, schema: dict[str, Any], place: str) -> Kind:
        kind = schema.get("type")
        if isinstance(kind, list):
            return union([self._by_type({**schema, "type": each}, place) for each in types_of(schema)])
        if kind == "null":
            return NONE
        if "properties" in schema:
            return self._object([schema], place)
        if kind == "object" or (kind is None and "additionalProperties" in schema):
            more = schema.get("additionalProperties", True)
            return MapOf(self.read(more, place + "{}"))
        if kind == "array" or "items" in schema:
            return ListOf(self.read(schema.get("items", {}), place + "[]"))
        if kind == "string" and schema.get("format") == "binary":
            return FILE
        return Scalar(SCALARS[kind]) if kind in SCALARS else ANY

    def _one_of(self, schema: dict[str, Any], place: str) -> Kind:
        members = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
        alone = sum(not is_null(member) for member in members) == 1  # a lone member keeps the place of the union
        kinds = [
            NONE if is_null(member) else self.read(member, place if alone else f"{place}|{label(member, number)}")
            for number, member in enumerate(members)
        ]
        return union(kinds, schema.get("discriminator", {}).get("propertyName"))

    def _all_of(self, schema: dict[str, Any], place: str) -> Kind:
        own = {keyword: value for keyword, value in schema.items() if keyword != "allOf"}
        parts = [part for part in schema["allOf"] if not SAYS_NOTHING.issuperset(part)]
        parts += [own] if own.get("properties") else []
        others = [part for part in parts if not {"properties", "allOf"} & self._followed(part).keys()]
        if len(parts) == 1:
            kind = self.read(parts[0], place)
        elif others:  # any of some events, and one more key: the key is left to those that no class declares
            self.notes.append(f"{place} adds keys to what is no object")
            kind = self.read(others[0], place)
        else:
            kind = self._object(parts, place)
        return union([kind, NONE]) if any(part.get("nullable") is True for part in schema["allOf"]) else kind

    def _object(self, parts: list[dict[str, Any]], place: str) -> Kind:
        shape = self.shapes[place] = Shape()
        required: dict[str, None] = {}
        for part, origin in self._flat(parts, place):
            required |= dict.fromkeys(part.get("required", ()))
            for name, inner in part.get("properties", {}).items():
                shape.fields[name] = self._property(inner, f"{origin}.{name}")
            more = part.get("additionalProperties")
            if more:
                shape.rest = self.read(more, f"{origin}{{}}")
        for name in required:
            if name in shape.fields:
                shape.fields[name].required = True
            else:
                self.notes.append(f"{place} requires {name}, which it does not have")
        return Object(place)

    def _property(self, given: Any, place: str) -> Property:
        kind = self.read(given, place)
        schema = table(given) or {}
        format_ = _format(schema) or _format(self._followed(schema))
        return Property(kind, False, schema.get("default"), bool(schema.get("deprecated")), format_)

    def _flat(self, parts: list[dict[str, Any]], place: str) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield the parts that have fields, and the place that the fields come from."""
        for part in parts:
            origin = target(part) if "$ref" in part else place
            whole = self._followed(part)
            yield from self._flat(whole.get("allOf", []), origin)
            if "properties" in whole or "required" in whole:
                yield whole, origin

    def _followed(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.schemas[target(schema)]
        return schema


def target(schema: dict[str, Any]) -> str:
    """Return the name of the schema that a reference leads to."""
    name: str = schema["$ref"].rpartition("/")[2]
    return name


def is_null(schema: Any) -> bool:
    """Tell whether a schema allows null and nothing else."""
    return (table(schema) or {}).get("type") == "null"


def label(member: dict[str, Any], number: int) -> str:
    """Name a member of a union by something steadier than its number, where it has such a thing."""
    for tag in TAGS:
        known = table(member.get("properties", {}).get(tag)) or {}
        value = known.get("const") or (known["enum"][0] if len(known.get("enum", ())) == 1 else None)
        if isinstance(value, str):
            return value
    return str(member.get("title") or (member["type"] if member.get("type") in ("array", "object") else number))


def _format(schema: dict[str, Any]) -> str | None:
    formats = [part.get("format") for part in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ()))]
    return next((format_ for format_ in formats if format_ not in (None, "binary")), None)
