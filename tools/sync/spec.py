"""Where a document comes from: a file, or an address that is fetched with limits on its size and on the time it takes."""

from __future__ import annotations

import json
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

PUBLISHED = "https://raw.githubusercontent.com/openai/openai-openapi/HEAD/openapi.json"
MOST_BYTES = 64 * 2**20
SECONDS = 60.0  # for the whole document
WAIT = 15.0  # seconds for the connection, and for each piece
PIECE = 2**16


class SpecError(Exception):
    """A document is not to be had; the message says why and what to do."""


def read(source: str) -> bytes:
    """Return the bytes of a document.

    Args:
        source: a path, or an address that begins with http:// or https://.

    Raises:
        SpecError: it is not there, too large, or too slow.
    """
    if source.startswith(("http://", "https://")):
        return fetch(source)
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise SpecError(f"cannot read {source}: {error.strerror or error}") from error


def fetch(address: str, most: int = MOST_BYTES, seconds: float = SECONDS) -> bytes:
    """Return what an address answers, at most `most` bytes within `seconds`.

    Raises:
        SpecError: it did not answer, or with too much, or not in time.
    """
    end = time.monotonic() + seconds
    pieces: list[bytes] = []
    size = 0
    try:
        with urlopen(Request(address, headers={"User-Agent": "oxide-sync"}), timeout=min(WAIT, seconds)) as answer:
            while piece := answer.read1(PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    raise SpecError(f"{address} has more than {most:,} bytes")
                if time.monotonic() > end:
                    raise SpecError(f"{address} took more than {seconds:g} seconds")
    except (URLError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise SpecError(f"cannot fetch {address}: {reason}; without a network, give a file: make sync SPEC=openapi.json") from error
    return b"".join(pieces)


def parse(raw: bytes, source: str) -> Any:
    """Return the JSON in a document.

    Raises:
        SpecError: it is no JSON; the message says where it ends to be.
    """
    try:
        return json.loads(raw)
    except ValueError as error:
        hint = "; the document is read as JSON, not as YAML" if source.endswith((".yml", ".yaml")) else ""
        raise SpecError(f"{source} is no JSON: {error}{hint}") from error
