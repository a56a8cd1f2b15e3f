"""One HTTP/1.1 connection, the client's side (RFC 9112): requests become bytes, bytes become the events of a response.

It leaves to others: the waiting, content codings (`coding`), tunnels (`proxy`), and which headers a request needs, `host` among them.

    state        what comes                                     next state
    IDLE         request()                                      HEAD
                 a byte                                         FAILED: nobody asked
                 the peer's end                                 CLOSED
    HEAD         an interim head (1xx)                          HEAD, at most `max_interim` times
                 a final head, its body sized                   SIZED
                 a final head, its body in chunks               CHUNKED
                 a final head, no length told                   UNTIL_CLOSE
                 a final head, no body                          the end
    SIZED        the last byte                                  the end
    CHUNKED      a part of a chunk, or of its line              CHUNKED
                 the end of a chunk, and nothing more           BETWEEN
                 the chunk of size 0                            TRAILERS
    BETWEEN      as in CHUNKED
    TRAILERS     the empty line                                 the end
    UNTIL_CLOSE  the peer's end                                 CLOSED
    the end      both sides keep the connection, nothing over   IDLE
                 anything else                                  CLOSED
    any          a broken rule, or a misuse                     FAILED

The peer's end in HEAD, SIZED, CHUNKED, BETWEEN and TRAILERS breaks a rule.  Lines end with CR LF and nothing else: a bare CR or LF,
which RFC 9112, 2.2 lets a reader tolerate, is refused, since two readers that differ about it see two different messages.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .base import Data, End, Head, ProtocolError
from .grammar import (
    BARE,
    CHUNK_LINE,
    CHUNK_LINE_START,
    FieldLines,
    options_of,
    read_length,
    read_section,
    read_status,
    write_head,
)
from .headers import Headers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .base import Event

__all__ = ["BETWEEN", "CHUNKED", "CLOSED", "FAILED", "HEAD", "IDLE", "SIZED", "TRAILERS", "UNTIL_CLOSE", "Http1"]

IDLE = "idle"
HEAD = "waiting for the head"
SIZED = "in a sized body"
CHUNKED = "in a chunked body"
BETWEEN = "in a chunked body, between two chunks"
TRAILERS = "in the trailers"
UNTIL_CLOSE = "in a body that ends with the connection"
CLOSED = "closed"
FAILED = "failed"

_ALWAYS_SIZED = frozenset(("PATCH", "POST", "PUT"))  # RFC 9110, 8.6: their length is told even when it is 0
_BODILESS = frozenset((204, 304))  # RFC 9112, 6.3, rule 1
_UNTIL_END = -1  # of a request body in chunks: how much is unsent is not known
_END = End()


class Http1:
    """One connection: `request`, then `receive` until `End`; then, while `reusable`, again.

    Args:
        max_head: bytes of one head, and of the trailers.
        max_fields: header fields of one head, and of the trailers.
        max_interim: interim responses (1xx) before one final response.

    Every method may raise `RuntimeError` where the state forbids the call.  After a `ProtocolError` or a `RuntimeError` the connection is
    FAILED for good.
    """

    __slots__ = (
        "_interims",
        "_keeps_alive",
        "_kept",
        "_left",
        "_lines",
        "_max_fields",
        "_max_head",
        "_max_interim",
        "_method",
        "_unsent",
        "received",
        "state",
    )

    def __init__(self, *, max_head: int = 65536, max_fields: int = 200, max_interim: int = 16) -> None:
        self._max_head = max_head
        self._max_fields = max_fields
        self._max_interim = max_interim
        self.state = IDLE
        self.received = False  # whether any byte of the current response has come
        self._method = ""
        self._lines = FieldLines()
        self._keeps_alive = True  # what both sides have said so far
        self._unsent = 0  # bytes of the request's body that were announced and not yet sent, or _UNTIL_END
        self._interims = 0
        self._left = 0  # bytes of the sized body, or of the current chunk, still to come
        self._kept = bytearray()  # a head, a chunk line or trailers that have begun and not ended

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent on this connection now."""
        return self.state == IDLE

    # What we send

    def request(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes = b"",
        *,
        length: int | None = None,
        chunked: bool = False,
    ) -> bytes:
        """Start an exchange, and return the bytes of the request: its head and, where it is given, its whole body.

        A body that comes later is announced by `length` (its bytes) or by `chunked`; `body_piece` and `end_body` send it.  The framing
        fields (content-length, transfer-encoding) are added here and may not be among `headers`; `host` must be.

        Raises:
            ValueError: a method, target, name or value that is not allowed; nothing has happened then.
            RuntimeError: the connection is not `reusable`.
        """
        if self.state != IDLE:
            raise self._misused("a request cannot start")
        if chunked or length is not None:
            unsent, framing = _announced(body, length, chunked)
        else:
            unsent, framing = 0, f"content-length: {len(body)}\r\n" if body or method in _ALWAYS_SIZED else ""
        head = write_head(method, target, headers, framing, self._lines)
        self._method = method
        self._keeps_alive = not self._lines.closing
        self._unsent = unsent
        self._interims = 0
        self.received = False
        self.state = HEAD
        return head + body if body else head

    def body_piece(self, data: bytes) -> bytes:
        """Return the bytes that send a piece of the announced body; an empty piece sends nothing.

        Raises:
            ValueError: the body is longer than announced; the connection is FAILED then.
        """
        if self.state in (IDLE, CLOSED, FAILED):
            raise self._misused("a piece of a body cannot be sent")
        if self._unsent == _UNTIL_END:
            return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        if len(data) > self._unsent:
            self.state = FAILED
            raise ValueError("the request's body is longer than announced")
        self._unsent -= len(data)
        return data

    def end_body(self) -> bytes:
        """Return the bytes, often none, that end the announced body.

        Raises:
            ValueError: the body is shorter than announced; the connection is FAILED then.
        """
        if self.state == FAILED or (self._unsent and self.state == CLOSED):
            raise self._misused("a body cannot be ended")
        if self._unsent > 0:
            self.state = FAILED
            raise ValueError(f"the request's body is {self._unsent} bytes shorter than announced")
        mark = b"0\r\n\r\n" if self._unsent else b""
        self._unsent = 0
        return mark

    # What we receive

    def receive(self, data: bytes) -> list[Event]:
        """Take what the network gave, b"" for its end, and return the events it completes; at most one `Data`.

        Bytes that follow the end of the response in the same piece do not spoil it, but the connection is not `reusable` then.

        Raises:
            ProtocolError: the peer broke a rule, or hung up where it may not.
        """
        if self.state == BETWEEN and data.endswith(b"\r\n"):
            start, end = data.find(b"\r\n") + 2, len(data) - 2
            if start < end and data[: start - 2].lower() == b"%x" % (end - start):
                return [Data(data[start:end])]  # one whole chunk and nothing else: what each read of a slow stream gives
        if self.state == FAILED:
            raise self._misused("nothing can be received")
        events: list[Event] = []
        try:
            if not data:
                return self._hang_up()
            if self._kept or self.state == BETWEEN:
                data = self._join(data)
            if self.state not in _STEPS:
                raise ProtocolError("the server sent bytes that nobody asked for")
            self.received = True
            position, size = 0, len(data)
            while position < size:
                step = _STEPS.get(self.state)
                if step is None:
                    # More than one answer: whose it is cannot be known, so it must never answer the next request (RFC 9112, 9.2).
                    self.state = CLOSED
                    break
                position = step(self, data, position, events)
        except ProtocolError:
            self.state = FAILED
            raise
        return events

    def _hang_up(self) -> list[Event]:
        state = self.state
        if state in (IDLE, CLOSED, UNTIL_CLOSE):
            self.state = CLOSED
            return [_END] if state == UNTIL_CLOSE else []
        if state == SIZED:
            raise ProtocolError(f"the server hung up in a sized body, {self._left} bytes before its end")
        if state != HEAD:
            raise ProtocolError(f"the server hung up {state}")
        raise ProtocolError(f"the server hung up {'in the head' if self.received else 'before any byte'} of the response")

    def _join(self, data: bytes) -> bytes:
        """Return what was kept and `data` as one, or b"" when it is still without end.  Never scans anything twice: a drip stays linear."""
        if self.state == BETWEEN:
            self.state = CHUNKED
            return b"\r\n" + data  # the end of the chunk before: a chunk line is read together with it
        kept = self._kept
        seen = max(len(kept) - 3, 0)
        kept += data
        if self.state != CHUNKED and kept.find(b"\r\n\r\n", seen) < 0:
            self._check_unfinished(seen)
            return b""
        whole = bytes(kept)
        kept.clear()
        return whole

    def _keep(self, data: bytes, position: int) -> int:
        self._kept += data[position:]
        self._check_unfinished(0)
        return len(data)

    def _check_unfinished(self, seen: int) -> None:
        """Refuse early what can never become a head or trailers, so that a wrong peer does not look like a slow one."""
        kept = self._kept
        if len(kept) > self._max_head:
            raise ProtocolError(f"more than {self._max_head} bytes {self._where()}")
        if self.state == HEAD and not kept.startswith(b"HTTP/1."[: len(kept)]):
            raise ProtocolError("the server does not speak HTTP/1.1")
        if BARE.search(kept, seen):
            raise ProtocolError(f"a bare CR or LF {self._where()}")

    def _read_head(self, data: bytes, position: int, events: list[Event]) -> int:
        end = data.find(b"\r\n\r\n", position)
        if end < 0:
            return self._keep(data, position)
        text, framing = read_section(data[position : end + 2], self._max_head, self._max_fields, "in the head")
        version, status = ("HTTP/1.1", 200) if text.startswith("HTTP/1.1 200 ") else read_status(text)
        if status < 200:
            self._count_interim(status)
            return end + 4
        events.append(Head(status, Headers.received(text), version, framing.get("content-encoding")))
        self.state = state = self._frame(status, framing, version)
        if state == HEAD:
            self._finish(events)
        return end + 2 if state == CHUNKED else end + 4  # a chunk line begins with the CR LF before it

    def _count_interim(self, status: int) -> None:
        if status == 101:
            raise ProtocolError("the server switches protocols, and nobody asked it to")
        self._interims += 1
        if self._interims > self._max_interim:
            raise ProtocolError(f"more than {self._max_interim} interim responses")

    def _frame(self, status: int, framing: dict[str, str], version: str) -> str:
        """Decide how the body ends (RFC 9112, 6.3), and whether the connection outlives it (9.3); HEAD is returned where there is none."""
        if version != "HTTP/1.1" or "connection" in framing:
            options = options_of(framing.get("connection", ""))
            self._keeps_alive = self._keeps_alive and "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)
        coding, length = framing.get("transfer-encoding"), framing.get("content-length")
        if coding is not None:
            self._check_coding(coding, length, version)
        left = None if length is None else int(length) if length.isdecimal() and len(length) < 20 else read_length(length)
        if left == 0 or self._method == "HEAD" or status in _BODILESS:
            return HEAD
        if left:
            self._left = left
            return SIZED
        return UNTIL_CLOSE if coding is None else CHUNKED

    def _check_coding(self, coding: str, length: str | None, version: str) -> None:
        if length is not None:
            raise ProtocolError("both transfer-encoding and content-length")
        if coding != "chunked":
            raise ProtocolError(f"an unknown transfer coding: {coding[:60]!r}")
        if version == "HTTP/1.0":
            self._keeps_alive = False  # RFC 9112, 6.1: it knows no chunks; processed, then closed

    def _read_sized(self, data: bytes, position: int, events: list[Event]) -> int:
        body = data[position : position + self._left]  # the very same object where nothing surrounds it
        events.append(Data(body))
        size = len(body)
        self._left = left = self._left - size
        if not left:
            events.append(_END)  # and on, as in `_finish`
            self.state = IDLE if self._keeps_alive and not self._unsent else CLOSED
        return position + size

    def _read_until_close(self, data: bytes, position: int, events: list[Event]) -> int:
        events.append(Data(data[position:]))
        return len(data)

    def _read_chunks(self, data: bytes, position: int, events: list[Event]) -> int:
        pieces: list[bytes] = []
        size, left = len(data), self._left
        while position < size:
            if left:
                piece = data[position : position + left]
                pieces.append(piece)
                position += len(piece)
                left -= len(piece)
                continue
            if size - position == 2 and data.endswith(b"\r\n"):
                self.state = BETWEEN
                position = size
                break
            line = CHUNK_LINE.match(data, position)
            if line is None:
                self._keep_chunk_line(data, position)
                position = size
                break
            position = line.end()
            left = int(line[1], 16)
            if not left:
                self.state = TRAILERS
                position -= 2  # the trailers begin with the CR LF of this line: their end is then always an empty line
                break
        self._left = left
        if pieces:
            events.append(Data(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        return position

    def _keep_chunk_line(self, data: bytes, position: int) -> None:
        if not CHUNK_LINE_START.fullmatch(data, position):
            raise ProtocolError(f"a bad end or size of a chunk: {data[position : position + 24]!r}")
        self._kept += data[position:]

    def _read_trailers(self, data: bytes, position: int, events: list[Event]) -> int:
        end = data.find(b"\r\n\r\n", position)
        if end < 0:
            return self._keep(data, position)
        read_section(
            data[position : end + 2], self._max_head, self._max_fields, TRAILERS
        )  # checked, and dropped: nothing of ours depends on them (RFC 9110, 6.5.1)
        self._finish(events)
        return end + 4

    def _finish(self, events: list[Event]) -> None:
        events.append(_END)
        # RFC 9112, 9.3: a request that was answered before all of it was sent leaves the connection in the middle of that request.
        self.state = IDLE if self._keeps_alive and not self._unsent else CLOSED

    # Trouble

    def _where(self) -> str:
        return "in the head" if self.state == HEAD else self.state

    def _misused(self, message: str) -> RuntimeError:
        state, self.state = self.state, FAILED
        return RuntimeError(f"{message}: the connection is {state}")


def _announced(body: bytes, length: int | None, chunked: bool) -> tuple[int, str]:
    """Return how much of a body that comes later is unsent, and the field that tells how it will end."""
    if body or (chunked and length is not None):
        raise ValueError("a body is given at once, or announced by its length, or sent in chunks")
    if length is None:
        return _UNTIL_END, "transfer-encoding: chunked\r\n"
    if length < 0:
        raise ValueError("a body cannot be shorter than nothing")
    return length, f"content-length: {length}\r\n"


_STEPS: dict[str, Callable[[Http1, bytes, int, list[Event]], int]] = {
    HEAD: Http1._read_head,  # pyright: ignore[reportPrivateUsage]  # a table of the class above
    SIZED: Http1._read_sized,  # pyright: ignore[reportPrivateUsage]
    CHUNKED: Http1._read_chunks,  # pyright: ignore[reportPrivateUsage]
    TRAILERS: Http1._read_trailers,  # pyright: ignore[reportPrivateUsage]
    UNTIL_CLOSE: Http1._read_until_close,  # pyright: ignore[reportPrivateUsage]
}
