"""Vertex, the models in Google's cloud: its hosts, and the tokens that google-auth knows how to get."""

from __future__ import annotations

import re

from .._clock import unix_time
from .._errors import APIStatusError, ConfigurationError
from .._settings import Secret
from .._timeout import Limits
from .._transport.http import HttpTransport
from .._typing import TYPE_CHECKING
from .._url import parse_url
from .host import Provider, variable
from .requests import TIMEOUT, ask
from .tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from .._exchange import Exchange
    from .._protocol.proxy import Proxy
    from .._transport.dial import Security
    from .._url import Origin

__all__ = ["vertex"]

PROJECT = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9_.:-]*")
LOCATION = re.compile(r"[a-z0-9-]+")
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def vertex(
    *,
    project: str | None = None,
    location: str | None = None,
    base_url: str | None = None,
    token_provider: Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
    credentials: object = None,
) -> Provider:
    """Vertex, for `Client(provider=...)`.

    Args:
        project, location: else GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION.
        base_url: the whole URL, in place of the one made of them.
        token_provider: a function that returns an access token, asked at each attempt.
        credentials: an object of google-auth; with neither, the default credentials that google-auth finds, which must be installed.

    Raises:
        ConfigurationError: no project or location, two kinds of credentials, or an URL that would show them.
    """
    if token_provider is not None and credentials is not None:
        raise ConfigurationError("pass credentials= or token_provider=, not both")
    base = base_url or _base_url(project or variable("GOOGLE_CLOUD_PROJECT"), location or variable("GOOGLE_CLOUD_LOCATION"))
    origin, target = parse_url(base)
    if "?" in target:
        raise ConfigurationError("the base_url of Vertex has no query")
    if origin.scheme != "https" and f".{origin.host.rstrip('.')}".endswith(".googleapis.com"):
        raise ConfigurationError("Google's own hosts are reached by https")
    authority = None if token_provider is not None else GoogleTokens(credentials)
    return Provider("vertex", base, key=token_provider, authority=authority, redirects="none")


def _base_url(project: str | None, location: str | None) -> str:
    if not project or not PROJECT.fullmatch(project):
        raise ConfigurationError("Vertex wants a project: pass project=, or set GOOGLE_CLOUD_PROJECT")
    if not location or not LOCATION.fullmatch(location):
        raise ConfigurationError("Vertex wants a location: pass location=, or set GOOGLE_CLOUD_LOCATION")
    host = "aiplatform.googleapis.com" if location == "global" else f"{location}-aiplatform.googleapis.com"
    return f"https://{host}/v1/projects/{project}/locations/{location}/publishers/openai/v1"


class GoogleTokens(Tokens):
    """Authorizes calls by the tokens of credentials of google-auth, which are renewed over connections of ours."""

    __slots__ = ("_credentials",)

    def __init__(self, credentials: object) -> None:
        super().__init__(buffer=225.0)  # as google-auth does
        self._credentials: Any = credentials

    def __reduce__(self) -> tuple[object, ...]:
        return GoogleTokens, (self._credentials,)

    async def fetch(self, exchange: Exchange, deadline: float) -> tuple[str, float]:
        """Renew the credentials. Raises ConfigurationError."""
        transport = exchange.transport
        return await exchange.aside(lambda: self._renewed(GoogleRequest(transport.security, transport.proxy_of)))

    def _renewed(self, request: GoogleRequest) -> tuple[str, float]:
        try:
            self._credentials = credentials = _scoped(self._credentials or _default(request))
            credentials.refresh(request)
        except ConfigurationError:
            raise
        except Exception as error:  # of any kind; its text, and what it came from, may show keys
            kind = type(error).__name__
            raise ConfigurationError(f"Google's credentials cannot be renewed ({kind}): look at the project and at their end") from None
        finally:
            request.close()
        end = credentials.expiry
        return Secret(credentials.token), 3600.0 if end is None else max(1.0, _unix(end) - unix_time())


def _default(request: GoogleRequest) -> Any:
    try:
        google: Any = __import__("google.auth")
    except ImportError:
        raise ConfigurationError("pass token_provider= or credentials= to vertex(), or install google-auth") from None
    return google.auth.default(scopes=SCOPES, request=request)[0]


def _scoped(credentials: Any) -> Any:
    return credentials.with_scopes(SCOPES) if getattr(credentials, "requires_scopes", False) else credentials


def _unix(end: Any) -> float:
    """Return the seconds of a moment that google-auth tells: in UTC, which it does not say."""
    from datetime import timezone

    moment: float = (end if end.tzinfo else end.replace(tzinfo=timezone.utc)).timestamp()
    return moment


class GoogleAnswer:
    """An answer as google-auth wants it."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


class GoogleRequest:
    """The requests of google-auth, in a thread that may wait; a transport in its sense."""

    __slots__ = ("_transport",)

    def __init__(self, security: Security, proxy_of: Callable[[Origin], Proxy | None]) -> None:
        from .._transport.blocking import BlockingBackend

        self._transport = HttpTransport(BlockingBackend(), Limits(), False, security, proxy_of)

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> GoogleAnswer:
        """Send a request and return its answer, whatever its status."""
        from .._transport.base import run_now

        content = body.encode() if isinstance(body, str) else body or b""
        try:
            data = run_now(ask(self._transport, method, url, headers or {}, content, timeout or TIMEOUT))
        except APIStatusError as error:
            return GoogleAnswer(error.status_code, error.response.headers, error.response.content)
        return GoogleAnswer(200, {}, data)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
