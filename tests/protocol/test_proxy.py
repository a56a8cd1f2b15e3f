"""The conversations with proxies, and the choice of one, against tables; answers are fed whole, byte by byte, and cut at every point."""

from __future__ import annotations

import copy
import pickle

import h11
import pytest

from oxide._protocol.base import ProtocolError
from oxide._protocol.proxy import HttpConnect, Proxy, ProxyMap, ProxyRefused, Socks5, basic_auth, parse_proxy

GRANTED = b"\x05\x00\x00\x01\x7f\0\0\1\x1f\x90"


def talk(machine: HttpConnect | Socks5, *chunks: bytes) -> tuple[bytes, str]:
    """Feed chunks; return all that was to be sent, and how it ended."""
    sent = machine.start()
    try:
        for chunk in filter(None, chunks):
            sent += machine.receive(chunk)
        if not machine.done:
            machine.receive(b"")
    except ProxyRefused as error:
        assert not machine.done
        return sent, f"refused {error.code} {error.text}"
    except ProtocolError as error:
        assert not machine.done
        return sent, str(error)
    assert machine.rest == b""
    return sent, "done"


CONNECT: list[tuple[str, bytes, str]] = [
    ("200", b"HTTP/1.1 200 Connection established\r\n\r\n", "done"),
    ("200 of HTTP/1.0 with fields", b"HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", "done"),
    ("any 2xx, without words", b"HTTP/1.1 299\r\n\r\n", "done"),
    ("a content-length means nothing here", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "done"),
    ("1xx is read over", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "done"),
    ("a login is wanted", b"HTTP/1.1 407 Proxy Authentication Required\r\nA: b\r\n\r\n", "refused 407 Proxy Authentication Required"),
    ("the server is not there", b"HTTP/1.1 502\r\n\r\n", "refused 502 "),
    ("a redirect", b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "refused 302 Found"),
    ("another protocol", b"HTTP/1.1 101 Switching\r\n\r\n", "refused 101 Switching"),
    ("words with controls", b"HTTP/1.1 500 a\x1b[1mb\xff\r\n\r\n", "refused 500 a?[1mb\xff"),
    ("words without end", b"HTTP/1.1 500 " + b"x" * 500 + b"\r\n\r\n", "refused 500 " + "x" * 200),
    ("words with our login", b"HTTP/1.1 500 dTpwNHNz u:p4ss\r\n\r\n", "refused 500 [secret] u:[secret]"),
    ("bytes behind the answer", b"HTTP/1.1 200 OK\r\n\r\nx", "the proxy sent bytes that nobody asked for"),
    ("a hang-up in the head", b"HTTP/1.1 200 OK\r\n", "the proxy hung up"),
    ("a hang-up at once", b"", "the proxy hung up"),
    ("a hang-up after 1xx", b"HTTP/1.1 100 Continue\r\n\r\n", "the proxy hung up"),
    ("another protocol altogether", b"\x05\x00", "the proxy did not answer in HTTP/1.1"),
    ("HTTP/2", b"HTTP/2 200\r\n\r\n", "the proxy did not answer in HTTP/1.1"),
    ("a status that is none", b"HTTP/1.1 2000 OK\r\n\r\n", "the proxy did not answer in HTTP/1.1"),
    ("a head without end", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 1000, "the proxy's answer is longer than 600 bytes"),
    ("a head that is too large", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 1000 + b"\r\n\r\n", "the proxy's answer is longer than 600 bytes"),
    ("many small heads", b"HTTP/1.1 100 \r\n\r\n" * 17, "the proxy answers with endless 1xx"),
    ("many heads", b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" * 100, "the proxy answers with endless 1xx"),
    (
        "heads too large together",
        (b"HTTP/1.1 100 Continue\r\nA: " + b"b" * 300 + b"\r\n\r\n") * 9,
        "the proxy's answer is longer than 600 bytes",
    ),
]


@pytest.mark.parametrize(("data", "outcome"), [row[1:] for row in CONNECT], ids=[row[0] for row in CONNECT])
def test_answers_to_a_connect(data: bytes, outcome: str) -> None:
    def outcome_of(*chunks: bytes) -> str:
        sent, ended = talk(HttpConnect("example.com", 443, "u", "p4ss", max_head=600), *chunks)
        assert sent.endswith(b"\r\n\r\n")
        return ended

    assert outcome_of(data) == outcome
    assert outcome_of(*(data[i : i + 1] for i in range(len(data)))) == outcome
    for cut in range(min(len(data), 120)):
        assert outcome_of(data[:cut], data[cut:]) == outcome


def test_a_connect_is_written_as_the_standard_says() -> None:
    machine = HttpConnect("example.com", 443, "Aladdin", "open sesame", headers=[("User-Agent", "x")])
    assert machine.start() == (
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: x\r\n"
        b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
    )
    assert HttpConnect("::1", 80).start() == b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"


def test_another_reader_understands_the_connect() -> None:
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(HttpConnect("2001:db8::1", 8443, "ü", "", headers=[("X-A", "é")]).start())
    request = reader.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (b"CONNECT", b"[2001:db8::1]:8443")
    assert dict(request.headers) == {b"host": b"[2001:db8::1]:8443", b"x-a": b"\xe9", b"proxy-authorization": b"Basic w7w6"}


BAD_HOSTS = ["", "a b", "a\r\nX: y", "a/b", "é", "a@b", "a:b", "::1%\r\nX: y", "[::1]", "a\n", "x" * 256, "a\0"]


@pytest.mark.parametrize("host", BAD_HOSTS, ids=repr)
def test_a_host_that_cannot_be_sent_is_refused(host: str) -> None:
    for machine in (HttpConnect, Socks5):
        with pytest.raises(ValueError, match="host"):
            machine(host, 443)


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    for machine in (HttpConnect, Socks5):
        with pytest.raises(ValueError, match="port"):
            machine("a", port)


@pytest.mark.parametrize("field", [("A", "b\r\nC: d"), ("A\r\n", "b"), ("", "b"), ("A B", "c"), ("A", "\u0100"), ("A", "b\n")])
def test_a_field_that_would_break_the_request_is_refused(field: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="field"):
        HttpConnect("a", 443, headers=[field])


def test_logins_that_cannot_be_sent_are_refused_without_telling_them() -> None:
    with pytest.raises(ValueError, match="colon") as caught:
        basic_auth("us:er", "p4ss")
    assert "p4ss" not in str(caught.value)
    with pytest.raises(ValueError, match="control"):
        basic_auth("user", "p\n")
    with pytest.raises(ValueError, match="255 bytes of a password") as caught:
        Socks5("a", 1, "user", "p4ss" * 70)
    assert "p4ss" not in str(caught.value)


SOCKS: list[tuple[str, bool, bytes, str]] = [
    ("no login, an IPv4 address", False, b"\x05\x00" + GRANTED, "done"),
    ("no login, an IPv6 address", False, b"\x05\x00\x05\x00\x00\x04" + b"\0" * 18, "done"),
    ("no login, a name", False, b"\x05\x00\x05\x00\x00\x03\x03abc\0\0", "done"),
    ("no login, an empty name", False, b"\x05\x00\x05\x00\x00\x03\x00\0\0", "done"),
    ("a login that is offered but not wanted", True, b"\x05\x00" + GRANTED, "done"),
    ("a login", True, b"\x05\x02\x01\x00" + GRANTED, "done"),
    ("a login, answered with the wrong version", True, b"\x05\x02\x05\x00" + GRANTED, "done"),
    ("a wrong login", True, b"\x05\x02\x01\x01", "refused 1 wrong user name or password"),
    ("no way of login", True, b"\x05\xff", "refused 255 it accepts no login that we offer"),
    ("a login that we do not have", False, b"\x05\xff", "refused 255 it wants a user name and a password"),
    ("a login that was not offered", False, b"\x05\x02", "the proxy chose a login that was not offered"),
    ("a login of an unknown kind", True, b"\x05\x01", "the proxy chose a login that was not offered"),
    ("not allowed", False, b"\x05\x00\x05\x02\x00\x01\0\0\0\0\0\0", "refused 2 not allowed by its rules"),
    ("refused", False, b"\x05\x00\x05\x05", "refused 5 connection refused"),
    ("an unknown reply", False, b"\x05\x00\x05\x63", "refused 99 for an unknown reason"),
    ("an unknown kind of address", False, b"\x05\x00\x05\x00\x00\x02\x00", "the proxy told an address of an unknown kind"),
    ("SOCKS4", False, b"\x00\x5a\0\0\0\0\0\0", "the proxy does not speak SOCKS5"),
    ("HTTP", False, b"HTTP/1.1 400 Bad Request\r\n\r\n", "the proxy does not speak SOCKS5"),
    ("another version in the reply", False, b"\x05\x00\x04\x00", "the proxy does not speak SOCKS5"),
    ("bytes behind the reply", False, b"\x05\x00" + GRANTED + b"x", "the proxy sent bytes that nobody asked for"),
    ("a hang-up at once", False, b"", "the proxy hung up"),
    ("a hang-up in the reply", False, b"\x05\x00" + GRANTED[:-1], "the proxy hung up"),
]


@pytest.mark.parametrize(("login", "data", "outcome"), [row[1:] for row in SOCKS], ids=[row[0] for row in SOCKS])
def test_answers_of_a_socks_proxy(login: bool, data: bytes, outcome: str) -> None:
    def outcome_of(*chunks: bytes) -> str:
        return talk(Socks5("example.com", 443, "u", "p") if login else Socks5("example.com", 443), *chunks)[1]

    assert outcome_of(data) == outcome
    assert outcome_of(*(data[i : i + 1] for i in range(len(data)))) == outcome
    for cut in range(len(data)):
        assert outcome_of(data[:cut], data[cut:]) == outcome


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("example.com", b"\x03\x0bexample.com"),
        ("127.0.0.1", b"\x01\x7f\0\0\1"),
        ("::1", b"\x04" + b"\0" * 15 + b"\1"),
        ("1.2.3", b"\x03\x051.2.3"),
        ("999.0.0.1", b"\x03\x09999.0.0.1"),
    ],
)
def test_a_socks_conversation_byte_for_byte(host: str, address: bytes) -> None:
    machine = Socks5(host, 443, "user", "pässword")
    assert machine.start() == b"\x05\x02\x00\x02"
    assert machine.receive(b"\x05\x02") == b"\x01\x04user\x09p\xc3\xa4ssword"
    assert machine.receive(b"\x01\x00") == b"\x05\x01\x00" + address + b"\x01\xbb"
    assert machine.receive(GRANTED[:4]) == b""
    assert not machine.done
    assert machine.receive(GRANTED[4:]) == b""
    assert machine.done


def test_a_conversation_that_failed_stays_dead() -> None:
    for machine in (HttpConnect("a", 1), Socks5("a", 1)):
        for data in (b"x", b"HTTP/1.1 200 OK\r\n\r\n", b"\x05\x00", b""):
            with pytest.raises(ProtocolError, match=r"did not answer in HTTP|does not speak"):
                machine.receive(data)


def test_bytes_or_a_hang_up_after_the_answer_are_a_fault_too() -> None:
    for data in (b"x", b""):
        machine = HttpConnect("a", 1)
        machine.receive(b"HTTP/1.1 200 OK\r\n\r\n")
        with pytest.raises(ProtocolError):
            machine.receive(data)
        assert not machine.done


def test_a_refusal_can_be_pickled_and_copied() -> None:
    error = ProxyRefused(407, "Proxy Authentication Required")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (other.code, other.text) == (407, error.text)
        assert str(other) == "the proxy refused the connection: 407 Proxy Authentication Required"


URLS: list[tuple[str, Proxy]] = [
    ("http://proxy:3128", Proxy("http", "proxy", 3128)),
    ("http://proxy:3128/", Proxy("http", "proxy", 3128)),
    ("proxy:3128", Proxy("http", "proxy", 3128)),
    ("proxy", Proxy("http", "proxy", 1080)),
    (" HTTP://Proxy.Example ", Proxy("http", "proxy.example", 1080)),
    ("https://proxy", Proxy("https", "proxy", 443)),
    ("socks5://10.0.0.1", Proxy("socks5", "10.0.0.1", 1080)),
    ("socks5h://[2001:DB8::1]:9050", Proxy("socks5h", "2001:db8::1", 9050)),
    ("http://[::1]", Proxy("http", "::1", 1080)),
    ("http://proxy:", Proxy("http", "proxy", 1080)),
    ("http://user:p4ss@proxy:1", Proxy("http", "proxy", 1, "user", "p4ss")),
    ("user:p4ss@proxy:1", Proxy("http", "proxy", 1, "user", "p4ss")),
    ("http://us%65r:p%40%2F%3A%C3%A9%@proxy:1", Proxy("http", "proxy", 1, "user", "p@/:é%")),
    ("http://user:a:b@c@proxy", Proxy("http", "proxy", 1080, "user", "a:b@c")),
    ("http://user@proxy", Proxy("http", "proxy", 1080, "user", "")),
    ("http://:p4ss@proxy", Proxy("http", "proxy", 1080, "", "p4ss")),
    ("http://@proxy", Proxy("http", "proxy", 1080)),
]


@pytest.mark.parametrize(("url", "proxy"), URLS, ids=[url for url, _ in URLS])
def test_proxy_urls(url: str, proxy: Proxy) -> None:
    assert parse_proxy(url) == proxy


BAD_URLS: list[tuple[str, str]] = [
    ("", "no host"),
    ("http://", "no host"),
    ("http://:p4ss@", "no host"),
    ("http://:3128", "no host"),
    ("ftp://proxy", "not 'ftp'"),
    ("socks4://proxy", "not 'socks4'"),
    ("p4ss://proxy", "not something else"),
    ("user:p4ss://proxy", "not something else"),
    ("http://proxy:0", "port"),
    ("http://proxy:65536", "port"),
    ("http://proxy:p4ss", "port"),
    ("http://proxy:" + "9" * 5000, "port"),
    ("http://proxy:٣", "port"),
    ("http://user:p4ss/x@proxy", "%2F"),
    ("http://user:p4ss?x@proxy", "%3F"),
    ("http://user:p4ss#x@proxy", "%23"),
    ("http://proxy/path", "%2F"),
    ("http://u:%ff@proxy", "UTF-8"),
    ("http://[::1", "bracket"),
    ("http://[proxy]", "bracket"),
    ("http://[::1]p4ss", "bracket"),
    ("http://[::p4ss]", "neither"),
    ("http://::1:80", "bracket"),
    ("http://pro xy", "neither"),
    ("http://pröxy", "neither"),
    ("http://pro\r\nxy", "neither"),
]


@pytest.mark.parametrize(("url", "told"), BAD_URLS, ids=[repr(url)[:40] for url, _ in BAD_URLS])
def test_urls_of_no_proxy_are_refused_without_telling_a_password(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse_proxy(url)
    assert "p4ss" not in str(caught.value)


def test_a_proxy_is_a_value_that_hides_its_password() -> None:
    proxy = Proxy("http", "h", 1, "user", "p4ss")
    assert repr(proxy) == "Proxy('http', 'h', 1, 'user', [secret])"
    assert repr(Proxy("http", "h", 1)) == "Proxy('http', 'h', 1)"
    assert hash(proxy) == hash(copy.copy(proxy))
    assert proxy != Proxy("http", "h", 1, "user", "other")
    assert proxy != "h"


def chosen(variables: dict[str, str], scheme: str = "https", host: str = "api.example.com", port: int = 443) -> str | None:
    proxy = ProxyMap(variables).choose(scheme, host, port)
    return proxy and proxy.host


def test_the_variable_of_the_scheme_is_chosen_then_the_one_for_all() -> None:
    variables = {"https_proxy": "s", "HTTP_PROXY": "http://p", "ALL_PROXY": "a"}
    assert [chosen(variables, scheme) for scheme in ("https", "http", "wss", "ws")] == ["s", "p", "s", "p"]
    assert [chosen({"ALL_PROXY": "socks5h://a"}, scheme) for scheme in ("https", "http")] == ["a", "a"]
    assert [chosen({"HTTPS_PROXY": "s"}, scheme) for scheme in ("https", "http")] == ["s", None]
    assert chosen({}) is None


def test_small_letters_win_and_empty_ones_do_not_count() -> None:
    assert chosen({"HTTPS_PROXY": "big", "https_proxy": "small"}) == "small"
    assert chosen({"HTTPS_PROXY": "big", "https_proxy": " "}) == "big"
    assert chosen({"HTTPS_PROXY": "", "all_proxy": "a"}) == "a"
    assert chosen({"HTTPS_PROXY": "p", "NO_PROXY": "*", "no_proxy": "other"}) == "p"


def test_a_header_of_a_cgi_request_does_not_choose_the_proxy() -> None:
    evil = {"HTTP_PROXY": "evil", "REQUEST_METHOD": "GET"}
    assert chosen(evil, "http") is None
    assert chosen({**evil, "http_proxy": "good"}, "http") == "good"
    assert chosen({**evil, "HTTPS_PROXY": "good"}, "https") == "good"


def test_a_bad_url_names_its_variable_when_its_turn_comes() -> None:
    variables = {"ALL_PROXY": "socks://u:p4ss@h", "https_proxy": "s", "no_proxy": "local"}
    assert chosen(variables) == "s"
    assert chosen(variables, "http", "local") is None
    with pytest.raises(ValueError, match=r"ALL_PROXY: .*'socks'") as caught:
        chosen(variables, "http")
    assert "p4ss" not in str(caught.value)


DIRECT: list[tuple[str, str, int, bool]] = [
    ("*", "a.example", 443, True),
    ("x, *", "a.example", 443, True),
    ("example.com", "example.com", 443, True),
    ("example.com", "api.example.com", 443, True),
    (".example.com", "example.com", 443, True),
    (".example.com", "a.b.example.com", 443, True),
    ("*.example.com", "api.example.com", 443, True),
    ("example.com", "notexample.com", 443, False),
    ("example.com", "example.com.evil", 443, False),
    ("api.example.com", "example.com", 443, False),
    ("EXAMPLE.com", "Api.Example.COM", 443, True),
    ("example.com.", "api.example.com", 443, True),
    ("example.com", "api.example.com.", 443, True),
    ("a b,example.com\tc", "example.com", 443, True),
    ("example.com:443", "example.com", 443, True),
    ("example.com:443", "api.example.com", 443, True),
    ("example.com:8443", "example.com", 443, False),
    ("example.com:x", "example.com", 443, False),
    ("localhost", "localhost", 80, True),
    ("", "localhost", 80, False),
    (",,", "localhost", 80, False),
    (". *. :80", "localhost", 80, False),
    ("127.0.0.1", "127.0.0.1", 80, True),
    ("127.0.0.1:80", "127.0.0.1", 80, True),
    ("127.0.0.1:81", "127.0.0.1", 80, False),
    ("127.0.0.1", "127.0.0.10", 80, False),
    ("0.0.1", "127.0.0.1", 80, False),
    ("0.0.1", "127.0.0.1.", 80, False),
    ("::1", "0:0::1", 80, True),
    ("[::1]", "::1", 80, True),
    ("[::1]:80", "::1", 80, True),
    ("[::1]:81", "::1", 80, False),
    ("[::1", "::1", 80, False),
    ("10.0.0.0/8", "10.1.2.3", 80, True),
    ("10.1.2.3/8", "10.200.2.3", 80, True),
    ("10.0.0.0/8", "11.1.2.3", 80, False),
    ("10.0.0.0/8", "ten.example", 80, False),
    ("10.0.0.0/99", "10.1.2.3", 80, False),
    ("fd00::/8", "fd12::1", 80, True),
    ("fd00::/8", "10.0.0.1", 80, False),
    ("10.0.0.0/8", "::1", 80, False),
]


@pytest.mark.parametrize(("direct", "host", "port", "expected"), DIRECT)
def test_servers_to_reach_directly(direct: str, host: str, port: int, expected: bool) -> None:
    assert (chosen({"ALL_PROXY": "p", "NO_PROXY": direct}, "https", host, port) is None) is expected
