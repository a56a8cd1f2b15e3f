"""The story of a new connection: its order, its one deadline, its errors, and that nothing half-made is left."""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from oxide._protocol.base import ProtocolError
from oxide._protocol.proxy import Proxy, ProxyRefused
from oxide._transport.base import ResolveError, run_now
from oxide._transport.dial import DialError, Route, Security, dial
from oxide.testing.scripted import ScriptedBackend
from tests.transport._net import CLIENT_CONTEXT, Deaf, Endpoint, Peer, World, both_ways, echo, server_context, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(params=["blocking", "asyncio"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def trusting() -> Security:
    return Security(context=CLIENT_CONTEXT)


def proxy(peer: Peer, scheme: str = "http", username: str | None = None, password: str | None = None) -> Proxy:
    return Proxy(scheme, "127.0.0.1", peer.port, username, password)


def http_proxy(heads: list[bytes]) -> Callable[[socket.socket], None]:
    """A proxy that keeps what it is asked and connects to 127.0.0.1 at the port asked for."""

    def handler(sock: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(65536)
        heads.append(head)
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as server:
            sock.sendall(b"HTTP/1.1 200 Go ahead\r\n\r\n")
            both_ways(sock, server)

    return handler


def socks_proxy(asked: list[bytes]) -> Callable[[socket.socket], None]:
    def handler(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(b"\x05\x00")
        request = sock.recv(400)
        asked.append(request)
        with socket.create_connection(("127.0.0.1", int.from_bytes(request[-2:], "big")), 5) as server:
            sock.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
            both_ways(sock, server)

    return handler


async def talk(world: World, route: Route, timeout: float = 5.0) -> str:
    stream, protocol = await dial(world.backend, route, trusting(), timeout)
    await stream.send(b"hello", 5)
    assert await stream.receive(5) == b"hello"
    assert stream.quiet
    stream.close()
    return protocol


def refusal(world: World, route: Route, security: Security | None = None, timeout: float = 5.0) -> DialError:
    """Dial in vain; return the error, having seen that no socket of ours is left."""

    async def story() -> DialError:
        before = set(os.listdir("/proc/self/fd"))
        with pytest.raises(DialError) as caught:
            await dial(world.backend, route, security or trusting(), timeout)
        await world.backend.sleep(0.05)
        left = [name for name in set(os.listdir("/proc/self/fd")) - before if ours(name, route)]
        assert not left
        return caught.value

    error: DialError = world.run(story())
    return error


def ours(descriptor: str, route: Route) -> bool:
    """Whether the descriptor is a socket whose peer is the route's first hop."""
    port = route.proxy.port if route.proxy else route.port
    try:
        with socket.socket(fileno=os.dup(int(descriptor))) as sock:
            return bool(sock.getpeername()[1] == port)
    except (OSError, ValueError, IndexError):
        return False


def test_clear_connections_speak_http_1(world: World) -> None:
    with Peer(echo) as peer:
        assert world.run(talk(world, Route("http", "127.0.0.1", peer.port, alpn=("h2", "http/1.1")))) == "h1"


@pytest.mark.parametrize(("offered", "spoken"), [(("h2", "http/1.1"), "h2"), (("http/1.1",), "h1"), ((), "h1")])
def test_tls_chooses_the_protocol(world: World, offered: tuple[str, ...], spoken: str) -> None:
    context = server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Peer(echo, context) as peer:
        assert world.run(talk(world, Route("https", "localhost", peer.port, alpn=offered))) == spoken


def test_a_unix_socket_takes_the_place_of_host_and_proxy(world: World, tmp_path: Any) -> None:
    with Peer(echo, path=str(tmp_path / "s")) as peer:
        route = Route("http", "localhost", 80, path=peer.path, proxy=Proxy("http", "127.0.0.1", 1, None, None))
        assert not route.forwarded
        assert world.run(talk(world, route)) == "h1"


def test_https_goes_through_a_tunnel_of_an_http_proxy(world: World) -> None:
    heads: list[bytes] = []
    with Peer(echo, server_context()) as server, Peer(http_proxy(heads)) as hop:
        world.run(talk(world, Route("https", "localhost", server.port, proxy=proxy(hop, username="me", password="secret"))))
    assert heads[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode())
    assert base64.b64encode(b"me:secret") in heads[0]


def test_the_way_to_an_https_proxy_is_tls_as_well(world: World) -> None:
    heads: list[bytes] = []
    with Peer(echo, server_context()) as server, Peer(http_proxy(heads), server_context()) as hop:
        world.run(talk(world, Route("https", "localhost", server.port, proxy=proxy(hop, "https"))))
    assert len(heads) == 1


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks_carries_both_schemes_and_learns_the_name(world: World, scheme: str) -> None:
    asked: list[bytes] = []
    with Peer(echo, server_context()) as secure, Peer(echo) as clear, Peer(socks_proxy(asked)) as hop:
        world.run(talk(world, Route("https", "localhost", secure.port, proxy=proxy(hop, scheme))))
        route = Route("http", "localhost", clear.port, proxy=proxy(hop, scheme))
        assert not route.forwarded
        world.run(talk(world, route))
    assert all(b"\x03\x09localhost" in request for request in asked)


def test_plain_http_is_forwarded_without_a_tunnel(world: World) -> None:
    with Peer(echo) as hop:
        route = Route("http", "nowhere.invalid", 80, proxy=proxy(hop))
        assert route.forwarded
        assert world.run(talk(world, route)) == "h1"


# Failures --------------------------------------------------------------------------------------------------------------------------


def test_a_failure_tells_its_phase_and_cause(world: World) -> None:
    error = refusal(world, Route("http", "nowhere.invalid", 80))
    assert (error.phase, type(error.cause)) == ("resolve", ResolveError)
    error = refusal(world, Route("http", "127.0.0.1", unused_port()))
    assert (error.phase, type(error.cause)) == ("connect", ConnectionRefusedError)
    assert "refused" in str(error)
    with Peer(echo, server_context("other.test")) as peer:
        error = refusal(world, Route("https", "localhost", peer.port))
    assert (error.phase, type(error.cause)) == ("tls", ssl.SSLCertVerificationError)
    with Peer(lambda sock: sock.sendall(b"HTTP/1.1 407 Who are you\r\n\r\n")) as hop:
        error = refusal(world, Route("https", "localhost", 443, proxy=proxy(hop)))
    assert error.phase == "proxy"
    assert isinstance(error.cause, ProxyRefused)
    assert error.__cause__ is error.cause


def test_a_timeout_is_the_cause_in_every_phase(world: World) -> None:
    with Deaf() as deaf:
        error = refusal(world, Route("http", "127.0.0.1", deaf.port), timeout=0.2)
        assert error.phase == "connect"
        assert isinstance(error.cause, TimeoutError)
    with Peer(lambda sock: sock.recv(1) and time.sleep(0.5)) as silent:
        error = refusal(world, Route("https", "localhost", silent.port), timeout=0.2)
        assert error.phase == "tls"
        assert isinstance(error.cause, TimeoutError)
        error = refusal(world, Route("https", "localhost", 443, proxy=proxy(silent)), timeout=0.2)
        assert error.phase == "proxy"
        assert isinstance(error.cause, TimeoutError)


def test_one_deadline_covers_the_whole_story(world: World) -> None:
    def slow(sock: socket.socket) -> None:
        sock.recv(1000)
        time.sleep(0.25)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        sock.recv(1000)
        time.sleep(0.4)

    with Peer(slow) as hop:
        start = time.monotonic()
        error = refusal(world, Route("https", "localhost", 443, proxy=proxy(hop)), timeout=0.4)
        assert error.phase == "tls"
        assert time.monotonic() - start < 0.65


def test_a_proxy_that_hangs_up_or_babbles_is_a_protocol_error(world: World) -> None:
    for answer in (b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nextra"):
        with Peer(lambda sock, answer=answer: (sock.recv(1000), sock.sendall(answer), sock.shutdown(socket.SHUT_RDWR))) as hop:  # type: ignore[misc]
            error = refusal(world, Route("https", "localhost", 443, proxy=proxy(hop)))
        assert error.phase == "proxy"
        assert isinstance(error.cause, ProtocolError)


def test_roots_that_cannot_be_read_are_a_failure_of_tls(world: World) -> None:
    with Peer(echo, server_context()) as peer:
        error = refusal(world, Route("https", "localhost", peer.port), Security(cafile="missing.pem"))
    assert error.phase == "tls"
    assert isinstance(error.cause, FileNotFoundError)


def test_a_target_that_cannot_be_named_is_found_before_connecting(world: World) -> None:
    with pytest.raises(ValueError, match=r"host|target|name"):
        world.run(
            dial(world.backend, Route("https", "bad host", 443, proxy=Proxy("http", "127.0.0.1", unused_port(), None, None)), trusting(), 1)
        )


def test_a_cancelled_dial_closes_what_it_had_opened() -> None:
    gone = threading.Event()

    def handler(sock: socket.socket) -> None:
        while sock.recv(1000):
            pass
        gone.set()

    async def story(peer: Peer) -> None:
        task = asyncio.ensure_future(dial(World("asyncio").backend, Route("https", "localhost", peer.port), trusting(), 10))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(gone.wait, 5)

    with Peer(handler) as peer:
        asyncio.run(story(peer))


def test_a_half_made_connection_is_closed_in_the_script_too() -> None:
    backend = ScriptedBackend([b"HTTP/1.1 403 No\r\n\r\n"])
    with pytest.raises(DialError, match="403"):
        run_now(dial(backend, Route("https", "api.test", 443, proxy=Proxy("http", "proxy.test", 8080, None, None)), Security(), 5))
    assert backend.streams[0].closed
    assert [repr(endpoint) for endpoint in backend.endpoints] == [repr(Endpoint("proxy.test", 8080))]
    assert backend.sent[0].startswith(b"CONNECT api.test:443 ")


# Values ----------------------------------------------------------------------------------------------------------------------------


def test_security_makes_one_context_when_first_asked() -> None:
    security = Security()
    assert security.context is security.context
    assert trusting().context is CLIENT_CONTEXT


def test_texts_keep_the_password_of_the_proxy() -> None:
    route = Route("https", "api.test", 443, proxy=Proxy("http", "proxy.test", 8080, "me", "secret"))
    assert repr(route) == "Route(https://api.test:443 through http://proxy.test:8080)"


def test_a_dial_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(DialError("connect", ConnectionRefusedError(111, "refused"))))
    assert (error.phase, type(error.cause), str(error)) == ("connect", ConnectionRefusedError, "connect: [Errno 111] refused")
