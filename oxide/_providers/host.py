"""How a host differs from the one that the API was made for: a value, of which settings are made. A call knows nothing of hosts."""

from __future__ import annotations

import os

from .._errors import ConfigurationError
from .._settings import Environment, Secret, concealed, settings_from
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, TypeAlias

    from .._exchange import Authority
    from .._settings import Settings

    Key: TypeAlias = "str | Callable[[], str] | Callable[[], Awaitable[str]]"
    Amend: TypeAlias = "Callable[[str, Mapping[str, Any]], Mapping[str, Any]]"

__all__ = ["Provider", "kept", "key_for", "provider_settings", "variable"]

OWN = ("admin_api_key", "api_key", "base_url", "data_residency", "workload_identity")
"""Options of a client that its provider answers for."""

FOR_OTHERS = frozenset(
    ("OPENAI_ADMIN_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
)
"""Variables of the environment that are meant for the API's own host, and are not told to another one."""


class Provider:
    """A host, its credentials and its ways; made by the functions of `oxide.providers`. Its `repr` shows no secret.

    Args:
        name: of the host.
        base_url: where it is.
        key: its key, or a function that returns it; None where none is wanted, or where an authority brings what is.
        headers: what it wants with each request; `Secret` values are not shown.
        amend: (path, body) -> what goes into the body of a request besides; a call's own arguments win.
        authority: what authorizes each attempt, where that is more than a key.
        redirects: "none" where a signature or a token holds for one target only.
    """

    __slots__ = ("amend", "authority", "base_url", "headers", "key", "name", "redirects")

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        key: Key | None = None,
        headers: Mapping[str, str] | None = None,
        amend: Amend | None = None,
        authority: Authority | None = None,
        redirects: str = "same-origin",
    ) -> None:
        self.name = name
        self.base_url = base_url
        self.key = kept(key)
        self.headers: Mapping[str, str] = concealed({"default_headers": headers or {}})["default_headers"]
        self.amend = amend
        self.authority = authority
        self.redirects = redirects

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a client with what this host makes of them.

        Raises:
            ConfigurationError: one of them is for the provider to choose.
        """
        clash = [name for name in OWN if given.get(name) is not None]
        if clash:
            raise ConfigurationError(f"pass provider= without {' and '.join(clash)}; the provider has its own: oxide.providers.{self.name}")
        redirects = given.get("redirects", "same-origin")
        if redirects == "any" and self.redirects == "none":
            raise ConfigurationError(f"{self.name} follows no redirects: what authorizes a request holds for its own target alone")
        return {
            **given,
            "admin_api_key": self.key,
            "api_key": self.key,
            "base_url": self.base_url,
            "redirects": "none" if self.redirects == "none" else redirects,
            "default_headers": {**self.headers, **(given.get("default_headers") or {})},
            "amend": self.amend,
            "authority": self.authority,
            "host": self.name,
            "keyless": self.key is None,
        }

    def __repr__(self) -> str:
        return f"<provider {self.name} {self.base_url}>"


def provider_settings(provider: object, given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Make the settings of a client that has a provider. Raises ConfigurationError."""
    if not isinstance(provider, Provider):
        raise ConfigurationError(f"provider must be made by a function of oxide.providers, not a {type(provider).__name__}")
    rest = Environment({name: text for name, text in environment.items() if name not in FOR_OTHERS})
    return settings_from(provider.options({name: value for name, value in given.items() if name != "provider"}), rest)


def variable(*names: str) -> str | None:
    """Return the first of some variables of the environment that says something."""
    return next((text for name in names if (text := os.environ.get(name, "").strip())), None)


def kept(key: Key | None) -> Key | None:
    """Return a key whose `repr` does not show it: a traceback may show the local variables of whom it was passed to."""
    return Secret(key) if isinstance(key, str) else key


def key_for(host: str, given: Key | None, name: str) -> Key:
    """Return the key that was given, or the one in the environment. Raises ConfigurationError where there is neither."""
    if given is not None:
        return given
    found = Secret(os.environ.get(name, "").strip())
    if not found:
        raise ConfigurationError(f"There is no key for {host}: pass api_key= to the provider, or set {name}")
    return found
