"""One HTTP/2 client connection (RFC 9113): requests and bytes in, bytes and events out; who waits, and for how long, is decided above.

The `h2` package keeps what needs a table: header compression, settings, the states of streams, the windows we send into (`http2_engine`).
Frames are cut apart here, so that each is counted before it costs anything, and two kinds never reach h2: DATA, which is nearly all of the
traffic, and GOAWAY, after which h2 would refuse the streams that may still finish (6.8).

    state    left by                         what still works
    new      start()                         -
    open     GOAWAY, close(), b"", failure   everything
    going    b"", failure                    all but request(): the streams that are open finish
    over     -                               nothing is open; receive() raises
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from . import http2_frames as frames
from .base import End, ProtocolError
from .http2_engine import HEAD, INTERIM, Engine
from .http2_events import CANCEL, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, GoAway, Pong, Reset, SendMore, SlotsChanged, error_name
from .http2_frames import END_STREAM, PADDED, FrameReader, write_goaway, write_window_update
from .http2_stream import MalformedError, Stream, check_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from .http2_events import Events
    from .http2_stream import Fields

    Receiver: TypeAlias = Callable[["Http2", int, int, bytes, Events], None]

__all__ = ["CANCEL", "NO_ERROR", "PROTOCOL_ERROR", "REFUSED_STREAM", "GoAway", "Http2", "Pong", "Reset", "SendMore", "SlotsChanged"]

DEFAULT_WINDOW = 65_535
LAST_ID = 2**31 - 1
MAX_SETTINGS = 64  # in one frame; a dozen are registered
RESETS_KEPT = 512  # streams we have reset, whose frames may still be on their way

_END = End()


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
        self._max_fields = max_fields
        self._max_interim = max_interim
        self._max_control = max_control
        self._allowance = max_control  # control frames the peer may still send before something useful
        self._engine = Engine(stream_window, max_head)
        self._reader = FrameReader(2 * max_head)
        self._streams: dict[int, Stream] = {}
        self._gone: dict[int, int] = {}  # streams we have reset: what the peer may have sent before it knew
        self._last_id = -1  # of the streams we have opened
        self._started = False
        self._leaving = False  # a GOAWAY was sent or received
        self._returned = 0  # bytes received, and not yet given back to the window of the connection
        self._pings = self._pongs = 0
        self._out = bytearray()  # frames of our own making
        self._joined: list[Stream] = []  # streams whose data is being joined

    # What we send.

    def start(self) -> bytes:
        """Return the preface, our settings, and the size of the connection's window: the first bytes to send."""
        if self._started:
            raise RuntimeError("this connection has started")
        self._started = True
        self._engine.start()
        self._update_window(0, self._connection_window - DEFAULT_WINDOW)
        return self.pending()

    @property
    def slots(self) -> int:
        """How many more streams may be opened now."""
        if not self.reusable:
            return 0
        return max(0, min(self.capacity - len(self._streams), (LAST_ID - self._last_id) // 2))

    @property
    def capacity(self) -> int:
        """How many streams may be open at a time; for a while more are, where the peer has just allowed fewer."""
        return min(self._engine.peer_streams, self._max_streams)

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
        fields = self._engine.fields(method, scheme, authority, target, headers)
        if self.slots <= 0 or not self._started:
            raise RuntimeError("this connection takes no further stream now")
        self._last_id = stream_id = self._last_id + 2
        self._engine.open(stream_id, fields, ended)
        self._streams[stream_id] = Stream(stream_id, self._stream_window, method == "HEAD", ended)
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
        room = min(len(data), max(0, self._engine.room(stream_id)))
        last = ended and room == len(data)
        self._engine.send(stream_id, data[:room], last)
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
        self._reopen(stream)
        return self.pending()

    def ping(self) -> bytes:
        """Return a question that the peer must answer at once; its answer is the event `Pong`."""
        self._pings += 1
        self._engine.ping(self._pings)
        return self.pending()

    def close(self) -> bytes:
        """Return the polite farewell, once: no stream is opened after it, and those that are open may finish."""
        if self._leaving:
            return b""
        self._leaving = True
        self._out += write_goaway(NO_ERROR)
        return self.pending()

    def pending(self) -> bytes:
        """Return what `receive` has left to be sent: answers to settings and pings, windows given back."""
        data = self._engine.output()
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
            for kind, flags, stream_id, frame in self._reader.receive(data):
                receive = _RECEIVERS.get(kind)
                if receive is None:
                    self._spend()  # an extension, or PRIORITY: read over (5.5)
                else:
                    receive(self, flags, stream_id, frame, events)
        except ProtocolError as error:
            self._fail(error)
            if not events:
                raise
        for stream in self._joined:
            stream.join()
        self._joined.clear()
        return events

    def _hang_up(self) -> Events:
        streams = list(self._streams)
        self._finish()
        return [(stream_id, Reset(NO_ERROR, False, "the peer has closed the connection")) for stream_id in streams]

    def _fail(self, error: ProtocolError) -> None:
        """End the connection; all that is left to send is the farewell that names the fault."""
        self.failure = error
        self._finish()
        self._leaving = True
        self._engine.clear()
        self._out[:] = write_goaway(PROTOCOL_ERROR)

    def _finish(self) -> None:
        self.over = True
        self._streams.clear()
        self._gone.clear()

    def _spend(self) -> None:
        """Count a frame that is of no use to us."""
        self._allowance -= 1
        if self._allowance < 0:
            raise ProtocolError(f"more than {self._max_control} frames in a row without anything we asked for")

    # DATA.

    def _receive_data(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        length = len(frame) - 9
        self._returned += length  # a frame is less than half of the window, which is therefore never used up here
        if self._returned * 2 >= self._connection_window:
            self._update_window(0, self._returned)
            self._returned = 0
        stream = self._streams.get(stream_id)
        if stream is None:
            self._receive_late(stream_id, length)
            return
        stream.window -= length
        if stream.window < 0 or not stream.answered:
            raise ProtocolError("data before the head" if not stream.answered else "more data than the window of the stream allows")
        chunk = self._unpad(stream, frame) if flags & PADDED else frame[9:]
        try:
            if chunk:
                self._allowance = self._max_control
                event = stream.receive_chunk(chunk)
                if event is not None:
                    events.append((stream_id, event))
                    self._joined.append(stream)
            elif not flags & END_STREAM:
                self._spend()
            if flags & END_STREAM:
                self._end(stream, events)
        except MalformedError as fault:
            self._refuse(stream, fault, events)

    def _unpad(self, stream: Stream, frame: bytes) -> bytes:
        """Return the data of a padded frame (6.1); its padding counts as taken at once."""
        if len(frame) < 10 or len(frame) < 10 + frame[9]:
            raise ProtocolError("more padding than the frame is long")
        stream.taken += 1 + frame[9]
        self._reopen(stream)
        return frame[10 : len(frame) - frame[9]]

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
        block = self._engine.receive_block(frame)
        if block is None:
            return  # of a stream we have reset: only the table of the compression is kept up to date (4.3)
        stream = self._streams[stream_id]
        try:
            self._receive_fields(stream, *block, events)
        except MalformedError as fault:
            self._refuse(stream, fault, events)

    def _receive_fields(self, stream: Stream, kind: str, fields: Fields, ended: bool, events: Events) -> None:
        if kind == HEAD:
            events.append((stream.id, stream.receive_head(fields, self._max_fields)))
            self._allowance = self._max_control
        elif kind == INTERIM:
            stream.receive_interim(fields, self._max_fields)
            if stream.interim > self._max_interim:
                raise ProtocolError(f"more than {self._max_interim} interim responses")
        else:
            check_fields(fields, self._max_fields)
        if ended:
            self._end(stream, events)

    # The ends of streams.

    def _end(self, stream: Stream, events: Events) -> None:
        """The peer has ended its side: give up ours if it has not ended (8.1)."""
        stream.receive_end()
        if stream.ended:
            del self._streams[stream.id]
            self._engine.forget(stream.id)
        else:
            self._cancel(stream.id, NO_ERROR)
        events.append((stream.id, _END))

    def _refuse(self, stream: Stream, fault: MalformedError, events: Events) -> None:
        """Reset a stream whose response is malformed."""
        self._cancel(stream.id, PROTOCOL_ERROR)
        events.append((stream.id, Reset(PROTOCOL_ERROR, False, str(fault))))

    def _cancel(self, stream_id: int, code: int) -> None:
        stream = self._streams.pop(stream_id)
        self._gone[stream_id] = stream.window
        if len(self._gone) > RESETS_KEPT:
            del self._gone[next(iter(self._gone))]
        self._engine.reset(stream_id, code)

    def _receive_reset(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        if not stream_id & 1 or stream_id > self._last_id:
            raise ProtocolError("a reset of a stream that was not opened")
        self._spend()
        code = self._engine.receive_reset(frame)
        if code is not None and stream_id in self._streams:
            del self._streams[stream_id]
            self._engine.forget(stream_id)
            events.append((stream_id, Reset(code, code == REFUSED_STREAM, f"the peer has reset the stream: {error_name(code)}")))

    def _receive_goaway(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        if stream_id or len(frame) < 17:
            raise ProtocolError("a malformed GOAWAY")
        self._spend()
        self._leaving = True
        last, code = int.from_bytes(frame[9:13], "big") & LAST_ID, int.from_bytes(frame[13:17], "big")
        text = f"the peer is leaving: {error_name(code)}"
        events.append((0, GoAway(code, last, text)))
        for unanswered in [each for each in self._streams if each > last]:
            del self._streams[unanswered]
            self._engine.forget(unanswered)
            events.append((unanswered, Reset(code, True, text)))

    # Settings, pings and windows.

    def _receive_settings(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        self._spend()
        if len(frame) > 9 + 6 * MAX_SETTINGS:
            raise ProtocolError(f"more than {MAX_SETTINGS} settings")
        changed, windows = self._engine.receive_settings(frame)
        if changed:
            events.append((0, SlotsChanged()))
        if windows:
            events.append((0, SendMore()))

    def _receive_ping(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        self._spend()
        number = self._engine.receive_ping(frame)
        if self._pongs < number <= self._pings:
            self._pongs = number
            self._allowance = self._max_control
            events.append((0, Pong()))

    def _receive_window_update(self, flags: int, stream_id: int, frame: bytes, events: Events) -> None:
        if stream_id and (not stream_id & 1 or stream_id > self._last_id):
            raise ProtocolError("a window of a stream that was not opened")
        self._spend()
        opened, code = self._engine.receive_window(frame)
        if opened:
            events.append((stream_id, SendMore()))
        elif code is not None and stream_id in self._streams:  # reset by the engine: the window is too large (6.9.1)
            self._cancel(stream_id, code)
            events.append((stream_id, Reset(code, False, "a window of more than 2,147,483,647 bytes")))

    def _reopen(self, stream: Stream) -> None:
        """Give back what was taken of a stream's window, when it is worth a frame."""
        if stream.taken * 2 >= self._stream_window:
            stream.window += stream.taken
            self._update_window(stream.id, stream.taken)
            stream.taken = 0

    def _update_window(self, stream_id: int, n: int) -> None:
        if n:
            self._out += write_window_update(stream_id, n)


_RECEIVERS: dict[int, Receiver] = {
    frames.DATA: Http2._receive_data,  # pyright: ignore[reportPrivateUsage]  # the table of its own methods, and so below
    frames.HEADERS: Http2._receive_headers,  # pyright: ignore[reportPrivateUsage]
    frames.RST_STREAM: Http2._receive_reset,  # pyright: ignore[reportPrivateUsage]
    frames.SETTINGS: Http2._receive_settings,  # pyright: ignore[reportPrivateUsage]
    frames.PING: Http2._receive_ping,  # pyright: ignore[reportPrivateUsage]
    frames.GOAWAY: Http2._receive_goaway,  # pyright: ignore[reportPrivateUsage]
    frames.WINDOW_UPDATE: Http2._receive_window_update,  # pyright: ignore[reportPrivateUsage]
}
