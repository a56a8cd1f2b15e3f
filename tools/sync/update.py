"""One `make sync`: from the bytes of a document to the tables that follow from it, all in memory.

A name once given to a type or a method never moves: what is new gets a name here, by rule, and keeps it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import spec
from .carried import carried_over
from .changes import Change, compare
from .digest import Digest, dump
from .document import Document
from .forms import step
from .naming import Names, call_of, packaged
from .readable import UnreadableError

HERE = Path(__file__).parent
FROM_EXTRA = ("call", "send", "http", "stream")  # what the overlay takes over of an operation that the document now has too


@dataclass(frozen=True)
class Tables:
    """The facts that are committed: what the files of the same names hold."""

    digest: dict[str, Any]
    digest_extra: dict[str, Any]
    names: dict[str, dict[str, Any]]
    overlay: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, folder: Path = HERE) -> Tables:
        """Read the committed tables."""
        names = ("digest", "digest_extra", "names", "overlay")
        return cls(*[json.loads((folder / f"{name}.json").read_text("utf-8")) for name in names])

    def texts(self) -> dict[str, str]:
        """Return file name -> text, a line for each entry, so that a diff can be read."""
        return {
            "digest.json": dump(self.digest),
            "digest_extra.json": dump(self.digest_extra),
            "names.json": rows(self.names),
            "overlay.json": rows(self.overlay),
        }


@dataclass(frozen=True)
class Update:
    """What a document makes of the tables.

    Attributes:
        tables: as they are to be written.
        changes: from the digest before to the one now.
        named: places that got names, and operations that got methods, which a person may want to look at.
        notes: what is odd about the document.
    """

    tables: Tables
    changes: list[Change]
    named: dict[str, str]
    notes: list[str]


def rows(table: Mapping[str, Any]) -> str:
    """Return a table as JSON, a line for each entry, sorted."""
    return "{\n" + ",\n".join([f" {json.dumps(key)}: {json.dumps(table[key])}" for key in sorted(table)]) + "\n}\n"


def update(raw: bytes, tables: Tables, source: str = "the document") -> Update:
    """Read a document beside the tables that are known.

    Raises:
        SpecError: it is no JSON.
        UnreadableError: something in it cannot be read; each place is named.
        DanglingError: the extra digest needs a type that is gone.
    """
    document = Document(spec.parse(raw, source))
    overlay = {**tables.overlay, **_new_methods(document, tables)}
    names = {**tables.names, **_new_names(document, tables.names, overlay)}
    digest = Digest(document, Names(names), overlay)
    names |= _settled(digest, names)
    digest = Digest(document, Names(names), overlay)
    whole = digest.whole(hashlib.sha256(raw).hexdigest())
    _check_methods(whole, tables.digest_extra)
    extra = carried_over(tables.digest_extra, tables.digest, whole)
    named = {place: names[place]["name"] for place in names if tables.names.get(place) != names[place]}
    named |= {key: overlay[key]["call"] for key in overlay if key not in tables.overlay}
    after = Tables(whole, extra, names, overlay)
    return Update(after, compare(tables.digest, whole), named, [*digest.notes, *_left_over(whole, overlay)])


# ----------------------------------------------------------------------------------------------------------- names
def _new_methods(document: Document, tables: Tables) -> dict[str, dict[str, Any]]:
    """Return overlay entries for operations without a method: as the extra digest has it, else by rule."""
    entries = Digest(document, Names(tables.names), tables.overlay).operations
    ordered = sorted(entries.items(), key=lambda each: each[0].startswith("GET "))  # what fetches tells most about a path: it goes last
    known = {key.partition(" ")[2]: entry["call"] for key, entry in ordered if "call" in entry}
    out: dict[str, dict[str, Any]] = {}
    for key in sorted(entries, key=lambda key: (key.count("/"), key)):  # what is inside of something is named after it
        verb, _, path = key.partition(" ")
        official = tables.digest_extra.get("operations", {}).get(key)
        if "call" in entries[key]:
            continue
        if official:
            out[key] = {name: official[name] for name in FROM_EXTRA if name in official}
        else:
            out[key] = {"call": call_of(verb, path, known, "page" in entries[key])}
        known.setdefault(path, out[key]["call"])
    return out


def _new_names(document: Document, names: dict[str, Any], overlay: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    digest = Digest(document, Names(names), overlay)
    new = {name: place for name, place in digest.place_of.items() if place not in names and place + "|" not in names}
    full = packaged(new, digest.types, digest.operations)
    return {new[name]: {"name": full[name]} for name in new}


def _settled(digest: Digest, names: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return entries for the places whose type could not have the name in the table, for another has it."""
    wrong = {place: name for name, place in digest.place_of.items() if names.get(place, {"name": name})["name"] != name}
    return {place: {**names[place], "name": name} for place, name in wrong.items() if place + "|" not in names}


# ---------------------------------------------------------------------------------------------------------- checks
def _check_methods(digest: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    """No method may stand for two operations."""
    operations = {**extra.get("operations", {}), **digest["operations"]}
    count = Counter(entry["call"] for entry in operations.values() if "call" in entry)
    faults: list[tuple[str, str]] = []
    for key, entry in operations.items():
        if count[entry.get("call", "")] > 1:
            verb, _, path = key.partition(" ")
            faults.append((step("#/paths", path, verb.lower()), f"its method {entry['call']} is another's too: give one in overlay.json"))
    if faults:
        raise UnreadableError(faults)


def _left_over(digest: Mapping[str, Any], overlay: Mapping[str, Any]) -> list[str]:
    return [f"overlay.json tells of {key}, which the document does not have" for key in overlay if key not in digest["operations"]]
