"""How long a client waits, and how many connections it holds: values only."""

from __future__ import annotations

from ._errors import ConfigurationError
from ._omit import NotGiven, not_given

__all__ = ["FOREVER", "Limits", "Timeout"]

FOREVER = float("inf")
"""No limit, in seconds."""


class Timeout:
    """How long each kind of wait may take, in seconds; None is no limit.

    Args:
        timeout: sets connect, read, write and pool at once.
        connect: resolving, connecting, the proxy's and the TLS handshake, together.
        read: waiting for more bytes of an answer.
        write: waiting for the peer to take more of the request.
        pool: waiting for a free connection.
        total: the whole call, over all attempts; for a stream, up to its last event.
        first_event: for streams, from the call to the first event.
        idle: for streams, between two events; comments do not count.
    """

    __slots__ = ("connect", "first_event", "idle", "pool", "read", "total", "write")

    def __init__(
        self,
        timeout: float | None | NotGiven = not_given,
        *,
        connect: float | None | NotGiven = not_given,
        read: float | None | NotGiven = not_given,
        write: float | None | NotGiven = not_given,
        pool: float | None | NotGiven = not_given,
        total: float | None = None,
        first_event: float | None = None,
        idle: float | None = None,
    ) -> None:
        self.connect = _seconds("connect", connect, timeout, 5.0)
        self.read = _seconds("read", read, timeout, 600.0)
        self.write = _seconds("write", write, timeout, 600.0)
        self.pool = _seconds("pool", pool, timeout, 600.0)
        self.total = _seconds("total", total, None, FOREVER)
        self.first_event = _seconds("first_event", first_event, None, FOREVER)
        self.idle = _seconds("idle", idle, None, FOREVER)

    def __eq__(self, other: object) -> bool:
        return all(getattr(self, n) == getattr(other, n) for n in self.__slots__) if isinstance(other, Timeout) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__slots__))

    def __repr__(self) -> str:
        return f"Timeout({', '.join(f'{n}={getattr(self, n):g}' for n in self.__slots__ if hasattr(self, n))})"


def _seconds(name: str, value: float | None | NotGiven, fallback: float | None | NotGiven, default: float) -> float:
    chosen = fallback if isinstance(value, NotGiven) else value
    if isinstance(chosen, NotGiven):
        return default
    if chosen is None:
        return FOREVER
    if isinstance(chosen, bool) or not isinstance(chosen, (int, float)) or not chosen > 0:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"the timeout {name} must be a number of seconds above 0, or None for no limit; not {chosen!r}")
    return float(chosen)


def _are(values: tuple[object, ...], kind: type | tuple[type, ...]) -> bool:
    return all(isinstance(value, kind) for value in values)


class Limits:
    """How many connections a client may hold.

    Args:
        max_connections: in all; further requests wait, first come first served.
        max_keepalive_connections: kept open while idle.
        keepalive_expiry: seconds an idle connection is kept.
        max_sockets: WebSockets of sessions that are kept open while no session uses them.
        max_sockets_per_key: the same for one address and key.
        socket_expiry: seconds they are kept; the service closes them after a minute.
        max_socket_age: seconds after which a session replaces its WebSocket; the service does after an hour.
    """

    __slots__ = (
        "keepalive_expiry",
        "max_connections",
        "max_keepalive_connections",
        "max_socket_age",
        "max_sockets",
        "max_sockets_per_key",
        "socket_expiry",
    )

    def __init__(
        self,
        max_connections: int = 1000,
        max_keepalive_connections: int = 100,
        keepalive_expiry: float = 60.0,
        *,
        max_sockets: int = 8,
        max_sockets_per_key: int = 4,
        socket_expiry: float = 55.0,
        max_socket_age: float = 3300.0,
    ) -> None:
        numbers = _are((max_connections, max_keepalive_connections), int) and _are((keepalive_expiry,), (int, float))
        if not numbers or max_connections < 1 or max_keepalive_connections < 0 or not keepalive_expiry >= 0:
            raise ConfigurationError("limits: at least 1 connection, at least 0 kept alive, an expiry of at least 0 seconds")
        self.max_connections = max_connections
        self.max_keepalive_connections = max_keepalive_connections
        self.keepalive_expiry = keepalive_expiry
        sockets = _are((max_sockets, max_sockets_per_key), int) and _are((socket_expiry, max_socket_age), (int, float))
        if not sockets or max_sockets < 0 or max_sockets_per_key < 0 or not socket_expiry >= 0 or not max_socket_age > 0:
            raise ConfigurationError("limits: at least 0 sockets kept, an expiry of at least 0 seconds, an age above 0")
        self.max_sockets = max_sockets
        self.max_sockets_per_key = max_sockets_per_key
        self.socket_expiry = socket_expiry
        self.max_socket_age = max_socket_age

    def __repr__(self) -> str:
        return f"Limits({self.max_connections}, {self.max_keepalive_connections}, {self.keepalive_expiry:g})"
