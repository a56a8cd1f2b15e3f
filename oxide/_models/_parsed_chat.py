"""Records of a chat completion whose text, and arguments of calls, have been parsed; subclasses of those that were received."""

from __future__ import annotations

from .._typing import TYPE_CHECKING, Generic
from ._parsed import Made, made_of
from .chat import (
    ChatCompletion,
    ChatCompletionChoice,
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageFunctionToolCallFunction,
)

if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import TypeVar

    T = TypeVar("T", default=Any)
else:
    T = None

__all__ = ["ParsedChatCompletion", "ParsedChatCompletionMessage", "ParsedChoice", "ParsedFunction", "ParsedFunctionToolCall"]


class ParsedFunction(Made, ChatCompletionMessageFunctionToolCallFunction):
    """The function that is to be called, its arguments parsed."""

    @property
    def parsed_arguments(self) -> object:
        """The arguments as the tool takes them; a dictionary for a strict tool without a type; None for others."""
        return made_of(self)


class ParsedFunctionToolCall(ChatCompletionMessageFunctionToolCall):
    """A call of a function that the model asks for, its arguments parsed."""

    if TYPE_CHECKING:
        function: ParsedFunction  # pyright: ignore[reportIncompatibleVariableOverride]  # a narrower record: it is only read


class ParsedChatCompletionMessage(Made, ChatCompletionMessage, Generic[T]):
    """A message of the model, its text parsed."""

    if TYPE_CHECKING:
        tool_calls: list[ParsedFunctionToolCall] | None  # type: ignore[assignment]  # a list of narrower items: it is only read

    @property
    def parsed(self) -> T | None:
        """The text as an instance of the type that was asked for, None where there is none: a refusal, or a call of a function."""
        parsed: T | None = made_of(self)
        return parsed


class ParsedChoice(ChatCompletionChoice, Generic[T]):
    """One of the answers, its text parsed."""

    if TYPE_CHECKING:
        message: ParsedChatCompletionMessage[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # as above


class ParsedChatCompletion(ChatCompletion, Generic[T]):
    """A chat completion of structured output."""

    if TYPE_CHECKING:
        choices: list[ParsedChoice[T]]  # type: ignore[assignment]  # a list of narrower items: it is only read
