"""The server of the benchmark: one thread, canned answers, HTTP/1.1 and HTTP/2, cleartext and TLS, in a process of its own.

It reads no more of a request than it needs: where it ends, and which model it names. `python -m bench.server DIRECTORY` prints its
ports as JSON, puts the certificate authority to trust into DIRECTORY, and runs until its standard input ends.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import os
import re
import select
import selectors
import socket
import ssl
import sys
import time
from collections.abc import Iterator

import hpack
import trustme

from .payloads import STAMP
from .wire import CHANGING, Script, scripts

MODEL = re.compile(rb'"model":\s*"([^"]+)"')
LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# SETTINGS: 250 streams at once, send windows of 8 MB, HPACK table as it is; then 8 MB for the connection as a whole.
GREETING = (
    b"\x00\x00\x0c\x04\x00\x00\x00\x00\x00" + b"\x00\x03\x00\x00\x00\xfa" + b"\x00\x04\x00\x80\x00\x00"
    b"\x00\x00\x04\x08\x00\x00\x00\x00\x00" + (8 * 1024 * 1024).to_bytes(4, "big")
)
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


class Http1:
    """Reads requests one after the other and answers with the prepared pieces."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.parts: list[bytes] = []
        self.missing = 0

    def receive(self, data: bytes) -> None:
        self.parts.append(data)
        self.missing -= len(data)
        if self.missing > 0:
            return
        data = b"".join(self.parts)
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.parts = [data]
            return
        length = LENGTH.search(data, 0, end)
        self.missing = end + 4 + (int(length[1]) if length else 0) - len(data)
        if self.missing > 0:
            self.parts = [data]
            return
        self.parts = []
        self.answer(data)

    def answer(self, request: bytes) -> None:
        if request.startswith(b"GET /accepted"):
            body = str(self.peer.server.accepted).encode()
            self.peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            return
        script = self.peer.server.script_for(request)
        if script.gap:
            self.peer.server.pace(self.peer, script)
        else:
            self.peer.send(script.http1[0])


class Http2:
    """Frames by hand. Only lengths, flags and stream numbers are read; the fields of requests are never decoded."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.buffer = b""
        self.bodies: dict[int, list[bytes]] = {}
        self.greeted = False
        self.last_script: Script | None = None
        self.last_block = b""
        self.encoder = hpack.Encoder()

    def receive(self, data: bytes) -> None:
        data = self.buffer + data
        at = 0
        if not self.greeted:
            if len(data) < len(PREFACE):
                self.buffer = data
                return
            self.greeted, at = True, len(PREFACE)
            self.peer.send(GREETING)
        while len(data) - at >= 9:
            end = at + 9 + int.from_bytes(data[at : at + 3], "big")
            if end > len(data):
                break
            self.on_frame(data[at + 3], data[at + 4], int.from_bytes(data[at + 5 : at + 9], "big"), data[at + 9 : end])
            at = end
        self.buffer = data[at:]

    def on_frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            self.peer.send(frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            self.peer.send(frame(PING, ACK, 0, payload))
        elif kind in (DATA, HEADERS):
            body = self.bodies.setdefault(stream, [])
            if kind == DATA:
                body.append(payload)
            if flags & END_STREAM:
                self.answer(stream, b"".join(self.bodies.pop(stream)))

    def answer(self, stream: int, body: bytes) -> None:
        script = self.peer.server.script_for(body)
        head = frame(HEADERS, END_HEADERS, stream, self.block(script))
        bodies = [script.whole] if script.events is None else script.events
        frames = [frame(DATA, 0, stream, piece) for piece in bodies[:-1]]
        window = frame(8, 0, 0, len(body).to_bytes(4, "big")) if body else b""
        self.peer.send(b"".join((window, head, *frames, frame(DATA, END_STREAM, stream, bodies[-1]))))

    def block(self, script: Script) -> bytes:
        """The fields of an answer. From the second one on, what is the same each time is an index, as with real front ends."""
        if script is not self.last_script:
            first, self.last_script, self.last_block = self.encode(script), script, self.encode(script)
            return first
        return self.last_block

    def encode(self, script: Script) -> bytes:
        fields = [(":status", "200"), *script.fields]
        return self.encoder.encode([hpack.NeverIndexedHeaderTuple(*f) if f[0] in CHANGING else hpack.HeaderTuple(*f) for f in fields])


class Peer:
    """One connection: its socket, its protocol, and what could not be sent yet."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.unsent = b""
        self.open = True
        self.shaking_hands = isinstance(sock, ssl.SSLSocket)
        self.protocol: Http1 | Http2 = Http1(self)

    def on_ready(self, mask: int) -> None:
        try:
            if self.shaking_hands:
                self.shake_hands()
            elif mask & selectors.EVENT_WRITE:
                data, self.unsent = self.unsent, b""
                self.server.watch(self, selectors.EVENT_READ)
                self.send(data)
            else:
                self.read()
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except OSError:
            self.close()

    def shake_hands(self) -> None:
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()
        self.shaking_hands = False
        if self.sock.selected_alpn_protocol() == "h2":
            self.protocol = Http2(self)
        self.read()

    def read(self) -> None:
        while True:
            data = self.sock.recv(262_144)
            if not data:
                self.close()
                return
            self.protocol.receive(data)
            if not isinstance(self.sock, ssl.SSLSocket):
                return

    def send(self, data: bytes) -> None:
        if self.unsent:
            self.unsent += data
            return
        try:
            sent = self.sock.send(data)
        except (ssl.SSLWantWriteError, BlockingIOError):
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(data):
            self.unsent = data[sent:]
            self.server.watch(self, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def close(self) -> None:
        if self.open:
            self.open = False
            self.server.forget(self)
            self.sock.close()


class Server:
    """The loop: who is ready, and whose next piece is due."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.scripts = scripts()
        self.selector = selectors.DefaultSelector()
        self.due: list[tuple[float, int, Peer, Script, Iterator[bytes]]] = []  # a heap
        self.order = itertools.count()
        self.accepted = 0
        self.running = True

    def script_for(self, request: bytes) -> Script:
        found = MODEL.search(request)
        return self.scripts[found[1] if found else b"chat-tiny"]

    def listen(self, *, tls: bool) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, lambda mask: self.accept(listener, tls))
        return int(listener.getsockname()[1])

    def accept(self, listener: socket.socket, tls: bool) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = listener.accept()
                self.accepted += 1
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if tls:
                    sock = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                self.selector.register(sock, selectors.EVENT_READ, Peer(self, sock).on_ready)

    def watch(self, peer: Peer, mask: int) -> None:
        self.selector.modify(peer.sock, mask, peer.on_ready)

    def forget(self, peer: Peer) -> None:
        self.selector.unregister(peer.sock)

    def pace(self, peer: Peer, script: Script) -> None:
        self.send_next(time.perf_counter(), peer, script, iter(script.http1))

    def send_next(self, due: float, peer: Peer, script: Script, pieces: Iterator[bytes]) -> None:
        """Send a piece, and plan the next. Who is late catches up slowly, never in a burst that a client could read at once."""
        piece = next(pieces, None)
        if piece is None or not peer.open:
            return
        if STAMP in piece:
            piece = piece.replace(STAMP, b"%019d" % time.perf_counter_ns())
        peer.send(piece)
        due = max(due + script.gap, time.perf_counter() + 0.75 * script.gap)
        heapq.heappush(self.due, (due, next(self.order), peer, script, pieces))

    def stop(self, _mask: int) -> None:
        self.running = bool(os.read(0, 1))

    def run(self) -> None:
        self.selector.register(0, selectors.EVENT_READ, self.stop)
        clock = [self.selector.fileno()]  # select() counts in microseconds where epoll counts in milliseconds
        while self.running:
            if self.due:
                wait = self.due[0][0] - time.perf_counter()
                if wait > 0:
                    select.select(clock, [], [], wait)
                self.send_due()
                ready = self.selector.select(0)
            else:
                ready = self.selector.select()
            for key, mask in ready:
                key.data(mask)

    def send_due(self) -> None:
        now = time.perf_counter()
        while self.due and self.due[0][0] <= now:
            due, _, peer, script, pieces = heapq.heappop(self.due)
            self.send_next(due, peer, script, pieces)


def tls_context(directory: str) -> ssl.SSLContext:
    """A context with a certificate for localhost; the authority that signed it goes to `DIRECTORY/ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(os.path.join(directory, "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def main(directory: str) -> None:
    server = Server(tls_context(directory))
    print(json.dumps({"http": server.listen(tls=False), "https": server.listen(tls=True)}), flush=True)
    server.run()


if __name__ == "__main__":
    main(sys.argv[1])
