"""JSON schemas brought to the strict form that the service demands of structured output and of tools; nothing given is changed.

What is kept: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

import json

from .._json import as_object
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Schema = dict[str, Any]

__all__ = ["make_strict", "normalize_tool_schema", "or_null", "with_note"]

_KEPT = frozenset(
    (
        *("type", "properties", "required", "additionalProperties", "items", "anyOf", "$ref", "$defs", "definitions", "enum", "const"),
        *("title", "description", "pattern", "format", "minLength", "maxLength", "minItems", "maxItems"),
        *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "allOf"),
    )
)
_FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
_SAY_NOTHING = frozenset(("$schema", "$id", "$comment", "$anchor", "discriminator", "deprecated", "readOnly", "writeOnly"))
_NULL = {"type": "null"}
_DEFINITIONS = ("$defs", "definitions")


def make_strict(schema: Mapping[str, Any], *, optional_null: bool = True) -> Schema:
    """Return a strict schema that says the same, as far as a strict one can.

    Objects allow no other keys and require all; what need not be there may be null instead. A single `allOf` is inlined, several of
    objects are joined; a reference with something beside it is unfolded; `oneOf` becomes `anyOf`; keywords that the service refuses
    are dropped and told in the description. A map with free keys is left as it is, for servers that know it.

    Args:
        schema: the schema, with an object at its root.
        optional_null: whether null is allowed in place of what need not be there. Decoders of other libraries do not take it.

    Raises:
        ValueError: a reference leads nowhere, or to another document; something is no schema.
    """
    return _Strict(schema, optional_null).node(schema, ())


class _Strict:
    def __init__(self, root: Mapping[str, Any], optional_null: bool) -> None:
        self.root = root
        self.optional_null = optional_null

    def node(self, given: object, inside: tuple[str, ...]) -> Schema:
        """Return one schema in its strict form; `inside` are the references that are being unfolded around it."""
        if given is True or given == {}:
            return {}
        if (found := as_object(given)) is None:
            raise ValueError(f"a schema is an object, not {given!r:.60}")
        schema = dict(found)
        self._join(schema)
        reference = schema.get("$ref")
        if reference is not None and len(schema) > 1:
            if reference in inside:  # it contains itself, and cannot be unfolded to its end
                schema["anyOf"] = [{"$ref": schema.pop("$ref")}]
            else:
                resolved = self._resolved(reference)
                del schema["$ref"]
                return self.node({**resolved, **schema}, (*inside, reference))
        _tell_what_is_dropped(schema)
        self._go_inside(schema, inside)
        return or_null(schema) if found.get("nullable") is True else schema

    def _join(self, schema: Schema) -> None:
        """Make one schema of the parts of `allOf`, and `anyOf` of `oneOf`."""
        parts: list[Schema] = schema.pop("allOf", None) or []
        if len(parts) == 1:
            schema.update(parts[0])
            self._join(schema)
        elif parts:
            whole = [self._whole(part) for part in parts]
            if all(part.get("type") == "object" for part in whole):
                _merge(schema, whole)
            else:
                schema["allOf"] = parts
        if "oneOf" in schema:
            schema["anyOf"] = [*schema.get("anyOf", ()), *schema.pop("oneOf")]

    def _whole(self, part: Schema) -> Schema:
        resolved = {**self._resolved(part["$ref"]), **part} if "$ref" in part else dict(part)
        resolved.pop("$ref", None)
        self._join(resolved)
        return resolved

    def _go_inside(self, schema: Schema, inside: tuple[str, ...]) -> None:
        for key in _DEFINITIONS:
            if isinstance(schema.get(key), dict):
                schema[key] = {name: self.node(inner, (*inside, f"#/{key}/{name}")) for name, inner in schema[key].items()}
        for key in ("anyOf", "allOf"):
            if isinstance(schema.get(key), list):
                schema[key] = [self.node(inner, inside) for inner in schema[key]]
        if isinstance(schema.get("items"), dict):
            schema["items"] = self.node(schema["items"], inside)
        kind = schema.get("type")
        if kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema:
            self._object(schema, inside)

    def _object(self, schema: Schema, inside: tuple[str, ...]) -> None:
        wanted = schema.get("required", ())
        others = as_object(schema.get("additionalProperties"))
        schema["additionalProperties"] = self.node(others, inside) if others else False
        properties: Schema = schema.get("properties", {})
        if not properties and schema["additionalProperties"]:
            return  # a map
        schema["properties"] = strict = {name: self.node(inner, inside) for name, inner in properties.items()}
        schema["required"] = list(properties)
        if self.optional_null:
            schema["properties"] = {name: inner if name in wanted else or_null(inner) for name, inner in strict.items()}

    def _resolved(self, reference: str) -> Schema:
        found: Any = self.root
        for step in reference[2:].split("/") if reference != "#" else ():
            found = (as_object(found) or {}).get(step.replace("~1", "/").replace("~0", "~"))
        schema = as_object(found)
        if reference[:1] != "#" or schema is None:
            raise ValueError(f"the reference {reference!r} leads to nothing in this schema")
        return {key: value for key, value in schema.items() if key not in _DEFINITIONS} if reference == "#" else schema


def _merge(schema: Schema, parts: list[Schema]) -> None:
    """Join objects: what each has, all have."""
    for part in parts:
        properties = {**schema.get("properties", {}), **part.get("properties", {})}
        required = list(dict.fromkeys([*schema.get("required", ()), *part.get("required", ())]))
        schema.update({**part, **schema, "properties": properties, "required": required})


def _tell_what_is_dropped(schema: Schema) -> None:
    """Take out what the service refuses, and say in the description what it said."""
    if "prefixItems" in schema and not isinstance(schema.get("items"), dict):
        places = schema.pop("prefixItems")
        schema["items"] = {"anyOf": [each for number, each in enumerate(places) if each not in places[:number]]}
        with_note(schema, "The kinds of its items, in this order: " + "; ".join(map(_brief, places)) + ".")
    if schema.get("default", ...) is None:
        del schema["default"]  # null is allowed then, or says nothing
    for key in [key for key in schema if key not in _KEPT or (key == "format" and schema[key] not in _FORMATS)]:
        value = schema.pop(key)
        if key not in _SAY_NOTHING and not (key == "nullable" or key.startswith("x-")) and value is not False:
            with_note(schema, f"{_words(key)}: {_brief(value)}.")


def _words(key: str) -> str:
    """ "uniqueItems" -> "Unique items"."""
    return "".join([f" {sign.lower()}" if sign.isupper() else sign for sign in key]).strip().capitalize()


def _brief(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def with_note(schema: Schema, note: str) -> Schema:
    """Add a sentence to the description of a schema, and return it."""
    schema["description"] = f"{schema['description']} {note}" if schema.get("description") else note
    return schema


def or_null(schema: Schema) -> Schema:
    """Return a schema that allows null as well; what describes it stays at its top."""
    kind = schema.get("type")
    if kind == "null" or schema == {} or (isinstance(kind, list) and "null" in kind):
        return schema
    if "anyOf" in schema and kind is None:
        return schema if _NULL in schema["anyOf"] else {**schema, "anyOf": [*schema["anyOf"], dict(_NULL)]}
    told: Schema = {key: schema[key] for key in ("title", "description") if key in schema}
    return {"anyOf": [{key: value for key, value in schema.items() if key not in told}, dict(_NULL)], **told}


def normalize_tool_schema(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the schema of a tool's parameters in the form that the service takes of tools that are not strict.

    For schemas from elsewhere, an MCP server for example: every object says which properties it has, at least `{}`; nothing allows
    other keys in so many words; a list of types becomes `anyOf`. Nothing becomes required. None and `{}` are a tool without parameters.

    Raises:
        ValueError: the schema is not one of an object.
    """
    normal: Schema = _normal(schema or {"type": "object"})
    if normal.get("type") != "object":
        raise ValueError(f"the parameters of a tool are an object, not {_brief(normal.get('type', normal))[:60]}")
    normal.pop("$schema", None)
    return normal


def _normal(given: Any) -> Any:
    found = as_object(given)
    if found is None:
        return given
    schema = {key: _normal_inside(key, value) for key, value in found.items()}
    if isinstance(schema.get("type"), list):
        kinds = schema.pop("type")
        told = {key: schema.pop(key) for key in ("title", "description", "default") if key in schema}
        return {"anyOf": [_normal({**(schema if kind != "null" else {}), "type": kind}) for kind in kinds], **told}
    if "type" not in schema and "properties" in schema:
        schema["type"] = "object"
    if schema.get("type") == "object":
        schema.setdefault("properties", {})
        if schema.get("additionalProperties") in (True, {}):
            del schema["additionalProperties"]
    return schema


def _normal_inside(key: str, value: Any) -> Any:
    inside = as_object(value)
    if key in ("properties", *_DEFINITIONS, "patternProperties") and inside is not None:
        return {name: _normal(inner) for name, inner in inside.items()}
    if key in ("anyOf", "oneOf", "allOf", "prefixItems") and value.__class__ is list:
        return [_normal(inner) for inner in value]
    return _normal(value) if key in ("items", "additionalProperties", "not") else value
