"""Texts to instances: what fits is made, what does not is told with its place; random types and values come back as they were."""

# ruff: noqa: UP007, UP045 - both spellings of unions are for reading

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import enum
import json
import sys
import uuid
from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

import oxide
from oxide import StructureError, decode_as, strict_schema
from tests.structured import _types as t

STEP = {"explanation": "a", "output": "b"}
A_STEP = t.Step("a", "b")


class Model(BaseModel):
    number: int


@pydantic_dataclass
class Data:
    number: int


@dataclass
class Holder:
    models: list[Model]
    data: Data


FITTING: list[tuple[str, Any, Any, Any]] = [
    ("a dataclass", t.Step, STEP, A_STEP),
    ("a nested one", t.Reply, {"steps": [STEP], "final": STEP, "color": "red", "sure": 1}, t.Reply([A_STEP], A_STEP, t.Color.RED, 1.0)),
    ("null", t.Reply, {"steps": [], "final": None, "color": "blue", "sure": 0.5}, t.Reply([], None, t.Color.BLUE, 0.5)),
    ("a frozen one", t.Frozen, {"name": "n", "step": STEP}, t.Frozen("n", A_STEP)),
    ("one that checks itself", t.Checked, {"low": 1, "high": 2}, t.Checked(1, 2)),
    (
        "nulls for defaults",
        t.Defaults,
        {"name": "n", "count": None, "tags": None, "color": None, "maybe": None},
        t.Defaults("n", maybe=None),
    ),
    ("nothing for defaults", t.Defaults, {"name": "n"}, t.Defaults("n")),
    (
        "values for defaults",
        t.Defaults,
        {"name": "n", "count": 1, "tags": ["x"], "color": "blue", "maybe": 2},
        t.Defaults("n", 1, ["x"], t.Color.BLUE, 2),
    ),
    ("unknown keys", t.Step, {**STEP, "more": 1}, A_STEP),
    ("unknown keys in place of defaults", t.Defaults, {"name": "n", "a": 1, "b": 1, "c": 1, "d": 1}, t.Defaults("n")),
    ("a NamedTuple", t.Point, {"x": 1, "y": None}, t.Point(1, 0.5)),
    ("a TypedDict", t.Whole, {"name": "n", "step": STEP}, {"name": "n", "step": A_STEP}),
    ("a TypedDict that is not whole", t.Partial, {"a": 1, "b": None, "c": None}, {"a": 1, "c": None}),
    (
        "a tree",
        t.Tree,
        {"value": 1, "children": [{"value": 2, "children": [], "parent": None}], "parent": None},
        t.Tree(1, [t.Tree(2, [])]),
    ),
    ("a tagged union", t.Owner, {"pet": {"kind": "puppy", "name": "n"}}, t.Owner(t.Dog("puppy", "n"))),
    ("a union of more and less", Union[t.Slotted, t.Named], {"name": "n", "count": 1, "more": 2}, t.Named("n", 1, 2)),
    ("a union that differs inside", list[Union[t.Numbers, t.Words]], [{"items": ["a"]}, {"items": [1]}], [t.Words(["a"]), t.Numbers([1])]),
    ("a union of texts", list[Union[datetime.date, int, str]], ["2026-01-02", "soon", 3], [datetime.date(2026, 1, 2), "soon", 3]),
    ("a union of lists", Union[list[int], list[str], dict[str, int]], {"value": ["a"]}, ["a"]),
    ("a union with a model", list[Union[Model, t.Step]], [{"number": 1}, STEP], [Model(number=1), A_STEP]),
    ("a union without tag", t.Either, {"thing": {"x": 1, "y": 2}}, t.Either(t.Point(1, 2.0))),
    ("a generic class", t.Box[int], {"inside": 1, "more": [2]}, t.Box(1, [2])),
    (
        "texts",
        t.Texts,
        {"moment": "2026-01-02T03:04:05Z", "day": "2026-01-02", "clock": "03:04:05", "id": str(uuid.UUID(int=1)), "price": "1.50"},
        t.Texts(
            datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
            datetime.date(2026, 1, 2),
            datetime.time(3, 4, 5),
            uuid.UUID(int=1),
            Decimal("1.50"),
        ),
    ),
    ("a list, wrapped", list[int], {"value": [1, 2]}, [1, 2]),
    ("a list, bare", list[int], [1, 2], [1, 2]),
    ("a list of objects", list[t.Step], {"value": [STEP]}, [A_STEP]),
    ("a set", set[str], ["a", "a"], {"a"}),
    ("a tuple", tuple[int, str], [1, "a"], (1, "a")),
    ("entries", dict[str, int], {"value": [{"key": "a", "value": 1}]}, {"a": 1}),
    ("a dictionary as it is", dict[t.Color, int], {"red": 1}, {t.Color.RED: 1}),
    ("an enum of numbers", t.Level, {"value": 2}, t.Level.HIGH),
    ("a whole number as a float", float, 3, 3.0),
    ("a float as a whole number", int, 3.0, 3),
    ("a union of numbers", Union[int, float], 2.5, 2.5),
    ("a union of strings", Union[str, t.Color], "red", t.Color.RED),
    ("another string", Union[str, t.Color], "green", "green"),
    ("a literal", Literal["a", None], None, None),
    ("an annotated type", Annotated[list[int], "some"], [1], [1]),
    ("anything", list[Any], [1, "a", {"b": None}], [1, "a", {"b": None}]),
    ("a schema", {"type": "object"}, {"a": [1]}, {"a": [1]}),
    ("models inside", Holder, {"models": [{"number": 1}], "data": {"number": 2}}, Holder([Model(number=1)], Data(number=2))),
    ("a model", Model, {"number": 1}, Model(number=1)),
    ("a list of models", list[Model], {"value": [{"number": 1}]}, [Model(number=1)]),
    ("a dataclass of pydantic", Data, {"number": 1}, Data(number=1)),
]


@pytest.mark.parametrize(("hint", "sent", "wanted"), [row[1:] for row in FITTING], ids=[row[0] for row in FITTING])
def test_what_fits_is_made(hint: Any, sent: Any, wanted: Any) -> None:
    found = decode_as(hint, json.dumps(sent))
    assert found == wanted
    assert type(found) is type(wanted)


def test_an_object_is_like_one_that_was_called_for() -> None:
    made = decode_as(t.Frozen, json.dumps({"name": "n", "step": STEP}))
    assert dataclasses.asdict(made) == {"name": "n", "step": STEP}
    assert hash(decode_as(t.Point, '{"x": 1, "y": 2}')) == hash(t.Point(1, 2.0))
    slotted = decode_as(t.Slotted, '{"name": "n", "count": 2}')
    assert (slotted.name, slotted.count, hasattr(slotted, "__dict__")) == ("n", 2, False)
    assert decode_as(t.Defaults, '{"name": "n"}').hidden == 7


def test_defaults_are_made_anew_each_time() -> None:
    first, second = decode_as(t.Defaults, '{"name": "n"}'), decode_as(t.Defaults, '{"name": "n"}')
    first.tags.append("x")
    assert second.tags == []


@dataclass
class Steps:
    steps: list[t.Step]
    scores: dict[str, int]


WRONG: list[tuple[Any, Any, str]] = [
    (Steps, {"steps": [STEP, STEP, {"explanation": "a", "output": 5}], "scores": []}, "$.steps[2].output: expected str, got int"),
    (Steps, {"steps": [{"explanation": "a"}], "scores": []}, "$.steps[0].output: missing"),
    (Steps, {"steps": {}, "scores": []}, "$.steps: expected list, got dict"),
    (Steps, {"steps": [None], "scores": []}, "$.steps[0]: expected Step, got None"),
    (Steps, {"steps": [], "scores": [{"key": "a", "value": "x"}]}, "$.scores[0].value: expected int, got str"),
    (Steps, {"steps": [], "scores": {"a": True}}, "$.scores.a: expected int, got bool"),
    (Steps, {"steps": [], "scores": [3]}, "$.scores[0]: expected an object with key and value"),
    (Steps, [], "$: expected Steps, got list"),
    (t.Color, {"value": "green"}, "$: expected one of 'red', 'blue', got 'green'"),
    (t.Level, True, "$: expected one of 1, 2, got True"),
    (Literal["a"], [], "$: expected 'a', got []"),
    (t.Owner, {"pet": {"kind": "cow"}}, "$.pet.kind: expected one of 'cat', 'dog', 'puppy', got 'cow'"),
    (t.Owner, {"pet": {"kind": "cat", "lives": 9.5}}, "$.pet.lives: expected int, got float"),
    (t.Owner, {"pet": 3}, "$.pet: expected Cat or Dog, got int"),
    (t.Either, {"thing": {"z": 1}}, "$.thing.x: missing"),
    (Union[int, str, None], {"value": []}, "$: expected int or str or None, got list"),
    (tuple[int, str], [1], "$: expected 2 items, got 1"),
    (tuple[int, str], [1, 2], "$[1]: expected str, got int"),
    (list[int], {"value": [1, True]}, "$[1]: expected int, got bool"),
    (list[float], [1.0, "x"], "$[1]: expected float, got str"),
    (bool, 1, "$: expected bool, got int"),
    (t.Partial, {"b": "x"}, "$.a: missing"),
    (t.Partial, {"a": 1, "b": 2}, "$.b: expected str, got int"),
    (t.Whole, {"name": "n", "step": {"explanation": 1, "output": ""}}, "$.step.explanation: expected str, got int"),
    (t.Checked, {"low": 2, "high": 1}, "$: low is above high (got {'low': 2, 'high': 1})"),
    (datetime.date, {"value": 3}, "$: expected date as str, got int"),
    (
        t.Tree,
        {"value": 1, "children": [{"value": 1, "children": [{"value": "x"}]}]},
        "$.children[0].children[0].value: expected int, got str",
    ),
]


@pytest.mark.parametrize(("hint", "sent", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_what_does_not_fit_is_told_with_its_place(hint: Any, sent: Any, words: str) -> None:
    with pytest.raises(StructureError) as caught:
        decode_as(hint, json.dumps(sent))
    assert str(caught.value) == words
    assert caught.value.path == words.partition(": ")[0]


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "nope", '{"a": 1} x'])
def test_a_text_that_is_no_json_is_told(text: str) -> None:
    with pytest.raises(StructureError, match="the text is no JSON"):
        decode_as(t.Step, text)
    assert issubclass(StructureError, ValueError)
    assert issubclass(StructureError, oxide.OxideError)


def test_objects_that_look_alike_are_not_tried_over_and_over() -> None:
    value: dict[str, Any] = {"child": None, "number": "x"}
    for _ in range(60):
        value = {"child": value, "number": 1}
    with pytest.raises(StructureError, match=r"^\$(\.child){60}\.number: expected int, got str$"):
        decode_as(t.Chain, json.dumps(value))


def test_a_number_beyond_all_floats_is_told() -> None:
    with pytest.raises(StructureError, match="beyond its range"):
        decode_as(float, "1" * 400)


def test_a_text_that_is_too_deep_is_told() -> None:
    text = '{"value": 1, "children": [' * 5000
    with pytest.raises(StructureError):
        decode_as(t.Tree, text)


@pytest.mark.parametrize("hint", [Model, list[Model], Holder], ids=["alone", "in a list", "inside"])
def test_what_pydantic_refuses_is_told(hint: Any) -> None:
    sent: Any = {"number": "x"} if hint is Model else [{"number": "x"}] if hint is not Holder else {"models": [{"number": "x"}], "data": {}}
    with pytest.raises((ValidationError, StructureError), match="number"):
        decode_as(hint, json.dumps(sent))


def test_a_text_of_another_library_is_wrong_as_there() -> None:
    with pytest.raises(StructureError, match=r"^\$: Invalid isoformat string"):
        decode_as(datetime.date, '{"value": "soon"}')


def test_types_that_nobody_holds_do_not_pile_up() -> None:
    from oxide._helpers import decoding, kinds

    for number in range(1200):
        decode_as(make_dataclass(f"Made{number}", [("a", int)]), '{"a": 1}')
    assert len(kinds._known) <= 512
    assert len(decoding._compiled) <= 512


# ------------------------------------------------------------------------------------------------------- msgspec, as it would be
class Struct:
    """A class that looks as a struct of msgspec does."""

    __struct_fields__ = ("a",)

    def __init__(self, a: int) -> None:
        self.a = a


class _Json:
    @staticmethod
    def schema(hint: Any) -> dict[str, Any]:
        definition = {"title": "Struct", "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
        return {"$ref": f"#/$defs/{hint.__name__}", "$defs": {hint.__name__: definition}}

    @staticmethod
    def decode(text: str, type: Any) -> Any:  # noqa: A002 - its name there
        return type(**json.loads(text))


class Msgspec:
    json = _Json

    @staticmethod
    def convert(value: Any, hint: Any) -> Any:
        return hint(**value)


def test_structs_of_msgspec_are_described_and_decoded_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", Msgspec)  # type: ignore[arg-type]  # all that is asked of it
    assert strict_schema(Struct)["properties"] == {"a": {"type": "integer"}}
    assert strict_schema(Struct)["additionalProperties"] is False
    assert decode_as(Struct, '{"a": 3}').a == 3
    assert decode_as(list[Struct], '{"value": [{"a": 3}]}')[0].a == 3


# ----------------------------------------------------------------------------------------------------------- random types
SCALARS = {
    str: st.text(max_size=5),
    int: st.integers(-(10**9), 10**9),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    None: st.none(),
    datetime.date: st.dates(),
    datetime.datetime: st.datetimes(),
    uuid.UUID: st.uuids(),
    t.Color: st.sampled_from(t.Color),
    t.Level: st.sampled_from(t.Level),
}
Pair = tuple[Any, st.SearchStrategy[Any]]


def grown(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """Return types made of others, each with its values."""
    lists = inner.map(lambda pair: (list[pair[0]], st.lists(pair[1], max_size=3)))  # type: ignore[name-defined]  # made at run time
    optional = inner.map(lambda pair: (Optional[pair[0]], st.one_of(st.none(), pair[1])))
    maps = inner.map(lambda pair: (dict[str, pair[0]], st.dictionaries(st.text(max_size=3), pair[1], max_size=3)))  # type: ignore[name-defined]  # as above
    several = st.lists(inner, min_size=1, max_size=4)
    tuples = several.map(lambda pairs: (tuple[tuple(pair[0] for pair in pairs)], st.tuples(*[pair[1] for pair in pairs])))  # type: ignore[misc]  # as above
    return st.one_of(lists, optional, maps, tuples, several.map(as_dataclass), several.map(as_named), several.map(as_dict))


def fields_of(pairs: list[Pair]) -> dict[str, Any]:
    return {f"field_{number}": hint for number, (hint, _) in enumerate(pairs)}


def as_dataclass(pairs: list[Pair]) -> Pair:
    cls = make_dataclass("Made", fields_of(pairs).items(), frozen=len(pairs) == 2)
    return cls, st.builds(cls, *[values for _, values in pairs])


def as_named(pairs: list[Pair]) -> Pair:
    cls: Any = NamedTuple("Named", fields_of(pairs).items())  # type: ignore[misc]  # made at run time
    return cls, st.builds(cls, *[values for _, values in pairs])


def as_dict(pairs: list[Pair]) -> Pair:
    cls = TypedDict("Typed", fields_of(pairs))  # type: ignore[misc]  # made at run time
    return cls, st.fixed_dictionaries({f"field_{number}": values for number, (_, values) in enumerate(pairs)})


RANDOM: st.SearchStrategy[Pair] = st.recursive(st.sampled_from(list(SCALARS.items())), grown, max_leaves=8)


def written(hint: Any, value: Any) -> Any:
    """Write a value the way a schema describes it; an oracle that knows nothing of the library."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {name: written(None, getattr(value, name)) for name in value.__dataclass_fields__}
    if hasattr(value, "_fields"):
        return {name: written(None, inner) for name, inner in zip(value._fields, value, strict=True)}
    if isinstance(value, dict):
        if value and all(str(key).startswith("field_") for key in value):
            return {key: written(None, inner) for key, inner in value.items()}
        return [{"key": key, "value": written(None, inner)} for key, inner in value.items()]
    return [written(None, inner) for inner in value] if isinstance(value, (list, tuple)) else value


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_values_of_random_types_come_back(data: st.DataObject) -> None:
    hint, values = data.draw(RANDOM)
    value = data.draw(values)
    sent = written(hint, value)
    if strict_schema(hint)["properties"].keys() == {"value"}:
        sent = {"value": sent}
    assert decode_as(hint, json.dumps(sent)) == value


@settings(max_examples=150, deadline=None)
@given(
    st.data(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    ),
)
def test_anything_else_is_an_instance_or_a_structure_error(data: st.DataObject, value: Any) -> None:
    hint, _ = data.draw(RANDOM)
    with contextlib.suppress(StructureError):
        decode_as(hint, json.dumps(value))
