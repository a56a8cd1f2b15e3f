"""Large files in parts: order, interruption and resumption, progress, giving up; in both worlds against the embedded server."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import pickle
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide._helpers import uploads as helper
from oxide._helpers.bar import Bar
from oxide.resources import uploads
from oxide.testing import Fault, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faces._both import Face

SIZE = 1_000_003
PART = 100_000
CONTENT = random.Random(5).randbytes(SIZE)
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "large.jsonl"
    place.write_bytes(CONTENT)
    return place


def send(client: Any, file: object, **options: Any) -> Any:
    given = {"mime_type": "text/jsonl", "purpose": "batch", "part_size": PART, "md5": MD5, **options}
    return client.uploads.upload_file_chunked(file=file, **given)


def content(client: Any, upload: Any) -> bytes:
    data: bytes = client.files.content(upload.file.id).read()
    return data


def parts(server: Server) -> list[Any]:
    return [one for one in server.requests if one.path.endswith("/parts")]


# ------------------------------------------------------------------------------------------------------------ the whole
@pytest.mark.parametrize("concurrency", [1, 4, 100])
def test_a_file_arrives_whole_and_in_order(face: Face, server: Server, path: Path, concurrency: int) -> None:
    client = face.client(server)
    upload = send(client, path, concurrency=concurrency)
    assert (upload.status, upload.file.filename, upload.bytes) == ("completed", "large.jsonl", SIZE)
    assert content(client, upload) == CONTENT
    assert len(parts(server)) == 11
    assert server.connections <= min(concurrency, 11) + 1


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_need_a_name(face: Face, server: Server, kind: Any) -> None:
    client = face.client(server)
    with pytest.raises(TypeError, match="filename must be given"):
        send(client, kind(CONTENT))
    upload = send(client, kind(CONTENT), filename="mine.jsonl", bytes=SIZE)
    assert (upload.file.filename, content(client, upload)) == ("mine.jsonl", CONTENT)


def test_a_file_of_one_part_is_one_part(face: Face, server: Server, path: Path) -> None:
    send(face.client(server), path, part_size=None)
    assert len(parts(server)) == 1


def test_parts_are_on_their_way_at_the_same_time(face: Face) -> None:
    with Server(fault=Fault(delay=0.1)) as server:
        client = face.client(server)
        begun = time.monotonic()
        send(client, CONTENT, filename="a", concurrency=11)
        assert time.monotonic() - begun < 0.1 * 13 * 0.7  # one after the other it would be thirteen delays


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"part_size": 0}, ValueError, "part_size must be from 1"),
        ({"part_size": 64 * 1024 * 1024 + 1}, ValueError, "64 MB"),
        ({"part_size": "5"}, ValueError, "part_size"),
        ({"bytes": 5}, ValueError, "bytes is 5, but the file has 1000003"),
        ({"concurrency": 0}, ValueError, "concurrency must be 1 or more"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(
    face: Face, server: Server, path: Path, options: Any, error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        send(face.client(server), path, **options)
    assert server.requests == []


def test_what_is_no_file_is_told_before_anything_is_sent(face: Face, server: Server, tmp_path: Path) -> None:
    client = face.client(server)
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    for file, error in ((tmp_path / "none", FileNotFoundError), (tmp_path, ValueError), (empty, ValueError), (str(empty), TypeError)):
        with pytest.raises(error):
            send(client, file)
    with pytest.raises(TypeError, match="file must be a path"):
        send(client, io.BytesIO(CONTENT))
    with pytest.raises(TypeError, match="resume must be an UploadState"):
        send(client, CONTENT, filename="a", resume=oxide.UploadInterruptedError())
    assert server.requests == []


# ---------------------------------------------------------------------------------------------------------- interruption
def test_an_interrupted_upload_goes_on_where_it_was(face: Face, server: Server, path: Path) -> None:
    client = face.client(server, max_retries=0)
    server.fail_next(None, None, None, None, Fault(status=500))
    with pytest.raises(oxide.UploadInterruptedError, match=r"has 3 of 11 parts: Error code: 500") as caught:
        send(client, path, concurrency=1)
    state = caught.value.state
    assert (sorted(state.parts), state.missing) == ([0, 1, 2], list(range(3, 11)))
    assert isinstance(caught.value.__cause__, oxide.InternalServerError)
    assert isinstance(caught.value, oxide.UploadError)
    server.clear()
    saved = json.loads(json.dumps(pickle.loads(pickle.dumps(state)).to_dict()))  # as if the program had ended between
    upload = send(client, path, resume=oxide.UploadState.from_dict(saved), part_size=None)
    assert (content(client, upload), len(parts(server))) == (CONTENT, 8)


def test_a_part_is_tried_again_without_anybody_noticing(face: Face, server: Server, path: Path) -> None:
    client = face.client(server, retry=oxide.RetryPolicy(first=0.001))
    server.fail_next(None, None, Fault(status=500), None, Fault(cut="reset"))
    upload = send(client, path)
    assert content(client, upload) == CONTENT


def test_what_fails_at_the_end_can_be_ended_again(face: Face, server: Server, path: Path) -> None:
    client = face.client(server, max_retries=0)
    state = oxide.UploadState()
    server.fail_next(*[None] * 12, Fault(status=503))
    with pytest.raises(oxide.UploadInterruptedError, match=r"has 11 of 11 parts"):
        send(client, path, resume=state)
    server.clear()
    assert send(client, path, resume=state).status == "completed"
    assert [one.path.rpartition("/")[2] for one in server.requests] == ["complete"]


def test_what_the_service_refuses_for_good_is_told_as_it_is(face: Face, server: Server, path: Path) -> None:
    with pytest.raises(oxide.BadRequestError, match="MD5"):
        send(face.client(server), path, md5="0" * 32)
    with pytest.raises(oxide.BadRequestError):
        send(face.client(server), path, purpose=None, extra_body={"strange": 1})


def test_another_file_is_not_taken_for_the_rest(face: Face, server: Server, path: Path) -> None:
    state = oxide.UploadState("upload_1", SIZE - 1, PART, {0: "part_1"})
    with pytest.raises(ValueError, match="this is another file, or cut otherwise"):
        send(face.client(server), path, resume=state)
    with pytest.raises(ValueError, match="this is another file, or cut otherwise"):
        send(face.client(server), path, resume=oxide.UploadState("upload_1", SIZE, PART + 1))
    assert server.requests == []


def test_an_upload_is_given_up_if_told_so(face: Face, server: Server, path: Path) -> None:
    client = face.client(server, max_retries=0)
    server.fail_next(None, Fault(status=400))
    with pytest.raises(oxide.BadRequestError):
        send(client, path, concurrency=1, cancel_on_failure=True)
    assert server.requests[-1].path.endswith("/cancel")


def test_giving_up_may_fail_as_well(face: Face, server: Server, path: Path) -> None:
    client = face.client(server, max_retries=0)
    server.fail_next(None, Fault(status=400, body={"error": {"message": "the first"}}), Fault(status=500))
    with pytest.raises(oxide.BadRequestError, match="the first"):
        send(client, path, concurrency=1, cancel_on_failure=True)


def test_a_cancelled_task_leaves_what_has_arrived_in_its_state(server: Server, path: Path) -> None:
    server.fail_next(None, None, None, Fault(cut="stall", at="head"))
    state = oxide.UploadState()

    async def main() -> None:
        async with oxide.AsyncClient(base_url=server.url, api_key="test") as client:
            task = asyncio.ensure_future(send(client, path, concurrency=1, resume=state))
            while not server.stalled:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert sorted(state.parts) == [0, 1]
            upload = await send(client, path, resume=state)
            assert await (await client.files.content(upload.file.id)).read() == CONTENT

    asyncio.run(main())


def test_no_thread_outlives_an_interrupted_upload_for_long(server: Server, path: Path) -> None:
    before = threading.active_count()
    server.fail_next(None, Fault(cut="stall", at="head"), Fault(cut="stall", at="head"), Fault(status=400))
    with oxide.Client(base_url=server.url, api_key="test") as client, pytest.raises(oxide.UploadInterruptedError):
        send(client, path, concurrency=3)
    gate = threading.Event()
    for _ in range(200):
        if threading.active_count() <= before:
            break
        gate.wait(0.02)
    assert threading.active_count() <= before


def test_a_file_that_shrinks_is_noticed(face: Face, server: Server, path: Path) -> None:
    client = face.client(server)

    def shrink(sent: int, total: int) -> None:
        path.write_bytes(CONTENT[: SIZE // 2])

    with pytest.raises(oxide.UploadInterruptedError, match="has become shorter"):
        send(client, path, concurrency=1, progress=shrink)


# ---------------------------------------------------------------------------------------------------------------- progress
def test_progress_is_told_over_all_parts(face: Face, server: Server, path: Path) -> None:
    told: list[tuple[int, int]] = []
    send(face.client(server), path, concurrency=1, progress=lambda sent, total: told.append((sent, total)))
    assert told == sorted(told)
    assert told[-1] == (SIZE, SIZE)
    assert len(told) >= 11


def test_what_had_arrived_before_counts(face: Face, server: Server, path: Path) -> None:
    client = face.client(server, max_retries=0)
    server.fail_next(None, None, None, Fault(status=500))
    with pytest.raises(oxide.UploadInterruptedError) as caught:
        send(client, path, concurrency=1)
    told: list[int] = []
    send(client, path, resume=caught.value.state, progress=lambda sent, _: told.append(sent))
    assert (told[0], told[-1]) == (2 * PART, SIZE)


def test_what_progress_raises_ends_the_upload(face: Face, server: Server, path: Path) -> None:
    def enough(sent: int, total: int) -> None:
        if sent > 3 * PART:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        send(face.client(server), path, progress=enough)


def test_a_bar_is_written_to_stderr(face: Face, server: Server, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    send(face.client(server), path, progress=True, concurrency=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("MB/s\n")
    assert "large.jsonl: 100 %  1.0 of 1.0 MB" in err
    assert "\r" not in err


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def clock(*moments: float) -> Iterator[float]:
    yield from moments


def test_on_a_terminal_the_bar_is_drawn_over_itself() -> None:
    screen, moments = Screen(), clock(0.0, 1.0, 1.05, 2.0, 3.0, 4.0)
    bar = Bar("a.bin", lambda: next(moments), screen)
    for sent in (1_000_000, 1_500_000, 5_000_000, 10_000_000, 10_000_000):
        bar(sent, 10_000_000)
    drawn = screen.getvalue().split("\r")
    assert drawn == [
        "",
        "a.bin [###                           ]  10 %  1.0 of 10.0 MB  0.0 MB/s\x1b[K",
        "a.bin [###############               ]  50 %  5.0 of 10.0 MB  2.0 MB/s\x1b[K",
        "a.bin [##############################] 100 %  10.0 of 10.0 MB  3.0 MB/s\x1b[K\n",
    ]


def test_elsewhere_there_are_ten_lines_at_most() -> None:
    page, moments = io.StringIO(), clock(*range(1000))
    bar = Bar("a.bin", lambda: next(moments), page)
    for sent in range(0, 1001, 2):
        bar(sent, 1000)
    assert len(page.getvalue().splitlines()) == 11


def test_the_operations_of_the_helper_are_those_of_the_resource() -> None:
    for ours, same in ((helper.ADD, uploads.PARTS_CREATE), (helper.COMPLETE, uploads.COMPLETE), (helper.CANCEL, uploads.CANCEL)):
        for name in ("method", "path", "returns", "body", "files", "send", "query", "header"):
            assert getattr(ours, name) == getattr(same, name), name
