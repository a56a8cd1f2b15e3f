"""What the API offers (`Operation`), one use of it (`Request`), and what a resource asks of its client (the caller protocols)."""

from __future__ import annotations

from ._typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._page import AsyncPage, Page
    from ._stream import AsyncStream, Stream

__all__ = ["AsyncCaller", "Caller", "NotGiven", "Omit", "Operation", "PageOperation", "StreamOperation", "not_given", "omit"]

T = TypeVar("T")
E = TypeVar("E")


class Omit:
    """The type of `omit`: an argument, header or query parameter that is not sent."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "omit"

    def __reduce__(self) -> str:
        return "omit"


class NotGiven:
    """The type of `not_given`: an option for which the client's own value holds."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "not_given"

    def __reduce__(self) -> str:
        return "not_given"


omit = Omit()
not_given = NotGiven()


class Operation(Generic[T]):
    """What the API offers at one method and path: where each parameter goes, and what comes back.

    Args:
        method: the HTTP verb.
        path: the path below the base URL, with `{name}` where a path parameter stands.
        returns: the type expression of the result ("responses.Response"), "" for an empty answer.
        query: names of the parameters that travel in the query.
        header: parameter name -> name of the header it travels in.
        send: fixed header fields.
        rename: parameter name -> JSON key or query name, where they differ.
        body: "json", or "" where the operation takes no body. Every parameter that is placed nowhere else goes there.
    """

    __slots__ = ("body", "header", "method", "path", "query", "rename", "returns", "send")

    def __init__(
        self,
        method: str,
        path: str,
        returns: str = "",
        *,
        query: tuple[str, ...] = (),
        header: Mapping[str, str] | None = None,
        send: Mapping[str, str] | None = None,
        rename: Mapping[str, str] | None = None,
        body: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.returns = returns
        self.query = query
        self.header = header or {}
        self.send = send or {}
        self.rename = rename or {}
        self.body = body


class StreamOperation(Operation[T], Generic[T, E]):
    """An operation that answers with events of type E when its parameter `stream` is true."""

    __slots__ = ("event",)

    def __init__(self, method: str, path: str, returns: str, event: str, **placement: Any) -> None:
        super().__init__(method, path, returns, **placement)
        self.event = event


class PageOperation(Operation[T]):
    """An operation that lists items of type T page by page; `kind` says how the next page is asked for."""

    __slots__ = ("kind",)

    def __init__(self, method: str, path: str, item: str, kind: str, **placement: Any) -> None:
        super().__init__(method, path, item, **placement)
        self.kind = kind


class Caller(Protocol):
    """What a resource asks of a blocking client. `given` holds the method's arguments by name, `self` and unsent ones included."""

    def call(self, operation: Operation[T], given: dict[str, Any]) -> T: ...
    def open(self, operation: StreamOperation[T, E], given: dict[str, Any]) -> T | Stream[E]: ...
    def page(self, operation: PageOperation[T], given: dict[str, Any]) -> Page[T]: ...


class AsyncCaller(Protocol):
    """What a resource asks of an asyncio client."""

    async def call(self, operation: Operation[T], given: dict[str, Any]) -> T: ...
    async def open(self, operation: StreamOperation[T, E], given: dict[str, Any]) -> T | AsyncStream[E]: ...
    def page(self, operation: PageOperation[T], given: dict[str, Any]) -> AsyncPage[T]: ...
