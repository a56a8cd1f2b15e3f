"""How a client opens a WebSocket: the key, the hooks, redirects, refusals; and the socket it gets, with the errors of the public tree.

There is one attempt: whether another one is of use is known to those who know what was said before.
"""

from __future__ import annotations

import time

from ._errors import APITimeoutError, ConfigurationError, RemoteProtocolError, WebSocketConnectionClosedError
from ._exchange import MAX_REDIRECTS, REDIRECTS
from ._info import HttpInfo
from ._judge import CLOSED, RedirectError, failure, unsuccessful
from ._protocol.base import ProtocolError
from ._raw import RawResponse
from ._timeout import FOREVER
from ._transport.course import Course, Outgoing
from ._transport.http import ClosedError
from ._transport.socket_options import SocketOptions
from ._transport.upgrade import open_websocket
from ._transport.websocket import Waiter, WebSocketClosed, WebSocketConnection
from ._typing import TYPE_CHECKING
from ._url import join_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._errors import OxideError
    from ._exchange import Exchange
    from ._operation import Request
    from ._protocol.headers import Headers
    from ._protocol.websocket_handshake import Refused

__all__ = ["PASSING", "Socket", "SocketOptions", "Waiter", "open_socket"]

PASSING = frozenset((1001, 1005, 1006, 1011, 1012, 1013, 1015))
"""Codes of closing after which another connection may do better (RFC 6455, 7.4.1)."""

FAILURES = (WebSocketClosed, ProtocolError, OSError)


async def open_socket(
    exchange: Exchange, request: Request, *, subprotocols: Sequence[str] = (), options: SocketOptions | None = None
) -> Socket:
    """Open a WebSocket.

    Args:
        request: a GET, as `Operation.prepare` makes it: its headers, query and timeouts are obeyed.
        subprotocols: those to offer, the preferred one first.

    Raises:
        APIStatusError: the server refused; body and headers are in it.
        APIConnectionError: no connection, no answer, or a redirect to another origin.
        ConfigurationError: there is no key, or the client is closed.
    """
    if exchange.closed:
        raise ConfigurationError(CLOSED)
    now = exchange.backend.now
    begun = now()
    fields = await exchange.signed(request)
    outgoing = Outgoing(request.method, request.origin, request.target, fields, b"", None, replayable=True)
    course = Course(request.timeout, begun + request.timeout.total, now, begun)
    try:
        outcome = await _opened(exchange, outgoing, course, options or SocketOptions(), subprotocols)
    except (OSError, ProtocolError, ClosedError) as problem:
        error = failure(problem, request, course)
        await exchange.tell("on_error", request, error)
        raise error from problem
    status, version = (101, "HTTP/1.1") if isinstance(outcome, WebSocketConnection) else (outcome.status, outcome.version)
    seconds = course.queued, course.connected, course.first_byte - begun, 0.0
    http = HttpInfo(status, outcome.headers, version, [], seconds)
    if isinstance(outcome, WebSocketConnection):
        try:
            await exchange.tell("on_response", request, http)
        except BaseException:
            outcome.discard()
            raise
        return Socket(outcome, request, http)
    refusal = unsuccessful(RawResponse(http, request, outcome.body), request, time.time())
    await exchange.tell("on_response", request, http)
    await exchange.tell("on_error", request, refusal)
    raise refusal


async def _opened(
    exchange: Exchange, outgoing: Outgoing, course: Course, options: SocketOptions, subprotocols: Sequence[str]
) -> WebSocketConnection | Refused:
    """Ask, and follow redirects within the origin."""
    for _ in range(MAX_REDIRECTS + 1):
        outcome = await open_websocket(exchange.transport, outgoing, course, options, subprotocols)
        location = outcome.headers.get("location")
        if isinstance(outcome, WebSocketConnection) or outcome.status not in REDIRECTS or location is None:
            return outcome
        if exchange.settings.redirects == "none":
            return outcome
        outgoing = _next_hop(outgoing, outcome.status, location)
    raise RedirectError(f"a redirect is not followed: that was the {MAX_REDIRECTS + 1}th in a row")


def _next_hop(outgoing: Outgoing, status: int, location: str) -> Outgoing:
    scheme, colon, rest = location.partition("://")
    reference = f"{_HTTP.get(scheme.lower(), scheme)}{colon}{rest}"
    try:
        origin, target = join_reference(outgoing.origin, outgoing.target, reference)
    except ConfigurationError as problem:
        raise RedirectError(f"a redirect ({status}) is not followed: its location is no valid URL: {problem}") from None
    if origin != outgoing.origin:
        raise RedirectError(f"a redirect ({status}) is not followed: it leads to another origin, {origin}, and the key would travel along")
    return Outgoing(outgoing.method, origin, target, outgoing.fields, b"", None, replayable=True)


_HTTP = {"ws": "http", "wss": "https"}


class Socket:
    """An open WebSocket, for tasks and threads alike; see `WebSocketConnection`, whose errors it translates.

    Attributes:
        connection: what it speaks through.
        request: what was asked, without its secrets.
        http: the HTTP side of the opening.
    """

    __slots__ = ("_take", "connection", "http", "request")

    def __init__(self, connection: WebSocketConnection, request: Request, http: HttpInfo) -> None:
        self.connection = connection
        self._take = connection.take
        self.request = request
        self.http = http

    @property
    def headers(self) -> Headers:
        """The header fields of the server's agreement."""
        return self.connection.headers

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of the subprotocols that were offered."""
        return self.connection.subprotocol

    async def receive(self, timeout: float = FOREVER) -> str | bytes:
        """Return the next message: `str` for text, `bytes` for binary.

        Raises:
            WebSocketConnectionClosedError: there are no more.
            RemoteProtocolError: the peer broke the rules.
            APITimeoutError: none came within `timeout` seconds; the socket is still open.
        """
        try:
            return self._take()  # as most messages come in company
        except IndexError:
            pass  # none has come yet
        try:
            return await self.connection.receive(timeout)
        except FAILURES as error:
            raise self.explained(error, timeout) from error

    async def wait(self, waiter: Waiter, satisfied: Callable[[], object], timeout: float) -> None:
        """Wait as `WebSocketConnection.wait` does; raise as `receive` does."""
        try:
            await self.connection.wait(waiter, satisfied, timeout)
        except FAILURES as error:
            raise self.explained(error, timeout) from error

    async def send(self, message: str | bytes, timeout: float | None = None) -> None:
        """Send a message, after those of others; return when the system has taken it.

        Args:
            timeout: seconds without progress; None: the `write` timeout of the request.

        Raises:
            WebSocketConnectionClosedError, RemoteProtocolError: as `receive` does.
            APITimeoutError: the peer took nothing; where the message was begun the socket is closed.
        """
        span = self.request.timeout.write if timeout is None else timeout
        try:
            await self.connection.send(message, span)
        except FAILURES as error:
            raise self.explained(error, span, "send") from error

    async def ping(self, timeout: float) -> float:
        """Ask the peer whether it is there; return the seconds that took. Raises as `receive` does."""
        try:
            return await self.connection.ping(timeout)
        except FAILURES as error:
            raise self.explained(error, timeout) from error

    async def settle(self) -> bool:
        """Take in what has come, without waiting; return whether the socket may still be used."""
        return await self.connection.settle()

    async def close(self, code: int = 1000, reason: str = "", timeout: float | None = None) -> None:
        """Say goodbye and wait for the answer, at most `timeout` seconds. Raises ValueError for a code that cannot be sent."""
        await self.connection.close(code, reason, timeout)

    def discard(self) -> None:
        """Close at once. From any thread or task; whoever waits is woken."""
        self.connection.discard()

    def explained(self, error: Exception, span: float, phase: str = "body") -> OxideError:
        """Return the public error of what went wrong."""
        where = f"The WebSocket of {self.request.place}"
        if isinstance(error, WebSocketClosed):
            said = f", {error.reason!r}" if error.reason else ""
            return WebSocketConnectionClosedError(f"{where} is closed (code {error.code}{said}).", code=error.code, reason=error.reason)
        if isinstance(error, TimeoutError):
            what = "for the server to take a message" if phase == "send" else "for a message"
            return APITimeoutError(f"{where}: waited {span:g} s {what}.", self.request, phase=phase, after=span)
        return RemoteProtocolError(f"{where}: the server broke the rules: {error}.", self.request, phase=phase)
