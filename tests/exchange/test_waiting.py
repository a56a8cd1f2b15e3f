"""Waiting for jobs, in a scripted world: how often is asked, how long is waited, and how it ends. No time passes."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import pytest

import oxide
from oxide._helpers import jobs
from oxide.resources import beta_threads_runs, files, vector_stores_file_batches, vector_stores_files, videos
from tests.exchange._story import answer, asked, failed, scripted, scripted_async

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEPT = oxide.Limits(keepalive_expiry=10_000.0)  # a connection that outlives every pause


def video(status: str, **more: Any) -> bytes:
    hint = more.pop("hint", "")
    return answer(200, {"id": "video_1", "object": "video", "status": status, "progress": 0, **more}, openai_poll_after_ms=hint)


def store_file(status: str, hint: str = "") -> bytes:
    body = {"id": "file_1", "object": "vector_store.file", "status": status, "vector_store_id": "vs_1"}
    return answer(200, body, openai_poll_after_ms=hint)


def run(status: str) -> bytes:
    return answer(200, {"id": "run_1", "object": "thread.run", "status": status, "thread_id": "thread_1"})


def batch(status: str) -> bytes:
    return answer(200, {"id": "vsfb_1", "object": "vector_store.files_batch", "status": status, "vector_store_id": "vs_1"})


def stored(status: str) -> bytes:
    return answer(200, {"id": "file_1", "object": "file", "status": status})


def targets(world: Any) -> list[str]:
    return [f"{one.method} {one.target.removeprefix('/v1')}" for one in asked(world)]


# ------------------------------------------------------------------------------------------------- how long it waits
def test_it_asks_until_the_job_is_done_and_waits_as_long_as_the_service_says() -> None:
    client, world = scripted([video("queued", hint="250"), video("in_progress", hint="4000"), video("completed")])
    assert client.videos.poll("video_1").status == "completed"
    assert world.naps == [0.25, 4.0]
    assert targets(world) == ["GET /videos/video_1"] * 3


def test_without_a_hint_it_waits_a_second() -> None:
    client, world = scripted([video("queued"), video("failed")])
    assert client.videos.poll("video_1").status == "failed"
    assert world.naps == [1.0]


@pytest.mark.parametrize(
    ("hint", "nap"), [("0", 0.05), ("999999999", 60.0), ("-5", 1.0), ("soon", 1.0), ("9" * 5000, 1.0), ("1e3", 1.0), ("²", 1.0)]
)
def test_what_the_service_says_has_bounds(hint: str, nap: float) -> None:
    client, world = scripted([video("queued", hint=hint), video("completed")], limits=KEPT)
    client.videos.poll("video_1")
    assert world.naps == [nap]


def test_the_caller_may_say_how_long_to_wait() -> None:
    client, world = scripted([video("queued", hint="9000"), video("queued"), video("completed")])
    client.videos.poll("video_1", poll_interval_ms=20)
    assert world.naps == [0.02, 0.02]


def test_a_state_that_is_new_ends_the_wait() -> None:
    client, _world = scripted([video("queued"), video("archived")])
    assert client.videos.poll("video_1").status == "archived"


# ------------------------------------------------------------------------------------------------------- the deadline
def test_a_wait_has_an_end_and_a_last_look_there() -> None:
    client, world = scripted([video("queued", progress=n) for n in range(4)])
    with pytest.raises(oxide.PollTimeoutError, match=r"video_1 is 'queued' after 2\.5 s \(max_wait_seconds\)") as caught:
        client.videos.poll("video_1", max_wait_seconds=2.5)
    assert world.naps == [1.0, 1.0, 0.5]
    assert (caught.value.last.progress, caught.value.after, caught.value.phase) == (3, 2.5, "poll")
    assert isinstance(caught.value, (oxide.APITimeoutError, TimeoutError))
    assert pickle.loads(pickle.dumps(caught.value)).last.id == "video_1"


def test_a_wait_that_nobody_bounds_has_an_end_too() -> None:
    client, world = scripted([video("queued", hint="60000")] * 100, limits=KEPT)
    with pytest.raises(oxide.PollTimeoutError):
        client.videos.poll("video_1")
    assert sum(world.naps) == jobs.MAX_WAIT


def test_a_file_is_waited_for_half_an_hour() -> None:
    client, world = scripted([stored("uploaded")] * 400)
    with pytest.raises(oxide.PollTimeoutError):
        client.files.wait_for_processing("file_1")
    assert (set(world.naps), sum(world.naps)) == ({5.0}, 1800.0)


def test_no_time_at_all_is_one_look() -> None:
    client, world = scripted([video("queued")])
    with pytest.raises(oxide.PollTimeoutError):
        client.videos.poll("video_1", max_wait_seconds=0)
    assert world.naps == []


def test_a_look_that_is_never_answered_ends_with_the_wait() -> None:
    client, world = scripted([video("queued"), 10_000.0], max_retries=0)
    with pytest.raises(oxide.PollTimeoutError) as caught:
        client.videos.poll("video_1", max_wait_seconds=30.0)
    assert world.clock == pytest.approx(30.0 + jobs.GRACE)
    assert caught.value.last.status == "queued"
    assert isinstance(caught.value.__cause__, oxide.APITimeoutError)


def test_a_look_that_fails_within_the_time_is_told_as_it_is() -> None:
    client, _world = scripted([video("queued"), failed(404)])
    with pytest.raises(oxide.NotFoundError):
        client.videos.poll("video_1")


def test_a_look_is_tried_again_like_any_call() -> None:
    client, _world = scripted([video("queued"), failed(503), video("completed")])
    assert client.videos.poll("video_1").status == "completed"


@pytest.mark.parametrize("name", ["poll_interval_ms", "max_wait_seconds"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "5", True, None])
def test_a_time_that_is_none_is_told_before_anything_is_sent(name: str, value: Any) -> None:
    client, world = scripted()
    with pytest.raises(ValueError, match=name):
        client.vector_stores.files.upload_and_poll(vector_store_id="vs_1", file=b"x", **{name: value})
    with pytest.raises(ValueError, match=name):
        client.videos.create_and_poll(prompt="a cat", **{name: value})
    assert world.endpoints == []


# -------------------------------------------------------------------------------------------------- who starts a job
def test_a_job_that_is_done_at_once_is_not_asked_for_again() -> None:
    client, world = scripted([store_file("completed")])
    client.vector_stores.files.create_and_poll("file_1", vector_store_id="vs_1")
    assert targets(world) == ["POST /vector_stores/vs_1/files"]


def test_the_first_pause_goes_by_the_first_answer() -> None:
    client, world = scripted([store_file("in_progress", hint="300"), store_file("completed")])
    assert client.vector_stores.files.create_and_poll("file_1", vector_store_id="vs_1").status == "completed"
    assert world.naps == [0.3]


CASES: list[tuple[str, Any, list[bytes], list[str], str]] = [
    (
        "videos.create_and_poll",
        {"prompt": "a cat"},
        [video("queued"), video("in_progress"), video("completed")],
        ["POST /videos", "GET /videos/video_1", "GET /videos/video_1"],
        "completed",
    ),
    (
        "vector_stores.files.poll",
        {"file_id": "file_1", "vector_store_id": "vs_1"},
        [store_file("in_progress"), store_file("failed")],
        ["GET /vector_stores/vs_1/files/file_1"] * 2,
        "failed",
    ),
    (
        "vector_stores.files.upload",
        {"file": b"text", "vector_store_id": "vs_1"},
        [stored("uploaded"), store_file("in_progress")],
        ["POST /files", "POST /vector_stores/vs_1/files"],
        "in_progress",
    ),
    (
        "vector_stores.files.upload_and_poll",
        {"file": b"text", "vector_store_id": "vs_1"},
        [stored("uploaded"), store_file("in_progress"), store_file("cancelled")],
        ["POST /files", "POST /vector_stores/vs_1/files", "GET /vector_stores/vs_1/files/file_1"],
        "cancelled",
    ),
    (
        "vector_stores.file_batches.create_and_poll",
        {"vector_store_id": "vs_1", "file_ids": ["file_1"]},
        [batch("in_progress"), batch("completed")],
        ["POST /vector_stores/vs_1/file_batches", "GET /vector_stores/vs_1/file_batches/vsfb_1"],
        "completed",
    ),
    (
        "vector_stores.file_batches.poll",
        {"batch_id": "vsfb_1", "vector_store_id": "vs_1"},
        [batch("in_progress"), batch("completed")],
        ["GET /vector_stores/vs_1/file_batches/vsfb_1"] * 2,
        "completed",
    ),
    (
        "beta.threads.create_and_run_poll",
        {"assistant_id": "asst_1"},
        [run("queued"), run("in_progress"), run("requires_action")],
        ["POST /threads/runs", "GET /threads/thread_1/runs/run_1", "GET /threads/thread_1/runs/run_1"],
        "requires_action",
    ),
    (
        "beta.threads.runs.create_and_poll",
        {"thread_id": "thread_1", "assistant_id": "asst_1"},
        [run("queued"), run("cancelling"), run("cancelled")],
        ["POST /threads/thread_1/runs", "GET /threads/thread_1/runs/run_1", "GET /threads/thread_1/runs/run_1"],
        "cancelled",
    ),
    (
        "beta.threads.runs.poll",
        {"run_id": "run_1", "thread_id": "thread_1"},
        [run("in_progress"), run("incomplete")],
        ["GET /threads/thread_1/runs/run_1"] * 2,
        "incomplete",
    ),
    (
        "beta.threads.runs.submit_tool_outputs_and_poll",
        {"run_id": "run_1", "thread_id": "thread_1", "tool_outputs": [{"tool_call_id": "c", "output": "4"}]},
        [run("queued"), run("expired")],
        ["POST /threads/thread_1/runs/run_1/submit_tool_outputs", "GET /threads/thread_1/runs/run_1"],
        "expired",
    ),
    ("files.wait_for_processing", {"id": "file_1"}, [stored("uploaded"), stored("processed")], ["GET /files/file_1"] * 2, "processed"),
]


@pytest.mark.parametrize(("call", "given", "answers", "requests", "status"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("waiting", [False, True], ids=["blocking", "asyncio"])
def test_every_helper_asks_for_the_right_things(
    call: str, given: Any, answers: list[bytes], requests: list[str], status: str, waiting: bool
) -> None:
    client, world = (scripted_async if waiting else scripted)(answers)
    method: Any = client
    for word in call.split("."):
        method = getattr(method, word)
    seen: list[str] = []
    told = {} if call.endswith(".upload") else {"progress": lambda job: seen.append(job.status)}

    async def awaited() -> Any:
        return await method(**given, **told)

    result = asyncio.run(awaited()) if waiting else method(**given, **told)
    assert result.status == status
    assert targets(world) == requests
    if told:
        assert seen[-1] == status
        assert len(seen) == len(answers) - ("upload" in call)


def test_options_of_the_call_hold_for_the_looks_too() -> None:
    client, world = scripted([video("queued"), video("completed")])
    client.videos.create_and_poll(prompt="a cat", extra_headers={"x-mine": "1"}, extra_query={"a": "b"}, extra_body={"c": "d"})
    first, second = asked(world)
    assert (first.headers["x-mine"], second.headers["x-mine"]) == ("1", "1")
    assert first.target.endswith("/videos?a=b")
    assert second.target.endswith("/videos/video_1?a=b")
    assert second.body == b""


def test_progress_may_be_awaited_and_what_it_raises_ends_the_wait() -> None:
    client, _world = scripted_async([video("queued"), video("queued"), video("completed")])
    seen: list[str] = []

    async def look(job: Any) -> None:
        seen.append(job.status)
        if len(seen) == 2:
            raise KeyError("enough")

    async def main() -> None:
        with pytest.raises(KeyError):
            await client.videos.poll("video_1", progress=look)

    asyncio.run(main())
    assert seen == ["queued", "queued"]


def test_a_wait_can_be_cancelled() -> None:
    async def main() -> int:
        client, world = scripted_async([video("queued")] * 1000)
        task = asyncio.ensure_future(client.videos.poll("video_1"))
        while len(world.naps) < 3:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        return len(world.naps)

    assert asyncio.run(main()) < 10


def test_a_raw_answer_is_the_last_look() -> None:
    client, _world = scripted([video("queued"), video("completed", progress=100)])
    answered = client.videos.with_raw_response.poll("video_1")
    assert (answered.parse().status, answered.json()["progress"]) == ("completed", 100)


def test_the_operations_of_helpers_are_those_of_the_resources() -> None:
    for kind, same in (
        (jobs.FILE, files.RETRIEVE),
        (jobs.VIDEO, videos.RETRIEVE),
        (jobs.RUN, beta_threads_runs.RETRIEVE),
        (jobs.STORE_FILE, vector_stores_files.RETRIEVE),
        (jobs.STORE_BATCH, vector_stores_file_batches.RETRIEVE),
    ):
        for name in ("method", "path", "returns", "query", "header", "send", "body"):
            assert getattr(kind.retrieve, name) == getattr(same, name), name
    for name in ("method", "path", "returns", "body", "files", "send"):
        assert getattr(jobs.UPLOAD, name) == getattr(files.CREATE, name), name


# ---------------------------------------------------------------------------------------------- many files at a time
def test_files_of_a_batch_keep_their_order() -> None:
    names = [answer(200, {"id": f"file_{n}", "object": "file", "status": "uploaded"}) for n in range(5)]
    client, world = scripted([*names, batch("completed")])
    client.vector_stores.file_batches.upload_and_poll("vs_1", files=(b"%d" % n for n in range(5)), file_ids=["file_x"], max_concurrency=3)
    assert json.loads(asked(world)[-1].body)["file_ids"] == ["file_x", "file_0", "file_1", "file_2", "file_3", "file_4"]


def test_no_batch_is_made_when_a_file_fails() -> None:
    client, world = scripted([stored("uploaded"), failed(400, "too strange")])
    with pytest.raises(oxide.BadRequestError, match="too strange"):
        client.vector_stores.file_batches.upload_and_poll("vs_1", files=[b"a", b"b", b"c"], max_concurrency=1)
    assert targets(world) == ["POST /files", "POST /files"]


@pytest.mark.parametrize("limit", [0, -1])
def test_somebody_must_work(limit: int) -> None:
    client, world = scripted()
    with pytest.raises(ValueError, match="at least one must work at a time"):
        client.vector_stores.file_batches.upload_and_poll("vs_1", files=[b"a"], max_concurrency=limit)
    assert world.endpoints == []
