"""JSON becomes records of the right class, nothing is lost, and no JSON whatever makes decoding fail."""

from __future__ import annotations

import json
from copy import deepcopy
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide._models._base import Record, Unknown, decoder, missing, plain
from oxide._models._decode import _Union
from oxide._models._shape import Kinds, read_kinds, shape
from tests.models._instances import FACTS, Maker
from tools.sync.layout import Layout, attribute, short

LAYOUT = Layout.read()
OBJECTS = sorted(
    n for n in FACTS.closure(["responses.Response", "responses.ResponseItem", "responses.ResponseStreamEvent"]) if FACTS.is_object(n)
)
CHAT = sorted(
    n for n in FACTS.closure(["chat.ChatCompletion", "chat.ChatCompletionChunk", "chat.ChatCompletionStoreMessage"]) if FACTS.is_object(n)
)
RESULTS = {
    "responses.Response": "responses.Response",
    "responses.CompactedResponse": "responses.CompactedResponse",
    "responses.ResponseItem": "responses.ResponseItem",
    "responses_events.ResponseStreamEvent": "responses.ResponseStreamEvent",
    "responses.InputTokenCountResponse": "responses.InputTokenCountResponse",
    "chat.ChatCompletion": "chat.ChatCompletion",
    "chat.ChatCompletionChunk": "chat.ChatCompletionChunk",
    "chat.ChatCompletionDeleted": "chat.ChatCompletionDeleted",
    "chat.ChatCompletionStoreMessage": "chat.ChatCompletionStoreMessage",
}


def record_class(name: str) -> type[Record]:
    """Return the class of a type of the facts."""
    found: type[Record] = getattr(import_module(f"oxide._models.{LAYOUT.module(name)}"), short(name))
    return found


def encoded(value: Any) -> Any:
    return json.loads(json.dumps(value, default=plain))


@pytest.mark.parametrize("name", RESULTS)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_results_survive_a_round_trip(name: str, seed: int) -> None:
    made = Maker(seed).named(RESULTS[name])
    record = decoder(name)(deepcopy(made))
    assert encoded(record) == made
    assert Record.to_dict(record) == made


@pytest.mark.parametrize("name", RESULTS)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_value_has_the_type_that_is_written_beside_it(name: str, seed: int) -> None:
    check(decoder(name)(Maker(seed).named(RESULTS[name])), read_kinds(name, "oxide._models._base"))


def check(value: Any, kinds: Kinds) -> None:
    """Every dictionary that may be a record is one, of a class that the annotation allows, and so on inside it."""
    if isinstance(value, list) and kinds.items:
        for item in value:
            check(item, kinds.items)
    elif isinstance(value, dict):
        assert not kinds.classes
    elif isinstance(value, Record):
        assert type(value) in kinds.classes
        assert not missing(value)
        for key, (text, module) in shape(type(value)).types.items():
            check(value.__dict__.get(key), read_kinds(text, module))


@pytest.mark.parametrize("name", OBJECTS + CHAT)
def test_every_object_reads_as_the_facts_say(name: str) -> None:
    made = Maker(1, deepest=3).named(name)
    record = record_class(name).from_dict(made)
    for field, _ in FACTS.types[name]["fields"].items():
        key = field.rstrip("?")
        if name == "responses.Response" and key == "output_text":
            continue  # computed from the output
        value = getattr(record, attribute(key))
        assert encoded(value) == made.get(key)


# ------------------------------------------------------------------------------------------------------ the unknown
def test_an_unknown_tag_gives_an_unknown_record_that_keeps_everything() -> None:
    item = {"type": "telepathy", "thought": {"deep": [1]}}
    record = decoder("responses.ResponseItem")(deepcopy(item))
    assert type(record) is Unknown
    assert record.type == "telepathy"
    assert record.thought == {"deep": [1]}
    assert encoded(record) == item


def test_unknown_tags_leave_no_trace_in_memory() -> None:
    union = _Union(read_kinds("responses.ResponseItem", "oxide._models._base").classes)
    table, decode = union._table, union.adopt
    before = len(table)
    for n in range(100):
        decode({"type": f"telepathy {n}"})
    assert len(table) == before


def test_an_unknown_enum_value_stays_a_string() -> None:
    record = decoder("responses.Response")({"status": "enchanted", "model": "gpt-99"})
    assert (record.status, record.model) == ("enchanted", "gpt-99")


def test_unknown_keys_read_as_attributes_and_stand_in_extra() -> None:
    record = decoder("chat.ChatCompletion")({"id": "c", "mood": "good", "key with blanks": 1})
    assert record.mood == "good"
    assert record.extra == {"mood": "good", "key with blanks": 1}


def test_a_missing_required_field_reads_none_and_is_told() -> None:
    record = decoder("chat.ChatCompletion")({"id": "c", "object": "chat.completion"})
    assert record.choices is None
    assert missing(record) == ["choices", "created", "model"]


def test_absent_and_null_are_kept_apart() -> None:
    null, absent = (decoder("chat.ChatCompletion")(data) for data in ({"usage": None}, {}))
    assert null.usage is None
    assert absent.usage is None
    assert null != absent
    assert (encoded(null), encoded(absent)) == ({"usage": None}, {})


def test_a_name_that_is_no_field_and_no_key_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'chioces'"):
        _ = decoder("chat.ChatCompletion")({}).chioces


# ------------------------------------------------------------------------------------------------- the wrong shape
WRONG = [None, True, 3, "text", [], [None], [[{}]], {}, {"type": ["x"]}, {"type": None}, {"type": {"a": 1}}, {"role": 5}]


@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
@pytest.mark.parametrize("name", RESULTS)
def test_no_json_makes_decoding_fail(name: str, wrong: Any) -> None:
    assert encoded(decoder(name)(deepcopy(wrong))) == wrong
    fields = {field.rstrip("?"): wrong for field in FACTS.types[RESULTS[name]].get("fields", {})}
    assert encoded(decoder(name)(deepcopy(fields))) == fields
    listed = {key: [wrong] for key in fields}
    assert encoded(decoder(name)(deepcopy(listed))) == listed


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(RESULTS)),
    value=st.recursive(
        st.none() | st.integers() | st.text(max_size=3) | st.sampled_from(["message", "function_call", "user", "response.created"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "role", "object", "output", "content", "choices", "message", "item", "response", "x"]), inner
            )
        ),
        max_leaves=20,
    ),
)
def test_garbage_decodes_and_encodes_back(name: str, value: Any) -> None:
    assert encoded(decoder(name)(deepcopy(value))) == value


def test_json_nested_beyond_the_stack_is_a_recursion_error_and_nothing_else() -> None:
    filters: dict[str, Any] = {"type": "eq", "key": "k", "value": "v"}
    for _ in range(5_000):
        filters = {"type": "and", "filters": [filters]}
    with pytest.raises(RecursionError):
        decoder("responses_tools.FileSearchTool")({"type": "file_search", "vector_store_ids": [], "filters": filters})


# ----------------------------------------------------------------------------------------------------------- unions
UNIONS = [
    ("a tag decides", "responses.ResponseItem", {"type": "reasoning", "id": "r", "summary": []}, "ResponseReasoningItem"),
    (
        "a second tag decides where the first is shared",
        "responses.ResponseItem",
        {"type": "message", "role": "assistant"},
        "ResponseOutputMessage",
    ),
    ("the same for the other side", "responses.ResponseItem", {"type": "message", "role": "user"}, "ResponseInputMessageItem"),
    ("an optional tag left out", "responses_input.ResponseInputItem", {"role": "user", "content": "hi"}, "EasyInputMessage"),
    (
        "no tag at all, the keys decide",
        "chat.ChatCompletionResponseMessageToolCalls",
        {"id": "c", "function": {"name": "f", "arguments": ""}},
        "ChatCompletionMessageFunctionToolCall",
    ),
    ("no tag and nothing to go by", "responses.ResponseItem", {"id": "x"}, "Unknown"),
    ("an empty object", "responses.ResponseItem", {}, "Unknown"),
]


@pytest.mark.parametrize(("title", "name", "value", "expected"), UNIONS, ids=[row[0] for row in UNIONS])
def test_members_of_unions(title: str, name: str, value: dict[str, Any], expected: str) -> None:
    assert type(decoder(name)(value)).__name__ == expected
