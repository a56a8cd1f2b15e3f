"""What a resource asks of its client: the protocols that keep resources from knowing the clients."""

from __future__ import annotations

from ._typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeAlias

    from ._binary import AsyncBinaryResponse, BinaryResponse
    from ._exchange import Exchange
    from ._operation import Operation, PageOperation, StreamOperation
    from ._page import AsyncPage, Page
    from ._settings import Settings
    from ._stream import AsyncStream, Stream

    Story: TypeAlias = "Callable[[Exchange, Operation[T], dict[str, Any]], Coroutine[Any, Any, R]]"

__all__ = ["AsyncCaller", "Caller"]

T = TypeVar("T")
E = TypeVar("E")
R = TypeVar("R")


class Caller(Protocol):
    """What a resource asks of a blocking client. `given` holds the method's arguments by name, `self` and unsent ones included."""

    @property
    def settings(self) -> Settings: ...
    def call(self, operation: Operation[T], given: dict[str, Any]) -> T: ...
    def open(self, operation: StreamOperation[T, E], given: dict[str, Any]) -> T | Stream[E]: ...
    def page(self, operation: PageOperation[T], given: dict[str, Any]) -> Page[T]: ...
    def binary(self, operation: Operation[bytes], given: dict[str, Any]) -> BinaryResponse: ...
    def run(self, story: Story[T, R], operation: Operation[T], given: dict[str, Any]) -> R: ...


class AsyncCaller(Protocol):
    """What a resource asks of an asyncio client."""

    @property
    def settings(self) -> Settings: ...
    async def call(self, operation: Operation[T], given: dict[str, Any]) -> T: ...
    async def open(self, operation: StreamOperation[T, E], given: dict[str, Any]) -> T | AsyncStream[E]: ...
    def page(self, operation: PageOperation[T], given: dict[str, Any]) -> AsyncPage[T]: ...
    async def binary(self, operation: Operation[bytes], given: dict[str, Any]) -> AsyncBinaryResponse: ...
    async def run(self, story: Story[T, R], operation: Operation[T], given: dict[str, Any]) -> R: ...
