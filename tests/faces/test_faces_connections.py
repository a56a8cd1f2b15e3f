"""Connections to the parts of the API that are spoken over a WebSocket, in both worlds."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide.testing import Server
from tests.faces._both import Mirror

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide.testing._socket import ServerSocket
    from tests.faces._both import Face


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


async def echo(socket: ServerSocket) -> None:
    """Send back what comes, as events of the type that it names."""
    while True:
        message = await socket.receive()
        await socket.send(message)


def echoing(**sockets: Any) -> Server:
    return Server(sockets={"/v1/responses": echo, **sockets})


def opened(face: Face, manager: Mirror) -> Mirror:
    """Return the connection, mirrored."""
    connection = manager.enter()
    OPENED.append(connection.itself)
    return connection  # type: ignore[no-any-return]  # what a mirror gives is a mirror


OPENED: list[Any] = []


@pytest.fixture(autouse=True)
def _left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test has left open, while its loop is there."""
    face = request.getfixturevalue("face") if "face" in request.fixturenames else None
    yield
    while OPENED:
        OPENED.pop()._core.discard()
    if face is not None:
        face.sleep(0)


def ping(number: int) -> dict[str, Any]:
    return {"type": "response.steer", "number": number}


# ------------------------------------------------------------------------------------------------ what is said
def test_a_response_comes_event_by_event(face: Face, server: Server) -> None:
    connection = opened(face, face.client(server).responses.connect())
    connection.response.create(model="echo", input="Hello")
    types = []
    for event in connection:
        types.append(event.type)
        if event.type == "response.completed":
            assert event.response.output_text == "You said: Hello"
            break
    assert types[0] == "response.created"
    connection.close()


def test_a_realtime_session_is_spoken_with(face: Face, server: Server) -> None:
    connection = opened(face, face.client(server).realtime.connect(model="gpt-realtime"))
    assert connection.recv().type == "session.created"
    connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
    assert connection.recv().type == "session.updated"
    connection.conversation.item.create(item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]})
    connection.response.create()
    types = [event.type for event in taken_until(connection, "response.done")]
    assert types[-1] == "response.done"
    connection.close()


def taken_until(connection: Mirror, kind: str) -> Iterator[Any]:
    while True:
        event = connection.recv()
        yield event
        if event.type == kind:
            return


def test_what_comes_may_be_taken_raw(face: Face) -> None:
    with echoing() as server:
        connection = opened(face, face.client(server).responses.connect())
        connection.send_raw('{"type": "one"}')
        connection.send_raw(b'{"type": "two"}')
        first, second = connection.recv_bytes(), connection.recv_bytes()
        assert (first, second) == (b'{"type": "one"}', b'{"type": "two"}')
        assert connection.parse_event(first).type == "one"
        connection.send({"type": "response.steer", "input": "é", "previous_response_id": "r"})
        assert connection.recv().to_dict() == {"type": "response.steer", "input": "é", "previous_response_id": "r"}


def test_a_record_may_be_sent(face: Face) -> None:
    from oxide.types.realtime import SessionUpdateEvent

    with Server(sockets={"/v1/realtime": echo}) as server:
        connection = opened(face, face.client(server).realtime.connect(model="m"))
        connection.send(SessionUpdateEvent(session={"type": "realtime"}))  # type: ignore[arg-type]  # a dictionary does as well
        assert json.loads(connection.recv_bytes()) == {"type": "session.update", "session": {"type": "realtime"}}


def test_what_is_sent_before_there_is_a_connection_is_sent_when_there_is_one(face: Face) -> None:
    with echoing() as server:
        manager = face.client(server).responses.connect()
        for number in range(3):
            manager.itself.send(ping(number))
        connection = opened(face, manager)
        assert [connection.recv().number for _ in range(3)] == [0, 1, 2]


def test_too_much_before_there_is_a_connection_is_refused(face: Face, server: Server) -> None:
    manager = face.client(server).responses.connect(max_queue_size=50).itself
    manager.send(ping(1))
    with pytest.raises(oxide.WebSocketQueueFullError, match="of 50 bytes"):
        manager.send(ping(2))


@pytest.mark.parametrize(
    ("call", "path", "query"),
    [
        (lambda c: c.responses.connect(extra_query={"a": "b"}), "/v1/responses", "a=b"),
        (lambda c: c.beta.responses.connect(), "/v1/responses", ""),
        (lambda c: c.realtime.connect(model="m"), "/v1/realtime", "model=m"),
        (lambda c: c.realtime.connect(call_id="c/1"), "/v1/realtime", "call_id=c%2F1"),
        (lambda c: c.realtime.translations.connect(model="m"), "/v1/realtime/translations", "model=m"),
        (lambda c: c.beta.realtime.connect(model="m"), "/v1/realtime", "model=m"),
        (lambda c: c.live.connect(), "/v1/live/sessions", ""),
        (lambda c: c.live.forks.connect(session_id="s/1"), "/v1/live/sessions/s%2F1/fork", ""),
        (lambda c: c.live.sideband.connect(session_id="s", graceful_close=True), "/v1/live/sessions/s/attach", "graceful_close=true"),
    ],
)
def test_each_is_opened_where_the_official_client_opens_it(face: Face, call: Any, path: str, query: str) -> None:
    with Server(sockets={path: echo}) as server:
        connection = face.run(call(face.client(server).itself).enter())
        face.run(connection.close())
        (request,) = server.requests
    assert (request.path, request.query) == (path, query)
    assert request.headers.get("authorization") == "Bearer test"
    assert request.headers.get("openai-beta") == ("realtime=v1" if path == "/v1/realtime" and "beta" in call.__code__.co_names else None)


def test_headers_and_subprotocols_are_sent(face: Face) -> None:
    with echoing() as server:
        options = {"subprotocols": ["realtime"], "max_size": None, "compression": None, "ping_interval": 5}
        manager = face.client(server).responses.connect(extra_headers={"X-Mine": "1"}, websocket_connection_options=options)
        opened(face, manager).close()
        (request,) = server.requests
    assert (request.headers.get("x-mine"), request.headers.get("sec-websocket-protocol")) == ("1", "realtime")


def test_an_option_that_has_no_counterpart_is_refused(face: Face, server: Server) -> None:
    with pytest.raises(oxide.ConfigurationError, match=r"'write_limit'.*max_size"):
        face.client(server).responses.connect(websocket_connection_options={"write_limit": 5})
    with pytest.raises(TypeError, match="unheard_of"):
        face.client(server).responses.connect(unheard_of=5)


def test_a_message_over_the_limit_ends_the_connection(face: Face) -> None:
    with echoing() as server:
        options = oxide.SocketOptions(max_message=100)
        connection = opened(face, face.client(server).responses.connect(websocket_connection_options=options))
        connection.send_raw("x" * 101)
        with pytest.raises(oxide.RemoteProtocolError, match="100 bytes"):
            connection.recv()


def test_a_refusal_is_the_error_of_its_status(face: Face) -> None:
    with Server(keys=["right"]) as server, pytest.raises(oxide.AuthenticationError):
        face.client(server).responses.connect().enter()


# ------------------------------------------------------------------------------------------------ handlers
def test_events_are_handed_to_functions(face: Face) -> None:
    with echoing() as server:
        manager = face.client(server).responses.connect().itself
        seen: list[str] = []
        manager.once("a", lambda event: seen.append("once"))
        manager.on("event", lambda event: seen.append(event.type))
        connection = face.run(manager.enter())

        @connection.on("b")  # type: ignore[untyped-decorator]  # of either world
        def end(event: Any) -> Any:
            seen.append("end")
            return connection.close()

        def unwanted(event: Any) -> None:
            seen.append("unwanted")

        assert connection.on("a", unwanted).off("a", unwanted) is connection
        for kind in ("a", "a", "b"):
            face.run(connection.send_raw(json.dumps({"type": kind})))
        face.run(connection.dispatch_events())
    assert seen == ["once", "a", "a", "end", "b"]


def test_an_error_that_nobody_handles_is_raised(face: Face) -> None:
    with echoing() as server:
        connection = opened(face, face.client(server).responses.connect())
        connection.send_raw('{"type": "error", "error": {"message": "No.", "type": "t"}}')
        with pytest.raises(oxide.OxideError, match=r"No\."):
            connection.dispatch_events()


# ------------------------------------------------------------------------------------------------ the end
@pytest.mark.parametrize(("code", "quiet"), [(1000, True), (1001, True), (1008, False), (1011, False), (4000, False)])
def test_an_orderly_end_ends_the_iteration_and_another_is_raised(face: Face, code: int, quiet: bool) -> None:
    async def leave(socket: ServerSocket) -> None:
        await socket.send('{"type": "a"}')
        await socket.close(code, "so long")

    with Server(sockets={"/v1/responses": leave}) as server:
        connection = opened(face, face.client(server).responses.connect())
        if quiet:
            assert [event.type for event in connection] == ["a"]
        else:
            with pytest.raises(oxide.WebSocketConnectionClosedError, match="so long") as caught:
                list(connection)
            assert caught.value.code == code
        with pytest.raises(oxide.WebSocketConnectionClosedError):
            connection.recv()


def test_our_own_close_has_code_and_reason(face: Face) -> None:
    ends: list[tuple[int, str]] = []

    async def listen(socket: ServerSocket) -> None:
        from oxide.testing._socket import SocketGone

        try:
            await socket.receive()
        except SocketGone as gone:
            ends.append((gone.code, gone.reason))

    with Server(sockets={"/v1/responses": listen}) as server:
        connection = opened(face, face.client(server).responses.connect())
        connection.close(code=3001, reason="done")
        face.sleep(0.05)
    assert ends == [(3001, "done")]


def test_closing_from_another_thread_ends_the_iteration() -> None:
    with echoing() as server, oxide.Client(base_url=server.url, api_key="test") as client:
        connection = client.responses.connect().enter()
        timer = threading.Timer(0.05, connection.close)
        timer.start()
        assert list(connection) == []
        timer.join()


def test_threads_may_send_side_by_side() -> None:
    with echoing() as server, oxide.Client(base_url=server.url, api_key="test") as client, client.responses.connect() as connection:
        threads = [threading.Thread(target=connection.send, args=(ping(number),)) for number in range(50)]  # type: ignore[arg-type]  # any event
        for thread in threads:
            thread.start()
        numbers = {json.loads(connection.recv_bytes())["number"] for _ in range(50)}
        for thread in threads:
            thread.join()
        assert numbers == set(range(50))


# ------------------------------------------------------------------------------------------------ opened again
def breaking(times: int, code: int | None = 1011) -> Any:
    """Return a handler that breaks off the first connections after an event, and echoes on the next."""
    count = 0

    async def handler(socket: ServerSocket) -> None:
        nonlocal count
        count += 1
        if count > times:
            await socket.send('{"type": "back"}')
            await echo(socket)
        await socket.send(json.dumps({"type": "error", "error": {"message": "x"}}))
        if code is None:
            socket.drop()
        else:
            await socket.close(code)

    return handler


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013, None])
def test_a_connection_is_opened_again_where_that_was_asked_for(face: Face, code: int | None) -> None:
    told: list[Any] = []

    def ask(event: oxide.ReconnectingEvent) -> Any:
        told.append((event.attempt, event.max_attempts, event.close_code, dict(event.extra_query)))
        return {"extra_query": {"attempt": str(event.attempt)}}

    with Server(sockets={"/v1/responses": breaking(2, code)}) as server:
        connection = opened(face, face.client(server).responses.connect(on_reconnecting=ask, initial_delay=0.001, extra_query={"a": "b"}))
        types = []
        for event in connection:
            types.append(event.type)
            if event.type == "back":
                break
        assert [request.query for request in server.requests] == ["a=b", "attempt=1", "attempt=2"]
    assert types == ["error", "error", "back"]
    assert told == [(1, 5, code or 1006, {"a": "b"}), (2, 5, code or 1006, {"attempt": "1"})]


@pytest.mark.parametrize("code", [1000, 1008, 4000])
def test_an_end_that_is_meant_is_final(face: Face, code: int) -> None:
    def ask(event: oxide.ReconnectingEvent) -> Any:
        raise AssertionError("asked")

    with Server(sockets={"/v1/responses": breaking(9, code)}) as server:
        connection = opened(face, face.client(server).responses.connect(on_reconnecting=ask))
        connection.recv()
        if code == 1000:
            assert list(connection) == []
        else:
            with pytest.raises(oxide.WebSocketConnectionClosedError):
                list(connection)
        assert server.connections == 1


@pytest.mark.parametrize("limit", [0, 2])
def test_attempts_have_an_end(face: Face, limit: int) -> None:
    with Server(sockets={"/v1/responses": breaking(99)}) as server:
        options = {"on_reconnecting": lambda event: None, "max_retries": limit, "initial_delay": 0.001}
        connection = opened(face, face.client(server).responses.connect(**options))
        with pytest.raises(oxide.WebSocketConnectionClosedError):
            list(connection)
        assert server.connections == limit + 1


def test_whoever_is_asked_may_give_up(face: Face) -> None:
    with Server(sockets={"/v1/responses": breaking(99)}) as server:
        connection = opened(
            face, face.client(server).responses.connect(on_reconnecting=lambda event: oxide.ReconnectingOverrides(abort=True))
        )
        with pytest.raises(oxide.WebSocketConnectionClosedError):
            list(connection)
        assert server.connections == 1


def test_an_event_that_is_no_error_makes_attempts_count_anew(face: Face) -> None:
    count = 0

    async def leave_after_one(socket: ServerSocket) -> None:
        nonlocal count
        count += 1
        await socket.send(json.dumps({"type": "fine", "n": count}))
        await socket.close(1012)

    attempts: list[int] = []
    with Server(sockets={"/v1/responses": leave_after_one}) as server:
        options = {"on_reconnecting": lambda event: attempts.append(event.attempt), "max_retries": 1, "initial_delay": 0.001}
        connection = opened(face, face.client(server).responses.connect(**options))
        events = iter(connection)
        assert [next(events).n for _ in range(4)] == [1, 2, 3, 4]
    assert attempts == [1, 1, 1]


def test_what_is_sent_meanwhile_waits_and_is_sent_first_thing() -> None:
    async def run() -> None:
        with Server(sockets={"/v1/responses": breaking(1)}) as server:
            async with oxide.AsyncClient(base_url=server.url, api_key="test") as client:

                async def ask(event: oxide.ReconnectingEvent) -> None:
                    await connection.send({"type": "kept"})

                manager = client.responses.connect(on_reconnecting=ask, initial_delay=0.001)  # type: ignore[arg-type]  # coroutine functions too
                async with manager as connection:
                    types = []
                    async for event in connection:
                        types.append(event.type)
                        if event.type == "kept":
                            break
                    assert types == ["error", "back", "kept"]

    asyncio.run(run())


def test_what_could_not_be_sent_is_told(face: Face) -> None:
    with Server(sockets={"/v1/responses": breaking(99)}) as server:
        connection: Any = None

        def ask(event: oxide.ReconnectingEvent) -> Any:
            if event.attempt == 2:
                face_send()
                return {"abort": True}
            server.sockets.pop("/v1/responses", None)
            return None

        def face_send() -> None:
            core = connection.itself._core
            core._queue.put("unsent")
            core._queue.put(b"\xff")

        connection = opened(face, face.client(server).responses.connect(on_reconnecting=ask, initial_delay=0.001))
        with pytest.raises(oxide.WebSocketConnectionClosedError) as caught:
            list(connection)
    assert caught.value.unsent_messages == ["unsent"]
    assert caught.value.unsent_frames == ["unsent", b"\xff"]


def test_closing_ends_the_wait_for_the_next_attempt() -> None:
    with Server(sockets={"/v1/responses": breaking(99)}) as server, oxide.Client(base_url=server.url, api_key="test") as client:
        asked = threading.Event()
        connection = client.responses.connect(on_reconnecting=lambda event: asked.set(), initial_delay=60).enter()
        closer = threading.Thread(target=lambda: asked.wait(5) and connection.close())
        closer.start()
        assert [event.type for event in connection] == ["error"]
        closer.join()
