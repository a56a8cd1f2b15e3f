"""What every method sends, in both clients, is what the official library sends: `expectations.json` tells it, one call a line."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from oxide import AsyncClient, Client
from tests.wire.calls import call, call_waiting, request_of, table
from tests.wire.recorder import Recorder

CALLS: list[Any] = table()["calls"]
NAMESPACES = sorted({row[0].partition(".")[0] for row in CALLS})
OPTIONS = {"api_key": "key", "admin_api_key": "admin", "max_retries": 0}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


# --------------------------------------------------------------------------------------------- differences that are meant
def without_idempotency_key(title: str, wanted: dict[str, Any], sent: dict[str, Any]) -> None:
    """Each POST has a key of its own, so that a retry is not done twice; the official library makes one up, and does not send it."""
    if wanted["request"].startswith("POST") and "idempotency-key" not in wanted["headers"]:
        assert sent["headers"].pop("idempotency-key").startswith("oxide-")


def without_type_of_nothing(title: str, wanted: dict[str, Any], sent: dict[str, Any]) -> None:
    """A request without a body has no Content-Type: it describes content (RFC 9110, 8.3). The official library sends one."""
    if not {"json", "parts", "text"} & wanted.keys() and "content-type" not in sent["headers"]:
        wanted["headers"].pop("content-type", None)


def accepting_events(title: str, wanted: dict[str, Any], sent: dict[str, Any]) -> None:
    """A stream is asked for by its media type; the official library asks for JSON, and gets events all the same."""
    if sent["headers"].get("accept") == "text/event-stream" and title == "stream":
        wanted["headers"]["accept"] = "text/event-stream"


PAGED_HERE = ("GET /organization/usage/", "GET /organization/costs")
"""Reports whose pages follow each other by `next_page`: we ask for the next one; the official library leaves that to its users."""

MEANT = [without_idempotency_key, without_type_of_nothing, accepting_events]


def difference(title: str, wanted: dict[str, Any] | None, sent: dict[str, Any] | None, meant: bool) -> str:
    """Return how what was sent differs from what is wanted, but for what is `meant` to differ; "" where it does not."""
    if wanted is None or sent is None:
        paged = meant and sent is not None and sent["request"].startswith(PAGED_HERE)
        return "" if wanted is sent or paged else f"  wanted {wanted}\n  sent   {sent}"
    wanted, sent = copy.deepcopy((wanted, sent))
    for forgive in MEANT if meant else []:
        forgive(title, wanted, sent)
    found = []
    for name in sorted(wanted.keys() | sent.keys()):
        one, other = (json.dumps(facts.get(name), sort_keys=True, ensure_ascii=False) for facts in (wanted, sent))  # 1 is not 1.0, nor true
        if one != other:
            found.append(f"  {name}\n    wanted {one}\n    sent   {other}")
    return "\n".join(found)


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


def test_the_table_tells_what_the_official_library_sends(recorder: Recorder, openai: Any) -> None:
    faults = blocking_faults(recorder, CALLS, openai.OpenAI, meant=False)
    assert not faults, "\n".join(faults)


def test_the_table_tells_what_the_official_asyncio_client_sends(recorder: Recorder, openai: Any) -> None:
    faults = asyncio.run(waiting_faults(recorder, CALLS, openai.AsyncOpenAI, meant=False))
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
