"""Answers and streams, as they come when nothing goes wrong, over every kind of connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oxide import BadRequestError, NotFoundError
from oxide.testing import Fault
from tests.faces._wires import ask, busy, kept, stream

if TYPE_CHECKING:
    from oxide.testing import Server
    from tests.faces._both import Face
    from tests.faces._wires import Wire

MESSAGES = [{"role": "user", "content": "Hello"}]


def test_a_plain_answer_has_text_usage_and_its_http_side(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        response = ask(client)
        assert response.output_text == "You said: Hello"
        assert response.usage.total_tokens > 0
        http = response.http
        assert (http.status, http.version) == (200, "HTTP/2" if wire.http2 else "HTTP/1.1")
        assert http.headers["Content-Type"] == "application/json"
        assert http.request_id
        assert [attempt.status for attempt in http.attempts] == [200]
        assert 0 < http.timings.first_byte <= http.timings.done
        assert busy(client) == 0
        assert server.requests[0].protocol == http.version


def test_a_chat_completion_and_its_stream_say_the_same(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        whole = client.chat.completions.create(model="echo", messages=MESSAGES)
        chunks = face.collect(client.chat.completions.create(model="echo", messages=MESSAGES, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == whole.choices[0].message.content == "You said: Hello"
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert busy(client) == 0


def test_a_stream_has_its_events_in_order_and_each_once(face: Face, wire: Wire) -> None:
    with wire.server(pace=0.001) as server, wire.client(face, server) as client, stream(client, "one two three") as events:
        assert events.response.status_code == 200
        got = face.collect(events)
        numbers = [event.sequence_number for event in got]
        assert numbers == list(range(numbers[0], numbers[0] + len(got)))
        assert "".join(event.delta for event in got if event.type == "response.output_text.delta") == "You said: one two three"
        assert got[-1].type == "response.completed"
        assert events.http.timings.done > 0
        assert busy(client) == 0


def test_a_list_is_walked_over_its_pages(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        for number in range(5):
            client.chat.completions.create(model="echo", messages=MESSAGES, store=True, metadata={"n": str(number)})
        listed = client.chat.completions.list(limit=2)
        assert len(face.collect(listed)) == 5
        assert kept(client) == 1
        assert busy(client) == 0


def test_what_is_stored_can_be_fetched_and_deleted(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        made = ask(client)
        assert client.responses.retrieve(made.id).output_text == made.output_text
        client.responses.delete(made.id)
        with pytest.raises(NotFoundError) as caught:
            client.responses.retrieve(made.id)
        assert caught.value.status_code == 404
        assert busy(client) == 0


def test_raw_verbs_reach_any_path(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        models = client.get("/models")
        assert models["object"] == "list"
        made = client.post("/responses", body={"model": "echo", "input": "Hello"})
        assert made["object"] == "response"
        assert json.loads(client.get("/models", cast_to=bytes)) == models
        assert client.request("GET", "/models").json() == models
        events = face.collect(client.post("/responses", body={"model": "echo", "input": "Hello", "stream": True}, stream=True))
        assert events[-1]["type"] == "response.completed"
        assert busy(client) == 0


def test_an_error_status_raises_unless_told_otherwise(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        with pytest.raises(BadRequestError) as caught:
            client.responses.create(model=17, input="Hello")
        assert caught.value.param == "model"
        assert caught.value.response.http.version == server.requests[0].protocol
        raw = client.request("POST", "/responses", json={"model": 17}, raise_for_status=False)
        assert raw.status_code == 400
        assert raw.json()["error"]["param"] == "model"
        assert (kept(client), busy(client)) == (1, 0)


def test_gzip_coded_answers_and_streams_are_read(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(gzip=True), pace=0.001) as server, wire.client(face, server) as client:
        assert ask(client).http.headers["content-encoding"] == "gzip"
        assert face.collect(stream(client))[-1].type == "response.completed"
        assert ask(client).output_text == "You said: Hello"
        assert (server.connections, busy(client)) == (1, 0)


@pytest.mark.parametrize("framing", ["sized", "chunked", "close"])
def test_every_framing_gives_the_same_body(face: Face, framing: Any) -> None:
    from oxide.testing import Server

    with Server(fault=Fault(framing=framing)) as server, face.client(server) as client:
        assert ask(client).output_text == "You said: Hello"
        assert face.collect(stream(client))[-1].type == "response.completed"
        assert server.connections == (2 if framing == "close" else 1)
        assert busy(client) == 0


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.2], ids=["at once", "soon", "late"])
def test_chat_streams_in_a_row_use_one_connection_also_when_the_end_mark_is_late(face: Face, gap: float) -> None:
    from oxide.testing import Server

    last = b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    count = 5 if gap > 0.1 else 20
    with Server(fault=Fault(pieces=[last, b": the end mark comes after this\n\n"], gap=gap)) as server, face.client(server) as client:
        for _ in range(count):
            chunks = face.collect(client.chat.completions.create(model="echo", messages=MESSAGES, stream=True))
            assert [chunk.choices[0].finish_reason for chunk in chunks] == ["stop"]
        assert (server.connections, len(server.requests)) == (1, count)
        assert busy(client) == 0


def test_calls_in_a_row_use_one_connection(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        for number in range(10):
            assert ask(client, f"call {number}").output_text == f"You said: call {number}"
        assert (server.connections, kept(client), busy(client)) == (1, 1, 0)


def test_a_large_answer_comes_whole(face: Face, wire: Wire) -> None:
    words = "word " * 200_000
    with wire.server(answer=words) as server, wire.client(face, server) as client:
        assert ask(client).output_text == words
        assert busy(client) == 0


def test_tools_are_called_and_schemas_filled(face: Face, server: Server) -> None:
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    with face.client(server) as client:
        calls = ask(client, "What is the weather in Paris?", tools=[tool]).function_calls
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"city": "Paris"})]
