"""WebSocket frames: cutting does not matter, what one side writes wsproto reads, and garbage gives events or ProtocolError, never else."""

from __future__ import annotations

import base64
import hashlib
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from oxide._protocol.base import ProtocolError
from oxide._protocol.websocket import CLOSED, FAILED, OPEN, WebSocket
from oxide._protocol.websocket_frames import Closed
from oxide._protocol.websocket_frames import Ping as PingEvent
from oxide._protocol.websocket_frames import Pong as PongEvent

KEY = base64.b64encode(bytes(16))
ACCEPT = base64.b64encode(hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
AGREED = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n" % ACCEPT

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
messages = st.one_of(texts, st.binary(max_size=300), st.integers(0, 70_000).map(lambda size: "x" * size))
places = st.lists(st.integers(0, 400), max_size=6)


def machine(deflate: bool = False, **options: Any) -> WebSocket:
    socket = WebSocket(bytes, deflate=deflate, **options)
    socket.connect("/", [("Host", "a")])
    socket.receive(AGREED + (b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if deflate else b"") + b"\r\n")
    assert socket.state == OPEN
    return socket


def server(deflate: bool = False) -> Connection:
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    return Connection(ConnectionType.SERVER, extensions=[extension] if deflate else [])


def cut(data: bytes, at: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[a:b] for a, b in pairwise(marks)]


def outcome(pieces: list[bytes], **options: Any) -> tuple[list[object], str]:
    socket = machine(**options)
    events: list[object] = []
    try:
        for piece in pieces:
            events += socket.receive(piece)
            if socket.failure is not None:
                return events, str(socket.failure)
    except ProtocolError as error:
        assert socket.state == FAILED
        return events, str(error)
    return events, ""


@given(st.lists(st.tuples(messages, st.integers(1, 5)), max_size=6), places, st.booleans())
def test_what_wsproto_writes_is_read_however_it_is_cut(sent: list[tuple[str | bytes, int]], at: list[int], deflate: bool) -> None:
    peer = server(deflate)
    data, wanted = b"", []
    for message, parts in sent:
        size = len(message) // parts + 1
        pieces: list[Any] = [message[i : i + size] for i in range(0, len(message), size)] or [message]
        for number, piece in enumerate(pieces):
            data += peer.send(Message(data=piece, message_finished=number == len(pieces) - 1))
            if number == 0 and len(pieces) > 1:
                data += peer.send(Ping(payload=b"?"))
                wanted.append(PingEvent(b"?"))
        wanted.append(message)  # type: ignore[arg-type]  # events of several kinds
    data += peer.send(CloseConnection(code=1001, reason="bye"))
    assert outcome(cut(data, at), deflate=deflate) == ([*wanted, Closed(1001, "bye")], "")


@given(st.lists(messages, max_size=6), places, st.booleans())
def test_what_is_written_wsproto_reads(sent: list[str | bytes], at: list[int], deflate: bool) -> None:
    socket, peer = machine(deflate), server(deflate)
    data = b"".join([socket.send(message) for message in sent]) + socket.ping(b"!") + socket.close(1000, "done")
    got: list[Any] = []
    parts: list[Any] = []
    for piece in cut(data, at):
        peer.receive_data(piece)
        for event in peer.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                parts.append(event.data)
                if event.message_finished:
                    got.append("".join(parts) if isinstance(event, TextMessage) else b"".join(parts))
                    parts = []
            else:
                got.append(event)
    assert got == [*sent, Ping(payload=bytearray(b"!")), CloseConnection(code=1000, reason="done")]


@given(st.binary(max_size=200), places)
def test_garbage_gives_events_or_an_error_however_it_is_cut(data: bytes, at: list[int]) -> None:
    whole = outcome([data] if data else [], max_message=100)
    assert outcome(cut(data, at), max_message=100) == whole
    assert outcome([data[i : i + 1] for i in range(len(data))], max_message=100) == whole


heads = st.sampled_from([0x81, 0x82, 1, 2, 0, 0x80, 0x88, 0x89, 0x8A, 0xC1, 0x83])
frames = st.tuples(heads, st.binary(max_size=130)).map(
    lambda pair: (
        bytes((pair[0],)) + (bytes((len(pair[1]),)) if len(pair[1]) < 126 else b"\x7e%b" % len(pair[1]).to_bytes(2, "big")) + pair[1]
    )
)


@given(st.lists(frames, max_size=8), places, st.booleans())
def test_any_frames_end_alike_however_they_are_cut(given: list[bytes], at: list[int], deflate: bool) -> None:
    data = b"".join(given)
    whole = outcome([data] if data else [], max_message=200, deflate=deflate)
    assert outcome(cut(data, at), max_message=200, deflate=deflate) == whole
    assert all(len(event) <= 200 for event in whole[0] if isinstance(event, (str, bytes)))


@given(st.lists(frames, max_size=8))
def test_any_frames_are_to_wsproto_what_they_are_to_us(given: list[bytes]) -> None:
    data = b"".join(given)
    ours, error = outcome([data] if data else [])
    reader = Connection(ConnectionType.CLIENT)
    reader.receive_data(data)
    theirs: list[Any] = []
    parts: list[Any] = []
    for event in reader.events():
        if isinstance(event, (TextMessage, BytesMessage)):
            parts.append(event.data)
            if event.message_finished:
                theirs.append("".join(parts) if isinstance(event, TextMessage) else b"".join(parts))
                parts = []
        elif isinstance(event, Ping):
            theirs.append(PingEvent(bytes(event.payload)))
        elif isinstance(event, Pong):
            theirs.append(PongEvent(bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            theirs.append(Closed(int(event.code), event.reason or ""))
            break
    if theirs and "codec" in getattr(theirs[-1], "reason", ""):
        ours = ours[: len(theirs) - 1]  # a text in parts: wsproto looks at each of them, we at the whole
        error = "bad UTF-8"
    if error:
        assert isinstance(theirs.pop(), Closed)  # wsproto tells a broken rule as a closing
    assert ours == theirs


@given(st.binary(max_size=300), places)
def test_any_answer_to_the_opening_ends_in_an_event_or_an_error(data: bytes, at: list[int]) -> None:
    def answered(pieces: list[bytes]) -> str:
        socket = WebSocket(bytes, max_head=200)
        socket.connect("/", [("Host", "a")])
        events: list[object] = []
        try:
            for piece in [*pieces, b""]:
                events += socket.receive(piece)
        except ProtocolError:
            return "failed"
        assert socket.state in (CLOSED, OPEN)
        return repr(events)

    start = b"HTTP/1.1 " + data
    assert answered(cut(start, at)) == answered([start])
