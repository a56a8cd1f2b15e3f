"""How fast a large file goes out, and in how little memory: python -m bench.upload [--size BYTES] [--json]

The file is sparse, so that no disk is measured; the server, another process, reads and forgets.  Each client runs in a process of its
own.  Growth is the peak of its resident memory over what it was after a first, small upload.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.memory import peak_memory

ANSWER = b'{"id":"file-1","object":"file","bytes":1,"created_at":1,"filename":"f","purpose":"batch","status":"uploaded"}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
CLIENTS = ("oxide", "oxide-asyncio", "openai", "openai-asyncio")
SIZE = 2_000_000_000
BUFFER = 1 << 20


# ----------------------------------------------------------------------------------------------------------------- the server
def sink(listening: socket.socket) -> None:
    """Take requests of one connection after the other, and forget what they hold."""
    buffer = memoryview(bytearray(BUFFER))
    while True:
        connection, _ = listening.accept()
        with connection:
            while take(connection, buffer):
                connection.sendall(HEAD + ANSWER)


def take(connection: socket.socket, buffer: memoryview) -> bool:
    """Read one request of a known length; return False at the end of the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return False
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    left = int(head.lower().partition(b"content-length:")[2].split()[0]) - len(body)
    while left > 0 and (size := connection.recv_into(buffer)):
        left -= size
    return left == 0


# ---------------------------------------------------------------------------------------------------------------- the clients
def measured(name: str, url: str, path: str) -> dict[str, float]:
    """Upload a small file and then a large one; return what the large one took."""
    maker: Any = importlib.import_module(name.partition("-")[0])
    kind = "AsyncOpenAI" if name.endswith("-asyncio") else "OpenAI"
    client = getattr(maker, kind)(base_url=url, api_key="k", max_retries=0, timeout=600)

    async def run() -> dict[str, float]:
        await finished(client.files.create(file=b"x" * 300_000, purpose="batch"))
        before = peak_memory()
        started, cpu = time.perf_counter(), time.process_time()
        with open(path, "rb") as file:
            await finished(client.files.create(file=file if name.startswith("openai") else Path(path), purpose="batch"))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        return {"seconds": seconds, "cpu": cpu, "rate": os.path.getsize(path) / seconds, "growth": peak_memory() - before}

    return asyncio.run(run())


async def finished(value: Any) -> Any:
    """Return a result, awaited where it must be."""
    return await value if hasattr(value, "__await__") else value


def measure(name: str, size: int) -> dict[str, float]:
    """Measure one client in a process of its own."""
    with tempfile.TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)) as listening:
        path = os.path.join(place, "large.bin")
        Path(path).touch()
        os.truncate(path, size)
        server = subprocess.Popen([sys.executable, "-m", "bench.upload", "--sink", str(listening.fileno())], pass_fds=[listening.fileno()])
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
            command = [sys.executable, "-m", "bench.upload", "--client", name, url, path]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        finally:
            server.kill()
            server.wait()
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upload", description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help="bytes of the file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", choices=CLIENTS, help="one client")
    parser.add_argument("--sink", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--client", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sink is not None:
        sink(socket.socket(fileno=options.sink))
    if options.client:
        print(json.dumps(measured(*options.client)))
        return
    names = [options.only] if options.only else [name for name in CLIENTS if importlib.util.find_spec(name.partition("-")[0])]
    results = {name: measure(name, options.size) for name in names}
    if options.json:
        print(json.dumps(results))
        return
    print(f"{options.size / 1e6:,.0f} MB{'':12} seconds   CPU s     MB/s   growth MB")
    for name, found in results.items():
        print(f"{name:20} {found['seconds']:7.2f} {found['cpu']:7.2f} {found['rate'] / 1e6:8.0f} {found['growth'] / 1e6:11.1f}")


if __name__ == "__main__":
    main()
