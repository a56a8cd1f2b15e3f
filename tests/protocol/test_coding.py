"""The decoders of content codings, against a table of bodies: each is fed whole, byte by byte, and cut at every point."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib

import pytest

from oxide._protocol.base import ProtocolError
from oxide._protocol.coding import Decoder, decoder_for

TEXT = b"The quick brown fox jumps over the lazy dog. " * 3
GZIP = gzip.compress(TEXT)
ZLIB = zlib.compress(TEXT)
RAW = ZLIB[2:-4]
NAMED = GZIP[:3] + b"\x08" + GZIP[4:10] + b"name\0" + GZIP[10:]  # RFC 1952, 2.3: a file name after the fixed part

TABLE: list[tuple[str, str, bytes, bytes]] = [
    ("gzip", "gzip", GZIP, TEXT),
    ("x-gzip in capitals", "X-GZIP", GZIP, TEXT),
    ("gzip of nothing", "gzip", gzip.compress(b""), b""),
    ("nothing at all", "gzip", b"", b""),
    ("gzip with a file name", "gzip", NAMED, TEXT),
    ("gzip of several members", "gzip", GZIP + gzip.compress(b"") + gzip.compress(b"more") + GZIP, TEXT + b"more" + TEXT),
    ("gzip among words without meaning", " identity, gzip ,", GZIP, TEXT),
    ("deflate", "deflate", ZLIB, TEXT),
    ("deflate of nothing", "deflate", zlib.compress(b""), b""),
    ("deflate without its wrapping", "deflate", RAW, TEXT),
    ("deflate of nothing, without its wrapping", "deflate", zlib.compress(b"")[2:-4], b""),
    ("no byte of deflate", "deflate", b"", b""),
]

REFUSED: list[tuple[str, str, bytes, str]] = [
    ("gzip cut short", "gzip", GZIP[:-1], "cut short"),
    ("gzip cut short in its header", "gzip", GZIP[:1], "cut short"),
    ("gzip cut short before its checksum", "gzip", GZIP[:-8], "cut short"),
    ("a second member cut short", "gzip", GZIP + GZIP[:-1], "cut short"),
    ("a second member of one byte", "gzip", GZIP + GZIP[:1], "cut short"),
    ("deflate cut short", "deflate", ZLIB[:-1], "cut short"),
    ("one byte of deflate", "deflate", ZLIB[:1], "cut short"),
    ("raw deflate cut short", "deflate", RAW[:-1], "cut short"),
    ("garbage", "gzip", b"<!doctype html>", "damaged"),
    ("garbage behind gzip", "gzip", GZIP + b"garbage", "damaged"),
    ("zeros behind gzip", "gzip", GZIP + bytes(512), "damaged"),
    ("a wrong checksum", "gzip", GZIP[:-8] + bytes(4) + GZIP[-4:], "damaged"),
    ("a wrong length", "gzip", GZIP[:-4] + bytes(4), "damaged"),
    ("a wrong checksum of deflate", "deflate", ZLIB[:-4] + bytes(4), "damaged"),
    ("a dictionary nobody has", "deflate", b"\x78\xbb\x00\x00\x00\x01" + RAW, "damaged"),
    ("zlib where gzip is told", "gzip", ZLIB, "damaged"),
    ("gzip where deflate is told", "deflate", GZIP, "damaged"),
    ("garbage behind deflate", "deflate", ZLIB + b"x", "goes on"),
    ("deflate twice", "deflate", ZLIB + ZLIB, "goes on"),
    ("garbage behind raw deflate", "deflate", RAW + b"x", "goes on"),
]


def started(value: str = "gzip") -> Decoder:
    decoder = decoder_for(value)
    assert decoder is not None
    return decoder


def decode(value: str, pieces: list[bytes], limit: int) -> bytes:
    decoder = started(value)
    taken: list[bytes] = []
    for piece in pieces:
        decoder.receive(piece)
        while part := decoder.take(limit):
            assert len(part) <= limit
            taken.append(part)
    decoder.finish()
    return b"".join(taken)


def cuts(data: bytes) -> list[list[bytes]]:
    """Whole, byte by byte, and in two at every point."""
    return [[data], [data[i : i + 1] for i in range(len(data))], *([data[:i], data[i:]] for i in range(1, len(data)))]


@pytest.mark.parametrize("limit", [1, 7, 65536])
@pytest.mark.parametrize(("value", "data", "text"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(value: str, data: bytes, text: bytes, limit: int) -> None:
    for pieces in cuts(data):
        assert decode(value, pieces, limit) == text


@pytest.mark.parametrize("limit", [1, 65536])
@pytest.mark.parametrize(("value", "data", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_cut_short_or_damaged_is_refused(value: str, data: bytes, why: str, limit: int) -> None:
    for pieces in cuts(data):
        with pytest.raises(ProtocolError, match=why):
            decode(value, pieces, limit)


@pytest.mark.parametrize("value", [None, "", "identity", "Identity , identity", ","])
def test_a_body_without_a_coding_needs_no_decoder(value: str | None) -> None:
    assert decoder_for(value) is None


@pytest.mark.parametrize("value", ["br", "zstd", "compress", "gzip, gzip", "gzip, deflate", "gzip;q=1", "gz ip"])
def test_a_coding_that_was_not_asked_for_is_refused(value: str) -> None:
    with pytest.raises(ProtocolError, match="not asked for"):
        decoder_for(value)


def test_a_bomb_costs_no_more_than_what_is_taken() -> None:
    bomb = gzip.compress(bytes(100 << 20))
    decoder = started()
    tracemalloc.start()
    decoder.receive(bomb)
    for _ in range(20):
        assert decoder.take(65536) == bytes(65536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400_000  # zlib's window and two pieces


def test_much_input_at_once_is_decoded_in_linear_time() -> None:
    data = zlib.compress(bytes(1 << 23), 0)  # stored: as large as it was
    decoder = started("deflate")
    before = time.process_time()
    decoder.receive(data)
    total = 0
    while part := decoder.take(256):
        total += len(part)
    decoder.finish()
    assert total == 1 << 23
    assert time.process_time() - before < 10  # copying the rest at each step would move 128 GB


def test_many_small_members_are_decoded_in_linear_time() -> None:
    data = gzip.compress(b"") * 20_000
    before = time.process_time()
    assert decode("gzip", [data], 65536) == b""
    assert time.process_time() - before < 10


def test_one_piece_at_a_time() -> None:
    decoder = started()
    decoder.receive(GZIP)
    assert decoder.take(5) == TEXT[:5]
    with pytest.raises(RuntimeError, match="handing in more"):
        decoder.receive(GZIP)
    with pytest.raises(RuntimeError):
        decoder.take()


def test_the_end_comes_after_everything_is_taken() -> None:
    for data in (GZIP, GZIP + GZIP):
        decoder = started()
        decoder.receive(data)
        with pytest.raises(RuntimeError, match="before the end"):
            decoder.finish()


def test_a_limit_of_nothing_is_no_limit_and_therefore_refused() -> None:
    decoder = started()
    decoder.receive(GZIP)
    for limit in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            decoder.take(limit)
    assert decoder.take() == TEXT


def test_after_a_broken_rule_the_decoder_is_dead() -> None:
    decoder = started()
    decoder.receive(b"garbage")
    with pytest.raises(ProtocolError):
        decoder.take()
    for dead in (decoder.take, decoder.finish, lambda: decoder.receive(GZIP)):
        with pytest.raises(RuntimeError):
            dead()
