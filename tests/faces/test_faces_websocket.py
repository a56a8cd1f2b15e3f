"""WebSockets in both worlds, against the test server and against rude ones: what comes up, and that nothing waits for ever."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import Timeout
from oxide._operation import Operation
from oxide._socket import Socket, SocketOptions, open_socket
from oxide.testing import Fault, Server, ServerSocket
from oxide.testing._socket import frame
from tests.faces._proxies import HttpProxy, socks5
from tests.faces._wires import HASTY, WIRES, Wire, eventually
from tests.transport._net import Peer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.faces._both import Face

    Handler = Callable[[ServerSocket], Awaitable[None]]

AT = Operation[Any]("GET", "/x", query=("model",))
SOON = 5.0

OPENED: list[Socket] = []


@pytest.fixture(autouse=True)
def nothing_stays_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test has left open, while its loop is still there."""
    if "face" in request.fixturenames:
        request.getfixturevalue("face")
    yield
    while OPENED:
        OPENED.pop().discard()


class Both:
    """A socket of either world, used as if it were blocking."""

    def __init__(self, face: Face, client: Any, options: SocketOptions | None = None, operation: Operation[Any] = AT, **given: Any) -> None:
        self._face = face
        self._client = client.itself

        async def story(exchange: Any, operation: Any, given: dict[str, Any]) -> Socket:
            subprotocols = given.pop("subprotocols", ())
            request = operation.prepare(given, exchange.settings)
            return await open_socket(exchange, request, options=options, subprotocols=subprotocols)

        self.socket: Socket = face.run(self._client._caller.run(story, operation, given))
        OPENED.append(self.socket)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            async def story(exchange: Any, operation: Any, given: Any) -> Any:
                result = getattr(self.socket, name)(*args)
                return await result if hasattr(result, "__await__") else result

            return self._face.run(self._client._caller.run(story, AT, {}))

        return call

    def story(self, what: Callable[[Socket], Awaitable[Any]]) -> Callable[[Any], Any]:
        """Return what makes a call of `Face.together` of a coroutine function."""

        async def story(exchange: Any, operation: Any, given: Any) -> Any:
            return await what(self.socket)

        return lambda client: client._caller.run(story, AT, {})


async def echo(socket: ServerSocket) -> None:
    while True:
        await socket.send(await socket.receive())


@pytest.fixture
def served(face: Face) -> Iterator[Callable[..., Both]]:
    """Serve a handler, and open a socket to it."""
    servers: list[Server] = []

    def serve(handler: Handler, options: SocketOptions | None = None, **more: Any) -> Both:
        server = Server(sockets={"/v1/x": handler}, compress=more.pop("compress", False)).start()
        servers.append(server)
        return Both(face, face.client(server, timeout=HASTY, max_retries=0), options, **more)

    yield serve
    for server in servers:
        server.close()


# The opening -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", WIRES)
def test_messages_go_both_ways_over_every_wire(face: Face, wire: str, tmp_path: Path) -> None:
    way = Wire(wire, tmp_path)
    with way.server(sockets={"/v1/x": echo}) as server:
        client = way.client(face, server)
        socket = Both(face, client, model="echo")
        for message in ("hello", "é😀", b"\0\xff", "", b"", "x" * 200_000, b"y" * 3_000_000):
            socket.send(message)
            assert socket.receive(SOON) == message
        socket.close()
        assert server.requests[0].query == "model=echo"
        assert server.requests[0].headers["authorization"] == "Bearer test"
        assert eventually(face, lambda: server.open_connections == 0)


def test_a_client_that_is_closed_while_one_opens_leaves_no_connection() -> None:
    with Server(sockets={"/v1/x": echo}) as server:
        client = oxide.Client(api_key="test", base_url=server.url)
        server.fail_next(Fault(delay=0.5))
        failures: list[BaseException] = []

        async def story(exchange: Any, operation: Any, given: Any) -> None:
            try:
                OPENED.append(await open_socket(exchange, operation.prepare(given, exchange.settings)))
            except oxide.OxideError as error:
                failures.append(error)

        thread = threading.Thread(target=client._caller.run, args=(story, AT, {}))
        thread.start()
        until = time.monotonic() + SOON
        while not server.requests and time.monotonic() < until:
            time.sleep(0.01)
        client.close()
        thread.join(SOON)
        assert [type(error) for error in failures] == [oxide.ConfigurationError]
        while server.open_connections and time.monotonic() < until:
            time.sleep(0.01)
        assert server.open_connections == 0


def test_the_request_has_what_every_request_has(face: Face) -> None:
    with Server(sockets={"/v1/x": echo}) as server:
        client = face.client(server, organization="o", default_headers={"X-A": "1"}, default_query={"api-version": "2"})
        Both(face, client, extra_headers={"X-B": "3"}, extra_query={"deployment": "d"}, subprotocols=("one", "two")).close()
        [received] = server.requests
        assert received.query == "api-version=2&deployment=d"
        assert [received.headers[name] for name in ("openai-organization", "x-a", "x-b", "sec-websocket-protocol")] == [
            "o",
            "1",
            "3",
            "one, two",
        ]


def test_a_key_that_is_asked_for_and_the_hooks(face: Face) -> None:
    told: list[object] = []

    class Hook:
        def on_request(self, request: Any) -> None:
            told.append(request.method)

        def on_response(self, request: Any, http: Any) -> None:
            told.append(http.status)

        def on_error(self, request: Any, error: Any) -> None:
            told.append(type(error).__name__)

    with Server(sockets={"/v1/x": echo}) as server:
        client = face.client(server, api_key=lambda: "asked", hooks=[Hook()])
        Both(face, client).close()
        assert server.requests[0].headers["authorization"] == "Bearer asked"
        server.fail_next(Fault(status=429, headers={"retry-after": "7"}))
        with pytest.raises(oxide.RateLimitError) as caught:
            Both(face, client)
        assert caught.value.retry_after == 7
        assert told == ["GET", 101, "GET", 429, "RateLimitError"]


def test_azure_keys_and_versions(face: Face) -> None:
    name = "AzureOpenAI" if face.client_class == "Client" else "AsyncAzureOpenAI"
    with Server(sockets={"/openai/x": echo}) as server:
        client = getattr(oxide, name)(api_key="k", api_version="2025-01-01", azure_endpoint=server.url.removesuffix("/v1"))
        Both(face, type("Held", (), {"itself": client})).close()
        face.run(client.close())
        [received] = server.requests
        assert (received.path, received.query, received.headers["api-key"]) == ("/openai/x", "api-version=2025-01-01", "k")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=401), oxide.AuthenticationError),
        (Fault(status=403, body="<html>no</html>"), oxide.PermissionDeniedError),
        (Fault(status=404), oxide.NotFoundError),
        (Fault(status=503), oxide.InternalServerError),
        (Fault(status=200, body="no socket here"), oxide.APIStatusError),
        (Fault(status=302), oxide.APIStatusError),
        (Fault(status=500, cut="stall", at="body"), oxide.InternalServerError),
        (Fault(status=500, cut="drop", at="body"), oxide.InternalServerError),
        (Fault(raw=[b"HTTP/1.1 101 Yes\r\n\r\n"]), oxide.RemoteProtocolError),
        (Fault(raw=[b"nonsense\r\n\r\n"]), oxide.RemoteProtocolError),
        (Fault(cut="drop"), oxide.APIConnectionError),
        (Fault(cut="reset"), oxide.APIConnectionError),
        (Fault(interim=-1), oxide.RemoteProtocolError),
    ],
)
def test_a_refusal_is_the_matching_error(face: Face, fault: Fault, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxide._transport.upgrade.LINGER", 0.2)
    with Server(sockets={"/v1/x": echo}) as server:
        client = face.client(server, timeout=Timeout(2.0), max_retries=0)
        server.fail_next(fault)
        with pytest.raises(kind) as caught:
            Both(face, client)
        if isinstance(caught.value, oxide.APIStatusError):
            assert caught.value.status_code == fault.status
            assert caught.value.response.content
        Both(face, client).close()  # and the client goes on


def test_a_silent_server_ends_in_a_timeout(face: Face) -> None:
    with Server(sockets={"/v1/x": echo}) as server:
        client = face.client(server, timeout=Timeout(5.0, read=0.2), max_retries=0)
        server.fail_next(Fault(cut="stall"))
        with pytest.raises(oxide.APITimeoutError) as caught:
            Both(face, client)
        assert caught.value.phase == "head"


def test_a_redirect_is_followed_within_the_origin_and_nowhere_else(face: Face) -> None:
    with Server(sockets={"/v1/x": echo, "/v1/y": echo}) as server:
        client = face.client(server, max_retries=0)
        server.fail_next(Fault(status=307, headers={"location": f"ws://127.0.0.1:{server.port}/v1/y"}))
        Both(face, client).close()
        assert server.requests[-1].path == "/v1/y"
        server.fail_next(Fault(status=307, headers={"location": "wss://elsewhere.example/v1/x"}))
        with pytest.raises(oxide.APIConnectionError, match="another origin"):
            Both(face, client)
        server.fail_next(*[Fault(status=307, headers={"location": "/v1/x"})] * 20)
        with pytest.raises(oxide.APIConnectionError, match="in a row"):
            Both(face, client)


def test_a_closed_client_opens_nothing(face: Face) -> None:
    with Server() as server:
        client = face.client(server)
        client.close()
        with pytest.raises(oxide.ConfigurationError):
            Both(face, client)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("wire", ["plain", "tls"])
def test_every_proxy_digs_a_tunnel(face: Face, scheme: str, wire: str) -> None:
    way = Wire(wire)
    asked: list[bytes] = []
    with way.server(sockets={"/v1/x": echo}) as server, HttpProxy("u:p") as http, Peer(socks5(asked, "u:p")) as socks:
        port = http.port if scheme == "http" else socks.port
        socket = Both(face, way.client(face, server, proxy=f"{scheme}://u:p@127.0.0.1:{port}"))
        socket.send("hello")
        assert socket.receive(SOON) == "hello"
        socket.close()
        assert (http.heads if scheme == "http" else asked)[0].startswith(b"CONNECT 127.0.0.1" if scheme == "http" else b"")


# Talking ---------------------------------------------------------------------------------------------------------------------------


def test_compression_is_agreed_on_where_it_is_wanted(served: Callable[..., Both]) -> None:
    socket = served(echo, SocketOptions(compression=True), compress=True)
    assert "permessage-deflate" in socket.socket.headers["sec-websocket-extensions"]
    for message in ("short", "long " * 10_000, b"\0" * 100_000, "long " * 10_000):
        socket.send(message)
        assert socket.receive(SOON) == message


def test_fragments_are_joined(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.send("in pieces, é too", parts=16)
        await socket.send(b"x" * 100_000, parts=1000)
        await socket.receive()

    socket = served(handler)
    assert socket.receive(SOON) == "in pieces, é too"
    assert socket.receive(SOON) == b"x" * 100_000


CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999]


@pytest.mark.parametrize("code", CODES)
def test_every_close_code_comes_up_with_its_reason(served: Callable[..., Both], code: int) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.send("last words")
        await socket.close(code, f"because of {code}")

    socket = served(handler)
    assert socket.receive(SOON) == "last words"
    for _ in range(2):
        with pytest.raises(oxide.WebSocketConnectionClosedError) as caught:
            socket.receive(SOON)
        assert (caught.value.code, caught.value.reason) == (code, f"because of {code}")
    with pytest.raises(oxide.WebSocketConnectionClosedError):
        socket.send("too late")


def test_a_close_without_a_code_is_1005(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.close(None)

    with pytest.raises(oxide.WebSocketConnectionClosedError) as caught:
        served(handler).receive(SOON)
    assert caught.value.code == 1005


@pytest.mark.parametrize("how", ["drop", "reset", "close", "half"])
def test_a_drop_is_1006(served: Callable[..., Both], how: Any) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.receive()
        socket.drop(how)
        await socket.stall()

    socket = served(handler)
    socket.send("go")
    with pytest.raises(oxide.WebSocketConnectionClosedError) as caught:
        socket.receive(SOON)
    assert caught.value.code == 1006


SPOILT = {
    "no UTF-8": frame(1, b"\xff"),
    "a masked frame": b"\x81\x81\0\0\0\0a",
    "an unknown kind": frame(3, b"a"),
    "a reserved bit": b"\xc1\x01a",
    "a goodbye with a bad code": frame(8, b"\x03\xed"),
    "a message of more bytes": b"\x82\x7f" + (1 << 40).to_bytes(8, "big"),
    "no WebSocket": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


@pytest.mark.parametrize("what", SPOILT)
def test_malformed_and_oversized_frames_end_the_socket_and_the_peer_is_told(served: Callable[..., Both], what: str) -> None:
    gone: list[object] = []

    async def handler(socket: ServerSocket) -> None:
        await socket.raw(frame(1, b"good") + SPOILT[what])
        try:
            await socket.receive()
        except Exception as error:
            gone.append(error)
            raise

    socket = served(handler)
    assert socket.receive(SOON) == "good"
    for _ in range(2):
        with pytest.raises(oxide.RemoteProtocolError):
            socket.receive(SOON)
    until = time.monotonic() + SOON
    while not gone and time.monotonic() < until:
        time.sleep(0.01)
    assert getattr(gone[0], "code", None) in (1002, 1007, 1009)


@pytest.mark.parametrize("option", ["max_message", "max_frame", "ping_interval", "ping_timeout", "close_timeout"])
def test_options_that_cannot_be_are_refused(option: str) -> None:
    options: dict[str, Any] = {option: 0}
    with pytest.raises(ValueError, match=option):
        SocketOptions(**options)


def test_messages_are_bounded_by_an_option(served: Callable[..., Both]) -> None:
    socket = served(echo, SocketOptions(max_message=1000))
    socket.send("x" * 1000)
    assert socket.receive(SOON) == "x" * 1000
    socket.send("x" * 1001)
    with pytest.raises(oxide.RemoteProtocolError, match="1000"):
        socket.receive(SOON)


# Pings -----------------------------------------------------------------------------------------------------------------------------


def test_pings_are_answered_while_somebody_reads(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.ping(b"there?")
        while not socket.pongs:
            await asyncio.sleep(0.01)
        await socket.send("yes")
        await socket.receive()

    assert served(handler).receive(SOON) == "yes"


def test_a_flood_of_pings_costs_no_memory_and_no_message(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        for _ in range(100):
            await socket.raw(frame(9, b"x" * 125) * 1000)
        await socket.send("after the flood")
        await socket.receive()

    socket = served(handler)
    assert socket.receive(20.0) == "after the flood"
    assert len(socket.socket.connection._inbox) == 0


def test_a_flood_of_pings_that_reads_nothing_is_bounded_in_time(served: Callable[..., Both], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxide._transport.websocket.PATIENCE", 0.3)

    async def handler(socket: ServerSocket) -> None:
        socket.deafen()
        while True:
            await socket.raw(frame(9, b"x" * 125) * 100)
            await asyncio.sleep(0)

    socket = served(handler)
    begun = time.monotonic()
    with pytest.raises((oxide.APITimeoutError, oxide.WebSocketConnectionClosedError)):
        socket.receive(2.0)
    assert time.monotonic() - begun < 10
    socket.discard()


def test_a_connection_whose_peer_talks_on_and_on_is_of_no_use(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        while True:
            await socket.raw(frame(1, b"unasked") * 5000)

    socket = served(handler)
    begun = time.monotonic()
    while socket.settle():
        assert time.monotonic() - begun < SOON
    assert time.monotonic() - begun < SOON
    socket.discard()


def test_a_peer_that_answers_no_ping_is_given_up(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        socket.answers_pings = False
        await socket.stall()

    socket = served(handler, SocketOptions(ping_interval=0.1, ping_timeout=0.2))
    begun = time.monotonic()
    with pytest.raises(oxide.WebSocketConnectionClosedError, match="no ping") as caught:
        socket.receive(20.0)
    assert caught.value.code == 1006
    assert time.monotonic() - begun < 5


def test_short_waits_find_a_dead_peer_too(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        socket.answers_pings = False
        await socket.stall()

    socket = served(handler, SocketOptions(ping_interval=0.2, ping_timeout=0.2))
    begun = time.monotonic()

    def receive_shortly() -> object:
        try:
            return socket.receive(0.03)
        except oxide.APITimeoutError:
            return None

    with pytest.raises(oxide.WebSocketConnectionClosedError):  # noqa: PT012 - it is the loop that must end
        while time.monotonic() - begun < SOON:
            receive_shortly()
    assert time.monotonic() - begun < SOON


def test_a_quiet_peer_that_answers_is_kept(served: Callable[..., Both]) -> None:
    seen: list[ServerSocket] = []

    async def handler(socket: ServerSocket) -> None:
        seen.append(socket)
        await socket.receive()

    socket = served(handler, SocketOptions(ping_interval=0.05, ping_timeout=2.0))
    with pytest.raises(oxide.APITimeoutError):
        socket.receive(0.5)
    assert seen[0].pings >= 3
    assert 0 < socket.ping(SOON) < SOON
    assert socket.settle()


def test_a_socket_that_died_unread_is_noticed_before_use(face: Face, served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.receive()
        await socket.close(1001, "restart")

    socket = served(handler)
    assert socket.settle()
    socket.send("go")
    assert eventually(face, lambda: not socket.settle())


# Several at once -------------------------------------------------------------------------------------------------------------------


def test_many_senders_and_readers_share_a_socket(face: Face, served: Callable[..., Both]) -> None:
    socket = served(echo)

    async def one(shared: Socket) -> list[str | bytes]:
        got: list[str | bytes] = []
        for number in range(20):
            await shared.send(f"{number} " + "x" * (number * 1000))
            got.append(await shared.receive(20.0))
        return got

    results = face.together(type("Held", (), {"itself": socket._client}), [socket.story(one)] * 8)
    words = sorted(str(each).partition(" ")[0] for result in results for each in result)
    assert words == sorted(str(number) for number in range(20) for _ in range(8))


def test_a_close_of_the_peer_ends_all_who_wait(face: Face, served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        await asyncio.sleep(0.2)
        await socket.close(1012, "restart")

    socket = served(handler)

    async def one(shared: Socket) -> object:
        return await shared.receive(20.0)

    results = face.together(type("Held", (), {"itself": socket._client}), [socket.story(one)] * 16)
    assert [getattr(result, "code", None) for result in results] == [1012] * 16


@pytest.mark.parametrize("polite", [True, False])
def test_closing_wakes_who_receives(face: Face, served: Callable[..., Both], polite: bool) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.receive()

    socket = served(handler)

    async def read(shared: Socket) -> object:
        return await shared.receive(20.0)

    async def close(shared: Socket) -> object:
        await shared.connection._backend.sleep(0.2)
        return await shared.close(1000, "enough") if polite else shared.discard()

    begun = time.monotonic()
    first, second, done = face.together(type("Held", (), {"itself": socket._client}), [socket.story(each) for each in (read, read, close)])
    assert [type(each) for each in (first, second)] == [oxide.WebSocketConnectionClosedError] * 2
    assert done is None
    assert first.code == (1000 if polite else 1006)
    assert time.monotonic() - begun < SOON


def test_discarding_from_another_thread_wakes_a_task(face: Face, served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.stall()

    socket = served(handler)
    timer = threading.Timer(0.2, socket.socket.discard)
    timer.start()
    with pytest.raises(oxide.WebSocketConnectionClosedError):
        socket.receive(20.0)
    timer.join()


def test_a_peer_that_does_not_answer_our_goodbye_is_left_after_its_time(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        socket.deafen()
        await asyncio.sleep(20)

    socket = served(handler, SocketOptions(close_timeout=0.3))
    begun = time.monotonic()
    socket.close()
    assert 0.2 < time.monotonic() - begun < SOON


def test_a_peer_that_talks_on_after_our_goodbye_is_left_after_its_time(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        socket.deafen()
        while True:
            await socket.send("and another thing")
            await asyncio.sleep(0.01)

    socket = served(handler)
    begun = time.monotonic()
    socket.close(1000, "", 0.3)
    assert time.monotonic() - begun < SOON
    with pytest.raises(oxide.WebSocketConnectionClosedError):
        socket.receive(SOON)


def test_a_peer_that_takes_nothing_ends_in_a_timeout_and_a_closed_socket(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        socket.deafen()
        await asyncio.sleep(20)

    socket = served(handler)
    with pytest.raises(oxide.APITimeoutError):
        socket.send(b"x" * 50_000_000, 0.3)
    with pytest.raises(oxide.WebSocketConnectionClosedError):
        socket.send("more", 0.3)


def test_a_goodbye_is_heard_although_the_peer_takes_nothing_any_more(face: Face, served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        await socket.receive()
        await socket.close(1009, "too much", patience=0.0)

    socket = served(handler)
    with pytest.raises(oxide.WebSocketConnectionClosedError) as caught:  # noqa: PT012 - one of them must fail
        for _ in range(200):
            socket.send(b"x" * 100_000)
            face.sleep(0.005)
    assert caught.value.code in (1009, 1006)


def test_bad_codes_and_reasons_are_refused_and_nothing_happens(served: Callable[..., Both]) -> None:
    socket = served(echo)
    for code, reason in ((1006, ""), (70_000, ""), (1000, "x" * 124)):
        with pytest.raises(ValueError, match="clos"):
            socket.close(code, reason)
    with pytest.raises(ValueError, match="surrogates"):
        socket.send("\ud800")
    socket.send("still here")
    assert socket.receive(SOON) == "still here"


def test_a_socket_that_is_dropped_is_closed(face: Face) -> None:
    with Server(sockets={"/v1/x": echo}) as server:
        socket = Both(face, face.client(server))
        assert server.open_connections == 1
        OPENED.clear()
        del socket
        assert eventually(face, lambda: server.open_connections == 0)


# What the server can ---------------------------------------------------------------------------------------------------------------


def test_the_server_answers_in_the_responses_mode(face: Face) -> None:
    with Server() as server:
        socket = Both(face, face.client(server), operation=Operation[Any]("GET", "/responses"))

        def turn(**params: Any) -> list[Any]:
            socket.send(json.dumps({"type": "response.create", "model": "m", **params}))
            events: list[Any] = []
            while not events or events[-1]["type"] not in ("response.completed", "error"):
                events.append(json.loads(socket.receive(SOON)))
            return events

        warm = turn(input="Hi", generate=False, store=False)
        assert warm[-1]["response"]["output"] == []
        spoken = turn(input="Hello", previous_response_id=warm[-1]["response"]["id"], stream_id="a")
        assert {event["stream_id"] for event in spoken} == {"a"}
        assert "".join(event["delta"] for event in spoken if event["type"] == "response.output_text.delta") == "You said: Hello"
        lost = turn(input="Hi", previous_response_id="resp_lost")
        assert (lost[-1]["status"], lost[-1]["error"]["code"]) == (400, "previous_response_not_found")
        assert turn(input="Hi", what=1)[-1]["error"]["code"] == "unknown_parameter"


def test_the_server_serves_lanes_side_by_side_and_bounds_them(face: Face) -> None:
    with Server(pace=0.005) as server:
        socket = Both(face, face.client(server), operation=Operation[Any]("GET", "/responses"))
        for number in range(17):
            socket.send(json.dumps({"type": "response.create", "model": "m", "input": "Hi", "stream_id": f"lane {number}"}))
        order: list[str] = []
        done = 0
        while done < 17:
            event = json.loads(socket.receive(SOON))
            order.append(event["stream_id"])
            done += event["type"] in ("response.completed", "error")
            if event["type"] == "error":
                assert (event["stream_id"], event["error"]["code"]) == ("lane 16", "websocket_stream_limit_reached")
        assert len(set(order[:40])) > 10


def test_the_server_takes_nothing_more_when_a_socket_is_too_old(face: Face) -> None:
    with Server(socket_age=0.0) as server:
        socket = Both(face, face.client(server), operation=Operation[Any]("GET", "/responses"))
        face.sleep(0.01)
        socket.send(json.dumps({"type": "response.create", "model": "m", "input": "Hi"}))
        assert json.loads(socket.receive(SOON))["error"]["code"] == "websocket_connection_limit_reached"
        with pytest.raises(oxide.WebSocketConnectionClosedError):
            socket.receive(SOON)


def test_a_blocking_socket_can_be_closed_while_another_thread_sends(served: Callable[..., Both]) -> None:
    async def handler(socket: ServerSocket) -> None:
        socket.deafen()
        await asyncio.sleep(20)

    socket = served(handler)
    timer = threading.Timer(0.3, socket.socket.discard)
    timer.start()
    begun = time.monotonic()
    with pytest.raises((oxide.WebSocketConnectionClosedError, oxide.APITimeoutError)):
        socket.send(b"x" * 50_000_000, 20.0)
    assert time.monotonic() - begun < SOON
    timer.join()
