"""Bedrock, the models of AWS: at which of its hosts, with a bearer key or with signed requests."""

from __future__ import annotations

import re

from .._clock import unix_time
from .._errors import ConfigurationError, UploadError
from .._omit import NotGiven, not_given
from .._protocol.multipart import Multipart
from .._settings import Secret
from .._typing import TYPE_CHECKING, cast
from .._url import parse_url
from .aws import ambient_keys, profile_keys, profile_region, taken_over
from .host import Provider, variable
from .sigv4 import AwsKeys, sign

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from typing import Literal, TypeAlias

    from .._exchange import Exchange
    from .._operation import Request
    from .._protocol.multipart import Content

    Endpoint: TypeAlias = Literal["mantle", "runtime"]
    Credentials: TypeAlias = "Callable[[], object] | Callable[[], Awaitable[object]]"

__all__ = ["bedrock"]

REGION = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]+)+-\d+")
SERVICES = {"mantle": "bedrock-mantle", "runtime": "bedrock"}
RUNTIMES = {
    # where the name of a region begins so -> the ends of the names of its hosts
    "cn-": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "eusc-": ("amazonaws.eu", "api.amazonwebservices.eu"),
    "us-iso-": ("c2s.ic.gov", "api.aws.ic.gov"),
    "us-isob-": ("sc2s.sgov.gov", "api.aws.scloud"),
    "eu-isoe-": ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "us-isof-": ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    "": ("amazonaws.com", "api.aws"),
}


def bedrock(
    *,
    endpoint: Endpoint | None = None,
    region: str | None = None,
    base_url: str | None | NotGiven = not_given,
    api_key: str | None | NotGiven = not_given,
    token_provider: Callable[[], str] | Callable[[], Awaitable[str]] | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    profile: str | None = None,
    credential_provider: Credentials | None = None,
) -> Provider:
    """Bedrock, for `Client(provider=...)`.

    Requests carry a bearer key, or they are signed (Signature Version 4); a body that can be read only once cannot be signed.

    Args:
        endpoint: "mantle" or "runtime"; else what `base_url` says, or "mantle".
        region: as in us-east-1; else AWS_REGION, AWS_DEFAULT_REGION, or that of the profile.
        base_url: the whole URL, in place of the one made of endpoint and region; else AWS_BEDROCK_BASE_URL, unless it is None.
        api_key: a bearer key; else AWS_BEARER_TOKEN_BEDROCK, unless it is None.
        token_provider: a function that returns such a key, asked at each attempt.
        access_key_id, secret_access_key, session_token: the keys to sign with.
        profile: a section of ~/.aws/credentials or ~/.aws/config that has such keys.
        credential_provider: a function that returns them, asked at each attempt, as `get_credentials` of a session of botocore.
            With none of all these: AWS_ACCESS_KEY_ID and its like, the default profile, and what botocore finds if it is installed.

    Raises:
        ConfigurationError: no region, half a key, two kinds of credentials, or a host that is not of that endpoint and region.
    """
    api_key = Secret(api_key) if isinstance(api_key, str) else api_key  # a traceback might show it
    secret_access_key, session_token = (text and Secret(text) for text in (secret_access_key, session_token))
    given = _Given(api_key, token_provider, access_key_id, secret_access_key, session_token, profile, credential_provider)
    base = (variable("AWS_BEDROCK_BASE_URL") if isinstance(base_url, NotGiven) else base_url) or None
    base = None if base is None else re.sub(r"(/responses(/.*)?|/+)$", "", base)
    known = None if base is None else _host(parse_url(base)[0].host)
    chosen = endpoint or (known[0] if known else "mantle")
    if chosen not in SERVICES:
        raise ConfigurationError(f'endpoint must be "mantle" or "runtime", not {chosen!r}')
    if region is None and (base is None or given.bearer is None):
        region = variable("AWS_REGION", "AWS_DEFAULT_REGION") or (known[1] if known else None) or profile_region(profile)
        if region is None:
            raise ConfigurationError("Bedrock wants a region: pass region=, or set AWS_REGION or AWS_DEFAULT_REGION")
    if region is not None and not REGION.fullmatch(region):
        raise ConfigurationError(f"{region!r} is no region of AWS, as us-east-1 is one")
    if base is not None and known is not None:
        _check_host(base, known, chosen, region)
    where = base or f"https://{_name(chosen, str(region))}/openai/v1"
    if given.bearer is not None:
        return Provider("bedrock", where, key=given.bearer)
    signer = Signer(SERVICES[chosen], str(region), given.source)
    return Provider("bedrock", where, authority=signer, redirects="none")


class _Given:
    """The credentials that were passed, of which one kind is allowed; its `repr` shows none."""

    __slots__ = ("bearer", "source")

    def __init__(
        self,
        api_key: str | None | NotGiven,
        token_provider: Callable[[], str] | Callable[[], Awaitable[str]] | None,
        access_key_id: str | None,
        secret_access_key: str | None,
        session_token: str | None,
        profile: str | None,
        credential_provider: Credentials | None,
    ) -> None:
        key = None if isinstance(api_key, NotGiven) else api_key
        kinds = {
            "api_key": key,
            "token_provider": token_provider,
            "access_key_id": access_key_id,
            "profile": profile,
            "credential_provider": credential_provider,
        }
        named = [name for name, value in kinds.items() if value is not None]
        if len(named) > 1:
            raise ConfigurationError(f"pass one of {' and '.join(named)}, not both")
        static = (access_key_id, secret_access_key, session_token)
        if not (access_key_id and secret_access_key) and static != (None, None, None):
            raise ConfigurationError("keys of AWS are access_key_id= and secret_access_key=; session_token= goes with both")
        if key is not None and not key.strip():
            raise ConfigurationError("the api_key of Bedrock is empty")
        self.bearer = key or token_provider
        if not named and isinstance(api_key, NotGiven):
            self.bearer = Secret(variable("AWS_BEARER_TOKEN_BEDROCK") or "") or None
        self.source: AwsKeys | Credentials = ambient_keys
        if access_key_id and secret_access_key:
            self.source = AwsKeys(access_key_id, secret_access_key, session_token)
        elif profile is not None:
            self.source = _Profile(profile)
        elif credential_provider is not None:
            self.source = credential_provider


class _Profile:
    """The keys of a profile, read when they are first needed."""

    __slots__ = ("_keys", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._keys: AwsKeys | None = None

    def __call__(self) -> AwsKeys:
        if self._keys is None:
            self._keys = profile_keys(self._name)
        return self._keys


def _suffixes(region: str) -> tuple[str, str]:
    return next(ends for start, ends in RUNTIMES.items() if region.startswith(start))


def _name(endpoint: str, region: str) -> str:
    return f"bedrock-mantle.{region}.api.aws" if endpoint == "mantle" else f"bedrock-runtime.{region}.{_suffixes(region)[0]}"


def _host(host: str) -> tuple[str, str] | None:
    """Return the endpoint and the region of one of Bedrock's own hosts, None for any other."""
    service, _, rest = host.removesuffix(".").partition(".")
    region, _, end = rest.partition(".")
    if not REGION.fullmatch(region):
        return None
    if service == "bedrock-mantle" and end == "api.aws":
        return "mantle", region
    if service in ("bedrock-runtime", "bedrock-runtime-fips") and end in _suffixes(region):
        return "runtime", region
    return None


def _check_host(base: str, known: tuple[str, str], endpoint: str, region: str | None) -> None:
    if not base.startswith("https:"):
        raise ConfigurationError("Bedrock's own hosts are reached by https")
    if known[0] != endpoint:
        raise ConfigurationError(f"base_url is a host of the endpoint {known[0]!r}, not of {endpoint!r}")
    if region not in (None, known[1]):
        raise ConfigurationError(f"base_url is a host of the region {known[1]}, not of {region}")


class Signer:
    """Signs each attempt with the keys of that moment."""

    __slots__ = ("_region", "_service", "_source")

    def __init__(self, service: str, region: str, source: AwsKeys | Credentials) -> None:
        self._service = service
        self._region = region
        self._source = source

    async def authorize(
        self, exchange: Exchange, request: Request, fields: Sequence[tuple[str, str]], deadline: float
    ) -> Sequence[tuple[str, str]]:
        """Return the fields with a signature.

        Raises:
            ConfigurationError: no keys, a body that cannot be read twice, an `Authorization` of the caller's own.
        """
        if request.authorized:
            raise ConfigurationError("requests to Bedrock are signed: they take no Authorization of your own")
        keys = await self._keys(exchange)
        digest = await _digest(exchange, request)
        return sign(keys, self._service, self._region, request.method, request.target, fields, digest, unix_time())

    async def _keys(self, exchange: Exchange) -> AwsKeys:
        source = self._source
        if isinstance(source, AwsKeys):
            return source
        found = await exchange.backend.settle(await exchange.aside(source))
        return found if isinstance(found, AwsKeys) else taken_over(found)

    def refused(self, fields: Sequence[tuple[str, str]]) -> bool:
        """A new signature would be made of the same keys."""
        return False


async def _digest(exchange: Exchange, request: Request) -> str:
    """Return the hash of a body; files are read once for it, and once more to be sent."""
    from hashlib import sha256

    body = request.body
    if isinstance(body, bytes):
        return sha256(body).hexdigest()
    if not request.replayable:
        raise ConfigurationError("a body that can be read only once cannot be signed: pass bytes, the path of a file, or an open file")
    digest = sha256()
    pieces: Iterable[bytes | Content] = body.segments() if isinstance(body, Multipart) else cast("list[bytes]", body)  # it is replayable
    for piece in pieces:
        if isinstance(piece, bytes):
            digest.update(piece)
        else:
            await _read(piece, digest.update, exchange)
    return digest.hexdigest()


async def _read(content: Content, take: Callable[[bytes], None], exchange: Exchange) -> None:
    source = content.open()
    try:
        while chunk := await (source.receive() if content.asynchronous else exchange.aside(source.read)):
            take(chunk)
    except OSError as error:  # none of the connection
        raise UploadError(f"{content.label} cannot be read: {error}") from error
    finally:
        source.close()
