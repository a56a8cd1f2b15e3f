"""Streams of background responses that break, and are taken up again: no event is lost, none comes twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import RetryPolicy
from oxide.testing import Fault, Server
from tests.helpers._transcripts import body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faces._both import Face

ASK: dict[str, Any] = {"model": "m", "input": "Hello there, this is a text of some length.", "background": True, "resume": True}
QUICK = RetryPolicy(2, first=0.001, longest=0.001)
CUTS = ("reset", "drop", "close")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def cut(how: Any, after: int) -> Fault:
    return Fault(cut=how, at="body", after=after)


def numbers(events: list[Any]) -> list[int]:
    return [event.sequence_number for event in events]


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("after", [1800, 2500, 4000, 6000])
def test_a_broken_stream_is_taken_up_where_it_broke(face: Face, server: Server, how: str, after: int) -> None:
    server.fail_next(cut(how, after))
    with face.client(server, retry=QUICK) as client, client.responses.stream(**ASK) as stream:
        events = list(stream)
        assert numbers(events) == list(range(len(events)))
        assert events[-1].type == "response.completed"
        assert stream.get_final_response().output_text.endswith("some length.")
    first, second = server.requests
    assert (first.method, second.method) == ("POST", "GET")
    assert "resume" not in first.json
    assert "starting_after=" in second.query


def test_a_stream_may_break_more_often_than_the_attempts_as_long_as_events_come(face: Face, server: Server) -> None:
    server.fail_next(*[cut("drop", 2600)] * 6)
    with face.client(server, retry=QUICK) as client, client.responses.stream(**ASK) as stream:
        events = list(stream)
    assert numbers(events) == list(range(len(events)))
    assert events[-1].type == "response.completed"
    assert len(server.requests) > 1 + QUICK.limit


def test_attempts_without_an_event_between_them_are_bounded(face: Face, server: Server) -> None:
    server.fail_next(cut("drop", 2600), *[cut("drop", 0)] * 20)
    with face.client(server, retry=QUICK) as client, client.responses.stream(**ASK) as stream:
        iterator = iter(stream)
        assert next(iterator).type == "response.created"
        with pytest.raises(oxide.APIConnectionError):
            list(iterator)
    assert len(server.requests) == 3


def test_what_cannot_be_taken_up_is_the_error_that_broke_it(face: Face, server: Server) -> None:
    server.fail_next(cut("drop", 0))
    with (
        face.client(server, retry=QUICK) as client,
        client.responses.stream(**ASK) as stream,
        pytest.raises(oxide.APIConnectionError),
    ):
        list(stream)
    server.fail_next(cut("drop", 2600), Fault(status=404))
    with (
        face.client(server, retry=QUICK) as client,
        client.responses.stream(**ASK) as stream,
        pytest.raises(oxide.NotFoundError) as caught,
    ):
        list(stream)
    assert isinstance(caught.value.__cause__, oxide.APIConnectionError)


def test_an_error_of_the_service_is_no_break(face: Face, server: Server) -> None:
    told = b'data: {"type": "error", "code": "server_error", "message": "No more.", "param": null, "sequence_number": 9}\n\n'
    begun = body("responses_text").partition(b"event: response.completed")[0]
    server.fail_next(Fault(pieces=[begun + told], headers={"content-type": "text/event-stream"}))
    with (
        face.client(server, retry=QUICK) as client,
        client.responses.stream(**ASK) as stream,
        pytest.raises(oxide.StreamError, match="No more"),
    ):
        list(stream)
    assert len(server.requests) == 1


def test_a_stream_that_ends_too_early_without_a_word_is_taken_up_as_well(face: Face, server: Server) -> None:
    server.fail_next(Fault(framing="close", cut="close", at="body", after=2600))
    with face.client(server, retry=QUICK) as client, client.responses.stream(**ASK) as stream:
        assert stream.get_final_response().output_text.endswith("some length.")


def test_a_stream_that_was_closed_is_not_taken_up(face: Face, server: Server) -> None:
    with face.client(server, retry=QUICK) as client, client.responses.stream(**ASK) as stream:
        assert next(iter(stream)).type == "response.created"
        stream.close()
        assert list(stream) == []
    assert len(server.requests) == 1


def test_function_calls_are_told_once_over_all_breaks(face: Face, server: Server) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    server.fail_next(*[cut("reset", 3000)] * 2)
    with (
        face.client(server, retry=QUICK) as client,
        client.responses.stream(**{**ASK, "input": "Weather in Rome?"}, tools=[tool]) as stream,
    ):
        assert [call.parsed for call in stream.function_calls()] == [{"city": "Rome"}]


@pytest.mark.parametrize("given", [{"background": False}, {"store": False}])
def test_only_what_the_service_keeps_can_be_taken_up(face: Face, server: Server, given: dict[str, Any]) -> None:
    opening = face.client(server).responses.stream(**{**ASK, **given})
    with pytest.raises(ValueError, match="background=True"):
        opening.__enter__()
    assert not server.requests


def test_a_plain_stream_of_events_is_taken_up_too(face: Face, server: Server) -> None:
    server.fail_next(cut("drop", 2600))
    with face.client(server, retry=QUICK) as client:
        with client.responses.create(**ASK, stream=True) as stream:
            events = list(stream)
            assert stream.http.status == 200
        assert numbers(events) == list(range(len(events)))
        with pytest.raises(ValueError, match="stream=True"):
            client.responses.create(**ASK)
    assert [request.method for request in server.requests] == ["POST", "GET"]
    assert "resume" not in server.requests[0].json
