"""Everything that can break on the way: each ends in the documented error with its phase, or in a correct retry; nothing hangs or leaks."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from oxide import (
    APIConnectionError,
    APITimeoutError,
    OxideError,
    RemoteProtocolError,
    StreamError,
    Timeout,
)
from oxide._protocol.retry import RetryPolicy
from oxide.testing import Fault, Server
from tests.faces._wires import HASTY, TCP, Wire, ask, busy, eventually, stream
from tests.transport._net import Deaf, Peer, client_context, reset, server_context, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faces._both import Face

PATIENT = Timeout(5.0, read=0.1)
AT_ONCE = RetryPolicy(first=0.001)


@pytest.fixture(params=TCP)
def tcp(request: pytest.FixtureRequest) -> Wire:
    """A way to a server over TCP, where connections can be reset."""
    return Wire(request.param)


def failure(call: Callable[[], Any], kind: Any = APIConnectionError) -> Any:
    """Return the error that a call raises, which is of this class, and comes in time."""
    started = time.monotonic()
    with pytest.raises(OxideError) as caught:
        call()
    assert isinstance(caught.value, kind), repr(caught.value)
    assert time.monotonic() - started < 4
    return caught.value


# ------------------------------------------------------------------------------------------------ no connection


def test_a_refused_connection_is_tried_again_and_told(face: Face) -> None:
    client = face.client(base_url=f"http://127.0.0.1:{unused_port()}/v1", max_retries=1, retry=AT_ONCE, timeout=HASTY)
    error = failure(lambda: ask(client))
    assert (error.phase, len(error.attempts)) == ("connect", 2)
    assert isinstance(error.__cause__, ConnectionRefusedError)
    assert busy(client) == 0


def test_a_connection_that_nobody_accepts_times_out(face: Face) -> None:
    with Deaf() as deaf:
        client = face.client(base_url=f"http://127.0.0.1:{deaf.port}/v1", max_retries=0, timeout=Timeout(5.0, connect=0.2))
        error = failure(lambda: ask(client), APITimeoutError)
        assert (error.phase, error.after) == ("connect", 0.2)
        assert busy(client) == 0


def test_a_name_without_an_address_is_an_error_of_resolving(face: Face) -> None:
    client = face.client(base_url="http://no-such-host.invalid/v1", max_retries=0, timeout=HASTY)
    assert failure(lambda: ask(client)).phase == "resolve"
    assert busy(client) == 0


def test_a_missing_unix_socket_is_an_error_of_connecting(face: Face, tmp_path: Any) -> None:
    client = face.client(base_url=f"unix://{tmp_path}/nobody.sock:/v1", max_retries=0, timeout=HASTY)
    assert failure(lambda: ask(client)).phase == "connect"


# ------------------------------------------------------------------------------------------------ certificates


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("wrong", ["authority", "name", "expired", "self-signed"])
def test_a_certificate_that_proves_nothing_is_refused_at_once(face: Face, wrong: str, http2: bool) -> None:
    import datetime

    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2)
    context, options = {
        "authority": lambda: (server_context(), {}),  # trusted by nobody, as the client takes certifi's roots
        "self-signed": lambda: (server_context(), {}),
        "name": lambda: (server_context("other.example"), {"ssl_context": client_context()}),
        "expired": lambda: (server_context("127.0.0.1", not_after=past), {"ssl_context": client_context()}),
    }[wrong]()
    with Server(tls=context) as server:
        client = face.client(server, http2=http2, timeout=HASTY, **options)
        error = failure(lambda: ask(client))
        assert (error.phase, len(error.attempts)) == ("tls", 1)
        assert "certificate" in str(error)
        assert not server.requests
        assert busy(client) == 0
        assert eventually(face, lambda: server.open_connections == 0)


def test_a_server_that_talks_no_tls_is_an_error_of_tls(face: Face) -> None:
    with Peer(lambda sock: sock.recv(65536) and sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as peer:
        client = face.client(base_url=f"https://127.0.0.1:{peer.port}/v1", max_retries=0, timeout=HASTY)
        assert failure(lambda: ask(client)).phase == "tls"
        assert busy(client) == 0


def test_a_tls_handshake_that_stalls_times_out(face: Face) -> None:
    with Peer(lambda sock: sock.recv(65536) and sock.recv(65536)) as peer:
        client = face.client(base_url=f"https://127.0.0.1:{peer.port}/v1", max_retries=0, timeout=Timeout(5.0, connect=0.2))
        assert failure(lambda: ask(client), APITimeoutError).phase == "tls"
        assert busy(client) == 0


# ------------------------------------------------------------------------------------------------ broken answers


@pytest.mark.parametrize("cut", ["reset", "drop", "close", "half"])
@pytest.mark.parametrize(("at", "phase"), [("before", "head"), ("head", "head"), ("body", "body")])
def test_an_answer_that_breaks_off_is_an_error_of_its_phase(face: Face, tcp: Wire, cut: Any, at: Any, phase: str) -> None:
    with tcp.server() as server, tcp.client(face, server) as client:
        server.fail_next(Fault(cut=cut, at=at))
        error = failure(lambda: ask(client))
        assert error.phase == phase
        assert busy(client) == 0
        assert ask(client).output_text == "You said: Hello"
        assert len(server.requests) == 2


@pytest.mark.parametrize("cut", ["reset", "drop", "close", "half"])
@pytest.mark.parametrize("at", ["before", "head", "body"])
def test_an_answer_that_breaks_off_is_asked_for_again(face: Face, tcp: Wire, cut: Any, at: Any) -> None:
    with tcp.server() as server, tcp.client(face, server, max_retries=1, retry=AT_ONCE) as client:
        server.fail_next(Fault(cut=cut, at=at))
        response = ask(client)
        assert response.output_text == "You said: Hello"
        assert [attempt.status for attempt in response.http.attempts] == [200 if at == "body" else None, 200]
        keys = {request.headers["idempotency-key"] for request in server.requests}
        assert (len(server.requests), len(keys), busy(client)) == (2, 1, 0)


@pytest.mark.parametrize("framing", ["sized", "chunked"])
@pytest.mark.parametrize("cut", ["reset", "drop", "close", "half"])
def test_a_truncated_body_is_never_taken_for_a_whole_one(face: Face, framing: Any, cut: Any) -> None:
    with Server(fault=Fault(framing=framing, cut=cut, at="body")) as server, face.client(server, max_retries=0, timeout=HASTY) as client:
        kind = APIConnectionError if cut == "reset" else RemoteProtocolError
        assert failure(lambda: client.get("/models", cast_to=bytes), kind).phase == "body"
        assert busy(client) == 0


@pytest.mark.parametrize("cut", ["reset", "drop", "close", "half"])
@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_a_stream_that_breaks_off_gives_what_came_and_then_an_error(face: Face, tcp: Wire, cut: Any, framing: Any) -> None:
    fault = Fault(cut=cut, at="body", framing=framing, gap=0.001)
    with tcp.server(fault=fault) as server, tcp.client(face, server, max_retries=2) as client:
        events: list[Any] = []

        def read() -> None:
            for event in stream(client):
                events.append(event)

        error = failure(read, (APIConnectionError, StreamError))
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events
        assert [event.type for event in error.events_so_far] == [event.type for event in events[-32:]]
        assert len(server.requests) == 1, "a stream that has begun is not asked for again"
        assert busy(client) == 0


@pytest.mark.parametrize("framing", ["sized", "chunked", "close"])
@pytest.mark.parametrize("cut", ["drop", "reset"])
def test_tls_cut_without_its_goodbye_is_truncation(face: Face, framing: Any, cut: Any) -> None:
    wire = Wire("tls")
    with wire.server(fault=Fault(framing=framing, cut=cut, at="body", after=10**9)) as server, wire.client(face, server) as client:
        if framing == "sized":  # all of the body has come: it is whole, whatever follows
            assert ask(client).output_text == "You said: Hello"
        else:
            assert failure(lambda: client.get("/models", cast_to=bytes)).phase == "body"
        assert busy(client) == 0


def test_tls_that_ends_politely_ends_a_body_without_a_length(face: Face) -> None:
    wire = Wire("tls")
    with wire.server(fault=Fault(framing="close")) as server, wire.client(face, server) as client:
        assert client.get("/models")["object"] == "list"
        assert face.collect(stream(client))[-1].type == "response.completed"
        assert busy(client) == 0


GARBAGE = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a status that is none": b"HTTP/1.1 twohundred OK\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "a chunk size that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "blanks before a colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nContent-Encoding: zz\r\nContent-Length: 2\r\n\r\n{}",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
}


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("garbage", GARBAGE, ids=[name.replace(" ", "-") for name in GARBAGE])
def test_garbage_is_an_error_of_ours(face: Face, garbage: str, secure: bool) -> None:
    wire = Wire("tls" if secure else "plain")
    with wire.server(fault=Fault(raw=[GARBAGE[garbage]])) as server, wire.client(face, server) as client:
        assert failure(lambda: ask(client), RemoteProtocolError).phase in ("head", "body")
        assert busy(client) == 0
        assert eventually(face, lambda: server.open_connections == 0)


def test_garbage_in_place_of_http2_is_an_error_of_ours(face: Face) -> None:
    wire = Wire("http2")
    with wire.server(fault=Fault(raw=[b"\xff" * 100])) as server, wire.client(face, server) as client:
        failure(lambda: ask(client), RemoteProtocolError)
        assert busy(client) == 0
        server.fault = None
        assert ask(client).output_text == "You said: Hello"


@pytest.mark.parametrize("count", [1, 3, 10])
def test_interim_answers_are_passed_over(face: Face, tcp: Wire, count: int) -> None:
    with tcp.server(fault=Fault(interim=count)) as server, tcp.client(face, server) as client:
        assert ask(client).output_text == "You said: Hello"
        assert busy(client) == 0


def test_interim_answers_without_end_are_an_error(face: Face, tcp: Wire) -> None:
    with tcp.server(fault=Fault(interim=-1)) as server, tcp.client(face, server) as client:
        assert failure(lambda: ask(client), RemoteProtocolError).phase == "head"
        assert busy(client) == 0


# ------------------------------------------------------------------------------------------------ silence


@pytest.mark.parametrize(("at", "phase"), [("before", "head"), ("head", "head"), ("body", "body")])
def test_a_stalled_answer_times_out(face: Face, wire: Wire, at: Any, phase: str) -> None:
    with wire.server(fault=Fault(cut="stall", at=at)) as server, wire.client(face, server, timeout=PATIENT) as client:
        error = failure(lambda: ask(client), APITimeoutError)
        assert error.phase == ("head" if wire.http2 and at == "head" else phase)
        assert error.after == pytest.approx(0.1)
        assert busy(client) == 0
        assert eventually(face, lambda: len(server.cancelled) == 1)


def test_a_stalled_answer_is_tried_again(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server, timeout=PATIENT, max_retries=1, retry=AT_ONCE) as client:
        server.fail_next(Fault(cut="stall", at="body"))
        assert len(ask(client).http.attempts) == 2
        assert busy(client) == 0


def test_a_stalled_stream_times_out_with_what_came(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(cut="stall", at="body")) as server, wire.client(face, server, timeout=PATIENT) as client:
        error = failure(lambda: face.collect(stream(client)), APITimeoutError)
        assert (error.phase, error.events_so_far[0].type) == ("body", "response.created")
        assert eventually(face, lambda: len(server.cancelled) == 1)
        assert busy(client) == 0


@pytest.mark.parametrize("at", ["before", "body"])
def test_the_deadline_of_the_whole_call_holds_over_all_attempts(face: Face, wire: Wire, at: Any) -> None:
    timeout = Timeout(5.0, read=0.1, total=0.25)
    with (
        wire.server(fault=Fault(cut="stall", at=at)) as server,
        wire.client(face, server, timeout=timeout, max_retries=9, retry=AT_ONCE) as client,
    ):
        started = time.monotonic()
        error = failure(lambda: ask(client), APITimeoutError)
        assert 2 <= len(error.attempts) <= 4
        assert time.monotonic() - started < 0.6
        assert busy(client) == 0


def test_a_deadline_is_named_where_it_ends_a_wait(face: Face, wire: Wire) -> None:
    with wire.server(fault=Fault(cut="stall", at="body")) as server:
        client = wire.client(face, server, timeout=Timeout(5.0, total=0.1))
        for call in (ask, lambda client: face.collect(stream(client))):
            error = failure(lambda call=call: call(client), APITimeoutError)
            assert (error.phase, error.after) == ("body", 0.1)
            assert "Timeout.total" in str(error)
        assert busy(client) == 0


def test_a_slow_drip_is_read_to_its_end_but_not_past_the_deadline(face: Face, wire: Wire) -> None:
    with wire.server() as server, wire.client(face, server, timeout=PATIENT) as client:
        server.fail_next(Fault(drip=100, gap=0.01), Fault(drip=1, gap=0.01))
        assert ask(client).output_text == "You said: Hello"
        error = failure(lambda: ask(client, timeout=Timeout(5.0, total=0.3)), APITimeoutError)
        assert (error.phase, error.after) == ("body", 0.3)
        assert busy(client) == 0


def test_a_stream_that_only_comments_is_idle(face: Face, wire: Wire) -> None:
    comments = [b": still thinking\n\n"] * 200
    with wire.server(fault=Fault(pieces=comments, gap=0.02)) as server:
        client = wire.client(face, server, timeout=Timeout(5.0, first_event=0.3))
        assert failure(lambda: face.collect(stream(client)), APITimeoutError).after == 0.3
        assert busy(client) == 0


# ------------------------------------------------------------------------------------------------ answers to nobody's request


def test_a_second_answer_in_the_same_packet_answers_nobody(face: Face, tcp: Wire) -> None:
    with tcp.server() as server, tcp.client(face, server) as client:
        for number in range(5):
            server.fail_next(Fault(again=0))
            assert ask(client, f"call {number}").output_text == f"You said: call {number}"
        assert busy(client) == 0


@pytest.mark.parametrize("late", [0.01, 0.05])
def test_a_second_answer_that_comes_late_answers_nobody(face: Face, tcp: Wire, late: float) -> None:
    with tcp.server() as server, tcp.client(face, server) as client:
        for number in range(3):
            server.fail_next(Fault(again=late))
            assert ask(client, f"call {number}").output_text == f"You said: call {number}"
            face.sleep(2 * late)
        assert busy(client) == 0


def test_a_second_answer_behind_a_stream_answers_nobody(face: Face, tcp: Wire) -> None:
    with tcp.server() as server, tcp.client(face, server) as client:
        for number in range(3):
            server.fail_next(Fault(again=0))
            assert face.collect(stream(client, f"call {number}"))[-1].response.output_text == f"You said: call {number}"
        assert busy(client) == 0


# ------------------------------------------------------------------------------------------------ idle connections


def test_a_connection_closed_while_idle_is_noticed_before_use(face: Face, wire: Wire) -> None:
    with wire.server(idle=0.03) as server, wire.client(face, server) as client:
        for number in range(3):
            response = ask(client, f"call {number}")
            assert (response.output_text, response.http.retries) == (f"You said: call {number}", 0)
            face.sleep(0.1)
        assert (server.connections, busy(client)) == (3, 0)


def test_a_connection_that_dies_under_the_next_request_costs_no_retry(face: Face) -> None:
    answered = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    asked: list[bytes] = []

    def once(sock: socket.socket) -> None:
        asked.append(sock.recv(65536))
        sock.sendall(answered)
        asked.append(sock.recv(65536))  # the next request dies before any byte of its answer
        reset(sock)

    with Peer(once) as peer:
        client = face.client(base_url=f"http://127.0.0.1:{peer.port}/v1", max_retries=0, timeout=HASTY)
        for _ in range(3):
            assert client.request("POST", "/responses", json={}).http.retries == 0
        assert len([request for request in asked if request]) == 5
        assert busy(client) == 0


def test_a_fresh_connection_that_dies_is_a_failed_attempt(face: Face) -> None:
    def never(sock: socket.socket) -> None:
        sock.recv(65536)
        reset(sock)

    with Peer(never) as peer:
        client = face.client(base_url=f"http://127.0.0.1:{peer.port}/v1", max_retries=1, retry=AT_ONCE, timeout=HASTY)
        assert len(failure(lambda: ask(client)).attempts) == 2
        assert len(peer.socks) == 2


def test_a_server_that_counts_requests_is_followed_from_connection_to_connection(face: Face, wire: Wire) -> None:
    with wire.server(max_requests=2) as server, wire.client(face, server) as client:
        for number in range(7):
            assert ask(client, f"call {number}").http.retries == 0
        assert (server.connections, busy(client)) == (4, 0)


# ------------------------------------------------------------------------------------------------ HTTP/2


def test_a_refused_stream_is_opened_again_without_a_retry(face: Face) -> None:
    wire = Wire("http2")
    with wire.server() as server, wire.client(face, server) as client:
        server.fail_next(Fault(cut="refuse"), Fault(cut="goaway"))
        assert ask(client).http.retries == 0
        assert (len(server.requests), busy(client)) == (3, 0)


def test_a_server_that_refuses_every_stream_is_given_up(face: Face) -> None:
    wire = Wire("http2")
    with wire.server(fault=Fault(cut="refuse")) as server, wire.client(face, server) as client:
        assert failure(lambda: ask(client)).phase == "head"
        assert len(server.requests) < 20
        assert busy(client) == 0
