"""The event-stream decoder, against the decoder of another library and against itself with other cuts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder as OtherDecoder

from oxide._protocol.base import ProtocolError
from oxide._protocol.sse import ServerSentEvent, SSEDecoder

LINE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=12)
FIELD = st.one_of(
    st.builds("data: {}".format, LINE),
    st.builds("data:{}".format, LINE),
    st.builds("event: {}".format, LINE),
    st.builds("id: {}".format, LINE),
    st.builds("retry: {}".format, st.integers(0, 10**9)),
    st.builds(": {}".format, LINE),
    LINE,
    st.just("data"),
)
ENDS = st.sampled_from(["\n", "\r", "\r\n"])
STREAMS = st.lists(st.tuples(st.one_of(FIELD, st.just("")), ENDS)).map(lambda lines: "".join(line + end for line, end in lines).encode())
NOISE = st.lists(st.sampled_from([b"data", b": ", b"\n", b"\r", b"\n\n", b"\xff", b"\xc3", b"\xa9", b"id", b"\0", b"event"])).map(b"".join)


def decode(chunks: list[bytes], limit: int = 1 << 26) -> tuple[list[ServerSentEvent], str]:
    decoder = SSEDecoder(limit)
    events: list[ServerSentEvent] = []
    try:
        for chunk in [*filter(None, chunks), b""]:
            events += decoder.receive(chunk)
    except ProtocolError as error:
        return events, str(error)
    return events, ""


@st.composite
def cut(draw: st.DrawFn, streams: st.SearchStrategy[bytes]) -> list[bytes]:
    data = draw(streams)
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(cut(STREAMS), st.sampled_from([20, 1 << 26]))
def test_cutting_does_not_matter(chunks: list[bytes], limit: int) -> None:
    assert decode(chunks, limit) == decode([b"".join(chunks)], limit)


@given(cut(st.one_of(st.binary(), NOISE)), st.sampled_from([5, 1 << 26]))
def test_garbage_gives_the_same_events_and_the_same_refusal_however_it_is_cut(chunks: list[bytes], limit: int) -> None:
    assert decode(chunks, limit) == decode([b"".join(chunks)], limit)


@given(st.lists(st.tuples(LINE.map(str.strip).filter(bool), st.lists(LINE, min_size=1)), max_size=6), ENDS)
def test_another_decoder_reads_the_same(blocks: list[tuple[str, list[str]]], end: str) -> None:
    lines = [line for name, datas in blocks for line in (f"event: {name}", *(f"data: {data}" for data in datas), "")]
    other = OtherDecoder()
    expected = [event for event in map(other.decode, lines) if event]
    events, error = decode([(line + end).encode() for line in lines])
    assert not error
    assert [(event.event, event.data) for event in events] == [(event.event, event.data) for event in expected]
