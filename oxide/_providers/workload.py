"""Workload identity: a token that says who this workload is, exchanged for one of the API (RFC 8693), kept, and renewed in time."""

from __future__ import annotations

from math import inf

from .._errors import APIStatusError, ConfigurationError, OAuthError, OxideError
from .._json import as_object, decode, encode
from .._settings import Environment, Secret, checked_key, settings_from
from .._transport.course import Opaque
from .._typing import TYPE_CHECKING, cast
from .requests import ask
from .subject import Metadata
from .tokens import BUFFER, Tokens, seconds_left

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, TypeAlias, TypedDict

    from typing_extensions import NotRequired

    from .._exchange import Exchange
    from .._settings import Settings
    from .subject import SubjectTokenProvider

    class WorkloadIdentity(TypedDict):
        """A workload that proves with a token who it is.

        identity_provider_id: of the provider in the API's settings; service_account_id: the account to act as; provider: of the token;
        refresh_buffer_seconds: how long before its end a token of the API is renewed, 1200 if it says nothing.
        """

        identity_provider_id: str
        service_account_id: str
        provider: SubjectTokenProvider
        refresh_buffer_seconds: NotRequired[float]

    class X509WorkloadIdentity(TypedDict):
        """A workload that proves with the certificate of its connections who it is: pass `ssl_context=` to the client, too."""

        type: Literal["x509"]
        identity_provider_id: str
        service_account_id: str
        refresh_buffer_seconds: NotRequired[float]

    Identity: TypeAlias = WorkloadIdentity | X509WorkloadIdentity
else:
    WorkloadIdentity = X509WorkloadIdentity = dict

__all__ = ["WorkloadIdentity", "WorkloadIdentityAuth", "X509WorkloadIdentity", "identity_of", "identity_settings", "x509_workload_identity"]

EXCHANGE_URL = "https://auth.openai.com/oauth/token"
MTLS_EXCHANGE_URL = "https://mtls.auth.openai.com/oauth/token"
MTLS_BASE_URLS = {
    "global": "https://mtls.api.openai.com/v1",
    "us": "https://mtls-us.api.openai.com/v1",
    "eu": "https://mtls-eu.api.openai.com/v1",
}
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
KINDS = {
    "jwt": "urn:ietf:params:oauth:token-type:jwt",
    "id": "urn:ietf:params:oauth:token-type:id_token",
    "x509": "urn:openai:params:oauth:token-type:x509",
}


def x509_workload_identity(
    *, identity_provider_id: str, service_account_id: str, refresh_buffer_seconds: float | None = None
) -> X509WorkloadIdentity:
    """Return the identity of a workload that has a certificate, which the client's `ssl_context` brings along."""
    identity: X509WorkloadIdentity = {
        "type": "x509",
        "identity_provider_id": identity_provider_id,
        "service_account_id": service_account_id,
    }
    if refresh_buffer_seconds is not None:
        identity["refresh_buffer_seconds"] = refresh_buffer_seconds
    return identity


class WorkloadIdentityAuth(Tokens):
    """Authorizes calls by tokens that it exchanges for those of a workload; what `Client(workload_identity=...)` is made into.

    A client and its copies share one token, see `Tokens`.

    Args:
        workload_identity: who this workload is.
        token_exchange_url: where tokens are exchanged; else that of the API.

    Raises:
        ConfigurationError: the identity lacks something.
    """

    __slots__ = ("identity", "url")

    def __init__(self, workload_identity: Identity, *, token_exchange_url: str | None = None) -> None:
        self.identity: Mapping[str, Any] = _checked({**workload_identity})
        self.url = token_exchange_url or (MTLS_EXCHANGE_URL if self.certified else EXCHANGE_URL)
        super().__init__(float(self.identity.get("refresh_buffer_seconds", BUFFER)))

    @property
    def certified(self) -> bool:
        """Whether a certificate says who this is."""
        return self.identity.get("type") == "x509"

    def __repr__(self) -> str:
        return f"<workload identity of {self.identity['service_account_id']}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickled, ({**self.identity}, self.url)

    async def fetch(self, exchange: Exchange, deadline: float) -> tuple[str, float]:
        """Exchange a token.

        Raises:
            OAuthError: that was refused.
            SubjectTokenProviderError: there is no token that says who this is.
            APIError: no answer came.
        """
        asked = {name: self.identity[name] for name in ("identity_provider_id", "service_account_id")}
        subject = await self._subject(exchange, seconds_left(exchange, deadline))
        body = Opaque(encode({"grant_type": GRANT, **subject, **asked}))
        try:
            return _read(await ask(exchange.transport, "POST", self.url, {}, body, seconds_left(exchange, deadline)))
        except APIStatusError as error:
            if error.status_code in (400, 401, 403):
                raise _refusal(error) from None
            raise

    async def _subject(self, exchange: Exchange, timeout: float) -> dict[str, str]:
        """Return what says who this is: a token and its kind."""
        if self.certified:
            return {"subject_token_type": KINDS["x509"]}
        provider = self.identity["provider"]
        get_token = provider["get_token"]
        if isinstance(get_token, Metadata):
            token = await get_token.fetch(exchange.backend, exchange.transport.security, timeout)
        else:
            token = await exchange.backend.settle(await exchange.aside(get_token))
        if not isinstance(token, str) or not token:
            raise ConfigurationError("get_token of the workload identity returned no token")
        return _Hidden(subject_token=Secret(token), subject_token_type=KINDS[provider["token_type"]])


class _Hidden(dict[str, str]):
    """Members of a request, whose `repr` shows none of them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<members of a request>"


def _checked(identity: dict[str, Any]) -> dict[str, Any]:
    missing = [name for name in ("identity_provider_id", "service_account_id") if not identity.get(name)]
    provider = cast("object", identity.get("provider"))
    if identity.get("type") == "x509":
        missing += ["no provider"] if provider is not None else []
    elif not isinstance(provider, dict) or not callable(cast("dict[str, Any]", provider).get("get_token")):
        missing.append("provider with get_token")
    if missing:
        raise ConfigurationError(f"workload_identity wants {', '.join(missing)}; see oxide.auth")
    if provider is not None and identity["provider"].get("token_type") not in ("jwt", "id"):
        raise ConfigurationError("the token_type of a workload identity's provider is 'jwt' or 'id'")
    buffer = identity.get("refresh_buffer_seconds", BUFFER)
    if isinstance(buffer, bool) or not isinstance(buffer, (int, float)) or not 0 <= buffer < inf:
        raise ConfigurationError(f"refresh_buffer_seconds must be a number of seconds, 0 or more, not {buffer!r}")
    return identity


def _read(content: bytes) -> tuple[Secret, float]:
    """Return the token of an answer, and how many seconds it holds."""
    try:
        answer = as_object(decode(content)) or {}
    except ValueError:
        answer = {}
    answer = _Hidden(answer)
    token = Secret(answer["access_token"]) if isinstance(cast("object", answer.get("access_token")), str) else Secret("")
    seconds = cast("object", answer.get("expires_in"))
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < inf:
        raise OxideError("The answer to the exchange of a token has no valid expires_in.")
    if not token:
        raise OxideError("The answer to the exchange of a token has no access_token.")
    return checked_key(token), float(seconds)


def _refusal(error: APIStatusError) -> OAuthError:
    """Return the error of an exchange that was refused (RFC 6749, 5.2)."""
    try:
        body = decode(error.response.content)
    except ValueError:
        body = error.body
    return OAuthError(response=error.response, body=body, request=error.request)


def _unpickled(identity: Identity, url: str) -> WorkloadIdentityAuth:
    return WorkloadIdentityAuth(identity, token_exchange_url=url)


def identity_of(value: object) -> WorkloadIdentityAuth:
    """Return what authorizes by an identity, once for a client and all its copies. Raises ConfigurationError."""
    if isinstance(value, WorkloadIdentityAuth):
        return value
    if not isinstance(value, dict):
        raise ConfigurationError(f"workload_identity must be a dict as oxide.auth describes it, not a {type(value).__name__}")
    return WorkloadIdentityAuth(cast("Identity", value))


def identity_settings(identity: WorkloadIdentityAuth, given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Make the settings of a client that has a workload identity. Raises ConfigurationError."""
    if given.get("api_key") is not None:
        raise ConfigurationError("pass api_key= or workload_identity=, not both")
    options: dict[str, Any] = {**given, "authority": identity}
    if identity.certified and given.get("base_url") is None:
        region = options.pop("data_residency", None) or "global"
        if region not in MTLS_BASE_URLS:
            raise ConfigurationError(f"with a certificate data_residency must be one of {', '.join(map(repr, MTLS_BASE_URLS))}")
        options["base_url"] = environment.get("OPENAI_BASE_URL") or MTLS_BASE_URLS[region]
    return settings_from(options, Environment({name: text for name, text in environment.items() if name != "OPENAI_API_KEY"}))
