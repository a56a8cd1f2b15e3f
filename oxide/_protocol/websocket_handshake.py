"""The opening of a WebSocket (RFC 6455, 4.1): the request, and whether its answer agrees. What follows is left to `websocket`.

request()   an interim head (1xx)          skipped, at most `max_interim` times
            a sound head with status 101   Opened; the bytes behind it are `rest`
            any other final head           its body is read, and then Refused: at its end, at `max_refusal` bytes, at a hang-up
"""

from __future__ import annotations

import re
from binascii import b2a_base64

from .._typing import TYPE_CHECKING
from .base import Data, End, Head, ProtocolError
from .grammar import options_of
from .headers import Headers
from .http1 import Http1
from .websocket_deflate import OFFER, Deflate, agreed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Handshake", "Opened", "Refused"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_INFORMING = b"HTTP/1.1 1"
_SWITCHING = ("HTTP/1.1 101 ", "HTTP/1.1 101\r")
_SOUND_HEAD = re.compile(
    r"HTTP/1\.1 1[0-9][0-9](?: [\t -~\x80-\xff]*)?\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*\r\n"
).fullmatch
_is_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_OURS = frozenset(("connection", "upgrade", "accept-encoding"))


class Opened:
    """The server agrees; from now on messages go both ways."""

    __slots__ = ("headers", "subprotocol")

    def __init__(self, headers: Headers, subprotocol: str | None = None) -> None:
        self.headers = headers
        self.subprotocol = subprotocol

    def __repr__(self) -> str:
        return f"Opened({self.headers!r}, {self.subprotocol!r})"

    def __eq__(self, other: object) -> bool:
        return (self.headers, self.subprotocol) == (other.headers, other.subprotocol) if isinstance(other, Opened) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equality by value, and the headers are no key


class Refused:
    """The server answers with HTTP instead: an error, or a redirect, whose place is the field `location`."""

    __slots__ = ("body", "headers", "status", "version")

    def __init__(self, status: int, headers: Headers, body: bytes, version: str = "HTTP/1.1") -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.version = version

    def __repr__(self) -> str:
        return f"Refused({self.status}, {self.headers!r}, {self.body!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Refused):
            return NotImplemented
        return (self.status, self.headers, self.body) == (other.status, other.headers, other.body)

    __hash__ = None  # type: ignore[assignment]  # as its sibling


class Handshake:
    """One opening: `request`, then `receive` until it returns how it went.

    Args:
        nonce: 16 random bytes.
        subprotocols: those to offer, the preferred one first.
        deflate: whether to offer compression.
        max_head, max_interim, max_refusal: bytes of one head, interim heads, bytes of the body of a refusal that are kept.
    """

    __slots__ = (
        "_deflates",
        "_http",
        "_interims",
        "_kept",
        "_key",
        "_max_head",
        "_max_interim",
        "_max_refusal",
        "_offered",
        "_refusal",
        "_refusing",
        "deflate",
        "rest",
    )

    def __init__(
        self,
        nonce: bytes,
        subprotocols: Sequence[str] = (),
        *,
        deflate: bool = False,
        max_head: int = 65_536,
        max_interim: int = 16,
        max_refusal: int = 1_048_576,
    ) -> None:
        if not all(_is_token(name) for name in subprotocols) or len(set(subprotocols)) < len(subprotocols):
            raise ValueError("the names of subprotocols are different tokens (RFC 6455, 4.1)")
        self._key = b2a_base64(nonce, newline=False)
        self._offered = tuple(subprotocols)
        self._deflates = deflate
        self._max_head = max_head
        self._max_interim = max_interim
        self._interims = 0
        self._max_refusal = max_refusal
        self._kept = bytearray()
        self._http = Http1(max_head=max_head, max_interim=max_interim)  # reads the answer where it is no agreement
        self._refusing = False
        self._refusal: Refused | None = None
        self.deflate: Deflate | None = None  # the compression that was agreed on
        self.rest = b""  # what came behind the head

    def request(self, target: str, fields: Sequence[tuple[str, str]]) -> bytes:
        """Return the request; `fields` must have `host`, and cannot have those of the opening itself. Raises ValueError."""
        if any(name.lower().startswith("sec-websocket-") for name, _ in fields):
            raise ValueError("the fields Sec-WebSocket-... are written by the connection itself")
        sent = [field for field in fields if field[0].lower() not in _OURS]
        sent += [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")]
        sent.append(("Sec-WebSocket-Key", self._key.decode()))
        if self._offered:
            sent.append(("Sec-WebSocket-Protocol", ", ".join(self._offered)))
        if self._deflates:
            sent.append(("Sec-WebSocket-Extensions", OFFER))
        return self._http.request("GET", target, sent)

    def receive(self, data: bytes) -> Opened | Refused | None:
        """Take what the network gave, b"" for its end; return how the opening went, or None while that is not known.

        Raises:
            ProtocolError: the answer breaks the rules, or the peer hung up before it was clear.
        """
        if self._refusing:
            return self._read_refusal(data)
        kept = self._kept
        seen = max(0, len(kept) - 3)
        kept += data
        while data and kept.startswith(_INFORMING[: len(kept)]):
            end = kept.find(b"\r\n\r\n", seen) + 4
            if (len(kept) if end == 3 else end) > self._max_head:
                raise ProtocolError(f"more than {self._max_head} bytes in the head of the answer")
            if end == 3:
                return None
            head = kept[:end].decode("latin-1")
            del kept[:end]
            if not _SOUND_HEAD(head):
                raise ProtocolError("the head of the answer is malformed")
            if head.startswith(_SWITCHING):
                self.rest = bytes(kept)
                return self._agree(head)
            self._interims += 1
            if self._interims > self._max_interim:
                raise ProtocolError(f"more than {self._max_interim} interim responses")
            seen = 0
        self._refusing = True
        early, self._kept = bytes(kept), bytearray()
        refused = self._read_refusal(early) if early else None
        return refused if data or refused else self._read_refusal(b"")

    def unfinished(self) -> Refused | None:
        """Return the refusal whose body has not come to its end, for those who will not wait for that."""
        return self._refusal

    def _read_refusal(self, data: bytes) -> Refused | None:
        try:
            events = self._http.receive(data)
        except ProtocolError:
            if self._refusal is None:
                raise
            return self._refusal  # whatever it was to say, its status has been said
        for event in events:
            if isinstance(event, Head):
                self._refusal = Refused(event.status, event.headers, b"", event.version)
            elif self._refusal is not None and isinstance(event, Data):
                self._refusal.body = (self._refusal.body + event.data)[: self._max_refusal]
        whole = any(isinstance(event, End) for event in events)
        refusal = self._refusal
        return refusal if refusal is not None and (whole or len(refusal.body) == self._max_refusal) else None

    def _agree(self, head: str) -> Opened:
        """Check the answer (RFC 6455, 4.1)."""
        headers = Headers([_field(line) for line in head.split("\r\n")[1:-2]])
        if (headers.get("upgrade") or "").lower() != "websocket" or "upgrade" not in options_of(headers.get("connection") or ""):
            raise ProtocolError("the server switches to something else than WebSocket")
        if headers.get("sec-websocket-accept") != _accept(self._key):
            raise ProtocolError("the server's Sec-WebSocket-Accept does not answer our key")
        subprotocol = headers.get("sec-websocket-protocol")
        if subprotocol is not None and subprotocol not in self._offered:
            raise ProtocolError("the server chose a subprotocol that was not offered")
        extensions = headers.get("sec-websocket-extensions")
        if extensions is not None:
            if not self._deflates:
                raise ProtocolError("the server chose an extension, and none was offered")
            self.deflate = agreed(extensions)
        return Opened(headers, subprotocol)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip(" \t")


def _accept(key: bytes) -> str:
    from hashlib import sha1

    return b2a_base64(sha1(key + _GUID, usedforsecurity=False).digest(), newline=False).decode()
