"""Any bytes of a server, cut anywhere, give the same events of each stream as the same bytes whole, and then perhaps `ProtocolError`: no
other exception.  A stream that was opened gives a head, data, and an end or a reset, in this order and nothing after; others give nothing.
What is to be sent back stays small, and is whole frames.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.http2`

from _harness import command, pieces, run
from hpack import Encoder

from oxide._protocol.base import Data, End, Head, ProtocolError
from oxide._protocol.http2 import Http2, Reset

Case = tuple[bytes, list[bytes]]
Story = dict[int, list[object]]
STREAMS = 3
FIELDS = [
    (b":status", b"200"),
    (b":status", b"100"),
    (b":status", b"204"),
    (b":status", b"x"),
    (b"content-length", b"3"),
    (b"content-length", b"-1"),
    (b"content-type", b"text/plain"),
    (b"connection", b"close"),
    (b"Bad", b"name"),
    (b"a", b"\r\n"),
    (b"", b""),
    (b":path", b"/"),
    (b"long", b"x" * 300),
    (b"\xff\x00", b"\xff\x80"),
]


def block(random: Random) -> bytes:
    """Return a field block, good more often than not."""
    if random.random() < 0.15:
        return random.randbytes(random.randrange(12))
    fields = [FIELDS[0]] if random.random() < 0.8 else []
    fields += random.choices(FIELDS, k=random.choice([0, 0, 1, 2]))
    encoded = Encoder().encode([(name, value, random.random() < 0.8) for name, value in fields], huffman=random.random() < 0.5)
    return encoded if random.random() < 0.9 else spoil(random, encoded)


def spoil(random: Random, data: bytes) -> bytes:
    """Change, take away or add a few bytes."""
    spoiled = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(spoiled) + 1)
        spoiled[at : at + random.randrange(3)] = random.randbytes(random.randrange(3))
    return bytes(spoiled)


def body(random: Random, kind: int) -> bytes:
    """Return what a frame of this kind may hold."""
    if kind == 1 or kind == 9:
        return block(random)
    if kind == 4:
        return b"".join(random.choice([1, 2, 3, 4, 5, 6, 77]).to_bytes(2, "big") + number(random) for _ in range(random.randrange(4)))
    if kind == 7:
        return number(random) + number(random) + random.randbytes(random.randrange(9))
    size = {0: random.choice([0, 1, 3, 300, 16_384]), 2: 5, 3: 4, 5: 8, 6: 8, 8: 4}.get(kind, random.randrange(20))
    return number(random) if size == 4 else random.choice([bytes, random.randbytes])(size)


def number(random: Random) -> bytes:
    return random.choice([0, 1, 3, 7, 8, 16_384, 65_535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1]).to_bytes(4, "big")


def frame(random: Random) -> bytes:
    kind = random.choice([0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, random.randrange(256)])
    flags = random.choice([0, 1, 4, 4, 5, 5, 8, 0x20, random.randrange(256)])
    stream = random.choice([0, 1, 1, 3, 3, 5, 7, 2]) if kind in (4, 6, 7, 8) and random.random() < 0.3 else random.choice([1, 1, 3, 5])
    stream = 0 if kind in (4, 6, 7) and random.random() < 0.9 else stream
    payload = body(random, kind)
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def make(random: Random) -> Case:
    data = b"\0\0\0\4\0\0\0\0\0" if random.random() < 0.95 else b""
    data += b"".join(frame(random) for _ in range(random.randrange(30)))
    if random.random() < 0.2:
        data = spoil(random, data)
    return data, pieces(random, data)


def converse(chunks: list[bytes], given_up: bool) -> tuple[Story, str]:
    """Return what each stream has seen, with its data joined, and the error that ended the connection."""
    http = Http2(stream_window=65_535, connection_window=65_535, max_control=20, max_interim=3)
    http.start()
    story: Story = {0: []}
    for at in range(STREAMS):
        stream, _ = http.request("HEAD" if at == 2 else "GET", "https", "example.com", "/", [], ended=at != 1)
        story[stream] = []
    if given_up:
        http.reset(1)
    try:
        for chunk in chunks:
            for stream, event in http.receive(chunk):
                add(story[stream], event)
            check_frames(http.pending())
    except ProtocolError as error:
        return story, str(error)
    return story, str(http.failure or "")


def add(events: list[object], event: object) -> None:
    if events and isinstance(event, Data) and isinstance(events[-1], Data):
        events[-1] = Data(events[-1].data + event.data)
    else:
        events.append(event)


def check_frames(data: bytes) -> None:
    assert len(data) < 2_000, "a flood of answers"
    while data:
        length = int.from_bytes(data[:3], "big")
        assert len(data) >= 9 + length, "half a frame"
        data = data[9 + length :]


def check(case: Case) -> None:
    data, chunks = case
    for given_up in (False, True):
        whole = converse([data] if data else [], given_up)
        assert converse(chunks, given_up) == whole
        if len(data) < 2_000:
            assert converse([data[at : at + 1] for at in range(len(data))], given_up) == whole
        for stream, events in whole[0].items():
            if stream:
                check_story(events)
        assert not (given_up and whole[0][1]), "an event of a stream that was given up"


def check_story(events: list[object]) -> None:
    kinds = [type(event) for event in events if type(event) in (Head, Data, End, Reset)]
    assert kinds == sorted(kinds, key=[Head, Data, End, Reset].index), f"out of order: {events}"
    assert kinds.count(Head) <= 1, f"two heads: {events}"
    assert kinds.count(End) + kinds.count(Reset) <= 1, f"two ends: {events}"
    assert Head in kinds or not {Data, End} & set(kinds), f"no head: {events}"


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, CORPUS, only)


CORPUS: list[Case] = [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", [b"HTTP/1.1 400", b" Bad Request\r\n\r\n"]),
    (b"\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x88", [b"\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0", b"\1\x88"]),
]

if __name__ == "__main__":
    command(main, __doc__)
