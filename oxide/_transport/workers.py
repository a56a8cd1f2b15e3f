"""Functions that run beside a call: in threads in the blocking world, in tasks (`tasks`) in asyncio; each has a time limit of its own.

Nobody can stop a thread.  One that is late is given up: its result is dropped when it comes, and another thread takes its place.
"""

from __future__ import annotations

import threading
from _contextvars import copy_context
from collections import deque
from queue import Empty, SimpleQueue
from time import monotonic

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from typing import Any

__all__ = ["Job", "Outcome", "ThreadWorkers", "overdue"]


class Job:
    """Something to be done.

    Args:
        number: what its outcome is known by.
        function: does it; in asyncio it may return an awaitable.
        timeout: seconds that it may take, None for as many as it likes; they count from its start.
    """

    __slots__ = ("deadline", "function", "number", "timeout")

    def __init__(self, number: int, function: Callable[[], Any], timeout: float | None) -> None:
        self.number = number
        self.function = function
        self.timeout = timeout
        self.deadline = float("inf")


class Outcome:
    """How a job has ended."""

    __slots__ = ("error", "number", "result")

    def __init__(self, number: int, result: Any, error: BaseException | None) -> None:
        self.number = number
        self.result = result
        self.error = error


def overdue(job: Job) -> Outcome:
    """Return the outcome of a job that has not ended in time."""
    after = "it was cancelled" if job.timeout is None else f"not done after {job.timeout:g} s"
    return Outcome(job.number, None, TimeoutError(after))


class ThreadWorkers:
    """Threads that do jobs; they begin when there is something to do, and end when there is not.

    Args:
        size: how many jobs run at a time; others wait for a place.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Job, Context]] = deque()
        self._running: dict[int, tuple[Job, threading.Thread]] = {}
        self._done: list[threading.Thread] = []  # they have no more to do, and are about to end
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()

    def start(self, job: Job, waiting: bool = False) -> None:
        """Begin a job, at once if there is a place."""
        with self._lock:
            self._waiting.append((job, copy_context()))
            self._fill()

    def _fill(self) -> None:
        """Begin what waits, as far as there are places."""
        while self._waiting and len(self._running) < self._size:
            job, context = self._waiting.popleft()
            thread = threading.Thread(target=context.run, args=(self._work, job), name=f"oxide-tool-{job.number}", daemon=True)
            job.deadline = float("inf") if job.timeout is None else monotonic() + job.timeout
            self._running[job.number] = job, thread
            thread.start()

    def _work(self, job: Job) -> None:
        try:
            outcome = Outcome(job.number, job.function(), None)
        except BaseException as error:
            outcome = Outcome(job.number, None, error)
        with self._lock:
            entry = self._running.pop(job.number, None)
            if entry is not None:  # else it was given up
                self._done.append(entry[1])
                self._outcomes.put(outcome)
            self._fill()

    def ended(self) -> list[Outcome]:
        """Return how those jobs have ended of which nobody was told yet."""
        return [self._outcomes.get_nowait() for _ in range(self._outcomes.qsize())]

    async def next(self) -> Outcome:
        """Wait until a job has ended, or is late."""
        while True:
            try:
                return self._outcomes.get(timeout=self._patience())
            except Empty:
                late = self._give_up()
                if late is not None:
                    return overdue(late)

    def _patience(self) -> float | None:
        with self._lock:
            first = min([job.deadline for job, _ in self._running.values()], default=float("inf"))
        return None if first == float("inf") else max(0.0, first - monotonic())

    def _give_up(self) -> Job | None:
        """Return a job that is late, whose place is free now."""
        with self._lock:
            late = [job for job, _ in self._running.values() if job.deadline <= monotonic()]
            if not late:
                return None
            del self._running[late[0].number]
            self._fill()
            return late[0]

    def cancel(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._waiting.clear()

    async def stop(self) -> None:
        """Begin nothing more, and wait for the threads that are about to end."""
        self.cancel()
        while self._done:
            self._done.pop().join()
