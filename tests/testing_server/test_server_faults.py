"""What a fault does to the bytes that a plain socket receives."""

from __future__ import annotations

import contextlib
import gc
import gzip
import json
import socket
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import h11
import pytest

from oxide.testing import Fault, Server

GET = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def dial(server: Server) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=5)


def until_end(peer: socket.socket) -> bytes:
    received = b""
    while data := peer.recv(65_536):
        received += data
    return received


def talk(server: Server, *faults: Fault, request: bytes = GET) -> bytes:
    """Send one request that is the last of its connection; return all that comes."""
    server.fail_next(*faults)
    with dial(server) as peer:
        peer.sendall(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
        return until_end(peer)


def body_of(answer: bytes) -> bytes:
    """Read an answer with h11, an independent reader; it raises where the answer breaks the rules."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(answer)
    reader.receive_data(b"")
    body = b""
    while True:
        event = reader.next_event()
        if isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return body


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


@pytest.mark.parametrize("framing", ["sized", "chunked", "close"])
def test_every_framing_is_read_by_an_independent_reader(server: Server, framing: Any) -> None:
    assert json.loads(body_of(talk(server, Fault(framing=framing))))["object"] == "list"


def test_a_status_brings_its_header_fields_and_an_error_of_the_usual_shape(server: Server) -> None:
    answer = talk(server, Fault(status=429, headers={"Retry-After": "7"}))
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"\r\nRetry-After: 7\r\n" in answer
    assert json.loads(body_of(answer))["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", "<html></html>", {"a": 1}])
def test_any_body_may_be_sent(server: Server, body: Any) -> None:
    sent = body_of(talk(server, Fault(status=200, body=body)))
    assert sent == (body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode())


@pytest.mark.parametrize("at", ["before", "head", "body"])
def test_a_reset_is_a_real_one(server: Server, at: Any) -> None:
    with pytest.raises(ConnectionResetError):
        talk(server, Fault(cut="reset", at=at))


@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_a_body_cut_short_is_seen_as_such_by_an_independent_reader(server: Server, framing: Any) -> None:
    answer = talk(server, Fault(cut="close", at="body", framing=framing))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    with pytest.raises(h11.RemoteProtocolError):
        body_of(answer)


def test_a_body_is_cut_where_the_test_says(server: Server) -> None:
    assert talk(server, Fault(cut="close", at="body", after=5)).partition(b"\r\n\r\n")[2] == b'{\n  "'


@pytest.mark.parametrize("at", ["before", "head", "body"])
def test_a_stall_lasts_until_the_client_leaves_and_is_counted(server: Server, at: Any) -> None:
    server.fail_next(Fault(cut="stall", at=at))
    with dial(server) as peer:
        peer.sendall(GET)
        wait_for(lambda: server.stalled == 1)
        assert server.cancelled == []
    wait_for(lambda: len(server.cancelled) == 1)
    assert server.cancelled[0].path == "/v1/models"


def test_a_stalled_answer_does_not_keep_the_server_from_closing() -> None:
    with Server(fault=Fault(cut="stall")) as server, dial(server) as peer:
        peer.sendall(GET)
        wait_for(lambda: server.stalled == 1)
        begun = time.monotonic()
        server.close()
        assert time.monotonic() - begun < 1
        assert server.cancelled == []


def test_a_half_closed_answer_leaves_the_other_direction_open(server: Server) -> None:
    server.fail_next(Fault(cut="half", at="body"))
    with dial(server) as peer:
        peer.sendall(GET)
        assert until_end(peer).startswith(b"HTTP/1.1 200")
        peer.sendall(b"still here")
        assert server.open_connections == 1


def test_drops_come_apart(server: Server) -> None:
    server.fail_next(Fault(body=b"0123456789", drip=3, gap=0.02))
    with dial(server) as peer:
        received, begun = [], time.monotonic()
        peer.sendall(GET)
        while not b"".join(received).endswith(b"0123456789"):
            received.append(peer.recv(65_536))
        assert len(received) >= 3
        assert time.monotonic() - begun >= 0.05


def test_exactly_the_given_bytes_are_sent(server: Server) -> None:
    assert talk(server, Fault(raw=[b"SSH-2.0-", b"garbage\r\n"], gap=0.01)) == b"SSH-2.0-garbage\r\n"


def test_a_second_answer_comes_in_the_same_packet(server: Server) -> None:
    server.fail_next(Fault(again=0))
    with dial(server) as peer:
        peer.sendall(GET)
        assert b'{"stray": true}' in peer.recv(1_000_000)


def test_interim_answers_come_first(server: Server) -> None:
    answer = talk(server, Fault(interim=3))
    assert answer.count(b"HTTP/1.1 103 Early Hints\r\n") == 3
    assert json.loads(body_of(answer))["object"] == "list"


def test_endless_interim_answers_leave_room_for_others(server: Server) -> None:
    server.fail_next(Fault(interim=-1))
    with dial(server) as peer:
        peer.sendall(GET)
        assert peer.recv(1000)
        assert talk(server).startswith(b"HTTP/1.1 200")
        received = sum(len(peer.recv(65_536)) for _ in range(50))
        assert received > 50_000


def test_a_coded_body_inflates_to_the_plain_one(server: Server) -> None:
    answer = talk(server, Fault(gzip=True))
    assert b"\r\ncontent-encoding: gzip\r\n" in answer
    assert gzip.decompress(body_of(answer)) == body_of(talk(server))


def test_a_bomb_is_a_sound_gzip_body_of_the_size_asked_for(server: Server) -> None:
    coded = body_of(talk(server, Fault(bomb=20_000_000)))
    assert len(coded) < 30_000
    assert zlib.decompress(coded, wbits=31) == b" " * 20_000_000 + b"{}"


def test_a_huge_head_is_sent_whole(server: Server) -> None:
    assert len(talk(server, Fault(headers={"x-huge": "a" * 200_000}))) > 200_000


def test_a_delay_holds_back_the_first_byte(server: Server) -> None:
    begun = time.monotonic()
    talk(server, Fault(delay=0.05))
    assert time.monotonic() - begun >= 0.05


def test_only_each_nth_answer_is_slow() -> None:
    with Server(slow=(3, 0.1)) as server:
        spans = []
        for _ in range(6):
            begun = time.monotonic()
            talk(server)
            spans.append(time.monotonic() - begun >= 0.1)
        assert spans[2]
        assert spans[5]
        assert spans.count(True) < 6


def test_an_idle_connection_is_closed() -> None:
    with Server(idle=0.05) as server, dial(server) as peer:
        peer.sendall(GET)
        assert until_end(peer).startswith(b"HTTP/1.1 200")


def test_a_connection_serves_no_more_than_its_number_of_requests() -> None:
    with Server(max_requests=2) as server, dial(server) as peer:
        peer.sendall(GET * 3)
        answers = until_end(peer)
        assert answers.count(b"HTTP/1.1 200 OK") == 2
        assert answers.count(b"\r\nconnection: close\r\n") <= 1


def test_connection_close_is_obeyed(server: Server) -> None:
    server.fail_next(Fault(headers={"connection": "close"}))
    with dial(server) as peer:
        peer.sendall(GET)
        assert b"\r\nconnection: close\r\n" in until_end(peer)


def test_faults_are_used_up_in_order_and_none_leaves_an_answer_alone(server: Server) -> None:
    server.fail_next(None, Fault(status=503))
    assert [talk(server)[9:12] for _ in range(3)] == [b"200", b"503", b"200"]


def test_the_fault_of_the_server_holds_for_every_answer() -> None:
    with Server(fault=Fault(status=500)) as server:
        assert [talk(server)[9:12] for _ in range(2)] == [b"500", b"500"]
        server.fault = None
        assert talk(server)[9:12] == b"200"


def test_requests_are_recorded_and_forgotten(server: Server) -> None:
    body = b'5;note=x\r\n{"mod\r\n7\r\nel":"m"\r\n1\r\n}\r\n0\r\ntrailer: t\r\n\r\n'
    head = b"POST /v1/responses?api-version=1 HTTP/1.1\r\nAuthorization: Bearer k\r\nTransfer-Encoding: chunked\r\n\r\n"
    with dial(server) as peer:
        for cut in (b"", body[:3], body[3:20], body[20:]):
            peer.sendall(cut or head)
            time.sleep(0.005)
        assert peer.recv(65_536).startswith(b"HTTP/1.1 200")
    (received,) = server.requests
    assert (received.method, received.path, received.query) == ("POST", "/v1/responses", "api-version=1")
    assert (received.protocol, received.connection, received.json) == ("HTTP/1.1", 1, {"model": "m"})
    assert received.headers["authorization"] == "Bearer k"
    server.clear()
    assert (server.requests, server.cancelled, server.connections) == ([], [], 0)


def test_the_record_of_requests_is_bounded_by_number_and_by_bytes() -> None:
    request = b"POST /v1/responses HTTP/1.1\r\nauthorization: Bearer k\r\ncontent-length: 100\r\n\r\n" + b"x" * 100
    for bounds in ({"keep": 3}, {"keep_bytes": 399}):
        with Server(**bounds) as server:
            for _ in range(5):
                talk(server, request=request)
            assert len(server.requests) == 3


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nbad header : x\r\n\r\n", b"x" * 400_000])
def test_what_is_no_request_is_refused(server: Server, request_: bytes) -> None:
    with dial(server) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(request_)
        with contextlib.suppress(ConnectionResetError):
            assert until_end(peer)[9:10] == b"4"


def test_pipelined_requests_are_answered_one_after_the_other(server: Server) -> None:
    with dial(server) as peer:
        peer.sendall(GET * 30 + GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        assert until_end(peer).count(b"HTTP/1.1 200 OK") == 31


def test_events_are_paced() -> None:
    request = {"model": "m", "input": "one two three", "stream": True}
    with Server(pace=0.02) as server, dial(server) as peer:
        body = json.dumps(request).encode()
        peer.sendall(b"POST /v1/responses HTTP/1.1\r\nauthorization: Bearer k\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        times, received = [], b""
        while b"response.completed" not in received:
            received += peer.recv(65_536)
            times.append(time.monotonic())
        assert len(times) >= 8
        assert times[-1] - times[0] >= 0.15


def test_a_server_listens_on_a_unix_socket(tmp_path: Any) -> None:
    path = str(tmp_path / "s.sock")
    with Server(path=path) as server:
        assert server.url == f"unix://{path}:/v1"
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            peer.sendall(GET)
            assert peer.recv(1000).startswith(b"HTTP/1.1 200")
    assert not (tmp_path / "s.sock").exists()


def test_a_port_that_is_taken_is_said_at_once(server: Server) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(port=server.port).start()


def test_a_server_starts_and_closes_quickly_and_again(server: Server) -> None:
    begun = time.monotonic()
    for _ in range(20):
        with Server() as other:
            talk(other)
    assert time.monotonic() - begun < 5
    other.start()
    assert talk(other).startswith(b"HTTP/1.1 200")
    other.close()
    other.close()


def test_a_server_that_closes_leaves_no_connection_of_the_last_moment_behind() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(10):
            with Server() as server:
                peers = [dial(server) for _ in range(5)]
            for peer in peers:
                peer.close()
        gc.collect()
    assert [str(warning.message) for warning in told] == []
