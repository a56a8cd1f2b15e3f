"""What is sent: odd prompts, huge bodies, answers that come before the request is read, methods and redirects."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from oxide import APIConnectionError, APIStatusError, ConfigurationError
from oxide.testing import Fault, Server
from tests.faces._wires import HASTY, TCP, Wire, ask, busy, stream
from tests.transport._net import Peer

if TYPE_CHECKING:
    from tests.faces._both import Face

ANSWER = {"id": "resp_1", "object": "response", "output": []}
WORDS = "naïve 日本語 🙂 \u2028 \x7f \t \\ \" ' {} </script> \U0010ffff"


def test_words_of_every_kind_arrive_and_come_back(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        words = WORDS.replace("\t ", "")
        assert ask(client, words).output_text == f"You said: {words}"
        assert server.requests[0].json["input"] == words
        text = "".join(event.delta for event in face.collect(stream(client, words)) if event.type == "response.output_text.delta")
        assert text == f"You said: {words}"


def test_half_a_surrogate_pair_is_refused_or_arrives_as_json_can_say_it(face: Face, server: Server) -> None:
    with face.client(server) as client:
        ask(client, "a\ud83d")
        assert json.loads(server.requests[0].body)["input"] == "a\ud83d"


@pytest.mark.parametrize("size", [100_000, 1_100_000, 5_000_000])
def test_a_huge_request_arrives_whole(face: Face, wire: Wire, size: int) -> None:
    words = "0123456789" * (size // 10)
    with wire.server() as server, wire.client(face, server) as client:
        ask(client, words)
        assert server.requests[0].json["input"] == words
        assert (server.connections, busy(client)) == (1, 0)


def test_a_body_in_pieces_arrives_whole(face: Face, wire: Wire) -> None:
    pieces = [b'{"model": "echo", ', b"", b'"input": "', b"x" * 100_000, b'"}']
    with wire.server() as server, wire.client(face, server) as client:
        assert (
            client.request("POST", "/responses", content=iter(pieces), extra_headers={"Content-Type": "application/json"}).status_code
            == 200
        )
        assert server.requests[0].body == b"".join(pieces)
        assert busy(client) == 0


@pytest.mark.parametrize("way", TCP)
@pytest.mark.parametrize("size", [100_000, 20_000_000])
def test_an_answer_that_comes_before_the_request_is_read_is_the_answer(face: Face, way: str, size: int) -> None:
    wire = Wire(way)
    with wire.server(max_body=50_000) as server, wire.client(face, server) as client:
        with pytest.raises((APIStatusError, APIConnectionError)) as caught:
            ask(client, "x" * size)
        if not wire.http2:  # which resets the stream and says no more
            assert caught.value.status_code == 413
        assert busy(client) == 0
        assert ask(client).output_text == "You said: Hello"


def test_an_answer_is_heard_although_the_peer_reads_no_further(face: Face) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

    def refuse(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(refusal)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass

    with Peer(refuse) as peer:
        client = face.client(base_url=f"http://127.0.0.1:{peer.port}/v1", max_retries=0, timeout=HASTY)
        with pytest.raises(APIStatusError) as caught:
            ask(client, "x" * 20_000_000)
        assert caught.value.status_code == 413
        assert busy(client) == 0


def test_head_and_no_content_have_no_body(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        head = client.request("HEAD", "/models", raise_for_status=False)
        assert head.content == b""
        server.fail_next(Fault(status=204, body=b""), Fault(status=304, body=b""))
        empty = client.request("DELETE", "/responses/resp_1", raise_for_status=False)
        assert (empty.status_code, empty.content) == (204, b"")
        assert client.request("GET", "/models", raise_for_status=False).status_code == 304
        assert ask(client).output_text == "You said: Hello"
        assert (server.connections, busy(client)) == (1, 0)


# ------------------------------------------------------------------------------------------------ redirects


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_within_the_origin_keeps_method_and_body(face: Face, wire: Wire, status: int) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(
            Fault(status=status, headers={"location": "/v1/responses?again=1"}),
            Fault(status=200, body=ANSWER, headers={"content-type": "application/json"}),
        )
        response = ask(client)
        assert (response.id, response.http.retries) == ("resp_1", 0)
        assert [(request.method, request.query) for request in server.requests] == [("POST", ""), ("POST", "again=1")]
        assert server.requests[0].body == server.requests[1].body
        assert (server.connections, busy(client)) == (1, 0)


def test_a_redirect_to_see_other_is_asked_for_without_a_body(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(Fault(status=303, headers={"location": "models"}))
        assert client.post("/echo", body={"a": 1})["object"] == "list"
        assert [(request.method, request.path, request.body) for request in server.requests[1:]] == [("GET", "/v1/models", b"")]


def test_redirects_in_a_circle_end(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(status=307, headers={"location": "/v1/responses"})) as server:
        client = wire.client(face, server, max_retries=2)
        with pytest.raises(APIConnectionError, match="redirect"):
            ask(client)
        assert len(server.requests) == 11, "they are counted once, and not multiplied by retries"
        assert busy(client) == 0


def test_a_redirect_to_another_origin_is_refused_unless_allowed(face: Face) -> None:
    with Server() as server, Server() as other:
        server.fault = Fault(status=307, headers={"location": f"{other.url}/responses"})
        client = face.client(server, max_retries=2)
        with pytest.raises(APIConnectionError, match="another origin"):
            ask(client)
        assert (len(server.requests), len(other.requests), busy(client)) == (1, 0, 0)
        free = face.client(server, redirects="any")
        other.fault = Fault(status=200, body=ANSWER, headers={"content-type": "application/json"})
        assert ask(free).id == "resp_1"
        assert "authorization" not in other.requests[0].headers
        assert busy(free) == 0


# ------------------------------------------------------------------------------------------------ bad input


def test_an_unknown_parameter_is_refused_with_a_suggestion(face: Face, server: Server) -> None:
    with face.client(server) as client:
        with pytest.raises(TypeError, match="max_output_tokens"):
            client.responses.create(model="echo", input="Hello", max_ouput_tokens=5)
        with pytest.raises(TypeError, match="temperature"):
            client.chat.completions.create(model="echo", messages=[], temprature=1)
        assert not server.requests


@pytest.mark.parametrize("id_", ["", ".", "..", "a\r\nb", "\0"])
def test_a_path_parameter_that_cannot_be_is_refused_before_anything_is_sent(face: Face, server: Server, id_: str) -> None:
    with face.client(server) as client, pytest.raises(ValueError):  # noqa: PT011 - the words are told elsewhere
        client.responses.retrieve(id_)
    assert not server.connections


def test_a_path_parameter_is_one_segment_whatever_it_holds(face: Face, server: Server) -> None:
    with face.client(server) as client, pytest.raises(APIStatusError):
        client.responses.retrieve("a/../b?c#d e%2fé")
    assert server.requests[0].path.startswith("/v1/responses/a%2F..%2Fb%3Fc%23d%20e%252f")


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nX-B: b"}, {"X A": "a"}, {"X-A": "a\0"}, {"": "a"}, {"X-A": "日本"}])
def test_a_header_that_cannot_be_is_refused_before_anything_is_sent(face: Face, server: Server, headers: Any) -> None:
    with face.client(server) as client, pytest.raises(ConfigurationError):
        ask(client, extra_headers=headers)
    with pytest.raises(ConfigurationError):
        face.client(server, default_headers=headers)
    assert not server.connections
