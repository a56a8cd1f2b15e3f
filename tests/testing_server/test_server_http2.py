"""The embedded server over TLS and HTTP/2, with the engine of h2 on the client's side."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError

from oxide.testing import Fault, Server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certified(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def server(certified: ssl.SSLContext) -> Iterator[Server]:
    with Server(tls=certified) as running:
        yield running


class Peer:
    """A client of one connection: asks, and gathers the events that come back."""

    def __init__(self, server: Server, authority: trustme.CA, window: int = 65_535) -> None:
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        trust.set_alpn_protocols(["h2"])
        plain = socket.create_connection((server.host, server.port), timeout=5)
        self.socket = trust.wrap_socket(plain, server_hostname="127.0.0.1")
        self.engine = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.engine.local_settings.initial_window_size = window
        self.engine.initiate_connection()
        self.events: list[Any] = []
        self.read = True

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, path: str = "/v1/models", body: dict[str, Any] | None = None, method: str = "") -> int:
        number = self.engine.get_next_available_stream_id()
        method = method or ("POST" if body else "GET")
        fields = [(":method", method), (":scheme", "https"), (":authority", "x"), (":path", path), ("authorization", "Bearer k")]
        self.engine.send_headers(number, fields, end_stream=body is None)
        if body is not None:
            self.engine.send_data(number, json.dumps(body).encode(), end_stream=True)
        self.send()
        return number

    def send(self) -> None:
        self.socket.sendall(self.engine.data_to_send())

    def until(self, kind: type, count: int = 1) -> list[Any]:
        """Receive until there were `count` events of a kind, and return them."""
        while len(found := [event for event in self.events if isinstance(event, kind)]) < count:
            data = self.socket.recv(65_536)
            assert data, f"the connection ended; it had {self.events}"
            for event in self.engine.receive_data(data):
                self.events.append(event)
                if self.read and isinstance(event, DataReceived) and event.flow_controlled_length:
                    self.engine.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.send()
        return found

    def body(self, number: int) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, DataReceived) and event.stream_id == number)


def test_many_streams_are_answered_on_one_connection(server: Server, authority: trustme.CA) -> None:
    with Peer(server, authority) as peer:
        numbers = [peer.ask("/v1/responses", {"model": "m", "input": f"word{n}", "stream": n % 2 == 0}) for n in range(60)]
        peer.until(StreamEnded, 60)
        for n, number in enumerate(numbers):
            assert f"word{n}".encode() in peer.body(number)
        assert server.connections == 1
        assert {received.protocol for received in server.requests} == {"HTTP/2"}


def test_the_window_of_the_client_is_respected(certified: ssl.SSLContext, authority: trustme.CA) -> None:
    with Server(tls=certified, answer="long " * 20_000) as server, Peer(server, authority) as peer:
        peer.read = False
        number = peer.ask("/v1/responses", {"model": "m", "input": "x"})
        while len(peer.body(number)) < 65_535:
            peer.until(DataReceived, len([event for event in peer.events if isinstance(event, DataReceived)]) + 1)
        assert len(peer.body(number)) == 65_535
        peer.read = True
        peer.engine.increment_flow_control_window(1_000_000)
        peer.engine.increment_flow_control_window(1_000_000, number)
        peer.send()
        peer.until(StreamEnded)
        assert json.loads(peer.body(number))["status"] == "completed"


def test_the_number_of_streams_is_announced(certified: ssl.SSLContext, authority: trustme.CA) -> None:
    with Server(tls=certified, max_streams=7) as server, Peer(server, authority) as peer:
        peer.ask()
        peer.until(StreamEnded)
        assert peer.engine.remote_settings.max_concurrent_streams == 7


def test_goaway_comes_after_so_many_requests_and_what_was_taken_is_answered(certified: ssl.SSLContext, authority: trustme.CA) -> None:
    with Server(tls=certified, max_requests=3) as server, Peer(server, authority) as peer:
        for _ in range(5):
            peer.ask()
        (goodbye,) = peer.until(ConnectionTerminated)
        assert goodbye.last_stream_id == 5
    assert len(server.requests) == 3  # once it has stopped: the goodbye is said a moment before the last request is taken down


def test_a_reset_ends_only_its_stream(server: Server, authority: trustme.CA) -> None:
    server.fail_next(Fault(cut="reset", at="body"), Fault(cut="refuse"), None)
    with Peer(server, authority) as peer:
        for _ in range(3):
            peer.ask()
        peer.until(StreamEnded)
        assert [event.error_code for event in peer.until(StreamReset, 2)] == [2, 7]


def test_a_goaway_refuses_its_own_request(server: Server, authority: trustme.CA) -> None:
    server.fail_next(Fault(cut="goaway"))
    with Peer(server, authority) as peer:
        peer.ask()
        (goodbye,) = peer.until(ConnectionTerminated)
        assert goodbye.last_stream_id == 0


def test_a_stream_that_the_client_resets_counts_as_cancelled(certified: ssl.SSLContext, authority: trustme.CA) -> None:
    with Server(tls=certified, pace=0.01) as server, Peer(server, authority) as peer:
        number = peer.ask("/v1/responses", {"model": "m", "input": "word " * 200, "stream": True})
        peer.until(DataReceived, 3)
        peer.engine.reset_stream(number)
        peer.send()
        deadline = time.monotonic() + 5
        while not server.cancelled:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        peer.ask()
        peer.until(StreamEnded)


def test_an_answer_on_a_stream_that_nobody_opened_is_an_offence(server: Server, authority: trustme.CA) -> None:
    server.fail_next(Fault(again=0))
    with Peer(server, authority) as peer:
        peer.ask()
        with pytest.raises(ProtocolError):
            peer.until(StreamEnded, 2)


def test_interim_answers_and_drops_work_here_too(server: Server, authority: trustme.CA) -> None:
    server.fail_next(Fault(interim=2, drip=100, gap=0.001))
    with Peer(server, authority) as peer:
        number = peer.ask()
        peer.until(StreamEnded)
        assert len(peer.until(InformationalResponseReceived, 2)) == 2
        assert len(peer.until(DataReceived, 3)) >= 3
        assert json.loads(peer.body(number))["object"] == "list"


def test_head_has_no_body(server: Server, authority: trustme.CA) -> None:
    with Peer(server, authority) as peer:
        number = peer.ask(method="HEAD")
        peer.until(StreamEnded)
        assert len(peer.until(ResponseReceived)) == 1
        assert peer.body(number) == b""


def test_a_drop_ends_tls_without_a_word_and_a_close_with_one(certified: ssl.SSLContext, authority: trustme.CA) -> None:
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with Server(tls=certified, http2=False) as server:
        for how in ("drop", "close"):
            server.fail_next(Fault(cut=how, at="body", framing="close"))  # type: ignore[arg-type]  # one of the literals
            plain = socket.create_connection((server.host, server.port), timeout=5)
            with trust.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as peer:
                peer.sendall(b"GET /v1/models HTTP/1.1\r\nauthorization: Bearer k\r\n\r\n")
                if how == "drop":
                    with pytest.raises(ssl.SSLEOFError):
                        [peer.recv(65_536) for _ in range(9)]
                else:
                    while peer.recv(65_536):
                        continue


def test_a_client_of_http1_is_served_by_the_same_port(server: Server, authority: trustme.CA) -> None:
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    plain = socket.create_connection((server.host, server.port), timeout=5)
    with trust.wrap_socket(plain, server_hostname="127.0.0.1") as peer:
        peer.sendall(b"GET /v1/models HTTP/1.1\r\nauthorization: Bearer k\r\n\r\n")
        assert peer.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert server.url.startswith("https://127.0.0.1:")


def test_certificate_files_serve_as_well_as_a_context(authority: trustme.CA, tmp_path: Any) -> None:
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    with Server(tls=(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))) as server, Peer(server, authority) as peer:
        peer.ask()
        peer.until(StreamEnded)
