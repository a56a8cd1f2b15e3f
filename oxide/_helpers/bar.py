"""How far a large upload is, on stderr: a bar that is drawn over itself on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

__all__ = ["Bar"]

WIDTH = 30
REDRAWN = 0.1
"""Seconds between two drawings on a terminal."""

STEP = 10
"""Percent between two lines elsewhere."""


class Bar:
    """Called with the bytes sent so far and with all there are.

    Args:
        label: what is sent.
        now: tells the time, in seconds.
        out: where to write; left out, stderr as it is now.
    """

    def __init__(self, label: str, now: Callable[[], float], out: TextIO | None = None) -> None:
        self._label = label
        self._now = now
        self._out = out or sys.stderr
        self._terminal = self._out.isatty()
        self._begun = now()
        self._first: int | None = None  # what was there already, which took no time
        self._drawn = float("-inf")
        self._shown = -1

    def __call__(self, sent: int, total: int) -> None:
        now = self._now()
        if self._first is None:
            self._first = sent
        whole = sent >= total
        percent = 100 * sent // total if total else 100
        if self._terminal:
            if not whole and now - self._drawn < REDRAWN:
                return
        elif percent // STEP <= self._shown // STEP:
            return
        if self._shown == 100:  # told already
            return
        self._drawn, self._shown = now, percent
        self._write(sent, total, percent, now - self._begun, whole)

    def _write(self, sent: int, total: int, percent: int, seconds: float, whole: bool) -> None:
        speed = (sent - (self._first or 0)) / seconds / 1e6 if seconds > 0 else 0.0
        facts = f"{percent:3d} %  {sent / 1e6:.1f} of {total / 1e6:.1f} MB  {speed:.1f} MB/s"
        if self._terminal:
            bar = "#" * (WIDTH * percent // 100)
            text = f"\r{self._label} [{bar:<{WIDTH}}] {facts}\x1b[K" + ("\n" if whole else "")
        else:
            text = f"{self._label}: {facts}\n"
        self._out.write(text)  # one write, so that threads do not mix theirs
        self._out.flush()
