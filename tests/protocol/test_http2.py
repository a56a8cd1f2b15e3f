"""One HTTP/2 connection, against frames written by hand and against a peer built on h2's server side, which shares no state with ours."""

from __future__ import annotations

import gc
import struct
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, PingAckReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes
from hpack import Encoder

from oxide._protocol.base import Data, End, Head, ProtocolError
from oxide._protocol.headers import Headers
from oxide._protocol.http2 import GoAway, Http2, Pong, Reset, SendMore, SlotsChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide._protocol.http2_events import Events

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
OK = [(":status", "200")]


def frame(kind: int, stream: int, body: bytes = b"", flags: int = 0) -> bytes:
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


def settings(**values: int) -> bytes:
    return frame(SETTINGS, 0, b"".join(struct.pack(">HL", SettingCodes[name], value) for name, value in values.items()))


def head(stream: int, fields: list[tuple[str, str]], flags: int = 0) -> bytes:
    """Return HEADERS whose fields leave no trace in the tables, so that rows may be put together at will."""
    block = Encoder().encode([(name, value, True) for name, value in fields])
    return frame(HEADERS, stream, block, END_HEADERS | flags)


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def connected(streams: int = 0, *, method: str = "GET", ended: bool = True, **limits: int) -> Http2:
    """A connection that the peer has greeted, with so many requests on their way."""
    http = Http2(**limits)
    http.start()
    http.receive(settings())
    for _ in range(streams):
        http.request(method, "https", "example.com", "/", [], ended=ended)
    http.pending()
    return http


class Peer:
    """A server built on h2."""

    def __init__(self, http: Http2, **settings: int) -> None:
        self.http = http
        self.engine = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.engine.local_settings.update({SettingCodes[name]: value for name, value in settings.items()})
        self.engine.local_settings.acknowledge()
        self.engine.initiate_connection()
        self.seen: list[object] = []
        self.take(http.start())

    def take(self, data: bytes) -> list[object]:
        """Read what the client sends."""
        events: list[object] = list(self.engine.receive_data(data)) if data else []
        self.seen += events
        return events

    def deliver(self) -> Events:
        """Bring everything from this peer to the client, and its answers back."""
        events: Events = []
        while data := self.engine.data_to_send():
            events += self.http.receive(data)
            self.take(self.http.pending())
        return events

    def request(self, *, ended: bool = True, method: str = "GET") -> int:
        stream, data = self.http.request(method, "https", "example.com", "/", [], ended=ended)
        self.take(data)
        return stream


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        yield data[at : at + 1]


def joined(events: Events) -> Events:
    """Join neighbouring data, which may come in any number of pieces."""
    result: Events = []
    for stream, event in events:
        before = result[-1] if result else None
        if before and isinstance(event, Data) and isinstance(before[1], Data) and before[0] == stream:
            result[-1] = (stream, Data(before[1].data + event.data))
        else:
            result.append((stream, event))
    return result


def receive_all(http: Http2, pieces: Iterator[bytes]) -> tuple[Events, ProtocolError | None]:
    """Return every event, and the error that ended it."""
    events: Events = []
    try:
        for piece in pieces:
            events += http.receive(piece)
    except ProtocolError as error:
        return joined(events), error
    return joined(events), http.failure


def answer(*fields: tuple[str, str], status: int = 200) -> Head:
    return Head(status, Headers(fields), "HTTP/2")


BROKEN = Reset(1, False, "")
TABLE: list[tuple[str, bytes, Events]] = [
    ("a head without a body", head(1, OK, END_STREAM), [(1, answer()), (1, End())]),
    ("a body", head(1, OK) + frame(DATA, 1, b"abc", END_STREAM), [(1, answer()), (1, Data(b"abc")), (1, End())]),
    (
        "a body in many frames is one event",
        head(1, OK) + frame(DATA, 1, b"a") + frame(DATA, 1, b"b") + frame(DATA, 1, b"", END_STREAM),
        [(1, answer()), (1, Data(b"ab")), (1, End())],
    ),
    (
        "padding is no data",
        head(1, OK) + frame(DATA, 1, b"\x03abc\0\0\0", PADDED) + frame(DATA, 1, b"\0d", PADDED | END_STREAM),
        [(1, answer()), (1, Data(b"abcd")), (1, End())],
    ),
    ("nothing but padding", head(1, OK) + frame(DATA, 1, b"\x02\0\0", PADDED | END_STREAM), [(1, answer()), (1, End())]),
    (
        "two streams, one after the other",
        head(3, OK) + head(1, OK) + frame(DATA, 3, b"3", END_STREAM) + frame(DATA, 1, b"1", END_STREAM),
        [(3, answer()), (1, answer()), (3, Data(b"3")), (3, End()), (1, Data(b"1")), (1, End())],
    ),
    (
        "a head in many frames",
        frame(HEADERS, 1, b"\x88\x5c\x01") + frame(CONTINUATION, 1) + frame(CONTINUATION, 1, b"0", END_HEADERS),
        [(1, answer(("content-length", "0")))],
    ),
    (
        "interim responses are swallowed",
        head(1, [(":status", "103"), ("link", "</a>")]) + head(1, [(":status", "100")]) + head(1, OK, END_STREAM),
        [(1, answer()), (1, End())],
    ),
    ("trailers are dropped", head(1, OK) + head(1, [("etag", "x")], END_STREAM), [(1, answer()), (1, End())]),
    ("trailers without fields", head(1, OK) + frame(HEADERS, 1, b"", END_HEADERS | END_STREAM), [(1, answer()), (1, End())]),
    ("trailers with a pseudo-header", head(1, OK) + head(1, OK, END_STREAM), [(1, answer()), (1, BROKEN)]),
    (
        "a length that is kept",
        head(1, [*OK, ("content-length", "2")]) + frame(DATA, 1, b"ab", END_STREAM),
        [(1, answer(("content-length", "2"))), (1, Data(b"ab")), (1, End())],
    ),
    (
        "a longer body than announced",
        head(1, [*OK, ("content-length", "2")]) + frame(DATA, 1, b"abc", END_STREAM),
        [(1, answer(("content-length", "2"))), (1, BROKEN)],
    ),
    (
        "a shorter body than announced",
        head(1, [*OK, ("content-length", "2")]) + frame(DATA, 1, b"a", END_STREAM),
        [(1, answer(("content-length", "2"))), (1, Data(b"a")), (1, BROKEN)],
    ),
    (
        "a length, and trailers instead of the body",
        head(1, [*OK, ("content-length", "2")]) + head(1, [("a", "b")], END_STREAM),
        [(1, answer(("content-length", "2"))), (1, BROKEN)],
    ),
    (
        "a length, and no body at all",
        head(1, [*OK, ("content-length", "2")], END_STREAM),
        [(1, answer(("content-length", "2"))), (1, BROKEN)],
    ),
    ("204 has no body", head(1, [(":status", "204")]) + frame(DATA, 1, b"a"), [(1, answer(status=204)), (1, BROKEN)]),
    (
        "304 tells the length of what it does not bring",
        head(1, [(":status", "304"), ("content-length", "9")], END_STREAM),
        [(1, answer(("content-length", "9"), status=304)), (1, End())],
    ),
    ("no status", head(1, [("server", "x")]), [(1, BROKEN)]),
    ("no fields", frame(HEADERS, 1, b"", END_HEADERS), [(1, BROKEN)]),
    ("two statuses", head(1, OK + OK), [(1, BROKEN)]),
    ("a status after a field", head(1, [("a", "b"), *OK]), [(1, BROKEN)]),
    ("a pseudo-header of requests", head(1, [*OK, (":path", "/")]), [(1, BROKEN)]),
    ("status 99", head(1, [(":status", "099")]), [(1, BROKEN)]),
    ("status 600", head(1, [(":status", "600")]), [(1, BROKEN)]),
    ("a status of four digits", head(1, [(":status", "2000")]), [(1, BROKEN)]),
    ("a status with a sign", head(1, [(":status", "+20")]), [(1, BROKEN)]),
    ("status 101, which HTTP/2 has not", head(1, [(":status", "101")]), [(1, BROKEN)]),
    ("an upper-case name", head(1, [*OK, ("Server", "x")]), [(1, BROKEN)]),
    ("an empty name", head(1, [*OK, ("", "x")]), [(1, BROKEN)]),
    ("a space in a name", head(1, [*OK, ("a b", "x")]), [(1, BROKEN)]),
    ("connection", head(1, [*OK, ("connection", "close")]), [(1, BROKEN)]),
    ("transfer-encoding", head(1, [*OK, ("transfer-encoding", "chunked")]), [(1, BROKEN)]),
    ("a longer name than connection", head(1, [*OK, ("connection-id", "7")]), [(1, answer(("connection-id", "7")))]),
    ("an empty value", head(1, [*OK, ("a", "")]), [(1, answer(("a", "")))]),
    ("LF in a value", head(1, [*OK, ("a", "b\nc: d")]), [(1, BROKEN)]),
    ("CR in a value", head(1, [*OK, ("a", "b\rc")]), [(1, BROKEN)]),
    ("NUL in a value", head(1, [*OK, ("a", "b\0c")]), [(1, BROKEN)]),
    ("a space around a value", head(1, [*OK, ("a", " b")]), [(1, BROKEN)]),
    ("a broken stream leaves the others alone", head(1, []) + head(3, OK, END_STREAM), [(1, BROKEN), (3, answer()), (3, End())]),
    ("the peer's reset", frame(RST_STREAM, 1, number(2)), [(1, Reset(2, False, ""))]),
    ("a request that was refused", frame(RST_STREAM, 1, number(7)), [(1, Reset(7, True, ""))]),
    ("a code nobody knows", frame(RST_STREAM, 1, number(0xFFFF_FFFF)), [(1, Reset(0xFFFF_FFFF, False, ""))]),
    ("a reset twice", 2 * frame(RST_STREAM, 1, number(8)), [(1, Reset(8, False, ""))]),
    ("a reset after the end", head(1, OK, END_STREAM) + frame(RST_STREAM, 1, number(0)), [(1, answer()), (1, End())]),
    ("a window of a stream", frame(WINDOW_UPDATE, 1, number(1)), [(1, SendMore())]),
    ("the connection's window", frame(WINDOW_UPDATE, 0, number(1)), [(0, SendMore())]),
    ("a window after the end", head(1, OK, END_STREAM) + frame(WINDOW_UPDATE, 1, number(1)), [(1, answer()), (1, End())]),
    ("a stream's window too large", frame(WINDOW_UPDATE, 1, number(2**31 - 1)), [(1, Reset(3, False, ""))]),
    ("settings", settings(MAX_CONCURRENT_STREAMS=3), [(0, SlotsChanged())]),
    ("a new initial window", settings(INITIAL_WINDOW_SIZE=9), [(0, SlotsChanged()), (0, SendMore())]),
    ("a ping", frame(PING, 0, b"12345678"), []),
    ("an answer to no ping", frame(PING, 0, b"12345678", ACK), []),
    ("priority", frame(PRIORITY, 1, b"\0\0\0\0\1"), []),
    ("unknown frames", frame(77, 0, b"abc") + frame(0xFF, 1, b"x" * 100, 0xFF), []),
    ("goodbye", frame(GOAWAY, 0, number(3) + number(0) + b"bye"), [(0, GoAway(0, 3, ""))]),
    (
        "goodbye in the middle",
        frame(GOAWAY, 0, number(1) + number(2)) + head(1, OK, END_STREAM),
        [(0, GoAway(2, 1, "")), (3, Reset(2, True, "")), (1, answer()), (1, End())],
    ),
]

WRONG: list[tuple[str, bytes]] = [
    ("HTTP/1.1", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ("data on a stream that was not opened", frame(DATA, 5, b"x")),
    ("data on a stream of the peer", frame(DATA, 2, b"x")),
    ("data on the connection", frame(DATA, 0, b"x")),
    ("data before the head", frame(DATA, 1, b"x")),
    ("data after the end", head(1, OK, END_STREAM) + frame(DATA, 1, b"x")),
    ("more padding than data", head(1, OK) + frame(DATA, 1, b"\x04abc", PADDED)),
    ("padded without padding", head(1, OK) + frame(DATA, 1, b"", PADDED)),
    ("a head on a stream that was not opened", head(5, OK)),
    ("a head on a stream of the peer", head(2, OK)),
    ("a head on the connection", head(0, OK)),
    ("a second answer", head(1, OK, END_STREAM) + head(1, OK, END_STREAM)),
    ("trailers that do not end", head(1, OK) + head(1, [("a", "b")])),
    ("an interim response that ends the stream", head(1, [(":status", "100")], END_STREAM)),
    ("an interim response after the head", head(1, OK) + head(1, [(":status", "100")])),
    ("a push", frame(PUSH_PROMISE, 1, number(2) + b"\x82", END_HEADERS)),
    ("a continuation without a beginning", frame(CONTINUATION, 1, b"\x88", END_HEADERS)),
    ("a continuation of another stream", frame(HEADERS, 1, b"\x88") + frame(CONTINUATION, 3, b"", END_HEADERS)),
    ("a ping within a field block", frame(HEADERS, 1, b"\x88") + frame(PING, 0, b"12345678")),
    ("data within a field block", head(1, OK) + frame(HEADERS, 3, b"\x88") + frame(DATA, 1, b"x")),
    ("an index out of the table", frame(HEADERS, 1, b"\xfe", END_HEADERS)),
    ("index 0", frame(HEADERS, 1, b"\x80", END_HEADERS)),
    ("a field block cut short", frame(HEADERS, 1, b"\x88\x5c\x05", END_HEADERS)),
    ("bad Huffman code", frame(HEADERS, 1, b"\x88\x5c\x84\xff\xff\xff\xff", END_HEADERS)),
    ("an endless integer", frame(HEADERS, 1, b"\x88\x7f" + b"\xff" * 20, END_HEADERS)),
    ("a table larger than allowed", frame(HEADERS, 1, b"\x3f\xff\xff\x03\x88", END_HEADERS)),
    ("a length that is none", head(1, [*OK, ("content-length", "x")])),
    ("two lengths", head(1, [*OK, ("content-length", "1"), ("content-length", "2")])),
    ("a frame too long", (16_385).to_bytes(3, "big") + b"\0\0\0\0\0\1"),
    ("a reset of a stream that was not opened", frame(RST_STREAM, 5, number(8))),
    ("a reset of the connection", frame(RST_STREAM, 0, number(8))),
    ("a reset of three bytes", frame(RST_STREAM, 1, b"\0\0\0")),
    ("a window of zero", frame(WINDOW_UPDATE, 0, number(0))),
    ("a window of zero on a stream", frame(WINDOW_UPDATE, 1, number(0))),
    ("the connection's window too large", frame(WINDOW_UPDATE, 0, number(2**31 - 1))),
    ("a window of a stream that was not opened", frame(WINDOW_UPDATE, 5, number(1))),
    ("a ping of seven bytes", frame(PING, 0, b"1234567")),
    ("a ping on a stream", frame(PING, 1, b"12345678")),
    ("settings on a stream", frame(SETTINGS, 1)),
    ("settings of five bytes", frame(SETTINGS, 0, b"12345")),
    ("settings of thousands", frame(SETTINGS, 0, bytes(6 * 2000))),
    ("an acknowledgement that says something", frame(SETTINGS, 0, bytes(6), ACK)),
    ("an initial window too large", settings(INITIAL_WINDOW_SIZE=2**31)),
    ("frames too small", settings(MAX_FRAME_SIZE=16_383)),
    ("an offer to push", settings(ENABLE_PUSH=1)),
    ("a goodbye on a stream", frame(GOAWAY, 1, bytes(8))),
    ("a goodbye cut short", frame(GOAWAY, 0, bytes(7))),
]

FLOODS: list[tuple[str, bytes]] = [
    ("settings", settings(MAX_CONCURRENT_STREAMS=9)),
    ("settings acknowledged", frame(SETTINGS, 0, b"", ACK)),
    ("pings", frame(PING, 0, b"12345678")),
    ("answers to no ping", frame(PING, 0, b"12345678", ACK)),
    ("resets", frame(RST_STREAM, 1, number(8))),
    ("empty data", frame(DATA, 3)),
    ("padding", frame(DATA, 3, b"\x01\0", PADDED)),
    ("windows of the connection", frame(WINDOW_UPDATE, 0, number(1))),
    ("windows of a stream", frame(WINDOW_UPDATE, 3, number(1))),
    ("priorities", frame(PRIORITY, 3, b"\0\0\0\0\1")),
    ("unknown frames", frame(200, 3)),
    ("goodbyes", frame(GOAWAY, 0, number(3) + number(0))),
    ("interim responses", head(1, [(":status", "103")])),
]


@pytest.mark.parametrize(("title", "data", "expected"), TABLE, ids=[row[0] for row in TABLE])
@pytest.mark.parametrize("cut", [whole, bytewise])
def test_the_table(title: str, data: bytes, expected: Events, cut: Callable[[bytes], Iterator[bytes]]) -> None:
    http = connected(2)
    assert receive_all(http, cut(data)) == (expected, None)


@pytest.mark.parametrize(("title", "data", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_it_does_not_matter_where_the_data_is_cut(title: str, data: bytes, expected: Events) -> None:
    for at in range(1, len(data)):
        assert receive_all(connected(2), iter((data[:at], data[at:]))) == (expected, None), f"cut at {at}"


@pytest.mark.parametrize(("title", "data"), WRONG, ids=[row[0] for row in WRONG])
@pytest.mark.parametrize("cut", [whole, bytewise])
def test_a_peer_that_breaks_the_rules_ends_the_connection(title: str, data: bytes, cut: Callable[[bytes], Iterator[bytes]]) -> None:
    http = connected(2)
    _, error = receive_all(http, cut(data))
    assert error is not None
    assert http.over
    assert not http.reusable
    assert http.slots == 0
    assert http.pending() == frame(GOAWAY, 0, number(0) + number(1))
    with pytest.raises(ProtocolError):
        http.receive(b"x")
    with pytest.raises(RuntimeError):
        http.request("GET", "https", "example.com", "/", [], ended=True)


@pytest.mark.parametrize(("title", "data"), FLOODS, ids=[row[0] for row in FLOODS])
def test_a_flood_ends_in_an_error_and_costs_no_memory(title: str, data: bytes) -> None:
    http = connected(2)
    http.receive(head(3, OK))
    tracemalloc.start()
    _, error = receive_all(http, (data * 20 for _ in range(200)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error is not None
    assert peak < 1_000_000


def test_what_the_peer_did_right_before_it_went_wrong_is_not_lost() -> None:
    http = connected(2)
    events = http.receive(head(1, OK) + frame(DATA, 1, b"abc", END_STREAM) + frame(DATA, 9, b"x"))
    assert events == [(1, answer()), (1, Data(b"abc")), (1, End())]
    assert http.failure is not None
    with pytest.raises(ProtocolError, match="not open"):
        http.receive(b"")


def test_the_peer_must_begin_with_its_settings() -> None:
    for data in (frame(PING, 0, b"12345678"), frame(SETTINGS, 0, b"", ACK), frame(DATA, 1, b"x")):
        http = Http2()
        http.start()
        http.request("GET", "https", "example.com", "/", [], ended=True)
        with pytest.raises(ProtocolError, match="settings"):
            http.receive(data)


def test_a_hang_up_resets_what_is_open_and_keeps_what_has_ended() -> None:
    http = connected(2)
    assert http.receive(head(1, OK, END_STREAM)) == [(1, answer()), (1, End())]
    assert http.receive(b"") == [(3, Reset(0, False, ""))]
    assert http.over
    assert not http.reusable
    assert http.slots == 0
    assert http.reset(3) == b""
    assert http.consumed(3, 5) == b""
    assert http.send(3, b"x", ended=True) == (1, b"")
    with pytest.raises(RuntimeError):
        http.receive(b"x")


def test_a_request_reads_as_written() -> None:
    peer = Peer(Http2())
    fields = [
        ("Content-Type", "text/plain"),
        ("Authorization", "Bearer key"),
        ("Connection", "close"),
        ("Host", "x"),
        ("TE", "gzip"),
        ("A", " b "),
    ]
    stream, data = peer.http.request("POST", "https", "example.com:81", "/a?b=c", fields, ended=False)
    peer.take(data)
    peer.take(peer.http.send(stream, memoryview(b"hello"), ended=True)[1])
    request = next(event for event in peer.seen if isinstance(event, RequestReceived))
    assert [(name, value) for name, value in request.headers] == [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "example.com:81"),
        (":path", "/a?b=c"),
        ("content-type", "text/plain"),
        ("authorization", "Bearer key"),
        ("a", "b"),
    ]
    assert not peer.engine.decoder.header_table.dynamic_entries or all(
        name != b"authorization" for name, _ in peer.engine.decoder.header_table.dynamic_entries
    )
    assert [event.data for event in peer.seen if isinstance(event, DataReceived)] == [b"hello"]
    assert any(isinstance(event, StreamEnded) for event in peer.seen)


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "a b", "", "\u20ac"])
def test_what_could_smuggle_is_refused_before_anything_changes(bad: str) -> None:
    peer = Peer(Http2())
    good = ("GET", "https", "example.com", "/")
    for at in range(4):
        parts = [*good[:at], bad, *good[at + 1 :]]
        with pytest.raises(ValueError, match="not allowed"):
            peer.http.request(*parts, [], ended=True)  # type: ignore[misc]  # four strings
    with pytest.raises(ValueError, match="bad name"):
        peer.http.request(*good, [(f"a{bad or ' '}", "b")], ended=True)
    if bad not in ("a b", ""):
        with pytest.raises(ValueError, match="value of a"):
            peer.http.request(*good, [("a", f"b{bad}c")], ended=True)
    assert peer.http.request(*good, [], ended=True)[0] == 1


def test_an_upload_goes_as_far_as_the_windows_go() -> None:
    peer = Peer(Http2())
    peer.deliver()
    stream = peer.request(ended=False, method="POST")
    body = memoryview(bytes(range(256)) * 20_000)
    sent, got = 0, bytearray()
    for _ in range(10_000):
        taken, data = peer.http.send(stream, body[sent:], ended=True)
        sent += taken
        events = peer.take(data)
        for event in events:
            if isinstance(event, DataReceived):
                assert len(event.data) <= 16_384
                got += event.data
                peer.engine.acknowledge_received_data(event.flow_controlled_length, stream)
        if any(isinstance(event, StreamEnded) for event in events):
            break
        assert peer.http.send(stream, b"x", ended=False)[0] == 0 or sent == len(body)
        assert any(isinstance(event, SendMore) for _, event in peer.deliver())
    assert sent == len(body)
    assert got == body
    with pytest.raises(RuntimeError):
        peer.http.send(stream, b"more", ended=False)


def test_the_peer_may_shrink_a_window_below_zero() -> None:
    peer = Peer(Http2())
    peer.deliver()
    stream = peer.request(ended=False)
    assert peer.http.send(stream, bytes(1000), ended=False)[0] == 1000
    peer.http.receive(settings(INITIAL_WINDOW_SIZE=10))
    peer.http.pending()
    assert peer.http.send(stream, b"x", ended=True) == (0, b"")
    peer.http.receive(frame(WINDOW_UPDATE, stream, number(1000)))
    taken, data = peer.http.send(stream, bytes(20), ended=True)
    assert taken == 10
    assert data == frame(DATA, stream, bytes(10))


def test_an_end_needs_no_window() -> None:
    http = connected()
    http.receive(settings(INITIAL_WINDOW_SIZE=0))
    http.pending()
    stream, _ = http.request("POST", "https", "example.com", "/", [], ended=False)
    assert http.send(stream, b"", ended=True) == (0, frame(DATA, stream, b"", END_STREAM))


def test_a_download_flows_while_it_is_read() -> None:
    peer = Peer(Http2(stream_window=100_000, connection_window=300_000))
    peer.deliver()
    stream = peer.request()
    peer.engine.send_headers(stream, OK)
    body = bytes(range(256)) * 20_000
    sent, got, updates = 0, bytearray(), 0
    while sent < len(body):
        room = min(peer.engine.local_flow_control_window(stream), 16_384, len(body) - sent)
        assert room > 0, "the window is shut, though all was read"
        peer.engine.send_data(stream, body[sent : sent + room], end_stream=sent + room == len(body))
        sent += room
        for _, event in peer.deliver():
            if isinstance(event, Data):
                got += event.data
                update = peer.http.consumed(stream, len(event.data))
                updates += bool(update)
                peer.take(update)
    assert got == body
    assert 0 < updates <= len(body) // 50_000 + 1


def test_a_stream_nobody_reads_stops_itself_and_no_other() -> None:
    peer = Peer(Http2(stream_window=100_000, connection_window=150_000))
    peer.deliver()
    slow, quick = peer.request(), peer.request()
    for stream in (slow, quick):
        peer.engine.send_headers(stream, OK)
    while room := min(peer.engine.local_flow_control_window(slow), 16_384):
        peer.engine.send_data(slow, bytes(room))
        peer.deliver()
    assert peer.engine.local_flow_control_window(quick) >= 16_384
    for _ in range(100):
        peer.engine.send_data(quick, bytes(10_000))
        for _, event in peer.deliver():
            if isinstance(event, Data):
                peer.take(peer.http.consumed(quick, len(event.data)))
    peer.take(peer.http.consumed(slow, 100_000))
    assert peer.engine.local_flow_control_window(slow) >= 16_384


def test_no_more_can_be_taken_than_was_received() -> None:
    http = connected(1)
    http.receive(head(1, OK) + frame(DATA, 1, b"abc"))
    assert http.consumed(1, 2) == b""
    with pytest.raises(ValueError, match="more bytes"):
        http.consumed(1, 2)


def test_data_over_the_window_of_its_stream_ends_the_connection() -> None:
    http = connected(1, stream_window=65_535)
    http.receive(head(1, OK))
    _, error = receive_all(http, iter((frame(DATA, 1, bytes(16_384)) * 4,)))
    assert "window" in str(error)


def test_the_window_of_the_connection_is_given_back_on_receipt() -> None:
    http = connected(2, connection_window=65_535, stream_window=200_000)
    http.receive(head(1, OK) + head(3, OK))
    _, error = receive_all(http, iter((frame(DATA, 1, bytes(16_384)) * 3 + frame(DATA, 3, bytes(16_384)),)))
    assert error is None
    assert http.pending().endswith(2 * frame(WINDOW_UPDATE, 0, number(2 * 16_384)))


def test_windows_that_overflow_leave_nothing_behind() -> None:
    http = connected()
    for _ in range(2_000):
        stream, _ = http.request("GET", "https", "example.com", "/", [], ended=False)
        assert http.receive(frame(WINDOW_UPDATE, stream, number(2**31 - 1))) == [(stream, Reset(3, False, ""))]
    http.pending()
    assert len(http._gone) <= 512
    assert http.slots == 100


def test_empty_data_after_a_reset_is_a_flood() -> None:
    http = connected(1)
    http.reset(1)
    assert receive_all(http, iter((frame(DATA, 1) * 900,)))[1] is None
    assert receive_all(http, iter((frame(DATA, 1) * 900,)))[1] is not None


def test_goodbye_lets_finish_what_the_peer_has_begun() -> None:
    peer = Peer(Http2())
    peer.deliver()
    first, second, third = peer.request(), peer.request(), peer.request()
    peer.engine.send_headers(first, OK)
    peer.deliver()
    events = peer.http.receive(frame(GOAWAY, 0, number(second) + number(0)))
    assert events == [(0, GoAway(0, second, "")), (third, Reset(0, True, ""))]
    assert not peer.http.reusable
    assert peer.http.slots == 0
    peer.engine.send_data(first, b"1", end_stream=True)
    peer.engine.send_headers(second, OK, end_stream=True)
    assert [event for _, event in peer.deliver()] == [Data(b"1"), End(), answer(), End()]
    with pytest.raises(RuntimeError):
        peer.request()


def test_our_goodbye_is_said_once_and_lets_finish() -> None:
    peer = Peer(Http2())
    peer.deliver()
    stream = peer.request()
    assert peer.http.close() == frame(GOAWAY, 0, bytes(8))
    assert peer.http.close() == b""
    assert peer.http.slots == 0
    assert not peer.http.reusable
    peer.engine.send_headers(stream, OK, end_stream=True)
    assert peer.deliver() == [(stream, answer()), (stream, End())]


def test_a_stream_given_up_is_heard_of_no_more() -> None:
    peer = Peer(Http2())
    peer.deliver()
    stream, other = peer.request(), peer.request()
    peer.engine.send_headers(stream, [*OK, ("x-first", "1")])
    peer.engine.send_data(stream, b"late")
    assert peer.http.reset(99) == b""
    data = peer.http.reset(stream)
    assert data == frame(RST_STREAM, stream, number(8))
    assert peer.http.reset(stream) == b""
    assert peer.deliver() == []
    peer.take(data)
    assert any(isinstance(event, StreamReset) for event in peer.seen)
    peer.engine.send_headers(other, [*OK, ("x-first", "1")], end_stream=True)  # from the table that the lost head has filled
    assert peer.deliver() == [(other, answer(("x-first", "1"))), (other, End())]


def test_a_peer_that_goes_on_after_a_reset_is_stopped() -> None:
    http = connected(1)
    http.receive(head(1, OK))
    http.reset(1)
    _, error = receive_all(http, (frame(DATA, 1, bytes(16_384)) for _ in range(300)))
    assert error is not None


def test_an_answer_before_the_end_of_the_request_ends_both() -> None:
    peer = Peer(Http2())
    peer.deliver()
    stream = peer.request(ended=False, method="POST")
    peer.engine.send_headers(stream, [(":status", "413")])
    peer.engine.send_data(stream, b"too long", end_stream=True)
    assert peer.deliver() == [(stream, answer(status=413)), (stream, Data(b"too long")), (stream, End())]
    assert any(isinstance(event, StreamReset) for event in peer.seen)
    assert peer.http.send(stream, b"more", ended=True) == (4, b"")


def test_a_head_request_has_no_body_whatever_its_length() -> None:
    http = connected(2, method="HEAD")
    assert http.receive(head(1, [*OK, ("content-length", "5")], END_STREAM)) == [(1, answer(("content-length", "5"))), (1, End())]
    events = http.receive(head(3, [*OK, ("content-length", "5")]) + frame(DATA, 3, b"12345", END_STREAM))
    assert events == [(3, answer(("content-length", "5"))), (3, BROKEN)]


def test_a_ping_is_answered_and_so_is_ours() -> None:
    peer = Peer(Http2())
    peer.deliver()
    peer.engine.ping(b"abcdefgh")
    assert peer.deliver() == []
    assert any(isinstance(event, PingAckReceived) for event in peer.seen)
    peer.take(peer.http.ping())
    assert peer.deliver() == [(0, Pong())]
    peer.take(peer.http.ping())
    assert peer.deliver() == [(0, Pong())]


def test_slots_follow_the_peer_and_the_streams() -> None:
    http = connected(max_streams=5)
    assert http.slots == 5
    http.receive(settings(MAX_CONCURRENT_STREAMS=2))
    assert http.slots == 2
    for expected in (1, 0):
        http.request("GET", "https", "example.com", "/", [], ended=True)
        assert http.slots == expected
    with pytest.raises(RuntimeError):
        http.request("GET", "https", "example.com", "/", [], ended=True)
    http.receive(settings(MAX_CONCURRENT_STREAMS=1))
    assert http.slots == 0
    assert http.reusable
    http.receive(head(1, OK, END_STREAM))
    http.reset(3)
    assert http.slots == 1


def test_stream_ids_run_out() -> None:
    http = connected()
    http._last_id = 2**31 - 3  # the state after a thousand million requests
    assert http.slots == 1
    assert http.request("GET", "https", "example.com", "/", [], ended=True)[0] == 2**31 - 1
    assert http.slots == 0
    assert not http.reusable


def test_the_limits_of_a_head() -> None:
    events, error = receive_all(connected(1, max_fields=3), iter((head(1, [*OK, *[("a", "b")] * 4]),)))
    assert events == [(1, BROKEN)]
    assert error is None
    _, error = receive_all(connected(1, max_head=1_000), iter((head(1, [*OK, ("a", "b" * 2_000)]),)))
    assert error is not None
    _, error = receive_all(connected(1, max_interim=2), iter((head(1, [(":status", "100")]) * 3,)))
    assert error is not None
    assert "interim" in str(error)


def test_a_bomb_in_the_table_is_not_unpacked() -> None:
    bomb = Encoder().encode([(":status", "200"), ("a", "b" * 3_900)]) + b"\xbe" * 10_000
    tracemalloc.start()
    _, error = receive_all(connected(1), iter((frame(HEADERS, 1, bomb, END_HEADERS),)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error is not None
    assert peak < 2_000_000


def test_an_endless_field_block_is_stopped() -> None:
    for piece in (b"", b"\x00" * 10, b"x" * 16_000):
        http = connected(1)
        frames = (frame(HEADERS, 1, b"\x88"), *[frame(CONTINUATION, 1, piece)] * 2_000)
        tracemalloc.start()
        _, error = receive_all(http, iter(frames))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert error is not None
        assert peak < 1_000_000


def test_a_peer_with_an_endless_table_does_not_make_us_fill_it() -> None:
    http = connected()
    http.receive(settings(HEADER_TABLE_SIZE=2**32 - 1))
    for at in range(500):
        stream, _ = http.request("GET", "https", "example.com", f"/{at}", [("x-id", f"{at:0100}")], ended=True)
        http.reset(stream)
    assert http._engine._h2.encoder.header_table_size == 4096


@pytest.mark.parametrize("size", [0, 100, 4_096, 10_000])
def test_a_peer_with_a_table_of_any_size_reads_our_requests(size: int) -> None:
    peer = Peer(Http2(), HEADER_TABLE_SIZE=size)
    for at in range(200):
        if at == 2:
            peer.deliver()
        fields = [("authorization", "Bearer key"), ("x-same", "same"), ("x-other", f"{at:030}"), ("content-length", "0")]
        stream, data = peer.http.request("GET", "https", "example.com", f"/{at % 7}", fields, ended=True)
        request = next(event for event in peer.take(data) if isinstance(event, RequestReceived))
        assert [(name, value) for name, value in request.headers][3:] == [(":path", f"/{at % 7}"), *fields]
        peer.take(peer.http.reset(stream))


def test_what_comes_again_costs_a_few_bytes() -> None:
    http = connected()
    fields = [("user-agent", "oxide/1.0"), ("accept", "application/json"), ("x-long", "v" * 500)]
    sizes = [len(http.request("POST", "https", "example.com", "/v1/responses", fields, ended=True)[1]) for _ in range(2)]
    assert sizes[0] > 500
    assert sizes[1] < 25


def test_ten_thousand_streams_leave_nothing_behind() -> None:
    peer = Peer(Http2())
    peer.deliver()

    def use(times: int) -> None:
        for at in range(times):
            stream, _ = peer.http.request("GET", "https", "example.com", "/", [], ended=True)
            if at % 3:
                peer.http.receive(frame(HEADERS, stream, b"\x88", END_HEADERS | (END_STREAM if at % 3 == 1 else 0)))
                peer.http.receive(frame(DATA, stream, b"abc", END_STREAM) if at % 3 == 2 else frame(PING, 0, b"12345678"))
            else:
                peer.http.reset(stream)
            peer.http.pending()

    tracemalloc.start()
    use(6_000)  # until every ring is full
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    use(4_000)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 5_000
    assert peer.http.slots == 100


def test_misuse_is_told() -> None:
    for limits in ({"stream_window": 1_000}, {"connection_window": 2**31}):
        with pytest.raises(ValueError, match="window"):
            Http2(**limits)
    http = Http2()
    with pytest.raises(RuntimeError):
        http.request("GET", "https", "example.com", "/", [], ended=True)
    http.start()
    with pytest.raises(RuntimeError):
        http.start()


def test_events_show_what_they_are() -> None:
    shown = repr([Reset(1, False, "x"), GoAway(0, 3, "y"), SendMore(), Pong(), SlotsChanged()])
    assert shown == "[Reset(1, False, 'x'), GoAway(0, 3, 'y'), SendMore(), Pong(), SlotsChanged()]"
    assert SendMore() != Pong()
    assert Reset(1, False, "") != GoAway(1, 0, "")
    assert GoAway(1, 0, "") != End()
