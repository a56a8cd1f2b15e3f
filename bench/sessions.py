"""What a turn of a session costs: python -m bench.sessions [--rounds N] [--json]

Turns of 12 and of 150 events over one WebSocket: `session.create`, `session.events` and `session.stream` (which folds the events), beside
a client written by hand with nothing but a socket, which parses every event with `json.loads`. Figures are processor time of the client,
the best round; the competitors take turns in each round. The goal is twice the time of the floor.

Then an agent of 20 turns, each with the result of a tool, over HTTP and over a session. The server charges for what it has to read: so
many seconds for each item of the input, as a service that has to load the context of a conversation does. Over HTTP with `store=False` the
whole conversation is sent and read each time; over a session only what is new is. Figures are wall time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from bench.websocket import Floor, agreement, frame, size_of, split

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = {12: 300, 150: 60}
"""Events of a turn -> turns of a round."""

QUESTION: dict[str, Any] = {"model": "m", "input": "x" * 300}
CHARGE = 0.0015
"""Seconds for an item of the input."""

AGENT = 20


def answer(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    usage = {"input_tokens": 80, "output_tokens": 140, "total_tokens": 220, "output_tokens_details": {"reasoning_tokens": 0}}
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [message], "usage": usage}


def events_of(count: int) -> list[str]:
    """The events of a turn: eight around as many pieces of text as are wanted."""
    place = {"item_id": "msg_0123456789abcdef", "output_index": 0, "content_index": 0}
    whole = answer(" word" * (count - 8))
    begun = {**whole, "status": "in_progress", "output": []}
    item = whole["output"][0]
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {"type": "output_text", "text": "", "annotations": []}},
        *[{"type": "response.output_text.delta", **place, "delta": " word", "logprobs": []} for _ in range(count - 8)],
        {"type": "response.output_text.done", **place, "text": item["content"][0]["text"]},
        {"type": "response.content_part.done", **place, "part": item["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [json.dumps({**event, "sequence_number": number}) for number, event in enumerate(events)]


# ----------------------------------------------------------------------------------------------------------------- the server
def serve() -> None:
    """Answer each message with a turn of as many events as the query says; one connection at a time."""
    turns = {count: b"".join(map(frame, events_of(count))) for count in TURNS}
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
            events = turns[int(request.split(b" ")[1].rpartition(b"=")[2])]
            data = b""
            while more := connection.recv(1 << 20):
                data += more
                while len(data) >= 8 and len(data) >= (whole := size_of(data)):
                    connection.sendall(b"\x88\x00" if data[0] == 0x88 else events)
                    data = data[whole:]


# ---------------------------------------------------------------------------------------------------------------- the turns
class HandWritten(Floor):
    """Sends a turn and parses its events, to the last one."""

    def ask(self) -> dict[str, Any]:
        self.send(json.dumps({"type": "response.create", **QUESTION}))
        kept = b""
        while True:
            messages, kept = split(kept + self.socket.recv(65536))
            for message in messages:
                event: dict[str, Any] = json.loads(message)
                if event["type"] == "response.completed":
                    return event["response"]


def timed(work: Callable[[], object], calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - begun) / calls * 1e6


def turns(rounds: int) -> dict[str, dict[str, float]]:
    server = subprocess.Popen([sys.executable, "-m", "bench.sessions", "--serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        return {f"a turn of {count} events": turn(port, count, calls, rounds) for count, calls in TURNS.items()}
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def turn(port: int, count: int, calls: int, rounds: int) -> dict[str, float]:
    """One competitor after the other in each round, each with the connection to itself: the server has one at a time."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for measure in (by_hand, created, streamed, looped):
            for row, value in measure(port, count, calls).items():
                best[row] = min(value, best.get(row, value))
    return best


def by_hand(port: int, count: int, calls: int) -> dict[str, float]:
    hand = HandWritten(port, f"/v1/responses?events={count}")
    value = timed(hand.ask, calls)
    hand.socket.close()
    return {"hand": value}


def created(port: int, count: int, calls: int) -> dict[str, float]:
    import oxide

    with oxide.Client(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", proxy=None) as client:
        session = client.responses.session(extra_query={"events": count})
        session.create(**QUESTION)
        return {"create": timed(lambda: session.create(**QUESTION), calls)}


def streamed(port: int, count: int, calls: int) -> dict[str, float]:
    import oxide

    def ask(open_: Callable[..., Any]) -> None:
        for _ in open_(**QUESTION):
            pass

    with oxide.Client(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", proxy=None) as client:
        session = client.responses.session(extra_query={"events": count})
        ask(session.events)
        return {"events": timed(lambda: ask(session.events), calls), "stream": timed(lambda: ask(session.stream), calls)}


def looped(port: int, count: int, calls: int) -> dict[str, float]:
    import oxide

    async def run() -> dict[str, float]:
        async with oxide.AsyncClient(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", proxy=None) as client:
            session = client.responses.session(extra_query={"events": count})
            await session.create(**QUESTION)
            begun = time.process_time()
            for _ in range(calls):
                await session.create(**QUESTION)
            made = time.process_time()
            for _ in range(calls):
                async for _ in await session.events(**QUESTION):
                    pass
            done = time.process_time()
            return {"create, asyncio": (made - begun) / calls * 1e6, "events, asyncio": (done - made) / calls * 1e6}

    return asyncio.run(run())


# ---------------------------------------------------------------------------------------------------------------- the agent
def agent() -> dict[str, float]:
    """Seconds of 20 turns with results of tools, over HTTP and over a session."""
    import oxide
    from oxide.testing import Server

    async def charged(socket_: Any) -> None:
        while True:
            asked = json.loads(await socket_.receive())
            await asyncio.sleep(CHARGE * len(asked["input"]))
            await socket_.send(json.dumps({"type": "response.completed", "response": answer("called"), "sequence_number": 0}))

    def charge(text: str) -> str:
        time.sleep(CHARGE * charge.items)  # type: ignore[attr-defined]  # set below, before each call
        return text

    result = {"type": "message", "role": "user", "content": "the result of a tool"}
    with Server(sockets={"/v1/responses": charged}, answer=charge) as server, oxide.Client(base_url=server.url, api_key="k") as client:
        begun = time.perf_counter()
        conversation: list[Any] = []
        for _ in range(AGENT):
            conversation.append(result)
            charge.items = len(conversation)  # type: ignore[attr-defined]  # what the service has to read
            conversation.extend(client.responses.create(model="echo", input=conversation, store=False).output)
        over_http = time.perf_counter() - begun
        begun = time.perf_counter()
        with client.responses.session() as session:
            previous = None
            for _ in range(AGENT):
                previous = session.create(model="m", input=[result], store=False, previous_response_id=previous).id
        return {"HTTP": over_http, "session": time.perf_counter() - begun}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sessions", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
    table = turns(given.rounds)
    wall = agent()
    if given.json:
        print(json.dumps({**table, "an agent of 20 turns": wall}))
        return
    for name, row in table.items():
        floor = row["hand"]
        figures = [f"{who} {value:.0f} us" + ("" if who == "hand" else f" ({value / floor:.2f} x)") for who, value in row.items()]
        print(f"{name:24}{', '.join(figures)}")
    ratio = wall["session"] / wall["HTTP"]
    times = f"HTTP {wall['HTTP']:.2f} s, session {wall['session']:.2f} s"
    print(f"{'an agent of 20 turns':24}{times} ({ratio:.2f} x; {CHARGE * 1e3:g} ms for an item)")


if __name__ == "__main__":
    main()
