"""TLS in memory: whom it trusts, what it offers, how it ends."""

from __future__ import annotations

import contextlib
import datetime
import os
import select
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from oxide._transport import tls
from oxide._transport.tls import TlsStream, UnexpectedEOF
from tests.transport._net import AUTHORITY, CLIENT_CONTEXT, Peer, World, client_context, echo, end_politely, receive_exactly, server_context

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["blocking", "asyncio"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def shake_hands(
    world: World, peer: Peer, context: ssl.SSLContext = CLIENT_CONTEXT, host: str = "localhost", **options: Any
) -> TlsStream:
    inner = await world.backend.connect(peer.endpoint, 5)
    options.setdefault("timeout", 5)
    try:
        return await TlsStream.handshake(inner, context, host, now=world.backend.now, **options)
    except BaseException:
        inner.close()
        raise


def failing_handshake(
    world: World, server: ssl.SSLContext, match: str, host: str = "localhost", client: ssl.SSLContext = CLIENT_CONTEXT
) -> BaseException:
    async def story(peer: Peer) -> BaseException:
        with pytest.raises(ssl.SSLCertVerificationError, match=match) as caught:
            await shake_hands(world, peer, client, host)
        return caught.value

    with Peer(echo, server) as peer:
        error: BaseException = world.run(story(peer))
        return error


def test_a_self_signed_certificate_is_refused(world: World) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(server)
    failing_handshake(world, server, "unable to get local issuer certificate|self.signed")


def test_a_wrong_host_name_is_refused_and_named(world: World) -> None:
    failing_handshake(world, server_context("elsewhere.test"), "not valid for 'localhost'")


def test_an_expired_certificate_is_refused(world: World) -> None:
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    failing_handshake(world, server_context("localhost", not_before=yesterday - datetime.timedelta(days=1), not_after=yesterday), "expired")


def test_roots_of_certifi_do_not_trust_everybody(world: World) -> None:
    failing_handshake(world, server_context(), "unable to get local issuer certificate", client=tls.context())


def test_the_server_learns_why_the_handshake_failed(world: World) -> None:
    heard: list[Exception] = []
    done = threading.Event()

    class Listening(Peer):
        def _serve(self, sock: socket.socket) -> None:
            try:
                super_context = server_context("elsewhere.test")
                super_context.wrap_socket(sock, server_side=True)
            except OSError as error:
                heard.append(error)
            done.set()

    async def story(peer: Peer) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake_hands(world, peer)

    with Listening(echo) as peer:
        world.run(story(peer))
        assert done.wait(5)
    assert "alert" in str(heard[0]).lower()


@pytest.mark.filterwarnings("ignore:.*TLSv1:DeprecationWarning")  # the old versions are the point
def test_an_old_version_of_tls_is_refused(world: World) -> None:
    server = server_context()
    server.minimum_version = ssl.TLSVersion.TLSv1
    server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")
    client = tls.context(cafile=None)
    AUTHORITY.configure_trust(client)

    async def story(peer: Peer) -> None:
        with pytest.raises((ssl.SSLError, UnexpectedEOF, ConnectionResetError)):
            await shake_hands(world, peer, client)

    with Peer(echo, server) as peer:
        world.run(story(peer))


def test_tls_1_2_is_good_enough(world: World) -> None:
    server = server_context()
    server.maximum_version = ssl.TLSVersion.TLSv1_2

    async def story(peer: Peer) -> None:
        stream = await shake_hands(world, peer)
        await stream.send(b"old", 5)
        assert await stream.receive(5) == b"old"
        stream.close()

    with Peer(echo, server) as peer:
        world.run(story(peer))


def test_a_connection_cut_without_goodbye_is_not_an_end(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        sock.sendall(b"part")
        raw = socket.socket(fileno=sock.detach())
        raw.shutdown(socket.SHUT_WR)
        raw.close()

    async def story(peer: Peer) -> None:
        stream = await shake_hands(world, peer)
        assert await receive_exactly(stream, 4) == b"part"
        with pytest.raises(UnexpectedEOF, match="cut short"):
            await stream.receive(5)
        with pytest.raises(UnexpectedEOF):
            await stream.receive(5)
        assert not stream.quiet
        stream.close()

    with Peer(handler, server_context()) as peer:
        world.run(story(peer))


def test_data_and_goodbye_in_one_packet_are_both_heard(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        sock.sendall(b"all")
        end_politely(sock)
        time.sleep(0.2)

    async def story(peer: Peer) -> None:
        stream = await shake_hands(world, peer)
        await world.backend.sleep(0.1)
        assert await receive_exactly(stream, 3) == b"all"
        assert await stream.receive(5) == b""
        assert await stream.receive(5) == b""
        stream.close()

    with Peer(handler, server_context()) as peer:
        world.run(story(peer))


def test_a_damaged_record_is_an_error_after_the_good_ones(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        sock.sendall(b"good")
        raw = socket.socket(fileno=sock.detach())
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        with contextlib.suppress(OSError):
            raw.recv(100)
        raw.close()

    async def story(peer: Peer) -> None:
        stream = await shake_hands(world, peer)
        assert await receive_exactly(stream, 4) == b"good"
        with pytest.raises(ssl.SSLError):
            await stream.receive(5)
        stream.close()

    with Peer(handler, server_context()) as peer:
        world.run(story(peer))


def test_a_server_that_hangs_up_in_the_handshake_is_an_unexpected_end(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.close()

    async def story(peer: Peer) -> None:
        with pytest.raises((UnexpectedEOF, ConnectionResetError)):
            await shake_hands(world, peer)

    with Peer(handler) as peer:
        world.run(story(peer))


def test_a_server_that_talks_no_tls_is_an_ssl_error(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        sock.recv(1000)
        time.sleep(0.1)

    async def story(peer: Peer) -> None:
        with pytest.raises(ssl.SSLError):
            await shake_hands(world, peer)

    with Peer(handler) as peer:
        world.run(story(peer))


def test_a_server_that_drips_its_handshake_ends_in_a_timeout(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        for byte in b"\x16\x03\x03\x40\x00" + bytes(200):
            sock.sendall(bytes([byte]))
            time.sleep(0.02)

    async def story(peer: Peer) -> None:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await shake_hands(world, peer, timeout=0.3)
        assert time.monotonic() - start < 1.5

    with Peer(handler) as peer:
        world.run(story(peer))


def test_a_record_that_drips_does_not_restart_the_timeout(world: World) -> None:
    def handler(sock: socket.socket) -> None:
        raw = socket.socket(fileno=sock.detach())
        with contextlib.suppress(OSError):
            for byte in b"\x17\x03\x03\x40\x00" + bytes(200):
                raw.sendall(bytes([byte]))
                time.sleep(0.02)
        raw.close()

    async def story(peer: Peer) -> None:
        stream = await shake_hands(world, peer)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await stream.receive(0.3)
        assert time.monotonic() - start < 1.5
        stream.close()

    with Peer(handler, server_context()) as peer:
        world.run(story(peer))


def test_the_protocol_is_chosen_from_what_the_connection_offers(world: World) -> None:
    server = server_context()
    server.set_alpn_protocols(["h2", "http/1.1"])

    async def story(peer: Peer) -> None:
        for offered, chosen in [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), ((), None), (("h2",), "h2")]:
            stream = await shake_hands(world, peer, alpn=offered)
            assert stream.alpn == chosen
            stream.close()

    with Peer(echo, server) as peer:
        world.run(story(peer))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_second_connection_resumes_the_session_of_the_first(world: World, version: ssl.TLSVersion) -> None:
    server, client = server_context(), client_context()
    server.maximum_version = version
    resumed: list[bool | None] = []
    sessions: dict[str, ssl.SSLSession] = {}

    def handler(sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        resumed.append(sock.session_reused)
        echo(sock)

    async def story(peer: Peer) -> None:
        for _ in range(3):
            stream = await shake_hands(world, peer, client, sessions=sessions)
            await stream.send(b"x", 5)
            assert await stream.receive(5) == b"x"
            stream.close()

    with Peer(handler, server) as peer:
        world.run(story(peer))
    assert resumed == [False, True, True]
    assert list(sessions) == ["localhost"]


def test_only_so_many_sessions_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_SESSIONS", 2)
    sessions: dict[str, ssl.SSLSession] = {}
    client = client_context()
    names = ["a.test", "b.test", "c.test"]

    async def story(peer: Peer) -> None:
        for name in names:
            stream = await shake_hands(world, peer, client, name, sessions=sessions)
            await stream.send(b"x", 5)
            await stream.receive(5)
            stream.close()

    with Peer(echo, server_context(*names)) as peer:
        world.run(story(peer))
    assert list(sessions) == ["b.test", "c.test"]


def test_session_tickets_that_come_while_idle_leave_the_stream_quiet(world: World) -> None:
    """The tickets of TLS 1.3 follow the handshake and make the socket readable, although no answer has come."""

    async def story(peer: Peer) -> None:
        stream = await shake_hands(world, peer)
        await world.backend.sleep(0.2)
        assert world.asyncio or not stream._inner.quiet  # they have come
        assert stream.quiet
        assert stream.quiet
        await stream.send(b"x", 5)
        assert await stream.receive(5) == b"x"
        stream.close()

    server = server_context()
    server.num_tickets = 4
    with Peer(echo, server) as peer:
        world.run(story(peer))


def test_two_threads_send_and_receive_on_one_stream() -> None:
    world = World("blocking")
    data = os.urandom(3_000_000)

    async def story(peer: Peer) -> None:
        stream = await shake_hands(world, peer)

        async def send() -> None:
            for start in range(0, len(data), 1000):
                await stream.send(data[start : start + 1000], 10)

        sending = await world.beside(send)
        assert await receive_exactly(stream, len(data)) == data
        await sending.wait()
        stream.close()

    with Peer(echo, server_context()) as peer:
        world.run(story(peer))


def relay(secure: ssl.SSLSocket, plain: socket.socket) -> None:
    """Pass bytes both ways until one side ends, in one thread: before Python 3.13 two threads in one SSL object lose bytes."""
    while True:
        readable = [secure] if secure.pending() else select.select([secure, plain], [], [])[0]
        for source, target in ((secure, plain), (plain, secure)):
            if source in readable:
                if not (data := source.recv(65536)):
                    return
                target.sendall(data)


def test_tls_runs_inside_tls(world: World) -> None:
    outer, inner = server_context(), server_context("inner.test")

    def handler(sock: socket.socket) -> None:
        """Unwrap the outer layer into a pair whose other end talks the inner one."""
        assert isinstance(sock, ssl.SSLSocket)
        near, far = socket.socketpair()

        def serve() -> None:
            with contextlib.suppress(OSError), inner.wrap_socket(far, server_side=True) as secure:
                echo(secure)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            relay(sock, near)
        finally:
            near.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            near.close()
            far.close()

    async def story(peer: Peer) -> None:
        to_proxy = await shake_hands(world, peer)
        stream = await TlsStream.handshake(to_proxy, CLIENT_CONTEXT, "inner.test", timeout=5, now=world.backend.now)
        await world.backend.sleep(0.1)
        assert stream.quiet
        await stream.send(b"x" * 50_000, 5)
        assert await receive_exactly(stream, 50_000) == b"x" * 50_000
        stream.close()

    with Peer(handler, outer) as peer:
        world.run(story(peer))


# Contexts --------------------------------------------------------------------------------------------------------------------------


def test_a_context_checks_certificates_host_names_and_versions() -> None:
    for trust in ("certifi", "system"):
        made = tls.context(trust)
        assert made.verify_mode is ssl.CERT_REQUIRED
        assert made.check_hostname
        assert made.minimum_version == ssl.TLSVersion.TLSv1_2
    assert tls.context().cert_store_stats()["x509_ca"] > 50


def test_a_file_of_roots_takes_the_place_of_all_others(tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    AUTHORITY.cert_pem.write_to_path(str(roots))
    assert tls.context(cafile=str(roots)).cert_store_stats()["x509_ca"] == 1
    assert tls.context(capath=str(tmp_path)).cert_store_stats()["x509_ca"] == 0


def test_unknown_roots_are_refused() -> None:
    with pytest.raises(ValueError, match="certifi"):
        tls.context("everybody")
    with pytest.raises(FileNotFoundError, match="does-not-exist"):
        tls.context(cafile="does-not-exist.pem")
