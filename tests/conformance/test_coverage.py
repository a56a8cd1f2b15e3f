"""Everything that the facts tell is in the live package: in its signatures, its dataclasses, its decoders; and nothing else is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import oxide._models
from oxide._models._base import Record
from tools.sync import coverage, live
from tools.sync.facts import Facts
from tools.sync.layout import Layout, short
from tools.sync.update import Tables

TABLES, LAYOUT = Tables.read(), Layout.read()
Change = Callable[[dict[str, Any]], None]


def missing(digest: dict[str, Any], extra: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return "source, kind" -> what is missing, where something is."""
    return {f"{row.source}, {row.kind}": row.missing for row in coverage.measure(digest, extra, LAYOUT) if row.missing}


def test_all_facts_are_covered() -> None:
    assert missing(TABLES.digest, TABLES.digest_extra) == {}


def test_all_facts_are_counted() -> None:
    counted = {(row.source, row.kind): row.total for row in coverage.measure(TABLES.digest, TABLES.digest_extra, LAYOUT)}
    assert counted["document", "operations"] == len(TABLES.digest["operations"])
    assert counted["document", "fields"] == sum(len(entry.get("fields", ())) for entry in TABLES.digest["types"].values())
    assert all(counted[source, kind] > 100 for source in ("document", "beyond it") for kind in coverage.KINDS)


# ------------------------------------------------------------------------------------------------------- mutations
def a_field(digest: dict[str, Any]) -> None:
    digest["types"]["responses.ResponseUsage"]["fields"]["novelty?"] = "Any"


def an_operation(digest: dict[str, Any]) -> None:
    digest["operations"]["GET /novelties"] = {"call": "novelties.retrieve", "returns": "Model"}


def a_parameter(digest: dict[str, Any]) -> None:
    digest["operations"]["GET /models/{model}"]["query"] = {"novelty?": "Any"}


def a_required_parameter(digest: dict[str, Any]) -> None:
    query = digest["operations"]["GET /files"]["query"]
    query["limit"] = query.pop("limit?")


def a_value(digest: dict[str, Any]) -> None:
    digest["types"]["shared.ReasoningEffort"]["is"] += " | Literal['novel']"


def a_value_of_a_field(digest: dict[str, Any]) -> None:
    digest["types"]["responses.ResponseFunctionWebSearch"]["fields"]["status"] = "Literal['completed', 'dreaming']"


def a_member(digest: dict[str, Any]) -> None:
    digest["types"]["responses.ResponseOutputItem"]["is"] += " | Model"


def a_member_of_an_input(digest: dict[str, Any]) -> None:
    digest["types"]["responses.ResponseInputContent"]["is"] += " | responses.EasyInputMessage"


def another_type(digest: dict[str, Any]) -> None:
    digest["types"]["responses.ResponseUsage"]["fields"]["total_tokens"] = "str"


MUTATIONS: list[tuple[Change, dict[str, tuple[str, ...]]]] = [
    (a_field, {"document, fields": ("responses.ResponseUsage: novelty",)}),
    (an_operation, {"document, operations": ("novelties.retrieve",)}),
    (a_parameter, {"document, parameters": ("models.retrieve: novelty",)}),
    (a_required_parameter, {"document, parameters": ("files.list: limit, required",)}),
    (a_value, {"document, enum values": ("shared.ReasoningEffort: 'novel'",)}),
    (a_value_of_a_field, {"document, enum values": ("responses.ResponseFunctionWebSearch.status: 'dreaming'",)}),
    (a_member, {"document, union members": ("responses.ResponseOutputItem: Model",)}),
    (a_member_of_an_input, {"document, union members": ("responses.ResponseInputContent: responses.EasyInputMessage",)}),
    (another_type, {"document, types of these": ("responses.ResponseUsage.total_tokens: str",)}),
]


@pytest.mark.parametrize(("change", "expected"), MUTATIONS, ids=[change.__name__ for change, _ in MUTATIONS])
def test_one_more_fact_is_reported_and_nothing_else(change: Change, expected: dict[str, tuple[str, ...]]) -> None:
    digest = copy.deepcopy(TABLES.digest)
    change(digest)
    assert missing(digest, TABLES.digest_extra) == expected


def test_a_fact_beyond_the_document_is_reported_as_such() -> None:
    extra = copy.deepcopy(TABLES.digest_extra)
    extra["more_fields"]["Model"] = {"novelty?": "Any"}
    found = missing(TABLES.digest, extra)
    assert found == {"beyond it, fields": ("Model: novelty",)}


def test_a_union_that_decodes_a_member_wrongly_does_not_cover_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "decodes", lambda _module, union, _member: union != "ResponseOutputItem")
    found = missing(TABLES.digest, TABLES.digest_extra)
    assert "responses.ResponseOutputItem: responses.ResponseOutputMessage" in found["document, union members"]


# ------------------------------------------------------------------------------------------- the official library
def test_all_official_methods_are_there_with_their_parameters() -> None:
    rows = coverage.official(coverage.read_official())
    assert {row.kind: row.missing for row in rows if row.missing} == {}
    assert {row.kind: row.total for row in rows}["methods"] == 396


@pytest.mark.parametrize(
    ("takes", "kind"),
    [
        ("novelty * include? include_obfuscation? starting_after? stream?", "positional"),
        ("response_id * novelty?", "parameters"),
        ("response_id * include", "required"),
        ("* response_id include?", "positional"),
    ],
)
def test_a_difference_from_an_official_method_is_reported(takes: str, kind: str) -> None:
    rows = coverage.official({"responses.retrieve": ["GET /responses/{response_id}", takes]})
    assert any(row.missing for row in rows if row.kind == kind)


def test_an_official_method_that_is_not_there_is_reported() -> None:
    [row] = [row for row in coverage.official({"novelties.list": ["GET /novelties", "*"]}) if row.kind == "methods"]
    assert row.missing == ("novelties.list",)
    assert str(row) == "official   methods              0 of      1      0 %"


# ------------------------------------------------------------------------------------------------ and nothing else
def records() -> Iterator[str]:
    for module in iter_modules(oxide._models.__path__):
        if module.name[0] != "_":
            content = import_module(f"oxide._models.{module.name}")
            yield from [
                name
                for name, cls in vars(content).items()
                if isinstance(cls, type) and issubclass(cls, Record) and cls.__module__ == content.__name__
            ]


def test_no_record_exists_that_the_facts_do_not_know() -> None:
    known = {short(name) for name in Facts.read().types}
    assert sorted(set(records()) - known) == []


def test_no_method_exists_that_the_facts_do_not_know() -> None:
    derived = {entry["call"] for entry in LAYOUT.derived}
    derived |= {
        f"{alias}{call.removeprefix(name)}" for alias, name in LAYOUT.aliases.items() for call in derived if call.startswith(f"{name}.")
    }
    known = {*Facts.read().calls(), *derived, *by_hand()}
    for client in live.clients():
        assert sorted(set(methods(client)) - known - set(coverage.read_official())) == []


def by_hand() -> Iterator[str]:
    """Yield the dotted names of the methods that stand in a hand-written part of an object."""
    for path, place in LAYOUT.helpers.items():
        module, _, name = place.partition(":")
        part = getattr(import_module(f"oxide._helpers.{module}"), name)
        yield from [f"{path}.{method}" for method in dir(part) if method[0] != "_"]


def methods(client: object) -> Iterator[str]:
    """Yield the dotted names of all generated methods of a client, walking through its objects."""
    namespaces = {call.partition(".")[0] for call in Facts.read().calls()}
    todo = [(name, getattr(client, name)) for name in namespaces]
    while todo:
        path, value = todo.pop()
        for name in dir(value):
            if name[0] != "_" and not name.startswith("with_"):
                inner = getattr(value, name)
                if "Resource" in [base.__name__.removeprefix("Async") for base in type(inner).__mro__]:
                    todo.append((f"{path}.{name}", inner))
                elif hasattr(inner, "__self__") and not inner.__module__.endswith("_base") and "_helpers" not in inner.__module__:
                    yield f"{path}.{name}"
