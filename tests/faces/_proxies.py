"""Proxies for the tests: CONNECT, forwarding and SOCKS5, in a thread for each connection. They lead every name to this machine."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING

from tests.transport._net import Peer, both_ways

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

HERE = "127.0.0.1"


class HttpProxy:
    """An HTTP proxy: CONNECT makes a tunnel, other requests are forwarded.

    Args:
        credentials: "user:password" that a request must bring; "" for none.
        answer: what CONNECT is answered with in place of a tunnel.
        tls: the proxy itself is talked to in TLS.
    """

    def __init__(self, credentials: str = "", answer: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.heads: list[bytes] = []
        self._credentials = base64.b64encode(credentials.encode()) if credentials else b""
        self._answer = answer
        self._peer = Peer(self._serve, tls)

    def __enter__(self) -> HttpProxy:
        self._peer.__enter__()
        self.port = self._peer.port
        return self

    def __exit__(self, *error: object) -> None:
        self._peer.__exit__(*error)

    def _serve(self, sock: socket.socket) -> None:
        while head := _head(sock):
            self.heads.append(head)
            if self._credentials and b"proxy-authorization: basic " + self._credentials not in _lowered(head):
                sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif not head.startswith(b"CONNECT "):
                self._forward(sock, head)
            elif self._answer:
                sock.sendall(self._answer)
                sock.shutdown(socket.SHUT_RDWR)
                return
            else:
                self._tunnel(sock, int(head.split(b" ")[1].rpartition(b":")[2]))
                return

    def _tunnel(self, sock: socket.socket, port: int) -> None:
        with socket.create_connection((HERE, port), 5) as server:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            both_ways(sock, server)

    def _forward(self, sock: socket.socket, head: bytes) -> None:
        """Pass one request on, without what is for the proxy, and its answer back."""
        line, _, rest = head.partition(b"\r\n")
        method, url, version = line.split(b" ")
        authority, _, path = url.removeprefix(b"http://").partition(b"/")
        length = next((int(field.partition(b":")[2]) for field in rest.split(b"\r\n") if field.lower().startswith(b"content-length:")), 0)
        body = b""
        while len(body) < length:
            body += sock.recv(65536)
        fields = b"\r\n".join(field for field in rest.split(b"\r\n") if not field.lower().startswith(b"proxy-"))
        with socket.create_connection((HERE, int(authority.rpartition(b":")[2])), 5) as server:
            server.sendall(method + b" /" + path + b" " + version + b"\r\nConnection: close\r\n" + fields + body)
            while data := server.recv(65536):
                sock.sendall(data)
        sock.shutdown(socket.SHUT_RDWR)


def socks5(asked: list[bytes], credentials: str = "", refusal: int = 0) -> Callable[[socket.socket], None]:
    """Return a handler that is a SOCKS5 proxy (RFC 1928, 1929); `asked` takes the requests, `refusal` is the code it answers with."""

    def serve(sock: socket.socket) -> None:
        methods = _exactly(sock, _exactly(sock, 2)[1])
        wanted = 2 if credentials else 0
        sock.sendall(bytes([5, wanted if wanted in methods else 255]))
        if credentials:
            user = _exactly(sock, _exactly(sock, 2)[1])
            password = _exactly(sock, _exactly(sock, 1)[0])
            right = user + b":" + password == credentials.encode()
            sock.sendall(bytes([1, 0 if right else 1]))
            if not right:
                return
        start = _exactly(sock, 4)
        size = {1: 4, 4: 16}.get(start[3]) or _exactly(sock, 1)[0]
        host, port = _exactly(sock, size), int.from_bytes(_exactly(sock, 2), "big")
        asked.append(host)
        if refusal:
            sock.sendall(bytes([5, refusal, 0, 1, 0, 0, 0, 0, 0, 0]))
            return
        with socket.create_connection((HERE, port), 5) as server:
            sock.sendall(bytes([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]))
            both_ways(sock, server)

    return serve


def _head(sock: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = sock.recv(1)
        if not data:
            return b""
        head += data
    return head


def _lowered(head: bytes) -> bytes:
    """Names in lower case, and the scheme of the credentials; these keep their case."""
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return b"\r\n".join(name.lower() + colon + value.replace(b"Basic", b"basic") for name, colon, value in lines)


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ValueError("the client hung up")
        data += more
    return data
