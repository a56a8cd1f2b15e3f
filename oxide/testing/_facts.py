"""Names the API knows, for the server's judgement of a request. A test holds them equal to the digest of the API's description.

They stand here and are not read from the resources: the server judges the client, so it must not ask the client what is right.
"""

from __future__ import annotations

__all__ = ["BODY", "FORM", "KINDS", "MODELS", "QUERY", "REQUIRED"]

BODY: dict[str, frozenset[str]] = {
    "POST /responses": frozenset(
        [
            "access_programs",
            "background",
            "background_options",
            "context_management",
            "conversation",
            "image",
            "include",
            "input",
            "instructions",
            "max_output_tokens",
            "max_tool_calls",
            "metadata",
            "model",
            "moderation",
            "parallel_tool_calls",
            "previous_response_id",
            "prompt",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "reasoning",
            "safety_identifier",
            "service_tier",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "text",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "truncation",
            "user",
        ]
    ),
    "POST /responses/compact": frozenset(
        [
            "image",
            "input",
            "instructions",
            "model",
            "previous_response_id",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "service_tier",
        ]
    ),
    "POST /responses/input_tokens": frozenset(
        [
            "conversation",
            "input",
            "instructions",
            "model",
            "parallel_tool_calls",
            "personality",
            "previous_response_id",
            "reasoning",
            "text",
            "tool_choice",
            "tools",
            "truncation",
        ]
    ),
    "POST /chat/completions": frozenset(
        [
            "audio",
            "frequency_penalty",
            "function_call",
            "functions",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "messages",
            "metadata",
            "modalities",
            "model",
            "moderation",
            "n",
            "parallel_tool_calls",
            "prediction",
            "presence_penalty",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "reasoning_effort",
            "response_format",
            "safety_identifier",
            "seed",
            "service_tier",
            "stop",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "user",
            "verbosity",
            "web_search_options",
        ]
    ),
    "POST /chat/completions/{completion_id}": frozenset(["metadata"]),
    "POST /audio/speech": frozenset(["input", "instructions", "model", "response_format", "speed", "stream_format", "voice"]),
    "POST /uploads": frozenset(["bytes", "expires_after", "filename", "mime_type", "purpose"]),
    "POST /uploads/{upload_id}/complete": frozenset(["md5", "part_ids"]),
    "POST /vector_stores": frozenset(["chunking_strategy", "description", "expires_after", "file_ids", "metadata", "name"]),
    "POST /vector_stores/{vector_store_id}/files": frozenset(["attributes", "chunking_strategy", "file_id"]),
    "POST /vector_stores/{vector_store_id}/file_batches": frozenset(["attributes", "chunking_strategy", "file_ids", "files"]),
    "POST /videos": frozenset(["input_reference", "model", "prompt", "seconds", "size"]),
}
"""Parameters of the body, by operation."""

FORM: dict[str, frozenset[str]] = {
    "POST /files": frozenset(["expires_after", "file", "purpose"]),
    "POST /uploads/{upload_id}/parts": frozenset(["data"]),
    "POST /videos": frozenset(["input_reference", "model", "prompt", "seconds", "size"]),
}
"""Parameters of a form, by operation; one that takes JSON as well stands above, too."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "POST /responses/compact": ("model",),
    "POST /chat/completions": (
        "messages",
        "model",
    ),
    "POST /chat/completions/{completion_id}": ("metadata",),
    "POST /audio/speech": ("input", "model", "voice"),
    "POST /files": ("file", "purpose"),
    "POST /uploads": ("bytes", "filename", "mime_type", "purpose"),
    "POST /uploads/{upload_id}/complete": ("part_ids",),
    "POST /uploads/{upload_id}/parts": ("data",),
    "POST /vector_stores/{vector_store_id}/files": ("file_id",),
    "POST /videos": ("prompt",),
}
"""Parameters of the body that must be there."""

QUERY: dict[str, frozenset[str]] = {
    "GET /responses/{response_id}": frozenset(["include", "include_obfuscation", "starting_after", "stream"]),
    "GET /responses/{response_id}/input_items": frozenset(["after", "include", "limit", "order"]),
    "GET /files": frozenset(["after", "limit", "order", "purpose"]),
    "GET /vector_stores/{vector_store_id}/files": frozenset(["after", "before", "filter", "limit", "order"]),
    "GET /videos/{video_id}/content": frozenset(["variant"]),
    "GET /chat/completions": frozenset(["after", "limit", "metadata", "model", "order"]),
    "GET /chat/completions/{completion_id}/messages": frozenset(["after", "limit", "order"]),
}
"""Parameters of the query, by operation; an operation that is not named takes none."""

KINDS: dict[str, tuple[type, ...]] = {
    "background": (bool,),
    "bytes": (int,),
    "file_id": (str,),
    "file_ids": (list,),
    "files": (list,),
    "input": (str, list),
    "instructions": (str,),
    "max_completion_tokens": (int,),
    "max_output_tokens": (int,),
    "max_tokens": (int,),
    "messages": (list,),
    "metadata": (dict,),
    "model": (str,),
    "n": (int,),
    "parallel_tool_calls": (bool,),
    "part_ids": (list,),
    "previous_response_id": (str,),
    "store": (bool,),
    "stream": (bool,),
    "stream_options": (dict,),
    "temperature": (int, float),
    "text": (dict,),
    "tools": (list,),
    "top_p": (int, float),
}
"""JSON types of parameters, where the server looks at them; null is taken everywhere."""

MODELS = ("echo-1", "gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini")
"""What the server lists. It answers to any name."""
