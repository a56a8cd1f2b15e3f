"""What checkers should understand of structured output and tools. Never run; mypy and pyright read it, both strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

from pydantic import BaseModel
from typing_extensions import assert_type

import oxide
from oxide import Tool, decode_as
from oxide.resources.chat import AsyncChat, Chat
from oxide.resources.responses import AsyncResponses, Responses
from oxide.types.chat import ParsedChatCompletion
from oxide.types.responses import ParsedResponse, ParsedResponseFunctionToolCall, ParsedResponseOutputMessage, ParsedResponseOutputText


@dataclass
class Reply:
    final: str


class Point(NamedTuple):
    x: int


class Words(TypedDict):
    words: list[str]


class Model(BaseModel):
    number: int


# ---------------------------------------------------------------------------------------------------------- structured
def results(responses: Responses, chat: Chat) -> None:
    answer = responses.parse(model="m", input="hi", text_format=Reply)
    assert_type(answer, ParsedResponse[Reply])
    assert_type(answer.output_parsed, Reply | None)
    assert_type(answer.output_text, str)
    assert_type(responses.parse(model="m", input="hi", text_format=Point).output_parsed, Point | None)
    assert_type(responses.parse(model="m", input="hi", text_format=Words).output_parsed, Words | None)
    assert_type(responses.parse(model="m", input="hi", text_format=Model).output_parsed, Model | None)
    assert_type(responses.parse(model="m", input="hi", text_format=list[Reply]).output_parsed, list[Reply] | None)
    assert_type(responses.parse(model="m", input="hi", text_format={"type": "object"}), ParsedResponse[Any])
    completion = chat.completions.parse(model="m", messages=[], response_format=Reply)
    assert_type(completion, ParsedChatCompletion[Reply])
    assert_type(completion.choices[0].message.parsed, Reply | None)
    for call in completion.choices[0].message.tool_calls or ():
        assert_type(call.function.parsed_arguments, object)


async def waiting_results(responses: AsyncResponses, chat: AsyncChat) -> None:
    assert_type(await responses.parse(model="m", input="hi", text_format=Reply), ParsedResponse[Reply])
    assert_type(await chat.completions.parse(model="m", messages=[], response_format=Reply), ParsedChatCompletion[Reply])


def items(answer: ParsedResponse[Reply]) -> None:
    for item in answer.output:
        if item.type == "message":
            assert_type(item, ParsedResponseOutputMessage[Reply])
            for part in item.content:
                if part.type == "output_text":
                    assert_type(part, ParsedResponseOutputText[Reply])
                    assert_type(part.parsed, Reply | None)
        elif item.type == "function_call":
            assert_type(item, ParsedResponseFunctionToolCall)
            assert_type(item.parsed_arguments, object)


def decoded(text: str) -> None:
    assert_type(decode_as(Reply, text), Reply)
    assert_type(decode_as(list[Point], text), list[Point])
    assert_type(oxide.strict_schema(Reply | Point), dict[str, Any])


# --------------------------------------------------------------------------------------------------------------- tools
@oxide.tool
def weather(city: str, days: int = 3) -> str:
    return f"{city} {days}"


@oxide.tool(name="later")
async def wait(seconds: float, unit: Literal["s", "ms"]) -> float:
    return seconds if unit == "s" else seconds / 1000


async def waiting_tools() -> None:
    assert_type(await wait(1.0, "s"), float)
    assert_type(await wait.call("{}"), float)


def tools(responses: Responses, chat: Chat) -> None:
    assert_type(weather("here"), str)
    assert_type(weather.call("{}"), str)
    assert_type(weather.decode("{}"), dict[str, Any])
    mixed: list[Tool[..., Any]] = [weather, wait]
    responses.create(model="m", input="hi", tools=mixed)
    responses.parse(model="m", input="hi", tools=[weather, {"type": "function", "name": "f", "parameters": {}, "strict": True}])
    chat.completions.create(model="m", messages=[], tools=[weather, {"type": "function", "function": {"name": "f"}}])
    chat.completions.parse(model="m", messages=[], tools=mixed)
    chat.completions.create(model="m", messages=[], tools=[oxide.pydantic_function_tool(Model)])
    responses.create(model="m", input="hi", tools=[oxide.pydantic_responses_function_tool(Model)])
