"""Arguments for every method, made of the facts of `tools/sync`: always the same, of the right types, and short.

What a call gives is the business of `record` and of the tests; nothing here knows a client.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from tools.sync.expressions import members
from tools.sync.facts import Facts
from tools.sync.layout import Layout

TEXT = "a b/é+&=?"
SEGMENT = "a:b é/(1)"
PLAIN: dict[str, Any] = {"str": "text", "int": 3, "float": 0.5, "bool": True, "None": None, "Any": "any", "object": "any"}
FILE = ("note.txt", b"line\r\n", "text/plain")
NAMED = ('a "b"é.json', b"{}")  # its type is guessed
EXTRA = {"extra_headers": {"X-Extra": "1"}, "extra_query": {"extra": ["a b", True, 1.0], "deep": {"key": {"key": None, "other": 2}}}}
EXTRA_BODY = {"extra_body": {"extra": {"key": [True, None, 1.5]}, "model": "other"}}
LOCAL = {"output_type", "tool_handlers"}  # of the official library: never sent
OTHER_NAMES = {"openai_beta": "betas"}  # key of the API -> argument of the official library


class Arguments:
    """The sets of arguments of each method: the required ones, all of them, null where it is allowed, and some more."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.layout = Layout.read()
        self.calls = named_twice(facts.calls(), self.layout.aliases)
        self.lacking: list[str] = []
        self.seen: set[tuple[Any, ...]] = set()  # the kinds of methods that have been called with extras

    def sets(self, path: str, names: list[str], required: list[str]) -> dict[str, dict[str, Any]]:
        """Return title -> arguments by name of one method, without a set that would repeat another.

        Forms are also sent with other members of the unions; the options that add to a request are tried once a kind of method; of lists
        the next page is asked for as well.

        Args:
            path: the method, as "responses.create"; names, required: its parameters in their order, and those that have no default.
        """
        key, operation = self.calls[path]
        types = self.types(path, names)
        first = self.first_choice(operation)
        names = [name for name in names if name not in LOCAL]
        basic = {n: self.argument(n, types[n], operation, False) for n in names if n in required or n in first}
        full = {n: self.argument(n, types[n], operation, True) for n in names if n != "stream"}
        sets = {"required": basic}
        if full != basic:
            sets["everything"] = full
        if nullable := [n for n in full if n not in operation.get("path", {}) and "None" in members(types[n])]:
            sets["null"] = {**basic, **dict.fromkeys(nullable)}
        if "form" in operation.get("body", {}) and (other := {n: self.value(types[n], True, 1, (), 1) for n in full if "|" in types[n]}):
            sets["other"] = {**basic, **other}
        if self.is_new(key, operation):
            sets["extra"] = {**basic, **EXTRA, **(EXTRA_BODY if key.startswith("POST") else {})}
        if "page" in operation:
            sets["next"] = basic
        if "stream" in names:
            sets["stream"] = {**basic, "stream": True}
        return sets

    def row(self, path: str) -> list[Any]:
        """Return a row, as the table has them, of the required arguments of a method that the official library does not have yet."""
        key, operation = self.calls[path]
        parameters = {self.layout.argument(p.key): p for p in self.facts.parameters(operation)}
        given = {n: self.argument(n, p.type, operation, False) for n, p in parameters.items() if p.required}
        return [path, "required", [], given, {"request": re.sub(r"{(\w+)}", r"\1_1", key.partition("?")[0])}]

    def argument(self, name: str, text: str, operation: dict[str, Any], full: bool) -> Any:
        """Return one argument; in the set of everything, texts in paths and queries have signs that must be encoded."""
        if name in operation.get("path", {}):
            return SEGMENT if full else f"{name}_1"
        if full and text == "str" and name in {_name(key) for key in operation.get("query", {})}:
            return TEXT
        return self.value(text, full, 1, ())

    def is_new(self, key: str, operation: dict[str, Any]) -> bool:
        """Tell whether no method of this kind has been seen."""
        kind = (key.partition(" ")[0], "page" in operation, operation.get("returns") in ("bytes", None), *operation.get("body", {}))
        known = kind in self.seen
        self.seen.add(kind)
        return not known

    # ------------------------------------------------------------------------------------------------------- types
    def first_choice(self, operation: dict[str, Any]) -> set[str]:
        """Return what the first of several kinds of body requires: the parameters that all kinds require may be too few for a call."""
        body = operation.get("body", {})
        name = body.get("form", body.get("json", ""))
        while name in self.facts.types and "is" in self.facts.types[name]:
            name = members(self.facts.types[name]["is"])[0]
        fields = self.facts.types.get(name, {}).get("fields", {})
        return {_name(key) for key in fields if not key.endswith("?") and key != "stream"}

    def types(self, path: str, names: list[str]) -> dict[str, str]:
        """Return the type expression of each parameter of a method."""
        known = {_name(p.key): p.type for p in self.facts.parameters(self.calls[path][1])}
        known |= {"idempotency_key": "str"}
        for name in names:
            if name not in known and name not in LOCAL:
                self.lacking.append(f"{path}: {name}")
                known[name] = "bool" if name == "stream" else "str"
        return known

    # ------------------------------------------------------------------------------------------------------ values
    def value(self, text: str, full: bool, depth: int, above: tuple[str, ...], choice: int = 0) -> Any:
        """Return a value of a type expression; `full` asks for more than what is required, `choice` for another member of a union."""
        options = [m for m in members(text) if m != "None" and m not in above] or ["None"]
        text = sorted(options, key=lambda option: option != "File")[choice % len(options)]
        if text in PLAIN:
            return PLAIN[text]
        if text == "File":
            return (NAMED if choice else FILE) if full else FILE[1]
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


def named_twice(calls: dict[str, Any], aliases: dict[str, str]) -> dict[str, Any]:
    """Return the methods with those that hang under a second name as well, sorted by name."""
    more = {
        alias + path.removeprefix(name): facts
        for alias, name in aliases.items()
        for path, facts in calls.items()
        if path.startswith(name + ".")
    }
    return dict(sorted({**calls, **more}.items()))


def _name(key: str) -> str:
    """Return the official library's argument for a key of the API."""
    name = key.rstrip("?").removesuffix("[]").replace("-", "_").lower()
    return OTHER_NAMES.get(name, name)
