"""Records are dataclasses to everyone who asks, and know a little more than dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from oxide._models._base import Record, Unknown, decoder, extra, missing, plain
from oxide._models.responses import Response, ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from oxide._models.responses_tools import FunctionTool

MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}, {"type": "output_text", "text": " world", "annotations": []}],
    "tomorrow": 1,
}
CALL = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city": "Oslo"}'}


def message() -> ResponseOutputMessage:
    return ResponseOutputMessage.from_dict(MESSAGE)


def pickled(record: Record, protocol: int | None = None) -> Any:
    return pickle.loads(pickle.dumps(record, protocol))


# ---------------------------------------------------------------------------------------------- the dataclass protocol
def test_a_record_is_a_dataclass_with_the_fields_of_its_class() -> None:
    assert dataclasses.is_dataclass(ResponseOutputText)
    assert [f.name for f in dataclasses.fields(ResponseOutputText)] == ["type", "text", "annotations", "logprobs"]
    assert all(f.kw_only for f in dataclasses.fields(ResponseOutputText))
    assert not dataclasses.is_dataclass(Record)


def test_asdict_goes_all_the_way_down() -> None:
    assert dataclasses.asdict(message())["content"][0] == {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": None}


def test_replace_changes_a_copy() -> None:
    before = message()
    after = dataclasses.replace(before, id="msg_2")
    assert (before.id, after.id) == ("msg_1", "msg_2")
    assert after.content is before.content


def test_replace_without_changes_equals_the_record_and_sends_no_nulls() -> None:
    call = ResponseFunctionToolCall.from_dict(CALL)
    assert dataclasses.replace(call) == call
    assert Record.to_dict(dataclasses.replace(call)) == CALL


def test_the_replace_of_the_copy_module_keeps_unknown_keys() -> None:
    dataclasses.fields(ResponseOutputMessage)  # from here on the standard library's own __replace__ could be in the way
    assert message().__replace__(id="msg_2").tomorrow == 1  # type: ignore[attr-defined]  # an unknown key
    if sys.version_info >= (3, 13):
        assert copy.replace(message(), id="msg_2").id == "msg_2"


def test_equality_is_by_class_and_value() -> None:
    assert message() == message()
    assert message() != ResponseOutputMessage.from_dict({**MESSAGE, "id": "other"})
    assert Unknown.from_dict(CALL) != ResponseFunctionToolCall.from_dict(CALL)
    assert message() != MESSAGE
    with pytest.raises(TypeError, match="unhashable"):
        hash(message())


def test_the_repr_could_be_typed_in_again() -> None:
    text = ResponseOutputText(text="Hello", annotations=[], logprobs=[])
    assert repr(text) == "ResponseOutputText(type='output_text', text='Hello', annotations=[], logprobs=[])"
    assert eval(repr(text)) == text


def test_match_sees_the_fields() -> None:
    match message():
        case ResponseOutputMessage(role="assistant", content=[ResponseOutputText(text=first), *_]):
            assert first == "Hello"
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize(
    "way", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r)), lambda r: pickle.loads(pickle.dumps(r, 0))]
)
def test_copies_are_equal_and_independent(way: Any) -> None:
    first = message()
    second = way(first)
    assert second == first
    assert type(second) is type(first)
    second.id = "msg_2"
    assert first.id == "msg_1"


ODD = ("__copy__", "__deepcopy__", "__getstate__", "__reduce__", "__reduce_ex__", "__setstate__", "__class__", "__dict__", "__slots__")


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickled, lambda record: pickled(record, 0)])
@pytest.mark.parametrize("cls", [ResponseOutputMessage, Unknown])
def test_no_key_of_the_json_is_in_the_way_of_copies(way: Any, cls: type[Record]) -> None:
    first = cls.from_dict({**MESSAGE, **dict.fromkeys((*ODD, "self", "http", "_http", "to_dict", "keys"), 1)})
    first._http = SimpleNamespace(request_id="req_1")  # type: ignore[assignment]  # stands for the HTTP side of a call
    second = way(first)
    assert type(second) is cls
    assert second == first
    assert second.http == first.http
    assert Record.to_dict(second) == Record.to_dict(first)


def test_a_deep_copy_keeps_what_is_shared_inside_it_shared() -> None:
    part = ResponseOutputText.from_dict({"type": "output_text", "text": "Hello", "annotations": []})
    first = Unknown.from_dict({"type": "new"})
    first.__dict__.update(one=part, two=part, itself=first)
    second: Any = copy.deepcopy(first)
    assert second.one is second.two is not part
    assert second.itself is second


def test_a_deep_copy_shares_nothing() -> None:
    first = message()
    copy.deepcopy(first).content.clear()
    assert len(first.content) == 2


# ------------------------------------------------------------------------------------------------------ construction
def test_the_constructor_fills_in_what_is_constant() -> None:
    assert Record.to_dict(ResponseOutputText(text="Hello", annotations=[], logprobs=[])) == {
        "type": "output_text",
        "text": "Hello",
        "annotations": [],
        "logprobs": [],
    }


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"text": "a"}, "missing: annotations"),
        ({"text": "a", "annotations": [], "txt": 1}, "unknown: txt"),
        ({"txt": 1}, "unknown: txt; missing: text"),
    ],
)
def test_wrong_arguments_are_named(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        ResponseOutputText(**values)


def test_a_key_that_is_no_python_name_has_an_attribute_with_an_underscore() -> None:
    tool = FunctionTool(name="f", parameters=None, strict=True, async_=True)
    assert tool.async_ is True
    assert Record.to_dict(tool)["async"] is True
    tool.async_ = False
    assert Record.to_dict(tool)["async"] is False
    assert FunctionTool(name="f", parameters=None, strict=True).async_ is None
    assert "async_=False" in repr(tool)


def test_none_for_a_required_field_is_sent_as_null() -> None:
    assert Record.to_dict(FunctionTool(name="f", parameters=None, strict=None, description=None)) == {
        "type": "function",
        "name": "f",
        "parameters": None,
        "strict": None,
    }


def test_from_dict_copies_what_it_is_given() -> None:
    data = copy.deepcopy(MESSAGE)
    ResponseOutputMessage.from_dict(data).content.clear()
    assert data == MESSAGE


# --------------------------------------------------------------------------------------------------- out as plain data
def test_to_dict_and_to_json_give_what_would_be_sent() -> None:
    assert message().to_dict() == MESSAGE
    assert json.loads(message().to_json()) == MESSAGE
    assert message().to_json(indent=None).startswith('{"type":"message"')
    assert (
        ResponseOutputText(text="é", annotations=[], logprobs=[]).to_json(indent=None)
        == '{"type":"output_text","text":"é","annotations":[],"logprobs":[]}'
    )


def test_model_dump_fills_in_what_is_absent_as_the_official_one_does() -> None:
    call = ResponseFunctionToolCall.from_dict(CALL)
    assert call.model_dump(exclude_unset=True) == CALL
    assert call.model_dump(exclude_none=True) == CALL
    assert call.model_dump()["status"] is None
    assert "async_" in call.model_dump()
    assert "async" in call.model_dump(by_alias=True)
    assert call.model_dump(include={"name"}) == {"name": "weather"}
    assert "name" not in call.model_dump(exclude={"name"})
    assert json.loads(call.model_dump_json(exclude_none=True)) == CALL
    assert "type" not in call.model_dump(exclude_defaults=True)
    with pytest.raises(TypeError, match="round_trip"):
        call.model_dump(round_trip=True)  # type: ignore[call-arg]  # an argument that means nothing here


def test_json_keys_may_hide_methods_but_not_from_the_library() -> None:
    record = Unknown.from_dict({"to_dict": 1, "keys": 2, "__dict__": 3})
    assert Record.to_dict(record) == {"to_dict": 1, "keys": 2, "__dict__": 3}
    assert plain(record) == {"to_dict": 1, "keys": 2, "__dict__": 3}


def test_plain_knows_what_can_be_sent() -> None:
    @dataclasses.dataclass
    class Mine:
        text: str

    class Pydantic:
        def model_dump(self, **options: Any) -> dict[str, Any]:
            return options

    assert plain(message()) == message().__dict__
    assert plain(Mine("a")) == {"text": "a"}
    assert plain(Pydantic()) == {"mode": "json", "by_alias": True, "exclude_unset": True}
    assert plain(n for n in (1, 2)) == [1, 2]
    assert plain(SimpleNamespace(a=1).__dict__.keys()) == ["a"]
    for odd in (b"bytes", bytearray(), object(), Mine):
        with pytest.raises(TypeError, match=f"cannot send {type(odd).__name__} as JSON"):
            plain(odd)


# ------------------------------------------------------------------------------------------- what a record knows more
def test_the_exchange_takes_no_part_in_the_value() -> None:
    first, second = message(), message()
    with pytest.raises(AttributeError, match="not the result of a call"):
        _ = first.http
    assert first._request_id is None
    first._http = SimpleNamespace(request_id="req_1")
    assert first.http.request_id == "req_1"
    assert first._request_id == "req_1"
    assert first == second
    assert repr(first) == repr(second)
    assert Record.to_dict(first) == MESSAGE


def test_copies_and_pickles_keep_the_exchange() -> None:
    first = message()
    first._http = SimpleNamespace(request_id="req_1")
    for second in (pickled(first), pickled(first, 0), copy.copy(first), copy.deepcopy(first)):
        assert second.http.request_id == "req_1"
        assert second == first


def test_extra_and_missing_tell_how_the_server_differs_from_the_description() -> None:
    record = ResponseOutputMessage.from_dict({"type": "message", "mood": "good"})
    assert extra(record) == record.extra == {"mood": "good"}
    assert missing(record) == ["id", "content", "status"]


def test_output_text_joins_the_text_and_nothing_else() -> None:
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}, "odd", {"type": "output_text", "text": 5}]}
    response = Response.from_dict({"output": [{"type": "reasoning", "summary": []}, MESSAGE, refusal, MESSAGE, "odd"]})
    assert response.output_text == "Hello worldHello world"
    assert Response.from_dict({}).output_text == ""
    assert Response.from_dict({"output": 5}).output_text == ""


def test_function_calls_are_found_and_their_arguments_parsed() -> None:
    response = Response.from_dict(
        {"output": [MESSAGE, CALL, {**CALL, "arguments": ""}, {**CALL, "arguments": "[1]"}, {**CALL, "arguments": "{"}]}
    )
    first, empty, array, broken = response.function_calls
    assert (first.call_id, first.name, first.arguments) == ("call_1", "weather", '{"city": "Oslo"}')
    assert first.parsed() == {"city": "Oslo"}
    assert empty.parsed() == {}
    with pytest.raises(ValueError, match="no JSON object"):
        array.parsed()
    with pytest.raises(ValueError, match="double quotes"):
        broken.parsed()


def test_records_load_neither_typing_nor_dataclasses() -> None:
    program = (
        "import sys, oxide._models.responses, oxide._models.responses_events\n"
        "from oxide._models._base import decoder\n"
        "decoder('responses_events.ResponseStreamEvent')({'type': 'response.created', 'response': {'output': []}})\n"
        "print(*({'typing', 'dataclasses', 'inspect', 'typing_extensions'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == ""


def test_decoders_are_kept() -> None:
    assert decoder("responses.Response") is decoder("responses.Response")
