"""HTTP over sockets, for both worlds: the pool decides, connections do, and responses (`incoming.py`) give their connections back."""

from __future__ import annotations

import os
from _thread import LockType, allocate_lock
from _weakref import ref
from collections import deque

from .._protocol.base import ProtocolError
from .._protocol.pool import Pool
from .._typing import TYPE_CHECKING
from .connection import Http1Connection
from .course import Outgoing
from .dial import DialError, Route, dial
from .incoming import Incoming

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from .._protocol.pool import Slot, Ticket
    from .._protocol.proxy import Proxy
    from .._protocol.warm import Warm
    from .._timeout import Limits
    from .._url import Origin
    from .base import Backend
    from .connection import Channel
    from .course import Course
    from .dial import Security
    from .multiplex import Http2Connection

    Connection: TypeAlias = Http1Connection | Http2Connection
    ConnectionSlot: TypeAlias = Slot[Connection]

__all__ = ["ClosedError", "HttpTransport", "PoolTimeoutError"]

MAX_REFUSALS = 10
"""Times a request is offered again that no server has looked at."""

MAX_FAREWELLS = 100
"""The same where the connection ended with it: of many requests at once, a front end whose connections end after one request serves one
a connection, and sends the others away."""


class ClosedError(Exception):
    """The client was closed."""


class PoolTimeoutError(TimeoutError):
    """No connection became free in time.

    Attributes:
        waited: seconds, where they are fewer than the limit.
    """

    waited: float | None = None


class HttpTransport:
    """Sends requests over pooled connections.

    Args:
        backend: the world.
        limits: how many connections.
        http2: True, False or "auto".
        security: whom to trust in TLS.
        proxy_for: which proxy leads to an origin, if any; None where there is none at all.
    """

    def __init__(
        self, backend: Backend, limits: Limits, http2: bool | str, security: Security, proxy_for: Callable[[Origin], Proxy | None] | None
    ) -> None:
        self.backend = backend
        self.closed = False
        self.warm: Warm[Any] | None = None  # WebSockets of sessions, whose connections nobody here knows
        self._limits = limits
        self._http2 = http2
        self._security = security
        self._proxy_for = proxy_for
        self._mutex = backend.mutex
        self._pool: Pool[Connection] = self._new_pool()
        self._abandoned: deque[tuple[ConnectionSlot, Channel]] = deque()
        _transports.append(ref(self, _transports.remove))

    def _new_pool(self) -> Pool[Connection]:
        limits = self._limits
        return Pool(limits.max_connections, limits.max_keepalive_connections, limits.keepalive_expiry, self._http2)

    @property
    def limits(self) -> Limits:
        """How many connections."""
        return self._limits

    @property
    def security(self) -> Security:
        """Whom to trust in TLS."""
        return self._security

    def proxy_of(self, origin: Origin) -> Proxy | None:
        """Return the proxy that leads to an origin, if any."""
        return self._proxy_for(origin) if self._proxy_for is not None else None

    # ------------------------------------------------------------------------------------------------ requests
    async def open(self, outgoing: Outgoing, course: Course) -> Incoming:
        """Send a request and return its response, whose head has come.

        A request that died on a connection which had stood idle, before any byte of its answer, and one that the server says it has not
        looked at, are sent again on another connection: the server closed that one, or is about to.
        """
        offers, origin = 0, outgoing.origin
        while True:
            course.phase = "pool"
            if self._abandoned:
                self._collect()
            with self._mutex:
                if self.closed:
                    raise ClosedError
                slot = self._pool.take(origin.key, origin.scheme == "https", course.now(), offers > 0)
            if self._pool.unsettled:
                self._settle()
            if slot is None:
                slot = await self._queue(origin, course)
            connection = slot.connection
            reused = connection is not None
            if connection is None:
                connection = await self._connect(slot, origin, course)
            elif (connection.unsettled and not await self._settled(slot, connection)) or not connection.sound():
                self._retire(slot)
                continue
            try:
                channel = await connection.open(outgoing if self._proxy_for is None else self._addressed(outgoing, self._proxy_for), course)
                course.first_byte = course.now()
                return Incoming(self, slot, channel, course)
            except BaseException as error:
                if isinstance(connection, Http1Connection) and not connection.reusable:
                    connection.close()
                self.give_back(slot, self.backend.now())
                if offers >= _repeats(error, outgoing, connection, reused):
                    raise
                offers += 1

    async def _settled(self, slot: ConnectionSlot, connection: Connection) -> bool:
        """Wait for the end of the former response; return whether it has come."""
        try:
            return await connection.settle()
        except BaseException:
            self._retire(slot)
            raise

    def _addressed(self, outgoing: Outgoing, proxy_for: Callable[[Origin], Proxy | None]) -> Outgoing:
        """A request as it goes to a proxy that reads it names its whole URL, and the proxy's credentials (RFC 9112, 3.2.2)."""
        origin = outgoing.origin
        if origin.scheme != "http":
            return outgoing
        proxy = proxy_for(origin)
        if proxy is None or proxy.scheme not in ("http", "https"):
            return outgoing
        fields = [*outgoing.fields]
        if proxy.username is not None:
            from .._protocol.proxy import basic_auth

            fields.append(("Proxy-Authorization", basic_auth(proxy.username, proxy.password or "")))
        target = f"http://{origin.authority}{outgoing.target}"
        return Outgoing(outgoing.method, origin, target, fields, outgoing.body, outgoing.length, outgoing.replayable)

    # ------------------------------------------------------------------------------------------------ connections
    async def _queue(self, origin: Origin, course: Course) -> ConnectionSlot:
        """Wait for a slot, first come first served."""
        gate = self.backend.gate()
        span, began = course.left(course.timeout.pool), course.now()
        with self._mutex:
            if self.closed:
                raise ClosedError
            ticket = self._pool.request(origin.key, origin.scheme == "https", began)
            ticket.gate = gate
        if ticket.slot is not None:
            return ticket.slot
        try:
            await gate.wait(span)
        except BaseException:
            self._withdraw(ticket)
            raise
        if ticket.slot is None:
            self._withdraw(ticket)
            if self.closed:
                raise ClosedError
            course.left(span)
            raise PoolTimeoutError(f"no connection became free: all {self._limits.max_connections} are in use (Limits.max_connections)")
        course.queued += course.now() - began
        return ticket.slot

    def _withdraw(self, ticket: Ticket[Connection]) -> None:
        with self._mutex:
            self._pool.withdraw(ticket, self.backend.now())
        self._settle()

    async def _connect(self, slot: ConnectionSlot, origin: Origin, course: Course) -> Connection:
        """Open the connection that the pool has allowed."""
        course.phase = "connect"
        started = course.now()
        alpn = () if origin.scheme != "https" else ("h2", "http/1.1") if slot.offers_http2 else ("http/1.1",)
        scheme = "http" if origin.path else origin.scheme
        try:
            route = Route(
                scheme, origin.host, origin.port, path=origin.path, proxy=self._proxy_for(origin) if self._proxy_for else None, alpn=alpn
            )
            stream, protocol = await dial(self.backend, route, self._security, course.left(course.timeout.connect))
        except BaseException as error:
            with self._mutex:
                self._pool.failed(slot)
            self._settle()
            if isinstance(error, DialError):
                course.phase = error.phase
                raise error.cause from None
            raise
        course.connected = course.now() - started
        connection: Connection
        if protocol == "h2":
            from .multiplex import Http2Connection

            connection = Http2Connection(self.backend, stream, lambda _: self._resize(slot))
        else:
            connection = Http1Connection(stream)
        with self._mutex:
            if self.closed:
                connection.close()
                raise ClosedError
            self._pool.opened(slot, connection, connection.places, protocol == "h2")
        self._settle()
        return connection

    def _resize(self, slot: ConnectionSlot) -> None:
        """A shared connection takes more requests, or fewer, or none any more."""
        connection = slot.connection
        if connection is None:
            return
        with self._mutex:
            if connection.reusable:
                self._pool.resize(slot, connection.places)
            else:
                self._pool.retire(slot)
        self._settle()

    # ------------------------------------------------------------------------------------------------ giving back
    def release(self, incoming: Incoming, now: float) -> None:
        """A response has ended, or is not wanted any more."""
        with self._mutex:
            slot, incoming.slot = incoming.slot, None
            if slot is not None:
                connection = slot.connection
                if connection is not None:
                    connection.released = now
                self._pool.release(slot, connection is not None and connection.reusable, now)
        if self._pool.unsettled:
            self._settle()

    def claim(self, incoming: Incoming) -> ConnectionSlot | None:
        """Take its slot from a response, unless somebody else has."""
        with self._mutex:
            slot, incoming.slot = incoming.slot, None
            return slot

    def give_back(self, slot: ConnectionSlot, now: float) -> None:
        """A request is done with its slot."""
        with self._mutex:
            connection = slot.connection
            if connection is not None:
                connection.released = now
            self._pool.release(slot, connection is not None and connection.reusable, now)
        if self._pool.unsettled:
            self._settle()

    def _retire(self, slot: ConnectionSlot) -> None:
        with self._mutex:
            self._pool.retire(slot)
            self._pool.release(slot, False, self.backend.now())
        self._settle()

    def abandon(self, slot: ConnectionSlot, channel: Channel) -> None:
        """A response was dropped by the collector, at any point of any code: free its connection at once, or with the next call.

        The mutex is only tried: if it is held, then perhaps by the very code that the collector has interrupted.
        """
        self._abandoned.append((slot, channel))
        mutex = self._mutex
        if isinstance(mutex, LockType) and mutex.acquire(False):
            mutex.release()
            self._collect()

    def _collect(self) -> None:
        while True:
            try:
                slot, channel = self._abandoned.popleft()
            except IndexError:  # another thread may have taken the last one
                return
            channel.discard()
            self.give_back(slot, self.backend.now())

    def _settle(self) -> None:
        """Do what the pool has decided: wake those who were served, close what nobody uses."""
        with self._mutex:
            served, closing = self._pool.served(), self._pool.closing()
        for connection in closing:
            connection.close()
        for ticket in served:
            if ticket.gate is not None:
                ticket.gate.open()

    # ------------------------------------------------------------------------------------------------ the end
    def close(self) -> None:
        """Close every connection; requests under way fail."""
        with self._mutex:
            self.closed = True
            connections = self._pool.clear()
            sockets = self.warm.clear() if self.warm is not None else ()
        self._settle()
        for connection in connections:
            connection.close()
        for socket in sockets:
            socket.discard()

    def forget(self) -> None:
        """In a forked child: begin anew, and leave the parent's connections alone."""
        connections = self._pool.clear()
        sockets = self.warm.clear() if self.warm is not None else ()
        self._pool, self.warm = self._new_pool(), None
        self._abandoned.clear()
        self.backend.mutex = self._mutex = allocate_lock()  # that of the parent may have been held in the moment of the fork
        for connection in connections:
            connection.forget()
        for socket in sockets:
            socket.forget()


_transports: list[ref[HttpTransport]] = []


def _forget_all() -> None:
    for reference in list(_transports):
        transport = reference()
        if transport is not None:
            transport.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _repeats(error: BaseException, outgoing: Outgoing, connection: Connection, reused: bool) -> int:
    """How often a request may be repeated that the server refused, or that died with a connection that had stood idle; 0 for any other."""
    if not outgoing.replayable or not isinstance(error, (OSError, ProtocolError)):
        return 0
    if not isinstance(connection, Http1Connection):
        from .http2_channel import RefusedError

        if isinstance(error, RefusedError):
            return MAX_REFUSALS if connection.reusable else MAX_FAREWELLS
    return MAX_REFUSALS if reused and not isinstance(error, TimeoutError) and connection.fails_unanswered() else 0
