"""Requests for tokens: over the connections of a client, but with none of its headers, hooks and keys."""

from __future__ import annotations

from .._exchange import Exchange
from .._operation import Options
from .._settings import settings_from
from .._timeout import Limits, Timeout
from .._transport.course import Opaque
from .._transport.http import HttpTransport
from .._typing import TYPE_CHECKING
from .._url import parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._transport.base import Backend
    from .._transport.dial import Security

__all__ = ["TIMEOUT", "ask", "ask_near"]

TIMEOUT = 10.0
"""Seconds that a token may take."""

MAX_BODY = 1 << 20
"""Bytes of the largest answer."""


async def ask(transport: HttpTransport, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> bytes:
    """Send a request and return the body of its answer. It is tried again where a call would be; redirects are not followed.

    Args:
        timeout: seconds for all of it.

    Raises:
        APIError: no answer, or an error status.
    """
    origin, target = parse_url(url)
    limit = Timeout(timeout, total=timeout)
    options = {"base_url": str(origin), "default_headers": headers, "keyless": True, "max_body": MAX_BODY}
    settings = settings_from({**options, "redirects": "none", "timeout": limit}, {})
    request = Options({}, settings).request(method, target, Opaque(body), {})
    request.fields = [field for field in request.fields if field[0] != "Idempotency-Key"]  # that is of the API
    _, content = await Exchange(settings, transport, transport.backend, None).send(request, whole=True)
    return Opaque(content)


async def ask_near(backend: Backend, security: Security, url: str, headers: Mapping[str, str], timeout: float) -> bytes:
    """Ask a service of the machine itself, which no proxy knows, over a connection that is then closed. Raises as `ask` does."""
    transport = HttpTransport(backend, Limits(), False, security, None)
    try:
        return await ask(transport, "GET", url, headers, b"", timeout)
    finally:
        transport.close()
