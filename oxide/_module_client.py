"""The API without a client of one's own: `oxide.api_key = "..."`, then `oxide.responses.create(...)`.

The options are attributes of the package.  They are looked at in each call; where one of them has changed, a new client takes over, and
with it the connections of the one before.
"""

from __future__ import annotations

import os
import sys

from ._callers import BlockingCaller
from ._client import AnyClient, Client
from ._errors import ConfigurationError
from ._omit import not_given
from ._settings import Environment, concealed
from ._shared import Shared
from ._transport.blocking import BlockingBackend
from ._typing import TYPE_CHECKING
from .resources._lazy import resource
from .resources._namespaces import Namespaces

if TYPE_CHECKING:
    from typing import Any

    from ._exchange import Exchange

__all__ = ["NAMES", "OPTIONS", "namespaces"]

COMMON = (
    "admin_api_key",
    "api_key",
    "base_url",
    "default_headers",
    "default_query",
    "http_client",
    "max_retries",
    "organization",
    "project",
    "timeout",
    "webhook_secret",
)
AZURE = ("api_version", "azure_ad_token", "azure_ad_token_provider", "azure_deployment", "azure_endpoint")
OPTIONS = ("api_type", *COMMON, *AZURE)
"""What may be set on the package."""

NAMES = tuple(name for name, value in vars(Namespaces).items() if isinstance(value, resource))
"""The namespaces that the package offers."""


class _ModuleCaller(BlockingCaller):
    """Makes calls with the client that the options of the package ask for in that moment."""

    __slots__ = ("_client", "_mutex", "_options")

    def __init__(self) -> None:
        self._mutex = BlockingBackend().mutex
        self._client: Client | None = None
        self._options: dict[str, Any] = {}

    @property
    def exchange(self) -> Exchange:  # type: ignore[override]  # asked for in each call, and never set
        """The exchange of the current client."""
        return self.client()._caller.exchange  # pyright: ignore[reportPrivateUsage]  # one caller stands in for the other

    def renew(self) -> None:
        """In a forked child: nobody holds the mutex here, whoever did in the parent."""
        self._mutex = BlockingBackend().mutex

    def client(self) -> Client:
        """Return the current client; of many threads that ask at once, one makes it."""
        options = _options()
        with self._mutex:
            if self._client is None or options != self._options:
                kept = None if self._client is None else self._client._shared  # pyright: ignore[reportPrivateUsage]  # a copy of a kind
                self._client, self._options = _new_client(options, kept), options
            return self._client


def _options() -> dict[str, Any]:
    """Return what was set on the package, as it is now."""
    value_of = vars(sys.modules[__package__ or ""]).get  # the dictionary itself would show the key in a traceback
    given = concealed({name: value_of(name, not_given) for name in OPTIONS})
    return {name: {**value} if value and name in ("default_headers", "default_query") else value for name, value in given.items()}


def _new_client(options: dict[str, Any], shared: Shared | None) -> Client:
    kind, names = _kind(options)
    own = {name: value for name, value in options.items() if name in names}
    client = kind.__new__(kind)
    AnyClient.__init__(client, {"official": own}, shared)
    client._begin()  # pyright: ignore[reportPrivateUsage]  # what `with_options` does, too
    return client


def _kind(options: dict[str, Any]) -> tuple[type[Client], tuple[str, ...]]:
    """Return the class of client that is meant, and which options it takes."""
    environment = Environment(os.environ)
    host = options.get("api_type") or environment.get("OPENAI_API_TYPE") or _likely(options, environment)
    if host == "openai":
        return Client, COMMON
    if host != "azure":
        raise ConfigurationError(f"api_type must be 'openai' or 'azure', not {host!r}")
    from ._azure import AzureOpenAI

    return AzureOpenAI, COMMON + AZURE


def _likely(options: dict[str, Any], environment: Environment) -> str:
    """Return the host for which there are credentials."""
    azure = any(options.get(name) for name in ("azure_endpoint", "azure_ad_token", "azure_ad_token_provider"))
    azure = azure or any(environment.get(name) for name in ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT"))
    if azure and environment.get("OPENAI_API_KEY"):
        raise ConfigurationError("There are credentials for two hosts: set api_type or OPENAI_API_TYPE to 'openai' or to 'azure'.")
    return "azure" if azure else "openai"


class _ModuleNamespaces(Namespaces):
    """The namespaces of the package: those of a client, over the caller that finds the client."""

    def __init__(self, caller: _ModuleCaller) -> None:
        self._caller = caller


_caller = _ModuleCaller()
namespaces = _ModuleNamespaces(_caller)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_caller.renew)
