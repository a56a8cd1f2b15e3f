"""The contracts of the I/O side, and `run_now`: how one story serves two worlds.

The exchange is written once as coroutines over a `Backend`.  In asyncio they are awaited.  In the blocking world every primitive does
its work before it returns, so that the same coroutine never suspends and finishes in the first `send(None)`: that is `run_now`.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias

__all__ = ["Attempt", "Backend", "ByteStream", "Contest", "Endpoint", "Gate", "Staggered", "run_now"]

T = TypeVar("T")

if TYPE_CHECKING:
    Attempt: TypeAlias = "Callable[[], Coroutine[Any, Any, T]]"
else:
    Attempt = Generic


class Endpoint:
    """Where to connect: a host and a port, or the path of a Unix socket."""

    __slots__ = ("host", "path", "port")

    def __init__(self, host: str, port: int, path: str | None = None) -> None:
        self.host = host
        self.port = port
        self.path = path

    def __repr__(self) -> str:
        return f"Endpoint({self.path!r})" if self.path else f"Endpoint({self.host!r}, {self.port})"


class ByteStream(Protocol):
    """A connected pair of byte pipes. One task or thread receives and one sends at a time; anybody may close."""

    async def send(self, data: bytes, timeout: float) -> None:
        """Send all of `data`. `timeout` (seconds) bounds the wait for the peer to take any of it; raises TimeoutError, OSError."""
        ...

    async def receive(self, timeout: float) -> bytes:
        """Return what has come, at least one byte; b"" at the end. Raises TimeoutError after `timeout` seconds, OSError."""
        ...

    def close(self) -> None:
        """Close at once: never waits, never fails, may be called twice and from any thread or task; wakes who receives."""
        ...

    def forget(self) -> None:
        """Let go of the descriptor without telling the peer: what a forked child does with the sockets of its parent."""
        ...

    @property
    def quiet(self) -> bool:
        """Whether the peer has sent nothing and not hung up, so that an idle connection may be used again. Never waits."""
        ...


class Gate(Protocol):
    """Opens once and lets through whoever waits or will wait."""

    async def wait(self, timeout: float) -> bool:
        """Wait until the gate is open, at most `timeout` seconds; return whether it is."""
        ...

    def open(self) -> None:
        """Open the gate; from any thread or task; opening twice does nothing."""
        ...


class Contest(Protocol[T]):
    """Decides over attempts that run side by side, of which one result counts. It is asked by one thread or task alone, but for `drop`."""

    def due(self, now: float) -> float | None:
        """Return the seconds until the next attempt is to start, 0 or less for at once, None for none before something has happened."""
        ...

    def start(self, now: float) -> Attempt[T] | None:
        """Return the attempt that is due, or None where it was given up. They count from 0."""
        ...

    def won(self, number: int) -> None:
        """An attempt has the result; the others are stopped."""
        ...

    def failed(self, number: int, error: Exception, now: float) -> bool:
        """An attempt has failed; return whether all is lost with it, though others may run."""
        ...

    def verdict(self) -> Exception:
        """Return what is raised where all is lost, or no attempt runs and none is to start."""
        ...

    def drop(self, result: T) -> None:
        """Let go of a result that came too late; from any thread."""
        ...


class Staggered(Generic[T]):
    """A contest of attempts that start some seconds apart, or at once when one fails; the last failure counts."""

    __slots__ = ("_due", "_last", "_stagger", "_waiting")

    def __init__(self, attempts: Sequence[Attempt[T]], stagger: float) -> None:
        self._waiting = list(attempts)
        self._stagger = stagger
        self._due = float("-inf")
        self._last: Exception = RuntimeError("a race without attempts")

    def due(self, now: float) -> float | None:
        return self._due - now if self._waiting else None

    def start(self, now: float) -> Attempt[T] | None:
        self._due = now + self._stagger
        return self._waiting.pop(0)

    def won(self, number: int) -> None:
        """It is over."""

    def failed(self, number: int, error: Exception, now: float) -> bool:
        self._due, self._last = now, error
        return False

    def verdict(self) -> Exception:
        return self._last

    def drop(self, result: T) -> None:
        """Whoever made it looks after it."""


class Backend(Protocol):
    """One world: its clock, its naps, its connections, its concurrency."""

    mutex: AbstractContextManager[object, bool | None]

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def connect(self, endpoint: Endpoint, timeout: float) -> ByteStream:
        """Connect in clear to the endpoint, trying every address; raises `ResolveError`, TimeoutError, OSError."""
        ...

    def gate(self) -> Gate:
        """Return a new, closed gate."""
        ...

    async def race(self, attempts: Sequence[Attempt[T]], stagger: float) -> T:
        """Start the attempts `stagger` seconds apart, or at once when one fails; return the first result, stop the others.

        Raises what the last one to fail raised, when all fail.
        """
        ...

    async def contest(self, contest: Contest[T]) -> T:
        """Start attempts when a contest says so; return the first result, stop the others. Raises its verdict."""
        ...

    async def settle(self, value: Any) -> Any:
        """Return `value`, awaited first if it is awaitable (in the blocking world an awaitable is a `TypeError`)."""
        ...


class ResolveError(OSError):
    """The host name has no address."""


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose awaits never suspend, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    coroutine.close()
    raise RuntimeError("a coroutine suspended in the blocking world")
