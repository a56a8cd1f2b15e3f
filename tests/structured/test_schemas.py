"""The strict schema of every kind of type."""

# ruff: noqa: UP007, UP045 - both spellings of unions are for reading

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
from uuid import UUID

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

import oxide
from oxide import strict_schema
from oxide._helpers.schema import schema_name
from tests.structured import _types as t

NULL = {"type": "null"}
STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
STEP = {
    "type": "object",
    "properties": {
        "explanation": {"type": "string", "description": "why it is taken"},
        "output": {"type": "string", "description": "what comes out."},
    },
    "required": ["explanation", "output"],
    "additionalProperties": False,
    "description": "One step of many.",
}


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, NULL]}


def either(*schemas: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": list(schemas)}


def enumerated(kind: str, *values: Any) -> dict[str, Any]:
    return {"type": kind, "enum": list(values)}


def entries(key: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    told = "The entries of a mapping; no key comes twice."
    return {"type": "array", "items": thing(key=key, value=value), "description": told}


TREE_REF = {"$ref": "#/$defs/Tree"}
TREE = thing(value=INTEGER, children={"type": "array", "items": TREE_REF}, parent=nullable(TREE_REF))
COLOR = {**enumerated("string", "red", "blue"), "description": "Colours of things."}

OBJECTS: list[tuple[str, Any, dict[str, Any]]] = [
    ("a dataclass with texts", t.Step, STEP),
    ("a frozen one", t.Frozen, {**thing(name=STRING, step={"$ref": "#/$defs/Step"}), "$defs": {"Step": STEP}}),
    ("one with slots", t.Slotted, thing(name=STRING, count=INTEGER)),
    (
        "defaults may be null, and what is not given is not asked for",
        t.Defaults,
        thing(
            name=STRING,
            count=nullable(INTEGER),
            tags=nullable({"type": "array", "items": STRING}),
            color={"anyOf": [enumerated("string", "red", "blue"), NULL], "description": "Colours of things."},
            maybe=nullable(INTEGER),
        ),
    ),
    ("a NamedTuple", t.Point, thing(x=INTEGER, y=nullable(NUMBER))),
    ("a TypedDict", t.Whole, {**thing(name=STRING, step={"$ref": "#/$defs/Step"}), "$defs": {"Step": STEP}}),
    ("a TypedDict that need not be whole", t.Partial, thing(a=INTEGER, b=nullable(STRING), c=nullable(INTEGER))),
    ("NotRequired", t.Partly, thing(a=INTEGER, b={**nullable(STRING), "description": "may be left out"})),
    ("a type that contains itself", t.Tree, {**TREE, "$defs": {"Tree": TREE}}),
    (
        "a tagged union",
        t.Owner,
        {
            **thing(pet=either({"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"})),
            "$defs": {
                "Cat": thing(kind=enumerated("string", "cat"), lives=INTEGER),
                "Dog": thing(kind=enumerated("string", "dog", "puppy"), name=STRING),
            },
        },
    ),
    ("a generic class", t.Box[int], thing(inside=INTEGER, more={"type": "array", "items": INTEGER})),
    (
        "texts",
        t.Texts,
        thing(
            moment={**STRING, "format": "date-time"},
            day={**STRING, "format": "date"},
            clock={**STRING, "format": "time"},
            id={**STRING, "format": "uuid"},
            price={**STRING, "pattern": r"^-?\d+(\.\d+)?$"},
        ),
    ),
]

VALUES: list[tuple[str, Any, dict[str, Any]]] = [
    ("a string", str, STRING),
    ("null", None, NULL),
    ("a list", list[int], {"type": "array", "items": INTEGER}),
    ("a sequence", Sequence[bool], {"type": "array", "items": {"type": "boolean"}}),
    ("a set", set[str], {"type": "array", "items": STRING}),
    ("a tuple of any length", tuple[int, ...], {"type": "array", "items": INTEGER}),
    ("a tuple of one kind", tuple[int, int], {"type": "array", "items": INTEGER, "minItems": 2, "maxItems": 2}),
    (
        "a tuple of several",
        tuple[int, str, int],
        {
            "type": "array",
            "items": either(INTEGER, STRING),
            "minItems": 3,
            "maxItems": 3,
            "description": "The kinds of its items, in this order: integer; string; integer.",
        },
    ),
    ("a dictionary", dict[str, int], entries(STRING, INTEGER)),
    ("a mapping", Mapping[t.Color, float], entries(COLOR, NUMBER)),
    ("an enum", t.Color, COLOR),
    ("an enum of numbers", t.Level, enumerated("integer", 1, 2)),
    ("an enum of both", t.Mixed, {"enum": [1, "word"]}),
    ("a literal", Literal["a", "b"], enumerated("string", "a", "b")),
    ("a literal with None", Literal["a", None], either(enumerated("string", "a"), NULL)),
    ("a literal of members", Literal[t.Color.RED], enumerated("string", "red")),
    ("a union", Union[int, str], either(INTEGER, STRING)),
    ("an optional union", Optional[Union[int, str]], either(INTEGER, STRING, NULL)),
    ("a union that says one thing twice", Union[list[int], Sequence[int]], {"type": "array", "items": INTEGER}),
    ("a NewType", t.UserId, INTEGER),
    ("a text", Annotated[int, "how many"], {**INTEGER, "description": "how many"}),
    ("keywords", Annotated[int, {"minimum": 1}, "how many"], {**INTEGER, "minimum": 1, "description": "how many"}),
    ("texts inside", list[Annotated[str, "a word"]], {"type": "array", "items": {**STRING, "description": "a word"}}),
    ("a described class", Annotated[t.Point, "a place"], {**thing(x=INTEGER, y=nullable(NUMBER)), "description": "a place"}),
]


@pytest.mark.parametrize(("hint", "schema"), [row[1:] for row in OBJECTS], ids=[row[0] for row in OBJECTS])
def test_an_object_is_the_root_itself(hint: Any, schema: dict[str, Any]) -> None:
    assert strict_schema(hint) == schema


@pytest.mark.parametrize(("hint", "schema"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
def test_what_is_no_object_is_the_only_key_of_one(hint: Any, schema: dict[str, Any]) -> None:
    if "described class" in str(hint) or schema.get("type") == "object":
        assert strict_schema(hint) == schema
    else:
        assert strict_schema(hint) == thing(value=schema)


def objects(schema: Any) -> list[dict[str, Any]]:
    """Return all schemas of objects in a schema."""
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    own = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
    return [*own, *[each for value in inner for each in objects(value)]]


@pytest.mark.parametrize("hint", [t.Everything, t.Reply, t.Either, list[t.Everything], *[row[1] for row in OBJECTS]])
def test_every_object_is_closed_and_whole(hint: Any) -> None:
    schema = strict_schema(hint)
    found = objects(schema)
    assert found
    for each in found:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])
    json.dumps(schema)


def test_a_reference_stands_alone_so_what_it_means_is_taken_in() -> None:
    assert strict_schema(t.Everything)["properties"]["described"] == {**STEP, "description": "the first"}


def test_two_classes_of_one_name_are_told_apart() -> None:
    @dataclass
    class Step:
        other: int

    pair = dataclass(type("Pair", (), {"__annotations__": {"a": t.Step, "b": Step}}))
    definitions = strict_schema(pair)["$defs"]
    assert definitions == {"Step": STEP, "Step_2": thing(other=INTEGER)}


def test_the_same_type_gives_the_same_schema_which_may_be_changed() -> None:
    first = strict_schema(t.Reply)
    first["properties"].clear()
    assert strict_schema(t.Reply)["properties"]


def test_pydantic_models_may_stand_inside() -> None:
    class Model(BaseModel):
        number: int
        again: Model | None = None

    Model.model_rebuild(_types_namespace={"Model": Model})
    holder = dataclass(type("Holder", (), {"__annotations__": {"models": list[Model]}}))
    schema = strict_schema(holder)
    assert schema["properties"]["models"]["items"]["properties"]["again"] == nullable({"$ref": "#/$defs/Model"})
    assert schema["$defs"]["Model"]["required"] == ["number", "again"]


class Meta(NamedTuple):
    ge: int


class Doc:
    documentation = "told by an object"


def test_notes_of_other_libraries_are_understood() -> None:
    assert strict_schema(Annotated[int, Meta(3), Doc()]) == thing(value={**INTEGER, "minimum": 3, "description": "told by an object"})


def test_texts_of_fields_come_from_their_metadata_too() -> None:
    made = dataclass(type("Made", (), {"__annotations__": {"a": int}, "a": field(metadata={"description": "from metadata"})}))
    assert strict_schema(made)["properties"]["a"] == {**INTEGER, "description": "from metadata"}


NAMES: list[tuple[Any, str]] = [
    (t.Reply, "Reply"),
    (list[int], "list_int"),
    (t.Box[int], "tests_structured__types_Box_int"),
    ({"title": "An answer", "type": "object"}, "An_answer"),
    ({"type": "object"}, "response"),
    (type("X" * 80, (), {}), "X" * 64),
]


@pytest.mark.parametrize(("hint", "name"), NAMES, ids=[name for _, name in NAMES])
def test_a_schema_is_sent_under_a_name_that_the_service_takes(hint: Any, name: str) -> None:
    assert schema_name(hint) == name


class Loose(TypedDict):
    anything: Any


class Deep(NamedTuple):
    inside: list[Loose]


class Bytes(enum.Enum):
    A = b"a"


class Unresolved(NamedTuple):
    gone: Nowhere  # type: ignore[name-defined]  # noqa: F821 - so it is meant


MISTAKES: list[tuple[Any, str]] = [
    (Any, r"\$: Any and object have no strict schema"),
    (Deep, r"\$\.inside\[\]\.anything: Any"),
    (list, r"\$: list has no form in JSON; say what is in it, as in list\[str\]"),
    (bytes, r"\$: bytes has no form in JSON; a dataclass"),
    (dict[str, complex], r"\$\{\}: complex has no form"),
    (t.Box[bytes], r"\$: bytes has no form"),
    (Bytes, r"the values of a choice are strings and numbers, not b'a'"),
    (Unresolved, r"Unresolved: name 'Nowhere' is not defined"),
    (3, r"\$: 3 has no form in JSON"),
]


@pytest.mark.parametrize(("hint", "words"), MISTAKES, ids=[str(hint) for hint, _ in MISTAKES])
def test_what_has_no_schema_is_told_with_its_place(hint: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        strict_schema(hint)


def test_uuids_are_known_where_somebody_has_them() -> None:
    assert strict_schema(UUID) == thing(value={"type": "string", "format": "uuid"})


# -------------------------------------------------------------------------------------------------- schemas as they are
A = {"type": "object", "properties": {"a": STRING}, "required": ["a"]}
SCHEMAS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("an object is closed", A, thing(a=STRING)),
    ("an object without keys", {"type": "object"}, thing()),
    ("what is not required may be null", {"type": "object", "properties": {"a": STRING}}, thing(a=nullable(STRING))),
    (
        "null is not added twice",
        {"properties": {"a": nullable(STRING), "b": {"type": ["string", "null"]}}, "type": "object"},
        thing(a=nullable(STRING), b={"type": ["string", "null"]}),
    ),
    ("other keys are shut out", {**A, "additionalProperties": True}, thing(a=STRING)),
    ("a map is left", {"type": "object", "additionalProperties": A}, {"type": "object", "additionalProperties": thing(a=STRING)}),
    ("oneOf", {"type": "object", "properties": {"a": {"oneOf": [A, NULL]}}, "required": ["a"]}, thing(a=either(thing(a=STRING), NULL))),
    (
        "one allOf",
        {"type": "object", "properties": {"a": {"allOf": [A], "description": "d"}}, "required": ["a"]},
        thing(a={**thing(a=STRING), "description": "d"}),
    ),
    (
        "several allOf of objects are joined",
        {"allOf": [A, {"type": "object", "properties": {"b": INTEGER}, "required": ["b"]}]},
        thing(a=STRING, b=INTEGER),
    ),
    (
        "references in allOf",
        {"$defs": {"A": A}, "allOf": [{"$ref": "#/$defs/A"}, {"type": "object", "properties": {"b": INTEGER}, "required": ["b"]}]},
        {**thing(a=STRING, b=INTEGER), "$defs": {"A": thing(a=STRING)}},
    ),
    (
        "a reference with siblings",
        {
            "$defs": {"A": A},
            "type": "object",
            "properties": {"x": {"$ref": "#/$defs/A", "description": "d"}, "y": {"$ref": "#/$defs/A"}},
            "required": ["x", "y"],
        },
        {**thing(x={**thing(a=STRING), "description": "d"}, y={"$ref": "#/$defs/A"}), "$defs": {"A": thing(a=STRING)}},
    ),
    ("definitions by their old name", {"definitions": {"A": A}, **A}, {"definitions": {"A": thing(a=STRING)}, **thing(a=STRING)}),
    ("nullable of OpenAPI", {**A, "properties": {"a": {"type": "string", "nullable": True}}}, thing(a=nullable(STRING))),
    ("items", {**A, "properties": {"a": {"type": "array", "items": A}}}, thing(a={"type": "array", "items": thing(a=STRING)})),
    (
        "what is told is told in words",
        {**A, "properties": {"a": {"type": "array", "items": STRING, "uniqueItems": True, "minItems": 1}}},
        thing(a={"type": "array", "items": STRING, "minItems": 1, "description": "Unique items: true."}),
    ),
    (
        "a default",
        {**A, "properties": {"a": {"type": "string", "default": "x", "description": "D."}}},
        thing(a={**STRING, "description": "D. Default: x."}),
    ),
    ("what says nothing goes", {**A, "$schema": "s", "$id": "i", "x-order": 1, "deprecated": True}, thing(a=STRING)),
    ("a reference into the whole", {**A, "properties": {"a": {"$ref": "#"}}}, thing(a={"$ref": "#"})),
    (
        "a reference with signs in it",
        {"$defs": {"a/b": A}, **A, "properties": {"a": {"$ref": "#/$defs/a~1b", "title": "t"}}},
        {"$defs": {"a/b": thing(a=STRING)}, **thing(a={**thing(a=STRING), "title": "t"})},
    ),
]


@pytest.mark.parametrize(("given", "strict"), [row[1:] for row in SCHEMAS], ids=[row[0] for row in SCHEMAS])
def test_a_schema_is_made_strict(given: dict[str, Any], strict: dict[str, Any]) -> None:
    before = json.dumps(given)
    assert strict_schema(given) == strict
    assert json.dumps(given) == before
    assert strict_schema(strict) == strict, "what is strict stays as it is"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/gone", "title": "t"}}}, "leads to nothing"),
        ({"type": "object", "properties": {"a": {"$ref": "other.json", "title": "t"}}}, "leads to nothing"),
        ({"type": "object", "properties": {"a": 3}}, "a schema is an object, not 3"),
    ],
)
def test_a_wrong_schema_is_told(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        strict_schema(given)


NORMAL: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = [
    ("nothing", None, {"type": "object", "properties": {}}),
    ("an empty schema", {}, {"type": "object", "properties": {}}),
    ("an object without properties", {"type": "object", "$schema": "s"}, {"type": "object", "properties": {}}),
    ("no type", {"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
    ("open", {"type": "object", "additionalProperties": True}, {"type": "object", "properties": {}}),
    ("closed", {**A, "additionalProperties": False}, {**A, "additionalProperties": False}),
    ("a map", {"type": "object", "additionalProperties": STRING}, {"type": "object", "properties": {}, "additionalProperties": STRING}),
    (
        "types in a list",
        {"type": "object", "properties": {"a": {"type": ["string", "null"], "minLength": 1, "description": "d"}}},
        {"type": "object", "properties": {"a": {"anyOf": [{**STRING, "minLength": 1}, NULL], "description": "d"}}},
    ),
    (
        "inside",
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}, "$defs": {"D": {"type": "object"}}},
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}},
            "$defs": {"D": {"type": "object", "properties": {}}},
        },
    ),
]


@pytest.mark.parametrize(("given", "normal"), [row[1:] for row in NORMAL], ids=[row[0] for row in NORMAL])
def test_the_schema_of_a_tool_is_made_normal(given: dict[str, Any] | None, normal: dict[str, Any]) -> None:
    assert oxide.normalize_tool_schema(given) == normal


@pytest.mark.parametrize("given", [{"type": "string"}, {"type": ["object", "null"]}, {"anyOf": [A]}])
def test_parameters_that_are_no_object_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the parameters of a tool are an object"):
        oxide.normalize_tool_schema(given)


def test_classes_inside_a_function_are_found_where_they_are_used() -> None:
    @dataclass
    class Inner:
        name: str

    @dataclass
    class Outer:
        inner: Inner
        more: list[Inner]

    @oxide.tool
    def use(inner: Inner) -> str:
        return inner.name

    assert strict_schema(Outer)["$defs"].keys() == {"Inner"}
    assert use.call('{"inner": {"name": "n"}}') == "n"
