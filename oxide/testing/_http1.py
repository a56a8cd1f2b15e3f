"""The server's side of HTTP/1.1: reads requests, one at a time, and puts the steps of their answers on the wire.

It is lenient where a client under test cannot go wrong unnoticed, for the tests of the client's own machine judge that with other readers.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from .._protocol.headers import Headers
from ._player import Player
from ._script import Cut, Head, Received
from ._wire import break_off

if TYPE_CHECKING:
    from ._socket import SocketHandler, SocketHost

__all__ = ["Http1"]

MAX_HEAD = 262_144
EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: </v1/models>; rel=preload\r\n\r\n"
STRAY = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"stray": true}\n'
REASONS = {status.value: status.phrase for status in HTTPStatus}


class Http1(asyncio.Protocol):
    """One HTTP/1.1 connection."""

    transport: asyncio.Transport

    def __init__(self, host: SocketHost) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._requests = 0
        self._buffer = bytearray()
        self._request: _Request | None = None  # whose body is being read
        self._received: Received | None = None  # whose answer is being played
        self._player: Player | None = None
        self._out: list[bytes] = []
        self._chunked = False
        self._silent = False  # the answer has no body: to HEAD, or by its status
        self._closing = False
        self._full = False
        self._idle: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------------------------------- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._number = self._host.opened(self)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._player is None:
            self._read_request()
        elif len(self._buffer) > MAX_HEAD:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._player is not None:
            self._player.stop()
        if self._received is not None:
            self._host.left(self._received)
        self._forget_idle()
        self._host.closed(self)
        self.transport.close()  # it is; but in CPython 3.10 a TLS transport wants to be told

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._player is not None:
            self._player.resume()

    def abort(self) -> None:
        """End the connection at once: the server stops."""
        self._received = None
        self.transport.abort()

    # ------------------------------------------------------------------------------------------------------ reading

    def _await_request(self) -> None:
        if self._host.habits.idle is not None:
            self._idle = self._loop.call_later(self._host.habits.idle, self.transport.close)

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _read_request(self) -> None:
        try:
            if self._request is None:
                self._request = self._read_head()
            if self._request is None or not self._request.fill(self._buffer):
                return
        except ValueError as refused:
            self._refuse(str(refused))
            return
        request, self._request = self._request, None
        self._answer(request)

    def _read_head(self) -> _Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD:
            if len(self._buffer) > MAX_HEAD:
                raise ValueError("431 the head is too large")
            return None
        head = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        self._forget_idle()
        return _Request(head, self._host.habits.max_body)

    def _refuse(self, problem: str) -> None:
        """Answer what is no request, and close (RFC 9112, 3)."""
        status, _, words = problem.partition(" ")
        body = f"{words}\n".encode()
        head = f"HTTP/1.1 {status} Refused\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    # ---------------------------------------------------------------------------------------------------- answering

    def _answer(self, request: _Request) -> None:
        self._requests += 1
        self._closing = request.last or self._requests == self._host.habits.max_requests
        path, _, query = request.target.partition("?")
        body = bytes(request.body)
        self._received = Received(request.method, path, query, request.headers, body, "HTTP/1.1", self._number)
        if (request.headers.get("upgrade") or "").lower() == "websocket" and self._host.upgrade(self._received, self._switch):
            return
        self._silent = request.method == "HEAD"
        self._player = Player(self._loop, self, self._host.answer(self._received))
        self._player.resume()

    def _switch(self, received: Received, handler: SocketHandler, delay: float, compresses: bool) -> None:
        """Speak WebSocket from now on."""
        from ._socket import ServerSocket  # which brings wsproto

        socket = ServerSocket(self.transport, received, lambda: self._host.closed(self), compresses)
        self.transport.set_protocol(socket)
        self._received = None
        socket.begin(handler, bytes(self._buffer), delay)

    @property
    def blocked(self) -> bool:
        return self._full

    def head(self, step: Head) -> None:
        if step.status in (204, 304):
            self._silent = True
        self._chunked = step.framing == "chunked"
        self._closing |= step.framing == "close"
        lines = [f"HTTP/1.1 {step.status} {REASONS.get(step.status, '')}"]
        for name, value in step.headers:
            lines.append(f"{name}: {value}")
            if name.lower() == "connection" and value.lower() == "close":
                self._closing = True
        lines.extend(self._framing(step))
        data = "\r\n".join([*lines, "\r\n"]).encode("latin-1", "replace")
        self._out.append(data[: len(data) // 2] if step.half else data)

    def _framing(self, step: Head) -> list[str]:
        named = {name.lower() for name, _ in step.headers}
        fields: list[str] = []
        if self._closing and "connection" not in named:
            fields.append("connection: close")
        if self._chunked:
            fields.append("transfer-encoding: chunked")
        elif step.framing == "sized" and step.status != 204 and "content-length" not in named:
            fields.append(f"content-length: {step.size}")
        return fields

    def data(self, data: bytes) -> None:
        if self._silent or not data:
            return
        if self._chunked:
            self._out.append(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._out.append(data)

    def raw(self, data: bytes) -> None:
        self._out.append(data)

    def interim(self) -> None:
        self._out.append(EARLY)

    def again(self) -> None:
        self._out.append(STRAY)

    def end(self) -> None:
        if self._chunked and not self._silent:
            self._out.append(b"0\r\n\r\n")
        self._received = None

    def flush(self) -> None:
        if self._out:
            data = b"".join(self._out)
            self._out.clear()
            self.transport.write(data)

    def cut(self, step: Cut) -> None:
        if step.how == "stall" and self._received is not None:
            self._host.stalls(self._received)
            return
        self._received = None  # it is us who leave
        break_off(self.transport, step.how)

    def played(self) -> None:
        self._player = None
        if self._closing:
            self.transport.close()
            return
        self.transport.resume_reading()
        self._await_request()
        if self._buffer:
            # not at once: a player that ends inside its own start would nest a call a request
            self._loop.call_soon(self._read_pipelined)

    def _read_pipelined(self) -> None:
        if self._player is None and not self.transport.is_closing():
            self._read_request()


class _Request:
    """The head of a request, and its body as far as it has come."""

    def __init__(self, head: str, max_body: int) -> None:
        first, *lines = head.lstrip("\r\n").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise ValueError("400 that is no HTTP/1.1 request")
        self.method, self.target, version = words
        self.headers = Headers([_field(line) for line in lines])
        self.body = bytearray()
        self._max_body = max_body
        self._chunked = (self.headers.get("transfer-encoding") or "").lower() == "chunked"
        self._missing = self._length()
        connection = (self.headers.get("connection") or "").lower()
        self.last = "close" in connection or (version == "HTTP/1.0" and "keep-alive" not in connection)

    def _length(self) -> int:
        text = self.headers.get("content-length") or "0"
        if not text.isascii() or not text.isdigit():
            raise ValueError("400 the Content-Length is no number")
        self._check(int(text))
        return int(text)

    def _check(self, size: int) -> None:
        if size > self._max_body:
            raise ValueError("413 the body is too large")

    def fill(self, buffer: bytearray) -> bool:
        """Take what `buffer` has of the body; return whether it is complete."""
        if self._chunked:
            return self._fill_chunks(buffer)
        if len(buffer) < self._missing:
            return False
        self.body = buffer[: self._missing]
        del buffer[: self._missing]
        return True

    def _fill_chunks(self, buffer: bytearray) -> bool:
        while (end := buffer.find(b"\r\n", 0, 4096)) >= 0:
            size = int(bytes(buffer[:end]).partition(b";")[0], 16)
            if size == 0:
                return self._fill_trailers(buffer, end)
            self._check(len(self.body) + size)
            if len(buffer) < end + 2 + size + 2:
                return False
            self.body += buffer[end + 2 : end + 2 + size]
            del buffer[: end + 2 + size + 2]
        return False

    def _fill_trailers(self, buffer: bytearray, end: int) -> bool:
        """Read past the trailers: the empty line may follow the last chunk's size at once."""
        stop = buffer.find(b"\r\n\r\n", end)
        if stop < 0:
            return False
        del buffer[: stop + 4]
        return True


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or name != name.strip():
        raise ValueError("400 a header field is malformed")
    return name, value.strip()
