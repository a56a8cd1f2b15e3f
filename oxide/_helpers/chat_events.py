"""Events of `chat.completions.stream`: what a chunk has brought, one thing an event.

What was folded is joined, and what was said is parsed, when it is asked for: an event that nobody looks into costs next to nothing.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING, Generic

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypeAlias

    from typing_extensions import TypeVar

    from .._models._parsed_chat import ParsedChatCompletion
    from .._models.chat import ChatCompletionChunk, ChatCompletionTokenLogprob
    from .growing import Excerpt

    T = TypeVar("T", default=Any)
else:
    T = "T"

__all__ = [
    "ChatCompletionStreamEvent",
    "ChunkEvent",
    "ContentDeltaEvent",
    "ContentDoneEvent",
    "FunctionToolCallArgumentsDeltaEvent",
    "FunctionToolCallArgumentsDoneEvent",
    "LogprobsContentDeltaEvent",
    "LogprobsContentDoneEvent",
    "LogprobsRefusalDeltaEvent",
    "LogprobsRefusalDoneEvent",
    "RefusalDeltaEvent",
    "RefusalDoneEvent",
]


class _Event:
    """An event; `choice` is the index of the answer that it is about."""

    __slots__ = ("choice",)

    if TYPE_CHECKING:
        type: Any  # a Literal of its own in each event
    _shown: tuple[str, ...] = ()

    def __init__(self, choice: int) -> None:
        self.choice = choice

    def to_dict(self) -> dict[str, Any]:
        """Return the type and the fields, as they are."""
        return {"type": self.type, **{name: getattr(self, name) for name in self._shown}}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join([f'{name}={getattr(self, name)!r}' for name in self._shown])})"


class ChunkEvent(_Event, Generic[T]):
    """A chunk, as it came; the events of what it brought come behind it."""

    __slots__ = ("_snapshot", "chunk")

    type: Literal["chunk"] = "chunk"
    _shown = ("chunk", "snapshot")

    def __init__(self, chunk: ChatCompletionChunk, snapshot: Callable[[], ParsedChatCompletion[T]]) -> None:
        super().__init__(0)
        self.chunk = chunk
        self._snapshot = snapshot

    @property
    def snapshot(self) -> ParsedChatCompletion[T]:
        """The completion as far as it has come when this is asked for."""
        return self._snapshot()


class ContentDeltaEvent(_Event):
    """More of a text; `parsed` is what the text says so far, where a type was asked for."""

    __slots__ = ("_excerpt", "_partial", "delta")

    type: Literal["content.delta"] = "content.delta"
    _shown = ("delta", "snapshot", "parsed")

    def __init__(self, choice: int, delta: str, excerpt: Excerpt, partial: Callable[[str], object] | None) -> None:
        super().__init__(choice)
        self.delta = delta
        self._excerpt = excerpt
        self._partial = partial

    @property
    def snapshot(self) -> str:
        """The text so far, this piece included."""
        return self._excerpt.text()

    @property
    def parsed(self) -> object:
        """The JSON value that the text so far is the beginning of, None where no type was asked for."""
        return None if self._partial is None else self._partial(self._excerpt.text())


class ContentDoneEvent(_Event, Generic[T]):
    """A text is complete."""

    __slots__ = ("_parse", "content")

    type: Literal["content.done"] = "content.done"
    _shown = ("content", "parsed")

    def __init__(self, choice: int, content: str, parse: Callable[[str], T] | None) -> None:
        super().__init__(choice)
        self.content = content
        self._parse = parse

    @property
    def parsed(self) -> T | None:
        """What the text means, None where no type was asked for. Raises StructureError."""
        return None if self._parse is None else self._parse(self.content)


class RefusalDeltaEvent(_Event):
    """More of the words with which the model declines."""

    __slots__ = ("_excerpt", "delta")

    type: Literal["refusal.delta"] = "refusal.delta"
    _shown = ("delta", "snapshot")

    def __init__(self, choice: int, delta: str, excerpt: Excerpt) -> None:
        super().__init__(choice)
        self.delta = delta
        self._excerpt = excerpt

    @property
    def snapshot(self) -> str:
        """The words so far, these included."""
        return self._excerpt.text()


class RefusalDoneEvent(_Event):
    """A refusal is complete."""

    __slots__ = ("refusal",)

    type: Literal["refusal.done"] = "refusal.done"
    _shown = ("refusal",)

    def __init__(self, choice: int, refusal: str) -> None:
        super().__init__(choice)
        self.refusal = refusal


class FunctionToolCallArgumentsDeltaEvent(_Event):
    """More of the arguments of a call; the first one often has none yet, but the name."""

    __slots__ = ("_excerpt", "_partial", "arguments_delta", "index", "name")

    type: Literal["tool_calls.function.arguments.delta"] = "tool_calls.function.arguments.delta"
    _shown = ("name", "index", "arguments", "parsed_arguments", "arguments_delta")

    def __init__(self, choice: int, name: str, index: int, delta: str, excerpt: Excerpt, partial: Callable[[str], object] | None) -> None:
        super().__init__(choice)
        self.name = name
        self.index = index
        self.arguments_delta = delta
        self._excerpt = excerpt
        self._partial = partial

    @property
    def arguments(self) -> str:
        """The arguments so far, these included."""
        return self._excerpt.text()

    @property
    def parsed_arguments(self) -> object:
        """The JSON value that the arguments so far are the beginning of, None for a tool that is not strict."""
        return None if self._partial is None else self._partial(self._excerpt.text())


class FunctionToolCallArgumentsDoneEvent(_Event):
    """The arguments of a call are complete."""

    __slots__ = ("_parse", "arguments", "call_id", "index", "name")

    type: Literal["tool_calls.function.arguments.done"] = "tool_calls.function.arguments.done"
    _shown = ("name", "index", "arguments", "parsed_arguments")

    def __init__(
        self, choice: int, name: str, index: int, call_id: str, arguments: str, parse: Callable[[str, str], object] | None
    ) -> None:
        super().__init__(choice)
        self.name = name
        self.index = index
        self.call_id = call_id
        self.arguments = arguments
        self._parse = parse

    @property
    def parsed_arguments(self) -> object:
        """The arguments as the tool takes them, None for a tool that is not strict. Raises StructureError."""
        return None if self._parse is None else self._parse(self.name, self.arguments)


class _LogprobsDelta(_Event):
    __slots__ = ("_known", "_length", "_values")

    def __init__(self, choice: int, values: list[ChatCompletionTokenLogprob], known: list[ChatCompletionTokenLogprob]) -> None:
        super().__init__(choice)
        self._values = values
        self._known = known
        self._length = len(known)

    @property
    def snapshot(self) -> list[ChatCompletionTokenLogprob]:
        """The tokens so far, these included."""
        return self._known[: self._length]


class LogprobsContentDeltaEvent(_LogprobsDelta):
    """More tokens of a text, and how likely they were."""

    __slots__ = ()

    type: Literal["logprobs.content.delta"] = "logprobs.content.delta"
    _shown = ("content", "snapshot")

    @property
    def content(self) -> list[ChatCompletionTokenLogprob]:
        """The tokens of this chunk."""
        return self._values


class LogprobsRefusalDeltaEvent(_LogprobsDelta):
    """More tokens of a refusal, and how likely they were."""

    __slots__ = ()

    type: Literal["logprobs.refusal.delta"] = "logprobs.refusal.delta"
    _shown = ("refusal", "snapshot")

    @property
    def refusal(self) -> list[ChatCompletionTokenLogprob]:
        """The tokens of this chunk."""
        return self._values


class LogprobsContentDoneEvent(_Event):
    """All tokens of a text, and how likely they were."""

    __slots__ = ("content",)

    type: Literal["logprobs.content.done"] = "logprobs.content.done"
    _shown = ("content",)

    def __init__(self, choice: int, content: list[ChatCompletionTokenLogprob]) -> None:
        super().__init__(choice)
        self.content = content


class LogprobsRefusalDoneEvent(_Event):
    """All tokens of a refusal, and how likely they were."""

    __slots__ = ("refusal",)

    type: Literal["logprobs.refusal.done"] = "logprobs.refusal.done"
    _shown = ("refusal",)

    def __init__(self, choice: int, refusal: list[ChatCompletionTokenLogprob]) -> None:
        super().__init__(choice)
        self.refusal = refusal


ChatCompletionStreamEvent: TypeAlias = """
    ChunkEvent[T] | ContentDeltaEvent | ContentDoneEvent[T] | RefusalDeltaEvent | RefusalDoneEvent | FunctionToolCallArgumentsDeltaEvent |
    FunctionToolCallArgumentsDoneEvent | LogprobsContentDeltaEvent | LogprobsContentDoneEvent | LogprobsRefusalDeltaEvent |
    LogprobsRefusalDoneEvent
"""
