"""Every record has the fields, the values and the union members that the facts tell; looked at in the live classes."""

from __future__ import annotations

import dataclasses
import re
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import oxide._models
from oxide._models._base import Record
from oxide._models._shape import literals, read_kinds, shape
from tools.sync.facts import Facts, references
from tools.sync.layout import attribute, short

NAMESPACES = ["responses", "chat.completions"]
MODULES = [import_module(f"oxide._models.{m.name}") for m in iter_modules(oxide._models.__path__) if not m.name.endswith("_params")]
HERE = [
    (name, value, m.__name__) for m in MODULES for name, value in vars(m).items() if getattr(value, "__module__", "") in ("", m.__name__)
]
RECORDS = {name: value for name, value, _ in HERE if isinstance(value, type) and issubclass(value, Record)}
ALIASES = {name: (value, module) for name, value, module in HERE if isinstance(value, str) and name[0] != "_"}
BEHAVIOUR = {"responses.Response": {"output_text"}}  # what a property provides


def results(facts: Facts) -> list[str]:
    """Return the types that come back from the operations we have."""
    calls = facts.calls(NAMESPACES).values()
    return sorted(facts.closure([text for _, operation in calls for text in facts.outputs(operation)]))


def classes_behind(facts: Facts, text: str) -> set[str]:
    """Return the objects that an expression leads to without going through another object."""
    found: set[str] = set()
    for name in references(text):
        found |= {short(name)} if facts.is_object(name) else classes_behind(facts, facts.types[name]["is"])
    return found


def values_of(facts: Facts, text: str) -> list[str] | None:
    """Return the strings that a field allows by the facts, None for anything but an enum."""
    name = text.partition(" ")[0]
    if name in facts.types and not facts.is_object(name):
        text = facts.types[name]["is"]
    return re.findall(r"'([^']*)'", text) if text.startswith("Literal[") else None


def live_classes(text: str, module: str) -> set[str]:
    kinds: Any = read_kinds(text, module)
    found = {cls.__name__ for cls in kinds.classes}
    for inner in (kinds.items, kinds.values):
        todo = [inner] if inner else []
        while todo:
            some = todo.pop()
            found |= {cls.__name__ for cls in some.classes}
            todo += [more for more in (some.items, some.values) if more]
    return found


def faults(facts: Facts, name: str) -> list[str]:
    """Compare one live class or alias with the facts; return what differs."""
    if not facts.is_object(name):
        text, module = ALIASES[short(name)]
        wanted = facts.types[name]["is"]
        same = live_classes(text, module) == classes_behind(facts, wanted)
        return [] if same and (facts.leads_to_objects(name) or literals(text.strip(), module) == values_of(facts, wanted)) else [name]
    cls = RECORDS[short(name)]
    wanted = {
        f.rstrip("?"): (not f.endswith("?"), t)
        for f, t in facts.types[name]["fields"].items()
        if f.rstrip("?") not in BEHAVIOUR.get(name, ())
    }
    about = shape(cls)
    found = [f"{name}: {sorted(about.types.keys() ^ wanted.keys())}"] if about.types.keys() != wanted.keys() else []
    if [f.name for f in dataclasses.fields(cls)] != list(about.attributes):  # type: ignore[arg-type]  # a dataclass, asked or not
        found.append(f"{name}: the dataclass has other fields")
    for key in wanted.keys() & about.types.keys():
        required, expected = wanted[key]
        text, module = about.types[key]
        if required != (attribute(key) in about.required or key in about.constants):
            found.append(f"{name}.{key}: required or not")
        if live_classes(text, module) != classes_behind(facts, expected):
            found.append(f"{name}.{key}: other classes")
        if literals(text, module) != values_of(facts, expected):
            found.append(f"{name}.{key}: other values")
    return found


FACTS = Facts.read()


@pytest.mark.parametrize("name", results(FACTS))
def test_a_type_is_that_of_the_facts(name: str) -> None:
    assert faults(FACTS, name) == []


def test_every_live_record_is_in_the_facts() -> None:
    assert sorted(RECORDS.keys() - {short(n) for n in Facts.read().types} - {"Record", "Unknown", "Speaking", "FunctionCalling"}) == []


MUTATIONS: list[tuple[str, str, Any]] = [
    ("a field more", "responses.Response", lambda fields: fields.update({"new?": "str"})),
    ("a field less", "responses.Response", lambda fields: fields.pop("status?")),
    ("a field required", "responses.ResponseUsage", lambda fields: fields.update({"total_tokens?": fields.pop("total_tokens")})),
    ("a value more", "responses.ResponseFunctionWebSearch", lambda fields: fields.update(status="Literal['completed', 'dreaming']")),
    ("another class", "responses.ResponseUsage", lambda fields: fields.update(input_tokens_details="shared.Reasoning")),
]


@pytest.mark.parametrize(("title", "name", "change"), MUTATIONS, ids=[row[0] for row in MUTATIONS])
def test_a_change_of_the_facts_is_noticed(title: str, name: str, change: Any) -> None:
    facts = Facts.read()
    change(facts.types[name]["fields"])
    assert faults(facts, name)


def test_a_change_of_an_enum_or_a_union_is_noticed() -> None:
    for name, text in (("shared.ReasoningEffort", "Literal['low']"), ("responses.ResponseOutputItem", "responses.ResponseOutputMessage")):
        facts = Facts.read()
        facts.types[name] = {**facts.types[name], "is": text}
        assert faults(facts, name)
