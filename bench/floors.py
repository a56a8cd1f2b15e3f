"""The floors: what the work costs when it is written by hand, for this one purpose, by somebody who knows how.

They keep connections alive, write once, read heads and bodies properly, and parse every answer and event with `json.loads`. They have
no timeouts, retries, models, errors or options. What a library adds to them is its price.
"""

from __future__ import annotations

import json
import socket
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

FIELDS = (
    "Host: 127.0.0.1\r\nAuthorization: Bearer sk-bench\r\nContent-Type: application/json\r\n"
    "Accept: application/json\r\nUser-Agent: floor/1\r\nContent-Length: "
)


def request(path: str, payload: object) -> bytes:
    body = json.dumps(payload)
    return f"POST {path} HTTP/1.1\r\n{FIELDS}{len(body)}\r\n\r\n{body}".encode("ascii")


def body_length(head: bytes) -> int:
    """The length of the body; -1 when it is chunked."""
    if head[9:12] != b"200":
        raise RuntimeError(f"status {head[9:12]!r}")
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    if start >= 0:
        end = lower.find(b"\r", start + 2)
        return int(lower[start + 17 : end if end > 0 else None])
    if b"\r\ntransfer-encoding: chunked" in lower:
        return -1
    raise RuntimeError("a body without an end")


class ChunkedEvents:
    """Takes the chunked coding and the event stream apart."""

    def __init__(self) -> None:
        self.buffer = b""
        self.text = b""
        self.ended = False

    def receive(self, data: bytes) -> list[Any]:
        data = self.buffer + data
        at, pieces = 0, [self.text]
        while (line := data.find(b"\r\n", at)) > 0:
            size = int(data[at:line], 16)
            end = line + 2 + size
            if end + 2 > len(data):
                break
            at = end + 2
            if size == 0:
                self.ended = True
                break
            pieces.append(data[line + 2 : end])
        self.buffer = data[at:]
        blocks = b"".join(pieces).split(b"\n\n")
        self.text = blocks.pop()
        events = []
        for block in blocks:
            value = block[block.find(b"data: ") + 6 :]
            if value != b"[DONE]":
                events.append(json.loads(value))
        return events


class BlockingFloor:
    """One connection, one socket, one call after the other."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname=host)

    def open(self, path: str, payload: object) -> tuple[int, bytes]:
        """Send, and read the head: the length of the body, and what came of it already."""
        self.socket.sendall(request(path, payload))
        data = self.receive()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.receive()
        return body_length(data[:end]), data[end + 4 :]

    def receive(self) -> bytes:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("closed")
        return data

    def post(self, path: str, payload: object) -> Any:
        length, body = self.open(path, payload)
        if len(body) < length:
            pieces, have = [body], len(body)
            while have < length:
                data = self.receive()
                pieces.append(data)
                have += len(data)
            body = b"".join(pieces)
        return json.loads(body)

    def stream(self, path: str, payload: object) -> Iterator[Any]:
        _, data = self.open(path, payload)
        decoder = ChunkedEvents()
        while True:
            yield from decoder.receive(data)
            if decoder.ended:
                return
            data = self.receive()

    def close(self) -> None:
        self.socket.close()


class AsyncConnection:
    """An `asyncio.Protocol` for one call at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.buffer = b""
        self.length: int | None = None
        self.waiter: asyncio.Future[bytes] | None = None
        self.decoder: ChunkedEvents | None = None
        self.events: deque[Any] = deque()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.decoder is not None:
            self.deliver(data)
            return
        data = self.buffer + data if self.buffer else data
        if self.length is None:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = data
                return
            self.length = body_length(data[:end])
            data = data[end + 4 :]
            if self.length < 0:
                self.decoder = ChunkedEvents()
                self.deliver(data)
                return
        if len(data) < self.length:
            self.buffer = data
            return
        self.buffer, self.length = b"", None
        self.wake(data)

    def deliver(self, data: bytes) -> None:
        assert self.decoder is not None
        self.events.extend(self.decoder.receive(data))
        if self.events or self.decoder.ended:
            self.wake(b"")

    def wake(self, body: bytes) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(body)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(error or ConnectionError("closed"))

    def eof_received(self) -> None:
        return None

    def pause_writing(self) -> None:
        """The requests are small against the memory; nobody waits for the other side."""

    def resume_writing(self) -> None:
        """See `pause_writing`."""


class AsyncFloor:
    """As many connections as calls are in flight at once; idle ones are used again."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        import asyncio

        self.loop = asyncio.get_running_loop()
        self.target = host, port, context
        self.idle: list[AsyncConnection] = []

    async def connection(self) -> AsyncConnection:
        if self.idle:
            return self.idle.pop()
        host, port, context = self.target
        _, connection = await self.loop.create_connection(AsyncConnection, host, port, ssl=context)  # type: ignore[type-var]  # by duck typing
        return connection

    async def post(self, path: str, payload: object) -> Any:
        connection = await self.connection()
        connection.waiter = self.loop.create_future()
        connection.transport.write(request(path, payload))
        body = await connection.waiter
        self.idle.append(connection)
        return json.loads(body)

    async def stream(self, path: str, payload: object) -> AsyncIterator[Any]:
        connection = await self.connection()
        connection.waiter = self.loop.create_future()
        connection.transport.write(request(path, payload))
        events = connection.events
        while True:
            await connection.waiter
            while events:
                yield events.popleft()
            if connection.decoder is not None and connection.decoder.ended:
                break
            connection.waiter = self.loop.create_future()
        connection.decoder = connection.length = None
        self.idle.append(connection)

    async def close(self) -> None:
        for connection in self.idle:
            connection.transport.close()


class Http2Floor:
    """One TLS socket and the h2 package, used as its documentation shows."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        import h2.config
        import h2.connection
        import h2.events

        self.events = h2.events
        context.set_alpn_protocols(["h2"])
        sock = socket.create_connection((host, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(sock, server_hostname=host)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="ascii"))
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(8 * 1024 * 1024)
        self.socket.sendall(self.h2.data_to_send())

    def post(self, path: str, payload: object) -> Any:
        pieces = []
        for kind, event in self.exchange(path, payload):
            if kind == "head":
                if dict(event.headers)[":status"] != "200":
                    raise RuntimeError("not 200")
            else:
                pieces.append(event.data)
        return json.loads(b"".join(pieces))

    def exchange(self, path: str, payload: object) -> Iterator[tuple[str, Any]]:
        body = json.dumps(payload).encode()
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, self.fields(path, len(body)))
        self.h2.send_data(stream, body, end_stream=True)
        self.socket.sendall(self.h2.data_to_send())
        ended = False
        while not ended:
            for event in self.h2.receive_data(self.socket.recv(65_536)):
                if isinstance(event, self.events.ResponseReceived):
                    yield "head", event
                elif isinstance(event, self.events.DataReceived):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                    yield "data", event
                elif isinstance(event, self.events.StreamEnded):
                    ended = True
                elif isinstance(event, (self.events.StreamReset, self.events.ConnectionTerminated)):
                    raise ConnectionError(str(event))
            if out := self.h2.data_to_send():
                self.socket.sendall(out)

    def fields(self, path: str, length: int) -> list[tuple[str, str]]:
        return [
            (":method", "POST"),
            (":authority", "127.0.0.1"),
            (":scheme", "https"),
            (":path", path),
            ("authorization", "Bearer sk-bench"),
            ("content-type", "application/json"),
            ("accept", "application/json"),
            ("user-agent", "floor/1"),
            ("content-length", str(length)),
        ]

    def close(self) -> None:
        self.socket.close()
