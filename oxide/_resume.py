"""Streams of background responses that are taken up again where they broke: no event is lost, none comes twice.

The service numbers the events of a response, and keeps those of one that is made in the background.
"""

from __future__ import annotations

import os
import time

from ._errors import APIConnectionError, APIError, StreamError
from ._omit import omit
from ._operation import StreamOperation
from ._stream import open_stream
from ._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from typing import Any

    from ._exchange import Exchange
    from ._info import HttpInfo
    from ._raw import RawResponse
    from ._stream import EventReader

__all__ = ["RETRIEVE", "ResumingReader", "open_resuming"]

E = TypeVar("E")

RETRIEVE: StreamOperation[Any, Any] = StreamOperation(
    "GET",
    "/responses/{response_id}",
    "responses.Response",
    "responses_events.ResponseStreamEvent",
    query=("include", "include_obfuscation", "starting_after", "stream"),
)
KEPT = ("include", "extra_headers", "extra_query", "timeout", "max_retries")
"""Arguments of the first call that the later ones share."""


class ResumingReader(Generic[E]):
    """The events of a response, from as many answers as it takes.

    Args:
        again: the arguments of the calls that take the stream up again.
    """

    __slots__ = ("_again", "_closed", "_exchange", "_handed", "_last", "_name", "_reader", "_taken")

    def __init__(self, exchange: Exchange, reader: EventReader[E], again: dict[str, Any]) -> None:
        self._exchange = exchange
        self._reader = reader
        self._again = again
        self._name: object = again.get("response_id")
        self._last = -1  # the number of the last event that was handed out
        self._taken = 0  # attempts since then
        self._closed = False
        self._handed: list[E] = []  # the latest batch: what nobody has taken of it goes with `close`

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the present answer."""
        return self._reader.http

    @property
    def response(self) -> RawResponse:
        """The present answer without a body, which is the stream."""
        return self._reader.response

    async def next_batch(self) -> list[E] | None:
        """Return the events that came next, at least one, or None at the end.

        Raises:
            StreamError: the service told of an error, or broke off before it named the response.
            APIConnectionError, APITimeoutError: the stream broke, and so did every attempt to take it up again.
        """
        while True:
            try:
                batch = await self._reader.next_batch()
            except (APIConnectionError, StreamError) as error:
                await self._take_up(error)
                continue
            if batch is None:
                return None
            if fresh := [event for event in batch if self._is_new(event)]:
                self._taken, self._handed = 0, fresh
                return fresh

    def _is_new(self, event: Any) -> bool:
        """Note where we are; return whether an event has not come before."""
        own = event.__dict__
        if self._name is None:
            self._name = getattr(own.get("response"), "id", None)
        number = own.get("sequence_number")
        if not isinstance(number, int):
            return True
        if number <= self._last:
            return False
        self._last = number
        return True

    async def _take_up(self, error: APIConnectionError | StreamError) -> None:
        """Ask for the events behind the last one; raise the error where that is of no use."""
        told_by_the_service = isinstance(error, StreamError) and error.body is not None
        exchange, delay = self._exchange, self._delay()
        if self._closed or told_by_the_service or not isinstance(self._name, str) or delay is None:
            raise error
        self._taken += 1
        await exchange.backend.sleep(delay)
        after = self._last if self._last >= 0 else omit
        try:
            self._reader = await open_stream(exchange, RETRIEVE, {**self._again, "response_id": self._name, "starting_after": after})
        except APIError as problem:
            raise problem from error
        if self._closed:  # meanwhile, by another thread
            self._reader.close()

    def _delay(self) -> float | None:
        """Return the seconds to wait before another attempt, None to give up: what a failed call of the client does."""
        settings, retries = self._exchange.settings, self._again.get("max_retries")
        policy = settings.retry.with_limit(retries if isinstance(retries, int) else settings.max_retries)
        return policy.delay(self._taken, None, None, int.from_bytes(os.urandom(4), "big") / 2**32, time.time())

    def close(self) -> None:
        """Free the connection at once; from any thread or task."""
        self._closed = True
        self._handed.clear()
        self._reader.close()


async def open_resuming(exchange: Exchange, operation: StreamOperation[Any, E], given: dict[str, Any]) -> ResumingReader[E]:
    """Make a call whose answer is a stream that is taken up again; its head has come when this returns.

    Raises:
        ValueError: the response is not made in the background, or not kept: nothing of it is left when the stream breaks.
    """
    if operation.method == "POST" and (given.get("background") is not True or given.get("store") is False):
        raise ValueError("resume=True needs background=True, and a response that is stored: no other can be taken up again")
    again = {name: given[name] for name in (*KEPT, "response_id", "include_obfuscation") if name in given}
    return ResumingReader(exchange, await open_stream(exchange, operation, given), {**again, "stream": True})
