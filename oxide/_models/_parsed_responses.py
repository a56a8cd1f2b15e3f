"""Records of an answer whose text, and arguments of calls, have been parsed; subclasses of those that were received."""

from __future__ import annotations

from .._typing import TYPE_CHECKING, Generic
from ._parsed import Made, made_of
from .responses import Response, ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from typing_extensions import TypeVar

    from . import responses

    T = TypeVar("T", default=Any)
else:
    T = None

__all__ = [
    "ParsedContent",
    "ParsedResponse",
    "ParsedResponseFunctionToolCall",
    "ParsedResponseOutputItem",
    "ParsedResponseOutputMessage",
    "ParsedResponseOutputText",
]


class ParsedResponseOutputText(Made, ResponseOutputText, Generic[T]):
    """A text of an answer, and what it means."""

    @property
    def parsed(self) -> T | None:
        """The text as an instance of the type that was asked for, None where it is no answer of structured output."""
        parsed: T | None = made_of(self)
        return parsed


class ParsedResponseOutputMessage(ResponseOutputMessage, Generic[T]):
    """A message of the model, its texts parsed."""

    if TYPE_CHECKING:
        content: list[ParsedContent[T]]  # type: ignore[assignment]  # a list of narrower items: it is only read


class ParsedResponseFunctionToolCall(Made, ResponseFunctionToolCall):
    """A call of a function that the model asks for, its arguments parsed."""

    @property
    def parsed_arguments(self) -> object:
        """The arguments as the tool takes them; a dictionary for a strict tool without a type; None for others."""
        return made_of(self)


class ParsedResponse(Response, Generic[T]):
    """An answer of structured output."""

    if TYPE_CHECKING:
        output: list[ParsedResponseOutputItem[T]]  # type: ignore[assignment]  # a list of narrower items: it is only read

    @property
    def output_parsed(self) -> T | None:
        """What the first text of the answer means, None where there is none: a refusal, or a call of a function."""
        for item in self.output or ():
            for part in item.content if isinstance(item, ParsedResponseOutputMessage) else ():
                if isinstance(part, ParsedResponseOutputText) and part.parsed is not None:
                    return part.parsed
        return None


ParsedContent: TypeAlias = "ParsedResponseOutputText[T] | responses.ResponseOutputRefusal"

ParsedResponseOutputItem: TypeAlias = """
    ParsedResponseOutputMessage[T] | ParsedResponseFunctionToolCall | responses.ResponseFileSearchToolCall |
    responses.ResponseFunctionToolCallOutputItem | responses.ResponseFunctionWebSearch | responses.ResponseComputerToolCall |
    responses.ResponseComputerToolCallOutputItem | responses.ResponseReasoningItem | responses.ResponseOutputItemProgram |
    responses.ResponseOutputItemProgramOutput | responses.ResponseToolSearchCall | responses.ResponseToolSearchOutputItem |
    responses.ResponseOutputItemAdditionalTools | responses.ResponseCompactionItem | responses.ResponseOutputItemImageGenerationCall |
    responses.ResponseCodeInterpreterToolCall | responses.ResponseOutputItemLocalShellCall |
    responses.ResponseOutputItemLocalShellCallOutput | responses.ResponseFunctionShellToolCall |
    responses.ResponseFunctionShellToolCallOutput | responses.ResponseApplyPatchToolCall | responses.ResponseApplyPatchToolCallOutput |
    responses.ResponseOutputItemMcpCall | responses.ResponseOutputItemMcpListTools | responses.ResponseOutputItemMcpApprovalRequest |
    responses.ResponseOutputItemMcpApprovalResponse | responses.ResponseCustomToolCall | responses.ResponseCustomToolCallOutputItem
"""
