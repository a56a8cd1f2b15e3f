"""Proxies: what one says to an HTTP or SOCKS5 proxy to reach a server.  Which proxy that is, `proxy_choice` tells.

A conversation is started with `start`, then fed with `receive`, each of which returns the bytes to send next, until `done`.  From then
on the connection leads to the server.  Connecting, TLS with the proxy and looking up names are left to the layer above.

    HttpConnect   head sent --1xx--> head sent --2xx--> done
    Socks5        methods sent --no login--> target sent --granted--> done
                  methods sent --login--> login sent --accepted--> target sent
"""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING
from .base import ProtocolError
from .proxy_choice import Proxy, ProxyMap, check_target, ip_address, parse_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["HttpConnect", "Proxy", "ProxyMap", "ProxyRefused", "Socks5", "basic_auth", "parse_proxy"]

MOST_INTERIM = 16
"""1xx answers to a CONNECT that are read over."""

MOST_TEXT = 200
"""Characters of a proxy's own words that an error keeps."""


class ProxyRefused(ProtocolError):  # noqa: N818 - it is a refusal, which is no error of the proxy
    """The proxy will not connect us: `code` is an HTTP status or a SOCKS reply (RFC 1928, 6), `text` says it in words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"the proxy refused the connection: {self.code} {self.text}".rstrip()


class Conversation:
    """What both have in common: the buffer, and that it is dead once it has failed."""

    __slots__ = ("_buffer", "_failure", "done", "rest")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._failure: ProtocolError | None = None
        self.done = False
        self.rest = b""  # bytes of the server: always none, because a client speaks first

    def receive(self, data: bytes) -> bytes:
        """Take in what the proxy answers, and return what to send next, if anything; b"" is the end of the connection.

        Raises:
            ProxyRefused: the proxy says no.
            ProtocolError: the answer breaks the rules, is too long, or has bytes behind it, which nobody asked for.
        """
        if self._failure:
            raise self._failure
        try:
            if not data:
                raise ProtocolError("the proxy hung up")
            self._buffer += data
            answer = self._advance(len(data))
            if self.done and self._buffer:
                raise ProtocolError("the proxy sent bytes that nobody asked for")
        except ProtocolError as error:
            self._failure = error
            self.done = False
            raise
        return answer

    if TYPE_CHECKING:

        def _advance(self, new: int) -> bytes:
            """Go as far as the buffer allows, whose last `new` bytes have just come: each conversation has its own way."""
            ...


class HttpConnect(Conversation):
    """Asks an HTTP proxy for a tunnel (RFC 9110, 9.3.6).

    Args:
        host: of the server, a name or an address.
        port: of the server.
        username: for Basic authentication; None for none.
        password: that goes with it.
        headers: more fields of the request.
        max_head: the most bytes of all that the proxy may answer.

    Raises:
        ValueError: a host, port, field or user name that cannot be sent.
    """

    __slots__ = ("_interim", "_max_head", "_request", "_room", "_secrets")

    def __init__(
        self,
        host: str,
        port: int,
        username: str | None = None,
        password: str | None = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        max_head: int = 65_536,
    ) -> None:
        super().__init__()
        check_target(host, port)
        fields = list(headers)
        if username is not None:
            fields.append(("Proxy-Authorization", basic_auth(username, password or "")))
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *(field_line(name, value) for name, value in fields), "\r\n"]
        self._request = "\r\n".join(lines).encode("latin-1")
        logins = [value for name, value in fields if name.lower() == "proxy-authorization"]
        self._secrets = [*logins, *(value.rpartition(" ")[2] for value in logins), password or ""]
        self._max_head = self._room = max_head
        self._interim = 0

    def start(self) -> bytes:
        """Return the request."""
        return self._request

    def _advance(self, new: int) -> bytes:
        buffer = self._buffer
        searched = max(0, len(buffer) - new - 3)
        while not self.done:
            if not buffer.startswith(b"HTTP/1."[: len(buffer)]):
                raise ProtocolError("the proxy did not answer in HTTP/1.1")
            end = buffer.find(b"\r\n\r\n", searched) + 4
            if (len(buffer) if end == 3 else end) > self._room:
                raise ProtocolError(f"the proxy's answer is longer than {self._max_head} bytes")
            if end == 3:
                break
            self._room -= end
            self._judge(buffer[:end].decode("latin-1"))
            del buffer[:end]
            searched = 0
        return b""

    def _judge(self, head: str) -> None:
        match = re.match(r"HTTP/1\.[01] ([1-5][0-9][0-9])(?: ([^\r\n]*))?\r\n", head)
        if not match:
            raise ProtocolError("the proxy did not answer in HTTP/1.1")
        status = int(match[1])
        if 200 <= status < 300:
            self.done = True
        elif 100 <= status < 200 and status != 101:  # a CONNECT asks for no other protocol
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise ProtocolError("the proxy answers with endless 1xx")
        else:
            raise ProxyRefused(status, readable(match[2] or "", self._secrets))


class Socks5(Conversation):
    """Asks a SOCKS5 proxy for a connection (RFC 1928), with a user name and password if given (RFC 1929).

    A host that is a literal address is sent as an address.  A name is sent as a name, for the proxy to look up ("socks5h");
    whoever wants to look it up here ("socks5") passes the address that came of it.

    Args:
        host: of the server.
        port: of the server.
        username: None for no login.
        password: that goes with it.

    Raises:
        ValueError: a host, port, user name or password that cannot be sent.
    """

    __slots__ = ("_login", "_step", "_target")

    def __init__(self, host: str, port: int, username: str | None = None, password: str | None = None) -> None:
        super().__init__()
        check_target(host, port)
        self._target = b"\x05\x01\x00" + socks_address(host) + port.to_bytes(2, "big")
        self._login = b"" if username is None else b"\x01" + counted(username, "user name") + counted(password or "", "password")
        self._step: Callable[[], bytes | None] = self._method

    def start(self) -> bytes:
        """Return the greeting: the ways of login that we know."""
        return b"\x05\x02\x00\x02" if self._login else b"\x05\x01\x00"

    def _advance(self, new: int) -> bytes:
        answer = b""
        while not self.done and (step := self._step()) is not None:
            answer += step
        return answer

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _method(self) -> bytes | None:
        """RFC 1928, 3: which login the proxy wants."""
        self._check_version()
        if len(self._buffer) < 2:
            return None
        method = self._take(2)[1]
        if method == 0:
            self._step = self._reply
            return self._target
        if method == 2 and self._login:
            self._step = self._verdict
            return self._login
        if method == 255:
            raise ProxyRefused(method, "it accepts no login that we offer" if self._login else "it wants a user name and a password")
        raise ProtocolError("the proxy chose a login that was not offered")

    def _verdict(self) -> bytes | None:
        """RFC 1929, 2: whether the login is right.  The version before it is not looked at, because some proxies send that of SOCKS."""
        if len(self._buffer) < 2:
            return None
        status = self._take(2)[1]
        if status:
            raise ProxyRefused(status, "wrong user name or password")
        self._step = self._reply
        return self._target

    def _reply(self) -> bytes | None:
        """RFC 1928, 6: whether the proxy has connected; the address it connected from is read over."""
        self._check_version()
        buffer = self._buffer
        if len(buffer) > 1 and buffer[1]:
            raise ProxyRefused(buffer[1], REPLIES.get(buffer[1], "for an unknown reason"))
        if len(buffer) < 5:
            return None
        size = {1: 4, 3: 1 + buffer[4], 4: 16}.get(buffer[3])
        if size is None:
            raise ProtocolError("the proxy told an address of an unknown kind")
        if len(buffer) < 6 + size:
            return None
        self._take(6 + size)
        self.done = True
        return b""

    def _check_version(self) -> None:
        if self._buffer and self._buffer[0] != 5:
            raise ProtocolError("the proxy does not speak SOCKS5")


REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "kind of address not supported",
}


def socks_address(host: str) -> bytes:
    """RFC 1928, 5: the kind of an address and the address."""
    address = ip_address(host)
    if address is None:
        return b"\x03" + counted(host, "host")
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed


def counted(text: str, what: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise ValueError(f"SOCKS5 has room for 255 bytes of a {what}")
    return bytes((len(data),)) + data


def basic_auth(user: str, password: str) -> str:
    """Return the credentials of Basic authentication (RFC 7617), in UTF-8.

    Raises:
        ValueError: the user name has a colon, or one of both has a control character.
    """
    from binascii import b2a_base64

    if ":" in user:
        raise ValueError("a user name cannot have a colon in Basic authentication")
    if re.search(r"[\x00-\x1f\x7f]", user + password):
        raise ValueError("a user name or a password cannot have control characters in Basic authentication")
    return "Basic " + b2a_base64(f"{user}:{password}".encode(), newline=False).decode()


def field_line(name: str, value: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value):
        raise ValueError(f"a request to a proxy cannot have this field {name!r}, or not this value of it")
    return f"{name}: {value}"


def readable(text: str, secrets: Sequence[str]) -> str:
    """Make a proxy's own words fit for an error: short, without controls, without what it may have learnt from us."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[secret]")
    return re.sub(r"[^\x20-\x7e\xa0-\xff]", "?", text).strip()[:MOST_TEXT]
