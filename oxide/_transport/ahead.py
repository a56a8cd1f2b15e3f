"""Work that goes on while the caller does something else: in a thread, or in a task. Who starts it takes its result, or drops it."""

from __future__ import annotations

from _thread import allocate_lock

from .._typing import TYPE_CHECKING, Generic, TypeVar
from .addresses import in_thread

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ["TaskAhead", "ThreadAhead"]

T = TypeVar("T")


class ThreadAhead(Generic[T]):
    """A function that runs in a thread of its own; nobody waits for it at exit."""

    __slots__ = ("_done", "_error", "_value")

    _value: T

    def __init__(self, function: Callable[[], T]) -> None:
        self._error: BaseException | None = None
        self._done = allocate_lock()
        self._done.acquire()

        def run() -> None:
            try:
                self._value = function()
            except BaseException as error:
                self._error = error
            finally:
                self._done.release()

        in_thread(run)

    def result(self) -> T:
        """Wait for the end; return what the function returned, raise what it raised. To be called once."""
        self._done.acquire()
        if self._error is not None:
            raise self._error
        return self._value

    def drop(self) -> None:
        """Let it end alone: a thread cannot be stopped, but nobody waits for it, and its connection goes back to the pool."""


class TaskAhead(Generic[T]):
    """A coroutine that runs in a task of its own."""

    __slots__ = ("_task",)

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        from asyncio import ensure_future

        self._task: Task[T] = ensure_future(coroutine)

    async def result(self) -> T:
        """Wait for the end; return what the coroutine returned, raise what it raised."""
        return await self._task

    def drop(self) -> None:
        """Cancel it; if it has failed already, nobody needs to hear of it."""
        if not self._task.cancel() and not self._task.cancelled():
            self._task.exception()
