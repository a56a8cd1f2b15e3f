"""Calls that somebody watches: what a debugger does with a method's variables is not seen by the service."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from oxide import Client
from oxide.testing import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

ASK: dict[str, Any] = {"model": "m", "input": "Hello"}
CALLS: dict[str, Callable[[Client], object]] = {
    "a plain call": lambda client: client.responses.create(**ASK, temperature=0.5),
    "a derived call": lambda client: client.responses.parse(**ASK, temperature=0.5),
    "a derived call of chat": lambda client: client.chat.completions.parse(model="m", messages=[{"role": "user", "content": "Hello"}]),
}


@contextmanager
def watched() -> Iterator[None]:
    """Do at each step what a debugger does that shows the variables."""

    def look(frame: FrameType, event: str, argument: object) -> Any:
        dict(frame.f_locals)
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("title", CALLS)
def test_a_watched_call_sends_what_an_unwatched_one_sends(title: str) -> None:
    with Server() as server, Client(api_key="k", base_url=server.url) as client:
        CALLS[title](client)
        with watched():
            CALLS[title](client)
        plain, seen = server.requests
    assert seen.json == plain.json
    assert set(seen.json) <= {"model", "input", "messages", "temperature"}
