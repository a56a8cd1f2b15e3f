"""What the answers of the API have in common: header fields, usage, and the parameters that a response repeats."""

from __future__ import annotations

import json
from typing import Any

from ._model import text_of, tokens

__all__ = ["STEADY_FIELDS", "chat_usage", "cut", "input_tokens", "kept_parameters", "listed_model", "response_usage", "written_tokens"]

JSON = dict[str, Any]

STEADY_FIELDS = [
    ("server", "oxide-testing"),
    ("connection", "keep-alive"),
    ("access-control-expose-headers", "X-Request-ID"),
    ("openai-organization", "org-testing"),
    ("openai-processing-ms", "12"),
    ("openai-project", "proj_testing"),
    ("openai-version", "2020-10-01"),
    ("x-envoy-upstream-service-time", "14"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "2000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "1999980"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "1m20.5s"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("vary", "Accept-Encoding"),
]


def cut(said: str, limit: int | None) -> tuple[str, bool]:
    pieces = tokens(said) if limit is not None else []
    if limit is None or len(pieces) <= limit:
        return said, True
    return "".join(pieces[:limit]), False


def input_tokens(body: JSON) -> int:
    """Count what the model has to read: the input, the instructions and the tools."""
    parts = (body.get(name) or "" for name in ("input", "instructions", "tools"))
    return sum(len(tokens(part if isinstance(part, str) else json.dumps(part))) for part in parts)


def response_usage(read: int, written: int) -> JSON:
    details: JSON = {"input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}}
    details["output_tokens_details"] = {"reasoning_tokens": 0}
    return {"input_tokens": read, **details, "output_tokens": written, "total_tokens": read + written}


def chat_usage(read: int, written: int) -> JSON:
    spent = {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": spent,
    }


_USUAL: JSON = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "echo-1",
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}


def kept_parameters(body: JSON) -> JSON:
    """Return what a response repeats of its request, with the usual values where nothing was said."""
    return {name: usual if body.get(name) is None else body[name] for name, usual in _USUAL.items()}


def listed_model(name: str) -> JSON:
    return {"id": name, "object": "model", "created": 1_735_689_600, "owned_by": "oxide"}


def written_tokens(output: list[JSON]) -> int:
    """Return how many tokens the items of a response are worth."""
    return sum(len(tokens(item.get("arguments") or text_of(item.get("content")))) for item in output)
