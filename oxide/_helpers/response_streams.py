"""`responses.stream` and `responses.create_stream_fc`: the events of a response, with what they make of it."""

from __future__ import annotations

from .._errors import StreamError
from .._omit import omit
from .._resume import KEPT, RETRIEVE, open_resuming
from .._stream import open_stream
from .._typing import TYPE_CHECKING, Generic, cast
from .early_calls import EarlyCalls
from .folding import AsyncFoldedStream, AsyncStreamManager, FoldedStream, Folding, StreamManager, kept_tools
from .snapshots import ResponseSnapshots

if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import TypeVar

    from .._exchange import Exchange
    from .._models._base import Record
    from .._models._parsed_responses import ParsedResponse
    from .._models.responses import Response
    from .._operation import Operation, StreamOperation
    from .._stream import Batches
    from .early_calls import Parse
    from .stream_events import Final, ResponseStreamEvent

    T = TypeVar("T", default=Any)
else:
    T = "T"

__all__ = [
    "AsyncResponseStream",
    "AsyncResponseStreamManager",
    "ResponseStream",
    "ResponseStreamManager",
    "open_response_stream",
]


class ResponseFolding(Folding["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a response, folded.

    Args:
        reader: the events as they come.
        hint: the type that texts are to be of, `omit` for none.
        tools: whose arguments are to be parsed.
        after: hand out only events with higher sequence numbers; all are folded.
        lenient: arguments that do not fit their tool are no error of the response.
    """

    __slots__ = ("_after", "_early", "state")

    def __init__(
        self,
        reader: Batches[Any],
        hint: Any = omit,
        tools: list[Any] | None = None,
        after: int | None = None,
        lenient: bool = False,
    ) -> None:
        super().__init__(reader)
        self.state = ResponseSnapshots(hint, () if lenient else tools or ())
        self._early = EarlyCalls(_parser(tools) if tools else None)
        self._after = -1 if after is None else after

    def fold(self, event: Record, fresh: list[ResponseStreamEvent[T]]) -> None:
        made = self.state.feed(event)
        if calls := self._early.feed(event):
            self.calls.extend(calls)
        if self._after < 0 or event.__dict__.get("sequence_number", 0) > self._after:
            fresh.append(cast("ResponseStreamEvent[T]", made))  # what the decoder made of an event, or one of ours

    def answer(self) -> Response:
        """Return the response at the end as it came. Raises StreamError where it has not come."""
        return self._end().response

    def _end(self) -> Final:
        if self.state.final is None:
            raise StreamError("The stream was closed before the response was complete.")
        return self.state.final

    def final(self) -> ParsedResponse[T]:
        """Return the response at the end, parsed. Raises StreamError where it has not come."""
        parsed: ParsedResponse[T] = self._end().parsed()
        parsed._http = self.http  # pyright: ignore[reportPrivateUsage]  # a result tells of the call that brought it
        return parsed


def _parser(tools: list[Any]) -> Parse:
    from .structured import parse_arguments

    def parse(name: str, arguments: str) -> object:
        return parse_arguments(name, arguments, tools)

    return parse


def _text(event: Any) -> str:
    return event.delta if event.type == "response.output_text.delta" else ""


class ResponseStream(FoldedStream["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a response, with snapshots, and the response that they make.

    Leaving it early, by `close`, by the end of `with`, or by dropping it, frees its connection at once.
    """

    __slots__ = ()

    def __init__(self, folding: ResponseFolding[T]) -> None:
        super().__init__(folding, _text)

    def get_final_response(self) -> ParsedResponse[T]:
        """Read on to the end, and return the response, whatever its status; its texts are parsed where a type was given.

        Raises:
            LengthFinishReasonError, ContentFilterFinishReasonError: it is incomplete, and was to be parsed.
            StructureError: a text is not of the type, or arguments do not fit their tool.
            StreamError: the stream was closed before.
        """
        self.until_done()
        return _folding(self._folding).final()

    @property
    def current_response_snapshot(self) -> Response | None:
        """The response as far as it has come; None before its first event."""
        return _folding(self._folding).state.snapshot()


class AsyncResponseStream(AsyncFoldedStream["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a response, with snapshots, and the response that they make.

    Leaving it early, by `close`, by the end of `async with`, or by cancelling the task, frees its connection at once.
    """

    __slots__ = ()

    def __init__(self, folding: ResponseFolding[T]) -> None:
        super().__init__(folding, _text)

    async def get_final_response(self) -> ParsedResponse[T]:
        """Read on to the end, and return the response, whatever its status; its texts are parsed where a type was given.

        Raises:
            LengthFinishReasonError, ContentFilterFinishReasonError: it is incomplete, and was to be parsed.
            StructureError: a text is not of the type, or arguments do not fit their tool.
            StreamError: the stream was closed before.
        """
        await self.until_done()
        return _folding(self._folding).final()

    @property
    def current_response_snapshot(self) -> Response | None:
        """The response as far as it has come; None before its first event."""
        return _folding(self._folding).state.snapshot()


def _folding(folding: Folding[Any]) -> ResponseFolding[Any]:
    return cast("ResponseFolding[Any]", folding)  # the constructors of both streams take no other


class ResponseStreamManager(StreamManager["ResponseStream[T]"], Generic[T]):
    """A response that is asked for, and streamed, inside a `with` block."""

    __slots__ = ()

    def _open(self) -> ResponseStream[T]:
        return ResponseStream(self._caller.run(open_response_stream, self._operation, {**self._given}))


class AsyncResponseStreamManager(AsyncStreamManager["AsyncResponseStream[T]"], Generic[T]):
    """A response that is asked for, and streamed, inside an `async with` block."""

    __slots__ = ()

    async def _open(self) -> AsyncResponseStream[T]:
        return AsyncResponseStream(await self._caller.run(open_response_stream, self._operation, {**self._given}))


# -------------------------------------------------------------------------------------------------------------- opening
async def open_response_stream(
    exchange: Exchange, operation: Operation[Any], given: dict[str, Any], lenient: bool = False
) -> ResponseFolding[Any]:
    """Ask for a response, or follow one that was asked for before; the head of the answer has come when this returns."""
    hint, name, after = given.pop("text_format", omit), given.pop("response_id", omit), given.pop("starting_after", omit)
    resume, tools = given.pop("resume", False), kept_tools(given)
    if hint is not omit:
        from .structured import with_format

        given["text"] = with_format(given.get("text", omit), hint)
    if name is not omit:
        operation, given = RETRIEVE, {**{key: given[key] for key in KEPT if key in given}, "response_id": name}
    given["stream"] = True
    streamed: StreamOperation[Any, Any] = cast("StreamOperation[Any, Any]", operation)  # `responses.create`, or the one above
    reader = await (open_resuming if resume else open_stream)(exchange, streamed, given)
    return ResponseFolding(reader, hint, tools, None if after is omit else after, lenient)
