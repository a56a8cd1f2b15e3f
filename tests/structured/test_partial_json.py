"""JSON while it grows: every beginning means something, the whole means what it means to `json`, and long texts stay cheap."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide import PartialJson, partial_json

BEGINNINGS: list[tuple[str, Any]] = [
    ("", None),
    ("  ", None),
    ("{", {}),
    ('{"na', {}),
    ('{"name"', {}),
    ('{"name":', {}),
    ('{"name": "', {"name": ""}),
    ('{"name": "Ad', {"name": "Ad"}),
    ('{"name": "Ada", ', {"name": "Ada"}),
    ('{"n": 12', {}),
    ('{"n": 12,', {"n": 12}),
    ('{"n": tru', {}),
    ('{"n": true}', {"n": True}),
    ('{"n": -1.5e3 ', {"n": -1500.0}),
    ('{"a": [', {"a": []}),
    ('{"a": [1, "x', {"a": [1, "x"]}),
    ('{"a": [{"b": null', {"a": [{}]}),
    ('{"a": [{}, ', {"a": [{}]}),
    ('"te\\', "te"),
    ('"te\\n', "te\n"),
    ('"\\u00e', ""),
    ('"\\u00e9', "é"),
    ('"a\\ud83d', "a"),
    ('"a\\ud83d\\ude', "a"),
    ('"a\\ud83d\\ude00', "a😀"),
    ('"a\\ud83d"', "a\ud83d"),
    ('"a\\ud83dx', "a\ud83dx"),
    ("12", None),
    ("12 ", 12),
    ("[[[", [[[]]]),
    ("[] ", []),
]


@pytest.mark.parametrize(("text", "value"), BEGINNINGS, ids=[text for text, _ in BEGINNINGS])
def test_a_beginning_means_what_has_come(text: str, value: Any) -> None:
    assert partial_json(text) == value
    machine = PartialJson()
    for sign in text:
        machine.feed(sign)
    assert machine.value == value


WRONG = [
    "}",
    "]",
    "x",
    "[1 2]",
    '{"a" 1}',
    "{1: 2}",
    "{,",
    "[,",
    "[1,]",
    '{"a": 1,}',
    "[}",
    "{]",
    '"\\x"',
    '"\\u12g4"',
    "truth ",
    "1.2.3,",
    "1 2",
    "{} {}",
    "nul,",
    "[1],",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_begins_no_json_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="the text is no JSON"):
        partial_json(text)
    with pytest.raises(ValueError, match=r"."):
        json.loads(text)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(ANY, st.booleans(), st.lists(st.integers(0, 200), max_size=6))
def test_cutting_does_not_matter(value: Any, ascii_only: bool, cuts: list[int]) -> None:
    text = json.dumps([value], ensure_ascii=ascii_only)
    machine = PartialJson()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for begin, end in itertools.pairwise(places):
        assert machine.feed(text[begin:end]) == partial_json(text[:end])
    assert machine.value == [value]
    assert machine.complete


def smaller(part: Any, whole: Any) -> bool:
    """Tell whether a value is what a part of a text can mean, the whole of which means the other."""
    if isinstance(part, str) and isinstance(whole, str):
        return whole.startswith(part)
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and smaller(inner, whole[key]) for key, inner in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(smaller, part, whole))
    return bool(part == whole)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), ANY, max_size=4), st.data())
def test_nothing_is_shown_that_is_taken_back(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value)
    end = data.draw(st.integers(1, len(text)))
    assert smaller(partial_json(text[:end]), value)


@settings(max_examples=200, deadline=None)
@given(st.text('{}[]",:\\u0159 truefalsn-.e', max_size=30))
def test_garbage_is_a_value_or_a_value_error(text: str) -> None:
    try:
        found = partial_json(text + " ")
    except ValueError:
        found = None
    try:
        whole = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    except ValueError:
        return
    assert found == whole


def test_a_long_text_in_small_pieces_is_cheap() -> None:
    machine = PartialJson()
    machine.feed('{"text": "')
    for _ in range(200_000):  # 1.6 MB; copying it each time would move 160 GB
        machine.feed("piece é ")
    assert len(machine.value["text"]) == 1_600_000


def test_lists_and_objects_grow_in_place() -> None:
    machine = PartialJson()
    first = machine.feed('{"items": [1,')
    assert machine.feed("2,") is first
    assert first == {"items": [1, 2]}


def test_size_and_depth_are_bounded() -> None:
    machine = PartialJson(limit=10, depth=3)
    machine.feed("[[[")
    with pytest.raises(ValueError, match="nested too deeply"):
        machine.feed("[")
    with pytest.raises(ValueError, match="longer than allowed"):
        PartialJson(limit=10).feed("[" + " " * 10)
    with pytest.raises(ValueError, match="too long"):
        partial_json("[" + "1" * 500)
