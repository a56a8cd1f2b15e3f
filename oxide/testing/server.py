"""A scripted OpenAI-compatible API on this machine, for tests, demonstrations and benchmarks.

    with Server() as server:
        client = Client(base_url=server.url, api_key="test")

It runs in a thread of its own, so that it serves blocking code and any event loop alike. This file is its life and its records; how it
answers is in `_api`, how an answer is spoilt in `_script`, how it gets onto the wire in `_http1` and `_http2`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from ._api import Api
from ._http1 import Http1
from ._realtime import realtime
from ._responses_socket import responses_mode
from ._script import NO_FAULT, Fault, Received, Step, drip, script
from ._wire import Connection, Habits

if TYPE_CHECKING:
    from ._socket import SocketHandler, Switch

__all__ = ["Server"]

BACKLOG = 4096


class Server:
    """The server, from the beginning of a `with` (or `async with`) block to its end; or from `start()` to `close()`.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one.
        path: the path of a Unix socket, instead of host and port.
        tls: an `ssl.SSLContext` that holds the certificate, or the paths of the certificate and of its key; None: cleartext.
        http2: offer HTTP/2 over TLS.
        pace: seconds between the events of a stream; 0: all at once.
        answer: the text of every answer, or a function from the user's last words to it (results of tools are still echoed); None: the
            model echoes.
        keys: the API keys that are accepted; None: any.
        fault: how every answer is spoilt, unless `fail_next` says otherwise for one.
        slow: (n, seconds): each n-th answer comes so much later.
        idle: close a connection that has been without a request for this many seconds.
        max_requests: requests after which a connection is closed (HTTP/1.1) or sends GOAWAY (HTTP/2); 0: no end.
        max_streams: MAX_CONCURRENT_STREAMS of HTTP/2.
        max_body: bytes that the body of a request may have.
        sockets: path -> asynchronous function that talks over the WebSockets opened there; /v1/responses and /v1/realtime have one.
        compress: agree to compression of WebSockets where it is offered.
        socket_age: seconds after which a WebSocket of /v1/responses takes nothing more.
        keep: requests that are remembered; `keep_bytes` bounds their bodies together.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str | None = None,
        tls: ssl.SSLContext | tuple[str, str] | None = None,
        http2: bool = True,
        pace: float = 0.0,
        answer: str | Callable[[str], str] | None = None,
        keys: Collection[str] | None = None,
        fault: Fault | None = None,
        slow: tuple[int, float] | None = None,
        idle: float | None = None,
        max_requests: int = 0,
        max_streams: int = 1000,
        max_body: int = 268_435_456,
        sockets: Mapping[str, SocketHandler] | None = None,
        compress: bool = False,
        socket_age: float = 3600.0,
        keep: int = 10_000,
        keep_bytes: int = 67_108_864,
    ) -> None:
        self.host = host
        self.port = port
        self.path = path
        self.fault = fault
        self.slow = slow
        self.habits = Habits(idle, max_requests, max_streams, max_body, http2)
        self.connections = 0
        self.stalled = 0
        self._tls = _context(tls, http2)
        self._api = Api(answer, keys, pace, keep)
        self.sockets: dict[str, SocketHandler] = {
            "/v1/responses": responses_mode(self._api, pace, socket_age),
            "/v1/realtime": realtime(self._api, pace),
            **(sockets or {}),
        }
        self.compress = compress
        self._faults: deque[Fault | None] = deque()
        self._journal = _Journal(keep, keep_bytes)
        self._cancelled: deque[Received] = deque(maxlen=keep)
        self._answered = 0
        self._open: set[Connection] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: OSError | None = None

    # ------------------------------------------------------------------------------------------------ for the tests

    @property
    def url(self) -> str:
        """The base URL to give to a client; it ends with /v1. That of a Unix socket is `unix://`, the path of the socket, and `:/v1`."""
        if self.path is not None:
            return f"unix://{self.path}:/v1"
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{name}:{self.port}/v1"

    @property
    def requests(self) -> list[Received]:
        """The requests received, oldest first."""
        return list(self._journal.entries)

    @property
    def cancelled(self) -> list[Received]:
        """The requests whose client left, or reset the stream, before the answer was complete."""
        return list(self._cancelled)

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def fail_next(self, *faults: Fault | None) -> None:
        """Spoil the next answers, one fault each, in the order of arrival; None leaves one as it is."""
        self._faults.extend(faults)

    def clear(self) -> None:
        """Forget what was recorded, and the faults not used yet."""
        self._faults.clear()
        self._journal.clear()
        self._cancelled.clear()
        self.connections = 0
        self.stalled = 0
        self._answered = 0

    # -------------------------------------------------------------------------------------------------------- life

    def start(self) -> Server:
        """Begin to listen; raises OSError where the address cannot be had, RuntimeError if it runs already."""
        if self._thread is not None:
            raise RuntimeError("the server is running already")
        self._failure = None
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name="oxide-testing-server", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self.close()
            raise self._failure
        return self

    def close(self) -> None:
        """Stop listening and break off every connection; may be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        # a server that failed to listen ends by itself, and its loop may be closed by now
        if self._failure is None and self._loop is not None and self._stop is not None and thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()
        if self.path is not None and os.path.exists(self.path):
            os.unlink(self.path)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Server:
        return self.start()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Server({self.url!r}, {'running' if self._thread else 'not running'})"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve(), debug=False)  # in debug mode it would report each client that leaves in a handshake
        except OSError as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        listener = await self._listen(self._loop)
        if self.path is None:
            self.port = listener.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        await self._accept_no_more(self._loop, listener)
        await self._break_off()

    async def _listen(self, loop: asyncio.AbstractEventLoop) -> asyncio.Server:
        if self.path is not None:
            return await loop.create_unix_server(self._connection, self.path, ssl=self._tls, backlog=BACKLOG)
        return await loop.create_server(self._connection, self.host, self.port, ssl=self._tls, backlog=BACKLOG)

    async def _accept_no_more(self, loop: asyncio.AbstractEventLoop, listener: asyncio.Server) -> None:
        for socket in listener.sockets:
            try:
                loop.remove_reader(socket)
            except NotImplementedError:  # the loop of Windows, which has no readers
                break
        await asyncio.sleep(0)  # what is accepted becomes a connection in the next turn; a closed listener would forget it, unclosed
        listener.close()

    async def _break_off(self) -> None:
        for _ in range(20):  # turns of the loop, in which what was accepted a moment ago opens too, and the sockets are closed
            for connection in list(self._open):
                connection.abort()
            await asyncio.sleep(0)

    def _connection(self) -> asyncio.Protocol:
        return _Chooser(self) if self._tls is not None and self.habits.http2 else Http1(self)

    # ------------------------------------------------------------------------------------ what connections ask of us

    def opened(self, connection: Connection) -> int:
        """Take note of a new connection and return its number."""
        self._open.add(connection)
        self.connections += 1
        return self.connections

    def closed(self, connection: Connection) -> None:
        """Take note that a connection has ended."""
        self._open.discard(connection)

    def left(self, received: Received) -> None:
        """Take note of a client that left before its answer was complete."""
        self._cancelled.append(received)

    def stalls(self, received: Received) -> None:
        """Take note of an answer that will not go on."""
        self.stalled += 1

    def answer(self, received: Received) -> Iterator[Step]:
        """Return the steps of the answer to a request."""
        self._journal.add(received)
        fault = self._next_fault()
        refused = self._api.refusal(received) if received.path in self.sockets and "upgrade" in received.headers else None
        steps = script(refused or self._api.reply(received), fault)
        return drip(steps, fault.drip, fault.gap) if fault.drip else steps

    def upgrade(self, received: Received, switch: Switch) -> bool:
        """Let a request for a WebSocket have it; False where there is none, or the answer is to be another."""
        handler = self.sockets.get(received.path)
        spoilt = self._faults[0] if self._faults else self.fault
        plain = spoilt is None or replace(spoilt, delay=0.0) == NO_FAULT
        if handler is None or not plain or self._api.refusal(received) is not None:
            return False
        self._journal.add(received)
        switch(received, handler, self._next_fault().delay, self.compress)
        return True

    def _next_fault(self) -> Fault:
        fault = (self._faults.popleft() if self._faults else self.fault) or NO_FAULT
        self._answered += 1
        if self.slow is not None and self._answered % self.slow[0] == 0:
            fault = replace(fault, delay=fault.delay + self.slow[1])
        return fault


class _Chooser(asyncio.Protocol):
    """Stands at the beginning of a TLS connection, and makes way for the protocol that was agreed on (ALPN)."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol: asyncio.Protocol
        if agreed == "h2":
            from ._http2 import Http2

            protocol = Http2(self._server)
        else:
            protocol = Http1(self._server)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


class _Journal:
    """The last requests, bounded by their number and by the size of their bodies together."""

    def __init__(self, count: int, size: int) -> None:
        self.entries: deque[Received] = deque()
        self._count = count
        self._size = size
        self._held = 0

    def add(self, received: Received) -> None:
        self.entries.append(received)
        self._held += len(received.body)
        while len(self.entries) > self._count or self._held > self._size:
            self._held -= len(self.entries.popleft().body)

    def clear(self) -> None:
        self.entries.clear()
        self._held = 0


def _context(tls: ssl.SSLContext | tuple[str, str] | None, http2: bool) -> ssl.SSLContext | None:
    if tls is None:
        return None
    if isinstance(tls, ssl.SSLContext):
        context = tls
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    return context
