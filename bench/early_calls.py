"""`python -m bench.early_calls`: how soon a function call is in the hands of a program, written to bench/EARLY_CALLS.md.

A model writes a call, and goes on writing for a while.  Measured is the time from the request to the call in user code; beside it the time
to the last byte of its arguments, which a hand-written socket client sees, and the time to the end of the answer, which is when programs
that wait for it begin.  The server is a process of its own, and sends an event at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import socket
import subprocess
import sys
import time

import oxide
from oxide._helpers.response_streams import ResponseFolding
from oxide._models._base import decoder

from .floors import request
from .measure import CLIENT_CORE, ROOT, SERVER_CORE, child_environment, median, pin_to, quantile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

DELTAS, REST = 24, 120
"""Pieces of the arguments, and of what is written after them."""

GAPS = {"a burst": 0.0, "1,000 events a second": 0.001, "100 events a second": 0.01}
LIMIT = 1.3
"""The goal: the call, beside the last byte of its arguments."""

ASKED = {"model": "m", "input": "Weather in Rome?", "stream": True}
LAST = b"response.function_call_arguments.done"


# ---------------------------------------------------------------------------------------------------------- the server
def events() -> Iterator[dict[str, Any]]:
    """Yield the events of an answer: a call, then a text."""
    begun = {"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []}
    call = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "look", "arguments": ""}
    text = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": []}
    place = {"item_id": "fc_1", "output_index": 0}
    arguments = json.dumps({"text": "lorem " * DELTAS})
    size = len(arguments) // DELTAS + 1
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**call, "status": "in_progress"}}
    for at in range(0, len(arguments), size):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": arguments[at : at + size]}
    yield {"type": LAST.decode(), **place, "name": "look", "arguments": arguments}
    whole = {**call, "arguments": arguments}
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole}
    place = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    yield {"type": "response.output_item.added", "output_index": 1, "item": message}
    yield {"type": "response.content_part.added", **place, "part": text}
    for _ in range(REST):
        yield {"type": "response.output_text.delta", **place, "delta": "and so on ", "logprobs": []}
    said = {**message, "content": [{**text, "text": "and so on " * REST}]}
    yield {"type": "response.output_item.done", "output_index": 1, "item": said}
    yield {"type": "response.completed", "response": {**begun, "status": "completed", "output": [whole, said]}}


def pieces() -> tuple[list[bytes], list[bytes]]:
    """Return the events as they are sent: as far as the call is complete, and the others."""
    sent: list[bytes] = []
    for number, event in enumerate(events()):
        data = f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()
        sent.append(b"%x\r\n%b\r\n" % (len(data), data))
    end = next(place for place, piece in enumerate(sent) if LAST in piece) + 1
    return sent[:end], [*sent[end:-1], sent[-1] + b"0\r\n\r\n"]


def serve(gap: float) -> None:
    """Answer one connection after the other; the gaps are kept by looking at the clock, as naps are too long."""
    early, late = pieces()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while asked(peer):
            parts = [head + b"".join(early), b"".join(late)] if not gap else [head, *early, *late]
            due = time.perf_counter()
            for part in parts:
                while time.perf_counter() < due:
                    time.sleep(0)
                peer.sendall(part)
                due += gap or 0.02


def asked(peer: socket.socket) -> bool:
    """Read a request; return whether there was one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += peer.recv(65536)
    return True


# --------------------------------------------------------------------------------------------------------- the clients
class Times:
    """Seconds from the request, call by call."""

    def __init__(self) -> None:
        self.call: list[float] = []
        self.end: list[float] = []


def floor(port: int, calls: int) -> Times:
    """A socket, and a search for the bytes."""
    times, asking = Times(), request("/v1/responses", ASKED)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for _ in range(calls):
            began, seen, found = time.perf_counter(), b"", False
            sock.sendall(asking)
            while not seen.endswith(b"0\r\n\r\n"):
                seen += sock.recv(65536)
                if not found and (at := seen.find(b"event: " + LAST)) >= 0 and seen.find(b"\n\n", at) >= 0:
                    times.call.append(time.perf_counter() - began)
                    found = True
            times.end.append(time.perf_counter() - began)
    return times


def blocking(port: int, calls: int) -> Times:
    times = Times()
    with oxide.Client(base_url=f"http://127.0.0.1:{port}/v1", api_key="test") as client:
        for _ in range(calls):
            began = time.perf_counter()
            with client.responses.stream(model="m", input="Weather in Rome?") as stream:
                for _call in stream.function_calls():
                    times.call.append(time.perf_counter() - began)
                stream.get_final_response()
            times.end.append(time.perf_counter() - began)
    return times


def in_tasks(port: int, calls: int) -> Times:
    times = Times()

    async def story() -> None:
        async with oxide.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", api_key="test") as client:
            for _ in range(calls):
                began = time.perf_counter()
                async with client.responses.stream(model="m", input="Weather in Rome?") as stream:
                    async for _call in stream.function_calls():
                        times.call.append(time.perf_counter() - began)
                    await stream.get_final_response()
                times.end.append(time.perf_counter() - began)

    asyncio.run(story())
    return times


def measured(gap: float, calls: int) -> dict[str, Times]:
    """Return what each client took; they take turns, so that a busy moment is nobody's alone."""
    command = [sys.executable, "-m", "bench.early_calls", "--serve", str(gap)]
    server = subprocess.Popen(command, cwd=ROOT, env=child_environment(), stdout=subprocess.PIPE, text=True, preexec_fn=pin_to(SERVER_CORE))
    assert server.stdout is not None
    port = int(server.stdout.readline())
    clients: dict[str, Callable[[int, int], Times]] = {"by hand": floor, "Client": blocking, "AsyncClient": in_tasks}
    found = {name: Times() for name in clients}
    try:
        for rounds in range(calls // 5 + 1):
            for name, client in clients.items():
                gc.collect()
                times = client(port, 6)
                if rounds:  # the first one warms up
                    found[name].call += times.call[1:]
                    found[name].end += times.end[1:]
    finally:
        server.kill()
        server.wait()
    return found


# ------------------------------------------------------------------------------------------------------------- folding
class Played:
    """Events that have come."""

    http = response = None

    def __init__(self, batch: list[Any]) -> None:
        self._batches = [batch]

    async def next_batch(self) -> list[Any] | None:
        return self._batches.pop() if self._batches else None

    def close(self) -> None:
        """There is nothing to close."""


def folding(length: int) -> tuple[float, float]:
    """Return the microseconds that an event costs to decode, and to fold, in a text of so many events."""
    deltas = [
        json.dumps({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "word ", "logprobs": []})
        for _ in range(length)
    ]
    decode = decoder("responses_events.ResponseStreamEvent")
    decoding, folds = [], []
    for _ in range(9):
        begun = time.process_time()
        batch = [decode(json.loads(text)) for text in deltas]
        decoding.append(time.process_time() - begun)
        stream = oxide.ResponseStream(ResponseFolding(Played(batch)))  # type: ignore[arg-type]  # enough of a reader
        begun = time.process_time()
        for _event in stream:
            continue
        folds.append(time.process_time() - begun)
    return min(decoding) / length * 1e6, min(folds) / length * 1e6


# -------------------------------------------------------------------------------------------------------------- report
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=float)
    parser.add_argument("--calls", type=int, default=40)
    chosen = parser.parse_args()
    if chosen.serve is not None:
        serve(chosen.serve)
        return
    if (pin := pin_to(CLIENT_CORE)) is not None:
        pin()
    lines, met = report(chosen.calls)
    with open(os.path.join(ROOT, "bench", "EARLY_CALLS.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))
    sys.exit(0 if met else 1)


def report(calls: int) -> tuple[list[str], bool]:
    lines = [
        "# Early function calls",
        "",
        f"`python -m bench.early_calls`, Python {platform.python_version()}. Milliseconds from the request to the call in user code, "
        f"medians of {calls} calls (90th percentile in brackets). The call has {DELTAS} pieces of arguments, and {REST} more events come "
        f"behind it. The goal is {LIMIT} times the last byte of the arguments, as a socket read by hand sees it.",
        "",
        "| the model writes | | last byte, or call | ratio | end of the answer |",
        "|---|---|---|---|---|",
    ]
    met = True
    for pace, gap in GAPS.items():
        found = measured(gap, calls)
        base = median(found["by hand"].call)
        for name, times in found.items():
            ratio = median(times.call) / base
            met = met and (ratio <= LIMIT or not gap)
            row = (
                f"{median(times.call) * 1e3:.2f} ({quantile(times.call, 0.9) * 1e3:.2f})",
                f"{ratio:.2f}",
                f"{median(times.end) * 1e3:.1f}",
            )
            lines.append(f"| {pace} | {name} | {row[0]} | {row[1]} | {row[2]} |")
    lines += ["", "In a burst all events up to the call come in one write, and nothing but work is measured.", ""]
    lines += [
        "What an event of `responses.stream` costs, in microseconds of CPU time:",
        "",
        "| events | decoding | folding |",
        "|---|---|---|",
    ]
    for length in (1_000, 30_000):
        decoding, folds = folding(length)
        lines.append(f"| {length:,} | {decoding:.2f} | {folds:.2f} |")
    return lines, met


if __name__ == "__main__":
    main()
