"""Scripts that end right after a call, or in the midst of a stream: they end at once, with code 0, and without a word.

Forty processes normally; OXIDE_EXITS=300 makes so many of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from oxide.testing import Fault, Server
from tests.faces._wires import Wire
from tests.transport._net import AUTHORITY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOW = re.compile(r"Executing <.*> took \d\.\d+ seconds\n")  # asyncio's debug mode on imports, where the machine is busy
EXITS = int(os.environ.get("OXIDE_EXITS", "40"))

BLOCKING = """
import sys
from oxide import Client
url, roots, http2 = sys.argv[1:]
options = dict(base_url=url, api_key="test", http2=http2 == "http2")
if roots:
    import os
    os.environ["SSL_CERT_FILE"] = roots
client = Client(**options)
def ask(): return client.responses.create(model="echo", input="Hello")
def stream(): return client.responses.create(model="echo", input="Hello", stream=True)
"""
ASYNCIO = BLOCKING.replace("import Client", "import AsyncClient").replace("= Client(", "= AsyncClient(") + "import asyncio\n"
DURING = ASYNCIO + "async def main():\n    global events\n    events = await stream()\n    await anext(events)\n"

SCRIPTS = {
    "after a call": BLOCKING + "ask()",
    "after a call, client closed": BLOCKING + "with client: ask()",
    "in a stream, held": BLOCKING + "events = stream(); next(events)",
    "in a stream, inside with": BLOCKING + "with stream() as events:\n    next(events)\n    sys.exit(0)",
    "in a stream, after with": BLOCKING + "with stream() as events:\n    next(events)",
    "in a stream, dropped": BLOCKING + "next(stream())",
    "in a stream, in a cycle": BLOCKING + "held = [stream()]; next(held[0]); held.append(held)",
    "in a loop over a stream": BLOCKING + "for event in stream():\n    break",
    "in a generator over a stream": BLOCKING + "def texts():\n    for event in stream(): yield event\ntext = texts(); next(text)",
    "with idle threads": BLOCKING
    + "import threading\nthreads = [threading.Thread(target=ask) for _ in range(4)]\n[t.start() for t in threads]",
    "with daemons in streams": BLOCKING
    + "import threading, time\n"
    + "threads = [threading.Thread(target=lambda: list(stream()), daemon=True) for _ in range(3)]\n"
    + "[t.start() for t in threads]\ntime.sleep(0.1)",
    "an unused client": BLOCKING,
    "asyncio, after a call": ASYNCIO + "asyncio.run(ask())",
    "asyncio, client closed": ASYNCIO + "async def main():\n    async with client:\n        await ask()\nasyncio.run(main())",
    "asyncio, in a stream, held": DURING + "asyncio.run(main())",
    "asyncio, in a stream, inside with": ASYNCIO
    + "async def main():\n    async with await stream() as events:\n        await anext(events)\n        sys.exit(0)\nasyncio.run(main())",
    "asyncio, in a stream, dropped": ASYNCIO + "async def main():\n    await anext(await stream())\nasyncio.run(main())",
    "asyncio, in a loop over a stream": ASYNCIO
    + "async def main():\n    async for event in await stream():\n        return\nasyncio.run(main())",
    "asyncio, in a generator over a stream": ASYNCIO
    + "async def texts():\n    async for event in await stream(): yield event\n"
    + "async def main():\n    global text\n    text = texts()\n    await anext(text)\nasyncio.run(main())",
    "asyncio, tasks in streams": ASYNCIO
    + "async def read():\n    async for event in await stream(): pass\n"
    + "async def main():\n    global tasks\n    tasks = [asyncio.ensure_future(read()) for _ in range(3)]\n    await asyncio.sleep(0.1)\n"
    + "asyncio.run(main())",
    "asyncio, two loops": DURING + "asyncio.run(main()); asyncio.run(main())",
    "asyncio, a loop that is never closed": DURING
    + "loop = asyncio.new_event_loop(); loop.run_until_complete(main())\n"
    # The loop itself complains of not being closed; that is the script's own doing.
    + "import warnings; warnings.simplefilter('ignore', ResourceWarning)",
}
WAYS = ("plain", "tls", "http2")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    running = {name: Wire(name).server(fault=Fault(headers={"x-exit": "1"}), pace=0.05).start() for name in WAYS}
    yield running
    for server in running.values():
        server.close()


@pytest.mark.timeout(600)
def test_every_script_ends_with_code_0_at_once_and_without_a_word(servers: dict[str, Server], tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    AUTHORITY.cert_pem.write_to_path(str(roots))
    rows = [(title, way) for title in SCRIPTS for way in WAYS]
    # Each row comes once in a long run; a short one takes another way from row to row, so that none is left out.
    chosen = [rows[(place * 67) % len(rows)] for place in range(EXITS)]
    with ThreadPoolExecutor(2) as workers:
        failures = list(filter(None, workers.map(lambda row: _outcome(*row, servers, str(roots)), chosen)))
    asked = sum(len(server.requests) for server in servers.values())
    assert asked >= sum(title != "an unused client" for title, _ in chosen), "each script makes its call"
    assert not failures, f"{len(failures)} of {EXITS}:\n" + "\n".join(failures)


def _outcome(title: str, way: str, servers: dict[str, Server], roots: str) -> str:
    """Run a script; return what was wrong with its end."""
    started = time.monotonic()
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPTS[title]]
    arguments = [servers[way].url, "" if way == "plain" else roots, way]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE"))}
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=20, check=False, env=environment)
    except subprocess.TimeoutExpired:
        return f"{title} ({way}): still there after 20 s"
    took = time.monotonic() - started
    said = SLOW.sub("", done.stdout + done.stderr)
    return "" if done.returncode == 0 and not said and took < 10 else f"{title} ({way}): code {done.returncode} after {took:.1f} s\n{said}"
