"""The time of day, for helpers that may not look at a clock themselves."""

from __future__ import annotations

from time import time as unix_time

__all__ = ["unix_time"]
