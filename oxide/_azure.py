"""The clients for Azure: the same API at another host, which has its own paths, its own field for the key, and versions in the query.

All of it is translated into plain settings; what happens in a call knows nothing of it.
"""

from __future__ import annotations

from ._client import OPTIONS, AnyClient, AsyncClient, Client
from ._errors import ConfigurationError
from ._omit import omit
from ._settings import Environment, Secret, concealed, settings_from
from ._typing import TYPE_CHECKING, cast
from ._url import quote_segment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from typing_extensions import Self, Unpack

    from ._client import ClientOptions, SharedOptions
    from ._settings import Settings

    class AzureOptions(ClientOptions, total=False):
        """The options of `with_options`."""

        azure_endpoint: str
        azure_deployment: str
        api_version: str
        azure_ad_token: str
        azure_ad_token_provider: Callable[[], str] | Callable[[], Awaitable[str]]


__all__ = ["AsyncAzureOpenAI", "AzureOpenAI", "azure_settings"]

BY_DEPLOYMENT = frozenset(
    (
        "/audio/speech",
        "/audio/transcriptions",
        "/audio/translations",
        "/chat/completions",
        "/completions",
        "/embeddings",
        "/images/edits",
        "/images/generations",
    )
)
"""Paths that stand below a deployment, which is a model under the name that its owner gave it."""

OWN = frozenset(("azure_endpoint", "azure_deployment", "api_version", "azure_ad_token", "azure_ad_token_provider"))
NOT_FOR_AZURE = ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL")
"""Variables of the environment that are meant for another host."""


def azure_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Translate the options for Azure into settings.

    Raises:
        ConfigurationError: the credentials, the endpoint or the version is missing, or there are two of them.
    """
    others = [name for name in ("provider", "workload_identity") if given.get(name) is not None]
    if others:
        raise ConfigurationError(f"Azure has credentials of its own: pass {others[0]}= to Client")
    plain = {name: value for name, value in given.items() if name not in OWN}
    version = given.get("api_version") or environment.get("OPENAI_API_VERSION")
    if not version:
        raise ConfigurationError("Azure wants a version: pass api_version=, or set OPENAI_API_VERSION")
    key, key_field = _credential(given, environment)
    if key is None and given.get("_enforce_credentials", True):
        advice = "pass api_key=, azure_ad_token= or azure_ad_token_provider=, or set AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN"
        raise ConfigurationError(f"There are no credentials for Azure: {advice}.")
    base = _base_url(given, environment)
    deployment = None if given.get("base_url") else given.get("azure_deployment")
    plain |= {
        "api_key": key,
        "admin_api_key": key,
        "base_url": base,
        "default_query": {**(given.get("default_query") or {}), "api-version": version},
        "key_field": key_field,
        "route": None if "/deployments" in base else _route(deployment),
        "amend_query": _realtime(given.get("azure_deployment")),
    }
    return settings_from(plain, Environment({name: text for name, text in environment.items() if name not in NOT_FOR_AZURE}))


def _credential(given: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[object, str]:
    """Return the key or token, or the function that returns it, and the header field that carries it."""
    chosen = [name for name in ("api_key", "azure_ad_token", "azure_ad_token_provider") if given.get(name) is not None]
    if len(chosen) > 1:
        raise ConfigurationError(f"pass one of {' and '.join(chosen)}, not both")
    if chosen:
        return given[chosen[0]], "api-key" if chosen == ["api_key"] else "Authorization"
    token, key = (Secret(environment.get(name, "")) for name in ("AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_API_KEY"))
    return (token, "Authorization") if token else (key or None, "api-key")


def _base_url(given: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    base, endpoint = given.get("base_url"), given.get("azure_endpoint")
    if base is not None and endpoint is not None:
        raise ConfigurationError("pass base_url= or azure_endpoint=, not both")
    if base is not None:
        return str(base)
    endpoint = endpoint or environment.get("AZURE_OPENAI_ENDPOINT")
    if not endpoint:
        raise ConfigurationError("Azure wants an endpoint: pass azure_endpoint= or base_url=, or set AZURE_OPENAI_ENDPOINT")
    return f"{str(endpoint).rstrip('/')}/openai"


def _route(deployment: str | None) -> Callable[[str, object], str]:
    """Return what puts a path below its deployment: the one of the client, or the one that is called like the model."""

    def route(path: str, body: object) -> str:
        if path not in BY_DEPLOYMENT:
            return path
        name = deployment
        if name is None and isinstance(body, dict):
            name = cast("dict[str, Any]", body).get("model")  # the arguments of a method, or JSON
        return path if name is None else f"/deployments/{quote_segment('model', name)}{path}"

    return route


def _realtime(deployment: str | None) -> Callable[[str, Mapping[str, Any]], Mapping[str, object]]:
    """Return what puts a deployment into the query of a connection to Realtime, in place of its model."""

    def amended(path: str, given: Mapping[str, Any]) -> Mapping[str, object]:
        name = deployment or given.get("model")
        return {"model": omit, "deployment": name} if path == "/realtime" and name else {}

    return amended


class _Azure(AnyClient):
    """What both clients for Azure have in common."""

    def _known(self) -> frozenset[str]:
        return OPTIONS | OWN

    def _settings_of(self, options: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
        return azure_settings(options, environment)

    if TYPE_CHECKING:

        def with_options(self, **changes: Unpack[AzureOptions]) -> Self: ...  # pyright: ignore[reportIncompatibleMethodOverride]  # more

        copy = with_options


class AzureOpenAI(_Azure, Client):  # pyright: ignore[reportIncompatibleMethodOverride]  # the options of with_options are more
    """A `Client` for Azure.

    Args:
        azure_endpoint: the URL of the resource, as in https://example.openai.azure.com; else AZURE_OPENAI_ENDPOINT.
        azure_deployment: the deployment that all calls use; else each call uses the one that is called like its model.
        api_version: the version of the API, as in 2024-10-21; else OPENAI_API_VERSION.
        api_key: the key, or a function that returns it; else AZURE_OPENAI_API_KEY.
        azure_ad_token: a token of Entra, in place of the key; else AZURE_OPENAI_AD_TOKEN.
        azure_ad_token_provider: a function that returns such a token, asked at each attempt.
        base_url: the whole URL, in place of azure_endpoint.
        options: those of `Client`.

    Raises:
        ConfigurationError: the credentials, the endpoint or the version is missing, or an option cannot be.
        TypeError: an option that does not exist.
    """

    def __init__(
        self,
        *,
        azure_endpoint: str | None = None,
        azure_deployment: str | None = None,
        api_version: str | None = None,
        api_key: str | Callable[[], str] | None = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], str] | None = None,
        base_url: str | None = None,
        **options: Unpack[SharedOptions],
    ) -> None:
        given = concealed(locals())
        given["official"] = concealed(given.pop("options"))
        del given["self"], api_key, azure_ad_token, options  # a traceback might show them
        AnyClient.__init__(self, given)
        self._begin()


class AsyncAzureOpenAI(_Azure, AsyncClient):  # pyright: ignore[reportIncompatibleMethodOverride]  # likewise
    """An `AsyncClient` for Azure; the arguments are those of `AzureOpenAI`, and functions may be coroutine functions."""

    def __init__(
        self,
        *,
        azure_endpoint: str | None = None,
        azure_deployment: str | None = None,
        api_version: str | None = None,
        api_key: str | Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
        base_url: str | None = None,
        **options: Unpack[SharedOptions],
    ) -> None:
        given = concealed(locals())
        given["official"] = concealed(given.pop("options"))
        del given["self"], api_key, azure_ad_token, options  # a traceback might show them
        AnyClient.__init__(self, given)
        self._begin()
