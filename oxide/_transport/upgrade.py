"""The opening of a WebSocket: a connection of its own, dialled like any other, and the request to switch protocols."""

from __future__ import annotations

from .._protocol.base import ProtocolError
from .._protocol.websocket_handshake import Opened, Refused
from .._typing import TYPE_CHECKING
from .course import Opaque
from .dial import DialError, Route, dial
from .http import ClosedError
from .websocket import WebSocketConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._protocol.websocket import SocketEvent, WebSocket
    from .base import ByteStream
    from .course import Course, Outgoing
    from .http import HttpTransport
    from .socket_options import SocketOptions

__all__ = ["open_websocket"]

LINGER = 5.0
"""Seconds for the body of a refusal, whose status has come."""


class Tunnelled(Route):
    """A route on which every proxy digs a tunnel: none could forward what comes behind the opening (RFC 6455, 4.1)."""

    __slots__ = ()

    @property
    def forwarded(self) -> bool:
        return False


async def open_websocket(
    transport: HttpTransport, outgoing: Outgoing, course: Course, options: SocketOptions, subprotocols: Sequence[str] = ()
) -> WebSocketConnection | Refused:
    """Ask the server for a WebSocket; return it, or the server's refusal.

    Args:
        transport: whose proxies and roots are used; its pool is not.
        outgoing: what is asked; it has no body.

    Raises:
        ClosedError: the client was closed.
        OSError, ProtocolError: no connection, or no answer; `course.phase` tells where.
    """
    if transport.closed:
        raise ClosedError
    machine = options.machine()
    request = machine.connect(outgoing.target, outgoing.fields, subprotocols)
    stream = await _dialled(transport, outgoing, course)
    try:
        course.phase = "send"
        await stream.send(Opaque(request), course.left(course.timeout.write))
        course.phase = "head"
        agreed, *early = await _answer(stream, machine, course)
        course.first_byte = course.now()
    except BaseException:
        stream.close()
        raise
    if not isinstance(agreed, Opened):
        stream.close()
        if isinstance(agreed, Refused):
            return agreed
        raise ProtocolError("no answer to the opening")
    connection = WebSocketConnection(transport.backend, stream, machine, options, agreed)
    try:
        await connection.digest(early)
        if transport.closed:
            raise ClosedError  # meanwhile: nobody would close this one
    except BaseException:
        connection.discard()
        raise
    return connection


async def _dialled(transport: HttpTransport, outgoing: Outgoing, course: Course) -> ByteStream:
    origin = outgoing.origin
    course.phase = "connect"
    started = course.now()
    # Whoever speaks HTTP/2 would not understand the request: RFC 8441 is another way to open, and nobody offers it.
    alpn = ("http/1.1",) if origin.scheme == "https" else ()
    scheme = "http" if origin.path else origin.scheme
    route = Tunnelled(scheme, origin.host, origin.port, path=origin.path, proxy=transport.proxy_of(origin), alpn=alpn)
    try:
        stream, _ = await dial(transport.backend, route, transport.security, course.left(course.timeout.connect))
    except DialError as error:
        course.phase = error.phase
        raise error.cause from None
    course.connected = course.now() - started
    return stream


async def _answer(stream: ByteStream, machine: WebSocket, course: Course) -> Sequence[SocketEvent]:
    """Return the first events: how the opening went, and what came along with it."""
    timeout, due = course.timeout.read, 0.0
    while True:
        try:
            data = await stream.receive(course.left(min(timeout, due - course.now()) if due else timeout))
        except OSError:
            refusal = machine.refusal()
            if refusal is None:
                raise
            return [refusal]
        events = machine.receive(data)
        if events:
            return events
        if not due and machine.refusal() is not None:
            due = course.now() + LINGER
