"""Webhooks: whether a request came from the service, and which event it brings.

`verify` is a pure function of what was received, the secret and the time; the methods of `client.webhooks` find the last two.
"""

from __future__ import annotations

from .._clock import unix_time
from .._errors import APIResponseValidationError, ConfigurationError, InvalidWebhookSignatureError
from .._typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from .._caller import AsyncCaller, Caller
    from .._models import webhooks

    Text: TypeAlias = "str | bytes"
    Body: TypeAlias = "str | bytes | bytearray | memoryview"
    Pairs: TypeAlias = Iterable[tuple[Text, Text]]

__all__ = ["AsyncWebhooksHelpers", "Fields", "WebhooksHelpers", "verify"]

TOLERANCE = 300
"""Seconds that the clocks of sender and receiver, and the way between them, may make of difference."""

WANTED = ("webhook-id", "webhook-timestamp", "webhook-signature")
MAX_DIGITS = 15  # of a time in seconds; more are no time, and cost more than they tell


class Fields(Protocol):
    """The header fields of a request as web frameworks have them: a dictionary, or whatever else has `items()`."""

    def items(self) -> Pairs: ...


def verify(payload: Body, headers: Fields | Pairs, secret: str, now: float, tolerance: float = TOLERANCE) -> None:
    """Check that a webhook was signed with the secret, and not long ago.

    The signature is the HMAC-SHA256 of id, time and body, joined by dots (the rules of standardwebhooks.com).

    Args:
        payload: the body, exactly as it was received.
        headers: the fields of the request; names in any case, as in WSGI too; names and values may be bytes.
        secret: as the service told it: `whsec_` and base64, or any other text as it is.
        now: seconds since 1970.
        tolerance: seconds that the time of the webhook may be off, either way.

    Raises:
        InvalidWebhookSignatureError: a field is missing, the time is too far off, or no signature fits.
        ConfigurationError: the secret is empty or broken.
    """
    name, moment, signatures = _wanted(headers)
    if not (moment.isascii() and moment.isdigit() and len(moment) <= MAX_DIGITS):
        raise InvalidWebhookSignatureError("The webhook-timestamp of the webhook is no number of seconds.")
    age = now - int(moment)
    if not -tolerance <= age <= tolerance:
        where = f"{age:.0f} s old" if age > 0 else f"{-age:.0f} s in the future"
        raise InvalidWebhookSignatureError(
            f"The webhook is {where}, and {tolerance:g} s are allowed: is it a replay, or is the clock wrong?"
        )
    try:
        body = payload.encode() if isinstance(payload, str) else bytes(payload)
        signed = f"{name}.{moment}.".encode("utf-8", "surrogateescape") + body
    except UnicodeEncodeError:
        raise InvalidWebhookSignatureError("The webhook has half a character in its id or body: neither can have been signed.") from None
    if not _fits(signed, _key(secret), signatures):
        raise InvalidWebhookSignatureError("No signature of the webhook fits: its body was changed, or it was signed with another secret.")


def _wanted(headers: Fields | Pairs) -> list[str]:
    """Return id, time and signatures. Raises InvalidWebhookSignatureError where one is missing."""
    items: object = getattr(headers, "items", None)
    pairs = cast("Pairs", items() if callable(items) else headers)  # one of the two
    found: dict[str, str] = {}
    for key, value in pairs:
        name = _text(key).lower().replace("_", "-").removeprefix("http-")  # HTTP_WEBHOOK_ID, in WSGI (PEP 3333)
        if name in WANTED:
            found.setdefault(name, _text(value))
    missing = [name for name in WANTED if not found.get(name)]
    if missing:
        raise InvalidWebhookSignatureError(f"The webhook has no {' and no '.join(missing)} among its headers.")
    return [found[name] for name in WANTED]


def _text(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _key(secret: str) -> bytes:
    """Return the bytes of a secret."""
    import binascii

    if not secret.startswith("whsec_"):
        key = secret.encode()
    else:
        try:
            key = binascii.a2b_base64(secret[6:].encode())
        except ValueError:
            raise ConfigurationError("the webhook secret is broken: behind whsec_ there is no base64; was it cut?") from None
    if not key:
        raise ConfigurationError("the webhook secret is empty")
    return key


def _fits(signed: bytes, key: bytes, signatures: str) -> bool:
    """Whether any of the signatures, of which there are several while a secret is changed, is ours. All are compared, in constant time."""
    import binascii
    import hmac

    expected = binascii.b2a_base64(hmac.digest(key, signed, "sha256"), newline=False)
    given = [one.removeprefix("v1,").encode("utf-8", "surrogateescape") for one in signatures.split()]
    return any([hmac.compare_digest(expected, one) for one in given])  # noqa: C419 - a list: none is left out


def _event(payload: Body) -> webhooks.UnwrapWebhookEvent:
    """Return the event of a body; one that this version does not know is an `Unknown` record."""
    from .._json import decode
    from .._models._base import Record, decoder

    try:
        value: object = decode(payload if isinstance(payload, str) else bytes(payload))
    except ValueError as problem:
        raise APIResponseValidationError(message=f"The webhook is signed, but its body is no JSON: {problem}.", body=payload) from None
    event: object = decoder("webhooks.UnwrapWebhookEvent")(value)
    if not isinstance(event, Record):
        raise APIResponseValidationError(message="The webhook is signed, but its body is no JSON object.", body=value)
    return cast("webhooks.UnwrapWebhookEvent", event)  # as the decoder of that name makes it


class _Resource(Protocol):
    """An object of either client."""

    @property
    def _caller(self) -> Caller | AsyncCaller: ...


def _secret(resource: _Resource, given: str | None) -> str:
    secret = resource._caller.settings.webhook_secret if given is None else given  # pyright: ignore[reportPrivateUsage]  # of a resource
    if secret is None:
        raise ConfigurationError(
            "There is no webhook secret. Set the environment variable OPENAI_WEBHOOK_SECRET, or pass webhook_secret= to the client."
        )
    return secret


class WebhooksHelpers:
    """What `client.webhooks` has beside the calls of the API. Nothing here waits, so it is not awaited in asyncio either."""

    def unwrap(
        self: _Resource, payload: Body, headers: Fields | Pairs, *, secret: str | None = None, tolerance: float = TOLERANCE
    ) -> webhooks.UnwrapWebhookEvent:
        """Check a webhook, and return its event.

        Args:
            payload: the body, exactly as it was received.
            headers: the fields of the request, as the web framework has them.
            secret: what it was signed with; left out, that of the client.
            tolerance: seconds that its time may be off, either way.

        Raises:
            InvalidWebhookSignatureError: a field is missing, the time is too far off, or no signature fits.
            APIResponseValidationError: it is signed, but its body is no JSON object.
            ConfigurationError: there is no secret.
        """
        verify(payload, headers, _secret(self, secret), unix_time(), tolerance)
        return _event(payload)

    def verify_signature(
        self: _Resource, payload: Body, headers: Fields | Pairs, *, secret: str | None = None, tolerance: float = TOLERANCE
    ) -> None:
        """Check that a webhook was signed with the secret, and not long ago.

        Args:
            payload: the body, exactly as it was received.
            headers: the fields of the request, as the web framework has them.
            secret: what it was signed with; left out, that of the client.
            tolerance: seconds that its time may be off, either way.

        Raises:
            InvalidWebhookSignatureError: a field is missing, the time is too far off, or no signature fits.
            ConfigurationError: there is no secret.
        """
        verify(payload, headers, _secret(self, secret), unix_time(), tolerance)


AsyncWebhooksHelpers = WebhooksHelpers
