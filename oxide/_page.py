"""Pages of lists: `Page` and `AsyncPage` hold one page, and walk all of them."""

from __future__ import annotations

from ._models._base import Record
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator
    from typing import Any

    from ._exchange import Exchange
    from ._info import HttpInfo
    from ._operation import PageOperation

__all__ = ["AsyncPage", "Page", "PageReader"]

T = TypeVar("T")


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
    return _given("page", values.get("next_page")) if kind == "token" else None


def _given(name: str, value: object) -> dict[str, Any] | None:
    return {name: value} if value else None


class Source(Protocol):
    """Who makes the calls: in asyncio another exchange in each event loop."""

    @property
    def exchange(self) -> Exchange: ...


class PageReader(Generic[T]):
    """Gets one page, and tells how to get the one after it."""

    __slots__ = ("_given", "_operation", "_source")

    def __init__(self, source: Source, operation: PageOperation[T], given: dict[str, Any]) -> None:
        self._source = source
        self._operation = operation
        self._given = given

    async def read(self) -> tuple[dict[str, Any], list[T], HttpInfo]:
        """Return the page as it came, its items, and the HTTP side."""
        return await self._source.exchange.page(self._operation, dict(self._given))

    def after(self, values: dict[str, Any], data: list[T]) -> PageReader[T] | None:
        """Return the reader of the next page, None after the last."""
        more = next_parameters(self._operation.kind, values, data)
        return None if more is None else PageReader(self._source, self._operation, {**self._given, **more})


class _PageFacts(Generic[T]):
    """What both kinds of pages show: the items, and whatever else came with them."""

    __slots__ = ("_reader", "_values", "data", "http")

    def __init__(self, reader: PageReader[T], values: dict[str, Any], data: list[T], http: HttpInfo) -> None:
        self._reader = reader
        self._values = values
        self.data = data
        self.http = http

    @property
    def has_more(self) -> bool:
        """Whether the service has more pages."""
        return self.has_next_page()

    def has_next_page(self) -> bool:
        """Whether there is another page to ask for."""
        return self._reader.after(self._values, self.data) is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the page as plain dictionaries and lists."""
        return {**self._values, "data": [Record.to_dict(item) if isinstance(item, Record) else item for item in self.data]}

    if not TYPE_CHECKING:

        def __getattr__(self, name):  # `object`, `first_id`, `last_id`, and what the service adds
            try:
                return object.__getattribute__(self, "_values")[name]
            except (AttributeError, KeyError):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def _next_reader(self) -> PageReader[T]:
        reader = self._reader.after(self._values, self.data)
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
        yield page
        while page.has_next_page():
            page = page.get_next_page()
            yield page

    def get_next_page(self) -> Page[T]:
        """Ask for the next page. Raises RuntimeError after the last."""
        return first_page(self._next_reader())


def first_page(reader: PageReader[T]) -> Page[T]:
    """Get a page, blocking."""
    return Page(reader, *run_now(reader.read()))


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
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def get_next_page(self) -> LoadedAsyncPage[T]:
        """Ask for the next page. Raises RuntimeError after the last."""
        reader = self._next_reader()
        return LoadedAsyncPage(reader, *await reader.read())


class AsyncPage(Generic[T]):
    """A list that is asked for when it is awaited (its first page) or iterated over (the items of all pages)."""

    __slots__ = ("_reader",)

    def __init__(self, reader: PageReader[T]) -> None:
        self._reader = reader

    def __await__(self) -> Generator[Any, None, LoadedAsyncPage[T]]:
        return self._load().__await__()

    async def _load(self) -> LoadedAsyncPage[T]:
        return LoadedAsyncPage(self._reader, *await self._reader.read())

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._load():
            yield item

    async def iter_pages(self) -> AsyncIterator[LoadedAsyncPage[T]]:
        """Walk the pages, the first one first."""
        async for page in (await self._load()).iter_pages():
            yield page
