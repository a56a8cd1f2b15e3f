"""Servers on this machine, which want no key."""

from __future__ import annotations

from .._errors import ConfigurationError
from .._settings import at_home
from .._typing import TYPE_CHECKING
from .host import Provider, kept

if TYPE_CHECKING:
    from .host import Key

__all__ = ["local"]


def local(base_url: str, api_key: Key | None = None) -> Provider:
    """A server on this machine, for `Client(provider=...)`: no key of the environment is told to it.

    Args:
        base_url: as in `http://127.0.0.1:11434/v1` or `unix:///run/model.sock`.
        api_key: a key, if it wants one after all.

    Raises:
        ConfigurationError: the URL leads to another machine, and there is no key.
    """
    api_key = kept(api_key)  # a traceback might show it
    if api_key is None and not at_home(base_url):
        raise ConfigurationError("a server on another machine wants a key: pass api_key=")
    return Provider("local", base_url, key=api_key)
