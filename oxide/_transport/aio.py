"""The asyncio world: a protocol per connection, no stream readers, no timeout contexts, only the public interface of event loops.

A warm exchange costs four system calls: send, epoll, recv, epoll.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from _thread import allocate_lock, get_ident
from weakref import WeakKeyDictionary

from .._typing import TYPE_CHECKING, TypeVar
from .addresses import FOREVER, STAGGER, SlowResolver, aborted, in_thread, late, literal, lookup, new_socket, unix, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from .addresses import Address, Socket
    from .base import Attempt, Endpoint

__all__ = ["AsyncioBackend", "LoopGate", "LoopStream", "running_loop"]

T = TypeVar("T")

_HIGH_WATER = 256 * 1024  # bytes received and not yet asked for, above which the peer has to wait
_RECEIVE_SIZE = 65536


class LoopStream(asyncio.BaseProtocol):
    """A connected transport. One task receives and one sends at a time; anybody closes.

    How the bytes come from the transport is left to the two classes below.
    """

    __slots__ = (
        "_chunks",
        "_closed",
        "_deadline",
        "_ended",
        "_error",
        "_loop",
        "_lost",
        "_paused",
        "_sender",
        "_size",
        "_thread",
        "_timer",
        "_transport",
        "_waiter",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = get_ident()
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = self._ended = self._lost = self._closed = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None  # of the task that receives
        self._sender: asyncio.Future[None] | None = None  # set while the transport's buffer is full
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # What the event loop tells ------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream socket gets a Transport

    def data_received(self, data: bytes) -> None:
        # The bytes go to the list, not into the future: a task that is cancelled before it runs again would lose them.
        self._chunks.append(data)
        self._size += len(data)
        if self._waiter is not None:
            _wake(self._waiter)
        elif self._size > _HIGH_WATER and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        if self._waiter is not None:
            _wake(self._waiter)
        return True  # the other direction stays open; `close` ends it

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._error = exc
        if exc is not None and not self._closed:
            self._take_last_words()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiter in (self._waiter, self._sender):
            if waiter is not None:
                _wake(waiter)

    def _take_last_words(self) -> None:
        """A transport whose write fails reads no more; but a server that takes no more of a request has often said why."""
        sock: socket.socket | None = None if self._transport is None else self._transport.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return
        try:
            with socket.socket(fileno=os.dup(sock.fileno())) as same:
                words = same.recv(_RECEIVE_SIZE)
        except OSError:  # none
            return
        if words:
            self._chunks.append(words)

    def pause_writing(self) -> None:
        self._sender = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._sender is not None:
            _wake(self._sender)
            self._sender = None

    # What the core asks -------------------------------------------------------------------------------------------------------------

    async def receive(self, timeout: float) -> bytes:
        if not self._chunks:
            await self._wait(timeout)
        chunks = self._chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self._paused:
            self._resume()
        return data

    async def _wait(self, timeout: float) -> None:
        """Wait until there are bytes, or the end of them."""
        if self._closed or self._lost:
            raise self._failure()
        if self._ended:
            return
        if timeout <= 0:
            raise late(timeout)
        self._arm(timeout)
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        except TimeoutError:
            raise late(timeout) from None
        finally:
            self._waiter = None
        if not self._chunks and not self._ended:
            raise self._failure()

    def _arm(self, timeout: float) -> None:
        """Have the timer look in time. One that looks earlier will do: it goes on to the deadline that holds then."""
        self._deadline = deadline = self._loop.time() + timeout
        timer = self._timer
        if timer is not None and timer.when() <= deadline:
            return
        if timer is not None:
            timer.cancel()
        self._timer = self._loop.call_at(deadline, self._look) if timeout < FOREVER else None

    def _look(self) -> None:
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._deadline <= self._loop.time():
            waiter.set_exception(TimeoutError())
        elif self._deadline < self._loop.time() + FOREVER:
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._lost and not self._closed:
            self._transport.resume_reading()

    def _failure(self) -> OSError:
        if self._closed or self._error is None:
            return aborted()
        if isinstance(self._error, OSError):
            return OSError(self._error.errno, self._error.strerror or str(self._error))
        return OSError(errno.ECONNABORTED, f"the transport failed: {self._error!r}")

    async def send(self, data: bytes, timeout: float) -> None:
        transport = self._transport
        if self._closed or self._lost or transport is None:
            raise self._failure()
        transport.write(data)
        if self._sender is not None:
            await self._drain(transport, timeout)

    async def _drain(self, transport: asyncio.Transport, timeout: float) -> None:
        """Wait until the peer has taken nearly all; each `timeout` seconds it must have taken something."""
        left = transport.get_write_buffer_size()
        while (sender := self._sender) is not None and not self._lost:
            await asyncio.wait((sender,), timeout=timeout if timeout < FOREVER else None)
            before, left = left, transport.get_write_buffer_size()
            if not sender.done() and left >= before:
                raise TimeoutError(errno.ETIMEDOUT, f"nothing taken by the peer within {timeout:g} s")
        if self._closed or self._lost:
            raise self._failure()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if get_ident() == self._thread and not self._loop.is_closed():
                self._abort()
            else:
                self._loop.call_soon_threadsafe(self._abort)
        except RuntimeError:  # the loop is closed
            self._drop()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._waiter is not None:
            _wake(self._waiter)

    def _drop(self) -> None:
        """Close the socket of a transport whose loop has gone. asyncio has no public way to it; other loops have closed it themselves."""
        transport, self._transport = self._transport, None
        lost: Callable[[Exception | None], None] | None = getattr(transport, "_call_connection_lost", None)
        if lost is not None:
            lost(None)

    def forget(self) -> None:
        # The loop came through the fork as well, but shares its epoll descriptor with the parent: it is not to be touched. Another name
        # of the socket can be closed as little; so the descriptor itself is.
        self._closed = True
        transport, self._transport = self._transport, None
        sock: socket.socket | None = None if transport is None else transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            socket.close(sock.fileno())

    @property
    def quiet(self) -> bool:
        if self._chunks or self._ended or self._lost or self._closed:
            return False
        # In another loop, or none, nobody would hear of the answer.
        return asyncio._get_running_loop() is self._loop

    def __del__(self) -> None:
        # Reached only when the loop has gone without closing us: while it lives, it holds the transport and the transport holds us.
        if not self._closed and not self._lost and self._transport is not None:
            self.close()


class _PlainStream(LoopStream, asyncio.Protocol):
    """For any loop: each read makes its own bytes object."""

    __slots__ = ()


class _BufferedStream(LoopStream, asyncio.BufferedProtocol):
    """For selector loops, which fill a buffer and tell so without doing anything between: one buffer serves all their connections.

    What a plain protocol costs there is an allocation of 256 KiB a read, which malloc often takes from and gives back to the system.
    """

    __slots__ = ("_buffer",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        buffer = _buffers.get(loop)
        if buffer is None:
            buffer = _buffers[loop] = memoryview(bytearray(_RECEIVE_SIZE))
        self._buffer = buffer

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._buffer[:nbytes]))


_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


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
        timer = loop.call_later(max(0.0, timeout), _wake, waiter) if timeout < FOREVER else None
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        return self._opened

    def open(self) -> None:
        self._opened = True
        waiting, self._waiting = self._waiting, []
        here = asyncio._get_running_loop()
        for waiter in waiting:
            loop = waiter.get_loop()
            if loop is here:
                _wake(waiter)
            else:
                _call_in(loop, _wake, waiter)


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
        made = _BufferedStream if isinstance(loop, asyncio.SelectorEventLoop) else _PlainStream
        _, stream = await loop.create_connection(lambda: made(loop), sock=sock)
        return stream

    def gate(self) -> LoopGate:
        return LoopGate()

    async def race(self, attempts: Sequence[Attempt[T]], stagger: float) -> T:
        if len(attempts) == 1:
            return await attempts[0]()
        waiting = list(attempts)
        running: set[asyncio.Task[T]] = set()
        try:
            while True:
                if waiting:
                    running.add(asyncio.ensure_future(waiting.pop(0)()))
                done, running = await asyncio.wait(running, timeout=stagger if waiting else None, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if task.exception() is None:
                        return task.result()
                if done and not waiting and not running:
                    return done.pop().result()  # raises
        finally:
            await _cancel(running)

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


async def _cancel(tasks: Sequence[asyncio.Task[Any]] | set[asyncio.Task[Any]]) -> None:
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


running_loop = asyncio.get_running_loop
"""Return the event loop in which the caller runs; raises RuntimeError outside of one."""
