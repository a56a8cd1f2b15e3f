"""What the extra digest needs when the document changes: a type that only it refers to any longer is kept in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .extra import fitted
from .facts import references
from .naming import mentioned


class DanglingError(LookupError):
    """The extra digest refers to types that nobody has; the message names them and the places."""


def carried_over(extra: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extra digest to be kept beside a new digest.

    Types and operations that the new digest has are left to it. Types that the extra digest refers to and that are in the old
    digest only move into it.

    Raises:
        DanglingError: it refers to a type that neither digest has.
    """
    types = {name: entry for name, entry in extra.get("types", {}).items() if name not in new["types"]}
    operations = {key: entry for key, entry in extra.get("operations", {}).items() if key not in new["operations"]}
    kept = {**extra, "operations": operations, "types": types}
    todo = list(_mentions(fitted(kept, new)))
    lost: list[str] = []
    while todo:
        name, where = todo.pop()
        if name in new["types"] or name in types:
            continue
        if name in old["types"]:
            types[name] = old["types"][name]
            todo += [(inner, f"types {name}") for inner in mentioned(types[name])]
        else:
            lost.append(f"digest_extra.json, {where}: {name} is no type of the document any more")
    if lost:
        raise DanglingError("\n".join(sorted(set(lost))))
    return {**kept, "types": dict(sorted(types.items()))}


def _mentions(extra: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the types that an extra digest refers to, each with the place."""
    texts = [(text, f"operations {key}") for key, entry in extra["operations"].items() for text in expressions_of(entry)]
    texts += [(text, f"more_fields {name}") for name, fields in extra["more_fields"].items() for text in fields.values()]
    texts += [(text, f"more_members {name}") for name, more in extra["more_members"].items() for text in more]
    for text, where in texts:
        yield from [(name, where) for name in references(text)]
    for name, entry in extra["types"].items():
        yield from [(inner, f"types {name}") for inner in mentioned(entry)]


def expressions_of(operation: Mapping[str, Any]) -> list[str]:
    """Return the type expressions in the entry of an operation."""
    texts = [text for place in ("path", "query", "header", "body") for text in operation.get(place, {}).values()]
    texts += [operation.get("returns", ""), operation.get("stream", {}).get("event", ""), operation.get("page", {}).get("item", "")]
    return [text for text in texts if text and text != "bytes"]
