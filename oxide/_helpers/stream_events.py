"""Events of `responses.stream`: those of the wire, and four of them with what helps to use them.

What was folded is joined, and what was said is parsed, when it is asked for: an event that nobody looks into costs nothing.
"""

from __future__ import annotations

from .._models import responses_events
from .._models._base import Record
from .._typing import TYPE_CHECKING, Generic
from .growing import Excerpt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from typing_extensions import TypeVar

    from .._models._parsed_responses import ParsedResponse
    from .._models.responses import Response

    T = TypeVar("T", default=Any)
else:
    T = "T"

__all__ = [
    "Final",
    "ResponseCompletedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseStreamEvent",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
    "retyped",
]


class _Holding(Record):
    """A record that holds something beside its JSON."""

    __slots__ = ("_held",)

    if TYPE_CHECKING:
        _held: Any

    def __getstate__(self) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        state = super().__getstate__()
        fields, slots = state if isinstance(state, tuple) else (state, {})
        return fields, {**slots, "_held": self._held}


def retyped(cls: type[_Holding], event: Record, held: object) -> Any:
    """Return an event as one of another class, which holds something; the first one is not to be used further."""
    made = object.__new__(cls)
    made.__dict__ = event.__dict__
    made._held = held  # pyright: ignore[reportPrivateUsage]  # the one writer of that slot
    return made


class ResponseTextDeltaEvent(_Holding, responses_events.ResponseTextDeltaEvent):
    """More of a text."""

    __slots__ = ()

    @property
    def snapshot(self) -> str:
        """The text so far, this piece included."""
        held: Excerpt = self._held
        return held.text()


class ResponseFunctionCallArgumentsDeltaEvent(_Holding, responses_events.ResponseFunctionCallArgumentsDeltaEvent):
    """More of the arguments of a call."""

    __slots__ = ()

    @property
    def snapshot(self) -> str:
        """The arguments so far, this piece included."""
        held: Excerpt = self._held
        return held.text()


class ResponseTextDoneEvent(_Holding, responses_events.ResponseTextDoneEvent, Generic[T]):
    """A text is complete."""

    __slots__ = ()

    @property
    def parsed(self) -> T | None:
        """What the text means, None where no type was asked for, or in a message on the way to the final answer.

        Raises:
            StructureError: the text is not of the type; what was cut off by a limit seldom is.
        """
        from .structured import parse_text

        parsed: T | None = parse_text(self.text, self._held)
        return parsed


class ResponseCompletedEvent(_Holding, responses_events.ResponseCompletedEvent, Generic[T]):
    """The response is complete."""

    __slots__ = ()

    if TYPE_CHECKING:
        response: ParsedResponse[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # a narrower record: it is only read
    else:

        @property
        def response(self):
            """The response, its texts and the arguments of its calls parsed. Raises what `responses.parse` raises."""
            return self._held.parsed()


class Final:
    """The response at the end of a stream, parsed when it is first asked for.

    Args:
        hint: the type that its texts are to be of, `omit` for none.
        tools: whose arguments are to be parsed.
    """

    __slots__ = ("_hint", "_parsed", "_tools", "response")

    def __init__(self, response: Response, hint: Any, tools: Sequence[Any]) -> None:
        self.response = response
        self._hint = hint
        self._tools = tools
        self._parsed: ParsedResponse[Any] | None = None

    def parsed(self) -> ParsedResponse[Any]:
        """Return the response, parsed. Raises what `responses.parse` raises."""
        if self._parsed is None:
            from .structured import parse_response

            self._parsed = parse_response(self.response, self._hint, self._tools)
        return self._parsed


ResponseStreamEvent: TypeAlias = """
    ResponseTextDeltaEvent | ResponseTextDoneEvent[T] | ResponseFunctionCallArgumentsDeltaEvent | ResponseCompletedEvent[T] |
    responses_events.ResponseAudioDeltaEvent | responses_events.ResponseAudioDoneEvent |
    responses_events.ResponseAudioTranscriptDeltaEvent | responses_events.ResponseAudioTranscriptDoneEvent |
    responses_events.ResponseCodeInterpreterCallCodeDeltaEvent | responses_events.ResponseCodeInterpreterCallCodeDoneEvent |
    responses_events.ResponseCodeInterpreterCallCompletedEvent | responses_events.ResponseCodeInterpreterCallInProgressEvent |
    responses_events.ResponseCodeInterpreterCallInterpretingEvent | responses_events.ResponseContentPartAddedEvent |
    responses_events.ResponseContentPartDoneEvent | responses_events.ResponseCreatedEvent | responses_events.ResponseErrorEvent |
    responses_events.ResponseFileSearchCallCompletedEvent | responses_events.ResponseFileSearchCallInProgressEvent |
    responses_events.ResponseFileSearchCallSearchingEvent | responses_events.ResponseFunctionCallArgumentsDoneEvent |
    responses_events.ResponseShellCallCommandAddedEvent | responses_events.ResponseShellCallCommandDeltaEvent |
    responses_events.ResponseShellCallCommandDoneEvent | responses_events.ResponseShellCallOutputContentDeltaEvent |
    responses_events.ResponseShellCallOutputContentDoneEvent | responses_events.ResponseInProgressEvent |
    responses_events.ResponseFailedEvent | responses_events.ResponseIncompleteEvent | responses_events.ResponseOutputItemAddedEvent |
    responses_events.ResponseOutputItemDoneEvent | responses_events.ResponseReasoningSummaryPartAddedEvent |
    responses_events.ResponseReasoningSummaryPartDoneEvent | responses_events.ResponseReasoningSummaryTextDeltaEvent |
    responses_events.ResponseReasoningSummaryTextDoneEvent | responses_events.ResponseReasoningTextDeltaEvent |
    responses_events.ResponseReasoningTextDoneEvent | responses_events.ResponseRefusalDeltaEvent |
    responses_events.ResponseRefusalDoneEvent | responses_events.ResponseWebSearchCallCompletedEvent |
    responses_events.ResponseWebSearchCallInProgressEvent | responses_events.ResponseWebSearchCallSearchingEvent |
    responses_events.ResponseImageGenCallCompletedEvent | responses_events.ResponseImageGenCallGeneratingEvent |
    responses_events.ResponseImageGenCallInProgressEvent | responses_events.ResponseImageGenCallPartialImageEvent |
    responses_events.ResponseMcpCallArgumentsDeltaEvent | responses_events.ResponseMcpCallArgumentsDoneEvent |
    responses_events.ResponseMcpCallCompletedEvent | responses_events.ResponseMcpCallFailedEvent |
    responses_events.ResponseMcpCallInProgressEvent | responses_events.ResponseMcpListToolsCompletedEvent |
    responses_events.ResponseMcpListToolsFailedEvent | responses_events.ResponseMcpListToolsInProgressEvent |
    responses_events.ResponseOutputTextAnnotationAddedEvent | responses_events.ResponseQueuedEvent |
    responses_events.ResponseCustomToolCallInputDeltaEvent | responses_events.ResponseCustomToolCallInputDoneEvent |
    responses_events.ResponseCompactionCompactingEvent
"""
