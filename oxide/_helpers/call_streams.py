"""`responses.create_stream_fc`: a streamed response of which only the function calls are wanted, each as early as it can be had."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from .folding import AsyncStreamManager, StreamManager
from .response_streams import AsyncResponseStream, ResponseStream, open_response_stream

if TYPE_CHECKING:
    from typing import Any

    from .._info import HttpInfo
    from .._models._parsed_responses import ParsedResponse
    from .early_calls import FunctionCall

__all__ = ["AsyncFunctionCallStream", "AsyncFunctionCallStreamManager", "FunctionCallStream", "FunctionCallStreamManager"]


class FunctionCallStream:
    """The function calls of a response, each handed out the moment its arguments are complete: an iterator."""

    __slots__ = ("_calls", "_stream")

    def __init__(self, stream: ResponseStream[Any]) -> None:
        self._stream = stream
        self._calls = stream.function_calls()

    def __iter__(self) -> FunctionCallStream:
        return self

    def __next__(self) -> FunctionCall:
        return next(self._calls)

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the answer."""
        return self._stream.http

    def get_final_response(self) -> ParsedResponse[Any]:
        """Read on to the end, and return the response."""
        return self._stream.get_final_response()

    def close(self) -> None:
        """Free the connection at once; from any thread."""
        self._stream.close()


class AsyncFunctionCallStream:
    """The function calls of a response, each handed out the moment its arguments are complete: an asynchronous iterator."""

    __slots__ = ("_calls", "_stream")

    def __init__(self, stream: AsyncResponseStream[Any]) -> None:
        self._stream = stream
        self._calls = stream.function_calls()

    def __aiter__(self) -> AsyncFunctionCallStream:
        return self

    async def __anext__(self) -> FunctionCall:
        return await self._calls.__anext__()

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the answer."""
        return self._stream.http

    async def get_final_response(self) -> ParsedResponse[Any]:
        """Read on to the end, and return the response."""
        return await self._stream.get_final_response()

    async def close(self) -> None:
        """Free the connection at once; from any task."""
        await self._stream.close()


class FunctionCallStreamManager(StreamManager[FunctionCallStream]):
    """A response that is asked for inside a `with` block, for its function calls."""

    __slots__ = ()

    def _open(self) -> FunctionCallStream:
        return FunctionCallStream(ResponseStream(self._caller.run(open_response_stream, self._operation, {**self._given})))


class AsyncFunctionCallStreamManager(AsyncStreamManager[AsyncFunctionCallStream]):
    """A response that is asked for inside an `async with` block, for its function calls."""

    __slots__ = ()

    async def _open(self) -> AsyncFunctionCallStream:
        folding = await self._caller.run(open_response_stream, self._operation, {**self._given})
        return AsyncFunctionCallStream(AsyncResponseStream(folding))
