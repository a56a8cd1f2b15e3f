"""`responses.stream` and `chat.completions.stream` in both worlds, over recorded streams, and beside the official library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai
import pytest

import oxide
from oxide.testing import Fault, Server
from tests.helpers._transcripts import CHATS, RESPONSES, body, final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faces._both import Face

ASKED: list[Any] = [{"role": "user", "content": "Hello"}]
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CHAT_TOOL: dict[str, Any] = {"type": "function", "function": {"name": "get_weather", "parameters": TOOL["parameters"], "strict": True}}


@dataclass
class Place:
    city: str
    people: int


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def play(server: Server, name: str, times: int = 1) -> None:
    """Let the server answer with a transcript."""
    server.fail_next(*[Fault(pieces=[body(name)], headers={"content-type": "text/event-stream"})] * times)


def as_json(value: Any) -> str:
    return json.dumps(value.to_dict())


# ------------------------------------------------------------------------------------------------------------- the whole
@pytest.mark.parametrize("name", RESPONSES)
def test_the_final_response_is_the_one_that_came(face: Face, server: Server, name: str) -> None:
    play(server, name)
    with face.client(server) as client, client.responses.stream(model="m", input="Hello") as stream:
        response = stream.get_final_response()
        assert as_json(response) == json.dumps(final(name))
        assert response.http.status == 200
        assert as_json(stream.current_response_snapshot) == json.dumps(final(name))


@pytest.mark.parametrize("name", CHATS)
def test_the_final_completion_is_the_one_that_was_streamed(face: Face, server: Server, name: str) -> None:
    play(server, name)
    with face.client(server) as client, client.chat.completions.stream(model="m", messages=ASKED) as stream:
        assert as_json(stream.get_final_completion()) == json.dumps(final(name))
        assert as_json(stream.current_completion_snapshot) == json.dumps(final(name))


# ------------------------------------------------------------------------------------------------- the official library
def facts(event: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what an event says, in plain values."""
    found = {name: getattr(event, name) for name in names if getattr(event, name, None) is not None}
    return {"type": event.type, **{name: plain(value) for name, value in found.items()}}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


WIRE = ("sequence_number", "item_id", "output_index", "content_index", "delta", "text", "arguments", "name", "snapshot", "item", "part")
CHUNKS = ("delta", "snapshot", "content", "refusal", "name", "index", "arguments", "arguments_delta", "parsed_arguments", "parsed")
BEYOND = {"chat_odd": "it wants an index in every piece of a call"}
"""Transcripts that the official library cannot read, and why."""


@pytest.mark.parametrize("name", RESPONSES)
def test_the_events_of_a_response_are_those_of_the_official_library(face: Face, server: Server, name: str) -> None:
    play(server, name, 2)
    with face.client(server) as client, client.responses.stream(model="m", input="Hello") as stream:
        ours = [facts(event, WIRE) for event in stream]
    with (
        openai.OpenAI(base_url=server.url, api_key="test", max_retries=0) as official,
        official.responses.stream(model="m", input="Hello") as theirs,
    ):
        assert ours == [facts(event, WIRE) for event in theirs]


@pytest.mark.parametrize("name", [name for name in CHATS if name not in BEYOND])
def test_the_events_of_a_chat_are_those_of_the_official_library(face: Face, server: Server, name: str) -> None:
    play(server, name, 2)
    with face.client(server) as client, client.chat.completions.stream(model="m", messages=ASKED) as stream:
        ours = [facts(event, CHUNKS) for event in stream]
    with (
        openai.OpenAI(base_url=server.url, api_key="test", max_retries=0) as official,
        official.chat.completions.stream(model="m", messages=ASKED) as theirs,
    ):
        assert [without_chunk(each) for each in ours] == [without_chunk(facts(event, CHUNKS)) for event in theirs]


def without_chunk(event: dict[str, Any]) -> dict[str, Any]:
    """Leave out the snapshot of a chunk: it is alive in the official library, and one of the time of asking here."""
    return {"type": "chunk"} if event["type"] == "chunk" else event


# -------------------------------------------------------------------------------------------------------- what is parsed
def test_texts_of_a_type_are_parsed_at_their_end(face: Face, server: Server) -> None:
    with face.client(server) as client, client.responses.stream(model="m", input="Hello", text_format=Place) as stream:
        events = list(stream)
        response = stream.get_final_response()
    assert server.requests[-1].json["text"]["format"]["type"] == "json_schema"
    assert response.output_parsed == Place("city", 1)
    assert [event.parsed for event in events if event.type == "response.output_text.done"] == [Place("city", 1)]
    assert events[-1].response.output_parsed == Place("city", 1)


def test_texts_of_a_chat_are_parsed_while_they_grow(face: Face, server: Server) -> None:
    with face.client(server) as client, client.chat.completions.stream(model="m", messages=ASKED, response_format=Place) as stream:
        events = list(stream)
        completion = stream.get_final_completion()
    partly = [event.parsed for event in events if event.type == "content.delta"]
    assert {"city": ""} in partly
    assert {"city": "city"} in partly
    assert partly[-1] == {"city": "city", "people": 1}
    assert [event.parsed for event in events if event.type == "content.done"] == [Place("city", 1)]
    assert completion.choices[0].message.parsed == Place("city", 1)


def test_a_text_that_is_cut_is_no_instance_of_a_type(face: Face, server: Server) -> None:
    play(server, "responses_filtered")
    with face.client(server) as client, client.responses.stream(model="m", input="Hello", text_format=Place) as stream:
        assert stream.until_done().current_response_snapshot.status == "incomplete"
        with pytest.raises(oxide.ContentFilterFinishReasonError):
            stream.get_final_response()
    play(server, "chat_cut")
    with face.client(server) as client, client.chat.completions.stream(model="m", messages=ASKED, response_format=Place) as stream:
        iterator = iter(stream)
        assert next(iterator).type == "chunk"
        with pytest.raises(oxide.LengthFinishReasonError):
            list(iterator)


def test_what_was_to_be_a_type_and_is_not_says_where(face: Face, server: Server) -> None:
    play(server, "responses_text")
    with face.client(server) as client, client.responses.stream(model="m", input="Hello", text_format=Place) as stream:
        with pytest.raises(oxide.StructureError):
            stream.get_final_response()
        assert stream.current_response_snapshot.output_text.startswith("You said")


def test_a_format_may_be_said_once_only(face: Face, server: Server) -> None:
    text = {"format": {"type": "text"}}
    opening = face.client(server).responses.stream(model="m", input="Hello", text_format=Place, text=text)
    with pytest.raises(TypeError, match="one of them"):
        opening.__enter__()
    assert not server.requests


# --------------------------------------------------------------------------------------------------------- other ways in
def test_the_text_alone_comes_piece_by_piece(face: Face, server: Server) -> None:
    with face.client(server) as client:
        with client.responses.stream(model="m", input="Hello there") as stream:
            pieces = list(stream.text_deltas())
        assert len(pieces) > 2
        assert "".join(pieces) == "You said: Hello there"
        with client.chat.completions.stream(model="m", messages=ASKED, n=2) as stream:
            assert "".join(stream.text_deltas()) == "You said: Hello"


def test_calls_are_handed_out_before_the_stream_ends(face: Face, server: Server) -> None:
    whole = body("responses_tools")
    end = whole.index(b"\n\n", whole.index(b"event: response.function_call_arguments.done")) + 2
    stalled = Fault(pieces=[whole], headers={"content-type": "text/event-stream"}, cut="stall", at="body", after=end)
    server.fail_next(stalled)
    with face.client(server) as client, client.responses.stream(model="m", input="Hello", tools=[TOOL]) as stream:
        call = next(iter(stream.function_calls()))  # the rest of the stream never comes
        assert (call.name, call.parsed) == ("get_weather", {"city": "Paris"})
        assert call.call_id == final("responses_tools")["output"][0]["call_id"]


def test_the_rest_of_the_stream_goes_on_after_a_call(face: Face, server: Server) -> None:
    play(server, "responses_interleaved")
    with face.client(server) as client, client.responses.stream(model="m", input="Hello") as stream:
        calls = list(stream.function_calls())
        assert [call.parsed["city"] for call in calls] == ["Rome", "Paris"]
        assert as_json(stream.get_final_response()) == json.dumps(final("responses_interleaved"))
        assert list(stream.function_calls()) == []


def test_calls_that_went_by_are_not_lost(face: Face, server: Server) -> None:
    with face.client(server) as client, client.responses.stream(model="m", input="Weather in Rome?", tools=[TOOL]) as stream:
        assert list(stream)[-1].type == "response.completed"
        assert [call.parsed for call in stream.function_calls()] == [{"city": "Rome"}]


def test_calls_of_a_chat_are_handed_out_early_too(face: Face, server: Server) -> None:
    whole = body("chat_text_then_tools")
    second = whole.index(b"\n\n", whole.index(b"call_2")) + 2
    server.fail_next(Fault(pieces=[whole], headers={"content-type": "text/event-stream"}, cut="stall", at="body", after=second))
    with face.client(server) as client, client.chat.completions.stream(model="m", messages=ASKED, tools=[CHAT_TOOL]) as stream:
        call = next(iter(stream.function_calls()))
        assert (call.call_id, call.name, call.parsed) == ("call_1", "get_weather", {"city": "Rome"})


def test_a_stream_of_calls_has_the_response_as_well(face: Face, server: Server) -> None:
    play(server, "responses_tools")
    with face.client(server) as client, client.responses.create_stream_fc(model="m", input="Hello", tools=[TOOL]) as calls:
        assert [call.name for call in calls] == ["get_weather", "get_time"]
        assert calls.http.status == 200
        assert as_json(calls.get_final_response()) == json.dumps(final("responses_tools"))
        calls.close()


@oxide.tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def test_arguments_are_parsed_as_the_tool_takes_them(face: Face, server: Server) -> None:
    with face.client(server) as client:
        with client.responses.stream(model="m", input="Weather in Rome?", tools=[get_weather]) as stream:
            assert [call.parsed for call in stream.function_calls()] == [{"city": "Rome"}]
            assert stream.get_final_response().output[0].parsed_arguments == {"city": "Rome"}
        with client.chat.completions.stream(model="m", messages=ASKED, tools=[get_weather]) as stream:
            events = list(stream)
            calls = stream.get_final_completion().choices[0].message.tool_calls
        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
        assert [event.parsed_arguments for event in done] == [{"city": "Hello"}]
        assert [call.function.parsed_arguments for call in calls] == [{"city": "Hello"}]
        assert server.requests[-1].json["tools"][0]["function"]["name"] == "get_weather"


# --------------------------------------------------------------------------------------------------------------- endings
def test_leaving_early_frees_the_connection(face: Face, server: Server) -> None:
    with face.client(server) as client:
        with client.responses.stream(model="m", input="A long story, please") as stream:
            assert next(iter(stream)).type == "response.created"
            assert stream.current_response_snapshot.status == "in_progress"
            stream.close()
            assert list(stream) == []
            with pytest.raises(oxide.StreamError, match="closed before"):
                stream.get_final_response()
        with client.chat.completions.stream(model="m", messages=ASKED) as stream:
            assert next(iter(stream)).type == "chunk"


def test_events_that_make_no_whole_end_the_stream_after_those_before(face: Face, server: Server) -> None:
    odd = b'data: {"type": "response.created", "response": {"id": "resp_1"}}\n\ndata: {"type": "response.output_text.delta"}\n\n'
    server.fail_next(Fault(pieces=[odd], headers={"content-type": "text/event-stream"}))
    with face.client(server) as client, client.responses.stream(model="m", input="Hello") as stream:
        iterator = iter(stream)
        assert next(iterator).type == "response.created"
        with pytest.raises(oxide.StreamError, match="make no whole"):
            next(iterator)


def test_a_refused_request_is_an_error_when_the_block_is_entered(face: Face, server: Server) -> None:
    server.fail_next(Fault(status=400))
    opening = face.client(server).responses.stream(model="m", input="Hello")
    with pytest.raises(oxide.BadRequestError):
        opening.__enter__()


def test_a_response_may_be_followed_from_its_middle(face: Face, server: Server) -> None:
    with face.client(server) as client:
        made = client.responses.create(model="m", input="Hello there", background=True)
        with client.responses.stream(response_id=made.id, starting_after=5) as stream:
            events = list(stream)
            assert [event.sequence_number for event in events] == list(range(6, 6 + len(events)))
            first = next(event for event in events if event.type == "response.output_text.delta")
            assert first.snapshot.startswith("You said")
            assert stream.get_final_response().output_text == "You said: Hello there"
    assert server.requests[-1].method == "GET"
    assert "starting_after" not in server.requests[-1].query
