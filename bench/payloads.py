"""What is asked and what is answered: requests as Python values, answers as bytes.

The texts are made up, the shapes and sizes are those of the real service. `server.py` puts the answers on the wire.
"""

from __future__ import annotations

import json

Json = dict[str, object]

TALE = (
    "the river bends slowly past an old mill where nobody has ground corn for years and yet its wheel still turns "
    "whenever rain in the hills has been long enough to fill the stream again"
)
WORDS = TALE.split()

CHAT_TEXT = "Ljubljana is the capital of Slovenia."
CREATED = 1_770_000_000


def sentence(start: int, count: int) -> str:
    return " ".join(WORDS[(start + i * 7) % len(WORDS)] for i in range(count))


def tokens(count: int) -> list[str]:
    """`count` small pieces of text, as a model would stream them."""
    return [(" " if i else "") + WORDS[i % len(WORDS)] for i in range(count)]


# --- answers: plain -------------------------------------------------------------------------------------------------


def _usage_of_chat(prompt: int, completion: int) -> Json:
    details: Json = {"reasoning_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": details,
    }


def _completion(message: Json, finish_reason: str, usage: Json) -> Json:
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-B7x2kQm9vTzR4wLc8sYf",
        "object": "chat.completion",
        "created": CREATED,
        "model": "gpt-5-mini-2026-01-15",
        "choices": [choice],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_51ac8d04e2",
    }


def chat_tiny() -> Json:
    """A chat completion of about half a kilobyte."""
    return _completion({"role": "assistant", "content": CHAT_TEXT, "refusal": None, "annotations": []}, "stop", _usage_of_chat(14, 8))


def chat_tool_call() -> Json:
    """A chat completion that asks for one function call."""
    function = {"name": "lookup_07", "arguments": json.dumps({"query": sentence(3, 6), "limit": 5})}
    calls = [{"id": "call_Yq3nB8rK1mZpT6vW", "type": "function", "function": function}]
    return _completion(
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}, "tool_calls", _usage_of_chat(31_204, 32)
    )


def chat_long() -> Json:
    """A chat completion of about 19 KB: a long text and a dozen calls."""
    calls = [
        {
            "id": f"call_{i:020}",
            "type": "function",
            "function": {"name": f"lookup_{i:02}", "arguments": json.dumps({"query": sentence(i, 60)})},
        }
        for i in range(24)
    ]
    message: Json = {"role": "assistant", "content": sentence(0, 1600), "refusal": None, "tool_calls": calls}
    return _completion(message, "tool_calls", _usage_of_chat(140_812, 3_950))


def _response(status: str, output: list[Json], usage: Json | None) -> Json:
    return {
        "id": "resp_68af4030baa48193b0b43b4c2a176a1a0e2b6f5d1c",
        "object": "response",
        "billing": {"payer": "developer"},
        "completed_at": CREATED + 1,
        "frequency_penalty": 0.0,
        "max_tool_calls": None,
        "presence_penalty": 0.0,
        "prompt_cache_key": None,
        "prompt_cache_retention": None,
        "safety_identifier": None,
        "top_logprobs": 0,
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": "gpt-5-mini-2026-01-15",
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": None,
    }


def _message(text: str, status: str = "completed") -> Json:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {"id": "msg_68af40323a54819392", "type": "message", "status": status, "role": "assistant", "content": [part] if text else []}


def _usage_of_response(given: int, made: int) -> Json:
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + made,
    }


def response_small() -> Json:
    """A response of about 1.2 KB."""
    return _response("completed", [_message(CHAT_TEXT)], _usage_of_response(14, 8))


# --- answers: streamed ----------------------------------------------------------------------------------------------


def _chunk(delta: Json, finish_reason: str | None = None) -> Json:
    return {
        "id": "chatcmpl-B7x2kQm9vTzR4wLc8sYf",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": "gpt-5-mini-2026-01-15",
        "service_tier": "default",
        "system_fingerprint": "fp_51ac8d04e2",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
    }


def chat_events(count: int) -> list[bytes]:
    """`count` chunks of a streamed chat completion, and the mark [DONE]."""
    chunks = [_chunk({"role": "assistant", "content": "", "refusal": None})]
    chunks += [_chunk({"content": token}) for token in tokens(count - 2)]
    chunks.append(_chunk({}, "stop"))
    return [b"data: " + compact(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def response_events(count: int) -> list[bytes]:
    """`count` events of a streamed response."""
    pieces = tokens(count - 8)
    text = "".join(pieces)
    where: Json = {"item_id": "msg_68af40323a54819392", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "annotations": [], "logprobs": []}
    events: list[Json] = [
        {"type": "response.created", "response": _response("in_progress", [], None)},
        {"type": "response.in_progress", "response": _response("in_progress", [], None)},
        {"type": "response.output_item.added", "output_index": 0, "item": _message("", "in_progress")},
        {"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **where, "delta": piece, "logprobs": [], "obfuscation": "a8Kq2x"} for piece in pieces),
        {"type": "response.output_text.done", **where, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **where, "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": _message(text)},
        {"type": "response.completed", "response": _response("completed", [_message(text)], _usage_of_response(14, count))},
    ]
    numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
    return [b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), compact(event)) for event in numbered]


STAMP = b"0000000000000000000"


def stamped_events() -> list[bytes]:
    """A short chat stream whose first chunk has room for the moment at which it is sent (nanoseconds, monotonic)."""
    first = compact(_chunk({"role": "assistant", "content": STAMP.decode()}))
    return [b"data: " + first + b"\n\n", *chat_events(12)[1:]]


# --- requests -------------------------------------------------------------------------------------------------------


def tiny_messages() -> list[Json]:
    return [
        {"role": "system", "content": "You answer in one short sentence."},
        {"role": "user", "content": "What is the capital of Slovenia?"},
    ]


def _tool(number: int) -> Json:
    properties: Json = {
        f"field_{i}": {"type": ("string", "integer", "boolean")[i % 3], "description": sentence(number + i, 12)} for i in range(8)
    }
    properties["options"] = {"type": "object", "properties": {"mode": {"type": "string", "enum": ["fast", "exact"]}}, "required": ["mode"]}
    parameters = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    function = {"name": f"lookup_{number:02}", "description": sentence(number, 40), "parameters": parameters, "strict": True}
    return {"type": "function", "function": function}


def tools(count: int) -> list[Json]:
    return [_tool(number) for number in range(count)]


def conversation(rounds: int, words: int) -> list[Json]:
    """A conversation of an agent: four messages a round (question, call, result, answer), `words` words in each long one."""
    messages: list[Json] = []
    for i in range(rounds):
        call = {
            "id": f"call_{i:016}",
            "type": "function",
            "function": {"name": f"lookup_{i % 12:02}", "arguments": json.dumps({"q": sentence(i, 9)})},
        }
        messages += [
            {"role": "user", "content": [{"type": "text", "text": sentence(i, words)}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": json.dumps({"rows": [sentence(j, words // 3) for j in range(3)]})},
            {"role": "assistant", "content": sentence(i + 5, words)},
        ]
    return messages


def agent_request(kilobytes: int) -> Json:
    """What an agent sends in the middle of its work: 148 KB (120 messages, 18 tools) or 634 KB (320 messages, 42 tools)."""
    if kilobytes == 148:
        return {"messages": conversation(30, 230), "tools": tools(18)}
    return {"messages": conversation(80, 427), "tools": tools(42)}


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
