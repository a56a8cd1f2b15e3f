"""`chat.completions.stream`: the chunks of a chat completion, what each brought, and what they make."""

from __future__ import annotations

from .._omit import omit
from .._stream import open_stream
from .._typing import TYPE_CHECKING, Generic, cast
from .chat_snapshots import ChatSnapshots
from .early_calls import EarlyChatCalls
from .folding import AsyncFoldedStream, AsyncStreamManager, FoldedStream, Folding, StreamManager, kept_tools

if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import TypeVar

    from .._exchange import Exchange
    from .._models._base import Record
    from .._models._parsed_chat import ParsedChatCompletion
    from .._operation import Operation, StreamOperation
    from .._stream import Batches
    from .chat_events import ChatCompletionStreamEvent

    T = TypeVar("T", default=Any)
else:
    T = "T"

__all__ = [
    "AsyncChatCompletionStream",
    "AsyncChatCompletionStreamManager",
    "ChatCompletionStream",
    "ChatCompletionStreamManager",
    "open_chat_stream",
]


class ChatFolding(Folding["ChatCompletionStreamEvent[T]"], Generic[T]):
    """The chunks of a chat completion, folded.

    Args:
        reader: the chunks as they come.
        hint: the type that texts are to be of, `omit` for none.
        tools: those of the request.
    """

    __slots__ = ("_early", "state")

    def __init__(self, reader: Batches[Any], hint: Any = omit, tools: list[Any] | None = None) -> None:
        super().__init__(reader)
        self.state = ChatSnapshots(hint, tools or ())
        self._early = EarlyChatCalls(self.state.reading.arguments if tools else None)

    def fold(self, event: Record, fresh: list[ChatCompletionStreamEvent[T]]) -> None:
        made = self.state.feed(event)
        for each in made:
            if calls := self._early.feed(each):
                self.calls.extend(calls)
        fresh += made

    def final(self) -> ParsedChatCompletion[T]:
        """Return the completion at the end."""
        parsed: ParsedChatCompletion[T] = self.state.final()
        parsed._http = self.http  # pyright: ignore[reportPrivateUsage]  # a result tells of the call that brought it
        return parsed


def _text(event: Any) -> str:
    return event.delta if event.type == "content.delta" and event.choice == 0 else ""


class ChatCompletionStream(FoldedStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """What the chunks of a chat completion bring, and the completion that they make.

    Leaving it early, by `close`, by the end of `with`, or by dropping it, frees its connection at once.
    """

    __slots__ = ()

    def __init__(self, folding: ChatFolding[T]) -> None:
        super().__init__(folding, _text)

    def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read on to the end, and return the completion; its texts are parsed where a type was given.

        Raises:
            LengthFinishReasonError, ContentFilterFinishReasonError: an answer that was to be parsed has ended so.
            StructureError: a text is not of the type, or arguments do not fit their tool.
        """
        self.until_done()
        return _folding(self._folding).final()

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[T]:
        """The completion as far as it has come; `parsed` is what its texts say so far."""
        return _folding(self._folding).state.shown()


class AsyncChatCompletionStream(AsyncFoldedStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """What the chunks of a chat completion bring, and the completion that they make.

    Leaving it early, by `close`, by the end of `async with`, or by cancelling the task, frees its connection at once.
    """

    __slots__ = ()

    def __init__(self, folding: ChatFolding[T]) -> None:
        super().__init__(folding, _text)

    async def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read on to the end, and return the completion; its texts are parsed where a type was given.

        Raises:
            LengthFinishReasonError, ContentFilterFinishReasonError: an answer that was to be parsed has ended so.
            StructureError: a text is not of the type, or arguments do not fit their tool.
        """
        await self.until_done()
        return _folding(self._folding).final()

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[T]:
        """The completion as far as it has come; `parsed` is what its texts say so far."""
        return _folding(self._folding).state.shown()


def _folding(folding: Folding[Any]) -> ChatFolding[Any]:
    return cast("ChatFolding[Any]", folding)  # the constructors of both streams take no other


class ChatCompletionStreamManager(StreamManager["ChatCompletionStream[T]"], Generic[T]):
    """A chat completion that is asked for, and streamed, inside a `with` block."""

    __slots__ = ()

    def _open(self) -> ChatCompletionStream[T]:
        return ChatCompletionStream(self._caller.run(open_chat_stream, self._operation, {**self._given}))


class AsyncChatCompletionStreamManager(AsyncStreamManager["AsyncChatCompletionStream[T]"], Generic[T]):
    """A chat completion that is asked for, and streamed, inside an `async with` block."""

    __slots__ = ()

    async def _open(self) -> AsyncChatCompletionStream[T]:
        return AsyncChatCompletionStream(await self._caller.run(open_chat_stream, self._operation, {**self._given}))


async def open_chat_stream(exchange: Exchange, operation: Operation[Any], given: dict[str, Any]) -> ChatFolding[Any]:
    """Ask for a chat completion in chunks; the head of the answer has come when this returns."""
    hint, tools = given.get("response_format", omit), kept_tools(given)
    if hint is not omit and hint is not None:
        from .structured import response_format_of

        given["response_format"] = response_format_of(hint)
    given["stream"] = True
    streamed: StreamOperation[Any, Any] = cast("StreamOperation[Any, Any]", operation)  # `chat.completions.create`
    return ChatFolding(await open_stream(exchange, streamed, given), hint, tools)
