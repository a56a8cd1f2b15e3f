"""A server on 127.0.0.1 that keeps what it is asked, and answers so that every client is content. It knows enough HTTP/1.1 for that."""

from __future__ import annotations

import json
import re
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

STREAM = b"data: [DONE]\n\n"
OBJECT = b"""{"object":"list","data":[{"id":"item_1"},{"id":"item_2"}],"has_more":true,"first_id":"item_1","last_id":"last_1",
"next":"next_1","next_page":"page_1"}"""
VECTOR = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}]}'
TELEMETRY = {"user-agent", "host", "accept-encoding", "connection", "content-length", "transfer-encoding"}


@dataclass
class Recorded:
    """A request, as it stood on the wire."""

    verb: str
    target: str
    headers: dict[str, str]
    body: bytes

    def facts(self) -> dict[str, Any]:
        """Return what two clients must agree about: nothing that tells who the client is, or how long its body."""
        path, _, query = self.target.partition("?")
        headers = {n: v for n, v in sorted(self.headers.items()) if n not in TELEMETRY and not n.startswith("x-stainless-")}
        found: dict[str, Any] = {"request": f"{self.verb} {path.removeprefix('/v1')}", "headers": headers}
        if query:
            found["query"] = query
        kind = headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            headers["content-type"] = "multipart/form-data"
            found["parts"] = parts(self.body, kind.partition("boundary=")[2].strip('"'))
        elif self.body and (kind == "application/json" or self.body[:1] == b"{"):
            found["json"] = json.loads(self.body)
        elif self.body:
            found["text"] = self.body.decode("latin-1")
        return found


def parts(body: bytes, boundary: str) -> list[list[str]]:
    """Return [name, filename, content type, content, other fields ...] of each part of a form; parts of one name keep their order."""
    pieces = body.split(b"--" + boundary.encode())
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n", "a form ends with its boundary and two hyphens (RFC 2046, 5.1.1)"
    return sorted((_part(piece) for piece in pieces[1:-1]), key=lambda part: part[0])


def _part(piece: bytes) -> list[str]:
    head, _, content = piece.partition(b"\r\n\r\n")
    assert head.startswith(b"\r\n")
    assert content.endswith(b"\r\n")
    fields = dict(re.findall(r"([^:\r\n]+): *([^\r\n]*)", head.decode()))
    fields = {name.lower(): value for name, value in fields.items()}
    disposition = fields.pop("content-disposition")
    names = dict(re.findall(r'(\w+)="([^"]*)"', disposition))
    others = [f"{name}: {value}" for name, value in sorted(fields.items()) if name not in ("content-type", "content-length")]
    kind, text = fields.get("content-type", ""), content[:-2].decode("latin-1")
    if kind == "application/json" and "filename" not in names:
        text = json.dumps(json.loads(content), sort_keys=True)
    return [names["name"], names.get("filename", ""), kind, text, *others]


class Recorder:
    """The server, from the beginning of a `with` block to its end."""

    def __enter__(self) -> Recorder:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.requests: list[Recorded] = []
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _end(connection)
        self._thread.join(5)

    def take(self) -> list[Recorded]:
        """Return the requests that came since the last time."""
        found, self.requests = self.requests, []
        return found

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(30)
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as wire:
                while (request := _read(wire)) is not None:
                    self.requests.append(request)
                    connection.sendall(_answer(request))
        except OSError:
            return  # the client is gone
        finally:
            self._open.discard(connection)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed already


def _read(wire: Any) -> Recorded | None:
    line = wire.readline().decode("latin-1")
    if not line:
        return None
    verb, target, _ = line.split(" ")
    headers: dict[str, str] = {}
    while (row := wire.readline().decode("latin-1").rstrip("\r\n")) != "":
        name, _, value = row.partition(":")
        assert name.lower() not in headers, f"{name} stands twice"
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        return Recorded(verb, target, headers, _chunks(wire))
    return Recorded(verb, target, headers, wire.read(int(headers.get("content-length", 0))))


def _chunks(wire: Any) -> bytes:
    body = b""
    while size := int(wire.readline(), 16):
        body += wire.read(size)
        wire.readline()
    wire.readline()
    return body


def _answer(request: Recorded) -> bytes:
    asked = b'"stream":true' in request.body.replace(b" ", b"") or b'name="stream"' in request.body or "stream=true" in request.target
    streams = asked or request.headers.get("accept") == "text/event-stream"
    kind, body = (
        (b"text/event-stream", STREAM) if streams else (b"application/json", VECTOR if request.target == "/v1/embeddings" else OBJECT)
    )
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)
