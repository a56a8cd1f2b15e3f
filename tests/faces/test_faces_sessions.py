"""Sessions of the Responses API over a WebSocket, in both worlds."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide.auth import WorkloadIdentityAuth
from oxide.testing import Fault, Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from oxide.testing._socket import ServerSocket
    from tests.faces._both import Face

    Handler = Callable[[ServerSocket], Awaitable[None]]

QUICK = oxide.RetryPolicy(first=0.001, longest=0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def response(text: str = "hi", response_id: str = "resp_1", **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    return {"id": response_id, "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [message], **more}


def event(kind: str, asked: dict[str, Any] | None = None, **more: Any) -> str:
    lane = {} if asked is None or "stream_id" not in asked else {"stream_id": asked["stream_id"]}
    return json.dumps({"type": kind, "sequence_number": 0, **more, **lane})


def completed(asked: dict[str, Any], text: str = "hi", response_id: str = "resp_1") -> str:
    return event("response.completed", asked, response=response(text, response_id))


def serving(talk: Callable[[ServerSocket, dict[str, Any]], Awaitable[None]]) -> Handler:
    """Return a handler that calls `talk` for each turn."""

    async def handler(socket: ServerSocket) -> None:
        while True:
            await talk(socket, json.loads(await socket.receive()))

    return handler


def scripted(*turns: Callable[[ServerSocket, dict[str, Any]], Awaitable[None]]) -> tuple[Handler, list[dict[str, Any]]]:
    """Return a handler that plays the turns one after another, over any number of connections, and what it was sent."""
    asked: list[dict[str, Any]] = []

    async def talk(socket: ServerSocket, turn: dict[str, Any]) -> None:
        asked.append(turn)
        await turns[min(len(asked), len(turns)) - 1](socket, turn)

    return serving(talk), asked


async def answer(socket: ServerSocket, asked: dict[str, Any]) -> None:
    await socket.send(event("response.created", asked, response=response()), completed(asked))


async def drop(socket: ServerSocket, asked: dict[str, Any]) -> None:
    socket.drop()


def told(
    status: int | None, code: str, message: str = "Told so.", **more: Any
) -> Callable[[ServerSocket, dict[str, Any]], Awaitable[None]]:
    async def tell(socket: ServerSocket, asked: dict[str, Any]) -> None:
        about = {} if status is None else {"status": status}
        await socket.send(event("error", asked, **about, error={"code": code, "message": "Told so.", "type": "some_error", **more}))

    return tell


def with_handler(handler: Handler) -> Server:
    return Server(sockets={"/v1/responses": handler})


# ------------------------------------------------------------------------------------------------ what comes back
def test_turns_go_over_one_connection_and_give_what_http_gives(face: Face, server: Server) -> None:
    client = face.client(server)
    over_http = client.responses.create(model="echo", input="Hello")
    before = server.connections
    with client.responses.session() as session:
        first = session.create(model="echo", input="Hello")
        second = session.create(model="echo", input="Again", previous_response_id=first.id)
    assert first.output_text == over_http.output_text
    assert (first.http.status, first.http.version) == (101, "WebSocket")
    assert second.previous_response_id == first.id
    assert server.connections == before + 1


def test_a_stream_has_the_events_of_http(face: Face, server: Server) -> None:
    client = face.client(server)
    over_http = [each.type for each in client.responses.create(model="echo", input="Hello", stream=True)]
    with client.responses.session() as session:
        stream = session.stream(model="echo", input="Hello")
        assert [each.type for each in stream] == over_http
        assert stream.http.status == 101
        assert stream.response.status_code == 101


def test_a_warm_up_gives_an_id_to_go_on_from(face: Face, server: Server) -> None:
    with face.client(server).responses.session() as session:
        warm = session.warmup(model="echo", input="Much to read")
        assert warm.output == []
        assert session.create(model="echo", input="Now", previous_response_id=warm.id).output_text == "You said: Now"


@pytest.mark.parametrize("status", ["incomplete", "failed"])
def test_an_answer_that_is_incomplete_or_failed_is_returned_as_over_http(face: Face, status: str) -> None:
    async def end(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(event(f"response.{status}", asked, response={**response(), "status": status}))

    with with_handler(serving(end)) as server:
        session = face.client(server).responses.session()
        assert session.create(model="m", input="x").status == status
        assert [each.type for each in session.stream(model="m", input="x")] == [f"response.{status}"]


def test_output_that_the_last_event_leaves_out_is_that_of_the_items(face: Face) -> None:
    async def bare(socket: ServerSocket, asked: dict[str, Any]) -> None:
        items = response("told before")["output"]
        await socket.send(
            event("response.output_item.done", asked, item=items[0], output_index=0),
            event("response.completed", asked, response={**response(), "output": None}),
        )

    with with_handler(serving(bare)) as server:
        assert face.client(server).responses.session().create(model="m", input="x").output_text == "told before"


def test_stream_and_background_are_refused_before_anything_is_sent(face: Face, server: Server) -> None:
    session = face.client(server).responses.session()
    with pytest.raises(oxide.ConfigurationError, match=r"session\.stream"):
        session.create(model="echo", input="x", stream=True)
    with pytest.raises(oxide.ConfigurationError, match="background"):
        session.create(model="echo", input="x", background=True)
    assert server.connections == 0


def test_what_is_sent_is_the_event_with_the_parameters(face: Face) -> None:
    handler, asked = scripted(answer)
    with with_handler(handler) as server:
        session = face.client(server).responses.session(extra_headers={"X-Mine": "1"}, extra_query={"q": "2"})
        session.create(model="m", input=iter([{"role": "user", "content": "é"}]), temperature=0.5, extra_body={"more": 1}, timeout=5)
        session.warmup(model="m", user=oxide.omit)
        (opening,) = [each for each in server.requests if each.method == "GET"]
    assert asked[0] == {
        "type": "response.create",
        "model": "m",
        "input": [{"role": "user", "content": "é"}],
        "temperature": 0.5,
        "more": 1,
    }
    assert asked[1] == {"type": "response.create", "model": "m", "generate": False, "stream_id": "1"}
    assert (opening.headers.get("x-mine"), opening.query) == ("1", "q=2")
    assert opening.headers.get("authorization") == "Bearer test"


# ------------------------------------------------------------------------------------------------ what ends a turn
@pytest.mark.parametrize("code", [1000, 1001, 1003, 1008, 1009, 1011, 1012, 1013, 3000, 4000, 4999])
def test_a_close_in_the_midst_of_a_turn_ends_it_and_the_next_turn_has_a_new_connection(face: Face, code: int) -> None:
    async def leave(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(event("response.created", asked, response=response()))
        await socket.close(code, "so long")

    handler, _ = scripted(leave, answer)
    with with_handler(handler) as server:
        session = face.client(server).responses.session()
        with pytest.raises(oxide.WebSocketConnectionClosedError) as caught:
            session.create(model="m", input="x")
        assert (caught.value.code, caught.value.reason) == (code, "so long")
        assert session.create(model="m", input="x").output_text == "hi"
        assert server.connections == 2


@pytest.mark.parametrize("code", [1000, 1008, 4000])
def test_a_close_that_means_it_is_not_followed_by_another_try(face: Face, code: int) -> None:
    async def leave(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.close(code)

    handler, asked = scripted(leave)
    with with_handler(handler) as server, pytest.raises(oxide.WebSocketConnectionClosedError):
        face.client(server).responses.session().create(model="m", input="x")
    assert len(asked) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_turn_of_which_nothing_has_come_is_sent_once_more_when_the_connection_breaks(face: Face, streamed: bool) -> None:
    handler, asked = scripted(drop, answer)
    with with_handler(handler) as server:
        session = face.client(server).responses.session()
        if streamed:
            assert [each.type for each in session.stream(model="m", input="x")] == ["response.created", "response.completed"]
        else:
            assert len(session.create(model="m", input="x").http.attempts) == 2
    assert asked[0] == asked[1]


@pytest.mark.parametrize("retries", [0, 5])
def test_it_is_sent_once_more_only_and_not_where_nothing_is_tried_again(face: Face, retries: int) -> None:
    handler, asked = scripted(drop)
    with with_handler(handler) as server, pytest.raises(oxide.WebSocketConnectionClosedError):
        face.client(server, max_retries=retries).responses.session().create(model="m", input="x")
    assert len(asked) == min(retries, 1) + 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "bad", oxide.BadRequestError),
        (401, "no_key", oxide.AuthenticationError),
        (404, "gone", oxide.NotFoundError),
        (418, "tea", oxide.APIStatusError),
        (None, "rate_limit_exceeded", oxide.RateLimitError),
        (None, "who_knows", oxide.InternalServerError),
        (99, "insufficient_quota", oxide.RateLimitError),
    ],
)
def test_an_error_event_is_the_error_of_its_status(face: Face, status: int | None, code: str, kind: type[oxide.APIStatusError]) -> None:
    handler, _ = scripted(told(status, code))
    with with_handler(handler) as server:
        session = face.client(server, max_retries=0).responses.session()
        with pytest.raises(kind, match=r"Told so\.") as caught:
            session.create(model="m", input="x")
        assert caught.value.code == code
        with pytest.raises(kind):
            list(session.stream(model="m", input="x"))
        assert server.connections == 1


def test_an_error_that_may_pass_is_tried_again_as_over_http(face: Face) -> None:
    handler, asked = scripted(told(429, "slow_down", headers={"retry-after-ms": "1"}), told(500, "oops"), answer)
    with with_handler(handler) as server:
        assert len(face.client(server, retry=QUICK).responses.session().create(model="m", input="x").http.attempts) == 3
    assert len(asked) == 3


def test_an_error_says_how_long_to_wait(face: Face) -> None:
    handler, _ = scripted(told(429, "slow_down", headers={"retry-after": "7", "x-request-id": "req_1"}))
    with with_handler(handler) as server, pytest.raises(oxide.RateLimitError) as caught:
        face.client(server, max_retries=0).responses.session().create(model="m", input="x")
    assert (caught.value.retry_after, caught.value.request_id) == (7.0, "req_1")


def test_an_error_in_the_midst_of_a_stream_comes_behind_the_events_before_it(face: Face) -> None:
    async def break_off(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(event("response.created", asked, response=response()))
        await told(500, "oops")(socket, asked)

    with with_handler(serving(break_off)) as server:
        stream = face.client(server).responses.session().stream(model="m", input="x")
        got: list[str] = []
        with pytest.raises(oxide.InternalServerError) as caught:
            got.extend(each.type for each in stream)
        assert [each.type for each in caught.value.events_so_far] == ["response.created"]


@pytest.mark.parametrize("garbage", ["no JSON", "[]", b"\x00\xff", b"{}x"])
def test_a_message_that_is_no_event_ends_the_turn(face: Face, garbage: str | bytes) -> None:
    async def spoil(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(garbage)

    handler, _ = scripted(spoil, answer)
    with with_handler(handler) as server:
        session = face.client(server).responses.session()
        with pytest.raises(oxide.RemoteProtocolError, match="no event of the API"):
            session.create(model="m", input="x")
        assert session.create(model="m", input="x").output_text == "hi"


@pytest.mark.parametrize("wrong", [[], {}, 1], ids=repr)
def test_words_that_are_no_texts_are_taken_for_unknown_ones(face: Face, wrong: object) -> None:
    async def spoil(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(json.dumps({"type": wrong, "note": "response.completed"}), json.dumps({"type": wrong, "error": None}))
        await socket.send(event("error", asked, status=400, error={"code": wrong, "message": "x", "type": wrong}))

    with with_handler(serving(spoil)) as server:
        session = face.client(server).responses.session()
        with pytest.raises(oxide.BadRequestError):
            session.create(model="m", input="x")
        with pytest.raises(oxide.BadRequestError):
            list(session.stream(model="m", input="x"))


@pytest.mark.parametrize("wrong", [[], {}], ids=repr)
def test_a_refusal_whose_code_is_no_text_is_an_error_like_any(face: Face, server: Server, wrong: object) -> None:
    server.fail_next(Fault(status=400, body={"error": {"code": wrong, "message": "no", "type": wrong}}))
    with pytest.raises(oxide.BadRequestError):
        face.client(server).responses.session().create(model="echo", input="x")


class Known(WorkloadIdentityAuth):
    """An identity whose token is its name."""

    def __init__(self, name: str) -> None:
        super().__init__({"type": "x509", "identity_provider_id": "i", "service_account_id": name})

    async def fetch(self, exchange: Any, deadline: float) -> tuple[str, float]:
        return self.identity["service_account_id"], 3600.0


def test_a_warm_connection_serves_nobody_but_those_whom_it_was_opened_for(face: Face, server: Server) -> None:
    client = face.client(server)
    one, two = [client.with_options(workload_identity=Known(name)) for name in ("one", "two")]
    for copy in (one, two, one):
        with copy.responses.session() as session:
            session.create(model="echo", input="x")
    assert [each.headers["authorization"] for each in server.requests] == ["Bearer one", "Bearer two"]


def test_an_answer_that_is_none_ends_the_turn(face: Face) -> None:
    async def spoil(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(event("response.completed", asked, response="what?"))

    with with_handler(serving(spoil)) as server, pytest.raises(oxide.APIResponseValidationError, match="no response"):
        face.client(server).responses.session().create(model="m", input="x")


def test_unknown_events_and_items_pass(face: Face) -> None:
    async def novelty(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(event("response.telepathy", asked, thought=1))
        await socket.send(event("response.completed", asked, response={**response(), "output": [{"type": "dream", "id": "d"}]}))

    with with_handler(serving(novelty)) as server:
        session = face.client(server).responses.session()
        assert session.create(model="m", input="x").output[0].type == "dream"
        assert [each.type for each in session.stream(model="m", input="x")] == ["response.telepathy", "response.completed"]


async def silent(socket: ServerSocket, asked: dict[str, Any]) -> None:
    await socket.stall()


@pytest.mark.parametrize("bound", ["read", "first_event", "total"])
def test_a_silent_service_runs_into_the_limits_of_streams(face: Face, bound: str) -> None:
    with with_handler(serving(silent)) as server:
        session = face.client(server).responses.session()
        limits: dict[str, Any] = {bound: 0.05}
        with pytest.raises(oxide.APITimeoutError):
            session.create(model="m", input="x", timeout=oxide.Timeout(**limits))
        with pytest.raises(oxide.APITimeoutError) as caught:
            list(session.stream(model="m", input="x", timeout=oxide.Timeout(**limits)))
        assert caught.value.after == 0.05


def test_a_stream_that_falls_silent_runs_into_its_limit(face: Face) -> None:
    async def fall_silent(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(event("response.created", asked, response=response()))
        await socket.stall()

    with with_handler(serving(fall_silent)) as server:
        stream = face.client(server, timeout=oxide.Timeout(idle=0.05)).responses.session().stream(model="m", input="x")
        with pytest.raises(oxide.APITimeoutError, match="another event") as caught:
            list(stream)
        assert [each.type for each in caught.value.events_so_far] == ["response.created"]


# ------------------------------------------------------------------------------------------------ side by side
def test_calls_side_by_side_get_their_own_answers(face: Face) -> None:
    with Server(pace=0.002) as server:
        client = face.client(server, retry=QUICK, max_retries=50)
        session = client.responses.session()
        calls = [lambda _, n=n: session.itself.create(model="echo", input=f"number {n}") for n in range(40)]
        answers = face.together(client, calls)
        assert [each.output_text for each in answers] == [f"You said: number {n}" for n in range(40)]
        assert server.connections == 1
        assert active(session) == 0


def active(session: Any) -> int:
    """Return how many lanes are taken."""
    itself = session.itself
    core = itself._made if hasattr(itself, "_made") else itself._core
    lanes: int = core._links._link.lanes.active
    return lanes


def test_a_call_that_gives_up_waiting_for_a_lane_takes_none() -> None:
    async def run() -> None:
        with Server(pace=0.02) as server:
            async with oxide.AsyncClient(base_url=server.url, api_key="test", retry=QUICK, max_retries=50) as client:
                session = client.responses.session()
                calls = [asyncio.ensure_future(session.create(model="echo", input=f"{n}")) for n in range(20)]
                await asyncio.sleep(0.1)
                for call in calls[16:]:
                    call.cancel()
                outcomes = await asyncio.gather(*calls, return_exceptions=True)
                assert [isinstance(each, asyncio.CancelledError) for each in outcomes] == [False] * 16 + [True] * 4
                assert session._core._links._link is not None
                assert session._core._links._link.lanes.active == 0

    asyncio.run(run())


def test_streams_side_by_side_are_read_in_any_order(face: Face) -> None:
    with Server(pace=0.001) as server:
        session = face.client(server).responses.session()
        streams = [session.stream(model="echo", input=f"stream {n}") for n in range(16)]
        for number in reversed(range(16)):
            text = "".join(each.delta for each in streams[number] if each.type == "response.output_text.delta")
            assert text == f"You said: stream {number}"


def test_the_call_too_many_waits_for_a_lane_and_not_for_ever(face: Face) -> None:
    async def first_sixteen_hang(socket: ServerSocket, asked: dict[str, Any]) -> None:
        return

    with with_handler(serving(first_sixteen_hang)) as server:
        session = face.client(server, timeout=oxide.Timeout(pool=0.1)).responses.session()
        streams = [session.stream(model="m", input="x") for _ in range(16)]
        with pytest.raises(oxide.APITimeoutError, match=r"Timeout\.pool") as caught:
            session.create(model="m", input="x")
        assert caught.value.phase == "pool"
        assert len(streams) == 16


def test_a_break_with_sixteen_turns_in_flight_ends_each_or_sends_it_once_more(face: Face) -> None:
    counts: dict[str, int] = {}

    async def break_first(socket: ServerSocket) -> None:
        turns = []
        while True:
            asked = json.loads(await socket.receive())
            counts[asked["input"]] = counts.get(asked["input"], 0) + 1
            turns.append(asked)
            if len(counts) < 16 or server.connections > 1:
                if server.connections > 1:
                    await socket.send(completed(asked, asked["input"]))
                continue
            for each in turns[::2]:  # half of them have begun
                await socket.send(event("response.created", each, response=response()))
            await asyncio.sleep(0.02)
            socket.drop()

    with with_handler(break_first) as server:
        client = face.client(server)
        session = client.responses.session()
        calls = [lambda _, n=n: session.itself.create(model="m", input=f"{n}") for n in range(16)]
        outcomes = face.together(client, calls)
        lost = [each for each in outcomes if isinstance(each, oxide.WebSocketConnectionClosedError)]
        answered = {each.output_text for each in outcomes if not isinstance(each, Exception)}
        assert len(lost) == 8
        assert len({id(each) for each in lost}) == 8
        assert len(answered) == 8
        assert sorted(counts.values()) == [1] * 8 + [2] * 8
        assert server.connections == 2


def test_an_abandoned_stream_leaks_nothing_into_the_next_turn(face: Face) -> None:
    with Server(pace=0.005) as server:
        session = face.client(server).responses.session()
        for number in range(5):
            with session.stream(model="echo", input=f"abandoned {number}") as stream:
                next(iter(stream))
            kept = session.stream(model="echo", input=f"kept {number}")
            assert "".join(each.delta for each in kept if each.type == "response.output_text.delta") == f"You said: kept {number}"
        assert server.connections == 1


def test_a_dropped_stream_leaves_its_lane(face: Face) -> None:
    with Server(pace=0.001) as server:
        session = face.client(server).responses.session()
        for _ in range(40):
            session.stream(model="echo", input="dropped")
        assert session.create(model="echo", input="kept").output_text == "You said: kept"
        assert server.connections == 1


def test_more_conversations_than_lanes_go_on(face: Face, server: Server) -> None:
    session = face.client(server).responses.session()
    firsts = [session.create(model="echo", input=f"{n}", store=True) for n in range(40)]
    for first in firsts:
        assert session.create(model="echo", input="on", previous_response_id=first.id).previous_response_id == first.id
    assert server.connections == 1


def test_a_session_that_is_closed_while_it_opens_leaves_no_connection(server: Server) -> None:
    with oxide.Client(api_key="test", base_url=server.url) as client:
        session = client.responses.session()
        server.fail_next(Fault(delay=0.5))
        ended: list[object] = []

        def call() -> None:
            try:
                ended.append(session.create(model="echo", input="x"))
            except oxide.ConfigurationError as error:
                ended.append(str(error))

        thread = threading.Thread(target=call)
        thread.start()
        until = time.monotonic() + 5
        while not server.requests and time.monotonic() < until:
            time.sleep(0.01)
        session.close()
        thread.join(5)
        assert ended == ["The session is closed; make another one."]
        while server.open_connections and time.monotonic() < until:
            time.sleep(0.01)
        assert server.open_connections == 0


def test_closing_from_another_thread_ends_the_turns() -> None:
    with with_handler(serving(silent)) as server, oxide.Client(base_url=server.url, api_key="test") as client:
        session = client.responses.session()
        stream = session.stream(model="m", input="x")
        timer = threading.Timer(0.05, session.close)
        timer.start()
        with pytest.raises(oxide.WebSocketConnectionClosedError):
            list(stream)
        timer.join()
        with pytest.raises(oxide.ConfigurationError, match="closed"):
            session.create(model="m", input="x")


def test_closing_a_stream_ends_its_iteration(face: Face) -> None:
    with Server(pace=0.005) as server:
        stream = face.client(server).responses.session().stream(model="echo", input="a b c d e f")
        iterator = iter(stream)
        next(iterator)
        stream.close()
        assert list(iterator) == []


def test_a_cancelled_call_leaves_its_lane() -> None:
    async def run() -> None:
        with Server(pace=0.02) as server:
            async with oxide.AsyncClient(base_url=server.url, api_key="test") as client:
                session = client.responses.session()
                call = asyncio.ensure_future(session.create(model="echo", input="cancelled"))
                await asyncio.sleep(0.05)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                assert (await session.create(model="echo", input="kept")).output_text == "You said: kept"
                assert server.connections == 1

    asyncio.run(run())


# ------------------------------------------------------------------------------------------------ what was said before
def test_a_forgotten_conversation_is_sent_whole_where_the_history_is_kept(face: Face, server: Server) -> None:
    client = face.client(server, limits=oxide.Limits(max_socket_age=0.05))
    with client.responses.session(keep_history=True) as session:
        first = session.create(model="echo", input="one", store=False)
        second = session.create(model="echo", input="two", store=False, previous_response_id=first.id)
        face.sleep(0.06)
        third = session.create(model="echo", input="three", store=False, previous_response_id=second.id)
        assert third.output_text == "You said: three"
        assert server.connections == 2
        stream = session.stream(model="echo", input="four", store=False, previous_response_id=third.id)
        assert [each.type for each in stream][-1] == "response.completed"


def test_the_whole_conversation_is_what_was_said(face: Face) -> None:
    handler, asked = scripted(answer, told(400, "previous_response_not_found"), answer)
    with with_handler(handler) as server:
        session = face.client(server).responses.session(keep_history=True)
        first = session.create(model="m", input="one")
        session.create(model="m", input=[{"role": "user", "content": "two"}], previous_response_id=first.id, instructions="be brief")
    assert asked[1]["previous_response_id"] == first.id
    assert "previous_response_id" not in asked[2]
    assert asked[2]["instructions"] == "be brief"
    assert asked[2]["input"] == [
        {"role": "user", "content": "one"},
        response()["output"][0],
        {"role": "user", "content": "two"},
    ]


def test_a_forgotten_conversation_without_history_is_an_error_that_says_why(face: Face, server: Server) -> None:
    client = face.client(server, limits=oxide.Limits(max_socket_age=0.05))
    with client.responses.session() as session:
        first = session.create(model="echo", input="one", store=False)
        face.sleep(0.06)
        with pytest.raises(oxide.BadRequestError, match=r"too old.*keep_history=True") as caught:
            session.create(model="echo", input="two", store=False, previous_response_id=first.id)
        assert caught.value.code == "previous_response_not_found"


def test_history_that_is_not_whole_is_not_sent(face: Face) -> None:
    handler, asked = scripted(told(404, "previous_response_not_found"))
    with with_handler(handler) as server, pytest.raises(oxide.NotFoundError, match="beginning was not kept"):
        face.client(server).responses.session(keep_history=True).create(model="m", input="two", previous_response_id="resp_else")
    assert len(asked) == 1


# ------------------------------------------------------------------------------------------------ connections
def test_the_services_own_limit_replaces_the_connection(face: Face) -> None:
    with Server(socket_age=0.05) as server:
        session = face.client(server, retry=QUICK).responses.session()
        session.create(model="echo", input="one")
        face.sleep(0.06)
        assert session.create(model="echo", input="two").output_text == "You said: two"
        assert server.connections == 2


def test_sessions_take_warm_connections(face: Face, server: Server) -> None:
    client = face.client(server)
    for number in range(5):
        with client.responses.session() as session:
            session.create(model="echo", input=f"{number}")
    assert server.connections == 1


def test_other_headers_or_another_key_have_a_connection_of_their_own(face: Face, server: Server) -> None:
    client = face.client(server)
    for options in ({}, {"extra_headers": {"X-Mine": "1"}}, {"extra_query": {"q": "1"}}):
        with client.responses.session(**options) as session:
            session.create(model="echo", input="x")
    with client.with_options(api_key="another").responses.session() as session:
        session.create(model="echo", input="x")
    assert server.connections == 4


def test_no_more_connections_are_kept_than_allowed_and_none_for_too_long(face: Face, server: Server) -> None:
    client = face.client(server, limits=oxide.Limits(max_sockets_per_key=2, socket_expiry=0.2))
    sessions = [client.responses.session() for _ in range(3)]
    for session in sessions:
        session.create(model="echo", input="x")
    for session in sessions:
        session.close()
    warm = client.itself.responses._caller.exchange.transport.warm if face.name == "blocking" else None
    assert warm is None or len(warm) == 2
    assert server.connections == 3
    client.responses.session().create(model="echo", input="x")
    assert server.connections == 3
    face.sleep(0.25)
    client.responses.session().create(model="echo", input="x")
    assert server.connections == 4


def test_a_dead_connection_is_noticed_before_it_is_used(face: Face) -> None:
    handler, asked = scripted(answer)

    async def leaving(socket: ServerSocket) -> None:
        talk = asyncio.ensure_future(handler(socket))
        await asyncio.wait([talk], timeout=0.05)
        talk.cancel()
        await socket.close(1001, "enough")

    with with_handler(leaving) as server:
        client = face.client(server, max_retries=0)
        session = client.responses.session()
        session.create(model="m", input="one")
        face.sleep(0.1)
        session.create(model="m", input="two")
        session.close()
        face.sleep(0.1)
        client.responses.session().create(model="m", input="three")
        assert server.connections == 3
    assert len(asked) == 3


def test_closing_the_client_closes_the_connections_of_its_sessions(face: Face, server: Server) -> None:
    client = face.client(server)
    session = client.responses.session()
    session.create(model="echo", input="x")
    client.close()
    with pytest.raises((oxide.WebSocketConnectionClosedError, oxide.ConfigurationError)):
        session.create(model="echo", input="x")


def test_a_session_over_http_where_the_server_refuses(face: Face) -> None:
    with Server(sockets={}) as server:
        del server.sockets["/v1/responses"]
        session = face.client(server, retry=QUICK).responses.session(fallback=True)
        assert session.create(model="echo", input="one").output_text == "You said: one"
        assert session.transport == "http"
        assert session.warmup(model="echo", input="one") is None
        assert [each.type for each in session.stream(model="echo", input="two")][-1] == "response.completed"
        with pytest.raises(oxide.APIStatusError):
            face.client(server, max_retries=0).responses.session().create(model="echo", input="one")


def test_the_place_of_websockets_may_be_another(face: Face, server: Server) -> None:
    client = face.client(base_url="http://127.0.0.1:9/v1", websocket_base_url=server.url.replace("http", "ws"))
    assert client.responses.session().create(model="echo", input="x").output_text == "You said: x"


def test_a_forked_child_leaves_the_connection_of_its_parent_alone() -> None:
    with Server() as server, oxide.Client(base_url=server.url, api_key="test") as client:
        session = client.responses.session()
        session.create(model="echo", input="parent")
        child = os.fork()
        if not child:
            good = session.create(model="echo", input="child").output_text == "You said: child"
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert session.create(model="echo", input="parent").output_text == "You said: parent"
        assert server.connections == 2


# ------------------------------------------------------------------------------------------------ what is made of the events
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def test_calls_of_functions_are_told_as_soon_as_they_are_complete(face: Face, server: Server) -> None:
    session = face.client(server).responses.session()
    stream = session.stream(model="echo", input="Paris", tools=[WEATHER])
    (call,) = list(stream.function_calls())
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Paris"})
    assert stream.get_final_response().status == "completed"


def test_events_may_be_had_without_what_they_make(face: Face, server: Server) -> None:
    session = face.client(server).responses.session()
    events = list(session.events(model="echo", input="Hello"))
    assert [each.type for each in events] == [each.type for each in session.stream(model="echo", input="Hello")]
    assert type(events[0]).__name__ == "ResponseCreatedEvent"


@pytest.mark.parametrize("store", [True, False])
def test_an_agent_may_run_over_a_websocket_and_sends_only_what_is_new(face: Face, store: bool) -> None:
    def answered(**more: Any) -> dict[str, Any]:
        return {**response("It is sunny.", "resp_2"), **more}

    async def call(socket: ServerSocket, asked: dict[str, Any]) -> None:
        arguments = json.dumps({"city": "Paris"})
        item = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "weather",
            "arguments": arguments,
            "status": "completed",
        }
        await socket.send(event("response.completed", asked, response={**response(), "output": [item]}))

    async def end(socket: ServerSocket, asked: dict[str, Any]) -> None:
        await socket.send(event("response.completed", asked, response=answered()))

    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"sunny in {city}"

    handler, asked = scripted(call, end)
    with with_handler(handler) as server:
        client = face.client(server)
        result = client.responses.run(model="m", input="How is Paris?", tools=[weather], transport="websocket", store=store, timeout=5)
        assert (result.response.output_text, len(result.turns)) == ("It is sunny.", 2)
        client.responses.run(model="m", input="How is Paris?", tools=[weather], transport="websocket")
        assert server.connections == 1
    assert asked[1]["previous_response_id"] == "resp_1"
    assert [item["type"] for item in asked[1]["input"]] == ["function_call_output"]
    assert (asked[0]["store"], asked[1]["store"]) == (store, store)


def test_a_transport_that_does_not_exist_is_refused(face: Face, server: Server) -> None:
    with pytest.raises(ValueError, match="pigeon"):
        face.client(server).responses.run(model="m", input="x", tools=[], transport="pigeon")
