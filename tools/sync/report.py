"""Tells people what changed: the report of `make sync`, which takes a minute to read, and the lines for the changelog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from .changes import BREAKING, HARMLESS, Change

LINES = 12  # of a group, before it is cut
FEW = 4  # names or values on a line
WIDTH = 100  # of a place, and of what happened there
MARK = "<!-- made by `make sync`: say in your own words what users get from it -->"
UNRELEASED = "## [Unreleased]\n"
HEADING = "### The API"
COUNTED = ("operation", "parameter", "type", "field", "value", "member", "webhook")
PLAIN = {"value": "enum value", "member": "union member"}


def report(changes: Sequence[Change], old: Mapping[str, Any], new: Mapping[str, Any], whole: bool = False) -> str:
    """Return the report: what may break first, then what came; `whole` cuts no list."""
    if not changes:
        return f"{told(new)}: nothing changed\n"
    rows = [f"{told(old)} -> {told(new)}", ""]
    for title, kinds in (("MAY BREAK PROGRAMS", BREAKING), ("NEW, OR HARMLESS", HARMLESS)):
        some = [change for change in changes if change.kind in kinds]
        if some:
            rows += [f"{title} ({len(some)})", *_groups(some, kinds, whole), ""]
    return "\n".join(rows)


def told(source: Mapping[str, Any]) -> str:
    """Return the name of a document: its title, its version, and the start of its checksum."""
    return f"{source['title']} {source['version']} ({source['sha256'][:8]})"


def _groups(changes: list[Change], kinds: Mapping[str, str], whole: bool) -> list[str]:
    rows: list[str] = []
    for kind, some in groupby(changes, key=lambda change: change.kind):
        group = list(some)
        rows.append(f"  {kinds[kind]}: {len(group)}")
        if whole:
            rows += [f"    {change.where}  {change.what}".rstrip() for change in group]
        else:
            rows += [f"    {line}" for line in cut(_by_package(group) if kind in ("+type", "-type") else _by_place(group))]
    return rows


def _by_place(changes: list[Change]) -> list[str]:
    """One line for all places where the same happened: the first of them, how many more, what."""
    together: dict[str, list[str]] = {}
    for change in changes:
        together.setdefault(change.where, []).append(change.what)
    places: dict[str, list[str]] = {}
    for where, whats in together.items():
        places.setdefault(_few([what for what in whats if what], ", "), []).append(where)
    return [f"{shortened(wheres[0])}{_others(wheres)}  {shortened(what)}".rstrip() for what, wheres in places.items()]


def _others(wheres: list[str]) -> str:
    return f" (and {len(wheres) - 1} more)" if len(wheres) > 1 else ""


def _by_package(changes: list[Change]) -> list[str]:
    packages: dict[str, list[str]] = {}
    for change in changes:
        package, _, name = change.where.rpartition(".")
        packages.setdefault(package or "(no package)", []).append(name)
    return [f"{package}: {len(names)}  {_few(names, ', ')}" for package, names in sorted(packages.items(), key=lambda p: -len(p[1]))]


def _few(parts: list[str], between: str) -> str:
    """Join the first parts, and tell how many more there are."""
    return between.join([*parts[:FEW], *([f"and {len(parts) - FEW} more"] if len(parts) > FEW else [])])


def cut(lines: list[str]) -> list[str]:
    """Return the first lines of a list, and how many more there are."""
    return lines if len(lines) <= LINES + 1 else [*lines[:LINES], f"and {len(lines) - LINES} more"]


def shortened(text: str) -> str:
    """Return a text that leaves room for another beside it on a line."""
    return text if len(text) <= WIDTH else text[: WIDTH - 4] + " ..."


# ------------------------------------------------------------------------------------------------------- changelog
def stub(changes: Sequence[Change]) -> list[str]:
    """Return the lines for the changelog: counted facts."""
    count = {kind: sum(change.kind == kind for change in changes) for kind in (*BREAKING, *HARMLESS)}
    rows = [
        f"- {word}: {_counted(count, sign)}."
        for word, sign in (("Added", "+"), ("Removed", "-"))
        if any(count.get(sign + noun) for noun in COUNTED)
    ]
    removed = {f"-{noun}" for noun in COUNTED}
    others = sum(change.breaking and change.kind not in removed for change in changes)
    rows += [f"- Changed in a way that may break programs: {plural(others, 'fact')}."] if others else []
    rows += [f"- Deprecated: {plural(count['+deprecated'], 'fact')}."] if count["+deprecated"] else []
    return rows


def _counted(count: Mapping[str, int], sign: str) -> str:
    return ", ".join([plural(count[sign + noun], PLAIN.get(noun, noun)) for noun in COUNTED if count.get(sign + noun)])


def plural(number: int, noun: str) -> str:
    """Return "1 field" or "2 fields"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def with_stub(changelog: str, lines: Iterable[str]) -> str:
    """Return the changelog with lines under "Unreleased", each once, in a section that says how they came there.

    Raises:
        ValueError: there is no "Unreleased" in it.
    """
    if UNRELEASED not in changelog:
        raise ValueError(f"the changelog has no line {UNRELEASED.strip()!r}")
    before, heading, rest = changelog.partition(UNRELEASED)
    current, next_release, older = rest.partition("\n## ")
    missing = [line for line in lines if line not in current.splitlines()]
    if not missing:
        return changelog
    new = "".join([f"{line}\n" for line in missing])
    start = f"{HEADING}\n\n{MARK}\n"
    if start in current:
        current = current.replace(start, start + new, 1)
    else:
        current = "\n".join([current.rstrip("\n"), "", start + new]) if current.strip("\n") else f"\n{start}{new}"
    return before + heading + current + next_release + older
