"""The server's side of a WebSocket: an asynchronous function holds the conversation, and may be as rude as it likes.

    async def echo(socket: ServerSocket) -> None:
        while True:
            await socket.send(await socket.receive())

    with Server(sockets={"/v1/echo": echo}) as server: ...

Frames are read by wsproto, so that the client's own reader is judged by another one; what is sent is written here, to be sent spoilt too.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason

from ._script import CutKind, Received
from ._wire import Host, break_off

__all__ = ["ServerSocket", "SocketGone", "SocketHandler", "SocketHost", "Switch"]

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class SocketGone(Exception):  # noqa: N818 - the client may go
    """The client has closed the WebSocket with `code` and `reason`; 1006: it hung up."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class ServerSocket(asyncio.Protocol):
    """One WebSocket, as its handler sees it.

    Attributes:
        received: the request that opened it.
        answers_pings: set it to False, and pings are taken without an answer.
        pongs: the payloads of the pongs that came.
        pings: how many pings came.
    """

    def __init__(self, transport: asyncio.Transport, received: Received, ended: Callable[[], None], compresses: bool) -> None:
        self.received = received
        self.answers_pings = True
        self.pings = 0
        self.pongs: list[bytes] = []
        self._transport = transport
        self._ended = ended
        offered = "permessage-deflate" in (received.headers.get("sec-websocket-extensions") or "")
        self._deflate = PerMessageDeflate() if compresses and offered else None
        self._frames: Connection | None = None
        self._messages: deque[str | bytes] = deque()
        self._parts: list[bytes] = []
        self._gone: SocketGone | None = None
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------ what handlers call

    async def receive(self) -> str | bytes:
        """Return the next message; raises `SocketGone`."""
        while not self._messages:
            if self._gone is not None:
                raise self._gone
            self._news.clear()
            await self._news.wait()
        return self._messages.popleft()

    async def send(self, *messages: str | bytes, parts: int = 1) -> None:
        """Send messages, each in so many frames."""
        await self.raw(b"".join([self._encoded(message, parts) for message in messages]))

    def _encoded(self, message: str | bytes, parts: int) -> bytes:
        opcode, data = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
        if parts == 1 and self._deflate is None:
            return frame(opcode, data)
        if self._deflate is not None and self._frames is not None:
            return self._frames.send(TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message))
        size = -(-len(data) // parts) or 1
        pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        last = len(pieces) - 1
        return b"".join([frame(0 if number else opcode, piece, final=number == last) for number, piece in enumerate(pieces)])

    async def ping(self, payload: bytes = b"") -> None:
        """Ask whether the client is there."""
        await self.raw(frame(PING, payload))

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are; raises `SocketGone`."""
        await self._writable.wait()
        if self._transport.is_closing():
            raise self._gone or SocketGone(1006)
        self._transport.write(data)

    async def close(self, code: int | None = 1000, reason: str = "", patience: float = 1.0) -> None:
        """Say goodbye and wait for the client's; None: without a code."""
        payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
        await self.raw(frame(CLOSE, payload))
        loop = asyncio.get_running_loop()
        due = loop.time() + patience
        while self._gone is None and loop.time() < due:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), due - loop.time())
            except asyncio.TimeoutError:
                break
        self._transport.close()

    async def stall(self) -> None:
        """Say nothing more, until the client leaves."""
        while self._gone is None:
            self._news.clear()
            await self._news.wait()

    def deafen(self) -> None:
        """Take nothing more from the network."""
        self._transport.pause_reading()

    def drop(self, how: CutKind = "drop") -> None:
        """Break off without a goodbye: "drop", "reset", "close" or "half"."""
        break_off(self._transport, how)

    # ------------------------------------------------------------------------------------------- what asyncio calls

    def begin(self, handler: SocketHandler, early: bytes, delay: float) -> None:
        """Agree, and let the handler speak."""
        self._task = asyncio.get_running_loop().create_task(self._converse(handler, early, delay))

    async def _converse(self, handler: SocketHandler, early: bytes, delay: float) -> None:
        try:
            if delay:
                await asyncio.sleep(delay)
            self._transport.write(self._agreement())
            self._frames = Connection(ConnectionType.SERVER, extensions=[self._deflate] if self._deflate else [])
            if early:
                self.data_received(early)
            await handler(self)
            if self._gone is None and not self._transport.is_closing():
                await self.close()
        except SocketGone:
            self._transport.close()

    def _agreement(self) -> bytes:
        fields = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        key = (self.received.headers.get("sec-websocket-key") or "").encode()
        fields.append(f"Sec-WebSocket-Accept: {base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()}")
        if offered := self.received.headers.get("sec-websocket-protocol"):
            fields.append(f"Sec-WebSocket-Protocol: {offered.partition(',')[0].strip()}")
        if self._deflate is not None:
            accepted = self._deflate.accept(self.received.headers.get("sec-websocket-extensions") or "")
            agreed = f"; {accepted}" if isinstance(accepted, str) and accepted else ""
            fields.append(f"Sec-WebSocket-Extensions: permessage-deflate{agreed}")
        return "\r\n".join([*fields, "\r\n"]).encode("latin-1")

    def data_received(self, data: bytes) -> None:
        if self._frames is None or self._gone is not None:
            return
        self._frames.receive_data(data)
        for event in self._frames.events():
            self._take(event)
        self._news.set()

    def _take(self, event: object) -> None:
        if isinstance(event, TextMessage):
            self._take_part(event.data.encode(), event.message_finished, text=True)
        elif isinstance(event, BytesMessage):
            self._take_part(bytes(event.data), event.message_finished, text=False)
        elif isinstance(event, Ping):
            self.pings += 1
            if self.answers_pings and self._frames is not None:
                self._transport.write(bytes(self._frames.send(event.response())))
        elif isinstance(event, Pong):
            self.pongs.append(bytes(event.payload))
        elif isinstance(event, CloseConnection):
            self._transport.write(frame(CLOSE, b"" if event.code == CloseReason.NO_STATUS_RCVD else int(event.code).to_bytes(2, "big")))
            self._leave(SocketGone(int(event.code), event.reason or ""))
            self._transport.close()

    def _take_part(self, data: bytes, last: bool, text: bool) -> None:
        self._parts.append(data)
        if last:
            message, self._parts = b"".join(self._parts), []
            self._messages.append(message.decode() if text else message)

    def _leave(self, gone: SocketGone) -> None:
        if self._gone is None:
            self._gone = gone

    def eof_received(self) -> bool:
        self._leave(SocketGone(1006))
        self._news.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave(SocketGone(1006))
        self._news.set()
        self._writable.set()
        if self._task is not None and self._frames is None:
            self._task.cancel()
        self._ended()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


SocketHandler: TypeAlias = Callable[[ServerSocket], Awaitable[None]]


class Switch(Protocol):
    """Makes a WebSocket of a connection, over which `handler` talks."""

    def __call__(self, received: Received, handler: SocketHandler, delay: float, compresses: bool) -> None: ...


class SocketHost(Host, Protocol):
    """What a connection that may become a WebSocket asks of its server."""

    def upgrade(self, received: Received, switch: Switch) -> bool:
        """Call `switch` where the request is for a WebSocket that there is; return whether that was so."""
        ...


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """Return a frame of a server."""
    size = len(payload)
    first = bytes((opcode | (0x80 if final else 0),))
    if size < 126:
        return b"%b%c%b" % (first, size, payload)
    if size < 65_536:
        return b"%b\x7e%b%b" % (first, size.to_bytes(2, "big"), payload)
    return b"%b\x7f%b%b" % (first, size.to_bytes(8, "big"), payload)
