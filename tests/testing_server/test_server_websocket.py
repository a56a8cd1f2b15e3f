"""The WebSockets of the test server, judged by wsproto as their client: openings, lanes and bounds, scripts, rudeness."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, RejectConnection, RejectData, Request, TextMessage

from oxide.testing import Fault, Server, ServerSocket, SocketGone

if TYPE_CHECKING:
    from collections.abc import Iterator


class Judge:
    """A client that knows wsproto and a socket, and nothing of ours."""

    def __init__(self, server: Server, path: str = "/v1/responses", key: str = "k") -> None:
        self._sock = socket.create_connection((server.host, server.port), 5)
        self._wire = WSConnection(ConnectionType.CLIENT)
        headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
        self._sock.sendall(self._wire.send(Request(host="a", target=path, extra_headers=headers)))
        self._events = self._all()
        self.first = next(self._events)

    def _all(self) -> Iterator[Any]:
        while True:
            yield from self._wire.events()
            data = self._sock.recv(65536)
            self._wire.receive_data(data or None)

    def send(self, event: Any) -> None:
        self._sock.sendall(self._wire.send(event))

    def create(self, **params: Any) -> None:
        self.send(TextMessage(data=json.dumps({"type": "response.create", "model": "m", "input": "Hi", **params})))

    def next(self) -> Any:
        """The next whole message, parsed; or another event."""
        text = ""
        while True:
            event = next(self._events)
            if not isinstance(event, TextMessage):
                return event
            text += event.data
            if event.message_finished:
                return json.loads(text)

    def turn(self, **params: Any) -> Any:
        """The last event of a turn."""
        self.create(**params)
        while (event := self.next())["type"] not in ("response.completed", "error"):
            pass
        return event

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def judged() -> Iterator[Any]:
    opened: list[Any] = []

    def judge(server: Server, *args: str) -> Judge:
        if server not in opened:
            opened.append(server.start())
        opened.append(Judge(server, *args))
        return opened[-1]

    yield judge
    for each in reversed(opened):
        each.close()


def test_keys_and_paths_are_judged_before_anything_is_opened(judged: Any) -> None:
    for server, path, key, status in (
        (Server(keys=["good"]), "/v1/responses", "bad", 401),
        (Server(), "/v1/responses", "", 401),
        (Server(), "/v1/nothing", "k", 404),
    ):
        judge = judged(server, path, key)
        assert isinstance(judge.first, RejectConnection)
        assert judge.first.status_code == status
        assert isinstance(judge.next(), RejectData)


def test_a_fault_spoils_the_opening(judged: Any) -> None:
    server = Server()
    server.fail_next(Fault(status=503))
    assert judged(server).first.status_code == 503
    assert isinstance(judged(server).first, AcceptConnection)


def test_a_lane_keeps_its_order_and_lanes_run_side_by_side(judged: Any) -> None:
    judge = judged(Server(pace=0.004))
    for stream_id in ("a", "a", "b"):
        judge.create(stream_id=stream_id)
    ends: list[str] = []
    begun: list[str] = []
    while len(ends) < 3:
        event = judge.next()
        begun += [event["stream_id"]] if event["type"] == "response.created" else []
        ends += [event["stream_id"]] if event["type"] == "response.completed" else []
    assert begun == ["a", "b", "a"]
    assert ends[2] == "a"


def test_lanes_and_responses_at_once_are_bounded(judged: Any) -> None:
    judge = judged(Server())
    for number in range(32):
        assert judge.turn(stream_id=f"lane {number}")["type"] == "response.completed"
    refused = judge.turn(stream_id="one more")
    assert (refused["stream_id"], refused["error"]["code"]) == ("one more", "websocket_stream_limit_reached")
    assert judge.turn(stream_id="lane 0")["type"] == "response.completed"
    assert judge.turn(stream_id=7)["error"]["code"] == "invalid_type"


def test_what_is_not_stored_is_known_to_its_lane_only_and_only_as_the_last(judged: Any) -> None:
    server = Server()
    judge = judged(server)
    first = judge.turn(store=False)["response"]["id"]
    second = judge.turn(store=False, previous_response_id=first)["response"]
    assert second["usage"]["input_tokens"] >= 0
    assert judge.turn(store=False, previous_response_id=first)["error"]["code"] == "previous_response_not_found"
    assert judge.turn(previous_response_id=second["id"])["error"]["code"] == "previous_response_not_found"  # evicted by the failure
    stored = judge.turn()["response"]["id"]
    assert judged(server).turn(previous_response_id=stored)["type"] == "response.completed"


def test_what_is_no_event_is_refused_and_the_connection_goes_on(judged: Any) -> None:
    judge = judged(Server())
    for text in ("nonsense", "[]", "{}", '{"type": "response.cancel"}'):
        judge.send(TextMessage(data=text))
        assert judge.next()["type"] == "error"
    judge.send(BytesMessage(data=b"\xff"))
    assert judge.next()["type"] == "error"
    assert judge.turn()["type"] == "response.completed"


def test_realtime_echoes_in_pieces(judged: Any) -> None:
    judge = judged(Server(), "/v1/realtime?model=m")
    assert judge.next()["type"] == "session.created"
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    judge.send(TextMessage(data=json.dumps({"type": "conversation.item.create", "item": item})))
    judge.send(TextMessage(data=json.dumps({"type": "response.create"})))
    events = [judge.next() for _ in range(3)]
    while events[-1]["type"] != "response.done":
        events.append(judge.next())
    assert "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta") == "You said: Hello"


def test_a_script_may_ask_listen_and_say_goodbye(judged: Any) -> None:
    gone: list[SocketGone] = []

    async def handler(socket: ServerSocket) -> None:
        await socket.ping(b"there?")
        await socket.send('"in"', '"parts"', parts=2)
        try:
            await socket.receive()
        except SocketGone as error:
            gone.append(error)
            raise

    judge = judged(Server(sockets={"/v1/x": handler}), "/v1/x")
    ping = judge.next()
    assert isinstance(ping, Ping)
    judge.send(ping.response())
    assert [judge.next(), judge.next()] == ["in", "parts"]
    judge.send(Ping(payload=b"!"))
    assert judge.next() == Pong(payload=bytearray(b"!"))
    judge.send(CloseConnection(code=4000, reason="done"))
    assert isinstance(judge.next(), CloseConnection)
    assert (gone[0].code, gone[0].reason) == (4000, "done")
