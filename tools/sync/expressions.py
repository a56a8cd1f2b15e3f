"""Type expressions of the digest, written the way a generated module sees them."""

from __future__ import annotations

import re
from collections.abc import Callable

from .facts import LITERAL, Facts
from .layout import Layout, input_name, short

_NAME = re.compile(LITERAL.pattern + r"|[A-Za-z_][\w.]*")


class Expressions:
    """Translates names; remembers which modules of `oxide._models` the results mention."""

    def __init__(self, facts: Facts, layout: Layout, records: set[str]) -> None:
        self.facts = facts
        self.layout = layout
        self.records = records  # the types that have a class or an alias among the records
        self.used: set[str] = set()

    def output(self, text: str, here: str = "") -> str:
        """Return an expression as seen among the records of module `here`."""
        return self._names(text, lambda name: self._at(self.layout.module(name), short(name), here))

    def input(self, text: str, here: str = "") -> str:
        """Return an expression of what may be passed in: dictionaries by their input types, records, any iterable for a list."""
        text = re.sub(r"\bFile\b", "FileTypes", text)
        text = re.sub(r"\blist\[(?=str\]|Literal|FileTypes)", "Sequence[", text)
        text = re.sub(r"\blist\[", "Iterable[", text)
        text = re.sub(r"\bdict\[", "Mapping[", text)
        return self._names(text, lambda name: self._input_name(name, here))

    def _input_name(self, name: str, here: str) -> str:
        module = self.layout.module(name)
        if not self.facts.leads_to_objects(name):
            return self._at(module, short(name), here)
        given = self._at(module + "_params", input_name(name), here)
        if name in self.records and self.facts.is_object(name):
            return f"{given} | {self._at(module, short(name), here)}"
        return given

    def _at(self, module: str, name: str, here: str) -> str:
        if module == here:
            return name
        self.used.add(module)
        return f"{module}.{name}"

    def _names(self, text: str, replace: Callable[[str], str]) -> str:
        return _NAME.sub(lambda found: replace(found[0]) if found[0] in self.facts.types else found[0], text)


def unique(text: str) -> str:
    """Return a union without the members that it names twice."""
    return " | ".join(dict.fromkeys(members(text)))


def members(text: str) -> list[str]:
    """Return the members of a union, brackets left whole."""
    parts: list[str] = []
    depth = start = 0
    bare = re.sub(r"'[^']*'", lambda found: "'" * len(found[0]), text)
    for place, sign in enumerate(bare):
        depth += (sign == "[") - (sign == "]")
        if sign == "|" and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def optional(text: str) -> str:
    """Return an expression that also allows None."""
    return text if text == "Any" or "None" in members(text) else f"{text} | None"
