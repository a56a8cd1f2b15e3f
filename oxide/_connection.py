"""Connections as they are used: generic in the events of their part of the API, one face for each world, and what opens them."""

from __future__ import annotations

from ._connection_core import ConnectionCore, Reconnection
from ._errors import ConfigurationError
from ._helpers.outgoing import Handlers, SendQueue
from ._json import encode
from ._omit import not_given, omit
from ._socket import SocketOptions
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
    from types import TracebackType
    from typing import Any, overload

    from typing_extensions import Self

    from ._connection_core import OnReconnecting
    from ._exchange import Exchange
    from ._operation import Operation

__all__ = ["AsyncConnection", "AsyncConnectionManager", "Connection", "ConnectionManager", "HasExchange", "Opening", "Part"]

S = TypeVar("S")  # the events of the server
C = TypeVar("C")  # the events of the client, as dictionaries or records
R = TypeVar("R")  # what sending returns: None, or a coroutine
K = TypeVar("K", bound="Connection[Any, Any]")
A = TypeVar("A", bound="AsyncConnection[Any, Any]")
H = TypeVar("H")


class Part(Generic[R]):
    """Events that can be sent, by the first words of their types; a method for each.

    Args:
        tell: sends an event.
        path: the words.
    """

    __slots__ = ("_path", "_tell")

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        self._tell = tell
        self._path = path

    def _event(self, name: str, given: dict[str, Any]) -> R:
        values = {key: value for key, value in given.items() if key != "self" and value is not omit and value is not not_given}
        return self._tell({"type": f"{self._path}.{name}", **values})


def text_of(event: object) -> str:
    """Return the JSON of an event: a dictionary or a record."""
    return encode(event).decode("ascii")  # as `encode` writes it


class Handling:
    """Functions that are called by `dispatch_events`; also before there is a connection."""

    _handlers: Handlers

    if TYPE_CHECKING:

        @overload
        def on(self, event_type: str, handler: Callable[..., object]) -> Self: ...
        @overload
        def on(self, event_type: str) -> Callable[[H], H]: ...

    def on(self, event_type: str, handler: Callable[..., object] | None = None) -> Any:
        """Call a function with each event of a type, "event" for all; without a function, a decorator."""
        return self._add(event_type, handler, once=False)

    if TYPE_CHECKING:

        @overload
        def once(self, event_type: str, handler: Callable[..., object]) -> Self: ...
        @overload
        def once(self, event_type: str) -> Callable[[H], H]: ...

    def once(self, event_type: str, handler: Callable[..., object] | None = None) -> Any:
        """Call a function with the next event of a type, and not again."""
        return self._add(event_type, handler, once=True)

    def _add(self, kind: str, handler: Callable[..., object] | None, once: bool) -> Any:
        if handler is not None:
            self._handlers.add(kind, handler, once)
            return self

        def decorated(function: Callable[..., object]) -> Callable[..., object]:
            self._handlers.add(kind, function, once)
            return function

        return decorated

    def off(self, event_type: str, handler: Callable[..., object]) -> Self:
        """Call a function no more."""
        self._handlers.remove(event_type, handler)
        return self


class Connection(Handling, Generic[S, C]):
    """A connection for scripts and threads; any number of them may send. A context manager and an iterator of events."""

    def __init__(self, core: ConnectionCore[S]) -> None:
        self._core = core
        self._handlers = core.handlers
        self._make_parts()

    def _make_parts(self) -> None:
        """Make what belongs to one part of the API."""

    def _tell(self, event: dict[str, Any]) -> None:
        run_now(self._core.send(text_of(event)))

    def __iter__(self) -> Iterator[S]:
        while (event := run_now(self._core.next_event())) is not None:
            yield event

    def recv(self) -> S:
        """Return the next event. Raises WebSocketConnectionClosedError where there are no more."""
        return self.parse_event(run_now(self._core.receive()))

    def recv_bytes(self) -> bytes:
        """Return the next message as it came; see `parse_event`."""
        return _bytes(run_now(self._core.receive()))

    def send(self, event: C) -> None:
        """Send an event: a dictionary or a record."""
        run_now(self._core.send(text_of(event)))

    def send_raw(self, data: bytes | str) -> None:
        """Send a message as it is: `str` as text, `bytes` as binary."""
        run_now(self._core.send(data))

    def parse_event(self, data: str | bytes) -> S:
        """Return the event that a message is. Raises ValueError for one that is no JSON."""
        return self._core.parsed(data)

    def dispatch_events(self) -> None:
        """Call the functions given to `on` and `once` with the events, until the connection ends.

        Raises:
            OxideError: the service told of an error, and no function is there for that.
        """
        run_now(self._core.dispatch())

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        """Close the connection, politely. From any thread."""
        run_now(self._core.close(code, reason))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class AsyncConnection(Handling, Generic[S, C]):
    """A connection for asyncio; any number of tasks may send. See `Connection`."""

    def __init__(self, core: ConnectionCore[S]) -> None:
        self._core = core
        self._handlers = core.handlers
        self._make_parts()

    def _make_parts(self) -> None:
        """Make what belongs to one part of the API."""

    def _tell(self, event: dict[str, Any]) -> Coroutine[Any, Any, None]:
        return self._core.send(text_of(event))

    async def __aiter__(self) -> AsyncIterator[S]:
        while (event := await self._core.next_event()) is not None:
            yield event

    async def recv(self) -> S:
        """Return the next event. Raises WebSocketConnectionClosedError where there are no more."""
        return self.parse_event(await self._core.receive())

    async def recv_bytes(self) -> bytes:
        """Return the next message as it came; see `parse_event`."""
        return _bytes(await self._core.receive())

    async def send(self, event: C) -> None:
        """Send an event: a dictionary or a record."""
        await self._core.send(text_of(event))

    async def send_raw(self, data: bytes | str) -> None:
        """Send a message as it is: `str` as text, `bytes` as binary."""
        await self._core.send(data)

    def parse_event(self, data: str | bytes) -> S:
        """Return the event that a message is. Raises ValueError for one that is no JSON."""
        return self._core.parsed(data)

    async def dispatch_events(self) -> None:
        """Call the functions given to `on` and `once`, coroutine functions too, with the events, until the connection ends.

        Raises:
            OxideError: the service told of an error, and no function is there for that.
        """
        await self._core.dispatch()

    async def close(self, *, code: int = 1000, reason: str = "") -> None:
        """Close the connection, politely."""
        await self._core.close(code, reason)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()


def _bytes(message: str | bytes) -> bytes:
    return message if isinstance(message, bytes) else message.encode()


# ------------------------------------------------------------------------------------------------ opening


class HasExchange(Protocol):
    """A caller of a client."""

    @property
    def exchange(self) -> Exchange: ...


NATIVE = {
    "max_size": "max_message",
    "compression": "compression",
    "ping_interval": "ping_interval",
    "ping_timeout": "ping_timeout",
    "close_timeout": "close_timeout",
}
"""Options of the `websockets` package -> those of `SocketOptions`."""

NO_LIMIT = (1 << 63) - 1


def socket_options(given: Mapping[str, Any] | SocketOptions) -> tuple[SocketOptions, tuple[str, ...]]:
    """Return the options of a WebSocket and the subprotocols to offer.

    Raises:
        ConfigurationError: an option that has no counterpart here.
    """
    if isinstance(given, SocketOptions):
        return given, ()
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name in NATIVE:
            values[NATIVE[name]] = value
        elif name != "subprotocols" and value is not None:
            known = ", ".join([*NATIVE, "subprotocols"])
            raise ConfigurationError(f"websocket_connection_options: there is no {name!r} here; there are {known}, or a SocketOptions.")
    if "max_message" in values and values["max_message"] is None:
        values["max_message"] = NO_LIMIT
    if "compression" in values:
        values["compression"] = values["compression"] in (True, "deflate")
    return SocketOptions(**values), tuple(given.get("subprotocols") or ())


class Opening:
    """All that is known of a connection before it is opened.

    Args:
        caller: of the client.
        operation: the request; `params` are its own arguments.
        event: the type of the server's events.
        queue_size: bytes of messages that may wait for the connection.
        extra_query, extra_headers: what it is opened with, beside that of the client.
        websocket_connection_options: limits and habits of the WebSocket.
        on_reconnecting: told before the connection is opened again, which it never is without.
        max_retries, initial_delay, max_delay: how often then, and after how many seconds.
        max_queue_size: in the place of `queue_size`.

    Raises:
        ConfigurationError: an option of the WebSocket that does not exist.
    """

    def __init__(
        self,
        caller: HasExchange,
        operation: Operation[None],
        event: str,
        params: dict[str, Any],
        queue_size: int,
        *,
        extra_query: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, Any] | None = None,
        websocket_connection_options: Mapping[str, Any] | SocketOptions | None = None,
        on_reconnecting: OnReconnecting | None = None,
        max_retries: int = 5,
        initial_delay: float = 0.5,
        max_delay: float = 8.0,
        max_queue_size: int | None = None,
    ) -> None:
        self._caller = caller
        self._operation = operation
        self._event = event
        self._given = {**params, "extra_query": extra_query or {}, "extra_headers": extra_headers or {}}
        self._options, self._subprotocols = socket_options(websocket_connection_options or {})
        self._reconnection = Reconnection(on_reconnecting, max_retries, initial_delay, max_delay)
        self.queue = SendQueue(queue_size if max_queue_size is None else max_queue_size)

    def core(self, handlers: Handlers) -> ConnectionCore[Any]:
        """Return the connection, not opened yet."""
        core: ConnectionCore[Any] = ConnectionCore(
            self._caller.exchange,
            self._operation,
            self._given,
            self._event,
            self._reconnection,
            self.queue,
            self._subprotocols,
            self._options,
        )
        core.handlers.adopt(handlers)
        return core


class ConnectionManager(Handling, Generic[K, C]):
    """Opens a connection at the beginning of a `with` block, or with `enter()`, and closes it at the end."""

    def __init__(self, make: Callable[[ConnectionCore[Any]], K], opening: Opening) -> None:
        self._make = make
        self._opening = opening
        self._handlers = Handlers()
        self._connection: K | None = None

    def send(self, event: C) -> None:
        """Send an event as soon as there is a connection. Raises WebSocketQueueFullError where too much waits."""
        self._opening.queue.put(text_of(event))

    def enter(self) -> K:
        """Open the connection. Whoever calls this closes it with `close()`.

        Raises:
            APIStatusError: the server refused.
            APIConnectionError, ConfigurationError: as for every call.
        """
        core = self._opening.core(self._handlers)
        run_now(core.open())
        self._connection = connection = self._make(core)
        return connection

    def __enter__(self) -> K:
        return self.enter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()


class AsyncConnectionManager(Handling, Generic[A, C]):
    """Opens a connection at the beginning of an `async with` block, or with `await enter()`, and closes it at the end."""

    def __init__(self, make: Callable[[ConnectionCore[Any]], A], opening: Opening) -> None:
        self._make = make
        self._opening = opening
        self._handlers = Handlers()
        self._connection: A | None = None

    def send(self, event: C) -> None:
        """Send an event as soon as there is a connection. Raises WebSocketQueueFullError where too much waits."""
        self._opening.queue.put(text_of(event))

    async def enter(self) -> A:
        """Open the connection. Whoever calls this closes it with `close()`; errors are those of `ConnectionManager.enter`."""
        core = self._opening.core(self._handlers)
        await core.open()
        self._connection = connection = self._make(core)
        return connection

    async def __aenter__(self) -> A:
        return await self.enter()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._connection is not None:
            await self._connection.close()
