"""Which proxy leads to which server: the URL of a proxy, the variables of the environment, and the exceptions in `no_proxy`.

How one talks to a proxy is left to `proxy`.
"""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv6Address

__all__ = ["Proxy", "ProxyMap", "check_target", "ip_address", "parse_proxy"]


class Proxy:
    """Where a proxy is and how to talk to it.  Its repr keeps the password to itself.

    Args:
        scheme: "http", "https" (TLS with the proxy), "socks5" (names are looked up here) or "socks5h" (by the proxy).
        host: of the proxy, without brackets.
        port: of the proxy.
        username: None for no login.
        password: that goes with it.
    """

    __slots__ = ("host", "password", "port", "scheme", "username")

    def __init__(self, scheme: str, host: str, port: int, username: str | None = None, password: str | None = None) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.username = username
        self.password = password

    def _values(self) -> tuple[object, ...]:
        return self.scheme, self.host, self.port, self.username, self.password

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, Proxy) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        login = "" if self.username is None else f", {self.username!r}, [secret]"
        return f"Proxy({self.scheme!r}, {self.host!r}, {self.port}{login})"


PORTS = {"http": 1080, "https": 443, "socks5": 1080, "socks5h": 1080}
"""Ports where the URL names none, as curl chooses them; other programs take 80 for http, so that a URL had better name it."""

OTHER_SCHEMES = frozenset(("file", "ftp", "pac", "socks", "socks4", "socks4a", "ws", "wss"))
"""Schemes that an error may repeat.  Anything else before "://" may be half of a password."""


def parse_proxy(url: str) -> Proxy:
    """Read the URL of a proxy: `[scheme://][user[:password]@]host[:port][/]`, with http where no scheme is named.

    User name and password are percent-decoded.  No part of the URL but its scheme shows in an error, as any may be the password.

    Raises:
        ValueError: what is wrong with the URL.
    """
    scheme, mark, rest = url.strip().partition("://")
    if not mark:
        scheme, rest = "http", scheme
    scheme = scheme.lower()
    if scheme not in PORTS:
        told = repr(scheme) if scheme in OTHER_SCHEMES else "something else"
        raise ValueError(f"the scheme of a proxy URL is http, https, socks5 or socks5h, not {told}")
    authority, _, path = rest.partition("/")
    if path or "?" in authority or "#" in authority:
        raise ValueError("a proxy URL ends with its host and port; '/', '?', '#' and '@' in a password are written %2F, %3F, %23 and %40")
    login, _, place = authority.rpartition("@")
    host, port = split_port(place)
    if ":" in host and not place.startswith("["):
        raise ValueError("an IPv6 address in a proxy URL stands in brackets")
    check_target(host, PORTS[scheme] if port is None else port, "proxy URL")
    if not login:
        return Proxy(scheme, host.lower(), port or PORTS[scheme])
    username, _, password = login.partition(":")
    return Proxy(scheme, host.lower(), port or PORTS[scheme], percent_decoded(username), percent_decoded(password))


class ProxyMap:
    """Which proxy the environment names for which server.

    `https_proxy` and `http_proxy` stand for their schemes, `all_proxy` for both, `no_proxy` lists the servers to reach directly;
    each may be written in capitals, and the small one wins.  HTTP_PROXY in capitals is ignored where REQUEST_METHOD is set: in a CGI
    program it is a header of the request (CVE-2016-5385).

    `no_proxy` has entries between commas or blanks: a name, which stands for its sub-domains too, with or without a dot or "*."
    before it; an address; a network such as 10.0.0.0/8; each but the last with or without a port; or "*" for all servers.

    Args:
        variables: of the environment.
    """

    __slots__ = ("_direct", "_urls")

    def __init__(self, variables: Mapping[str, str]) -> None:
        cgi = "REQUEST_METHOD" in variables
        self._urls: dict[str, tuple[str, str]] = {}  # scheme -> the variable and its value
        for scheme in ("https", "http", "all"):
            small = f"{scheme}_proxy"
            for name in (small,) if cgi and scheme == "http" else (small, small.upper()):
                value = variables.get(name, "").strip()
                if value:
                    self._urls[scheme] = name, value
                    break
        direct = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
        self._direct = tuple(direct.replace(",", " ").lower().split())

    def choose(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Return the proxy for a server, or None to go there directly.

        Args:
            scheme: "http" or "https" ("ws", "wss").
            host: a name or an address, without brackets.
            port: of the server.

        Raises:
            ValueError: the variable whose turn it is, and what is wrong with its URL.
        """
        kind = "https" if scheme in ("https", "wss") else "http"
        name, url = self._urls.get(kind) or self._urls.get("all") or ("", "")
        if not url or self._reached_directly(host.lower().rstrip("."), port):
            return None
        try:
            return parse_proxy(url)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None

    def _reached_directly(self, host: str, port: int) -> bool:
        if not self._direct:
            return False
        address = ip_address(host)
        return any(entry == "*" or covers(entry, host, address, port) for entry in self._direct)


def covers(entry: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    """Tell whether one entry of `no_proxy` stands for a server; an entry that cannot be read stands for none."""
    if "/" in entry:
        return address is not None and in_network(entry, address)
    try:
        name, its_port = split_port(entry)
    except ValueError:
        return False
    if its_port not in (None, port):
        return False
    if address is not None:
        return ip_address(name) == address
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def in_network(entry: str, address: IPv4Address | IPv6Address) -> bool:
    from ipaddress import ip_network

    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False


def ip_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `host` is, or None for a name; `ipaddress` is imported only for what looks like one."""
    if ":" not in host and not host.replace(".", "").isdigit():
        return None
    import ipaddress

    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def split_port(place: str) -> tuple[str, int | None]:
    """Take `host`, `host:port`, `[address]`, `[address]:port` or a bare IPv6 address apart.

    Raises:
        ValueError: the port is no number from 1 to 65535, or a bracket is left open.
    """
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")) or ":" not in host:
            raise ValueError("brackets are for an IPv6 address, with nothing but a port behind them")
        port = port[1:]
    elif place.count(":") > 1:
        return place, None
    else:
        host, _, port = place.partition(":")
    if not port:
        return host, None
    if not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65_536):
        raise ValueError("the port is not a number from 1 to 65535")
    return host, int(port)


def check_target(host: str, port: int, where: str = "target") -> None:
    """Refuse what cannot be a host and a port; names of other scripts come here in their ASCII form."""
    if not host:
        raise ValueError(f"the {where} has no host")
    if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+;=%:-]{1,255}", host) or (":" in host and not ip_address(host)):
        raise ValueError(f"the host of the {where} is neither a name in ASCII nor an address")
    if not 0 < port < 65_536:
        raise ValueError(f"the port of the {where} is not from 1 to 65535")


def percent_decoded(text: str) -> str:
    data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes((int(match[1], 16),)), text.encode())
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError("the user name or password of a proxy URL is not UTF-8") from None
