"""What the machines share: the error they raise, and the three events of a response.

A machine never waits: bytes go in, events come out.  `receive(data)` returns every event that the data completes, in order.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .headers import Headers

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Data", "End", "Event", "Head", "ProtocolError"]


class ProtocolError(Exception):
    """The peer broke the rules of the protocol; the connection cannot be used again."""


class Head:
    """The status line and the header fields of a final response (never of a 1xx)."""

    __slots__ = ("coding", "headers", "status", "version")

    def __init__(self, status: int, headers: Headers, version: str, coding: str | None = None) -> None:
        self.status = status
        self.coding = coding  # the content-encoding, in lower case
        self.headers = headers
        self.version = version  # "HTTP/1.0", "HTTP/1.1" or "HTTP/2"

    def __repr__(self) -> str:
        return f"Head({self.status}, {self.headers!r}, {self.version!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Head):
            return NotImplemented
        return (self.status, self.headers, self.version) == (other.status, other.headers, other.version)

    __hash__ = None  # type: ignore[assignment]  # equality by value, and the headers are no key


class Data:
    """Bytes of the body, without chunk marks, still in their content coding."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"Data({self.data!r})"

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, Data) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equality by value of a mutable object


class End:
    """The end of the response, trailers included: nothing of it will follow."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "End()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, End)

    __hash__ = None  # type: ignore[assignment]  # as its siblings


if TYPE_CHECKING:
    Event: TypeAlias = Head | Data | End
else:
    Event = (Head, Data, End)
