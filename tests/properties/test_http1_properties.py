"""The HTTP/1.1 machine against h11: each reads what the other writes; and against itself with other cuts."""

from __future__ import annotations

import h11
from hypothesis import given
from hypothesis import strategies as st

from oxide._protocol.base import Data, End, Event, Head, ProtocolError
from oxide._protocol.http1 import FAILED, UNTIL_CLOSE, Http1

TOKEN = st.text("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12)
FRAMING = {"content-length", "transfer-encoding", "connection", "host", "expect", "upgrade", "keep-alive"}
NAME = TOKEN.filter(lambda name: name.lower() not in FRAMING)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20).map(
    lambda text: text.strip(" \t")
)
FIELDS = st.lists(st.tuples(NAME, VALUE), max_size=8)
BODY = st.binary(max_size=200)
BODIES = st.lists(st.binary(min_size=1, max_size=60), max_size=5)
METHOD = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "M-SEARCH"])
TARGET = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map("/{}".format)
HOST = ("host", "a")

Seen = tuple[str, str, list[tuple[str, str]], bytes]


def read_by_h11(data: bytes) -> Seen:
    """Return method, target, fields and body as an h11 server reads them, and see that it read all and the request ended."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(data)
    request, *rest = _all(server)
    assert isinstance(request, h11.Request)
    assert isinstance(rest[-1], h11.EndOfMessage)
    assert server.trailing_data[0] == b""
    body = b"".join(bytes(event.data) for event in rest[:-1] if isinstance(event, h11.Data))
    fields = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in request.headers.raw_items()]
    return request.method.decode(), request.target.decode(), fields, body


def _all(connection: h11.Connection) -> list[h11.Event]:
    events: list[h11.Event] = []
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED:
            return events
        assert not isinstance(event, type)
        events.append(event)
        if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return events


@given(METHOD, TARGET, FIELDS, BODY)
def test_h11_reads_the_requests_we_write(method: str, target: str, fields: list[tuple[str, str]], body: bytes) -> None:
    sent = Http1().request(method, target, [HOST, *fields], body)
    told = [("content-length", str(len(body)))] if body or method in {"POST", "PUT", "PATCH"} else []
    assert read_by_h11(sent) == (method, target, [HOST, *fields, *told], body)


@given(st.sampled_from(["POST", "PUT", "GET"]), FIELDS, BODIES, st.booleans())
def test_h11_reads_the_bodies_we_write_in_pieces(method: str, fields: list[tuple[str, str]], bodies: list[bytes], in_chunks: bool) -> None:
    machine = Http1()
    size = sum(map(len, bodies))
    pieces = [machine.request(method, "/", [HOST, *fields], length=None if in_chunks else size, chunked=in_chunks)]
    pieces += [machine.body_piece(body) for body in bodies]
    pieces.append(machine.end_body())
    assert read_by_h11(b"".join(pieces))[3] == b"".join(bodies)


def encoded(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, bytes, int, list[tuple[str, str]], bytes, bool]:
    """What an h11 server writes in answer to one request: method, bytes, status, fields, body, and whether it keeps the connection."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST"]))
    version = draw(st.sampled_from(["1.0", "1.1", "1.1"]))
    server = h11.Connection(h11.SERVER)
    server.receive_data(f"{method} / HTTP/{version}\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
    _all(server)
    fields, bodies = draw(FIELDS), draw(BODIES)
    status = draw(st.sampled_from([200, 201, 204, 304, 404, 500]))
    if draw(st.booleans()):
        fields = [*fields, ("Content-Length", str(sum(map(len, bodies))))]
    if draw(st.booleans()):
        fields = [*fields, ("Connection", draw(st.sampled_from(["close", "Close, a", "keep-alive"])))]
    wire: list[bytes | None] = []
    for _ in range(draw(st.integers(0, 3)) if version == "1.1" else 0):
        wire.append(
            server.send(h11.InformationalResponse(status_code=draw(st.sampled_from([100, 102, 103])), headers=encoded(draw(FIELDS))))
        )
    response = h11.Response(status_code=status, headers=encoded(fields), reason=draw(st.sampled_from(["", "OK", "Not so\tgood"])))
    wire.append(server.send(response))
    bodiless = method == "HEAD" or status in {204, 304}
    if not bodiless:
        wire += [server.send(h11.Data(data=body)) for body in bodies]
    wire.append(server.send(h11.EndOfMessage()))
    kept = server.our_state is h11.DONE
    return method, b"".join(filter(None, wire)), status, fields, b"" if bodiless else b"".join(bodies), kept


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True) if a < b]


@given(answers(), st.data())
def test_we_read_the_answers_h11_writes(answer: tuple[str, bytes, int, list[tuple[str, str]], bytes, bool], data: st.DataObject) -> None:
    method, wire, status, fields, body, kept = answer
    machine = Http1()
    machine.request(method, "/", [HOST])
    events = [event for piece in data.draw(cut(wire)) for event in machine.receive(piece)]
    if machine.state == UNTIL_CLOSE:
        events += machine.receive(b"")
    head = events[0]
    assert isinstance(head, Head)
    assert head.status == status
    got = list(head.headers.raw)
    assert [field for field in got if field[0].lower() not in FRAMING] == [field for field in fields if field[0].lower() not in FRAMING]
    assert b"".join(event.data for event in events if isinstance(event, Data)) == body
    assert events[-1] == End()
    assert machine.reusable is kept


WORDS = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.0 204",
    b"HTTP/1.1 100 ",
    b"\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\n",
    b"Content-Length: ",
    b"3",
    b"0",
]
WORDS += [
    b"Transfer-Encoding: chunked",
    b"Connection: close",
    b"a",
    b": ",
    b" ",
    b"abc",
    b"\0",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b";x",
    b"\xff",
]
NOISE = st.lists(st.sampled_from(WORDS), max_size=25).map(b"".join)


def play(pieces: list[bytes], method: str) -> tuple[list[Event], bool]:
    """Return the events of one response, its body as one, and whether it was refused."""
    machine = Http1(max_head=120, max_fields=3, max_interim=2)
    machine.request(method, "/", [HOST])
    events: list[Event] = []
    try:
        for piece in [*filter(None, pieces), b""]:
            if End() in events:
                break  # what follows the end is dropped in the same piece, and refused in the next
            events += machine.receive(piece)
    except ProtocolError:
        assert machine.state == FAILED
        return [], True
    body = b"".join(event.data for event in events if isinstance(event, Data))
    return [*(event for event in events if not isinstance(event, Data)), Data(body)], False


@given(
    st.one_of(st.binary(max_size=60), NOISE, NOISE.map(lambda noise: b"HTTP/1.1 200 OK\r\n" + noise)),
    st.sampled_from(["GET", "HEAD"]),
    st.data(),
)
def test_garbage_gives_the_same_events_or_refusal_however_it_is_cut(data: bytes, method: str, source: st.DataObject) -> None:
    whole = play([data], method)
    assert play(source.draw(cut(data)), method) == whole
    assert play([data[i : i + 1] for i in range(len(data))], method) == whole


ANY = st.text(max_size=8)


@given(ANY, ANY, st.lists(st.tuples(ANY, ANY), max_size=3))
def test_what_we_agree_to_send_has_no_line_ends_but_our_own(method: str, target: str, fields: list[tuple[str, str]]) -> None:
    machine = Http1()
    try:
        sent = machine.request(method, target, [HOST, *fields])
    except ValueError:
        assert machine.reusable
        return
    assert sent.count(b"\r\n\r\n") == 1
    assert sent.endswith(b"\r\n\r\n")
    assert sent.count(b"\r\n") == sent.count(b"\r") == sent.count(b"\n")
