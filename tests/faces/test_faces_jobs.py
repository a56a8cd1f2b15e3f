"""Jobs against the embedded server, in both worlds: waiting for them, and many files at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide._helpers.crew import each
from oxide._transport.aio import AsyncioBackend
from oxide._transport.base import run_now
from oxide._transport.blocking import BlockingBackend
from oxide.testing import Fault, Server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide._transport.base import Backend
    from tests.faces._both import Face

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_file_is_processed_after_a_while(face: Face, server: Server) -> None:
    client = face.client(server)
    seen: list[str] = []
    file = client.files.create(file=b"{}", purpose="batch")
    done = client.files.wait_for_processing(file.id, poll_interval=0.001, progress=lambda one: seen.append(one.status))
    assert (done.status, seen[-1], "uploaded" in seen) == ("processed", "processed", True)


def test_a_video_is_made_after_a_while(face: Face, server: Server) -> None:
    client = face.client(server)
    seen: list[tuple[str, int]] = []
    video = client.videos.create_and_poll(prompt="a cat", progress=lambda one: seen.append((one.status, one.progress)))
    assert seen == [("queued", 0), ("in_progress", 50), ("completed", 100)]
    assert client.videos.download_content(video.id).read() == b"A film about a cat"


def test_files_of_a_vector_store_are_read_after_a_while(face: Face, server: Server) -> None:
    client = face.client(server)
    store = client.vector_stores.create(name="mine")
    good = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=b"text", attributes={"a": 1})
    bad = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("empty.txt", b""))
    assert (good.status, good.attributes, bad.status, bad.last_error.code) == ("completed", {"a": 1}, "failed", "invalid_file")
    added = client.vector_stores.files.upload(vector_store_id=store.id, file=b"more")
    assert added.status == "in_progress"
    assert client.vector_stores.files.poll(added.id, vector_store_id=store.id).status == "completed"


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_files_are_on_their_way_than_allowed(face: Face, limit: int) -> None:
    with Server(fault=Fault(delay=0.02)) as server:
        client = face.client(server)
        store = client.vector_stores.create()
        batch = client.vector_stores.file_batches.upload_and_poll(store.id, files=[b"%d" % n for n in range(9)], max_concurrency=limit)
        assert (batch.status, batch.file_counts.completed) == ("completed", 9)
        assert server.connections <= limit + 1


def test_a_file_that_fails_stops_the_others(face: Face, server: Server) -> None:
    client = face.client(server, max_retries=0)
    store = client.vector_stores.create()
    server.fail_next(None, Fault(status=400), *[Fault(cut="stall", at="head")] * 10)
    with pytest.raises(oxide.BadRequestError):
        client.vector_stores.file_batches.upload_and_poll(store.id, files=[b"x"] * 100, max_concurrency=3)
    assert len([one for one in server.requests if one.path == "/v1/files"]) <= 6


# ------------------------------------------------------------------------------------------------------------- the crew
def done(face: Face, items: Iterable[Any], limit: int, work: Any) -> list[Any]:
    if face.name == "blocking":
        return run_now(each(BlockingBackend(), items, limit, work))
    return face.run(each(AsyncioBackend(), items, limit, work))  # type: ignore[no-any-return]  # of any face


def backend_of(face: Face) -> Backend:
    return BlockingBackend() if face.name == "blocking" else AsyncioBackend()


@pytest.mark.parametrize(("size", "limit"), [(0, 3), (1, 3), (5, 1), (5, 5), (50, 7), (3, 100)])
def test_a_crew_gives_the_results_in_order(face: Face, size: int, limit: int) -> None:
    backend, busy, most = backend_of(face), [0], [0]

    async def work(number: int) -> int:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        await backend.sleep(0.001 * (number % 3))
        busy[0] -= 1
        return number * number

    assert done(face, iter(range(size)), limit, work) == [number * number for number in range(size)]
    assert most[0] <= min(limit, size)


def test_a_crew_stops_at_the_first_failure(face: Face) -> None:
    backend, begun = backend_of(face), []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise KeyError(number)
        await backend.sleep(5.0 if number > 3 else 0.01)

    started = time.monotonic()
    with pytest.raises(KeyError):
        done(face, range(100), 4, work)
    assert time.monotonic() - started < 2.0
    assert len(begun) <= 8


def test_a_crew_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    backend = BlockingBackend()

    async def work(number: int) -> int:
        await backend.sleep(0.005)
        return number

    for _ in range(10):
        run_now(each(backend, range(8), 4, work))
    deadline = time.monotonic() + 5.0
    while threading.active_count() > before and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert threading.active_count() <= before


def test_a_crew_can_be_cancelled() -> None:
    async def main() -> int:
        ended: list[int] = []

        async def work(number: int) -> None:
            try:
                await asyncio.sleep(60.0)
            finally:
                ended.append(number)

        task = asyncio.ensure_future(each(AsyncioBackend(), range(10), 3, work))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(ended)

    assert asyncio.run(main()) == 3
