"""What only whole processes show: how they end, what a fork inherits, what an import and a warm exchange cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from oxide._transport.base import run_now
from oxide._transport.blocking import BlockingBackend
from tests.transport._net import Peer, echo

if TYPE_CHECKING:
    from pathlib import Path

STRICT = ["-X", "dev", "-W", "error"]
BLOCKING = """
import sys
from oxide._transport.base import Endpoint, run_now
from oxide._transport.blocking import BlockingBackend
async def main(count):
    stream = await BlockingBackend().connect(Endpoint("127.0.0.1", {port}), 5)
    for _ in range(count):
        await stream.send(b"x", 600.0)
        await stream.receive(600.0)
    return stream
"""
ASYNCIO = BLOCKING.replace("blocking", "aio").replace("BlockingBackend", "AsyncioBackend") + "import asyncio\n"


def python(program: str, *flags: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*prefix, sys.executable, *flags, "-c", program], capture_output=True, text=True, timeout=60, check=False)


ENDINGS = {
    "a module's global holds the stream": BLOCKING + "stream = run_now(main(1))",
    "a cycle holds the stream": BLOCKING + "a = []; a.append((a, run_now(main(1)))); del a; import gc; gc.collect()",
    "a thread receives": BLOCKING
    + """
import _thread, time
stream = run_now(main(1))
_thread.start_new_thread(lambda: run_now(stream.receive(60)), ())
time.sleep(0.1)
""",
    "a thread looks a name up": BLOCKING
    + """
import time
from oxide._transport.addresses import in_thread
in_thread(lambda: time.sleep(5))
stream = run_now(main(1))
""",
    "the loop is over, the stream held": ASYNCIO + "stream = asyncio.run(main(1))",
    "the loop is over, the stream in a cycle": ASYNCIO + "a = []; a.append((a, asyncio.run(main(1)))); del a; import gc; gc.collect()",
    "a task receives when the loop ends": ASYNCIO
    + """
async def outer():
    global task
    stream = await main(1)
    task = asyncio.ensure_future(stream.receive(60))
    await asyncio.sleep(0.05)
asyncio.run(outer())
""",
}


@pytest.mark.parametrize("ending", ENDINGS, ids=[name.replace(" ", "-") for name in ENDINGS])
def test_a_process_ends_without_a_word(ending: str) -> None:
    with Peer(echo) as peer:
        done = python(ENDINGS[ending].replace("{port}", str(peer.port)), *STRICT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # the child does next to nothing
@pytest.mark.parametrize("world", ["blocking", "asyncio"])
def test_a_child_forgets_the_connections_of_its_parent(world: str) -> None:
    """The child lets go; the parent goes on; the peer sees no end until the parent hangs up."""
    program = (BLOCKING if world == "blocking" else ASYNCIO) + (
        """
import os
async def story():
    stream = await main(1)
    child = os.fork()
    if child == 0:
        before = len(os.listdir("/proc/self/fd"))
        stream.forget()
        os._exit(0 if len(os.listdir("/proc/self/fd")) == before - 1 and not stream.quiet else 1)
    assert os.waitpid(child, 0)[1] == 0, "the child"
    await stream.send(b"still here", 5)
    assert await stream.receive(5) == b"still here"
    assert stream.quiet
    stream.close()
"""
        + ("run_now(story())" if world == "blocking" else "asyncio.run(story())")
    )
    ended = threading.Event()

    def handler(sock: object) -> None:
        echo(sock)  # type: ignore[arg-type]  # a socket
        ended.set()

    with Peer(handler) as peer:
        done = python(program.replace("{port}", str(peer.port)), *STRICT)
        assert ended.wait(5)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("strace") is None, reason="counts system calls with strace")
@pytest.mark.parametrize(("world", "calls"), [("blocking", 2), ("asyncio", 4)])
def test_a_warm_exchange_costs_so_many_system_calls(world: str, calls: int, tmp_path: Path) -> None:
    template, run = (BLOCKING, "run_now(main({}))") if world == "blocking" else (ASYNCIO, "asyncio.run(main({}))")
    counts = []
    with Peer(echo) as peer:
        for count in (10, 210):
            trace = tmp_path / "trace"
            done = python(
                (template + run.replace("{}", str(count))).replace("{port}", str(peer.port)),
                prefix=("strace", "-f", "-qq", "-o", str(trace)),
            )
            assert done.returncode == 0
            counts.append(len(trace.read_text().splitlines()))
    assert calls * 200 <= counts[1] - counts[0] + 20 <= calls * 200 + 60


def test_the_blocking_world_imports_little() -> None:
    program = """
import sys
before = set(sys.modules)
import oxide._transport.blocking, oxide._transport.dial
new = set(sys.modules) - before
banned = new & {"ssl", "asyncio", "threading", "typing", "dataclasses", "inspect", "logging", "queue", "contextlib", "random", "re"}
assert not banned, banned
assert len(new) <= 34, sorted(new)
"""
    done = python(program)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("threads", [8])
def test_closing_under_many_users_never_closes_a_foreign_descriptor(threads: int) -> None:
    """Streams are closed while others enter and leave them; were a number closed twice, one of the pipes opened meanwhile would break."""
    failures: list[str] = []

    def abuse(peer: Peer) -> None:
        backend = BlockingBackend()
        for _ in range(30):
            stream = run_now(backend.connect(peer.endpoint, 5))
            closer = threading.Thread(target=stream.close)
            try:
                run_now(stream.send(b"x", 5))
                closer.start()
                while True:
                    run_now(stream.receive(5))
                    run_now(stream.send(b"x", 5))
            except ConnectionAbortedError:
                closer.join()
            except OSError as error:
                failures.append(repr(error))
            near, far = os.pipe()
            try:
                os.write(far, b"!")
                if os.read(near, 1) != b"!":
                    failures.append("a pipe broke")
            finally:
                os.close(near)
                os.close(far)

    with Peer(echo) as peer:
        workers = [threading.Thread(target=abuse, args=(peer,)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    assert failures == []
