"""The story of a new connection, once for both worlds: connect, talk to the proxy, talk TLS. Where to and how long is told by others."""

from __future__ import annotations

from .._protocol.base import ProtocolError
from .._typing import TYPE_CHECKING
from .base import Endpoint, ResolveError

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from ssl import SSLContext, SSLSession
    from typing import TypeAlias

    from .._protocol.proxy import HttpConnect, Proxy, Socks5
    from .base import Backend, ByteStream

    Tunnel: TypeAlias = HttpConnect | Socks5

__all__ = ["DialError", "Route", "Security", "dial"]


class Route:
    """Which way to a server: the origin, how to get there, and the protocols to offer in TLS.

    Args:
        scheme: "http" or "https".
        host: a name or an address (IPv6 without brackets).
        port: a number.
        path: of a Unix socket to connect to instead of host and port.
        proxy: the proxy to go through, if any.
        alpn: protocols to offer, the preferred one first: `("h2", "http/1.1")`, `("http/1.1",)` or nothing.
    """

    __slots__ = ("alpn", "host", "path", "port", "proxy", "scheme")

    def __init__(
        self, scheme: str, host: str, port: int, *, path: str | None = None, proxy: Proxy | None = None, alpn: tuple[str, ...] = ()
    ) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.proxy = proxy if path is None else None
        self.alpn = alpn

    @property
    def forwarded(self) -> bool:
        """Whether the proxy reads the requests itself, so that they must name their whole URL (RFC 9112, 3.2.2)."""
        return self.proxy is not None and self.scheme == "http" and self.proxy.scheme in ("http", "https")

    def __repr__(self) -> str:
        where = f"{self.path!r} for " if self.path else ""
        through = f" through {self.proxy.scheme}://{self.proxy.host}:{self.proxy.port}" if self.proxy else ""
        return f"Route({where}{self.scheme}://{self.host}:{self.port}{through})"


class Security:
    """Whom to trust: options until the first TLS connection, from then on one context, and the sessions to resume.

    Args:
        trust: "certifi" or "system".
        context: a context of the user's own, used as it is but for the protocols it offers.
        cafile: a file of roots to trust instead (SSL_CERT_FILE).
        capath: a directory of roots to trust instead (SSL_CERT_DIR).
    """

    __slots__ = ("_context", "cafile", "capath", "sessions", "trust")

    def __init__(
        self, trust: str = "certifi", context: SSLContext | None = None, *, cafile: str | None = None, capath: str | None = None
    ) -> None:
        self.trust = trust
        self.cafile = cafile
        self.capath = capath
        self._context = context
        self.sessions: MutableMapping[str, SSLSession] = {}

    @property
    def context(self) -> SSLContext:
        """The context, made when first asked for (20 ms); raises OSError if the roots cannot be read."""
        if self._context is None:
            from .tls import context

            # Two threads may both make one; the first to be kept is everybody's, as a session belongs to its context.
            made = context(self.trust, self.cafile, self.capath)
            if self._context is None:
                self._context = made
        return self._context


class DialError(Exception):
    """No connection. `phase` is "resolve", "connect", "proxy" or "tls"; `cause` what happened there (an OSError or ProtocolError)."""

    def __init__(self, phase: str, cause: Exception) -> None:
        super().__init__(phase, cause)
        self.phase = phase
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.phase}: {self.cause}"


async def dial(backend: Backend, route: Route, security: Security, timeout: float) -> tuple[ByteStream, str]:
    """Open a connection along `route`; return it with the protocol to speak on it, "h1" or "h2".

    Args:
        timeout: seconds for everything: name, connection, proxy and TLS.

    Raises:
        DialError: no connection, tagged with the phase; its `cause` is a TimeoutError when the time was over.
    """
    deadline = backend.now() + timeout
    proxy = route.proxy
    tunnel = None if proxy is None or route.forwarded else _tunnel(proxy, route)
    opened = stream = await _connect(backend, route, timeout)
    try:
        if proxy is not None and proxy.scheme == "https":
            stream, _ = await _secure(backend, stream, proxy.host, (), security, deadline)
        if tunnel is not None:
            await _dig(backend, stream, tunnel, deadline)
        if route.scheme == "https":
            return await _secure(backend, stream, route.host, route.alpn, security, deadline)
    except BaseException:
        opened.close()
        raise
    return stream, "h1"


async def _connect(backend: Backend, route: Route, timeout: float) -> ByteStream:
    proxy = route.proxy
    endpoint = Endpoint(route.host, route.port, route.path) if proxy is None else Endpoint(proxy.host, proxy.port)
    try:
        return await backend.connect(endpoint, timeout)
    except ResolveError as error:
        # Its cause is what a caller asks for: a resolver that took too long ends in a TimeoutError like everything else.
        raise DialError("resolve", error) from error
    except OSError as error:
        raise DialError("connect", error) from error


async def _secure(
    backend: Backend, stream: ByteStream, host: str, alpn: tuple[str, ...], security: Security, deadline: float
) -> tuple[ByteStream, str]:
    from .tls import TlsStream

    try:
        context = security.context
        left = deadline - backend.now()
        secured = await TlsStream.handshake(stream, context, host, timeout=left, now=backend.now, alpn=alpn, sessions=security.sessions)
    except (OSError, ValueError) as error:  # a host that cannot stand in a certificate is a ValueError
        raise DialError("tls", error) from error
    return secured, "h2" if secured.alpn == "h2" else "h1"


def _tunnel(proxy: Proxy, route: Route) -> Tunnel:
    from .._protocol.proxy import HttpConnect, Socks5

    # The proxy looks the name up, for "socks5" as for "socks5h": it is the one that knows which addresses it reaches.
    machine = HttpConnect if proxy.scheme in ("http", "https") else Socks5
    return machine(route.host, route.port, proxy.username, proxy.password)


async def _dig(backend: Backend, stream: ByteStream, tunnel: Tunnel, deadline: float) -> None:
    """Have the proxy connect to the server; from then on the stream leads there."""
    try:
        request = tunnel.start()
        while True:
            if request:
                await stream.send(request, max(0.0, deadline - backend.now()))
            if tunnel.done:
                return
            request = tunnel.receive(await stream.receive(max(0.0, deadline - backend.now())))
    except (OSError, ProtocolError) as error:
        raise DialError("proxy", error) from error
