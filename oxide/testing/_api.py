"""The API itself: judges a request as the real service does, lets the echo model answer, and remembers what it made.

It knows no connection: a `Received` goes in, a `Reply` comes out.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

from . import _facts
from ._events import chat_stream, response_stream
from ._model import call_arguments, echo, instance, text_of, tokens, wanted_tools
from ._script import Received, Reply

__all__ = ["Api"]

JSON = dict[str, Any]
EVENT_STREAM = "text/event-stream; charset=utf-8"
KIND_NAMES = {bool: "a boolean", str: "a string", int: "an integer", float: "a decimal", list: "an array", dict: "an object"}


class ApiError(Exception):
    """A request that the API refuses: the status and the fields of the error object."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error: JSON = {"message": message, "type": "invalid_request_error", "param": param, "code": code}


class Call:
    """One request on its way through the API: what its path, query and body say."""

    __slots__ = ("body", "operation", "path", "query")

    def __init__(self, operation: str, path: list[str], query: dict[str, list[str]], body: JSON) -> None:
        self.operation = operation
        self.path = path
        self.query = query
        self.body = body

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return self.query.get(name, [default])[0]


Handler = Callable[["Api", Call], "JSON | list[bytes]"]


class Api:
    """The endpoints and their memory.

    Args:
        answer: the text of every answer, or a function from the user's last words to it; None: the echo model speaks.
        keys: the API keys that are taken; None: any.
        memory: how many responses and completions are remembered.
    """

    def __init__(self, answer: str | Callable[[str], str] | None, keys: Collection[str] | None, gap: float, memory: int) -> None:
        self._answer = answer
        self._keys = keys
        self._gap = gap
        self._memory = memory
        self._responses: OrderedDict[str, JSON] = OrderedDict()
        self._completions: OrderedDict[str, JSON] = OrderedDict()
        self._made = 0
        self._second = 0
        self._date = ""

    def reply(self, received: Received) -> Reply:
        """Return the answer to a request, good or bad."""
        try:
            answer = self._dispatch(received)
            status = 200
        except ApiError as problem:
            answer, status = {"error": problem.error}, problem.status
        if isinstance(answer, dict):
            return Reply(status, self._fields("application/json"), [json.dumps(answer, indent=2).encode()])
        return Reply(status, self._fields(EVENT_STREAM), answer, self._gap, "chunked")

    def _fields(self, content_type: str) -> list[tuple[str, str]]:
        now = int(time.time())
        if now != self._second:
            self._second, self._date = now, formatdate(now, usegmt=True)
        self._made += 1
        number = self._made
        return [("date", self._date), ("content-type", content_type), *_STEADY_FIELDS, ("x-request-id", f"req_{number:032x}")]

    def new_id(self, prefix: str) -> str:
        """Return a name that was never used before."""
        self._made += 1
        return f"{prefix}_{self._made:032x}"

    # ------------------------------------------------------------------------------------------------------ judgement

    def _dispatch(self, received: Received) -> JSON | list[bytes]:
        path = received.path.removeprefix("/v1")
        operation, handler, parameters = _route(received, path)
        self._check_key(received)
        query = parse_qs(received.query, keep_blank_values=True)
        _check_query(operation, query)
        return handler(self, Call(operation, parameters, query, _checked_body(operation, received)))

    def _check_key(self, received: Received) -> None:
        scheme, _, key = (received.headers.get("authorization") or "").partition(" ")
        key = key.strip() if scheme.lower() == "bearer" else received.headers.get("api-key") or ""
        if not key:
            raise ApiError(401, "No API key came with the request: send it as `Authorization: Bearer <key>`.")
        if self._keys is not None and key not in self._keys:
            raise ApiError(401, "That API key is not known here.", code="invalid_api_key")

    # ------------------------------------------------------------------------------------------------------ responses

    def create_response(self, call: Call) -> JSON | list[bytes]:
        body = call.body
        before = self._response_before(body)
        response = self._made_response(body)
        items = self._input_items(body.get("input"))
        if body.get("store") is not False:
            waiting = 1 if body.get("background") else 0
            _remember(self._responses, response["id"], {"response": response, "items": items, "polls": waiting}, self._memory)
            response["usage"]["input_tokens"] += before
            response["usage"]["total_tokens"] += before
        if body.get("stream"):
            return response_stream(response, padded=_padded(body))
        if body.get("background"):
            return {**response, "status": "queued", "output": [], "usage": None, "completed_at": None}
        return response

    def _response_before(self, body: JSON) -> int:
        """Return the tokens of the conversation so far, which are read again."""
        name = body.get("previous_response_id")
        if name is None:
            return 0
        if name not in self._responses:
            raise ApiError(
                400, f"The previous response {name!r} is not here.", param="previous_response_id", code="previous_response_not_found"
            )
        total: int = self._responses[name]["response"]["usage"]["total_tokens"]
        return total

    def _made_response(self, body: JSON) -> JSON:
        asked, results = _conversation(body.get("input"))
        tools = [tool for tool in body.get("tools") or [] if tool.get("type") == "function" and "name" in tool]
        said = self._spoken(asked, results, (body.get("text") or {}).get("format"))
        output: list[JSON] = []
        if tools and not results:
            called = wanted_tools(tools, body.get("tool_choice"), asked, body.get("parallel_tool_calls") is not False)
            output = [self._function_call(tool, asked) for tool in called]
        limit, complete = body.get("max_output_tokens"), True
        if not output:
            said, complete = _cut(said, limit)
            output = [self._message(said, complete)]
        read = _input_tokens(body)
        written = sum(len(tokens(item.get("arguments") or text_of(item.get("content")))) for item in output)
        now = int(time.time())
        return {
            "id": self.new_id("resp"),
            "object": "response",
            "created_at": now,
            "status": "completed" if complete else "incomplete",
            "background": bool(body.get("background")),
            "completed_at": now if complete else None,
            "error": None,
            "incomplete_details": None if complete else {"reason": "max_output_tokens"},
            "output": output,
            **_kept_parameters(body),
            "usage": _response_usage(read, written),
        }

    def _spoken(self, asked: str, results: list[str], form: object) -> str:
        if isinstance(form, dict) and form.get("type") == "json_schema":
            return json.dumps(instance(form.get("schema") or {}))
        if isinstance(form, dict) and form.get("type") == "json_object":
            return json.dumps({"you_said": asked})
        if callable(self._answer):
            return self._answer(asked)
        return echo(asked, results) if self._answer is None else self._answer

    def _message(self, said: str, complete: bool) -> JSON:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": said}
        status = "completed" if complete else "incomplete"
        return {"id": self.new_id("msg"), "type": "message", "status": status, "content": [part], "role": "assistant"}

    def _function_call(self, tool: JSON, asked: str) -> JSON:
        call: JSON = {"id": self.new_id("fc"), "type": "function_call", "status": "completed"}
        return {**call, "arguments": call_arguments(tool, asked), "call_id": self.new_id("call"), "name": tool["name"]}

    def _input_items(self, given: object) -> list[JSON]:
        messages: list[Any] = [{"role": "user", "content": given}] if isinstance(given, str) else given if isinstance(given, list) else []
        return [self._input_item(message) for message in messages if isinstance(message, dict)]

    def _input_item(self, message: JSON) -> JSON:
        if message.get("type", "message") != "message":
            return {"id": self.new_id("item"), "status": "completed", **message}
        content = message.get("content")
        kind = "output_text" if message.get("role") == "assistant" else "input_text"
        parts: list[Any] = [{"type": kind, "text": content}] if isinstance(content, str) else content or []
        head = {"id": self.new_id("msg"), "type": "message", "status": "completed", "role": "user"}
        return {**head, **message, "content": parts}

    def _stored(self, call: Call) -> JSON:
        name = call.path[0]
        if name not in self._responses:
            raise ApiError(404, f"There is no response with the id {name!r}.", code=None)
        return self._responses[name]

    def retrieve_response(self, call: Call) -> JSON | list[bytes]:
        stored = self._stored(call)
        response: JSON = stored["response"]
        if call.text("stream") == "true":
            return response_stream(response, int(call.text("starting_after", "-1")), call.text("include_obfuscation") != "false")
        if stored["polls"]:
            stored["polls"] -= 1
            return {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
        return response

    def delete_response(self, call: Call) -> JSON:
        self._stored(call)
        del self._responses[call.path[0]]
        return {"id": call.path[0], "object": "response", "deleted": True}

    def cancel_response(self, call: Call) -> JSON:
        stored = self._stored(call)
        response: JSON = stored["response"]
        if not response["background"]:
            raise ApiError(400, "Only a response made with background=true can be cancelled.", param="response_id")
        if stored["polls"]:
            stored["polls"] = 0
            response.update(status="cancelled", output=[], completed_at=None)
        return response

    def input_items(self, call: Call) -> JSON:
        return _page(self._stored(call)["items"], call, "desc")

    def count_tokens(self, call: Call) -> JSON:
        return {"object": "response.input_tokens", "input_tokens": self._response_before(call.body) + _input_tokens(call.body)}

    def compact(self, call: Call) -> JSON:
        items = self._input_items(call.body.get("input"))
        folded = base64.b64encode(json.dumps(items).encode()).decode()
        kept = [item for item in items if item.get("role") == "user"]
        output = [*kept, {"id": self.new_id("cmp"), "type": "compaction", "encrypted_content": folded}]
        usage = _response_usage(self._response_before(call.body) + _input_tokens(call.body), len(tokens(folded)))
        return {
            "id": self.new_id("resp"),
            "object": "response.compaction",
            "created_at": int(time.time()),
            "output": output,
            "usage": usage,
        }

    # ----------------------------------------------------------------------------------------------- chat completions

    def create_completion(self, call: Call) -> JSON | list[bytes]:
        body = call.body
        completion = self._made_completion(body)
        if body.get("store"):
            completion["metadata"] = body.get("metadata") or {}
            _remember(self._completions, completion["id"], {"completion": completion, "messages": body["messages"]}, self._memory)
        if not body.get("stream"):
            return completion
        options: JSON = body.get("stream_options") or {}
        return chat_stream(completion, bool(options.get("include_usage")), _padded(body))

    def _made_completion(self, body: JSON) -> JSON:
        asked, results = _conversation(body["messages"])
        message, finish = self._chat_message(body, asked, results)
        count = body.get("n") or 1
        read = sum(len(tokens(text_of(one.get("content")))) + 4 for one in body["messages"] if isinstance(one, dict))
        calls: list[JSON] = message.get("tool_calls") or []
        written = count * (len(tokens(message["content"] or "")) + sum(len(tokens(one["function"]["arguments"])) for one in calls))
        return {
            "id": self.new_id("chatcmpl"),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": [{"index": index, "message": message, "logprobs": None, "finish_reason": finish} for index in range(count)],
            "usage": _chat_usage(read, written),
            "service_tier": "default",
            "system_fingerprint": "fp_0123456789",
        }

    def _chat_message(self, body: JSON, asked: str, results: list[str]) -> tuple[JSON, str]:
        message: JSON = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
        tools = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function" and "function" in tool]
        if tools and not results:
            called = wanted_tools(tools, body.get("tool_choice"), asked, body.get("parallel_tool_calls") is not False)
            if called:
                return {**message, "tool_calls": [self._chat_call(tool, asked) for tool in called]}, "tool_calls"
        form = body.get("response_format") or {}
        said = self._spoken(asked, results, {**form, **(form.get("json_schema") or {}), "type": form.get("type")})
        said, complete = _cut(said, body.get("max_completion_tokens") or body.get("max_tokens"))
        return {**message, "content": said}, "stop" if complete else "length"

    def _chat_call(self, tool: JSON, asked: str) -> JSON:
        function = {"name": tool["name"], "arguments": call_arguments(tool, asked)}
        return {"id": self.new_id("call"), "type": "function", "function": function}

    def _completion(self, call: Call) -> JSON:
        name = call.path[0]
        if name not in self._completions:
            raise ApiError(404, f"There is no stored completion with the id {name!r}.")
        return self._completions[name]

    def list_completions(self, call: Call) -> JSON:
        found: list[JSON] = [stored["completion"] for stored in self._completions.values()]
        if call.text("model"):
            found = [one for one in found if one["model"] == call.text("model")]
        for name, values in call.query.items():
            if name.startswith("metadata["):
                found = [one for one in found if one["metadata"].get(name[9:-1]) == values[0]]
        return _page(found, call, "asc")

    def retrieve_completion(self, call: Call) -> JSON:
        completion: JSON = self._completion(call)["completion"]
        return completion

    def update_completion(self, call: Call) -> JSON:
        completion: JSON = self._completion(call)["completion"]
        completion["metadata"] = call.body["metadata"] or {}
        return completion

    def delete_completion(self, call: Call) -> JSON:
        self._completion(call)
        del self._completions[call.path[0]]
        return {"object": "chat.completion.deleted", "id": call.path[0], "deleted": True}

    def completion_messages(self, call: Call) -> JSON:
        messages: list[JSON] = self._completion(call)["messages"]
        named = [{"id": f"{call.path[0]}-{number}", **one} for number, one in enumerate(messages)]
        return _page(named, call, "asc")

    # --------------------------------------------------------------------------------------------------------- models

    def list_models(self, call: Call) -> JSON:
        return {"object": "list", "data": [_model(name) for name in _facts.MODELS]}

    def retrieve_model(self, call: Call) -> JSON:
        if call.path[0] not in _facts.MODELS:
            raise ApiError(404, f"There is no model {call.path[0]!r}.", param="model", code="model_not_found")
        return _model(call.path[0])


_STEADY_FIELDS = [
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

_ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/responses", Api.create_response),
    ("POST", "/responses/input_tokens", Api.count_tokens),
    ("POST", "/responses/compact", Api.compact),
    ("GET", "/responses/{response_id}", Api.retrieve_response),
    ("DELETE", "/responses/{response_id}", Api.delete_response),
    ("POST", "/responses/{response_id}/cancel", Api.cancel_response),
    ("GET", "/responses/{response_id}/input_items", Api.input_items),
    ("POST", "/chat/completions", Api.create_completion),
    ("GET", "/chat/completions", Api.list_completions),
    ("GET", "/chat/completions/{completion_id}", Api.retrieve_completion),
    ("POST", "/chat/completions/{completion_id}", Api.update_completion),
    ("DELETE", "/chat/completions/{completion_id}", Api.delete_completion),
    ("GET", "/chat/completions/{completion_id}/messages", Api.completion_messages),
    ("GET", "/models", Api.list_models),
    ("GET", "/models/{model}", Api.retrieve_model),
]
_PATTERNS = [(verb, re.compile(re.sub(r"\{\w+\}", "([^/]+)", path)), f"{verb} {path}", handler) for verb, path, handler in _ROUTES]


def _route(received: Received, path: str) -> tuple[str, Handler, list[str]]:
    known = False
    for verb, pattern, operation, handler in _PATTERNS:
        match = pattern.fullmatch(path)
        if match and verb == received.method:
            return operation, handler, list(match.groups())
        known = known or match is not None
    if known:
        raise ApiError(405, f"{received.method} is not offered at {received.path}.", code="method_not_supported")
    raise ApiError(404, f"There is nothing at {received.path} (asked with {received.method}).", code="unknown_url")


def _check_query(operation: str, query: dict[str, list[str]]) -> None:
    known = _facts.QUERY.get(operation, frozenset())
    for name in query:
        if name.partition("[")[0] not in known and name != "api-version":
            raise ApiError(400, f"Unknown query parameter: {name!r}.", param=name, code="unknown_parameter")


def _checked_body(operation: str, received: Received) -> JSON:
    """Return the body as an object, with the parameters that the operation knows; refuses anything else."""
    known = _facts.BODY.get(operation)
    if known is None:
        return {}
    try:
        body = json.loads(received.body)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body of the request is not JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "The body of the request is not a JSON object.")
    checked: JSON = body
    for name in checked:
        if name not in known:
            raise ApiError(400, f"Unknown parameter: {name!r}.", param=name, code="unknown_parameter")
    for name in _facts.REQUIRED.get(operation, ()):
        if name not in checked:
            raise ApiError(400, f"Missing required parameter: {name!r}.", param=name, code="missing_required_parameter")
    _check_kinds(checked)
    return checked


def _check_kinds(body: JSON) -> None:
    for name, value in body.items():
        kinds = _facts.KINDS.get(name)
        if value is None or kinds is None:
            continue
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted, got = KIND_NAMES[kinds[0]], KIND_NAMES[type(value)]
            raise ApiError(400, f"Invalid type for {name!r}: {wanted} is wanted, {got} came.", param=name, code="invalid_type")


def _padded(body: JSON) -> bool:
    return (body.get("stream_options") or {}).get("include_obfuscation") is not False


def _conversation(given: object) -> tuple[str, list[str]]:
    """Return the last words of the user, and the results of tools that came after them."""
    if isinstance(given, str):
        return given, []
    asked, results = "", []
    items: list[Any] = given if isinstance(given, list) else []
    for item in items:
        if not isinstance(item, dict):
            continue
        if item.get("role") == "user":
            asked, results = text_of(item.get("content")), []
        elif item.get("role") == "tool":
            results.append(text_of(item.get("content")))
        elif item.get("type") == "function_call_output":
            results.append(text_of(item.get("output")))
    return asked, results


def _cut(said: str, limit: int | None) -> tuple[str, bool]:
    pieces = tokens(said) if limit is not None else []
    if limit is None or len(pieces) <= limit:
        return said, True
    return "".join(pieces[:limit]), False


def _input_tokens(body: JSON) -> int:
    given = body.get("input")
    read = json.dumps(given) if isinstance(given, list) else given or ""
    return len(tokens(read)) + len(tokens(body.get("instructions") or "")) + len(tokens(json.dumps(body.get("tools") or "")))


def _response_usage(read: int, written: int) -> JSON:
    details: JSON = {"input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}}
    details["output_tokens_details"] = {"reasoning_tokens": 0}
    return {"input_tokens": read, **details, "output_tokens": written, "total_tokens": read + written}


def _chat_usage(read: int, written: int) -> JSON:
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


def _kept_parameters(body: JSON) -> JSON:
    """Return what a response repeats of its request, with the usual values where nothing was said."""
    return {name: usual if body.get(name) is None else body[name] for name, usual in _USUAL.items()}


def _remember(memory: OrderedDict[str, JSON], name: str, value: JSON, limit: int) -> None:
    memory[name] = value
    while len(memory) > limit:
        memory.popitem(last=False)


def _page(items: list[JSON], call: Call, usual_order: str) -> JSON:
    """Return one page of a list: `limit` items behind the one named by `after`."""
    ordered = items[::-1] if call.text("order", usual_order) == "desc" else items
    limit = int(call.text("limit", "20")) if call.text("limit", "20").isdigit() else 0
    if not 1 <= limit <= 100:
        raise ApiError(400, "The limit must be a number from 1 to 100.", param="limit", code="invalid_value")
    after = call.text("after")
    if after:
        names = [item["id"] for item in ordered]
        if after not in names:
            raise ApiError(400, f"There is no item {after!r} to go on after.", param="after", code="invalid_value")
        ordered = ordered[names.index(after) + 1 :]
    page = ordered[:limit]
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return {"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": len(ordered) > limit}


def _model(name: str) -> JSON:
    return {"id": name, "object": "model", "created": 1_735_689_600, "owned_by": "oxide"}
