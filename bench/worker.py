"""One competitor in a process of its own: reads orders as lines of JSON, does the work, and answers with what it cost.

An order is `{"work": name, "calls": n}`, with `"warm"` for calls that are not counted and `"open"` for how many may run at once
(asyncio). The answer holds the CPU seconds of all threads, the wall seconds of each call, and the peak memory of the process.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time

from .clients import Streamed, make_async, make_blocking
from .memory import peak_memory
from .works import WORKS, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Ledger:
    """What one order cost."""

    def __init__(self) -> None:
        self.walls: list[float] = []
        self.delays: list[int] = []
        self.cpu = self.wall = 0.0

    def start(self) -> None:
        gc.collect()
        self.wall = time.perf_counter()
        self.cpu = time.process_time()

    def stop(self) -> None:
        self.cpu = time.process_time() - self.cpu
        self.wall = time.perf_counter() - self.wall

    def note(self, wall: float, result: object) -> None:
        self.walls.append(wall)
        if isinstance(result, Streamed) and result.delay:
            self.delays.append(result.delay)

    def report(self) -> dict[str, Any]:
        return {"cpu": self.cpu, "wall": self.wall, "walls": self.walls, "delays": self.delays, "memory": peak_memory()}


def run_blocking(face: Any, order: dict[str, Any]) -> Ledger:
    work, ledger, clock = WORKS[order["work"]], Ledger(), time.perf_counter
    call, request = getattr(face, work.method), work.request()
    for _ in range(order.get("warm", 0)):
        check(work, call(work.model, request))
    ledger.start()
    for _ in range(order["calls"]):
        begun = clock()
        result = call(work.model, request)
        ledger.note(clock() - begun, result)
        check(work, result)
    ledger.stop()
    return ledger


async def run_async(face: Any, order: dict[str, Any]) -> Ledger:
    work, ledger, clock = WORKS[order["work"]], Ledger(), time.perf_counter
    call, request = getattr(face, work.method), work.request()
    for _ in range(order.get("warm", 0)):
        check(work, await call(work.model, request))

    async def lane(calls: int) -> None:
        for _ in range(calls):
            begun = clock()
            result = await call(work.model, request)
            ledger.note(clock() - begun, result)
            check(work, result)

    at_once = order.get("open", 1)
    ledger.start()
    if at_once == 1:
        await lane(order["calls"])
    else:
        await asyncio.gather(*(lane(order["calls"] // at_once) for _ in range(at_once)))
    ledger.stop()
    return ledger


def serve_blocking(setup: dict[str, Any]) -> None:
    face = make_blocking(setup["client"], setup["ports"], http2=setup["http2"])
    for line in sys.stdin:
        print(json.dumps(run_blocking(face, json.loads(line)).report()), flush=True)
    face.close()


async def serve_async(setup: dict[str, Any]) -> None:
    face = make_async(setup["client"], setup["ports"], http2=setup["http2"])
    while line := sys.stdin.readline():  # nothing else runs between two orders
        print(json.dumps((await run_async(face, json.loads(line))).report()), flush=True)
    await face.close()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if given["world"] == "asyncio":
        asyncio.run(serve_async(given))
    else:
        serve_blocking(given)
