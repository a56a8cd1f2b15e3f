"""Where keys of AWS come from: arguments, functions, the environment, the files of its command line."""

from __future__ import annotations

import os

from .._errors import ConfigurationError
from .._settings import Secret
from .._typing import TYPE_CHECKING
from .host import variable
from .sigv4 import AwsKeys

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["ambient_keys", "profile_keys", "profile_region", "taken_over"]

ADVICE = (
    "There are no credentials for Bedrock: pass api_key=, access_key_id= and secret_access_key=, profile= or credential_provider= to the "
    "provider, or set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)


def ambient_keys() -> AwsKeys:
    """Return the keys of the environment; or of the default profile; or what botocore finds, if it is installed.

    Raises:
        ConfigurationError: there are none.
    """
    name, secret = variable("AWS_ACCESS_KEY_ID"), Secret(variable("AWS_SECRET_ACCESS_KEY") or "")
    if name and secret:
        token = Secret(variable("AWS_SESSION_TOKEN") or "")
        return AwsKeys(name, secret, token or None)
    found = _keys_in(_section("AWS_SHARED_CREDENTIALS_FILE", "credentials", variable("AWS_PROFILE") or "default"))
    return found or _botocore_keys()


def _botocore_keys() -> AwsKeys:
    """Return the keys of this machine's role, which botocore knows how to ask for."""
    try:
        session: Any = __import__("botocore.session").session.get_session()
    except ImportError:
        raise ConfigurationError(ADVICE) from None
    found = session.get_credentials()
    if found is None:
        raise ConfigurationError(ADVICE)
    return taken_over(found)


def profile_keys(profile: str) -> AwsKeys:
    """Return the keys of a profile. Raises ConfigurationError where its section has none."""
    credentials = _section("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile)
    found = _keys_in(credentials) or _keys_in(_section("AWS_CONFIG_FILE", "config", profile))
    if found is None:
        raise ConfigurationError(
            f"the profile {profile!r} has no aws_access_key_id and aws_secret_access_key; for roles pass credential_provider=, as in "
            "botocore.session.Session(profile=...).get_credentials"
        )
    return found


def profile_region(profile: str | None) -> str | None:
    """Return the region of a profile."""
    return _section("AWS_CONFIG_FILE", "config", profile or variable("AWS_PROFILE") or "default").get("region")


def _keys_in(section: dict[str, str]) -> AwsKeys | None:
    try:
        name, secret = section["aws_access_key_id"], section["aws_secret_access_key"]
    except KeyError:
        return None
    return AwsKeys(name, secret, section.get("aws_session_token"))


class _Section(dict[str, str]):
    """The values of a section, whose `repr` shows none of them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<a section>"


def _section(name: str, file: str, profile: str) -> dict[str, str]:
    """Return the values of a profile in one of the two files of AWS; nothing where there is no such file or section."""
    from configparser import Error, RawConfigParser  # which few programs need

    path = os.path.expanduser(variable(name) or f"~/.aws/{file}")
    parser = RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, ValueError, Error):  # whose text may show a line of it
        raise ConfigurationError(f"{path} cannot be read") from None
    titles = (profile, f"profile {profile}")  # the file `config` writes it the second way
    for title in titles:
        if parser.has_section(title):
            return _Section({key: Secret(value) for key, value in parser.items(title)})
    return _Section()


def taken_over(found: Any) -> AwsKeys:
    """Return the keys in an object of botocore, or in one like it, as they are now.

    Raises:
        ConfigurationError: it has none.
    """
    freeze: Callable[[], Any] | None = getattr(found, "get_frozen_credentials", None)
    frozen = freeze() if callable(freeze) else found
    if isinstance(frozen, AwsKeys):
        return frozen
    try:
        return AwsKeys(frozen.access_key, Secret(frozen.secret_key), frozen.token)
    except AttributeError:
        kind = type(found).__name__
        raise ConfigurationError(f"credentials of AWS have access_key, secret_key and token, as botocore's do; a {kind} has not") from None
