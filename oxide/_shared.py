"""What a client and its copies share: the connections, how they are made, and the budget for retries."""

from __future__ import annotations

from _weakref import ref

from ._errors import ConfigurationError
from ._judge import CLOSED
from ._omit import NotGiven, not_given
from ._protocol.retry import RetryBudget
from ._timeout import Limits
from ._transport.dial import Security
from ._transport.http import HttpTransport
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ._protocol.proxy import Proxy
    from ._transport.base import Backend
    from ._url import Origin

__all__ = ["Shared"]


class Shared:
    """What a client and its copies share: the connections and the retry budget.

    The last one to leave closes them. A copy that was dropped, as most are after one call, holds nothing any more.
    """

    def __init__(self, options: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._holders: set[ref[object]] = set()  # each step on it is atomic: copies are made and closed by many threads
        self._closed = False
        self._limits = _checked_limits(options.get("limits"))
        self._http2: bool | str = _checked_http2(options.get("http2", "auto"))
        self._security = _security(options, environment)
        self._proxy_for = _proxy_choice(options.get("proxy", not_given), environment)
        self._transports: dict[object, HttpTransport] = {}
        self.budget: RetryBudget = RetryBudget()

    def transport(self, place: object, new_backend: Callable[[], Backend]) -> HttpTransport:
        """Return the connections of one world: `place` is the event loop, or None for the threads."""
        transport = self._transports.get(place)
        if transport is None:
            if self._closed:
                raise ConfigurationError(CLOSED)
            self._leave_closed_loops()
            transport = HttpTransport(new_backend(), self._limits, self._http2, self._security, self._proxy_for)
            self._transports[place] = transport
        return transport

    def _leave_closed_loops(self) -> None:
        for place in [place for place in list(self._transports) if place is not None and place.is_closed()]:  # type: ignore[attr-defined]  # a loop
            left = self._transports.pop(place, None)  # unless another thread was faster
            if left is not None:
                left.close()

    def hold(self, client: object) -> None:
        """Join in, for as long as the client lives or until it leaves."""
        self._holders.add(ref(client, self._holders.discard))

    def leave(self, client: object) -> None:
        """Leave; the last one closes the connections."""
        self._holders.discard(ref(client))
        if not self._holders:
            self._closed = True
            for transport in list(self._transports.values()):
                transport.close()


def _checked_limits(value: object) -> Limits:
    if value is None:
        return Limits()
    if not isinstance(value, Limits):
        raise ConfigurationError(f"limits must be oxide.Limits, not a {type(value).__name__}")
    return value


def _checked_http2(value: bool | str) -> bool | str:
    if not isinstance(value, bool) and value != "auto":
        raise ConfigurationError(f'http2 must be True, False or "auto", not {value!r}')
    return value


def _security(options: Mapping[str, Any], environment: Mapping[str, str]) -> Security:
    trust = options.get("trust") or "certifi"
    if trust not in ("certifi", "system"):
        raise ConfigurationError(f'trust must be "certifi" or "system", not {trust!r}; for your own roots pass ssl_context=')
    context = options.get("ssl_context")
    if context is not None and not hasattr(context, "wrap_bio"):
        raise ConfigurationError(f"ssl_context must be an ssl.SSLContext, not a {type(context).__name__}")
    files = environment.get("SSL_CERT_FILE") or None, environment.get("SSL_CERT_DIR") or None
    return Security(trust, context, cafile=files[0], capath=files[1])


def _proxy_choice(proxy: object, environment: Mapping[str, str]) -> Callable[[Origin], Proxy | None] | None:
    """Return what tells the proxy for an origin: the option's, or what the environment says; None where there is none at all."""
    if isinstance(proxy, str):
        from ._protocol.proxy import parse_proxy

        try:
            only = parse_proxy(proxy)
        except ValueError as problem:
            raise ConfigurationError(f"proxy: {problem}") from None
        return lambda origin: None if origin.path else only
    if not (proxy is None or isinstance(proxy, NotGiven)):
        raise ConfigurationError("proxy must be a URL such as http://user:password@host:8080, or None for no proxy")
    if proxy is None or not any(name.lower().endswith("_proxy") for name in environment):
        return None
    from ._protocol.proxy import ProxyMap

    variables = ProxyMap(environment)

    def chosen(origin: Origin) -> Proxy | None:
        try:
            return None if origin.path else variables.choose(origin.scheme, origin.host, origin.port)
        except ValueError as problem:
            raise ConfigurationError(f"the environment: {problem}") from None

    return chosen
