"""What the server answers, as values: a `Reply`, the `Fault` that spoils it, and the steps both come down to.

`script` is the one place that interprets a fault. It knows no protocol: HTTP/1.1 and HTTP/2 each say what a step is on their wire.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from .._protocol.headers import Headers

__all__ = ["Again", "Cut", "Data", "End", "Fault", "Head", "Interim", "Raw", "Received", "Reply", "Step", "Wait", "drip", "script"]

Fields: TypeAlias = "list[tuple[str, str]]"
CutKind: TypeAlias = Literal["", "reset", "drop", "close", "half", "stall", "goaway", "refuse"]
Place: TypeAlias = Literal["before", "head", "body"]


@dataclass(frozen=True)
class Received:
    """A request as the server received it; `connection` counts from 1."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    protocol: str
    connection: int

    @cached_property
    def json(self) -> Any:
        """The body, parsed; raises `ValueError` where it is not JSON."""
        return json.loads(self.body)


@dataclass
class Reply:
    """An answer: its head, and its body in pieces that are sent `gap` seconds apart."""

    status: int
    headers: Fields
    pieces: Sequence[bytes]
    gap: float = 0.0
    framing: Literal["sized", "chunked", "close"] = "sized"


@dataclass(frozen=True)
class Fault:
    """How an answer differs from the usual one. Every field left alone changes nothing, and they combine.

    Args:
        status: answer with this status; without `body` an error body of the API's usual shape is made.
        headers: fields to add; one that the answer has already is replaced; `connection: close` is obeyed.
        body: the body instead of the usual one: bytes, text, or an object to send as JSON.
        pieces: the body in these pieces, chunked and `gap` seconds apart.
        raw: exactly these bytes in place of an answer, `gap` seconds apart; then the connection is closed, unless `cut` says "stall".
        framing: "sized" (Content-Length), "chunked" or "close" (the end of the connection is the end of the body).
        gzip: send the body gzip-coded.
        bomb: a gzip-coded JSON body that grows to this many bytes.
        interim: this many interim answers (103) come first; -1: they never end.
        delay: seconds before the first byte.
        gap: seconds between pieces; with `drip`, between drops.
        drip: send at most this many bytes of the body (or of `raw`) at a time.
        cut: how the answer breaks off: "reset" (TCP RST; RST_STREAM in HTTP/2), "drop" (closed; over TLS without close_notify),
            "close" (closed politely), "half" (only the sending side is closed), "stall" (nothing more, until the client leaves),
            "goaway" and "refuse" (HTTP/2: the stream was not processed; HTTP/1.1 closes).
        at: where it breaks off: "before" the head, inside the "head", or inside the "body".
        after: bytes of the body that are sent first; None: half of them.
        again: a second answer follows the first one after this many seconds; 0: in the same packet.
    """

    status: int | None = None
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    body: bytes | str | dict[str, Any] | list[Any] | None = None
    pieces: Sequence[bytes] = ()
    raw: Sequence[bytes] = ()
    framing: Literal["", "sized", "chunked", "close"] = ""
    gzip: bool = False
    bomb: int = 0
    interim: int = 0
    delay: float = 0.0
    gap: float = 0.0
    drip: int = 0
    cut: CutKind = ""
    at: Place = "before"
    after: int | None = None
    again: float | None = None


# ---------------------------------------------------------------------------------------------------------------- steps


@dataclass(frozen=True)
class Head:
    """The head of the answer, or (`half`) only its first bytes."""

    status: int
    headers: Fields
    framing: str
    size: int
    half: bool = False


@dataclass(frozen=True)
class Data:
    """Bytes of the body."""

    data: bytes


@dataclass(frozen=True)
class Raw:
    """Bytes for the wire as they are."""

    data: bytes


@dataclass(frozen=True)
class Wait:
    """Let `seconds` pass."""

    seconds: float


@dataclass(frozen=True)
class Interim:
    """An interim answer."""


@dataclass(frozen=True)
class Again:
    """A second, uncalled-for answer."""


@dataclass(frozen=True)
class Cut:
    """The answer breaks off here."""

    how: CutKind


@dataclass(frozen=True)
class End:
    """The end of the body."""


Step: TypeAlias = "Head | Data | Raw | Wait | Interim | Again | Cut | End"
NO_FAULT = Fault()


def script(reply: Reply, fault: Fault) -> Iterator[Step]:
    """Yield the steps of `reply` as `fault` would have it."""
    if fault is NO_FAULT:
        yield from _plain(reply)
        return
    if fault.delay:
        yield Wait(fault.delay)
    if fault.raw:
        yield from _verbatim(fault)
        return
    sent = 0
    while sent != fault.interim:
        yield Interim()
        sent += 1
    yield from _spoilt(_changed(reply, fault), fault)


def _plain(reply: Reply) -> Iterator[Step]:
    yield Head(reply.status, reply.headers, reply.framing, sum(map(len, reply.pieces)))
    yield from _body(reply.pieces, reply.gap)
    yield End()


def _body(pieces: Sequence[bytes], gap: float) -> Iterator[Step]:
    if not gap:
        yield Data(b"".join(pieces))
        return
    for number, piece in enumerate(pieces):
        if number:
            yield Wait(gap)
        yield Data(piece)


def _verbatim(fault: Fault) -> Iterator[Step]:
    for number, piece in enumerate(fault.raw):
        if number and fault.gap:
            yield Wait(fault.gap)
        yield Raw(piece)
    yield Cut(fault.cut or "close")


def _spoilt(reply: Reply, fault: Fault) -> Iterator[Step]:
    size = sum(map(len, reply.pieces))
    if fault.cut and fault.at == "before":
        yield Cut(fault.cut)
        return
    half = bool(fault.cut) and fault.at == "head"
    yield Head(reply.status, reply.headers, reply.framing, size, half)
    if fault.cut:
        if not half:
            yield from _body(_first(reply.pieces, size // 2 if fault.after is None else fault.after), reply.gap)
        yield Cut(fault.cut)
        return
    yield from _body(reply.pieces, reply.gap)
    yield End()
    if fault.again is not None:
        if fault.again:
            yield Wait(fault.again)
        yield Again()


def _first(pieces: Sequence[bytes], size: int) -> list[bytes]:
    kept: list[bytes] = []
    for piece in pieces:
        if size <= 0:
            break
        kept.append(piece[:size])
        size -= len(piece)
    return kept


def drip(steps: Iterator[Step], size: int, gap: float) -> Iterator[Step]:
    """Cut the bytes of the steps into drops of at most `size` bytes, `gap` seconds apart."""
    for step in steps:
        if isinstance(step, (Data, Raw)):
            for start in range(0, len(step.data), size):
                yield type(step)(step.data[start : start + size])
                yield Wait(gap)
        else:
            yield step


# ------------------------------------------------------------------------------------------------------ changed answers


def _changed(reply: Reply, fault: Fault) -> Reply:
    """Return the reply with the status, header fields and body that the fault asks for."""
    fields, pieces, framing = list(reply.headers), reply.pieces, reply.framing
    if fault.pieces:
        pieces, framing = fault.pieces, "chunked"
    elif fault.body is not None or fault.status is not None:
        pieces, framing = [_body_of(fault)], "sized"
        fields = _with(fields, [("content-type", _content_type(fault))])
    if fault.bomb:
        pieces, fields = [_bomb(fault.bomb)], _with(fields, [("content-encoding", "gzip"), ("content-type", "application/json")])
    elif fault.gzip:
        pieces, fields = _zipped(pieces), _with(fields, [("content-encoding", "gzip")])
    extra = list(fault.headers.items()) if isinstance(fault.headers, Mapping) else list(fault.headers)
    return Reply(fault.status or reply.status, _with(fields, extra), pieces, fault.gap or reply.gap, fault.framing or framing)


def _with(fields: Fields, extra: Fields) -> Fields:
    taken = {name.lower() for name, _ in extra}
    return [(name, value) for name, value in fields if name.lower() not in taken] + extra


def _content_type(fault: Fault) -> str:
    if isinstance(fault.body, str):
        return "text/html; charset=utf-8" if fault.body.lstrip().startswith("<") else "text/plain; charset=utf-8"
    return "application/json"


def _body_of(fault: Fault) -> bytes:
    body = fault.body
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if body is not None:
        return json.dumps(body).encode()
    status = fault.status or 500
    message, kind, code = _ERRORS.get(status, (f"The server was told to answer {status}.", "invalid_request_error", None))
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


_ERRORS: dict[int, tuple[str, str, str | None]] = {
    401: ("That API key is not known here.", "invalid_request_error", "invalid_api_key"),
    429: ("Too many requests: slow down.", "requests", "rate_limit_exceeded"),
    500: ("Something went wrong in the server.", "server_error", None),
    502: ("The server behind the gateway is gone.", "server_error", None),
    503: ("The server is overloaded: try again later.", "server_error", None),
    504: ("The server behind the gateway is too slow.", "server_error", None),
}


def _zipped(pieces: Sequence[bytes]) -> list[bytes]:
    """Code each piece so that it can be read as soon as it has come: what a server that streams does."""
    coder = zlib.compressobj(wbits=31)
    coded = [coder.compress(piece) + coder.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return [*coded, coder.flush()]


def _bomb(size: int) -> bytes:
    """Return `{}` behind `size` blanks, gzip-coded.

    After a full flush the coder remembers nothing (RFC 1951, 3.2), so that equal blocks have equal codes and one code can be repeated.
    """
    blank = b" " * 1_048_576
    coder = zlib.compressobj(9, wbits=-15)
    block = coder.compress(blank) + coder.flush(zlib.Z_FULL_FLUSH)
    count, rest = divmod(size, len(blank))
    tail = zlib.compressobj(9, wbits=-15)
    last = tail.compress(blank[:rest] + b"{}") + tail.flush()
    check = 0
    for _ in range(count):
        check = zlib.crc32(blank, check)
    check = zlib.crc32(blank[:rest] + b"{}", check)
    length = (size + 2) & 0xFFFFFFFF
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * count + last + check.to_bytes(4, "little") + length.to_bytes(4, "little")
