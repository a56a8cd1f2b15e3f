"""`Client` and `AsyncClient`: construction, lifetime, and the namespaces of the API. All that happens in a call happens in `_exchange`."""

from __future__ import annotations

import os

from ._callers import BlockingCaller, LoopCaller
from ._errors import ConfigurationError
from ._exchange import Exchange
from ._judge import CLOSED
from ._log import listen
from ._omit import NotGiven, not_given
from ._protocol.headers import Headers
from ._settings import Environment, concealed, settings_from
from ._shared import Shared
from ._typing import TYPE_CHECKING
from ._verbs import AsyncVerbs, Verbs
from .resources._namespaces import AsyncNamespaces, Namespaces

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, Literal, TypeAlias, TypedDict

    from typing_extensions import Self, Unpack

    from ._hedged import Hedging
    from ._omit import Omit
    from ._protocol.limiter import RateLimiter
    from ._protocol.retry import RetryPolicy
    from ._providers.host import Provider
    from ._providers.workload import Identity, WorkloadIdentityAuth
    from ._settings import Settings
    from ._timeout import Limits, Timeout
    from ._transport.base import Backend

    Region: TypeAlias = Literal["global", "us", "eu", "ae", "au", "in", "jp"]

    class OfficialOptions(TypedDict, total=False):
        """Options of the official client that have other names here, or no counterpart: they are explained, not ignored."""

        http_client: None
        websocket_base_url: str | None
        _strict_response_validation: bool
        _enforce_credentials: bool

    class SharedOptions(OfficialOptions, total=False):
        """The options of every client, whatever the host."""

        admin_api_key: str | Callable[[], str] | Callable[[], Awaitable[str]]
        organization: str | None
        project: str | None
        webhook_secret: str | None
        timeout: float | Timeout | None
        max_retries: int
        default_headers: Mapping[str, str | Omit] | None
        default_query: Mapping[str, object] | None
        limits: Limits
        http2: bool | Literal["auto"]
        proxy: str | None
        ssl_context: ssl.SSLContext
        trust: Literal["certifi", "system"]
        retry: RetryPolicy
        redirects: Literal["same-origin", "any", "none"]
        hooks: Sequence[object]
        rate_limiter: RateLimiter | None
        max_body: int
        strict: bool

    class ClientOptions(SharedOptions, total=False):
        """The options of `with_options`: those of the clients, and two that replace what would be added."""

        api_key: str | Callable[[], str] | Callable[[], Awaitable[str]]
        base_url: str
        data_residency: Region
        provider: Provider | None
        workload_identity: Identity | WorkloadIdentityAuth | None
        set_default_headers: Mapping[str, str | Omit]
        set_default_query: Mapping[str, object]


__all__ = ["AnyClient", "AsyncClient", "Client"]

_ROUTING = frozenset(("limits", "http2", "proxy", "ssl_context", "trust"))
"""Options of the connections: a copy with other ones cannot share them."""

_CHOICES = (
    frozenset(("base_url", "data_residency", "azure_endpoint")),
    frozenset(
        (
            "api_key",
            "aws_access_key_id",
            "aws_credentials_provider",
            "aws_profile",
            "aws_secret_access_key",
            "aws_session_token",
            "azure_ad_token",
            "azure_ad_token_provider",
            "bedrock_token_provider",
            "workload_identity",
        )
    ),
)
"""Options of which a client has one: another one takes its place."""

_OF_THE_HOST = _CHOICES[0] | _CHOICES[1] | {"admin_api_key"}
"""Options that a provider answers for."""

_NONE = ("proxy", "timeout")
"""Options that mean something by None."""


class AnyClient:
    """What both clients are made of: the options as they were given, and the settings made of them."""

    _hedging: Hedging | None = None

    def __init__(self, options: dict[str, Any], shared: Shared | None = None) -> None:
        official = options.pop("official", None)
        if official:
            self._check_options(official)
            options.update(concealed(official))
        self._options = {name: value for name, value in options.items() if value is not not_given and (value is not None or name in _NONE)}
        if "workload_identity" in self._options:
            from ._providers.workload import identity_of

            self._options["workload_identity"] = identity_of(self._options["workload_identity"])  # with one token for all copies
        environment = Environment(os.environ)
        self._settings = self._settings_of(self._options, environment)
        listen(environment)
        self._shared = shared or Shared(self._options, environment)
        self._shared.hold(self)
        self._closed = False

    def _known(self) -> frozenset[str]:
        """Return the names of the options that exist."""
        return OPTIONS

    def _check_options(self, options: Mapping[str, Any]) -> None:
        if options.keys() - self._known():
            from ._official import check_option

            for name, value in options.items():
                check_option(name, value, self._known())

    def _settings_of(self, options: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
        """Make the settings; a host with ways of its own translates its options first."""
        if options.get("provider") is not None:
            from ._providers.host import provider_settings

            return provider_settings(options["provider"], options, environment)
        if "workload_identity" in options:
            from ._providers.workload import identity_settings

            return identity_settings(options["workload_identity"], options, environment)
        return settings_from(options, environment)

    @property
    def api_key(self) -> str | None:
        """The key, where it is a string; its `repr` does not show it."""
        key = self._settings.api_key
        return key if isinstance(key, str) else None

    @property
    def base_url(self) -> str:
        """Where the requests go."""
        return self._settings.base_url

    @property
    def default_headers(self) -> Headers:
        """What every request carries, the key excepted."""
        return Headers(self._settings.fields)

    @property
    def default_query(self) -> dict[str, object]:
        """What every request has in its query."""
        return {**self._settings.default_query}

    @property
    def organization(self) -> str | None:
        """The organization that pays."""
        return self._settings.organization

    @property
    def project(self) -> str | None:
        """The project that pays."""
        return self._settings.project

    @property
    def timeout(self) -> Timeout:
        """How long the waits of a call may take."""
        return self._settings.timeout

    @property
    def max_retries(self) -> int:
        """How many times a failed call is tried again."""
        return self._settings.max_retries

    @property
    def webhook_secret(self) -> str | None:
        """The secret that webhooks are signed with."""
        return self._settings.webhook_secret

    def with_options(self, **changes: Unpack[ClientOptions]) -> Self:
        """Return a copy with other options; it shares the connections, and closing it leaves this one open.

        `default_headers` and `default_query` are added to those of this client; `set_default_headers` and `set_default_query` replace
        them.  A copy with other `limits`, `http2`, `proxy`, `ssl_context` or `trust` has connections of its own.

        Raises:
            ConfigurationError: an option that cannot be, or this client is closed.
            TypeError: an option that does not exist.
        """
        options: dict[str, Any] = {**self._options}
        hidden, routing = concealed(changes), _ROUTING & changes.keys()
        del changes  # a traceback might show them
        for choice in _CHOICES:
            if choice & hidden.keys():
                options = {name: value for name, value in options.items() if name not in choice}
        if "provider" in hidden:
            options = {name: value for name, value in options.items() if name not in _OF_THE_HOST}
        self._check_options(hidden)
        for name, value in hidden.items():
            if name in ("default_headers", "default_query"):
                options[name] = {**(options.get(name) or {}), **(value or {})}
            else:
                options[name.removeprefix("set_")] = value
        return self._copy(options, None if routing else self._shared, self._hedging)

    copy = with_options

    def hedged(self, delay: float | str = 1.5, copies: int = 2, budget: float = 0.1) -> Self:
        """Return a copy whose calls are hedged: one that is slow is sent once more, and the first answer counts.

        It shares the connections; its own copies share its budget and what it has learnt.  A body that can be read only once is sent once.

        Args:
            delay: seconds after which the next copy of a call starts; or a percentile from "p50" to "p99" of the latencies of the
                operation that this client has seen, which starts none before there are twenty.
            copies: the most copies of a call, the first one included.
            budget: the most copies beyond the first, as a share of the calls.

        Raises:
            ConfigurationError: an argument that cannot be, or this client is closed.
        """
        from ._hedged import hedging  # which few programs need

        return self._copy(self._options, self._shared, hedging(delay, copies, budget))

    def _copy(self, options: dict[str, Any], shared: Shared | None, hedging: Hedging | None) -> Self:
        if self._closed:
            raise ConfigurationError(CLOSED)
        copy = type(self).__new__(type(self))
        AnyClient.__init__(copy, options, shared)
        copy._hedging = hedging
        copy._begin()
        return copy

    @property
    def _wrap(self) -> Callable[[Exchange], Exchange] | None:
        """What makes of an exchange the one of this client, where that has ways of its own."""
        return None if self._hedging is None else self._hedging.exchange

    def _begin(self) -> None:
        """Make what differs between the two clients."""

    def is_closed(self) -> bool:
        """Whether this client was closed."""
        return self._closed

    def _close(self, caller: BlockingCaller | LoopCaller) -> None:
        if not self._closed:
            self._closed = True
            caller.close()
            self._shared.leave(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url if '_settings' in self.__dict__ else 'in the making'}>"

    def __reduce__(self) -> tuple[object, ...]:
        policy = None if self._hedging is None else (self._hedging.policy.delay, self._hedging.policy.copies, self._hedging.policy.budget)
        return _unpickled, (type(self), {**self._options, **_plain_key(self._options)}, policy)


PLAIN = ("api_key", "admin_api_key", "aws_secret_access_key", "aws_session_token", "azure_ad_token")


def _plain_key(options: Mapping[str, Any]) -> dict[str, Any]:
    """A key that was given to the client travels with it; one from the environment is looked for where it arrives."""
    return {name: str(options[name]) for name in PLAIN if isinstance(options.get(name), str)}


def _unpickled(
    kind: type[Client] | type[AsyncClient], options: dict[str, Any], hedging: tuple[float | str, int, float] | None
) -> Client | AsyncClient:
    client = kind(**options)
    return client if hedging is None else client.hedged(*hedging)


class Client(AnyClient, Verbs, Namespaces):
    """The OpenAI API, for scripts and threads: calls return when they have their result.

    One client may be used from many threads, and is best made once: it keeps its connections.  It is a context manager.

    Args:
        api_key: the key, or a function that returns it, asked at each attempt; else OPENAI_API_KEY.
        organization, project: who pays; else OPENAI_ORG_ID, OPENAI_PROJECT_ID.
        base_url: where the API is; else OPENAI_BASE_URL; `unix:///run/model.sock` for a Unix socket.
        webhook_secret: what webhooks are signed with; else OPENAI_WEBHOOK_SECRET.
        timeout: seconds for each kind of wait, or a `Timeout`.
        max_retries: how many times a failed call is tried again.
        default_headers, default_query: sent with every request.
        limits: how many connections.
        http2: "auto" (many requests at once share connections), True or False.
        proxy: the URL of a proxy; None for none; left out, the environment tells (HTTPS_PROXY, ALL_PROXY, NO_PROXY).
        ssl_context: a TLS context to use as it is.
        trust: "certifi" or "system": whose root certificates to trust.
        retry: when to try again, and after how long.
        redirects: "same-origin", "any" or "none".
        hooks: objects with any of the methods on_request, on_response, on_error, on_retry; called at every attempt.
        rate_limiter: lets requests wait for their turn, so that the service refuses none; several clients may share one.
        max_body: bytes of the largest answer that is read whole.
        strict: whether an answer that is not what the API describes raises APIResponseValidationError.
        data_residency: the region whose base URL is used, in place of `base_url`.
        provider: another host, with its ways and credentials, made by a function of `oxide.providers`; in place of keys and base URL.
        workload_identity: who this program is where it runs, in place of a key; see `oxide.auth`.
        official: options of the official client; each is translated, or refused with the name of ours.

    Raises:
        ConfigurationError: there is no key, or an option cannot be.
        TypeError: an option that does not exist.
    """

    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | None = None,
        admin_api_key: str | Callable[[], str] | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        base_url: str | None = None,
        timeout: float | Timeout | None | NotGiven = not_given,
        max_retries: int | None = None,
        default_headers: Mapping[str, str | Omit] | None = None,
        default_query: Mapping[str, object] | None = None,
        limits: Limits | None = None,
        http2: bool | Literal["auto"] = "auto",
        proxy: str | None | NotGiven = not_given,
        ssl_context: ssl.SSLContext | None = None,
        trust: Literal["certifi", "system"] = "certifi",
        retry: RetryPolicy | None = None,
        redirects: Literal["same-origin", "any", "none"] = "same-origin",
        hooks: Sequence[object] | None = None,
        rate_limiter: RateLimiter | None = None,
        max_body: int | None = None,
        strict: bool = False,
        data_residency: Region | None = None,
        provider: Provider | None = None,
        workload_identity: Identity | WorkloadIdentityAuth | None = None,
        **official: Unpack[OfficialOptions],
    ) -> None:
        options = concealed(locals())
        del options["self"], api_key, admin_api_key, webhook_secret, default_headers, proxy  # a traceback might show them
        AnyClient.__init__(self, options)  # `super` would put itself among the locals
        self._begin()

    def _begin(self) -> None:
        transport = self._shared.transport(None, _new_blocking_backend)
        exchange = Exchange(self._settings, transport, transport.backend, self._shared.budget)
        self._caller = BlockingCaller(exchange if self._wrap is None else self._wrap(exchange))

    def close(self) -> None:
        """Close the client; the connections are closed with the last of its copies."""
        self._close(self._caller)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._close(self._caller)


class AsyncClient(AnyClient, AsyncVerbs, AsyncNamespaces):
    """The OpenAI API, for asyncio: calls are awaited.

    One client may be used by many tasks, and is best made once: it keeps its connections, those of each event loop apart.  It is an
    asynchronous context manager.  The arguments are those of `Client`; `api_key` and hooks may be coroutine functions as well.
    """

    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
        admin_api_key: str | Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        base_url: str | None = None,
        timeout: float | Timeout | None | NotGiven = not_given,
        max_retries: int | None = None,
        default_headers: Mapping[str, str | Omit] | None = None,
        default_query: Mapping[str, object] | None = None,
        limits: Limits | None = None,
        http2: bool | Literal["auto"] = "auto",
        proxy: str | None | NotGiven = not_given,
        ssl_context: ssl.SSLContext | None = None,
        trust: Literal["certifi", "system"] = "certifi",
        retry: RetryPolicy | None = None,
        redirects: Literal["same-origin", "any", "none"] = "same-origin",
        hooks: Sequence[object] | None = None,
        rate_limiter: RateLimiter | None = None,
        max_body: int | None = None,
        strict: bool = False,
        data_residency: Region | None = None,
        provider: Provider | None = None,
        workload_identity: Identity | WorkloadIdentityAuth | None = None,
        **official: Unpack[OfficialOptions],
    ) -> None:
        options = concealed(locals())
        del options["self"], api_key, admin_api_key, webhook_secret, default_headers, proxy  # a traceback might show them
        AnyClient.__init__(self, options)  # `super` would put itself among the locals
        self._begin()

    def _begin(self) -> None:
        self._caller = LoopCaller(self._settings, self._shared, self._wrap)

    async def close(self) -> None:
        """Close the client; the connections are closed with the last of its copies."""
        self._close(self._caller)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._close(self._caller)


def _new_blocking_backend() -> Backend:
    from ._transport.blocking import BlockingBackend

    return BlockingBackend()


OPTIONS = frozenset(Client.__init__.__code__.co_varnames[1 : Client.__init__.__code__.co_kwonlyargcount + 1]) | {
    "set_default_headers",
    "set_default_query",
}
