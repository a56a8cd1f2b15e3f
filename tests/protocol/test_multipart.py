"""Form bodies, byte for byte, and as the standard library's mail parser reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest

from oxide._protocol.multipart import PIECE, Multipart, Part

BOUNDARY = "b0undary"


def stream(*pieces: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(pieces)


def body(*parts: Part) -> bytes:
    return b"".join(Multipart(parts, BOUNDARY))


def read(*parts: Part, boundary: str = BOUNDARY) -> list[Message]:
    form = Multipart(parts, boundary)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {form.content_type}\r\n\r\n".encode() + b"".join(form))
    assert not message.defects
    return list(message.iter_parts())  # type: ignore[attr-defined]  # the HTTP policy makes EmailMessage


TABLE: list[tuple[str, list[Part], bytes]] = [
    ("no parts", [], b"--b0undary--\r\n"),
    ("a text", [Part("a", "é")], b'--b0undary\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xc3\xa9\r\n--b0undary--\r\n'),
    (
        "a file",
        [Part("f", b"\0\xff\r\n", filename="x.bin", headers=[("X-Kind", "raw")])],
        b'--b0undary\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\nContent-Type: application/octet-stream\r\n'
        b"X-Kind: raw\r\n\r\n\0\xff\r\n\r\n--b0undary--\r\n",
    ),
    (
        "a file that is opened",
        [Part("f", stream(b"ab", b"", b"c"), filename="", content_type="text/plain", length=3)],
        b'--b0undary\r\nContent-Disposition: form-data; name="f"; filename=""\r\nContent-Type: text/plain\r\n\r\nabc\r\n--b0undary--\r\n',
    ),
    (
        "a text with a type",
        [Part("j", "{}", content_type="application/json"), Part("k", bytearray(b"1")), Part("k", memoryview(b"2"))],
        b'--b0undary\r\nContent-Disposition: form-data; name="j"\r\nContent-Type: application/json\r\n\r\n{}\r\n'
        b'--b0undary\r\nContent-Disposition: form-data; name="k"\r\n\r\n1\r\n'
        b'--b0undary\r\nContent-Disposition: form-data; name="k"\r\n\r\n2\r\n--b0undary--\r\n',
    ),
    (
        "names that want to leave their quotes",
        [Part('a"\r\nX: y\\', "", filename='é"\r\n')],
        '--b0undary\r\nContent-Disposition: form-data; name="a%22%0D%0AX: y\\"; filename="é%22%0D%0A"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n\r\n--b0undary--\r\n".encode(),
    ),
]


@pytest.mark.parametrize(("parts", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(parts: list[Part], expected: bytes) -> None:
    form = Multipart(parts, BOUNDARY)
    assert b"".join(form) == expected
    assert form.length == len(expected)
    assert form.replayable
    assert b"".join(form) == expected


def test_another_parser_reads_what_was_written() -> None:
    content = bytes(range(256)) * 3
    a, b = read(Part("purpose", "batch"), Part("file", content, filename="ü ;=.bin", content_type="audio/wav", headers=[("X-A", "b c")]))
    assert a.get_param("name", header="content-disposition") == "purpose"
    assert a.get_payload(decode=True) == b"batch"
    assert b.get_param("name", header="content-disposition") == "file"
    assert b.get_content_type() == "audio/wav"
    assert b["x-a"] == "b c"
    assert b.get_payload(decode=True) == content


def test_a_boundary_with_separators_is_quoted() -> None:
    assert Multipart([], "a'b+c").content_type == "multipart/form-data; boundary=a'b+c"
    assert Multipart([], "a=b:c").content_type == 'multipart/form-data; boundary="a=b:c"'
    (part,) = read(Part("a", "b"), boundary="a=b:(c)?/,")
    assert part.get_payload(decode=True) == b"b"


@pytest.mark.parametrize("boundary", ["", "x" * 71, "a b", 'a"b', "a\r\nb", "é", "a\n", "a;b"])
def test_what_is_no_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(ValueError, match="not a boundary"):
        Multipart([], boundary)


BAD: list[dict[str, Any]] = [
    {"headers": [("X", "a\r\nB: c")]},
    {"headers": [("X", "a\0")]},
    {"headers": [("X:", "a")]},
    {"headers": [("", "a")]},
    {"headers": [("X\n", "a")]},
    {"headers": [("Content-Type", "a/b")]},
    {"headers": [("content-disposition", "attachment")]},
    {"content_type": "a/b\r\nX: y"},
    {"content_type": "a/b\n"},
    {"length": 1},
    {"filename": "a\0b"},
    {"content": stream(), "length": -1},
]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_a_part_that_would_break_the_form_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cannot|length"):
        Part("a", **{"content": b"", **bad})


def test_a_name_that_is_not_unicode_is_sent_with_marks() -> None:
    assert b'filename="a?.txt"' in body(Part("f", b"", filename="a\udcff.txt"))


def test_small_parts_make_one_piece_and_large_ones_are_not_copied() -> None:
    assert len(list(Multipart([Part(str(n), "x") for n in range(100)], BOUNDARY))) == 1
    large = b"x" * PIECE
    pieces = list(Multipart([Part("a", "b"), Part("f", stream(large, large, b"y"), filename="f"), Part("c", "d")], BOUNDARY))
    assert [len(piece) >= PIECE for piece in pieces] == [False, True, True, False]
    assert pieces[1] is pieces[2] is large


def test_many_small_pieces_of_a_file_are_joined() -> None:
    pieces = list(Multipart([Part("f", lambda: (b"x" * 1000 for _ in range(1000)), filename="f")], BOUNDARY))
    assert all(PIECE <= len(piece) < PIECE + 1000 for piece in pieces[:-1])
    assert sum(piece.count(b"x") for piece in pieces) == 1_000_000


def test_an_unknown_length_makes_the_length_of_the_form_unknown() -> None:
    form = Multipart([Part("a", "b"), Part("f", stream(b"xy"), filename="f")], BOUNDARY)
    assert form.length is None
    assert b"".join(form).count(b"\r\n\r\nxy\r\n") == 1


def test_a_form_is_replayable_when_all_its_parts_are() -> None:
    once = Part("f", stream(b""), replayable=False)
    assert not Multipart([Part("a", "b"), once], BOUNDARY).replayable
    assert Part("a", b"", replayable=False).replayable


def test_a_large_file_is_never_held_as_a_whole() -> None:
    import tracemalloc

    form = Multipart([Part("f", lambda: (b"x" * PIECE for _ in range(800)), filename="f", length=800 * PIECE)], BOUNDARY)
    tracemalloc.start()
    assert sum(map(len, form)) == form.length
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * PIECE


@pytest.mark.parametrize(("promised", "told"), [(2, "gave 3 or more"), (4, "gave 3"), (0, "gave 3 or more")])
def test_a_content_of_another_length_than_promised_breaks_off(promised: int, told: str) -> None:
    form = Multipart([Part("f", stream(b"abc"), length=promised)], BOUNDARY)
    with pytest.raises(RuntimeError, match=told):
        list(form)
