"""The digest of a small document, fact by fact; and what a second document makes of the tables that are there."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest

from tests.sync._documents import EMPTY, KETTLE, document, written
from tools.sync.carried import DanglingError
from tools.sync.digest import Digest
from tools.sync.document import Document
from tools.sync.extra import fitted
from tools.sync.naming import Names, call_of, rule_name
from tools.sync.update import Tables, update


def digest_of(some: Any, names: dict[str, Any] | None = None, overlay: dict[str, Any] | None = None) -> Digest:
    return Digest(Document(some), Names(names or {}), overlay or {})


def type_of(schema: Any, **others: Any) -> dict[str, Any]:
    """Return the entry of a schema that something refers to."""
    some = document()
    some["components"]["schemas"] |= {"Thing": schema, **others}
    some["components"]["schemas"]["Kettle"]["properties"]["thing"] = {"$ref": "#/components/schemas/Thing"}
    found = digest_of(some)
    return found.types.get("Thing", {"is": found.types["Kettle"]["fields"]["thing?"]})


# ------------------------------------------------------------------------------------------------------ operations
def test_operations_are_told_in_facts() -> None:
    assert digest_of(document()).operations == {
        "GET /kettles": {
            "id": "listKettles",
            "query": {"limit?": "int", "order?": "Literal['asc', 'desc']"},
            "default": {"limit": 20},
            "page": {"kind": "last_id", "item": "Kettle"},
        },
        "POST /kettles": {"id": "createKettle", "body": {"json": "KettleRequest"}, "returns": "Kettle"},
        "DELETE /kettles/{kettle_id}": {"id": "deleteKettle", "path": {"kettle_id": "str"}, "status": 204, "auth": "admin"},
        "GET /kettles/{kettle_id}": {"id": "getKettle", "path": {"kettle_id": "str"}, "returns": "Kettle"},
        "POST /kettles/{kettle_id}/boil": {
            "id": "boilKettle",
            "path": {"kettle_id": "str"},
            "returns": "Kettle",
            "stream": {"event": "Event", "when": "body"},
        },
    }


def test_files_in_a_form_and_bytes_that_come_back_are_found() -> None:
    some = document()
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"photo": file, "more": {"type": "array", "items": file}}}
    some["paths"]["/kettles"]["post"]["requestBody"] = {"content": {"multipart/form-data": {"schema": form}}}
    some["paths"]["/kettles"]["post"]["responses"] = {"200": {"content": {"application/octet-stream": {"schema": file}}}}
    found = digest_of(some)
    assert found.operations["POST /kettles"] == {
        "id": "createKettle",
        "file": ["more[]", "photo"],
        "body": {"form": "CreateKettleBody"},
        "bodyopt": True,
        "returns": "bytes",
        "accept": ["application/octet-stream"],
    }


def test_the_overlay_adds_and_takes_away() -> None:
    overlay = {"GET /kettles": {"call": "kettles.list", "default": None}}
    operation = digest_of(document(), overlay=overlay).operations["GET /kettles"]
    assert (operation["call"], "default" in operation) == ("kettles.list", False)


# ----------------------------------------------------------------------------------------------------------- types
def test_an_object_has_fields_defaults_formats_and_deprecations() -> None:
    assert digest_of(document()).types["Kettle"] == {
        "fields": {
            "id": "str",
            "state": "Literal['cold', 'hot']",
            "litres?": "float | None",
            "filled_at?": "int",
            "lid?": "KettleLid",
            "old_name?": "str",
        },
        "default": {"litres": 1.5},
        "deprecated": ["old_name"],
        "format": {"filled_at": "unixtime"},
        "use": "o",
    }


SHAPES: list[tuple[str, Any, dict[str, Any]]] = [
    ("a list", {"type": "array", "items": {"type": "string"}}, {"is": "list[str]"}),
    ("a map", {"type": "object", "additionalProperties": {"type": "integer"}}, {"is": "dict[str, int]"}),
    ("anything", {}, {"is": "Any"}),
    ("an open enum", {"anyOf": [{"type": "string"}, {"enum": ["a"]}]}, {"is": "str | Literal['a']", "use": "o"}),
    ("enums in two parts", {"anyOf": [{"enum": ["a"]}, {"enum": ["b", "a"]}]}, {"is": "Literal['a', 'b']", "use": "o"}),
    ("an enum with null", {"enum": ["a", None]}, {"is": "Literal['a']", "use": "o"}),
    ("several types", {"type": ["string", "integer", "null"]}, {"is": "str | int | None"}),
    ("an object or null", {"type": ["object", "null"], "properties": {"x": {"type": "boolean"}}}, {"fields": {"x?": "bool"}, "use": "o"}),
    ("allOf", {"allOf": [{"$ref": "#/components/schemas/Done"}, {"properties": {"at": {"type": "integer"}}, "required": ["at"]}]},
     {"fields": {"type": "Literal['done']", "at": "int"}, "use": "o"}),
    ("other keys", {"properties": {"x": {}}, "additionalProperties": {"type": "number"}},
     {"fields": {"x?": "Any"}, "rest": "float", "use": "o"}),
    ("a union by its tag", {"oneOf": [{"$ref": "#/components/schemas/Done"}, {"$ref": "#/components/schemas/Boiling"}]},
     {"is": "Done | Boiling", "tag": "type", "use": "o"}),
]  # fmt: skip


@pytest.mark.parametrize(("title", "schema", "entry"), SHAPES, ids=[row[0] for row in SHAPES])
def test_a_schema_becomes_a_type(title: str, schema: Any, entry: dict[str, Any]) -> None:
    assert type_of(schema) == entry


def test_who_refers_to_a_schema_that_allows_null_says_so() -> None:
    some = document()
    some["components"]["schemas"]["Maybe"] = {"anyOf": [{"$ref": "#/components/schemas/Done"}, {"type": "null"}]}
    some["components"]["schemas"]["Kettle"]["properties"]["maybe"] = {"$ref": "#/components/schemas/Maybe"}
    found = digest_of(some)
    assert found.types["Kettle"]["fields"]["maybe?"] == "Maybe | None"
    assert found.types["Maybe"]["is"] == "Done"


def test_a_value_that_several_members_share_is_told() -> None:
    twin = {"type": "object", "required": ["type", "twin"], "properties": {"type": {"const": "done"}, "twin": {"type": "boolean"}}}
    parts = [{"$ref": f"#/components/schemas/{name}"} for name in ("Done", "Twin", "Boiling")]
    assert type_of({"oneOf": parts}, Twin=twin)["tags"] == {"done": ["Done", "Twin"]}


def test_what_is_odd_but_readable_is_noted() -> None:
    some = document()
    some["components"]["schemas"]["Done"]["required"].append("ghost")
    assert digest_of(some).notes == ["Done requires ghost, which it does not have"]


def test_no_sentence_of_the_document_gets_into_the_digest() -> None:
    some = document()
    for entry in (
        some["components"]["schemas"]["Kettle"],
        some["paths"]["/kettles"]["get"],
        some["components"]["schemas"]["Kettle"]["properties"]["id"],
    ):
        entry |= {"description": "A sentence.", "title": "A sentence.", "summary": "A sentence.", "example": "A sentence."}
    del (
        some["components"]["schemas"]["Kettle"]["title"],
        some["paths"]["/kettles"]["get"]["title"],
        some["paths"]["/kettles"]["get"]["example"],
    )
    assert "sentence" not in str(update(written(some), EMPTY).tables)


# ----------------------------------------------------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("place", "name"),
    [("Response.incomplete_details", "ResponseIncompleteDetails"), ("Tool|web_search", "ToolWebSearch"), ("a{}", "AValue"), ("x[]", "X")],
)
def test_names_by_rule(place: str, name: str) -> None:
    assert rule_name(place) == name


KNOWN = {"/kettles": "kitchen.kettles.list", "/kettles/{id}": "kitchen.kettles.retrieve"}


@pytest.mark.parametrize(
    ("verb", "path", "pages", "call"),
    [
        ("GET", "/pans", True, "pans.list"),
        ("GET", "/pans/{pan_id}", False, "pans.retrieve"),
        ("POST", "/pans", False, "pans.create"),
        ("POST", "/pans/{pan_id}", False, "pans.update"),
        ("DELETE", "/pans/{pan_id}", False, "pans.delete"),
        ("POST", "/kettles/{id}/boil", False, "kitchen.kettles.boil"),
        ("GET", "/kettles/{id}/lids", True, "kitchen.kettles.lids.list"),
        ("POST", "/kettles/{id}?beta=true", False, "beta.kitchen.kettles.update"),
        ("POST", "/kettles/clean", False, "kitchen.kettles.clean"),
        ("POST", "/kettles/{id}", False, "kitchen.kettles.update"),
    ],
)
def test_a_new_operation_gets_a_method_in_the_manner_of_those_that_exist(verb: str, path: str, pages: bool, call: str) -> None:
    assert call_of(verb, path, KNOWN, pages) == call


def test_a_name_once_given_never_moves() -> None:
    first = update(written(document()), EMPTY).tables
    some = document()
    some["paths"]["/kettles"]["get"]["operationId"] = "ListOfAllKettles"  # ids are renamed now and then
    some["components"]["schemas"] = dict(reversed(some["components"]["schemas"].items()))
    second = update(written(some), first).tables
    assert second.overlay == first.overlay
    assert first.names.items() <= second.names.items()
    assert second.digest["types"] == first.digest["types"]


def test_of_two_types_that_want_one_name_the_second_gets_another_for_good() -> None:
    names = {"Kettle.lid": {"name": "Lid"}, "KettleRequest": {"name": "Lid"}}
    found = update(written(document()), Tables(EMPTY.digest, {}, names, {}))
    assert found.tables.digest["types"].keys() >= {"Lid", "KettleRequest"}
    again = update(written(document()), found.tables)
    assert (again.tables, again.changes, again.named) == (found.tables, [], {})


def test_a_new_type_goes_to_the_package_of_its_users() -> None:
    names = {name: {"name": f"kitchen.{name}"} for name in ("Kettle", "KettleRequest", "Event")}
    found = update(written(document()), Tables(EMPTY.digest, {}, names, {}))
    assert {"kitchen.KettleLid", "kitchen.Boiling", "kitchen.Done"} <= found.tables.digest["types"].keys()


# ------------------------------------------------------------------------------------------------ the extra digest
EXTRA: dict[str, Any] = {
    "operations": {"POST /kettles/{kettle_id}/boil": {"call": "kettles.heat", "send": {"Beta": "1"}, "returns": "Steam"}},
    "types": {"Steam": {"fields": {"kettle": "Kettle"}}, "Done": {"fields": {}}},
    "more_fields": {"Kettle": {"id?": "str", "age?": "int"}, "Ghost": {"x": "str"}},
    "more_literals": {"Kettle.state": ["tepid"], "Kettle.gone": ["x"], "Ghost": ["x"]},
    "more_members": {"Event": ["Done", "Steam"], "Ghost": ["Steam"]},
}


def test_of_what_both_know_the_document_is_believed() -> None:
    digest = update(written(document()), EMPTY).tables.digest
    found = fitted(EXTRA, digest)
    assert (found["operations"], found["types"]) == ({}, {"Steam": {"fields": {"kettle": "Kettle"}}})
    assert found["more_fields"] == {"Kettle": {"age?": "int"}}
    assert found["more_literals"] == {"Kettle.state": ["tepid"]}
    assert found["more_members"] == {"Event": ["Steam"]}


def test_an_operation_that_the_document_has_now_too_keeps_its_official_method() -> None:
    found = update(written(document()), Tables(EMPTY.digest, EXTRA, {}, {}))
    operation = found.tables.digest["operations"]["POST /kettles/{kettle_id}/boil"]
    assert (operation["call"], operation["send"], operation["returns"]) == ("kettles.heat", {"Beta": "1"}, "Kettle")
    assert found.tables.digest_extra["operations"] == {}
    assert "Done" not in found.tables.digest_extra["types"]


def test_a_type_that_the_document_drops_stays_while_the_extra_digest_needs_it() -> None:
    before = update(written(document()), Tables(EMPTY.digest, EXTRA, {}, {})).tables
    some = document()
    some["paths"], some["webhooks"], some["components"]["schemas"] = {}, {}, {}
    after = update(written(some), before).tables
    assert "Kettle" not in after.digest["types"]
    assert {"Steam", "Kettle", "KettleLid"} <= after.digest_extra["types"].keys()


def test_a_type_that_nobody_has_is_an_error_that_names_the_place() -> None:
    extra = copy.deepcopy(EXTRA)
    extra["types"]["Steam"]["fields"]["cup"] = "Cup"
    with pytest.raises(DanglingError, match="types Steam: Cup is no type of the document any more"):
        update(written(document()), Tables(EMPTY.digest, extra, {}, {}))


# ------------------------------------------------------------------------------------------------------- the same
def test_twice_gives_no_change() -> None:
    first = update(written(document()), EMPTY)
    second = update(written(document()), first.tables)
    assert (second.tables.texts(), second.changes, second.named) == (first.tables.texts(), [], {})


def test_the_seed_of_hashes_does_not_matter() -> None:
    code = (
        "from tests.sync._documents import *; from tools.sync.update import update; from tools.sync.__main__ import told;"
        "some = document(); first = update(written(some), EMPTY); print(first.tables.texts(), told(first, EMPTY, False));"
        "some['components']['schemas'].pop('Boiling'); some['components']['schemas']['Event'] = {'enum': ['x', 'y']};"
        "print(told(update(written(some), first.tables), first.tables, True))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "7")
    }
    assert len(outputs) == 1
    assert KETTLE["$ref"] not in outputs.pop()
