"""Attempts: which failures are tried again, after how long, with what, and when it ends."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

import oxide
from oxide import RetryPolicy, Timeout
from oxide._transport.base import run_now
from oxide._transport.connection import Http1Connection
from oxide._transport.course import Course, Outgoing
from oxide._url import Origin
from oxide.testing.scripted import ScriptedStream
from tests.exchange._story import RESPONSE, answer, asked, failed, scripted, world_of

GOOD = answer(200, RESPONSE)


def create(client: oxide.Client, **options: Any) -> Any:
    return client.responses.create(model="m", input="Hello", **options)


# ---------------------------------------------------------------------------------------------------- which


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_these_statuses_are_tried_again(status: int) -> None:
    client, world = scripted([failed(status), GOOD])
    assert create(client).id == "resp_1"
    assert len(asked(world)) == 2
    assert len(world.endpoints) == 1, "the connection is used again"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 418, 422])
def test_these_are_not(status: int) -> None:
    client, world = scripted([failed(status)])
    with pytest.raises(oxide.APIStatusError) as caught:
        create(client)
    assert caught.value.status_code == status
    assert world.naps == []


@pytest.mark.parametrize(
    "broken",
    [
        [ConnectionResetError(104, "reset")],
        [b""],
        [b"garbage\r\n\r\n"],
        [answer(200, b"{}", length=100), b""],
        [answer(200, b"{}", length=100), ConnectionResetError(104, "reset")],
        [b"HTTP/1.1 200 OK\r\ncontent-le", b""],
    ],
    ids=["reset", "hang-up", "garbage", "cut", "reset in the body", "cut in the head"],
)
def test_a_connection_that_breaks_is_tried_again(broken: list[Any]) -> None:
    client, world = scripted(broken, [GOOD])
    assert create(client).http.retries == 1
    assert len(world.naps) == 1


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "refused"), TimeoutError("slow"), OSError(113, "no route")])
def test_a_connection_that_cannot_be_made_is_tried_again(error: OSError) -> None:
    client, _ = scripted(error, [GOOD])
    assert create(client).id == "resp_1"


def test_after_two_retries_the_last_error_is_raised_and_tells_of_every_attempt() -> None:
    client, world = scripted([failed(500), answer(502, b"", connection="close")], [ConnectionResetError(104, "reset")])
    with pytest.raises(oxide.APIError) as caught:
        create(client)
    assert [(a.number, a.status) for a in caught.value.attempts] == [(1, 500), (2, 502), (3, None)]
    assert [a.started for a in caught.value.attempts] == [0, world.naps[0], sum(world.naps)]
    assert "reset" in caught.value.attempts[2].cause


def test_the_delays_are_half_a_second_and_a_second_less_up_to_a_quarter() -> None:
    client, world = scripted([failed(500)] * 3)
    with pytest.raises(oxide.InternalServerError):
        create(client)
    first, second = world.naps
    assert 0.375 <= first <= 0.5
    assert 0.75 <= second <= 1.0


def test_the_delays_grow_to_eight_seconds_at_most() -> None:
    client, world = scripted([failed(500)] * 11, max_retries=10)
    with pytest.raises(oxide.InternalServerError):
        create(client)
    assert len(world.naps) == 10
    assert all(6 <= nap <= 8 for nap in world.naps[4:])


@pytest.mark.parametrize("where", ["client", "copy", "call", "policy"])
def test_the_number_of_retries_can_be_chosen(where: str) -> None:
    options = {"client": {"max_retries": 1}, "policy": {"retry": RetryPolicy(1)}}.get(where, {})
    client, world = scripted([failed(500)] * 3, **options)
    if where == "copy":
        client = client.with_options(max_retries=1)
    with pytest.raises(oxide.InternalServerError):
        create(client, **({"max_retries": 1} if where == "call" else {}))
    assert len(asked(world)) == 2


def test_the_server_may_ask_for_a_retry_or_forbid_one() -> None:
    client, world = scripted([answer(400, b"", x_should_retry="true"), answer(500, b"", x_should_retry="false")])
    with pytest.raises(oxide.InternalServerError):
        create(client)
    assert len(asked(world)) == 2


def test_an_exhausted_quota_is_final() -> None:
    client, world = scripted([failed(429, code="insufficient_quota")])
    with pytest.raises(oxide.RateLimitError) as caught:
        create(client)
    assert caught.value.code == "insufficient_quota"
    assert len(asked(world)) == 1


@pytest.mark.parametrize("code", [[], {}, 7, None, True, "x" * 10**5])
def test_a_code_of_any_kind_does_no_harm(code: object) -> None:
    client, _ = scripted([failed(429, code=code), GOOD])
    assert create(client).id == "resp_1"


# ---------------------------------------------------------------------------------------------------- after how long


@pytest.mark.parametrize(
    ("fields", "nap"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.25"}, 0.25),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after": "120"}, 120),
    ],
)
def test_the_server_says_when_to_come_back(fields: dict[str, str], nap: float) -> None:
    client, world = scripted([answer(429, b"", connection="close", **fields)], [GOOD])
    create(client)
    assert world.naps == [nap]


def test_the_server_may_name_a_date() -> None:
    client, world = scripted([answer(503, b"", retry_after=formatdate(time.time() + 30, usegmt=True)), GOOD])
    create(client)
    assert 27 < world.naps[0] <= 30.5


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "-inf", "0", "soon", "1e999", "", "Wed, 99 Foo 2020 00:00:00 GMT"])
def test_a_senseless_delay_is_replaced_by_our_own(value: str) -> None:
    client, world = scripted([answer(429, b"", retry_after=value, retry_after_ms=value), GOOD])
    create(client)
    assert 0.375 <= world.naps[0] <= 0.5


def test_who_asks_for_more_than_two_minutes_is_not_waited_for() -> None:
    client, world = scripted([answer(429, b"", retry_after="121")])
    with pytest.raises(oxide.RateLimitError) as caught:
        create(client)
    assert caught.value.retry_after == 121
    assert world.naps == []


# ---------------------------------------------------------------------------------------------------- with what


def test_the_idempotency_key_stays_over_attempts_and_differs_between_calls() -> None:
    client, world = scripted([failed(500), failed(500), GOOD, GOOD])
    create(client)
    create(client)
    keys = [request.key for request in asked(world)]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert all(keys)


def test_the_idempotency_key_can_be_chosen() -> None:
    client, world = scripted([failed(500), GOOD])
    create(client, idempotency_key="mine")
    assert [request.key for request in asked(world)] == ["mine", "mine"]


def test_a_get_has_no_idempotency_key_unless_it_is_given_one() -> None:
    client, world = scripted([GOOD, GOOD])
    client.get("/a")
    client.get("/b", idempotency_key="mine")
    assert [request.key for request in asked(world)] == [None, "mine"]


def test_the_same_body_is_sent_again() -> None:
    client, world = scripted([failed(500), GOOD])
    create(client)
    first, second = asked(world)
    assert first.body == second.body != b""


def test_a_function_is_asked_for_the_key_at_each_attempt() -> None:
    keys = iter(["one", "two", "three"])
    client, world = scripted([failed(401, "old"), failed(500), GOOD], api_key=lambda: next(keys), retry=RetryPolicy(statuses=(401,)))
    create(client)
    assert [request.headers["authorization"] for request in asked(world)] == ["Bearer one", "Bearer two", "Bearer three"]


@pytest.mark.parametrize("error", [ConnectionError("vault"), TimeoutError("vault"), ValueError("vault"), oxide.APIConnectionError("vault")])
def test_what_the_function_for_the_key_raises_is_raised_as_it_is(error: Exception) -> None:
    def no_key() -> str:
        raise error

    client, world = scripted(api_key=no_key)
    with pytest.raises(type(error)) as caught:
        create(client)
    assert caught.value is error
    assert world.endpoints == []


@pytest.mark.parametrize("key", ["", "a\nb", "a b", "käse", None, 7, b"bytes"])
def test_a_function_that_gives_no_key_is_told_so_before_anything_is_sent(key: Any) -> None:
    client, world = scripted(api_key=lambda: key)
    with pytest.raises(oxide.ConfigurationError, match="key"):
        create(client)
    assert world.endpoints == []


def test_pieces_that_come_once_are_sent_once() -> None:
    client, world = scripted([failed(500)])
    with pytest.raises(oxide.InternalServerError):
        client.request("POST", "/files", content=iter([b"a", b"b"]))
    assert len(asked(world)) == 1


def test_pieces_that_stay_are_sent_again() -> None:
    client, world = scripted([failed(500), GOOD])
    client.request("POST", "/files", content=[b"one", b"two"])
    first, second = asked(world)
    assert first.body == second.body == b"3\r\none\r\n3\r\ntwo\r\n"


# ---------------------------------------------------------------------------------------------------- how long in all


def test_a_storm_of_failures_uses_up_the_budget_and_successes_fill_it_again() -> None:
    client, world = scripted([failed(500)] * 600)
    for _ in range(60):
        with pytest.raises(oxide.InternalServerError):
            create(client)
    assert len(asked(world)) == 60 + 100, "one hundred retries are free, then there are none"


def test_five_successes_pay_for_one_retry() -> None:
    replies = [failed(500)] * 151 + [GOOD] * 5 + [failed(500)] * 2
    client, world = scripted(replies)
    for _ in range(51):
        with pytest.raises(oxide.InternalServerError):
            create(client)
    for _ in range(5):
        create(client)
    with pytest.raises(oxide.InternalServerError):
        create(client)
    assert len(asked(world)) == len(replies)


def test_a_delay_that_would_pass_the_deadline_is_not_waited_for() -> None:
    client, world = scripted([2.0, answer(429, b"", retry_after="8")], timeout=Timeout(total=10))
    with pytest.raises(oxide.RateLimitError):
        create(client)
    assert world.clock == 2.0


def test_the_deadline_holds_over_all_attempts() -> None:
    client, world = scripted([3.0, answer(429, b"", retry_after="4"), 100.0], timeout=Timeout(total=10, read=50))
    with pytest.raises(oxide.APITimeoutError, match="deadline of 10 s") as caught:
        create(client)
    assert world.clock == 10
    assert caught.value.after == 10
    assert [a.status for a in caught.value.attempts] == [429, None]


def test_a_call_may_have_a_deadline_of_its_own() -> None:
    client, world = scripted([100.0])
    with pytest.raises(oxide.APITimeoutError):
        create(client, timeout=Timeout(total=1.5))
    assert world.clock == 1.5


# ---------------------------------------------------------------------------------------------------- timeouts


def test_silence_before_the_head_times_out_and_is_tried_again() -> None:
    client, world = scripted([1000.0], [GOOD], timeout=Timeout(read=7))
    assert create(client).http.retries == 1
    assert world.clock - world.naps[0] == 7


@pytest.mark.parametrize(
    ("connections", "timeout", "phase", "after"),
    [
        ([[1000.0]], Timeout(read=7), "head", 7),
        ([[answer(200, b"{", length=9), 1000.0]], Timeout(read=7), "body", 7),
        ([TimeoutError("slow")], Timeout(connect=3), "connect", 3),
        ([[1000.0]], Timeout(total=2), "head", 2),
        ([[answer(200, b"{", length=9), 1000.0]], Timeout(total=2), "body", 2),
        ([TimeoutError("slow")], Timeout(connect=3, total=2), "connect", 2),
    ],
)
def test_a_timeout_tells_where_and_after_how_long(connections: Any, timeout: Timeout, phase: str, after: float) -> None:
    client, world = scripted(*connections, timeout=timeout, max_retries=0)
    with pytest.raises(oxide.APITimeoutError) as caught:
        create(client)
    assert (caught.value.phase, caught.value.after) == (phase, after)
    assert world.clock == after
    assert ("Timeout.total" in str(caught.value)) == (timeout.total == 2)


def test_waiting_for_a_connection_times_out_and_names_the_limit() -> None:
    client, world = scripted([answer(200, b"", length=9)], limits=oxide.Limits(max_connections=1), timeout=Timeout(pool=4))
    stream = client.get("/x", stream=True)
    with pytest.raises(oxide.APITimeoutError, match=r"all 1 are in use \(Limits.max_connections\)") as caught:
        create(client)
    assert (caught.value.phase, caught.value.after) == ("pool", 4)
    assert world.clock == 4
    del stream


# ---------------------------------------------------------------------------------------------------- idle connections that died


@pytest.mark.parametrize("death", [b"", ConnectionResetError(104, "reset"), BrokenPipeError(32, "pipe")])
def test_a_request_that_died_on_a_reused_connection_is_sent_again_on_a_fresh_one(death: Any) -> None:
    client, world = scripted([GOOD, lambda _: death], [GOOD])
    create(client)
    world.clock += 30
    result = create(client)
    assert result.http.retries == 0, "it does not count"
    assert world.naps == []
    first, lost, again = asked(world)
    assert lost.key == again.key != first.key
    assert world.streams[0].closed


def test_one_that_had_begun_to_be_answered_counts() -> None:
    client, world = scripted([GOOD, lambda _: b"H", b""], [GOOD])
    create(client)
    assert create(client).http.retries == 1
    assert len(world.naps) == 1


def test_one_that_timed_out_counts() -> None:
    client, world = scripted([GOOD, 1000.0], [GOOD], timeout=Timeout(read=5))
    create(client)
    assert create(client).http.retries == 1
    assert len(world.naps) == 1


def test_a_hang_up_on_a_fresh_connection_counts() -> None:
    client, world = scripted([b""], [GOOD])
    assert create(client).http.retries == 1
    assert len(world.naps) == 1


def test_it_is_not_sent_again_if_it_cannot_be() -> None:
    client, _ = scripted([GOOD, lambda _: b""])
    create(client)
    with pytest.raises(oxide.APIConnectionError):
        client.request("POST", "/files", content=iter([b"a"]))


def test_a_connection_that_the_server_closed_while_idle_is_noticed_before_use() -> None:
    client, world = scripted([GOOD, b""], [GOOD])
    create(client)
    world.clock += 1
    create(client)
    assert [len(sent) > 0 for sent in world.sent] == [True, True]
    assert len(asked(world)) == 2


def test_bytes_that_nobody_asked_for_never_answer_the_next_call() -> None:
    client, world = scripted([GOOD, b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n666"[:7], b"x"], [GOOD])
    world.script[0][1] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull"
    create(client)
    world.clock += 1
    assert create(client).id == "resp_1"
    assert len(world.streams) == 2


def test_a_second_answer_in_the_same_packet_ends_the_connection() -> None:
    client, world = scripted([GOOD + GOOD], [GOOD])
    create(client)
    create(client)
    assert world.streams[0].closed
    assert len(world.streams) == 2


def test_pieces_that_come_once_are_not_wasted_on_a_connection_that_the_server_has_just_closed() -> None:
    client, world = scripted([GOOD, b""], [GOOD])
    client.request("GET", "/models")
    assert client.request("POST", "/files", content=iter([b"a"])).status_code == 200
    assert [request.method for request in asked(world)] == ["GET", "POST"]


class Deaf(ScriptedStream):
    """A peer that takes only a part of a request, and has said why."""

    async def send(self, data: bytes, timeout: float) -> None:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_connection_that_took_a_part_of_a_request_serves_no_other() -> None:
    world = world_of([])
    connection = Http1Connection(Deaf(world, [answer(413, b"too large")]))
    outgoing = Outgoing("POST", Origin("http", "a.test", 80), "/", [("Host", "a.test")], b"x" * 100, None, True)
    course = Course(Timeout(), float("inf"), world.now, 0.0)
    assert run_now(connection.open(outgoing, course)).head.status == 413
    assert run_now(connection.next_chunk(course)) == b"too large"
    assert connection.ended
    assert not connection.reusable
