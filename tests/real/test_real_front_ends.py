"""The clients before each front end, with HTTP/1.1, HTTP/2 and the choice of the client."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest

from oxide.testing import Fault
from tests.real.conftest import LARGE

if TYPE_CHECKING:
    from oxide.testing import Server
    from tests.faces._both import Face
    from tests.real._fronts import Front

PACE = 0.02


@pytest.fixture(params=[False, True, "auto"], ids=["http1", "http2", "auto"])
def http2(request: pytest.FixtureRequest) -> bool | str:
    choice: bool | str = request.param
    return choice


@pytest.fixture
def client(face: Face, front: Front, upstream: Server, http2: bool | str, options: dict[str, Any]) -> Any:
    return face.client(base_url=front.url, http2=http2, max_retries=0, **options)


def test_answers_in_a_row_come_over_one_connection(client: Any, front: Front, http2: bool | str) -> None:
    answers = [client.responses.create(model="echo", input=f"Hello {n}") for n in range(10)]
    assert [each.output_text for each in answers] == [f"You said: Hello {n}" for n in range(10)]
    assert {each.http.version for each in answers} == {"HTTP/2" if http2 is True and front.http2 else "HTTP/1.1"}
    if front.counted:
        assert len({each.http.headers["x-connection"] for each in answers}) == 1


@pytest.mark.parametrize("kind", ["responses", "chat"])
def test_events_of_a_stream_come_one_by_one(client: Any, face: Face, upstream: Server, kind: str) -> None:
    upstream.fail_next(Fault(gap=PACE))
    moments: list[float] = []
    text: list[str] = []
    if kind == "responses":
        stream = client.responses.create(model="echo", input="One two three four five six", stream=True)
    else:
        stream = client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "One two three four five six"}], stream=True
        )
    for event in stream:
        moments.append(time.monotonic())
        text.append(_text_of(event))
    assert "".join(text) == "You said: One two three four five six"
    assert len(moments) > 8
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    paced = sum(gap > PACE / 4 for gap in gaps)
    assert paced >= len(gaps) / 2, f"they come in bursts: {gaps}"


def _text_of(event: Any) -> str:
    if not hasattr(event, "choices"):
        return event.delta if event.type == "response.output_text.delta" else ""
    return (event.choices[0].delta.content or "") if event.choices else ""


def test_streams_in_a_row_leave_their_connection(client: Any, face: Face, front: Front) -> None:
    ports = set()
    for _ in range(5):
        stream = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "Hello"}], stream=True)
        assert "".join(map(_text_of, stream)) == "You said: Hello"
        ports.add(stream.http.headers.get("x-connection"))
    assert len(ports) == 1


def test_a_hundred_calls_at_once_get_their_own_answers(client: Any, face: Face, front: Front, http2: bool | str) -> None:
    for _ in range(2):
        answers = face.together(client, [_asking(f"Number {n}") for n in range(100)])
        assert [_shown(each) for each in answers] == [f"You said: Number {n}" for n in range(100)]
    if front.http2 and front.counted and http2 is not False:
        assert len({each.http.headers["x-connection"] for each in answers}) <= 10


def _asking(text: str) -> Any:
    return lambda client: client.responses.create(model="echo", input=text)


def _shown(answer: Any) -> Any:
    return answer if isinstance(answer, Exception) else answer.output_text


def test_a_hundred_streams_at_once_get_their_own_events(client: Any, face: Face) -> None:
    async def wait(client: Any, text: str) -> str:
        return "".join([_text_of(event) async for event in await _chat(client, text)])

    def read(client: Any, text: str) -> str:
        return "".join(map(_text_of, _chat(client, text)))

    consume = wait if face.name == "asyncio" else read
    calls = [lambda client, n=n: consume(client, f"Number {n}") for n in range(100)]
    assert face.together(client, calls) == [f"You said: Number {n}" for n in range(100)]


def _chat(client: Any, text: str) -> Any:
    return client.chat.completions.create(model="echo", messages=[{"role": "user", "content": text}], stream=True)


def test_a_large_request_arrives_whole(client: Any, upstream: Server) -> None:
    answer = client.responses.create(model="echo", input="x" * LARGE)
    assert answer.output_text == f"That were {LARGE} characters."
    assert upstream.requests[-1].json["input"] == "x" * LARGE


def test_a_large_answer_arrives_whole(client: Any) -> None:
    assert client.responses.create(model="echo", input="Speak at length").output_text == "word " * (LARGE // 5)


def test_a_stream_left_early_does_not_spoil_the_next_call(client: Any, upstream: Server) -> None:
    upstream.fail_next(Fault(gap=0.05))
    with client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "One two three four"}], stream=True) as stream:
        for _ in stream:
            break
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"


def test_a_connection_that_the_server_has_left_is_noticed(client: Any, face: Face, upstream: Server) -> None:
    """The server behind breaks off in the midst of an answer; the next call does not suffer from it."""
    upstream.fail_next(Fault(cut="reset", at="body"))
    with pytest.raises(Exception, match=r"broke the rules|connection failed|502|Error code"):
        client.responses.create(model="echo", input="Hello")
    assert client.responses.create(model="echo", input="Again").output_text == "You said: Again"
