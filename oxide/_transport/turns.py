"""Whose turn it is to send: one at a time, first come first served, in both worlds."""

from __future__ import annotations

from collections import deque

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Backend, Gate

__all__ = ["Turns"]


class Turns:
    """A queue before something that only one may use at a time. `taken` tells whether somebody does."""

    __slots__ = ("_backend", "_mutex", "_queue", "taken")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._mutex = backend.mutex
        self._queue: deque[Gate] = deque()
        self.taken = False

    def take_at_once(self) -> bool:
        """Take the turn unless somebody has it; return whether it was to be had."""
        with self._mutex:
            free = not self.taken
            self.taken = True
            return free

    async def take(self, timeout: float) -> None:
        """Wait for the turn. Raises TimeoutError after `timeout` seconds."""
        with self._mutex:
            if not self.taken:
                self.taken = True
                return
            gate = self._backend.gate()
            self._queue.append(gate)
        try:
            await gate.wait(timeout)
        except BaseException:
            if not self._withdraw(gate):
                self.give()
            raise
        if self._withdraw(gate):
            raise TimeoutError("the messages of others were not taken in time")

    def _withdraw(self, gate: Gate) -> bool:
        """Stand in the queue no more; False: the turn has come."""
        with self._mutex:
            if gate not in self._queue:
                return False
            self._queue.remove(gate)
            return True

    def give(self) -> None:
        """Let the next one have it."""
        with self._mutex:
            gate = self.successor()
        if gate is not None:
            gate.open()

    def successor(self) -> Gate | None:
        """Return the gate of the next one, which is to be opened; the caller holds the mutex."""
        gate = self._queue.popleft() if self._queue else None
        self.taken = gate is not None
        return gate

    def dismiss(self) -> None:
        """Let all of them come, one after another: there is nothing to be waited for any more."""
        with self._mutex:
            gates = list(self._queue)
            self._queue.clear()
        for gate in gates:
            gate.open()
