"""Arguments for every method, made of the facts of `tools/sync`: always the same, of the right types, and short.

What a call gives is the business of `record` and of the tests; nothing here knows a client.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from tools.sync.expressions import members
from tools.sync.facts import Facts

TEXT = "a b/é+&=?"
SEGMENT = "a:b é/(1)"
PLAIN: dict[str, Any] = {"str": "text", "int": 3, "float": 0.5, "bool": True, "None": None, "Any": "any", "object": "any"}
FILE = ("note.txt", b"line\r\n", "text/plain")
NAMED = ('a "b"é.json', b"{}")  # its type is guessed
EXTRA = {"extra_headers": {"X-Extra": "1"}, "extra_query": {"extra": ["a b", True, 1.0], "deep": {"key": {"key": None, "other": 2}}}}
EXTRA_BODY = {"extra_body": {"extra": {"key": [True, None, 1.5]}, "model": "other"}}
LOCAL = {"output_type", "tool_handlers"}  # of the official library: never sent
UNKNOWN = {  # parameters that the facts lack, or call otherwise
    "line_items": "list[str]",
    "betas": "list[str]",
}


class Arguments:
    """The sets of arguments of each method: the required ones, all of them, null where it is allowed, extras, and `stream=True`."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.places = {_place(*operation.get("http", key).split(" ")): operation for key, operation in facts.operations.items()}
        self.lacking: list[str] = []
        self.seen: set[tuple[str, ...]] = set()  # the kinds of methods that have been called with extras

    def sets(self, method: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return title -> arguments by name of one method of the official library, without a set that would repeat another.

        Forms are also sent with other members of the unions; and the options that add to a request are tried once a kind of method.
        """
        types = self.types(method)
        names = [name for name in method["params"] if name not in LOCAL]
        required = [name for name in names if name in method["required"] or name in self.first_choice(method)]
        sets = {"required": {n: self.argument(n, types[n], method, "required") for n in required}}
        full = {n: self.argument(n, types[n], method, "everything") for n in names if n != "stream"}
        if full != sets["required"]:
            sets["everything"] = full
        nullable = [n for n in names if n not in method["path_params"] and n != "stream" and "None" in members(types[n])]
        if nullable:
            sets["null"] = {**sets["required"], **dict.fromkeys(nullable)}
        if method["multipart"] and (other := {n: self.value(types[n], True, 1, (), 1) for n in full if "|" in types[n]}):
            sets["other"] = {**sets["required"], **other}
        if self.is_new(method):
            sets["extra"] = {**sets["required"], **EXTRA, **(EXTRA_BODY if method["verb"] == "POST" else {})}
        if "stream" in names:
            sets["stream"] = {**sets["required"], "stream": True}
        return sets

    def argument(self, name: str, text: str, method: dict[str, Any], title: str) -> Any:
        """Return one argument; in the set of everything, texts in paths and queries have signs that must be encoded."""
        if name in method["path_params"]:
            return f"{name}_1" if title == "required" else SEGMENT
        if text == "str" and name in method["query_params"] and title == "everything":
            return TEXT
        return self.value(text, title == "everything", 1, ())

    def is_new(self, method: dict[str, Any]) -> bool:
        """Tell whether no method of this kind has been seen."""
        kind = (method["verb"], method["kind"], str(method["multipart"]), str(bool(method["body_fields"])))
        known = kind in self.seen
        self.seen.add(kind)
        return not known

    # ------------------------------------------------------------------------------------------------------- types
    def operation(self, method: dict[str, Any]) -> dict[str, Any]:
        """Return the facts about the operation behind a method."""
        return self.places.get(_place(method["verb"], method["url"]), {})

    def first_choice(self, method: dict[str, Any]) -> set[str]:
        """Return what the first of several kinds of body requires: the parameters that all kinds require may be too few for a call."""
        name = next(iter(self.operation(method).get("body", {}).values()), "")
        while name in self.facts.types and "is" in self.facts.types[name]:
            name = members(self.facts.types[name]["is"])[0]
        fields = self.facts.types.get(name, {}).get("fields", {})
        return {_name(key) for key in fields if not key.endswith("?") and key != "stream"}

    def types(self, method: dict[str, Any]) -> dict[str, str]:
        """Return the type expression of each parameter of a method."""
        operation = self.operation(method)
        known = {_name(key): text for place in ("path", "query", "header") for key, text in operation.get(place, {}).items()}
        body = operation.get("body", {})
        for kind in ("json", "form"):  # a form says what a file is
            if body.get(kind) in self.facts.types:
                known |= {_name(key): text for key, text in self.fields(body[kind]).items()}
        known |= {n: text for n, text in UNKNOWN.items() if n not in known}
        for name in method["params"]:
            if name not in known and name not in LOCAL:
                self.lacking.append(f"{method['path']}: {name}")
                known[name] = "bool" if name == "stream" else "str"
        return known

    def fields(self, name: str) -> dict[str, str]:
        """Return field -> type of an object; of a union, of all its members."""
        entry = self.facts.types[name]
        if "fields" in entry:
            return dict(entry["fields"])
        found: dict[str, str] = {}
        for member in members(entry["is"]):
            if member in self.facts.types:
                found |= {key: text for key, text in self.fields(member).items() if key.rstrip("?") not in {k.rstrip("?") for k in found}}
        return found

    # ------------------------------------------------------------------------------------------------------ values
    def value(self, text: str, full: bool, depth: int, above: tuple[str, ...], choice: int = 0) -> Any:
        """Return a value of a type expression; `full` asks for more than what is required, `choice` for another member of a union."""
        options = [m for m in members(text) if m != "None" and m not in above] or ["None"]
        text = sorted(options, key=lambda option: option != "File")[choice % len(options)]
        if text in PLAIN:
            return PLAIN[text]
        if text == "File":
            return (FILE if not choice else NAMED) if full else FILE[1]
        if text.startswith("Literal["):
            values = ast.literal_eval(text.removeprefix("Literal"))
            return values[choice % len(values)]
        inner = text.partition("[")[2][:-1]
        if text.startswith("list["):
            count = 2 if full and depth < 3 else 1
            return [self.value(inner, full, depth + 1, above, n) for n in range(count)]
        if text.startswith("dict["):
            return {"key": self.value(inner.partition(",")[2].strip(), full, depth + 1, above)}
        return self.typed(text, full, depth, above, choice)

    def typed(self, name: str, full: bool, depth: int, above: tuple[str, ...], choice: int) -> Any:
        """Return a value of a named type."""
        entry = self.facts.types[name]
        above = (*above, name)
        if "is" in entry:
            return self.value(entry["is"], full, depth, above, choice)
        fields = entry["fields"]
        wanted = [key for key in fields if not key.endswith("?")]
        if full and depth < 3:
            wanted += [key for key in fields if key.endswith("?")][: 4 if depth == 1 else 1]
        return {key.rstrip("?"): self.value(fields[key], full, depth + 1, above) for key in wanted}


def _place(verb: str, path: str) -> str:
    """Return verb and path, without the names of its parameters and without a query."""
    return f"{verb} {re.sub(r'{[^}]*}', '{}', path.partition('?')[0])}"


def _name(key: str) -> str:
    """Return the official library's argument for a key of the API."""
    return key.rstrip("?").removesuffix("[]").replace("-", "_").lower()
