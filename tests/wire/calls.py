"""The table of calls, and how a test calls a method by its name, with arguments from the table, in any client."""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.wire.arguments import Arguments
from tests.wire.recorder import Recorded
from tools.sync.facts import Facts

FILE = Path(__file__).with_name("expectations.json")


@cache
def table() -> dict[str, Any]:
    """Return the committed table: the version of the official library, and rows of method, set, positional, arguments and request."""
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


@cache
def maker() -> Arguments:
    """Return who makes arguments of the committed facts."""
    return Arguments(Facts.read())


@cache
def simplest() -> dict[str, list[Any]]:
    """Return a row with the required arguments of each method; those that the official library does not have yet are in no table."""
    rows = {row[0]: row for row in table()["calls"] if row[1] == "required"}
    return rows | {path: maker().row(path) for path in maker().calls if path not in rows}


def freeze(value: Any) -> Any:
    """Return arguments as JSON: bytes and tuples become marked objects."""
    if isinstance(value, bytes):
        return {"$bytes": value.decode("latin-1")}
    if isinstance(value, tuple):
        return {"$tuple": [freeze(inner) for inner in value]}
    if isinstance(value, list):
        return [freeze(inner) for inner in value]
    return {key: freeze(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def thaw(value: Any) -> Any:
    """Return arguments as they were before `freeze`."""
    if isinstance(value, list):
        return [thaw(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if "$bytes" in value:
        return value["$bytes"].encode("latin-1")
    if "$tuple" in value:
        return tuple(thaw(inner) for inner in value["$tuple"])
    return {key: thaw(inner) for key, inner in value.items()}


def method_of(client: Any, path: str) -> Any:
    """Return `client.a.b.c` for "a.b.c"."""
    for name in path.split("."):
        client = getattr(client, name)
    return client


def call(client: Any, row: list[Any]) -> None:
    """Make a call of the table with a blocking client, and let go of what comes back; in the set "next" the next page is asked for too."""
    path, title, positional, arguments, _ = row
    given = thaw(arguments)
    result = method_of(client, path)(*[given.pop(name) for name in positional], **given)
    if title == "next" and getattr(result, "has_next_page", bool)():
        result.get_next_page()
    if hasattr(result, "close"):
        result.close()


async def call_waiting(client: Any, row: list[Any]) -> None:
    """Do the same with an asyncio client."""
    path, title, positional, arguments, _ = row
    given = thaw(arguments)
    result = method_of(client, path)(*[given.pop(name) for name in positional], **given)
    if inspect.isawaitable(result):
        result = await result
    if title == "next" and getattr(result, "has_next_page", bool)():
        await result.get_next_page()
    close = getattr(result, "aclose", None) or getattr(result, "close", None)
    if close is not None:
        closed = close()
        if inspect.isawaitable(closed):
            await closed


def request_of(title: str, requests: list[Recorded]) -> dict[str, Any] | None:
    """Return what a row tells: the one request; in the set "next" the one for the next page, None where there is no next page."""
    if title == "next" and len(requests) == 1:
        return None
    if len(requests) != (2 if title == "next" else 1):
        raise AssertionError(f"{len(requests)} requests")
    return requests[-1].facts()
