"""Credentials of Google: when they are renewed, over whose connections, and what is shown where that fails."""

from __future__ import annotations

import asyncio
import pickle
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import oxide
from oxide import providers
from tests.exchange._story import KEY, RESPONSE, answer, asked, failed, world_of
from tests.exchange.test_secrets import assert_silent, shown
from tests.wire.recorder import Recorder

BASE = "http://vertex.test/v1"


class Credentials:
    """What google-auth has, as far as it is used."""

    requires_scopes = True

    def __init__(self, url: str = "", holds: float | None = 3600) -> None:
        self.url = url
        self.holds = holds
        self.token: str | None = None
        self.renewed: list[int] = []
        self.answers: list[Any] = []
        self.scopes: tuple[str, ...] = ()
        self.threads: set[int] = set()

    def with_scopes(self, scopes: tuple[str, ...]) -> Credentials:
        self.scopes, self.requires_scopes = scopes, False
        return self

    def refresh(self, request: Any) -> None:
        self.threads.add(threading.get_ident())
        self.renewed.append(1)
        if self.url:
            self.answers.append(request(self.url, method="POST", body="a=b", headers={"Content-Type": "text/x"}, timeout=3))
        self.token = f"{KEY}-{len(self.renewed)}"

    @property
    def expiry(self) -> datetime | None:
        return None if self.holds is None else datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(seconds=self.holds)


def client_of(credentials: Any, *connections: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[oxide.Client, Any]:
    world = world_of(*connections)
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: world)
    provider = providers.vertex(base_url=BASE, credentials=credentials)
    return oxide.Client(provider=provider, proxy=None, max_retries=0, limits=oxide.Limits(keepalive_expiry=1e9)), world


@pytest.mark.parametrize(("holds", "after"), [(3600, 3375), (200, 100), (None, 3375)])
def test_credentials_are_renewed_before_their_end(holds: float | None, after: float, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials(holds=holds)
    client, world = client_of(credentials, [answer(200, RESPONSE)] * 3, monkeypatch=monkeypatch)
    for seconds in (0, after - 3, 5):
        world.clock += seconds
        client.responses.create(model="m", input="x")
    assert [sent.headers["authorization"] for sent in asked(world)] == [f"Bearer {KEY}-{n}" for n in (1, 1, 2)]
    assert credentials.scopes == ("https://www.googleapis.com/auth/cloud-platform",)


def test_google_auth_asks_over_connections_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder() as recorder:
        credentials = Credentials(f"{recorder.url}/token")
        client, _ = client_of(credentials, [answer(200, RESPONSE)], monkeypatch=monkeypatch)
        client.responses.create(model="m", input="x")
        (request,) = recorder.take()
    assert (request.verb, request.target, request.body, request.headers["content-type"]) == ("POST", "/v1/token", b"a=b", "text/x")
    (found,) = credentials.answers
    assert (found.status, found.data[:1]) == (200, b"{")


def test_the_loop_goes_on_while_they_are_renewed() -> None:
    credentials = Credentials()
    world = world_of([answer(200, RESPONSE)])
    client = oxide.AsyncClient(provider=providers.vertex(base_url=BASE, credentials=credentials), proxy=None)
    transport = client._shared.transport
    client._shared.transport = lambda place, _: transport(place, lambda: world)  # type: ignore[method-assign]  # another world

    async def story() -> None:
        await client.responses.create(model="m", input="x")

    asyncio.run(story())
    assert credentials.threads.isdisjoint({threading.get_ident()})


def test_a_token_that_is_refused_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of(Credentials(), [failed(401), answer(200, RESPONSE)], monkeypatch=monkeypatch)
    client.responses.create(model="m", input="x")
    assert [sent.headers["authorization"][-1] for sent in asked(world)] == ["1", "2"]


class Broken(Credentials):
    def refresh(self, request: Any) -> None:
        secret = KEY
        raise ValueError(f"the private key {secret} is wrong")


def test_what_goes_wrong_there_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of(Broken(), [], monkeypatch=monkeypatch)
    with pytest.raises(oxide.ConfigurationError, match=r"\(ValueError\)") as caught:
        client.responses.create(model="m", input="x")
    assert_silent(shown(caught.value))
    assert asked(world) == []
    assert_silent(repr(client) + repr(client._settings.authority))


def test_without_google_auth_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "google.auth", None)
    client, _ = client_of(None, [], monkeypatch=monkeypatch)
    with pytest.raises(oxide.ConfigurationError, match="install google-auth"):
        client.responses.create(model="m", input="x")
    assert pickle.loads(pickle.dumps(client)).base_url == BASE
