"""Form bodies (RFC 7578) as an iterator of byte pieces, with a length that is known before the first is made.

Nothing is read here: the content of a part is bytes, or a callable of the layer above that opens an iterator of bytes.  So is the
boundary chosen there, because it needs dice.
"""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["Multipart", "Part"]

PIECE = 65_536
"""Bytes below which neighbours are joined, so that many small fields cost one write."""

BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")  # RFC 2046, 5.1.1, without the blank
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
OWN_FIELDS = ("content-disposition", "content-type", "content-length", "content-transfer-encoding")


class Part:
    """One field of a form.

    Args:
        name: of the field.
        content: text, bytes, or a callable that opens an iterator of bytes.
        filename: makes the part a file.
        content_type: of a file, or of a text that is not plain.
        headers: more fields of this part.
        length: of the content in bytes, where it is a callable; None where nobody knows.
        replayable: whether the callable may be called again, and gives the same.

    Raises:
        ValueError: a field would break the form, the length is negative, or a length was given with bytes.
    """

    __slots__ = ("content", "head", "length", "replayable")

    def __init__(
        self,
        name: str,
        content: str | bytes | bytearray | memoryview | Callable[[], Iterable[bytes]],
        *,
        filename: str | None = None,
        content_type: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        length: int | None = None,
        replayable: bool = True,
    ) -> None:
        self.head = part_head(name, filename, content_type, headers)
        self.replayable = replayable
        self.content: bytes | Callable[[], Iterable[bytes]]
        self.length: int | None
        if callable(content):
            if length is not None and length < 0:
                raise ValueError(f"the length of part {name!r} is {length}")
            self.content, self.length = content, length
            return
        if length is not None:
            raise ValueError(f"the length of part {name!r} is that of its content; do not give it")
        self.content = content.encode() if isinstance(content, str) else bytes(content)
        self.length = len(self.content)
        self.replayable = True


class Multipart:
    """A body of `multipart/form-data`.

    Iterating gives the body in pieces, as often as `replayable` allows.  A boundary must not occur in any content: choose it at random,
    with 16 bytes or more.

    Args:
        parts: in the order to be sent.
        boundary: 1 to 70 characters of RFC 2046, 5.1.1, without blanks.

    Raises:
        ValueError: the boundary is not one.
    """

    __slots__ = ("_parts", "boundary")

    def __init__(self, parts: Iterable[Part], boundary: str) -> None:
        if not BOUNDARY.fullmatch(boundary):
            raise ValueError(f"{boundary!r} is not a boundary: 1 to 70 characters of RFC 2046, 5.1.1")
        self.boundary = boundary
        self._parts = tuple(parts)

    @property
    def content_type(self) -> str:
        """The value of the field `content-type` of the request."""
        quote = "" if TOKEN.fullmatch(self.boundary) else '"'
        return f"multipart/form-data; boundary={quote}{self.boundary}{quote}"

    @property
    def length(self) -> int | None:
        """The bytes of the whole body, or None where a part does not know its own."""
        total = len(self.boundary) + 6  # the last line: two hyphens before, two behind, CRLF
        for part in self._parts:
            if part.length is None:
                return None
            total += len(self.boundary) + 4 + len(part.head) + part.length + 2
        return total

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent again."""
        return all(part.replayable for part in self._parts)

    def __iter__(self) -> Iterator[bytes]:
        """Make the pieces.

        Raises:
            RuntimeError: a content has another length than its part has said, which would break the request.
        """
        small = bytearray()
        for piece in self._pieces():
            if len(piece) >= PIECE:
                if small:
                    yield bytes(small)
                    small.clear()
                yield piece
                continue
            small += piece
            if len(small) >= PIECE:
                yield bytes(small)
                small.clear()
        yield bytes(small)

    def _pieces(self) -> Iterator[bytes]:
        opening = f"--{self.boundary}\r\n".encode()
        for part in self._parts:
            yield opening
            yield part.head
            yield from contents(part)
            yield b"\r\n"
        yield f"--{self.boundary}--\r\n".encode()


def contents(part: Part) -> Iterator[bytes]:
    """Give the content of a part, and see that it is neither shorter nor longer than promised."""
    if isinstance(part.content, bytes):
        yield part.content
        return
    given = 0
    for piece in part.content():
        given += len(piece)
        if part.length is not None and given > part.length:
            break
        yield piece
    if part.length is not None and given != part.length:
        raise RuntimeError(f"a part of {part.length} bytes gave {given}{' or more' if given > part.length else ''}")


def part_head(name: str, filename: str | None, content_type: str | None, headers: Sequence[tuple[str, str]]) -> bytes:
    """Write the header fields of one part, and the empty line behind them."""
    lines = [f'Content-Disposition: form-data; name="{quoted(name)}"']
    if filename is not None:
        lines[0] += f'; filename="{quoted(filename)}"'
        content_type = content_type or "application/octet-stream"
    if content_type is not None:
        lines.append(f"Content-Type: {checked(content_type)}")
    for field, value in headers:
        if not TOKEN.fullmatch(field) or field.lower() in OWN_FIELDS:
            raise ValueError(f"a part cannot have the header field {field!r}")
        lines.append(f"{field}: {checked(value)}")
    return "\r\n".join([*lines, "\r\n"]).encode("utf-8", "replace")  # a file's name need not be Unicode on every system


def quoted(text: str) -> str:
    """Escape a name as browsers do (WHATWG HTML, 4.10.22.8): it stays UTF-8, and cannot leave its quotes or its line."""
    if "\0" in text:
        raise ValueError(f"{text!r} cannot be a name in a form: it has a NUL")
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def checked(value: str) -> str:
    if CONTROL.search(value):
        raise ValueError(f"{value!r} cannot be the value of a header field")
    return value
