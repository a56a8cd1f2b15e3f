"""The echo model: answers that a test can foretell, from the request alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

__all__ = ["call_arguments", "echo", "instance", "is_object", "nested", "objects", "text_of", "tokens", "wanted_tools"]

TOKEN = re.compile(r"\s*\w{1,8}|\s*[^\w\s]|\s+")
WORD = re.compile(r"[A-Z][\w'-]+")
DEPTH = 16

JSON = dict[str, Any]


def tokens(text: str) -> list[str]:
    """Cut a text into pieces of about the size of tokens; joined they are the text."""
    return TOKEN.findall(text)


def is_object(value: object) -> TypeGuard[JSON]:
    """Whether a parsed JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a parsed JSON value is a list."""
    return isinstance(value, list)


def nested(value: JSON, name: str) -> JSON:
    """Return the object that `value` has under a name; an empty one where it has none."""
    inner = value.get(name)
    return inner if is_object(inner) else {}


def objects(value: Any) -> list[JSON]:
    """Return the objects of what should be a list of objects."""
    return [item for item in value if is_object(item)] if is_list(value) else []


def text_of(content: Any) -> str:
    """Return the text in the content of a message: a string, or parts of which some have text."""
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in objects(content) if isinstance(part.get("text"), str))


def echo(asked: str, tool_results: list[str]) -> str:
    """Say the last words of the user again, or what the tools had to say."""
    if tool_results:
        return "The tool says: " + "; ".join(tool_results)
    return f"You said: {asked}" if asked else "You said nothing."


def wanted_tools(tools: list[JSON], choice: Any, asked: str, parallel: bool) -> list[JSON]:
    """Choose among function tools (`name`, `parameters`): the one that is asked for, those the user speaks of, else the first."""
    if choice == "none":
        return []
    if is_object(choice):
        named = choice.get("name") or choice.get("function", {}).get("name")
        chosen = [tool for tool in tools if tool["name"] == named]
        return chosen or tools[:1]
    mentioned = [tool for tool in tools if _mentioned(tool["name"], asked.lower())]
    return (mentioned if parallel else mentioned[:1]) or tools[:1]


def _mentioned(name: str, asked: str) -> bool:
    return any(word in asked for word in re.split(r"[\W_]+", name.lower()) if len(word) > 3)


def call_arguments(tool: JSON, asked: str) -> str:
    """Return the JSON text of the arguments for a call of `tool`; a place or a name in the user's words finds its way into them."""
    schema = tool.get("parameters")
    words = WORD.findall(asked)
    return json.dumps(instance(schema if is_object(schema) else {"type": "object"}, hint=words[-1] if words else ""))


def instance(schema: JSON, name: str = "value", hint: str = "", root: JSON | None = None, depth: int = 0) -> Any:
    """Return a value that fits a JSON schema: always the same for the same schema."""
    root = schema if root is None else root
    if depth > DEPTH:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    inner = _chosen(schema, root)
    if inner is not None:
        return instance(inner, name, hint, root, depth + 1)
    return _of_type(schema, name, hint, root, depth)


def _chosen(schema: JSON, root: JSON) -> JSON | None:
    """Return the schema that stands behind a reference, or the first useful one of several."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _resolved(reference, root)
    for key in ("anyOf", "oneOf"):
        options: list[JSON] = schema.get(key) or []
        useful = [option for option in options if option.get("type") != "null"]
        if useful:
            return useful[0]
    if schema.get("allOf"):
        merged: JSON = {}
        for part in schema["allOf"]:
            merged.update(_resolved(part["$ref"], root) if "$ref" in part else part)
        return merged
    return None


def _resolved(reference: str, root: JSON) -> JSON:
    found: Any = root
    for step in reference.lstrip("#/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if step and is_object(found) else found
    return found if is_object(found) else {}


def _kind(schema: JSON) -> str | None:
    """Return the type of a schema; of several, the first that is not null."""
    kind = schema.get("type")
    return next((one for one in kind if one != "null"), "null") if is_list(kind) else kind


def _of_type(schema: JSON, name: str, hint: str, root: JSON, depth: int) -> Any:
    kind = _kind(schema)
    if kind == "object" or (kind is None and "properties" in schema):
        fields: Mapping[str, JSON] = schema.get("properties") or {}
        if depth > DEPTH // 2:  # a type that contains itself: only what it must have
            fields = {key: fields[key] for key in schema.get("required", ()) if key in fields}
        return {key: instance(field, key, hint, root, depth + 1) for key, field in fields.items()}
    if kind == "array":
        count = max(schema.get("minItems", 0), 0 if depth > DEPTH // 2 else 1)
        return [instance(schema.get("items") or {}, name, hint, root, depth + 1) for _ in range(min(count, 100))]
    return _scalar(schema, kind, name, hint)


def _scalar(schema: JSON, kind: Any, name: str, hint: str) -> Any:
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1 if "exclusiveMinimum" in schema else 1)
        value = min(low, schema["maximum"]) if "maximum" in schema else low
        return int(value) if kind == "integer" else float(value)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    return _string(schema, name, hint)


_FORMATS = {
    "date-time": "2025-01-01T12:00:00Z",
    "date": "2025-01-01",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
}


def _string(schema: JSON, name: str, hint: str) -> str:
    text = _FORMATS.get(schema.get("format", ""), hint or name.replace("_", " "))
    text = text.ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]
