"""The event-stream decoder, against a table of streams: each is fed whole, byte by byte, and cut at every point."""

from __future__ import annotations

import pytest

from oxide._protocol.base import ProtocolError
from oxide._protocol.sse import ServerSentEvent as E
from oxide._protocol.sse import SSEDecoder


def message(data: str, last: str = "", retry: int | None = None) -> E:
    return E("message", data, last, retry)


TABLE: list[tuple[str, bytes, list[E]]] = [
    ("nothing", b"", []),
    ("one data line", b"data: a\n\n", [message("a")]),
    ("an event with a name", b"event: e\ndata: a\n\n", [E("e", "a")]),
    ("the name after the data", b"data: a\nevent: e\n\n", [E("e", "a")]),
    ("the last name counts", b"event: e\nevent: f\ndata: a\n\n", [E("f", "a")]),
    ("an empty name is a message", b"event: e\nevent\ndata: a\n\n", [message("a")]),
    ("a name does not outlive its block", b"event: e\n\ndata: a\n\n", [message("a")]),
    ("two events", b"data: a\n\ndata: b\n\n", [message("a"), message("b")]),
    ("carriage returns", b"data: a\r\rdata: b\r\r", [message("a"), message("b")]),
    ("both", b"data: a\r\n\r\ndata: b\r\n\r\n", [message("a"), message("b")]),
    ("a mixture", b"data: a\n\r\ndata: b\r\n\rdata: c\r\ndata: d\r\n\n", [message("a"), message("b"), message("c\nd")]),
    ("lf and cr are two line ends", b"data: a\n\rdata: b\n\n", [message("a"), message("b")]),
    ("many blank lines", b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [message("a"), message("b")]),
    ("several data lines", b"data: a\ndata:\ndata: b\n\n", [message("a\n\nb")]),
    ("one space is taken away", b"data:  a \n\n", [message(" a ")]),
    ("no space is needed", b"data:a\n\n", [message("a")]),
    ("a tab is no space", b"data:\ta\n\n", [message("\ta")]),
    ("a field without a colon", b"data\n\n", [message("")]),
    ("two of them", b"data\ndata\n\n", [message("\n")]),
    ("an empty value", b"data: \n\n", [message("")]),
    ("a value with colons", b"data: a: b\n\n", [message("a: b")]),
    ("comments", b": hello\n\n:\n: data: x\ndata: a\n: in between\ndata: b\n\n", [message("a\nb")]),
    ("unknown fields", b"foo: bar\ndata: a\nfoo\nDATA: b\n data: c\n\n", [message("a")]),
    ("no data, no event", b"event: e\nid: 1\n\n", []),
    ("an id lasts", b"id: 1\ndata: a\n\ndata: b\n\n", [message("a", "1"), message("b", "1")]),
    ("an id lasts from a block without data", b"id: 1\n\nevent: e\ndata: b\n\n", [E("e", "b", "1")]),
    ("an empty id takes it back", b"id: 1\n\nid\ndata: a\n\n", [message("a")]),
    ("an id with NUL is ignored", b"id: 1\n\nid: 2\0\ndata: a\n\n", [message("a", "1")]),
    ("retry", b"retry: 10\ndata: a\n\ndata: b\n\n", [message("a", retry=10), message("b")]),
    ("retry with other things than digits", b"retry: 1.5\nretry: -1\nretry: 1e3\nretry:\nretry:  7\ndata: a\n\n", [message("a")]),
    ("retry with digits that are not ASCII", "retry: ١٢\ndata: a\n\n".encode(), [message("a")]),
    ("retry with leading zeros", b"retry: " + b"0" * 5000 + b"7\ndata: a\n\n", [message("a", retry=7)]),
    ("a byte-order mark", b"\xef\xbb\xbfdata: a\n\n", [message("a")]),
    ("a byte-order mark before a blank line", b"\xef\xbb\xbf\n\ndata: a\n\n", [message("a")]),
    ("only the first byte-order mark goes", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [message("b")]),
    ("a later byte-order mark is a character", b"data: \xef\xbb\xbfa\n\n", [message("\ufeffa")]),
    ("characters of two, three and four bytes", "data: é…😀\n\n".encode(), [message("é…😀")]),
    ("other line separators are characters", "data: a\x0b\x0c\x1c\x85\u2028b\n\n".encode(), [message("a\x0b\x0c\x1c\x85\u2028b")]),
    ("an event without a blank line is dropped", b"data: a\n\ndata: b\n", [message("a")]),
    ("and one without a line end", b"data: a\n\ndata: b", [message("a")]),
]


def decode(*chunks: bytes, limit: int = 1 << 20, errors: str = "strict") -> list[E]:
    decoder = SSEDecoder(limit, errors)
    return [event for chunk in [*filter(None, chunks), b""] for event in decoder.receive(chunk)]


@pytest.mark.parametrize(("data", "events"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(data: bytes, events: list[E]) -> None:
    assert decode(data) == events
    assert decode(*(data[i : i + 1] for i in range(len(data)))) == events
    for cut in range(min(len(data), 200)):
        assert decode(data[:cut], data[cut:]) == events


def test_the_last_id_and_retry_can_be_read() -> None:
    decoder = SSEDecoder()
    assert decoder.receive(b"id: 7\nretry: 1500\n\n") == []
    assert (decoder.last_event_id, decoder.retry) == ("7", 1500)


def test_retry_counts_without_a_blank_line_but_an_id_does_not() -> None:
    decoder = SSEDecoder()
    decoder.receive(b"id: 7\nretry: 20\nretry: 3")
    decoder.receive(b"")
    assert (decoder.last_event_id, decoder.retry) == ("", 20)


def test_a_retry_of_thousands_of_digits_is_ignored() -> None:
    assert decode(b"retry: " + b"9" * 10_000 + b"\ndata: a\n\n") == [message("a")]


@pytest.mark.parametrize("cut", range(24))
def test_bytes_that_are_not_utf8_are_refused_by_their_offset_after_the_good_events(cut: int) -> None:
    data = b"data: good\n\ndata: b\xffd\n\ndata: c\n\n"
    decoder = SSEDecoder()
    events: list[E] = []

    def feed() -> None:
        for chunk in filter(None, [data[:cut], data[cut:]]):
            events.extend(decoder.receive(chunk))
        decoder.receive(b"")

    with pytest.raises(ProtocolError, match="byte 19 "):
        feed()
    assert events == [message("good")]


def test_a_character_that_is_cut_off_by_a_line_end_is_refused() -> None:
    with pytest.raises(ProtocolError, match="byte 6 "):
        decode(b"data: \xe2\x82\n\n")


def test_bytes_that_are_not_utf8_are_replaced_where_the_caller_says_so() -> None:
    assert decode(b"data: a\xffb\xe2\x82\n\n", errors="replace") == [message("a\ufffdb\ufffd")]


def test_an_event_of_just_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    data = b"data: abc\n\n"
    for chunks in [[data], [data[i : i + 1] for i in range(len(data))], [b"\n\n" + data + b"\n\n"]]:
        assert decode(*chunks, limit=10) == [message("abc")]
        with pytest.raises(ProtocolError, match="larger than 9 bytes"):
            decode(*chunks, limit=9)


def test_many_small_events_may_be_more_than_the_limit_together() -> None:
    assert len(decode(b"data: a\n\n" * 100, limit=8)) == 100


def test_events_before_one_that_is_too_large_are_not_lost() -> None:
    for end in [b"", b"\n\n", b"\n\ndata: b\n\n"]:
        decoder = SSEDecoder(limit=20)
        assert decoder.receive(b"data: a\n\ndata: " + b"x" * 20 + end) == [message("a")]
        for data in [b"data: b\n\n", b""]:
            with pytest.raises(ProtocolError, match="larger than 20 bytes"):
                decoder.receive(data)


def test_an_endless_event_is_refused_before_it_fills_the_memory() -> None:
    decoder = SSEDecoder(limit=1000)
    decoder.receive(b"data: ")
    for _ in range(9):
        decoder.receive(b"x" * 100)
    with pytest.raises(ProtocolError):
        decoder.receive(b"x" * 100)


def test_bytes_after_the_end_are_our_fault() -> None:
    decoder = SSEDecoder()
    assert decoder.receive(b"") == []
    assert decoder.receive(b"") == []
    with pytest.raises(RuntimeError):
        decoder.receive(b"data: a\n\n")


@pytest.mark.parametrize("size", [1, 16_384])
def test_a_large_event_in_small_pieces_takes_linear_time(size: int) -> None:
    # Were each piece added to a copy of all before it, this would move 125 GB, respectively 13 GB.
    data = b"data: " + b"x" * (500_000 if size == 1 else 20 << 20) + b"\n\n"
    (event,) = decode(*(data[i : i + size] for i in range(0, len(data), size)), limit=1 << 26)
    assert len(event.data) == len(data) - 8


def test_a_large_event_of_many_lines_is_read_like_a_small_one() -> None:
    (event,) = decode(b"event: e\n" + b"data: x\n" * 200_000 + b"\n", limit=1 << 26)
    assert event == E("e", "x\n" * 199_999 + "x")


def test_events_are_compared_and_shown_by_value() -> None:
    assert E("a", "b", "c", 1) != E("a", "b", "c", 2)
    assert E("a", "b") != "b"
    assert repr(E("a", "b")) == "ServerSentEvent('a', 'b', '', None)"
