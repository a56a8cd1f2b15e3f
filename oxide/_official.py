"""Names of the official client: options and classes that have another name here, or no counterpart, and what to use instead."""

from __future__ import annotations

from ._errors import ConfigurationError
from ._omit import NotGiven, not_given
from ._timeout import Limits, Timeout
from ._version import __version__

__all__ = [
    "ABSENT",
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "VERSION",
    "DefaultAioHttpClient",
    "DefaultAsyncHttpx2Client",
    "DefaultAsyncHttpxClient",
    "DefaultHttpx2Client",
    "DefaultHttpxClient",
    "NoneType",
    "check_option",
]

DEFAULT_CONNECTION_LIMITS = Limits()
DEFAULT_MAX_RETRIES = 2
DEFAULT_TIMEOUT = Timeout()
NOT_GIVEN = not_given
VERSION = __version__
NoneType = type(None)

_ENGINE = (
    "oxide has an HTTP engine of its own: pass limits=, proxy=, ssl_context=, trust=, http2= and timeout= to the client, "
    "and watch what it does with hooks="
)

OPTIONS = {
    "http_client": _ENGINE,
}
"""Options of the official client that are refused, unless they say nothing, and what to do instead."""

ACCEPTED = frozenset(("_enforce_credentials", "_strict_response_validation", "websocket_base_url"))
"""Options of the official client that work as they are."""

_OLD = "the name is older than version 1 of the official library; use the namespaces, as in oxide.chat.completions.create"
_HELPERS = "oxide does not operate computers; see oxide.tool for functions as tools"

ABSENT = {
    **dict.fromkeys(("Audio", "ChatCompletion", "Completion", "Customer", "Deployment", "Edit", "Embedding", "Engine"), _OLD),
    **dict.fromkeys(("ErrorObject", "FineTune", "FineTuningJob", "Image", "Model", "Moderation"), _OLD),
    "AssistantEventHandler": "iterate over the stream of events",
    "AsyncAssistantEventHandler": "iterate over the stream of events",
    "AsyncComputerDriver": _HELPERS,
    "AsyncComputerToolset": _HELPERS,
    "ComputerDriver": _HELPERS,
    "ComputerToolset": _HELPERS,
    "DataResidency": "write the name of the region",
    "ProxiesTypes": "pass the URL of the proxy as proxy= to the client",
    "RequestOptions": "pass extra_headers=, extra_query=, extra_body=, timeout=, max_retries= and idempotency_key= to the method",
    "Transport": _ENGINE,
    "bedrock_token_provider": "pass it to BedrockOpenAI(...), or to Client(provider=oxide.providers.bedrock(token_provider=...))",
}
"""Public names of the official package that are not here, and what to do instead."""


def check_option(name: str, value: object, known: frozenset[str]) -> None:
    """Check that an option exists.

    Raises:
        ConfigurationError: the official client has it, this one does not; the message says what to use.
        TypeError: nobody has it.
    """
    if name in known or name in ACCEPTED:
        return
    if name in OPTIONS:
        if value is None or isinstance(value, NotGiven):
            return
        raise ConfigurationError(f"{name}= does not exist here: {OPTIONS[name]}")
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"the options are {', '.join(sorted(known))}"
    raise TypeError(f"unknown option {name!r}; {hint}")


class DefaultHttpxClient:
    """Stands where the official package has an HTTP client to be set up; here the client itself is set up.

    Raises:
        ConfigurationError: always; it says which options to use instead.
    """

    def __init__(self, *_arguments: object, **options: object) -> None:
        ours = [f"; for {name}= use {OF_HTTPX[name]}" for name in options if name in OF_HTTPX]
        raise ConfigurationError(f"{type(self).__name__} does not exist here: {_ENGINE}{''.join(ours)}")


class DefaultAsyncHttpxClient(DefaultHttpxClient):
    """Likewise."""


class DefaultHttpx2Client(DefaultHttpxClient):
    """Likewise."""


class DefaultAsyncHttpx2Client(DefaultHttpxClient):
    """Likewise."""


class DefaultAioHttpClient(DefaultHttpxClient):
    """Likewise."""


OF_HTTPX = {
    "base_url": "base_url=",
    "cert": "ssl_context=, with the certificate loaded",
    "event_hooks": "hooks=",
    "follow_redirects": "redirects=",
    "headers": "default_headers=",
    "http2": "http2=",
    "limits": "limits=oxide.Limits(...)",
    "mounts": "proxy=",
    "params": "default_query=",
    "proxies": "proxy=",
    "proxy": "proxy=",
    "timeout": "timeout=oxide.Timeout(...)",
    "trust_env": "proxy=None, where it is False",
    "verify": "ssl_context= or trust=",
}
"""Arguments of httpx.Client, and the options of ours that do the same."""
