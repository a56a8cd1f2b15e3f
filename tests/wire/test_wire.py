"""What every method sends, in both clients, is what the official library sends: `expectations.json` tells it, one call a line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from oxide import AsyncClient, Client
from tests.wire.calls import call, call_waiting, request_of, table
from tests.wire.differences import difference
from tests.wire.recorder import Recorder

CALLS: list[Any] = table()["calls"]
NAMESPACES = sorted({row[0].partition(".")[0] for row in CALLS})
OPTIONS = {"api_key": "key", "admin_api_key": "admin", "max_retries": 0}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def compared(recorder: Recorder, row: list[Any], failure: Exception | None, meant: bool) -> str:
    """Return what is wrong with one call, "" where nothing is."""
    path, title, _, _, wanted = row
    found = []
    try:
        found.append(difference(title, wanted, request_of(title, recorder.take()), meant))
    except AssertionError as error:
        found.append(f"  {error}")
    if failure is not None:
        found.append(f"  {failure!r}")
    return f"{path} ({title}):\n" + "\n".join(found) if any(found) else ""


# ------------------------------------------------------------------------------------------------------------------ tests
def blocking_faults(recorder: Recorder, rows: list[Any], make: Any, meant: bool = True) -> list[str]:
    found = []
    with make(base_url=recorder.url, **OPTIONS) as client:
        for row in rows:
            failure = None
            try:
                call(client, row)
            except Exception as error:  # told with the request that was, or was not, sent
                failure = error
            found.append(compared(recorder, row, failure, meant))
    return [text for text in found if text]


async def waiting_faults(recorder: Recorder, rows: list[Any], make: Any, meant: bool = True) -> list[str]:
    found = []
    async with make(base_url=recorder.url, **OPTIONS) as client:
        for row in rows:
            failure = None
            try:
                await call_waiting(client, row)
            except Exception as error:  # told with the request that was, or was not, sent
                failure = error
            found.append(compared(recorder, row, failure, meant))
    return [text for text in found if text]


def rows_of(namespace: str) -> list[Any]:
    return [row for row in CALLS if row[0].partition(".")[0] == namespace]


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_blocking_client_sends_what_the_official_library_sends(recorder: Recorder, namespace: str) -> None:
    faults = blocking_faults(recorder, rows_of(namespace), Client)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_asyncio_client_sends_what_the_official_library_sends(recorder: Recorder, namespace: str) -> None:
    faults = asyncio.run(waiting_faults(recorder, rows_of(namespace), AsyncClient))
    assert not faults, "\n".join(faults)


@pytest.fixture
def openai() -> Any:
    """The official library, of the version that the table was recorded from."""
    library: Any = pytest.importorskip("openai")
    if library.__version__ != table()["version"]:
        pytest.skip(f"the table was recorded from openai {table()['version']}; {library.__version__} is installed")
    return library


@pytest.mark.timeout(240)
def test_the_table_tells_what_the_official_library_sends(recorder: Recorder, openai: Any) -> None:
    faults = blocking_faults(recorder, CALLS, openai.OpenAI, meant=False)
    assert not faults, "\n".join(faults)


@pytest.mark.timeout(240)
def test_the_table_tells_what_the_official_asyncio_client_sends(recorder: Recorder, openai: Any) -> None:
    simple = [row for row in CALLS if row[1] in ("required", "stream", "next")]
    faults = asyncio.run(waiting_faults(recorder, simple, openai.AsyncOpenAI, meant=False))
    assert not faults, "\n".join(faults)


def test_a_difference_is_noticed(recorder: Recorder) -> None:
    row = next(row for row in CALLS if row[0] == "chat.completions.create")
    for change in (
        {"json": {"model": "text"}},
        {"query": "a=1"},
        {"request": "POST /chat"},
        {"headers": {"authorization": "Bearer admin"}},
    ):
        assert len(blocking_faults(recorder, [[*row[:4], {**row[4], **change}]], Client)) == 1
