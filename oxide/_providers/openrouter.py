"""OpenRouter: many hosts behind one, which of them answer is told in the body."""

from __future__ import annotations

from .._typing import TYPE_CHECKING, Any
from .cache import Hints
from .host import Provider, kept, key_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from .host import Key

__all__ = ["ProviderPreferences", "openrouter"]

BASE_URL = "https://openrouter.ai/api/v1"
ROUTED = frozenset(("/chat/completions", "/completions", "/embeddings", "/responses"))
"""Paths whose bodies may say which hosts are wanted."""


class ProviderPreferences(dict[str, Any]):
    """Which hosts behind OpenRouter may answer; for a client, or for one call as `extra_body={"provider": preferences}`.

    It is the JSON object that is sent.

    Args:
        order: names of hosts, to be tried in this order.
        only, ignore: the hosts that may answer; those that may not.
        allow_fallbacks: whether others than those of `order` may answer when these cannot.
        require_parameters: whether a host must know every parameter of the request.
        data_collection: "deny" leaves out hosts that keep what they are sent.
        zdr: whether only hosts that keep nothing at all may answer.
        quantizations: the weights that will do, as in "fp8".
        sort: "price", "throughput" or "latency": the best host first.
        max_price: the most to pay, in dollars: {"prompt": 1, "completion": 2} for a million tokens each.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        order: Sequence[str] | None = None,
        only: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        allow_fallbacks: bool | None = None,
        require_parameters: bool | None = None,
        data_collection: Literal["allow", "deny"] | None = None,
        zdr: bool | None = None,
        quantizations: Sequence[str] | None = None,
        sort: Literal["price", "throughput", "latency"] | None = None,
        max_price: Mapping[str, float] | None = None,
    ) -> None:
        lists = {"order": order, "only": only, "ignore": ignore, "quantizations": quantizations}
        given: dict[str, Any] = {name: list(value) for name, value in lists.items() if value is not None}
        flags = {"allow_fallbacks": allow_fallbacks, "require_parameters": require_parameters, "zdr": zdr}
        given |= {name: value for name, value in flags.items() if value is not None}
        others = {"data_collection": data_collection, "sort": sort, "max_price": None if max_price is None else {**max_price}}
        given |= {name: value for name, value in others.items() if value is not None}
        super().__init__(given)

    @classmethod
    def pinned(cls, host: str) -> ProviderPreferences:
        """Return the preference for one host and no other, which must know every parameter."""
        return cls(only=[host], allow_fallbacks=False, require_parameters=True)

    @classmethod
    def prefer(cls, *hosts: str) -> ProviderPreferences:
        """Return the preference for some hosts, in this order, before all others."""
        return cls(order=hosts)

    @classmethod
    def fast(cls) -> ProviderPreferences:
        """Return the preference for hosts that write fast."""
        return cls(sort="throughput")

    @classmethod
    def cheap(cls) -> ProviderPreferences:
        """Return the preference for hosts that cost little."""
        return cls(sort="price")


class _Additions:
    """What is added to a body: the preferences, and hints to Anthropic's models what to keep."""

    __slots__ = ("_hints", "_preferences")

    def __init__(self, preferences: Mapping[str, Any] | None, hints: Hints | None) -> None:
        self._preferences = preferences
        self._hints = hints

    def __call__(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        added: dict[str, Any] = {**self._hints(path, body)} if self._hints is not None else {}
        if self._preferences and path in ROUTED and "provider" not in body:
            added["provider"] = {**self._preferences}
        return added


def openrouter(
    api_key: Key | None = None,
    *,
    app_url: str | None = None,
    app_title: str | None = None,
    preferences: ProviderPreferences | Mapping[str, Any] | None = None,
    cache: Literal["5m", "1h"] | None = None,
    base_url: str = BASE_URL,
) -> Provider:
    """OpenRouter, for `Client(provider=...)`.

    Args:
        api_key: the key, or a function that returns it; else OPENROUTER_API_KEY.
        app_url, app_title: of your program, for its place in OpenRouter's lists (the headers HTTP-Referer and X-Title).
        preferences: which hosts may answer, where a call does not say it.
        cache: marks the messages to Anthropic's models that are worth keeping, for as long; see `oxide.providers.cached`.

    Raises:
        ConfigurationError: there is no key.
    """
    api_key = kept(api_key)  # a traceback might show it
    headers = {name: text for name, text in (("HTTP-Referer", app_url), ("X-Title", app_title)) if text}
    hints = None if cache is None else Hints(cache, everywhere=False)
    amend = _Additions(preferences, hints) if preferences or hints else None
    key = key_for("OpenRouter", api_key, "OPENROUTER_API_KEY")
    return Provider("openrouter", base_url, key=key, headers=headers, amend=amend)
