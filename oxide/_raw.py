"""An answer as it came, for those who want no more than that, or want to see it before it is made a result."""

from __future__ import annotations

from ._json import decode
from ._typing import TYPE_CHECKING, Generic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from typing import Any, NoReturn

    from typing_extensions import TypeVar

    from ._info import HttpInfo
    from ._operation import Request
    from ._protocol.headers import Headers

    T_co = TypeVar("T_co", covariant=True, default=object)
else:
    T_co = "T_co"

__all__ = ["AnswerFacts", "RawResponse"]


class AnswerFacts:
    """What every answer tells beside its body."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def http(self) -> HttpInfo:
            """Attempts, timings, rate limits."""
            ...

        @property
        def request(self) -> Request:
            """What was asked, without its secrets."""
            ...

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
    def http_request(self) -> Request:
        """What was asked, under its official name."""
        return self.request

    @property
    def url(self) -> str:
        """The URL that was asked."""
        return self.request.url

    @property
    def method(self) -> str:
        """The HTTP verb that was used."""
        return self.request.method

    @property
    def http_version(self) -> str:
        """ "HTTP/1.1" or "HTTP/2"."""
        return self.http.version

    @property
    def retries_taken(self) -> int:
        """How many times the call was tried again."""
        return self.http.retries

    @property
    def elapsed(self) -> timedelta:
        """From the start of the call to the end of the answer, or to its head while the body is coming."""
        from datetime import timedelta

        timings = self.http.timings
        return timedelta(seconds=timings.done or timings.first_byte)


class RawResponse(AnswerFacts, Generic[T_co]):
    """An answer as it came: status, headers and the bytes of its body.

    Args:
        http: attempts, timings, rate limits.
        request: what was asked, without its secrets.
        content: the body; None where it is a stream of events.
        make: makes the result.
    """

    __slots__ = ("_content", "_http", "_made", "_make", "_request")

    def __init__(self, http: HttpInfo, request: Request, content: bytes | None, make: Callable[[], T_co] | None = None) -> None:
        self._http = http
        self._request = request
        self._content = content
        self._make = make
        self._made: list[T_co] = []

    @property
    def http(self) -> HttpInfo:
        """Attempts, timings, rate limits."""
        return self._http

    @property
    def request(self) -> Request:
        """What was asked, without its secrets."""
        return self._request

    @property
    def content(self) -> bytes:
        """The body. Raises RuntimeError where it is a stream of events, which `parse` returns."""
        if self._content is None:
            raise RuntimeError("The body of this answer is a stream of events: parse() returns the stream.")
        return self._content

    @property
    def is_closed(self) -> bool:
        """Whether the body is here, and not a stream of events."""
        return self._content is not None

    @property
    def text(self) -> str:
        """The body as UTF-8 text; bytes that are none are replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> object:
        """The body as JSON. Raises ValueError if it is none."""
        return decode(self.content)

    def parse(self) -> T_co:
        """Return what the method itself would have returned: a record, page, stream or binary answer; the same one each time.

        The answer of a raw verb is parsed as JSON.

        Raises:
            APIResponseValidationError: the body is not what the description promises.
        """
        if not self._made:
            made: Any = self.json() if self._make is None else self._make()  # JSON is what `object`, the default of T_co, stands for
            self._made.append(made)
        return self._made[0]

    def read(self) -> bytes:
        """Return the body."""
        return self.content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Walk the body in pieces of `chunk_size` bytes."""
        content = self.content
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
        size = chunk_size or len(content) or 1
        return (content[at : at + size] for at in range(0, len(content), size))

    def iter_lines(self) -> Iterator[str]:
        """Walk the lines of the text, without their ends: LF, CR LF or CR. The other ends of `str.splitlines` may stand in JSON."""
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return iter(lines if lines[-1] else lines[:-1])

    def __repr__(self) -> str:
        size = "events" if self._content is None else f"{len(self._content)} bytes"
        return f"<RawResponse {self.status_code} to {self.request.method} {self.request.place}, {size}>"

    def __reduce__(self) -> tuple[object, ...]:
        return RawResponse, (self._http, self._request, self._content, self._make and _lost)


def _lost() -> NoReturn:
    raise RuntimeError("An answer that came through pickle cannot be parsed any more: pickle what parse() returns.")
