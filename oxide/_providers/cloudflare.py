"""Cloudflare: models of its own (Workers AI), and a gateway in front of those of others (AI Gateway)."""

from __future__ import annotations

from .._errors import ConfigurationError
from .._json import encode
from .._settings import Secret
from .._typing import TYPE_CHECKING
from .._url import quote_segment
from .host import Provider, kept, key_for, variable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from .host import Key

__all__ = ["cloudflare", "cloudflare_gateway"]

WORKERS_AI = "https://api.cloudflare.com/client/v4/accounts"
GATEWAY = "https://gateway.ai.cloudflare.com/v1"


def _account(given: str | None) -> str:
    account = given or variable("CLOUDFLARE_ACCOUNT_ID")
    if not account:
        raise ConfigurationError("Cloudflare wants the number of an account: pass account_id=, or set CLOUDFLARE_ACCOUNT_ID")
    return quote_segment("account_id", account)


def cloudflare(
    account_id: str | None = None, api_key: Key | None = None, *, session_affinity: str | None = None, base_url: str | None = None
) -> Provider:
    """Workers AI, for `Client(provider=...)`; its models are called `@cf/...`.

    Args:
        account_id: else CLOUDFLARE_ACCOUNT_ID.
        api_key: a token of the API, or a function that returns it; else CLOUDFLARE_API_TOKEN.
        session_affinity: requests with the same text go to the same machine, which may still know the beginning of the prompt.
        base_url: the whole URL, in place of the one made of the account.

    Raises:
        ConfigurationError: account or key are missing.
    """
    api_key = kept(api_key)  # a traceback might show it
    base = base_url or f"{WORKERS_AI}/{_account(account_id)}/ai/v1"
    headers = {"x-session-affinity": session_affinity} if session_affinity else {}
    return Provider("cloudflare", base, key=key_for("Cloudflare", api_key, "CLOUDFLARE_API_TOKEN"), headers=headers)


def cloudflare_gateway(
    account_id: str | None = None,
    gateway: str = "default",
    *,
    api_key: Key | None = None,
    gateway_token: str | None = None,
    upstream: str = "compat",
    cache_ttl: float | None = None,
    skip_cache: bool | None = None,
    cache_key: str | None = None,
    request_timeout: float | None = None,
    max_attempts: int | None = None,
    retry_delay: float | None = None,
    backoff: Literal["constant", "linear", "exponential"] | None = None,
    metadata: Mapping[str, str | float | bool] | None = None,
    collect_log: bool | None = None,
    base_url: str | None = None,
) -> Provider:
    """AI Gateway, for `Client(provider=...)`: it counts, keeps and repeats what goes to the host behind it.

    Args:
        account_id: else CLOUDFLARE_ACCOUNT_ID.
        gateway: its name.
        api_key: the key of the host behind; None where the gateway keeps it.
        gateway_token: for a gateway that wants one itself (cf-aig-authorization); else CF_AIG_TOKEN.
        upstream: "compat", where models are called `openai/...`, or the path of one host, as "openai" or "workers-ai/v1".
        cache_ttl: seconds that an answer is kept.
        skip_cache: whether to ask anew.
        cache_key: answers to requests with the same key are the same.
        request_timeout: seconds until the gateway gives up, or turns to the next model.
        max_attempts, retry_delay, backoff: how often, after how many seconds, and how patiently the gateway tries again.
        metadata: what to note with each request.
        collect_log: whether the gateway writes its log.
        base_url: the whole URL, in place of the one made of account, gateway and upstream.

    Raises:
        ConfigurationError: the account is missing, or there is neither a key nor a token.
    """
    api_key, token = kept(api_key), Secret(gateway_token or variable("CF_AIG_TOKEN") or "")
    del gateway_token  # a traceback might show it
    base = base_url or f"{GATEWAY}/{_account(account_id)}/{quote_segment('gateway', gateway)}/{upstream.strip('/')}"
    if api_key is None and not token:
        raise ConfigurationError("AI Gateway wants api_key= of the host behind it, or gateway_token= of its own (CF_AIG_TOKEN)")
    values = {
        "cf-aig-authorization": Secret(f"Bearer {token}") if token else None,
        "cf-aig-backoff": backoff,
        "cf-aig-cache-key": cache_key,
        "cf-aig-cache-ttl": _number(cache_ttl),
        "cf-aig-collect-log": _truth(collect_log),
        "cf-aig-max-attempts": _number(max_attempts),
        "cf-aig-metadata": None if metadata is None else encode({**metadata}).decode(),
        "cf-aig-request-timeout": _number(request_timeout, 1000),
        "cf-aig-retry-delay": _number(retry_delay, 1000),
        "cf-aig-skip-cache": _truth(skip_cache),
    }
    headers = {name: value for name, value in values.items() if value is not None}
    return Provider("cloudflare_gateway", base, key=api_key, headers=headers)


def _truth(value: bool | None) -> str | None:
    return None if value is None else "true" if value else "false"


def _number(value: float | None, unit: int = 1) -> str | None:
    """Write a number of seconds, or of times, as the header has it. Raises ConfigurationError."""
    if value is None:
        return None
    if isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"the gateway wants a number, 0 or more, not {value!r}")
    return str(round(value * unit))
