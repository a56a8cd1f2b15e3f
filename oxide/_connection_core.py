"""The story of a connection that is spoken over event by event: opened, received from, sent over, opened again when it breaks."""

from __future__ import annotations

import os

from ._errors import OxideError, WebSocketConnectionClosedError
from ._helpers.outgoing import Handlers
from ._json import as_object, decode
from ._socket import PASSING, open_socket
from ._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from ._exchange import Exchange
    from ._helpers.outgoing import SendQueue
    from ._operation import Operation
    from ._socket import Socket
    from ._transport.base import Gate
    from ._transport.socket_options import SocketOptions

    class ReconnectingOverrides(dict[str, Any]):
        """What `on_reconnecting` may return: changes for the next attempt, or its end."""

        def __init__(
            self, *, extra_query: Mapping[str, object] = ..., extra_headers: Mapping[str, Any] = ..., abort: bool = ...
        ) -> None: ...

    Overrides: TypeAlias = Mapping[str, Any] | None
    OnReconnecting: TypeAlias = "Callable[[ReconnectingEvent], Overrides] | Callable[[ReconnectingEvent], Awaitable[Overrides]]"
else:

    class ReconnectingOverrides(dict):
        """What `on_reconnecting` may return: `extra_query` and `extra_headers` for the next attempts, or `abort=True`."""


__all__ = ["ConnectionCore", "ReconnectingEvent", "ReconnectingOverrides", "Reconnection"]

S = TypeVar("S")  # the events of the server

ORDERLY = frozenset((1000, 1001))


class ReconnectingEvent:
    """A connection has broken and is about to be opened again.

    Attributes:
        attempt, max_attempts: which one, counted from 1, of how many.
        delay: seconds until then.
        close_code: how the last connection ended.
        extra_query, extra_headers: what the next one will be opened with.
    """

    __slots__ = ("attempt", "close_code", "delay", "extra_headers", "extra_query", "max_attempts")

    def __init__(
        self,
        *,
        attempt: int,
        max_attempts: int,
        delay: float,
        close_code: int,
        extra_query: Mapping[str, object],
        extra_headers: Mapping[str, Any],
    ) -> None:
        self.attempt = attempt
        self.max_attempts = max_attempts
        self.delay = delay
        self.close_code = close_code
        self.extra_query = extra_query
        self.extra_headers = extra_headers

    def __repr__(self) -> str:
        return f"<attempt {self.attempt} of {self.max_attempts} in {self.delay:.2f} s, after code {self.close_code}>"


class Reconnection:
    """When a connection that broke is opened again.

    Args:
        ask: is told before each attempt, and may change or end it; None: nothing is opened again.
        limit: attempts between two events of the server.
        first, longest: seconds before the first attempt, doubled with each up to the longest.
    """

    __slots__ = ("ask", "first", "limit", "longest")

    def __init__(self, ask: OnReconnecting | None, limit: int, first: float, longest: float) -> None:
        self.ask = ask
        self.limit = limit
        self.first = first
        self.longest = longest

    def delay(self, attempt: int, dice: float) -> float:
        """Return the seconds before an attempt, counted from 1; dice from 0 to 1 take up to a quarter off."""
        delay: float = min(self.first * 2 ** (attempt - 1), self.longest)
        return delay * (1 - 0.25 * dice)


class ConnectionCore(Generic[S]):
    """The story of a connection.

    Args:
        exchange: of the client.
        operation, given: what is asked to open it; `given` holds the headers and the query.
        event: the type of the server's events.
        reconnection: when it is opened again.
        queue: what is sent as soon as there is a connection.
    """

    def __init__(
        self,
        exchange: Exchange,
        operation: Operation[None],
        given: dict[str, Any],
        event: str,
        reconnection: Reconnection,
        queue: SendQueue,
        subprotocols: Sequence[str] = (),
        options: SocketOptions | None = None,
    ) -> None:
        self._exchange = exchange
        self._operation = operation
        self._given = given
        self._decoder: Callable[[Any], S] = exchange.decoder(event)
        self._reconnection = reconnection
        self._queue = queue
        self._subprotocols = subprotocols
        self._options = options
        self._attempts = 0  # to open it again, since the server last sent an event
        self._reopening = False
        self._closed: Gate = exchange.backend.gate()
        self._closing = False
        self.handlers = Handlers()
        self.socket: Socket

    async def open(self) -> None:
        """Open the connection, and send what waits."""
        self.socket = await self._opened()
        try:
            await self._flush()
        except BaseException:
            self.socket.discard()
            raise

    async def _opened(self) -> Socket:
        exchange = self._exchange
        request = self._operation.prepare(self._given, exchange.settings.for_sockets())
        return await open_socket(exchange, request, subprotocols=self._subprotocols, options=self._options)

    # ------------------------------------------------------------------------------------------------ events
    async def receive(self) -> str | bytes:
        """Return the next message."""
        message = await self.socket.receive()
        if self._attempts:
            self._note(message)
        return message

    def _note(self, message: str | bytes) -> None:
        """An event that is no error tells that the connection is good again."""
        try:
            kind = (as_object(decode(message)) or {}).get("type")
        except ValueError:
            return
        if isinstance(kind, str) and kind != "error":
            self._attempts = 0

    def parsed(self, message: str | bytes) -> S:
        """Return the event that a message is. Raises ValueError for one that is none."""
        return self._decoder(decode(message))

    async def next_event(self) -> S | None:
        """Return the next event, of another connection if need be; None where all has been said."""
        while True:
            try:
                return self.parsed(await self.receive())
            except WebSocketConnectionClosedError as error:
                if await self._reopen(1006 if error.code is None else error.code):
                    continue
                with self._exchange.backend.mutex:
                    unsent = self._queue.drain()
                if unsent:
                    error.unsent_frames = unsent
                elif self._closing or error.code in ORDERLY:
                    return None
                raise

    async def dispatch(self) -> None:
        """Call the handlers with the events, until the connection ends."""
        settle = self._exchange.backend.settle
        while (event := await self.next_event()) is not None:
            kind: str = getattr(event, "type", "")
            functions = self.handlers.take(kind)
            if kind == "error" and not functions:
                raise OxideError(f"The service told of an error, and no handler is there for it: {event}")
            for function in functions:
                await settle(function(event))

    # ------------------------------------------------------------------------------------------------ sending
    async def send(self, message: str | bytes) -> None:
        """Send a message; while the connection is opened again it waits in the queue."""
        with self._exchange.backend.mutex:
            if self._reopening:
                self._queue.put(message)
                return
        await self.socket.send(message)

    async def _flush(self) -> None:
        mutex = self._exchange.backend.mutex
        while True:
            with mutex:
                message = self._queue.take()
                if message is None:
                    self._reopening = False
                    return
            try:
                await self.socket.send(message)
            except BaseException:
                with mutex:
                    self._queue.put_back(message)
                raise

    # ------------------------------------------------------------------------------------------------ the end, and beginning again
    async def close(self, code: int, reason: str) -> None:
        """Say goodbye."""
        self._closing = True
        self._closed.open()
        await self.socket.close(code, reason)

    def discard(self) -> None:
        """Close at once."""
        self._closing = True
        self._closed.open()
        self.socket.discard()

    async def _reopen(self, code: int) -> bool:
        """Open the connection again, if that was asked for and may help; return whether it is open."""
        policy = self._reconnection
        if policy.ask is None or self._closing or code not in PASSING:
            return False
        mutex = self._exchange.backend.mutex
        with mutex:
            self._reopening = True
        try:
            while self._attempts < policy.limit and not self._closing:
                self._attempts += 1
                if not await self._announced(code, policy.ask):
                    return False
                opened = await self._attempt()
                if opened is True:
                    return True
                if opened is not None and opened not in PASSING:
                    return False
            return False
        finally:
            with mutex:
                self._reopening = False

    async def _announced(self, code: int, ask: OnReconnecting) -> bool:
        """Tell of an attempt, and wait until it is due; return whether it is to be made."""
        policy, given, attempt = self._reconnection, self._given, self._attempts
        delay = policy.delay(attempt, int.from_bytes(os.urandom(4), "big") / 2**32)
        query: dict[str, object] = given["extra_query"]
        headers: dict[str, Any] = given["extra_headers"]
        event = ReconnectingEvent(
            attempt=attempt, max_attempts=policy.limit, delay=delay, close_code=code, extra_query=query, extra_headers=headers
        )
        changes = await self._exchange.backend.settle(ask(event))
        if changes is not None:
            if changes.get("abort"):
                return False
            self._given = {**given, **{name: changes[name] for name in ("extra_query", "extra_headers") if name in changes}}
        return not await self._closed.wait(delay)

    async def _attempt(self) -> bool | int | None:
        """Open another connection and send what waits: True; the code of its end, or None where there was none."""
        try:
            socket = await self._opened()
        except OxideError:
            return None
        self.socket = socket
        if self._closing:
            socket.discard()
            return False
        try:
            await self._flush()
        except WebSocketConnectionClosedError as error:
            return error.code
        except OxideError:
            socket.discard()
            return None
        return True
