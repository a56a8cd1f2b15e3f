"""The clients behind tinyproxy, squid, microsocks and Dante."""

from __future__ import annotations

import itertools
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

import oxide
from oxide.testing import Fault, Server
from tests.real import _proxies as proxies
from tests.real._fronts import stunnel
from tests.real._programs import free_port
from tests.real.conftest import LARGE, answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faces._both import Face
    from tests.real._programs import Program

LOGIN = f"{proxies.USER}:{quote(proxies.PASSWORD, safe='')}@"
KINDS = {
    "tinyproxy": ("http://", lambda folder: proxies.tinyproxy(folder)),
    "tinyproxy-login": (f"http://{proxies.USER}:{proxies.SIMPLE}@", lambda folder: proxies.tinyproxy(folder, login=True)),
    "squid": ("http://", lambda folder: proxies.squid(folder)),
    "squid-login": (f"http://{LOGIN}", lambda folder: proxies.squid(folder, login=True)),
    "microsocks": ("socks5://", lambda folder: proxies.microsocks(folder)),
    "microsocks-login": (f"socks5h://{LOGIN}", lambda folder: proxies.microsocks(folder, login=True)),
    "dante": ("socks5h://", lambda folder: proxies.dante(folder)),
}
REFUSED = ("401", "407")  # tinyproxy answers a wrong login with the former


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of each proxy in turn."""
    own = folder / request.param
    own.mkdir()
    own.chmod(0o777)
    scheme, start = KINDS[request.param]
    program = start(own)
    yield f"{scheme}127.0.0.1:{program.port}"
    program.stop()


@pytest.fixture(scope="module")
def secure(pem: Path) -> Iterator[Server]:
    """An embedded server with TLS and HTTP/2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with Server(tls=context, answer=answer) as server:
        yield server


@pytest.fixture(params=["http", "https", "https-http2"])
def client(request: pytest.FixtureRequest, face: Face, proxy: str, upstream: Server, secure: Server, options: dict[str, Any]) -> Any:
    server = upstream if request.param == "http" else secure
    secure.clear()
    own = {**options, "proxy": proxy, "base_url": server.url.replace("127.0.0.1", "localhost")}
    return face.client(http2=request.param == "https-http2", max_retries=0, **own)


@pytest.fixture
def server(client: Any, upstream: Server, secure: Server) -> Server:
    """The server that the client leads to."""
    return secure if client.base_url.startswith("https") else upstream


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Program]]:
    """Programs to be ended with the test."""
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.stop()


def test_answers_in_a_row_come_over_one_connection(client: Any, server: Server, secure: Server) -> None:
    answers = [client.responses.create(model="echo", input=f"Hello {n}") for n in range(5)]
    assert [each.output_text for each in answers] == [f"You said: Hello {n}" for n in range(5)]
    assert server.requests[0].headers["authorization"] == "Bearer test"
    assert "proxy-authorization" not in server.requests[0].headers
    if "socks" in client.itself._options["proxy"] or server is secure:
        assert server.connections == 1, "a tunnel was not used again"


def test_events_come_one_by_one(client: Any, server: Server) -> None:
    server.fail_next(Fault(gap=0.02))
    moments = [time.monotonic() for _ in client.responses.create(model="echo", input="One two three four five six", stream=True)]
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert sum(gap > 0.005 for gap in gaps) > len(gaps) / 2, f"they come in bursts: {gaps}"


def test_a_hundred_calls_at_once_get_their_own_answers(client: Any, face: Face) -> None:
    calls = [lambda it, n=n: it.responses.create(model="echo", input=f"Number {n}") for n in range(100)]
    answers = face.together(client, calls)
    assert [getattr(each, "output_text", each) for each in answers] == [f"You said: Number {n}" for n in range(100)]


def test_what_is_large_passes(client: Any) -> None:
    assert client.responses.create(model="echo", input="x" * LARGE).output_text == f"That were {LARGE} characters."
    assert client.responses.create(model="echo", input="Speak at length").output_text == "word " * (LARGE // 5)


def refusal(face: Face, proxy: str, server: Server, options: dict[str, Any]) -> oxide.APIError:
    """Return the error of a call through a proxy that does not want it."""
    client = face.client(base_url=server.url, max_retries=0, **{**options, "proxy": proxy})
    with pytest.raises(oxide.APIError) as caught:
        client.responses.create(model="echo", input="Hello")
    assert proxies.PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", ["tinyproxy", "squid"])
def test_a_wrong_login_is_told(
    face: Face,
    kind: str,
    folder: Path,
    started: list[Program],
    secure: Server,
    upstream: Server,
    options: dict[str, Any],
) -> None:
    own = folder / f"{kind}-wrong-{face}"
    own.mkdir()
    own.chmod(0o777)
    start = (proxies.squid if kind == "squid" else proxies.tinyproxy)(own, login=True)
    started.append(start)
    for login in ("", "anna:wrong@"):
        url = f"http://{login}127.0.0.1:{start.port}"
        error = refusal(face, url, secure, options)
        assert isinstance(error, oxide.APIConnectionError)
        assert error.phase == "proxy"
        assert any(status in str(error) for status in REFUSED)
        assert getattr(refusal(face, url, upstream, options), "status_code", None) in (401, 407)


def test_a_wrong_login_to_socks_is_told(
    face: Face, tmp_path: Path, started: list[Program], secure: Server, options: dict[str, Any]
) -> None:
    started.append(proxies.microsocks(tmp_path, login=True))
    for login in ("", "anna:wrong@"):
        error = refusal(face, f"socks5://{login}127.0.0.1:{started[0].port}", secure, options)
        assert isinstance(error, oxide.APIConnectionError)
        assert error.phase == "proxy"


def test_a_host_that_the_proxy_refuses_is_told(
    face: Face, tmp_path: Path, started: list[Program], secure: Server, options: dict[str, Any]
) -> None:
    (tmp_path / "hosts").write_text("allowed\\.test\n", "ascii")
    started.append(proxies.tinyproxy(tmp_path, f'FilterDefaultDeny Yes\nFilter "{tmp_path}/hosts"'))
    error = refusal(face, f"http://127.0.0.1:{started[0].port}", secure, options)
    assert isinstance(error, oxide.APIConnectionError)
    assert error.phase == "proxy"
    assert "403" in str(error)


def test_a_rule_of_socks_that_forbids_is_told(
    face: Face, tmp_path: Path, started: list[Program], secure: Server, options: dict[str, Any]
) -> None:
    started.append(proxies.dante(tmp_path, rule="block"))
    error = refusal(face, f"socks5h://127.0.0.1:{started[0].port}", secure, options)
    assert isinstance(error, oxide.APIConnectionError)
    assert error.phase == "proxy"
    assert "not allowed" in str(error)


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_server_that_the_proxy_cannot_reach_is_told(
    face: Face, scheme: str, tmp_path: Path, started: list[Program], options: dict[str, Any]
) -> None:
    started.append(proxies.tinyproxy(tmp_path) if scheme == "http" else proxies.microsocks(tmp_path))
    gone = Server(port=free_port(), tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    error = refusal(face, f"{scheme}://127.0.0.1:{started[0].port}", gone, options)
    assert isinstance(error, oxide.APIConnectionError)
    assert error.phase == "proxy"


def test_the_proxy_itself_may_speak_tls(
    face: Face, folder: Path, pem: Path, started: list[Program], secure: Server, upstream: Server, options: dict[str, Any]
) -> None:
    own = folder / f"tls-{face}"
    (own / "in").mkdir(parents=True)
    started.append(proxies.tinyproxy(own / "in"))
    started.append(stunnel(own, pem, started[0].port).program)
    for server in (secure, upstream):
        client = face.client(base_url=server.url, **{**options, "proxy": f"https://127.0.0.1:{started[1].port}"})
        assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"
        assert client.responses.create(model="echo", input="x" * LARGE).output_text == f"That were {LARGE} characters."


def test_the_environment_names_the_proxy(
    face: Face, tmp_path: Path, started: list[Program], secure: Server, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    started.append(proxies.tinyproxy(tmp_path, 'ViaProxyName "seen"'))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{started[0].port}")
    client = face.client(base_url=secure.url, ssl_context=trust, timeout=20.0)
    assert client.responses.create(model="echo", input="Hello").output_text == "You said: Hello"
    assert "Established connection" in started[0].said() or "CONNECT" in started[0].said()
