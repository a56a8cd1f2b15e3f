"""Clients: what is sent, copies and their shared connections, hooks, logs, pickles, and input that cannot be."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import subprocess
import sys
import threading
from typing import Any

import pytest

import oxide
from oxide import Timeout, omit
from oxide.types.responses import Response
from tests.exchange._story import KEY, RESPONSE, Notes, answer, asked, failed, scripted, scripted_async

GOOD = answer(200, RESPONSE)


def create(client: oxide.Client, **options: Any) -> Any:
    return client.responses.create(model="m", input="Hello", **options)


# ---------------------------------------------------------------------------------------------------- what is sent


def test_the_default_headers_are_few_and_honest() -> None:
    client, world = scripted([GOOD])
    create(client)
    sent = asked(world)[0]
    assert dict(sent.headers.items()) == {
        "host": "api.test",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": f"oxide/{oxide.__version__}",
        "content-type": "application/json",
        "idempotency-key": sent.key,
        "authorization": f"Bearer {KEY}",
        "content-length": str(len(sent.body)),
    }
    assert json.loads(sent.body) == {"model": "m", "input": "Hello"}


def test_options_of_a_call_go_over_those_of_the_client() -> None:
    client, world = scripted([GOOD], default_headers={"X-A": "client", "X-B": "client"}, default_query={"a": 1, "b": [1, 2]})
    create(
        client,
        extra_headers={"x-a": "call", "User-Agent": omit, "Authorization": "Bearer other"},
        extra_query={"c": True, "d": None},
        extra_body={"input": "instead", "more": {"deep": 1}},
    )
    sent = asked(world)[0]
    assert (sent.headers["x-a"], sent.headers["x-b"]) == ("call", "client")
    assert "user-agent" not in sent.headers
    assert sent.headers.get_list("authorization") == ["Bearer other"]
    assert sent.target == "/v1/responses?a=1&b%5B%5D=1&b%5B%5D=2&c=true"
    assert json.loads(sent.body) == {"model": "m", "input": "instead", "more": {"deep": 1}}


def test_credentials_can_be_left_out() -> None:
    client, world = scripted([GOOD], default_headers={"Authorization": omit, "api-key": "azure"})
    create(client)
    assert "authorization" not in asked(world)[0].headers
    assert asked(world)[0].headers["api-key"] == "azure"


def test_what_is_omitted_is_not_sent_and_none_is_null() -> None:
    client, world = scripted([GOOD])
    create(client, instructions=None, temperature=omit)
    assert json.loads(asked(world)[0].body) == {"model": "m", "input": "Hello", "instructions": None}


# ---------------------------------------------------------------------------------------------------- copies


def test_a_copy_shares_connections_and_budget() -> None:
    client, world = scripted([GOOD, GOOD])
    create(client)
    create(client.with_options(timeout=3, default_headers={"X": "copy"}))
    assert len(world.streams) == 1
    assert asked(world)[1].headers["x"] == "copy"
    assert "x" not in asked(world)[0].headers


def test_headers_are_added_or_replaced() -> None:
    client, world = scripted([GOOD, GOOD], default_headers={"A": "1", "B": "1"}, default_query={"q": 1})
    create(client.with_options(default_headers={"B": "2"}, default_query={"r": 2}))
    create(client.copy(set_default_headers={"B": "3"}, set_default_query={}))
    first, second = asked(world)
    assert (first.headers["a"], first.headers["b"], first.target) == ("1", "2", "/v1/responses?q=1&r=2")
    assert ("a" in second.headers, second.headers["b"], second.target) == (False, "3", "/v1/responses")


def test_the_connections_close_with_the_last_holder() -> None:
    client, world = scripted([GOOD, GOOD])
    copy = client.with_options(timeout=3)
    create(copy)
    copy.close()
    copy.close()
    assert copy.is_closed()
    assert not client.is_closed()
    assert not world.streams[0].closed
    create(client)
    client.close()
    assert world.streams[0].closed
    with pytest.raises(oxide.ConfigurationError, match="closed"):
        create(client)
    assert world.naps == []


def test_a_copy_that_cannot_be_made_keeps_nothing_open() -> None:
    client, world = scripted([GOOD])
    create(client)
    for wrong in ({"timeout": -1}, {"base_url": "nowhere"}, {"max_retries": -1}):
        with pytest.raises(oxide.ConfigurationError):
            client.with_options(**wrong)
    client.close()
    assert world.streams[0].closed


def test_an_option_that_does_not_exist_is_a_type_error() -> None:
    client, _ = scripted()
    with pytest.raises(TypeError, match="unknown option 'max_retrys'"):
        client.with_options(max_retrys=1)  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError):
        oxide.Client(api_key="k", max_retrys=1)  # type: ignore[call-arg]  # likewise


@pytest.mark.parametrize("where", ["client", "copy", "call"])
def test_a_timeout_of_none_is_no_limit(where: str) -> None:
    client, world = scripted([10_000.0, GOOD], **({"timeout": None} if where == "client" else {}))
    if where == "copy":
        client = client.with_options(timeout=None)
    create(client, **({"timeout": None} if where == "call" else {}))
    assert world.clock == 10_000


def test_an_asyncio_client_has_connections_in_each_loop() -> None:
    client, world = scripted_async([GOOD], [GOOD])

    async def story() -> None:
        await client.responses.create(model="m", input="Hello")

    asyncio.run(story())
    asyncio.run(story())
    assert len(world.streams) == 2
    assert world.streams[0].closed


# ---------------------------------------------------------------------------------------------------- hooks


HISTORY = [
    ("request", "POST"),
    ("response", 500),
    ("error", "InternalServerError"),
    ("retry", "InternalServerError", True),
    ("request", "POST"),
    ("error", "APIConnectionError"),
    ("retry", "APIConnectionError", True),
    ("request", "POST"),
    ("response", 400),
    ("error", "BadRequestError"),
]
TROUBLE = [[answer(500, b"", connection="close")], [ConnectionResetError(104, "reset")], [failed(400)]]


def test_hooks_are_told_of_every_attempt_in_order() -> None:
    notes, others = Notes(), Notes()
    client, _ = scripted(*TROUBLE, hooks=[notes, object(), others])
    with pytest.raises(oxide.BadRequestError):
        create(client)
    assert notes.told == others.told == HISTORY


def test_hooks_may_be_coroutines_in_asyncio() -> None:
    notes = Notes()

    class Slow:
        async def on_request(self, *facts: Any) -> None:
            await asyncio.sleep(0)
            notes.on_request(*facts)

        async def on_response(self, *facts: Any) -> None:
            notes.on_response(*facts)

        async def on_error(self, *facts: Any) -> None:
            notes.on_error(*facts)

        async def on_retry(self, *facts: Any) -> None:
            notes.on_retry(*facts)

    client, _ = scripted_async(*TROUBLE, hooks=[Slow()])
    with pytest.raises(oxide.BadRequestError):
        asyncio.run(client.responses.create(model="m", input="Hello"))  # type: ignore[arg-type]  # a coroutine
    assert notes.told == HISTORY


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_error", "on_retry"])
@pytest.mark.parametrize("error", [OSError("mine"), TimeoutError("mine"), KeyError("mine")])
def test_what_a_hook_raises_is_raised_as_it_is_and_frees_the_connection(name: str, error: Exception) -> None:
    class Hook:
        def __init__(self) -> None:
            setattr(self, name, self.fail)

        def fail(self, *facts: object) -> None:
            raise error

    client, _ = scripted([failed(500)], hooks=[Hook()], limits=oxide.Limits(max_connections=1))
    with pytest.raises(type(error)) as caught:
        create(client)
    assert caught.value is error
    assert not client._shared.transport(None, lambda: None)._pool._hungry  # type: ignore[arg-type,return-value]  # no new backend


def test_a_hook_that_fails_on_a_stream_closes_its_connection() -> None:
    class Hook:
        def on_response(self, *facts: object) -> None:
            raise KeyError("mine")

    client, world = scripted([answer(200, b"", length=9)], hooks=[Hook()])
    with pytest.raises(KeyError) as caught:
        client.get("/x", stream=True)
    assert world.streams[0].closed
    del caught


# ---------------------------------------------------------------------------------------------------- logs


def test_the_log_tells_of_attempts_and_answers(caplog: pytest.LogCaptureFixture) -> None:
    client, _ = scripted([failed(500, "overloaded"), answer(200, RESPONSE, x_request_id="req_1")])
    with caplog.at_level(logging.DEBUG, "oxide"):
        create(client)
    failure, success = [record.getMessage() for record in caplog.records]
    assert "attempt 1" in failure
    assert "overloaded" in failure
    assert "POST http://api.test/v1/responses: 200" in success
    assert "req_1" in success


def test_nothing_is_imported_or_formatted_for_a_log_that_nobody_reads() -> None:
    script = """
import sys
import threading
from unittest.mock import patch  # imports logging itself, perhaps: so it goes again
for name in [name for name in sys.modules if name.partition(".")[0] == "logging"]: del sys.modules[name]
from tests.exchange._story import RESPONSE, answer, failed, scripted
client, _ = scripted([failed(500), answer(200, RESPONSE)])
client.responses.create(model="m", input="Hello")
assert "logging" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------------------------------------------- pickles


@pytest.mark.parametrize("kind", [oxide.Client, oxide.AsyncClient])
def test_a_client_travels_with_its_options(kind: type) -> None:
    client = kind(
        api_key=KEY, base_url="http://api.test/v2", timeout=Timeout(total=3), max_retries=7, default_headers={"A": "1", "B": omit}
    )
    again = pickle.loads(pickle.dumps(client))
    assert type(again) is kind
    assert (again.api_key, again.base_url, again.timeout, again.max_retries) == (KEY, "http://api.test/v2", Timeout(total=3), 7)
    assert again._settings.fields == client._settings.fields


def test_a_key_of_the_environment_does_not_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-here")
    data = pickle.dumps(oxide.Client())
    assert b"sk-of-here" not in data
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-there")
    assert pickle.loads(data).api_key == "sk-of-there"


def test_results_and_errors_travel() -> None:
    client, _ = scripted([failed(500), answer(200, RESPONSE, x_request_id="req_1"), failed(429, "slow", code="x")], max_retries=1)
    result = pickle.loads(pickle.dumps(create(client)))
    assert result.id == "resp_1"
    with pytest.raises(oxide.RateLimitError) as caught:
        create(client, max_retries=0)
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is oxide.RateLimitError
    assert str(error) == str(caught.value)
    assert (error.code, error.status_code, error.request.url) == ("x", 429, "http://api.test/v1/responses")
    assert error.response.json() == {"error": {"message": "slow", "code": "x"}}
    assert [a.status for a in error.attempts] == [429]


@pytest.mark.parametrize("replies", [[ConnectionResetError(104, "x")], [1e9], [b"junk\r\n\r\n"], [answer(200, b"<")]])
def test_every_error_travels(replies: list[Any]) -> None:
    client, _ = scripted(replies, max_retries=0)
    with pytest.raises(oxide.APIError) as caught:
        create(client)
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is type(caught.value)
    assert (str(error), error.request.method) == (str(caught.value), "POST")
    assert [a.number for a in error.attempts] == [1]


# ---------------------------------------------------------------------------------------------------- bad input

WRONG_CALLS: dict[str, Any] = {
    "empty path parameter": lambda c: c.responses.retrieve(""),
    "no path parameter": lambda c: c.responses.retrieve(None),
    "dots": lambda c: c.responses.retrieve(".."),
    "a dot": lambda c: c.responses.retrieve("."),
    "control character": lambda c: c.responses.retrieve("a\nb"),
    "NUL": lambda c: c.responses.retrieve("a\0b"),
    "lone surrogate": lambda c: c.responses.retrieve("\ud800"),
    "header value": lambda c: create(c, extra_headers={"X": "a\r\nY: b"}),
    "header name": lambda c: create(c, extra_headers={"X Y": "a"}),
    "empty header name": lambda c: create(c, extra_headers={"": "a"}),
    "header that is no latin-1": lambda c: create(c, extra_headers={"X": "\u20ac"}),
    "idempotency key": lambda c: create(c, idempotency_key="a\nb"),
    "retries": lambda c: create(c, max_retries=-1),
    "retries that are no number": lambda c: create(c, max_retries="2"),
    "timeout": lambda c: create(c, timeout=0),
    "timeout that is no number": lambda c: create(c, timeout=float("nan")),
    "infinite float": lambda c: create(c, temperature=float("inf")),
    "method": lambda c: c.request("G ET", "/x"),
    "path with a space": lambda c: c.get("/a b"),
    "path with a line break": lambda c: c.get("/a\r\nX: y"),
    "path that leads up": lambda c: c.get("/../admin"),
    "path of another host": lambda c: c.get("http://evil.test/"),
    "path without a host": lambda c: c.get("//evil.test/"),
    "both bodies": lambda c: c.request("POST", "/x", content=b"a", json={}),
}


@pytest.mark.parametrize("what", WRONG_CALLS)
def test_wrong_input_raises_before_anything_is_sent(what: str) -> None:
    client, world = scripted()
    with pytest.raises(ValueError, match=r"."):
        WRONG_CALLS[what](client)
    assert world.endpoints == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: c.get("/x", unknown=1),
        lambda c: create(c, modle="m"),
        lambda c: c.post("/x", body={"a": object()}),
        lambda c: c.request("POST", "/x", content=7),
    ],
)
def test_what_has_no_name_or_the_wrong_type_is_a_type_error(wrong: Any) -> None:
    client, world = scripted()
    with pytest.raises(TypeError):
        wrong(client)
    assert world.endpoints == []


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": ""},
        {"api_key": "a b"},
        {"api_key": "k\xe4y"},
        {"api_key": 7},
        *(
            {"base_url": url}
            for url in ("", "api.test", "ftp://api.test", "http://", "http://a b", "http://u:p@api.test", "http://api.test:99999")
        ),
        *(
            {"base_url": url}
            for url in ("http://api.test?x=y", "http://[::1", "unix://relative", "http://api.test:x", "http://k\xe4se.test")
        ),
        {"max_retries": -1},
        {"max_retries": True},
        {"timeout": 0},
        {"http2": "yes"},
        {"trust": "all"},
        {"redirects": "all"},
        {"proxy": "gopher://x"},
        {"proxy": 7},
        {"default_headers": {"A\n": "b"}},
        {"organization": "a\nb"},
    ],
    ids=str,
)
def test_a_client_with_a_wrong_option_is_not_made(options: dict[str, Any]) -> None:
    if options.get("base_url") == "":
        return  # as good as none: the default holds
    with pytest.raises(oxide.ConfigurationError):
        oxide.Client(**{"api_key": "k", **options})


def test_a_client_without_a_key_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(oxide.ConfigurationError, match="OPENAI_API_KEY"):
        oxide.Client()


# ---------------------------------------------------------------------------------------------------- pages and raw verbs


def test_pages_are_walked_with_the_id_of_the_last_item() -> None:
    pages = [
        answer(200, {"object": "list", "data": [{"type": "message", "id": f"i{n}"}, {"type": "message", "id": f"j{n}"}], "has_more": n < 2})
        for n in range(3)
    ]
    client, world = scripted(pages)
    page = client.responses.input_items.list("resp_1", limit=2)
    assert page.has_more
    assert [item.id for item in page] == ["i0", "j0", "i1", "j1", "i2", "j2"]
    assert [set(request.target.partition("?")[2].split("&")) for request in asked(world)] == [
        {"limit=2"},
        {"limit=2", "after=j0"},
        {"limit=2", "after=j1"},
    ]


def test_a_page_without_an_id_or_items_is_the_last() -> None:
    for data in ([], [{"type": "message"}]):
        client, world = scripted([answer(200, {"data": data, "has_more": True})])
        assert len(list(client.responses.input_items.list("resp_1"))) == len(data)
        assert len(asked(world)) == 1


def test_pages_in_asyncio() -> None:
    client, _ = scripted_async(
        [answer(200, {"data": [{"id": "a"}], "has_more": True}), answer(200, {"data": [{"id": "b"}], "has_more": False})]
    )

    async def story() -> list[str]:
        return [item.id async for item in client.responses.input_items.list("resp_1")]

    assert asyncio.run(story()) == ["a", "b"]


def test_raw_verbs_give_what_is_asked_for() -> None:
    client, world = scripted([answer(200, {"a": 1})] * 4 + [GOOD, answer(200, b"", length=0)])
    assert client.get("/a") == {"a": 1}
    assert client.post("/a", cast_to=bytes, body={"b": 2}) == b'{"a": 1}'
    assert client.put("/a", cast_to=str, body=[1]) == '{"a": 1}'
    assert client.patch("a?x=1", body=None) == {"a": 1}
    assert client.delete("/a", cast_to=Response).id == "resp_1"
    assert client.delete("/a") is None
    assert [(r.method, r.target, r.body) for r in asked(world)[:4]] == [
        ("GET", "/v1/a", b""),
        ("POST", "/v1/a", b'{"b": 2}'),
        ("PUT", "/v1/a", b"[1]"),
        ("PATCH", "/v1/a?x=1", b"null"),
    ]


def test_a_raw_request_gives_the_answer_as_it_came() -> None:
    client, world = scripted([answer(404, {"error": {"message": "no"}}, X_Odd="Value"), failed(404)])
    raw = client.request("post", "/a", content="text", extra_headers={"Content-Type": "text/plain"}, raise_for_status=False)
    assert (raw.status_code, raw.headers["x-odd"], raw.json()) == (404, "Value", {"error": {"message": "no"}})
    assert (asked(world)[0].body, asked(world)[0].headers["content-type"]) == (b"text", "text/plain")
    with pytest.raises(oxide.NotFoundError):
        client.request("GET", "/a")


# ---------------------------------------------------------------------------------------------------- closed clients


def test_a_closed_copy_makes_no_more_calls_while_the_others_go_on() -> None:
    client, world = scripted([GOOD, GOOD])
    copy = client.with_options(timeout=5)
    responses = copy.responses
    create(copy)
    copy.close()
    for call in (
        lambda: responses.create(model="m", input="Hello"),
        lambda: responses.create(model="m", input="Hello", stream=True),
        lambda: copy.chat.completions.list(),
        lambda: copy.get("/models"),
        lambda: copy.with_options(timeout=6),
    ):
        with pytest.raises(oxide.ConfigurationError, match="The client is closed"):
            call()
    create(client)
    assert len(asked(world)) == 2


def test_a_closed_asyncio_copy_makes_no_more_calls_while_the_others_go_on() -> None:
    client, world = scripted_async([GOOD, GOOD])

    async def story() -> None:
        copy = client.with_options(timeout=5)
        responses = copy.responses
        await responses.create(model="m", input="Hello")
        await copy.close()
        with pytest.raises(oxide.ConfigurationError, match="The client is closed"):
            await responses.create(model="m", input="Hello")
        with pytest.raises(oxide.ConfigurationError, match="The client is closed"):
            await copy.get("/models")
        await client.responses.create(model="m", input="Hello")

    asyncio.run(story())
    assert len(asked(world)) == 2


def test_a_copy_that_was_dropped_keeps_no_connection_open() -> None:
    client, world = scripted([GOOD])
    create(client.with_options(timeout=5))
    client.close()
    assert world.streams[0].closed


def test_copies_of_many_threads_close_nothing_that_is_in_use() -> None:
    client, _ = scripted([GOOD])

    def come_and_go() -> None:
        for _ in range(300):
            client.with_options(timeout=5).close()

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    create(client)


# ---------------------------------------------------------------------------------------------------- options that cannot be


@pytest.mark.parametrize(
    "options",
    [
        {"max_body": 0},
        {"max_body": -1},
        {"max_body": "1 MB"},
        {"max_body": True},
        {"http2": 1},
        {"http2": "yes"},
        {"trust": "nobody"},
        {"limits": 5},
        {"ssl_context": "cert.pem"},
        {"retry": 3},
        {"hooks": Notes()},
        {"timeout": "5"},
        {"timeout": [5]},
        {"timeout": type("Other", (), {"connect": 5})()},
        {"timeout": float("nan")},
        {"max_retries": 2.0},
        {"redirects": []},
        {"default_headers": {"X-A": "a\x01b"}},
    ],
    ids=" ".join,
)
def test_options_of_a_wrong_kind_are_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(oxide.ConfigurationError, match=next(iter(options)).replace("default_headers", "X-A")):
        scripted(**options)


@pytest.mark.parametrize(
    "numbers", [{"max_connections": "5"}, {"max_connections": 1.5}, {"keepalive_expiry": None}, {"max_connections": 0}]
)
def test_limits_that_are_no_numbers_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(oxide.ConfigurationError, match="limits"):
        oxide.Limits(**numbers)


@pytest.mark.parametrize("key", [None, 5, "", b"sk"])
def test_a_key_that_is_none_is_refused_when_it_is_asked_for(key: Any) -> None:
    client, world = scripted([GOOD], api_key=lambda: key)
    with pytest.raises(oxide.ConfigurationError, match="API key"):
        create(client)
    assert asked(world) == []
