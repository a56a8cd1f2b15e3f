"""Whether a document can be read: every keyword, reference and media type in it must be one that the reader knows.

The reader (`document.py`, `operations.py`) takes a checked document for granted. What it would get wrong in silence is
refused here, all of it at once, each fault with its place as a JSON pointer (RFC 6901).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .forms import misshapen, step
from .kinds import table

VERBS = ("get", "post", "put", "patch", "delete")
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
SCHEMA_ROOT = "#/components/schemas/"
REQUEST_MEDIA = re.compile(r"application/(json|sdp|x-www-form-urlencoded)|multipart/form-data")
ANSWER_MEDIA = re.compile(r"application/(json|octet-stream|sdp|zip|pdf)|text/(event-stream|plain|csv|vtt)|(audio|image|video)/[\w.+-]+")
SECURITY = frozenset(("ApiKeyAuth", "AdminApiKeyAuth"))
PARAMETER_STYLES = {"path": {"simple"}, "query": {"form", "deepObject"}, "header": {"simple"}}


# What a schema may say: what the reader acts upon, and what changes no type (the last three are misspelt so in the published document).
_ACTED_UPON = """
    $ref $recursiveRef $recursiveAnchor type properties required items additionalProperties allOf anyOf oneOf enum const nullable
    discriminator format default deprecated
"""
_IDLE = """
    title description summary example examples externalDocs $comment readOnly writeOnly xml minimum maximum exclusiveMinimum
    exclusiveMaximum multipleOf minLength maxLength pattern minItems maxItems uniqueItems minProperties maxProperties propertyNames
    contentEncoding contentMediaType not optional min_items max_items
"""
READ = frozenset(_ACTED_UPON.split())
IDLE = frozenset(_IDLE.split())
BESIDE_REFERENCE = IDLE | {"$ref", "default", "deprecated", "nullable", "type"}


class UnreadableError(ValueError):
    """A document cannot be read; each line of the message starts with the place.

    Attributes:
        faults: (JSON pointer, what is wrong there) for each.
    """

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("\n".join([f"{pointer}: {reason}" for pointer, reason in faults]))
        self.faults = faults


def check(document: Any) -> None:
    """Make sure that a parsed document can be read.

    Raises:
        UnreadableError: it cannot; all faults are in it.
    """
    faults = [*misshapen(document, "document", "#")] or [*_Reading(document).faults()]
    if faults:
        raise UnreadableError(faults)


def types_of(schema: dict[str, Any]) -> list[Any]:
    """Return the types that a schema names, one or several or none."""
    kinds: Any = schema.get("type", [])
    return list(kinds) if isinstance(kinds, list) else [kinds]  # pyright: ignore[reportUnknownArgumentType]  # a list from JSON


class _Reading:
    """One look at a whole document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})

    def faults(self) -> Iterator[tuple[str, str]]:
        """Tell what is wrong, from the top of the document down."""
        version = self.document.get("openapi")
        if not isinstance(version, str) or not version.startswith("3."):
            yield "#/openapi", f"is {version!r}; OpenAPI 3 is what is read here"
        if not {"title", "version"} <= self.document.get("info", {}).keys():
            yield "#/info", "has no title and version"
        yield from self._paths()
        yield from self._webhooks()
        for name, schema in self.schemas.items():
            pointer = step("#/components/schemas", name)
            yield from self._schema(schema, pointer)
            yield from self._circle(name, pointer)

    # ------------------------------------------------------------------------------------------------- operations
    def _paths(self) -> Iterator[tuple[str, str]]:
        paths = self.document.get("paths")
        if paths is None:
            yield "#/paths", "is missing"
            return
        found: list[tuple[str, dict[str, Any], str]] = []
        for path, item in paths.items():
            for verb, operation in item.items():
                pointer = step("#/paths", path, verb)
                if verb in VERBS:
                    found.append((pointer, operation, path))
                elif verb not in ("description", "summary") and not verb.startswith("x-"):
                    yield pointer, f"{verb!r} of a path is not read here"
        ids = Counter(operation.get("operationId") for _, operation, _ in found)
        for pointer, operation, path in found:
            name = operation.get("operationId")
            if not name or ids[name] > 1:
                yield pointer, f"operationId {name!r} is another's too" if name else "has no operationId"
            yield from self._parameters(operation, pointer, path)
            yield from self._body(operation, pointer)
            yield from self._answers(operation, pointer)
            yield from self._security(operation, pointer)

    def _parameters(self, operation: dict[str, Any], pointer: str, path: str) -> Iterator[tuple[str, str]]:
        declared: set[str] = set()
        for number, parameter in enumerate(operation.get("parameters", ())):
            here = step(pointer, "parameters", number)
            if not {"name", "in", "schema"} <= parameter.keys():
                yield here, "a parameter without a name, a place and a schema of its own is not read here"
                continue
            place = parameter.get("in")
            if place not in PARAMETER_STYLES:
                yield here, f"a parameter in {place!r} is not read here"
            elif parameter.get("style") not in PARAMETER_STYLES[place] | {None}:
                yield here, f"style {parameter['style']!r} of a {place} parameter is not read here"
            if place == "path":
                declared.add(parameter["name"])
            yield from self._schema(parameter["schema"], step(here, "schema"))
        templated = set(re.findall(r"\{([^}]*)\}", path))
        if templated != declared:
            yield pointer, f"path parameters {sorted(declared)} are not those of the template, {sorted(templated)}"

    def _body(self, operation: dict[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
        if "requestBody" not in operation:
            return
        here = step(pointer, "requestBody")
        if "content" not in operation["requestBody"]:
            yield here, "has no content of its own"
        yield from self._content(operation["requestBody"].get("content", {}), here, REQUEST_MEDIA, True)

    def _answers(self, operation: dict[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
        answers = operation.get("responses", {})
        good = [code for code in answers if re.fullmatch(r"2\d\d", code)]
        if len(good) != 1:
            yield step(pointer, "responses"), f"has {len(good)} successful answers, not one"
        for code in good:
            here = step(pointer, "responses", code)
            if "$ref" in answers[code]:
                yield here, "an answer that stands elsewhere is not read here"
            yield from self._content(answers[code].get("content", {}), here, ANSWER_MEDIA, False)

    def _content(self, content: dict[str, Any], pointer: str, known: re.Pattern[str], needs_schema: bool) -> Iterator[tuple[str, str]]:
        for kind, media in content.items():
            here = step(pointer, "content", kind)
            if not known.fullmatch(kind):
                yield here, f"media type {kind!r} is not read here"
            elif "schema" in media:
                yield from self._schema(media["schema"], step(here, "schema"))
            elif needs_schema:
                yield here, "has no schema"

    def _security(self, operation: dict[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
        for scheme in sorted({name for choice in operation.get("security") or () for name in choice} - SECURITY):
            yield step(pointer, "security"), f"scheme {scheme!r} is not known here"

    def _webhooks(self) -> Iterator[tuple[str, str]]:
        for name, item in self.document.get("webhooks", {}).items():
            here = step("#/webhooks", name)
            content = item.get("post", {}).get("requestBody", {}).get("content", {})
            if "schema" in content.get("application/json", {}):
                yield from self._content(content, step(here, "post", "requestBody"), REQUEST_MEDIA, True)
            else:
                yield here, "posts no JSON with a schema"

    # ---------------------------------------------------------------------------------------------------- schemas
    def _schema(self, given: Any, pointer: str) -> Iterator[tuple[str, str]]:
        schema = table(given)
        if schema is None:
            return
        known = BESIDE_REFERENCE if "$ref" in schema else READ | IDLE
        for keyword in schema:
            if keyword not in known and not keyword.startswith("x-"):
                yield step(pointer, keyword), "keyword is not read here" + " beside a $ref" * (keyword in READ)
        yield from self._plain_keywords(schema, pointer)
        for keyword in ("allOf", "anyOf", "oneOf"):
            if schema.get(keyword) == []:
                yield step(pointer, keyword), "is empty"
            for number, inner in enumerate(schema.get(keyword, ())):
                if isinstance(inner, bool):
                    yield step(pointer, keyword, number), "true or false as a part is not read here"
                yield from self._schema(inner, step(pointer, keyword, number))
        for name, inner in schema.get("properties", {}).items():
            yield from self._schema(inner, step(pointer, "properties", name))
        for keyword in ("items", "additionalProperties"):
            if keyword in schema:
                yield from self._schema(schema[keyword], step(pointer, keyword))

    def _plain_keywords(self, schema: dict[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
        reference = schema.get("$ref")
        if reference is not None and self._target(reference) is None:
            yield step(pointer, "$ref"), f"{reference!r} leads to no schema"
        for kind in types_of(schema):
            if kind not in SCALARS and kind not in ("object", "array"):
                yield step(pointer, "type"), f"type {kind!r} is not known"
        values = [schema["const"]] if "const" in schema else schema.get("enum", [None])
        if not values or any(isinstance(value, (dict, list)) for value in values):
            yield step(pointer, "enum"), "an enum of anything but scalars is not read here"
        if schema.get("$recursiveRef", "#") != "#":
            yield step(pointer, "$recursiveRef"), "leads elsewhere than to the schema itself"

    def _target(self, reference: str) -> str | None:
        name = reference.removeprefix(SCHEMA_ROOT)
        return name if reference.startswith(SCHEMA_ROOT) and name in self.schemas else None

    def _circle(self, name: str, pointer: str) -> Iterator[tuple[str, str]]:
        """A schema that is made of itself has no end; one that has itself in a field is well."""
        seen: set[str] = set()
        todo = self._made_of(self.schemas[name])
        while todo:
            other = todo.pop()
            if other == name:
                yield pointer, "is made of itself"
                return
            if other not in seen:
                seen.add(other)
                todo += self._made_of(self.schemas[other])

    def _made_of(self, given: Any) -> list[str]:
        schema = table(given) or {}
        parts: list[Any] = [part for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword) or ()]
        inner = [name for part in parts for name in self._made_of(part)]
        target = self._target(str(schema.get("$ref")))
        return [*inner, target] if target else inner
