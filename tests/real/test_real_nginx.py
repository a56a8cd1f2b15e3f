"""nginx as it is set up in the field: short-lived connections, reloads, buffers, codings, limits, an upstream that is gone."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide.testing import Fault, Server
from tests.real._fronts import nginx
from tests.real._programs import free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faces._both import Face
    from tests.real._fronts import Front

    Start = Callable[..., Front]


@pytest.fixture
def start(tmp_path: Path, pem: Path, running: Server) -> Iterator[Start]:
    """Starts nginx with further directives."""
    fronts: list[Front] = []

    def begin(upstream: int = running.port, **directives: str) -> Front:
        fronts.append(nginx(tmp_path, pem, upstream, **directives))
        return fronts[-1]

    yield begin
    for front in fronts:
        front.program.stop()


def asking(text: str) -> Any:
    return lambda client: client.responses.create(model="echo", input=text)


def shown(answer: Any) -> Any:
    return answer if isinstance(answer, Exception) else answer.output_text


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_connections_that_end_after_ten_requests_lose_nothing(
    face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]
) -> None:
    """Connection: close in HTTP/1.1, GOAWAY in HTTP/2, with 60 calls in flight."""
    front = start(http="keepalive_requests 10;")
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    for _ in range(5):
        answers = face.together(client, [asking(f"Number {n}") for n in range(60)])
        assert [shown(each) for each in answers] == [f"You said: Number {n}" for n in range(60)]
    assert len(upstream.requests) == 300, "a request was sent on twice"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_a_reload_with_sixty_calls_in_flight_loses_nothing(
    face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]
) -> None:
    upstream.fault = Fault(delay=0.2)
    front = start()
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    reloads = [threading.Timer(after, front.program.signal, (signal.SIGHUP,)) for after in (0.1, 0.5, 0.9)]
    for reload in reloads:
        reload.start()
    for _ in range(5):
        answers = face.together(client, [asking(f"Number {n}") for n in range(60)])
        assert [shown(each) for each in answers] == [f"You said: Number {n}" for n in range(60)]
    for reload in reloads:
        reload.join()
    assert len(upstream.requests) == 300, "a request was sent on twice"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_a_stream_outlives_a_reload(face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]) -> None:
    front = start()
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    upstream.fail_next(Fault(gap=0.03))
    events = []
    for event in client.responses.create(model="echo", input="One two three four five six seven", stream=True):
        events.append(event.type)
        if len(events) == 4:
            front.program.signal(signal.SIGHUP)
    assert events[-1] == "response.completed"
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_connections_closed_while_idle_are_noticed(
    face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]
) -> None:
    """The pauses are such that the server closes now before, now just as a request is sent."""
    front = start(http="keepalive_timeout 50ms;")
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    ports = set()
    for n in range(30):
        ports.add(client.responses.create(model="echo", input=f"{n}").http.headers["x-connection"])
        face.sleep(0.047 + (n % 10) / 1000)
    assert len(ports) > 1
    assert len(upstream.requests) == 30, "a request was sent on twice"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_compressed_answers_and_streams_are_read(face: Face, start: Start, upstream: Server, http2: bool, options: dict[str, Any]) -> None:
    front = start(http="gzip on; gzip_min_length 1; gzip_types *;", location="proxy_buffering off;")
    client = face.client(base_url=front.url, http2=http2, max_retries=0, **options)
    answer = client.responses.create(model="echo", input="Hello " * 100)
    assert answer.http.headers["content-encoding"] == "gzip"
    assert answer.output_text.startswith("You said: Hello Hello")
    assert len(client.responses.create(model="echo", input="Speak at length").output_text) == 5_000_000
    upstream.fail_next(Fault(gap=0.02))
    moments = [time.monotonic() for _ in client.responses.create(model="echo", input="One two three four five six", stream=True)]
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert sum(gap > 0.005 for gap in gaps) > len(gaps) / 2, f"they come in bursts: {gaps}"


def test_a_stream_through_buffers_arrives_whole(face: Face, start: Start, options: dict[str, Any]) -> None:
    front = start(location="proxy_buffering on; proxy_request_buffering off;")
    client = face.client(base_url=front.url, max_retries=0, **options)
    for stream in (True, True):
        events = face.collect(client.responses.create(model="echo", input="One two three four", stream=stream))
        assert events[-1].response.output_text == "You said: One two three four"
    assert client.responses.create(model="echo", input="x" * 2_000_000).output_text == "That were 2000000 characters."


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_a_request_that_is_too_large_is_told_so(face: Face, start: Start, http2: bool, size: int, options: dict[str, Any]) -> None:
    """nginx answers 413 in HTML as soon as it has read the length, and closes while the body is still on its way."""
    front = start(location="client_max_body_size 50k;")
    client = face.client(base_url=front.url, http2=http2, **options)
    for _ in range(2):
        with pytest.raises(oxide.APIStatusError, match="413 Request Entity Too Large") as caught:
            client.responses.create(model="echo", input="x" * size)
        assert caught.value.status_code == 413
        assert len(caught.value.attempts) == 1
        assert len(str(caught.value)) < 700
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_an_upstream_that_is_gone_is_asked_again(face: Face, start: Start, http2: bool, options: dict[str, Any]) -> None:
    """502 with a page in HTML; the server comes back before the second retry."""
    port = free_port()
    front = start(port)
    with pytest.raises(oxide.InternalServerError, match="502 Bad Gateway") as caught:
        face.client(base_url=front.url, http2=http2, max_retries=0, **options).responses.create(model="echo", input="Hello")
    assert caught.value.status_code == 502
    assert caught.value.body.startswith("<html>")
    back = Server(port=port)

    class Hook:
        def on_retry(self, *_: object) -> None:
            back.start()

    try:
        answer = face.client(base_url=front.url, http2=http2, hooks=[Hook()], **options).responses.create(model="echo", input="Hello")
    finally:
        back.close()
    assert answer.output_text == "You said: Hello"
    assert [each.status for each in answer.http.attempts] == [502, 200]


def test_an_upstream_that_is_too_slow_ends_in_504(face: Face, start: Start, upstream: Server, options: dict[str, Any]) -> None:
    upstream.fail_next(Fault(delay=2))
    front = start(location="proxy_read_timeout 100ms;")
    with pytest.raises(oxide.InternalServerError, match="504 Gateway Time-out"):
        face.client(base_url=front.url, max_retries=0, **options).responses.create(model="echo", input="Hello")


def test_an_old_tls_is_enough_and_a_name_that_differs_is_not(
    face: Face, start: Start, trust: ssl.SSLContext, options: dict[str, Any]
) -> None:
    front = start(http="ssl_protocols TLSv1.2; ssl_session_tickets on;")
    client = face.client(base_url=front.url, max_retries=0, **options)
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"
    other = face.client(base_url=front.url.replace("127.0.0.1", "127.0.0.2"), max_retries=0, **options)
    with pytest.raises(oxide.APIConnectionError):
        other.responses.create(model="echo", input="Hello")


def test_sessions_are_resumed(face: Face, start: Start, options: dict[str, Any]) -> None:
    front = start(http="ssl_session_cache shared:x:1m; keepalive_requests 1;", location="add_header x-resumed $ssl_session_reused always;")
    client = face.client(base_url=front.url, max_retries=0, http2=False, **options)
    resumed = [client.responses.create(model="echo", input="Hello").http.headers["x-resumed"] for _ in range(4)]
    assert resumed == [".", "r", "r", "r"]
