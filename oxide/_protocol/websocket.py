"""One WebSocket, the client's side (RFC 6455): messages become bytes, bytes become messages.

It leaves to others: the waiting, the time (when to ping, how long to wait for an answer), and the dice, which are an argument.

    state        what comes                                  next state
    IDLE         connect()                                   CONNECTING
    CONNECTING   the server agrees: Opened                   OPEN
                 it answers otherwise: Refused               CLOSED
    OPEN         a message: str or bytes; Ping, Pong         OPEN
                 close()                                     CLOSING
                 the peer's close: Closed                    CLOSED; our answer is `pending`
                 the peer's end: Closed(1006)                CLOSED
    CLOSING      a message                                   CLOSING: it is dropped, nobody waits for it
                 the peer's close, or its end: Closed        CLOSED
    CLOSED       anything                                    CLOSED: it is read over
    any          a broken rule                               FAILED; a close frame that says which is `pending`

A message is handed out when its last frame has come.  Text is checked to be UTF-8 then, compressed messages are inflated then; both are
bounded.  Frames are read here and not by an engine: docs/decisions/0016 has the figures.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .base import ProtocolError
from .websocket_frames import (
    ABNORMAL,
    BAD_DATA,
    BINARY,
    CLOSE,
    CONTINUATION,
    FINAL,
    MAX_CONTROL,
    NO_CODE,
    PING,
    PONG,
    RESERVED_1,
    TEXT,
    TOO_LARGE,
    Closed,
    Ping,
    Pong,
    WebSocketError,
    check_close,
    masked_frame,
    read_close,
)
from .websocket_handshake import Handshake, Opened, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from .websocket_deflate import Deflate

    SocketEvent: TypeAlias = str | bytes | Opened | Refused | Ping | Pong | Closed

__all__ = ["CLOSED", "CLOSING", "CONNECTING", "FAILED", "IDLE", "OPEN", "WebSocket"]

IDLE = "idle"
CONNECTING = "connecting"
OPEN = "open"
CLOSING = "closing"
CLOSED = "closed"
FAILED = "failed"

_TEXT, _BINARY = FINAL | TEXT, FINAL | BINARY
_MIN_DEFLATED = 1024  # shorter messages are sent as they are: compressing costs more than it saves
_DICE = 1024  # random bytes that are asked for at once
_BAD_SIZE = "the size of a frame is not written as it has to be"  # RFC 6455, 5.2: in as few bytes as possible


class WebSocket:
    """One connection: `connect`, then `receive` until `Opened`; then `send`, `receive` and `close`.

    Args:
        dice: returns as many random bytes as it is asked for; the masks must not be foreseeable (RFC 6455, 10.3).
        deflate: whether to offer compression (RFC 7692).
        max_message: bytes of a message that is received, inflated.
        max_frame: bytes of a frame that is received; None: as many as a message may have.
        max_head, max_refusal: bytes of the head of the answer to the opening, and of the body of a refusal that are kept.

    `pending` returns what the machine itself has to say: after each `receive`, and after an error, it is to be sent.

    Every verb may raise `RuntimeError` where the state forbids it.
    """

    __slots__ = (
        "_compressed",
        "_deflate",
        "_dice",
        "_farewell",
        "_handshake",
        "_kept",
        "_keys",
        "_limits",
        "_max_frame",
        "_max_message",
        "_message",
        "_offers_deflate",
        "_opcode",
        "_place",
        "_pong",
        "_wanted",
        "controls",
        "failure",
        "state",
    )

    def __init__(
        self,
        dice: Callable[[int], bytes],
        *,
        deflate: bool = False,
        max_message: int = 67_108_864,
        max_frame: int | None = None,
        max_head: int = 65_536,
        max_refusal: int = 1_048_576,
    ) -> None:
        self._dice = dice
        self._offers_deflate = deflate
        self._max_message = max_message
        self._max_frame = max_message if max_frame is None else min(max_frame, max_message)
        self._limits = max_head, max_refusal
        self._handshake: Handshake | None = None
        self._deflate: Deflate | None = None
        self._keys = b""  # dice that were thrown
        self._place = 0  # how many of them are used
        self._kept = bytearray()  # a frame that has begun and not ended
        self._wanted = 0  # how many bytes it has, as far as that is known
        self._opcode = CONTINUATION  # of the message whose frames are coming
        self._compressed = False  # whether that is
        self._message = bytearray()  # and what has come of it
        self._pong: bytes | None = None  # the payload of the last ping, whose answer is not sent yet
        self._farewell: bytes | None = None  # the payload of a close frame that is not sent yet
        self.controls = 0  # control frames that have come
        self.failure: WebSocketError | None = None  # the rule that was broken behind the last events
        self.state = IDLE

    # What we send

    def connect(self, target: str, fields: Sequence[tuple[str, str]], subprotocols: Sequence[str] = ()) -> bytes:
        """Return the request that asks to open. `fields` must have `host`.

        Raises:
            ValueError: a target, field or subprotocol that is not allowed; nothing has happened then.
        """
        if self.state != IDLE:
            raise self._misused("it has been opened before")
        max_head, max_refusal = self._limits
        handshake = Handshake(self._dice(16), subprotocols, deflate=self._offers_deflate, max_head=max_head, max_refusal=max_refusal)
        request = handshake.request(target, fields)
        self._handshake = handshake
        self.state = CONNECTING
        return request

    def send(self, message: str | bytes) -> bytes:
        """Return the bytes of a message: text or binary. Raises ValueError for text that cannot be encoded."""
        if self.state != OPEN:
            raise self._misused("nothing can be sent")
        if isinstance(message, str):
            first, payload = _TEXT, message.encode()  # UnicodeEncodeError is a ValueError
        else:
            first, payload = _BINARY, message
        if self._deflate is not None and len(payload) >= _MIN_DEFLATED:
            first, payload = first | RESERVED_1, self._deflate.deflate(payload)
        return masked_frame(first, payload, self._key())

    def ping(self, payload: bytes = b"") -> bytes:
        """Return the bytes that ask whether the peer is there. Raises ValueError for more than 125 bytes."""
        if self.state != OPEN:
            raise self._misused("nothing can be asked")
        if len(payload) > MAX_CONTROL:
            raise ValueError(f"a ping carries at most {MAX_CONTROL} bytes")
        return masked_frame(FINAL | PING, payload, self._key())

    def close(self, code: int = 1000, reason: str = "") -> bytes:
        """Return the bytes that say goodbye; the peer's own goodbye follows. Raises ValueError: see `check_close`."""
        payload = check_close(code, reason)
        if self.state != OPEN:
            raise self._misused("it cannot be closed")
        self.state = CLOSING
        return self.pending() + masked_frame(FINAL | CLOSE, payload, self._key())

    @property
    def talkative(self) -> bool:
        """Whether there is something `pending`."""
        return self._pong is not None or self._farewell is not None

    def pending(self) -> bytes:
        """Return what the machine has to say, often nothing: the answer to the last ping, and to a close."""
        data = b""
        if self._pong is not None:
            data, self._pong = masked_frame(FINAL | PONG, self._pong, self._key()), None
        if self._farewell is not None:
            data, self._farewell = data + masked_frame(FINAL | CLOSE, self._farewell, self._key()), None
        return data

    def _key(self) -> bytes:
        place = self._place
        if place == len(self._keys):
            self._keys, place = self._dice(_DICE), 0
        self._place = place + 4
        return self._keys[place : place + 4]

    # What we receive

    def receive(self, data: bytes) -> list[SocketEvent]:
        """Take what the network gave, b"" for its end, and return the events it completes: messages as `str` and `bytes`, and others.

        Raises:
            ProtocolError: the peer broke a rule, or hung up in the opening. Where events came before that they are returned, and
                `failure` is set instead.
        """
        if self.state != OPEN and self.state != CLOSING:
            return self._receive_otherwise(data)
        if self._kept:
            self._kept += data
            if data and len(self._kept) < self._wanted:
                return []
            data, self._kept = bytes(self._kept) if data else b"", bytearray()
        if not data:
            self.state = CLOSED
            return [Closed(ABNORMAL)]
        closing = self.state == CLOSING
        events: list[SocketEvent] = []
        try:
            self._read_frames(data, events)
        except WebSocketError as error:
            self._fail(error)
            if not events:
                raise
        except UnicodeDecodeError:
            broken = WebSocketError("a text message is no UTF-8", BAD_DATA)
            self._fail(broken)
            if not events:
                raise broken from None
        return [event for event in events if not isinstance(event, (str, bytes))] if closing else events

    def _read_frames(self, data: bytes, events: list[SocketEvent]) -> None:
        position, end = 0, len(data)
        while end - position >= 2:
            first, size = data[position], data[position + 1]
            start = position + 2
            if size == 126:
                start += 2
                if start > end:
                    break
                size = data[position + 2] << 8 | data[position + 3]
                if size < 126:
                    raise WebSocketError(_BAD_SIZE)
            elif size > 126:
                if size > 127:
                    raise WebSocketError("a masked frame came from the server")  # RFC 6455, 5.1
                start += 8
                if start > end:
                    break
                size = int.from_bytes(data[position + 2 : start], "big")
                if size < 65_536 or size >> 63:
                    raise WebSocketError(_BAD_SIZE)
            if first != _TEXT or self._opcode or size > self._max_frame:
                self._check(first, size)
            stop = start + size
            if stop > end:
                start = stop
                break
            if first == _TEXT:
                events.append(data[start:stop].decode())
            elif self._take(first, data[start:stop], events):
                return
            position = stop
        else:
            start = position + 2
        if position < end:
            self._kept += data[position:] if position else data
            self._wanted = start - position

    def _check(self, first: int, size: int) -> None:
        """Check the head of a frame before its payload has come (RFC 6455, 5.2, 5.4 and 5.5)."""
        opcode, compressed = first & 15, first & RESERVED_1
        if first & 0x30 or (compressed and (self._deflate is None or opcode not in (TEXT, BINARY))):
            raise WebSocketError("a frame with a reserved bit that nobody agreed on")
        if opcode in (CLOSE, PING, PONG):
            if size > MAX_CONTROL or not first & FINAL:
                raise WebSocketError("a control frame in parts, or of more than 125 bytes")
        elif opcode > BINARY:
            raise WebSocketError(f"a frame of unknown kind ({opcode})")
        elif (opcode == CONTINUATION) != bool(self._opcode):
            raise WebSocketError("a message begins inside another" if opcode else "a message goes on that has not begun")
        elif size > self._max_frame:
            raise WebSocketError(f"a frame of more than {self._max_frame} bytes", TOO_LARGE)
        elif len(self._message) + size > self._max_message:
            raise WebSocketError(f"a message of more than {self._max_message} bytes", TOO_LARGE)

    def _take(self, first: int, payload: bytes, events: list[SocketEvent]) -> bool:
        """Take a frame that is no whole text; return whether it was the last of all."""
        opcode = first & 15
        self.controls += opcode >= CLOSE
        if opcode == PING:
            self._pong = payload  # RFC 6455, 5.5.3: of several, the last one is answered, so that a flood costs no memory
            events.append(Ping(payload))
        elif opcode == PONG:
            events.append(Pong(payload))
        elif opcode == CLOSE:
            events.append(self._closed(read_close(payload)))
            return True
        else:
            self._take_part(first, opcode, payload, events)
        return False

    def _take_part(self, first: int, opcode: int, payload: bytes, events: list[SocketEvent]) -> None:
        if opcode:
            self._opcode, self._compressed = opcode, bool(first & RESERVED_1)
        if not first & FINAL:
            self._message += payload
            return
        opcode, self._opcode = self._opcode, CONTINUATION
        if self._message:
            payload = bytes(self._message) + payload
            self._message = bytearray()
        if self._compressed and self._deflate is not None:
            payload = self._deflate.inflate(payload, self._max_message)
        events.append(payload if opcode == BINARY else payload.decode())

    def _closed(self, closed: Closed) -> Closed:
        if self.state == OPEN:
            self._farewell = b"" if closed.code == NO_CODE else closed.code.to_bytes(2, "big")  # RFC 6455, 5.5.1: the same code
        self.state = CLOSED
        return closed

    # What we receive when no messages come

    def _receive_otherwise(self, data: bytes) -> list[SocketEvent]:
        if self.state == CLOSED:
            return []
        if self.state != CONNECTING or self._handshake is None:
            raise self._misused("nothing can be received")
        try:
            outcome = self._handshake.receive(data)
        except ProtocolError:
            self.state = FAILED
            raise
        if outcome is None:
            return []
        handshake, self._handshake = self._handshake, None
        if isinstance(outcome, Refused):
            self.state = CLOSED
            return [outcome]
        self.state = OPEN
        self._deflate = handshake.deflate
        return [outcome, *self._receive_first(handshake.rest)]

    def _receive_first(self, rest: bytes) -> list[SocketEvent]:
        """Take what came along with the agreement, which counts whatever follows it."""
        try:
            return self.receive(rest) if rest else []
        except WebSocketError:  # kept as `failure`
            return []

    def refusal(self) -> Refused | None:
        """Return a refusal whose body is still coming, for those who will not wait for its end."""
        return None if self._handshake is None else self._handshake.unfinished()

    def _fail(self, error: WebSocketError) -> None:
        if self.state == OPEN:
            self._farewell = check_close(error.code, "")
        self._kept = self._message = bytearray()
        self.state = FAILED
        self.failure = error

    def _misused(self, what: str) -> RuntimeError:
        state, self.state = self.state, FAILED
        return RuntimeError(f"{what}: the WebSocket is {state}")
