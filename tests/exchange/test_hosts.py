"""Other hosts: where requests go, with which headers, and what authorizes them; as tables, and beside the official client."""

from __future__ import annotations

import asyncio
import json
import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest

import oxide
from oxide import providers
from oxide._operation import Operation
from oxide._socket import open_socket
from oxide._transport.base import run_now
from tests.exchange._story import CHAT, KEY, RESPONSE, STREAM_HEAD, answer, asked, chunk, token, world_of
from tests.exchange.test_secrets import assert_silent, shown
from tests.wire.recorder import Recorder

MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]
AWS = {"region": "us-east-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": KEY}
VARIABLES = ("ANTHROPIC_", "AWS_", "CF_AIG_", "CLOUDFLARE_", "GOOGLE_CLOUD_", "OPENROUTER_")

HOSTS: dict[str, tuple[Any, str, dict[str, str]]] = {
    # title: the provider, what stands before the paths of the API, what is in the headers besides
    "openrouter": (lambda: providers.openrouter(KEY), "https://openrouter.ai/api/v1", {"authorization": f"Bearer {KEY}"}),
    "openrouter for an app": (
        lambda: providers.openrouter(KEY, app_url="https://app.test", app_title="App"),
        "https://openrouter.ai/api/v1",
        {"authorization": f"Bearer {KEY}", "http-referer": "https://app.test", "x-title": "App"},
    ),
    "cloudflare": (
        lambda: providers.cloudflare("acc", KEY, session_affinity="s"),
        "https://api.cloudflare.com/client/v4/accounts/acc/ai/v1",
        {"authorization": f"Bearer {KEY}", "x-session-affinity": "s"},
    ),
    "cloudflare's gateway": (
        lambda: providers.cloudflare_gateway(
            "acc",
            "mine",
            api_key="upstream",
            gateway_token=KEY,
            cache_ttl=60,
            skip_cache=True,
            cache_key="k",
            request_timeout=2.5,
            max_attempts=3,
            retry_delay=0.1,
            backoff="linear",
            metadata={"user": 1},
            collect_log=False,
        ),
        "https://gateway.ai.cloudflare.com/v1/acc/mine/compat",
        {
            "authorization": "Bearer upstream",
            "cf-aig-authorization": f"Bearer {KEY}",
            "cf-aig-backoff": "linear",
            "cf-aig-cache-key": "k",
            "cf-aig-cache-ttl": "60",
            "cf-aig-collect-log": "false",
            "cf-aig-max-attempts": "3",
            "cf-aig-metadata": '{"user": 1}',
            "cf-aig-request-timeout": "2500",
            "cf-aig-retry-delay": "100",
            "cf-aig-skip-cache": "true",
        },
    ),
    "a gateway that keeps the key": (
        lambda: providers.cloudflare_gateway("acc", gateway_token=KEY, upstream="/workers-ai/v1"),
        "https://gateway.ai.cloudflare.com/v1/acc/default/workers-ai/v1",
        {"cf-aig-authorization": f"Bearer {KEY}"},
    ),
    "anthropic": (lambda: providers.anthropic(KEY), "https://api.anthropic.com/v1", {"authorization": f"Bearer {KEY}"}),
    "local": (lambda: providers.local("http://127.0.0.1:11434/v1"), "http://127.0.0.1:11434/v1", {}),
    "local with a key": (lambda: providers.local("http://[::1]/v1", KEY), "http://[::1]/v1", {"authorization": f"Bearer {KEY}"}),
    "bedrock": (
        lambda: providers.bedrock(region="us-east-1", api_key=KEY),
        "https://bedrock-mantle.us-east-1.api.aws/openai/v1",
        {"authorization": f"Bearer {KEY}"},
    ),
    "bedrock's runtime in China": (
        lambda: providers.bedrock(endpoint="runtime", region="cn-north-1", token_provider=lambda: KEY),
        "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/openai/v1",
        {"authorization": f"Bearer {KEY}"},
    ),
    "bedrock, signed": (
        lambda: providers.bedrock(**AWS, session_token="lent"),
        "https://bedrock-mantle.us-east-1.api.aws/openai/v1",
        {"authorization": "AWS4-HMAC-SHA256 ...", "x-amz-security-token": "lent", "x-amz-content-sha256": "...", "x-amz-date": "..."},
    ),
    "vertex": (
        lambda: providers.vertex(project="p-1", location="europe-west1", token_provider=lambda: KEY),
        "https://europe-west1-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west1/publishers/openai/v1",
        {"authorization": f"Bearer {KEY}"},
    ),
    "vertex everywhere": (
        lambda: providers.vertex(project="p", location="global", token_provider=lambda: KEY),
        "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/openai/v1",
        {"authorization": f"Bearer {KEY}"},
    ),
}
CALLS: list[tuple[str, str, Any, list[bytes]]] = [
    # what is asked, with which reply
    ("POST", "/chat/completions", lambda c: c.chat.completions.create(model="m", messages=MESSAGES), [answer(200, CHAT)]),
    (
        "POST",
        "/chat/completions",
        lambda c: list(c.chat.completions.create(model="m", messages=MESSAGES, stream=True)),
        [STREAM_HEAD, chunk(token("a", "stop") + "data: [DONE]\n\n"), b"0\r\n\r\n"],
    ),
    ("POST", "/files", lambda c: c.files.create(file=("a.txt", b"text"), purpose="batch"), [answer(200, {"id": "f"})]),
    ("GET", "/models", lambda c: c.models.list(), [answer(200, {"data": []})]),
    ("GET", "/organization/projects/p", lambda c: c.admin.organization.projects.retrieve("p"), [answer(200, {"id": "p"})]),
    ("GET", "/realtime?model=m", lambda c: _websocket(c), [answer(400, {"error": {"message": "no"}})]),
]
USUAL = {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "idempotency-key", "user-agent"}
UPGRADE = {"sec-websocket-extensions", "sec-websocket-key", "sec-websocket-version", "upgrade"}


def _websocket(client: oxide.Client) -> None:
    exchange = client._caller.exchange
    request = Operation("GET", "/realtime", query=("model",)).prepare({"model": "m"}, exchange.settings)
    with pytest.raises(oxide.BadRequestError):
        run_now(open_socket(exchange, request))


@pytest.fixture(autouse=True)
def no_other_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(VARIABLES):
            monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


def client_of(provider: Any, *connections: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[oxide.Client, Any]:
    world = world_of(*connections)
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: world)
    return oxide.Client(**{"provider": provider, "proxy": None, **options}), world


def in_clear(provider: Any) -> Any:
    """The same host without TLS, of which a scripted world knows nothing."""
    provider.base_url = provider.base_url.replace("https:", "http:", 1)
    return provider


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("verb", "path", "call", "replies"), CALLS, ids=["plain", "stream", "upload", "list", "admin", "websocket"])
def test_requests_go_where_the_host_wants_them(
    host: str, verb: str, path: str, call: Any, replies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, base, besides = HOSTS[host]
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-other-hosts")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "not-for-other-hosts")
    monkeypatch.setenv("OPENAI_ORG_ID", "not-for-other-hosts")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://other.test/v1")
    provider = make()
    assert provider.base_url == base
    client, world = client_of(in_clear(provider), replies, monkeypatch=monkeypatch, max_retries=0)
    call(client)
    (sent,) = asked(world)
    _, authority, prefix = re.fullmatch(r"(https?)://([^/]+)(/.*)", base).groups()  # type: ignore[union-attr]  # it is a URL
    assert (sent.method, sent.headers["host"], sent.target) == (verb, authority, prefix + path)
    found = {name: value for name, value in sent.headers.items() if name not in USUAL | UPGRADE}
    assert found.keys() == besides.keys()
    for name, value in besides.items():
        assert found[name].startswith(value.removesuffix("..."))


REGIONS = {"global": "https://api.openai.com/v1", **{r: f"https://{r}.api.openai.com/v1" for r in ("us", "eu", "ae", "au", "in", "jp")}}


def test_regions_are_those_of_the_official_client() -> None:
    openai = pytest.importorskip("openai")
    from openai._data_residency import _DATA_RESIDENCY_BASE_URLS

    assert _DATA_RESIDENCY_BASE_URLS == REGIONS, openai.__version__
    for region, url in REGIONS.items():
        assert oxide.Client(api_key="k", data_residency=region).base_url == url  # type: ignore[arg-type]  # any of them


# ------------------------------------------------------------------------------------------------ beside the official client
@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def sent_by(recorder: Recorder, client: Any) -> list[dict[str, Any]]:
    with client:
        client.responses.create(model="m", input="Hello")
        client.responses.create(model="m", input="Hello", stream=True).close()
        client.chat.completions.create(model="m", messages=MESSAGES, extra_query={"b": "1", "a": "x y"})
        client.files.create(file=("a.txt", b"text"), purpose="batch")
        client.files.list(limit=2)
        client.responses.retrieve("r/1")
    found = [request.facts() for request in recorder.take()]
    for facts in found:
        facts["headers"] = {n: v for n, v in facts["headers"].items() if n in ("authorization", "api-key") or n.startswith("x-amz")}
    return found


BOTH: dict[str, dict[str, Any]] = {
    "bedrock": {"region": "us-east-1", "api_key": "k"},
    "vertex": {"token_provider": lambda: "token"},
}


@pytest.mark.parametrize("name", BOTH)
def test_requests_are_those_of_the_official_client(recorder: Recorder, name: str) -> None:
    openai = pytest.importorskip("openai")
    options = {**BOTH[name], "base_url": recorder.url}
    theirs = sent_by(recorder, openai.OpenAI(provider=getattr(openai.providers, name)(**options), max_retries=0))
    ours = sent_by(recorder, oxide.Client(provider=getattr(providers, name)(**options), max_retries=0))
    assert ours == theirs
    assert all(facts["headers"]["authorization"].startswith("Bearer ") for facts in ours)


MAKES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    # provider, arguments, environment: the same URL, or an error, in both
    ("bedrock", {"region": "us-east-1", "api_key": "k"}, {}),
    ("bedrock", {"endpoint": "runtime", "region": "us-gov-west-1", "api_key": "k"}, {}),
    ("bedrock", {"endpoint": "runtime", "region": "us-iso-east-1", "api_key": "k"}, {}),
    ("bedrock", {"api_key": "k"}, {"AWS_REGION": "eu-west-1"}),
    ("bedrock", {"api_key": "k"}, {"AWS_DEFAULT_REGION": "eu-west-2"}),
    ("bedrock", {}, {"AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "eu-west-1"}),
    ("bedrock", {"base_url": "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1/responses", "api_key": "k"}, {}),
    ("bedrock", {"api_key": "k"}, {"AWS_BEDROCK_BASE_URL": "https://proxy.test/v1/"}),
    ("bedrock", {"api_key": "k", "base_url": None, "region": "us-east-1"}, {"AWS_BEDROCK_BASE_URL": "https://proxy.test/v1/"}),
    ("bedrock", {"api_key": "k", "base_url": "https://bedrock-mantle.us-east-1.api.aws/openai/v1"}, {"AWS_REGION": "eu-west-1"}),
    ("bedrock", {"api_key": "k", "region": "nowhere"}, {}),
    ("bedrock", {"api_key": "k"}, {}),
    ("bedrock", {"api_key": "k", "token_provider": lambda: "k", "region": "us-east-1"}, {}),
    ("bedrock", {"api_key": "k", "profile": "p", "region": "us-east-1"}, {}),
    ("bedrock", {"access_key_id": "a", "region": "us-east-1"}, {}),
    ("bedrock", {"session_token": "a", "region": "us-east-1"}, {}),
    ("bedrock", {"api_key": "k", "endpoint": "other", "region": "us-east-1"}, {}),
    ("bedrock", {"api_key": "k", "base_url": "http://bedrock-mantle.us-east-1.api.aws/openai/v1"}, {}),
    ("bedrock", {"api_key": "k", "endpoint": "runtime", "base_url": "https://bedrock-mantle.us-east-1.api.aws/openai/v1"}, {}),
    ("bedrock", {"api_key": "k", "region": "eu-west-1", "base_url": "https://bedrock-mantle.us-east-1.api.aws/openai/v1"}, {}),
    ("vertex", {"project": "p", "location": "us-central1", "token_provider": lambda: "t"}, {}),
    ("vertex", {"token_provider": lambda: "t"}, {"GOOGLE_CLOUD_PROJECT": "a.com:p", "GOOGLE_CLOUD_LOCATION": "global"}),
    ("vertex", {"location": "global", "token_provider": lambda: "t"}, {}),
    ("vertex", {"project": "p", "token_provider": lambda: "t"}, {}),
    ("vertex", {"project": "../p", "location": "global", "token_provider": lambda: "t"}, {}),
    ("vertex", {"base_url": "http://x.googleapis.com/v1", "token_provider": lambda: "t"}, {}),
    ("vertex", {"base_url": "https://x.test/v1?a=b", "token_provider": lambda: "t"}, {}),
    ("vertex", {"project": "p", "location": "global", "token_provider": lambda: "t", "credentials": object()}, {}),
]


@pytest.mark.parametrize(("name", "arguments", "environment"), MAKES, ids=lambda value: str(value)[:60])
def test_a_provider_is_made_as_the_official_one_is(
    name: str, arguments: dict[str, Any], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    openai = pytest.importorskip("openai")
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)

    def url(package: Any, make: Any) -> str | None:
        try:
            return str(package.OpenAI(provider=make(**arguments)).base_url).rstrip("/")
        except (openai.OpenAIError, oxide.ConfigurationError):
            return None

    theirs = url(openai, getattr(openai.providers, name))
    assert url(oxide, getattr(providers, name)) == theirs


# ------------------------------------------------------------------------------------------------ bodies
def sent_body(provider: Any, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> dict[str, Any]:
    client, world = client_of(in_clear(provider), [answer(200, CHAT)], monkeypatch=monkeypatch)
    client.chat.completions.create(**{"model": "anthropic/claude-x", "messages": MESSAGES, **arguments})
    body: dict[str, Any] = json.loads(asked(world)[0].body)
    return body


PREFERENCES = providers.ProviderPreferences
WISHES: list[tuple[PREFERENCES, dict[str, Any]]] = [
    (PREFERENCES.pinned("Anthropic"), {"only": ["Anthropic"], "allow_fallbacks": False, "require_parameters": True}),
    (PREFERENCES.prefer("A", "B"), {"order": ["A", "B"]}),
    (PREFERENCES.fast(), {"sort": "throughput"}),
    (PREFERENCES.cheap(), {"sort": "price"}),
    (
        PREFERENCES(zdr=True, max_price={"prompt": 1}, quantizations=["fp8"]),
        {"zdr": True, "max_price": {"prompt": 1}, "quantizations": ["fp8"]},
    ),
]


@pytest.mark.parametrize(("preferences", "expected"), WISHES)
def test_preferences_go_into_the_body(preferences: Any, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    provider = providers.openrouter(KEY, preferences=preferences)
    assert sent_body(provider, monkeypatch)["provider"] == expected == preferences
    own = {"provider": {"only": ["Mine"]}}
    assert sent_body(provider, monkeypatch, extra_body=own)["provider"] == own["provider"]


def test_raw_verbs_tell_preferences_too_and_other_paths_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = in_clear(providers.openrouter(KEY, preferences=PREFERENCES.fast()))
    client, world = client_of(provider, [answer(200, {})] * 3, monkeypatch=monkeypatch)
    body = {"model": "m"}
    client.post("/chat/completions", body=body)
    client.post("/credits/coinbase", body=body)
    client.get("/models")
    assert body == {"model": "m"}
    found = [json.loads(sent.body) if sent.body else None for sent in asked(world)]
    assert found == [{"model": "m", "provider": {"sort": "throughput"}}, {"model": "m"}, None]


LONG = {"type": "ephemeral", "ttl": "1h"}
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
]


def test_hints_mark_the_instructions_and_the_last_message(monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.dumps(TALK)
    for provider in (providers.anthropic(KEY, cache="1h"), providers.openrouter(KEY, cache="1h")):
        messages = sent_body(provider, monkeypatch, messages=TALK)["messages"]
        assert messages[0]["content"] == [{"type": "text", "text": "Be brief.", "cache_control": LONG}]
        assert messages[1:3] == TALK[1:3]
        assert messages[3]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": LONG}]
    assert json.dumps(TALK) == before, "what was passed is not touched"


def test_hints_are_for_anthropics_models_and_for_unmarked_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    router = providers.openrouter(KEY, cache="5m")
    assert sent_body(router, monkeypatch, model="openai/gpt", messages=TALK)["messages"] == TALK
    marked = [providers.cached({"role": "user", "content": "x"}), *TALK]
    assert sent_body(router, monkeypatch, messages=marked)["messages"] == marked
    with pytest.raises(oxide.ConfigurationError, match="'5m' or '1h'"):
        providers.openrouter(KEY, cache="1d")  # type: ignore[arg-type]  # that is the point


def test_what_cannot_be_marked_is_left_alone() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": []}
    assert providers.cached(call) == call
    assert providers.cached({"role": "user", "content": ["x"]}) == {"role": "user", "content": ["x"]}
    assert providers.cache_control() == {"type": "ephemeral"}
    assert [providers.is_anthropic_model(m) for m in ("claude-x", "anthropic/claude-x", "gpt", None)] == [True, True, False, False]
    assert [providers.supports_assistant_prefill(m) for m in ("gpt", "claude-haiku", "claude-opus")] == [True, True, False]


# ------------------------------------------------------------------------------------------------ options
def test_a_server_on_this_machine_wants_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]/v1", "unix:///run/model.sock"):
        assert oxide.Client(base_url=url).api_key is None
        assert providers.local(url).key is None
    for make in (lambda: oxide.Client(base_url="http://other.test/v1"), lambda: providers.local("http://other.test/v1")):
        with pytest.raises(oxide.ConfigurationError, match="key"):
            make()
    world = world_of([answer(200, RESPONSE)])
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: world)
    oxide.Client(base_url="http://127.0.0.1/v1", proxy=None).responses.create(model="m", input="x")
    assert "authorization" not in asked(world)[0].headers


CLASHES: list[dict[str, Any]] = [
    {"api_key": "k"},
    {"admin_api_key": "k"},
    {"base_url": "https://x.test"},
    {"data_residency": "eu"},
    {"workload_identity": {"type": "x509", "identity_provider_id": "i", "service_account_id": "s"}},
]


@pytest.mark.parametrize("options", CLASHES, ids=lambda options: str(*options))
def test_what_the_provider_answers_for_is_not_passed_beside_it(options: dict[str, Any]) -> None:
    with pytest.raises(oxide.ConfigurationError, match=next(iter(options))):
        oxide.Client(provider=providers.openrouter(KEY), **options)
    with pytest.raises(oxide.ConfigurationError, match="provider"):
        oxide.AzureOpenAI(azure_endpoint="https://x.test", api_version="v", api_key="k", provider=providers.openrouter(KEY))  # type: ignore[call-arg]


def test_a_provider_is_made_by_its_function() -> None:
    with pytest.raises(oxide.ConfigurationError, match="made by a function"):
        oxide.Client(provider="openrouter")  # type: ignore[arg-type]  # that is the point
    for make in (providers.openrouter, providers.anthropic, providers.cloudflare_gateway, lambda: providers.cloudflare("acc")):
        with pytest.raises(oxide.ConfigurationError):
            make()


def test_copies_keep_the_provider_or_take_another() -> None:
    client = oxide.Client(provider=providers.openrouter(KEY), timeout=3)
    assert client.with_options(max_retries=0)._settings.api_key == KEY
    other = client.with_options(provider=providers.anthropic("other"))
    assert (other._settings.host, other._settings.api_key, other.timeout) == ("anthropic", "other", oxide.Timeout(3))
    plain = oxide.Client(api_key="k", base_url="http://x.test").with_options(provider=providers.local("http://127.0.0.1/v1"))
    assert (plain.base_url, plain.api_key) == ("http://127.0.0.1/v1", None)
    with pytest.raises(oxide.ConfigurationError, match="redirects"):
        client.with_options(provider=providers.bedrock(**AWS), redirects="any")


def test_a_hedged_client_keeps_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of(in_clear(providers.bedrock(**AWS)), [answer(200, RESPONSE)], monkeypatch=monkeypatch)
    client.hedged(delay=5).responses.create(model="m", input="x")
    assert asked(world)[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


@pytest.mark.parametrize("host", ["openrouter", "cloudflare's gateway", "bedrock, signed", "anthropic"])
def test_pickles_and_pictures_show_no_secret(host: str) -> None:
    provider = HOSTS[host][0]()
    client = oxide.Client(provider=provider)
    for thing in (provider, client, vars(client), client._settings.fields, client.default_headers, client._settings.default_headers):
        assert_silent(repr(thing))
    again = pickle.loads(pickle.dumps(client))
    assert again.base_url == client.base_url
    assert again._settings.api_key == client._settings.api_key


@pytest.mark.parametrize("kind", [oxide.Client, oxide.AsyncClient])
@pytest.mark.parametrize("host", ["openrouter", "cloudflare's gateway", "bedrock", "bedrock, signed", "anthropic", "vertex"])
def test_a_failure_shows_no_secret(host: str, kind: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "oxide")
    client = kind(provider=in_clear(HOSTS[host][0]()), proxy=None, max_retries=0, timeout=0.001, limits=oxide.Limits(max_connections=1))
    world = world_of(ConnectionResetError(104, "reset"))
    transport = client._shared.transport
    client._shared.transport = lambda place, _: transport(place, lambda: world)
    client._shared._transports.clear()
    client._begin()

    async def story() -> None:
        await client.responses.create(model="m", input="x")

    with pytest.raises(oxide.APIConnectionError) as caught:
        client.responses.create(model="m", input="x") if kind is oxide.Client else asyncio.run(story())
    assert_silent(shown(caught.value))
    assert_silent(repr(pickle.dumps(caught.value)))
    assert_silent(caplog.text)


MISTAKES: list[Any] = [
    lambda: providers.openrouter(KEY, cache="1d"),  # type: ignore[arg-type]
    lambda: providers.cloudflare(None, KEY),
    lambda: providers.cloudflare_gateway("acc", gateway_token=KEY, cache_ttl=-1),
    lambda: providers.local("nowhere", KEY) and oxide.Client(provider=providers.local("nowhere", KEY)),
    lambda: providers.bedrock(region="us-east-1", access_key_id="", secret_access_key=KEY),
    lambda: providers.bedrock(region="x", access_key_id="a", secret_access_key=KEY, session_token=KEY),
    lambda: providers.bedrock(region="us-east-1", api_key=KEY, profile="p"),
    lambda: oxide.BedrockOpenAI(aws_region="x", aws_access_key_id="a", aws_secret_access_key=KEY),
]


@pytest.mark.parametrize("make", MISTAKES)
def test_a_provider_that_cannot_be_made_shows_no_secret(make: Any) -> None:
    with pytest.raises(oxide.ConfigurationError) as caught:
        make()
    assert_silent(shown(caught.value))
