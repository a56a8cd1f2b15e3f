"""The fields of an HTTP/2 request: what may stand in them, and their compressed form (HPACK, RFC 7541).

Nearly all fields of a client are the same from request to request.  So the table is filled once and nothing is ever evicted: a field that
is in it is one or two bytes, one that no longer fits is sent as it is.  Huffman codes are not used: making them costs more than is saved.
"""

from __future__ import annotations

import re

from hpack import Encoder, HeaderTuple, NeverIndexedHeaderTuple
from hpack.table import HeaderTable

from .._typing import TYPE_CHECKING
from .headers import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["FieldEncoder", "FieldWriter"]

TABLE = 4_096  # octets, as RFC 7541, 4.1 counts them; a peer may offer more, which would cost us
STATIC = 61  # entries of the table that everybody has (RFC 7541, appendix A)
KNOWN = 256  # fields whose check is remembered
UNSTEADY = frozenset((b"content-length", b"idempotency-key"))  # not worth a place

_HOP_BY_HOP = frozenset(("connection", "host", "http2-settings", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"))
_is_method = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_is_name = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+").fullmatch
_is_value = re.compile(r"[\t -~\x80-\xff]*").fullmatch
_is_word = re.compile(r"[!-~]+").fullmatch
_static = HeaderTable.STATIC_TABLE_MAPPING  # name -> (its first index, value -> index)


class FieldWriter:
    """Turns the parts of requests into checked lists of fields, and remembers the fields that come again and again."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[bytes, bytes] | None] = {}

    def write(self, method: str, scheme: str, authority: str, target: str, headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
        """Return the field list of a request, without what belongs to HTTP/1.1 connections.

        Raises:
            ValueError: a part holds characters that are not allowed.
        """
        if not _is_method(method) or not (_is_word(scheme) and _is_word(authority) and _is_word(target)):
            raise ValueError("a character that is not allowed in a method, scheme, authority or target")
        fields = [
            (b":method", method.encode()),
            (b":scheme", scheme.encode()),
            (b":authority", authority.encode()),
            (b":path", target.encode()),
        ]
        known = self._known
        if len(known) > KNOWN:
            known.clear()
        for field in headers:
            if field not in known:
                known[field] = _write_field(*field)
            written = known[field]
            if written:
                fields.append(written)
        return fields


def _write_field(given: str, text: str) -> tuple[bytes, bytes] | None:
    """Return a field; None where it is left out.  Secrets are marked: they never enter the table (RFC 7541, 7.1)."""
    name, value = given.lower(), text.strip(" \t")
    if not _is_name(name):
        raise ValueError(f"a bad name of a header field: {given[:60]!r}")
    if not _is_value(value):
        raise ValueError(f"a character that is not allowed in the value of {name}")  # the value may be a secret
    if name in _HOP_BY_HOP or (name == "te" and value != "trailers"):
        return None
    return (NeverIndexedHeaderTuple if name in SECRET else HeaderTuple)(name.encode(), value.encode("latin-1"))


class FieldEncoder(Encoder):
    """Takes the place of hpack's encoder in h2."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[tuple[bytes, bytes], int] = {}  # the fields of the table, in the order they came: 1, 2, 3 ...
        self._size = self._room = TABLE
        self._shrunk = False  # the peer is to be told that the table is empty now

    @property
    def header_table_size(self) -> int:
        """How large the table may become."""
        return self._size

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        if value < self._size:  # nobody does that but a peer that wants no table
            self._places.clear()
            self._size = self._room = 0
            self._shrunk = True

    def encode(self, headers: Iterable[Any], huffman: bool = True) -> bytes:  # Any: hpack allows more than the pairs h2 gives
        """Return the field block."""
        block: list[bytes] = []
        if self._shrunk:
            block.append(b"\x20")  # RFC 7541, 6.3
            self._shrunk = False
        places = self._places
        for field in headers:
            place = places.get(field)
            block.append(self._encode_new(field) if place is None else _integer(STATIC + 1 + len(places) - place, 7, 0x80))
        return b"".join(block)

    def _encode_new(self, field: tuple[bytes, bytes]) -> bytes:
        """Return the code of a field that is not in our table, and put it there where it may and can be (RFC 7541, 6.2)."""
        name, value = field
        index, values = _static.get(name, (0, {}))
        if value in values:
            return _integer(values[value], 7, 0x80)
        size = len(name) + len(value) + 32
        if isinstance(field, NeverIndexedHeaderTuple):
            code = _integer(index, 4, 0x10)
        elif size > self._room or name in UNSTEADY:
            code = _integer(index, 4, 0x00)
        else:
            code = _integer(index, 6, 0x40)
            self._room -= size
            self._places[field] = len(self._places) + 1
        return code + _string(value) if index else code + _string(name) + _string(value)


def _integer(value: int, bits: int, flag: int) -> bytes:
    """Return a number in the low bits of a byte that carries a flag, and in as many bytes more as it takes (RFC 7541, 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((flag | value,))
    code = bytearray((flag | most,))
    value -= most
    while value > 127:
        code.append(value & 127 | 128)
        value >>= 7
    code.append(value)
    return bytes(code)


def _string(data: bytes) -> bytes:
    return _integer(len(data), 7, 0) + data
