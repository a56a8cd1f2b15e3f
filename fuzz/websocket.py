"""Any bytes, cut anywhere, give the same events and the same error as the same bytes whole, and the same as wsproto sees in them.

Nothing but `ProtocolError` is raised, no message is larger than the limit, and what the machine says besides is what wsproto can read.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zlib
from pathlib import Path
from random import Random
from typing import Any

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.websocket`

from _harness import command, pieces, run
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.events import Ping as PingEvent
from wsproto.events import Pong as PongEvent

from oxide._protocol.base import ProtocolError
from oxide._protocol.websocket import CLOSED, FAILED, OPEN, WebSocket
from oxide._protocol.websocket_frames import Closed, Ping, Pong

ACCEPT = base64.b64encode(hashlib.sha1(base64.b64encode(bytes(16)) + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
AGREED = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n" % ACCEPT
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
HEADS = [0x81, 0x81, 0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x88, 0xC1, 0x41, 0x83, 0x91, 0x09, 0xFF]
PAYLOADS = [
    b"",
    b"a",
    "é😀".encode(),
    b"\xc3",
    b"\xa9",
    b"\xff",
    b"\x03\xe8",
    b"\x03\xe8bye",
    b"\x03\xed",
    b"\x03",
    b"x" * 125,
    b"y" * 126,
    b"z" * 200,
]
Case = tuple[bytes, list[bytes], int, bool]


def compressed(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return (coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH))[:-4]


def frame(random: Random) -> bytes:
    first, payload = random.choice(HEADS), random.choice(PAYLOADS)
    if first & 0x40 and random.random() < 0.8:
        payload = compressed(payload * random.choice([1, 3, 500]))
    size = len(payload) if random.random() < 0.97 else random.randrange(1 << random.choice([7, 16, 40]))
    if size < 126 and random.random() < 0.98:
        return bytes((first, size)) + payload
    if size < 65_536 and random.random() < 0.98:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def make(random: Random) -> Case:
    data = b"".join([frame(random) for _ in range(random.randrange(12))])
    if random.random() < 0.1:
        data += random.randbytes(random.randrange(20))
    return data, pieces(random, data), random.choice([10, 130, 1000, 1 << 26]), random.random() < 0.4


def opened(limit: int, deflate: bool) -> WebSocket:
    machine = WebSocket(bytes, max_message=limit, deflate=deflate)
    machine.connect("/", [("Host", "a")])
    machine.receive(AGREED + (DEFLATE if deflate else b"") + b"\r\n")
    assert machine.state == OPEN
    return machine


def read(chunks: list[bytes], limit: int, deflate: bool) -> tuple[list[object], str, list[bytes]]:
    machine = opened(limit, deflate)
    events: list[object] = []
    error = ""
    said: list[bytes] = []
    for chunk in chunks:
        try:
            events += machine.receive(chunk)
        except ProtocolError as problem:
            error = str(problem)
        said.append(machine.pending())
        if error or machine.failure is not None:
            assert machine.state == FAILED
            return events, error or str(machine.failure), said
    assert machine.state in (OPEN, CLOSED)
    return events, "", said


def theirs(data: bytes) -> list[object]:
    reader = Connection(ConnectionType.CLIENT)
    reader.receive_data(data)
    events: list[object] = []
    parts: list[Any] = []
    for event in reader.events():
        if isinstance(event, (TextMessage, BytesMessage)):
            parts.append(event.data)
            if event.message_finished:
                events.append("".join(parts) if isinstance(event, TextMessage) else b"".join(parts))
                parts = []
        elif isinstance(event, (PingEvent, PongEvent)):
            events.append((Ping if isinstance(event, PingEvent) else Pong)(bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            events.append(Closed(int(event.code), event.reason or ""))
            break
    return events


def check(case: Case) -> None:
    data, chunks, limit, deflate = case
    whole = read([data] if data else [], limit, deflate)
    for other in (chunks, [data[i : i + 1] for i in range(len(data))]):
        assert read(other, limit, deflate)[:2] == whole[:2]
    events, error, said = whole
    assert all(len(event.encode() if isinstance(event, str) else event) <= limit for event in events if isinstance(event, (str, bytes)))
    peer = Connection(ConnectionType.SERVER)
    peer.receive_data(b"".join(said))
    assert all(isinstance(event, (PongEvent, CloseConnection)) for event in peer.events())
    if limit == 1 << 26 and not deflate:
        compare(events, error, theirs(data))


def compare(events: list[object], error: str, seen: list[object]) -> None:
    """wsproto looks at each part of a text as it comes and we at the whole, and tells every broken rule as a closing."""
    last = seen[-1] if seen else None
    broken = isinstance(last, Closed) and bool(last.reason) and last not in events
    if broken:
        seen = seen[:-1]
    if broken and not error:
        events = events[: len(seen)]
    if "size of a frame" in error or "bytes" in error:  # told before the payload has come
        seen = seen[: len(events)]
    assert events[: len(seen)] == seen
    assert broken or events == seen or error


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, CORPUS, only)


CORPUS: list[Case] = [
    (b"\x01\x01\x80", [b"\x01\x01\x80"], 1 << 26, False),
    (b"\x81\x01a\x81\x01\xff", [b"\x81\x01a\x81", b"\x01\xff"], 1 << 26, False),
    (b"\x88\x02\x03\xe8\x81\x01a", [b"\x88\x02\x03\xe8\x81", b"\x01a"], 1 << 26, False),
    (b"\x00\x00" * 5, [b"\x00\x00"], 10, False),
    (b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x81\x01a", [b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x81\x01a"], 10, True),
]

if __name__ == "__main__":
    command(main, __doc__)
