"""Clients whose network is a list and whose clock is a number: no socket, no waiting, microseconds each.

    client, world = scripted([answer(500), answer(200, RESPONSE)])
    client.responses.create(model="m", input="Hello")
    assert world.naps == [...]                    # how long it slept
    assert len(asked(world)) == 2                 # what it sent

A connection is a list of replies: bytes, seconds of silence, exceptions, functions of what was sent (see `ScriptedBackend`).  An answer
that begins here comes only when it is asked for, as it does from a server.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import oxide
from oxide._protocol.headers import Headers
from oxide.testing.scripted import ScriptedBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = "sk-very-secret-0123456789"
URL = "http://api.test/v1"
RESPONSE = {"id": "resp_1", "object": "response", "output": [], "status": "completed"}
CHAT = {"id": "chat_1", "object": "chat.completion", "choices": []}


def answer(status: int = 200, body: object = b"", *, length: int | None = None, **fields: str) -> bytes:
    """Return an answer; `retry_after="1"` makes a header, a body that is no bytes is made JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-length": str(len(content) if length is None else length)}
    if not isinstance(body, bytes):
        headers["content-type"] = "application/json"
    headers.update({name.replace("_", "-"): value for name, value in fields.items()})
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items() if value)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def failed(status: int, message: str = "no", **error: object) -> bytes:
    """Return an answer with an error of the service."""
    return answer(status, {"error": {"message": message, **error}})


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(text: str | bytes) -> bytes:
    """Return one chunk of a chunked body."""
    data = text.encode() if isinstance(text, str) else text
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(value: object, name: str = "") -> str:
    """Return a server-sent event."""
    data = value if isinstance(value, str) else json.dumps(value)
    return (f"event: {name}\n" if name else "") + f"data: {data}\n\n"


def token(text: str, finish: str | None = None) -> str:
    """Return an event of Chat Completions."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return event({"id": "c", "object": "chat.completion.chunk", "choices": [choice]})


DONE = "data: [DONE]\n\n"


def world_of(*connections: Sequence[Any] | BaseException) -> ScriptedBackend:
    return ScriptedBackend(*(one if isinstance(one, BaseException) else list(map(_when_asked, one)) for one in connections))


def _when_asked(reply: Any) -> Any:
    return (lambda _: reply) if isinstance(reply, bytes) and reply.startswith(b"HTTP/") else reply


def scripted(*connections: Sequence[Any] | BaseException, **options: Any) -> tuple[oxide.Client, ScriptedBackend]:
    """Return a blocking client in a scripted world, and that world."""
    world = world_of(*connections)
    with patch("oxide._client._new_blocking_backend", lambda: world):
        return oxide.Client(**{"api_key": KEY, "base_url": URL, "proxy": None, **options}), world


def scripted_async(*connections: Sequence[Any] | BaseException, **options: Any) -> tuple[oxide.AsyncClient, ScriptedBackend]:
    """Return an asyncio client in a scripted world, and that world. It makes its connections in the loop of its first call."""
    world = world_of(*connections)
    client = oxide.AsyncClient(**{"api_key": KEY, "base_url": URL, "proxy": None, **options})
    shared = client._shared
    transport = shared.transport
    shared.transport = lambda place, _: transport(place, lambda: world)  # type: ignore[method-assign]  # another world
    return client, world


class Asked:
    """A request as the server saw it."""

    def __init__(self, head: bytes, body: bytes) -> None:
        line, *fields = head.decode().split("\r\n")
        self.method, self.target, _ = line.split(" ")
        self.headers = Headers([(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)])
        self.body = body

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key")


def asked(world: ScriptedBackend) -> list[Asked]:
    """Return every request that was sent, connection by connection."""
    return [request for sent in world.sent for request in _requests(sent)]


def _requests(sent: bytes) -> list[Asked]:
    found = []
    while sent:
        head, _, rest = sent.partition(b"\r\n\r\n")
        request = Asked(head, b"")
        if "transfer-encoding" in request.headers:
            chunks, _, sent = rest.partition(b"0\r\n\r\n")
            request.body = chunks
        else:
            size = int(request.headers.get("content-length") or 0)
            request.body, sent = rest[:size], rest[size:]
        found.append(request)
    return found


class Notes:
    """A hook that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def on_request(self, request: Any) -> None:
        self.told.append(("request", request.method))

    def on_response(self, request: Any, http: Any) -> None:
        self.told.append(("response", http.status))

    def on_error(self, request: Any, error: Any) -> None:
        self.told.append(("error", type(error).__name__))

    def on_retry(self, request: Any, error: Any, delay: float) -> None:
        self.told.append(("retry", type(error).__name__, delay > 0))
