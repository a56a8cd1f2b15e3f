"""Names of types and methods: those given once, kept in `names.json` and `overlay.json`, and rules for what is new."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .facts import references

DEPTH = 4  # how many times a package is handed down from the types that use to the types that are used


def camel(text: str) -> str:
    """ "incomplete_details" -> "IncompleteDetails"; a word that is in CamelCase stays so."""
    words = re.sub(r"[^0-9A-Za-z]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)).split()
    return "".join([word[:1].upper() + word[1:] for word in words])


def rule_name(place: str) -> str:
    """ "Response.incomplete_details" -> "ResponseIncompleteDetails"."""
    return camel(re.sub(r"[.|\[\]]+", " ", place.replace("{}", " value")))


def package(name: str) -> str:
    """ "responses.Response" -> "responses."; "" for a name without one."""
    return name[: name.rfind(".") + 1]


class Names:
    """Place in the document -> name of the type there: the one given to it once, else one by rule."""

    def __init__(self, table: Mapping[str, dict[str, Any]]) -> None:
        self.table = table

    def __contains__(self, place: str) -> bool:
        return place in self.table

    def of(self, place: str) -> str:
        """Return the name of a place."""
        entry = self.table.get(place)
        return entry["name"] if entry else rule_name(place)

    def choices(self, place: str) -> list[str]:
        """Return the names that a place may have, best first; the later ones for when another type has the first."""
        name = self.of(place)
        ruled = package(name) + rule_name(place)
        return [name, ruled, ruled + "Alt"]


def mentioned(entry: Mapping[str, Any]) -> list[str]:
    """Return the names of types that an entry of the digest's types refers to."""
    return [name for text in (entry.get("is", ""), entry.get("rest", ""), *entry.get("fields", {}).values()) for name in references(text)]


# ---------------------------------------------------------------------------------------------------------- types
def packaged(names: Iterable[str], types: Mapping[str, Any], operations: Mapping[str, Any]) -> dict[str, str]:
    """Return a full name for each new type that has no package: in the package of the types and methods that use it most."""
    users: dict[str, Counter[str]] = {}

    def vote(used: Iterable[str], where: str) -> None:
        for name in used:
            users.setdefault(name, Counter())[where] += 1

    known = {package(name) for name in types}
    for name, entry in types.items():
        vote(mentioned(entry), package(name))
    for operation in operations.values():
        texts = [*operation.get("body", {}).values(), operation.get("returns", ""), operation.get("stream", {}).get("event", "")]
        vote([name for text in texts for name in references(text)], _package_of(operation.get("call", ""), known))
    out: dict[str, str] = {}
    for _ in range(DEPTH):
        for name in sorted(names):
            votes = {where: count for where, count in users.get(name, Counter()).items() if where}
            if name not in out and "." not in name and votes:
                best = max(sorted(votes), key=votes.__getitem__)
                out[name] = best + name
                vote(mentioned(types[name]), best)
    return {name: out.get(name, name) for name in sorted(names)}


def _package_of(call: str, known: set[str]) -> str:
    """ "chat.completions.create" -> "chat.", the longest package that exists."""
    words = call.split(".")[:-1]
    paths = [".".join(words[:length]) + "." for length in range(len(words), 0, -1)]
    return next((path for path in paths if path in known), "")


# -------------------------------------------------------------------------------------------------------- methods
def call_of(verb: str, path: str, known: Mapping[str, str], pages: bool) -> str:
    """Propose the client's method for a new operation, in the manner of those that exist.

    Args:
        verb: "GET", "POST", "DELETE".
        path: with its parameters in braces.
        known: path -> a method that an operation at this path has.
        pages: the answer is a page of a list.
    """
    plain, _, query = path.partition("?")
    words = plain.strip("/").split("/")
    if query.startswith("beta="):
        return "beta." + call_of(verb, plain, known, pages).removeprefix("beta.")
    if verb == "GET":
        return f"{_object(words, known)}.{'list' if pages else 'retrieve'}"
    if verb == "DELETE":
        return f"{_object(words, known)}.delete"
    alone = known.get(plain, "").endswith(".retrieve")  # what is fetched by this path is one thing, not a list of things
    if words[-1][0] == "{" or alone or verb in ("PUT", "PATCH"):
        return f"{_object(words, known)}.update"
    if len(words) > 1 and plain not in known and not words[-1].endswith("s"):
        return f"{_object(words[:-1], known)}.{_word(words[-1])}"  # a verb, for what stands before it
    return f"{_object(words, known)}.create"


def _object(words: list[str], known: Mapping[str, str]) -> str:
    """Return the object of the client for a path: that of the longest known path at its beginning, and the rest of the words."""
    for length in range(len(words), 0, -1):
        call = known.get("/" + "/".join(words[:length]))
        if call:
            return ".".join([call.rpartition(".")[0], *_fixed(words[length:])])
    first = _word(words[0])
    relatives = [call.split(".") for path, call in known.items() if path.startswith(f"/{words[0]}/") and first in call.split(".")]
    root = relatives[0][: relatives[0].index(first)] if relatives else []
    return ".".join([*root, *_fixed(words)])


def _fixed(words: list[str]) -> list[str]:
    return [_word(word) for word in words if word[0] != "{"]


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)
