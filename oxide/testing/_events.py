"""The event streams of the API: from a finished answer back to the events that the real service sends while it is being made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ._model import tokens

__all__ = ["chat_stream", "response_events", "response_stream"]

JSON = dict[str, Any]
FINAL = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}
PADDING = "qT5vR8xW2mZ7"


def response_stream(response: JSON, after: int = -1, padded: bool = True) -> list[bytes]:
    """Return the server-sent events of a response, those with a sequence number above `after`."""
    pieces: list[bytes] = []
    for number, event in enumerate(response_events(response, padded)):
        if number > after:
            event["sequence_number"] = number
            pieces.append(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    return pieces


def response_events(response: JSON, padded: bool = True) -> Iterator[JSON]:
    """Yield the events of a response, without their numbers."""
    begun: JSON = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None, "incomplete_details": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        if item["type"] == "message":
            yield from _message_events(item, index, padded)
        else:
            yield from _call_events(item, index, padded)
    yield {"type": FINAL.get(response["status"], "response.completed"), "response": response}


def _message_events(item: JSON, index: int, padded: bool) -> Iterator[JSON]:
    yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "status": "in_progress", "content": []}}
    for number, part in enumerate(item["content"]):
        place: JSON = {"item_id": item["id"], "output_index": index, "content_index": number}
        yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
        for delta in tokens(part["text"]):
            yield _padded({"type": "response.output_text.delta", **place, "delta": delta, "logprobs": []}, delta, padded)
        yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _call_events(item: JSON, index: int, padded: bool) -> Iterator[JSON]:
    place: JSON = {"item_id": item["id"], "output_index": index}
    yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "status": "in_progress", "arguments": ""}}
    for delta in tokens(item["arguments"]):
        yield _padded({"type": "response.function_call_arguments.delta", **place, "delta": delta}, delta, padded)
    yield {"type": "response.function_call_arguments.done", **place, "name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _padded(event: JSON, delta: str, padded: bool) -> JSON:
    """Fill a delta up, so that its size on the wire does not give its text away."""
    if padded:
        event["obfuscation"] = PADDING[len(delta) % 12 :]
    return event


def chat_stream(completion: JSON, include_usage: bool, padded: bool = True) -> list[bytes]:
    """Return the server-sent events of a chat completion."""
    chunk: JSON = {
        "id": completion["id"],
        "object": "chat.completion.chunk",
        "created": completion["created"],
        "model": completion["model"],
    }
    chunk |= {"service_tier": completion["service_tier"], "system_fingerprint": completion["system_fingerprint"]}
    tail: JSON = {"usage": None} if include_usage else {}
    pieces: list[bytes] = []
    for choice, delta, finish in _deltas(completion["choices"]):
        said = delta.get("content") or ""
        choices = [{"index": choice, "delta": delta, "logprobs": None, "finish_reason": finish}]
        pieces.append(_data(_padded({**chunk, "choices": choices, **tail}, said, padded)))
    if include_usage:
        pieces.append(_data(_padded({**chunk, "choices": [], "usage": completion["usage"]}, "", padded)))
    return [*pieces, b"data: [DONE]\n\n"]


def _data(event: JSON) -> bytes:
    return b"data: %b\n\n" % json.dumps(event).encode()


def _deltas(choices: list[JSON]) -> Iterator[tuple[int, JSON, str | None]]:
    for choice in choices:
        index, message = choice["index"], choice["message"]
        calls: list[JSON] = message.get("tool_calls") or []
        yield index, {"role": "assistant", "content": None if calls else "", "refusal": None}, None
        for delta in tokens(message["content"] or ""):
            yield index, {"content": delta}, None
        for number, call in enumerate(calls):
            yield from ((index, delta, None) for delta in _call_deltas(number, call))
        yield index, {}, choice["finish_reason"]


def _call_deltas(number: int, call: JSON) -> Iterator[JSON]:
    function = call["function"]
    yield {"tool_calls": [{"index": number, "id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": ""}}]}
    for delta in tokens(function["arguments"]):
        yield {"tool_calls": [{"index": number, "function": {"arguments": delta}}]}
