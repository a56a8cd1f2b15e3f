"""Any bytes, cut anywhere, give the same events as the same bytes whole, and as a decoder that follows the standard line by line.

Where the bytes are not UTF-8 or a block is too large, both cuts give the same events and then `ProtocolError`, never another exception.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.sse`

from _harness import command, pieces, run

from oxide._protocol.base import ProtocolError
from oxide._protocol.sse import ServerSentEvent, SSEDecoder

WORDS = [b"data", b"event", b"id", b"retry", b":", b": ", b" ", b"\n", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\0"]
WORDS += [
    b"12",
    b"x",
    "é".encode(),
    "😀".encode(),
    b"\xff",
    b"\xe2\x82",
    b"data: y\n\n",
    b"event: e\ndata: z\n\n",
    b"[DONE]",
    b'{"a":1}',
    b"\x85",
    b"\x0b",
]
Case = tuple[bytes, list[bytes], int]


def make(random: Random) -> Case:
    words = random.sample(WORDS, random.randrange(1, len(WORDS) + 1))
    data = b"".join(random.choice(words) for _ in range(random.randrange(60)))
    return data, pieces(random, data), random.choice([4, 12, 40, 1 << 26])


def decode(chunks: list[bytes], limit: int, errors: str = "strict") -> tuple[list[ServerSentEvent], str, str, int | None]:
    decoder = SSEDecoder(limit, errors)
    events: list[ServerSentEvent] = []
    try:
        for chunk in [*chunks, b""]:
            events += decoder.receive(chunk)
    except ProtocolError as error:
        return events, str(error), "", None
    return events, "", decoder.last_event_id, decoder.retry


def standard(text: str) -> list[tuple[str, str, str]]:
    """What WHATWG HTML, 9.2.6 says, word by word."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events: list[tuple[str, str, str]] = []
    kind = data = last = ""
    for line in text.split("\n")[:-1]:
        if not line:
            if data:
                events.append((kind or "message", data[:-1], last))
            kind = data = ""
        elif not line.startswith(":"):
            name, colon, value = line.partition(":")
            value = value[1:] if colon and value.startswith(" ") else value
            if name == "event":
                kind = value
            elif name == "data":
                data += value + "\n"
            elif name == "id" and "\0" not in value:
                last = value
    return events


def check(case: Case) -> None:
    data, chunks, limit = case
    whole = decode([data] if data else [], limit)
    assert decode(chunks, limit) == whole
    assert decode([data[i : i + 1] for i in range(len(data))], limit) == whole
    events = decode(chunks, 1 << 26, "replace")[0]
    assert [(event.event, event.data, event.id) for event in events] == standard(data.decode("utf-8", "replace"))


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, CORPUS, only)


CORPUS: list[Case] = [
    (b"data: a\n\n\ndata: b\n\n", [b"data: a\n\n\n", b"data: b\n\n"], 8),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"data: a\r", b"\n\r", b"\ndata: b\r\n\r", b"\n"], 8),
    (b"event: a\n: c\ndata: b\n\n", [b"event: a\n: c\ndata: b\n", b"\n"], 40),
    (b"data: good\n\ndata: \xff\n\n", [b"data: good\n\ndata: \xff\n\n"], 40),
    (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", [b"\xef", b"\xbb\xbf", b"\xef\xbb\xbfdata: a\n\n"], 40),
]

if __name__ == "__main__":
    command(main, __doc__)
