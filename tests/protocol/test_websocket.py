"""The WebSocket machine: bytes in, events out; whole, byte by byte, and cut at every point; and wsproto as the judge of both directions."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.events import Ping as PingEvent
from wsproto.events import Pong as PongEvent
from wsproto.extensions import PerMessageDeflate

from oxide._protocol.base import ProtocolError
from oxide._protocol.headers import Headers
from oxide._protocol.websocket import CLOSED, CLOSING, CONNECTING, FAILED, IDLE, OPEN, WebSocket
from oxide._protocol.websocket_frames import Closed, Ping, Pong, WebSocketError
from oxide._protocol.websocket_handshake import Opened, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HOST = [("Host", "a")]
KEY = base64.b64encode(bytes(range(16))).decode()
ACCEPT = base64.b64encode(hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
AGREED = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n".encode()
MAX = 100_000


def dice(size: int) -> bytes:
    return (bytes(range(256)) * 4)[:size]


def opened(extra: str = "", **options: Any) -> WebSocket:
    machine = WebSocket(dice, **{"max_message": MAX, **options})
    machine.connect("/v1/x", HOST)
    events = machine.receive(AGREED + extra.encode() + b"\r\n")
    assert isinstance(events[0], Opened)
    return machine


def frame(first: int, payload: bytes = b"", size: bytes | None = None) -> bytes:
    """A frame of the server; `size` replaces the bytes in which its length stands."""
    length = len(payload)
    if size is None:
        size = (
            bytes((length,))
            if length < 126
            else b"\x7e%b" % length.to_bytes(2, "big")
            if length < 65_536
            else b"\x7f%b" % length.to_bytes(8, "big")
        )
    return bytes((first,)) + size + payload


def deflated(text: str) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return (coder.compress(text.encode()) + coder.flush(zlib.Z_SYNC_FLUSH))[:-4]


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(0x88, code.to_bytes(2, "big") + reason)


DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
LONG = "long " * 20_000
# title, bytes in, events out; an int at the end is the code with which the machine fails
TABLE: list[tuple[str, bytes, list[object]]] = [
    ("a text", frame(0x81, b"hello"), ["hello"]),
    ("an empty text", frame(0x81), [""]),
    ("a text of 125 bytes", frame(0x81, b"x" * 125), ["x" * 125]),
    ("a text of 126 bytes", frame(0x81, b"x" * 126), ["x" * 126]),
    ("a text of 65535 bytes", frame(0x81, b"x" * 65_535), ["x" * 65_535]),
    ("a text of 65536 bytes", frame(0x81, b"x" * 65_536), ["x" * 65_536]),
    ("a text of more than ASCII", frame(0x81, "é😀".encode()), ["é😀"]),
    ("a binary message", frame(0x82, b"\xff\0"), [b"\xff\0"]),
    ("two texts", frame(0x81, b"a") + frame(0x81, b"b"), ["a", "b"]),
    ("a text in three frames", frame(1, b"he") + frame(0, b"ll") + frame(0x80, b"o"), ["hello"]),
    ("a text cut inside a character", frame(1, "é".encode()[:1]) + frame(0x80, "é".encode()[1:]), ["é"]),
    ("an empty message in empty frames", frame(2) + frame(0) * 5 + frame(0x80), [b""]),
    ("a ping between the frames of a message", frame(1, b"a") + frame(0x89, b"?") + frame(0x80, b"b"), [Ping(b"?"), "ab"]),
    ("a pong that nobody asked for", frame(0x8A, b"!"), [Pong(b"!")]),
    ("a message after a binary one in parts", frame(2, b"a") + frame(0x80, b"b") + frame(0x81, b"c"), [b"ab", "c"]),
    ("a close with a code and a reason", close(1001, b"bye"), [Closed(1001, "bye")]),
    ("a close without a code", frame(0x88), [Closed(1005)]),
    ("a close behind a message", frame(0x81, b"a") + close(1000), ["a", Closed(1000)]),
    ("what comes behind a close is read over", close(1000) + b"\xff\xff\xff" + frame(0x81, b"a"), [Closed(1000)]),
    ("a close of the service's own", close(4000, b"late"), [Closed(4000, "late")]),
    ("a close code that nobody may send", close(1005), [1002]),
    ("a close code below all", close(999), [1002]),
    ("half a close code", frame(0x88, b"\x03"), [1002]),
    ("a close whose reason is no UTF-8", close(1000, b"\xff"), [1007]),
    ("a text that is no UTF-8", frame(0x81, b"\xff"), [1007]),
    ("a text in parts that is no UTF-8", frame(1, b"a") + frame(0x80, b"\xff"), [1007]),
    ("a text with a surrogate", frame(0x81, b"\xed\xa0\x80"), [1007]),
    ("a good text before a bad one", frame(0x81, b"a") + frame(0x81, b"\xff"), ["a", 1007]),
    ("a masked frame", b"\x81\x81\0\0\0\0a", [1002]),
    ("a masked close", b"\x88\x80\0\0\0\0", [1002]),
    ("reserved bit 1 that nobody agreed on", frame(0xC1, b"a"), [1002]),
    ("reserved bit 2", frame(0xA1, b"a"), [1002]),
    ("reserved bit 3", frame(0x91, b"a"), [1002]),
    ("an unknown kind of message", frame(0x83, b"a"), [1002]),
    ("an unknown kind of control", frame(0x8B, b"a"), [1002]),
    ("a ping in parts", frame(9, b"a"), [1002]),
    ("a ping of 126 bytes", frame(0x89, b"a" * 126), [1002]),
    ("a message goes on that has not begun", frame(0x80, b"a"), [1002]),
    ("a message inside another", frame(1, b"a") + frame(0x81, b"b"), [1002]),
    ("a binary message inside another", frame(1, b"a") + frame(2, b"b"), [1002]),
    ("a length in two bytes that fits into one", frame(0x81, b"", b"\x7e\x00\x7d"), [1002]),
    ("a length in eight bytes that fits into two", frame(0x81, b"", b"\x7f" + (65_535).to_bytes(8, "big")), [1002]),
    ("a length with its highest bit set", frame(0x81, b"", b"\x7f\x80" + bytes(7)), [1002]),
    ("a frame that is too large", frame(0x82, b"", b"\x7f" + (MAX + 1).to_bytes(8, "big")), [1009]),
    ("a text that is too large", frame(0x81, b"", b"\x7f" + (MAX + 1).to_bytes(8, "big")), [1009]),
    ("a message in parts that is too large", frame(2, b"x" * 60_000) + frame(0x80, b"x" * 40_001), [1009]),
]
DEFLATED: list[tuple[str, bytes, list[object]]] = [
    ("a compressed text", frame(0xC1, deflated("hello")), ["hello"]),
    ("a compressed text in parts", frame(0x41, deflated("hello")[:3]) + frame(0x80, deflated("hello")[3:]), ["hello"]),
    ("a compressed binary message", frame(0xC2, deflated("hello")), [b"hello"]),
    ("a plain text among compressed ones", frame(0x81, b"a") + frame(0xC1, deflated("b")), ["a", "b"]),
    ("a compressed text that grows to the limit", frame(0xC1, deflated(LONG)), [LONG]),
    ("a compressed text that grows too large", frame(0xC1, deflated(LONG + "x")), [1009]),
    ("what cannot be decompressed", frame(0xC1, b"\xff\xff\xff\xff"), [1007]),
    ("a final block (RFC 7692, 7.2.3.4)", frame(0xC1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), ["Hello"]),
    ("a text of too many final blocks", frame(0xC1, b"\x03\0" * 60), [1007]),
    ("a text after a final block", frame(0xC1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00") + frame(0xC1, deflated("b")), ["Hello", "b"]),
    ("a compressed ping", frame(0xC9, b"a"), [1002]),
    ("a compressed bit on a later frame", frame(0x41, b"a") + frame(0xC0, b"b"), [1002]),
]


def outcome(machine: WebSocket, pieces: Sequence[bytes]) -> list[object]:
    """All events, and the code at the end where the machine failed."""
    events: list[object] = []
    for piece in pieces:
        try:
            events += machine.receive(piece)
        except WebSocketError as error:
            return [*events, error.code]
        if machine.failure is not None:
            return [*events, machine.failure.code]
    return events


def cuts(data: bytes) -> list[list[bytes]]:
    places = range(1, len(data)) if len(data) < 300 else [1, 2, 3, 4, 9, 10, 11, 70_000, len(data) - 1]
    bytewise = [[data[i : i + 1] for i in range(len(data))]] if len(data) < 2000 else []
    return [[data], *bytewise, *[[data[:place], data[place:]] for place in places if 0 < place < len(data)]]


@pytest.mark.parametrize(("title", "data", "events"), TABLE, ids=[row[0] for row in TABLE])
def test_frames(title: str, data: bytes, events: list[object]) -> None:
    for pieces in cuts(data):
        assert outcome(opened(), pieces) == events, (title, [len(piece) for piece in pieces][:5])


@pytest.mark.parametrize(("title", "data", "events"), DEFLATED, ids=[row[0] for row in DEFLATED])
def test_compressed_frames(title: str, data: bytes, events: list[object]) -> None:
    for pieces in cuts(data):
        assert outcome(opened(DEFLATE, deflate=True), pieces) == events, title


def oracle(data: bytes, deflate: bool = False) -> list[object]:
    """What wsproto makes of the bytes of a server, in our words."""
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    reader = Connection(ConnectionType.CLIENT, extensions=[extension] if deflate else [])
    reader.receive_data(data)
    events: list[object] = []
    parts: list[Any] = []
    for event in reader.events():
        if isinstance(event, (TextMessage, BytesMessage)):
            parts.append(event.data)
            if event.message_finished:
                empty: Any = "" if isinstance(event, TextMessage) else b""
                events.append(empty.join(parts))
                parts = []
        elif isinstance(event, PingEvent):
            events.append(Ping(bytes(event.payload)))
        elif isinstance(event, PongEvent):
            events.append(Pong(bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            failed = not data.endswith(b"bye") and event.reason not in (None, "", "late", "bye")
            events.append(int(event.code) if failed else Closed(int(event.code), event.reason or ""))
            break
    return events


# The rows that wsproto sees otherwise: it knows no bound, and reads on behind a bad size.
OWN_WAYS = ("too large", "highest bit", "that fits into", "final block", "cannot be decompressed", "half a close code")


@pytest.mark.parametrize(
    ("data", "deflate"),
    [
        pytest.param(row[1], table is DEFLATED, id=row[0])
        for table in (TABLE, DEFLATED)
        for row in table
        if not any(way in row[0] for way in OWN_WAYS)
    ],
)
def test_wsproto_reads_the_same(data: bytes, deflate: bool) -> None:
    machine = opened(DEFLATE, deflate=True) if deflate else opened()
    assert outcome(machine, [data]) == oracle(data, deflate)


# The opening -----------------------------------------------------------------------------------------------------------------------


def connecting(protocols: Sequence[str] = (), **options: Any) -> WebSocket:
    machine = WebSocket(dice, max_message=MAX, **options)
    machine.connect("/v1/x", HOST, protocols)
    return machine


def headers(text: str = "") -> Headers:
    fields = [line.split(": ") for line in (AGREED.decode() + text).split("\r\n")[1:-1]]
    return Headers([(name, value) for name, value in fields])


REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nno key"
REFUSED = Refused(401, Headers([("Content-Type", "text/plain"), ("Content-Length", "6")]), b"no key")
EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
ANSWERS: list[tuple[str, bytes, list[object]]] = [
    ("an agreement", AGREED + b"\r\n", [Opened(headers())]),
    ("an agreement behind interim heads", EARLY * 3 + AGREED + b"\r\n", [Opened(headers())]),
    ("an agreement and a message", AGREED + b"\r\n" + frame(0x81, b"a"), [Opened(headers()), "a"]),
    ("an agreement and a goodbye", AGREED + b"\r\n" + close(1013), [Opened(headers()), Closed(1013)]),
    ("a subprotocol", AGREED + b"Sec-WebSocket-Protocol: two\r\n\r\n", [Opened(headers("Sec-WebSocket-Protocol: two\r\n"), "two")]),
    (
        "names in other cases",
        AGREED.replace(b"websocket", b"WebSocket").replace(b"n: Upgrade", b"n: keep-alive, upGRADE") + b"\r\n",
        ["opened"],
    ),
    ("a refusal", REFUSAL, [REFUSED]),
    ("a refusal behind interim heads", EARLY + REFUSAL, [REFUSED]),
    ("a redirect", b"HTTP/1.1 307 X\r\nLocation: wss://b/\r\nContent-Length: 0\r\n\r\n", [307]),
    ("a refusal in chunks", b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", [500]),
    ("a success that is no agreement", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", [200]),
]
WRONG: list[tuple[str, bytes]] = [
    ("another key", AGREED.replace(ACCEPT[:6].encode(), b"AAAAAA") + b"\r\n"),
    ("no key", AGREED[: AGREED.index(b"Sec-")] + b"\r\n"),
    ("no upgrade", AGREED.replace(b"Upgrade: websocket\r\n", b"") + b"\r\n"),
    ("an upgrade to something else", AGREED.replace(b"websocket", b"h2c") + b"\r\n"),
    ("no Connection: upgrade", AGREED.replace(b"Connection: Upgrade", b"Connection: close") + b"\r\n"),
    ("a subprotocol that was not offered", AGREED + b"Sec-WebSocket-Protocol: three\r\n\r\n"),
    ("an interim head without a status", b"HTTP/1.1 1xx\r\n\r\n" + AGREED + b"\r\n"),
    ("an interim head with a line that is no field", b"HTTP/1.1 103 X\r\nno field\r\n\r\n" + AGREED + b"\r\n"),
    ("an extension that was not offered", AGREED + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
    ("HTTP/1.0", AGREED.replace(b"/1.1", b"/1.0") + b"\r\n"),
    ("a line that is no field", AGREED + b"nothing\r\n\r\n"),
    ("a folded line", AGREED + b" more\r\n\r\n"),
    ("a control character", AGREED + b"a: b\0c\r\n\r\n"),
    ("a bare LF", AGREED + b"a: b\nc: d\r\n\r\n"),
    ("no HTTP", b"SSH-2.0-OpenSSH_9\r\n\r\n"),
    ("too many interim heads", EARLY * 17),
    ("a head without an end", b"HTTP/1.1 101 X\r\na: " + b"b" * 70_000),
    ("an interim head without an end", b"HTTP/1.1 103 X\r\na: " + b"b" * 70_000),
]


def summary(events: Sequence[object], wanted: Sequence[object]) -> list[object]:
    """Events, told as shortly as they are wanted."""
    short = [each for each in wanted if isinstance(each, (int, str)) and each not in ("a",)]
    if not short:
        return list(events)
    return [each.status if isinstance(each, Refused) else "opened" if isinstance(each, Opened) else each for each in events]


@pytest.mark.parametrize(("title", "data", "events"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_answers_to_the_opening(title: str, data: bytes, events: list[object]) -> None:
    for pieces in cuts(data):
        machine = connecting(("one", "two"))
        assert summary(outcome(machine, pieces), events) == events, title
        agreed = isinstance(events[0], Opened) or events == ["opened"]
        assert machine.state == (OPEN if agreed and not isinstance(events[-1], Closed) else CLOSED)


@pytest.mark.parametrize(("title", "data"), WRONG, ids=[row[0] for row in WRONG])
def test_wrong_answers_to_the_opening(title: str, data: bytes) -> None:
    for pieces in cuts(data):
        machine = connecting(("one", "two"))
        with pytest.raises(ProtocolError):
            outcome(machine, pieces)
        assert machine.state == FAILED
        with pytest.raises(RuntimeError):
            machine.receive(b"x")


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 1", EARLY, AGREED, b"HTTP/1.1 500 X\r\nContent-"])
def test_a_hang_up_in_the_opening_is_an_error(data: bytes) -> None:
    machine = connecting()
    if data:
        assert machine.receive(data) == []
    with pytest.raises(ProtocolError):
        machine.receive(b"")


def test_a_refusal_that_breaks_off_is_told_as_far_as_it_came() -> None:
    machine = connecting()
    assert machine.receive(REFUSAL[:-4]) == []
    assert machine.refusal() == Refused(401, REFUSED.headers, b"no")
    assert machine.receive(b"") == [Refused(401, REFUSED.headers, b"no")]


def test_the_body_of_a_refusal_is_bounded() -> None:
    machine = connecting(max_refusal=10)
    [refused] = machine.receive(b"HTTP/1.1 500 X\r\n\r\n" + b"x" * 1000)
    assert isinstance(refused, Refused)
    assert refused.body == b"x" * 10


def test_extensions_that_were_not_offered_are_refused() -> None:
    for answer in (
        "x-other",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; what",
        "permessage-deflate; server_max_window_bits=7",
    ):
        machine = connecting(deflate=True)
        with pytest.raises(ProtocolError):
            machine.receive(AGREED + f"Sec-WebSocket-Extensions: {answer}\r\n\r\n".encode())


def test_the_request_is_one_that_wsproto_takes() -> None:
    from wsproto import WSConnection
    from wsproto.events import AcceptConnection, Request

    machine = WebSocket(dice, deflate=True)
    request = machine.connect(
        "/v1/realtime?model=a&b=c", [("Host", "a"), ("Authorization", "Bearer k"), ("Accept-Encoding", "gzip")], ("one", "two")
    )
    assert machine.state == CONNECTING
    assert b"accept-encoding" not in request.lower()
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(request)
    [event] = server.events()
    assert isinstance(event, Request)
    assert (event.target, event.host, event.subprotocols) == ("/v1/realtime?model=a&b=c", "a", ["one", "two"])
    assert (b"authorization", b"Bearer k") in event.extra_headers
    [agreed] = machine.receive(server.send(AcceptConnection(subprotocol="two", extensions=[PerMessageDeflate()])))
    assert isinstance(agreed, Opened)
    assert agreed.subprotocol == "two"
    for message in ("short", "é" * 5000, b"\0" * 70_000, ""):
        server.receive_data(machine.send(message))
        kind = TextMessage if isinstance(message, str) else BytesMessage
        data = [event.data for event in server.events() if isinstance(event, kind)]
        assert (("" if isinstance(message, str) else b"").join(data)) == message
        assert machine.receive(server.send(TextMessage(data="back" * 500))) == ["back" * 500]


@pytest.mark.parametrize(
    "call",
    [
        lambda machine: machine.connect("/a b", HOST),
        lambda machine: machine.connect("/", [("Host", "a\r\nb: c")]),
        lambda machine: machine.connect("/", [*HOST, ("Sec-WebSocket-Key", "x")]),
        lambda machine: machine.connect("/", HOST, ("one", "one")),
        lambda machine: machine.connect("/", HOST, ("one two",)),
    ],
)
def test_a_request_that_cannot_be_is_refused_before_anything_happens(call: Callable[[WebSocket], bytes]) -> None:
    machine = WebSocket(dice)
    with pytest.raises(ValueError, match=r"[a-z]"):
        call(machine)
    assert machine.state == IDLE
    assert machine.connect("/", HOST)


# What we send ----------------------------------------------------------------------------------------------------------------------


def server_reads(data: bytes) -> list[object]:
    server = Connection(ConnectionType.SERVER)
    server.receive_data(data)
    return list(server.events())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 5999, 6000, 6001, 65_535, 65_536, 300_001])
def test_what_is_sent_wsproto_reads(size: int) -> None:
    text, data = "aé"[: size and 2] * (size // 2), bytes(i % 251 for i in range(size))
    machine = opened()
    assert server_reads(machine.send(data)) == [BytesMessage(data=bytearray(data))]
    assert server_reads(machine.send(text)) == [TextMessage(data=text)]
    assert server_reads(machine.send(bytearray(data))) == [BytesMessage(data=bytearray(data))]


def test_no_two_frames_have_the_same_mask() -> None:
    thrown = [0]

    def numbers(size: int) -> bytes:
        thrown[0] += 1
        return b"".join((thrown[0] * 1000 + i).to_bytes(4, "big") for i in range(size // 4))

    machine = WebSocket(numbers)
    request = machine.connect("/", HOST)
    key = next(line for line in request.decode().split("\r\n") if line.startswith("Sec-WebSocket-Key")).partition(": ")[2]
    accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    machine.receive(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept)
    masks = [machine.send("x")[2:6] for _ in range(1000)]
    assert len(set(masks)) == 1000


def test_of_many_pings_the_last_is_answered() -> None:
    machine = opened()
    assert machine.receive(frame(0x89, b"1") + frame(0x89, b"2") + frame(0x89, b"3")) == [Ping(b"1"), Ping(b"2"), Ping(b"3")]
    assert machine.talkative
    assert server_reads(machine.pending()) == [PongEvent(payload=bytearray(b"3"))]
    assert not machine.talkative
    assert machine.pending() == b""


def test_a_close_of_the_peer_is_answered_with_its_code() -> None:
    machine = opened()
    assert machine.receive(close(1001, b"bye")) == [Closed(1001, "bye")]
    assert machine.state == CLOSED
    [event] = server_reads(machine.pending())
    assert isinstance(event, CloseConnection)
    assert event.code == 1001
    assert machine.receive(b"anything") == machine.receive(b"") == []
    with pytest.raises(RuntimeError):
        machine.send("a")


def test_a_close_without_a_code_is_answered_without_one() -> None:
    machine = opened()
    machine.receive(frame(0x88))
    [event] = server_reads(machine.pending())
    assert isinstance(event, CloseConnection)
    assert event.code == 1005


def test_after_our_close_messages_are_dropped_and_the_peers_ends_it() -> None:
    machine = opened()
    [event] = server_reads(machine.close(1000, "enough"))
    assert (event.code, event.reason) == (1000, "enough")  # type: ignore[attr-defined]  # a CloseConnection
    assert machine.state == CLOSING
    assert machine.receive(frame(0x81, b"late") + frame(0x89, b"?")) == [Ping(b"?")]
    assert machine.receive(close(1000, b"enough")) == [Closed(1000, "enough")]
    assert machine.state == CLOSED
    assert server_reads(machine.pending()) == [PongEvent(payload=bytearray(b"?"))]


def test_a_hang_up_without_a_goodbye_is_1006() -> None:
    for begun in (b"", frame(1, b"a"), b"\x81", b"\x81\x05ab"):
        machine = opened()
        if begun:
            assert machine.receive(begun) == []
        assert machine.receive(b"") == [Closed(1006)]
        assert machine.state == CLOSED


def test_a_broken_rule_is_told_to_the_peer_once_and_then_the_machine_is_dead() -> None:
    machine = opened()
    with pytest.raises(WebSocketError):
        machine.receive(frame(0x81, b"\xff"))
    [event] = server_reads(machine.pending())
    assert isinstance(event, CloseConnection)
    assert event.code == 1007
    assert machine.pending() == b""
    for misuse in (lambda: machine.send("a"), lambda: machine.receive(b"a"), machine.close, machine.ping):
        with pytest.raises(RuntimeError):
            misuse()


@pytest.mark.parametrize(
    ("code", "reason"), [(0, ""), (999, ""), (1004, ""), (1005, ""), (1006, ""), (1015, ""), (2999, ""), (5000, ""), (1000, "é" * 62)]
)
def test_a_close_that_cannot_be_sent_changes_nothing(code: int, reason: str) -> None:
    machine = opened()
    with pytest.raises(ValueError, match="clos"):
        machine.close(code, reason)
    assert machine.state == OPEN


def test_text_that_cannot_be_encoded_is_refused_before_anything_is_sent() -> None:
    machine = opened()
    with pytest.raises(ValueError, match="surrogates"):
        machine.send("\ud800")
    with pytest.raises(ValueError, match="125"):
        machine.ping(b"x" * 126)
    assert server_reads(machine.send("good")) == [TextMessage(data="good")]


def test_a_large_message_that_drips_in_is_taken_in_linear_time() -> None:
    machine = opened(max_message=8_000_000)
    data = frame(0x82, bytes(4_000_000))
    events: list[object] = []
    for start in range(0, len(data), 1000):  # 4,000 pieces; joined anew each time they would be 8 GB
        events += machine.receive(data[start : start + 1000])
    assert events == [bytes(4_000_000)]
