"""The benchmark measures work that is really done: its floors read correctly, its checks notice wrong answers, its sums are right."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from bench.clients import Streamed, make_async, make_blocking
from bench.counting import count_calls, python_calls, python_calls_per_event
from bench.floors import ChunkedEvents, body_length
from bench.measure import ServerProcess, paired_ratio, quantile
from bench.report import markdown
from bench.scenarios import Line, Target
from bench.works import WORKS, check

PLAIN = ["chat-tiny", "responses-small", "request-148", "request-634"]
STREAMED = ["chat-stream", "responses-stream", "chat-stream-late-end", "first-event"]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with tempfile.TemporaryDirectory() as directory, ServerProcess(directory) as running:
        yield running


@pytest.mark.parametrize("name", ["floor", "oxide", "openai"])
@pytest.mark.parametrize("work", PLAIN + STREAMED)
def test_every_blocking_competitor_ends_in_the_right_answer(server: ServerProcess, name: str, work: str) -> None:
    face = make_blocking(name, server.ports)
    check(WORKS[work], getattr(face, WORKS[work].method)(WORKS[work].model, WORKS[work].request()))
    face.close()


@pytest.mark.parametrize("name", ["floor", "oxide", "openai"])
def test_every_asyncio_competitor_ends_in_the_right_answer(server: ServerProcess, name: str) -> None:
    import asyncio

    async def all_works() -> None:
        face = make_async(name, server.ports)
        for work in map(WORKS.__getitem__, PLAIN + STREAMED):
            for _ in range(2):
                check(work, await getattr(face, work.method)(work.model, work.request()))
        await face.close()

    asyncio.run(all_works())


@pytest.mark.parametrize("name", ["floor", "oxide", "openai"])
def test_http2_answers_come_again_and_again_over_one_connection(server: ServerProcess, name: str) -> None:
    before = server.accepted()
    face = make_blocking(name, server.ports, http2=True)
    for key in ("chat-tiny", "chat-tiny", "responses-small", "chat-tiny", "chat-tiny"):
        check(WORKS[key], getattr(face, WORKS[key].method)(WORKS[key].model, WORKS[key].request()))
    face.close()
    assert server.accepted() - before - 1 == 1


def test_a_wrong_text_or_a_missing_event_is_noticed() -> None:
    with pytest.raises(AssertionError, match="wrong answer"):
        check(WORKS["chat-tiny"], "Graz.")
    with pytest.raises(AssertionError, match="wrong answer"):
        check(WORKS["chat-stream"], Streamed())


def test_the_floor_reads_a_chunked_event_stream_cut_anywhere() -> None:
    events = [b'data: {"n":1}\n\n', b'event: x\ndata: {"n":2}\n\n', b"data: [DONE]\n\n"]
    wire = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"
    for cut in range(len(wire) + 1):
        decoder = ChunkedEvents()
        found: list[Any] = [*decoder.receive(wire[:cut]), *decoder.receive(wire[cut:])]
        assert (found, decoder.ended) == ([{"n": 1}, {"n": 2}], True)


def test_the_floor_finds_the_length_whatever_the_case_of_the_name() -> None:
    assert body_length(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 17") == 17
    assert body_length(b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\na: b") == 17
    assert body_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked") == -1
    with pytest.raises(RuntimeError):
        body_length(b"HTTP/1.1 500 Oops\r\nContent-Length: 17")


def test_ratios_are_taken_within_a_round() -> None:
    assert paired_ratio([10, 100, 30], [5, 50, 10]) == 2
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([1, 2, 3], 1.0) == 3


def test_a_goal_is_missed_reached_or_aimed_at() -> None:
    target = Target(2.0, 1.5)
    assert [target.verdict(99, ratio) for ratio in (2.1, 1.9, 1.5, None)] == ["MISSED", "reached", "aim", "-"]
    assert Target(75, ratio=False).verdict(80, None) == "MISSED"


def test_the_report_shows_each_figure_its_goal_and_what_became_of_it() -> None:
    line = Line("cpu", "tiny call", {"floor": 50, "oxide": 80, "openai": 1500}, {"oxide": 1.6, "openai": 30}, Target(2.0, 1.5))
    text = markdown([line], "python -m bench", 7)
    assert "| tiny call | 50 | 80 | 1.60 | 2x | 1.5x | reached | 1,500 | 30 | 18.8 |" in text


def test_calls_are_counted_by_function_and_by_kind() -> None:
    def inner() -> None:
        json.dumps(1)

    def outer() -> None:
        for _ in range(3):
            inner()

    calls = count_calls(outer)
    assert calls.within(__file__) == 4
    assert calls.python > calls.within(__file__)
    assert python_calls(inner) == (calls.python - 1) / 3
    assert "setprofile" not in calls.by_builtin


def test_calls_per_event_leave_the_fixed_part_out() -> None:
    def step() -> None:
        pass

    def work(count: int) -> None:
        for _ in range(count):
            step()
            step()

    assert python_calls_per_event(work) == 2
