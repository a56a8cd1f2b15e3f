"""What streams are folded into: in the end what the service sends as a whole, and at every point a valid beginning of it."""

from __future__ import annotations

import json
import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest

from oxide import ContentFilterFinishReasonError, LengthFinishReasonError, omit
from oxide._helpers import stream_events
from oxide._helpers.chat_snapshots import ChatSnapshots
from oxide._helpers.growing import Excerpt, Growing
from oxide._helpers.objects import is_list, is_object
from oxide._helpers.snapshots import ResponseSnapshots
from oxide._models import responses_events
from oxide._models._base import Record, decoder
from oxide._protocol.base import ProtocolError
from oxide.types.chat import ChatCompletion
from oxide.types.responses import Response
from tests.helpers._transcripts import CHATS, RESPONSES, chunks, final, lines, response_events

if TYPE_CHECKING:
    from collections.abc import Iterable

LAST = ("response.completed", "response.incomplete", "response.failed")


def fed(state: ChatSnapshots, name: str) -> ChatSnapshots:
    for chunk in chunks(name):
        state.feed(chunk)
    return state


def as_json(value: Any) -> str:
    return json.dumps(value.to_dict() if isinstance(value, Record) else value)


def folded(events: Iterable[Record], **options: Any) -> tuple[ResponseSnapshots, list[Any]]:
    state = ResponseSnapshots(**options)
    return state, [state.feed(event) for event in events]


# ------------------------------------------------------------------------------------------------------------- responses
@pytest.mark.parametrize("name", RESPONSES)
def test_the_final_response_is_the_one_that_the_service_sends(name: str) -> None:
    state, _ = folded(response_events(name))
    assert state.final is not None
    assert as_json(state.final.response) == as_json(final(name))
    assert as_json(state.snapshot()) == as_json(final(name))


@pytest.mark.parametrize("name", RESPONSES)
def test_the_output_folded_from_its_pieces_is_that_of_the_final_response(name: str) -> None:
    state, _ = folded(event for event in response_events(name) if event.type not in LAST)
    snapshot = state.snapshot()
    assert snapshot is not None
    assert snapshot.status == "in_progress"
    assert as_json(snapshot.to_dict()["output"]) == as_json(final(name)["output"])


@pytest.mark.parametrize("name", RESPONSES)
def test_the_texts_folded_from_deltas_alone_are_those_of_the_final_response(name: str) -> None:
    """Nothing that tells of an end is needed for a text, a code, a command or arguments."""
    skipped = ("response.content_part.done", "response.output_item.done", "response.reasoning_summary_part.done", *LAST)
    state, _ = folded(e for e in response_events(name) if e.type not in skipped and not (e.type.endswith(".done")))
    snapshot = state.snapshot()
    assert snapshot is not None
    assert texts_of(snapshot.to_dict()["output"]) == texts_of(final(name)["output"])


def texts_of(value: Any) -> list[str]:
    """Return all texts that grow, wherever they are."""
    if is_list(value):
        return [text for each in value for text in ([each] if isinstance(each, str) else texts_of(each))]
    found: list[str] = []
    for key, inner in value.items() if is_object(value) else ():
        found += texts_of(inner) if key not in GROWING else [inner] if inner else []
    return found


GROWING = ("text", "refusal", "arguments", "code", "input", "stdout")


@pytest.mark.parametrize("name", RESPONSES)
def test_every_beginning_of_a_stream_gives_a_valid_response(name: str) -> None:
    state = ResponseSnapshots()
    whole = final(name)
    for event in response_events(name):
        state.feed(event)
        snapshot = state.snapshot()
        assert isinstance(snapshot, Response)
        for item, last in zip(snapshot.to_dict()["output"], whole["output"]):  # noqa: B905 - there are fewer on the way
            assert item["id"] == last["id"]
            assert item.keys() == last.keys()
            for text, complete in zip(texts_of(item), texts_of(last)):  # noqa: B905 - likewise
                assert complete.startswith(text)


@pytest.mark.parametrize("name", RESPONSES)
def test_every_event_comes_out_once_in_order_and_unchanged(name: str) -> None:
    _, out = folded(response_events(name))
    assert [as_json(event) for event in out] == [as_json(event) for event in lines(name)]


@pytest.mark.parametrize("name", RESPONSES)
def test_snapshots_of_deltas_are_the_text_so_far_whenever_they_are_asked_for(name: str) -> None:
    _, out = folded(response_events(name))
    so_far: dict[Any, str] = {}
    for event in out:
        if event.type in ("response.output_text.delta", "response.function_call_arguments.delta"):
            place = event.output_index, getattr(event, "content_index", 0) if "text" in event.type else 0
            so_far[place] = so_far.get(place, "") + event.delta
            assert event.snapshot == so_far[place]
            assert pickle.loads(pickle.dumps(event)).snapshot == so_far[place]


def test_a_response_that_is_followed_from_its_middle_keeps_what_it_had() -> None:
    events = list(response_events("responses_text"))
    begun = ResponseSnapshots()
    half = len(events) // 2
    for event in events[:half]:
        begun.feed(event)
    state = ResponseSnapshots()
    seen = begun.snapshot()
    assert seen is not None
    state.feed(decoder("responses_events.ResponseStreamEvent")({"type": "response.in_progress", "response": seen.to_dict()}))
    for event in list(response_events("responses_text"))[half:-1]:
        state.feed(event)
    snapshot = state.snapshot()
    assert snapshot is not None
    assert as_json(snapshot.to_dict()["output"]) == as_json(final("responses_text")["output"])


def test_a_last_event_without_output_gets_what_was_told_before() -> None:
    events = list(response_events("responses_tools"))
    del events[-1].response.__dict__["output"]
    state, _ = folded(events)
    assert state.final is not None
    assert as_json(state.final.response.to_dict()["output"]) == as_json(final("responses_tools")["output"])


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("no item", {"type": "response.output_text.delta", "content_index": 0, "delta": "x"}),
    ("an item that is no number", {"type": "response.output_text.delta", "output_index": [], "content_index": 0, "delta": "x"}),
    ("no part", {"type": "response.output_text.delta", "output_index": 0, "delta": "x"}),
    ("no text", {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": 5}),
    ("an end without a response", {"type": "response.completed"}),
]


@pytest.mark.parametrize(("title", "event"), WRONG, ids=[title for title, _ in WRONG])
def test_events_that_make_no_sense_are_refused(title: str, event: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        ResponseSnapshots().feed(decoder("responses_events.ResponseStreamEvent")(event))


ODD: list[dict[str, Any]] = [
    {"type": "response.output_item.added", "output_index": 0, "item": None},
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": 5}},
    {"type": "response.content_part.added", "output_index": 0, "content_index": 10**9, "part": {"type": "output_text", "text": ""}},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 10**9, "delta": "x"},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": -1, "delta": "x", "logprobs": [{}]},
    {"type": "response.shell_call_command.added", "output_index": 0, "command_index": 0, "command": None},
    {"type": "response.shell_call_command.delta", "output_index": 0, "command_index": 7, "delta": "x"},
    {"type": "response.shell_call_output_content.delta", "output_index": 0, "command_index": 0, "delta": "x"},
    {"type": "response.mcp_call.completed", "output_index": 0},
    {"type": 5},
    {},
]


def test_events_of_strange_services_do_no_harm() -> None:
    events = [{"type": "response.created", "response": {"id": "resp_1", "output": None}}, *ODD]
    state, out = folded(map(decoder("responses_events.ResponseStreamEvent"), events))
    assert len(out) == len(events)
    assert isinstance(state.snapshot(), Response)


def test_what_is_gathered_has_a_limit() -> None:
    with pytest.raises(ProtocolError, match="longer"):
        folded(response_events("responses_text"), limit=100)
    with pytest.raises(ProtocolError, match="longer"):
        fed(ChatSnapshots(limit=5), "chat_choices")


# ------------------------------------------------------------------------------------------------------------------ chat
@pytest.mark.parametrize("name", CHATS)
def test_the_completion_is_the_one_that_the_service_sends_when_it_does_not_stream(name: str) -> None:
    state = fed(ChatSnapshots(), name)
    assert as_json(state.snapshot()) == as_json(final(name))
    assert as_json(state.final()) == as_json(final(name))


@pytest.mark.parametrize("name", CHATS)
def test_every_beginning_of_a_chat_gives_a_valid_completion(name: str) -> None:
    state = ChatSnapshots()
    assert isinstance(state.snapshot(), ChatCompletion)
    for chunk in chunks(name):
        state.feed(chunk)
        snapshot = state.shown()
        assert isinstance(snapshot, ChatCompletion)
        assert snapshot.object == "chat.completion"
        for choice, last in zip(snapshot.to_dict()["choices"], final(name)["choices"]):  # noqa: B905 - there are fewer on the way
            assert last["message"]["content"] is None or last["message"]["content"].startswith(choice["message"]["content"] or "")


@pytest.mark.parametrize("name", CHATS)
def test_events_of_a_chat_tell_the_text_so_far_and_each_end_once(name: str) -> None:
    state, so_far, ends = ChatSnapshots(), dict[Any, str](), list[Any]()
    for chunk in chunks(name):
        for event in state.feed(chunk):
            if event.type == "content.delta" or event.type == "refusal.delta":
                key: tuple[int, str] = (event.choice, event.type)
                so_far[key] = so_far.get(key, "") + event.delta
                assert event.snapshot == so_far[key]
            elif event.type == "tool_calls.function.arguments.delta":
                key = event.choice, f"call {event.index}"
                so_far[key] = so_far.get(key, "") + event.arguments_delta
                assert event.arguments == so_far[key]
            elif event.type.endswith(".done"):
                ends.append((event.choice, event.type, getattr(event, "index", None)))
            assert event.to_dict()["type"] == event.type
            assert type(event).__name__ in repr(event)
    assert len(ends) == len(set(ends))
    for choice in final(name)["choices"]:
        calls = choice["message"].get("tool_calls", [])
        assert len([end for end in ends if end[0] == choice["index"] and end[2] is not None]) == len(calls)
        assert ((choice["index"], "content.done", None) in ends) == bool(choice["message"]["content"])


@pytest.mark.parametrize(("name", "error"), [("chat_cut", LengthFinishReasonError), ("chat_filtered", ContentFilterFinishReasonError)])
def test_an_answer_that_was_to_be_parsed_must_not_be_cut(name: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        fed(ChatSnapshots(hint=list[str]), name)
    assert caught.value.completion.choices[0].message.content  # type: ignore[attr-defined]  # both errors have it


def test_many_answers_have_a_limit_and_need_an_index() -> None:
    state = ChatSnapshots()
    decode = decoder("chat.ChatCompletionChunk")
    with pytest.raises(ProtocolError, match="more than"):
        state.feed(decode({"choices": [{"index": index, "delta": {}} for index in range(2000)]}))
    with pytest.raises(ProtocolError, match="index"):
        ChatSnapshots().feed(decode({"choices": [{"delta": {}}]}))


@pytest.mark.parametrize(
    "odd", [{"choices": None}, {"choices": [5]}, {"choices": [{"index": 0}]}, {"choices": [{"index": 0, "delta": 5}]}, {}]
)
def test_chunks_of_strange_services_do_no_harm(odd: dict[str, Any]) -> None:
    state = ChatSnapshots(omit)
    assert [event.type for event in state.feed(decoder("chat.ChatCompletionChunk")(odd))] == ["chunk"]
    assert isinstance(state.snapshot(), ChatCompletion)


# ------------------------------------------------------------------------------------------------------------------ cost
def test_a_long_text_is_joined_when_it_is_asked_for_and_not_before() -> None:
    growing = Growing()
    excerpts: list[Excerpt] = []
    for _ in range(1000):
        growing.add("abc")
        excerpts.append(growing.excerpt())
    assert len(growing._pieces) == 1001  # pyright: ignore[reportPrivateUsage]  # what this is about
    assert excerpts[9].text() == "abc" * 10
    assert len(growing._pieces) == 1  # pyright: ignore[reportPrivateUsage]  # likewise
    assert [len(each.text()) for each in excerpts] == [3 * (n + 1) for n in range(1000)]


# ----------------------------------------------------------------------------------------------------------------- types
def test_the_union_of_events_names_every_event_of_the_api() -> None:
    """Four are of classes of our own; those of a new description must be added by hand."""
    ours = re.findall(r"\bResponse\w+Event\b", stream_events.ResponseStreamEvent)
    theirs = re.findall(r"\bResponse\w+Event\b", responses_events.ResponseStreamEvent)
    assert sorted(ours) == sorted(theirs)
