"""`python -m bench.hedging`: what hedging does to the slowest calls, written to bench/HEDGING.md and bench/hedging.svg.

Of twenty answers in a row one comes late, whichever.  The same calls are made by a plain client and by a hedged one, which learns its
delay on the way; its first calls, made before it knows enough, count as well.  The server is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import subprocess
import sys
import threading
import time
from random import Random

import oxide
from oxide.testing import Fault, Server

from .measure import ROOT, child_environment, quantile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL = 0.01
"""Seconds that every answer takes."""

ONE_IN = 20
"""Of so many answers one is late, whichever."""

AT_ONCE = 10
"""Calls under way at the same time."""

AIM, PRICE = 0.8, 0.07
"""The goals: how much of the 99th percentile must go, for how many more requests at the most."""

POLICY: dict[str, object] = {"delay": "p95", "copies": 2, "budget": 0.07}


class Run:
    """The latencies of the calls of one client, and how many requests the server has had for them."""

    def __init__(self, latencies: Sequence[float], requests: int) -> None:
        self.latencies = sorted(latencies)
        self.extra = requests / len(latencies) - 1

    def at(self, share: float) -> float:
        return quantile(self.latencies, share)


class Pair:
    """A plain and a hedged client under the same conditions."""

    def __init__(self, world: str, late: float, calls: int) -> None:
        self.world, self.late = world, late
        measure = in_threads if world == "threads" else in_tasks
        self.plain = measure(False, late, calls)
        self.hedged = measure(True, late, calls)

    @property
    def cut(self) -> float:
        """How much of the 99th percentile has gone."""
        return 1 - self.hedged.at(0.99) / self.plain.at(0.99)

    @property
    def met(self) -> bool:
        return self.cut >= AIM and self.hedged.extra <= PRICE


# ---------------------------------------------------------------------------------------------------------- the server
class LateServer:
    """The embedded server in a process of its own; it says how many requests it had when it is told to stop."""

    def __init__(self, late: float, calls: int) -> None:
        command = [sys.executable, "-m", "bench.hedging", "--serve", str(late), "--calls", str(calls)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=child_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._line()

    def stop(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.close()
        requests = int(self._line())
        self._process.wait(10)
        return requests

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def serve(late: float, calls: int) -> None:
    random, faults = Random(1), list[Fault]()
    while len(faults) < 2 * calls:
        unlucky = random.randrange(ONE_IN)
        faults += [Fault(delay=USUAL + late if number == unlucky else USUAL) for number in range(ONE_IN)]
    with Server(keep=4 * calls) as server:
        server.fail_next(*faults)
        print(server.url, flush=True)
        sys.stdin.read()
        print(len(server.requests), flush=True)


# --------------------------------------------------------------------------------------------------------- the clients
def in_threads(hedged: bool, late: float, calls: int) -> Run:
    server = LateServer(late, calls)
    latencies: list[float] = []
    left = iter(range(calls))
    with oxide.Client(base_url=server.url, api_key="test") as plain:
        client = plain.hedged(**POLICY) if hedged else plain  # type: ignore[arg-type]  # the options of one table

        def work() -> None:
            while next(left, None) is not None:
                began = time.perf_counter()
                client.responses.create(model="echo", input="Hello")
                latencies.append(time.perf_counter() - began)

        threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
        gc.collect()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    return Run(latencies, server.stop())


def in_tasks(hedged: bool, late: float, calls: int) -> Run:
    server = LateServer(late, calls)
    latencies: list[float] = []

    async def story() -> None:
        left = iter(range(calls))
        async with oxide.AsyncClient(base_url=server.url, api_key="test") as plain:
            client = plain.hedged(**POLICY) if hedged else plain  # type: ignore[arg-type]  # the options of one table

            async def work() -> None:
                while next(left, None) is not None:
                    began = time.perf_counter()
                    await client.responses.create(model="echo", input="Hello")
                    latencies.append(time.perf_counter() - began)

            gc.collect()
            await asyncio.gather(*[work() for _ in range(AT_ONCE)])
            await client.close()

    asyncio.run(story())
    return Run(latencies, server.stop())


# ----------------------------------------------------------------------------------------------------------- the report
TEXT = """# Hedging

Made by `{command}` with {python}. Of twenty answers in a row of the embedded server one comes late, whichever; all others
take {usual:g} ms. {calls:,} calls are made for each line, {at_once} at a time, by a plain client and by
`client.hedged(delay="p95", copies=2, budget=0.07)`, whose first calls, made before it has learnt its delay, count too.
Milliseconds as the caller sees them. The goals: p99 at least {aim:.0%} lower, for at most {price:.0%} more requests.

| late by | world | p50 | p95 | p99 | worst | hedged p50 | p95 | p99 | worst | p99 lower by | more requests | |
|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
{rows}

![Latencies of plain and hedged calls](hedging.svg)
"""


def markdown(pairs: Sequence[Pair], calls: int, command: str) -> str:
    facts = {"usual": USUAL * 1000, "calls": calls, "at_once": AT_ONCE, "aim": AIM, "price": PRICE}
    python = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"
    return TEXT.format(rows="\n".join(map(row, pairs)), command=command, python=python, **facts)


def row(pair: Pair) -> str:
    figures = [f"{run.at(share) * 1000:,.0f}" for run in (pair.plain, pair.hedged) for share in (0.5, 0.95, 0.99, 1.0)]
    verdict = "met" if pair.met else "missed"
    return f"| {pair.late:g} s | {pair.world} | {' | '.join(figures)} | {pair.cut:.1%} | {pair.hedged.extra:.1%} | {verdict} |"


WIDTH, HEIGHT, LEFT, TOP = 760, 300, 70, 40


def svg(pair: Pair) -> str:
    """Draw the latencies of both clients over the share of the calls, both scales stretched towards the slow ones."""
    top = pair.plain.at(1.0)

    def x(share: float) -> float:
        nines = min(3.0, -_log10(max(1 - share, 0.001)))
        return LEFT + nines / 3 * (WIDTH - LEFT - 40)

    def y(seconds: float) -> float:
        return TOP + (1 - max(0.0, _log10(seconds / 0.005)) / _log10(top * 1.2 / 0.005)) * (HEIGHT - TOP - 50)

    def line(run: Run, colour: str) -> str:
        points = " ".join(f"{x(n / 1000):.1f},{y(run.at(n / 1000)):.1f}" for n in range(1000))
        return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'

    marks = [
        f'<text x="{x(share):.1f}" y="{HEIGHT - 28}" text-anchor="middle">{name}</text>'
        f'<line x1="{x(share):.1f}" x2="{x(share):.1f}" y1="{TOP}" y2="{HEIGHT - 46}" stroke="#ddd"/>'
        for share, name in ((0.0, "0"), (0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"))
    ]
    steps = [step for step in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0) if step <= top * 1.1]
    marks += [
        f'<text x="{LEFT - 8}" y="{y(step) + 4:.1f}" text-anchor="end">{step * 1000:g} ms</text>'
        f'<line x1="{LEFT}" x2="{WIDTH - 40}" y1="{y(step):.1f}" y2="{y(step):.1f}" stroke="#ddd"/>'
        for step in steps
    ]
    title = (
        f"One answer in twenty {pair.late:g} s late ({pair.world}): p99 lower by {pair.cut:.0%} for {pair.hedged.extra:.1%} more requests"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            f'<text x="{LEFT}" y="20" font-size="14">{title}</text>',
            *marks,
            line(pair.plain, "#c0392b"),
            line(pair.hedged, "#2471a3"),
            f'<text x="{LEFT + 12}" y="{TOP + 16}" fill="#c0392b">plain</text>',
            f'<text x="{LEFT + 60}" y="{TOP + 16}" fill="#2471a3">hedged</text>',
            f'<text x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">share of the calls that are quicker</text>',
            "</svg>\n",
        ]
    )


def _log10(value: float) -> float:
    from math import log10

    return log10(value)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hedging", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--late", type=float, action="append", help="seconds that a late answer is late; can be repeated (0.2 and 2)")
    parser.add_argument("--serve", type=float, metavar="SECONDS", help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="write no files")
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve, options.calls)
        return 0
    pairs = [Pair(world, late, options.calls) for late in options.late or (0.2, 2.0) for world in ("threads", "tasks")]
    text = markdown(pairs, options.calls, "python -m bench.hedging")
    print(text)
    if not options.dry:
        for name, content in (("HEDGING.md", text), ("hedging.svg", svg(pairs[-1]))):
            with open(os.path.join(ROOT, "bench", name), "w", encoding="utf-8") as file:
                file.write(content)
    return 0 if all(pair.met for pair in pairs) else 1


if __name__ == "__main__":
    sys.exit(main())
