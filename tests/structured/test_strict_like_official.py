"""Strict schemas of pydantic models, beside those of the official library: equal, or the difference has its reason here."""

from __future__ import annotations

import enum
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import pytest
from openai import pydantic_function_tool as official_tool
from openai import pydantic_responses_function_tool as official_responses_tool
from openai.lib._parsing._completions import type_to_response_format_param
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter
from pydantic.dataclasses import dataclass as pydantic_dataclass

import oxide
from oxide import strict_schema
from oxide._helpers.structured import response_format_of, text_param_of


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Step(BaseModel):
    explanation: str
    output: str


class Plain(BaseModel):
    """What a plain model says."""

    name: str
    count: int
    share: float
    sure: bool
    nothing: None


class Nested(BaseModel):
    steps: list[Step]
    final: Step | None


class Described(BaseModel):
    name: str = Field(description="the name")
    step: Step = Field(description="a reference with something beside it")
    color: Color = Field(description="an enum with something beside it", title="Colour")


class Enums(BaseModel):
    color: Color
    word: Literal["a", "b"]
    one: Literal["only"]


class Unions(BaseModel):
    either: int | str
    step: Step | Plain
    maybe: str | None
    more: list[Step | Plain | None]


class Optionals(BaseModel):
    maybe: str | None = None
    steps: list[Step] | None = None


class Tree(BaseModel):
    value: int
    children: list[Tree]
    parent: Tree | None


class LinkedList(BaseModel):
    head: Node


class Node(BaseModel):
    value: int
    next: Node | None


class Limits(BaseModel):
    count: int = Field(ge=1, lt=10)
    share: float = Field(gt=0, le=1)
    even: int = Field(multiple_of=2)
    word: str = Field(pattern="^a", min_length=1, max_length=5)
    items: list[int] = Field(min_length=1, max_length=3)


class Moments(BaseModel):
    moment: datetime
    day: date
    span: timedelta


class Words(BaseModel):
    words: Annotated[list[Annotated[str, Field(description="a word")]], Field(description="some words")]


class Empty(BaseModel):
    pass


class Maps(BaseModel):
    scores: dict[str, int]
    steps: dict[str, Step]


class Parent(BaseModel):
    kind: Literal["parent"]


class Child(Parent):
    age: int


@pydantic_dataclass
class Data:
    name: str
    step: Step


class Defaults(BaseModel):
    name: str = "nobody"
    step: Step = Step(explanation="", output="")


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Tagged(BaseModel):
    pet: Cat | Dog = Field(discriminator="kind")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class Pairs(BaseModel):
    pair: tuple[int, str]
    words: set[str]


class Address(BaseModel):
    site: Annotated[str, Field(json_schema_extra={"format": "uri", "examples": ["http://a"]})]


class Whole(RootModel[Step]):
    pass


SAME: list[Any] = [
    *(Plain, Nested, Described, Enums, Unions, Optionals, Tree, LinkedList, Limits, Moments, Words, Empty, Maps, Child, Data, Whole),
]


def officially(model: Any) -> Any:
    return to_strict_json_schema(model if issubclass(model, BaseModel) else TypeAdapter(model))


@pytest.mark.parametrize("model", SAME, ids=lambda model: model.__name__)
def test_the_schema_is_the_official_one(model: Any) -> None:
    assert strict_schema(model) == officially(model)
    assert list(strict_schema(model)["properties"]) == list(officially(model)["properties"])


@pytest.mark.parametrize("model", [m for m in SAME if m is not Whole], ids=lambda model: model.__name__)
def test_what_is_sent_is_the_same(model: Any) -> None:
    official: Any = type_to_response_format_param(model)
    assert response_format_of(model) == official
    assert text_param_of(model) == {"type": "json_schema", **official["json_schema"]}


def properties(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return strict_schema(model)["properties"], officially(model)["properties"]


def test_a_default_is_told_in_words_because_the_service_refuses_the_keyword() -> None:
    ours, official = properties(Defaults)
    assert ours["name"] == {"title": "Name", "type": "string", "description": "Default: nobody."}
    assert official["name"] == {"title": "Name", "type": "string", "default": "nobody"}
    assert "default" in official["step"]
    assert ours["step"]["description"] == 'Default: {"explanation": "", "output": ""}.'
    assert ours["step"]["properties"].keys() == {"explanation", "output"}


def test_a_tagged_union_is_an_any_of_because_the_service_has_no_one_of() -> None:
    ours, official = properties(Tagged)
    assert ours["pet"] == {"anyOf": official["pet"]["oneOf"], "title": "Pet"}


def test_other_keys_are_shut_out_because_the_service_refuses_them() -> None:
    assert officially(Open)["additionalProperties"] is True
    assert strict_schema(Open) == {**officially(Open), "additionalProperties": False}


def test_places_and_uniqueness_are_told_in_words_because_the_service_has_no_keywords_for_them() -> None:
    ours, official = properties(Pairs)
    assert "prefixItems" in official["pair"]
    assert "uniqueItems" in official["words"]
    assert ours["pair"]["items"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert ours["pair"]["description"].startswith("The kinds of its items, in this order")
    assert ours["words"] == {"title": "Words", "type": "array", "items": {"type": "string"}, "description": "Unique items: true."}


def test_a_format_that_the_service_does_not_know_is_told_in_words() -> None:
    ours, official = properties(Address)
    assert official["site"] == {"title": "Site", "type": "string", "format": "uri", "examples": ["http://a"]}
    assert ours["site"] == {"title": "Site", "type": "string", "description": 'Examples: ["http://a"]. Format: uri.'}


class Recursive(BaseModel):
    value: int
    next: Recursive | None = Field(description="the next one")
    other: Recursive = Field(description="one more")


def test_a_described_reference_to_what_contains_it_is_wrapped_where_the_official_library_never_ends() -> None:
    with pytest.raises(RecursionError):
        officially(Recursive)
    inner = strict_schema(Recursive)["$defs"]["Recursive"]["properties"]["other"]
    assert inner == {"anyOf": [{"$ref": "#/$defs/Recursive"}], "description": "one more"}


@pytest.mark.parametrize("model", [Plain, Nested, Tree])
@pytest.mark.parametrize("options", [{}, {"name": "x"}, {"description": "y"}, {"name": "x", "description": "y"}], ids=str)
def test_tools_of_models_are_the_official_ones(model: Any, options: dict[str, Any]) -> None:
    assert oxide.pydantic_function_tool(model, **options) == official_tool(model, **options)
    assert oxide.pydantic_responses_function_tool(model, **options) == official_responses_tool(model, **options)
    later: Any = {**options, "defer_loading": True}
    assert oxide.pydantic_responses_function_tool(model, **later) == official_responses_tool(model, **later)
