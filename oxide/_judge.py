"""Judgement of what came: which error a failure is, and which error an answer is. Facts in, an error out; nothing is sent or awaited."""

from __future__ import annotations

from ._errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    ConfigurationError,
    RemoteProtocolError,
    status_error,
)
from ._json import as_object, decode
from ._protocol.base import ProtocolError
from ._protocol.retry import asked_delay
from ._transport.base import ResolveError
from ._transport.course import DeadlineError
from ._transport.http import ClosedError, PoolTimeoutError
from ._transport.incoming import TooLargeError
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._errors import APIStatusError
    from ._operation import Request
    from ._raw import RawResponse
    from ._transport.course import Course

__all__ = ["CLOSED", "RedirectError", "failure", "invalid", "repeatable", "unsuccessful"]

CLOSED = "The client is closed; make another one."

SHOWN = 500
"""Characters of a body that an error shows."""

_WAITS = {
    "pool": "for a free connection",
    "resolve": "for the address of the host",
    "connect": "for the connection",
    "proxy": "for the proxy",
    "tls": "for the TLS handshake",
    "send": "for the server to take the request",
    "head": "for the server to begin its answer",
    "body": "for more of the answer",
}


_EVENTS = {"first_event": "the first event", "idle": "another event"}


class RedirectError(ProtocolError):
    """A redirect that is not followed."""


def failure(cause: Exception, request: Request, course: Course) -> APIError | ConfigurationError:
    """Return the error of a call that got no usable answer."""
    where, phase = f"{request.method} {request.place}", course.phase
    if isinstance(cause, ClosedError):
        return ConfigurationError(CLOSED)
    if isinstance(cause, TimeoutError) and course.expired:
        return _too_late(request, course)
    if isinstance(cause, PoolTimeoutError):
        waited = course.span if cause.waited is None else cause.waited
        return APITimeoutError(f"{where}: {cause}; waited {waited:g} s.", request, phase=phase, after=waited)
    if isinstance(cause, TimeoutError):
        return APITimeoutError(f"{where}: waited {course.span:g} s {_WAITS[phase]}.", request, phase=phase, after=course.span)
    if isinstance(cause, TooLargeError):
        return APIResponseValidationError(message=f"{where}: {cause}.", request=request)
    if isinstance(cause, RedirectError):
        return APIConnectionError(f"{where}: {cause}.", request, phase=phase)
    if isinstance(cause, ResolveError):
        return APIConnectionError(f"{where}: the host name cannot be resolved: {cause}.", request, phase=phase)
    if isinstance(cause, ProtocolError) and phase != "proxy":
        return RemoteProtocolError(f"{where}: the server broke the rules of HTTP: {cause}.", request, phase=phase)
    advice = " Check the system clock and the root certificates (see the options trust= and ssl_context=)." if phase == "tls" else ""
    return APIConnectionError(f"{where}: the connection failed ({phase}): {cause}.{advice}", request, phase=phase)


def _too_late(request: Request, course: Course) -> APITimeoutError:
    """Return the error of a call that has reached its deadline, or of a stream whose next event is overdue."""
    where, bound, phase = f"{request.method} {request.place}", course.bound, course.phase
    after: float = getattr(request.timeout, bound)
    if bound == "total":
        text = f"{where} took longer than its deadline of {after:g} s; it was waiting {_WAITS[phase]} (Timeout.total)."
    else:
        text = f"{where}: waited {after:g} s for {_EVENTS[bound]} of the stream (Timeout.{bound}); comments do not count."
    return APITimeoutError(text, request, phase=phase, after=after)


def repeatable(cause: Exception, phase: str) -> bool:
    """Whether another attempt could end otherwise: not where the deadline has passed or the peer is not who it should be."""
    if isinstance(cause, (DeadlineError, PoolTimeoutError, TooLargeError, ClosedError, RedirectError)):
        return False
    return phase != "tls" or isinstance(cause, (TimeoutError, ConnectionError))


def unsuccessful(response: RawResponse, request: Request, unix_time: float) -> APIStatusError:
    """Return the error of an answer whose status is none of success."""
    status = response.status_code
    body = _error_body(response)
    found = (as_object(body) or {}).get("message")
    if not found:
        found = _excerpt(body if isinstance(body, str) else response.text)
    error = status_error(status)(f"Error code: {status}{' - ' if found else ''}{found}", response=response, body=body, request=request)
    error.retry_after = asked_delay(response.headers, unix_time)
    return error


def _error_body(response: RawResponse) -> object:
    """The error object of the service, or the text of a body that is none."""
    try:
        value = decode(response.content)
    except ValueError:
        return response.text[:SHOWN] or None
    return (as_object(value) or {}).get("error") or value


def invalid(response: RawResponse, request: Request, problem: str) -> APIResponseValidationError:
    """Return the error of a successful answer whose body is not what was promised."""
    kind = response.headers.get("content-type") or "no content type"
    start = _excerpt(response.text)
    text = f"{request.method} {request.place} answered {response.status_code} ({kind}), but {problem}; the body is {start or 'empty'!r}."
    return APIResponseValidationError(response, start, message=text, request=request)


def _excerpt(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
