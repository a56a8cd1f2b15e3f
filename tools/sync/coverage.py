"""How much of the facts the live package covers: operations, parameters, fields, types, enum values and union members.

What the facts ask for and what `live.py` finds are sets of the same kind; what is in the first and not in the second is missing.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from . import live
from .facts import LITERAL, Facts, references
from .layout import Layout, input_name, short
from .live import Expression
from .models import Models
from .update import Tables

OFFICIAL = Path(__file__).parent / "official.json"
KINDS = ("operations", "parameters", "fields", "types of these", "enum values", "union members")
HELPERS = frozenset((("beta.agents.sessions.create", "output_type"), ("beta.agents.sessions.create", "tool_handlers")))  # never sent
OPTIONS = frozenset(("extra_headers", "extra_query", "extra_body", "timeout", "max_retries", "idempotency_key"))
WALKING = frozenset(("limit_total", "prefetch"))


class Fact(NamedTuple):
    """Something that must be there: a kind of `KINDS`, where, and what."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.what else self.where


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        source: whose facts: "document", "beyond it" or "official".
        kind: what is counted.
        total: how many there are.
        missing: what is not there, in words.
    """

    source: str
    kind: str
    total: int
    missing: tuple[str, ...]

    def __str__(self) -> str:
        there = self.total - len(self.missing)
        share = f"{100 * there / self.total:.1f}".removesuffix(".0") if self.total else "100"
        return f"{self.source:10} {self.kind:15} {there:>6,} of {self.total:>6,}  {share:>5} %"


def measure(digest: Mapping[str, Any], extra: Mapping[str, Any], layout: Layout) -> list[Row]:
    """Compare the live package with both digests.

    Args:
        digest: facts of the document.
        extra: facts beyond it.
        layout: where things are.
    """
    whole = Facts(dict(digest), dict(extra))
    known = set(wanted(Facts(dict(digest)), layout))
    facts = set(wanted(whole, layout))
    there = set(Found(whole, layout).facts())
    rows: list[Row] = []
    for source, some in (("document", facts & known), ("beyond it", facts - known)):
        for kind in KINDS:
            group = {fact for fact in some if fact.kind == kind}
            rows.append(Row(source, kind, len(group), tuple(sorted([str(fact) for fact in group - there]))))
    return rows


# ------------------------------------------------------------------------------------------------- what is wanted
def wanted(facts: Facts, layout: Layout) -> Iterator[Fact]:
    """Yield all facts that the package must cover."""
    for call, (_, operation) in facts.calls().items():
        yield Fact("operations", call, "")
        for parameter in facts.parameters(operation):
            name = layout.argument(parameter.key)
            yield Fact("parameters", call, name if not parameter.required else f"{name}, required")
            yield from of_expression(f"{call}({name})", parameter.type)
    for name, entry in facts.types.items():
        for field, text in entry.get("fields", {}).items():
            yield Fact("fields", name, field.rstrip("?"))
            yield from of_expression(f"{name}.{field.rstrip('?')}", text)
        if "is" in entry:
            yield from of_expression(name, entry["is"], "union members")


def of_expression(where: str, text: str, kind: str = "types of these") -> Iterator[Fact]:
    """Yield the facts in a type expression: the values of its enums, the types that it names, the scalars that it allows."""
    for found in LITERAL.findall(text):
        yield from [Fact("enum values", where, repr(value)) for value in ast.literal_eval(found.removeprefix("Literal"))]
    yield from [Fact(kind, where, name) for name in (*references(text), *Expression(text).scalars)]


# -------------------------------------------------------------------------------------------------- what is there
class Found:
    """The same kind of facts, of the live package; the facts are asked only for names, and whether a type is sent or received."""

    def __init__(self, facts: Facts, layout: Layout) -> None:
        self.facts_ = facts
        self.layout = layout
        self.models = Models(facts, layout)
        self.names = {(layout.module(name), short(name)): name for name in facts.types}
        self.names |= {(layout.module(name) + "_params", input_name(name)): name for name in self.models.inputs}

    def facts(self) -> Iterator[Fact]:
        """Yield all that is found of what the facts name."""
        for call in self.facts_.calls():
            yield from self._method(call)
        for name, entry in self.facts_.types.items():
            yield from self._object(name) if "fields" in entry else self._alias(name)

    def _method(self, call: str) -> Iterator[Fact]:
        if not live.signatures(call):
            return
        yield Fact("operations", call, "")
        for name, parameter in live.parameters(call).items():
            yield Fact("parameters", call, name if parameter.default is not parameter.empty else f"{name}, required")
            yield from self._expression(f"{call}({name})", [live.annotation(parameter)])

    def _object(self, name: str) -> Iterator[Fact]:
        """A field is there if every class of the type has it: the record, the input type, or both."""
        classes = [live.record_fields(*self._place(name))] if name in self.models.records else []
        classes += [live.input_fields(*self._input_place(name))] if name in self.models.inputs else []
        for key in set[str]().union(*classes):
            expressions = [some[key] for some in classes if key in some]
            if len(expressions) == len(classes) or key in self.layout.left_out(name):
                yield Fact("fields", name, key)
                yield from self._expression(f"{name}.{key}", expressions)
        cls = live.found(*self._place(name))
        for key in self.layout.left_out(name):  # a property, with its type, is found where hand-written behaviour provides it
            if isinstance(getattr(cls, key, None), property):
                yield Fact("fields", name, key)
                yield from self._expression(f"{name}.{key}", [Expression(str(getattr(cls, key).fget.__annotations__["return"]))])

    def _alias(self, name: str) -> Iterator[Fact]:
        places = [self._place(name)] if name in self.models.records else []
        places += [self._input_place(name)] if name in self.models.inputs else []
        expressions = [expression for place in places if (expression := live.alias(*place))]
        if len(expressions) != len(places):
            return
        lost = self._not_decoded(name) if name in self.models.records else set[str]()
        for fact in self._expression(name, expressions, "union members"):
            if fact.what not in lost:
                yield fact

    def _not_decoded(self, union: str) -> set[str]:
        """Return the objects that a union names and does not decode as what they are."""
        module, name = self._place(union)
        expression = live.alias(module, name)
        members = expression.names if expression else set[tuple[str, str]]()
        objects = [place for place in members if isinstance(live.found(*place), type)]
        return {self.names[place] for place in objects if not live.decodes(module, name, place)}

    def _expression(self, where: str, expressions: list[Expression], kind: str = "types of these") -> Iterator[Fact]:
        """Yield what is in all of some expressions."""
        every = [set(self._parts(where, expression, kind)) for expression in expressions]
        yield from set[Fact].intersection(*every) if every else ()

    def _parts(self, where: str, expression: Expression, kind: str) -> Iterator[Fact]:
        yield from [Fact("enum values", where, repr(value)) for value in expression.values]
        yield from [Fact(kind, where, name) for name in expression.scalars]
        yield from [Fact(kind, where, self.names[place]) for place in expression.names if place in self.names]

    def _place(self, name: str) -> tuple[str, str]:
        return self.layout.module(name), short(name)

    def _input_place(self, name: str) -> tuple[str, str]:
        return self.layout.module(name) + "_params", input_name(name)


# --------------------------------------------------------------------------------------------- the official library
def official(table: Mapping[str, Iterable[str]]) -> list[Row]:
    """Compare the live methods with those of the official library: the names, which must be given, which go without a name.

    Parameters that only helpers of that library look at (`HELPERS`) are not counted.
    """
    methods: list[tuple[str, bool]] = []
    names: list[tuple[str, bool]] = []
    required: list[tuple[str, bool]] = []
    positional: list[tuple[str, bool]] = []
    for call, (_, takes, *_marks) in table.items():
        there = live.parameters(call)
        methods.append((call, bool(live.signatures(call))))
        before, _, behind = takes.partition("*")
        for name in [*before.split(), *behind.split()]:
            key, known = name.rstrip("?"), there.get(name.rstrip("?"))
            if (call, key) in HELPERS:
                continue
            names.append((f"{call}: {key}", known is not None))
            needed = known is not None and known.default is known.empty
            required.append((f"{call}: {key} is {'' if needed else 'not '}required", needed == (not name.endswith("?"))))
        plain = [name for name, known in there.items() if known.kind is known.POSITIONAL_OR_KEYWORD]
        positional.append((f"{call}: {', '.join(plain)}", plain == before.replace("?", "").split()))
    rows = (("methods", methods), ("parameters", names), ("required", required), ("positional", positional))
    return [Row("official", kind, len(some), tuple([text for text, good in some if not good])) for kind, some in rows]


def read_official(path: Path = OFFICIAL) -> dict[str, list[str]]:
    """Read the table of official methods."""
    table: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
    return table


def tell() -> int:
    """Print the table, and each thing that is missing; return 1 if something is."""
    tables = Tables.read()
    rows = [*measure(tables.digest, tables.digest_extra, Layout.read()), *official(read_official())]
    for row in rows:
        print(row)
    for row in rows:
        if row.missing:
            print(f"\nmissing, {row.kind} ({row.source}):\n" + "\n".join([f"  {text}" for text in row.missing]))
    return 1 if any(row.missing for row in rows) else 0
