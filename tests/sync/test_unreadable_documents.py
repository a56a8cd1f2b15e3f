"""What cannot be read is refused, all of it at once, each fault with its place; and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.sync._documents import EMPTY, document, written
from tools.sync import spec
from tools.sync.__main__ import main
from tools.sync.readable import UnreadableError, check
from tools.sync.update import Tables, update

SCHEMAS = "#/components/schemas"
LIST = "#/paths/~1kettles/get"
CREATE = "#/paths/~1kettles/post"


def put(*path: object) -> Callable[[Any], None]:
    """Return a change that puts the last of `path` where the others lead to."""
    *keys, last, value = path

    def change(some: Any) -> None:
        for key in keys:
            some = some[key]
        some[last] = value

    return change


def take(*path: str) -> Callable[[Any], None]:
    """Return a change that takes away what a path leads to."""

    def change(some: Any) -> None:
        for key in path[:-1]:
            some = some[key]
        del some[path[-1]]

    return change


def schema(*path: object) -> Callable[[Any], None]:
    return put("components", "schemas", *path)


def listing(*path: object) -> Callable[[Any], None]:
    return put("paths", "/kettles", "get", *path)


REF = "#/components/schemas/"
QUERY = {"name": "x", "in": "query", "schema": {"type": "string"}}
BROKEN: list[tuple[str, Callable[[Any], None], str, str]] = [
    ("a version of long ago", put("openapi", "2.0"), "#/openapi", "OpenAPI 3"),
    ("no title", take("info"), "#/info", "no title"),
    ("no paths", take("paths"), "#/paths", "missing"),
    ("an unknown keyword", schema("Kettle", "patternProperties", {}), f"{SCHEMAS}/Kettle/patternProperties", "not read"),
    ("an unknown keyword deep inside", schema("Kettle", "properties", "lid", "if", {}), f"{SCHEMAS}/Kettle/properties/lid/if", "not read"),
    ("a dangling reference", schema("KettleList", "properties", "data", "items", {"$ref": REF + "Pan"}),
     f"{SCHEMAS}/KettleList/properties/data/items/$ref", "leads to no schema"),
    ("a reference to elsewhere", schema("Done", {"$ref": "other.json#/Done"}), f"{SCHEMAS}/Done/$ref", "leads to no schema"),
    ("properties beside a reference", schema("Done", {"$ref": REF + "Boiling", "properties": {}}),
     f"{SCHEMAS}/Done/properties", "beside a $ref"),
    ("a schema that is no schema", schema("Done", 7), f"{SCHEMAS}/Done", "not an object"),
    ("properties that are a list", schema("Done", "properties", []), f"{SCHEMAS}/Done/properties", "not an object"),
    ("an unknown type", schema("Done", "properties", "x", {"type": "decimal"}), f"{SCHEMAS}/Done/properties/x/type", "'decimal'"),
    ("an enum of objects", schema("Done", "properties", "x", {"enum": [{}]}), f"{SCHEMAS}/Done/properties/x/enum", "scalars"),
    ("an empty union", schema("Event", {"oneOf": []}), f"{SCHEMAS}/Event/oneOf", "empty"),
    ("a part that is true", schema("Event", {"oneOf": [True]}), f"{SCHEMAS}/Event/oneOf/0", "true or false"),
    ("a cookie", listing("parameters", 0, {**QUERY, "in": "cookie"}), f"{LIST}/parameters/0", "'cookie'"),
    ("a parameter that stands elsewhere", listing("parameters", 1, {"$ref": "#/components/parameters/x"}),
     f"{LIST}/parameters/1", "its own"),
    ("a style of parameters", listing("parameters", 0, {**QUERY, "style": "pipeDelimited"}), f"{LIST}/parameters/0", "pipeDelimited"),
    ("a path parameter that is not declared", put("paths", "/kettles/{kettle_id}", "get", "parameters", []),
     "#/paths/~1kettles~1{kettle_id}/get", "not those of the template"),
    ("parameters of a whole path", put("paths", "/kettles", "parameters", []), "#/paths/~1kettles/parameters", "of a path"),
    ("an unsupported media type", put("paths", "/kettles", "post", "requestBody", "content", {"application/xml": {"schema": {}}}),
     f"{CREATE}/requestBody/content/application~1xml", "'application/xml'"),
    ("an unsupported answer", listing("responses", "200", "content", {"application/xml": {}}),
     f"{LIST}/responses/200/content/application~1xml", "'application/xml'"),
    ("two successful answers", listing("responses", "202", {"description": "later"}), f"{LIST}/responses", "2 successful"),
    ("no successful answer", take("paths", "/kettles", "get", "responses", "200"), f"{LIST}/responses", "0 successful"),
    ("no operationId", take("paths", "/kettles", "get", "operationId"), LIST, "no operationId"),
    ("one operationId twice", listing("operationId", "createKettle"), LIST, "another's too"),
    ("an unknown way to sign in", listing("security", [{"Handshake": []}]), f"{LIST}/security", "'Handshake'"),
    ("a webhook without a body", put("webhooks", "kettle_hot", {"post": {}}), "#/webhooks/kettle_hot", "no JSON"),
]  # fmt: skip


def circle(some: Any) -> None:
    some["components"]["schemas"]["Done"] = {"allOf": [{"$ref": REF + "Boiling"}]}
    some["components"]["schemas"]["Boiling"] = {"allOf": [{"$ref": REF + "Done"}]}


def test_the_document_that_the_others_are_made_from_can_be_read() -> None:
    check(document())


@pytest.mark.parametrize(
    ("title", "change", "pointer", "reason"), [row for row in BROKEN if row[2]], ids=[row[0] for row in BROKEN if row[2]]
)
def test_a_fault_is_named_with_its_place(title: str, change: Callable[[Any], None], pointer: str, reason: str) -> None:
    some = document()
    change(some)
    with pytest.raises(UnreadableError) as caught:
        update(written(some), EMPTY)
    assert (pointer, reason in dict(caught.value.faults)[pointer]) == (pointer, True)


def test_a_schema_that_is_made_of_itself_is_named() -> None:
    some = document()
    circle(some)
    with pytest.raises(UnreadableError) as caught:
        check(some)
    assert {f"{SCHEMAS}/Done", f"{SCHEMAS}/Boiling"} <= {pointer for pointer, _ in caught.value.faults}


def test_a_schema_that_has_itself_in_a_field_is_well() -> None:
    some = document()
    some["components"]["schemas"]["Kettle"]["properties"]["inner"] = {"$ref": REF + "Kettle"}
    assert update(written(some), EMPTY).tables.digest["types"]["Kettle"]["fields"]["inner?"] == "Kettle"


def places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the path to everything in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inner:
        yield (*above, key)
        yield from places(entry, *above, key)


JUNK = [None, 7, "x", [], {}, [7], True, {"x": 7}, [None]]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_in_any_place_is_read_or_refused(junk: Any) -> None:
    for place in places(document()):
        some = document()
        put(*place, junk)(some)
        with suppress(UnreadableError):  # anything else is a mistake of the reader
            update(written(some), EMPTY)


def test_all_faults_are_told_at_once() -> None:
    some = document()
    for _, change, _, _ in BROKEN[3:7]:
        change(some)
    with pytest.raises(UnreadableError) as caught:
        check(some)
    assert len(caught.value.faults) >= 4
    assert len(str(caught.value).splitlines()) == len(caught.value.faults)


def test_two_types_of_one_name_are_named_with_both_places() -> None:
    some = document()
    some["components"]["schemas"]["kettle-lid"] = {"type": "object", "properties": {"metal": {"type": "string"}}}
    some["components"]["schemas"]["Kettle"]["properties"]["cap"] = {"$ref": REF + "kettle-lid"}
    names = {place: {"name": "KettleLid"} for place in ("Kettle.lid", "kettle-lid", "kettle_lid")}
    some["components"]["schemas"]["kettle_lid"] = {"type": "object", "properties": {"wood": {"type": "string"}}}
    some["components"]["schemas"]["Kettle"]["properties"]["top"] = {"$ref": REF + "kettle_lid"}
    with pytest.raises(UnreadableError, match=r"is another type by the name KettleLid, which belongs to Kettle\.lid") as caught:
        update(written(some), Tables(EMPTY.digest, {}, names, {}))
    assert caught.value.faults[0][0] == f"{SCHEMAS}/kettle_lid"


def test_two_operations_of_one_method_are_named() -> None:
    overlay = {"GET /kettles": {"call": "kettles.all"}, "POST /kettles": {"call": "kettles.all"}}
    with pytest.raises(UnreadableError, match=r"#/paths/~1kettles/post: its method kettles\.all is another's too"):
        update(written(document()), Tables(EMPTY.digest, {}, {}, overlay))


# ---------------------------------------------------------------------------------------------------- nothing else
@pytest.mark.parametrize("content", [b"{", b"openapi: 3.1.0\n", b"[]", b"{}", b'"3.1"'])
def test_what_is_no_document_is_refused_with_a_reason(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "openapi.yaml").write_bytes(content)
    assert main(["--spec", str(tmp_path / "openapi.yaml")]) == 1
    assert "nothing was changed" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--spec", "no-such-openapi.json"]) == 1
    assert "cannot read no-such-openapi.json: No such file" in capsys.readouterr().err


def test_yaml_is_told_apart() -> None:
    with pytest.raises(spec.SpecError, match="read as JSON, not as YAML"):
        spec.parse(b"openapi: 3.1.0\n", "openapi.yaml")
