"""Any bytes, cut anywhere and taken in any portions, give what zlib gives for the whole, or `ProtocolError`; never another exception.

No portion is larger than asked for.  A body that is refused is refused however it is cut, and one that is not ends where its coding ends.
"""

from __future__ import annotations

import gzip
import zlib
from random import Random

from _harness import command, pieces, run

from oxide._protocol.base import ProtocolError
from oxide._protocol.coding import decoder_for

TEXTS = [b"", b"a", b"the quick brown fox " * 9, bytes(5000), bytes(range(256)) * 3]
Case = tuple[str, bytes, list[bytes], int]


def make(random: Random) -> Case:
    coding = random.choice(["gzip", "deflate"])
    text = random.choice(TEXTS)
    level = random.choice([0, 1, 9])
    data = bytearray(gzip.compress(text, level, mtime=0) if coding == "gzip" else zlib.compress(text, level))
    if coding == "gzip":
        for _ in range(random.choice([0, 0, 1, 3])):
            data += gzip.compress(random.choice(TEXTS), mtime=0)
    elif random.random() < 0.5:
        data = data[2:-4]
    for _ in range(random.choice([0, 0, 1, 1, 2, 6])):
        start = random.randrange(len(data) + 1)
        end = min(start + random.choice([0, 1, 1, 4, 5000]), len(data))
        data[start:end] = random.choice([b"", bytes([random.randrange(256)]), bytes(8), random.randbytes(3)])
    whole = bytes(data)
    return coding, whole, pieces(random, whole), random.choice([1, 3, 100, 4096, 65536])


def decode(coding: str, chunks: list[bytes], limit: int) -> bytes | None:
    """Return the whole text; None where it was refused."""
    decoder = decoder_for(coding)
    assert decoder is not None
    text: list[bytes] = []
    try:
        for chunk in chunks:
            decoder.receive(chunk)
            while part := decoder.take(limit):
                assert len(part) <= limit
                text.append(part)
        decoder.finish()
    except ProtocolError:
        return None
    return b"".join(text)


def standard(coding: str, data: bytes) -> bytes | None:
    """What zlib gives for all of it at once, member by member; None where there is less or more."""
    raw = coding == "deflate" and len(data) > 1 and (data[0] & 15 != 8 or int.from_bytes(data[:2], "big") % 31)
    text = b""
    while data:
        engine = zlib.decompressobj(31 if coding == "gzip" else -15 if raw else 15)
        try:
            text += engine.decompress(data)
        except zlib.error:
            return None
        if not engine.eof or (engine.unused_data and coding != "gzip"):
            return None
        data = engine.unused_data
    return text


def check(case: Case) -> None:
    coding, data, chunks, limit = case
    expected = standard(coding, data)
    assert decode(coding, [data], limit) == expected
    assert decode(coding, chunks, limit) == expected
    if len(data) < 400:
        assert decode(coding, [data[i : i + 1] for i in range(len(data))], limit) == expected


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, CORPUS, only)


CORPUS: list[Case] = [
    ("gzip", b"", [], 1),
    ("gzip", gzip.compress(b"a", mtime=0) * 3, [gzip.compress(b"a", mtime=0)] * 3, 1),
    ("gzip", gzip.compress(b"a", mtime=0) + bytes(9), [gzip.compress(b"a", mtime=0), bytes(9)], 1),
    ("deflate", b"\x78", [b"\x78"], 1),
]

if __name__ == "__main__":
    command(main, __doc__)
