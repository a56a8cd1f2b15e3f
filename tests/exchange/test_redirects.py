"""Redirects: followed within the origin, never with what belongs to another one."""

from __future__ import annotations

from typing import Any

import pytest

import oxide
from tests.exchange._story import KEY, RESPONSE, Notes, answer, asked, failed, scripted

GOOD = answer(200, RESPONSE)


def to(location: str, status: int = 307, **fields: str) -> bytes:
    return answer(status, b"moved", location=location, **fields)


def create(client: oxide.Client) -> Any:
    return client.responses.create(model="m", input="Hello")


@pytest.mark.parametrize(
    "location", ["/v2/other?a=b", "http://api.test/v2/other?a=b", "//api.test:80/v2/other?a=b", "../v2/other?a=b#part"]
)
def test_a_redirect_within_the_origin_is_followed_on_the_same_connection(location: str) -> None:
    client, world = scripted([to(location), GOOD])
    assert create(client).id == "resp_1"
    second = asked(world)[1]
    assert second.target == "/v2/other?a=b"
    assert second.headers["authorization"] == f"Bearer {KEY}"
    assert len(world.endpoints) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_these_keep_method_and_body(status: int) -> None:
    client, world = scripted([to("/b", status), GOOD])
    create(client)
    first, second = asked(world)
    assert (second.method, second.body, second.key) == ("POST", first.body, first.key)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_these_make_a_post_a_get_without_a_body(status: int) -> None:
    client, world = scripted([to("/b", status), GOOD])
    create(client)
    second = asked(world)[1]
    assert (second.method, second.body, second.key) == ("GET", b"", None)
    assert "content-type" not in second.headers
    assert "content-length" not in second.headers


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("PUT", 301, "PUT"),
        ("DELETE", 302, "DELETE"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("GET", 302, "GET"),
        ("HEAD", 301, "HEAD"),
    ],
)
def test_other_methods_change_with_303_only_and_head_never(method: str, status: int, then: str) -> None:
    moved = to("/b", status) if method != "HEAD" else to("/b", status)[: -len(b"moved")]
    client, world = scripted([moved, answer(200, b"") if then == "HEAD" else GOOD])
    client.request(method, "/a")
    assert [request.method for request in asked(world)] == [method, then]


def test_ten_in_a_row_are_followed() -> None:
    client, world = scripted([*(to(f"/{n}") for n in range(10)), GOOD])
    assert create(client).id == "resp_1"
    assert len(asked(world)) == 11


def test_the_eleventh_is_refused_and_not_tried_again() -> None:
    client, world = scripted([to("/same")] * 11)
    with pytest.raises(oxide.APIConnectionError, match="11th redirect in a row") as caught:
        create(client)
    assert len(asked(world)) == 11
    assert world.naps == []
    assert len(caught.value.attempts) == 1
    assert world.streams[0].closed


@pytest.mark.parametrize(
    "location", ["http://evil.test/", "https://api.test/v1", "http://api.test:81/v1", "//evil.test/v1", "http://api.test.evil.test/"]
)
def test_another_origin_is_refused_because_the_prompt_would_travel_along(location: str) -> None:
    notes = Notes()
    client, world = scripted([to(location)], hooks=[notes])
    with pytest.raises(oxide.APIConnectionError, match=r'leads to another origin.*redirects="any"') as caught:
        create(client)
    assert len(world.endpoints) == 1
    assert "POST http://api.test/v1/responses" in str(caught.value)
    assert caught.value.attempts[0].number == 1
    assert notes.told == [("request", "POST"), ("error", "APIConnectionError")]


@pytest.mark.parametrize(
    "location",
    ["ftp://api.test/", "http://", "http://user:pw@api.test/", "/a b", "http://api.test:0/", "mailto:x@y", "data:,x", "/k\xe4se"],
)
@pytest.mark.parametrize("redirects", ["same-origin", "any"])
def test_a_location_that_is_no_url_is_refused(location: str, redirects: str) -> None:
    client, world = scripted([to(location)], redirects=redirects)
    with pytest.raises(oxide.APIError, match=r"a redirect \(307\) is not followed"):
        create(client)
    assert len(world.endpoints) == 1


def test_a_relative_location_with_a_colon_is_not_taken_for_a_scheme_of_ours() -> None:
    client, world = scripted([to("/v1/a:b"), GOOD])
    create(client)
    assert asked(world)[1].target == "/v1/a:b"


def test_any_follows_to_another_origin_without_credentials() -> None:
    client, world = scripted(
        [to("http://other.test/b")],
        [GOOD],
        redirects="any",
        organization="org",
        project="proj",
        default_headers={"Cookie": "session", "X-Api-Key": "another", "X-Gateway": "perhaps a key, too"},
    )
    assert create(client).id == "resp_1"
    first, second = asked(world)
    for name in ("authorization", "cookie", "x-api-key", "x-gateway", "openai-organization", "openai-project"):
        assert name in first.headers
        assert name not in second.headers
    assert second.headers.get_list("host") == ["other.test"]
    assert (second.headers["content-type"], second.key) == ("application/json", first.key)
    assert [(e.host, e.port) for e in world.endpoints] == [("api.test", 80), ("other.test", 80)]


def test_credentials_do_not_come_back_when_a_redirect_does() -> None:
    client, world = scripted([to("http://other.test/b"), GOOD], [to("http://api.test/c")], redirects="any")
    create(client)
    requests = {request.target: request for request in asked(world)}
    assert requests["/c"].headers.get_list("host") == ["api.test"]
    assert "authorization" not in requests["/c"].headers


def test_a_unix_socket_is_never_followed_to() -> None:
    client, world = scripted([to("unix:///run/docker.sock:/v1")], redirects="any")
    with pytest.raises(oxide.APIConnectionError, match="Unix socket"):
        create(client)
    assert len(world.endpoints) == 1


def test_none_makes_a_redirect_an_error_of_its_status() -> None:
    client, _ = scripted([to("/b")], redirects="none")
    with pytest.raises(oxide.APIStatusError) as caught:
        create(client)
    assert caught.value.status_code == 307
    assert caught.value.response.headers["location"] == "/b"


def test_a_redirect_without_a_location_is_an_error_of_its_status() -> None:
    client, _ = scripted([answer(302, b"")])
    with pytest.raises(oxide.APIStatusError, match="302"):
        create(client)


def test_without_judgement_the_last_answer_is_returned() -> None:
    client, _ = scripted([to("/b")], redirects="none")
    assert client.request("GET", "/a", raise_for_status=False).status_code == 307


def test_a_body_that_comes_once_is_not_sent_to_another_place() -> None:
    client, world = scripted([to("/b")])
    with pytest.raises(oxide.APIConnectionError, match="cannot be sent again"):
        client.request("POST", "/a", content=iter([b"x"]))
    assert len(asked(world)) == 1


def test_a_body_that_comes_once_is_not_asked_for_by_a_redirect_to_another_page() -> None:
    client, world = scripted([answer(303, b"", location="/b"), GOOD])
    assert client.request("POST", "/a", content=iter([b"x"])).status_code == 200
    assert [(request.method, request.target) for request in asked(world)] == [("POST", "/v1/a"), ("GET", "/b")]


def test_a_failure_behind_a_redirect_begins_at_the_start_again() -> None:
    client, world = scripted([to("/b"), failed(500), to("/b"), GOOD])
    assert create(client).http.retries == 1
    assert [request.target for request in asked(world)] == ["/v1/responses", "/b", "/v1/responses", "/b"]


def test_a_long_body_of_a_redirect_is_not_read_to_its_end() -> None:
    client, world = scripted([answer(307, b"x" * (1 << 20), location="/b", length=1 << 40), b"y" * 100], [GOOD])
    assert create(client).id == "resp_1"
    assert world.streams[0].closed
