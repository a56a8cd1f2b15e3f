"""Bodies that are coded, cut, too large or not what was promised: bounded, and never taken for whole ones."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from oxide import APIConnectionError, APIError, APIResponseValidationError, RemoteProtocolError, StreamError
from oxide.testing import Fault
from tests.faces._wires import ask, busy, eventually, stream

if TYPE_CHECKING:
    from tests.faces._both import Face
    from tests.faces._wires import Wire

CODED = {"content-encoding": "gzip", "content-type": "application/json"}
MODELS = json.dumps({"object": "list", "data": []}).encode()


def coded(data: bytes, coding: str = "gzip") -> Fault:
    return Fault(body=data, headers={**CODED, "content-encoding": coding})


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 20])
def test_a_gzip_body_cut_short_is_an_error(face: Face, wire: Wire, cut: int) -> None:
    with wire.server(fault=coded(gzip.compress(MODELS * 10)[:-cut])) as server, wire.client(face, server) as client:
        with pytest.raises(RemoteProtocolError) as caught:
            client.get("/models", cast_to=bytes)
        assert caught.value.phase == "body"
        assert busy(client) == 0


def test_a_gzip_body_that_is_damaged_is_an_error(face: Face, wire: Wire) -> None:
    damaged = bytearray(gzip.compress(MODELS * 10))
    damaged[20] ^= 255
    with wire.server(fault=coded(bytes(damaged))) as server, wire.client(face, server) as client:
        with pytest.raises(RemoteProtocolError):
            client.get("/models", cast_to=bytes)
        assert busy(client) == 0


def test_a_gzip_body_of_several_members_is_read_to_its_end(face: Face, wire: Wire) -> None:
    members = b"".join(gzip.compress(MODELS[start : start + 5]) for start in range(0, len(MODELS), 5))
    with wire.server(fault=coded(members)) as server, wire.client(face, server) as client:
        assert client.get("/models", cast_to=bytes) == MODELS
        assert (server.connections, busy(client)) == (1, 0)


@pytest.mark.parametrize("data", [zlib.compress(MODELS), zlib.compress(MODELS)[2:-4]], ids=["zlib", "raw"])
def test_deflate_is_read_with_and_without_its_wrapping(face: Face, wire: Wire, data: bytes) -> None:
    with wire.server(fault=coded(data, "deflate")) as server, wire.client(face, server) as client:
        assert client.get("/models", cast_to=bytes) == MODELS


@pytest.mark.parametrize("cut", ["close", "drop"])
def test_a_gzip_stream_cut_short_is_an_error(face: Face, wire: Wire, cut: Any) -> None:
    with wire.server(fault=Fault(gzip=True, cut=cut, at="body", framing="close", gap=0.001)) as server:
        client = wire.client(face, server)
        with pytest.raises((APIConnectionError, StreamError)):
            face.collect(stream(client))
        assert busy(client) == 0


def test_a_bomb_costs_no_more_memory_than_the_limit(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(bomb=260_000_000)) as server, wire.client(face, server, max_body=1_000_000) as client:
        ask_in_vain(client)
        tracemalloc.start()
        ask_in_vain(client)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8_000_000
        assert busy(client) == 0


def ask_in_vain(client: Any) -> None:
    with pytest.raises(APIResponseValidationError, match="max_body"):
        ask(client)


def test_a_bomb_in_a_stream_is_only_inflated_as_far_as_it_is_read(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(bomb=260_000_000)) as server, wire.client(face, server) as client:
        tracemalloc.start()
        with pytest.raises(APIError):
            face.collect(stream(client))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 150_000_000, "an event of 64 MiB is what a stream may have"
        assert busy(client) == 0


def test_a_body_above_the_limit_is_not_read_to_its_end(face: Face, wire: Wire) -> None:
    with wire.server(answer="word " * 100_000) as server, wire.client(face, server, max_body=100_000) as client:
        ask_in_vain(client)
        assert busy(client) == 0
        assert ask(wire.client(face, server, max_body=1_000_000)).output_text


def test_an_error_with_an_endless_body_is_cut(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(status=400, body=b"x" * 3_000_000)) as server, wire.client(face, server) as client:
        with pytest.raises(APIError) as caught:
            ask(client)
        assert len(str(caught.value)) < 2000
        assert busy(client) == 0


WRONG = {
    "empty": b"",
    "half": b'{"id": "resp_1"',
    "no JSON": b"<html>hello</html>",
    "no UTF-8": b'{"id": "\xff\xfe"}',
    "too deep": b"[" * 200_000,
    "too deep inside": b'{"output": ' + b'[{"content": ' * 50_000,
    "a list": b"[]",
    "a number": b"17",
    "null": b"null",
    "a huge number": b'{"created_at": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("body", WRONG, ids=[name.replace(" ", "-") for name in WRONG])
def test_a_body_that_is_not_what_was_promised_is_an_error_of_ours(face: Face, body: str) -> None:
    from oxide.testing import Server

    with Server(fault=Fault(body=WRONG[body])) as server, face.client(server, max_retries=2) as client:
        with pytest.raises(APIResponseValidationError) as caught:
            ask(client)
        assert caught.value.response.status_code == 200
        assert len(str(caught.value)) < 2000
        assert len(server.requests) == 1, "asking again would not help"
        assert (busy(client), server.connections) == (0, 1)


EVENTS = {
    "no JSON": b"data: {\n\n",
    "a list": b"data: []\n\n",
    "a number": b"data: 17\n\n",
    "null": b"data: null\n\n",
    "too deep": b"data: " + b"[" * 200_000 + b"\n\n",
    "an error": b'event: error\ndata: {"message": "overloaded"}\n\n',
    "an error object": b'data: {"error": {"message": "overloaded"}}\n\n',
    "nothing": b"",
    "no events": b"<html>hello</html>",
    "a list as type": b'data: {"type": []}\n\n',
}


@pytest.mark.parametrize("events", EVENTS, ids=[name.replace(" ", "-") for name in EVENTS])
def test_a_stream_of_wrong_events_is_an_error_of_ours(face: Face, events: str) -> None:
    from oxide.testing import Server

    good = b'data: {"type": "response.in_progress", "sequence_number": 0}\n\n'
    with Server(fault=Fault(pieces=[good, EVENTS[events]], headers={"content-type": "text/event-stream"})) as server:
        client = face.client(server, max_retries=0)
        seen: list[Any] = []

        def read() -> None:
            for event in stream(client):
                seen.append(event.type)

        with pytest.raises(StreamError) as caught:
            read()
        assert seen == ["response.in_progress"]
        assert [event.type for event in caught.value.events_so_far] == seen
        assert busy(client) == 0
        assert eventually(face, lambda: server.open_connections <= 1)
