"""The grammar of HTTP/1.1 heads and chunk lines: write a head, take one apart.  What a head means is left to `http1`."""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING
from .base import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "BARE",
    "CHUNK_LINE",
    "CHUNK_LINE_START",
    "FieldLines",
    "options_of",
    "read_length",
    "read_section",
    "read_status",
    "write_head",
]

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, 5.6.2
_CONTROLS = bytes([*range(9), *range(10, 32), 127])  # all but HTAB, which may stand in a value (RFC 9110, 5.5)
_NO_CONTROLS = bytes(set(range(256)).difference(_CONTROLS))
# In lower case: a line after a bare LF; a field that the framing of the body depends on; a line that is no field.
_NOTABLE = re.compile(rf"\n(?:(?<!\r\n)|(connection|content-encoding|content-length|transfer-encoding):([^\r]*)|(?!{_TOKEN}:))")
_EXTENSION = r"[ \t]{0,16}(?:;[\t -~\x80-\xff]{0,4096})?"  # RFC 9112, 7.1.1: read over

_STATUS_LINE = re.compile(r"(HTTP/1\.[01]) ([1-5][0-9][0-9])(?: .*)?\r")  # the last space is often forgotten
BARE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
# The CR LF that ends a chunk, or the head, and the line that follows: one match checks both.
CHUNK_LINE = re.compile(rf"\r\n([0-9A-Fa-f]{{1,16}}){_EXTENSION}\r\n".encode())
CHUNK_LINE_START = re.compile(rf"\r(?:\n(?:[0-9A-Fa-f]{{1,16}}(?:{_EXTENSION}\r?)?)?)?".encode())

_is_token = re.compile(_TOKEN).fullmatch
_is_value = re.compile(r"[\t -~\x80-\xff]*").fullmatch
_is_length = re.compile(r"[0-9]{1,19}").fullmatch
_METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
_FRAMING = frozenset(("content-length", "transfer-encoding"))
_MAX_KNOWN = 1000
_known_names: set[str] = set()  # names found good before, never more than _MAX_KNOWN
_MAX_LINES = 64
"""Lines that a connection keeps. One of each request is new, its Idempotency-Key, so that now and then all are written anew."""


class FieldLines(dict[tuple[str, str], str]):
    """Header field -> its line: what the requests of one connection have in common is checked and written once.

    Attributes:
        closing: whether one of them asked to close the connection.
    """

    __slots__ = ("closing",)

    def __init__(self) -> None:
        super().__init__()
        self.closing = False

    def __missing__(self, field: tuple[str, str]) -> str:
        name, value = field
        if name not in _known_names:
            self._check_name(name, value)
        if not (value.isascii() and value.isprintable()) and not _is_value(value):
            raise ValueError(f"a character that is not allowed in the value of {name}")  # which may be a secret
        if len(self) >= _MAX_LINES:
            self.clear()
        line = self[field] = f"{name}: {value}\r\n"
        return line

    def _check_name(self, name: str, value: str) -> None:
        if not _is_token(name):
            raise ValueError(f"a bad name of a header field: {name[:60]!r}")
        lowered = name.lower()
        if lowered in _FRAMING:
            raise ValueError(f"{lowered} is written by the connection itself")
        if lowered == "connection":
            self.closing = self.closing or "close" in options_of(value)
        elif len(_known_names) < _MAX_KNOWN:
            _known_names.add(name)

    def __repr__(self) -> str:
        return f"<{len(self)} lines>"  # a traceback may show it, and there is a key among them


def write_head(method: str, target: str, headers: Sequence[tuple[str, str]], framing: str, lines: FieldLines) -> bytes:
    """Return the head of a request.

    Args:
        framing: the line, with its end, that tells the body's length; "" for none.
        lines: of the connection that it will be sent on.

    Raises:
        ValueError: a method, target, name or value that is not allowed, or that belongs to the framing.
    """
    if method not in _METHODS:
        _check_method(method)
    if not (target.isascii() and target.isprintable()) or " " in target or not target:
        raise ValueError("a request target is visible ASCII without spaces")
    return f"{method} {target} HTTP/1.1\r\n{''.join(map(lines.__getitem__, headers))}{framing}\r\n".encode("latin-1")


def _check_method(method: str) -> None:
    if not _is_token(method):
        raise ValueError("a method is a token (RFC 9110, 5.6.2)")
    if method == "CONNECT":
        raise ValueError("CONNECT opens a tunnel, which is no matter of an exchange")


def read_section(section: bytes, max_size: int, max_fields: int, where: str) -> tuple[str, dict[str, str]]:
    """Return a section (lines with their ends), whose first line is none of its fields, as checked text.

    With it come the fields on which the framing of its body depends, names and values in lower case.

    Args:
        max_size: bytes that it may have, with the empty line that follows it.
        max_fields: fields that it may have.
        where: "in the head", say, for the error.

    Raises:
        ProtocolError: it is too large; a line that is no field; a character that may not stand there.
    """
    if len(section) + 2 > max_size:
        raise ProtocolError(f"more than {max_size} bytes {where}")
    ends = section.translate(None, _NO_CONTROLS)
    lines = len(ends) // 2
    if ends != b"\r\n" * lines:
        raise ProtocolError("a control character, or a bare CR or LF, in a header field")
    if lines > max_fields + 1:
        raise ProtocolError(f"more than {max_fields} fields {where}")
    text = section.decode("latin-1")
    framing: dict[str, str] = {}
    for name, given in _NOTABLE.findall(text.lower(), 0, len(text) - 1):
        if not name:
            raise _no_field(text)
        value = given.strip(" \t")  # not left to the pattern, which a run of blanks would cost the square of its length
        framing[name] = f"{framing[name]},{value}" if name in framing else value
    return text, framing  # as many CR as LF, and one before each LF: none is bare


def _no_field(text: str) -> ProtocolError:
    bad = next(match.end() for match in _NOTABLE.finditer(text.lower(), 0, len(text) - 1) if not match[1])
    return ProtocolError(f"a line that is no header field: {text[bad:].partition(':')[0].partition(chr(13))[0][:40]!r}")  # never its value


def read_status(text: str) -> tuple[str, int]:
    """Return the version and the status of a checked head.

    Raises:
        ProtocolError: it begins with no status line.
    """
    line = _STATUS_LINE.match(text)
    if line is None:
        raise ProtocolError(f"a bad status line: {text.splitlines()[0][:60]!r}")
    return line[1], int(line[2])


def read_length(value: str) -> int:
    """Return the one length that a content-length tells, be it several times (RFC 9112, 6.3, rule 5).

    Raises:
        ProtocolError: it tells none, or several.
    """
    lengths = {item.strip(" \t") for item in value.split(",")} if "," in value else {value}
    first = lengths.pop()
    if lengths or not _is_length(first):
        raise ProtocolError(f"a bad content-length: {value[:60]!r}")
    return int(first)


def options_of(connection: str) -> list[str]:
    """Return the options in the value of a connection field, in lower case (RFC 9110, 7.6.1)."""
    return [option.strip(" \t") for option in connection.lower().split(",")]
