"""Workload identity: a token that says who this workload is, exchanged for one of the API (RFC 8693), kept, and renewed in time."""

from __future__ import annotations

from math import inf

from .._errors import APIStatusError, APITimeoutError, ConfigurationError, OAuthError, OxideError
from .._json import as_object, decode, encode
from .._settings import Environment, Secret, checked_key, settings_from
from .._typing import TYPE_CHECKING, cast
from .requests import TIMEOUT, ask
from .subject import Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, TypeAlias, TypedDict

    from typing_extensions import NotRequired

    from .._exchange import Exchange
    from .._operation import Request
    from .._settings import Settings
    from .._transport.base import Backend, Gate
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
BUFFER = 1200.0
"""Seconds before its end when a token is renewed, or half of its life, where that is less."""

PATIENCE = 30.0
"""Seconds until a renewal that failed is tried again, while the present token still holds."""


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


class Token(Secret):
    """The value of a field with a token that was exchanged here."""

    __slots__ = ()


class Held:
    """A token of the API, and when it is to be renewed and ends, in seconds of a clock."""

    __slots__ = ("end", "renewal", "text")

    def __init__(self, text: str, renewal: float, end: float) -> None:
        self.text = Secret(text)
        self.renewal = renewal
        self.end = end


class Flight:
    """An exchange under way, which others wait for; `error` is how it failed."""

    __slots__ = ("error", "gate")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.error: OxideError | None = None


class WorkloadIdentityAuth:
    """Authorizes calls by tokens that it exchanges for those of a workload; what `Client(workload_identity=...)` is made into.

    A client and its copies share one token.  Of many threads that want one, or many tasks of a loop, one exchanges it and the others wait;
    while the present one still holds, they go on with that.

    Args:
        workload_identity: who this workload is.
        token_exchange_url: where tokens are exchanged; else that of the API.

    Raises:
        ConfigurationError: the identity lacks something.
    """

    __slots__ = ("_flights", "_held", "identity", "url")

    def __init__(self, workload_identity: Identity, *, token_exchange_url: str | None = None) -> None:
        self.identity: Mapping[str, Any] = _checked({**workload_identity})
        self.url = token_exchange_url or (MTLS_EXCHANGE_URL if self.certified else EXCHANGE_URL)
        self._held: Held | None = None
        self._flights: dict[Backend, Flight] = {}

    @property
    def certified(self) -> bool:
        """Whether a certificate says who this is."""
        return self.identity.get("type") == "x509"

    def __repr__(self) -> str:
        return f"<workload identity of {self.identity['service_account_id']}>"

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickled, ({**self.identity}, self.url)

    # ------------------------------------------------------------------------------------------------ for the exchange
    async def authorize(
        self, exchange: Exchange, request: Request, fields: Sequence[tuple[str, str]], deadline: float
    ) -> Sequence[tuple[str, str]]:
        """Return the fields with a token; a call that brings a key or token of its own keeps that.

        Raises:
            OAuthError: the exchange was refused.
            SubjectTokenProviderError: there is no token that says who this is.
            APIError: the exchange failed.
        """
        if request.authorized or fields is not request.fields:
            return fields
        return [*fields, ("Authorization", Token(f"Bearer {await self._token(exchange, deadline)}"))]

    def refused(self, fields: Sequence[tuple[str, str]]) -> bool:
        """Forget a token that the API refuses; return whether another one may do better."""
        value = fields[-1][1]
        self.invalidate_token(value.removeprefix("Bearer "))
        return isinstance(value, Token)

    def invalidate_token(self, token: str | None = None) -> None:
        """Forget the token, or this one; the next call exchanges another."""
        if token is None or (self._held is not None and self._held.text == token):
            self._held = None

    # ------------------------------------------------------------------------------------------------ tokens
    async def _token(self, exchange: Exchange, deadline: float) -> str:
        backend = exchange.backend
        while True:
            held, now = self._held, backend.now()
            if held is not None and now < held.renewal:
                return held.text
            with backend.mutex:
                other = self._flights.get(backend)
                flight = other or self._flights.setdefault(backend, Flight(backend.gate()))
            if other is None:
                return await self._lead(flight, exchange, deadline)
            if held is not None and now < held.end:
                return held.text
            if not await flight.gate.wait(max(0.0, deadline - now)):
                raise APITimeoutError("The deadline of the call has passed while a token was exchanged.", phase="head")
            if flight.error is not None:
                raise _copied(flight.error)

    async def _lead(self, flight: Flight, exchange: Exchange, deadline: float) -> str:
        """Exchange a token, and let go those who wait for it."""
        backend = exchange.backend
        try:
            held = self._held  # somebody may have been faster, between a look at it and the take-off
            if held is None or backend.now() >= held.renewal:
                held = self._held = await self._exchanged(exchange, deadline)
            return held.text
        except OxideError as error:
            old = self._held
            if old is None or backend.now() >= old.end or isinstance(error, OAuthError):
                flight.error = error
                raise
            self._held = Held(old.text, backend.now() + PATIENCE, old.end)
            return old.text
        finally:
            with backend.mutex:
                self._flights.pop(backend, None)
            flight.gate.open()

    async def _exchanged(self, exchange: Exchange, deadline: float) -> Held:
        """Ask for a token."""
        backend = exchange.backend
        asked = {name: self.identity[name] for name in ("identity_provider_id", "service_account_id")}
        subject = await self._subject(exchange, _left(backend, deadline))
        body = encode({"grant_type": GRANT, **subject, **asked})
        begun = backend.now()
        try:
            content = await ask(exchange.transport, "POST", self.url, {}, body, _left(backend, deadline))
        except APIStatusError as error:
            if error.status_code in (400, 401, 403):
                raise _refusal(error) from None
            raise
        text, seconds = _read(content)
        buffer = min(float(self.identity.get("refresh_buffer_seconds", BUFFER)), seconds / 2)
        return Held(text, begun + seconds - buffer, begun + seconds)

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


def _left(backend: Backend, deadline: float) -> float:
    """Return the seconds that a request for a token may take."""
    return max(0.001, min(TIMEOUT, deadline - backend.now()))


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
    token, seconds = cast("object", answer.get("access_token")), cast("object", answer.get("expires_in"))
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < inf:
        raise OxideError("The answer to the exchange of a token has no valid expires_in.")
    if not isinstance(token, str) or not token:
        raise OxideError("The answer to the exchange of a token has no access_token.")
    return checked_key(token), float(seconds)


def _refusal(error: APIStatusError) -> OAuthError:
    """Return the error of an exchange that was refused (RFC 6749, 5.2)."""
    try:
        body = decode(error.response.content)
    except ValueError:
        body = error.body
    return OAuthError(response=error.response, body=body, request=error.request)


def _copied(error: OxideError) -> OxideError:
    """Return an error for another thread or task to raise: each adds its own traceback."""
    from copy import copy

    return copy(error)


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
