"""Function calls, told once each, at the very event that completes their arguments."""

from __future__ import annotations

from typing import Any

import pytest

from oxide._helpers.chat_snapshots import ChatSnapshots
from oxide._helpers.early_calls import EarlyCalls, EarlyChatCalls, FunctionCall
from oxide._models._base import decoder
from tests.helpers._transcripts import CHATS, RESPONSES, chunks, final, response_events


@pytest.mark.parametrize("name", RESPONSES)
def test_each_call_is_told_once_and_as_the_final_response_has_it(name: str) -> None:
    machine = EarlyCalls()
    calls = [call for event in response_events(name) for call in machine.feed(event)]
    wanted = [item for item in final(name)["output"] if item["type"] == "function_call"]
    found = sorted(calls, key=lambda call: [item["call_id"] for item in wanted].index(call.call_id))
    assert found == [FunctionCall(item["call_id"], item["name"], item["arguments"]) for item in wanted]
    assert all(call.call_id.startswith("call_") for call in calls)


@pytest.mark.parametrize("name", ["responses_tools", "responses_interleaved"])
def test_a_call_is_told_at_the_end_of_its_arguments_and_not_later(name: str) -> None:
    machine = EarlyCalls()
    for event in response_events(name):
        calls = machine.feed(event)
        assert len(calls) == (event.type == "response.function_call_arguments.done")


@pytest.mark.parametrize("name", CHATS)
def test_each_call_of_a_chat_is_told_once_and_as_the_completion_has_it(name: str) -> None:
    state, machine = ChatSnapshots(), EarlyChatCalls()
    calls = [call for chunk in chunks(name) for event in state.feed(chunk) for call in machine.feed(event)]
    assert calls == [
        FunctionCall(call["id"], call["function"]["name"], call["function"]["arguments"], choice["index"])
        for choice in final(name)["choices"]
        for call in choice["message"].get("tool_calls", [])
    ]


def test_a_call_of_a_chat_is_told_when_the_next_one_begins() -> None:
    state, machine = ChatSnapshots(), EarlyChatCalls()
    told = [[call.name for event in state.feed(chunk) for call in machine.feed(event)] for chunk in chunks("chat_text_then_tools")]
    assert told == [[], [], [], [], [], [], ["get_weather"], ["get_time"]]


ITEM = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": '{"a": 1}', "status": "completed"}
BEGUN = {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "arguments": "", "status": "in_progress"}}
DONE = {"type": "response.output_item.done", "output_index": 0, "item": ITEM}
ARGUMENTS = {"type": "response.function_call_arguments.done", "output_index": 0, "item_id": "fc_1", "arguments": '{"a": 1}'}
COMPLETED = {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [ITEM]}}

TABLE: list[tuple[str, list[dict[str, Any]], list[int]]] = [
    ("as the service sends it", [BEGUN, ARGUMENTS, DONE, COMPLETED], [0, 1, 0, 0]),
    ("the item begins unseen", [ARGUMENTS, DONE, COMPLETED], [0, 1, 0]),
    ("no event for the arguments", [BEGUN, DONE, COMPLETED], [0, 1, 0]),
    ("nothing but the whole", [COMPLETED], [1]),
    ("an item that is cut", [BEGUN, {**DONE, "item": {**ITEM, "status": "incomplete"}}], [0, 0]),
    ("arguments that are no text", [BEGUN, {**ARGUMENTS, "arguments": None}, DONE], [0, 0, 1]),
    ("a call without an id", [{**DONE, "item": {**ITEM, "call_id": None}}], [0]),
    ("nothing in it", [{**BEGUN, "item": None}, {**DONE, "item": None}, {"type": "response.completed"}], [0, 0, 0]),
]


@pytest.mark.parametrize(("title", "events", "wanted"), TABLE, ids=[title for title, _, _ in TABLE])
def test_services_that_tell_less_are_understood_too(title: str, events: list[dict[str, Any]], wanted: list[int]) -> None:
    from copy import deepcopy

    machine, decode = EarlyCalls(), decoder("responses_events.ResponseStreamEvent")
    assert [len(machine.feed(decode(deepcopy(event)))) for event in events] == wanted


@pytest.mark.parametrize("wrong", [[], {}, None, "0"], ids=repr)
def test_what_is_not_as_the_api_describes_it_is_no_call_and_no_error(wrong: object) -> None:
    machine, decode = EarlyCalls(), decoder("responses_events.ResponseStreamEvent")
    for event in ({**BEGUN, "output_index": wrong}, {**ARGUMENTS, "output_index": wrong}, {"type": wrong}):
        assert list(machine.feed(decode(event))) == []
    assert list(machine.feed(decode({**DONE, "item": {**ITEM, "call_id": wrong, "status": wrong}}))) == (
        [] if wrong != "0" else [FunctionCall("0", "look", '{"a": 1}')]
    )
    assert [call.name for call in machine.feed(decode(DONE))] == ["look"]


def test_arguments_are_parsed_when_they_are_asked_for() -> None:
    assert FunctionCall("call_1", "look", '{"a": 1}').parsed == {"a": 1}
    assert FunctionCall("call_1", "look", "").parsed == {}
    assert FunctionCall("call_1", "look", "{}", parse=lambda name, text: (name, text)).parsed == ("look", "{}")
    assert FunctionCall("call_1", "look", '{"a": 1}', parse=lambda name, text: None).parsed == {"a": 1}
    broken = FunctionCall("call_1", "look", '{"a": ')
    with pytest.raises(ValueError, match=r"Expecting"):
        _ = broken.parsed
    assert "look" in repr(broken)
    assert len({broken, broken}) == 1
    assert broken != "look"
