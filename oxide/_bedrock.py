"""The clients for Bedrock under their official names: a provider of `oxide.providers`, with its options among those of the client."""

from __future__ import annotations

from ._client import OPTIONS, AnyClient, AsyncClient, Client
from ._providers.bedrock import bedrock
from ._providers.host import provider_settings
from ._settings import concealed
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from typing_extensions import Self, Unpack

    from ._client import ClientOptions, SharedOptions
    from ._providers.bedrock import Credentials
    from ._settings import Settings

    class BedrockOptions(ClientOptions, total=False):
        """The options of `with_options`."""

        aws_region: str
        aws_profile: str
        aws_access_key_id: str
        aws_secret_access_key: str
        aws_session_token: str
        aws_credentials_provider: Credentials
        bedrock_token_provider: Callable[[], str] | Callable[[], Awaitable[str]]


__all__ = ["AsyncBedrockOpenAI", "BedrockOpenAI"]

NAMES = {
    # ours -> the provider's
    "api_key": "api_key",
    "aws_access_key_id": "access_key_id",
    "aws_credentials_provider": "credential_provider",
    "aws_profile": "profile",
    "aws_region": "region",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "base_url": "base_url",
    "bedrock_token_provider": "token_provider",
}
OWN = frozenset(NAMES) - {"api_key", "base_url"}


class _Bedrock(AnyClient):
    """What both clients for Bedrock have in common."""

    def _known(self) -> frozenset[str]:
        return OPTIONS | OWN

    def _settings_of(self, options: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
        provider = bedrock(**{NAMES[name]: value for name, value in options.items() if name in NAMES})
        return provider_settings(provider, {name: value for name, value in options.items() if name not in NAMES}, environment)

    if TYPE_CHECKING:

        def with_options(self, **changes: Unpack[BedrockOptions]) -> Self: ...  # pyright: ignore[reportIncompatibleMethodOverride]  # more

        copy = with_options


class BedrockOpenAI(_Bedrock, Client):  # pyright: ignore[reportIncompatibleMethodOverride]  # the options of with_options are more
    """A `Client` for Bedrock; `Client(provider=oxide.providers.bedrock(...))` is the same, and can do more.

    Args:
        api_key: a bearer key; else AWS_BEARER_TOKEN_BEDROCK.
        bedrock_token_provider: a function that returns such a key, asked at each attempt.
        aws_region: as in us-east-1; else AWS_REGION or AWS_DEFAULT_REGION.
        aws_profile, aws_access_key_id, aws_secret_access_key, aws_session_token, aws_credentials_provider: the keys to sign with.
        base_url: the whole URL; else AWS_BEDROCK_BASE_URL, or that of the region.
        options: those of `Client`.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        bedrock_token_provider: Callable[[], str] | None = None,
        aws_region: str | None = None,
        aws_profile: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        aws_credentials_provider: Callable[[], object] | None = None,
        base_url: str | None = None,
        **options: Unpack[SharedOptions],
    ) -> None:
        given = concealed(locals())
        given["official"] = concealed(given.pop("options"))
        del given["self"], api_key, aws_secret_access_key, aws_session_token, options  # a traceback might show them
        AnyClient.__init__(self, given)
        self._begin()


class AsyncBedrockOpenAI(_Bedrock, AsyncClient):  # pyright: ignore[reportIncompatibleMethodOverride]  # likewise
    """An `AsyncClient` for Bedrock; the arguments are those of `BedrockOpenAI`, and functions may be coroutine functions."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        bedrock_token_provider: Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
        aws_region: str | None = None,
        aws_profile: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        aws_credentials_provider: Credentials | None = None,
        base_url: str | None = None,
        **options: Unpack[SharedOptions],
    ) -> None:
        given = concealed(locals())
        given["official"] = concealed(given.pop("options"))
        del given["self"], api_key, aws_secret_access_key, aws_session_token, options  # a traceback might show them
        AnyClient.__init__(self, given)
        self._begin()
