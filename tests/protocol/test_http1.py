"""The HTTP/1.1 machine, against a table of responses: each is fed whole, byte by byte, and cut at every point."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from oxide._protocol.base import Data, End, Event, Head, ProtocolError
from oxide._protocol.headers import Headers
from oxide._protocol.http1 import CLOSED, FAILED, HEAD, Http1

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HOST = [("host", "a")]


def head(*fields: tuple[str, str], status: int = 200, version: str = "HTTP/1.1") -> Head:
    return Head(status, Headers(fields), version)


def chunked(body: bytes) -> list[Event]:
    return [head(("Transfer-Encoding", "chunked")), *([Data(body)] if body else []), End()]


def length(value: int, *more: tuple[str, str], version: str = "HTTP/1.1") -> list[Event]:
    return [head(("Content-Length", str(value)), *more, version=version), *([Data(b"x" * value)] if value else []), End()]


# title, method, what the server sends before it hangs up (or not: ...), events, whether the connection may be used again
TABLE: list[tuple[str, str, bytes, list[Event], bool]] = [
    ("a sized body", "GET", OK + b"Content-Length: 3\r\n\r\nxxx", length(3), True),
    ("an empty body", "GET", OK + EMPTY, length(0), True),
    ("spaces around values", "GET", OK + b"a:b\r\nc: \t d e \t\r\nf:\r\nContent-Length:\t0 \r\n\r\n",
     [head(("a", "b"), ("c", "d e"), ("f", ""), ("Content-Length", "0")), End()], True),
    ("bytes that are not ASCII", "GET", OK + b"a: \xe9\x85\xa0\r\n" + EMPTY,
     [head(("a", "\xe9\x85\xa0"), ("Content-Length", "0")), End()], True),
    ("a name with all that a token has", "GET", OK + b"!#$%&'*+-.^_`|~09azAZ: 1\r\n" + EMPTY,
     [head(("!#$%&'*+-.^_`|~09azAZ", "1"), ("Content-Length", "0")), End()], True),
    ("colons in a value", "GET", OK + b"a: b: c:d\r\n" + EMPTY, [head(("a", "b: c:d"), ("Content-Length", "0")), End()], True),
    ("no reason", "GET", b"HTTP/1.1 404 \r\n" + EMPTY, [head(("Content-Length", "0"), status=404), End()], True),
    ("no space before no reason", "GET", b"HTTP/1.1 599\r\n" + EMPTY, [head(("Content-Length", "0"), status=599), End()], True),
    ("a length told twice", "GET", OK + b"Content-Length: 3\r\ncontent-length: 3 , 3\r\n\r\nxxx",
     [head(("Content-Length", "3"), ("content-length", "3 , 3")), Data(b"xxx"), End()], True),
    ("no chunks", "GET", CHUNKED + b"0\r\n\r\n", chunked(b""), True),
    ("chunks", "GET", CHUNKED + b"3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n", chunked(b"abc0123456789"), True),
    ("chunk extensions", "GET", CHUNKED + b'3;a\r\nabc\r\n1 ; b="c;\xe9"\t\r\nd\r\n000;e=f\r\n\r\n', chunked(b"abcd"), True),
    ("spaces after a size", "GET", CHUNKED + b"3  \r\nabc\r\n0\t\r\n\r\n", chunked(b"abc"), True),
    ("line ends in chunks", "GET", CHUNKED + b"4\r\n\r\n\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n", chunked(b"\r\n\r\n\r\n"), True),
    ("trailers", "GET", CHUNKED + b"1\r\na\r\n0\r\nB: c\r\nContent-Length: 7\r\n\r\n", chunked(b"a"), True),
    ("a coding in capitals", "GET", OK + b"transfer-encoding: Chunked\r\n\r\n0\r\n\r\n",
     [head(("transfer-encoding", "Chunked")), End()], True),
    ("until the end", "GET", OK + b"\r\nab\r\n\r\nc", [head(), Data(b"ab\r\n\r\nc"), End()], False),
    ("until the end, and nothing", "GET", OK + b"Connection: keep-alive\r\n\r\n", [head(("Connection", "keep-alive")), End()], False),
    ("HEAD with a length", "HEAD", OK + b"Content-Length: 30\r\n\r\n", [head(("Content-Length", "30")), End()], True),
    ("HEAD with a coding", "HEAD", CHUNKED, [head(("Transfer-Encoding", "chunked")), End()], True),
    ("HEAD with neither", "HEAD", OK + b"\r\n", [head(), End()], True),
    ("204", "DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", [head(status=204), End()], True),
    ("204 with a length", "DELETE", b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",
     [head(("Content-Length", "3"), status=204), End()], True),
    ("304", "GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", [head(("Content-Length", "3"), status=304), End()], True),
    ("interim responses", "GET",
     b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: x\r\n\r\n" + OK + b"Content-Length: 3\r\n\r\nxxx",
     length(3), True),
    ("close", "GET", OK + b"Content-Length: 0\r\nConnection: CLOSE\r\n\r\n", length(0, ("Connection", "CLOSE")), False),
    ("close among others", "GET", OK + b"Content-Length: 0\r\nConnection: keep-alive, Close\r\n\r\n",
     length(0, ("Connection", "keep-alive, Close")), False),
    ("close in a second field", "GET", OK + b"Content-Length: 0\r\nConnection: a\r\nconnection:close\r\n\r\n",
     length(0, ("Connection", "a"), ("connection", "close")), False),
    ("a word like close", "GET", OK + b"Content-Length: 0\r\nConnection: close-not\r\n\r\n", length(0, ("Connection", "close-not")), True),
    ("HTTP/1.0", "GET", b"HTTP/1.0 200 OK\r\n" + EMPTY, length(0, version="HTTP/1.0"), False),
    ("HTTP/1.0 that stays", "GET", b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n",
     length(0, ("Connection", "Keep-Alive"), version="HTTP/1.0"), True),
    ("HTTP/1.0 in chunks never stays", "GET", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
     [head(("Transfer-Encoding", "chunked"), ("Connection", "keep-alive"), version="HTTP/1.0"), End()], False),
]  # fmt: skip


def started(method: str = "GET", **limits: int) -> Http1:
    machine = Http1(**limits)
    machine.request(method, "/", HOST)
    return machine


def joined(events: list[Event]) -> list[Event]:
    """The same with neighbouring pieces of the body as one."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, Data) and result and isinstance(result[-1], Data):
            event = Data(result.pop().data + event.data)
        result.append(event)
    return result


def feed(machine: Http1, *pieces: bytes) -> list[Event]:
    return joined([event for piece in pieces if piece for event in machine.receive(piece)])


def cuts(data: bytes) -> list[list[bytes]]:
    """Whole, byte by byte, and in two at every point."""
    return [[data], [data[i : i + 1] for i in range(len(data))], *([data[:i], data[i:]] for i in range(1, len(data)))]


@pytest.mark.parametrize(("method", "data", "events", "reusable"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(method: str, data: bytes, events: list[Event], reusable: bool) -> None:
    for pieces in cuts(data):
        machine = started(method)
        got = feed(machine, *pieces)
        if End() not in got:
            got += machine.receive(b"")
        assert got == events
        assert machine.reusable is reusable
        assert machine.received
        assert machine.receive(b"") == []
        assert not machine.reusable


REFUSED: list[tuple[str, bytes]] = [
    ("both a length and a coding", OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("two lengths", OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n"),
    ("two lengths in one field", OK + b"Content-Length: 3, 4\r\n\r\n"),
    ("two lengths that only look the same", OK + b"Content-Length: 3, \xb3\r\n\r\n"),
    *((f"the length {value!r}", OK + b"Content-Length: " + value + b"\r\n\r\n")
      for value in (b"", b"-1", b"+1", b"1.0", b"0x1", b"1_0", b"1 0", b"\xb2", b"1" * 20, b"9" * 5000, b",", b"3,", b"a")),
    *((f"the coding {value!r}", OK + b"Transfer-Encoding: " + value + b"\r\n\r\n")
      for value in (b"", b"gzip", b"identity", b"gzip, chunked", b"chunked, chunked", b"chunked;a=b", b"xchunked", b"\x0bchunked")),
    ("the coding told twice", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    *((f"the chunk size {line!r}", CHUNKED + line + b"\r\n")
      for line in (b"", b" 1", b"-1", b"+1", b"0x1", b"1_0", b"g", b"1g", b"1 1", b";a", b"1" * 17, b"\xb2", b"1,a", b"1;\x00", b"1;\x7f",
                   b"1;a\rb")),
    ("a chunk line that ends with LF", CHUNKED + b"1\na"),
    ("an endless extension", CHUNKED + b"1;" + b"a" * 4097),
    ("endless spaces after a size", CHUNKED + b"1" + b" " * 17),
    ("no line end after a chunk", CHUNKED + b"1\r\nab"),
    ("LF after a chunk", CHUNKED + b"1\r\na\n"),
    ("CR and more after a chunk", CHUNKED + b"1\r\na\ra"),
    ("a trailer that is no field", CHUNKED + b"0\r\na\r\n\r\n"),
    ("a control character in a trailer", CHUNKED + b"0\r\na: \x00\r\n\r\n"),
    ("a bare LF in the trailers", CHUNKED + b"0\r\na: b\nc"),
    ("a bare LF", OK + b"a: b\nc"),
    ("bare LFs only", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    ("a bare CR", OK + b"a: b\rc"),
    ("a CR before a line end", OK + b"a: b\r\r\n"),
    *((f"the character {value!r} in a value", OK + b"a: b" + value + b"c\r\n\r\n") for value in (b"\0", b"\1", b"\x0b", b"\x1b", b"\x7f")),
    *((f"the character {value!r} in a name", OK + b"a" + value + b"c: d\r\n\r\n")
      for value in (b"\0", b"\t", b" ", b"\x7f", b"\xe9", b"(", b"/", b'"', b"@", b"{", b"\x85", b"\xa0")),
    ("a control character in the reason", b"HTTP/1.1 200 O\0K\r\n\r\n"),
    ("a folded line", OK + b"a: b\r\n c: d\r\n\r\n"),
    ("a folded first line", OK + b" a: b\r\n\r\n"),
    ("a space before the colon", OK + b"a : b\r\n\r\n"),
    ("an empty name", OK + b": b\r\n\r\n"),
    ("a line without a colon", OK + b"a\r\n\r\n"),
    *((f"the status line {line!r}", line + b"\r\n\r\n")
      for line in (b"", b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 20", b"HTTP/1.1 2000", b"HTTP/1.1 20x OK",
                   b"HTTP/1.1 099 OK", b"HTTP/1.1 600 OK",
                   b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1 200\tOK", b"HTTP/1.1 -20 OK",
                   b"HTTP/1.1 \xb2\xb2\xb2 OK", b"HTTP/1.2 200 OK",
                   b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/11 200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b" HTTP/1.1 200 OK",
                   b"\r\nHTTP/1.1 200 OK")),
    ("another protocol", b"SSH-2.0-"),
    ("TLS", b"\x15\x03\x01\x00\x02\x02"),
    ("a switch nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n"),
]  # fmt: skip


@pytest.mark.parametrize("data", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_breaks_a_rule_is_refused_however_it_is_cut(data: bytes) -> None:
    for pieces in cuts(data) if len(data) < 200 else cuts(data)[:2]:
        machine = started()
        with pytest.raises(ProtocolError):
            feed(machine, *pieces)
        assert machine.state == FAILED
        assert not machine.reusable
        with pytest.raises(RuntimeError):
            machine.receive(b"")


HANG_UPS = [
    ("before any byte", b""),
    ("in the head", b"HTTP/1.1 200 OK\r\nContent-Le"),
    ("in the head", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ("in a sized body, 4 bytes before its end", OK + b"Content-Length: 6\r\n\r\nab"),
    ("in a sized body, 6 bytes before its end", OK + b"Content-Length: 6\r\n\r\n"),
    ("in a chunked body", CHUNKED),
    ("in a chunked body", CHUNKED + b"5\r\nabc"),
    ("in a chunked body", CHUNKED + b"3\r\nabc\r\n"),
    ("in a chunked body", CHUNKED + b"3\r\nabc\r\n0"),
    ("in the trailers", CHUNKED + b"3\r\nabc\r\n0\r\n"),
    ("in the trailers", CHUNKED + b"3\r\nabc\r\n0\r\na: b\r\n"),
]


@pytest.mark.parametrize(("where", "data"), HANG_UPS)
def test_a_hang_up_in_the_wrong_place_tells_where(where: str, data: bytes) -> None:
    for pieces in cuts(data):
        machine = started()
        feed(machine, *pieces)
        assert machine.received is bool(data)
        with pytest.raises(ProtocolError, match=where):
            machine.receive(b"")


def test_a_hang_up_while_idle_closes_quietly() -> None:
    machine = Http1()
    assert machine.reusable
    assert machine.receive(b"") == []
    assert machine.state == CLOSED
    with pytest.raises(RuntimeError):
        machine.request("GET", "/", HOST)


def test_bytes_nobody_asked_for_are_refused() -> None:
    for machine in (Http1(), started()):
        feed(machine, *([OK + EMPTY] if machine.state == HEAD else []))
        assert machine.reusable
        with pytest.raises(ProtocolError, match="nobody asked"):
            machine.receive(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("response", [OK + b"Content-Length: 3\r\n\r\nabc", CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"])
@pytest.mark.parametrize("rest", [b"x", b"\r\n", OK + EMPTY])
def test_bytes_after_the_end_do_not_spoil_the_response_but_end_the_connection(response: bytes, rest: bytes) -> None:
    machine = started()
    assert machine.receive(response + rest)[1:] == [Data(b"abc"), End()]
    assert not machine.reusable
    with pytest.raises(RuntimeError):
        machine.request("GET", "/", HOST)


def test_bytes_after_the_end_of_a_closing_response_are_refused() -> None:
    machine = started()
    machine.receive(OK + b"Connection: close\r\n" + EMPTY)
    with pytest.raises(ProtocolError):
        machine.receive(b"x")


def test_the_end_of_the_chunks_may_come_late() -> None:
    machine = started()
    assert machine.receive(CHUNKED + b"3\r\nabc")[1:] == [Data(b"abc")]
    assert machine.receive(b"\r\n") == []
    assert not machine.reusable
    assert machine.receive(b"0\r\n\r\n") == [End()]
    assert machine.reusable


def test_a_connection_serves_many_requests() -> None:
    machine = Http1()
    for number in range(5):
        machine.request("POST", "/", HOST, b"x")
        assert not machine.received
        assert feed(machine, b"HTTP/1.1 100 Continue\r\n\r\n", CHUNKED, b"%x\r\n" % (number + 1), b"x" * (number + 1), b"\r\n0\r\n\r\n")[
            1:
        ] == [
            Data(b"x" * (number + 1)),
            End(),
        ]


def test_the_chunks_of_one_piece_are_one_event() -> None:
    machine = started()
    events = machine.receive(CHUNKED + b"1\r\na\r\n" * 100 + b"5\r\nab")
    assert events[1:] == [Data(b"a" * 100 + b"ab")]


def test_a_body_that_fills_the_piece_is_not_copied() -> None:
    machine = started()
    machine.receive(OK + b"Content-Length: 100000\r\n\r\n")
    piece = bytes(60000)
    (event,) = machine.receive(piece)
    assert isinstance(event, Data)
    assert event.data is piece


# Limits


def test_a_head_of_exactly_the_limit_is_read_and_one_byte_more_is_refused() -> None:
    data = OK + b"a: " + b"b" * 60 + b"\r\n" + EMPTY
    for pieces in cuts(data):
        assert feed(started(max_head=len(data)), *pieces)[-1] == End()
        with pytest.raises(ProtocolError, match="bytes in the head"):
            feed(started(max_head=len(data) - 1), *pieces)


def test_as_many_fields_as_the_limit_are_read_and_one_more_is_refused() -> None:
    data = OK + b"Content-Length: 0\r\n" + b"a: b\r\n" * 9 + b"\r\n"
    assert feed(started(max_fields=10), data)[-1] == End()
    with pytest.raises(ProtocolError, match="more than 9 fields"):
        feed(started(max_fields=9), data)


def test_trailers_are_bounded_like_a_head() -> None:
    data = CHUNKED + b"0\r\n" + b"a: b\r\n" * 30 + b"\r\n"
    for pieces in cuts(data):
        with pytest.raises(ProtocolError, match="more than 29 fields in the trailers"):
            feed(started(max_fields=29), *pieces)
        with pytest.raises(ProtocolError, match="more than 100 bytes in the trailers"):
            feed(started(max_head=100), *pieces)


def test_interim_responses_are_counted_per_request() -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    machine = started(max_interim=3)
    for _ in range(2):
        assert feed(machine, interim * 3 + OK + EMPTY)[-1] == End()
        machine.request("GET", "/", HOST)
    with pytest.raises(ProtocolError, match="more than 3 interim"):
        feed(machine, interim * 4)


def test_a_peer_that_drips_costs_linear_time_and_bounded_memory() -> None:
    machine = started(max_head=1 << 20)
    data = OK + b"a: " + b"b" * 150_000 + b"\r\n" + b"Transfer-Encoding: chunked\r\n\r\n"
    before = time.process_time()
    for start in range(0, len(data), 2):
        machine.receive(data[start : start + 2])
    assert time.process_time() - before < 5  # quadratic: a minute and more
    tracemalloc.start()
    for _ in range(20_000):
        machine.receive(b"1;abc=d\r\na\r\n")
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


@pytest.mark.parametrize("step", [1000, 65536, 1 << 22])
def test_a_large_body_costs_linear_time(step: int) -> None:
    body = bytes(1 << 22)
    data = CHUNKED + b"".join(b"1000\r\n" + body[i : i + 4096] + b"\r\n" for i in range(0, len(body), 4096)) + b"0\r\n\r\n"
    machine = started()
    before = time.process_time()
    got = [event.data for i in range(0, len(data), step) for event in machine.receive(data[i : i + step]) if isinstance(event, Data)]
    assert time.process_time() - before < 5
    assert b"".join(got) == body
    assert machine.reusable


@pytest.mark.parametrize("name", [b"Connection", b"Content-Encoding"])
def test_a_run_of_blanks_in_a_field_costs_linear_time(name: bytes) -> None:
    machine = started(max_head=1 << 20)
    before = time.process_time()
    machine.receive(b"HTTP/1.1 200 OK\r\n" + name + b": a" + b" " * 150_000 + b"b\r\ncontent-length: 0\r\n\r\n")
    assert time.process_time() - before < 5  # quadratic: half a minute
