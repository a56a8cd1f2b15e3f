"""Structured output: what is sent for a type, and the answer with its texts and arguments parsed.

The type's schema is written by `schema`, its values are read by `decoding`; streams use the same functions as `parse` does.
"""

from __future__ import annotations

from .._errors import ContentFilterFinishReasonError, LengthFinishReasonError, StructureError
from .._json import as_object
from .._models._base import Record
from .._models._parsed import as_parsed
from .._omit import omit
from .._typing import TYPE_CHECKING
from .decoding import decoder_for, parse_json
from .folding import kept_tools
from .schema import schema_name, sent_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .._exchange import Exchange
    from .._models._parsed_chat import ParsedChatCompletion
    from .._models._parsed_responses import ParsedResponse
    from .._models.chat import ChatCompletion
    from .._models.responses import Response
    from .._operation import Operation

__all__ = [
    "check_chat_tools",
    "parse_arguments",
    "parse_chat_story",
    "parse_completion",
    "parse_response",
    "parse_response_story",
    "parse_text",
    "response_format_of",
    "text_param_of",
    "with_format",
]

_FORMATS = frozenset(("text", "json_object", "json_schema", "grammar"))
_GIVEN_UP = {"max_output_tokens": LengthFinishReasonError, "content_filter": ContentFilterFinishReasonError}


# -------------------------------------------------------------------------------------------------------- what is sent
def text_param_of(hint: Any) -> dict[str, Any]:
    """Return what goes into `text.format` of the Responses API for a type; a format that is written out is taken as it is."""
    if given := _written_out(hint):
        return given
    return {"type": "json_schema", "name": schema_name(hint), "schema": sent_schema(hint), "strict": True}


def with_format(text: Any, hint: Any) -> dict[str, Any]:
    """Return the parameter `text` of a call, with the format of a type in it. Raises TypeError where it has one already."""
    fields = {} if text is omit or text is None else {**getattr(text, "__dict__", text)}
    if "format" in fields:
        raise TypeError("text_format and text.format say the same: give one of them")
    return {**fields, "format": text_param_of(hint)}


def response_format_of(hint: Any) -> dict[str, Any]:
    """Return what goes into `response_format` of Chat Completions for a type; a format that is written out is taken as it is."""
    if given := _written_out(hint):
        return given
    return {"type": "json_schema", "json_schema": {"name": schema_name(hint), "schema": sent_schema(hint), "strict": True}}


def _written_out(hint: object) -> dict[str, Any] | None:
    """Return a format that is no type, and no schema of one; None for all else."""
    given = as_object(hint)
    return given if given is not None and given.get("type") in _FORMATS else None


def check_chat_tools(tools: Iterable[Any]) -> None:
    """Check that the arguments of all tools can be parsed, as the official library does. Raises ValueError naming one that cannot."""
    for tool in tools:
        if _of(tool, "type") != "function":
            raise ValueError(f"only tools of the type function can be parsed, not {_of(tool, 'type')!r}")
        function = _function_of(tool)
        if _of(function, "strict") is not True:
            raise ValueError(f"the tool {_of(function, 'name')!r} is not strict; only strict ones can be parsed")


# -------------------------------------------------------------------------------------------------------- what comes back
def parse_text(text: str | None, hint: Any) -> Any:
    """Return what a text means: None where no type was asked for, or there is no text. Raises StructureError."""
    if hint is omit or hint is None or not text or _written_out(hint):
        return None
    try:
        return decoder_for(hint)(text)
    except StructureError as problem:
        problem.text = text
        raise


def parse_arguments(name: str, arguments: str, tools: Iterable[Any], namespace: str | None = None) -> Any:
    """Return the arguments of a call as its tool takes them: None where it is not strict, or not among the tools."""
    tool = _called(name, tools, namespace)
    function = None if tool is None else _function_of(tool)
    read: Callable[[str], Any] | None = getattr(tool, "decode", None) or getattr(function, "decode", None)
    if read is None:
        return parse_json(arguments) if function is not None and _of(function, "strict") else None
    return read(arguments)


def _called(name: str, tools: Iterable[Any], namespace: str | None) -> Any:
    """Return the tool that a call means; one that was found by searching may have its own name as its namespace."""
    if namespace is not None:
        for tool in tools:
            if _of(tool, "type") == "namespace" and _of(tool, "name") == namespace:
                return _called(name, _of(tool, "tools") or (), None)
        if namespace != name:
            return None
    return next((tool for tool in tools if _of(tool, "type") == "function" and _of(_function_of(tool), "name") == name), None)


def _function_of(tool: Any) -> Any:
    """Return the part of a tool that has its name: Chat Completions has it one level deeper than Responses."""
    inner = _of(tool, "function")
    return tool if inner is None else inner


def _of(thing: object, key: str) -> Any:
    fields = as_object(thing)
    return getattr(thing, key, None) if fields is None else fields.get(key)


def parse_response(response: Response, hint: Any = omit, tools: Iterable[Any] = ()) -> ParsedResponse[Any]:
    """Return an answer of the Responses API with its texts and the arguments of its calls parsed.

    Refusals, comments on the way to the final answer, and answers that are still being made are left as they are.

    Raises:
        LengthFinishReasonError, ContentFilterFinishReasonError: the answer is incomplete, and was to be parsed.
        StructureError: a text is not of the type, or arguments do not fit the tool; `.response` has the answer.
    """
    from .._models._parsed_responses import ParsedResponse

    if hint is not omit and hint is not None and response.status == "incomplete":
        reason = as_object(getattr(response.incomplete_details, "__dict__", None)) or {}
        raise _GIVEN_UP.get(reason.get("reason", ""), LengthFinishReasonError)(response)
    given = list(tools)
    try:
        parsed: ParsedResponse[Any] = as_parsed(
            ParsedResponse, response, output=[_item(each, hint, given) for each in response.output or ()]
        )
    except StructureError as problem:
        problem.response = response
        raise
    _keep_the_call(parsed, response)
    return parsed


def _item(item: Any, hint: Any, tools: list[Any]) -> Any:
    from .._models._parsed_responses import ParsedResponseFunctionToolCall, ParsedResponseOutputMessage, ParsedResponseOutputText

    kind = item.__dict__.get("type")
    if kind == "message":
        wanted = hint if item.phase in (None, "final_answer") else omit
        parts: list[Any] = [
            as_parsed(ParsedResponseOutputText, part, parse_text(part.text, wanted)) if part.__dict__.get("type") == "output_text" else part
            for part in item.content or ()
        ]
        return as_parsed(ParsedResponseOutputMessage, item, content=parts)
    if kind == "function_call":
        arguments = parse_arguments(item.name, item.arguments, tools, item.namespace) if tools else None
        return as_parsed(ParsedResponseFunctionToolCall, item, arguments)
    return item


def parse_completion(completion: ChatCompletion, hint: Any = omit, tools: Iterable[Any] = ()) -> ParsedChatCompletion[Any]:
    """Return a chat completion with its texts and the arguments of its calls parsed; a refusal is left as it is.

    Raises:
        LengthFinishReasonError, ContentFilterFinishReasonError: one of the answers ended so.
        StructureError: a text is not of the type, or arguments do not fit the tool; `.response` has the completion.
    """
    from .._models._parsed_chat import ParsedChatCompletion

    given = list(tools)
    try:
        choices = [_choice(each, completion, hint, given) for each in completion.choices or ()]
    except StructureError as problem:
        problem.response = completion
        raise
    parsed: ParsedChatCompletion[Any] = as_parsed(ParsedChatCompletion, completion, choices=choices)
    _keep_the_call(parsed, completion)
    return parsed


def _choice(choice: Any, completion: ChatCompletion, hint: Any, tools: list[Any]) -> Any:
    from .._models._parsed_chat import ParsedChatCompletionMessage, ParsedChoice

    if choice.finish_reason == "length":
        raise LengthFinishReasonError(completion)
    if choice.finish_reason == "content_filter":
        raise ContentFilterFinishReasonError(completion)
    message = choice.message
    parsed = None if message.refusal else parse_text(message.content, hint)
    calls = {"tool_calls": [_chat_call(each, tools) for each in message.tool_calls]} if message.tool_calls else {}
    return as_parsed(ParsedChoice, choice, message=as_parsed(ParsedChatCompletionMessage, message, parsed, **calls))


def _chat_call(call: Any, tools: list[Any]) -> Any:
    from .._models._parsed_chat import ParsedFunction, ParsedFunctionToolCall

    function = call.__dict__.get("function")
    if function is None:  # a custom tool, whose input is no JSON
        return call
    arguments = parse_arguments(function.name, function.arguments, tools) if tools else None
    return as_parsed(ParsedFunctionToolCall, call, function=as_parsed(ParsedFunction, function, arguments))


def _keep_the_call(parsed: Any, record: Record) -> None:
    """Let a result tell of the call that brought it, like any other."""
    info = getattr(record, "_http", None)
    if info is not None:
        parsed._http = info


# ------------------------------------------------------------------------------------------------------------- stories
async def parse_response_story(exchange: Exchange, operation: Operation[Any], given: dict[str, Any]) -> ParsedResponse[Any]:
    """Make a call for `responses.parse`, and parse its answer."""
    wanted, instead = given.pop("text_format", omit), given.pop("parse_as", omit)
    if wanted is not omit:
        given["text"] = with_format(given.get("text", omit), wanted)
    tools = kept_tools(given)
    return parse_response(await exchange.call(operation, given), wanted if instead is omit else instead, tools)


async def parse_chat_story(exchange: Exchange, operation: Operation[Any], given: dict[str, Any]) -> ParsedChatCompletion[Any]:
    """Make a call for `chat.completions.parse`, and parse its answer."""
    wanted = given.get("response_format", omit)
    if wanted is not omit:
        given["response_format"] = response_format_of(wanted)
    tools = kept_tools(given)
    check_chat_tools(tools)
    return parse_completion(await exchange.call(operation, given), wanted, tools)
