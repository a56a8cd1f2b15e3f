"""Random conversations: what h2's server says arrives whole however it is cut, and garbage gives events or `ProtocolError`, never else."""

from __future__ import annotations

from itertools import pairwise

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived
from hpack import Decoder, HeaderTuple, NeverIndexedHeaderTuple
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide._protocol.base import Data, End, Head, ProtocolError
from oxide._protocol.http2 import Http2, Reset
from oxide._protocol.http2_fields import FieldEncoder

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)
fields = st.lists(st.tuples(names, values), max_size=6)
bodies = st.lists(st.binary(max_size=200), max_size=5)
cuts = st.lists(st.integers(0, 5_000), max_size=20)


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(marks)]


def server() -> H2Connection:
    engine = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    engine.initiate_connection()
    return engine


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([200, 404, 500]), fields, bodies, st.booleans()), min_size=1, max_size=5), cuts, st.randoms())
def test_answers_arrive_as_the_server_gave_them(answers: list, places: list[int], random: object) -> None:
    http, engine = Http2(), server()
    engine.receive_data(http.start())
    expected: dict[int, tuple[int, list[tuple[str, str]], bytes]] = {}
    work: list[tuple[int, int]] = []
    for status, given_fields, chunks, _ in answers:
        stream, data = http.request("GET", "https", "example.com", "/", [], ended=True)
        engine.receive_data(data)
        expected[stream] = status, given_fields, b"".join(chunks)
        work += [(stream, at) for at in range(len(chunks) + 2)]
    random.shuffle(work)  # type: ignore[attr-defined]  # one of hypothesis
    progress = dict.fromkeys(expected, 0)
    for stream, _ in work:  # the streams take turns, each in its own order
        status, given_fields, chunks, trailers = answers[(stream - 1) // 2]
        at = progress[stream]
        progress[stream] += 1
        if at == 0:
            engine.send_headers(stream, [(":status", str(status)), *given_fields])
        elif at <= len(chunks):
            engine.send_data(stream, chunks[at - 1], pad_length=at if trailers else None)
        elif trailers:
            engine.send_headers(stream, [("x-sum", "1")], end_stream=True)
        else:
            engine.end_stream(stream)
    got: dict[int, list[object]] = {stream: [] for stream in expected}
    for piece in cut_at(engine.data_to_send(), places):
        for stream, event in http.receive(piece):
            got.setdefault(stream, []).append(event)
    for stream, (status, given_fields, body) in expected.items():
        first, *middle, last = got[stream]
        assert isinstance(first, Head)
        assert (first.status, list(first.headers.raw)) == (status, given_fields)
        assert b"".join(event.data for event in middle if isinstance(event, Data)) == body
        assert isinstance(last, End)
    assert http.slots == 100


@settings(max_examples=60, deadline=None)
@given(fields, st.binary(max_size=70_000), st.integers(1, 70_000))
def test_what_we_send_is_what_a_server_reads(given_fields: list[tuple[str, str]], body: bytes, step: int) -> None:
    http, engine = Http2(), server()
    engine.receive_data(http.start())
    http.receive(engine.data_to_send())
    stream, data = http.request("POST", "https", "example.com", "/a", given_fields, ended=False)
    events = list(engine.receive_data(data))
    at = 0
    for _ in range(100_000):
        ended = at + step >= len(body)
        taken, data = http.send(stream, body[at : at + step], ended=ended)
        at += taken
        events += engine.receive_data(data)
        if ended and at == len(body):
            break
        if engine.inbound_flow_control_window < 65_535:
            engine.acknowledge_received_data(65_535 - engine.inbound_flow_control_window, stream)
            http.receive(engine.data_to_send() or b"\0\0\0\x77\0\0\0\0\0")
    request = next(event for event in events if isinstance(event, RequestReceived))
    assert [(name, value) for name, value in request.headers][4:] == given_fields
    assert b"".join(event.data for event in events if isinstance(event, DataReceived)) == body


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), cuts, st.booleans())
def test_garbage_gives_events_or_a_protocol_error(garbage: bytes, places: list[int], greeted: bool) -> None:
    http = Http2()
    http.start()
    opened = {http.request("GET", "https", "example.com", "/", [], ended=True)[0] for _ in range(2)}
    try:
        for piece in cut_at((b"\0\0\0\4\0\0\0\0\0" if greeted else b"") + garbage, places):
            for stream, event in http.receive(piece):
                assert stream in opened or not isinstance(event, (Head, Data, End, Reset))
    except ProtocolError:
        assert http.over


octets = st.sampled_from(
    [b":method", b":path", b"accept", b"content-length", b"authorization", b"x-a", b"x-b", b"GET", b"/", b"", b"v" * 200]
)
pairs = st.tuples(octets, st.one_of(octets, st.binary(max_size=40)), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.lists(pairs, max_size=30), st.integers(0, 10_000)), max_size=12))
def test_hpack_reads_the_fields_that_we_compress(steps: list) -> None:
    encoder, decoder = FieldEncoder(), Decoder()
    for step in steps:
        if isinstance(step, int):  # the peer's settings
            encoder.header_table_size = step
            decoder.max_allowed_table_size = step
            continue
        fields = [(NeverIndexedHeaderTuple if secret else HeaderTuple)(name, value) for name, value, secret in step]
        assert decoder.decode(encoder.encode(fields) or b"", raw=True) == fields
        assert encoder.header_table_size <= 4_096
