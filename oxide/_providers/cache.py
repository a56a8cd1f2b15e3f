"""Hints to Anthropic's models which part of a prompt is worth keeping: marks on messages. Values in, values out."""

from __future__ import annotations

from .._errors import ConfigurationError
from .._models._base import Record
from .._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

__all__ = ["Hints", "cache_control", "cached", "is_anthropic_model", "supports_assistant_prefill"]

LIFETIMES = ("5m", "1h")


def cache_control(ttl: str = "5m") -> dict[str, str]:
    """Return the mark itself: keep everything up to here, for `ttl` ("5m" or "1h"). Raises ConfigurationError."""
    if ttl not in LIFETIMES:
        raise ConfigurationError(f"a cache keeps for '5m' or '1h', not for {ttl!r}")
    return {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}


def cached(message: Mapping[str, Any], ttl: str = "5m") -> dict[str, Any]:
    """Return a message of a chat with a mark on its last part: the prompt up to there is worth keeping.

    A text becomes a list of one part, since only parts can be marked; a message without content is returned as it is.

    Args:
        ttl: how long it is kept after its last use, "5m" or "1h".

    Raises:
        ConfigurationError: another `ttl`.
    """
    mark = cache_control(ttl)
    content = message.get("content")
    parts: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())
    if not parts or not isinstance(parts[-1], dict):
        return {**message}
    return {**message, "content": [*parts[:-1], {**cast("dict[str, Any]", parts[-1]), "cache_control": mark}]}


def is_anthropic_model(model: object) -> bool:
    """Return whether a model is one of Anthropic's, by its name here and at hosts that serve many."""
    return isinstance(model, str) and model.lower().removeprefix("~").startswith(("anthropic/", "anthropic.", "claude"))


def supports_assistant_prefill(model: str) -> bool:
    """Return whether a model goes on with a last message of the assistant: of Anthropic's newer ones only the small ones do."""
    return not is_anthropic_model(model) or "haiku" in model.lower()


class Hints:
    """Marks the instructions and the last message of a chat: the next turn begins with the same.

    Args:
        ttl: how long they are worth keeping.
        everywhere: whether any model is told, or Anthropic's only.
    """

    __slots__ = ("_everywhere", "_ttl")

    def __init__(self, ttl: str, everywhere: bool) -> None:
        cache_control(ttl)
        self._ttl = ttl
        self._everywhere = everywhere

    def __call__(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        messages = body.get("messages")
        if path != "/chat/completions" or not isinstance(messages, (list, tuple)) or not messages:
            return {}
        if not self._everywhere and not is_anthropic_model(body.get("model")):
            return {}
        return {"messages": self._marked(cast("Sequence[Any]", messages))}

    def _marked(self, messages: Sequence[Any]) -> list[Any]:
        plain = [message.to_dict() if isinstance(message, Record) else message for message in messages]
        if any("cache_control" in str(message) for message in plain):  # whoever marks messages knows better
            return plain
        instructions = [i for i, message in enumerate(plain) if message.get("role") in ("system", "developer")]
        for place in {*instructions[-1:], len(plain) - 1}:
            plain[place] = cached(plain[place], self._ttl)
        return plain
