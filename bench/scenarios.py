"""What is measured and what is to be reached: the rows of the results, each a scenario that knows how to measure itself.

A scenario's `run` takes the `Bench` and returns lines. Competitors take turns within each round, so that whatever else the machine
does hits all of them alike; ratios are taken within a round and their median is reported.
"""

from __future__ import annotations

import functools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

from .measure import CLIENT_CORE, ROOT, Worker, child_environment, median, paired_ratio, pin_to, quantile
from .payloads import CHAT_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeVar

    from .measure import ServerProcess

    T = TypeVar("T")

WORLDS = ("blocking", "asyncio")


class Target:
    """What must be reached and what is aimed at: as a multiple of the floor, or as the figure itself."""

    def __init__(self, reach: float, aim: float | None = None, *, ratio: bool = True) -> None:
        self.reach = reach
        self.aim = aim
        self.ratio = ratio

    def verdict(self, value: float | None, ratio: float | None) -> str:
        measured = ratio if self.ratio else value
        if measured is None:
            return "-"
        if self.aim is not None and measured <= self.aim:
            return "aim"
        return "reached" if measured <= self.reach else "MISSED"


class Line:
    """One line of the results: a figure of each competitor, and its ratio to the floor."""

    def __init__(self, section: str, work: str, values: dict[str, float], ratios: dict[str, float], target: Target | None = None) -> None:
        self.section = section
        self.work = work
        self.values = values
        self.ratios = ratios
        self.target = target


class Bench:
    """The run: the server, who takes part, how many rounds, and how much of the full load (1.0) is laid on."""

    def __init__(self, server: ServerProcess, competitors: Sequence[str], rounds: int, load: float) -> None:
        self.server = server
        self.competitors = competitors
        self.rounds = rounds
        self.load = load
        self.standing: dict[tuple[str, str, bool], Worker] = {}

    def standing_workers(self, world: str, *, http2: bool) -> dict[str, Worker]:
        """A worker for each competitor, kept from one scenario to the next."""
        for key in [(name, world, http2) for name in self.competitors]:
            if key not in self.standing:
                self.standing[key] = self.worker(key[0], world, http2=http2)
        return {name: self.standing[name, world, http2] for name in self.competitors}

    def drop(self, worker: Worker) -> None:
        """End a worker that failed; the next scenario gets a new one."""
        self.standing = {key: other for key, other in self.standing.items() if other is not worker}
        worker.close()

    def close(self) -> None:
        for worker in self.standing.values():
            worker.close()
        self.standing = {}

    def worker(self, client: str, world: str, *, http2: bool = False, prefix: Sequence[str] = ()) -> Worker:
        return Worker(client, world, self.server.ports, http2=http2, prefix=prefix)

    def turns(self, rounds: int) -> Iterable[tuple[int, list[str]]]:
        """Who is next in each round: each time somebody else begins."""
        names = list(self.competitors)
        for number in range(rounds):
            start = number % len(names)
            yield number, names[start:] + names[:start]


def report_of(name: str, work: Callable[[], T]) -> T | None:
    """What `work` returns; None, and a word about it, when the competitor could not do it."""
    try:
        return work()
    except RuntimeError as error:
        print(f"  {name} failed: {error}", file=sys.stderr, flush=True)
        return None


def compared(section: str, work: str, samples: dict[str, list[float]], target: Target | None, pick: Callable[..., float] = median) -> Line:
    """A line from the samples of each competitor, one a round; who took part in fewer rounds is compared over those."""
    taken = {name: values or [math.nan] for name, values in samples.items()}
    floors = taken.get("floor", [])
    ratios = {
        name: paired_ratio(values, floors[: len(values)])
        for name, values in taken.items()
        if name != "floor" and len(values) <= len(floors)
    }
    return Line(section, work, {name: pick(values) for name, values in taken.items()}, ratios, target)


class Calls:
    """The same call again and again on a warm connection: CPU per call, and the wall time of each."""

    def __init__(self, key: str, title: str, work: str, target: Target, *, calls: int, slow: int, http2: bool = False) -> None:
        self.key = key
        self.title = title
        self.work = work
        self.target = target
        self.calls = calls
        self.slow = slow
        self.http2 = http2

    def run(self, bench: Bench) -> list[Line]:
        worlds = WORLDS[:1] if self.http2 else WORLDS
        return [line for world in worlds for line in self.run_in(bench, world)]

    def run_in(self, bench: Bench, world: str) -> list[Line]:
        workers = bench.standing_workers(world, http2=self.http2)
        costs: dict[str, list[float]] = {name: [] for name in workers}
        walls: dict[str, list[float]] = {name: [] for name in workers}
        delays: dict[str, list[float]] = {name: [] for name in workers}
        for _, names in bench.turns(bench.rounds):
            for name in names:
                calls = max(2, round((self.slow if name == "openai" else self.calls) * bench.load))
                if name not in workers:
                    continue
                report = report_of(name, functools.partial(workers[name].order, self.work, calls, warm=2))
                if report is None:
                    bench.drop(workers.pop(name))
                    continue
                costs[name].append(report["cpu"] / calls * 1e6)
                walls[name] += [seconds * 1e6 for seconds in report["walls"]]
                if report["delays"]:
                    delays[name].append(median(report["delays"]) / 1e3)
        title = f"{self.title}, {world}"
        return self.delay_lines(title, delays) if self.work == "first-event" else self.cost_lines(title, costs, walls)

    def cost_lines(self, title: str, costs: dict[str, list[float]], walls: dict[str, list[float]]) -> list[Line]:
        lines = [compared("cpu", title, costs, self.target)]
        for share, mark in ((0.5, "p50"), (0.99, "p99")):
            figures = {name: quantile(values or [math.nan], share) for name, values in walls.items()}
            lines.append(Line("wall", f"{title}, {mark}", figures, {n: v / figures["floor"] for n, v in figures.items() if n != "floor"}))
        return lines

    def delay_lines(self, title: str, delays: dict[str, list[float]]) -> list[Line]:
        return [compared("delay", title, delays, self.target)]


class FanOut:
    """A thousand calls in one asyncio process that is fresh each time: CPU, wall time and peak memory of it all."""

    def __init__(self, key: str, title: str, work: str, at_once: int, cpu: Target, memory: Target | None, *, rounds: int) -> None:
        self.key = key
        self.title = title
        self.work = work
        self.at_once = at_once
        self.cpu = cpu
        self.memory = memory
        self.rounds = rounds

    def run(self, bench: Bench) -> list[Line]:
        # The slow one's streams take twenty seconds where ours take two: it is measured once, or not at all when time is short.
        taking_part = [name for name in bench.competitors if not (name == "openai" and self.memory and bench.load < 1)]
        samples: dict[str, dict[str, list[float]]] = {what: {name: [] for name in taking_part} for what in ("cpu", "wall", "memory")}
        for number, names in bench.turns(self.rounds if bench.load == 1 else 1):
            for name in names:
                if name not in taking_part or (name == "openai" and self.memory and number > 0):
                    continue
                worker = bench.worker(name, "asyncio")
                report = report_of(name, functools.partial(worker.order, self.work, 1000, open=self.at_once))
                worker.close()
                if report is None:
                    continue
                samples["cpu"][name].append(report["cpu"] * 1e3)
                samples["wall"][name].append(report["wall"] * 1e3)
                samples["memory"][name].append(report["memory"] / 2**20)
        return [
            compared("fan-out", f"{self.title}: CPU ms", samples["cpu"], self.cpu),
            compared("fan-out", f"{self.title}: wall ms", samples["wall"], None),
            compared("fan-out", f"{self.title}: peak memory MB", samples["memory"], self.memory),
        ]


PROBE = """
import sys, time
modules = len(sys.modules)
started = time.process_time()
{code}
cpu = time.process_time() - started
modules = len(sys.modules) - modules
from bench.memory import peak_memory
print(cpu, modules, peak_memory())
"""
CALL = f"""
{{name}}(base_url={{base!r}}, api_key="sk-bench") as client:
    assert client.responses.create(model="responses-small", input="Hello").output_text == {CHAT_TEXT!r}
"""
ASYNC_CALL = f"""
import asyncio
async def main():
    async with {{name}}(base_url={{base!r}}, api_key="sk-bench") as client:
        assert (await client.responses.create(model="responses-small", input="Hello")).output_text == {CHAT_TEXT!r}
asyncio.run(main())
"""
FLOOR_CALL = f"""
from bench.floors import BlockingFloor
floor = BlockingFloor("127.0.0.1", {{port}})
answer = floor.post("/v1/responses", dict(model="responses-small", input="Hello"))
assert answer["output"][0]["content"][0]["text"] == {CHAT_TEXT!r}
"""
FLOOR_ASYNC_CALL = f"""
import asyncio
from bench.floors import AsyncFloor
async def main():
    floor = AsyncFloor("127.0.0.1", {{port}})
    answer = await floor.post("/v1/responses", dict(model="responses-small", input="Hello"))
    assert answer["output"][0]["content"][0]["text"] == {CHAT_TEXT!r}
asyncio.run(main())
"""


class Start:
    """A fresh process from its first import on: CPU, new modules, peak memory. The best of the rounds, as the work is always the same."""

    def __init__(self, key: str, title: str, codes: dict[str, str], cpu: Target, *, modules: Target | None, memory: Target | None) -> None:
        self.key = key
        self.title = title
        self.codes = codes
        self.targets = {"CPU ms": cpu, "new modules": modules, "peak memory MB": memory}

    def run(self, bench: Bench) -> list[Line]:
        port = bench.server.ports["http"]
        names = [name for name in bench.competitors if name in self.codes]
        samples: dict[str, dict[str, list[float]]] = {what: {name: [] for name in names} for what in self.targets}
        for number, turn in bench.turns(bench.rounds + (2 if bench.load == 1 else 0)):
            for name in turn:
                if name not in self.codes or (name == "openai" and number >= max(1, bench.rounds // 2)):
                    continue
                code = self.codes[name].format(port=port, base=f"http://127.0.0.1:{port}/v1")
                figures = report_of(name, functools.partial(probe, code))
                for what, figure in zip(self.targets, figures or (), strict=False):
                    samples[what][name].append(figure)
        return [compared("start", f"{self.title}: {what}", samples[what], target, min) for what, target in self.targets.items()]


def probe(code: str) -> tuple[float, float, float]:
    """CPU milliseconds, new modules and megabytes of a fresh process that runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)],
        capture_output=True,
        text=True,
        env=child_environment(),
        cwd=ROOT,
        check=False,
        preexec_fn=pin_to(CLIENT_CORE),
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    cpu, modules, memory = done.stdout.split()
    return float(cpu) * 1e3, float(modules), int(memory) / 2**20


class SystemCalls:
    """System calls per warm call: a traced run with many calls less one with few, divided by the difference.

    What the allocator asks of the kernel is left out: it depends on the C library, not on what a client does.
    """

    key = "syscalls"
    left_out = ("mmap", "munmap", "mremap", "brk", "madvise")
    few, many = 20, 220

    def run(self, bench: Bench) -> list[Line]:
        return [self.line(bench, world, Target(reach, ratio=False)) for world, reach in (("blocking", 2), ("asyncio", 4))]

    def line(self, bench: Bench, world: str, target: Target) -> Line:
        missing = why_no_tracer()
        if missing:
            return Line("count", f"system calls per warm call, {world} ({missing})", {}, {}, target)
        values = {}
        for name in bench.competitors:
            values[name] = report_of(name, functools.partial(self.per_call, bench, name, world)) or math.nan
        return Line("count", f"system calls per warm call, {world}", values, {}, target)

    def per_call(self, bench: Bench, name: str, world: str) -> float:
        more, less = (self.traced(bench, name, world, calls) for calls in (self.many, self.few))
        return round((more - less) / (self.many - self.few), 1)

    def traced(self, bench: Bench, name: str, world: str, calls: int) -> int:
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "counts")
            worker = bench.worker(name, world, prefix=["strace", "-f", "-c", "-o", path])
            worker.order("chat-tiny", calls)
            worker.close()
            with open(path, encoding="utf-8") as counts:
                rows = [line.split() for line in counts if line[:1] in " 0123456789"]
        return sum(int(row[3]) for row in rows if row[-1] not in (*self.left_out, "total") and row[0][0].isdigit())


def why_no_tracer() -> str:
    if shutil.which("strace") is None:
        return "strace not installed"
    tried = subprocess.run(["strace", "-c", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "strace not permitted" if tried.returncode else ""


class Connections:
    """How many connections twenty chat streams in a row use, when the end mark of each comes a moment after its last event."""

    key = "connections"

    def run(self, bench: Bench) -> list[Line]:
        return [self.line(bench, world) for world in WORLDS]

    def line(self, bench: Bench, world: str) -> Line:
        values: dict[str, float] = {}
        for name in bench.competitors:
            before = bench.server.accepted()
            worker = bench.worker(name, world)
            done = report_of(name, functools.partial(worker.order, "chat-stream-late-end", 20))
            worker.close()
            values[name] = bench.server.accepted() - before - 1 if done else math.nan
        return Line("count", f"connections used by 20 chat streams in a row, {world}", values, {}, Target(1, ratio=False))


def codes(template: str, floor: str, world: str) -> dict[str, str]:
    """What the first call looks like for each competitor."""
    names = {"oxide": {"blocking": "Client", "asyncio": "AsyncClient"}, "openai": {"blocking": "OpenAI", "asyncio": "AsyncOpenAI"}}
    made = {}
    for package, faces in names.items():
        opening = f"from {package} import {faces[world]}\n" + ("with " if world == "blocking" else "")
        made[package] = opening + template.lstrip("\n").replace("{name}", faces[world])
    return {"floor": floor, **made}


def scenarios() -> list[Any]:
    """All rows, in the order of the table of goals."""
    at_once, paced = Target(1.6, 1.2), Target(1.3, 1.15)
    return [
        Calls("tiny", "tiny call", "chat-tiny", Target(2.0, 1.5), calls=250, slow=25),
        Calls("request-148", "148 KB request, tool call", "request-148", Target(1.2, 1.05), calls=25, slow=3),
        Calls("request-634", "634 KB request, 20 KB answer", "request-634", Target(1.1, 1.05), calls=8, slow=2),
        Calls("chat-stream", "chat stream, 114 events at once", "chat-stream", at_once, calls=25, slow=3),
        Calls("responses-stream", "Responses stream, 150 events at once", "responses-stream", at_once, calls=20, slow=3),
        Calls("chat-paced", "chat stream, 114 events 0.4 ms apart", "chat-stream-paced", paced, calls=4, slow=2),
        Calls("responses-paced", "Responses stream, 150 events 0.4 ms apart", "responses-stream-paced", paced, calls=4, slow=2),
        Calls("http2", "tiny call, HTTP/2 over TLS", "chat-tiny", Target(1.3, 0.7), calls=100, slow=25, http2=True),
        FanOut("plain-1000", "1,000 plain calls, 100 at a time", "chat-tiny", 100, Target(2.5, 1.7), None, rounds=5),
        FanOut(
            "streams-1000",
            "1,000 streams of 99 events, all open",
            "fan-out-stream",
            1000,
            Target(1.6, 1.3),
            Target(75, 65, ratio=False),
            rounds=3,
        ),
        Calls("first-event", "first event in user code after it was sent", "first-event", Target(1.6, 1.3), calls=20, slow=8),
        Start(
            "import",
            "import",
            {"oxide": "import oxide", "openai": "import openai"},
            Target(5, 2, ratio=False),
            modules=Target(5, ratio=False),
            memory=None,
        ),
        Start(
            "first-call",
            "import, Client(), first Responses call",
            codes(CALL, FLOOR_CALL, "blocking"),
            Target(45, 30, ratio=False),
            modules=None,
            memory=Target(17, 14, ratio=False),
        ),
        Start(
            "first-async-call",
            "import, AsyncClient(), first Responses call",
            codes(ASYNC_CALL, FLOOR_ASYNC_CALL, "asyncio"),
            Target(75, 60, ratio=False),
            modules=None,
            memory=Target(23, 21, ratio=False),
        ),
        SystemCalls(),
        Connections(),
    ]


def usable(name: str) -> bool:
    """Whether a competitor can be imported here."""
    faces = {"floor": "", "oxide": "import oxide; oxide.Client, oxide.AsyncClient", "openai": "import openai"}
    done = subprocess.run([sys.executable, "-c", faces[name]], capture_output=True, env=child_environment(), cwd=ROOT, check=False)
    return done.returncode == 0


def as_json(lines: Iterable[Line]) -> str:
    """The figures for a program to read."""
    return json.dumps([{"section": x.section, "work": x.work, "values": x.values, "ratios": x.ratios} for x in lines], indent=1)
