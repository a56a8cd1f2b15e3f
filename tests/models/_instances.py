"""Random objects of the API, made from the facts: every union, null, missing optional and unknown key has its chance."""

from __future__ import annotations

import ast
import random
from typing import Any

from tools.sync.expressions import members
from tools.sync.facts import Facts

FACTS = Facts.read()


def literals(text: str) -> list[Any]:
    """Return the values of `Literal['a', 7]`."""
    return list(ast.literal_eval(f"[{text.removeprefix('Literal[')}"))


class Maker:
    """Makes JSON for type expressions; the same seed makes the same."""

    def __init__(self, seed: int, deepest: int = 6) -> None:
        self.dice = random.Random(seed)
        self.deepest = deepest

    def value(self, text: str, depth: int = 0) -> Any:
        """Return a value that the expression allows."""
        parts = members(text)
        if depth >= self.deepest:
            parts = [p for p in parts if p == "None"] or parts
        return self._one(self.dice.choice(parts), depth)

    def _one(self, text: str, depth: int) -> Any:
        if text.startswith("list["):
            return [self.value(text[5:-1], depth + 1) for _ in range(0 if depth >= self.deepest else self.dice.randint(0, 2))]
        if text.startswith("dict["):
            return {f"key {i}": self.value(text[5:-1].partition(", ")[2], depth + 1) for i in range(self.dice.randint(0, 2))}
        if text.startswith("Literal["):
            return self.dice.choice(literals(text))
        plain = {"str": "text", "int": 7, "float": 0.5, "bool": True, "None": None, "Any": {"any": [1]}, "bytes": "text"}
        return plain[text] if text in plain else self.named(text, depth)

    def named(self, name: str, depth: int = 0) -> Any:
        """Return a value of a type of the digest."""
        entry = FACTS.types[name]
        if "is" in entry:
            return self.value(entry["is"], depth)
        made = {}
        for field, text in entry["fields"].items():
            if not field.endswith("?") or (depth < self.deepest and self.dice.random() < 0.6):
                made[field.rstrip("?")] = self.value(text, depth + 1)
        if self.dice.random() < 0.3:
            made["key of tomorrow"] = {"nested": [1, None]}
        return made
