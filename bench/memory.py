"""The memory of this process. A module of its own that imports nothing, so that asking does not change the answer."""

from __future__ import annotations


def peak_memory() -> int:
    """The most memory this process had in use, in bytes. (`ru_maxrss` would inherit the parent's.)"""
    try:
        with open("/proc/self/status", "rb") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(b"VmHWM"))
    except (OSError, StopIteration):
        import resource
        import sys

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
