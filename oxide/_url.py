"""URLs, as far as this library needs them: where to connect, and what stands in the request line. Nothing is imported for it."""

from __future__ import annotations

from ._errors import ConfigurationError
from ._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Origin", "encode_query", "join_reference", "parse_url", "quote_segment"]

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS = {"http": 80, "https": 443, "unix": 0}
_SEGMENT = _UNRESERVED | frozenset("!$&'()*+,;=:@")  # RFC 3986, 3.3: pchar
_TARGET = _UNRESERVED | frozenset("!$&'()*+,;=:@/?%[]|")


class Origin:
    """Scheme, host and port of a server, or the path of its Unix socket; equal origins share connections and credentials."""

    __slots__ = ("authority", "host", "key", "path", "port", "scheme")

    def __init__(self, scheme: str, host: str, port: int, path: str | None = None) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        shown = f"[{host}]" if ":" in host else host
        self.authority = shown if port == _PORTS.get(scheme) else f"{shown}:{port}"
        self.key = (scheme, host, port, path)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Origin) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Origin({self})"

    def __str__(self) -> str:
        return f"unix://{self.path}" if self.path else f"{self.scheme}://{self.authority}"


def parse_url(url: str) -> tuple[Origin, str]:
    """Split an absolute URL into its origin and its target (path and query).

    `unix:///run/model.sock` names a Unix socket; `unix:///run/model.sock:/v1` a path behind it as well.

    Raises:
        ConfigurationError: it is no such URL; the message says what is wrong, and shows no credentials.
    """
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise ConfigurationError("the URL has white space, control or non-ASCII characters; percent-encode them")
    scheme, found, rest = url.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in _PORTS:
        raise ConfigurationError(f"the URL must begin with https://, http:// or unix://, not {url[:40]!r}")
    if scheme == "unix":
        return _unix(rest)
    cut = min((i for i in map(rest.find, "/?#") if i >= 0), default=len(rest))
    authority, target = rest[:cut], rest[cut:].partition("#")[0]
    if "@" in authority:
        raise ConfigurationError("the URL must not carry a user or password; pass api_key= or default_headers= instead")
    host, port = _host_and_port(authority, _PORTS[scheme])
    return Origin(scheme, host, port), target if target.startswith("/") else f"/{target}" if target else ""


def _unix(rest: str) -> tuple[Origin, str]:
    path, _, target = rest.partition(":")
    if not path.startswith("/"):
        raise ConfigurationError("a Unix socket is named by an absolute path, as in unix:///run/model.sock")
    return Origin("unix", "localhost", 0, path), target


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    if authority.startswith("["):
        host, closed, port = authority[1:].partition("]")
        valid = closed and ":" in host and all(c in "0123456789abcdefABCDEF:.%" for c in host) and port[:1] in ("", ":")
        port = port[1:]
    else:
        host, _, port = authority.partition(":")
        valid = bool(host) and all(c in _UNRESERVED for c in host) and not host.startswith(".")
    if not valid:
        raise ConfigurationError(f"the URL has no valid host: {authority[:60]!r}")
    if port and not (port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ConfigurationError(f"the port of the URL must be 1 to 65535, not {port[:10]!r}")
    return host.lower(), int(port) if port else default


def join_reference(origin: Origin, target: str, reference: str) -> tuple[Origin, str]:
    """Resolve the Location of a redirect (RFC 3986, 5.2) against the request's origin and target. Raises ConfigurationError."""
    reference = reference.partition("#")[0]
    if "://" in reference.partition("?")[0]:
        other, found = parse_url(reference)
        return other, found or "/"
    if not reference.isascii() or any(c not in _TARGET for c in reference):
        raise ConfigurationError("the redirect's location is no valid URL")
    if reference.startswith("//"):
        return parse_url(f"{origin.scheme}:{reference}")
    if ":" in reference.partition("?")[0].partition("/")[0]:  # RFC 3986, 4.2: no relative reference begins like that
        raise ConfigurationError("the redirect leads away from HTTP")
    path = target.partition("?")[0]
    if reference.startswith("/"):
        return origin, reference
    if reference.startswith("?"):
        return origin, path + reference
    return origin, _without_dots(path[: path.rfind("/") + 1] + reference)


def _without_dots(target: str) -> str:
    path, mark, query = target.partition("?")
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if len(kept) > 1:
                kept.pop()
        elif part != ".":
            kept.append(part)
    return "/".join(kept) + mark + query


def quote_segment(name: str, value: object) -> str:
    """Percent-encode one path parameter.

    Raises:
        ValueError: it is empty, "." or "..", or has a control character, and so would name another resource.
    """
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if not text or text in (".", ".."):
        raise ValueError(f"{name} must not be {text!r}: it stands in the path of the request")
    if _SEGMENT.issuperset(text):
        return text
    if any(c < " " or c == "\x7f" for c in text):
        raise ValueError(f"{name} has a control character: {text[:40]!r}")
    return _quote(text, _SEGMENT)


def _quote(text: str, plain: frozenset[str]) -> str:
    return "".join([c if c in plain else "".join([f"%{b:02X}" for b in c.encode()]) for c in text])


def encode_query(pairs: Iterable[tuple[str, object]]) -> str:
    """Return the query string: lists as `k[]=a&k[]=b`, mappings as `k[sub]=v`, booleans in lower case, None left out.

    A blank is written `+`, as forms and the official library do.
    """
    return "&".join([f"{_quote(name, _UNRESERVED)}={_quote(text, _UNRESERVED)}" for name, text in _flat(pairs)]).replace("%20", "+")


def _flat(pairs: Iterable[tuple[str, object]]) -> Iterable[tuple[str, str]]:
    for name, value in pairs:
        if value is None:
            continue
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif isinstance(value, dict):
            yield from _flat(
                [(f"{name}[{key}]", inner) for key, inner in cast("dict[object, object]", value).items()]
            )  # any keys, any values
        elif isinstance(value, (list, tuple, set, frozenset)):
            yield from _flat([(f"{name}[]", inner) for inner in cast("list[object]", value)])  # any items
        else:
            yield name, str(value)
