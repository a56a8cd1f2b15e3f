"""Signature Version 4: AWS's own examples, a reader that checks what came over the wire, and whose keys are used."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import oxide
from oxide import providers
from oxide._providers.sigv4 import AwsKeys, _signing_key, canonical, sign
from tests.exchange._story import KEY, RESPONSE, Asked, answer, asked, chunk, failed, world_of
from tests.exchange.test_secrets import assert_silent, shown

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}
HERE = {"region": "us-east-1", "base_url": "http://bedrock.test:8080/openai/v1"}
EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture(autouse=True)
def no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "DEFAULT_REGION", "BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


# ------------------------------------------------------------------------------------------------ AWS's examples
def test_the_published_example_has_its_published_hashes() -> None:
    """The request to IAM with which the documentation of AWS explains each step."""
    fields = [
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("host", "iam.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    ]
    asked_ = canonical("GET", "/?Action=ListUsers&Version=2010-05-08", fields, "content-type;host;x-amz-date", EMPTY)
    digest = hashlib.sha256(asked_.encode()).hexdigest()
    assert digest == "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    key = _signing_key(AwsKeys("AKIDEXAMPLE", SECRET), "20150830/us-east-1/iam/aws4_request")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    text = f"AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n{digest}"
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    assert signature == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"


CANONICAL: list[tuple[str, str, str]] = [
    # target, its path and its query in the canonical request
    ("/", "/", ""),
    ("/openai/v1/responses", "/openai/v1/responses", ""),
    ("/a/./b/../c//d/", "/a/c/d/", ""),
    ("/..", "/", ""),
    ("/r%2F1/%C3%A9", "/r%252F1/%25C3%25A9", ""),
    ("/a:b@c~d", "/a%3Ab%40c~d", ""),
    ("/x?b=2&a=1&a=0&c", "/x", "a=0&a=1&b=2&c="),
    ("/x?a=%20b", "/x", "a=%20b"),
]


@pytest.mark.parametrize(("target", "path", "query"), CANONICAL)
def test_a_request_is_written_down_in_one_way(target: str, path: str, query: str) -> None:
    assert canonical("GET", target, [("host", "h")], "host", EMPTY) == f"GET\n{path}\n{query}\nhost:h\n\nhost\n{EMPTY}"


@pytest.mark.parametrize("target", [target for target, _, _ in CANONICAL])
@pytest.mark.parametrize("lent", [None, "session-token"])
def test_signatures_are_those_of_botocore(target: str, lent: str | None) -> None:
    botocore = pytest.importorskip("botocore.auth", reason="botocore, which the official client signs with, is not part of this project")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body, digest = b'{"a": 1}', hashlib.sha256(b'{"a": 1}').hexdigest()
    headers = {"Content-Type": "application/json", "X-Amz-Content-SHA256": digest}
    theirs = AWSRequest("POST", f"http://h.test:8080{target}", headers=headers, data=body)
    botocore.SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, lent), "bedrock", "eu-west-1").add_auth(theirs)
    moment = theirs.context["timestamp"]
    fields = [("Host", "h.test:8080"), ("Content-Type", "application/json"), ("Accept", "x")]
    ours = dict(sign(AwsKeys("AKIDEXAMPLE", SECRET, lent), "bedrock", "eu-west-1", "POST", target, fields, digest, _unix(moment)))
    assert ours["Authorization"] == theirs.headers["Authorization"]


def test_fields_of_one_name_are_signed_as_one() -> None:
    fields = [("Host", "h"), ("X-Amz-Meta", "b  c"), ("x-amz-meta", "a")]
    twice = dict(sign(AwsKeys("A", SECRET), "s", "r", "GET", "/", fields, EMPTY, 0.0))["Authorization"]
    once = dict(sign(AwsKeys("A", SECRET), "s", "r", "GET", "/", [("Host", "h"), ("X-Amz-Meta", "b c,a")], EMPTY, 0.0))["Authorization"]
    assert twice == once


def _unix(moment: str) -> float:
    from datetime import datetime, timezone

    return datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()


# ------------------------------------------------------------------------------------------------ over the wire
def assert_signed(sent: Asked, service: str = "bedrock-mantle", secret: str = SECRET) -> None:
    """Check a request as a server does: from what came over the wire, and nothing else."""
    form = r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
    found = re.fullmatch(form, sent.headers["authorization"])
    assert found, sent.headers["authorization"]
    scope, names, signature = found[2], found[3], found[4]
    moment = sent.headers["x-amz-date"]
    assert scope == f"{moment[:8]}/us-east-1/{service}/aws4_request"
    assert {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names.split(";"))
    assert names.split(";") == sorted(names.split(";"))
    digest = hashlib.sha256(sent.body).hexdigest()
    assert sent.headers["x-amz-content-sha256"] == digest
    path, _, query = sent.target.partition("?")
    ordered = "&".join(sorted(query.split("&"))) if query else ""
    lines = "".join(f"{name}:{sent.headers[name]}\n" for name in names.split(";"))
    request = f"{sent.method}\n{quote(path, safe='/~')}\n{ordered}\n{lines}\n{names}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    assert hmac.new(key, text.encode(), "sha256").hexdigest() == signature


def client_of(*connections: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[oxide.Client, Any]:
    world = world_of(*connections)
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: world)
    provider = providers.bedrock(**{**HERE, **KEYS, **options})
    return oxide.Client(provider=provider, proxy=None), world


def test_every_kind_of_request_is_signed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(b"x" * 300_000)
    client, world = client_of([answer(200, RESPONSE)] * 7, monkeypatch=monkeypatch)
    client.responses.create(model="m", input="Hello")
    client.responses.retrieve("r/1")
    client.get("/models", extra_query={"b": "1", "a": "2"})
    client.request("POST", "/x", content=[b"one", b"two"])
    told: list[int] = []
    client.files.create(file=oxide.File(file, progress=lambda sent, _: told.append(sent)), purpose="batch")
    client.files.create(file=b"in memory", purpose="batch")
    client.delete("/files/f", cast_to=str)
    requests = asked(world)
    assert len(requests) == 7
    for sent in requests:
        if sent.headers.get("transfer-encoding") == "chunked":
            sent.body = b"onetwo"
            assert chunk(b"one") + chunk(b"two")[:-2] in world.sent[0], "the list went out in pieces"
        assert_signed(sent)
    assert told == sorted(set(told)), "reading for the signature is no progress"


def test_asyncio_signs_too(tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(b"y" * 100_000)
    world = world_of([answer(200, RESPONSE)] * 2)
    client = oxide.AsyncClient(provider=providers.bedrock(**HERE, credential_provider=_later), proxy=None)  # type: ignore[arg-type]
    transport = client._shared.transport
    client._shared.transport = lambda place, _: transport(place, lambda: world)  # type: ignore[method-assign]  # another world

    async def story() -> None:
        await client.responses.create(model="m", input="Hello")
        await client.files.create(file=file, purpose="batch")

    asyncio.run(story())
    for sent in asked(world):
        assert_signed(sent)
        assert sent.headers["x-amz-security-token"] == "lent"


class Frozen:
    access_key, secret_key, token = "AKIDEXAMPLE", SECRET, "lent"


class Refreshable:
    def get_frozen_credentials(self) -> Frozen:
        return Frozen()


async def _later() -> Refreshable:
    return Refreshable()


def test_an_attempt_is_signed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((1_440_938_160.0, 1_440_938_170.0))
    monkeypatch.setattr("oxide._providers.bedrock.unix_time", lambda: next(moments))
    client, world = client_of([failed(500), answer(200, RESPONSE)], monkeypatch=monkeypatch)
    client.responses.create(model="m", input="x")
    assert [sent.headers["x-amz-date"] for sent in asked(world)] == ["20150830T123600Z", "20150830T123610Z"]
    for sent in asked(world):
        assert_signed(sent)


def test_the_runtime_is_another_service(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([answer(200, RESPONSE)], monkeypatch=monkeypatch, endpoint="runtime")
    client.responses.create(model="m", input="x")
    assert_signed(asked(world)[0], "bedrock")


def test_what_is_signed_is_not_redirected(monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([answer(307, location="/other")], monkeypatch=monkeypatch)
    with pytest.raises(oxide.APIStatusError) as caught:
        client.responses.create(model="m", input="x", max_retries=0)
    assert caught.value.status_code == 307
    assert len(asked(world)) == 1


REFUSED: list[tuple[Any, str]] = [
    (lambda c: c.request("POST", "/x", content=iter([b"x"])), "read only once"),
    (lambda c: c.files.create(file=iter([b"x"]), purpose="batch"), "read only once"),
    (lambda c: c.get("/x", extra_headers={"Authorization": "mine"}), "no Authorization of your own"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_cannot_be_signed_is_not_sent(call: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, world = client_of([answer(200)], monkeypatch=monkeypatch)
    with pytest.raises(oxide.ConfigurationError, match=words):
        call(client)
    assert asked(world) == []


# ------------------------------------------------------------------------------------------------ whose keys
def key_used(monkeypatch: pytest.MonkeyPatch, **options: Any) -> str:
    client, world = client_of([answer(200, RESPONSE)], monkeypatch=monkeypatch, access_key_id=None, secret_access_key=None, **options)
    client.responses.create(model="m", input="x")
    sent = asked(world)[0]
    assert_signed(sent)
    used = re.search(r"Credential=([^/]+)", sent.headers["authorization"])
    assert used is not None
    return f"{used[1]} {sent.headers.get('x-amz-security-token')}"


def test_keys_come_from_where_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    section = f"aws_access_key_id = {{}}\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "credentials").write_text(f"[default]\n{section.format('OF-DEFAULT')}[mine]\n{section.format('OF-MINE')}")
    (tmp_path / "config").write_text(f"[profile other]\n{section.format('OF-OTHER')}aws_session_token = lent\n")
    assert key_used(monkeypatch) == "OF-DEFAULT None"
    assert key_used(monkeypatch, profile="mine") == "OF-MINE None"
    assert key_used(monkeypatch, profile="other") == "OF-OTHER lent"
    assert key_used(monkeypatch, credential_provider=Refreshable) == "AKIDEXAMPLE lent"
    assert key_used(monkeypatch, credential_provider=lambda: AwsKeys("MADE", SECRET)) == "MADE None"
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert key_used(monkeypatch) == "OF-MINE None"
    for name, value in {"ACCESS_KEY_ID": "OF-ENV", "SECRET_ACCESS_KEY": SECRET, "SESSION_TOKEN": "lent"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    assert key_used(monkeypatch) == "OF-ENV lent"


def test_the_region_of_a_profile_counts(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\n[profile mine]\nregion = eu-west-2\n")
    assert providers.bedrock(**KEYS).base_url == "https://bedrock-mantle.eu-west-1.api.aws/openai/v1"
    assert providers.bedrock(profile="mine").base_url == "https://bedrock-mantle.eu-west-2.api.aws/openai/v1"


def test_missing_keys_are_told_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("oxide._providers.aws._botocore_keys", _none_there)
    (tmp_path / "credentials").write_text("[role]\nrole_arn = arn\n[broken\n")
    for options, words in (({}, "cannot be read"), ({"profile": "x"}, "cannot be read"), ({"credential_provider": object}, "access_key")):
        client, world = client_of([], monkeypatch=monkeypatch, access_key_id=None, secret_access_key=None, **options)
        with pytest.raises(oxide.ConfigurationError, match=words):
            client.responses.create(model="m", input="x")
        assert asked(world) == []


def _none_there() -> AwsKeys:
    raise oxide.ConfigurationError("There are no credentials")


def test_keys_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert_silent(repr(AwsKeys("AKID", KEY, KEY)))
    (tmp_path / "credentials").write_text(f"[default]\naws_access_key_id = A\naws_secret_access_key = {KEY}\n")
    for options in ({}, {"credential_provider": lambda: AwsKeys("A", KEY, KEY)}, {"access_key_id": "A", "secret_access_key": KEY}):
        given = {"access_key_id": None, "secret_access_key": None, **options}
        client, _ = client_of(ConnectionResetError(104, "reset"), monkeypatch=monkeypatch, **given)
        with pytest.raises(oxide.APIConnectionError) as caught:
            client.responses.create(model="m", input="x", max_retries=0)
        assert_silent(shown(caught.value))


# ------------------------------------------------------------------------------------------------ the official names
def test_the_official_client_for_bedrock_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of([answer(200, RESPONSE)] * 2)
    monkeypatch.setattr("oxide._client._new_blocking_backend", lambda: world)
    options: dict[str, Any] = {"base_url": HERE["base_url"], "aws_region": "us-east-1", "proxy": None}
    client = oxide.BedrockOpenAI(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key=SECRET, **options)
    client.responses.create(model="m", input="x")
    client.with_options(api_key="bearer").responses.create(model="m", input="x")
    signed, bearing = asked(world)
    assert_signed(signed)
    assert bearing.headers["authorization"] == "Bearer bearer"
    assert json.loads(signed.body) == json.loads(bearing.body)
    with pytest.raises(TypeError, match="aws_region"):
        oxide.BedrockOpenAI(aws_regio="us-east-1")  # type: ignore[call-arg]  # that is the point
    openai = pytest.importorskip("openai")
    named = {"api_key": "k", "aws_region": "eu-west-1"}
    theirs = str(openai.BedrockOpenAI(**named).base_url).rstrip("/")
    assert oxide.BedrockOpenAI(**named).base_url == oxide.AsyncBedrockOpenAI(**named).base_url == theirs


def test_the_official_client_signs_the_same_body_for_the_same_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("botocore", reason="the official client signs with botocore, which is not part of this project")
    openai = pytest.importorskip("openai")
    from tests.wire.recorder import Recorder

    with Recorder() as recorder:
        options: dict[str, Any] = {**KEYS, "region": "us-east-1", "base_url": recorder.url}
        with openai.OpenAI(provider=openai.providers.bedrock(**options), max_retries=0) as client:
            client.responses.create(model="m", input="x")
        with oxide.Client(provider=providers.bedrock(**options), max_retries=0) as client:
            client.responses.create(model="m", input="x")
        theirs, ours = recorder.take()
    for name in ("x-amz-content-sha256", "host"):
        same = ours.body == theirs.body or name == "host"
        assert not same or ours.headers[name] == theirs.headers[name]
    scopes = [re.search(r"Credential=[^/]+/\d{8}/([^,]+)", sent.headers["authorization"]) for sent in (theirs, ours)]
    assert scopes[0] and scopes[1] and scopes[0][1] == scopes[1][1] == "us-east-1/bedrock-mantle/aws4_request"  # noqa: PT018 - for the checker
