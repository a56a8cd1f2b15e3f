"""Through proxies of every kind, with and without credentials, by option and by environment; and proxies that refuse."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from oxide import APIConnectionError, APIStatusError, ConfigurationError, OxideError
from tests.faces._proxies import HttpProxy, socks5
from tests.faces._wires import HASTY, TCP, Wire, ask, busy, eventually, kept, stream
from tests.transport._net import Peer, server_context, unused_port

if TYPE_CHECKING:
    from tests.faces._both import Face

SECRET = "p%40ss"
BASIC = base64.b64encode(b"user:p@ss")


@pytest.fixture(params=["tls", "http2"])
def secure(request: pytest.FixtureRequest) -> Wire:
    """Ways to a server that a proxy makes a tunnel for."""
    return Wire(request.param)


@pytest.mark.parametrize("tls", [False, True], ids=["http proxy", "https proxy"])
def test_a_tunnel_leads_to_an_https_server(face: Face, secure: Wire, tls: bool) -> None:
    with secure.server() as server, HttpProxy("user:p@ss", tls=server_context() if tls else None) as proxy:
        client = secure.client(face, server, proxy=f"http{'s' if tls else ''}://user:{SECRET}@127.0.0.1:{proxy.port}")
        for number in range(3):
            assert ask(client, f"call {number}").output_text == f"You said: call {number}"
        assert face.collect(stream(client))[-1].type == "response.completed"
        assert [head.split(b"\r\n")[0] for head in proxy.heads] == [b"CONNECT 127.0.0.1:%d HTTP/1.1" % server.port]
        assert b"Bearer" not in proxy.heads[0], "the proxy sees no key"
        assert not any("proxy" in name for request in server.requests for name in request.headers), "the server sees no credentials"
        assert busy(client) == 0


def test_a_tunnel_is_asked_for_by_name_so_that_the_proxy_looks_it_up(face: Face) -> None:
    wire = Wire("tls")
    with wire.server(tls=server_context("models.example")) as server, HttpProxy() as proxy:
        client = wire.client(face, base_url=f"https://models.example:{server.port}/v1", proxy=f"http://127.0.0.1:{proxy.port}")
        assert ask(client).output_text == "You said: Hello"
        assert proxy.heads[0].startswith(b"CONNECT models.example:%d " % server.port)


@pytest.mark.parametrize("tls", [False, True], ids=["http proxy", "https proxy"])
def test_requests_to_an_http_server_are_forwarded(face: Face, tls: bool) -> None:
    wire = Wire("plain")
    with wire.server() as server, HttpProxy("user:p@ss", tls=server_context() if tls else None) as proxy:
        from tests.transport._net import CLIENT_CONTEXT

        address = f"http{'s' if tls else ''}://user:{SECRET}@127.0.0.1:{proxy.port}"
        client = wire.client(face, server, proxy=address, ssl_context=CLIENT_CONTEXT)
        for number in range(2):
            assert ask(client, f"call {number}").output_text == f"You said: call {number}"
        assert proxy.heads[0].startswith(b"POST http://127.0.0.1:%d/v1/responses HTTP/1.1\r\n" % server.port)
        assert b"Proxy-Authorization: Basic " + BASIC in proxy.heads[0]
        assert busy(client) == 0


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("credentials", ["", "user:p@ss"])
@pytest.mark.parametrize("way", TCP)
def test_a_socks_proxy_leads_to_any_server(face: Face, way: str, scheme: str, credentials: str) -> None:
    asked: list[bytes] = []
    wire = Wire(way)
    with wire.server() as server, Peer(socks5(asked, credentials)) as proxy:
        user = f"user:{SECRET}@" if credentials else ""
        client = wire.client(face, server, proxy=f"{scheme}://{user}127.0.0.1:{proxy.port}")
        assert ask(client).output_text == "You said: Hello"
        assert face.collect(stream(client))[-1].type == "response.completed"
        assert asked == [b"\x7f\0\0\1"]
        assert busy(client) == 0


def test_a_unix_socket_goes_past_the_proxy(face: Face, tmp_path: Any) -> None:
    wire = Wire("unix", tmp_path)
    with wire.server() as server:
        assert ask(wire.client(face, server, proxy=f"http://127.0.0.1:{unused_port()}")).output_text == "You said: Hello"


# ------------------------------------------------------------------------------------------------ the environment


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environment_names_the_proxy(face: Face, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire("tls")
    with wire.server() as server, HttpProxy() as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert ask(wire.client(face, server)).output_text == "You said: Hello"
        assert len(proxy.heads) == 1
        assert ask(wire.client(face, server, proxy=None)).output_text == "You said: Hello"
        assert len(proxy.heads) == 1, "proxy=None asks for none"


@pytest.mark.parametrize("spared", ["127.0.0.1", "*", "example.com, 127.0.0.0/8", "127.0.0.1:{port}"])
def test_hosts_that_need_no_proxy_are_reached_without(face: Face, spared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire("tls")
    with wire.server() as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused_port()}")
        monkeypatch.setenv("NO_PROXY", spared.format(port=server.port))
        assert ask(wire.client(face, server)).output_text == "You said: Hello"


# ------------------------------------------------------------------------------------------------ refusals


def refused(face: Face, kind: Any = APIConnectionError, **options: Any) -> Any:
    client = face.client(max_retries=0, timeout=HASTY, **options)
    with pytest.raises(OxideError) as caught:
        ask(client)
    assert isinstance(caught.value, kind), repr(caught.value)
    assert not any(secret in str(caught.value) for secret in ("p@ss", SECRET))
    assert busy(client) == kept(client) == 0
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno.",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200",
        b"\0" * 100,
    ],
    ids=["403", "407", "502", "garbage", "half", "zeros"],
)
def test_a_tunnel_that_is_refused_is_an_error_of_the_proxy(face: Face, answer: bytes) -> None:
    with HttpProxy(answer=answer) as proxy:
        error = refused(face, base_url="https://models.example/v1", proxy=f"http://user:{SECRET}@127.0.0.1:{proxy.port}")
        assert error.phase == "proxy"
        assert eventually(face, lambda: len(proxy.heads) == 1)


def test_wrong_credentials_are_told_with_the_status(face: Face) -> None:
    with HttpProxy("user:other") as proxy:
        error = refused(face, base_url="https://models.example/v1", proxy=f"http://user:{SECRET}@127.0.0.1:{proxy.port}")
        assert (error.phase, "407" in str(error)) == ("proxy", True)


def test_a_forwarding_proxy_that_refuses_answers_in_place_of_the_server(face: Face) -> None:
    with HttpProxy("user:other") as proxy:
        error = refused_status(face, base_url="http://models.example/v1", proxy=f"http://user:{SECRET}@127.0.0.1:{proxy.port}")
        assert error.status_code == 407


def refused_status(face: Face, **options: Any) -> APIStatusError:
    client = face.client(max_retries=0, timeout=HASTY, **options)
    with pytest.raises(APIStatusError) as caught:
        ask(client)
    return caught.value


@pytest.mark.parametrize("code", [1, 2, 5, 8, 99])
def test_a_socks_proxy_that_refuses_is_an_error_of_the_proxy(face: Face, code: int) -> None:
    with Peer(socks5([], refusal=code)) as proxy:
        assert refused(face, base_url="https://models.example/v1", proxy=f"socks5://127.0.0.1:{proxy.port}").phase == "proxy"


def test_a_socks_proxy_that_knows_another_password_is_an_error_of_the_proxy(face: Face) -> None:
    with Peer(socks5([], "user:other")) as proxy:
        assert refused(face, base_url="https://models.example/v1", proxy=f"socks5://user:{SECRET}@127.0.0.1:{proxy.port}").phase == "proxy"


def test_a_proxy_that_is_not_there_is_an_error_of_connecting(face: Face) -> None:
    assert refused(face, base_url="https://models.example/v1", proxy=f"http://127.0.0.1:{unused_port()}").phase == "connect"


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "http://", "http://127.0.0.1:x", "127.0.0.1:8080:9"])
def test_a_proxy_that_cannot_be_is_refused_before_anything_is_sent(face: Face, proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy"):
        face.client(base_url="https://models.example/v1", proxy=proxy)
