"""Streams of events: `EventReader` turns a body into batches of typed events; `Stream` and `AsyncStream` hand them out one by one."""

from __future__ import annotations

from collections import deque

from ._errors import StreamError
from ._json import as_object, decode
from ._judge import invalid
from ._protocol.base import ProtocolError
from ._protocol.sse import SSEDecoder
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Any

    from ._errors import APIResponseValidationError
    from ._exchange import Answer, Exchange
    from ._info import HttpInfo
    from ._operation import Request, StreamOperation
    from ._protocol.sse import ServerSentEvent
    from ._raw import RawResponse

__all__ = ["AsyncStream", "Batches", "EventReader", "Stream", "open_stream"]

E = TypeVar("E")

ENDING = frozenset(("response.completed", "response.incomplete", "response.failed"))
"""Types of the events that end a stream of the Responses API."""

TERMINAL = ENDING | {"error"}
"""Types of events after which nothing comes."""

KEPT = 32
"""Events that an error carries, at the most: the text of so many is kept while a stream runs."""


class Batches(Protocol[E]):
    """Where a stream has its events from: a body, what is made of one, a WebSocket."""

    @property
    def http(self) -> HttpInfo: ...
    @property
    def response(self) -> RawResponse: ...
    async def next_batch(self) -> list[E] | None:
        """Return the events that came next, at least one, or None at the end."""
        ...

    def close(self) -> None:
        """End at once; from any thread or task."""
        ...


class EventReader(Generic[E]):
    """The events of one answer, in batches; it is made before the request is sent, so that the first event waits for nothing.

    Args:
        decoder: makes an event of a parsed JSON object.
    """

    __slots__ = ("_answer", "_decode", "_ended", "_handed", "_kept", "_limited", "_machine", "_pending", "count")

    _answer: Answer

    def __init__(self, decoder: Callable[[Any], E]) -> None:
        self._decode = decoder
        self._machine = SSEDecoder()
        self._kept: deque[str] = deque(maxlen=KEPT)
        self._pending: StreamError | APIResponseValidationError | None = None  # to be raised once the events before it have been handed out
        self._ended = False
        self._handed: list[E] = []  # the latest batch: what nobody has taken of it goes with `close`
        self._limited = False
        self.count = 0

    async def open(self, exchange: Exchange, request: Request) -> EventReader[E]:
        """Send the request; its answer's head has come when this returns, with the reader itself."""
        answer, _ = await exchange.send(request, whole=False, events=True)
        return self.adopt(answer)

    def adopt(self, answer: Answer) -> EventReader[E]:
        """Read the events of an answer whose head has come."""
        self._answer = answer
        self._limited = answer.limited
        return self

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the answer."""
        return self._answer.http()

    @property
    def response(self) -> RawResponse:
        """The answer without a body, which is the stream."""
        return self._answer.raw(b"")

    async def next_batch(self) -> list[E] | None:
        """Return the events that came next, at least one, or None at the end.

        Raises:
            StreamError: the service told of an error in the stream, or the stream ended before its last event.
            APIConnectionError, APITimeoutError: the connection failed, or nothing came in time.
        """
        incoming, machine = self._answer.incoming, self._machine
        while not self._ended:
            if self._pending is not None:
                self._give_up()
            if self._limited:
                self._answer.expect(self.count)
            try:
                chunk = await incoming.next_chunk()
                events = machine.receive(chunk) if chunk else self._without(chunk)
            except (OSError, ProtocolError) as cause:
                if self._ended:
                    return None  # closed by somebody else while we waited
                self.close()
                raise self._answer.failed(cause, self._events_so_far()) from cause
            if events and (batch := self._batch(events)):
                self._handed = batch
                return batch
        return None

    def _give_up(self) -> None:
        error, self._pending = self._pending, None
        self.close()
        if isinstance(error, StreamError):
            error.event_count = self.count  # those of its own batch included
        if error is not None:
            raise error

    def _without(self, chunk: bytes | None) -> list[ServerSentEvent]:
        """Nothing has come, or the end: was that the end of the events as well?"""
        if chunk is None:
            self._machine.receive(b"")  # raises what was wrong with the last bytes
            self._ended = True
            if not _finished(map(decode, self._kept)):
                raise self._failure("The stream ended before its last event: the answer is incomplete. Ask again, or go on from what came.")
        return []

    def _batch(self, events: list[ServerSentEvent]) -> list[E]:
        batch: list[E] = []
        kept, decode_event = self._kept, self._decode
        for event in events:
            data = event.data
            if data[:6] == "[DONE]":
                self._finish()
                break
            try:
                value: Any = decode(data)
                telling = value.get("type") in TERMINAL or "error" in value or event.event == "error"
            except (ValueError, AttributeError, TypeError) as problem:  # no JSON; no object; a type that is no text
                self._pending = self._failure(f"An event of the stream is no JSON object of the API: {problem}.", data[:2000])
                break
            if telling and self._tells(value, event.event):
                break
            try:
                batch.append(decode_event(value))
            except RecursionError:
                self._pending = self._failure("An event of the stream is nested too deeply.", data[:2000])
                break
            except ValueError as problem:  # of a strict client
                self._pending = self._mismatch(data, problem)
                break
            kept.append(data)
            if self._ended:
                break
        self.count += len(batch)
        return batch

    def _tells(self, value: dict[str, Any], name: str) -> bool:
        """Notice the last event, and an error, which is raised in place of its event."""
        kind = value.get("type")
        if kind is not None and kind in ENDING:
            self._finish()
        elif kind == "error" or name == "error" or (kind is None and value.get("error")):
            self._pending = self._error(value)
            return True
        return False

    def _mismatch(self, data: str, problem: ValueError) -> APIResponseValidationError:
        answer = self._answer
        error = invalid(answer.raw(data.encode()), answer.request, f"an event is not as the API describes it: {problem}")
        error.attempts = answer.attempts
        return error

    def _finish(self) -> None:
        """The last event has come: the connection is free as soon as the end of the body has come too."""
        self._ended = True
        self._answer.park()

    def _error(self, value: dict[str, Any]) -> StreamError:
        found = value.get("error")
        body: object = found if found else value
        message = (as_object(body) or {"message": body}).get("message")
        return self._failure(f"The service ended the stream with an error: {message or 'it did not say which'}", body)

    def _failure(self, message: str, body: object = None) -> StreamError:
        error = StreamError(message, self._answer.request, body=body, events_so_far=self._events_so_far())
        error.event_count = self.count
        error.attempts = self._answer.attempts
        return error

    def _events_so_far(self) -> list[E]:
        return [self._decode(decode(data)) for data in self._kept]

    def close(self) -> None:
        """Free the connection at once; from any thread or task."""
        self._ended = True
        self._handed.clear()
        self._answer.discard()


class Stream(Generic[E]):
    """The events of an answer, as they come: an iterator and a context manager.

    Leaving it early, by `close`, by the end of `with`, or by dropping it, frees its connection at once.
    """

    __slots__ = ("_events", "_reader")

    def __init__(self, reader: Batches[E]) -> None:
        self._reader = reader
        self._events = _unrolled(reader)

    def __iter__(self) -> Iterator[E]:
        return self._events

    def __next__(self) -> E:
        return next(self._events)

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the answer."""
        return self._reader.http

    @property
    def response(self) -> RawResponse:
        """The answer: status and headers."""
        return self._reader.response

    def close(self) -> None:
        """Free the connection at once; from any thread."""
        self._reader.close()

    def __enter__(self) -> Stream[E]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def _unrolled(reader: Batches[E]) -> Iterator[E]:
    while (batch := run_now(reader.next_batch())) is not None:
        yield from batch


class AsyncStream(Generic[E]):
    """The events of an answer, as they come: an asynchronous iterator and context manager.

    Leaving it early, by `close`, by the end of `async with`, or by cancelling the task, frees its connection at once.
    """

    __slots__ = ("_batch", "_reader")

    def __init__(self, reader: Batches[E]) -> None:
        self._reader = reader
        self._batch: list[E] = []  # what has come and was not handed out, the next one last

    def __aiter__(self) -> AsyncStream[E]:
        return self

    async def __anext__(self) -> E:
        if not self._batch:
            batch = await self._reader.next_batch()
            if batch is None:
                raise StopAsyncIteration
            batch.reverse()
            self._batch = batch
        return self._batch.pop()

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the answer."""
        return self._reader.http

    @property
    def response(self) -> RawResponse:
        """The answer: status and headers."""
        return self._reader.response

    async def close(self) -> None:
        """Free the connection at once; from any task."""
        self._reader.close()

    aclose = close

    async def __aenter__(self) -> AsyncStream[E]:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()


def _finished(events: Iterable[object]) -> bool:
    """Whether every choice of a chat that has begun has ended: only usage and [DONE] may follow, and the latter is sometimes forgotten."""
    begun: set[object] = set()
    ended: set[object] = set()
    for event in events:
        choices = (as_object(event) or {}).get("choices")
        for choice in filter(None, map(as_object, cast("list[object]", choices) if isinstance(choices, list) else ())):
            index = str(choice.get("index"))  # a service may say anything
            begun.add(index)
            if choice.get("finish_reason"):
                ended.add(index)
    return bool(ended) and begun == ended


async def open_stream(exchange: Exchange, operation: StreamOperation[Any, E], given: dict[str, Any]) -> EventReader[E]:
    """Make a call that answers with events; its head has come when this returns."""
    reader: EventReader[E] = EventReader(exchange.adopters[operation.event])
    return await reader.open(exchange, operation.prepare(given, exchange.settings))
