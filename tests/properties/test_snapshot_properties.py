"""Streams of strange services: whatever JSON comes, it is folded, or refused as the peer's fault; nothing else happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide._helpers.chat_snapshots import ChatSnapshots
from oxide._helpers.early_calls import EarlyCalls, EarlyChatCalls
from oxide._helpers.snapshots import ResponseSnapshots
from oxide._models._base import decoder
from oxide._protocol.base import ProtocolError
from tests.helpers._transcripts import CHATS, RESPONSES, chunks, final, lines, response_events

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "function", "call_1", "message"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "index", "text", "function", "id"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where values stand in a JSON value, the outermost left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in inner for place in ((*path, key), *places(each, (*path, key)))]


@st.composite
def damaged(draw: st.DrawFn, names: list[str]) -> list[dict[str, Any]]:
    """Draw a transcript of which some values were replaced."""
    events = [event for event in lines(draw(st.sampled_from(names))) if "final" not in event]
    for _ in range(draw(st.integers(1, 4))):
        event = events[draw(st.integers(0, len(events) - 1))]
        place = draw(st.sampled_from(places(event)))
        for key in place[:-1]:
            event = event[key] if isinstance(event, dict) or (isinstance(event, list) and key < len(event)) else {}
        if isinstance(event, dict) or (isinstance(event, list) and place[-1] < len(event)):
            event[place[-1]] = draw(ODD)
    return events


@settings(max_examples=150, deadline=None)
@given(damaged(RESPONSES))
def test_damaged_responses_are_folded_or_refused(events: list[dict[str, Any]]) -> None:
    state, calls = ResponseSnapshots(), EarlyCalls()
    decode = decoder("responses_events.ResponseStreamEvent")
    try:
        for event in events:
            record = decode(event)
            made = state.feed(record)
            calls.feed(record)
            getattr(made, "snapshot", None)
    except ProtocolError:
        return
    json.dumps(state.snapshot() and state.snapshot().to_dict())  # type: ignore[union-attr]  # there is one


@settings(max_examples=150, deadline=None)
@given(damaged(CHATS))
def test_damaged_chats_are_folded_or_refused(events: list[dict[str, Any]]) -> None:
    state, calls = ChatSnapshots(), EarlyChatCalls()
    decode = decoder("chat.ChatCompletionChunk")
    try:
        for event in events:
            for made in state.feed(decode(event)):
                calls.feed(made)
                if made.type != "chunk":
                    made.to_dict()
    except ProtocolError:
        return
    json.dumps(state.snapshot().to_dict())


@pytest.mark.parametrize("name", RESPONSES)
@given(st.data())
@settings(max_examples=10, deadline=None)
def test_looking_on_the_way_changes_nothing(name: str, data: st.DataObject) -> None:
    state = ResponseSnapshots()
    for event in response_events(name):
        state.feed(event)
        if data.draw(st.booleans()):
            state.snapshot()
    assert state.final is not None
    assert json.dumps(state.final.response.to_dict()) == json.dumps(final(name))


@pytest.mark.parametrize("name", CHATS)
@given(st.data())
@settings(max_examples=10, deadline=None)
def test_looking_at_a_chat_on_the_way_changes_nothing(name: str, data: st.DataObject) -> None:
    state = ChatSnapshots()
    for chunk in chunks(name):
        state.feed(chunk)
        if data.draw(st.booleans()):
            state.snapshot()
    assert json.dumps(state.snapshot().to_dict()) == json.dumps(final(name))
