"""What the transport tests share: peers that misbehave on purpose, and the two worlds under one face."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import trustme

from oxide._transport.aio import AsyncioBackend
from oxide._transport.base import Endpoint, run_now
from oxide._transport.blocking import BlockingBackend
from oxide._transport.tls import TlsStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

AUTHORITY = trustme.CA()


def server_context(*names: str, **options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*(names or ("localhost", "127.0.0.1")), **options).configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


SERVER_CONTEXT = server_context()
CLIENT_CONTEXT = client_context()


class Peer:
    """A server on 127.0.0.1 (or a Unix path) that runs `handler(sock)` in a thread for each connection."""

    def __init__(
        self,
        handler: Callable[[socket.socket], object],
        context: ssl.SSLContext | None = None,
        path: str | None = None,
        receive_buffer: int = 0,
    ) -> None:
        self.handler = handler
        self.context = context
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen(50)
        self.port = 0 if path else self.listener.getsockname()[1]
        self.threads: list[threading.Thread] = []
        self.socks: list[socket.socket] = []
        self.stop = threading.Event()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("localhost" if self.path else "127.0.0.1", self.port, self.path)

    def __enter__(self) -> Peer:
        self.listener.settimeout(0.05)
        self.acceptor = threading.Thread(target=self._accept)
        self.acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.acceptor.join(5)
        self.listener.close()
        for sock in self.socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
        for sock in self.socks:
            sock.close()

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                continue
            sock.settimeout(10)
            self.socks.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
                self.socks.append(sock)
            self.handler(sock)


def echo(sock: socket.socket) -> None:
    while data := sock.recv(65536):
        sock.sendall(data)


def both_ways(one: socket.socket, other: socket.socket) -> None:
    """Copy in both directions until either ends. A TLS socket is used by one thread at a time, as it bears no more."""
    guards = {sock: threading.Lock() if isinstance(sock, ssl.SSLSocket) else contextlib.nullcontext() for sock in (one, other)}

    def receive(sock: socket.socket) -> bytes:
        if isinstance(sock, ssl.SSLSocket):
            with guards[sock]:
                waiting = sock.pending()
            if not waiting and not select.select([sock], [], [], 10)[0]:
                return b""
        with guards[sock]:
            return sock.recv(65536)

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := receive(source):
                with guards[sink]:
                    sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=copy, args=(one, other))
    thread.start()
    copy(other, one)
    thread.join(5)


def reset(sock: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    if isinstance(sock, ssl.SSLSocket):
        os.close(sock.detach())
    else:
        sock.close()


def end_politely(sock: socket.socket) -> None:
    """End our direction: close_notify if there is TLS, and a FIN."""
    if isinstance(sock, ssl.SSLSocket):
        sock.settimeout(0.0)
        with contextlib.suppress(ssl.SSLWantReadError):
            sock.unwrap()
        sock.settimeout(10)
    else:
        sock.shutdown(socket.SHUT_WR)


class Deaf:
    """A listener whose backlog is full, so that connecting to it gets no answer."""

    def __enter__(self) -> Deaf:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = [socket.socket() for _ in range(4)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
        return self

    def __exit__(self, *_: object) -> None:
        for sock in [self.listener, *self.fillers]:
            sock.close()


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Beside:
    """Something that runs at the same time, in a thread or a task."""

    def __init__(self, wait: Callable[[], Awaitable[Any]]) -> None:
        self.wait = wait


class World:
    """One backend, with or without TLS, behind one face."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tls = name.endswith("tls")
        self.asyncio = name.startswith("asyncio")
        self.backend: Any = AsyncioBackend() if self.asyncio else BlockingBackend()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(coroutine) if self.asyncio else run_now(coroutine)

    def peer(self, handler: Callable[[socket.socket], object], **options: Any) -> Peer:
        return Peer(handler, SERVER_CONTEXT if self.tls else None, **options)

    async def open(self, endpoint: Endpoint, timeout: float = 5.0) -> Any:
        stream = await self.backend.connect(endpoint, timeout)
        if not self.tls:
            return stream
        return await TlsStream.handshake(stream, CLIENT_CONTEXT, endpoint.host, timeout=timeout, now=self.backend.now)

    async def beside(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Beside:
        """Start a coroutine at the side; `await beside.wait()` gives its result or raises."""
        if self.asyncio:
            task = asyncio.ensure_future(make())

            async def wait() -> Any:
                return await asyncio.wait_for(task, 20)

            return Beside(wait)
        outcome: list[Any] = []

        def run() -> None:
            try:
                outcome.append((run_now(make()), None))
            except BaseException as error:
                outcome.append((None, error))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        async def joined() -> Any:
            thread.join(20)
            result, error = outcome[0]
            if error is not None:
                raise error
            return result

        return Beside(joined)


async def receive_exactly(stream: Any, size: int, timeout: float = 10.0) -> bytes:
    parts, left = [], size
    while left > 0:
        data = await stream.receive(timeout)
        assert data, "ended early"
        parts.append(data)
        left -= len(data)
    return b"".join(parts)
