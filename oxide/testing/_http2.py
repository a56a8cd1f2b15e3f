"""The server's side of HTTP/2 over the engine of `h2`: requests in, the steps of their answers out, each stream within its window."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from .._protocol.headers import Headers
from ._player import Player
from ._script import Cut, Head, Received, Step
from ._wire import Host, break_off

__all__ = ["Http2"]

WINDOW = 16_777_216
LINGER = 0.5  # seconds that a connection stands after its last answer, once we have said goodbye
CONNECTION_FIELDS = frozenset(("connection", "keep-alive", "transfer-encoding", "proxy-connection", "upgrade"))


class Http2(asyncio.Protocol):
    """One HTTP/2 connection."""

    transport: asyncio.Transport

    def __init__(self, host: Host) -> None:
        self.host = host
        self._loop = asyncio.get_running_loop()
        self.engine = H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False))
        self._number = 0
        self._requests = 0
        self._streams: dict[int, _Stream] = {}
        self._last: int | None = None  # the last stream we take, once we have said so
        self._idle: asyncio.TimerHandle | None = None
        self.full = False

    # ------------------------------------------------------------------------------------------- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._number = self.host.opened(self)
        # set before the preface, so that the first SETTINGS frame says it: a client may open streams right after that one
        limits = {SettingCodes.MAX_CONCURRENT_STREAMS: self.host.habits.max_streams, SettingCodes.INITIAL_WINDOW_SIZE: WINDOW}
        self.engine.local_settings = Settings(client=False, initial_values=limits)
        self.engine.initiate_connection()
        self.engine.increment_flow_control_window(WINDOW)
        self.flush()
        self._await_request()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.engine.receive_data(data)
        except H2Error:
            self.flush()  # the engine has put its GOAWAY there
            self.transport.close()
            return
        gone = {event.stream_id for event in events if isinstance(event, StreamReset)}
        for number in gone:  # first, as nothing can be said on them any more
            self._reset(number)
        for event in events:
            if isinstance(event, DataReceived) or getattr(event, "stream_id", None) not in gone:
                self._take(event)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        for stream in self._streams.values():
            stream.leave(told=True)
        self._streams.clear()
        self._forget_idle()
        self.host.closed(self)
        self.transport.close()  # it is; but in CPython 3.10 a TLS transport wants to be told

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._resume()

    def abort(self) -> None:
        """End the connection at once: the server stops."""
        for stream in self._streams.values():
            stream.leave(told=False)
        self._streams.clear()
        self.transport.abort()

    # ------------------------------------------------------------------------------------------------------ reading

    def _await_request(self) -> None:
        if self.host.habits.idle is not None:
            self._idle = self._loop.call_later(self.host.habits.idle, self._say_goodbye)

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _take(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            self._take_data(event)
        elif isinstance(event, RequestReceived):
            self._open(event)
        elif isinstance(event, StreamEnded):
            self._start(event.stream_id)
        elif isinstance(event, (WindowUpdated, RemoteSettingsChanged)):
            self._resume()
        elif isinstance(event, ConnectionTerminated):
            self.transport.close()

    def _open(self, event: RequestReceived) -> None:
        if self._last is not None and event.stream_id > self._last:
            return  # announced as not processed (RFC 9113, 6.8)
        self._forget_idle()
        self._streams[event.stream_id] = _Stream(self, event.stream_id, event.headers)
        self._requests += 1
        if self._requests == self.host.habits.max_requests:
            self._go_away(event.stream_id)

    def _take_data(self, event: DataReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if event.flow_controlled_length:
            self.engine.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if stream is None:
            return
        stream.body += event.data
        if len(stream.body) > self.host.habits.max_body:
            self.reset(stream, ErrorCodes.ENHANCE_YOUR_CALM)

    def _start(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is not None:
            stream.start(self._loop, self._number)

    def _reset(self, number: int) -> None:
        stream = self._streams.pop(number, None)
        if stream is not None:
            stream.leave(told=True)
            self._rest()

    def _resume(self) -> None:
        for stream in list(self._streams.values()):
            stream.resume()

    # ---------------------------------------------------------------------------------------------- ends of all sorts

    def _go_away(self, last: int) -> None:
        """Say which stream is our last; by hand, as the engine would take the connection for closed and send nothing more."""
        if self._last is None:
            self._last = last
            self.flush()
            self.transport.write(b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4, "big") + b"\0\0\0\0")

    def _say_goodbye(self) -> None:
        self._go_away(2**31 - 1)
        self.transport.close()

    def reset(self, stream: _Stream, code: int) -> None:
        """End one stream without an answer."""
        self._streams.pop(stream.number, None)
        stream.leave(told=False)
        self.engine.reset_stream(stream.number, code)
        self.flush()
        self._rest()

    def cut(self, stream: _Stream, step: Cut) -> None:
        """Break off as the step says: the stream, or the connection with all its streams."""
        if step.how == "reset":
            self.reset(stream, ErrorCodes.INTERNAL_ERROR)
        elif step.how == "refuse":
            self.reset(stream, ErrorCodes.REFUSED_STREAM)
        elif step.how == "goaway":
            del self._streams[stream.number]
            stream.leave(told=False)
            self._go_away(max(stream.number - 2, 0))
            self._rest()
        else:
            for other in self._streams.values():
                other.leave(told=False)
            self._streams.clear()
            break_off(self.transport, step.how)

    def done(self, stream: _Stream) -> None:
        """Take note that the answer of a stream is complete."""
        self._streams.pop(stream.number, None)
        self._rest()

    def _rest(self) -> None:
        if self._streams:
            return
        if self._last is not None:
            # It is for the client to close first (as with RFC 9112, 9.6): a socket closed under what it still sends would be reset,
            # and the reset would take away answers that it has not read yet.
            self.flush()
            self._loop.call_later(LINGER, self.transport.close)
        else:
            self._await_request()

    def flush(self) -> None:
        """Write what the engine has to say."""
        data = self.engine.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)


class _Stream:
    """One request and its answer: the wire that its player writes to."""

    def __init__(self, connection: Http2, number: int, fields: list[tuple[bytes, bytes]]) -> None:
        self.number = number
        self.body = bytearray()
        self._connection = connection
        self._engine = connection.engine
        self._fields = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in fields]
        self._received: Received | None = None
        self._player: Player | None = None
        self._rest = b""  # of the body, for which there is no window yet
        self._silent = False
        self._half = False

    def start(self, loop: asyncio.AbstractEventLoop, connection: int) -> None:
        """Answer the request, which is complete."""
        pseudo = {name: value for name, value in self._fields if name.startswith(":")}
        plain = [("host", pseudo.get(":authority", "")), *(field for field in self._fields if not field[0].startswith(":"))]
        path, _, query = pseudo.get(":path", "").partition("?")
        method = pseudo.get(":method", "")
        self._silent = method == "HEAD"
        self._received = Received(method, path, query, Headers(plain), bytes(self.body), "HTTP/2", connection)
        steps: Iterator[Step] = self._connection.host.answer(self._received)
        self._player = Player(loop, self, steps)
        self._player.resume()

    def leave(self, *, told: bool) -> None:
        """Stop the answer; `told`: it is the client who left, which the server wants to know."""
        if self._player is not None:
            self._player.stop()
        if told and self._received is not None:
            self._connection.host.left(self._received)
        self._received = None

    def resume(self) -> None:
        """Go on where the window, or the transport, stood in the way."""
        if self._rest:
            rest, self._rest = self._rest, b""
            self.data(rest)
            if self._rest:
                return
        if self._player is not None:
            self._player.resume()

    @property
    def blocked(self) -> bool:
        return bool(self._rest) or self._connection.full

    def head(self, step: Head) -> None:
        if step.half:
            return  # a frame is the smallest thing that a stream can send
        fields = [(":status", str(step.status))]
        fields += [(name.lower(), value) for name, value in step.headers if name.lower() not in CONNECTION_FIELDS]
        if step.framing == "sized" and step.status not in (204, 304):
            fields.append(("content-length", str(step.size)))
        self._silent |= step.status in (204, 304)
        self._engine.send_headers(self.number, fields)

    def data(self, data: bytes) -> None:
        if self._silent:
            return
        while data:
            room = min(self._engine.local_flow_control_window(self.number), self._engine.max_outbound_frame_size)
            if room <= 0:
                self._rest = data
                return
            self._engine.send_data(self.number, data[:room])
            data = data[room:]

    def raw(self, data: bytes) -> None:
        self._connection.flush()
        self._connection.transport.write(data)

    def interim(self) -> None:
        self._engine.send_headers(self.number, [(":status", "103"), ("link", "</v1/models>; rel=preload")])

    def again(self) -> None:
        """Answer a stream that nobody opened: a HEADERS frame whose block is `:status: 200` (RFC 7541, A, entry 8)."""
        self.raw(b"\0\0\x01\x01\x05" + (self.number + 1000).to_bytes(4, "big") + b"\x88")

    def end(self) -> None:
        self._received = None
        self._engine.end_stream(self.number)

    def flush(self) -> None:
        self._connection.flush()

    def cut(self, step: Cut) -> None:
        if step.how == "stall":
            if self._received is not None:
                self._connection.host.stalls(self._received)
        else:
            self._connection.cut(self, step)

    def played(self) -> None:
        self._connection.done(self)
