"""The embedded server as an independent client, the official SDK, sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from oxide.testing import Server

TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
        "required": ["city"],
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="test", max_retries=0) as made:
        yield made


def test_a_response_echoes_the_user_and_counts_its_tokens(client: openai.OpenAI) -> None:
    response = client.responses.create(model="any-name", input="Hello there")
    assert response.output_text == "You said: Hello there"
    assert response.status == "completed"
    assert response.model == "any-name"
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 2


def test_the_answer_carries_the_header_fields_of_the_real_service(client: openai.OpenAI) -> None:
    raw = client.responses.with_raw_response.create(model="m", input="hi")
    assert len(raw.headers) >= 18
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-ratelimit-reset-tokens"] == "1m20.5s"


def test_a_response_stream_has_the_events_of_the_real_service_in_order(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="m", input="Hello", stream=True))
    kinds = [event.type.removeprefix("response.") for event in events]
    deltas = kinds.count("output_text.delta")
    assert deltas > 1
    assert kinds == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *["output_text.delta"] * deltas,
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "You said: Hello"


def test_the_sdk_folds_a_streamed_function_call_into_its_arguments(client: openai.OpenAI) -> None:
    with client.responses.stream(model="m", input="What is the weather in Paris?", tools=[TOOL]) as stream:
        (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"city": "Paris", "days": 2}


def test_the_result_of_a_tool_is_answered_in_words(client: openai.OpenAI) -> None:
    first = client.responses.create(model="m", input="weather in Rome", tools=[TOOL])
    call: Any = first.output[0]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = client.responses.create(model="m", previous_response_id=first.id, input=[result], tools=[TOOL])
    assert second.output_text == "The tool says: sunny"


def test_too_few_output_tokens_make_an_incomplete_response(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="m", input="one two three four", max_output_tokens=3, stream=True))
    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert last.response.output_text == "You said:"


def test_a_schema_is_answered_with_an_instance_of_it(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["a", "b"]},
            "when": {"type": "string", "format": "date"},
            "child": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/child"}]},
        },
        "$defs": {"child": {"type": "object", "properties": {"sizes": {"type": "array", "items": {"type": "number"}, "minItems": 2}}}},
    }
    form: Any = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    response = client.responses.create(model="m", input="x", text=form)
    assert json.loads(response.output_text) == {"kind": "a", "when": "2025-01-01", "child": {"sizes": [1.0, 1.0]}}


def test_a_schema_that_contains_itself_has_a_finite_instance(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}, "name": {"type": "string"}}, "required": ["name"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    completion = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], response_format=form)
    assert json.loads(completion.choices[0].message.content or "")["name"] == "name"


def test_a_chat_stream_has_role_deltas_finish_reason_usage_and_done(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Hi"}]
    chunks = list(client.chat.completions.create(model="m", messages=messages, stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "You said: Hi"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_chat_calls_each_tool_that_the_user_speaks_of(client: openai.OpenAI) -> None:
    tools: Any = [
        {"type": "function", "function": {"name": name, "parameters": TOOL["parameters"]}} for name in ("get_weather", "get_trains")
    ]
    messages: Any = [{"role": "user", "content": "trains and weather in Oslo"}]
    with client.chat.completions.stream(model="m", messages=messages, tools=tools) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [call.function.name for call in message.tool_calls or []] == ["get_weather", "get_trains"]


def test_several_choices_are_streamed_and_plain_alike(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Hi"}]
    assert len(client.chat.completions.create(model="m", messages=messages, n=3).choices) == 3
    chunks = list(client.chat.completions.create(model="m", messages=messages, n=2, stream=True))
    assert {chunk.choices[0].index for chunk in chunks} == {0, 1}


def test_stored_responses_are_read_listed_and_deleted(client: openai.OpenAI) -> None:
    items: Any = [{"role": "user", "content": f"message {number}"} for number in range(45)]
    response = client.responses.create(model="m", input=items)
    assert client.responses.retrieve(response.id).output_text == "You said: message 44"
    listed: list[Any] = list(client.responses.input_items.list(response.id, order="asc", limit=20))
    assert [item.content[0].text for item in listed] == [f"message {number}" for number in range(45)]
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_a_stored_response_is_streamed_again_from_any_event(client: openai.OpenAI) -> None:
    response = client.responses.create(model="m", input="again")
    events = list(client.responses.retrieve(response.id, stream=True, starting_after=3))
    assert events[0].sequence_number == 4
    assert events[-1].type == "response.completed"


def test_a_background_response_is_queued_polled_and_cancelled(client: openai.OpenAI) -> None:
    first = client.responses.create(model="m", input="x", background=True)
    assert first.status == "queued"
    assert [client.responses.retrieve(first.id).status for _ in range(2)] == ["in_progress", "completed"]
    second = client.responses.create(model="m", input="x", background=True)
    assert client.responses.cancel(second.id).status == "cancelled"


def test_tokens_are_counted_and_conversations_compacted(client: openai.OpenAI) -> None:
    assert client.responses.input_tokens.count(model="m", input="one two").input_tokens == 2
    compacted = client.responses.compact(model="gpt-5", input="a long story")
    assert [item.type for item in compacted.output] == ["message", "compaction"]


def test_stored_completions_live_through_their_whole_life(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Hi"}]
    made = [client.chat.completions.create(model="stored", messages=messages, store=True, metadata={"n": str(n)}).id for n in range(5)]
    assert [one.id for one in client.chat.completions.list(model="stored", limit=2)] == made
    assert client.chat.completions.update(made[0], metadata={"n": "new"}).metadata == {"n": "new"}
    assert [one.id for one in client.chat.completions.list(metadata={"n": "new"})] == made[:1]
    assert [one.content for one in client.chat.completions.messages.list(made[0])] == ["Hi"]
    assert client.chat.completions.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(made[0])


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert "echo-1" in [model.id for model in client.models.list()]


@pytest.mark.parametrize(
    ("path", "body", "status", "param", "code"),
    [
        ("/responses", {"modle": "m"}, 400, "modle", "unknown_parameter"),
        ("/responses", {"model": 5}, 400, "model", "invalid_type"),
        ("/chat/completions", {"model": "m"}, 400, "messages", "missing_required_parameter"),
        ("/nowhere", {}, 404, None, "unknown_url"),
        ("/../responses", {}, 404, None, "unknown_url"),
        ("/models", {}, 405, None, "method_not_supported"),
    ],
)
def test_a_wrong_request_is_refused_with_the_name_of_what_is_wrong(
    client: openai.OpenAI, path: str, body: dict[str, Any], status: int, param: str | None, code: str
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.post(path, body=body, cast_to=object)
    assert (caught.value.status_code, caught.value.param, caught.value.code) == (status, param, code)
    assert caught.value.type == "invalid_request_error"


def test_keys_are_checked_when_they_are_named() -> None:
    with Server(keys={"right"}) as server:
        assert openai.OpenAI(base_url=server.url, api_key="right").models.list().data
        with pytest.raises(openai.AuthenticationError, match="not known"):
            openai.OpenAI(base_url=server.url, api_key="wrong").models.list()


def test_the_answer_may_be_given_by_the_test() -> None:
    with Server(answer=str.upper) as server:
        client = openai.OpenAI(base_url=server.url, api_key="x")
        assert client.responses.create(model="m", input="shout").output_text == "SHOUT"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/responses", {"input": [1, None, "x", {}, {"role": "user", "content": 5}]}),
        ("/responses", {"input": "x", "tools": [1, {}, {"type": "function"}, {"type": "web_search"}]}),
        (
            "/responses",
            {
                "input": "x",
                "text": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"$ref": "#/no"}}}}},
            },
        ),
        (
            "/responses",
            {"tools": [{"type": "function", "name": "f", "parameters": None}], "tool_choice": {"type": "function", "name": "g"}},
        ),
        ("/chat/completions", {"model": "m", "messages": [None, 3, {"role": "tool"}], "tools": [{"type": "function"}], "n": 0}),
        ("/chat/completions", {"model": "m", "messages": [], "response_format": {"type": "json_schema"}, "stream": True}),
    ],
)
def test_an_odd_body_is_answered_all_the_same(client: openai.OpenAI, path: str, body: dict[str, Any]) -> None:
    assert client.post(path, body=body, cast_to=object)


def test_a_body_that_the_server_cannot_understand_is_said_to_be_so(client: openai.OpenAI) -> None:
    body = {"text": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": 3}}}}
    with pytest.raises(openai.InternalServerError, match="does not understand"):
        client.post("/responses", body=body, cast_to=object)
