"""Pages of lists: `Page` and `AsyncPage` hold one page, and walk all of them.

Every method that gives a list takes two options beside its parameters: `limit_total`, the number of items wanted of all pages
together, and `prefetch`, to ask for the next page while one is read.
"""

from __future__ import annotations

from ._errors import APIError
from ._models._base import Record, plain
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator
    from typing import Any

    from ._exchange import Exchange
    from ._info import HttpInfo
    from ._operation import PageOperation
    from ._settings import Settings
    from ._transport.ahead import TaskAhead, ThreadAhead

__all__ = ["AsyncPage", "LoadedAsyncPage", "Page", "PageInfo", "PageReader", "first_page"]

T = TypeVar("T")


class PageInfo:
    """What the next page is asked for with, beside what this one was asked for with: its query parameters."""

    __slots__ = ("params",)

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params

    def __repr__(self) -> str:
        return f"PageInfo(params={self.params!r})"


def next_parameters(kind: str, values: dict[str, Any], data: list[Any]) -> dict[str, Any] | None:
    """Return what the next page is asked for with, or None after the last.

    Args:
        kind: "cursor" (after the last item's id), "last_id", "next", "token" or "single".
        values: the page as it came; data: its items.
    """
    if values.get("has_more") is False or (not data and kind != "token"):
        return None
    if kind == "cursor":
        return _given("after", getattr(data[-1], "id", None))
    if kind == "last_id":
        return _given("after", values.get("last_id"))
    if kind == "next":
        return _given("after", values.get("next"))
    return _given("page", values.get("next") or values.get("next_page")) if kind == "token" else None


def _given(name: str, value: object) -> dict[str, Any] | None:
    return {name: value} if value else None


class Source(Protocol):
    """Who makes the calls: in asyncio another exchange in each event loop."""

    @property
    def exchange(self) -> Exchange: ...
    @property
    def settings(self) -> Settings: ...


class PageReader(Generic[T]):
    """Gets one page, and tells how to get the one after it.

    Args:
        given: the arguments of the method, its options among them.
    """

    __slots__ = ("_given", "_left", "_mark", "_number", "_operation", "_source", "prefetch", "repeated")

    def __init__(self, source: Source, operation: PageOperation[T], given: dict[str, Any]) -> None:
        self._source = source
        self._operation = operation
        self._given = given
        self._left = _checked(given.get("limit_total"))
        self._number = 1
        self._mark: object = None  # the cursor of some page before: one that comes again is a circle
        self.prefetch = bool(given.get("prefetch"))
        self.repeated = False

    async def read(self) -> tuple[dict[str, Any], list[T], HttpInfo]:
        """Return the page as it came, its items, and the HTTP side.

        Raises:
            APIError: the service goes round in circles.
        """
        if self.repeated:
            raise APIError("The service told twice to go on at the same place: the list has no end.")
        return await self._source.exchange.page(self._operation, dict(self._given))

    def wanted(self, data: list[T]) -> list[T]:
        """Return the items of the page that `limit_total` leaves."""
        return data if self._left is None else data[: self._left]

    def parameters(self, values: dict[str, Any], data: list[T]) -> dict[str, Any] | None:
        """Return what the next page is asked for with, None after the last, or if no more items are wanted."""
        if self._left is not None and self._left <= len(data):
            return None
        return next_parameters(self._operation.kind, values, data)

    def after(self, values: dict[str, Any], data: list[T]) -> PageReader[T] | None:
        """Return the reader of the next page, None after the last."""
        more = self.parameters(values, data)
        if more is None:
            return None
        given = {**self._given, **more}
        if extra := given.get("extra_query"):  # goes over what a method asks for, and would ask for the same page again
            given["extra_query"] = {name: value for name, value in extra.items() if name not in more}
        reader = PageReader(self._source, self._operation, given)
        reader._go_on(self, next(iter(more.values())), len(data))
        return reader

    def _go_on(self, before: PageReader[T], cursor: object, read: int) -> None:
        self._left = None if before._left is None else before._left - read
        self._number = before._number + 1
        self.repeated = cursor == before._mark
        # A mark that moves at powers of two meets any circle, however long (Brent), and no cursor has to be kept but one.
        self._mark = cursor if before._number & (before._number - 1) == 0 else before._mark


def _checked(limit: Any) -> int | None:
    if limit is not None and (limit.__class__ is not int or limit < 1):
        raise ValueError(f"limit_total is a number of items, at least 1, not {limit!r}")
    found: int | None = limit
    return found


_TOLD = frozenset(("first_id", "last_id", "next", "next_page", "object"))


class _PageFacts(Generic[T]):
    """What both kinds of pages show: the items, and whatever else came with them."""

    __slots__ = ("_reader", "_values", "data", "http")

    def __init__(self, reader: PageReader[T], values: dict[str, Any], data: list[T], http: HttpInfo) -> None:
        self._reader = reader
        self._values = values
        self.data = reader.wanted(data)
        self.http = http

    @property
    def has_more(self) -> bool | None:
        """Whether there are more items, as the service says; None if it does not say."""
        more: bool | None = self._values.get("has_more")
        return more

    @property
    def _request_id(self) -> str | None:
        return self.http.request_id

    def has_next_page(self) -> bool:
        """Whether there is another page to ask for."""
        return self._reader.parameters(self._values, self.data) is not None

    def next_page_info(self) -> PageInfo | None:
        """Return what the next page is asked for with, None after the last."""
        more = self._reader.parameters(self._values, self.data)
        return None if more is None else PageInfo(more)

    def to_dict(self) -> dict[str, Any]:
        """Return the page as plain dictionaries and lists."""
        return {**self._values, "data": [Record.to_dict(item) if isinstance(item, Record) else item for item in self.data]}

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the page as JSON text; `indent` is the number of spaces of a level, None puts all on one line."""
        from ._models._dump import text

        return text(self.to_dict(), indent, plain)

    if TYPE_CHECKING:  # what else the service says of a page, as far as it does; the names that it adds are attributes too
        first_id: str | None
        last_id: str | None
        next: str | None
        next_page: str | None
        object: str
    else:

        def __getattr__(self, name):
            values = object.__getattribute__(self, "_values")
            if name in values or name in _TOLD:
                return values.get(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _after(self) -> PageReader[T] | None:
        return self._reader.after(self._values, self.data)

    def _next_reader(self) -> PageReader[T]:
        reader = self._after()
        if reader is None:
            raise RuntimeError("This is the last page; ask has_next_page() first.")
        return reader

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.data)} items{', more to come' if self.has_next_page() else ''}>"


class Page(_PageFacts[T]):
    """One page of a list; iterating walks this page and all that follow."""

    __slots__ = ()

    def __iter__(self) -> Iterator[T]:
        for page in self.iter_pages():
            yield from page.data

    def iter_pages(self) -> Iterator[Page[T]]:
        """Walk the pages, this one first."""
        page = self
        ahead: ThreadAhead[Page[T]] | None = None
        try:
            while (reader := page._after()) is not None:
                ahead = _page_ahead(reader) if reader.prefetch else None
                yield page
                page = ahead.result() if ahead is not None else first_page(reader)
                ahead = None
            yield page
        finally:
            if ahead is not None:
                ahead.drop()

    def get_next_page(self) -> Page[T]:
        """Ask for the next page. Raises RuntimeError after the last."""
        return first_page(self._next_reader())


def first_page(reader: PageReader[T]) -> Page[T]:
    """Get a page, blocking."""
    return Page(reader, *run_now(reader.read()))


def _page_ahead(reader: PageReader[T]) -> ThreadAhead[Page[T]]:
    from ._transport.ahead import ThreadAhead

    return ThreadAhead(lambda: first_page(reader))


class LoadedAsyncPage(_PageFacts[T]):
    """One page of a list, in asyncio; iterating walks this page and all that follow."""

    __slots__ = ()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.data:
                yield item

    async def iter_pages(self) -> AsyncIterator[LoadedAsyncPage[T]]:
        """Walk the pages, this one first."""
        page = self
        ahead: TaskAhead[LoadedAsyncPage[T]] | None = None
        try:
            while (reader := page._after()) is not None:
                ahead = _task_ahead(reader) if reader.prefetch else None
                yield page
                page = await (ahead.result() if ahead is not None else _loaded(reader))
                ahead = None
            yield page
        finally:
            if ahead is not None:
                ahead.drop()

    async def get_next_page(self) -> LoadedAsyncPage[T]:
        """Ask for the next page. Raises RuntimeError after the last."""
        return await _loaded(self._next_reader())


async def _loaded(reader: PageReader[T]) -> LoadedAsyncPage[T]:
    return LoadedAsyncPage(reader, *await reader.read())


def _task_ahead(reader: PageReader[T]) -> TaskAhead[LoadedAsyncPage[T]]:
    from ._transport.ahead import TaskAhead

    return TaskAhead(_loaded(reader))


class AsyncPage(Generic[T]):
    """A list that is asked for when it is awaited (its first page) or iterated over (the items of all pages)."""

    __slots__ = ("_reader",)

    def __init__(self, reader: PageReader[T]) -> None:
        self._reader = reader

    def __await__(self) -> Generator[Any, None, LoadedAsyncPage[T]]:
        return _loaded(self._reader).__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self:
            yield item

    async def iter_pages(self) -> AsyncIterator[LoadedAsyncPage[T]]:
        """Walk the pages, the first one first."""
        async for page in (await self).iter_pages():
            yield page
