"""One stream of an HTTP/2 connection: what a response may look like (RFC 9113, 8), and how much of its window is in use."""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING
from .base import Data, Head
from .headers import Headers

if TYPE_CHECKING:
    from typing import TypeAlias

    Fields: TypeAlias = list[tuple[str, str]]

__all__ = ["MalformedError", "Stream"]

BODILESS = (204, 304)  # RFC 9110, 6.4.1
SWITCHING = 101  # HTTP/2 has no such status (8.6)

_is_status = re.compile(r"[1-5][0-9][0-9]").fullmatch
_is_length = re.compile(r"[0-9]{1,19}").fullmatch
# Fields, each as "name:value\n" (8.2.1, 8.2.2): lower case, no pseudo-header, no control character, no space around, nothing of HTTP/1.1.
_are_fields = re.compile(
    r"(?:(?!(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade):)"
    r"[!#$%&'*+.^_`|~0-9a-z-]+:(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?\n)*"
).fullmatch


class MalformedError(Exception):
    """The response breaks the rules of HTTP: its stream is refused, the connection goes on (8.1.1)."""


class Stream:
    """A stream that is open."""

    __slots__ = ("answered", "bodiless", "data", "ended", "id", "interim", "left", "parts", "taken", "window")

    def __init__(self, stream_id: int, window: int, bodiless: bool, ended: bool) -> None:
        self.id = stream_id
        self.window = window  # bytes the peer may still send
        self.taken = 0  # bytes the reader has taken and the peer has not been told of
        self.bodiless = bodiless  # the response to HEAD
        self.ended = ended  # our side
        self.answered = False
        self.interim = 0  # how many interim responses there were
        self.left: int | None = None  # bytes of the body to come, where its length was told
        self.data: Data | None = None  # the event that is being filled, and its pieces
        self.parts: list[bytes] = []

    def receive_head(self, fields: Fields, max_fields: int) -> Head:
        """Return the head that the fields make."""
        status = _take_status(fields)
        check_fields(fields, max_fields)
        lengths = {value for name, value in fields if name == "content-length"}
        if status < 200 or len(lengths) > 1 or not all(map(_is_length, lengths)):
            raise MalformedError("a malformed head")
        self.answered = True
        if self.bodiless or status in BODILESS:
            self.left = 0  # whatever the head says of a length (RFC 9110, 8.6)
        elif lengths:
            self.left = int(lengths.pop())
        headers = Headers(fields)
        return Head(status, headers, "HTTP/2", headers.get("content-encoding"))

    def receive_interim(self, fields: Fields, max_fields: int) -> None:
        """Check an interim response, and count it."""
        status = _take_status(fields)
        check_fields(fields, max_fields)
        if status > 199 or status == SWITCHING:
            raise MalformedError("a malformed interim response")
        self.interim += 1

    def receive_chunk(self, chunk: bytes) -> Data | None:
        """Add a chunk to the body; return the event if there is none that it could join."""
        if self.left is not None:
            self.left -= len(chunk)
            if self.left < 0:
                raise MalformedError("a longer body than was announced")
        self.parts.append(chunk)
        if self.data is not None:
            return None
        self.data = Data(chunk)
        return self.data

    def receive_end(self) -> None:
        """Check that the body is complete."""
        if self.left:
            raise MalformedError("a shorter body than was announced")

    def join(self) -> None:
        """Fill the event that was returned last; what follows makes another."""
        if self.data is not None:
            self.data.data = b"".join(self.parts)
            self.data = None
            self.parts = []


def check_fields(fields: Fields, most: int) -> None:
    """Check the fields of a head, without its status, or of trailers."""
    if len(fields) > most:
        raise MalformedError(f"more than {most} fields")
    if not _are_fields("".join([f"{name}:{value}\n" for name, value in fields])):
        raise MalformedError("malformed fields")


def _take_status(fields: Fields) -> int:
    """Take the status away from the front of the fields."""
    if not fields or fields[0][0] != ":status" or not _is_status(fields[0][1]):
        raise MalformedError("no status where one belongs")
    return int(fields.pop(0)[1])
