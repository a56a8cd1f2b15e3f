"""The API without a client of one's own: options that are set on the package, and looked at in each call."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import oxide
from oxide import _module_client
from tests.exchange._story import RESPONSE, answer, asked, world_of
from tests.exchange.test_secrets import assert_silent, shown
from tests.house.test_import_budget import loaded_by

GOOD = answer(200, RESPONSE)
SECRET = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def nothing_set() -> Iterator[None]:
    """Forget what is set on the package, and the client that was made of it."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    for name in _module_client.OPTIONS:
        vars(oxide).pop(name, None)
    _module_client.namespaces._caller._client = None


def world(monkeypatch: pytest.MonkeyPatch, *connections: Any, **options: Any) -> Any:
    """Set options on the package, and return the world in which its client lives."""
    for name, value in {"api_key": SECRET, "base_url": "http://api.test/v1", **options}.items():
        setattr(oxide, name, value)
    made = world_of(*connections)
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: made)
    return made


def create() -> Any:
    return oxide.responses.create(model="m", input="Hello")


def test_options_of_the_package_are_those_of_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    own: dict[str, Any] = {"default_headers": {"X-A": "1"}, "default_query": {"q": 1}, "organization": "o", "project": "p"}
    seen = world(monkeypatch, [answer(500), answer(500)], max_retries=1, **own)
    with pytest.raises(oxide.InternalServerError):
        create()
    first, second = asked(seen)
    assert first.target == second.target == "/v1/responses?q=1"
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    assert (first.headers["x-a"], first.headers["openai-organization"], first.headers["openai-project"]) == ("1", "o", "p")


def test_a_change_is_seen_by_the_next_call_over_the_same_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"X-A": "1"}
    seen = world(monkeypatch, [GOOD, GOOD, GOOD, GOOD], default_headers=headers)
    responses = oxide.responses
    create()
    oxide.api_key = "another"
    responses.create(model="m", input="Hello")
    headers["X-A"] = "2"
    create()
    oxide.api_key = lambda: "asked"
    create()
    assert len(seen.streams) == 1
    told = [(sent.headers["authorization"], sent.headers["x-a"]) for sent in asked(seen)]
    assert told == [(f"Bearer {SECRET}", "1"), ("Bearer another", "1"), ("Bearer another", "2"), ("Bearer asked", "2")]


def test_a_timeout_of_none_is_no_limit_and_one_left_alone_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = world(monkeypatch, [10_000.0, GOOD], timeout=None)
    create()
    assert seen.clock == 10_000
    del oxide.timeout
    assert oxide.timeout == oxide.DEFAULT_TIMEOUT
    assert _module_client.namespaces._caller.client().timeout == oxide.Timeout()


def test_namespaces_may_be_imported_before_there_is_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide import responses

    with pytest.raises(oxide.ConfigurationError, match="OPENAI_API_KEY"):
        responses.create(model="m", input="Hello")
    seen = world(monkeypatch, [GOOD])
    assert responses.create(model="m", input="Hello").id == "resp_1"
    assert len(asked(seen)) == 1


def test_raw_answers_and_pages_go_through_the_same_client(monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"object": "list", "data": [{"id": "f", "object": "file"}], "has_more": False}
    world(monkeypatch, [GOOD, answer(200, page)])
    raw = oxide.responses.with_raw_response.create(model="m", input="Hello")
    assert raw.status_code == 200
    assert raw.parse().id == "resp_1"
    assert [file.id for file in oxide.files.list()] == ["f"]


def test_many_threads_make_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    world(monkeypatch)
    clients: list[object] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait(5)
        clients.append(_module_client.namespaces._caller.client())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(clients) == 8
    assert len(set(map(id, clients))) == 1


def test_no_key_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    world(monkeypatch, [answer(500)], max_retries=0)
    with pytest.raises(oxide.InternalServerError) as caught:
        create()
    assert_silent(shown(caught.value))
    oxide.base_url = "nowhere"
    with pytest.raises(oxide.ConfigurationError) as refused:
        create()
    assert_silent(shown(refused.value))
    caller = _module_client.namespaces._caller
    assert_silent(repr(oxide.responses) + repr(caller) + repr(caller._client) + repr(caller._options))


# ------------------------------------------------------------------------------------------------ hosts
AZURE = {"azure_endpoint": "http://azure.test", "api_version": "v"}
HOSTS: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    # title, options, environment, the name of the client's class or what is told
    ("nothing but a key", {}, {}, "Client"),
    ("an endpoint", AZURE, {}, "AzureOpenAI"),
    ("a token", {"azure_ad_token": "t", "api_version": "v", "api_key": None}, {"AZURE_OPENAI_ENDPOINT": "http://x"}, "AzureOpenAI"),
    ("the environment", {"api_version": "v"}, {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "http://x"}, "AzureOpenAI"),
    ("the type", {"api_type": "azure", **AZURE}, {"OPENAI_API_KEY": "k"}, "AzureOpenAI"),
    ("the type in the environment", AZURE, {"OPENAI_API_KEY": "k", "OPENAI_API_TYPE": "azure"}, "AzureOpenAI"),
    ("the other type", {"api_type": "openai", **AZURE}, {}, "Client"),
    ("two hosts", AZURE, {"OPENAI_API_KEY": "k"}, "two hosts"),
    ("a host that there is not", {"api_type": "amazon-bedrock"}, {}, "'openai' or 'azure'"),
    ("another HTTP client", {"http_client": object()}, {}, "hooks="),
]


@pytest.mark.parametrize(("title", "options", "environment", "outcome"), HOSTS, ids=[row[0] for row in HOSTS])
def test_the_host_is_the_one_there_are_credentials_for(
    title: str, options: dict[str, Any], environment: dict[str, str], outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, value in {"api_key": "k", **options}.items():
        setattr(oxide, name, value)
    caller = _module_client.namespaces._caller
    if outcome in ("Client", "AzureOpenAI"):
        assert type(caller.client()).__name__ == outcome
    else:
        with pytest.raises(oxide.ConfigurationError, match=outcome):
            caller.client()


# ------------------------------------------------------------------------------------------------ the package
def test_options_that_were_not_set_have_their_defaults() -> None:
    assert oxide.max_retries == 2
    assert oxide.timeout == oxide.Timeout()
    assert {getattr(oxide, name) for name in _module_client.OPTIONS if name not in ("max_retries", "timeout")} == {None}


def test_the_package_knows_its_options_and_namespaces() -> None:
    assert set(oxide._SETTABLE.split()) == set(_module_client.OPTIONS)
    assert set(_module_client.NAMES) | set(_module_client.OPTIONS) <= set(dir(oxide))
    assert {"responses", "chat", "files", "admin"} < set(_module_client.NAMES)


def test_checkers_know_the_namespaces_of_the_package() -> None:
    from oxide.resources import _module_level

    assert set(_module_level.__all__) == set(_module_client.NAMES)


def test_setting_an_option_loads_nothing() -> None:
    assert loaded_by("import oxide", "oxide.api_key = 'k'", "oxide.base_url = 'http://x'") == ["oxide"]


def test_touching_one_namespace_loads_no_other() -> None:
    names = loaded_by("import oxide", "oxide.api_key = 'k'", "oxide.files")
    assert [name for name in names if name.startswith("oxide.resources.") and not name.partition("resources.")[2].startswith("_")] == [
        "oxide.resources.files"
    ]
    assert not [name for name in names if "responses" in name]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_was_forked_while_a_client_was_made_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    world(monkeypatch)
    oxide.api_key = "k"
    caller = _module_client.namespaces._caller
    with caller._mutex:  # as another thread may hold it, which the child has not got
        child = os.fork()
        if not child:
            signal.alarm(5)
            os._exit(0 if caller.client() is not None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
