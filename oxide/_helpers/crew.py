"""Work that is done several pieces at a time: by threads in the blocking world, by tasks in asyncio.

It needs nothing of a world but its races and gates: the workers race, and the first to find that all is done ends the race.
"""

from __future__ import annotations

from collections import deque

from .._timeout import FOREVER
from .._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any

    from .._transport.base import Backend

__all__ = ["each"]

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")


async def each(backend: Backend, items: Iterable[I], limit: int, work: Callable[[I], Coroutine[Any, Any, R]]) -> list[R]:
    """Do the same with each item, `limit` at a time; return the results in the order of the items.

    Raises:
        ValueError: the limit is below 1.
        Exception: what the first piece of work to fail has raised; those under way are stopped, the others not begun.
    """
    if limit < 1:
        raise ValueError(f"at least one must work at a time, not {limit!r}")
    crew = _Crew(backend, items, work)
    size = min(limit, len(crew.waiting))
    if size == 1:
        await crew.work()
    elif size > 1:
        await backend.race([crew.work] * size, 0.0)
    return crew.outcome()


class _Crew(Generic[I, R]):
    """What the workers share. Of several threads each step on a deque or dictionary is atomic."""

    def __init__(self, backend: Backend, items: Iterable[I], work: Callable[[I], Coroutine[Any, Any, R]]) -> None:
        self.waiting = deque(enumerate(items))
        self._size = len(self.waiting)
        self._results: dict[int, R] = {}
        self._failures: deque[Exception] = deque()
        self._work = work
        self._over = backend.gate()  # never opened: the end of the race wakes those who wait

    async def work(self) -> None:
        """Work until all is done or something has failed; who finds nothing more to do waits for the others."""
        try:
            while self.waiting:
                try:
                    place, item = self.waiting.popleft()
                except IndexError:  # another one was faster
                    break
                self._results[place] = await self._work(item)
                if len(self._results) == self._size:
                    return
            await self._over.wait(FOREVER)
        except Exception as problem:
            self._failures.append(problem)

    def outcome(self) -> list[R]:
        """Return the results in order, or raise the first failure."""
        if len(self._results) < self._size:
            raise self._failures[0]
        return [self._results[place] for place in range(self._size)]
