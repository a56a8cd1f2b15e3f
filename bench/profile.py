"""Where the time of one kind of call goes: `python -m bench.profile tiny`, `... stream --world asyncio`, `... http2 --client openai`.

Prints the CPU of a call, how many Python and built-in calls it makes (and each event of a stream), which functions are entered most
often, where a sampler found the program (by function with what it calls, and by line), and with `--cprofile` the table of cProfile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter

from .clients import make_async, make_blocking
from .counting import count_calls
from .measure import CLIENT_CORE, ROOT, ServerProcess
from .works import WORKS, Work, check, expected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

SHORT = {"tiny": "chat-tiny", "responses": "responses-small", "stream": "chat-stream", "http2": "chat-tiny"}


def blocking_work(options: argparse.Namespace, ports: dict[str, Any], work: Work) -> Callable[[int], None]:
    """A function that makes n calls, each checked."""
    face = make_blocking(options.client, ports, http2=options.http2)
    call, request = getattr(face, work.method), work.request()

    def run(count: int) -> None:
        for _ in range(count):
            check(work, call(work.model, request))

    return run


def asyncio_work(options: argparse.Namespace, ports: dict[str, Any], work: Work) -> Callable[[int], None]:
    """The same in asyncio: the loop runs for all n calls at a stretch."""
    loop = asyncio.new_event_loop()

    async def make() -> Any:
        return make_async(options.client, ports, http2=options.http2)

    face = loop.run_until_complete(make())
    call, request = getattr(face, work.method), work.request()

    async def lane(count: int) -> None:
        for _ in range(count):
            check(work, await call(work.model, request))

    return lambda count: loop.run_until_complete(lane(count))


def print_cpu(run: Callable[[int], None], calls: int) -> None:
    costs = []
    for _ in range(7):
        started = time.process_time()
        run(calls)
        costs.append((time.process_time() - started) / calls * 1e6)
    print(f"CPU per call: best {min(costs):.1f} us, median {sorted(costs)[3]:.1f} us")


def print_counts(run: Callable[[int], None], events: int) -> None:
    repeat = 20
    more, less = count_calls(lambda: run(2 * repeat)), count_calls(lambda: run(repeat))
    python, builtin = (more.python - less.python) / repeat, (more.builtin - less.builtin) / repeat
    print(f"per call: {python:.1f} Python calls, {builtin:.1f} built-in calls", end="")
    print(f"; per event {python / events:.2f} and {builtin / events:.2f}\n" if events else "\n")
    print("Python functions by calls per call")
    for (file, line, name), count in (more.by_function - less.by_function).most_common(40):
        print(f"  {count / repeat:8.2f}  {name}  {shown(file)}:{line}")
    print("built-in functions by calls per call")
    for name, count in (more.by_builtin - less.by_builtin).most_common(20):
        print(f"  {count / repeat:8.2f}  {name}")


def print_samples(run: Callable[[int], None], calls: int) -> None:
    """Look where the program is after each half millisecond of its CPU time."""
    lines: Counter[tuple[str, int, str]] = Counter()
    functions: Counter[tuple[str, str]] = Counter()

    def look(_signal: int, frame: FrameType | None) -> None:
        if frame is not None:
            lines[frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name] += 1
        seen = set()
        while frame is not None:
            seen.add((frame.f_code.co_filename, frame.f_code.co_name))
            frame = frame.f_back
        functions.update(seen)

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, 0.0005, 0.0005)
    deadline = time.process_time() + 3
    while time.process_time() < deadline:
        run(calls)
    signal.setitimer(signal.ITIMER_PROF, 0)
    total = lines.total() or 1
    print(f"\nsamples: {total}\nby function, with what it calls")
    for (file, name), count in functions.most_common(30):
        print(f"  {count / total:6.1%}  {name}  {shown(file)}")
    print("by line")
    for (file, line, name), count in lines.most_common(30):
        print(f"  {count / total:6.1%}  {shown(file)}:{line}  {name}")


def print_cprofile(run: Callable[[int], None], calls: int) -> None:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(run, calls)
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(35)


def shown(path: str) -> str:
    """A path below the project or below the place where packages are."""
    if path.startswith(ROOT + os.sep) and "site-packages" not in path:
        return os.path.relpath(path, ROOT)
    return path.rpartition("site-packages" + os.sep)[2] if "site-packages" in path else os.path.basename(path)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("work", choices=[*SHORT, *WORKS])
    parser.add_argument("--client", choices=["oxide", "floor", "openai"], default="oxide")
    parser.add_argument("--world", choices=["blocking", "asyncio"], default="blocking")
    parser.add_argument("--http2", action="store_true")
    parser.add_argument("--calls", type=int, default=200, help="calls in each round")
    parser.add_argument("--cprofile", action="store_true")
    options = parser.parse_args()
    options.http2 = options.http2 or options.work == "http2"
    return options


def main() -> None:
    options = arguments()
    work = WORKS[SHORT.get(options.work, options.work)]
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {CLIENT_CORE})
    with tempfile.TemporaryDirectory() as directory, ServerProcess(directory) as server:
        make = asyncio_work if options.world == "asyncio" else blocking_work
        run = make(options, server.ports, work)
        run(5)
        print(f"{options.client}, {options.world}, {work.model}{', HTTP/2' if options.http2 else ''}, Python {sys.version.split()[0]}")
        print_cpu(run, options.calls)
        print_counts(run, expected(work.model)[0])
        print_samples(run, options.calls)
        if options.cprofile:
            print_cprofile(run, options.calls)


if __name__ == "__main__":
    main()
