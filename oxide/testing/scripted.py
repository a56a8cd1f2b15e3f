"""A world for tests: its network is a list of replies, its clock a number. Nothing waits, so it works with `run_now` and in asyncio."""

from __future__ import annotations

import errno
import sys
from _thread import allocate_lock

from .._transport.base import Staggered
from .._typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias

    from .._transport.base import Attempt, Contest, Endpoint

    Reply: TypeAlias = bytes | float | BaseException | Callable[[bytes], "bytes | BaseException"]

__all__ = ["ScriptedBackend", "ScriptedGate", "ScriptedStream"]

T = TypeVar("T")

_TURNS = 100  # how often other tasks get their turn before a gate counts as one that stays closed


class ScriptedStream:
    """One connection of the script.

    Replies come in order: bytes; a number, for which the peer is silent (seconds); an exception, which is raised; a function, called with
    all that was sent since the last reply. b"" is the end. After the last reply the peer is silent for ever.
    """

    def __init__(self, backend: ScriptedBackend, replies: Sequence[Reply], alpn: str | None = None) -> None:
        self._backend = backend
        self.replies = list(replies)
        self.sent = bytearray()  # all of it
        self.writes: list[bytes] = []  # the same, a call each
        self.closed = False
        self.forgotten = False
        self.alpn = alpn
        self._answered = 0

    async def send(self, data: bytes, timeout: float) -> None:
        self._check_open()
        self.sent += data
        self.writes.append(bytes(data))

    async def receive(self, timeout: float) -> bytes:
        self._check_open()
        waited = 0.0
        while self.replies:
            reply = self.replies[0]
            if isinstance(reply, (int, float)):
                if waited + reply > timeout:
                    self.replies[0] = waited + reply - timeout
                    break
                waited += reply
                del self.replies[0]
                continue
            self._backend.clock += waited
            if reply != b"":  # the end stays the end
                del self.replies[0]
            return self._said(reply)
        self._backend.clock += max(0.0, timeout)
        raise TimeoutError(errno.ETIMEDOUT, f"nothing received within {timeout:g} s")

    def _said(self, reply: bytes | BaseException | Callable[[bytes], bytes | BaseException]) -> bytes:
        if callable(reply):
            asked, self._answered = bytes(self.sent[self._answered :]), len(self.sent)
            reply = reply(asked)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def _check_open(self) -> None:
        if self.closed:
            raise OSError(errno.ECONNABORTED, "the connection was closed on this side")

    def close(self) -> None:
        self.closed = True

    def forget(self) -> None:
        self.closed = self.forgotten = True

    @property
    def quiet(self) -> bool:
        """Whether what comes next, if anything, has not come yet: functions and numbers wait for something, bytes and errors do not."""
        return not self.closed and not (self.replies and isinstance(self.replies[0], (bytes, BaseException)))


class _Turn:
    """Awaited, lets the other tasks of an event loop run."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class ScriptedGate:
    """A gate. Where nobody else runs who could open it, waiting only moves the clock."""

    def __init__(self, backend: ScriptedBackend) -> None:
        self._backend = backend
        self.opened = False

    async def wait(self, timeout: float) -> bool:
        turns = _TURNS if _in_event_loop() else 0
        while not self.opened and turns:
            turns -= 1
            await _Turn()
        if not self.opened:
            self._backend.clock += max(0.0, timeout)
        return self.opened

    def open(self) -> None:
        self.opened = True


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


class ScriptedBackend:
    """A backend whose connections are written down beforehand.

    Args:
        connections: for each connection its replies (see `ScriptedStream`), or the exception that connecting raises.
    """

    def __init__(self, *connections: Sequence[Reply] | BaseException) -> None:
        self.mutex: AbstractContextManager[object] = allocate_lock()
        self.clock = 0.0
        self.naps: list[float] = []
        self.endpoints: list[Endpoint] = []
        self.streams: list[ScriptedStream] = []
        self.script = list(connections)

    @property
    def sent(self) -> list[bytes]:
        """All that was sent, a connection each."""
        return [bytes(stream.sent) for stream in self.streams]

    def now(self) -> float:
        return self.clock

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.clock += max(0.0, seconds)
        if _in_event_loop():
            await _Turn()

    async def connect(self, endpoint: Endpoint, timeout: float) -> ScriptedStream:
        self.endpoints.append(endpoint)
        if not self.script:
            raise AssertionError(f"the script has no connection number {len(self.endpoints)} (to {endpoint})")
        replies = self.script.pop(0)
        if isinstance(replies, BaseException):
            if isinstance(replies, TimeoutError):
                self.clock += timeout
            raise replies
        stream = ScriptedStream(self, replies)
        self.streams.append(stream)
        return stream

    def gate(self) -> ScriptedGate:
        return ScriptedGate(self)

    async def race(self, attempts: Sequence[Attempt[T]], stagger: float) -> T:
        return await self.contest(Staggered(attempts, stagger))

    async def contest(self, contest: Contest[T]) -> T:
        """Run the attempts one after the other, but each on the clock as it would have stood had they run side by side."""
        ended: list[tuple[float, int, Exception | None, T | None]] = []
        begun = 0
        while True:
            now, due = self.clock, contest.due(self.clock)
            if due is not None and (not ended or now + due <= min(outcome[0] for outcome in ended)):
                self.clock = now = now + max(0.0, due)
                attempt = contest.start(now)
                if attempt is not None:
                    ended.append(await self._outcome(begun, attempt))
                    begun += 1
                    self.clock = now
                continue
            if not ended:
                raise contest.verdict()
            first = min(ended, key=lambda outcome: outcome[:2])
            ended.remove(first)
            self.clock, number, error, result = first
            if error is None:
                contest.won(number)
                return result  # type: ignore[return-value]  # there is one where there is no error
            if contest.failed(number, error, self.clock):
                raise contest.verdict()

    async def _outcome(self, number: int, attempt: Attempt[T]) -> tuple[float, int, Exception | None, T | None]:
        try:
            result = await attempt()
        except Exception as error:
            return self.clock, number, error, None
        return self.clock, number, None, result

    async def settle(self, value: Any) -> Any:
        return await value if hasattr(value, "__await__") else value
