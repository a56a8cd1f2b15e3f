"""The same lines of code send the same with the official library and with this one: options, odd values, files, Azure."""

from __future__ import annotations

import inspect
import io
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import oxide
from tests.wire.calls import method_of, table
from tests.wire.differences import difference
from tests.wire.recorder import Recorder

KEYS = {"api_key": "key", "max_retries": 0}
MESSAGE = {"role": "user", "content": "é \u2028 \U0001f600 \x7f \t"}
Case = Callable[[Any, Any], Any]


class Colour(str, Enum):
    RED = "red"


def message(**fields: Any) -> Any:
    """Return a message that is a model of pydantic."""
    pydantic: Any = pytest.importorskip("pydantic")
    return pydantic.create_model("Message", role=(str, "user"), content=(str, ...), name=(str | None, None))(**fields)


class Odd:
    """Something that is no JSON."""


class Official:
    """The official library, whose clients share their connections here: each would take long to make its own."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.connections = library.DefaultHttpx2Client() if hasattr(library, "DefaultHttpx2Client") else library.DefaultHttpxClient()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)

    def OpenAI(self, **options: Any) -> Any:  # noqa: N802 - as the class is called
        return self.library.OpenAI(http_client=self.connections, **options)

    def AzureOpenAI(self, **options: Any) -> Any:  # noqa: N802 - as the class is called
        return self.library.AzureOpenAI(http_client=self.connections, **options)


@pytest.fixture(scope="module")
def official() -> Iterator[Official]:
    library = Official(pytest.importorskip("openai"))
    yield library
    library.connections.close()


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def chat(client: Any, **given: Any) -> Any:
    return client.chat.completions.create(**{"model": "m", "messages": [MESSAGE], **given})


# ----------------------------------------------------------------------------------------------------------------- clients
CLIENTS: list[tuple[str, dict[str, Any]]] = [
    ("plain", {}),
    ("organization and project", {"organization": "org_1", "project": "proj_1"}),
    ("headers", {"default_headers": {"X-Mine": "1", "accept": "text/plain", "openai-beta": "mine"}}),
    ("an authorization of its own", {"default_headers": {"Authorization": "Basic abc"}}),
    ("a query", {"default_query": {"b": "2", "a": ["1", "2"], "limit": 5, "n": None, "t": True}}),
    ("an admin key", {"admin_api_key": "admin"}),
    ("an admin key alone", {"admin_api_key": "admin", "api_key": None}),
    ("a function for a key", {"api_key": lambda: "asked"}),
]
CALLS: list[tuple[str, Case]] = [
    ("a body", lambda openai, client: chat(client)),
    ("a query", lambda openai, client: client.files.list(limit=3, order="asc")),
    ("a beta header", lambda openai, client: client.beta.assistants.retrieve("asst_1")),
    ("nothing", lambda openai, client: client.files.delete("file_1")),
    ("a form", lambda openai, client: client.files.create(file=b"x", purpose="batch")),
    ("bytes", lambda openai, client: client.audio.speech.create(model="m", input="i", voice="v")),
    ("the admin key", lambda openai, client: client.admin.organization.projects.list()),
    ("either key", lambda openai, client: client.beta.realtime.sessions.create()),
]
OPTIONS: list[tuple[str, Case]] = [
    ("a header replaced", lambda o, c: chat(c, extra_headers={"authorization": "Basic abc", "ACCEPT": "a/b"})),
    ("a header left out", lambda o, c: chat(c, extra_headers={"Authorization": o.omit})),
    ("a default header left out", lambda o, c: chat(c.with_options(default_headers={"X-A": "1"}), extra_headers={"X-A": o.omit})),
    ("headers added by a copy", lambda o, c: chat(c.with_options(default_headers={"X-A": "1"}).with_options(default_headers={"X-B": "2"}))),
    ("headers replaced by a copy", lambda o, c: chat(c.copy(default_headers={"X-A": "1"}).copy(set_default_headers={"X-B": "2"}))),
    ("a query added by a copy", lambda o, c: c.copy(default_query={"a": "1"}).copy(default_query={"b": "2"}).models.list()),
    ("a query replaced by a copy", lambda o, c: c.copy(default_query={"a": "1"}).copy(set_default_query={"b": "2"}).models.list()),
    ("a key of a copy", lambda o, c: chat(c.with_options(api_key="other", organization="org_2"))),
    ("a query that is there", lambda o, c: c.files.list(limit=3, extra_query={"limit": 4, "order": None})),
    ("a query on a body", lambda o, c: chat(c, extra_query={"a": {"b": {"c": [1, 2.5, False]}}, "é ": "é /", "none": None, "empty": []})),
    ("a body that is there", lambda o, c: chat(c, extra_body={"model": "other", "deep": {"a": None}, "temperature": 1.0})),
    ("a body deep below", lambda o, c: chat(c, metadata={"a": "1", "b": "2"}, extra_body={"metadata": {"c": "3"}})),
    ("a body for nothing", lambda o, c: c.responses.cancel("resp_1", extra_body={"a": 1})),
    ("a body beside a form", lambda o, c: c.files.create(file=b"x", purpose="batch", extra_body={"purpose": "vision", "a": {"b": [1]}})),
    ("no extras", lambda o, c: chat(c, extra_headers=None, extra_query=None, extra_body=None)),
    ("a key for idempotency", lambda o, c: c.beta.agents.sessions.events.create("s_1", events=[], idempotency_key="key_1")),
]
VALUES: list[tuple[str, Case]] = [
    ("omit", lambda o, c: chat(c, temperature=o.omit, metadata=o.NOT_GIVEN)),
    ("null", lambda o, c: chat(c, temperature=None, metadata=None)),
    ("a generator", lambda o, c: chat(c, messages=(m for m in [MESSAGE, MESSAGE]))),
    ("a tuple", lambda o, c: chat(c, messages=(MESSAGE,), stop=("a", "b"))),
    ("numbers", lambda o, c: chat(c, temperature=1.0, seed=2**63, n=1, logit_bias={"50256": -100})),
    ("a whole float", lambda o, c: chat(c, temperature=1e22, top_p=1e-7)),
    ("an enum", lambda o, c: chat(c, model=Colour.RED)),
    ("text", lambda o, c: chat(c, model='\u00e9\u4e2d\U0001f600"\\/\b\f\n\u2028<&>')),
    ("an empty list", lambda o, c: chat(c, messages=[], tools=[])),
    ("a null inside", lambda o, c: chat(c, messages=[{"role": "assistant", "content": None, "tool_calls": [{"id": None}]}])),
    ("a model inside", lambda o, c: chat(c, messages=[o.types.chat.ChatCompletionMessage(role="assistant", content="hi")])),
    ("a list in a query", lambda o, c: c.responses.input_items.list("r_1", include=["a", "b"])),
    (
        "a list and a boolean in a query",
        lambda o, c: c.admin.organization.usage.completions(start_time=1, models=["a", "b"], batch=False),
    ),
    ("nothing in a query", lambda o, c: c.admin.organization.usage.completions(start_time=1, models=[], api_key_ids=o.omit, page=None)),
    ("a text where a list belongs", lambda o, c: c.embeddings.create(model="m", input="text", encoding_format="float")),
    ("lists of numbers", lambda o, c: c.embeddings.create(model="m", input=[[1, 2], [3]])),
    ("a model of pydantic", lambda o, c: chat(c, messages=[message(content="hi")])),
    ("a field of pydantic that is null", lambda o, c: chat(c, messages=[message(content="hi", name=None)])),
    ("a moment", lambda o, c: chat(c, metadata={"a": datetime(2020, 1, 2, 3, 4, 5)})),
    (
        "other mappings and lists",
        lambda o, c: chat(c, metadata=MappingProxyType({"a": "b"}), stop=deque(["a"]), messages=map(dict, [MESSAGE])),
    ),
    ("a generator deep below", lambda o, c: chat(c, messages=[{"role": "user", "content": ({"type": "text", "text": t} for t in "ab")}])),
    ("keys that are numbers", lambda o, c: chat(c, logit_bias={5: 1})),
    ("no stream", lambda o, c: chat(c, stream=False)),
    ("null for a stream", lambda o, c: chat(c, stream=None)),
    ("a timeout", lambda o, c: chat(c, timeout=5.0)),
    ("no timeout", lambda o, c: chat(c, timeout=o.NOT_GIVEN)),
    ("verbs", lambda o, c: c.post("/x?y=1", body={"a": 1}, cast_to=object)),
    ("a verb with a list", lambda o, c: c.put("/x", body=[1], cast_to=object)),
    ("a verb without a body", lambda o, c: c.delete("x/y", cast_to=object)),
    ("a path parameter by name", lambda o, c: c.beta.threads.messages.retrieve("m_1", thread_id="t_1")),
    ("a raw call", lambda o, c: c.responses.with_raw_response.create(model="m", input="i")),
    ("no number", lambda o, c: chat(c, temperature=float("nan"))),
    ("no JSON", lambda o, c: chat(c, metadata={"a": Odd()})),
    ("a number in a path", lambda o, c: c.files.retrieve(5)),
]
FIELDS: dict[str, Any] = {"temperature": 0.0, "language": "é", "timestamp_granularities": ["word", "segment"], "include": []}
FIELDS |= {"chunking_strategy": {"type": "server_vad", "threshold": 0.5}, "prompt": "", "stream": False}
FILES: list[tuple[str, Case]] = [
    ("a path", lambda o, c: c.files.create(file=Path(__file__).with_name("recorder.py"), purpose="batch")),
    ("an open file", lambda o, c: opened(lambda file: c.files.create(file=file, purpose="batch"))),
    ("bytes in memory", lambda o, c: c.files.create(file=io.BytesIO(b"x"), purpose="batch")),
    ("a name and a file", lambda o, c: c.files.create(file=("é.txt", io.BytesIO(b"x")), purpose="batch")),
    ("no name", lambda o, c: c.files.create(file=(None, b"x"), purpose="batch")),
    ("a name with quotes", lambda o, c: c.files.create(file=('a"b\r\nc\\.png', b"x"), purpose="batch")),
    ("a name without a type", lambda o, c: c.files.create(file=("a.unheard", b"x"), purpose="batch")),
    ("a type and fields", lambda o, c: c.files.create(file=("a.b", b"x", "a/b", {"X-A": "1"}), purpose="batch")),
    ("an empty file", lambda o, c: c.files.create(file=b"", purpose="batch")),
    ("many images", lambda o, c: c.images.edit(image=[b"a", ("b.png", b"b")], prompt="p", mask=b"m", n=2)),
    ("one image", lambda o, c: c.images.edit(image=b"a", prompt="p", size=None)),
    ("fields of all kinds", lambda o, c: c.audio.transcriptions.create(file=b"x", model="m", **FIELDS)),
    ("expiry", lambda o, c: c.files.create(file=b"x", purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600})),
    ("sdp", lambda o, c: c.realtime.calls.create(sdp="v=0\r\n", session={"type": "realtime", "model": "é"})),
]
AZURE: list[tuple[str, Case]] = [
    ("chat", lambda o, c: chat(c)),
    ("embeddings", lambda o, c: c.embeddings.create(model="m/1", input="i", encoding_format="float")),
    ("speech", lambda o, c: c.audio.speech.create(model="m", input="i", voice="v")),
    ("transcription", lambda o, c: c.audio.transcriptions.create(model="m", file=b"x")),
    ("images", lambda o, c: c.images.generate(model="m", prompt="p")),
    ("edit", lambda o, c: c.images.edit(model="m", prompt="p", image=b"x")),
    ("completions", lambda o, c: c.completions.create(model="m", prompt="p")),
    ("responses", lambda o, c: c.responses.create(model="m", input="i")),
    ("files", lambda o, c: c.files.list()),
    ("models", lambda o, c: c.models.retrieve("m")),
]
PLACES: list[tuple[str, dict[str, Any]]] = [
    ("plain", {"azure_endpoint": "URL"}),
    ("a deployment", {"azure_endpoint": "URL", "azure_deployment": "dep"}),
    ("a token", {"azure_endpoint": "URL", "azure_ad_token": "token", "api_key": None}),
    ("a function for a token", {"azure_endpoint": "URL", "azure_ad_token_provider": lambda: "token", "api_key": None}),
    ("a base", {"base_url": "URL/openai/deployments/mine"}),
]


def opened(use: Callable[[Any], Any]) -> Any:
    with open(Path(__file__).with_name("calls.py"), "rb") as file:
        file.read(7)
        return use(file)


def sent(recorder: Recorder, library: Any, options: dict[str, Any], case: Case, kind: str = "OpenAI") -> Any:
    """Return what a library sends, or the kind of error that keeps it from sending."""
    problem = ""
    try:
        client = getattr(library, kind)(**{**KEYS, **options})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            result = case(library, client)
        if hasattr(result, "close"):
            result.close()
        if library is oxide:
            client.close()
    except Exception as error:  # the other library should refuse as well
        problem = repr(error)
    requests = recorder.take()
    return requests[0].facts() if requests else f"nothing: {problem}"


def compare(recorder: Recorder, official: Any, options: dict[str, Any], case: Case, kind: str = "OpenAI") -> None:
    wanted, ours = (sent(recorder, library, options, case, kind) for library in (official, oxide))
    if isinstance(wanted, str) or isinstance(ours, str):
        assert isinstance(wanted, str) == isinstance(ours, str), f"wanted {wanted}\nsent   {ours}"
    else:
        assert not (found := difference("", wanted, ours)), f"\n{found}"


def titles(cases: list[tuple[str, Any]]) -> list[str]:
    return [title for title, _ in cases]


@pytest.mark.parametrize("case", [case for _, case in CALLS], ids=titles(CALLS))
@pytest.mark.parametrize("options", [options for _, options in CLIENTS], ids=titles(CLIENTS))
def test_a_client_with_options_sends_the_same(recorder: Recorder, official: Any, options: dict[str, Any], case: Case) -> None:
    compare(recorder, official, {"base_url": recorder.url, **options}, case)


@pytest.mark.parametrize("case", [c for _, c in OPTIONS + VALUES + FILES], ids=titles(OPTIONS + VALUES + FILES))
def test_a_call_sends_the_same(recorder: Recorder, official: Any, case: Case) -> None:
    compare(recorder, official, {"base_url": recorder.url, "admin_api_key": "admin"}, case)


@pytest.mark.parametrize("base", ["", "/", "/v1/", "/a/b", "/%20b"])
def test_a_base_url_leads_to_the_same_place(recorder: Recorder, official: Any, base: str) -> None:
    compare(recorder, official, {"base_url": recorder.url.removesuffix("/v1") + base}, lambda openai, client: client.files.retrieve("f_1"))


@pytest.mark.parametrize("case", [case for _, case in AZURE], ids=titles(AZURE))
@pytest.mark.parametrize("place", [place for _, place in PLACES], ids=titles(PLACES))
def test_azure_is_asked_for_the_same(recorder: Recorder, official: Any, place: dict[str, Any], case: Case) -> None:
    root = recorder.url.removesuffix("/v1")
    options = {name: value.replace("URL", root) if isinstance(value, str) else value for name, value in place.items()}
    compare(recorder, official, {"api_version": "2024-10-21", **options}, case, "AzureOpenAI")


# -------------------------------------------------------------------------------------------------------------- signatures
OWN = {"extra_headers", "extra_query", "extra_body", "timeout", "max_retries", "idempotency_key", "limit_total", "prefetch", "resume"}
MEANT = {
    "beta.agents.sessions.create": {"output_type", "tool_handlers"},  # run functions of the caller's; never sent
    "beta.realtime.sessions.create": {"prompt", "truncation"},  # the description of the API has them, the library does not
}


def signature(client: Any, path: str) -> dict[str, tuple[bool, bool]]:
    """Return parameter -> (may be given by position, must be given), without the options."""
    parameters = inspect.signature(method_of(client, path)).parameters.values()
    found = {p.name: (p.kind is p.POSITIONAL_OR_KEYWORD, p.default is p.empty) for p in parameters}
    return {name: facts for name, facts in found.items() if name not in OWN and name not in MEANT.get(path, ())}


def test_methods_take_the_same_arguments(official: Any) -> None:
    theirs, ours = official.OpenAI(api_key="key"), oxide.OpenAI(api_key="key")
    paths = [row[0] for row in table()["calls"] if row[1] == "required"]
    assert [path for path in paths if signature(theirs, path) != signature(ours, path)] == []
    by_position = [[[name for name, (first, _) in signature(c, path).items() if first] for path in paths] for c in (theirs, ours)]
    assert by_position[0] == by_position[1]


def test_the_same_methods_are_deprecated(official: Any) -> None:
    theirs, ours = official.OpenAI(api_key="key"), oxide.OpenAI(api_key="key")
    for path in {row[0] for row in table()["calls"]}:
        assert hasattr(method_of(theirs, path), "__deprecated__") == hasattr(method_of(ours, path), "__deprecated__"), path
