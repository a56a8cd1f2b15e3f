"""Functions as tools: the definition is made of the signature, the arguments are checked before the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel

import oxide
from oxide import StructureError, Tool
from oxide._helpers.structured import check_chat_tools, parse_arguments


@dataclass
class Place:
    city: str
    country: Optional[str] = None  # noqa: UP045 - both spellings are for reading


@oxide.tool
def weather(place: Place, days: int = 3, unit: Annotated[Literal["C", "F"], "of temperatures"] = "C") -> str:
    """Look up the weather.

    Args:
        place: where.
        days: how many.
    """
    return f"{place.city} {days} {unit}"


@oxide.tool(name="later", description="Said elsewhere.")
async def wait(seconds: float) -> float:
    """Wait, they say."""
    await asyncio.sleep(0)
    return seconds


WEATHER = {
    "type": "object",
    "properties": {
        "place": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "country": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "required": ["city", "country"],
            "additionalProperties": False,
            "description": "where.",
        },
        "days": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "how many."},
        "unit": {"anyOf": [{"type": "string", "enum": ["C", "F"]}, {"type": "null"}], "description": "of temperatures"},
    },
    "required": ["place", "days", "unit"],
    "additionalProperties": False,
}


def test_a_definition_says_what_the_function_says() -> None:
    parameters = weather.parameters
    parameters.pop("$defs", None)
    function = {"name": "weather", "description": "Look up the weather.", "parameters": parameters, "strict": True}
    assert parameters == WEATHER
    assert weather.definition == {"type": "function", **function}
    assert weather.chat_definition == {"type": "function", "function": function}
    assert dict(weather) == {**weather} == weather.definition


def test_a_name_and_a_description_may_be_given() -> None:
    assert (wait.name, wait.description, wait.waiting) == ("later", "Said elsewhere.", True)
    assert (weather.waiting, weather.__name__, weather.__doc__) == (False, "weather", weather.__wrapped__.__doc__)
    assert repr(weather) == "<Tool weather>"


def test_a_tool_is_called_as_the_function_is() -> None:
    assert weather(Place("Ljubljana"), days=1) == "Ljubljana 1 C"
    assert asyncio.run(wait(2.0)) == 2.0


CALLS: list[tuple[str, str]] = [
    ('{"place": {"city": "Bled", "country": null}, "days": null, "unit": null}', "Bled 3 C"),
    ('{"place": {"city": "Bled", "country": "SI"}, "days": 5, "unit": "F"}', "Bled 5 F"),
    ('{"place": {"city": "Bled"}}', "Bled 3 C"),
]


@pytest.mark.parametrize(("arguments", "result"), CALLS)
def test_arguments_in_json_make_a_call(arguments: str, result: str) -> None:
    assert weather.call(arguments) == result


def test_a_coroutine_function_is_awaited_by_who_calls() -> None:
    assert asyncio.run(wait.call('{"seconds": 2}')) == 2.0


MISTAKES: list[tuple[str, str]] = [
    ('{"place": {"city": 3}}', r"^\$\.place\.city: expected str, got int$"),
    ('{"place": {"city": "x"}, "unit": "K"}', r"^\$\.unit: expected one of 'C', 'F', got 'K'$"),
    ("{}", r"^\$\.place: missing$"),
    ("", r"^\$\.place: missing$"),
    ("[1]", r"^\$: expected weather, got list$"),
    ("{", "the text is no JSON"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_arguments_that_do_not_fit_make_no_call(arguments: str, words: str) -> None:
    with pytest.raises(StructureError, match=words):
        weather.call(arguments)


def test_a_function_without_arguments_is_a_tool() -> None:
    @oxide.tool
    def now() -> str:
        return "now"

    assert now.parameters == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert now.call("{}") == now.call("") == "now"
    assert "description" not in now.definition


class Shop:
    def __init__(self, name: str) -> None:
        self.name = name

    @oxide.tool
    def price(self, thing: str, /, *, count: int = 1) -> str:
        """Tell a price."""
        return f"{self.name}: {count} {thing}"


def test_a_method_is_a_tool_of_its_object() -> None:
    shop = Shop("ours")
    assert shop.price.call('{"thing": "pear", "count": null}') == "ours: 1 pear"
    assert shop.price("fig", count=2) == "ours: 2 fig"
    assert list(shop.price.parameters["properties"]) == ["thing", "count"]
    assert isinstance(Shop.price, Tool)


def bare(x):  # type: ignore[no-untyped-def]  # so it is meant
    return x


def variadic(*values: int) -> None: ...


def odd(x: bytes) -> None: ...


def vague(x: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (bare, r"bare\(x\): an argument of a tool needs an annotation"),
        (variadic, r"variadic\(values\): a tool has a fixed number of arguments"),
        (odd, r"odd\(x\): bytes has no form in JSON"),
        (vague, r"\$\.x: Any and object have no strict schema"),
    ],
)
def test_what_can_be_no_tool_is_told(function: Callable[..., object], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        oxide.tool(function)


# ---------------------------------------------------------------------------------------------------- arguments of a call
class Query(BaseModel):
    """A query."""

    table: str


STRICT = {"type": "function", "name": "strict", "parameters": {}, "strict": True}
LOOSE = {"type": "function", "name": "loose", "parameters": {}}
TOOLS: list[Any] = [
    weather,
    STRICT,
    LOOSE,
    {"type": "function", "function": {"name": "chat", "strict": True}},
    oxide.pydantic_function_tool(Query),
    oxide.pydantic_responses_function_tool(Query, name="query"),
    {"type": "namespace", "name": "inner", "tools": [{**STRICT, "name": "deep"}]},
    {"type": "web_search"},
]
PARSED: list[tuple[str, str | None, str, Any]] = [
    ("weather", None, CALLS[1][0], {"place": Place("Bled", "SI"), "days": 5, "unit": "F"}),
    ("strict", None, '{"a": 1}', {"a": 1}),
    ("loose", None, "no json", None),
    ("chat", None, '{"a": 1}', {"a": 1}),
    ("Query", None, '{"table": "t"}', Query(table="t")),
    ("query", None, '{"table": "t"}', Query(table="t")),
    ("deep", "inner", '{"a": 1}', {"a": 1}),
    ("deep", None, '{"a": 1}', None),
    ("strict", "strict", '{"a": 1}', {"a": 1}),
    ("strict", "other", '{"a": 1}', None),
    ("unknown", None, "{}", None),
]


@pytest.mark.parametrize(("name", "namespace", "arguments", "wanted"), PARSED)
def test_arguments_are_parsed_by_the_tool_that_is_meant(name: str, namespace: str | None, arguments: str, wanted: Any) -> None:
    assert parse_arguments(name, arguments, TOOLS, namespace) == wanted


def test_chat_takes_only_tools_whose_arguments_can_be_parsed() -> None:
    check_chat_tools([weather, oxide.pydantic_function_tool(Query)])
    with pytest.raises(ValueError, match="'web_search'"):
        check_chat_tools([{"type": "web_search"}])
    with pytest.raises(ValueError, match="'f' is not strict"):
        check_chat_tools([{"type": "function", "function": {"name": "f"}}])
