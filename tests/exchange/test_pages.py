"""Walking lists: every kind of page, in both worlds, with a limit, with the next page asked for ahead, and in circles."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide._models._base import decoder
from oxide._operation import PageOperation
from oxide._page import AsyncPage, Page, PageReader, first_page
from tests.exchange._story import answer, asked, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
    "cursor": ("after", lambda n: {}),
    "last_id": ("after", lambda n: {"last_id": f"last{n}", "first_id": f"first{n}"}),
    "next": ("after", lambda n: {"next": f"next{n}"}),
    "token": ("page", lambda n: {"next_page": f"token{n}"}),
}
CURSORS = {"cursor": "f{}b", "last_id": "last{}", "next": "next{}", "token": "token{}"}


class Service:
    """Stands for an exchange: three pages of two items each; what it was asked is in `asked`."""

    def __init__(self, kind: str, pages: int = 3, faults: dict[int, Exception] | None = None) -> None:
        self.kind, self.pages, self.faults = kind, pages, faults or {}
        self.asked: list[dict[str, Any]] = []
        self.threads: list[threading.Thread] = []
        self.gate: Any = None

    @property
    def exchange(self) -> Any:
        return self

    async def page(self, _operation: Any, given: dict[str, Any]) -> Any:
        self.asked.append({key: value for key, value in given.items() if key not in ("limit_total", "prefetch")})
        self.threads.append(threading.current_thread())
        n = len(self.asked) - 1
        if self.gate is not None:
            await self.gate(n)
        if n in self.faults:
            raise self.faults[n]
        items = [decoder("files.FileObject")({"id": f"f{n}{letter}", "object": "file"}) for letter in "ab"]
        more = n + 1 < self.pages
        values = {"object": "list", "has_more": more, **(KINDS[self.kind][1](n) if more and self.kind in KINDS else {})}
        return values, items, SimpleNamespace(request_id=f"req_{n}", status_code=200)

    def list(self, **given: Any) -> Page[Any]:
        return first_page(self.reader(given))

    def listed(self, **given: Any) -> AsyncPage[Any]:
        return AsyncPage(self.reader(given))

    def reader(self, given: dict[str, Any]) -> PageReader[Any]:
        return PageReader(self, PageOperation("GET", "/files", "files.FileObject", self.kind), given)


ALL = ["f0a", "f0b", "f1a", "f1b", "f2a", "f2b"]


async def ids(page: Any) -> list[str]:
    return [item.id async for item in page]


# ------------------------------------------------------------------------------------------------------------- kinds
@pytest.mark.parametrize("ahead", [False, True], ids=["one by one", "ahead"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_pages_are_walked_in_both_worlds(kind: str, ahead: bool) -> None:
    blocking, waiting = Service(kind), Service(kind)
    assert [item.id for item in blocking.list(limit=2, prefetch=ahead)] == ALL
    assert asyncio.run(ids(waiting.listed(limit=2, prefetch=ahead))) == ALL
    name = KINDS[kind][0]
    wanted = [{"limit": 2}, *({"limit": 2, name: CURSORS[kind].format(n)} for n in range(2))]
    assert blocking.asked == waiting.asked == wanted


def test_a_single_page_has_none_after_it() -> None:
    page = Service("single").list()
    assert [item.id for item in page] == ["f0a", "f0b"]
    assert page.next_page_info() is None
    assert not page.has_next_page()


def test_an_official_walk_by_hand() -> None:
    page = Service("cursor").list()
    assert page.next_page_info().params == {"after": "f0b"}
    seen = list(page.data)
    while page.has_next_page():
        page = page.get_next_page()
        seen += page.data
    assert [item.id for item in seen] == ALL
    with pytest.raises(RuntimeError, match="last page"):
        page.get_next_page()


def test_an_official_walk_by_hand_in_asyncio() -> None:
    async def walk() -> list[str]:
        page = await Service("cursor").listed()
        seen = [item.id for item in page.data]
        while page.has_next_page():
            page = await page.get_next_page()
            seen += [item.id for item in page.data]
        pages = [len(p.data) async for p in Service("next").listed().iter_pages()]
        assert pages == [2, 2, 2]
        return seen

    assert asyncio.run(walk()) == ALL


def test_a_page_shows_what_came_with_it() -> None:
    page = Service("last_id").list()
    assert (page.object, page.last_id, page.first_id, page.has_more) == ("list", "last0", "first0", True)
    assert (page.http.request_id, page._request_id) == ("req_0", "req_0")
    assert page.to_dict()["data"][0] == json.loads(page.to_json())["data"][0] == {"id": "f0a", "object": "file"}
    with pytest.raises(AttributeError, match="no attribute 'mood'"):
        _ = page.mood
    assert page.next is None


EMPTY = [
    ("an empty page of a list of objects is the last one", "cursor", {"has_more": True}, None),
    ("an empty bucket of a report is not", "token", {"has_more": True, "next_page": "t"}, {"page": "t"}),
    ("a service that says there is no more is believed", "next", {"has_more": False, "next": "n"}, None),
]


@pytest.mark.parametrize(("title", "kind", "values", "expected"), EMPTY, ids=[row[0] for row in EMPTY])
def test_ends(title: str, kind: str, values: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert Service(kind).reader({}).parameters(values, []) == expected


# ------------------------------------------------------------------------------------------------------- limit_total
@pytest.mark.parametrize("ahead", [False, True], ids=["one by one", "ahead"])
@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (100, 3)])
def test_no_more_items_than_wanted_and_no_page_for_nothing(limit: int, requests: int, ahead: bool) -> None:
    blocking, waiting = Service("cursor"), Service("cursor")
    assert [item.id for item in blocking.list(limit_total=limit, prefetch=ahead)] == ALL[:limit]
    assert asyncio.run(ids(waiting.listed(limit_total=limit, prefetch=ahead))) == ALL[:limit]
    assert len(blocking.asked) == len(waiting.asked) == requests


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "5", True])
def test_a_limit_that_is_no_number_of_items_is_refused_before_anything_is_sent(wrong: Any) -> None:
    service = Service("cursor")
    with pytest.raises(ValueError, match="limit_total"):
        service.list(limit_total=wrong)
    assert service.asked == []


# ---------------------------------------------------------------------------------------------------------- prefetch
def test_the_next_page_is_asked_for_while_one_is_read() -> None:
    service = Service("cursor")
    arrived = threading.Event()

    async def gate(n: int) -> None:
        if n == 1:
            arrived.set()

    service.gate = gate
    items = iter(service.list(prefetch=True))
    assert next(items).id == "f0a"
    assert arrived.wait(10)
    assert service.threads[1] is not service.threads[0]
    assert [item.id for item in items] == ALL[1:]


def test_the_same_in_asyncio_and_leaving_cancels_it() -> None:
    cancelled: list[int] = []

    async def walk() -> None:
        service = Service("cursor")

        async def gate(n: int) -> None:
            if n == 1:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    cancelled.append(n)
                    raise

        service.gate = gate
        pages = service.listed(prefetch=True).iter_pages()
        assert len((await anext(pages)).data) == 2
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(service.asked) == 2
        await pages.aclose()
        await asyncio.sleep(0)

    asyncio.run(walk())
    assert cancelled == [1]


def test_what_goes_wrong_ahead_shows_where_the_page_begins() -> None:
    error = oxide.APIConnectionError("gone")
    seen: list[str] = []
    with pytest.raises(oxide.APIConnectionError, match="gone"):
        seen.extend(item.id for item in Service("cursor", faults={1: error}).list(prefetch=True))
    assert seen == ALL[:2]

    async def walk() -> None:
        async for item in Service("cursor", faults={1: error}).listed(prefetch=True):
            seen.append(item.id)

    seen.clear()
    with pytest.raises(oxide.APIConnectionError, match="gone"):
        asyncio.run(walk())
    assert seen == ALL[:2]


def test_leaving_a_loop_waits_for_nothing() -> None:
    service = Service("cursor")
    release = threading.Event()

    async def gate(n: int) -> None:
        if n == 1:
            release.wait(20)

    service.gate = gate
    for item in service.list(prefetch=True):
        assert item.id == "f0a"
        break
    release.set()


# ----------------------------------------------------------------------------------------------------------- circles
@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_a_service_that_goes_round_in_circles_is_left(length: int) -> None:
    service = Service("next", pages=10**9)
    say = service.page

    async def page(operation: Any, given: dict[str, Any]) -> Any:
        values, items, http = await say(operation, given)
        return {**values, "next": f"next{(len(service.asked) - 1) % length}"}, items, http

    service.page = page  # type: ignore[method-assign]
    with pytest.raises(oxide.APIError, match="same place"):
        list(service.list())
    assert len(service.asked) <= 4 * length + 2


# --------------------------------------------------------------------------------------------------- on the wire
def test_the_options_of_walking_are_not_sent() -> None:
    def page(n: int) -> bytes:
        data = [{"type": "message", "id": f"i{n}"}, {"type": "message", "id": f"j{n}"}]
        return answer(200, {"object": "list", "data": data, "has_more": True})

    client, world = scripted([page(0), page(1)])
    operation: PageOperation[Any] = PageOperation("GET", "/files", "files.FileObject", "cursor", query=("after", "limit"))
    caller = client.files._caller
    found = caller.page(operation, {"limit": 2, "limit_total": 3, "prefetch": False})
    assert [item.id for item in found] == ["i0", "j0", "i1"]
    assert [request.target for request in asked(world)] == ["/v1/files?limit=2", "/v1/files?after=j0&limit=2"]
