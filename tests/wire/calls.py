"""The table of calls, and how a test calls a method by its name, with arguments from the table, in any client."""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.wire.arguments import Arguments
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


def call(client: Any, path: str, positional: list[str], arguments: dict[str, Any]) -> None:
    """Call a method of a blocking client, and let go of what comes back."""
    result = method_of(client, path)(*[arguments.pop(name) for name in positional], **arguments)
    if hasattr(result, "close"):
        result.close()


async def call_waiting(client: Any, path: str, positional: list[str], arguments: dict[str, Any]) -> None:
    """Call a method of an asyncio client, and let go of what comes back."""
    result = method_of(client, path)(*[arguments.pop(name) for name in positional], **arguments)
    if inspect.isawaitable(result):
        result = await result
    close = getattr(result, "aclose", None) or getattr(result, "close", None)
    if close is not None:
        closed = close()
        if inspect.isawaitable(closed):
            await closed
