"""A front end of Node that does what is legal and seldom: interim answers, trailers, odd chunks, padding, resets, GOAWAY."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import oxide
from tests.real._fronts import node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from oxide.testing import Server
    from tests.faces._both import Face
    from tests.real._fronts import Front

ODD = ["early-hints", "trailers", "no-length", "chunk-extensions", "byte-by-byte", "many-fields", "late-end", "flush-head", "shrink"]


@pytest.fixture(scope="module")
def front(folder: Path, pem: Path, running: Server) -> Iterator[Front]:
    own = folder / "odd"
    own.mkdir()
    started = node(own, pem, running.port)
    yield started
    started.program.stop()


@pytest.fixture(params=[False, True], ids=["http1", "http2"])
def http2(request: pytest.FixtureRequest) -> bool:
    choice: bool = request.param
    return choice


@pytest.fixture
def client(face: Face, front: Front, upstream: Server, http2: bool, options: dict[str, Any]) -> Any:
    return face.client(base_url=front.url, http2=http2, max_retries=0, **options)


@pytest.mark.parametrize("odd", [*ODD, "early-hints trailers byte-by-byte late-end"])
def test_what_is_legal_is_read(client: Any, face: Face, odd: str) -> None:
    headers = {"x-odd": odd}
    for n in range(3):
        assert client.responses.create(model="echo", input=f"{n}", extra_headers=headers).output_text == f"You said: {n}"
        events = face.collect(client.responses.create(model="echo", input=f"{n}", stream=True, extra_headers=headers))
        assert events[-1].response.output_text == f"You said: {n}"
        chat = client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": f"{n}"}], stream=True, extra_headers=headers
        )
        assert "".join(each.choices[0].delta.content or "" for each in chat if each.choices) == f"You said: {n}"


@pytest.mark.parametrize("odd", ODD)
def test_what_is_legal_is_read_sixty_times_at_once(client: Any, face: Face, odd: str) -> None:
    def asking(n: int) -> Any:
        return lambda it: it.responses.create(model="echo", input=f"{n}", extra_headers={"x-odd": odd})

    answers = face.together(client, [asking(n) for n in range(60)])
    assert [getattr(each, "output_text", each) for each in answers] == [f"You said: {n}" for n in range(60)]


def test_a_session_closed_after_each_answer_loses_nothing(client: Any, face: Face, upstream: Server) -> None:
    def asking(n: int) -> Any:
        return lambda it: it.responses.create(model="echo", input=f"{n}", extra_headers={"x-odd": "goaway-after"})

    for _ in range(3):
        answers = face.together(client, [asking(n) for n in range(30)])
        assert [getattr(each, "output_text", each) for each in answers] == [f"You said: {n}" for n in range(30)]
    assert len(upstream.requests) == 90


@pytest.mark.parametrize("odd", ["refuse", "calm"])
def test_a_request_that_was_not_looked_at_is_sent_again_at_once(
    face: Face, front: Front, upstream: Server, odd: str, options: dict[str, Any]
) -> None:
    client = face.client(base_url=front.url, http2=True, max_retries=0, **options)
    client.responses.create(model="echo", input="First")  # before GOAWAY there must be a stream that it can name as the last
    answer = client.responses.create(model="echo", input="Hello", extra_headers={"x-odd": odd, "x-once": f"{face} {odd}"})
    assert answer.output_text == "You said: Hello"
    assert len(answer.http.attempts) == 1


def test_a_stream_that_is_reset_is_an_error_and_is_tried_again(face: Face, front: Front, http2: bool, options: dict[str, Any]) -> None:
    headers = {"x-odd": "reset", "x-once": f"{face} {http2} reset"}
    client = face.client(base_url=front.url, http2=http2, max_retries=1, **options)
    answer = client.responses.create(model="echo", input="Hello", extra_headers=headers)
    assert answer.output_text == "You said: Hello"
    assert len(answer.http.attempts) == 2


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_an_answer_that_does_not_wait_for_the_request_is_heard(client: Any, size: int) -> None:
    for _ in range(3):
        with pytest.raises(oxide.APIStatusError, match="too large for me") as caught:
            client.responses.create(model="echo", input="x" * size, extra_headers={"x-odd": "early-refusal"})
        assert caught.value.status_code == 413
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"
