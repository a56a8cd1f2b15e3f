"""The mirror that the face tests look into: it adds nothing, hides nothing and loses no error."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faces._both import Mirror

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from oxide.testing import Server
    from tests.faces._both import Face


class Blocking:
    """A thing with a method, a stream and a context, as the blocking client has them."""

    entered = False

    def double(self, number: int) -> int:
        time.sleep(0.02)
        return 2 * number

    def fail(self) -> None:
        raise KeyError("mine")

    def count(self, end: int) -> Iterator[int]:
        return iter(range(end))

    def __enter__(self) -> Blocking:
        self.entered = True
        return self

    def __exit__(self, *error: object) -> None:
        self.entered = False


class Asynchronous:
    """Its twin."""

    entered = False

    async def double(self, number: int) -> int:
        await asyncio.sleep(0.02)
        return 2 * number

    async def fail(self) -> None:
        raise KeyError("mine")

    async def count(self, end: int) -> AsyncIterator[int]:
        async def numbers() -> AsyncIterator[int]:
            for number in range(end):
                await asyncio.sleep(0)
                yield number

        return numbers()

    async def __aenter__(self) -> Asynchronous:
        self.entered = True
        return self

    async def __aexit__(self, *error: object) -> None:
        self.entered = False


@pytest.fixture
def thing(face: Face) -> Any:
    return Mirror(face, Blocking() if face.name == "blocking" else Asynchronous())


def test_a_call_gives_its_result(thing: Any) -> None:
    assert thing.double(21) == 42


def test_an_error_comes_through(thing: Any) -> None:
    with pytest.raises(KeyError, match="mine"):
        thing.fail()


def test_a_stream_is_iterated_and_collected(face: Face, thing: Any) -> None:
    assert [number for number in thing.count(3)] == face.collect(thing.count(3)) == [0, 1, 2]  # noqa: C416 - iterated on purpose


def test_a_context_is_entered_and_left(thing: Any) -> None:
    with thing as same:
        assert same is thing
        assert thing.entered
    assert not thing.entered


def test_calls_are_made_at_the_same_time_and_answered_in_order(face: Face, thing: Any) -> None:
    started = time.monotonic()
    results = face.together(thing, [lambda it, n=n: it.double(n) for n in range(50)] + [lambda it: it.fail()])
    assert results[:50] == [2 * n for n in range(50)]
    assert isinstance(results[50], KeyError)
    assert time.monotonic() - started < 0.9, "one after another they take a second"


def test_the_mirror_of_a_client_answers_streams_and_closes(face: Face, server: Server) -> None:
    with face.client(server) as client:
        answer = client.responses.create(model="echo", input="Hello")
        with client.responses.create(model="echo", input="Hello", stream=True) as stream:
            events = face.collect(stream)
    assert type(answer).__name__ == "Response"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == answer.output_text
