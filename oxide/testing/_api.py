"""The endpoints of the API: they let the echo model answer, and remember what was made.

It knows no connection: a `Received` goes in, a `Reply` comes out.
"""

from __future__ import annotations

import base64
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from email.utils import formatdate
from typing import Any

from . import _facts, _jobs
from ._events import chat_stream, response_stream
from ._jobs import Told, page
from ._judge import ApiError, Call, Judge
from ._model import call_arguments, echo, instance, is_object, nested, objects, text_of, tokens, wanted_tools
from ._script import Received, Reply
from ._shapes import STEADY_FIELDS, chat_usage, cut, input_tokens, kept_parameters, listed_model, response_usage, written_tokens

__all__ = ["Api"]

JSON = dict[str, Any]
EVENT_STREAM = "text/event-stream; charset=utf-8"


Endpoint = Callable[["Api", Call], "JSON | list[bytes]"]


class Api:
    """The endpoints and their memory.

    Args:
        answer: the text of every answer, or a function from the user's last words to it; None: the echo model speaks.
        keys: the API keys that are taken; None: any.
        memory: how many responses and completions are remembered.
    """

    def __init__(self, answer: str | Callable[[str], str] | None, keys: Collection[str] | None, gap: float, memory: int) -> None:
        self._answer = answer
        self._judge = Judge([*_ENDPOINTS, *_jobs.ENDPOINTS], keys)
        self._jobs = _jobs.Jobs(self.new_id, memory)
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
            call = self._judge.judge(received)
            answer = self._answer_to(call)
            status = 200
        except ApiError as refusal:
            answer, status = {"error": refusal.error}, refusal.status
        except Exception as fault:  # whatever a strange body made of us: said aloud, as a service would
            message = f"The test server does not understand the request: {type(fault).__name__}: {fault}"
            answer, status = {"error": {"message": message, "type": "server_error", "param": None, "code": None}}, 500
        if isinstance(answer, Told):
            content, kind = answer.content, "application/json" if isinstance(answer.content, dict) else "application/octet-stream"
            body = json.dumps(content, indent=2).encode() if isinstance(content, dict) else content
            return Reply(200, [*self._fields(kind), *answer.fields], [body])
        if isinstance(answer, dict):
            return Reply(status, self._fields("application/json"), [json.dumps(answer, indent=2).encode()])
        return Reply(status, self._fields(EVENT_STREAM), answer, self._gap, "chunked")

    def _answer_to(self, call: Call) -> JSON | list[bytes] | Told:
        job = _jobs.ENDPOINTS.get(call.operation)
        return _ENDPOINTS[call.operation](self, call) if job is None else job(self._jobs, call)

    def _fields(self, content_type: str) -> list[tuple[str, str]]:
        now = int(time.time())
        if now != self._second:
            self._second, self._date = now, formatdate(now, usegmt=True)
        self._made += 1
        number = self._made
        return [("date", self._date), ("content-type", content_type), *STEADY_FIELDS, ("x-request-id", f"req_{number:032x}")]

    def new_id(self, prefix: str) -> str:
        """Return a name that was never used before."""
        self._made += 1
        return f"{prefix}_{self._made:032x}"

    # ------------------------------------------------------------------------------------------------------ responses

    def create_response(self, call: Call) -> JSON | list[bytes]:
        body = call.body
        response = self._response(body, self._response_before(body))
        if body.get("stream"):
            return response_stream(response, padded=_padded(body))
        if body.get("background"):
            return {**response, "status": "queued", "output": [], "usage": None, "completed_at": None}
        return response

    def take_turn(self, received: Received, generate: bool, before: int | None) -> JSON:
        """Return the response to a `response.create` of a WebSocket. Raises ApiError.

        Args:
            generate: False: only what was given is taken in.
            before: tokens of the response that is gone on from, where the connection remembers it; None: it is looked for here.
        """
        body = self._judge.judge(received).body
        return self._response(body, self._response_before(body) if before is None else before, generate)

    def _response(self, body: JSON, before: int, generate: bool = True) -> JSON:
        response = self._made_response(body)
        if not generate:
            response.update(output=[], usage=response_usage(input_tokens(body), 0))
        items = self._input_items(body.get("input"))
        if body.get("store") is not False:
            waiting = 1 if body.get("background") else 0
            _remember(self._responses, response["id"], {"response": response, "items": items, "polls": waiting}, self._memory)
            response["usage"]["input_tokens"] += before
            response["usage"]["total_tokens"] += before
        return response

    def refusal(self, received: Received) -> Reply | None:
        """Return the answer to a request without a good key; None where it has one."""
        try:
            self._judge.check_key(received)
        except ApiError as refusal:
            return Reply(refusal.status, self._fields("application/json"), [json.dumps({"error": refusal.error}, indent=2).encode()])
        return None

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
        tools = [tool for tool in objects(body.get("tools")) if tool.get("type") == "function" and "name" in tool]
        said = self._spoken(asked, results, nested(body, "text").get("format"))
        output: list[JSON] = []
        if tools and not results:
            called = wanted_tools(tools, body.get("tool_choice"), asked, body.get("parallel_tool_calls") is not False)
            output = [self._function_call(tool, asked) for tool in called]
        limit, complete = body.get("max_output_tokens"), True
        if not output:
            said, complete = cut(said, limit)
            output = [self._message(said, complete)]
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
            **kept_parameters(body),
            "usage": response_usage(input_tokens(body), written_tokens(output)),
        }

    def _spoken(self, asked: str, results: list[str], form: Any) -> str:
        kind = form.get("type") if is_object(form) else None
        if kind == "json_schema":
            return json.dumps(instance(form.get("schema") or {}))
        if kind == "json_object":
            return json.dumps({"you_said": asked})
        if isinstance(self._answer, str):
            return self._answer
        return echo(asked, results) if results or self._answer is None else self._answer(asked)

    def _message(self, said: str, complete: bool) -> JSON:
        part: JSON = {"type": "output_text", "annotations": [], "logprobs": [], "text": said}
        status = "completed" if complete else "incomplete"
        return {"id": self.new_id("msg"), "type": "message", "status": status, "content": [part], "role": "assistant"}

    def _function_call(self, tool: JSON, asked: str) -> JSON:
        call: JSON = {"id": self.new_id("fc"), "type": "function_call", "status": "completed"}
        return {**call, "arguments": call_arguments(tool, asked), "call_id": self.new_id("call"), "name": tool["name"]}

    def _input_items(self, given: Any) -> list[JSON]:
        messages = [{"role": "user", "content": given}] if isinstance(given, str) else objects(given)
        return [self._input_item(message) for message in messages]

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
        return page(self._stored(call)["items"], call, "desc")

    def count_tokens(self, call: Call) -> JSON:
        return {"object": "response.input_tokens", "input_tokens": self._response_before(call.body) + input_tokens(call.body)}

    def compact(self, call: Call) -> JSON:
        items = self._input_items(call.body.get("input"))
        folded = base64.b64encode(json.dumps(items).encode()).decode()
        kept = [item for item in items if item.get("role") == "user"]
        output = [*kept, {"id": self.new_id("cmp"), "type": "compaction", "encrypted_content": folded}]
        usage = response_usage(self._response_before(call.body) + input_tokens(call.body), len(tokens(folded)))
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
        options = nested(body, "stream_options")
        return chat_stream(completion, bool(options.get("include_usage")), _padded(body))

    def _made_completion(self, body: JSON) -> JSON:
        asked, results = _conversation(body["messages"])
        message, finish = self._chat_message(body, asked, results)
        count = body.get("n") or 1
        read = sum(len(tokens(text_of(one.get("content")))) + 4 for one in objects(body["messages"]))
        calls: list[JSON] = message.get("tool_calls") or []
        written = count * (len(tokens(message["content"] or "")) + sum(len(tokens(one["function"]["arguments"])) for one in calls))
        return {
            "id": self.new_id("chatcmpl"),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": [{"index": index, "message": message, "logprobs": None, "finish_reason": finish} for index in range(count)],
            "usage": chat_usage(read, written),
            "service_tier": "default",
            "system_fingerprint": "fp_0123456789",
        }

    def _chat_message(self, body: JSON, asked: str, results: list[str]) -> tuple[JSON, str]:
        message: JSON = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
        tools = [tool["function"] for tool in objects(body.get("tools")) if is_object(tool.get("function"))]
        if tools and not results:
            called = wanted_tools(tools, body.get("tool_choice"), asked, body.get("parallel_tool_calls") is not False)
            if called:
                return {**message, "tool_calls": [self._chat_call(tool, asked) for tool in called]}, "tool_calls"
        form = nested(body, "response_format")
        said = self._spoken(asked, results, {**form, **nested(form, "json_schema"), "type": form.get("type")})
        said, complete = cut(said, body.get("max_completion_tokens") or body.get("max_tokens"))
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
        return page(found, call, "asc")

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
        return page(named, call, "asc")

    # --------------------------------------------------------------------------------------------------------- models

    def list_models(self, call: Call) -> JSON:
        return {"object": "list", "data": [listed_model(name) for name in _facts.MODELS]}

    def retrieve_model(self, call: Call) -> JSON:
        if call.path[0] not in _facts.MODELS:
            raise ApiError(404, f"There is no model {call.path[0]!r}.", param="model", code="model_not_found")
        return listed_model(call.path[0])


_ENDPOINTS: dict[str, Endpoint] = {
    "POST /responses": Api.create_response,
    "POST /responses/input_tokens": Api.count_tokens,
    "POST /responses/compact": Api.compact,
    "GET /responses/{response_id}": Api.retrieve_response,
    "DELETE /responses/{response_id}": Api.delete_response,
    "POST /responses/{response_id}/cancel": Api.cancel_response,
    "GET /responses/{response_id}/input_items": Api.input_items,
    "POST /chat/completions": Api.create_completion,
    "GET /chat/completions": Api.list_completions,
    "GET /chat/completions/{completion_id}": Api.retrieve_completion,
    "POST /chat/completions/{completion_id}": Api.update_completion,
    "DELETE /chat/completions/{completion_id}": Api.delete_completion,
    "GET /chat/completions/{completion_id}/messages": Api.completion_messages,
    "GET /models": Api.list_models,
    "GET /models/{model}": Api.retrieve_model,
}


def _padded(body: JSON) -> bool:
    return nested(body, "stream_options").get("include_obfuscation") is not False


def _conversation(given: Any) -> tuple[str, list[str]]:
    """Return the last words of the user, and the results of tools that came after them."""
    asked: str = given if isinstance(given, str) else ""
    results: list[str] = []
    for item in objects(given):
        if item.get("role") == "user":
            asked, results = text_of(item.get("content")), []
        elif item.get("role") == "tool":
            results.append(text_of(item.get("content")))
        elif item.get("type") == "function_call_output":
            results.append(text_of(item.get("output")))
    return asked, results


def _remember(memory: OrderedDict[str, JSON], name: str, value: JSON, limit: int) -> None:
    memory[name] = value
    while len(memory) > limit:
        memory.popitem(last=False)
