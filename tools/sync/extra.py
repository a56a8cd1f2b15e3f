"""The extra digest beside a document that changes: what of it applies.

`digest_extra.json` holds what the official library offers beyond the document. What both know is taken from the document; what adds
to types or operations that the document does not have rests until it has them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ADDITIONS = ("more_fields", "more_members", "optional")  # by type; more_literals is by type or field, more_operation_facts by operation


def fitted(extra: Mapping[str, Any], digest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an extra digest applies beside a digest: operations and types that only it has, additions to what is there."""
    types = {name: entry for name, entry in extra.get("types", {}).items() if name not in digest["types"]}
    operations = {key: entry for key, entry in extra.get("operations", {}).items() if key not in digest["operations"]}
    known = {**digest["types"], **types}
    out = {**extra, "types": types, "operations": operations}
    for section in ADDITIONS:
        out[section] = {name: what for name, what in extra.get(section, {}).items() if name in known}
    out["more_fields"] = {name: _new_fields(known[name], fields) for name, fields in out["more_fields"].items() if "fields" in known[name]}
    out["more_members"] = {
        name: [member for member in more if member not in known[name]["is"].split(" | ")]
        for name, more in out["more_members"].items()
        if "is" in known[name]
    }
    out["more_literals"] = {p: values for p, values in extra.get("more_literals", {}).items() if "Literal[" in _expression(known, p)}
    facts = extra.get("more_operation_facts", {})
    out["more_operation_facts"] = {key: more for key, more in facts.items() if key in digest["operations"] or key in operations}
    calls = {operation.get("call") for operation in (*digest["operations"].values(), *operations.values())}
    out["params"] = {name: call for name, call in extra.get("params", {}).items() if call in calls}
    out["uses"] = {name: use for name, use in extra.get("uses", {}).items() if name in known}
    return out


def _new_fields(entry: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    known = {name.rstrip("?") for name in entry["fields"]}
    return {name: text for name, text in fields.items() if name.rstrip("?") not in known}


def _expression(types: Mapping[str, Any], place: str) -> str:
    """Return the expression of a type that is no object, or of a field; "" where there is neither."""
    if "is" in types.get(place, {}):
        text: str = types[place]["is"]
        return text
    name, _, field = place.rpartition(".")
    fields = types.get(name, {}).get("fields", {})
    return fields.get(field) or fields.get(field + "?") or ""
