"""A proxy may answer with any bytes, cut anywhere: the conversation ends the same, in `done` or `ProtocolError`, and never shows the login.

Any text is the URL of a proxy or a `ValueError` without the password; any `no_proxy` is read without an exception.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.proxy`

from _harness import command, pieces, run

from oxide._protocol.base import ProtocolError
from oxide._protocol.proxy import HttpConnect, ProxyMap, Socks5, parse_proxy

SECRET = "h4nter2"
ANSWERS = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 ",
    b"HTTP/1.0 100 x",
    b"407 ",
    b"502 Bad",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"A: b",
    b"\xff",
    b"\0",
    b"\x05",
]
ANSWERS += [
    b"\x05\x00",
    b"\x05\x02\x01\x00",
    b"\x05\x00\x00\x01\0\0\0\0\0\0",
    b"\x05\x00\x00\x03\x01a\0\0",
    b"\x05\x01",
    b"\x04",
    SECRET.encode(),
]
URLS = [
    "http://",
    "socks5h://",
    "socks4://",
    "://",
    "user",
    ":",
    SECRET,
    "@",
    "proxy",
    "[::1]",
    "[",
    "]",
    "/",
    "?",
    "#",
    "%2F",
    "%",
    ":80",
    ":99999",
    "é",
]
DIRECT = [".", "*", ",", " ", "a", "a.b", "10.0.0.0/8", "10.0.0.1", "::1", "[::1]", ":80", "/", "fd00::/8", "é", "[", "]", "%"]
HOSTS = ["a", "x.a", "a.b", "10.0.0.1", "::1", "fd00::1", "x.y."]
Case = tuple[bytes, list[bytes], str, str, str]


def make(random: Random) -> Case:
    def text(words: list[str]) -> str:
        return "".join(random.choice(words) for _ in range(random.randrange(8)))

    data = b"".join(random.choice(ANSWERS) for _ in range(random.randrange(12)))
    return data, pieces(random, data), text(URLS), text(DIRECT), random.choice(HOSTS)


def outcome(machine: HttpConnect | Socks5, chunks: list[bytes]) -> tuple[bool, str]:
    machine.start()
    try:
        for chunk in chunks:
            machine.receive(chunk)
    except ProtocolError as error:
        return machine.done, f"{type(error).__name__}: {error}"
    return machine.done, ""


def check(case: Case) -> None:
    data, chunks, url, direct, host = case
    makers: list[Callable[[], HttpConnect | Socks5]] = [
        lambda: HttpConnect("h", 1, "user", SECRET, max_head=60),
        lambda: Socks5("h", 1, "user", SECRET),
        lambda: Socks5("h", 1),
    ]
    for maker in makers:
        whole = outcome(maker(), [data] if data else [])
        assert SECRET not in whole[1]
        assert outcome(maker(), chunks) == whole
        assert outcome(maker(), [data[i : i + 1] for i in range(len(data))]) == whole
    check_url(url)
    ProxyMap({"ALL_PROXY": "p", "NO_PROXY": direct}).choose("https", host, 80)


def check_url(url: str) -> None:
    fault = ""
    try:
        proxy = parse_proxy(url)
        assert 0 < proxy.port < 65_536
        assert proxy.host
        assert SECRET not in repr(proxy) or SECRET in proxy.host or SECRET in (proxy.username or "")
    except ValueError as error:
        fault = str(error)
    assert SECRET not in fault


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, only=only)


if __name__ == "__main__":
    command(main, __doc__)
