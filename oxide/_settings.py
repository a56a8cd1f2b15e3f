"""What a client was asked to do: key, base URL, timeouts, limits, policies. Values only; the environment is read when a client is made."""

from __future__ import annotations

from ._errors import ConfigurationError
from ._omit import NotGiven, Omit, not_given
from ._protocol.headers import SECRET
from ._timeout import Limits, Timeout
from ._typing import TYPE_CHECKING
from ._url import parse_url
from ._version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from ._protocol.limiter import RateLimiter
    from ._protocol.retry import RetryPolicy

    ApiKey: TypeAlias = "str | Callable[[], str] | Callable[[], Awaitable[str]]"

__all__ = [
    "DEFAULT_BASE_URL",
    "Environment",
    "Limits",
    "Secret",
    "Settings",
    "Timeout",
    "as_timeout",
    "at_home",
    "checked_key",
    "checked_retries",
    "concealed",
    "field",
    "merge",
    "settings_from",
]

DEFAULT_BASE_URL = "https://api.openai.com/v1"
REGIONS = ("global", "us", "eu", "ae", "au", "in", "jp")


class Secret(str):
    """Text that is never shown: its `repr` tells nothing, so that no log, traceback or error can."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[secret]'"


def field(name: str, value: object) -> tuple[str, str]:
    """Check one header field that will be sent. Raises ConfigurationError; the value is not shown."""
    text = value if isinstance(value, str) else str(value)
    if name.lower() in SECRET:
        value = text = Secret(text)
    if not name or not name.isascii() or any(c <= " " or c in '"(),/:;<=>?@[\\]{}\x7f' for c in name):
        raise ConfigurationError(f"{name!r} is no valid header name")
    if not text.isprintable() and any((c < " " and c != "\t") or c == "\x7f" for c in text):
        raise ConfigurationError(f"the value of the header {name!r} has a line break or another control character in it")
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        raise ConfigurationError(f"the value of the header {name!r} has characters that a header cannot carry") from None
    return name, text


def checked_key(key: object) -> Secret:
    """Check an API key. Raises ConfigurationError; the key is not shown."""
    if not isinstance(key, str):
        raise ConfigurationError(f"an API key is a string, not a {type(key).__name__}")
    key = Secret(key)  # a traceback may show the local variables of this frame
    if not key:
        raise ConfigurationError("the API key is empty; set OPENAI_API_KEY or pass api_key=")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("the API key has white space or characters in it that no key has; was it cut or pasted with a line break?")
    return key


def concealed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a client with their secrets kept from every `repr`, those of local variables in a traceback included."""
    hidden = {name: Secret(value) for name, value in options.items() if name in SECRET_OPTIONS and isinstance(value, str)}
    headers = {
        name: {key: Secret(text) if isinstance(text, str) and key.lower() in SECRET else text for key, text in options[name].items()}
        for name in ("default_headers", "set_default_headers")
        if options.get(name)
    }
    return {**options, **hidden, **headers}


SECRET_OPTIONS = frozenset(
    ("admin_api_key", "api_key", "aws_secret_access_key", "aws_session_token", "azure_ad_token", "proxy", "webhook_secret")
)


class Environment(dict[str, str]):
    """The variables of the environment, whose `repr` shows none of them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<the environment>"


DERIVED = frozenset(("authorized", "fields", "odd_headers", "origin", "prefix"))


class Settings:
    """Everything a client was told, checked, and put into the shape in which it is used."""

    __slots__ = (
        "admin_api_key",
        "amend",
        "amend_query",
        "api_key",
        "authority",
        "authorized",
        "base_url",
        "default_headers",
        "default_query",
        "fields",
        "hooks",
        "host",
        "key_field",
        "keyless",
        "max_body",
        "max_retries",
        "odd_headers",
        "organization",
        "origin",
        "prefix",
        "project",
        "rate_limiter",
        "redirects",
        "retry",
        "route",
        "strict",
        "timeout",
        "webhook_secret",
        "websocket_base_url",
    )

    def __init__(self, **values: Any) -> None:
        self.api_key: Secret | Callable[[], Any] | None = values["api_key"]
        self.admin_api_key: Secret | Callable[[], Any] | None = values.get("admin_api_key")
        self.base_url: str = values["base_url"]
        self.websocket_base_url: str | None = values.get("websocket_base_url")  # where WebSockets are opened, if not there
        self.organization: str | None = values["organization"]
        self.project: str | None = values["project"]
        self.webhook_secret: Secret | None = values["webhook_secret"]
        self.timeout: Timeout = values["timeout"]
        self.max_retries: int = values["max_retries"]
        self.default_headers: Mapping[str, str | Omit] = values["default_headers"]
        self.default_query: Mapping[str, object] = values["default_query"]
        self.retry: RetryPolicy = values["retry"]
        self.redirects: str = values["redirects"]
        self.rate_limiter: RateLimiter | None = values.get("rate_limiter")
        self.hooks: Sequence[object] = values["hooks"]
        self.max_body: int = values["max_body"]
        self.strict: bool = values.get("strict", False)
        self.key_field: str = values.get("key_field", "Authorization")
        # Where a host has ways of its own:
        self.host: str = values.get("host", "")  # its name
        self.amend: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] | None = values.get("amend")  # (path, body) -> additions to it
        self.amend_query: Callable[[str, Mapping[str, Any]], Mapping[str, object]] | None = values.get("amend_query")  # of the query
        self.route: Callable[[str, object], str] | None = (
            values.get("route") or (_as_it_is if self.amend or self.amend_query else None)  # (path, body) -> path
        )
        self.authority: object = values.get("authority")  # an `Authority` of the exchange: what authorizes an attempt, in place of a key
        self.keyless: bool = values.get("keyless", False)  # sends none, if it has none
        self.origin, target = parse_url(self.base_url)
        if "?" in target:
            raise ConfigurationError("base_url must have no query; pass default_query= instead")
        self.prefix = (target.rstrip("/") or "/v1") if self.origin.path else target.rstrip("/")
        self.fields = self._fields()
        names = {name.lower() for name in self.default_headers}
        self.odd_headers = not names.isdisjoint(("content-type", "idempotency-key"))
        self.authorized = self.key_field.lower() in names

    def _fields(self) -> tuple[tuple[str, str], ...]:
        """The fields of every request, but for those of the key and the body."""
        fields: dict[str, tuple[str, str]] = {
            "host": ("Host", self.origin.authority),
            "accept": ("Accept", "application/json"),
            "accept-encoding": ("Accept-Encoding", "gzip, deflate"),
            "user-agent": ("User-Agent", f"oxide/{__version__}"),
        }
        if self.organization:
            fields["openai-organization"] = field("OpenAI-Organization", self.organization)
        if self.project:
            fields["openai-project"] = field("OpenAI-Project", self.project)
        for name, value in self.default_headers.items():
            merge(fields, name, value)
        return tuple(fields.values())

    def credential(self, key: object) -> tuple[str, str] | None:
        """Return the field that carries a key; None where the key is no text yet, as that of a function."""
        if not isinstance(key, str):
            return None
        return self.key_field, Secret(f"Bearer {key}" if self.key_field == "Authorization" else key)

    def for_sockets(self) -> Settings:
        """Return the settings with which WebSockets are opened. Raises ConfigurationError for a URL that is none."""
        url = self.websocket_base_url
        if url is None:
            return self
        scheme, colon, rest = url.partition("://")
        return self.with_values(base_url=f"{_HTTP.get(scheme.lower(), scheme)}{colon}{rest}", websocket_base_url=None)

    def with_values(self, **changes: Any) -> Settings:
        """Return a copy with some values changed, checked anew."""
        values = {name: getattr(self, name) for name in self.__slots__ if name not in DERIVED}
        return Settings(**{**values, **changes})


def _as_it_is(path: str, _body: object) -> str:
    return path


def at_home(url: str) -> bool:
    """Return whether a URL leads to this machine: to loopback, or a Unix socket. Raises ConfigurationError."""
    origin, _ = parse_url(url)
    return bool(origin.path) or origin.host in ("localhost", "::1") or origin.host.startswith("127.")


_HTTP = {"ws": "http", "wss": "https"}


def merge(fields: dict[str, tuple[str, str]], name: str, value: object) -> None:
    """Put a header over one of the same name in any case, or take that away where `value` is `omit`."""
    if isinstance(value, Omit):
        fields.pop(name.lower(), None)
    else:
        fields[name.lower()] = field(name, value)


def as_timeout(value: float | Timeout | None | NotGiven, default: Timeout) -> Timeout:
    """Return the Timeout meant by an option: a number sets the four waits, `not_given` keeps the default."""
    if isinstance(value, NotGiven):
        return default
    if isinstance(value, Timeout):
        return value
    return _from_other(value) if all(hasattr(value, name) for name in _WAITS) else Timeout(value)


_WAITS = ("connect", "read", "write", "pool")


def _from_other(value: Any) -> Timeout:
    """Take over the four waits of a timeout object of another HTTP library."""
    return Timeout(connect=value.connect, read=value.read, write=value.write, pool=value.pool)


def checked_retries(value: object) -> int:
    """Check a number of retries."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"max_retries must be 0 or more, not {value!r}")
    return value


def _custom_headers(text: str) -> dict[str, str]:
    """Read OPENAI_CUSTOM_HEADERS: lines of `Name: value`."""
    if not all(":" in line for line in text.splitlines() if line.strip()):
        raise ConfigurationError("OPENAI_CUSTOM_HEADERS must be lines of the form `Name: value`")
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    return {name.strip(): Secret(value.strip()) if name.strip().lower() in SECRET else value.strip() for name, _, value in pairs}


def settings_from(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Make settings of a client's options and, where those are silent, of the environment.

    Raises:
        ConfigurationError: there is no key, or a value cannot be; the message says which, and what to do.
    """

    def chosen(name: str, variable: str) -> Any:
        value = given.get(name)
        if value is None:
            value = environment.get(variable, "").strip() or None
        return Secret(value) if name in SECRET_OPTIONS and isinstance(value, str) else value

    key = chosen("api_key", "OPENAI_API_KEY")
    admin_key = chosen("admin_api_key", "OPENAI_ADMIN_KEY")
    custom = _custom_headers(Secret(environment.get("OPENAI_CUSTOM_HEADERS", "")))
    headers: dict[str, str | Omit] = concealed({"default_headers": {**custom, **(given.get("default_headers") or {})}})["default_headers"]
    base_url = _regional(given) or str(chosen("base_url", "OPENAI_BASE_URL") or DEFAULT_BASE_URL)
    keyless = key is None and admin_key is None and (given.get("keyless", False) or at_home(base_url))
    bare = not keyless and key is None and admin_key is None and not any(name.lower() in SECRET for name in headers)
    if bare and given.get("authority") is None and given.get("_enforce_credentials", True):
        raise ConfigurationError("There is no API key. Set the environment variable OPENAI_API_KEY, or pass api_key= to the client.")
    retry = given.get("retry")
    if retry is None or not hasattr(retry, "delay"):
        from ._protocol.retry import RetryPolicy

        if retry is not None:
            raise ConfigurationError(f"retry must be a RetryPolicy, not a {type(retry).__name__}")
        retry = RetryPolicy()
    retries = given.get("max_retries")
    secret = chosen("webhook_secret", "OPENAI_WEBHOOK_SECRET")
    return Settings(
        api_key=key if key is None or callable(key) else checked_key(key),
        admin_api_key=admin_key if admin_key is None or callable(admin_key) else checked_key(admin_key),
        base_url=base_url,
        websocket_base_url=given.get("websocket_base_url"),
        organization=chosen("organization", "OPENAI_ORG_ID"),
        project=chosen("project", "OPENAI_PROJECT_ID"),
        webhook_secret=None if secret is None else Secret(secret),
        timeout=as_timeout(given.get("timeout", not_given), Timeout()),
        max_retries=retry.limit if retries is None else checked_retries(retries),
        default_headers=headers,
        default_query=dict(given.get("default_query") or {}),
        retry=retry,
        redirects=_one_of("redirects", given.get("redirects", "same-origin"), ("same-origin", "any", "none")),
        hooks=_checked_hooks(given.get("hooks") or ()),
        rate_limiter=_checked_limiter(given.get("rate_limiter")),
        max_body=_checked_size(given.get("max_body")),
        strict=bool(given.get("strict") or given.get("_strict_response_validation")),
        key_field=given.get("key_field", "Authorization"),
        route=given.get("route"),
        host=given.get("host", ""),
        amend=given.get("amend"),
        amend_query=given.get("amend_query"),
        authority=given.get("authority"),
        keyless=keyless,
    )


def _regional(given: Mapping[str, Any]) -> str | None:
    """Return the base URL of a region, if one was asked for."""
    region = given.get("data_residency")
    if region is None:
        return None
    if given.get("base_url") is not None:
        raise ConfigurationError("pass data_residency= or base_url=, not both")
    _one_of("data_residency", region, REGIONS)
    return DEFAULT_BASE_URL if region == "global" else DEFAULT_BASE_URL.replace("api.", f"{region}.api.", 1)


def _checked_hooks(hooks: object) -> tuple[object, ...]:
    if not isinstance(hooks, (list, tuple)):
        raise ConfigurationError(f"hooks must be a list of objects, not a {type(hooks).__name__}")
    return tuple(hooks)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]  # of any kind


def _checked_limiter(value: Any) -> RateLimiter | None:
    if value is not None and not hasattr(value, "requests_per_minute"):
        raise ConfigurationError(f"rate_limiter must be an oxide.RateLimiter, not a {type(value).__name__}")
    limiter: RateLimiter | None = value
    return limiter


def _checked_size(value: object) -> int:
    if value is None:
        return 512 * 1024 * 1024
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"max_body must be a number of bytes, 1 or more, not {value!r}")
    return value


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigurationError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    chosen: str = value
    return chosen
