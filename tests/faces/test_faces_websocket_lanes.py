"""Many who share one WebSocket: whoever reads hands out to all, nobody is forgotten, and who is cancelled leaves it whole."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide._operation import Operation
from oxide._socket import Socket, SocketOptions, Waiter, open_socket
from oxide.testing import Server, ServerSocket
from tests.faces._both import AsyncioFace
from tests.faces._wires import HASTY, Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence

    from tests.faces._both import Face

AT = Operation[Any]("GET", "/x")

OPENED: list[Socket] = []


@pytest.fixture(autouse=True)
def nothing_stays_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test has left open, while its loop is still there."""
    if "face" in request.fixturenames:
        request.getfixturevalue("face")
    yield
    while OPENED:
        OPENED.pop().discard()


class Lane(Waiter):
    """One of those who share a socket: messages that begin with its name are for it."""

    def __init__(self, lanes: Lanes, name: str) -> None:
        super().__init__()
        self._lanes = lanes
        self._name = name
        self.messages: deque[str] = deque()

    async def ask(self, what: str, timeout: float = 20.0) -> str:
        await self._lanes.socket.send(f"{self._name} {what}")
        return await self.receive(timeout)

    async def receive(self, timeout: float = 20.0) -> str:
        await self._lanes.socket.wait(self, lambda: self.messages, timeout)
        return self.messages.popleft()


class Lanes:
    """A socket whose messages are handed out by name."""

    def __init__(self, socket: Socket) -> None:
        OPENED.append(socket)
        self.socket = socket
        self._lanes: dict[str, Lane] = {}
        socket.connection.deliver = self._deliver

    def lane(self, name: str) -> Lane:
        self._lanes[name] = Lane(self, name)
        return self._lanes[name]

    def _deliver(self, messages: Sequence[str | bytes]) -> None:
        for message in messages:
            name, _, text = str(message).partition(" ")
            lane = self._lanes[name]
            lane.messages.append(text)
            lane.wake()


async def shuffled(socket: ServerSocket) -> None:
    """Answer in another order than asked, and some together."""
    kept: list[str | bytes] = []
    dice = random.Random(7)

    async def flush() -> None:
        while True:
            await asyncio.sleep(0.002)
            if kept:
                dice.shuffle(kept)
                await socket.send(*kept)
                kept.clear()

    task = asyncio.ensure_future(flush())
    try:
        while True:
            kept.append(await socket.receive())
            if dice.random() < 0.3:
                await socket.send(kept.pop())
    finally:
        task.cancel()


def opened(face: Face, client: Any, options: SocketOptions | None = None) -> Lanes:
    async def story(exchange: Any, operation: Any, given: dict[str, Any]) -> Socket:
        return await open_socket(exchange, operation.prepare(given, exchange.settings), options=options)

    return Lanes(face.run(client.itself._caller.run(story, AT, {})))


def call(work: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[Any], Any]:
    """What `Face.together` wants, of a coroutine function."""

    async def story(exchange: Any, operation: Any, given: Any) -> Any:
        return await work()

    return lambda client: client._caller.run(story, AT, {})


@pytest.mark.parametrize("wire", ["plain", "tls"])
def test_each_lane_gets_its_own_answers(face: Face, wire: str) -> None:
    way = Wire(wire)
    with way.server(sockets={"/v1/x": shuffled}) as server:
        client = way.client(face, server)
        lanes = opened(face, client)

        def worker(number: int) -> Callable[[Any], Any]:
            lane = lanes.lane(f"lane{number}")

            async def work() -> list[str]:
                return [await lane.ask(f"{turn} {'x' * (turn * 37 % 900)}") for turn in range(40)]

            return call(work)

        results = face.together(client, [worker(number) for number in range(16)])
        for result in results:
            assert [text.partition(" ")[0] for text in result] == [str(turn) for turn in range(40)]


def test_a_drop_with_sixteen_in_flight_ends_each_of_them(face: Face) -> None:
    async def handler(socket: ServerSocket) -> None:
        for _ in range(16):
            await socket.receive()
        socket.drop("reset")

    with Server(sockets={"/v1/x": handler}) as server:
        client = face.client(server, timeout=HASTY)
        lanes = opened(face, client)
        workers = [lanes.lane(f"lane{number}") for number in range(16)]
        begun = time.monotonic()
        results = face.together(client, [call(lambda lane=lane: lane.ask("?")) for lane in workers])  # type: ignore[misc]  # binds the lane
        assert [type(result) for result in results] == [oxide.WebSocketConnectionClosedError] * 16
        assert len({id(result) for result in results}) == 16  # each has an error of its own
        assert time.monotonic() - begun < 5


def test_who_stops_waiting_leaves_the_others_a_reader(face: Face) -> None:
    async def handler(socket: ServerSocket) -> None:
        await asyncio.sleep(0.5)
        await socket.send("patient hello")
        await socket.receive()

    with Server(sockets={"/v1/x": handler}) as server:
        client = face.client(server, timeout=HASTY)
        lanes = opened(face, client)
        hasty, patient = lanes.lane("hasty"), lanes.lane("patient")
        results = face.together(client, [call(lambda: hasty.receive(0.2)), call(lambda: patient.receive(5.0))])
        assert isinstance(results[0], oxide.APITimeoutError)
        assert results[1] == "hello"


def test_a_cancelled_reader_and_a_cancelled_sender_leave_the_socket_whole() -> None:
    face = AsyncioFace()

    async def slow_echo(socket: ServerSocket) -> None:
        await asyncio.sleep(0.1)
        while True:
            message = await socket.receive()
            await socket.send(str(message)[:100])

    with Server(sockets={"/v1/x": slow_echo}) as server:
        client = face.client(server, timeout=HASTY)
        lanes = opened(face, client)
        one, two = lanes.lane("one"), lanes.lane("two")

        async def scene() -> list[str]:
            reading = asyncio.ensure_future(one.receive())
            behind = asyncio.ensure_future(two.receive())
            await asyncio.sleep(0.02)
            reading.cancel()
            sending = [asyncio.ensure_future(lanes.socket.send("one " + "x" * 600_000)) for _ in range(6)]
            await asyncio.sleep(0)
            for task in sending[1:5]:
                task.cancel()
            await asyncio.gather(reading, *sending, return_exceptions=True)
            await lanes.socket.send("two still here")
            return [await behind, (await one.receive())[:3]]

        assert face.run(scene()) == ["still here", "xxx"]
        face.run(lanes.socket.close())
    face.close()


def test_an_interrupt_while_sending_ends_the_connection() -> None:
    """A frame may be half sent: nothing may follow it."""

    async def handler(socket: ServerSocket) -> None:
        socket.deafen()
        await asyncio.sleep(20)

    with Server(sockets={"/v1/x": handler}) as server, oxide.Client(api_key="k", base_url=server.url) as client:

        async def story(exchange: Any, operation: Any, given: dict[str, Any]) -> Socket:
            return await open_socket(exchange, operation.prepare(given, exchange.settings))

        async def send(exchange: Any, operation: Any, given: dict[str, Any]) -> None:
            await given["socket"].send(b"x" * 50_000_000, 10.0)

        socket = client._caller.run(story, AT, {})
        OPENED.append(socket)
        timer = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            client._caller.run(send, AT, {"socket": socket})
        timer.join()
        with pytest.raises(oxide.WebSocketConnectionClosedError):
            client._caller.run(send, AT, {"socket": socket})


def test_senders_wait_for_their_turn_and_no_longer_than_they_want(face: Face) -> None:
    async def handler(socket: ServerSocket) -> None:
        socket.deafen()
        await asyncio.sleep(20)

    with Server(sockets={"/v1/x": handler}) as server:
        client = face.client(server, timeout=HASTY)
        lanes = opened(face, client)

        async def later() -> Awaitable[None]:
            await lanes.socket.connection._backend.sleep(0.1)
            return await lanes.socket.send("a", 0.2)  # type: ignore[return-value]  # it returns nothing

        begun = time.monotonic()
        results = face.together(client, [call(lambda: lanes.socket.send(b"x" * 20_000_000, 0.7)), call(later)])
        assert [type(result) for result in results] == [oxide.APITimeoutError] * 2
        assert time.monotonic() - begun < 15
