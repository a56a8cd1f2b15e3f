"""Form bodies: what is written, the standard library's mail parser reads; the length is always the true one."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, cast

from hypothesis import given
from hypothesis import strategies as st

from oxide._protocol.multipart import Multipart, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUNDARY = "-----------5bd1f4f2e7a04c3f"
NAMES = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30).map(str.strip)
CONTENTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"])).map(str.encode), st.binary(), st.just(b"\r\n--\r\n"))
FIELDS = st.lists(st.tuples(NAMES, st.one_of(st.none(), NAMES), CONTENTS, VALUES), max_size=5)


@given(FIELDS)
def test_another_parser_reads_the_same_parts(fields: list[tuple[str, str | None, bytes, str]]) -> None:
    form = Multipart(
        [Part(n, content, filename=f, content_type="a/b", headers=[("X-Value", value)]) for n, f, content, value in fields], BOUNDARY
    )
    data = b"".join(cast("Iterator[bytes]", form.segments()))
    assert form.length == len(data)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {form.content_type}\r\n\r\n".encode() + data)
    parts = list(message.iter_parts())
    assert [part.get_payload(decode=True) for part in parts] == [content for _, _, content, _ in fields]
    assert [(len(part.keys()), str(part["X-Value"])) for part in parts] == [(3, value) for _, _, _, value in fields]


@given(NAMES, NAMES)
def test_names_cannot_leave_their_line_and_are_told_apart(name: str, filename: str) -> None:
    head = Part(name, b"", filename=filename, content_type="a/b").head
    assert head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r") == 3
    assert head.split(b"\r\n")[0].count(b'"') == 4
