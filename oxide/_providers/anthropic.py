"""Anthropic: its own host, as far as it speaks this API."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .cache import Hints
from .host import Provider, kept, key_for

if TYPE_CHECKING:
    from typing import Literal

    from .host import Key

__all__ = ["anthropic"]

BASE_URL = "https://api.anthropic.com/v1"


def anthropic(api_key: Key | None = None, *, cache: Literal["5m", "1h"] | None = None, base_url: str = BASE_URL) -> Provider:
    """Anthropic, or a host that is compatible with it, for `Client(provider=...)`: Chat Completions with models called `claude-...`.

    Args:
        api_key: the key, or a function that returns it; else ANTHROPIC_API_KEY.
        cache: marks the instructions and the last message of each chat as worth keeping, for as long; a host that does not know the
            marks passes them over.

    Raises:
        ConfigurationError: there is no key.
    """
    api_key = kept(api_key)  # a traceback might show it
    key = key_for("Anthropic", api_key, "ANTHROPIC_API_KEY")
    return Provider("anthropic", base_url, key=key, amend=None if cache is None else Hints(cache, everywhere=True))
