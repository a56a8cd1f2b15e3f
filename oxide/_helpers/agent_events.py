"""What `responses.run` tells of a run: its events while it is streamed, and its result."""

from __future__ import annotations

from .._typing import TYPE_CHECKING, Generic

if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    from typing_extensions import TypeVar

    from .._models._parsed_responses import ParsedResponse
    from .._models.responses import Response
    from .early_calls import FunctionCall
    from .stream_events import ResponseStreamEvent

    T = TypeVar("T", default=Any)
else:
    T = "T"

__all__ = ["AgentEvent", "AgentResult", "ToolFinished", "ToolResult", "ToolStarted", "TurnFinished"]


class ToolResult:
    """A call of a tool, and what came of it.

    Attributes:
        call: what the model asked for.
        output: what the model is told: a text, or parts of a message.
        result: what the function returned; None where it was not called, or has failed.
        error: why it has failed, None where it has not; a TimeoutError where time was up.
    """

    __slots__ = ("call", "error", "output", "result")

    def __init__(self, call: FunctionCall, output: str | list[Any], result: object = None, error: BaseException | None = None) -> None:
        self.call = call
        self.output = output
        self.result = result
        self.error = error

    def __repr__(self) -> str:
        return f"ToolResult(call={self.call!r}, output={self.output!r}, error={self.error!r})"


class ToolStarted:
    """A tool is being called."""

    __slots__ = ("call",)

    type: Literal["tool.started"] = "tool.started"

    def __init__(self, call: FunctionCall) -> None:
        self.call = call

    def __repr__(self) -> str:
        return f"ToolStarted(call={self.call!r})"


class ToolFinished:
    """A call of a tool has ended, well or badly, or was not made at all."""

    __slots__ = ("result",)

    type: Literal["tool.finished"] = "tool.finished"

    def __init__(self, result: ToolResult) -> None:
        self.result = result

    def __repr__(self) -> str:
        return f"ToolFinished(result={self.result!r})"


class TurnFinished:
    """The model has answered; tools that it asked for may still run."""

    __slots__ = ("number", "response")

    type: Literal["turn.finished"] = "turn.finished"

    def __init__(self, number: int, response: Response) -> None:
        self.number = number
        self.response = response

    def __repr__(self) -> str:
        return f"TurnFinished(number={self.number}, response={self.response.id!r})"


AgentEvent: TypeAlias = "ResponseStreamEvent[T] | ToolStarted | ToolFinished | TurnFinished"


class AgentResult(Generic[T]):
    """What a run has come to.

    Attributes:
        response: the last answer of the model.
        turns: all of its answers, the last one included.
        calls: the calls of tools, in the order in which the model asked for them, and what came of each.
        pending: calls of functions that are not ours to make: they were given as plain definitions.
    """

    __slots__ = ("calls", "pending", "response", "turns")

    def __init__(self, response: ParsedResponse[T], turns: list[Response], calls: list[ToolResult], pending: list[FunctionCall]) -> None:
        self.response = response
        self.turns = turns
        self.calls = calls
        self.pending = pending

    @property
    def output_text(self) -> str:
        """The text of the last answer."""
        return self.response.output_text

    @property
    def output_parsed(self) -> T | None:
        """What the last answer means, where a type was asked for."""
        return self.response.output_parsed

    def __repr__(self) -> str:
        return f"AgentResult({len(self.turns)} turns, {len(self.calls)} calls, output_text={self.output_text!r})"
