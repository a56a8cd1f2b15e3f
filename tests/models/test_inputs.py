"""What a parameter takes besides dictionaries: records, iterables, dataclasses, pydantic models, arrays, dates; and what it refuses."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import io
import json
import pathlib
import uuid
from array import array
from typing import Any

import pytest

import oxide._exchange  # noqa: F401 - it tells the encoder about records
from oxide import when
from oxide._json import encode
from oxide._models.responses import Response
from tests.exchange._story import answer, asked, scripted


class Colour(enum.Enum):
    RED = "red"


class Shade(str, enum.Enum):
    DARK = "dark"


@dataclasses.dataclass
class Part:
    type: str
    text: str


@dataclasses.dataclass
class Whole:
    role: str
    content: list[Part]


MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
SENT = [
    ("a record", Response.from_dict({"id": "r", "tomorrow": 1}), {"id": "r", "tomorrow": 1}),
    ("a generator", (n for n in range(3)), [0, 1, 2]),
    ("a set of one", {7}, [7]),
    ("a tuple", (1, 2), [1, 2]),
    ("a map object", map(str, [1]), ["1"]),
    ("the keys of a dictionary", {"a": 1}.keys(), ["a"]),
    ("dataclasses in dataclasses", Whole("user", [Part("text", "hi")]), {"role": "user", "content": [{"type": "text", "text": "hi"}]}),
    ("an array", array("d", [0.5]), [0.5]),
    ("a moment", MOMENT, "2026-01-02T03:04:05+00:00"),
    ("a day", MOMENT.date(), "2026-01-02"),
    ("a member of an enum", Colour.RED, "red"),
    ("a member of an enum of strings", Shade.DARK, "dark"),
]


@pytest.mark.parametrize(("title", "value", "expected"), SENT, ids=[row[0] for row in SENT])
def test_what_is_sent(title: str, value: Any, expected: Any) -> None:
    assert json.loads(encode({"x": value})) == {"x": expected}


REFUSED = [
    b"bytes",
    bytearray(b"b"),
    memoryview(b"m"),
    decimal.Decimal(1),
    uuid.UUID(int=1),
    pathlib.PurePath("a"),
    io.StringIO("text"),
    object(),
]


@pytest.mark.parametrize("value", REFUSED, ids=lambda v: type(v).__name__)
def test_what_is_refused_is_named_with_its_place(value: Any) -> None:
    with pytest.raises(TypeError, match=rf"^input\[1\]\.content\.image: cannot send {type(value).__name__} as JSON$"):
        encode({"model": "m", "input": ["a", {"content": {"image": value}}, 5]})


def test_a_key_that_is_no_text_is_refused_with_its_place() -> None:
    with pytest.raises(TypeError, match=r"^metadata\.a: keys must be"):
        encode({"metadata": {"a": {(1, 2): "x"}}})


def test_pydantic_models_are_sent_as_the_official_library_sends_them() -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Message", role=(str, ...), text=(str, "unset"), moment=(datetime.datetime, ...))
    assert json.loads(encode([model(role="user", moment=MOMENT)])) == [{"role": "user", "moment": "2026-01-02T03:04:05Z"}]
    official = pytest.importorskip("openai._utils._json")
    value = [model(role="user", moment=MOMENT), MOMENT]
    assert json.loads(encode(value)) == json.loads(official.openapi_dumps(value))


def test_what_was_answered_is_sent_back() -> None:
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "tomorrow": None},
    ]
    client, world = scripted([answer(200, {"id": "r1", "object": "response", "output": output})] * 2)
    response = client.responses.create(model="m", input="hi")
    client.responses.create(model="m", input=[*response.output, {"type": "function_call_output", "call_id": "c", "output": "1"}])
    assert json.loads(asked(world)[1].body)["input"] == [*output, {"type": "function_call_output", "call_id": "c", "output": "1"}]


def test_generators_stand_for_arrays() -> None:
    client, world = scripted([answer(200, {"id": "r1", "object": "response", "output": []})])
    client.responses.create(model="m", input=({"role": "user", "content": text} for text in ("a", "b")))
    assert [item["content"] for item in json.loads(asked(world)[0].body)["input"]] == ["a", "b"]


def test_times_of_the_api_as_dates() -> None:
    assert when(1_767_323_045) == MOMENT
    assert when(1_767_323_045.5).tzinfo is datetime.timezone.utc
    assert when(None) is None
