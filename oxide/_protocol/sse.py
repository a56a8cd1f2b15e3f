"""Server-sent events (WHATWG HTML, 9.2): bytes in, events out, wherever the bytes were cut.

What the data of an event means (`[DONE]`, JSON, errors) is left to the layer above.

Line ends become LF first, and the byte-order mark goes.  Then a blank line is two LF in a row, which lie on a character boundary of UTF-8,
so that whole blocks are decoded at once and a character cut in two needs no care.  A block that is one `data` line, with or without
an `event` line before it, is taken apart by one regular expression; all others are read line by line.
"""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING
from .base import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SSEDecoder", "ServerSentEvent"]

BOM = b"\xef\xbb\xbf"
SIMPLE_BLOCK_OR_LINE = re.compile(r"(?:event: (.+)\n)?data: (.+)\n\n|(.*)\n")
ONE_SIMPLE_BLOCK = re.compile(rb"(?:event: (.+)\n)?data: (.+)\n\n").fullmatch
"""One event and nothing else: what each read of a slow stream gives."""

LARGE = 1 << 20
"""Characters above which matches are not made all at once: a hostile block of empty fields would cost fifty times its size."""


class ServerSentEvent:
    """One event: its type ("message" where none was given), its data, and the id that was current; `retry` is in milliseconds."""

    __slots__ = ("data", "event", "id", "retry")

    def __init__(self, event: str, data: str, id: str = "", retry: int | None = None) -> None:  # noqa: A002 - the name of the field
        self.event = event
        self.data = data
        self.id = id
        self.retry = retry  # only where the event's own block gave one

    def __repr__(self) -> str:
        return f"ServerSentEvent({self.event!r}, {self.data!r}, {self.id!r}, {self.retry!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ServerSentEvent):
            return NotImplemented
        return (self.event, self.data, self.id, self.retry) == (other.event, other.data, other.id, other.retry)

    __hash__ = None  # type: ignore[assignment]  # equality by value of a mutable object


class SSEDecoder:
    """Decodes one event stream.

    Args:
        limit: the most bytes the lines of one block may have, their ends included (each counted as one byte).
        errors: "strict" refuses bytes that are not UTF-8, because a replaced character damages JSON in silence;
            "replace" makes them U+FFFD, as browsers do.

    `last_event_id` and `retry` (milliseconds) hold what the stream has said last.
    """

    __slots__ = (
        *("_careful", "_cr", "_ended", "_failure", "_start"),
        *("_limit", "_offset", "_pending"),
        *("_begun", "_data", "_event", "_retry"),
        *("errors", "last_event_id", "retry"),
    )

    def __init__(self, limit: int = 67_108_864, errors: str = "strict") -> None:
        self.errors = errors
        self.last_event_id = ""
        self.retry: int | None = None
        self._limit = limit
        self._pending = bytearray()  # a block that has not ended
        self._offset = 0  # bytes of the blocks that have ended
        self._careful = True  # one of the four below needs a look
        self._start: bytes | None = b""  # what may become a byte-order mark
        self._cr = False  # the last byte was CR: an LF that follows belongs to it
        self._failure: ProtocolError | None = None
        self._ended = False
        self._begun = False  # a block that is read line by line has said something: the three below
        self._event = ""
        self._data: list[str] = []
        self._retry: int | None = None

    def receive(self, data: bytes) -> list[ServerSentEvent]:
        """Return the events that `data` completes; b"" is the end of the stream, which drops an unfinished block.

        Raises:
            ProtocolError: a block is over the limit, or not UTF-8.  Where events came before it in the same data,
                they are returned, and the next call raises.
        """
        if not data:
            return self._end()
        if self._careful or b"\r" in data:
            data = self._clean(data)
        one = ONE_SIMPLE_BLOCK(data)
        if one is not None and not self._pending and not self._begun and len(data) <= self._limit:
            try:
                event = ServerSentEvent(str(one[1] or b"message", "utf-8"), str(one[2], "utf-8"), self.last_event_id)
            except UnicodeDecodeError:
                pass  # below it is told where
            else:
                self._offset += len(data)
                return [event]
        end = data.rfind(b"\n\n") + 2
        if end == 1 and not (data[:1] == b"\n" and self._pending.endswith(b"\n")):  # neither in the data nor across its beginning
            self._keep(data)
            return []
        if self._pending:
            self._pending += data[:end]
            blocks = bytes(self._pending)
            self._pending.clear()
        else:
            blocks = data[:end]
        events = self._blocks(blocks)
        if end < len(data) and not self._failure:
            self._keep(data[end:], events)
        return events

    def _clean(self, data: bytes) -> bytes:
        """Take away a byte-order mark, and turn CR and CRLF into LF."""
        if self._failure or self._ended:
            raise self._failure or RuntimeError("this event stream has ended")
        if self._start is not None:
            data = self._start + data
            if len(data) < len(BOM) and BOM.startswith(data):
                self._start = data
                return b""
            self._start = None
            data = data.removeprefix(BOM)
        if self._cr and data:
            data = data.removeprefix(b"\n")
            self._cr = False
        if b"\r" in data:
            self._cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._careful = self._cr
        return data

    def _keep(self, data: bytes, events: list[ServerSentEvent] | None = None) -> None:
        """Hold the beginning of a block until its end comes; blank lines before it are no part of it."""
        if not self._pending:
            size = len(data)
            data = data.lstrip(b"\n")
            self._offset += size - len(data)
        self._pending += data
        if len(self._pending) > self._limit:
            self._fail(self._too_large(), events)

    def _blocks(self, blocks: bytes) -> list[ServerSentEvent]:
        """Return the events of blocks that have ended.  The hot path: what it costs is paid for every token of a model."""
        if len(blocks) > self._limit:
            good = self._within_limit(blocks)
            if good < len(blocks):
                return self._before_failure(blocks[:good], self._too_large())
        try:
            text = blocks.decode("utf-8", self.errors)
        except UnicodeDecodeError as error:
            good = blocks.rfind(b"\n\n", 0, error.start) + 2
            fault = ProtocolError(f"byte {self._offset + error.start} of the event stream (a line end counts as one) is not UTF-8")
            return self._before_failure(blocks[:good] if good > 1 else b"", fault)
        self._offset += len(blocks)
        events: list[ServerSentEvent] = []
        for event, data, line in SIMPLE_BLOCK_OR_LINE.findall(text) if len(text) < LARGE else one_by_one(text):
            if data and not self._begun:
                events.append(ServerSentEvent(event or "message", data, self.last_event_id))
            elif line:
                self._field(line)
            else:
                if data:  # the end of a block that began otherwise looks like a simple one
                    self._event = event or self._event
                    self._data.append(data)
                self._dispatch(events)
        return events

    def _field(self, line: str) -> None:
        """Take in one line of a block; a comment has the empty name."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._begun = True
        elif name == "event":
            self._event = value
            self._begun = True
        elif name == "id" and "\0" not in value:
            self.last_event_id = value
        elif name == "retry":
            self._retry = milliseconds(value, self._retry)
            self._begun = True

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        """A blank line: its id and retry count even where the block has no data, and so is no event."""
        if self._retry is not None:
            self.retry = self._retry
        if self._data:
            events.append(ServerSentEvent(self._event or "message", "\n".join(self._data), self.last_event_id, self._retry))
        self._event = ""
        self._data = []
        self._retry = None
        self._begun = False

    def _within_limit(self, blocks: bytes) -> int:
        """Return how many bytes come before the first block that is too large: all, if none is."""
        place = 0
        for block in blocks[:-2].split(b"\n\n"):
            if len(block.strip(b"\n")) + 1 > self._limit:
                return place
            place += len(block) + 2
        return len(blocks)

    def _too_large(self) -> ProtocolError:
        return ProtocolError(f"an event is larger than {self._limit} bytes")

    def _before_failure(self, blocks: bytes, failure: ProtocolError) -> list[ServerSentEvent]:
        """Return the events that came before a fault of the peer."""
        events = self._blocks(blocks) if blocks else []
        if not self._failure:
            self._fail(failure, events)
        return events

    def _fail(self, failure: ProtocolError, events: list[ServerSentEvent] | None) -> None:
        """Raise, at once or in the next call: events that are good must reach the caller first."""
        self._failure = failure
        self._careful = True
        self._pending.clear()
        if not events:
            raise failure

    def _end(self) -> list[ServerSentEvent]:
        if self._failure:
            raise self._failure
        for line in bytes(self._pending).split(b"\n")[:-1]:  # the standard heeds `retry` before the blank line
            name, _, value = line.partition(b":")
            if name == b"retry":
                self.retry = milliseconds(value.decode("latin-1").removeprefix(" "), self.retry)
        self._pending.clear()
        self._ended = self._careful = True
        return []


def one_by_one(text: str) -> Iterator[tuple[str, str, str]]:
    for match in SIMPLE_BLOCK_OR_LINE.finditer(text):
        event, data, line = match.groups("")
        yield event, data, line


def milliseconds(value: str, otherwise: int | None) -> int | None:
    """Return the value of a `retry` field, or `otherwise` where it is not made of ASCII digits alone."""
    if not (value.isascii() and value.isdigit()):
        return otherwise
    digits = value.lstrip("0")
    return int(digits or "0") if len(digits) < 16 else otherwise  # 16 digits are 30,000 years
