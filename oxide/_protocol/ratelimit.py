"""What the service says of its rate limits in the fields `x-ratelimit-*`.  Nothing here waits or decides."""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .headers import Headers

__all__ = ["RateLimit", "parse_reset", "rate_limit"]

SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)(ms|us|µs|ns|d|h|m|s)")
NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")


class RateLimit:
    """How much may be asked for, how much of it is left, and in how many seconds it will be whole again.  None: the service did not say."""

    __slots__ = ("limit_requests", "limit_tokens", "remaining_requests", "remaining_tokens", "reset_requests", "reset_tokens")

    def __init__(
        self,
        limit_requests: int | None = None,
        limit_tokens: int | None = None,
        remaining_requests: int | None = None,
        remaining_tokens: int | None = None,
        reset_requests: float | None = None,
        reset_tokens: float | None = None,
    ) -> None:
        self.limit_requests = limit_requests
        self.limit_tokens = limit_tokens
        self.remaining_requests = remaining_requests
        self.remaining_tokens = remaining_tokens
        self.reset_requests = reset_requests
        self.reset_tokens = reset_tokens

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RateLimit):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # equality by value of a mutable object

    def __repr__(self) -> str:
        return f"RateLimit({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


def rate_limit(headers: Headers) -> RateLimit:
    """Read the limits from the fields of a response; what is absent or unreadable is None."""
    return RateLimit(
        count(headers.get("x-ratelimit-limit-requests")),
        count(headers.get("x-ratelimit-limit-tokens")),
        count(headers.get("x-ratelimit-remaining-requests")),
        count(headers.get("x-ratelimit-remaining-tokens")),
        parse_reset(headers.get("x-ratelimit-reset-requests") or ""),
        parse_reset(headers.get("x-ratelimit-reset-tokens") or ""),
    )


def count(text: str | None) -> int | None:
    return int(text) if text and len(text) < 16 and text.isascii() and text.isdigit() else None


def parse_reset(text: str) -> float | None:
    """Return the seconds of a span such as "1m20s", "6.5s", "100ms" or "2d3h", or of a bare number; None for any other text."""
    if NUMBER.fullmatch(text):
        return float(text)
    total = 0.0
    place = 0
    while match := PART.match(text, place):
        total += float(match[1]) * SECONDS[match[2]]
        place = match.end()
    return total if text and place == len(text) else None
