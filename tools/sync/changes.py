"""What changed between two digests: one `Change` for each fact that came, went or is another now."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .expressions import members

# Kind of change -> its title. Those of the first table may break a program that uses the client.
BREAKING = {
    "-operation": "operations removed",
    "~operation": "operations changed",
    "-webhook": "webhooks removed",
    "-parameter": "parameters removed",
    "+required": "parameters and fields now required",
    "-type": "types removed",
    "~kind": "types that are of another kind now",
    "-field": "fields removed",
    "~type": "types changed",
    "-member": "union members removed",
    "-value": "enum values removed",
    "-null": "null no longer taken",
    "+null": "received fields that may now be null or left out",
}
HARMLESS = {
    "+operation": "operations",
    "+webhook": "webhooks",
    "+type": "types",
    "+parameter": "parameters",
    "+field": "fields",
    "+member": "union members",
    "+value": "enum values",
    "+optional": "parameters and fields that may now be null or left out",
    "+certain": "received fields that are no longer null or left out",
    "~default": "defaults",
    "~format": "formats",
    "+deprecated": "deprecations",
    "-deprecated": "deprecations taken back",
    "~detail": "details of operations",
}
PLACES = ("path", "query", "header")
DETAILS = frozenset(("id", "status", "accept", "bodyopt", "file", "default", "deprecated", "deprecated_params"))


@dataclass(frozen=True)
class Change:
    """One fact that changed: a kind from the tables above, where in the digest, and what it was or is."""

    kind: str
    where: str
    what: str = ""

    @property
    def breaking(self) -> bool:
        """Whether a program that uses the client may have to change."""
        return self.kind in BREAKING


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return what changed from one digest to another, in the order of the tables, sorted by place."""
    found = [*_operations(old["operations"], new["operations"]), *_webhooks(old["webhooks"], new["webhooks"])]
    found += _types(old["types"], new["types"])
    order = {kind: number for number, kind in enumerate([*BREAKING, *HARMLESS])}
    return sorted(found, key=lambda change: (order[change.kind], change.where, change.what))


# ------------------------------------------------------------------------------------------------------ operations
def _operations(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in new.keys() - old.keys():
        yield Change("+operation", key, new[key].get("call", ""))
    for key in old.keys() - new.keys():
        yield Change("-operation", key, old[key].get("call", ""))
    for key in old.keys() & new.keys():
        yield from _operation(key, old[key], new[key])


def _operation(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    title = old.get("call") or key
    for place in PLACES:
        yield from _fields(title, old.get(place, {}), new.get(place, {}), "i", "parameter")
    yield from _bodies(title, old.get("body", {}), new.get("body", {}))
    for name in sorted((old.keys() | new.keys()) - {*PLACES, *DETAILS, "body"}):
        if old.get(name) != new.get(name):
            yield Change("~operation", f"{title}: {name}", f"{_said(old.get(name))} -> {_said(new.get(name))}")
    if old.get("bodyopt") and "body" in new and not new.get("bodyopt"):
        yield Change("+required", f"{title}: body")
    for name in ("accept", "bodyopt", "file", "status"):
        if old.get(name) != new.get(name):
            yield Change("~detail", f"{title}: {name}", f"{_said(old.get(name))} -> {_said(new.get(name))}")
    yield from _values_by_name("~default", title, old.get("default", {}), new.get("default", {}))
    before = [*(["(all of it)"] if old.get("deprecated") else []), *old.get("deprecated_params", ())]
    after = [*(["(all of it)"] if new.get("deprecated") else []), *new.get("deprecated_params", ())]
    yield from _deprecations(title, before, after, " ")


def _bodies(title: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for media in old.keys() | new.keys():
        if media not in old:
            yield Change("+required" if not old else "~detail", f"{title}: {media} body", new[media])
        elif old[media] != new.get(media):
            yield Change("~operation", f"{title}: {media} body", f"{old[media]} -> {new.get(media, 'nothing')}")


def _webhooks(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in new.keys() - old.keys():
        yield Change("+webhook", name, new[name])
    for name in old.keys() - new.keys():
        yield Change("-webhook", name, old[name])
    for name in old.keys() & new.keys():
        yield from _expressions(f"webhook {name}", old[name], new[name], "o")


# ----------------------------------------------------------------------------------------------------------- types
def _types(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in new.keys() - old.keys():
        yield Change("+type", name)
    for name in old.keys() - new.keys():
        yield Change("-type", name)
    for name in old.keys() & new.keys():
        before, after = old[name], new[name]
        use = before.get("use", "") + after.get("use", "")
        if ("fields" in before) != ("fields" in after):
            yield Change("~kind", name)
        elif "fields" in before:
            yield from _fields(name, before["fields"], after["fields"], use, "field")
        else:
            yield from _expressions(name, before["is"], after["is"], use)
        if before.get("rest") != after.get("rest"):
            yield Change("~type", f"{name}: other keys", f"{_said(before.get('rest'))} -> {_said(after.get('rest'))}")
        yield from _values_by_name("~default", name, before.get("default", {}), after.get("default", {}))
        yield from _values_by_name("~format", name, before.get("format", {}), after.get("format", {}))
        yield from _deprecations(name, before.get("deprecated", ()), after.get("deprecated", ()), ".")


def _fields(where: str, old: Mapping[str, str], new: Mapping[str, str], use: str, word: str) -> Iterator[Change]:
    before = {key.rstrip("?"): (not key.endswith("?"), text) for key, text in old.items()}
    after = {key.rstrip("?"): (not key.endswith("?"), text) for key, text in new.items()}
    join = "." if word == "field" else " "
    for name in after.keys() - before.keys():
        required, text = after[name]
        yield Change("+required" if required and "i" in use else f"+{word}", f"{where}{join}{name}", text)
    for name in before.keys() - after.keys():
        yield Change(f"-{word}", f"{where}{join}{name}", before[name][1])
    for name in before.keys() & after.keys():
        place = f"{where}{join}{name}"
        if before[name][0] and not after[name][0]:
            yield Change("+null" if "o" in use else "+optional", place, "may be left out")
        elif after[name][0] and not before[name][0]:
            yield Change("+required" if "i" in use else "+certain", place, after[name][1])
        yield from _expressions(place, before[name][1], after[name][1], use)


def _expressions(where: str, old: str, new: str, use: str) -> Iterator[Change]:
    (values, others), (new_values, new_others) = _taken_apart(old), _taken_apart(new)
    for value in [v for v in new_values if v not in values]:
        yield Change("+value", where, repr(value))
    for value in [v for v in values if v not in new_values]:
        yield Change("-value", where, repr(value))
    came = [m for m in new_others if m not in others]
    gone = [m for m in others if m not in new_others]
    if "None" in came:
        yield Change("+null" if "o" in use else "+optional", where, "may be null")
    if "None" in gone:
        yield Change("-null" if "i" in use else "+certain", where)
    came, gone = [m for m in came if m != "None"], [m for m in gone if m != "None"]
    if came and gone:
        yield Change("~type", where, f"{' | '.join(gone)} -> {' | '.join(came)}")
    for member in came if not gone else gone if not came else ():
        yield Change("+member" if came else "-member", where, member)


def _taken_apart(text: str) -> tuple[list[object], list[str]]:
    """Return the values of the enums of a union, and its other members."""
    values: list[object] = []
    others: list[str] = []
    for member in members(text):
        if member.startswith("Literal["):
            values += ast.literal_eval(member.removeprefix("Literal"))
        else:
            others.append(member)
    return values, others


def _values_by_name(kind: str, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in old.keys() | new.keys():
        if old.get(name) != new.get(name):
            yield Change(kind, f"{where}.{name}", f"{_said(old.get(name))} -> {_said(new.get(name))}")


def _deprecations(where: str, old: list[str] | tuple[str, ...], new: list[str] | tuple[str, ...], join: str) -> Iterator[Change]:
    for name in set(new) - set(old):
        yield Change("+deprecated", f"{where}{join}{name}")
    for name in set(old) - set(new):
        yield Change("-deprecated", f"{where}{join}{name}")


def _said(value: object) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else repr(value)
