"""Other hosts that speak this API, for `Client(provider=...)`: each function returns a value that tells how one differs."""

from __future__ import annotations

from ._providers.anthropic import anthropic
from ._providers.bedrock import bedrock
from ._providers.cache import cache_control, cached, is_anthropic_model, supports_assistant_prefill
from ._providers.cloudflare import cloudflare, cloudflare_gateway
from ._providers.host import Provider
from ._providers.local import local
from ._providers.openrouter import ProviderPreferences, openrouter
from ._providers.sigv4 import AwsKeys
from ._providers.vertex import vertex

__all__ = [
    "FROM_ENVIRONMENT",
    "AwsKeys",
    "Provider",
    "ProviderPreferences",
    "anthropic",
    "bedrock",
    "cache_control",
    "cached",
    "cloudflare",
    "cloudflare_gateway",
    "is_anthropic_model",
    "local",
    "openrouter",
    "supports_assistant_prefill",
    "vertex",
]

FROM_ENVIRONMENT = ("anthropic", "bedrock", "cloudflare", "openrouter", "vertex")
"""The functions that need no arguments where the environment has what they need."""
