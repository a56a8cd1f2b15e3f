"""`with_raw_response` and `with_streaming_response`: what they tell, what `parse` makes, and what becomes of the connection."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import inspect
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide.testing import Fault, Server
from oxide.types.responses import Response
from tests.faces._wires import Wire, busy, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faces._both import Face

FILE = Fault(status=200, body=b"\x00\x01" * 1000, headers={"content-type": "audio/mpeg"})
FACTORIES = (functools.cached_property, property)
ASK: dict[str, Any] = {"model": "echo", "input": "Hello"}


@pytest.fixture
def api(wire: Wire) -> Iterator[Server]:
    with wire.server() as server:
        yield server


# --------------------------------------------------------------------------------------------------------------- raw
def test_a_raw_answer_tells_all_and_parses_to_the_record(face: Face, wire: Wire, api: Server) -> None:
    client = wire.client(face, api)
    raw = client.responses.with_raw_response.create(**ASK)
    assert (raw.status_code, raw.method, raw.url[-13:]) == (200, "POST", "/v1/responses")
    assert raw.http_version == ("HTTP/2" if wire.http2 else "HTTP/1.1")
    assert raw.headers["content-type"] == "application/json"
    assert raw.request_id == raw.headers["x-request-id"] == raw.http.request_id
    assert (raw.retries_taken, raw.elapsed.total_seconds() > 0) == (0, True)
    assert (raw.json()["object"], raw.is_closed, raw.http_request) == ("response", True, raw.request)
    assert raw.content == raw.read() == b"".join(raw.itself.iter_bytes(10)) == raw.text.encode()
    assert "\n".join(raw.itself.iter_lines()) == raw.text
    response = raw.parse()
    assert isinstance(response, Response)
    assert response.output_text == "You said: Hello"
    assert response.http.request_id == raw.request_id
    assert raw.parse() is raw.parse()
    assert busy(client) == 0


def test_retries_are_counted(face: Face, server: Server) -> None:
    server.fail_next(Fault(status=500, headers={"retry-after-ms": "1"}), Fault(cut="reset", at="body"))
    assert face.client(server).responses.with_raw_response.create(**ASK).retries_taken == 2


def test_an_error_status_raises_here_too(face: Face, server: Server) -> None:
    server.fault = Fault(status=404, body={"error": {"message": "gone"}})
    client = face.client(server)
    with pytest.raises(oxide.NotFoundError, match="gone"):
        client.responses.with_raw_response.retrieve("resp_1")
    with pytest.raises(oxide.NotFoundError, match="gone"):
        client.responses.with_streaming_response.retrieve("resp_1").__enter__()
    assert busy(client) == 0


def test_a_body_that_is_not_what_was_promised_can_be_seen_and_not_parsed(face: Face, server: Server) -> None:
    server.fault = Fault(status=200, body=b"<html>")
    raw = face.client(server).responses.with_raw_response.create(**ASK)
    assert raw.text == "<html>"
    with pytest.raises(oxide.APIResponseValidationError, match="no JSON"):
        raw.parse()


def test_a_raw_stream_parses_to_the_stream(face: Face, wire: Wire, api: Server) -> None:
    client = wire.client(face, api)
    raw = client.responses.with_raw_response.create(**ASK, stream=True)
    assert raw.headers["content-type"].startswith("text/event-stream")
    with pytest.raises(RuntimeError, match=r"parse\(\) returns the stream"):
        raw.read()
    assert api.requests[0].headers["accept"] == "text/event-stream"
    assert [event.type for event in raw.parse()][-1] == "response.completed"
    assert eventually(face, lambda: not busy(client))


def test_a_raw_page_parses_to_the_page_which_walks_on(face: Face, server: Server) -> None:
    client = face.client(server)
    made = client.responses.create(**ASK)
    raw = client.responses.with_raw_response.input_items.list(made.id, limit=1)
    page = raw.parse()
    assert raw.json()["object"] == "list"
    assert [item.type for item in page] == ["message"]
    assert page.has_next_page() is False


def test_a_raw_answer_of_nothing_parses_to_none(face: Face, server: Server) -> None:
    client = face.client(server)
    assert client.responses.with_raw_response.delete(client.responses.create(**ASK).id).parse() is None


def test_a_raw_file_was_read_and_parses_to_the_file(face: Face, server: Server, tmp_path: Any) -> None:
    server.fault = FILE
    raw = face.client(server).audio.with_raw_response.speech.create(model="m", voice="v", input="x")
    assert raw.content == FILE.body
    assert raw.parse().content == FILE.body
    raw.parse().write_to_file(tmp_path / "x.mp3")
    assert (tmp_path / "x.mp3").read_bytes() == FILE.body


def test_a_raw_answer_travels_through_pickle_without_its_parser(server: Server) -> None:
    with oxide.Client(base_url=server.url, api_key="sk-secret") as client:
        raw = client.responses.with_raw_response.create(**ASK)
        for arrived in (pickle.loads(pickle.dumps(raw)), copy.copy(raw)):
            assert (arrived.content, arrived.status_code) == (raw.content, 200)
            with pytest.raises(RuntimeError, match="pickle"):
                arrived.parse()
        assert b"sk-secret" not in pickle.dumps(raw)
        assert client.request("GET", "/models").parse() == client.get("/models")


# ---------------------------------------------------------------------------------------------------------- streamed
def test_a_streamed_answer_is_open_in_its_block_and_released_after_it(face: Face, wire: Wire, api: Server) -> None:
    client = wire.client(face, api)
    with client.responses.with_streaming_response.create(**ASK) as answer:
        assert (answer.status_code, answer.is_closed, busy(client)) == (200, False, 1)
    assert (answer.is_closed, busy(client)) == (True, 0)
    with client.responses.with_streaming_response.create(**ASK) as answer:
        assert answer.parse().output_text == "You said: Hello"
        assert answer.parse() is answer.parse()
        assert answer.json()["object"] == "response"
        assert answer.text().encode() == answer.read() == b"".join(answer.iter_bytes())
        assert busy(client) == 0


def test_a_block_that_fails_releases_the_answer(face: Face, server: Server) -> None:
    client = face.client(server)
    opening = client.responses.with_streaming_response.create(**ASK)
    opening.__enter__()
    assert busy(client) == 1
    opening.__exit__(KeyError, KeyError(1), None)
    assert busy(client) == 0


def test_lines_of_a_streamed_answer_are_those_of_the_wire(face: Face, server: Server) -> None:
    with face.client(server).responses.with_streaming_response.create(**ASK, stream=True) as answer:
        lines = list(answer.iter_lines())
    assert lines[0] == "event: response.created"
    assert lines[1].startswith('data: {"type": "response.created"')


def test_a_streamed_answer_parses_to_the_stream_which_ends_with_its_block(face: Face, server: Server) -> None:
    client = face.client(server)
    with client.responses.with_streaming_response.create(**ASK, stream=True) as answer:
        assert [event.type for event in answer.parse()][-1] == "response.completed"
        with pytest.raises(RuntimeError, match="taken in pieces"):
            answer.read()
    with client.responses.with_streaming_response.create(**ASK, stream=True) as answer:
        for _ in answer.parse():
            break
    assert busy(client) == 0


def test_a_streamed_page_parses_to_the_page(face: Face, server: Server) -> None:
    client = face.client(server)
    made = client.responses.create(**ASK)
    with client.responses.with_streaming_response.input_items.list(made.id) as answer:
        assert [item.type for item in answer.parse().data] == ["message"]


def test_a_streamed_file_goes_to_disk(face: Face, server: Server, tmp_path: Any) -> None:
    server.fault = FILE
    client = face.client(server)
    with client.audio.speech.with_streaming_response.create(model="m", voice="v", input="x") as answer:
        answer.stream_to_file(tmp_path / "a")
    with client.with_streaming_response.audio.speech.create(model="m", voice="v", input="x") as answer:
        answer.parse().stream_to_file(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == FILE.body


def test_an_opening_that_nobody_enters_asks_nothing(server: Server) -> None:
    async def main() -> None:
        async with oxide.AsyncClient(base_url=server.url, api_key="k") as client:
            opening = client.responses.with_streaming_response.create(**ASK)
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                del opening
                gc.collect()
            assert "never awaited" in str(told[0].message)

    with oxide.Client(base_url=server.url, api_key="k") as client:
        client.responses.with_streaming_response.create(**ASK)
    asyncio.run(main())
    assert server.requests == []


# ------------------------------------------------------------------------------------------------------------- views
def test_a_client_has_the_views_of_all_its_namespaces(face: Face, server: Server) -> None:
    client = face.client(server)
    assert client.with_raw_response.responses.create(**ASK).parse().output_text == "You said: Hello"
    with client.with_streaming_response.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}]) as answer:
        assert answer.parse().choices[0].message.content == "You said: x"
    assert client.responses.create(**ASK).output_text, "the client itself is as it was"


@pytest.mark.parametrize("view", ["with_raw_response", "with_streaming_response"])
@pytest.mark.parametrize("kind", [oxide.Client, oxide.AsyncClient])
def test_methods_of_a_view_keep_signature_and_words(kind: Any, view: str) -> None:
    responses = kind(api_key="k").responses
    method = getattr(responses, view).create
    assert inspect.signature(method) == inspect.signature(responses.create)
    assert method.__doc__ == responses.create.__doc__
    assert "create" in dir(getattr(responses, view))


def test_a_misspelt_argument_is_told_in_a_view_as_well(face: Face, server: Server) -> None:
    with pytest.raises(TypeError, match="inptu"):
        face.client(server).responses.with_raw_response.create(inptu="x")


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_every_method_has_the_views_that_it_has_officially(kind: str) -> None:
    openai = pytest.importorskip("openai", reason="the official client is of the extra `dev`")
    official = {"Client": openai.OpenAI, "AsyncClient": openai.AsyncOpenAI}[kind](api_key="k", admin_api_key="k")
    missing = list(_missing(official, getattr(oxide, kind)(api_key="k", admin_api_key="k"), ""))
    assert not missing


def _missing(official: Any, ours: Any, path: str) -> Iterator[str]:
    """Walk both clients side by side; tell what a raw view of the official one has and ours has not."""
    names = [n for n in dir(type(official)) if not n.startswith("_") and isinstance(vars_of(official).get(n), FACTORIES)]
    for name in sorted(set(names) - {"with_raw_response", "with_streaming_response"}):
        inner = getattr(official, name)
        if not hasattr(inner, "with_raw_response"):
            continue
        if not hasattr(ours, name):
            yield f"{path}.{name}"
            continue
        for view in ("with_raw_response", "with_streaming_response"):
            mine = getattr(getattr(ours, name), view)
            methods = [m for m in vars(getattr(inner, view)) if not m.startswith("_") and hasattr(getattr(ours, name), m)]
            yield from [f"{path}.{name}.{view}.{m}" for m in methods if not hasattr(mine, m)]
        yield from _missing(inner, getattr(ours, name), f"{path}.{name}")


def test_answers_have_the_names_of_the_official_ones() -> None:
    legacy = pytest.importorskip("openai._legacy_response", reason="the official client is of the extra `dev`")
    other = pytest.importorskip("openai._response")
    transport = {"http_response", "response", "charset_encoding", "iter_raw", "aiter_raw"}  # objects of httpx, bytes before decoding
    waiting = {name for name in dir(legacy.HttpxBinaryResponseContent) if name[0] == "a" and hasattr(oxide.AsyncBinaryResponse, name)}
    for official, ours, without in (
        (legacy.LegacyAPIResponse, oxide.RawResponse, transport),
        (legacy.HttpxBinaryResponseContent, oxide.BinaryResponse, transport | waiting),
        (legacy.HttpxBinaryResponseContent, oxide.AsyncBinaryResponse, transport),
        (other.StreamedBinaryAPIResponse, oxide.APIResponse, transport),
        (other.AsyncStreamedBinaryAPIResponse, oxide.AsyncAPIResponse, transport),
    ):
        names = {name for kind in official.__mro__ for name in [*vars(kind), *getattr(kind, "__annotations__", {})] if name[0] != "_"}
        assert {name for name in names - without if not hasattr(ours, name)} == set()


def vars_of(thing: Any) -> dict[str, Any]:
    return {name: value for kind in reversed(type(thing).__mro__) for name, value in vars(kind).items()}


# ----------------------------------------------------------------------------------------------- methods made by hand
async def twice(exchange: Any, operation: Any, given: dict[str, Any]) -> str:
    """Ask two times, as a method made by hand may."""
    await exchange.call(operation, given)
    result: str = (await exchange.call(operation, given)).output_text
    return result.upper()


def test_a_method_made_by_hand_gives_its_last_answer_and_its_own_result(face: Face, server: Server) -> None:
    from oxide.resources.responses import CREATE

    client = face.client(server)
    raw = client.responses.with_raw_response.itself._caller
    answer = face.mirrored(raw.run(twice, CREATE, dict(ASK)))
    assert (answer.parse(), answer.json()["object"], answer.status_code) == ("YOU SAID: HELLO", "response", 200)
    view = client.responses.with_streaming_response.itself
    caller = getattr(view, "_itself", view)._caller
    opening = caller.run(twice, CREATE, dict(ASK))
    if face.name == "blocking":
        with opening as streamed:
            assert (streamed.parse(), streamed.json()["object"]) == ("YOU SAID: HELLO", "response")
    else:
        streamed = face.mirrored(opening)
        assert (streamed.parse(), streamed.json()["object"]) == ("YOU SAID: HELLO", "response")
    assert len(server.requests) == 4
