"""Plays the steps of an answer on a wire: writes, waits, breaks off. No task, no coroutine: a thousand streams cost a thousand timers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ._script import Again, Cut, Data, End, Head, Interim, Raw, Step, Wait

if TYPE_CHECKING:
    import asyncio

    from ._wire import Wire

__all__ = ["Player"]


class Player:
    """Goes through the steps of an answer as far as the wire takes them; `resume` goes on."""

    __slots__ = ("_loop", "_steps", "_stopped", "_timer", "_wire")

    def __init__(self, loop: asyncio.AbstractEventLoop, wire: Wire, steps: Iterator[Step]) -> None:
        self._loop = loop
        self._wire = wire
        self._steps = steps
        self._timer: asyncio.Handle | None = None
        self._stopped = False

    def resume(self) -> None:
        """Go on, unless a pause of the script is still running."""
        if self._timer is None:
            self._play()

    def stop(self) -> None:
        """Play nothing more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _woken(self) -> None:
        self._timer = None
        self._play()

    def _play(self) -> None:
        wire = self._wire
        budget = 256  # steps: an endless script must let others have their turn
        while not self._stopped and not wire.blocked:
            step = next(self._steps, None)
            if step is None:
                wire.flush()
                self._stopped = True
                wire.played()
                return
            if type(step) is Wait:
                wire.flush()
                self._timer = self._loop.call_later(step.seconds, self._woken)
                return
            self._perform(step)
            budget -= 1
            if not budget:
                wire.flush()
                self._timer = self._loop.call_soon(self._woken)
                return
        wire.flush()

    def _perform(self, step: Step) -> None:
        wire = self._wire
        if isinstance(step, Data):
            wire.data(step.data)
        elif isinstance(step, Head):
            wire.head(step)
        elif isinstance(step, End):
            wire.end()
        elif isinstance(step, Raw):
            wire.raw(step.data)
        elif isinstance(step, Interim):
            wire.interim()
        elif isinstance(step, Again):
            wire.again()
        elif isinstance(step, Cut):
            self._stopped = True
            wire.flush()
            wire.cut(step)
