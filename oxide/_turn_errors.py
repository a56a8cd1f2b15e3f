"""Errors that the service tells of in the events of a WebSocket."""

from __future__ import annotations

import time

from ._info import HttpInfo
from ._json import as_object, encode
from ._judge import unsuccessful
from ._protocol.headers import Headers
from ._raw import RawResponse
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ._errors import APIStatusError, AttemptRecord
    from ._operation import Request

__all__ = ["event_error", "explain"]

STATUSES = {
    "authentication_error": 401,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
}
"""What an error is that tells no status, by its code or type; others are the service's own fault."""


def event_error(event: dict[str, Any], request: Request, attempts: Sequence[AttemptRecord], seconds: float) -> APIStatusError:
    """Return the error that an event tells of: that of its status, with the header fields that stand in it."""
    told = as_object(event.get("error")) or event
    fields = as_object(told.get("headers")) or {}
    headers = Headers([(name, value) for name, value in fields.items() if isinstance(value, str)])
    http = HttpInfo(_status(event, told), headers, "WebSocket", attempts, (0.0, 0.0, 0.0, seconds))
    return unsuccessful(RawResponse(http, request, encode(event)), request, time.time())


def _status(event: dict[str, Any], told: dict[str, Any]) -> int:
    status = event.get("status", event.get("status_code"))
    if isinstance(status, int) and not isinstance(status, bool) and 400 <= status <= 599:
        return status
    words = [word for word in (told.get("code"), told.get("type")) if isinstance(word, str)]
    return next((STATUSES[word] for word in words if word in STATUSES), 500)


def explain(error: APIStatusError, replaced: str, kept: bool) -> None:
    """Say why the service knows nothing of what was said before, and what to do."""
    why = f"the connection was replaced ({replaced}), and what the service kept is gone with it; " if replaced else ""
    advice = "pass keep_history=True to session(), or store=True with each turn" if not kept else "its beginning was not kept"
    error.message = f"{error.message} The session cannot send the conversation as a whole: {why}{advice}."
    error.args = (error.message,)
