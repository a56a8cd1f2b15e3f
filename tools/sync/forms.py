"""The forms of an OpenAPI document: which keyword holds a text, a list, an object, and of what. Who reads it may then rely on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .kinds import table

# Form -> keyword -> form of its value. "[x]" is a list of x, "{x}" an object whose values are x; what is not named may be anything.
FORMS: dict[str, dict[str, str]] = {
    "document": {"openapi": "text", "info": "info", "paths": "{item}", "webhooks": "{item}", "components": "components"},
    "info": {"title": "text", "version": "text"},
    "components": {"schemas": "{schema}"},
    "item": dict.fromkeys(("get", "post", "put", "patch", "delete"), "operation"),
    "operation": {
        "operationId": "text",
        "parameters": "[parameter]",
        "requestBody": "request",
        "responses": "{answer}",
        "security": "[object]",
    },
    "parameter": {"name": "text", "in": "text", "style": "text", "schema": "schema"},
    "request": {"content": "{media}"},
    "answer": {"content": "{media}"},
    "media": {"schema": "schema"},
    "object": {},
    "schema": {
        "$ref": "text",
        "type": "types",
        "format": "text",
        "properties": "{schema}",
        "required": "[text]",
        "items": "schema",
        "additionalProperties": "schema",
        "allOf": "[schema]",
        "anyOf": "[schema]",
        "oneOf": "[schema]",
        "enum": "[]",
        "discriminator": "discriminator",
    },
    "discriminator": {"propertyName": "text"},
}
NAMES = {"text": "text", "types": "a type or a list of types"}


def step(pointer: str, *keys: object) -> str:
    """Return the pointer to something inside of what `pointer` points to."""
    return "/".join([pointer, *[str(key).replace("~", "~0").replace("/", "~1") for key in keys]])


def misshapen(value: Any, form: str, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield the place of each value that does not have its form, and what it should be."""
    if form[0] == "[":
        yield from _list(value, form[1:-1], pointer)
    elif form[0] == "{":
        yield from _object(value, dict.fromkeys(table(value) or (), form[1:-1]), pointer)
    elif form == "text" or (form == "types" and not isinstance(value, list)):
        if not isinstance(value, str):
            yield pointer, f"is not {NAMES[form]}"
    elif form == "types":
        yield from _list(value, "text", pointer)
    elif form != "schema" or not isinstance(value, bool):  # true and false are schemas too
        yield from _object(value, FORMS[form], pointer)


def _list(value: Any, form: str, pointer: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield pointer, "is not a list"
        return
    entries: list[Any] = [*value]  # pyright: ignore[reportUnknownVariableType]  # of JSON
    for number, entry in enumerate(entries if form else ()):
        yield from misshapen(entry, form, step(pointer, number))


def _object(value: Any, forms: dict[str, str], pointer: str) -> Iterator[tuple[str, str]]:
    entries = table(value)
    if entries is None:
        yield pointer, "is not an object"
        return
    for key, form in forms.items():
        if key in entries:
            yield from misshapen(entries[key], form, step(pointer, key))
