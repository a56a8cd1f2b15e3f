"""Path parameters, each one of every method: what would name another resource is refused before anything is sent, the rest is encoded."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from oxide import AsyncClient, Client
from tests.wire.calls import method_of, simplest, thaw
from tests.wire.recorder import Recorder

REFUSED = ["", ".", "..", "a\nb", "a\x00", "\x7f"]
SENT = {
    "a/b": "a%2Fb",
    "é": "%C3%A9",
    "../x": "..%2Fx",
    "%2e": "%252e",
    "a?b#c": "a%3Fb%23c",
    "...": "...",
    "a b+c": "a%20b+c",
    "ft:m:o": "ft:m:o",
}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def cases() -> list[tuple[list[Any], str]]:
    """Return a row of the table and the name of a path parameter, for each of them."""
    return [(row, name) for row in simplest().values() for name, value in row[3].items() if value == f"{name}_1"]


def ask(client: Any, row: list[Any], name: str, value: str) -> Any:
    """Call a method with another value of one path parameter."""
    given = {**thaw(row[3]), name: value}
    return method_of(client, row[0])(*[given.pop(n) for n in row[2]], **given)


def fault(row: list[Any], name: str, value: str, problem: Exception | None, recorder: Recorder) -> str:
    """Return what is wrong with one call, "" where nothing is."""
    title, requests = f"{row[0]} ({name}={value!r})", recorder.take()
    if value in REFUSED:
        refused = isinstance(problem, ValueError) and name in str(problem) and not requests
        return "" if refused else f"{title}: {problem!r}, {len(requests)} requests"
    wanted = row[4]["request"].replace(f"{name}_1", SENT[value])
    sent = [request.facts()["request"] for request in requests]
    return "" if sent == [wanted] else f"{title}: {sent} is not {wanted}; {problem!r}"


def test_every_path_parameter_is_encoded_or_refused(recorder: Recorder) -> None:
    found = []
    with Client(base_url=recorder.url, api_key="key", admin_api_key="admin", max_retries=0) as client:
        for row, name in cases():
            for value in (*REFUSED, *SENT):
                problem = None
                try:
                    result = ask(client, row, name, value)
                    if hasattr(result, "close"):
                        result.close()
                except Exception as error:  # judged below
                    problem = error
                found.append(fault(row, name, value, problem, recorder))
    assert [text for text in found if text] == []


def test_every_path_parameter_is_encoded_or_refused_in_asyncio(recorder: Recorder) -> None:
    async def main() -> list[str]:
        found = []
        async with AsyncClient(base_url=recorder.url, api_key="key", admin_api_key="admin", max_retries=0) as client:
            for row, name in cases():
                for value in (*REFUSED, *SENT):
                    problem = None
                    try:
                        result = ask(client, row, name, value)
                        if inspect.isawaitable(result):
                            result = await result
                        if hasattr(result, "close"):
                            await result.close()
                    except Exception as error:  # judged below
                        problem = error
                    found.append(fault(row, name, value, problem, recorder))
        return [text for text in found if text]

    assert asyncio.run(main()) == []
