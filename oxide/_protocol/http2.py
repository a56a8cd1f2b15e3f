"""One HTTP/2 client connection (RFC 9113): requests and bytes in, bytes and events out; who waits, and for how long, is decided above.

The `h2` package keeps what needs a table: header compression, settings, the states of streams, the windows we send into.  Frames are cut
apart here, so that each is counted before it costs anything, and two kinds never reach h2: DATA, which is nearly all of the traffic, and
GOAWAY, after which h2 would refuse the streams that may still finish (6.8).

    state        left by                         what still works
    new          start()                         -
    open         GOAWAY, close(), b"", failure   everything
    going        b"", failure                    all but request(): the streams that are open finish
    over         -                               nothing is open; receive() raises
"""

from __future__ import annotations

import re
from struct import Struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    InformationalResponseReceived,
    PingAckReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hpack import NeverIndexedHeaderTuple

from .._typing import TYPE_CHECKING
from .base import Data, End, Head, ProtocolError
from .headers import SECRET, Headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from h2.events import Event as EngineEvent

__all__ = ["CANCEL", "NO_ERROR", "PROTOCOL_ERROR", "REFUSED_STREAM", "GoAway", "Http2", "Pong", "Reset", "SendMore", "SlotsChanged"]

NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 7, 8
ERRORS = (
    *("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR"),
    *("REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"),
)
"""The names of the error codes, in their order (RFC 9113, 7)."""

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8

FRAME = 16_384  # the longest frame we take: the least that may be announced, and more saves next to nothing
DEFAULT_WINDOW = 65_535
LAST_ID = 2**31 - 1
MAX_SETTINGS = 64  # in one frame; a dozen are registered
MAX_FRAGMENTS = 32  # frames of one field block
RESETS_KEPT = 512  # streams we have reset, whose frames may still be on their way
TABLE = 4096  # octets of the table our fields are compressed with; a peer may offer more, which costs us

_read_frame = Struct(">BHBBL").unpack_from
_write_update = Struct(">BHBBLL").pack
_write_goaway = Struct(">BHBBLLL").pack
_read_goaway = Struct(">LL").unpack_from

_HOP_BY_HOP = frozenset(("connection", "host", "http2-settings", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"))
_is_method = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_is_name = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+").fullmatch
_is_value = re.compile(r"[\t -~\x80-\xff]*").fullmatch
_is_word = re.compile(r"[!-~]+").fullmatch
_is_length = re.compile(r"[0-9]{1,19}").fullmatch
# The fields of a response, each as "name:value\n" (8.2.1, 8.2.2): lower case, no pseudo-header, no control character, no space around.
_are_fields = re.compile(
    r"(?:(?!(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade):)"
    r"[!#$%&'*+.^_`|~0-9a-z-]+:(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?\n)*"
).fullmatch
_END = End()


class Reset:
    """The stream is over without an end: nothing of it will follow.

    `code` is an error code of HTTP/2; `retryable` tells that the peer has done nothing with the request (RFC 9113, 8.7).
    """

    __slots__ = ("code", "retryable", "text")

    def __init__(self, code: int, retryable: bool, text: str) -> None:
        self.code = code
        self.retryable = retryable
        self.text = text

    def __repr__(self) -> str:
        return f"Reset({self.code}, {self.retryable}, {self.text!r})"

    def __eq__(self, other: object) -> bool:
        return (self.code, self.retryable) == (other.code, other.retryable) if isinstance(other, Reset) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as its siblings in base


class GoAway:
    """The peer takes no further request on this connection (stream id 0); what it will not answer follows as `Reset`."""

    __slots__ = ("code", "last", "text")

    def __init__(self, code: int, last: int, text: str) -> None:
        self.code = code
        self.last = last  # the highest stream the peer may have worked on
        self.text = text

    def __repr__(self) -> str:
        return f"GoAway({self.code}, {self.last}, {self.text!r})"

    def __eq__(self, other: object) -> bool:
        return (self.code, self.last) == (other.code, other.last) if isinstance(other, GoAway) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as its siblings in base


class _Sign:
    """An event that says all with its class."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = None  # type: ignore[assignment]  # as its siblings in base


class SendMore(_Sign):
    """A send window has opened: that of the stream, or with stream id 0 one that may concern them all."""

    __slots__ = ()


class Pong(_Sign):
    """The peer has answered a `ping` (stream id 0)."""

    __slots__ = ()


class SlotsChanged(_Sign):
    """The peer has announced its settings (stream id 0): read `slots` again."""

    __slots__ = ()


if TYPE_CHECKING:
    StreamEvent: TypeAlias = Head | Data | End | Reset | SendMore | Pong | GoAway | SlotsChanged
    Events: TypeAlias = list[tuple[int, StreamEvent]]


class _Engine(H2Connection):
    """h2, which is to remember a thousand closed streams and not 65,536."""

    MAX_CLOSED_STREAMS = 2 * RESETS_KEPT


class _Stream:
    """What we know of an open stream beside h2."""

    __slots__ = ("answered", "bodiless", "data", "ended", "interim", "left", "parts", "taken", "window")

    def __init__(self, window: int, bodiless: bool, ended: bool) -> None:
        self.window = window  # bytes the peer may still send
        self.taken = 0  # bytes the reader has taken and the peer has not been told of
        self.bodiless = bodiless
        self.ended = ended  # our side
        self.answered = False
        self.interim = 0
        self.left: int | None = None  # bytes of the body to come, where its length was told
        self.data: Data | None = None  # the event that this call to `receive` has given, and what goes into it
        self.parts: list[bytes] = []


class Http2:
    """One connection, after the transport was told that the peer speaks HTTP/2 (by ALPN).

    Args:
        stream_window: bytes of one response the peer may send before the reader has taken any; at least 65,535.
        connection_window: bytes of all responses the peer may send before we have *received* them, so that a slow reader
            stops its own stream only.  Memory is bounded by `stream_window` times the open streams.
        max_streams: streams open at a time, even if the peer allows more.
        max_head: bytes of one response head as RFC 9113, 6.5.2 counts them: names, values, and 32 a field.
        max_fields: fields of one head, or of its trailers.
        max_interim: interim (1xx) responses to one request.
        max_control: frames in a row that bring nothing we asked for.

    `failure` is the error that has ended the connection.  `receive` raises it, unless the same data completed events before: then
    those are returned, and every later call to `receive` raises.  Streams that are open at that time get no event of their own.
    """

    __slots__ = (
        "_allowance",
        "_block",
        "_connection_window",
        "_engine",
        "_gone",
        "_greeted",
        "_joined",
        "_last_id",
        "_leaving",
        "_limits",
        "_max_control",
        "_max_streams",
        "_need",
        "_out",
        "_peer_streams",
        "_pings",
        "_pongs",
        "_rest",
        "_returned",
        "_started",
        "_stream_window",
        "_streams",
        "_window",
        "failure",
        "over",
    )

    def __init__(
        self,
        *,
        stream_window: int = 4_194_304,
        connection_window: int = 16_777_216,
        max_streams: int = 100,
        max_head: int = 65_536,
        max_fields: int = 200,
        max_interim: int = 16,
        max_control: int = 1_000,
    ) -> None:
        if not DEFAULT_WINDOW <= stream_window <= LAST_ID or not DEFAULT_WINDOW <= connection_window <= LAST_ID:
            raise ValueError("a window has 65,535 to 2,147,483,647 bytes")
        self.failure: ProtocolError | None = None
        self.over = False  # the peer has hung up, or broken the rules
        self._stream_window = stream_window
        self._connection_window = connection_window
        self._max_streams = max_streams
        self._limits = max_head, max_fields, max_interim
        self._max_control = max_control
        self._allowance = max_control  # control frames the peer may still send before something useful
        self._engine = _new_engine(stream_window, max_head)
        self._streams: dict[int, _Stream] = {}
        self._gone: dict[int, int] = {}  # streams we have reset: what the peer may have sent before it knew
        self._last_id = -1  # of the streams we have opened
        self._peer_streams = LAST_ID  # MAX_CONCURRENT_STREAMS has no initial limit (6.5.2)
        self._started = False
        self._greeted = False  # the peer's SETTINGS have come, which open the connection (3.4)
        self._leaving = False  # a GOAWAY was sent or received
        self._window = connection_window  # bytes the peer may send on all streams
        self._returned = 0  # received, and not yet given back to that window
        self._pings = self._pongs = 0
        self._out = bytearray()  # frames of our own making
        self._rest = bytearray()  # the beginning of a frame
        self._need = 0  # as many bytes as it takes to go on
        self._block = bytearray()  # HEADERS and CONTINUATION frames of a field block that has not ended
        self._joined: list[_Stream] = []  # streams whose data is being joined

    # What we send.

    def start(self) -> bytes:
        """Return the preface, our settings, and the size of the connection's window: the first bytes to send."""
        if self._started:
            raise RuntimeError("this connection has started")
        self._started = True
        self._engine.initiate_connection()
        self._update_window(0, self._connection_window - DEFAULT_WINDOW)
        return self.pending()

    @property
    def slots(self) -> int:
        """How many more streams may be opened now."""
        if not self.reusable:
            return 0
        return max(0, min(min(self._peer_streams, self._max_streams) - len(self._streams), (LAST_ID - self._last_id) // 2))

    @property
    def reusable(self) -> bool:
        """Whether requests may be sent on this connection, now or when a stream has ended."""
        return not (self._leaving or self.over) and self._last_id < LAST_ID

    def request(
        self, method: str, scheme: str, authority: str, target: str, headers: Sequence[tuple[str, str]], *, ended: bool
    ) -> tuple[int, bytes]:
        """Open a stream; `ended` tells that the request has no body.

        Fields that belong to HTTP/1.1 connections are left out, as is `host`, for which `authority` stands.

        Returns:
            The id of the stream, and the bytes to send.

        Raises:
            ValueError: a part of the request holds characters that are not allowed; nothing has changed.
            RuntimeError: there is no slot.
        """
        fields = _encode_fields(method, scheme, authority, target, headers)
        if self.slots <= 0 or not self._started:
            raise RuntimeError("this connection takes no further stream now")
        self._last_id = stream_id = self._last_id + 2
        self._engine.send_headers(stream_id, fields, end_stream=ended)
        self._streams[stream_id] = _Stream(self._stream_window, method == "HEAD", ended)
        self._allowance = self._max_control
        return stream_id, self.pending()

    def send(self, stream_id: int, data: bytes | memoryview, *, ended: bool) -> tuple[int, bytes]:
        """Send as much of `data` as the windows allow; `ended` tells that it is the last of the body.

        A stream that is over takes everything and sends nothing: the events of the stream tell why.

        Returns:
            How many bytes were taken (0 when the window is shut, until `SendMore`), and the bytes to send.
        """
        stream = self._streams.get(stream_id)
        if stream is None:
            return len(data), b""
        if stream.ended:
            raise RuntimeError("the body of this request has ended")
        engine = self._engine
        room = min(len(data), max(0, engine.local_flow_control_window(stream_id)))
        last = ended and room == len(data)
        step = engine.max_outbound_frame_size
        for start in range(0, room, step):
            end = min(start + step, room)
            engine.send_data(stream_id, data[start:end], end_stream=last and end == room)
        if last and not room:
            engine.send_data(stream_id, b"", end_stream=True)
        if room:
            self._allowance = self._max_control
        stream.ended = last
        return room, self.pending()

    def reset(self, stream_id: int) -> bytes:
        """Give the stream up, and return the bytes to send: none when it is over already.  No event of it will follow."""
        if stream_id not in self._streams:
            return b""
        self._cancel(stream_id, CANCEL)
        return self.pending()

    def consumed(self, stream_id: int, n: int) -> bytes:
        """Tell that the reader has taken `n` bytes of the body; return the bytes to send, which are often none.

        The peer is told when half a window has come together.
        """
        stream = self._streams.get(stream_id)
        if stream is None:
            return b""
        if not 0 <= n <= self._stream_window - stream.window - stream.taken:
            raise ValueError("more bytes taken than were received")
        stream.taken += n
        self._reopen(stream_id, stream)
        return self.pending()

    def ping(self) -> bytes:
        """Return a question that the peer must answer at once; its answer is the event `Pong`."""
        self._pings += 1
        self._engine.ping(self._pings.to_bytes(8, "big"))
        return self.pending()

    def close(self) -> bytes:
        """Return the polite farewell, once: no stream is opened after it, and those that are open may finish."""
        if self._leaving:
            return b""
        self._leaving = True
        self._out += _write_goaway(0, 8, GOAWAY, 0, 0, 0, NO_ERROR)
        return self.pending()

    def pending(self) -> bytes:
        """Return what `receive` has left to be sent: answers to settings and pings, windows given back."""
        data = self._engine.data_to_send()
        if self._out:
            data += self._out
            self._out.clear()
        return data

    # What we receive.

    def receive(self, data: bytes) -> Events:
        """Take what the network gave, b"" at its end, and return pairs of a stream id and an event; then send `pending()`.

        Data of one stream comes as one event.  The end of the network is a `Reset` for every stream that is open; the events
        that came before it are whole.

        Raises:
            ProtocolError: the peer broke the rules; the connection is over, and so are its streams.
            RuntimeError: the connection had ended before.
        """
        if self.over:
            raise self.failure or RuntimeError("this connection is over")
        if not data:
            return self._hang_up()
        events: Events = []
        try:
            self._cut(data, events)
        except ProtocolError as error:
            self._fail(error)
            if not events:
                raise
        for stream in self._joined:
            if stream.data is not None:
                stream.data.data = b"".join(stream.parts)
            stream.data = None
            stream.parts = []
        self._joined.clear()
        return events

    def _hang_up(self) -> Events:
        events: Events = [(stream_id, Reset(NO_ERROR, False, "the peer has closed the connection")) for stream_id in self._streams]
        self._finish()
        return events

    def _fail(self, error: ProtocolError) -> None:
        """End the connection; all that is left to send is the farewell that names the fault."""
        self.failure = error
        self._finish()
        self._leaving = True
        self._engine.clear_outbound_data_buffer()
        self._out[:] = _write_goaway(0, 8, GOAWAY, 0, 0, 0, PROTOCOL_ERROR)

    def _finish(self) -> None:
        self.over = True
        self._streams.clear()
        self._gone.clear()
        self._rest.clear()
        self._block.clear()

    def _cut(self, data: bytes, events: Events) -> None:
        """Cut the frames apart, and deal with those that are whole."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest.clear()
        start, size = 0, len(data)
        self._need = 9
        while size - start >= 9:
            high, low, kind, flags, stream_id = _read_frame(data, start)
            length = high << 16 | low
            if length > FRAME:
                raise ProtocolError(f"a frame of {length} bytes where {FRAME} are allowed")
            end = start + 9 + length
            if end > size:
                self._need = 9 + length
                break
            self._deal(kind, flags, stream_id & LAST_ID, data[start:end], events)
            start = end
        if start < size:
            self._rest += data[start:]

    def _deal(self, kind: int, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        """Deal with one frame."""
        if self._block and kind != CONTINUATION:
            raise ProtocolError("another frame within a field block")
        if kind == DATA and self._greeted:
            self._receive_data(flags, stream_id, frame, events)
            return
        if not self._greeted:
            if kind != SETTINGS or flags & ACK:
                raise ProtocolError("the peer does not begin with its settings (RFC 9113, 3.4)")
            self._greeted = True
        receive = _RECEIVERS.get(kind)
        if receive is None:
            self._spend()  # an extension, or PRIORITY: read over (5.5)
        else:
            receive(self, flags, stream_id, frame, events)

    def _spend(self) -> None:
        """Count a frame that is of no use to us."""
        self._allowance -= 1
        if self._allowance < 0:
            raise ProtocolError(f"more than {self._max_control} frames in a row without anything we asked for")

    def _feed(self, frames: bytes) -> list[EngineEvent]:
        """Let h2 deal with frames that are whole."""
        try:
            return self._engine.receive_data(frames)
        except H2Error as error:
            text = str(error).partition("<memory")[0].rstrip(" :")  # hpack shows the address of its buffer
            raise ProtocolError(text[:200] or type(error).__name__) from error

    # DATA.

    def _receive_data(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        length = len(frame) - 9
        self._window -= length
        if self._window < 0:
            raise ProtocolError("more data than the connection's window allows")
        self._returned += length
        if self._returned * 2 >= self._connection_window:
            self._window += self._returned
            self._update_window(0, self._returned)
            self._returned = 0
        stream = self._streams.get(stream_id)
        if stream is None:
            self._receive_late(stream_id, length)
            return
        stream.window -= length
        if stream.window < 0 or not stream.answered:
            raise ProtocolError("data before the head" if not stream.answered else "more data than the window of the stream allows")
        chunk = self._unpad(stream_id, stream, frame) if flags & PADDED else frame[9:]
        if chunk:
            self._allowance = self._max_control
            if not self._add(stream_id, stream, chunk, events):
                return
        elif not flags & END_STREAM:
            self._spend()
        if flags & END_STREAM:
            self._end(stream_id, stream, events)

    def _unpad(self, stream_id: int, stream: _Stream, frame: bytes) -> bytes:
        """Return the data of a padded frame (6.1); its padding counts as taken at once."""
        if len(frame) < 10 or len(frame) < 10 + frame[9]:
            raise ProtocolError("more padding than the frame is long")
        stream.taken += 1 + frame[9]
        self._reopen(stream_id, stream)
        return frame[10 : len(frame) - frame[9]]

    def _add(self, stream_id: int, stream: _Stream, chunk: bytes, events: Events) -> bool:
        """Add a chunk to the body; return whether it has its place there."""
        if stream.left is not None:
            stream.left -= len(chunk)
            if stream.left < 0:
                self._refuse(stream_id, "a longer body than was announced", events)
                return False
        if stream.data is None:
            stream.data = Data(chunk)
            events.append((stream_id, stream.data))
            self._joined.append(stream)
        stream.parts.append(chunk)
        return True

    def _receive_late(self, stream_id: int, length: int) -> None:
        """Read over data that was on its way when we reset the stream: no more than its window allows."""
        window = self._gone.get(stream_id, -1) - length
        if window < 0:
            raise ProtocolError("data on a stream that is not open")
        self._gone[stream_id] = window
        if not length:
            self._spend()

    # Heads and trailers.

    def _receive_headers(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        if stream_id not in self._streams:
            if stream_id not in self._gone:
                raise ProtocolError("an answer to a request that was not made")
            self._spend()
        if flags & END_HEADERS:
            self._receive_block(stream_id, frame, events)
        else:
            self._block += frame

    def _receive_continuation(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        block = self._block
        if not block or stream_id != int.from_bytes(block[5:9], "big") & LAST_ID:
            raise ProtocolError("a continuation without a beginning")
        self._spend()
        block += frame
        if len(block) > 2 * self._limits[0]:
            raise ProtocolError("a field block over the limit")
        if flags & END_HEADERS:
            self._block = bytearray()
            self._receive_block(stream_id, bytes(block), events)

    def _receive_block(self, stream_id: int, frames: bytes, events: Events) -> None:
        """Deal with a field block that is whole.  For a stream we have reset, h2 only keeps its table up to date (4.3)."""
        for event in self._feed(frames):
            if isinstance(event, (ResponseReceived, InformationalResponseReceived, TrailersReceived)):
                self._read_fields(stream_id, event, events)

    def _read_fields(
        self, stream_id: int, event: ResponseReceived | InformationalResponseReceived | TrailersReceived, events: Events
    ) -> None:
        stream = self._streams[stream_id]
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
        _, max_fields, max_interim = self._limits
        status = 0 if isinstance(event, TrailersReceived) else _read_status(fields)
        if len(fields) > max_fields or not _are_fields("".join([f"{name}:{value}\n" for name, value in fields])):
            self._refuse(stream_id, "malformed fields", events)
        elif isinstance(event, TrailersReceived):
            self._end(stream_id, stream, events)
        elif isinstance(event, InformationalResponseReceived):
            if not 100 <= status <= 199 or status == 101:  # HTTP/2 has no 101 (8.6)
                self._refuse(stream_id, "a malformed interim response", events)
                return
            stream.interim += 1
            if stream.interim > max_interim:
                raise ProtocolError(f"more than {max_interim} interim responses")
        else:
            self._receive_head(stream_id, stream, status, fields, events)
            if event.stream_ended and stream_id in self._streams:
                self._end(stream_id, stream, events)

    def _receive_head(self, stream_id: int, stream: _Stream, status: int, fields: list[tuple[str, str]], events: Events) -> None:
        lengths = {value for name, value in fields if name == "content-length"}
        if not 200 <= status <= 599 or len(lengths) > 1 or not all(map(_is_length, lengths)):
            self._refuse(stream_id, "a malformed head", events)
            return
        stream.answered = True
        if stream.bodiless or status in (204, 304):
            stream.left = 0  # whatever the head says of a length (RFC 9110, 8.6)
        elif lengths:
            stream.left = int(lengths.pop())
        self._allowance = self._max_control
        events.append((stream_id, Head(status, Headers(fields), "HTTP/2")))

    # The ends of streams.

    def _end(self, stream_id: int, stream: _Stream, events: Events) -> None:
        """The peer has ended its side: give up ours if it has not ended (8.1)."""
        if stream.left:
            self._refuse(stream_id, "a shorter body than was announced", events)
            return
        if stream.ended:
            del self._streams[stream_id]
            self._engine.streams.pop(stream_id, None)
        else:
            self._cancel(stream_id, NO_ERROR)
        events.append((stream_id, _END))

    def _refuse(self, stream_id: int, text: str, events: Events) -> None:
        """Reset a stream whose response is malformed (8.1.1)."""
        self._cancel(stream_id, PROTOCOL_ERROR)
        events.append((stream_id, Reset(PROTOCOL_ERROR, False, text)))

    def _cancel(self, stream_id: int, code: int) -> None:
        stream = self._streams.pop(stream_id)
        self._gone[stream_id] = stream.window
        if len(self._gone) > RESETS_KEPT:
            del self._gone[next(iter(self._gone))]
        if stream_id in self._engine.streams and not self._engine.streams[stream_id].closed:
            self._engine.reset_stream(stream_id, code)

    def _receive_reset(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        if not stream_id & 1 or stream_id > self._last_id:
            raise ProtocolError("a reset of a stream that was not opened")
        self._spend()
        for event in self._feed(frame):
            if isinstance(event, StreamReset) and stream_id in self._streams:
                del self._streams[stream_id]
                code = int(event.error_code or 0)
                self._engine.streams.pop(stream_id, None)
                events.append((stream_id, Reset(code, code == REFUSED_STREAM, f"the peer has reset the stream: {_name(code)}")))

    def _receive_goaway(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        if stream_id or len(frame) < 17:
            raise ProtocolError("a malformed GOAWAY")
        self._spend()
        self._leaving = True
        last, code = _read_goaway(frame, 9)
        last &= LAST_ID
        text = f"the peer is leaving: {_name(code)}"
        events.append((0, GoAway(code, last, text)))
        for unanswered in [each for each in self._streams if each > last]:
            del self._streams[unanswered]
            self._engine.streams.pop(unanswered, None)
            events.append((unanswered, Reset(code, True, text)))

    # Settings, pings and windows.

    def _receive_settings(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        self._spend()
        if len(frame) > 9 + 6 * MAX_SETTINGS:
            raise ProtocolError(f"more than {MAX_SETTINGS} settings")
        for event in self._feed(frame):
            if isinstance(event, RemoteSettingsChanged):
                self._peer_streams = self._engine.remote_settings.max_concurrent_streams
                if self._engine.encoder.header_table_size > TABLE:
                    self._engine.encoder.header_table_size = TABLE
                events.append((0, SlotsChanged()))
                if SettingCodes.INITIAL_WINDOW_SIZE in event.changed_settings:
                    events.append((0, SendMore()))

    def _receive_ping(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        self._spend()
        for event in self._feed(frame):
            if isinstance(event, PingAckReceived):
                number = int.from_bytes(event.ping_data, "big")
                if self._pongs < number <= self._pings:
                    self._pongs = number
                    self._allowance = self._max_control
                    events.append((0, Pong()))

    def _receive_window_update(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        if stream_id and (not stream_id & 1 or stream_id > self._last_id):
            raise ProtocolError("a window of a stream that was not opened")
        self._spend()
        for event in self._feed(frame):
            if isinstance(event, WindowUpdated):
                events.append((stream_id, SendMore()))
            elif isinstance(event, StreamReset) and stream_id in self._streams:  # h2 has reset it: its window is too large (6.9.1)
                self._gone[stream_id] = self._streams.pop(stream_id).window
                events.append((stream_id, Reset(int(event.error_code or 0), False, "a window of more than 2,147,483,647 bytes")))

    def _receive_promise(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        raise ProtocolError("a push, which our settings forbid")

    def _reopen(self, stream_id: int, stream: _Stream) -> None:
        """Give back what was taken of a stream's window, when it is worth a frame."""
        if stream.taken * 2 >= self._stream_window:
            stream.window += stream.taken
            self._update_window(stream_id, stream.taken)
            stream.taken = 0

    def _update_window(self, stream_id: int, n: int) -> None:
        if n:
            self._out += _write_update(0, 4, WINDOW_UPDATE, 0, stream_id, n)


if TYPE_CHECKING:
    Receiver: TypeAlias = Callable[[Http2, int, int, bytes, Events], None]

_RECEIVERS: dict[int, Receiver] = {
    HEADERS: Http2._receive_headers,  # pyright: ignore[reportPrivateUsage]  # the table of its own methods, and so below
    RST_STREAM: Http2._receive_reset,  # pyright: ignore[reportPrivateUsage]
    SETTINGS: Http2._receive_settings,  # pyright: ignore[reportPrivateUsage]
    PUSH_PROMISE: Http2._receive_promise,  # pyright: ignore[reportPrivateUsage]
    PING: Http2._receive_ping,  # pyright: ignore[reportPrivateUsage]
    GOAWAY: Http2._receive_goaway,  # pyright: ignore[reportPrivateUsage]
    WINDOW_UPDATE: Http2._receive_window_update,  # pyright: ignore[reportPrivateUsage]
    CONTINUATION: Http2._receive_continuation,  # pyright: ignore[reportPrivateUsage]
}


def _new_engine(stream_window: int, max_head: int) -> H2Connection:
    """Return h2 without its checks of fields: ours are stricter, and cost a tenth."""
    config = H2Configuration(
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
        normalize_inbound_headers=False,
    )
    engine = _Engine(config)
    codes = SettingCodes
    engine.local_settings = Settings(
        initial_values={codes.ENABLE_PUSH: 0, codes.INITIAL_WINDOW_SIZE: stream_window, codes.MAX_HEADER_LIST_SIZE: max_head}
    )
    engine.decoder.max_header_list_size = max_head
    return engine


def _encode_fields(method: str, scheme: str, authority: str, target: str, headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return the field list of a request, checked; secrets are never put into the table of the compression (RFC 7541, 7.1)."""
    if not _is_method(method) or not (_is_word(scheme) and _is_word(authority) and _is_word(target)):
        raise ValueError("a character that is not allowed in a method, scheme, authority or target")
    fields = [
        (b":method", method.encode()),
        (b":scheme", scheme.encode()),
        (b":authority", authority.encode()),
        (b":path", target.encode()),
    ]
    for given, text in headers:
        name, value = given.lower(), text.strip(" \t")
        if not _is_name(name):
            raise ValueError(f"a bad name of a header field: {given[:60]!r}")
        if not _is_value(value):
            raise ValueError(f"a character that is not allowed in the value of {name}")  # the value may be a secret
        if name in SECRET:
            fields.append(NeverIndexedHeaderTuple(name.encode(), value.encode("latin-1")))
        elif name not in _HOP_BY_HOP and (name != "te" or value == "trailers"):
            fields.append((name.encode(), value.encode("latin-1")))
    return fields


def _read_status(fields: list[tuple[str, str]]) -> int:
    """Take the status from the front of the fields; 0 where it is not one."""
    if not fields or fields[0][0] != ":status":
        return 0
    text = fields.pop(0)[1]
    return int(text) if len(text) == 3 and _is_length(text) else 0


def _name(code: int) -> str:
    return ERRORS[code] if code < len(ERRORS) else f"error {code}"
