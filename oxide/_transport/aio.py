"""The asyncio world: its clock, its naps, its connections, its races; the streams themselves stand in `aio_stream`."""

from __future__ import annotations

import asyncio
import errno
import time
from _thread import allocate_lock, get_ident

from .._typing import TYPE_CHECKING, TypeVar
from .addresses import FOREVER, STAGGER, SlowResolver, in_thread, literal, lookup, new_socket, unix, unreachable
from .aio_stream import BufferedStream, LoopStream, PlainStream, wake
from .base import Staggered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from .addresses import Address, Socket
    from .base import Attempt, Contest, Endpoint

__all__ = ["AsyncioBackend", "LoopGate", "LoopStream", "RunningLoop"]

T = TypeVar("T")


class LoopGate:
    """A gate between tasks; opened from any thread."""

    __slots__ = ("_opened", "_waiting")

    def __init__(self) -> None:
        self._opened = False
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self, timeout: float) -> bool:
        if self._opened:
            return True
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiter)
        # Looked at again: another thread may have opened it since, and have found no waiter.
        if self._opened:
            return True
        timer = loop.call_later(max(0.0, timeout), wake, waiter) if timeout < FOREVER else None
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
        return self._opened  # the waiter, which is done, stays in the list: that may be in the hands of another thread's `open`

    def open(self) -> None:
        self._opened = True
        waiting, self._waiting = self._waiting, []
        here = asyncio._get_running_loop()
        for waiter in waiting:
            loop = waiter.get_loop()
            if loop is here:
                wake(waiter)
            else:
                _call_in(loop, wake, waiter)


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:  # the loop is closed, and who waited has gone with it
        return


class AsyncioBackend:
    """The world of tasks."""

    def __init__(self) -> None:
        self.mutex: AbstractContextManager[object] = (
            allocate_lock()
        )  # never held across an await; real, since finalizers and other threads may come in

    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def connect(self, endpoint: Endpoint, timeout: float) -> LoopStream:
        deadline = time.monotonic() + timeout
        addresses: Sequence[Address]
        if endpoint.path is not None:
            addresses = unix(endpoint.path)
        else:
            addresses = literal(endpoint.host, endpoint.port) or await _resolve(endpoint.host, endpoint.port, timeout)
        task = asyncio.ensure_future(self._reach(endpoint, addresses))
        try:
            left = max(0.0, deadline - time.monotonic())
            await asyncio.wait((task,), timeout=left if left < FOREVER else None)
            if task.done():
                return task.result()
            raise TimeoutError(errno.ETIMEDOUT, f"no answer from {endpoint} within {timeout:g} s ({len(addresses)} addresses known)")
        except asyncio.CancelledError:
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().close()
            raise
        finally:
            if not task.done():
                await _cancel((task,))

    async def _reach(self, endpoint: Endpoint, addresses: Sequence[Address]) -> LoopStream:
        """Connect to the first address that answers, each tried a moment after the one before."""
        loop = asyncio.get_running_loop()
        try:
            sock = await self.race([_attempt(loop, *address) for address in addresses], STAGGER)
        except OSError as error:
            raise unreachable(endpoint.path or endpoint.host, endpoint.port, len(addresses), error) from None
        selects = isinstance(loop, asyncio.SelectorEventLoop)
        _, stream = await loop.create_connection(lambda: BufferedStream(loop, sock) if selects else PlainStream(loop), sock=sock)
        return stream

    def gate(self) -> LoopGate:
        return LoopGate()

    async def race(self, attempts: Sequence[Attempt[T]], stagger: float) -> T:
        if len(attempts) == 1:
            return await attempts[0]()
        return await self.contest(Staggered(attempts, stagger))

    async def contest(self, contest: Contest[T]) -> T:
        running: dict[asyncio.Task[T], int] = {}
        begun = 0
        try:
            while True:
                due = contest.due(time.monotonic())
                if due is not None and due <= 0:
                    attempt = contest.start(time.monotonic())
                    if attempt is not None:
                        running[asyncio.ensure_future(attempt())] = begun
                        begun += 1
                    continue
                if not running:
                    if due is None:
                        raise contest.verdict()
                    await asyncio.sleep(due)
                    continue
                done, _ = await asyncio.wait(running, timeout=due, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=running.__getitem__):
                    number = running[task]
                    error = task.exception()  # raises where somebody else has cancelled it
                    if error is None:
                        contest.won(number)
                        del running[task]
                        return task.result()
                    del running[task]
                    if not isinstance(error, Exception):
                        raise error
                    if contest.failed(number, error, time.monotonic()):
                        raise contest.verdict()
        finally:
            await _cancel(running.keys())
            for task in running:
                if not task.cancelled() and task.exception() is None:
                    contest.drop(task.result())

    async def settle(self, value: Any) -> Any:
        return await value if hasattr(value, "__await__") else value


def _attempt(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> Callable[[], Coroutine[Any, Any, Socket]]:
    async def attempt() -> Socket:
        sock = new_socket(family)
        try:
            await loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    return attempt


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have gone; what they would say is of no interest any more."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.gather(*tasks, return_exceptions=True)


async def _resolve(host: str, port: int, timeout: float) -> list[Address]:
    """Look the name up in a thread of its own: the loop's executor would be waited for at exit, however slow the resolver."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address]] = loop.create_future()

    def run() -> None:
        found: list[Address] | OSError
        try:
            found = lookup(host, port)
        except OSError as error:
            found = error
        _call_in(loop, _tell, answer, found)

    in_thread(run)
    timer = loop.call_later(max(0.0, timeout), _tell, answer, SlowResolver(host, timeout)) if timeout < FOREVER else None
    try:
        return await answer
    finally:
        if timer is not None:
            timer.cancel()


def _tell(answer: asyncio.Future[T], outcome: T | OSError) -> None:
    if answer.done():
        return
    if isinstance(outcome, OSError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


class RunningLoop:
    """Remembers the event loop in which it was made, and tells cheaply whether that is the one in which it is asked.

    `asyncio.get_running_loop` asks the kernel for the process id before Python 3.12.
    """

    __slots__ = ("_thread", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def here(self) -> bool:
        """Whether this loop runs the caller: it runs, and in the caller's thread, where no other can run meanwhile."""
        return get_ident() == self._thread and self.loop.is_running()
