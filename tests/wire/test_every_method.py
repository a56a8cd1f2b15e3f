"""Every method, in both clients, plain, raw and streamed, gives what it is annotated with."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from oxide import AsyncClient, AsyncStream, Client, Stream
from oxide._models._shape import read_kinds
from oxide._page import LoadedAsyncPage, Page
from oxide.testing import Fault, Server
from tests.models._instances import Maker
from tests.wire.calls import maker, method_of, simplest, thaw
from tools.sync.expressions import members

ROWS = simplest()
NAMESPACES = sorted({path.partition(".")[0] for path in ROWS})
STREAMING = sorted(path for path, (_, operation) in maker().calls.items() if "stream" in maker().types(path, []) and "stream" in operation)
TROUBLE = ("error", "failed", "response.incomplete")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(base_url=server.url, api_key="key", admin_api_key="admin", max_retries=0) as made:
        yield made


def methods_of(namespace: str) -> list[str]:
    return [path for path in ROWS if path.partition(".")[0] == namespace]


# ----------------------------------------------------------------------------------------------------------------- answers
def facts_of(path: str) -> dict[str, Any]:
    """Return the facts about the operation behind a method."""
    operation: dict[str, Any] = maker().calls[path][1]
    return operation


def answer_of(path: str, streamed: bool = False) -> Fault:
    """Return what the server shall answer to a method: an object of the right type, made of the facts."""
    operation = facts_of(path)
    if streamed or operation.get("stream", {}).get("when") == "always":
        return Fault(status=200, body=events(operation), headers={"content-type": "text/event-stream"})
    if "page" in operation:
        items = [Maker(number, 3).value(operation["page"]["item"]) for number in range(2)]
        return Fault(status=200, body={"object": "list", "data": items, "has_more": False})
    if "returns" not in operation:
        return Fault(status=200, body={"deleted": True})
    if operation["returns"] == "bytes":
        return Fault(status=200, body=b"\0\1", headers={"content-type": "application/octet-stream"})
    value = Maker(1, 3).value(operation["returns"])
    if isinstance(value, (dict, list)):
        return Fault(status=200, body=value)
    return Fault(status=200, body=str(value).encode(), headers={"content-type": "text/plain"})


def spoil(server: Server, *answers: Fault) -> None:
    """Have the server give these answers next, and no others that were left."""
    server.clear()
    server.fail_next(*answers)


def events(operation: dict[str, Any]) -> bytes:
    made = [Maker(seed, 3).value(operation["stream"]["event"]) for seed in range(40)]
    calm = [event for event in made if not str(event.get("type", "")).endswith(TROUBLE) and "error" not in event][:2]
    return b"".join([b"data: %b\n\n" % json.dumps(event).encode() for event in calm]) + b"data: [DONE]\n\n"


def fault(path: str, method: Any, value: Any) -> str:
    """Return what is wrong with the type of a result, "" where nothing is."""
    text = str(inspect.signature(method).return_annotation)
    if page := re.fullmatch(r"(?:Async)?Page\[(.*)\]", text):
        if not isinstance(value, (Page, LoadedAsyncPage)):
            return f"{path}: {type(value).__name__}, not {text}"
        return "".join([fault_of(path, page[1], item) for item in value.data])
    plain, stream, _ = re.split(r"((?:Async)?Stream\[.*|$)", text, maxsplit=1)
    if isinstance(value, (Stream, AsyncStream)):
        return "" if stream else f"{path}: a stream, not {text}"
    return fault_of(path, plain.removesuffix(" | "), value)


def fault_of(path: str, text: str, value: Any) -> str:
    if text in ("BinaryResponse", "AsyncBinaryResponse"):
        return "" if type(value).__name__ == text else f"{path}: {type(value).__name__}, not {text}"
    kinds = read_kinds(text, "oxide._models") if text else None
    allowed = set(kinds.classes) if kinds else set()
    allowed |= {kind for kind in (str, int, float, bool, list, dict) if re.search(rf"\b{kind.__name__}\b", text)}
    allowed |= {type(None)} if "None" in members(text) else set()
    return "" if isinstance(value, tuple(allowed)) else f"{path}: {type(value).__name__}, not {text}"


def test_methods_beyond_the_table_are_called_as_the_facts_tell() -> None:
    for path, row in ROWS.items():
        made = maker().row(path)
        assert made[4]["request"] == row[4]["request"]
        assert made[3].items() <= thaw(row[3]).items()


# ------------------------------------------------------------------------------------------------------------------- plain
def arguments(path: str) -> tuple[list[Any], dict[str, Any]]:
    given = thaw(ROWS[path][3])
    return [given.pop(name) for name in ROWS[path][2]], given


def faults_of(namespace: str, one: Any) -> list[str]:
    """Run a check for every method of a namespace; what it raises is a fault as well."""
    found = []
    for path in methods_of(namespace):
        try:
            found.append(one(path))
        except Exception as error:  # told, and the next one is tried
            found.append(f"{path}: {error!r}")
    return [text for text in found if text]


async def waiting_faults_of(namespace: str, server: Server, one: Any) -> list[str]:
    found = []
    async with AsyncClient(base_url=server.url, api_key="key", admin_api_key="admin", max_retries=0) as client:
        for path in methods_of(namespace):
            try:
                found.append(await one(client, path))
            except Exception as error:  # told, and the next one is tried
                found.append(f"{path}: {error!r}")
    return [text for text in found if text]


async def awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def test_another_type_than_the_annotated_one_is_noticed(server: Server, client: Client) -> None:
    spoil(server, answer_of("files.retrieve"), answer_of("files.list"))
    one, page = client.files.retrieve("file_1"), client.files.list()
    assert [fault("files.retrieve", client.files.retrieve, one), fault("files.list", client.files.list, page)] == ["", ""]
    for path, value in (
        ("files.list", one),
        ("files.retrieve", page),
        ("files.retrieve", None),
        ("models.retrieve", one),
        ("files.content", one),
    ):
        assert fault(path, method_of(client, path), value)
    assert fault("responses.delete", client.responses.delete, one)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_call_gives_the_annotated_type(namespace: str, server: Server, client: Client) -> None:
    def one(path: str) -> str:
        spoil(server, answer_of(path))
        positional, named = arguments(path)
        method = method_of(client, path)
        result = method(*positional, **named)
        found = fault(path, method, result)
        if isinstance(result, Stream):
            list(result)
        return found

    assert not (found := faults_of(namespace, one)), "\n".join(found)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_an_awaited_call_gives_the_annotated_type(namespace: str, server: Server) -> None:
    async def one(client: AsyncClient, path: str) -> str:
        spoil(server, answer_of(path))
        positional, named = arguments(path)
        method = method_of(client, path)
        result = await awaited(method(*positional, **named))
        found = fault(path, method, result)
        if isinstance(result, AsyncStream):
            [event async for event in result]
        return found

    assert not (found := asyncio.run(waiting_faults_of(namespace, server, one))), "\n".join(found)


# --------------------------------------------------------------------------------------------------------------- streaming
def test_a_stream_gives_events_of_the_annotated_type(server: Server, client: Client) -> None:
    for path in STREAMING:
        spoil(server, answer_of(path, streamed=True))
        positional, named = arguments(path)
        with method_of(client, path)(*positional, **{**named, "stream": True}) as stream:
            assert isinstance(stream, Stream)
            assert [fault_of(path, event_of(method_of(client, path)), event) for event in stream] == ["", ""]


def test_an_asyncio_stream_gives_events_of_the_annotated_type(server: Server) -> None:
    async def main() -> None:
        async with AsyncClient(base_url=server.url, api_key="key", max_retries=0) as client:
            for path in STREAMING:
                spoil(server, answer_of(path, streamed=True))
                positional, named = arguments(path)
                async with await method_of(client, path)(*positional, **{**named, "stream": True}) as stream:
                    assert isinstance(stream, AsyncStream)
                    assert [fault_of(path, event_of(method_of(client, path)), event) async for event in stream] == ["", ""]

    asyncio.run(main())


def event_of(method: Any) -> str:
    """Return the annotated type of the events of a method."""
    return str(inspect.signature(method).return_annotation).partition("Stream[")[2].removesuffix("]")


# --------------------------------------------------------------------------------------------------------- raw and streamed
def wrapped(client: Any, path: str, kind: str) -> Any:
    """Return a method as it hangs under `with_raw_response` or `with_streaming_response` of its resource."""
    owner, _, name = path.rpartition(".")
    return getattr(getattr(method_of(client, owner), kind), name)


def raw_fault(path: str, method: Any, answer: Any, value: Any) -> str:
    if answer.status_code != 200 or not answer.request_id or "content-type" not in answer.headers:
        return f"{path}: {answer!r} has no head"
    return fault(path, method, value)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_raw_call_gives_the_answer_and_what_it_means(namespace: str, server: Server, client: Client) -> None:
    def one(path: str) -> str:
        spoil(server, answer_of(path))
        positional, named = arguments(path)
        answer = wrapped(client, path, "with_raw_response")(*positional, **named)
        return raw_fault(path, method_of(client, path), answer, answer.parse())

    assert not (found := faults_of(namespace, one)), "\n".join(found)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_an_awaited_raw_call_gives_the_answer_and_what_it_means(namespace: str, server: Server) -> None:
    async def one(client: AsyncClient, path: str) -> str:
        spoil(server, answer_of(path))
        positional, named = arguments(path)
        answer = await wrapped(client, path, "with_raw_response")(*positional, **named)
        return raw_fault(path, method_of(client, path), answer, await awaited(answer.parse()))

    assert not (found := asyncio.run(waiting_faults_of(namespace, server, one))), "\n".join(found)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_streamed_call_gives_the_answer_and_its_bytes(namespace: str, server: Server, client: Client) -> None:
    def one(path: str) -> str:
        spoil(server, answer_of(path), answer_of(path))
        positional, named = arguments(path)
        method = wrapped(client, path, "with_streaming_response")
        with method(*positional, **named) as answer:
            found = raw_fault(path, method_of(client, path), answer, answer.parse())
        with method(*positional, **named) as answer:
            body = b"".join(answer.iter_bytes())
        return found or ("" if body == content_of(path) else f"{path}: other bytes")

    assert not (found := faults_of(namespace, one)), "\n".join(found)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_an_awaited_streamed_call_gives_the_answer_and_its_bytes(namespace: str, server: Server) -> None:
    async def one(client: AsyncClient, path: str) -> str:
        spoil(server, answer_of(path), answer_of(path))
        positional, named = arguments(path)
        method = wrapped(client, path, "with_streaming_response")
        async with method(*positional, **named) as answer:
            found = raw_fault(path, method_of(client, path), answer, await awaited(answer.parse()))
        async with method(*positional, **named) as answer:
            body = b"".join([chunk async for chunk in answer.iter_bytes()])
        return found or ("" if body == content_of(path) else f"{path}: other bytes")

    assert not (found := asyncio.run(waiting_faults_of(namespace, server, one))), "\n".join(found)


def content_of(path: str) -> bytes:
    """Return the bytes that the server answers."""
    body = answer_of(path).body
    return body if isinstance(body, bytes) else json.dumps(body).encode()
