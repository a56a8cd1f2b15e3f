"""What an HTTP/2 connection tells beside the three events of a response: resets, windows, goodbyes."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .base import Data, End, Head

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["CANCEL", "NO_ERROR", "PROTOCOL_ERROR", "REFUSED_STREAM", "GoAway", "Pong", "Reset", "SendMore", "SlotsChanged", "error_name"]

NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 7, 8
ERRORS = (
    *("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR"),
    *("REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"),
)
"""The names of the error codes, in their order (RFC 9113, 7)."""


def error_name(code: int) -> str:
    """Return the name of an error code."""
    return ERRORS[code] if code < len(ERRORS) else f"error {code}"


class Reset:
    """The stream is over without an end: nothing of it will follow.

    `code` is an error code of HTTP/2; `retryable` tells that the peer has done nothing with the request (RFC 9113, 8.7).
    """

    __slots__ = ("code", "retryable", "text")

    def __init__(self, code: int, retryable: bool, text: str) -> None:
        self.code = code
        self.retryable = retryable
        self.text = text  # for people; of no account when events are compared

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
