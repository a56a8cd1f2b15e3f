"""An answer as it came, for those who want no more than that."""

from __future__ import annotations

from ._json import decode
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._info import HttpInfo
    from ._operation import Request
    from ._protocol.headers import Headers

__all__ = ["RawResponse"]


class RawResponse:
    """An answer as it came: status, headers and the bytes of its body.

    Attributes:
        http: attempts, timings, rate limits.
        request: what was asked, without its secrets.
        content: the body.
    """

    __slots__ = ("content", "http", "request")

    def __init__(self, http: HttpInfo, request: Request, content: bytes) -> None:
        self.http = http
        self.request = request
        self.content = content

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.http.status

    @property
    def headers(self) -> Headers:
        """The header fields, looked up without regard to case."""
        return self.http.headers

    @property
    def request_id(self) -> str | None:
        """What to tell the service's support."""
        return self.http.request_id

    @property
    def text(self) -> str:
        """The body as UTF-8 text; bytes that are none are replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> object:
        """The body as JSON. Raises ValueError if it is none."""
        return decode(self.content)

    def read(self) -> bytes:
        """Return the body."""
        return self.content

    def __repr__(self) -> str:
        return f"<RawResponse {self.status_code} to {self.request.method} {self.request.place}, {len(self.content)} bytes>"

    def __reduce__(self) -> tuple[object, ...]:
        return RawResponse, (self.http, self.request, self.content)
