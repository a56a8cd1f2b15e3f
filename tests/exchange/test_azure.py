"""The clients for Azure: where requests go, what carries the key, which options there are; as tables, and beside the official client."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import oxide
from oxide import AsyncAzureOpenAI, AzureOpenAI
from tests.exchange._story import KEY, RESPONSE, answer, asked, world_of
from tests.exchange.test_secrets import assert_silent, shown
from tests.wire.recorder import Recorder

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # audio.translations

ENDPOINT = "https://example.openai.azure.com/"
GIVEN: dict[str, Any] = {"azure_endpoint": ENDPOINT, "api_key": "azure-key", "api_version": "2024-10-21"}
KEYS: dict[str, Any] = {"azure_endpoint": ENDPOINT, "api_version": "2024-10-21"}

MESSAGES = [{"role": "user", "content": "Hello"}]
CALLS: list[tuple[str, dict[str, Any], str]] = [
    # method, arguments, path below /openai; {} is where "deployments/<name>/" stands, if it does
    ("chat.completions.create", {"model": "my gpt", "messages": MESSAGES}, "{}chat/completions"),
    ("completions.create", {"model": "m", "prompt": "x"}, "{}completions"),
    ("embeddings.create", {"model": "m", "input": "x", "encoding_format": "float"}, "{}embeddings"),
    ("images.generate", {"model": "m", "prompt": "x"}, "{}images/generations"),
    ("images.edit", {"model": "m", "prompt": "x", "image": b"image"}, "{}images/edits"),
    ("audio.transcriptions.create", {"model": "m", "file": ("a.wav", b"audio")}, "{}audio/transcriptions"),
    ("audio.translations.create", {"model": "m", "file": ("a.wav", b"audio")}, "{}audio/translations"),
    ("audio.speech.create", {"model": "m", "input": "x", "voice": "alloy"}, "{}audio/speech"),
    ("responses.create", {"model": "m", "input": "x"}, "responses"),
    ("responses.retrieve", {"response_id": "r/1"}, "responses/r%2F1"),
    ("files.list", {"limit": 2}, "files"),
    ("files.delete", {"file_id": "f"}, "files/f"),
    ("models.retrieve", {"model": "m"}, "models/m"),
    ("batches.create", {"completion_window": "24h", "endpoint": "/v1/responses", "input_file_id": "f"}, "batches"),
    ("moderations.create", {"model": "m", "input": "x"}, "moderations"),
    ("vector_stores.search", {"vector_store_id": "v", "query": "x"}, "vector_stores/v/search"),
    ("chat.completions.create", {"model": "m", "messages": MESSAGES, "extra_query": {"api-version": "preview"}}, "{}chat/completions"),
]
CLIENTS: dict[str, dict[str, Any]] = {
    "endpoint": {},
    "deployment": {"azure_deployment": "mine"},
    "base URL": {"base_url": "/openai"},
    "base URL with a deployment": {"base_url": "/openai/deployments/mine"},
    "base URL and a deployment that says nothing": {"base_url": "/openai", "azure_deployment": "mine"},
}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def options_for(recorder: Recorder, title: str, **options: Any) -> dict[str, Any]:
    """Return the options of a client of the table, whose requests go to the recorder."""
    host = recorder.url.removesuffix("/v1")
    own = {**CLIENTS[title]}
    own |= {"base_url": host + own["base_url"]} if "base_url" in own else {"azure_endpoint": f"{host}/"}
    return {"api_version": "2024-10-21", "api_key": "azure-key", "max_retries": 0, "organization": "org", **own, **options}


def made(client: Any, method: str, arguments: dict[str, Any]) -> Any:
    """Call a method; what comes back, or that it is none, is of no interest."""
    for name in method.split("."):
        client = getattr(client, name)
    try:
        return client(**arguments)
    except Exception as error:  # the recorder's answers are no transcripts
        return error


def sent_by(recorder: Recorder, make: Callable[..., Any], options: dict[str, Any]) -> list[dict[str, Any]]:
    with make(**options) as client:
        for method, arguments, _ in CALLS:
            result = made(client, method, {**arguments})
            if hasattr(result, "close"):
                result.close()
    return [request.facts() for request in recorder.take()]


def credentials(facts: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in facts["headers"].items() if name in ("authorization", "api-key", "openai-organization")}


@pytest.mark.parametrize("title", CLIENTS)
def test_requests_go_where_azure_wants_them(recorder: Recorder, title: str) -> None:
    found = sent_by(recorder, AzureOpenAI, options_for(recorder, title))
    assert len(found) == len(CALLS)
    for facts, (method, arguments, path) in zip(found, CALLS, strict=True):
        below = {"deployment": "mine", "base URL with a deployment": ""}.get(title, str(arguments.get("model")).replace(" ", "%20"))
        where = path.format(f"deployments/{below}/" if below else "")
        root = "/openai/deployments/mine" if title == "base URL with a deployment" else "/openai"
        assert facts["request"].split(" ")[1] == f"{root}/{where}", method
        version = "preview" if "extra_query" in arguments else "2024-10-21"
        assert f"api-version={version}" in facts["query"].split("&"), method
        assert facts["query"].count("api-version") == 1, method
        assert credentials(facts) == {"api-key": "azure-key", "openai-organization": "org"}


@pytest.mark.parametrize("title", CLIENTS)
def test_requests_are_those_of_the_official_client(recorder: Recorder, title: str) -> None:
    openai = pytest.importorskip("openai")
    options = options_for(recorder, title)
    ours, theirs = sent_by(recorder, AzureOpenAI, options), sent_by(recorder, openai.AzureOpenAI, options)
    assert len(ours) == len(theirs) == len(CALLS)
    for one, other in zip(ours, theirs, strict=True):
        for facts in (one, other):
            facts["credentials"] = credentials(facts)
            del facts["headers"]
            facts["query"] = sorted(facts["query"].split("&"))
        assert one == other


@pytest.mark.parametrize("title", CLIENTS)
def test_both_clients_send_the_same(recorder: Recorder, title: str) -> None:
    options = options_for(recorder, title, default_headers={"Idempotency-Key": "same"})

    async def story() -> None:
        async with AsyncAzureOpenAI(**options) as client:
            for method, arguments, _ in CALLS:
                result = made(client, method, {**arguments})
                if hasattr(result, "__await__"):
                    await asyncio.gather(result, return_exceptions=True)

    asyncio.run(story())
    waiting = [request.facts() for request in recorder.take()]
    assert waiting == sent_by(recorder, AzureOpenAI, options)


# ------------------------------------------------------------------------------------------------ credentials
def client_of(*connections: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[AzureOpenAI, Any]:
    world = world_of(*connections)
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: world)
    return AzureOpenAI(**{"azure_endpoint": "http://azure.test", "api_version": "v", "proxy": None, **options}), world


CREDENTIALS: list[tuple[dict[str, Any], dict[str, str], tuple[str, str]]] = [
    # options, environment, the field that carries the key
    ({"api_key": "k"}, {}, ("api-key", "k")),
    ({"api_key": lambda: "asked"}, {}, ("api-key", "asked")),
    ({"azure_ad_token": "t"}, {}, ("authorization", "Bearer t")),
    ({"azure_ad_token_provider": lambda: "provided"}, {}, ("authorization", "Bearer provided")),
    ({}, {"AZURE_OPENAI_API_KEY": "from-env"}, ("api-key", "from-env")),
    ({}, {"AZURE_OPENAI_API_KEY": "from-env", "AZURE_OPENAI_AD_TOKEN": "token"}, ("authorization", "Bearer token")),
    ({"api_key": "k"}, {"AZURE_OPENAI_AD_TOKEN": "token", "OPENAI_API_KEY": "other", "OPENAI_ADMIN_KEY": "admin"}, ("api-key", "k")),
]


@pytest.mark.parametrize(("options", "environment", "field"), CREDENTIALS)
def test_the_key_travels_in_its_field(
    options: dict[str, Any], environment: dict[str, str], field: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client, world = client_of([answer(200, RESPONSE), answer(200, {"id": "x"})], monkeypatch=monkeypatch, **options)
    client.responses.create(model="m", input="x")
    client.admin.organization.projects.retrieve("p")  # Azure has one kind of key
    for sent in asked(world):
        assert {name: value for name, value in sent.headers.items() if name in ("api-key", "authorization")} == dict([field])


def test_a_token_is_asked_for_at_each_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = iter(("first", "second"))
    provided: dict[str, Any] = {"azure_ad_token_provider": lambda: next(tokens)}
    client, world = client_of([answer(500), answer(200, RESPONSE)], monkeypatch=monkeypatch, **provided)
    client.responses.create(model="m", input="x")
    assert [sent.headers["authorization"] for sent in asked(world)] == ["Bearer first", "Bearer second"]


def test_a_field_of_the_call_goes_over_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([answer(200, RESPONSE)], monkeypatch=monkeypatch, api_key="k")
    client.responses.create(model="m", input="x", extra_headers={"Api-Key": "other"})
    assert asked(world)[0].headers.get_list("api-key") == ["other"]


def test_a_key_for_another_host_is_not_sent_to_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-azure")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "not-for-azure")
    with pytest.raises(oxide.ConfigurationError, match="AZURE_OPENAI_API_KEY"):
        client_of(monkeypatch=monkeypatch)
    client, _ = client_of(monkeypatch=monkeypatch, _enforce_credentials=False)
    with pytest.raises(oxide.ConfigurationError):
        client.responses.create(model="m", input="x")


def test_raw_verbs_go_below_the_deployment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([answer(200, RESPONSE)] * 1 + [answer(200, {})], monkeypatch=monkeypatch, api_key="k")
    client.post("/chat/completions", body={"model": "m"})
    client.get("/models", extra_query={"api-version": "w"})
    assert [sent.target for sent in asked(world)] == [
        "/openai/deployments/m/chat/completions?api-version=v",
        "/openai/models?api-version=w",
    ]


@pytest.mark.parametrize("title", ["endpoint", "deployment"])
def test_realtime_asks_for_a_deployment_as_the_official_client_does(title: str, recorder: Recorder) -> None:
    openai = pytest.importorskip("openai")
    options = options_for(recorder, title)
    url, headers = openai.AzureOpenAI(**options)._configure_realtime("a model", {"x": "1"})
    client = AzureOpenAI(**options)
    with pytest.raises(oxide.APIStatusError), client.realtime.connect(model="a model", extra_query={"x": "1"}):
        pass  # the recorder speaks no WebSocket
    (sent,) = recorder.take()
    path, _, query = sent.target.partition("?")
    assert path == url.path
    assert dict(pair.split("=") for pair in query.split("&")) == dict(pair.split("=") for pair in url.query.decode().split("&"))
    assert sent.headers["api-key"] == headers["api-key"]


# ------------------------------------------------------------------------------------------------ options
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"azure_endpoint": ENDPOINT, "api_key": "k"}, "api_version"),
    ({"api_version": "v", "api_key": "k"}, "azure_endpoint"),
    ({**GIVEN, "base_url": "https://x/openai"}, "not both"),
    ({**KEYS}, "credentials"),
    ({**GIVEN, "azure_ad_token": "t"}, "not both"),
    ({**GIVEN, "http_client": object()}, "limits="),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES)
def test_what_is_missing_or_too_much_is_told(options: dict[str, Any], words: str) -> None:
    for make in (AzureOpenAI, AsyncAzureOpenAI):
        with pytest.raises(oxide.ConfigurationError, match=words):
            make(**options)


def test_an_option_that_does_not_exist_for_azure_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="did you mean 'azure_deployment'"):
        AzureOpenAI(azure_deploiment="x", **GIVEN)  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError, match="unknown option 'azure_endpoint'"):
        oxide.Client(api_key="k", azure_endpoint=ENDPOINT)  # type: ignore[call-arg]  # that is the point


def test_a_copy_keeps_the_host_and_takes_other_credentials() -> None:
    client = AzureOpenAI(**GIVEN, azure_deployment="mine")
    copy = client.with_options(azure_ad_token="t", timeout=3)
    assert isinstance(copy, AzureOpenAI)
    assert copy._settings.key_field == "Authorization"
    assert copy._settings.api_key == "t"
    assert copy.timeout == oxide.Timeout(3)
    assert copy._settings.route is not None
    assert copy._settings.route("/embeddings", {}) == "/deployments/mine/embeddings"
    assert client.with_options(base_url="https://other/openai").base_url == "https://other/openai"
    assert client.with_options(default_query={"a": 1})._settings.default_query == {"a": 1, "api-version": "2024-10-21"}


def test_pickles_and_pictures_of_a_client() -> None:
    client = AzureOpenAI(azure_ad_token="hidden-token", **KEYS)
    assert "hidden" not in repr(client) + repr(vars(client))
    again = pickle.loads(pickle.dumps(client))
    assert isinstance(again, AzureOpenAI)
    assert again._settings.api_key == "hidden-token"
    assert again.base_url == "https://example.openai.azure.com/openai"


@pytest.mark.parametrize("name", ["api_key", "azure_ad_token", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"])
@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"azure_endpoint": "nowhere"}, {"base_url": "http://x"}, {"api_version": ""}])
def test_no_credential_is_shown(name: str, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"azure_endpoint": ENDPOINT, "api_version": "v", **wrong}
    if name.isupper():
        monkeypatch.setenv(name, KEY)
    else:
        given[name] = KEY
    for make in (AzureOpenAI, AsyncAzureOpenAI):
        with pytest.raises(oxide.ConfigurationError) as caught:
            make(**given)
        assert_silent(shown(caught.value))


def test_the_environment_tells_the_endpoint_and_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AZURE_OPENAI_ENDPOINT": ENDPOINT, "OPENAI_API_VERSION": "from-env", "OPENAI_BASE_URL": "https://other"}.items():
        monkeypatch.setenv(name, value)
    client = AsyncAzureOpenAI(api_key="k")
    assert client.base_url == "https://example.openai.azure.com/openai"
    assert client._settings.default_query == {"api-version": "from-env"}
