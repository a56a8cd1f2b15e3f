"""haproxy: its own pages, its time limits, servers that come and go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide.testing import Fault, Server
from tests.real._fronts import haproxy
from tests.real._programs import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faces._both import Face
    from tests.real._fronts import Front

    Start = Callable[..., Front]


@pytest.fixture
def start(tmp_path: Path, pem: Path, running: Server) -> Iterator[Start]:
    """Starts haproxy with further lines."""
    fronts: list[Front] = []

    def begin(upstream: int = running.port, **lines: str) -> Front:
        fronts.append(haproxy(tmp_path, pem, upstream, **lines))
        return fronts[-1]

    yield begin
    for front in fronts:
        front.program.stop()


@pytest.fixture(params=[False, True], ids=["http1", "http2"])
def http2(request: pytest.FixtureRequest) -> bool:
    choice: bool = request.param
    return choice


def test_no_server_is_503_and_tried_again(face: Face, start: Start, http2: bool, options: dict[str, Any]) -> None:
    port = free_port()
    front = start(port, defaults="retries 0")
    with pytest.raises(oxide.InternalServerError, match="503 Service Unavailable") as caught:
        face.client(base_url=front.url, http2=http2, max_retries=1, **options).responses.create(model="echo", input="Hello")
    assert [each.status for each in caught.value.attempts] == [503, 503]
    with Server(port=port):
        answer = face.client(base_url=front.url, http2=http2, max_retries=0, **options).responses.create(model="echo", input="Hello")
    assert answer.output_text == "You said: Hello"


def test_a_server_that_is_too_slow_ends_in_504(face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]) -> None:
    upstream.fail_next(Fault(delay=2))
    front = start(defaults="timeout server 100ms")
    with pytest.raises(oxide.InternalServerError, match="504 Gateway Time-out"):
        face.client(base_url=front.url, http2=http2, max_retries=0, **options).responses.create(model="echo", input="Hello")


def test_a_stream_that_haproxy_cuts_is_an_error(face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]) -> None:
    upstream.fail_next(Fault(gap=0.5))
    front = start(defaults="timeout server 100ms")
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    with pytest.raises(oxide.APIError):
        face.collect(client.responses.create(model="echo", input="One two three", stream=True))
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"


def test_a_request_that_comes_too_slowly_is_told_so(face: Face, start: Start, http2: bool, options: dict[str, Any]) -> None:
    """408, while the body is still being sent: the answer is found all the same."""
    front = start(defaults="timeout http-request 200ms\n    option http-buffer-request\n    timeout client 200ms")

    def slowly() -> Iterator[bytes]:
        yield b'{"model": "echo", '
        time.sleep(0.6)
        yield b'"input": "Hello"}'

    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    with pytest.raises(oxide.APIError) as caught:
        client.request("POST", "/responses", content=slowly())
    assert getattr(caught.value, "status_code", 408) == 408
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"


def test_connections_closed_while_idle_are_noticed(
    face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]
) -> None:
    front = start(defaults="timeout http-keep-alive 50ms\n    timeout client 50ms\n    timeout http-request 5s")
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    for n in range(30):
        assert client.responses.create(model="echo", input=f"{n}").output_text == f"You said: {n}"
        face.sleep(0.047 + (n % 10) / 1000)
    assert len(upstream.requests) == 30, "a request was sent on twice"


def test_at_most_one_connection_to_the_server_makes_a_queue_and_no_error(
    face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]
) -> None:
    front = start(backend="default-server maxconn 1")
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    answers = face.together(client, [lambda it, n=n: it.responses.create(model="echo", input=f"{n}") for n in range(50)])
    assert [getattr(each, "output_text", each) for each in answers] == [f"You said: {n}" for n in range(50)]
