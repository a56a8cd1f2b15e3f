"""Judgement of what comes back: classes and facts of errors, and bodies that are not what was promised."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

import oxide
from tests.exchange._story import RESPONSE, answer, failed, scripted

GOOD = answer(200, RESPONSE)
CLASSES = {
    400: oxide.BadRequestError,
    401: oxide.AuthenticationError,
    403: oxide.PermissionDeniedError,
    404: oxide.NotFoundError,
    409: oxide.ConflictError,
    418: oxide.APIStatusError,
    422: oxide.UnprocessableEntityError,
    429: oxide.RateLimitError,
    500: oxide.InternalServerError,
    503: oxide.InternalServerError,
    599: oxide.InternalServerError,
}


def create(client: oxide.Client, **options: Any) -> Any:
    return client.responses.create(model="m", input="Hello", **options)


def error_of(reply: bytes, *more: Any, **options: Any) -> Any:
    client, _ = scripted([reply, *more], max_retries=0, **options)
    with pytest.raises(oxide.APIError) as caught:
        create(client)
    return caught.value


@pytest.mark.parametrize("status", CLASSES)
def test_a_status_has_its_class(status: int) -> None:
    assert type(error_of(failed(status))) is CLASSES[status]


def test_an_error_carries_what_the_service_said() -> None:
    error = error_of(
        answer(
            400,
            {"error": {"message": "Wrong model", "code": "model_not_found", "param": "model", "type": "invalid_request_error"}},
            x_request_id="req_7",
            retry_after="3",
        )
    )
    assert str(error) == error.message == "Error code: 400 - Wrong model"
    assert (error.code, error.param, error.type) == ("model_not_found", "model", "invalid_request_error")
    assert (error.status_code, error.request_id, error.retry_after) == (400, "req_7", 3)
    assert error.body["message"] == "Wrong model"
    assert error.response.headers["X-Request-ID"] == "req_7"
    assert error.response.json()["error"]["code"] == "model_not_found"
    assert error.request.method == "POST"
    assert error.request.url == "http://api.test/v1/responses"
    assert [(a.number, a.status) for a in error.attempts] == [(1, 400)]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<html><h1>502 Bad Gateway</h1></html>", "<h1>502 Bad Gateway"),
        (b"", "Error code: 502"),
        (b"not found", "not found"),
        (b"\xff\xfe", "\ufffd"),
        (b"null", "null"),
        (b"[1, 2]", "[1, 2]"),
        (b'"text"', "text"),
        (b"{}", "{}"),
        (b'{"error": "a string"}', "a string"),
        (b'{"error": {"message": null}}', "message"),
        (b'{"error": {"message": {"deep": 1}}}', "deep"),
        (b'{"detail": "other makers say it so"}', "other makers"),
        (b"[" * 100_000, "[["),
        (b" " + b"[" * 100_000, "[["),
    ],
)
def test_an_error_body_of_any_shape_is_shown_from_its_start(body: bytes, shown: str) -> None:
    error = error_of(answer(502, body))
    assert type(error) is oxide.InternalServerError
    assert shown in str(error)
    assert len(str(error)) < 1000


def test_a_huge_error_body_is_still_the_error_of_its_status() -> None:
    error = error_of(answer(500, b"<html>" + b"x" * (1 << 20), length=1 << 40), b"y")
    assert type(error) is oxide.InternalServerError
    assert "<html>" in str(error)
    assert len(error.response.content) == 1 << 20


def test_the_delay_that_was_asked_for_is_told_even_in_senseless_numbers() -> None:
    assert error_of(answer(429, b"", retry_after="-5")).retry_after == -5
    assert error_of(answer(429, b"")).retry_after is None


# ---------------------------------------------------------------------------------------------------- bodies of good answers


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no JSON"),
        (b"   ", "no JSON"),
        (b"<html>Log in to the wifi</html>", "no JSON"),
        (b'{"id": "resp_1"', "no JSON"),
        (b'{"id": 1} trailing', "no JSON"),
        (b"\xff\xfe\xfa", "no JSON"),
        (b'{"id": "\xff"}', "no JSON"),
        (b"[" * 200_000, "no JSON"),
        (b"\n" + b"[" * 200_000, "no JSON"),
        (b'{"a":' * 200_000, "no JSON"),
        (b'{"output": [' + b"[" * 500 + b"]" * 500 + b"]}", ""),
        (b"1" * 5000, "no JSON"),
        (b"null", "no responses.Response"),
        (b"[]", "no responses.Response"),
        (b'"text"', "no responses.Response"),
        (b"7", "no responses.Response"),
    ],
)
def test_a_good_status_with_a_wrong_body_is_our_error_with_the_start_of_it(body: bytes, problem: str) -> None:
    client, _ = scripted([answer(200, body, content_type="text/html", x_request_id="req_1")])
    if not problem:
        assert create(client).output, "deep, but not too deep"
        return
    with pytest.raises(oxide.APIResponseValidationError, match=problem) as caught:
        create(client)
    error = caught.value
    assert error.status_code == 200
    assert error.body == body[:500].decode("utf-8", "replace") + ("..." if len(body) > 500 else "")
    assert "text/html" in str(error)
    assert len(str(error)) < 2500
    assert error.response.request_id == "req_1"
    assert len(error.attempts) == 1


def test_a_byte_order_mark_does_no_harm() -> None:
    client, _ = scripted([answer(200, b'\xef\xbb\xbf{"id": "resp_1"}')])
    assert create(client).id == "resp_1"


@pytest.mark.parametrize("body", [{"data": False}, {"object": "list"}, [], None, {"data": {}}])
def test_a_page_of_a_wrong_shape_is_our_error(body: object) -> None:
    client, _ = scripted([answer(200, body)])
    with pytest.raises(oxide.APIResponseValidationError, match="no page") as caught:
        client.responses.input_items.list("resp_1")
    assert len(caught.value.attempts) == 1


def test_no_content_where_none_is_promised() -> None:
    client, _ = scripted([answer(204, b"", length=None)[: -0 or None]])
    assert client.responses.delete("resp_1") is None


def test_a_body_larger_than_allowed_is_refused_and_not_tried_again() -> None:
    client, world = scripted([answer(200, b"x" * 101)], max_body=100)
    with pytest.raises(oxide.APIError, match=r"more than 100 bytes.*max_body"):
        create(client)
    assert world.naps == []


def test_a_gzip_bomb_is_refused_before_it_is_inflated() -> None:
    bomb = gzip.compress(bytes(1 << 26))
    client, _ = scripted([answer(200, bomb, content_encoding="gzip")], max_body=1 << 20)
    with pytest.raises(oxide.APIError, match="max_body"):
        create(client)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip", "identity"])
def test_content_codings_are_undone(coding: str) -> None:
    plain = b'{"id": "resp_1"}'
    coded = {"deflate": zlib.compress(plain), "identity": plain}.get(coding, gzip.compress(plain))
    client, _ = scripted([answer(200, coded, content_encoding=coding)])
    assert create(client).id == "resp_1"


def test_a_gzip_body_cut_short_is_an_error_and_one_of_several_members_is_not() -> None:
    plain = b'{"id": "resp_1"}'
    assert isinstance(error_of(answer(200, gzip.compress(plain)[:-4], content_encoding="gzip")), oxide.RemoteProtocolError)
    client, _ = scripted([answer(200, gzip.compress(plain[:5]) + gzip.compress(plain[5:]), content_encoding="gzip")])
    assert create(client).id == "resp_1"


def test_a_coding_that_was_not_asked_for_is_refused_and_leaves_nothing_behind() -> None:
    client, world = scripted([answer(200, b"{}", content_encoding="br")], [GOOD], max_retries=0, limits=oxide.Limits(max_connections=1))
    with pytest.raises(oxide.RemoteProtocolError, match="coding"):
        create(client)
    assert world.streams[0].closed
    assert create(client).id == "resp_1"


# ---------------------------------------------------------------------------------------------------- the HTTP side of a result


def test_a_result_tells_of_its_http_side() -> None:
    client, world = scripted(
        [
            failed(500),
            2.0,
            answer(200, RESPONSE, x_request_id="req_1", x_ratelimit_remaining_requests="59", x_ratelimit_reset_requests="1m20s")[:-10],
            3.0,
            answer(200, RESPONSE)[-10:],
        ]
    )
    http = create(client).http
    assert (http.status, http.status_code, http.version, http.request_id) == (200, 200, "HTTP/1.1", "req_1")
    assert http.retries == 1
    assert [a.status for a in http.attempts] == [500, 200]
    assert http.timings.first_byte == world.naps[0] + 2
    assert http.timings.done == world.naps[0] + 5
    assert http.ratelimit.remaining_requests == 59
    assert http.ratelimit.reset_requests == 80
