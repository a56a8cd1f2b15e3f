"""What the `h2` package does for an HTTP/2 connection: header compression, settings, the states of streams, and the windows we send into.

No type of h2 is seen outside, so that another engine may take its place.  DATA and GOAWAY never come here (see `http2`).  The checks of
fields that h2 makes are off: ours are stricter, and cost a tenth.
"""

from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    Event,
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

from .._typing import TYPE_CHECKING
from .base import ProtocolError
from .http2_fields import FieldEncoder, FieldWriter

if TYPE_CHECKING:
    from .http2_stream import Fields

__all__ = ["HEAD", "INTERIM", "TRAILERS", "Engine"]

HEAD, INTERIM, TRAILERS = "head", "interim", "trailers"
CLOSED_KEPT = 1_024  # closed streams h2 remembers; 65,536 if it is not told


class _Connection(H2Connection):
    MAX_CLOSED_STREAMS = CLOSED_KEPT


class Engine:
    """h2's side of one connection.  Where it raises `ProtocolError`, it is dead."""

    __slots__ = ("_h2", "fields", "output", "room")

    def __init__(self, stream_window: int, max_head: int) -> None:
        codes = SettingCodes
        settings = {codes.ENABLE_PUSH: 0, codes.INITIAL_WINDOW_SIZE: stream_window, codes.MAX_HEADER_LIST_SIZE: max_head}
        self._h2 = h2 = _Connection(
            H2Configuration(
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
            )
        )
        h2.local_settings = Settings(initial_values=settings)
        h2.decoder.max_header_list_size = max_head
        h2.encoder = FieldEncoder()
        self.fields = FieldWriter().write  # (method, scheme, authority, target, headers) -> the field list; ValueError
        self.output = h2.data_to_send  # () -> the bytes to send
        self.room = h2.local_flow_control_window  # (stream id) -> how many bytes may be sent; negative when the peer took some back

    def start(self) -> None:
        """Write the preface and our settings."""
        self._h2.initiate_connection()

    def open(self, stream_id: int, fields: list[tuple[bytes, bytes]], ended: bool) -> None:
        """Write the head of a request."""
        self._h2.send_headers(stream_id, fields, end_stream=ended)

    def send(self, stream_id: int, data: bytes | memoryview, ended: bool) -> None:
        """Write data for which there is room, in frames as long as the peer takes them."""
        step = self._h2.max_outbound_frame_size
        last = max(0, (len(data) - 1) // step * step)
        for start in range(0, last, step):
            self._h2.send_data(stream_id, data[start : start + step])
        if ended or data:
            self._h2.send_data(stream_id, data[last:], end_stream=ended)

    def reset(self, stream_id: int, code: int) -> None:
        """Write a reset, unless both sides have ended."""
        stream = self._h2.streams.get(stream_id)
        if stream is not None and not stream.closed:
            self._h2.reset_stream(stream_id, code)

    def forget(self, stream_id: int) -> None:
        """Count the stream no more: it is over, for reasons that h2 was not told."""
        self._h2.streams.pop(stream_id, None)

    def ping(self, number: int) -> None:
        """Write a ping that holds a number."""
        self._h2.ping(number.to_bytes(8, "big"))

    def clear(self) -> None:
        """Drop what is written and not sent."""
        self._h2.clear_outbound_data_buffer()

    @property
    def peer_streams(self) -> int:
        """How many streams the peer allows at a time; it may allow any number."""
        return self._h2.remote_settings.max_concurrent_streams

    def _receive(self, frames: bytes) -> list[Event]:
        try:
            return self._h2.receive_data(frames)
        except H2Error as error:
            text = str(error).partition("<memory")[0].rstrip(" :")  # hpack shows the address of its buffer
            raise ProtocolError(text[:200] or type(error).__name__) from error

    def receive_block(self, frames: bytes) -> tuple[str, Fields, bool] | None:
        """Decode a field block; return what it is, its fields, and whether the peer ends the stream; None where the stream is over."""
        for event in self._receive(frames):
            if isinstance(event, ResponseReceived):
                return HEAD, [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers], bool(event.stream_ended)
            if isinstance(event, InformationalResponseReceived):
                return INTERIM, [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers], False
            if isinstance(event, TrailersReceived):
                return TRAILERS, [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers], True
        return None

    def receive_settings(self, frame: bytes) -> tuple[bool, bool]:
        """Take the peer's settings; return whether there were any, and whether the windows of all streams have changed."""
        for event in self._receive(frame):
            if isinstance(event, RemoteSettingsChanged):
                return True, SettingCodes.INITIAL_WINDOW_SIZE in event.changed_settings
        return False, False

    def receive_ping(self, frame: bytes) -> int:
        """Answer a ping and return 0, or return the number that comes back."""
        for event in self._receive(frame):
            if isinstance(event, PingAckReceived):
                return int.from_bytes(event.ping_data, "big")
        return 0

    def receive_window(self, frame: bytes) -> tuple[bool, int | None]:
        """Widen a window; return whether it is open now, and with which code h2 has reset the stream, if it has."""
        for event in self._receive(frame):
            if isinstance(event, StreamReset):
                return False, int(event.error_code or 0)
            if isinstance(event, WindowUpdated):
                return True, None
        return False, None

    def receive_reset(self, frame: bytes) -> int | None:
        """Take a reset; return its code, unless the stream was over."""
        for event in self._receive(frame):
            if isinstance(event, StreamReset):
                return int(event.error_code or 0)
        return None
