"""Processes and numbers: pinning to cores, memory, the server and worker processes, medians and ratios."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLIENT_CORE, SERVER_CORE = 0, 1


def child_environment() -> dict[str, str]:
    """The environment of every process measured: byte code is kept, hashes do not vary, nothing of the user's settings counts."""
    unwanted = ("PYTHON", "OPENAI_", "OXIDE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted) and not name.lower().endswith("_proxy")}
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONPATH": ROOT}


def pin_to(core: int) -> Callable[[], None] | None:
    """For `Popen(preexec_fn=...)`: keep the process on one core, where the system can do that and has two."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        return None
    return lambda: os.sched_setaffinity(0, {core})


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, between two of them interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def paired_ratio(ours: Sequence[float], floors: Sequence[float]) -> float:
    """The median over the rounds of ours / floor, where both were measured in the same round."""
    return median([a / b for a, b in zip(ours, floors, strict=True)])


class ServerProcess:
    """The server of the benchmark, running while the block does; its ports and authority in `ports`."""

    def __init__(self, directory: str) -> None:
        command = [sys.executable, "-m", "bench.server", directory]
        self.process = start(command, SERVER_CORE)
        assert self.process.stdout is not None
        self.ports: dict[str, Any] = {**json.loads(self.process.stdout.readline()), "authority": os.path.join(directory, "ca.pem")}

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)

    def accepted(self) -> int:
        """How many connections it has taken so far, not counting the one that asks."""
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=10)
        connection.request("GET", "/accepted")
        count = int(connection.getresponse().read())
        connection.close()
        return count


class Worker:
    """A competitor in a process of its own. `prefix` is put before its command (a tracer, say)."""

    def __init__(self, client: str, world: str, ports: dict[str, Any], *, http2: bool = False, prefix: Sequence[str] = ()) -> None:
        setup = {"client": client, "world": world, "ports": ports, "http2": http2}
        self.name = client
        self.process = start([*prefix, sys.executable, "-m", "bench.worker", json.dumps(setup)], CLIENT_CORE)

    def order(self, work: str, calls: int, **more: int) -> dict[str, Any]:
        """Let it work, and return its report."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # the missing answer says it, too
            self.process.stdin.write(json.dumps({"work": work, "calls": calls, **more}) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with code {self.process.wait()} during {work}")
        report: dict[str, Any] = json.loads(line)
        return report

    def close(self) -> None:
        stop(self.process)


def start(command: Sequence[str], core: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child_environment(), preexec_fn=pin_to(core), cwd=ROOT
    )


def stop(process: subprocess.Popen[str]) -> None:
    """End a process by closing its input; one that does not listen is killed after ten seconds."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
