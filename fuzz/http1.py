"""Any bytes, cut anywhere, give whole events of one response, or `ProtocolError`; never another exception, never more than the limits.

However they are cut, the same bytes give the same head, body and end, or are refused; what is kept between two pieces stays bounded; after
the end no byte is taken for the next answer; and where h11 reads a whole response without complaint, it reads the same one.
"""

from __future__ import annotations

from random import Random

import h11
from _harness import command, pieces, run

from oxide._protocol.base import Data, End, Event, Head, ProtocolError
from oxide._protocol.http1 import CLOSED, FAILED, IDLE, Http1

OK = b"HTTP/1.1 200 OK\r\n"
SEEDS = [
    OK + b"Content-Length: 3\r\n\r\nabc",
    OK + b"Content-Type: a/b\r\nContent-Length: 3, 3\r\nConnection: close\r\n\r\nabc",
    OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na",
    b"HTTP/1.0 200\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
]
WORDS = [b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b";", b",", b"0", b"1", b"f", b"-", b"\xff", b"\x85", b"0\r\n\r\n"]
WORDS += [
    b"Content-Length: 2\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: keep-alive\r\n",
    b"HTTP/1.1 ",
    b"HTTP/1.0 ",
    b"a: b\r\n",
]
MAX_HEAD, MAX_FIELDS, MAX_INTERIM = 160, 4, 2
MOST_KEPT = 5000  # the longest head, or a chunk line with its longest extension
Case = tuple[bytes, list[bytes], str]


def make(random: Random) -> Case:
    data = bytearray(random.choice(SEEDS))
    for _ in range(random.choice([0, 1, 1, 2, 3, 8])):
        start = random.randrange(len(data) + 1)
        end = min(start + random.choice([0, 0, 1, 1, 2, 9]), len(data))
        choices = (random.choice(WORDS), bytes([random.randrange(256)]), bytes(data[end : end + 20]), b"")
        data[start:end] = random.choice(choices)
    if random.random() < 0.1:
        data += random.choice(SEEDS)
    whole = bytes(data)
    return whole, pieces(random, whole), random.choice(["GET", "GET", "POST", "HEAD"])


def play(chunks: list[bytes], method: str) -> tuple[list[Event], bytes] | None:
    """Return head and end, and the body; None where they were refused."""
    machine = Http1(max_head=MAX_HEAD, max_fields=MAX_FIELDS, max_interim=MAX_INTERIM)
    machine.request(method, "/", [("host", "a")])
    events: list[Event] = []
    try:
        for chunk in [*chunks, b""]:
            got = machine.receive(chunk)
            assert sum(isinstance(event, Data) for event in got) <= 1
            assert len(machine._kept) <= MOST_KEPT
            events += got
            if End() in events:
                break
    except ProtocolError:
        assert machine.state == FAILED
        return None
    body = b"".join(event.data for event in events if isinstance(event, Data))
    rest = [event for event in events if not isinstance(event, Data)]
    assert isinstance(events[0], Head)
    assert events[-1] == End()
    assert len(rest) == 2
    assert machine.state in (IDLE, CLOSED)
    check_nothing_follows(machine)
    return rest, body


def check_nothing_follows(machine: Http1) -> None:
    try:
        machine.receive(OK)
    except ProtocolError:
        return
    raise AssertionError("bytes after the end were taken")


def read_by_h11(data: bytes, method: str) -> tuple[int, bytes] | None:
    """Return status and body as h11 reads them; None where it complains."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("host", "a"), ("content-length", "0")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    status, body = 0, b""
    try:
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    return status, body


def check(case: Case) -> None:
    data, chunks, method = case
    whole = play([data] if data else [], method)
    assert play(chunks, method) == whole
    assert play([data[i : i + 1] for i in range(len(data))], method) == whole
    other = read_by_h11(data, method)
    if whole is not None and other is not None:
        head = whole[0][0]
        assert isinstance(head, Head)
        assert (head.status, whole[1]) == other


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, CORPUS, only)


CORPUS: list[Case] = [(seed, [seed[:20], seed[20:]], method) for seed in SEEDS for method in ("GET", "HEAD")]

if __name__ == "__main__":
    command(main, __doc__)
