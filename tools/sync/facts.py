"""The facts about the API: two digests, merged, and the questions that the writers ask of them.

The shape of a digest is told in `tools/sync/README.md`.  Nothing here knows how the code looks that is made of it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .extra import fitted

HERE = Path(__file__).parent
LITERAL = re.compile(r"Literal\[(?:'[^']*'|[^\]'])*\]")
PLAIN = ("list", "dict", "str", "int", "float", "bool", "None", "Any", "File")
HEADERS = {"openai-beta": "betas"}  # the keyword of a header, as `[argument]` of layout.toml has it


@dataclass(frozen=True)
class Parameter:
    """One argument of a client method: its JSON, form or query key, its type expression and where it travels."""

    key: str
    type: str
    required: bool
    place: str  # "path", "query", "header" or "body"


class Facts:
    """All types and operations, and the closure of what a choice of operations needs."""

    def __init__(self, digest: dict[str, Any], extra: dict[str, Any] | None = None) -> None:
        extra = fitted(extra or {}, digest)
        self.types: dict[str, dict[str, Any]] = {**digest["types"], **extra.get("types", {})}
        self.operations: dict[str, dict[str, Any]] = {**digest["operations"], **extra.get("operations", {})}
        for name, fields in extra.get("more_fields", {}).items():
            self.types[name] = {**self.types[name], "fields": {**self.types[name]["fields"], **fields}}
        for place, values in extra.get("more_literals", {}).items():
            self._add_literals(place, values)
        for name, members in extra.get("more_members", {}).items():
            self.types[name] = {**self.types[name], "is": " | ".join([self.types[name]["is"], *members])}
        for name, keys in extra.get("optional", {}).items():
            fields = {key + "?" if key in keys else key: text for key, text in self.types[name]["fields"].items()}
            self.types[name] = {**self.types[name], "fields": fields}
        for key, more in extra.get("more_operation_facts", {}).items():
            changed = {**self.operations[key], **{place: _merged(self.operations[key].get(place), facts) for place, facts in more.items()}}
            self.operations[key] = {place: facts for place, facts in changed.items() if facts is not None}  # null takes one away
        self.aliases: dict[str, str] = extra.get("aliases", {})
        self.uses: dict[str, str] = extra.get("uses", {})
        for name, use in self.uses.items():
            self.types[name] = {**self.types[name], "use": use}
        self.params: dict[str, str] = extra.get("params", {})
        calls = {operation["call"]: operation for operation in self.operations.values()} if self.params else {}
        for name, call in self.params.items():
            self.types.setdefault(name, {"fields": self.keywords(calls[call]), "use": "i"})

    @classmethod
    def read(cls, folder: Path = HERE) -> Facts:
        """Read the two committed digests."""
        return cls(*[json.loads((folder / name).read_text("utf-8")) for name in ("digest.json", "digest_extra.json")])

    def _add_literals(self, place: str, values: list[str]) -> None:
        if place in self.types:
            self.types[place] = {**self.types[place], "is": with_literals(self.types[place]["is"], values)}
            return
        name, _, field = place.rpartition(".")
        fields = dict(self.types[name]["fields"])
        key = field if field in fields else field + "?"
        fields[key] = with_literals(fields[key], values)
        self.types[name] = {**self.types[name], "fields": fields}

    # ------------------------------------------------------------------------------------------------- operations
    def calls(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return "responses.create" -> ("POST /responses", facts) for every method of the client, sorted by name."""
        found = {operation["call"]: (operation.get("http", key), operation) for key, operation in self.operations.items()}
        return dict(sorted(found.items()))

    def parameters(self, operation: dict[str, Any]) -> list[Parameter]:
        """Return what a method takes: path parameters in their order, then required ones, then optional ones, by name."""
        path = [Parameter(key, text, True, "path") for key, text in operation.get("path", {}).items()]
        others = [
            Parameter(key.rstrip("?").removesuffix("[]"), text, not key.endswith("?"), place)
            for place in ("query", "header", "body")
            for key, text in self._place(operation, place).items()
            if key not in operation.get("path", {}) and key.rstrip("?").lower() != "idempotency-key"  # an option of every method
        ]
        return path + sorted(others, key=lambda p: (not p.required, p.key))

    def keywords(self, operation: dict[str, Any]) -> dict[str, str]:
        """Return the fields of a dictionary of all that a method takes by name: not the last part of its path, which stands alone."""
        parameters = self.parameters(operation)
        alone = [p for p in parameters if p.place == "path"][-1:]
        named = [p for p in parameters if p not in alone]
        return {HEADERS.get(p.key, p.key) + ("" if p.required else "?"): p.type for p in named}

    def given_fields(self, name: str) -> dict[str, str]:
        """Return the fields of an object that is passed in; of `XParams`, the body of one method, all that it takes by name."""
        fields: dict[str, str] = self.types[name]["fields"]
        takers = [operation for operation in self.operations.values() if name in operation.get("body", {}).values()]
        if len(takers) != 1 or not name.endswith("Params"):
            return fields
        return {**fields, **{key: text for key, text in self.keywords(takers[0]).items() if key.rstrip("?") not in bare(fields)}}

    def _place(self, operation: dict[str, Any], place: str) -> dict[str, str]:
        if place != "body":
            given: dict[str, str] = operation.get(place, {})
            return given
        body = operation.get("body", {})
        name = body.get("form", body.get("json"))
        return self._fields(name) if name in self.types else {}

    def _fields(self, name: str) -> dict[str, str]:
        """Return the fields of an object, or of a union: all of its members', required where every member requires them."""
        entry = self.types[name]
        if "fields" in entry:
            fields: dict[str, str] = entry["fields"]
            return fields
        every = [self._fields(member) for member in references(entry["is"])]
        found: dict[str, list[str]] = {}
        for fields in every:
            for field, text in fields.items():
                found.setdefault(field.rstrip("?"), []).append(text)
        return {key if all(key in fields for fields in every) else key + "?": " | ".join(texts) for key, texts in found.items()}

    # ------------------------------------------------------------------------------------------------------ types
    def inputs(self, operation: dict[str, Any]) -> list[str]:
        """Return the type expressions of what an operation takes."""
        return [*(p.type for p in self.parameters(operation)), *operation.get("body", {}).values()]

    def outputs(self, operation: dict[str, Any]) -> list[str]:
        """Return the type expressions of what an operation gives."""
        places = (operation.get("returns"), operation.get("stream", {}).get("event"), operation.get("page", {}).get("item"))
        return [text for text in places if text]

    def closure(self, expressions: list[str]) -> set[str]:
        """Return the names of all types that some expressions lead to."""
        seen: set[str] = set()
        todo = [name for text in expressions for name in references(text)]
        while todo:
            name = todo.pop()
            if name in self.types and name not in seen:
                seen.add(name)
                entry = self.types[name]
                todo += [r for text in (entry.get("is", ""), *entry.get("fields", {}).values()) for r in references(text)]
        return seen

    def goes_in(self, name: str) -> bool:
        """Tell whether a type is said to be sent to the API; of one without a word its name tells."""
        use = self.types[name].get("use")
        return "i" in use if use else name.endswith("Params")

    def comes_out(self, name: str) -> bool:
        """Tell whether a type is said to come from the API."""
        return "o" in self.types[name].get("use", "")

    def is_object(self, name: str) -> bool:
        """Tell whether a name is that of an object, not of a union or an enum."""
        return "fields" in self.types[name]

    def leads_to_objects(self, name: str) -> bool:
        """Tell whether values of a type are, or may be, objects."""
        return any(self.is_object(n) for n in self.closure([name]))


@cache
def references(text: str) -> tuple[str, ...]:
    """Return the names that a type expression mentions, literals and containers left out."""
    bare = LITERAL.sub("", text)
    return tuple([name for name in re.findall(r"[A-Za-z_][\w.]*", bare) if name not in PLAIN])


def bare(fields: Iterable[str]) -> set[str]:
    """Return names of fields without the mark of those that may be left out."""
    return {field.rstrip("?") for field in fields}


def _merged(known: Any, more: Any) -> Any:
    return {**known, **more} if isinstance(known, dict) and isinstance(more, dict) else more


def with_literals(text: str, values: list[str]) -> str:
    """Return an expression whose first `Literal[...]` allows some more values."""
    found = LITERAL.search(text)
    if found is None:
        raise ValueError(f"no literal to extend in {text!r}")
    known = ast.literal_eval(found[0].removeprefix("Literal"))
    return text[: found.start()] + f"Literal{[*known, *(v for v in values if v not in known)]!r}" + text[found.end() :]
