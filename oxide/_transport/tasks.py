"""Functions that run beside a call in asyncio: coroutines in tasks, plain functions in threads, so that the loop goes on."""

from __future__ import annotations

import asyncio
import threading
from _contextvars import copy_context
from collections import deque

from .._typing import TYPE_CHECKING
from .workers import Outcome, overdue

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .workers import Job

__all__ = ["TaskWorkers"]

GRACE = 1.0
"""Seconds that a coroutine has to clean up after it was cancelled."""


class TaskWorkers:
    """Tasks that do jobs.

    Args:
        size: how many jobs run at a time; others wait for a place.
    """

    def __init__(self, size: int) -> None:
        self._places = asyncio.Semaphore(size)
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: deque[Outcome] = deque()
        self._news = asyncio.Event()

    def start(self, job: Job, waiting: bool = False) -> None:
        """Begin a job, at once if there is a place; `waiting` is whether its function gives something to await."""
        task = asyncio.get_running_loop().create_task(self._work(job, waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, job: Job, waiting: bool) -> None:
        async with self._places:
            try:
                work = asyncio.ensure_future(job.function() if waiting else _in_thread(job.function))
                await _bounded(work, job.timeout)
                outcome = Outcome(job.number, work.result(), None) if work.done() and not work.cancelled() else overdue(job)
            except Exception as error:
                outcome = Outcome(job.number, None, error)
        self._outcomes.append(outcome)
        self._news.set()

    def ended(self) -> list[Outcome]:
        """Return how those jobs have ended of which nobody was told yet."""
        outcomes = [*self._outcomes]
        self._outcomes.clear()
        return outcomes

    async def next(self) -> Outcome:
        """Wait until a job has ended, or is late."""
        while not self._outcomes:
            self._news.clear()
            await self._news.wait()
        return self._outcomes.popleft()

    def cancel(self) -> None:
        """Cancel what runs, and begin nothing more; a plain function runs on in its thread, to no avail."""
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        """Cancel what runs, and wait until it has ended."""
        self.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _bounded(work: asyncio.Future[Any], timeout: float | None) -> None:
    """Wait for something that is cancelled when time is up, or when whoever waits is cancelled."""
    try:
        await asyncio.wait([work], timeout=timeout)
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait([work], timeout=GRACE)


def _in_thread(function: Callable[[], Any]) -> asyncio.Future[Any]:
    """Call a function in a thread that nobody waits for at exit; return what will have its result."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if not future.done():  # it is when the task was cancelled, or time was up
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    def run() -> None:
        result, problem = None, None
        try:
            result = function()
        except BaseException as error:  # a future takes neither StopIteration nor what ends programs
            problem = error if isinstance(error, Exception) and not isinstance(error, StopIteration) else RuntimeError(repr(error))
        try:
            loop.call_soon_threadsafe(settle, result, problem)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    threading.Thread(target=copy_context().run, args=(run,), name="oxide-tool", daemon=True).start()
    return future
