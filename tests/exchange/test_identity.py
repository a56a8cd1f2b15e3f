"""Workload identity: what is exchanged for what, how often, by whom, and what happens where that fails."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import oxide
from oxide import auth
from tests.exchange._story import KEY, RESPONSE, answer, asked, failed, world_of
from tests.exchange.test_secrets import assert_silent, shown
from tests.wire.recorder import Recorder

SUBJECT = "subject-token-of-mine"
EXCHANGE = "http://auth.test/oauth/token"


def identity(get_token: Any = lambda: SUBJECT, **more: Any) -> auth.WorkloadIdentity:
    provider = auth.SubjectTokenProvider(token_type="jwt", get_token=get_token)
    return auth.WorkloadIdentity(identity_provider_id="idp", service_account_id="acc", provider=provider, **more)


def granted(token: str = KEY, seconds: float = 3600) -> bytes:
    return answer(200, {"access_token": token, "expires_in": seconds, "token_type": "Bearer"})


def client_of(*connections: Any, monkeypatch: pytest.MonkeyPatch, given: Any = None, **options: Any) -> tuple[oxide.Client, Any]:
    """A client whose first connection leads to the place where tokens are exchanged."""
    world = world_of(*connections)
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: world)
    tokens = auth.WorkloadIdentityAuth(given or identity(), token_exchange_url=EXCHANGE)
    usual = {"workload_identity": tokens, "base_url": "http://api.test/v1", "proxy": None, "max_retries": 0}
    return oxide.Client(**{**usual, "limits": oxide.Limits(keepalive_expiry=1e9), **options}), world


def create(client: Any) -> Any:
    return client.responses.create(model="m", input="x")


def keys(world: Any) -> list[str]:
    return [sent.headers["authorization"] for sent in asked(world) if "authorization" in sent.headers]


def exchanges(world: Any) -> list[dict[str, Any]]:
    return [json.loads(sent.body) for sent in asked(world) if sent.target == "/oauth/token"]


def test_a_token_is_exchanged_once_and_used_until_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([granted("one"), granted("two")], [answer(200, RESPONSE)] * 4, monkeypatch=monkeypatch)
    create(client)
    create(client.with_options(timeout=5))
    world.clock += 2399  # of 3600 seconds, 1200 before the end
    create(client)
    world.clock += 2
    create(client)
    assert keys(world) == ["Bearer one"] * 3 + ["Bearer two"]
    assert (
        exchanges(world)
        == [
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": SUBJECT,
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "identity_provider_id": "idp",
                "service_account_id": "acc",
            }
        ]
        * 2
    )
    names = {name for sent in asked(world) if sent.target == "/oauth/token" for name in sent.headers}
    assert names.isdisjoint(("authorization", "openai-organization", "idempotency-key"))


RENEWALS: list[tuple[dict[str, Any], float, float]] = [
    # of the identity, seconds that a token holds, seconds after which another one is exchanged
    ({}, 3600, 2400),
    ({}, 600, 300),
    ({"refresh_buffer_seconds": 60}, 600, 540),
    ({"refresh_buffer_seconds": 0}, 600, 600),
]


@pytest.mark.parametrize(("more", "holds", "after"), RENEWALS)
def test_a_token_is_renewed_before_its_end(more: dict[str, Any], holds: float, after: float, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [granted("one", holds), granted("two", holds)], [answer(200, RESPONSE)] * 3
    client, world = client_of(*replies, monkeypatch=monkeypatch, given=identity(**more))
    create(client)
    world.clock += after - 1
    create(client)
    world.clock += 2
    create(client)
    assert keys(world) == ["Bearer one", "Bearer one", "Bearer two"]


def test_a_token_that_cannot_be_renewed_is_used_until_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of(
        [granted("one"), failed(503), failed(503), failed(503), granted("two")], [answer(200, RESPONSE)] * 4, monkeypatch=monkeypatch
    )
    create(client)
    world.clock += 2500
    create(client)  # three refusals
    create(client)  # none: it waits before it asks again
    world.clock += 31
    create(client)
    assert keys(world) == ["Bearer one"] * 3 + ["Bearer two"]
    assert len(exchanges(world)) == 5


def test_a_token_that_the_api_refuses_is_exchanged_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [granted("one"), granted("two"), granted("three")]
    client, world = client_of(tokens, [failed(401), answer(200, RESPONSE)], monkeypatch=monkeypatch)
    create(client)
    assert keys(world) == ["Bearer one", "Bearer two"]
    client, world = client_of(tokens, [failed(401)] * 3, monkeypatch=monkeypatch)
    with pytest.raises(oxide.AuthenticationError):
        create(client)
    assert keys(world) == ["Bearer one", "Bearer two"]


def test_a_call_with_a_key_of_its_own_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-used")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin")
    client, world = client_of([answer(200, {}), answer(200, {"id": "p"})], monkeypatch=monkeypatch)
    client.get("/x", extra_headers={"Authorization": "mine"})
    client.admin.organization.projects.retrieve("p")
    assert keys(world) == ["mine", "Bearer admin"]


FAILURES: list[tuple[Any, type[Exception], str]] = [
    (answer(400, {"error": "invalid_grant", "error_description": "unknown subject"}), oxide.OAuthError, "unknown subject"),
    (answer(401, b"nothing"), oxide.OAuthError, "not exchanged"),
    (answer(403, {"error": "denied"}), oxide.OAuthError, "not exchanged"),
    (answer(404, b""), oxide.NotFoundError, "404"),
    (answer(307, b"", location="http://evil.test/"), oxide.APIStatusError, "307"),
    (answer(200, b""), oxide.OxideError, "expires_in"),
    (answer(200, b"[]"), oxide.OxideError, "expires_in"),
    (answer(200, {"access_token": "t"}), oxide.OxideError, "expires_in"),
    (answer(200, {"access_token": "t", "expires_in": True}), oxide.OxideError, "expires_in"),
    (answer(200, {"access_token": "t", "expires_in": 0}), oxide.OxideError, "expires_in"),
    (answer(200, {"access_token": "", "expires_in": 9}), oxide.OxideError, "access_token"),
    (answer(200, {"access_token": "a\nb", "expires_in": 9}), oxide.ConfigurationError, "white space"),
    (1e9, oxide.APITimeoutError, "10 s"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), FAILURES)
def test_an_exchange_that_fails_is_told(reply: Any, kind: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([reply], [reply], [reply], monkeypatch=monkeypatch)
    with pytest.raises(kind, match=words) as caught:
        create(client)
    assert keys(world) == []
    assert SUBJECT not in shown(caught.value)
    assert SUBJECT not in repr(pickle.dumps(caught.value))


@pytest.mark.parametrize("made", [{"expires_in": 0}, {"expires_in": "soon"}, {"access_token": f"{KEY} cut"}], ids=str)
def test_an_answer_that_is_not_to_be_used_is_not_shown_either(made: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    reply = answer(200, json.dumps({"access_token": KEY, "expires_in": 3600, **made}).encode())
    client, _ = client_of([reply], monkeypatch=monkeypatch, max_retries=0)
    with pytest.raises(oxide.OxideError) as caught:
        create(client)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    assert [frame.name for frame in frames if "workload" in frame.filename and KEY in str(frame.locals)] == []


def test_the_error_of_a_refusal_tells_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = client_of([answer(400, {"error": "invalid_grant", "error_description": "unknown"})], monkeypatch=monkeypatch)
    with pytest.raises(oxide.OAuthError) as caught:
        create(client)
    again = pickle.loads(pickle.dumps(caught.value))
    for error in (caught.value, again):
        assert isinstance(error, oxide.AuthenticationError)
        assert (error.error, error.status_code, str(error)) == ("invalid_grant", 400, "unknown")


def test_the_deadline_of_the_call_holds_for_the_exchange_too(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([1e9], monkeypatch=monkeypatch, timeout=oxide.Timeout(total=2))
    with pytest.raises(oxide.APITimeoutError, match="2 s"):
        create(client)
    assert world.clock < 3


# ------------------------------------------------------------------------------------------------ many at once
@pytest.fixture
def place() -> Iterator[tuple[str, list[bytes], threading.Event]]:
    """Return the URL of a place where tokens are exchanged, what it was asked, and what lets it answer."""
    taken: list[bytes] = []
    open_ = threading.Event()

    class Place(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["content-length"])))
            open_.wait(10)
            body = json.dumps({"access_token": f"token-{len(taken)}", "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Place)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/oauth/token", taken, open_
    open_.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_many_threads_exchange_one_token(place: tuple[str, list[bytes], threading.Event]) -> None:
    url, taken, open_ = place
    with Recorder() as recorder:
        tokens = auth.WorkloadIdentityAuth(identity(), token_exchange_url=url)
        with oxide.Client(workload_identity=tokens, base_url=recorder.url) as client:
            threads = [threading.Thread(target=create, args=(client,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            open_.set()
            for thread in threads:
                thread.join(10)
        assert len(taken) == 1
        assert [request.headers["authorization"] for request in recorder.take()] == ["Bearer token-1"] * 8


def test_many_tasks_exchange_one_token_and_the_loop_goes_on(place: tuple[str, list[bytes], threading.Event]) -> None:
    url, taken, open_ = place
    waiting = threading.Event()

    def slow() -> str:
        waiting.wait(10)
        return SUBJECT

    async def story(base_url: str) -> None:
        tokens = auth.WorkloadIdentityAuth(identity(slow), token_exchange_url=url)
        async with oxide.AsyncClient(workload_identity=tokens, base_url=base_url) as client:
            calls = [asyncio.ensure_future(create(client)) for _ in range(8)]
            for _ in range(20):
                await asyncio.sleep(0)  # the loop is free while a thread waits for the subject token
            calls[0].cancel()  # the one that exchanges: another takes over
            waiting.set()
            open_.set()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [isinstance(result, asyncio.CancelledError) for result in results] == [True] + [False] * 7

    with Recorder() as recorder:
        asyncio.run(story(recorder.url))
        sent = {request.headers["authorization"] for request in recorder.take()}
    assert len(taken) == 1
    assert sent == {"Bearer token-1"}


def test_those_who_wait_share_the_failure() -> None:
    asked_for: list[int] = []

    async def slow() -> str:
        asked_for.append(1)
        await asyncio.sleep(0.01)
        raise auth.SubjectTokenProviderError("not here")

    async def story() -> list[Any]:
        async with oxide.AsyncClient(workload_identity=identity(slow), base_url="http://127.0.0.1:9/v1", proxy=None) as client:
            return await asyncio.gather(*(create(client) for _ in range(4)), return_exceptions=True)

    errors = asyncio.run(story())
    assert [str(error) for error in errors] == ["not here"] * 4
    assert len({id(error) for error in errors}) == 4, "each has a traceback of its own"
    assert len(asked_for) == 1


# ------------------------------------------------------------------------------------------------ subject tokens
def test_the_token_of_a_pod_is_read_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f" {SUBJECT}\n")
    provider = auth.k8s_service_account_token_provider(path)
    assert provider["get_token"]() == SUBJECT
    given = auth.WorkloadIdentity(identity_provider_id="idp", service_account_id="acc", provider=provider)
    client, world = client_of([granted()], [answer(200, RESPONSE)], monkeypatch=monkeypatch, given=given)
    create(client)
    assert exchanges(world)[0]["subject_token"] == SUBJECT
    for text in ("", None):
        path.unlink() if text is None else path.write_text(text)
        with pytest.raises(auth.SubjectTokenProviderError, match="token file"):
            provider["get_token"]()


METADATA: list[tuple[Callable[[], auth.SubjectTokenProvider], bytes, str, str, str]] = [
    # provider, answer, the kind of token, what is asked, with which field
    (
        lambda: auth.azure_managed_identity_token_provider(client_id="c"),
        answer(200, {"access_token": SUBJECT}),
        "jwt",
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F&client_id=c",
        "metadata: true",
    ),
    (
        auth.gcp_id_token_provider,
        answer(200, f"{SUBJECT}\n".encode()),
        "id_token",
        "/computeMetadata/v1/instance/service-accounts/default/identity?audience=https%3A%2F%2Fapi.openai.com%2Fv1",
        "metadata-flavor: Google",
    ),
]


@pytest.mark.parametrize(("make", "reply", "kind", "target", "field"), METADATA)
def test_the_machine_tells_who_this_is(
    make: Callable[[], auth.SubjectTokenProvider], reply: bytes, kind: str, target: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:1")  # which knows nothing of this machine
    given = auth.WorkloadIdentity(identity_provider_id="idp", service_account_id="acc", provider=make())
    client, world = client_of([reply], [granted()], [answer(200, RESPONSE)], monkeypatch=monkeypatch, given=given)
    create(client)
    first = asked(world)[0]
    name, _, value = field.partition(": ")
    assert (first.method, first.target, first.headers[name]) == ("GET", target, value)
    assert exchanges(world)[0]["subject_token"] == SUBJECT
    assert exchanges(world)[0]["subject_token_type"] == f"urn:ietf:params:oauth:token-type:{kind}"
    for bad in (answer(404, b"no"), answer(200, b"{}" if kind == "jwt" else b" "), answer(200, b"{" if kind == "jwt" else b"\xff")):
        client, _ = client_of([bad], monkeypatch=monkeypatch, given=given)
        with pytest.raises(auth.SubjectTokenProviderError):
            create(client)


def test_metadata_can_be_asked_for_without_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder() as recorder:
        monkeypatch.setattr("oxide._providers.subject.GCP_URL", f"{recorder.url}/identity")
        token = auth.gcp_id_token_provider("me")["get_token"]()
        assert isinstance(token, str)
        (request,) = recorder.take()
    assert (request.target, request.headers["metadata-flavor"]) == ("/v1/identity?audience=me", "Google")


# ------------------------------------------------------------------------------------------------ options
MISTAKES: list[tuple[Any, str]] = [
    ("token", "must be a dict"),
    ({}, "identity_provider_id, service_account_id, provider with get_token"),
    ({**identity(), "provider": {"token_type": "jwt"}}, "get_token"),
    ({**identity(), "provider": {"token_type": "saml", "get_token": str}}, "'jwt' or 'id'"),
    (identity(refresh_buffer_seconds=-1), "refresh_buffer_seconds"),
    ({**auth.x509_workload_identity(identity_provider_id="i", service_account_id="s"), "provider": {}}, "no provider"),
]


@pytest.mark.parametrize(("value", "words"), MISTAKES)
def test_an_identity_that_cannot_be_is_refused(value: Any, words: str) -> None:
    for kind in (oxide.Client, oxide.AsyncClient):
        with pytest.raises(oxide.ConfigurationError, match=words):
            kind(workload_identity=value)


def test_a_key_and_an_identity_are_two_things() -> None:
    with pytest.raises(oxide.ConfigurationError, match="not both"):
        oxide.Client(api_key="k", workload_identity=identity())
    client = oxide.Client(workload_identity=identity())
    assert client.with_options(api_key="k").api_key == "k"
    assert client.with_options(timeout=3)._settings.authority is client._settings.authority


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://mtls.api.openai.com/v1"),
        ({"data_residency": "eu"}, "https://mtls-eu.api.openai.com/v1"),
        ({"base_url": "https://mine.test/v1"}, "https://mine.test/v1"),
    ],
)
def test_a_certificate_says_who_this_is(options: dict[str, Any], url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = auth.x509_workload_identity(identity_provider_id="idp", service_account_id="acc", refresh_buffer_seconds=5)
    assert oxide.Client(workload_identity=given, **options).base_url == url
    client, world = client_of([granted()], [answer(200, RESPONSE)], monkeypatch=monkeypatch, given=given)
    create(client)
    (sent,) = exchanges(world)
    assert sent["subject_token_type"] == "urn:openai:params:oauth:token-type:x509"
    assert "subject_token" not in sent
    with pytest.raises(oxide.ConfigurationError, match="data_residency"):
        oxide.Client(workload_identity=given, data_residency="jp")


def test_pickles_and_pictures_show_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    given = auth.x509_workload_identity(identity_provider_id="idp", service_account_id="acc")
    client, _ = client_of([granted()], [answer(200, RESPONSE)], monkeypatch=monkeypatch, given=given)
    create(client)
    authority: Any = client._settings.authority
    for thing in (authority, client, vars(client), authority._held.text):
        assert_silent(repr(thing))
    again = pickle.loads(pickle.dumps(client))
    assert_silent(repr(pickle.dumps(client)))
    assert again._settings.authority.identity == given


def test_a_call_that_fails_shows_no_token(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "oxide")
    client, _ = client_of([granted()], [ConnectionResetError(104, "reset")], monkeypatch=monkeypatch)
    with pytest.raises(oxide.APIConnectionError) as caught:
        create(client)
    told = shown(caught.value) + caplog.text + repr(pickle.dumps(caught.value))
    assert_silent(told)
    assert SUBJECT not in told


def test_the_exchange_is_that_of_the_official_client(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = pytest.importorskip("openai")
    from openai.auth import _workload

    client, world = client_of([granted()], [answer(200, RESPONSE)], monkeypatch=monkeypatch)
    create(client)
    sent: list[dict[str, Any]] = []
    with Recorder() as recorder:
        theirs = openai.auth.WorkloadIdentityAuth(workload_identity=identity(), token_exchange_url=f"{recorder.url}/oauth/token")
        monkeypatch.setattr(theirs, "_handle_token_response", lambda _: {"access_token": "t", "expires_in": 3600.0})
        theirs.get_token()
        sent += [json.loads(request.body) for request in recorder.take()]
    assert exchanges(world) == sent
    ours = auth.WorkloadIdentityAuth(identity())
    assert ours.url == _workload.DEFAULT_TOKEN_EXCHANGE_URL
