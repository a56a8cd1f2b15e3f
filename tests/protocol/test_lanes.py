"""Which events of a connection belong to which call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oxide._helpers.lanes import Lanes, Lost, Turn, parsed


def message(kind: str, lane: str | None = None, **more: Any) -> str:
    return json.dumps({"type": kind, **({} if lane is None else {"stream_id": lane}), **more})


def completed(response_id: str, lane: str | None = None) -> str:
    return message("response.completed", lane, response={"id": response_id})


def deliver(lanes: Lanes, *messages: str) -> None:
    """What a connection does with what it has read."""
    if (turn := lanes.deliver(messages)) is not None:
        turn.wake()
        return
    for each in lanes.route([parsed(one) for one in messages]):
        each.wake()


def begin(lanes: Lanes, previous: str | None = None) -> Turn:
    turn = Turn(lambda: None)
    assert lanes.take(turn, previous)
    return turn


def taken(turn: Turn) -> list[Any]:
    """What has come for a turn: types of events, and why there are no more."""
    came = []
    while turn.inbox:
        one = turn.take()
        came.append(one.why if isinstance(one, Lost) else (json.loads(one) if isinstance(one, (str, bytes)) else one)["type"])
    return came


def name(turn: Turn) -> str | None:
    assert turn.lane is not None
    return turn.lane.name


def test_the_first_turn_has_the_lane_without_a_name_and_gets_messages_as_they_are() -> None:
    lanes = Lanes()
    turn = begin(lanes)
    deliver(lanes, "anything", completed("r1"))
    assert name(turn) is None
    assert [turn.take(), turn.take()] == ["anything", completed("r1")]


def test_turns_side_by_side_get_the_events_of_their_lanes() -> None:
    lanes = Lanes()
    turns = [begin(lanes) for _ in range(3)]
    assert [name(turn) for turn in turns] == [None, "1", "2"]
    deliver(lanes, message("a", "2"), message("b"), message("c", "1"), message("d", "2"))
    assert [taken(turn) for turn in turns] == [["b"], ["c"], ["a", "d"]]


def test_whoever_gets_something_is_woken_once() -> None:
    woken: list[int] = []
    lanes = Lanes()
    turns = [Turn(lambda number=number: woken.append(number)) for number in range(2)]  # type: ignore[misc]  # a default binds the number
    for turn in turns:
        assert lanes.take(turn)
    deliver(lanes, message("a"), message("b"))
    assert woken == [0]


def test_a_conversation_goes_on_in_its_lane_and_a_new_one_in_another() -> None:
    lanes = Lanes()
    first = begin(lanes)
    lanes.finish(first, "r1")
    second = begin(lanes)
    lanes.finish(second, "r2")
    assert (name(first), name(second)) == (None, "1")
    third, fourth = begin(lanes, "r1"), begin(lanes, "r2")
    assert (name(third), name(fourth)) == (None, "1")
    assert name(begin(lanes, "r1")) == "2"  # a fork, while the first goes on


def test_the_lane_used_longest_ago_is_used_again_when_there_are_no_more_names() -> None:
    lanes = Lanes(named=2)
    for number in range(3):
        lanes.finish(begin(lanes), f"r{number}")
    lanes.finish(begin(lanes, "r0"), "r3")
    assert name(begin(lanes)) == "1"


def test_a_turn_too_many_has_to_wait_and_is_woken_when_a_lane_is_free() -> None:
    lanes, woken = Lanes(active=2), []
    lanes.waiting.append(lambda: woken.append(True))
    first, _ = begin(lanes), begin(lanes)
    assert not lanes.take(Turn(lambda: None))
    assert not woken
    deliver(lanes, completed("r1"))
    assert taken(first) == ["response.completed"]
    assert woken == [True]
    assert lanes.take(Turn(lambda: None))


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete", "response.failed", "error"])
def test_what_comes_for_an_abandoned_turn_goes_nowhere_until_its_last_event(kind: str) -> None:
    lanes = Lanes()
    left = begin(lanes)
    deliver(lanes, message("a"))
    lanes.leave(left)
    deliver(lanes, message("b"), message("c"))
    other = begin(lanes)
    assert name(other) == "1"
    deliver(lanes, message("d"), message("e", "1"))
    assert lanes.active == 2
    deliver(lanes, message(kind))
    assert lanes.active == 1
    assert name(begin(lanes)) is None
    assert (taken(left), taken(other)) == ([], ["e"])


def test_a_turn_that_is_left_behind_its_unseen_last_event_frees_its_lane() -> None:
    lanes = Lanes()
    turn = begin(lanes)
    deliver(lanes, message("a"), completed("r1"))
    lanes.leave(turn)
    assert lanes.active == 0
    assert name(begin(lanes, "r1")) is None


def test_leaving_or_finishing_late_does_not_end_the_turn_that_came_after() -> None:
    lanes = Lanes()
    first = begin(lanes)
    lanes.finish(first, "r1")
    second = begin(lanes, "r1")
    lanes.leave(first)
    lanes.finish(first, "r9")
    assert lanes.active == 1
    assert second.lane is not None
    assert second.lane.last == "r1"


def test_an_error_of_no_lane_ends_all_turns() -> None:
    lanes = Lanes()
    lanes.finish(begin(lanes), "r0")
    turns = [begin(lanes), begin(lanes)]
    assert [name(turn) for turn in turns] == ["1", "2"]
    deliver(lanes, message("error"))
    assert [taken(turn) for turn in turns] == [["error"], ["error"]]
    assert lanes.active == 0


def test_an_error_of_a_lane_is_its_own_matter() -> None:
    lanes = Lanes()
    turns = [begin(lanes), begin(lanes)]
    deliver(lanes, message("error", "1"))
    assert [taken(turn) for turn in turns] == [[], ["error"]]


def test_the_end_of_the_connections_time_is_everybodys_and_nothing_begins_after_it() -> None:
    lanes = Lanes()
    turns = [begin(lanes), begin(lanes)]
    deliver(lanes, message("error", "1", error={"code": "websocket_connection_limit_reached"}))
    assert [taken(turn) for turn in turns] == [["error"], ["error"]]
    assert lanes.failure
    assert not lanes.take(Turn(lambda: None))


@pytest.mark.parametrize("garbage", ["no JSON", "[1]", '"text"'])
def test_what_is_no_event_ends_all_turns(garbage: str) -> None:
    lanes = Lanes()
    turns = [begin(lanes), begin(lanes)]
    deliver(lanes, garbage)
    assert [taken(turn) for turn in turns] == [["a message came that is no event of the API"]] * 2
    assert lanes.failure


@pytest.mark.parametrize("stray", [message("a", "7"), json.dumps({"type": "a", "stream_id": 7}), message("a")])
def test_events_of_unknown_lanes_are_dropped(stray: str) -> None:
    lanes = Lanes()
    lanes.finish(begin(lanes), "r0")
    turns = [begin(lanes), begin(lanes)]
    deliver(lanes, stray)
    assert [taken(turn) for turn in turns] == [[], []]


def test_a_turn_that_takes_nothing_is_given_up_and_the_others_go_on() -> None:
    lanes = Lanes(max_waiting=100)
    slow, quick = begin(lanes), begin(lanes)
    for _ in range(50):
        deliver(lanes, message("a"), message("b", "1"))
        assert taken(quick) == ["b"]
    assert "nobody took them" in taken(slow)[-1]
    assert lanes.active == 2
    deliver(lanes, completed("r1"))
    assert lanes.active == 1


def test_sixteen_turns_and_thirty_two_names_are_all_there_is() -> None:
    lanes = Lanes()
    turns = [begin(lanes) for _ in range(16)]
    assert not lanes.take(Turn(lambda: None))
    for number, turn in enumerate(turns):
        lanes.finish(turn, f"r{number}")
    turns = [begin(lanes) for _ in range(16)]
    for number, turn in enumerate(turns):
        lanes.finish(turn, f"s{number}")
    names = {name(begin(lanes)) for _ in range(16)}
    assert names <= {None, *map(str, range(1, 33))}


@pytest.mark.parametrize("wrong", [[], {}, ["error"], 1, None, True])
def test_words_that_are_no_texts_are_words_that_nobody_knows(wrong: object) -> None:
    lanes = Lanes()
    turns = [begin(lanes) for _ in range(2)]
    error = {"type": "error", "error": {"code": wrong}, "stream_id": "1"}
    for each in lanes.route([({"type": wrong, "stream_id": "1"}, 1), ({"type": "x", "stream_id": wrong or []}, 1), (error, 1)]):
        each.wake()
    assert [len(turn.inbox) for turn in turns] == [0, 2]
    assert lanes.active == 1
