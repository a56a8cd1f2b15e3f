"""What a WebSocket costs: python -m bench.websocket [--rounds N] [--json]

First the machine alone (bytes in, messages out) beside wsproto and a loop written by hand; then turns over a socket, one message out and
many events back, beside a client written by hand with nothing but a socket. Figures are processor time of the client, the best round.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
EVENT = json.dumps({"type": "response.output_text.delta", "item_id": "msg_0123456789", "output_index": 0, "delta": " word", "x": "y" * 60})
QUESTION = json.dumps({"type": "response.create", "model": "m", "input": "x" * 300})
TURNS = {12: 400, 150: 80}
"""Events of a turn -> turns of a round."""


def agreement(request: bytes) -> bytes:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")).partition(b":")[2].strip()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept


def frame(text: str) -> bytes:
    """A frame of the server; no event here is longer than 65,535 bytes."""
    data = text.encode()
    size = bytes((len(data),)) if len(data) < 126 else b"\x7e%b" % len(data).to_bytes(2, "big")
    return b"\x81" + size + data


# ----------------------------------------------------------------------------------------------------------------- the server
def serve() -> None:
    """Answer each message with as many events as the path names; one connection at a time."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            connection.sendall(agreement(request))
            events = frame(EVENT) * int(request.split(b" ")[1].rpartition(b"/")[2])
            data = b""
            while more := connection.recv(1 << 20):
                data += more
                while len(data) >= 8 and len(data) >= (whole := size_of(data)):
                    if data[0] == 0x88:
                        connection.sendall(b"\x88\x00")
                    else:
                        connection.sendall(events)
                    data = data[whole:]


def size_of(data: bytes) -> int:
    """The size of a whole masked frame, of which at least eight bytes are there."""
    size = data[1] & 127
    return size + 6 if size < 126 else int.from_bytes(data[2:4], "big") + 8


# ------------------------------------------------------------------------------------------------------------------ by hand
class Floor:
    """A client with nothing but a socket: no checks, no timeouts, no pings."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        self.socket.sendall(f"{head}Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        self.socket.recv(65536)

    def send(self, question: str) -> None:
        data = question.encode()
        key = os.urandom(4)
        size = len(data)
        mask = int.from_bytes((key * (size // 4 + 1))[:size], "little")
        body = (int.from_bytes(data, "little") ^ mask).to_bytes(size, "little")
        self.socket.sendall(b"\x81\xfe" + size.to_bytes(2, "big") + key + body)

    def turn(self, question: str, count: int) -> None:
        self.send(question)
        got, kept = 0, b""
        while got < count:
            messages, kept = split(kept + self.socket.recv(65536))
            got += len(messages)


def split(data: bytes) -> tuple[list[str], bytes]:
    """The texts of whole frames, and what is left."""
    messages: list[str] = []
    place, end = 0, len(data)
    while end - place >= 4:
        size, start = data[place + 1], place + 2
        if size == 126:
            size, start = data[place + 2] << 8 | data[place + 3], place + 4
        if start + size > end:
            break
        messages.append(data[start : start + size].decode())
        place = start + size
    return messages, data[place:]


# ------------------------------------------------------------------------------------------------------------- measurements
def best(work: Callable[[], object], calls: int, rounds: int) -> float:
    """Microseconds of processor time a call, in the best round."""
    least = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(calls):
            work()
        least = min(least, (time.process_time() - begun) / calls)
    return least * 1e6


def machines(rounds: int) -> dict[str, dict[str, float]]:
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    from oxide._protocol.websocket import WebSocket

    machine = WebSocket(os.urandom)
    machine.receive(agreement(machine.connect("/", [("Host", "a")])))
    engine = Connection(ConnectionType.CLIENT)
    one, many = frame(EVENT), frame(EVENT) * 12

    def by_engine(data: bytes) -> object:
        engine.receive_data(data)
        return list(engine.events())

    table = {
        "receive an event": {
            "hand": best(lambda: split(one), 5000, rounds),
            "oxide": best(lambda: machine.receive(one), 5000, rounds),
            "wsproto": best(lambda: by_engine(one), 1000, rounds),
        },
        "receive 12 events in one read": {
            "hand": best(lambda: split(many), 1000, rounds),
            "oxide": best(lambda: machine.receive(many), 1000, rounds),
            "wsproto": best(lambda: by_engine(many), 100, rounds),
        },
    }
    for size in (1_000, 100_000, 1_000_000):
        text = "x" * size
        calls = max(3, 1_000_000 // size)
        table[f"send {size:,} bytes"] = {
            "oxide": best(lambda text=text: machine.send(text), calls, rounds),  # type: ignore[misc]  # it binds the loop's value
            "wsproto": best(lambda text=text: engine.send(TextMessage(data=text)), calls, rounds),  # type: ignore[misc]  # likewise
        }
    return table


def turns(rounds: int) -> dict[str, dict[str, float]]:
    server = subprocess.Popen([sys.executable, "-m", "bench.websocket", "--serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        table: dict[str, dict[str, float]] = {}
        for count, calls in TURNS.items():
            hand = Floor(port, f"/v1/{count}")
            row = {"hand": best(lambda hand=hand, count=count: hand.turn(QUESTION, count), calls, rounds)}  # type: ignore[misc]  # as above
            hand.socket.close()
            row["oxide"] = blocking(port, count, calls, rounds)
            row["oxide asyncio"] = asyncio.run(looped(port, count, calls, rounds))
            table[f"a turn of {count} events"] = row
        return table
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


async def rounds_of(exchange: Any, operation: Any, given: dict[str, Any]) -> float:
    from oxide._socket import open_socket

    count, calls, rounds = given.pop("shape")
    socket_ = await open_socket(exchange, operation.prepare(given, exchange.settings))
    least = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(calls):
            await socket_.send(QUESTION)
            for _ in range(count):
                await socket_.receive(30.0)
        least = min(least, (time.process_time() - begun) / calls)
    await socket_.close()
    return least * 1e6


def blocking(port: int, count: int, calls: int, rounds: int) -> float:
    import oxide
    from oxide._operation import Operation

    with oxide.Client(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", proxy=None) as client:
        return client._caller.run(rounds_of, Operation("GET", f"/{count}"), {"shape": (count, calls, rounds)})


async def looped(port: int, count: int, calls: int, rounds: int) -> float:
    import oxide
    from oxide._operation import Operation

    async with oxide.AsyncClient(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", proxy=None) as client:
        return await client._caller.run(rounds_of, Operation("GET", f"/{count}"), {"shape": (count, calls, rounds)})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.websocket", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
    table = {**machines(given.rounds), **turns(given.rounds)}
    if given.json:
        print(json.dumps(table))
        return
    for name, row in table.items():
        floor = row.get("hand")
        figures = [f"{who} {value:.2f} us{f' ({value / floor:.2f} x)' if floor and who != 'hand' else ''}" for who, value in row.items()]
        print(f"{name:32}{', '.join(figures)}")


if __name__ == "__main__":
    main()
