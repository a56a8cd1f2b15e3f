"""What the HTTP/1.1 machine sends: heads, bodies at once and in pieces, and what it refuses to send."""

from __future__ import annotations

import pytest

from oxide._protocol import grammar
from oxide._protocol.base import Data, End
from oxide._protocol.http1 import FAILED, IDLE, Http1

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
HOST = [("host", "a")]


def test_a_request_is_head_and_body_in_one_piece() -> None:
    sent = Http1().request("POST", "/v1/responses?a=b", [("host", "a"), ("X-Any", "b \xe9\t;c")], b"body")
    assert sent == b"POST /v1/responses?a=b HTTP/1.1\r\nhost: a\r\nX-Any: b \xe9\t;c\r\ncontent-length: 4\r\n\r\nbody"


@pytest.mark.parametrize(
    ("method", "told"),
    [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False), ("DELETE", False), ("HEAD", False), ("OPTIONS", False)],
)
def test_the_length_of_no_body_is_told_where_one_is_expected(method: str, told: bool) -> None:
    assert (b"content-length: 0\r\n" in Http1().request(method, "/", HOST)) is told


def test_the_length_of_a_body_is_always_told() -> None:
    assert Http1().request("DELETE", "/", HOST, b"abc").endswith(b"content-length: 3\r\n\r\nabc")


BAD = [
    *(("GET", "/", [("host", "a"), ("b", value)]) for value in ("a\r\nc: d", "\n", "\r", "a\0", "\x7f", "\x01", "…", "\U0001f600")),
    *(("GET", "/", [(name, "a")]) for name in ("", " ", "a b", "a:", "a\r\nb", "a\0", "é", "a\n", "Content-Length", "TRANSFER-ENCODING")),
    *(("GET", target, HOST) for target in ("", "/a b", "/\r\n", "/\n", "/\0", "/é", "/\x7f", "/a\t", "/ HTTP/1.1\r\na: b")),
    *((method, "/", HOST) for method in ("", "GET ", "G T", "GET\r\n", "GÉT", "GET\0", "CONNECT")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "target", "headers"), BAD)
def test_what_could_smuggle_is_refused_before_anything_happens(method: str, target: str, headers: list[tuple[str, str]]) -> None:
    machine = Http1()
    with pytest.raises(ValueError):  # noqa: PT011 - every message is another
        machine.request(method, target, headers)
    assert machine.reusable
    assert machine.request("GET", "/", HOST) == b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


def test_a_refused_value_is_never_shown() -> None:
    for value in ("secret\r\n", "secret…"):
        with pytest.raises(ValueError, match="value of authorization") as caught:
            Http1().request("GET", "/", [("host", "a"), ("authorization", value)])
        assert "secret" not in str(caught.value)
        assert "secret" not in repr(caught.value.__cause__)


def test_names_are_still_checked_when_the_known_ones_are_too_many() -> None:
    for number in range(1200):
        Http1().request("GET", "/", [(f"x-{number}", "a")])
    assert len(grammar._known_names) <= 1000
    with pytest.raises(ValueError, match="bad name"):
        Http1().request("GET", "/", [("a b", "a")])


def test_lines_that_are_kept_are_few_and_not_shown() -> None:
    machine = Http1()
    for number in range(200):
        head = machine.request("GET", "/", [("host", "a"), ("authorization", "Bearer sk-secret"), ("idempotency-key", str(number))])
        assert head == b"GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-secret\r\nidempotency-key: %d\r\n\r\n" % number
        machine.receive(EMPTY)
    assert len(machine._lines) <= 64
    assert "secret" not in repr(machine._lines)


def test_a_field_that_came_before_is_refused_in_another_spelling() -> None:
    machine = Http1()
    machine.request("GET", "/", [*HOST, ("x-plain", "a")])
    machine.receive(EMPTY)
    for bad in (("x-plain", "a\r\nb: c"), ("x-plain ", "a"), ("content-length", "1")):
        with pytest.raises(ValueError, match=r"value of|bad name|written by"):
            machine.request("GET", "/", [*HOST, bad])


def test_who_asks_to_close_does_not_use_the_connection_again() -> None:
    machine = Http1()
    machine.request("GET", "/", [*HOST, ("Connection", "keep-alive, Close"), ("x-not-seen-before", "a")])
    machine.receive(EMPTY)
    assert not machine.reusable


def test_the_length_told_to_a_head_request_does_not_frame_the_next_response() -> None:
    machine = Http1()
    machine.request("HEAD", "/", HOST)
    machine.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    machine.request("GET", "/", HOST)
    _, data, _ = machine.receive(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
    assert data == Data(b"ab")


def test_one_request_at_a_time() -> None:
    machine = Http1()
    machine.request("GET", "/", HOST)
    with pytest.raises(RuntimeError):
        machine.request("GET", "/", HOST)
    assert machine.state == FAILED


def test_a_body_of_known_length_in_pieces() -> None:
    machine = Http1()
    assert machine.request("POST", "/", HOST, length=5).endswith(b"content-length: 5\r\n\r\n")
    assert machine.body_piece(b"abc") + machine.body_piece(b"") + machine.body_piece(b"de") + machine.end_body() == b"abcde"
    machine.receive(EMPTY)
    assert machine.reusable


def test_an_announced_body_of_length_zero() -> None:
    machine = Http1()
    assert machine.request("GET", "/", HOST, length=0).endswith(b"content-length: 0\r\n\r\n")
    assert machine.end_body() == b""


def test_a_body_in_chunks() -> None:
    machine = Http1()
    assert machine.request("POST", "/", HOST, chunked=True).endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert machine.body_piece(b"a" * 16) == b"10\r\n" + b"a" * 16 + b"\r\n"
    assert machine.body_piece(b"") == b""
    assert machine.end_body() == b"0\r\n\r\n"
    machine.receive(EMPTY)
    assert machine.reusable


def test_a_body_longer_or_shorter_than_announced_is_refused() -> None:
    machine = Http1()
    machine.request("POST", "/", HOST, length=5)
    machine.body_piece(b"abc")
    with pytest.raises(ValueError, match="longer"):
        machine.body_piece(b"def")
    assert machine.state == FAILED
    machine = Http1()
    machine.request("POST", "/", HOST, length=5)
    machine.body_piece(b"abc")
    with pytest.raises(ValueError, match="2 bytes shorter"):
        machine.end_body()
    assert machine.state == FAILED


def test_a_body_is_announced_in_one_way() -> None:
    for body, length_, in_chunks in ((b"a", 1, False), (b"a", None, True), (b"", 1, True), (b"", -1, False)):
        with pytest.raises(ValueError, match="a body"):
            Http1().request("POST", "/", HOST, body, length=length_, chunked=in_chunks)


@pytest.mark.parametrize("in_chunks", [True, False])
def test_an_answer_before_the_body_is_sent_is_delivered_and_ends_the_connection(in_chunks: bool) -> None:
    machine = Http1()
    machine.request("POST", "/", HOST, length=None if in_chunks else 5, chunked=in_chunks)
    machine.body_piece(b"abc")
    assert machine.receive(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")[-1] == End()
    assert not machine.reusable
    with pytest.raises(RuntimeError):
        machine.body_piece(b"de")


def test_an_answer_between_the_last_byte_and_the_end_of_the_body_is_no_trouble() -> None:
    machine = Http1()
    machine.request("POST", "/", HOST, length=3)
    machine.body_piece(b"abc")
    machine.receive(EMPTY)
    assert machine.end_body() == b""
    assert machine.state == IDLE


def test_a_body_of_nothing_open_cannot_be_sent() -> None:
    with pytest.raises(RuntimeError):
        Http1().body_piece(b"a")
    machine = Http1()
    machine.request("GET", "/", HOST)
    with pytest.raises(RuntimeError):
        machine.request("GET", "/", HOST)
    with pytest.raises(RuntimeError):
        machine.end_body()
