"""Streams of events: where they end, what breaks them, how long they wait, and what becomes of their connection."""

from __future__ import annotations

import asyncio
import gc
import gzip
from typing import Any

import pytest

import oxide
from oxide import Timeout
from tests.exchange._story import DONE, END, RESPONSE, STREAM_HEAD, answer, asked, chunk, event, failed, scripted, scripted_async, token

GOOD = answer(200, RESPONSE)
CREATED = event({"type": "response.created", "response": RESPONSE}, "response.created")
DELTA = event({"type": "response.output_text.delta", "delta": "Hi"}, "response.output_text.delta")
COMPLETED = event({"type": "response.completed", "response": RESPONSE}, "response.completed")
BROKEN = ConnectionResetError(104, "reset")


def chat(client: oxide.Client, **options: Any) -> oxide.Stream[Any]:
    return client.chat.completions.create(model="m", messages=[], stream=True, **options)


def respond(client: oxide.Client, **options: Any) -> oxide.Stream[Any]:
    return client.responses.create(model="m", input="Hello", stream=True, **options)


def texts(events: list[Any]) -> list[str]:
    return [event.choices[0].delta.content for event in events]


def read(stream: oxide.Stream[Any]) -> tuple[list[Any], Any]:
    """Return the events, and the error that ended them."""
    events: list[Any] = []
    try:
        for each in stream:
            events.append(each)
    except oxide.OxideError as error:
        return events, error
    return events, None


# ---------------------------------------------------------------------------------------------------- the end


def test_chat_ends_with_done() -> None:
    client, _ = scripted([STREAM_HEAD, chunk(token("a") + token("b", "stop") + DONE), END])
    events, error = read(chat(client))
    assert (texts(events), error) == (["a", "b"], None)


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete", "response.failed"])
def test_responses_end_with_a_terminal_event_which_is_handed_out(kind: str) -> None:
    client, _ = scripted([STREAM_HEAD, chunk(CREATED + DELTA + event({"type": kind, "response": RESPONSE}, kind)), END])
    events, error = read(respond(client))
    assert error is None
    assert [each.type for each in events] == ["response.created", "response.output_text.delta", kind]


@pytest.mark.parametrize("rest", [DELTA, event({"type": "error", "message": "late"}, "error"), "data: {", DONE, ": comment\n\n"])
def test_nothing_that_follows_the_last_event_is_heard(rest: str) -> None:
    client, _ = scripted([STREAM_HEAD, chunk(COMPLETED + rest), END])
    events, error = read(respond(client))
    assert ([each.type for each in events], error) == (["response.completed"], None)


def test_chat_may_end_after_a_finish_reason_without_done() -> None:
    usage = event({"id": "c", "choices": [], "usage": {"total_tokens": 3}})
    client, _ = scripted([STREAM_HEAD, chunk(token("a", "stop") + usage), END])
    events, error = read(chat(client))
    assert error is None
    assert len(events) == 2


@pytest.mark.parametrize("ending", [[END], [b""], [BROKEN]], ids=["marked", "hang-up", "reset"])
def test_an_end_before_the_last_event_tells_what_came_before(ending: list[Any]) -> None:
    client, world = scripted([STREAM_HEAD, chunk(CREATED + DELTA), *ending])
    events, error = read(respond(client))
    assert [each.type for each in events] == ["response.created", "response.output_text.delta"]
    assert isinstance(error, oxide.StreamError if ending == [END] else oxide.APIConnectionError)
    assert [each.type for each in error.events_so_far] == ["response.created", "response.output_text.delta"]
    assert [a.status for a in error.attempts] == [200]
    assert len(asked(world)) == 1, "what was handed out cannot be taken back: no retry"


def test_an_empty_stream_is_an_early_end() -> None:
    client, _ = scripted([STREAM_HEAD, END])
    events, error = read(chat(client))
    assert events == []
    assert isinstance(error, oxide.StreamError)
    assert error.event_count == 0


def test_only_the_last_events_are_kept_for_an_error() -> None:
    client, _ = scripted([STREAM_HEAD, *(chunk(token(str(n))) for n in range(100)), END])
    events, error = read(chat(client))
    assert len(events) == error.event_count == 100
    assert texts(error.events_so_far) == [str(n) for n in range(68, 100)]


def test_an_ended_stream_stays_ended() -> None:
    client, _ = scripted([STREAM_HEAD, chunk(token("a") + DONE), END])
    stream = chat(client)
    assert len(list(stream)) == 1
    assert list(stream) == []
    with pytest.raises(StopIteration):
        next(stream)


def test_a_stream_that_failed_stays_ended() -> None:
    client, _ = scripted([STREAM_HEAD, chunk(token("a")), END])
    stream = chat(client)
    assert isinstance(read(stream)[1], oxide.StreamError)
    assert read(stream) == ([], None)


# ---------------------------------------------------------------------------------------------------- trouble in the stream


@pytest.mark.parametrize(
    "wrong",
    [
        event({"error": {"message": "overloaded", "code": "server_error", "type": "x"}}),
        event({"type": "error", "message": "overloaded", "code": "server_error", "param": None}, "error"),
        event({"error": {"message": "overloaded", "code": "server_error"}}, "error"),
        event({"message": "overloaded", "code": "server_error"}, "error"),
        event({"type": "error", "error": {"message": "overloaded", "code": "server_error"}}),
    ],
)
def test_an_error_event_is_raised_after_the_events_before_it(wrong: str) -> None:
    client, world = scripted([STREAM_HEAD, chunk(CREATED + DELTA + wrong + DELTA), END])
    events, error = read(respond(client))
    assert len(events) == 2
    assert isinstance(error, oxide.StreamError)
    assert "overloaded" in str(error)
    assert error.code == "server_error"
    assert len(error.events_so_far) == 2
    assert world.streams[0].closed


@pytest.mark.parametrize("value", ['"text"', "7", "null", "[]", "[1]"])
def test_an_event_that_is_no_object_is_an_error(value: str) -> None:
    client, _ = scripted([STREAM_HEAD, chunk(token("a") + event(value)), END])
    events, error = read(chat(client))
    assert len(events) == 1
    assert isinstance(error, oxide.StreamError)


@pytest.mark.parametrize(
    "data",
    ["{", "no", "{'a': 1}", "[" * 100_000, "\x0b[" * 3, '{"a":' * 100_000, "1" * 5000],
    ids=["cut", "word", "quotes", "deep", "odd", "deep objects", "long"],
)
def test_an_event_that_is_no_json_is_an_error_with_its_start(data: str) -> None:
    client, world = scripted([STREAM_HEAD, chunk(token("a") + event(data) + DONE), END])
    events, error = read(chat(client))
    assert texts(events) == ["a"]
    assert isinstance(error, oxide.StreamError)
    assert error.body == data[:2000]
    assert world.streams[0].closed


@pytest.mark.parametrize(
    "value",
    [
        {"type": []},
        {"type": {}},
        {"type": 7},
        {"type": None},
        {"choices": 7},
        {"choices": [7]},
        {"choices": {"a": 1}},
        {"choices": [{"finish_reason": []}]},
        {"error": None},
        {"error": []},
        {"type": ["error"], "error": "x"},
    ],
)
def test_an_event_of_any_shape_ends_in_an_event_or_an_error_of_ours(value: object) -> None:
    client, _ = scripted([STREAM_HEAD, chunk(event(value)), END])
    read(respond(client))
    client, _ = scripted([STREAM_HEAD, chunk(event(value)), END])
    read(chat(client))


def test_a_deep_event_is_an_event_or_an_error_of_ours() -> None:
    deep = '{"type":"response.output_item.added","item":' + '{"type":"message","content":[' * 300 + "]}" * 300 + "}"
    client, _ = scripted([STREAM_HEAD, chunk(event(deep) + COMPLETED), END])
    events, error = read(respond(client))
    assert events or isinstance(error, oxide.StreamError)


def test_bytes_that_are_no_utf_8_break_the_stream_after_the_events_before_them() -> None:
    client, _ = scripted([STREAM_HEAD, chunk(token("a").encode() + b"data: \xff\n\n"), END])
    events, error = read(chat(client))
    assert texts(events) == ["a"]
    assert isinstance(error, oxide.RemoteProtocolError)
    assert "UTF-8" in str(error)


def test_blocks_that_say_nothing_are_no_events() -> None:
    nothing = ": ping\n\nid: 7\n\nretry: 10\n\nevent: ping\n\n\n\n"
    client, _ = scripted([STREAM_HEAD, chunk(nothing + token("a") + nothing), chunk(nothing + DONE), END])
    events, error = read(chat(client))
    assert (texts(events), error) == (["a"], None)


def test_an_error_status_is_no_stream() -> None:
    client, world = scripted([failed(500), failed(503), failed(400)])
    with pytest.raises(oxide.BadRequestError):
        chat(client)
    assert len(asked(world)) == 3


def test_a_stream_whose_head_failed_is_asked_for_again() -> None:
    client, world = scripted([failed(500), STREAM_HEAD, chunk(token("a") + DONE), END])
    stream = chat(client)
    assert stream.http.retries == 1
    assert len(list(stream)) == 1
    assert asked(world)[0].key == asked(world)[1].key
    assert asked(world)[1].headers["accept"] == "text/event-stream"


# ---------------------------------------------------------------------------------------------------- time


def test_the_first_event_must_come_in_time_and_comments_do_not_count() -> None:
    client, world = scripted([1.0, STREAM_HEAD, *([1.0, chunk(": ping\n\n")] * 10)], timeout=Timeout(first_event=5))
    events, error = read(chat(client))
    assert events == []
    assert isinstance(error, oxide.APITimeoutError)
    assert "Timeout.first_event" in str(error)
    assert (error.after, error.phase, world.clock) == (5, "body", 5)
    assert world.streams[0].closed


def test_the_head_belongs_to_the_wait_for_the_first_event() -> None:
    client, world = scripted([60.0, STREAM_HEAD], timeout=Timeout(first_event=5))
    with pytest.raises(oxide.APITimeoutError, match=r"Timeout\.first_event") as caught:
        chat(client)
    assert (caught.value.after, caught.value.phase, world.clock) == (5, "head", 5)


def test_the_first_event_has_no_say_in_calls_that_do_not_stream() -> None:
    client, world = scripted([60.0, GOOD], timeout=Timeout(first_event=5, idle=5))
    client.responses.create(model="m", input="Hello")
    assert world.clock == 60


def test_events_must_follow_each_other_in_time_and_comments_do_not_count() -> None:
    beats = [part for n in range(4) for part in (2.0, chunk(token(str(n))))]
    client, world = scripted([STREAM_HEAD, *beats, *([1.0, chunk(": ping\n\n")] * 10)], timeout=Timeout(idle=3))
    events, error = read(chat(client))
    assert texts(events) == ["0", "1", "2", "3"]
    assert isinstance(error, oxide.APITimeoutError)
    assert "Timeout.idle" in str(error)
    assert (error.after, world.clock) == (3, 11)
    assert texts(error.events_so_far) == ["0", "1", "2", "3"]


def test_the_time_that_the_reader_takes_does_not_count() -> None:
    client, world = scripted([STREAM_HEAD, chunk(token("a")), 2.0, chunk(token("b") + DONE)], timeout=Timeout(idle=3))
    seen = []
    for each in chat(client):
        seen.append(each)
        world.clock += 60
    assert texts(seen) == ["a", "b"]


def test_the_deadline_holds_until_the_last_event() -> None:
    beats = [part for n in range(9) for part in (2.0, chunk(token(str(n))))]
    client, world = scripted([STREAM_HEAD, *beats], timeout=Timeout(total=7, idle=6, first_event=6))
    events, error = read(chat(client))
    assert len(events) == 3
    assert "Timeout.total" in str(error)
    assert (error.after, world.clock) == (7, 7)


def test_silence_is_bounded_by_the_read_timeout() -> None:
    client, world = scripted([STREAM_HEAD, chunk(token("a")), 60.0], timeout=Timeout(read=4))
    _, error = read(chat(client))
    assert isinstance(error, oxide.APITimeoutError)
    assert (error.after, error.phase, world.clock) == (4, "body", 4)


# ---------------------------------------------------------------------------------------------------- the connection


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("last", [DONE, COMPLETED])
def test_twenty_streams_in_a_row_use_one_connection_even_if_the_end_of_the_body_is_late(late: bool, last: str) -> None:
    replies: list[Any] = []
    for _ in range(20):
        replies += [lambda _: STREAM_HEAD, chunk(token("a") + last)]
        replies += [0.05, END] if late else [END]
    client, world = scripted(replies)
    for _ in range(20):
        assert len(list(chat(client))) == 1 + (last == COMPLETED)
    assert len(world.streams) == 1


@pytest.mark.parametrize("rest", [[60.0], [b""], [BROKEN], [chunk("x" * 70_000), END], [END + b"HTTP/1.1 200 OK\r\n"]])
def test_a_connection_whose_body_does_not_end_is_given_up(rest: list[Any]) -> None:
    client, world = scripted([STREAM_HEAD, chunk(token("a") + DONE), *rest], [GOOD])
    assert len(list(chat(client))) == 1
    assert client.responses.create(model="m", input="Hello").http.retries == 0
    assert world.streams[0].closed
    assert world.clock < 1


@pytest.mark.parametrize("how", ["close", "with", "drop", "break"])
def test_a_stream_that_is_left_early_closes_its_connection_at_once(how: str) -> None:
    client, world = scripted([STREAM_HEAD, chunk(token("a")), chunk(token("b"))], [GOOD], limits=oxide.Limits(max_connections=1))
    stream = chat(client)
    if how == "close":
        next(stream)
        stream.close()
        stream.close()
        assert list(stream) == []
    elif how == "with":
        with stream:
            next(stream)
    elif how == "break":
        for _ in stream:
            break
        stream.close()
    else:
        next(stream)
        del stream
        gc.collect()
    assert world.streams[0].closed
    assert client.responses.create(model="m", input="Hello").id == "resp_1"


def test_what_a_closed_stream_had_in_hand_is_not_handed_out() -> None:
    client, _ = scripted([STREAM_HEAD, chunk(token("a") + token("b") + token("c")), END])
    stream = chat(client)
    seen = []
    for each in stream:
        seen.append(each)
        stream.close()
    assert texts(seen) == ["a"]


def test_a_stream_closed_after_its_end_leaves_the_connection_open() -> None:
    client, world = scripted([STREAM_HEAD, chunk(token("a") + DONE), END, GOOD])
    with chat(client) as stream:
        assert len(list(stream)) == 1
    client.responses.create(model="m", input="Hello")
    assert len(world.streams) == 1


def test_a_stream_tells_of_its_answer() -> None:
    client, _ = scripted([STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nx-request-id: req_1\r\n\r\n"), chunk(token("a") + DONE), END])
    stream = chat(client)
    assert stream.http.request_id == "req_1"
    assert stream.response.status_code == 200
    assert stream.response.headers["Content-Type"] == "text/event-stream"
    assert stream.http.timings.done == 0
    list(stream)


def test_the_asyncio_stream_tells_the_same_story() -> None:
    client, world = scripted_async(
        [failed(500), STREAM_HEAD, chunk(token("a") + token("b")), 0.1, chunk(token("c", "stop") + DONE), 0.05, END, STREAM_HEAD],
        limits=oxide.Limits(max_connections=1),
    )
    world.streams.clear()

    async def story() -> None:
        async with await client.chat.completions.create(model="m", messages=[], stream=True) as stream:
            assert texts([each async for each in stream]) == ["a", "b", "c"]
            assert stream.http.retries == 1
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        await stream.close()
        assert [each async for each in stream] == []
        assert world.streams[0].closed
        await client.close()

    asyncio.run(story())
    assert len(world.streams) == 1


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_stream_never_reads_the_answer_to_the_next_request_on_its_connection(coding: str) -> None:
    whole = (token("a", "stop")).encode()  # without [DONE], and with the end of the body in the same packet: the connection is free
    whole = gzip.compress(whole) if coding else whole
    second = [STREAM_HEAD, chunk(token("b")), chunk(token("c", "stop") + DONE) + END]
    client, world = scripted([answer(200, whole, content_type="text/event-stream", content_encoding=coding), *second])
    outer = chat(client)
    assert next(outer).choices[0].delta.content == "a"
    inner = chat(client)
    assert next(inner).choices[0].delta.content == "b"
    assert list(outer) == []
    assert texts(list(inner)) == ["c"]
    assert len(world.streams) == 1


def test_closing_a_stream_that_has_ended_leaves_its_connection_to_the_next_request() -> None:
    client, _ = scripted([answer(200, token("a", "stop").encode()), STREAM_HEAD, chunk(token("b")), chunk(DONE) + END])
    outer = chat(client)
    next(outer)
    inner = chat(client)
    outer.close()
    assert texts(list(inner)) == ["b"]


def choice(index: int, finish: str | None = None) -> str:
    return event({"id": "c", "choices": [{"index": index, "delta": {"content": "x"}, "finish_reason": finish}]})


@pytest.mark.parametrize(
    ("events", "whole"),
    [
        (choice(0) + choice(1) + choice(0, "stop"), False),
        (choice(0) + choice(1) + choice(0, "stop") + choice(1, "length"), True),
        (choice(0, "stop") + choice(1), False),
    ],
)
def test_a_chat_of_many_choices_has_ended_when_all_of_them_have(events: str, whole: bool) -> None:
    client, _ = scripted([answer(200, events.encode())])
    got, error = read(chat(client, n=2))
    assert len(got) == events.count("data:")
    assert isinstance(error, oxide.StreamError) is not whole


def test_an_error_in_the_batch_of_good_events_counts_them() -> None:
    client, _ = scripted([STREAM_HEAD, chunk(token("a") + token("b") + event({"error": {"message": "enough"}})), END])
    events, error = read(chat(client))
    assert "enough" in str(error)
    assert len(events) == error.event_count == len(error.events_so_far) == 2


def test_a_raw_verb_that_streams_asks_for_events() -> None:
    client, world = scripted([STREAM_HEAD, chunk(token("a") + DONE), END])
    assert len(list(client.post("/chat/completions", body={"stream": True}, stream=True))) == 1
    assert b"accept: text/event-stream" in world.sent[0].lower()
