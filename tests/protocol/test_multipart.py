"""Form bodies, byte for byte, and as the standard library's mail parser reads them."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest

from oxide._protocol.multipart import Content, Multipart, Part

BOUNDARY = "b0undary"


class Kept:
    """A content whose bytes are at hand, but sent like those of a file."""

    label = "kept"
    waits = asynchronous = shared = False
    progress: Any = None

    def __init__(self, data: bytes, length: int | None = None, replayable: bool = True) -> None:
        self.data, self.length, self.replayable = data, length, replayable

    def open(self) -> Any:
        raise AssertionError("who writes a form opens nothing")


def joined(form: Multipart) -> bytes:
    return b"".join(segment if isinstance(segment, bytes) else getattr(segment, "data", b"") for segment in form.segments())


def body(*parts: Part) -> bytes:
    return joined(Multipart(parts, BOUNDARY))


def read(*parts: Part, boundary: str = BOUNDARY) -> list[Message]:
    form = Multipart(parts, boundary)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {form.content_type}\r\n\r\n".encode() + joined(form))
    assert not message.defects
    return list(message.iter_parts())  # type: ignore[attr-defined]  # the HTTP policy makes EmailMessage


TABLE: list[tuple[str, list[Part], bytes]] = [
    ("no parts", [], b"--b0undary--\r\n"),
    ("a text", [Part("a", "é")], b'--b0undary\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xc3\xa9\r\n--b0undary--\r\n'),
    (
        "a file",
        [Part("f", b"\0\xff\r\n", filename="x.bin", content_type="a/b", headers=[("X-Kind", "raw")])],
        b'--b0undary\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\nX-Kind: raw\r\nContent-Type: a/b\r\n'
        b"\r\n\0\xff\r\n\r\n--b0undary--\r\n",
    ),
    (
        "a file that is opened",
        [Part("f", Kept(b"abc", 3), filename="", content_type="text/plain")],
        b'--b0undary\r\nContent-Disposition: form-data; name="f"; filename=""\r\nContent-Type: text/plain\r\n\r\nabc\r\n--b0undary--\r\n',
    ),
    (
        "a text with a type",
        [Part("j", "{}", content_type="application/json"), Part("k", b"1"), Part("k", b"2")],
        b'--b0undary\r\nContent-Disposition: form-data; name="j"\r\nContent-Type: application/json\r\n\r\n{}\r\n'
        b'--b0undary\r\nContent-Disposition: form-data; name="k"\r\n\r\n1\r\n'
        b'--b0undary\r\nContent-Disposition: form-data; name="k"\r\n\r\n2\r\n--b0undary--\r\n',
    ),
    (
        "names that want to leave their quotes",
        [Part('a"\r\nX: y\\', "", filename='é"\r\n\0')],
        b'--b0undary\r\nContent-Disposition: form-data; name="a%22%0D%0AX: y\\\\"; filename="\xc3\xa9%22%0D%0A%00"\r\n\r\n\r\n'
        b"--b0undary--\r\n",
    ),
    (
        "a type among the headers wins",
        [Part("f", b"x", content_type="a/b", headers=[("content-type", "c/d")])],
        b'--b0undary\r\nContent-Disposition: form-data; name="f"\r\ncontent-type: c/d\r\n\r\nx\r\n--b0undary--\r\n',
    ),
]


@pytest.mark.parametrize(("parts", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(parts: list[Part], expected: bytes) -> None:
    form = Multipart(parts, BOUNDARY)
    assert joined(form) == expected
    assert form.length == len(expected)
    assert form.replayable
    assert joined(form) == expected


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
    {"headers": [("Content-Length", "3")]},
    {"headers": [("content-disposition", "attachment")]},
    {"content_type": "a/b\r\nX: y"},
    {"content_type": "a/b\n"},
]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_a_part_that_would_break_the_form_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot"):
        Part("a", **{"content": b"", **bad})


def test_a_name_that_is_not_unicode_is_sent_with_marks() -> None:
    assert b'filename="a?.txt"' in body(Part("f", b"", filename="a\udcff.txt"))


def test_what_lies_between_two_contents_is_one_segment_and_the_contents_are_left_alone() -> None:
    first, second = Kept(b"x"), Kept(b"y")
    form = Multipart([Part("a", "1"), Part("b", "2"), Part("f", first), Part("c", "3"), Part("g", second)], BOUNDARY)
    before, one, between, other, after = form.segments()
    assert (one, other) == (first, second)
    assert form.contents == [first, second]
    assert all(isinstance(each, bytes) for each in (before, between, after))


def test_an_unknown_length_makes_the_length_of_the_form_unknown() -> None:
    unknown: Content = Kept(b"xy")
    form = Multipart([Part("a", "b"), Part("f", unknown, filename="f")], BOUNDARY)
    assert form.length is None
    assert joined(form).count(b"\r\n\r\nxy\r\n") == 1


def test_a_form_is_replayable_when_all_its_contents_are() -> None:
    assert Multipart([Part("a", "b"), Part("f", Kept(b""))], BOUNDARY).replayable
    assert not Multipart([Part("f", Kept(b"")), Part("g", Kept(b"", replayable=False))], BOUNDARY).replayable
