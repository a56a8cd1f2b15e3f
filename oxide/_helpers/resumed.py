"""`responses.create(stream=True, background=True, resume=True)`: a plain stream of events that is taken up again where it breaks."""

from __future__ import annotations

from .._resume import open_resuming
from .._stream import AsyncStream, Stream
from .._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Any

    from .._caller import AsyncCaller, Caller
    from .._exchange import Exchange
    from .._operation import Operation, StreamOperation
    from .._resume import ResumingReader

__all__ = ["async_resumed", "resumed"]


def resumed(caller: Caller, operation: Operation[Any], given: dict[str, Any]) -> Stream[Any]:
    """Ask for the stream, blocking."""
    return Stream(caller.run(_open, operation, given))


async def async_resumed(caller: AsyncCaller, operation: Operation[Any], given: dict[str, Any]) -> AsyncStream[Any]:
    """Ask for the stream, in asyncio."""
    return AsyncStream(await caller.run(_open, operation, given))


async def _open(exchange: Exchange, operation: Operation[Any], given: dict[str, Any]) -> ResumingReader[Any]:
    if given.get("stream") is not True:
        raise ValueError("resume=True needs stream=True: a call that does not stream is tried again as a whole")
    streamed: StreamOperation[Any, Any] = cast("StreamOperation[Any, Any]", operation)  # one with a parameter `stream`
    return await open_resuming(exchange, streamed, given)
