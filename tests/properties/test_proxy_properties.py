"""Proxies: what we write, an independent reader reads; answers of any bytes end the same however they are cut."""

from __future__ import annotations

import ipaddress
import itertools
from urllib.parse import quote, urlsplit

import h11
from hypothesis import given
from hypothesis import strategies as st

from oxide._protocol.base import ProtocolError
from oxide._protocol.proxy import HttpConnect, Proxy, ProxyMap, Socks5, parse_proxy

PORTS = st.integers(1, 65_535)
LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
ADDRESSES = st.ip_addresses().map(str)
LOGINS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=":"), min_size=1, max_size=20)
ANSWERS = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK",
            b"HTTP/1.1 100 C",
            b"HTTP/1.1 407 No",
            b"\r\n\r\n",
            b"\r\n",
            b"A: b",
            b"\x05\x00",
            b"\x05\x02",
            b"\x01\x00",
            b"x",
        ]
    )
).map(b"".join)


def outcome(machine: HttpConnect | Socks5, chunks: list[bytes]) -> tuple[bytes, bool, str]:
    sent = machine.start()
    try:
        for chunk in filter(None, chunks):
            sent += machine.receive(chunk)
    except ProtocolError as error:
        return sent, machine.done, f"{type(error).__name__}: {error}"
    return sent, machine.done, ""


@given(st.one_of(ANSWERS, st.binary()), st.lists(st.integers(0, 200)), st.booleans())
def test_any_answer_ends_the_same_however_it_is_cut(data: bytes, cuts: list[int], login: bool) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in itertools.pairwise(places)]
    credentials = ("u", "p") if login else ()
    assert outcome(HttpConnect("h", 1, *credentials, max_head=40), chunks) == outcome(
        HttpConnect("h", 1, *credentials, max_head=40), [data]
    )
    # Of a SOCKS answer that fails in the middle, the cuts decide what had been sent before; how it ends is the same.
    assert outcome(Socks5("h", 1, *credentials), chunks)[1:] == outcome(Socks5("h", 1, *credentials), [data])[1:]


@given(st.one_of(NAMES, ADDRESSES), PORTS, LOGINS, LOGINS)
def test_another_reader_understands_every_connect(host: str, port: int, user: str, password: str) -> None:
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(HttpConnect(host, port, user, password).start())
    request = reader.next_event()
    assert isinstance(request, h11.Request)
    place = urlsplit("//" + request.target.decode())
    assert (place.hostname, place.port) == (host, port)


@given(st.one_of(NAMES, ADDRESSES), PORTS)
def test_a_socks_request_says_where_to_connect(host: str, port: int) -> None:
    machine = Socks5(host, port)
    request = machine.receive(b"\x05\x00")
    assert request[:3] == b"\x05\x01\x00"
    assert int.from_bytes(request[-2:], "big") == port
    kind, address = request[3], request[4:-2]
    if kind == 3:
        assert address == bytes([len(host)]) + host.encode()
    else:
        assert ipaddress.ip_address(address) == ipaddress.ip_address(host)


@given(
    st.sampled_from(["http", "https", "socks5", "socks5h"]),
    st.one_of(NAMES, ADDRESSES),
    PORTS,
    LOGINS,
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_url_of_quoted_parts_is_read_back(scheme: str, host: str, port: int, user: str, password: str) -> None:
    place = f"[{host}]" if ":" in host else host
    url = f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{place}:{port}"
    assert parse_proxy(url) == Proxy(scheme, host, port, user, password)


@given(st.text())
def test_any_text_is_a_proxy_or_a_value_error(text: str) -> None:
    try:
        proxy = parse_proxy(text)
    except ValueError:
        return
    assert HttpConnect(proxy.host, proxy.port).start()


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 32))
def test_networks_are_those_of_the_standard_library(host: object, base: object, bits: int) -> None:
    chosen = ProxyMap({"ALL_PROXY": "p", "NO_PROXY": f"{base}/{bits}"}).choose("https", str(host), 443)
    assert (chosen is None) == (ipaddress.ip_address(str(host)) in ipaddress.ip_network(f"{base}/{bits}", strict=False))


@given(NAMES, NAMES, st.sampled_from(["", ".", "*."]))
def test_a_name_stands_for_itself_and_what_is_below_it(entry: str, host: str, before: str) -> None:
    chosen = ProxyMap({"ALL_PROXY": "p", "NO_PROXY": before + entry}).choose("https", host, 443)
    assert (chosen is None) == (host.split(".")[-len(entry.split(".")) :] == entry.split("."))
    assert ProxyMap({"ALL_PROXY": "p", "NO_PROXY": before + entry}).choose("http", f"{host}.{entry}", 80) is None
