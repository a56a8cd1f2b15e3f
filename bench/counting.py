"""Counts the calls a piece of work makes. Unlike times, counts do not depend on how busy the machine is, so tests can hold them.

Only the calling thread is counted. In asyncio, a coroutine that goes on after a wait counts as one more call, and the loop's own calls
count too: hand in `lambda: loop.run_until_complete(work())`.
"""

from __future__ import annotations

import sys
from collections import Counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

Place = tuple[str, int, str]  # file, first line, name


class Calls:
    """How many Python functions were entered (`python`) and how many built-in ones called (`builtin`), in all and by function."""

    def __init__(self) -> None:
        self.by_function: Counter[Place] = Counter()
        self.by_builtin: Counter[str] = Counter()

    @property
    def python(self) -> int:
        return self.by_function.total()

    @property
    def builtin(self) -> int:
        return self.by_builtin.total()

    def within(self, part: str) -> int:
        """The Python calls into files whose path contains `part`, such as "/oxide/"."""
        return sum(count for (file, _, _), count in self.by_function.items() if part in file)


def count_calls(work: Callable[[], object]) -> Calls:
    """Run `work` once and count its calls, its own included."""
    calls = Calls()
    functions, builtins = calls.by_function, calls.by_builtin

    def on_event(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            code = frame.f_code
            functions[code.co_filename, code.co_firstlineno, getattr(code, "co_qualname", code.co_name)] += 1
        elif event == "c_call":
            builtins[getattr(argument, "__qualname__", repr(argument))] += 1

    before = sys.getprofile()
    sys.setprofile(on_event)
    try:
        work()
    finally:
        sys.setprofile(before)
    del builtins[sys.setprofile.__qualname__]  # the one that ended the counting
    return calls


def python_calls(work: Callable[[], object], *, repeat: int = 10, warm: int = 3) -> float:
    """Python-level calls of one `work` in the steady state: the mean of `repeat` runs after `warm` uncounted ones."""
    for _ in range(warm):
        work()

    def repeated() -> None:
        for _ in range(repeat):
            work()

    return (count_calls(repeated).python - 1) / repeat


def python_calls_per_event(work: Callable[[int], object], *, few: int = 20, many: int = 120) -> float:
    """Python-level calls that one more event costs: `work(n)` consumes a stream of n events."""
    return (python_calls(lambda: work(many)) - python_calls(lambda: work(few))) / (many - few)
