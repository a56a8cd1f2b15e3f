"""No secret in a message, a repr, a log, a pickle of an error, or the local variables of a traceback, wherever a call fails."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import traceback
from typing import Any

import pytest

import oxide
from tests.exchange._story import KEY, STREAM_HEAD, answer, chunk, failed, scripted, scripted_async, token

PASSWORD = "pass-word-of-the-proxy"
COOKIE = "session-cookie-of-mine"
SECRETS = {"api_key": KEY, "default_headers": {"Cookie": COOKIE, "X-Api-Key": COOKIE}}
RESET = ConnectionResetError(104, "reset")


def shown(error: BaseException) -> str:
    """Everything that a traceback with local variables shows, of our own frames."""
    lines: list[str] = []
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        pending += [each.__cause__, None if each.__suppress_context__ else each.__context__]
        lines += [str(each), repr(each), repr(vars(each))]
        told = traceback.TracebackException.from_exception(each, capture_locals=True)
        for frame in told.stack:
            if "oxide" in frame.filename and "tests" not in frame.filename:
                lines += [f"{frame.filename}:{frame.lineno} {frame.name}: {name} = {value}" for name, value in (frame.locals or {}).items()]
    return "\n".join(lines)


def assert_silent(text: str) -> None:
    for line in text.splitlines():
        for secret in (KEY, PASSWORD, COOKIE):
            assert secret not in line, line


FAILURES: dict[str, tuple[list[Any], Any]] = {
    "resolve": ([OSError("no such host")], lambda c: c.get("/x")),
    "connect": ([ConnectionRefusedError(111, "refused")], lambda c: c.get("/x")),
    "connect timeout": ([TimeoutError("slow")], lambda c: c.get("/x")),
    "tls": ([[b"no tls at all"]], lambda c: c.with_options(base_url="https://api.test/v1").get("/x")),
    "head": ([[RESET]], lambda c: c.get("/x")),
    "head timeout": ([[1e9]], lambda c: c.get("/x")),
    "garbage": ([[b"garbage\r\n\r\n"]], lambda c: c.get("/x")),
    "body": ([[answer(200, b"{", length=9), RESET]], lambda c: c.get("/x")),
    "status": ([[failed(400)]], lambda c: c.get("/x")),
    "no JSON": ([[answer(200, b"<html>")]], lambda c: c.get("/x")),
    "redirect": ([[answer(307, b"", location="http://evil.test/")]], lambda c: c.get("/x")),
    "large body": ([[RESET]], lambda c: c.request("POST", "/x", content=b"x" * (1 << 21))),
    "pieces": ([[RESET]], lambda c: c.request("POST", "/x", content=iter([b"x"]))),
    "pieces that are none": ([[RESET]], lambda c: c.request("POST", "/x", content=iter([7]))),
    "stream": ([[STREAM_HEAD, chunk(token("a")), RESET]], lambda c: list(c.get("/x", stream=True))),
    "stream without a head": ([[RESET]], lambda c: c.get("/x", stream=True)),
    "path": ([], lambda c: c.responses.retrieve("")),
    "body that is no JSON": ([], lambda c: c.post("/x", body={"a": object()})),
    "header": ([], lambda c: c.get("/x", extra_headers={"X": "a\nb"})),
    "option": ([], lambda c: c.with_options(timeout=-1)),
    "base URL": ([], lambda c: c.with_options(base_url="nowhere")),
    "default header": ([], lambda c: c.with_options(default_headers={"X": "a\nb"})),
}


@pytest.mark.parametrize("where", FAILURES)
def test_a_failure_shows_no_secret(where: str) -> None:
    connections, call = FAILURES[where]
    client, _ = scripted(*connections, max_retries=0, **SECRETS)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        call(client)
    text = shown(caught.value)
    assert "/oxide/_" in text, "the traceback has frames of ours"
    assert_silent(text)


@pytest.mark.parametrize("where", [name for name in FAILURES if name not in ("path", "option", "base URL", "default header", "stream")])
def test_a_failure_in_asyncio_shows_no_secret(where: str) -> None:
    connections, call = FAILURES[where]
    client, _ = scripted_async(*connections, max_retries=0, **SECRETS)

    async def story() -> None:
        await call(client)

    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        asyncio.run(story())
    assert_silent(shown(caught.value))


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "nowhere"},
        {"timeout": -1},
        {"max_retries": -1},
        {"proxy": f"ftp://user:{PASSWORD}@proxy.test"},
        {"proxy": f"http://user:{PASSWORD}/@proxy.test:1"},
        {"http2": "perhaps"},
        {"trust": "nobody"},
        {"redirects": "sometimes"},
        {"organization": "a\nb"},
        {"default_headers": {"X": "a\nb", "Cookie": COOKIE}},
        {"default_headers": {"Cookie": f"{COOKIE}\n"}},
        {"api_key": f"{KEY}\n"},
        {"api_key": f"{KEY} "},
        {"admin_api_key": f"{KEY}\n"},
        {"webhook_secret": KEY, "base_url": "nowhere"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [oxide.Client, oxide.AsyncClient])
def test_a_client_that_cannot_be_made_shows_no_secret(kind: type, options: dict[str, Any]) -> None:
    with pytest.raises(oxide.ConfigurationError) as caught:
        kind(**{**SECRETS, "base_url": "http://api.test", **options})
    assert_silent(shown(caught.value))


def test_the_environment_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", f"ftp://user:{PASSWORD}@proxy.test")
    for name, value in {"OPENAI_CUSTOM_HEADERS": "no colon", "OPENAI_BASE_URL": "nowhere"}.items():
        monkeypatch.setenv(name, value)
        with pytest.raises(oxide.ConfigurationError) as caught:
            oxide.Client()
        assert_silent(shown(caught.value))
        monkeypatch.delenv(name)
    client = oxide.Client(base_url="http://api.test", max_retries=0)
    with pytest.raises(oxide.ConfigurationError, match="HTTP_PROXY") as caught:
        client.get("/x")
    assert_silent(shown(caught.value))


def test_a_key_from_a_function_is_not_shown() -> None:
    for key, replies in ((f"{KEY}\n", []), (KEY, [[RESET]])):
        client, _ = scripted(*replies, api_key=lambda key=key: key, max_retries=0)
        with pytest.raises(oxide.OxideError) as caught:
            client.get("/x")
        assert_silent(shown(caught.value))


def test_what_is_held_shows_no_secret() -> None:
    client, _ = scripted([failed(400)], max_retries=0, webhook_secret=KEY, **SECRETS)
    with pytest.raises(oxide.BadRequestError) as caught:
        client.get("/x")
    error = caught.value
    for thing in (client, client.api_key, client._settings, client._settings.fields, client._options, error.request, error.request.headers):
        assert_silent(repr(thing))
    assert_silent(repr(pickle.dumps(error)))
    assert_silent(repr(copy.copy(error)))


def test_the_log_has_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    client, _ = scripted([failed(500), failed(400)], **SECRETS)
    with caplog.at_level(logging.DEBUG, "oxide"), pytest.raises(oxide.BadRequestError):
        client.get("/x")
    assert len(caplog.records) == 2
    assert_silent(caplog.text)


def test_a_key_in_the_query_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "oxide")
    client, _ = scripted([failed(500), answer(200, b"no JSON")], default_query={"api-key": KEY})
    with pytest.raises(oxide.APIResponseValidationError) as caught:
        client.responses.create(model="m", input="Hello")
    shown = [
        str(caught.value),
        repr(caught.value),
        repr(caught.value.request),
        repr(caught.value.response),
        repr(caught.value.attempts),
        caplog.text,
    ]
    assert "/v1/responses" in caplog.text
    assert KEY not in " ".join(shown)
    assert KEY in caught.value.request.url
