"""What checkers should understand: calls, results, inputs. Never run; mypy and pyright read it, both strictly."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import assert_type

from oxide._page import AsyncPage, Page
from oxide._stream import AsyncStream, Stream
from oxide.resources.chat import AsyncChat, Chat
from oxide.resources.responses import AsyncResponses, Responses
from oxide.types import CompletionUsage
from oxide.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionDeleted,
    ChatCompletionMessageParam,
    ChatCompletionStoreMessage,
)
from oxide.types.responses import (
    FunctionTool,
    Response,
    ResponseFunctionToolCall,
    ResponseInputItemParam,
    ResponseItem,
    ResponseOutputMessage,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ToolParam,
)


# ---------------------------------------------------------------------------------------------------------- results
def blocking_results(responses: Responses, chat: Chat, either: bool) -> None:
    assert_type(responses.create(model="gpt-4o", input="hi"), Response)
    assert_type(responses.create(model="gpt-4o", input="hi", stream=False), Response)
    assert_type(responses.create(model="gpt-4o", input="hi", stream=True), Stream[ResponseStreamEvent])
    assert_type(responses.create(model="gpt-4o", input="hi", stream=either), Response | Stream[ResponseStreamEvent])
    assert_type(responses.retrieve("resp_1"), Response)
    assert_type(responses.retrieve("resp_1", stream=True, starting_after=3), Stream[ResponseStreamEvent])
    assert_type(responses.delete("resp_1"), None)
    assert_type(responses.input_items.list("resp_1"), Page[ResponseItem])
    assert_type(responses.input_tokens.count(input="hi").input_tokens, int)
    assert_type(chat.completions.create(model="gpt-4o", messages=[]), ChatCompletion)
    assert_type(chat.completions.create(model="gpt-4o", messages=[], stream=True), Stream[ChatCompletionChunk])
    assert_type(chat.completions.list(limit=3), Page[ChatCompletion])
    assert_type(chat.completions.messages.list("c_1"), Page[ChatCompletionStoreMessage])


async def waiting_results(responses: AsyncResponses, chat: AsyncChat, either: bool) -> None:
    assert_type(await responses.create(model="gpt-4o", input="hi"), Response)
    assert_type(await responses.create(model="gpt-4o", input="hi", stream=True), AsyncStream[ResponseStreamEvent])
    assert_type(await responses.create(model="gpt-4o", input="hi", stream=either), Response | AsyncStream[ResponseStreamEvent])
    assert_type(responses.input_items.list("resp_1"), AsyncPage[ResponseItem])
    assert_type(await chat.completions.create(model="gpt-4o", messages=[]), ChatCompletion)
    assert_type(await chat.completions.create(model="gpt-4o", messages=[], stream=True), AsyncStream[ChatCompletionChunk])
    assert_type(await chat.completions.delete("c_1"), ChatCompletionDeleted)


# ------------------------------------------------------------------------------------------------------------ fields
def fields(response: Response, completion: ChatCompletion) -> None:
    assert_type(response.id, str)
    assert_type(response.output_text, str)
    assert_type(response.function_calls, list[ResponseFunctionToolCall])
    assert_type(response.function_calls[0].arguments, str)
    assert_type(completion.usage, CompletionUsage | None)
    assert_type(completion.choices[0].message.content, str | None)
    for item in response.output:
        if item.type == "message":
            assert_type(item, ResponseOutputMessage)
        elif item.type == "function_call":
            assert_type(item, ResponseFunctionToolCall)
    assert_type(Response.from_dict({}), Response)


def events(stream: Stream[ResponseStreamEvent]) -> None:
    for event in stream:
        if event.type == "response.output_text.delta":
            assert_type(event, ResponseTextDeltaEvent)
            assert_type(event.delta, str)
        match event:
            case ResponseTextDeltaEvent(delta=text):
                assert_type(text, str)
            case _:
                pass


# ------------------------------------------------------------------------------------------------------------ inputs
def inputs(responses: Responses, chat: Chat, before: Response, completion: ChatCompletion, items: Page[ResponseItem]) -> None:
    responses.create(
        model="a model of tomorrow",
        input=[*before.output, {"role": "user", "content": "and then?"}],
        tools=[{"type": "function", "name": "f", "parameters": {}, "strict": True}, FunctionTool(name="g", parameters=None, strict=None)],
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        tool_choice="auto",
        metadata={"k": "v"},
        timeout=3.5,
        extra_headers={"x-a": "b"},
        max_retries=0,
    )
    responses.create(input=[{"type": "function_call_output", "call_id": call.call_id, "output": "42"} for call in before.function_calls])
    responses.create(input=[{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}])
    responses.create(input=(item for item in before.output))
    responses.create(input=before.output, metadata=None)
    chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "system", "content": "be brief"}, completion.choices[0].message, {"role": "user", "content": "hi"}],
        tools=[{"type": "function", "function": {"name": "f"}}],
        response_format={"type": "json_object"},
        stop=["a", "b"],
    )


def annotated_inputs(responses: Responses, chat: Chat, messages: list[ChatCompletionMessageParam], tools: Sequence[ToolParam]) -> None:
    question: ResponseInputItemParam = {"role": "user", "content": "hi"}
    conversation: list[ResponseInputItemParam] = [question]
    answer = responses.create(model="gpt-4o", input=conversation, tools=tools)
    conversation += answer.output
    messages.append({"role": "user", "content": [{"type": "text", "text": "hi"}]})
    chat.completions.create(model="gpt-4o", messages=messages)
