"""One call over the WebSocket of a session: sent, waited for, sent again where that is safe; its events in batches, or its answer."""

from __future__ import annotations

import os
import time
from collections import deque

from ._errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AttemptRecord,
    OxideError,
    RemoteProtocolError,
    StreamError,
    WebSocketConnectionClosedError,
)
from ._helpers.lanes import ALL_LANES, Lost, Turn, error_code, word
from ._info import HttpInfo
from ._json import as_object, decode, encode
from ._judge import failure, invalid
from ._models._base import Record
from ._operation import Request
from ._raw import RawResponse
from ._socket import PASSING, Waiter
from ._timeout import FOREVER
from ._transport.course import Course
from ._turn_errors import event_error, explain
from ._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Any

    from ._errors import APIError, APIResponseValidationError
    from ._exchange import Exchange
    from ._helpers.history import History
    from ._helpers.lanes import Message
    from ._link import Link, Links
    from ._models import responses, responses_events
    from ._protocol.headers import Headers
    from ._timeout import Timeout

__all__ = ["NOT_FOUND", "TurnReader"]

EVENT = "responses_events.ResponseStreamEvent"
ANSWER = "responses.Response"
ANSWERED = frozenset(("response.completed", "response.incomplete", "response.failed"))
NOT_FOUND = "previous_response_not_found"
TOO_MANY = "websocket_stream_limit_reached"  # the service has not noticed yet that an answer has ended

KEPT = 32
"""Events that an error carries, at the most."""


class TurnReader:
    """The events of one turn.

    Args:
        links: where the connection comes from.
        values: what is sent.
        timeout: how long the waits may take.
        history: knows what was said before; None: nobody does.
    """

    _link: Link
    _turn: Turn

    def __init__(self, links: Links, values: dict[str, Any], timeout: Timeout, history: History | None) -> None:
        exchange = links.exchange
        now = exchange.backend.now
        self._exchange: Exchange = exchange
        self._links = links
        self._values = values
        self._timeout = timeout
        self._history = history
        self._begun = self._since = self._started = begun = now()
        self._course = Course(timeout, begun + timeout.total, now, begun)
        self._waiter = Waiter()
        self._attempts: list[AttemptRecord] = []
        self._kept: deque[responses_events.ResponseStreamEvent] = deque(maxlen=KEPT)
        self._items: list[str | bytes | dict[str, Any]] = []  # events with items of the output, for answers that leave it out
        self._pending: OxideError | None = None
        self._handed: list[responses_events.ResponseStreamEvent] = []
        self._ended = self._came = self._sent = self._resent = self._whole = False
        self._retries = 0
        self.count = 0

    # ------------------------------------------------------------------------------------------------ sending
    async def start(self) -> TurnReader:
        """Send the turn; return the reader itself. Raises what opening a connection and sending raise."""
        text = encode(self._values).decode("ascii")  # JSON as `encode` writes it
        while True:
            self._sent = False
            try:
                await self._enter()
                lane = self._turn.lane
                named = text if lane is None or lane.name is None else f'{text[:-1]}, "stream_id": "{lane.name}"}}'
                span = self._left(self._timeout.write)
                self._sent = True
                await self._link.socket.send(named, span)
                return self
            except WebSocketConnectionClosedError as error:
                self._leave()
                await self._retry(error)
            except BaseException:
                self.close()
                raise

    async def _enter(self) -> None:
        """Get a lane of a connection that is open."""
        self._turn = turn = Turn(self._waiter.wake)
        previous = self._previous
        while True:
            self._link = link = await self._links.link()
            if link.enter(turn, previous):
                return
            if link.failure is None:
                await self._queue(link, turn, previous)
                if turn.lane is not None:
                    return

    async def _queue(self, link: Link, turn: Turn, previous: str | None) -> None:
        """Wait for a lane."""
        waiting, wake = link.lanes.waiting, self._waiter.wake
        waiting.append(wake)
        try:
            span = self._left(self._timeout.pool)
            await link.socket.wait(self._waiter, lambda: turn.lane is not None or link.enter(turn, previous) or link.lanes.failure, span)
        except APITimeoutError as error:
            text = f"{self._place}: waited {error.after:g} s for one of the {link.lanes.active} answers under way to end (Timeout.pool)."
            raise APITimeoutError(text, self.request, phase="pool", after=error.after) from error
        except WebSocketConnectionClosedError:
            return  # there will be another connection
        finally:
            waiting.remove(wake)

    def _left(self, span: float) -> float:
        try:
            return self._course.left(span)
        except TimeoutError as error:
            raise self._too_late(error) from error

    # ------------------------------------------------------------------------------------------------ trying again
    async def _retry(self, error: OxideError, status: int | None = None, headers: Headers | None = None, code: str | None = None) -> None:
        """Wait before the turn is sent once more; raise the error where it is not to be."""
        request, exchange = self.request, self._exchange
        now = exchange.backend.now()
        self._attempts.append(
            AttemptRecord(len(self._attempts) + 1, self._started - self._begun, now - self._begun, status or 101, str(error))
        )
        if isinstance(error, (APIConnectionError, APIStatusError)):
            error.attempts = tuple(self._attempts)
        policy = exchange.settings.retry.with_limit(request.max_retries)
        dice = int.from_bytes(os.urandom(4), "big") / 2**32
        delay = policy.delay(self._retries, status, headers, dice, time.time(), code=code)
        if delay is None or self._course.deadline - now <= delay or (exchange.budget is not None and not exchange.budget.take()):
            self.close()
            raise error
        if status is not None:
            await exchange.backend.sleep(delay)
        self._retries += 1
        self._started = exchange.backend.now()

    async def _again(self, error: APIStatusError | WebSocketConnectionClosedError | RemoteProtocolError) -> None:
        """Send the turn once more if that is safe and may help; raise the error otherwise."""
        if self._ended or self._came or self._links.closed:
            self.close()
            raise error
        code = error.code if isinstance(error, WebSocketConnectionClosedError) else word(error.code)
        if isinstance(error, WebSocketConnectionClosedError) or code in ALL_LANES:
            if self._resent or not (code in PASSING or code in ALL_LANES):
                self.close()
                raise error
            self._resent = True
            await self._retry(error)
        elif isinstance(error, APIStatusError):
            if not self._restore(error):
                busy = code == TOO_MANY
                await self._retry(error, 429 if busy else error.status_code, error.response.headers, None if busy else word(code))
        else:
            self.close()
            raise error
        self._leave()
        await self.start()

    def _restore(self, error: APIStatusError) -> bool:
        """Where the service has forgotten what was said before, put all of it into the turn; return whether that was so."""
        previous = self._previous
        if error.code != NOT_FOUND or self._whole or previous is None:
            return False
        said = None if self._history is None else self._history.whole(previous, self._values.get("input"))
        if said is None:
            explain(error, self._links.replaced, self._history is not None)
            return False
        self._values = {**self._values, "input": said}
        del self._values["previous_response_id"]
        self._whole = True
        return True

    # ------------------------------------------------------------------------------------------------ waiting
    async def _wait(self) -> None:
        """Wait until a message has come for this turn."""
        turn, course, timeout = self._turn, self._course, self._timeout
        if timeout.idle != FOREVER or timeout.first_event != FOREVER:
            course.expect("idle" if self._came else "first_event", self._since)
        course.phase = "body"
        try:
            await self._link.socket.wait(self._waiter, turn.inbox.__len__, course.left(timeout.read))
        except (TimeoutError, APITimeoutError) as error:
            raise self._too_late(error) from error

    def _too_late(self, cause: Exception) -> APIError:
        opening = self.request
        request = Request(opening.method, opening.origin, opening.target, opening.fields, b"", timeout=self._timeout, max_retries=0)
        error = failure(TimeoutError(str(cause)), request, self._course)
        error.events_so_far = self._events_so_far()  # type: ignore[union-attr]  # that of a timeout is an APITimeoutError
        return error  # type: ignore[return-value]  # likewise

    # ------------------------------------------------------------------------------------------------ the answer as a whole
    async def answer(self) -> responses.Response:
        """Return the answer: completed, incomplete or failed.

        Raises:
            APIStatusError: the service told of an error.
            WebSocketConnectionClosedError, RemoteProtocolError, APITimeoutError: there was no answer.
            APIResponseValidationError: it is none.
        """
        while True:
            try:
                await self._wait()
                event = self._last_event()
            except (APIStatusError, WebSocketConnectionClosedError, RemoteProtocolError) as error:
                await self._again(error)
                continue
            except BaseException:
                self.close()
                raise
            if event is not None:
                return self._result(event)

    def _last_event(self) -> dict[str, Any] | None:
        """Look through what has come; return the last event if it is there."""
        turn = self._turn
        while turn.inbox:
            message = turn.take()
            if isinstance(message, str) and not _telling(message):
                self._came = True
                continue
            event = self._event(message)
            kind = word(event.get("type"))
            if kind in ANSWERED:
                return event
            if kind == "error":
                raise self._error(event)
            self._came = True
            if kind == "response.output_item.done":
                self._items.append(event)
        return None

    def _result(self, event: dict[str, Any]) -> responses.Response:
        """Make the answer of the last event."""
        value = as_object(event.get("response"))
        self._finish(value)
        if value is None:
            raise self._invalid(event, "its last event has no response")
        if value.get("output") is None and self._items:
            value["output"] = [item for item in (self._event(each).get("item") for each in self._items) if item is not None]
        self._record(value)
        try:
            result = self._exchange.decoder(ANSWER)(value)
        except RecursionError:
            raise self._invalid(event, "its JSON is nested too deeply") from None
        except ValueError as problem:  # of a strict client
            raise self._invalid(event, f"its JSON is not as the API describes it: {problem}") from None
        if isinstance(result, Record):
            result._http = self.http  # pyright: ignore[reportPrivateUsage]  # as the exchange does
        answer: responses.Response = cast("Any", result)  # as the decoder of that name makes it
        return answer

    def _record(self, value: dict[str, Any]) -> None:
        id_ = value.get("id")
        if self._history is not None and isinstance(id_, str) and value.get("status") == "completed":
            self._history.record(id_, self._previous, self._values.get("input"), value.get("output"))

    # ------------------------------------------------------------------------------------------------ its events
    async def next_batch(self) -> list[responses_events.ResponseStreamEvent] | None:
        """Return the events that came next, at least one, or None at the end. Raises as `answer` does."""
        while not self._ended:
            try:
                if self._pending is not None:
                    error, self._pending = self._pending, None
                    raise error
                await self._wait()
                batch = self._batch()
            except (APIStatusError, WebSocketConnectionClosedError, RemoteProtocolError) as error:
                if self._ended:
                    return None  # closed by somebody else while we waited
                error.events_so_far = self._events_so_far()
                await self._again(error)
                continue
            except BaseException:
                if self._ended:
                    return None
                self.close()
                raise
            if batch:
                self._handed = batch
                return batch
        return None

    def _batch(self) -> list[responses_events.ResponseStreamEvent]:
        turn, decoded = self._turn, self._exchange.decoder(EVENT)
        batch: list[responses_events.ResponseStreamEvent] = []
        try:
            while turn.inbox and not self._ended:
                event = self._event(turn.take())
                kind = word(event.get("type"))
                if kind == "error":
                    raise self._error(event)
                if kind in ANSWERED:
                    value = as_object(event.get("response"))
                    if value is not None:
                        self._record(value)
                    self._finish(value)
                batch.append(decoded(event))
        except RecursionError:
            self._pending = StreamError("An event of the stream is nested too deeply.", self.request)
        except ValueError as problem:  # of a strict client
            self._pending = self._invalid({}, f"an event is not as the API describes it: {problem}")
        except OxideError as error:
            if not batch:
                raise
            self._pending = error
        self.count += len(batch)
        if batch:
            self._kept.extend(batch)
            self._came = True
            self._since = self._exchange.backend.now()
        return batch

    def _event(self, message: Message) -> dict[str, Any]:
        """Return the event that a message is. Raises what ends the turn."""
        if isinstance(message, (str, bytes)):
            try:
                event = decode(message)
            except ValueError:
                raise self._nonsense(message) from None
            if isinstance(event, dict):
                return cast("dict[str, Any]", event)  # JSON has no other keys than strings
            raise self._nonsense(message)
        if isinstance(message, Lost):
            raise RemoteProtocolError(f"{self._place}: {message.why}.", self.request, phase="body")
        return message

    def _nonsense(self, message: str | bytes) -> RemoteProtocolError:
        self._link.discard()  # who sends no events may send anything
        shown = message if isinstance(message, str) else message.decode("utf-8", "replace")
        return RemoteProtocolError(
            f"{self._place}: a message came that is no event of the API: {shown[:200]!r}.", self.request, phase="body"
        )

    # ------------------------------------------------------------------------------------------------ the end
    def _finish(self, response: dict[str, Any] | None) -> None:
        self._ended = True
        now = self._exchange.backend.now()
        self._attempts.append(AttemptRecord(len(self._attempts) + 1, self._started - self._begun, now - self._begun, 101, ""))
        self._link.finish(self._turn, None if response is None else response.get("id"))
        self._links.released(self._link)

    def _leave(self) -> None:
        if self._sent:
            self._link.leave(self._turn)
        else:  # no last event will come
            self._link.finish(self._turn, None)
        self._links.released(self._link)

    def close(self) -> None:
        """Leave the turn: what still comes of it is dropped. From any thread or task."""
        if not self._ended:
            self._ended = True
            self._handed.clear()
            if hasattr(self, "_link"):
                self._leave()
                self._waiter.wake()

    def __del__(self) -> None:
        if not self._ended and hasattr(self, "_link"):
            self._link.left.append(self._turn)  # no more than that: the collector may have interrupted who holds the lock

    # ------------------------------------------------------------------------------------------------ errors
    @property
    def request(self) -> Request:
        """What opened the connection."""
        return self._links.request

    @property
    def _previous(self) -> str | None:
        """The answer that this turn goes on from."""
        value: object = self._values.get("previous_response_id")
        return value if isinstance(value, str) else None

    @property
    def _place(self) -> str:
        return f"A turn on the WebSocket of {self.request.place}"

    @property
    def http(self) -> HttpInfo:
        """The opening of the connection, and how long this turn took."""
        http, now = self._link.socket.http, self._exchange.backend.now()
        return HttpInfo(http.status, http.headers, "WebSocket", self._attempts, (0.0, 0.0, 0.0, now - self._begun if self._ended else 0.0))

    @property
    def response(self) -> RawResponse:
        """The opening of the connection, as an answer without a body."""
        return RawResponse(self.http, self.request, b"")

    def _invalid(self, event: dict[str, Any], problem: str) -> APIResponseValidationError:
        return invalid(RawResponse(self.http, self.request, encode(event)), self.request, problem)

    def _error(self, event: dict[str, Any]) -> APIStatusError:
        """Return the error that an event tells of; its turn has ended."""
        self._link.finish(self._turn, None)
        if error_code(event) in ALL_LANES:
            self._link.retire()
        return event_error(event, self.request, self._attempts, self._exchange.backend.now() - self._begun)

    def _events_so_far(self) -> list[Any]:
        return [*self._kept]


def _telling(message: str) -> bool:
    """Whether a message may be the last one of its turn, or have an item of the output; no service escapes letters of such names."""
    return (
        '"response.completed"' in message
        or '"error"' in message
        or '"response.output_item.done"' in message
        or '"response.incomplete"' in message
        or '"response.failed"' in message
        or message[:1] != "{"
    )
