"""Whose turn it is to read from a shared connection: it never goes to somebody who leaves, while others wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from oxide._protocol.base import Data, Head, ProtocolError
from oxide._protocol.headers import Headers
from oxide._timeout import Timeout
from oxide._transport.course import Course, Outgoing
from oxide._transport.http2_channel import Http2Channel
from oxide._transport.multiplex import Http2Connection
from oxide._url import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

FOREVER = float("inf")


class Suspended:
    """Awaited, it gives the word to the test."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Gate:
    def __init__(self) -> None:
        self.opened = False
        self.then: Callable[[], object] = bool  # what the thread does that was waiting, before the one goes on that has opened

    async def wait(self, timeout: float) -> bool:
        while not self.opened:
            await Suspended()
        return True

    def open(self) -> None:
        if not self.opened:
            self.opened = True
            self.then()


class Mutex:
    """A lock between threads that do not exist: what another thread does before it is taken, or after, is told by the test."""

    def __init__(self) -> None:
        self.before: Callable[[], object] | None = None
        self.after: Callable[[], object] | None = None

    def __enter__(self) -> None:
        before, self.before = self.before, None
        if before is not None:
            before()

    def __exit__(self, *error: object) -> None:
        after, self.after = self.after, None
        if after is not None:
            after()


class World:
    """A backend, a stream, and a server that speaks HTTP/2."""

    quiet = True

    def __init__(self) -> None:
        self.mutex = Mutex()
        self.clock = 0.0
        self.gates: list[Gate] = []
        self.arrived: list[bytes] = []
        self.busy = False  # does not take what is sent
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.server.initiate_connection()
        self.arrived.append(self.server.data_to_send())

    def now(self) -> float:
        return self.clock

    def gate(self) -> Gate:
        self.gates.append(Gate())
        return self.gates[-1]

    async def send(self, data: bytes, timeout: float) -> None:
        self.server.receive_data(data)
        while self.busy:
            await Suspended()

    async def receive(self, timeout: float) -> bytes:
        while not self.arrived:
            await Suspended()
        return self.arrived.pop(0)

    def close(self) -> None:
        pass

    def answer(self, *stream_ids: int, ended: bool = False) -> None:
        """Send the heads of answers, whose bodies may follow."""
        for stream_id in stream_ids:
            self.server.send_headers(stream_id, [(":status", "200")], end_stream=ended)
        self.arrived.append(self.server.data_to_send())


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def connection(world: World) -> Any:
    return Http2Connection(world, world, lambda _: None)  # type: ignore[arg-type]  # as much of them as is needed


def request(connection: Any, world: World, timeout: float = 60.0) -> Coroutine[Any, Any, Any]:
    outgoing = Outgoing("GET", Origin("https", "a.test", 443), "/", [], b"", None, True)
    return connection.open(outgoing, Course(Timeout(timeout), FOREVER, world.now, 0.0))


def result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that has no reason to wait any more."""
    for _ in range(10):
        try:
            coroutine.send(None)
        except StopIteration as finished:
            return finished.value
    raise AssertionError("it waits")


def test_who_is_called_to_read_and_is_out_of_time_calls_the_next(connection: Any, world: World) -> None:
    reader, hasty, patient = request(connection, world), request(connection, world, 5.0), request(connection, world)
    for each in (reader, hasty, patient):
        each.send(None)
    world.answer(1)
    assert result(reader).head.status == 200
    world.clock = 6.0
    with pytest.raises(TimeoutError):
        hasty.send(None)
    world.answer(5)
    assert result(patient).head.status == 200


def test_who_is_called_to_read_and_has_its_answer_already_calls_the_next(connection: Any, world: World) -> None:
    """In threads an answer may come between the last look for it and the waiting."""
    reader, lucky, patient = (request(connection, world) for _ in range(3))
    for each in (reader, lucky, patient):
        each.send(None)
    channel = connection._channels[3]

    def its_answer_comes() -> None:
        world.server.ping(b"are you?")  # the reader has an answer to send, before it lets others read
        world.answer(1, 3)
        world.busy = True
        reader.send(None)
        world.mutex.after = the_reader_leaves

    def the_reader_leaves() -> None:
        world.busy = False
        result(reader)

    world.mutex.before = its_answer_comes
    waiting = connection.wait(channel, channel.has_head, Course(Timeout(60), FOREVER, world.now, 0.0), 60.0)
    with pytest.raises(StopIteration):
        waiting.send(None)
    world.answer(5)
    assert result(patient).head.status == 200
    lucky.close()


def test_who_has_enough_in_the_moment_its_answer_ends_disturbs_nobody(connection: Any, world: World) -> None:
    reader, enough = request(connection, world), request(connection, world)
    for each in (reader, enough):
        each.send(None)
    world.gates[-1].then = connection._channels[3].discard
    world.answer(3, 1, ended=True)
    assert result(reader).head.status == 200
    enough.close()


class SlowData(Data):
    """A piece of a body that another thread takes out while this one is putting it in."""

    def __init__(self, data: bytes, then: Callable[[], object]) -> None:
        self.hidden = data
        self.then = then

    @property
    def data(self) -> bytes:  # type: ignore[override]  # asked for in the middle of `take`
        self.then()
        return self.hidden


def test_a_chunk_that_comes_while_others_are_taken_out_is_not_lost(connection: Any, world: World) -> None:
    channel = Http2Channel(connection, 1)
    course = Course(Timeout(60), FOREVER, world.now, 0.0)
    got: list[bytes] = []
    channel.take(Data(b"first"))
    channel.take(SlowData(b"second", lambda: got.append(result(channel.next_chunk(course)))))
    assert got == [b"first"]
    assert result(channel.next_chunk(course)) == b"second"


class WatchedChannel(Http2Channel):
    """A channel whose next gate is put up by another thread at the moment in which this one looks for the last."""

    then: Gate | None = None
    present: Gate | None = None

    @property
    def gate(self) -> Gate | None:  # type: ignore[override]
        seen = self.present
        if self.then is not None:
            self.present, self.then = self.then, None
        return seen

    @gate.setter
    def gate(self, gate: Gate | None) -> None:
        self.present = gate


def test_a_gate_that_is_put_up_while_another_is_opened_is_opened_later(connection: Any, world: World) -> None:
    channel = WatchedChannel(connection, 1)
    channel.then = waiting = Gate()
    channel.wake()
    channel.take(Head(200, Headers([]), "HTTP/2"))
    assert waiting.opened


def test_an_idle_connection_asks_nothing_of_a_stream_from_which_another_has_begun_to_read(connection: Any, world: World) -> None:
    asked: list[bool] = []

    class Listening(World):
        @property
        def quiet(self) -> bool:  # type: ignore[override]
            asked.append(connection._reading)
            return True

    world.__class__ = Listening
    world.clock = 1.0
    assert connection.unsettled
    assert result(connection.settle())
    assert asked == [True]  # as the one who reads
    other = request(connection, world)
    world.mutex.before = lambda: other.send(None)
    assert result(connection.settle())
    assert asked == [True]
    other.close()


def test_a_peer_that_asks_on_and_on_and_reads_nothing_is_left(connection: Any, world: World) -> None:
    world.busy = True
    sender, reader = request(connection, world), request(connection, world)
    sender.send(None)
    world.answer(1)

    def ask_on() -> None:
        for _ in range(50):
            world.server.send_data(1, b"x")  # something useful now and then
            for _ in range(900):
                world.server.ping(b"are you?")
            world.arrived.append(world.server.data_to_send())
            reader.send(None)

    with pytest.raises(ProtocolError, match="does not read"):
        ask_on()
    assert sum(map(len, connection._outbox._queued)) < 100_000
    sender.close()


def test_a_peer_that_allows_fewer_streams_is_given_no_more_until_enough_have_ended() -> None:
    from oxide._protocol.http2 import Http2

    peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    peer.initiate_connection()
    ours = Http2()
    peer.receive_data(ours.start())
    ours.receive(peer.data_to_send())
    for _ in range(6):
        ours.request("GET", "https", "x", "/", [], ended=True)
    peer.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
    ours.receive(peer.data_to_send())
    assert (ours.slots, ours.capacity) == (0, 2)  # and not the six that are open
