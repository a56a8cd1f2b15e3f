"""Form bodies (RFC 7578): the bytes between the files, the places where files go, and a length that is known before any is read.

Nothing is read here: the content of a file is opened by who sends the form (`_transport/feed.py`).  So is the boundary chosen by the
layer above, because it needs dice.
"""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["Content", "Multipart", "Part", "Source"]

BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")  # RFC 2046, 5.1.1, without the blank
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
ESCAPED = re.compile(r'[\x00-\x1a\x1c-\x1f"\\]')
OWN_FIELDS = ("content-disposition", "content-length", "content-transfer-encoding")


class Source(Protocol):
    """A content that is open: it is read once, from its beginning."""

    def read(self) -> bytes:
        """Return more of it, b"" at its end."""
        ...

    async def receive(self) -> bytes:
        """The same where it comes asynchronously."""
        ...

    def close(self) -> None:
        """Let go of what was opened for it; may be called twice."""
        ...


class Content(Protocol):
    """What is sent as one file, wherever it comes from.

    Attributes:
        label: how messages name it.
        length: in bytes; None where nobody knows.
        replayable: whether it can be opened again, and gives the same.
        shared: whether that disturbs who has opened it before, and is not done yet.
        waits: whether reading may wait, for a disk say.
        asynchronous: whether its source is to be awaited.
        progress: told the bytes that have gone out, and the length.
    """

    label: str
    length: int | None
    replayable: bool
    shared: bool
    waits: bool
    asynchronous: bool
    progress: Callable[[int, int | None], object] | None

    def open(self) -> Source:
        """Begin to read; nothing waits yet."""
        ...


class Part:
    """One field of a form.

    Args:
        name: of the field.
        content: text, bytes, or what will be opened.
        filename: makes the part a file.
        content_type: of a file, or of a text that is not plain; one among the headers wins.
        headers: more fields of this part.

    Raises:
        ValueError: a field would break the form.
    """

    __slots__ = ("content", "head")

    def __init__(
        self,
        name: str,
        content: str | bytes | Content,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.head = part_head(name, filename, content_type, headers)
        self.content: bytes | Content = content.encode() if isinstance(content, str) else content

    @property
    def length(self) -> int | None:
        """The bytes of the content, where they are known."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.length


class Multipart:
    """A body of `multipart/form-data`.

    A boundary must not occur in any content: choose it at random, with 16 bytes or more.

    Args:
        parts: in the order to be sent.
        boundary: 1 to 70 characters of RFC 2046, 5.1.1, without blanks.

    Raises:
        ValueError: the boundary is not one.
    """

    __slots__ = ("boundary", "parts")

    def __init__(self, parts: Iterable[Part], boundary: str) -> None:
        if not BOUNDARY.fullmatch(boundary):
            raise ValueError(f"{boundary!r} is not a boundary: 1 to 70 characters of RFC 2046, 5.1.1")
        self.boundary = boundary
        self.parts = tuple(parts)

    @property
    def content_type(self) -> str:
        """The value of the field `content-type` of the request."""
        quote = "" if TOKEN.fullmatch(self.boundary) else '"'
        return f"multipart/form-data; boundary={quote}{self.boundary}{quote}"

    @property
    def length(self) -> int | None:
        """The bytes of the whole body, or None where a content does not know its own."""
        total = len(self.boundary) + 6  # the last line: two hyphens before, two behind, CRLF
        for part in self.parts:
            if (length := part.length) is None:
                return None
            total += len(self.boundary) + 4 + len(part.head) + length + 2
        return total

    @property
    def contents(self) -> list[Content]:
        """What will be opened."""
        return [part.content for part in self.parts if not isinstance(part.content, bytes)]

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent again."""
        return all(content.replayable for content in self.contents)

    @property
    def shared(self) -> bool:
        """Whether it cannot be sent twice at the same time."""
        return any(content.shared for content in self.contents)

    def segments(self) -> Iterator[bytes | Content]:
        """Give the body in order: bytes, joined as far as that goes, and the contents between them."""
        opening = f"--{self.boundary}\r\n".encode()
        ready = bytearray()
        for part in self.parts:
            ready += opening + part.head
            if isinstance(part.content, bytes):
                ready += part.content
            else:
                yield bytes(ready)
                yield part.content
                ready.clear()
            ready += b"\r\n"
        yield bytes(ready) + f"--{self.boundary}--\r\n".encode()


def part_head(name: str, filename: str | None, content_type: str | None, headers: Sequence[tuple[str, str]]) -> bytes:
    """Write the header fields of one part, and the empty line behind them."""
    lines = [f'Content-Disposition: form-data; name="{quoted(name)}"']
    if filename is not None:
        lines[0] += f'; filename="{quoted(filename)}"'
    for field, value in headers:
        if not TOKEN.fullmatch(field) or field.lower() in OWN_FIELDS:
            raise ValueError(f"a part cannot have the header field {field!r}")
        lines.append(f"{field}: {checked(value)}")
    if content_type is not None and not any(field.lower() == "content-type" for field, _ in headers):
        lines.append(f"Content-Type: {checked(content_type)}")
    return "\r\n".join([*lines, "\r\n"]).encode("utf-8", "replace")  # a file's name need not be Unicode on every system


def quoted(text: str) -> str:
    """Escape a name so that it cannot leave its quotes or its line; it stays UTF-8.

    Browsers escape quotes and line ends (WHATWG HTML, 4.10.22.8); that backslashes are doubled, and other control characters escaped,
    is what services of the API are used to.
    """
    return ESCAPED.sub(lambda found: "\\\\" if found[0] == "\\" else f"%{ord(found[0]):02X}", text)


def checked(value: str) -> str:
    if CONTROL.search(value):
        raise ValueError(f"{value!r} cannot be the value of a header field")
    return value
