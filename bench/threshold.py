"""From how many requests at once does HTTP/2 pay? Cold and warm bursts over TLS, each way, in asyncio.

`python -m bench.threshold` prints CPU and wall milliseconds of a burst of n calls, on new connections and on standing ones.  The
decision it led to: docs/decisions/0006-when-to-offer-http2.md.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time

from oxide import AsyncClient

from .clients import tls_context
from .measure import ServerProcess
from .works import WORKS

BURSTS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
ROUNDS = 9


async def burst(client: AsyncClient, n: int) -> tuple[float, float]:
    """Make n calls at once; return CPU and wall, in milliseconds."""
    work = WORKS["chat-tiny"]
    request = work.request()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*[client.chat.completions.create(model=work.model, **request) for _ in range(n)])
    return (time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3


async def measure(base_url: str, authority: str, n: int, http2: bool) -> list[tuple[float, float, float, float]]:
    """Return cold CPU, cold wall, warm CPU, warm wall of some bursts."""
    figures: list[tuple[float, float, float, float]] = []
    context = tls_context(authority)
    for _ in range(ROUNDS):
        async with AsyncClient(base_url=base_url, api_key="test", ssl_context=context, http2=http2) as client:
            cold = await burst(client, n)
            figures.append((*cold, *await burst(client, n)))
    return figures


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory, ServerProcess(directory) as server:
        url = f"https://127.0.0.1:{server.ports['https']}/v1"
        print("  n |  cold CPU h1 / h2 | cold wall h1 / h2 |  warm CPU h1 / h2 | warm wall h1 / h2   (ms)")
        for n in BURSTS:
            one = await measure(url, server.ports["authority"], n, http2=False)
            two = await measure(url, server.ports["authority"], n, http2=True)
            columns = zip(zip(*one, strict=True), zip(*two, strict=True), strict=True)
            cells = [(statistics.median(column1), statistics.median(column2)) for column1, column2 in columns]
            print(f"{n:3} | " + " | ".join(f"{a:7.2f} / {b:7.2f}" for a, b in cells))


if __name__ == "__main__":
    asyncio.run(main())
