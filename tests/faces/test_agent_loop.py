"""`responses.run` in both worlds: what is asked, what tools are told, and what happens when they misbehave."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import AsyncClient, TurnLimitError
from oxide.testing import Fault, Server
from tests.helpers._transcripts import body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide._helpers.early_calls import FunctionCall
    from tests.faces._both import Face

PATIENCE = 10.0


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Tools run in threads; when a run is over none of them is left, but for one that hangs."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("oxide-tool"):
            thread.join(PATIENCE)
            assert not thread.is_alive()


@oxide.tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def get_time(city: str) -> dict[str, Any]:
    """Tell the time in a city."""
    return {"city": city, "hour": 12}


def outputs(server: Server, request: int = -1) -> list[Any]:
    """Return what the model was told of the tools."""
    items = server.requests[request].json["input"]
    return [item["output"] for item in items if item.get("type") == "function_call_output"]


def calling(*calls: tuple[str, str], name: str = "resp_1") -> Fault:
    """Return an answer that calls functions: names and arguments. The server does not remember it: the run must."""
    output = [
        {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", "name": tool, "arguments": arguments, "status": "completed"}
        for n, (tool, arguments) in enumerate(calls)
    ]
    return Fault(status=200, body={"id": name, "object": "response", "status": "completed", "model": "m", "output": output})


# --------------------------------------------------------------------------------------------------------------- the run
@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_run_until_the_model_calls_none(face: Face, server: Server, stream: bool) -> None:
    with face.client(server) as client:
        result = client.responses.run(model="m", input="weather and time in Rome?", tools=[get_weather, get_time], stream=stream)
        result = result.get_final_result() if stream else result
    assert result.output_text == 'The tool says: sunny in Rome; {"city": "Rome", "hour": 12}'
    assert [call.call.name for call in result.calls] == ["get_weather", "get_time"]
    assert [call.result for call in result.calls] == ["sunny in Rome", {"city": "Rome", "hour": 12}]
    assert len(result.turns) == 2
    assert result.turns[-1].id == result.response.id
    assert not result.pending
    first, second = (request.json for request in server.requests)
    assert [tool["name"] for tool in first["tools"]] == ["get_weather", "get_time"]
    assert first.keys() - {"stream"} == {"model", "input", "tools"}
    assert second["previous_response_id"] == result.turns[0].id
    assert [item["call_id"] for item in second["input"]] == [call.call.call_id for call in result.calls]
    assert "2 turns, 2 calls" in repr(result)


def test_a_run_without_calls_is_one_answer(face: Face, server: Server) -> None:
    with face.client(server) as client:
        result = client.responses.run(model="m", input="Hello", tools=[])
    assert result.output_text == "You said: Hello"
    assert (len(result.turns), result.calls) == (1, [])


def test_what_is_not_stored_is_sent_again_whole(face: Face, server: Server) -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    kept = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Rome"}'}
    answer = {"id": "resp_1", "object": "response", "status": "completed", "output": [reasoning, kept, call]}
    server.fail_next(Fault(body=answer))
    with face.client(server) as client:
        result = client.responses.run(model="m", input="weather in Rome?", tools=[get_weather], store=False)
    assert result.output_text == "The tool says: sunny in Rome"
    sent = server.requests[1].json
    told = {"type": "function_call_output", "call_id": "call_1", "output": "sunny in Rome"}
    assert sent["input"] == [{"role": "user", "content": "weather in Rome?"}, kept, call, told]
    assert "previous_response_id" not in sent


def test_a_conversation_keeps_what_was_said(face: Face, server: Server) -> None:
    server.fail_next(calling(("get_weather", '{"city": "Rome"}')))
    with face.client(server) as client:
        client.responses.run(model="m", input="weather in Rome?", tools=[get_weather], conversation="conv_1")
    sent = server.requests[1].json
    assert sent["conversation"] == "conv_1"
    assert "previous_response_id" not in sent
    assert len(sent["input"]) == 1


def test_a_choice_that_forces_a_call_forces_the_first_one_only(face: Face, server: Server) -> None:
    with face.client(server) as client:
        client.responses.run(model="m", input="Rome?", tools=[get_weather], tool_choice="required")
    assert [request.json.get("tool_choice") for request in server.requests] == ["required", None]


@dataclass
class Report:
    city: str


def test_the_last_answer_may_be_of_a_type(face: Face, server: Server) -> None:
    with face.client(server) as client:
        for stream in (False, True):
            result = client.responses.run(model="m", input="Rome?", tools=[get_weather], text_format=Report, stream=stream)
            result = result.get_final_result() if stream else result
            assert result.output_parsed == Report("city")
    with_both = face.client(server)
    with pytest.raises(TypeError, match="one of them"):
        with_both.responses.run(model="m", input="x", tools=[], text_format=Report, text={"format": {"type": "text"}})


def test_events_of_a_run_tell_of_answers_and_tools(face: Face, server: Server) -> None:
    with face.client(server) as client, client.responses.run(model="m", input="weather in Rome?", tools=[get_weather], stream=True) as run:
        events = list(run)
        assert run.get_final_result().output_text == "The tool says: sunny in Rome"
        assert run.http.status == 200
    kinds = [event.type for event in events]
    assert kinds.index("tool.started") == kinds.index("response.function_call_arguments.done") + 1
    assert kinds.count("turn.finished") == kinds.count("response.completed") == 2
    assert kinds[-1] == "turn.finished"
    finished = next(event for event in events if event.type == "tool.finished")
    assert finished.result.output == "sunny in Rome"
    assert all(repr(event) for event in events)


def test_parts_of_a_message_are_told_as_they_are(face: Face, server: Server) -> None:
    picture = [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]

    def take_picture(city: str) -> Any:
        return picture

    with face.client(server) as client:
        client.responses.run(model="m", input="picture of Rome", tools=[take_picture])
    assert outputs(server) == [picture]


def test_a_tool_sees_the_context_of_the_run(face: Face, server: Server) -> None:
    wanted = contextvars.ContextVar("wanted", default="nothing")

    def look(city: str) -> str:
        return wanted.get()

    wanted.set("something")
    with face.client(server) as client:
        result = client.responses.run(model="m", input="Rome", tools=[look])
    assert [call.output for call in result.calls] == ["something"]


# --------------------------------------------------------------------------------------------------- side by side, early
@pytest.mark.parametrize("stream", [False, True])
def test_tools_run_side_by_side(face: Face, server: Server, stream: bool) -> None:
    both = threading.Barrier(2)

    def get_weather(city: str) -> str:
        both.wait(PATIENCE)  # nobody gets by alone
        return "sunny"

    def get_hour(city: str) -> str:
        both.wait(PATIENCE)
        return "noon"

    with face.client(server) as client:
        result = client.responses.run(model="m", input="weather and hour in Rome", tools=[get_weather, get_hour], stream=stream)
        result = result.get_final_result() if stream else result
    assert [call.output for call in result.calls] == ["sunny", "noon"]


def test_no_more_tools_run_at_a_time_than_allowed(face: Face, server: Server) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def look(city: str) -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.01)
        with lock:
            running[0] -= 1
        return city

    server.fail_next(calling(*[("look", json.dumps({"city": str(n)})) for n in range(9)]))
    with face.client(server) as client:
        result = client.responses.run(model="m", input="Rome", store=False, tools=[look], max_parallel=2)
    assert [call.output for call in result.calls] == [str(n) for n in range(9)]
    assert most[0] == 2


def test_a_tool_starts_while_the_answer_is_still_coming(face: Face, server: Server) -> None:
    whole = body("responses_tools")
    end = whole.index(b"\n\n", whole.index(b"event: response.function_call_arguments.done")) + 2
    server.fail_next(Fault(pieces=[whole], headers={"content-type": "text/event-stream"}, cut="stall", at="body", after=end))
    called = threading.Event()

    def get_weather(city: str) -> str:
        called.set()
        return "sunny"

    with face.client(server) as client, client.responses.run(model="m", input="Rome", tools=[get_weather], stream=True) as run:
        assert any(event.type == "tool.started" for event in run)  # the rest never comes
        face.sleep(0)
        assert called.wait(PATIENCE)


# -------------------------------------------------------------------------------------------------------------- mistakes
def broken(city: str) -> str:
    raise KeyError(f"no such city: {city}")


def unsayable(city: str) -> object:
    return object()


def test_the_model_is_told_of_a_tool_that_fails(face: Face, server: Server) -> None:
    server.fail_next(calling(("broken", '{"city": "Rome"}'), ("unsayable", '{"city": "Rome"}')))
    with face.client(server) as client:
        result = client.responses.run(model="m", input="Rome", store=False, tools=[broken, unsayable])
    assert outputs(server)[0] == "The tool failed: KeyError: 'no such city: Rome'"
    assert "TypeError" in outputs(server)[1]
    assert [type(call.error) for call in result.calls] == [KeyError, TypeError]


def test_what_the_model_is_told_of_a_failure_may_be_chosen(face: Face, server: Server) -> None:
    seen: list[Any] = []

    def told(call: FunctionCall, error: Exception) -> str | None:
        seen.append((call.name, type(error)))
        return "Try another city." if len(seen) == 1 else None

    server.fail_next(calling(("broken", '{"city": "Rome"}')), calling(("broken", '{"city": "Oslo"}'), name="resp_2"))
    with face.client(server) as client:
        result = client.responses.run(model="m", input="Rome", store=False, tools=[broken], on_tool_error=told)
    assert [call.output for call in result.calls] == ["Try another city.", "The tool failed: KeyError: 'no such city: Oslo'"]
    assert seen == [("broken", KeyError)] * 2

    def strict(call: FunctionCall, error: Exception) -> str:
        raise error

    with face.client(server) as client, pytest.raises(KeyError):
        client.responses.run(model="m", input="broken in Rome", tools=[broken], on_tool_error=strict)


WRONG = [
    ('{"city": 5}', "$.city: expected str"),
    ("{}", "$"),
    ('{"city": ', "do not fit"),
]


@pytest.mark.parametrize(("arguments", "told"), WRONG)
def test_the_model_is_told_of_wrong_arguments_and_may_try_again(face: Face, server: Server, arguments: str, told: str) -> None:
    server.fail_next(calling(("get_weather", arguments)), calling(("get_weather", '{"city": "Rome"}'), name="resp_2"))
    with face.client(server) as client:
        result = client.responses.run(model="m", input="Rome", store=False, tools=[get_weather])
    assert outputs(server, 1)[0].startswith("The arguments do not fit the tool: ")
    assert told in outputs(server, 1)[0]
    assert result.output_text.endswith("; sunny in Rome")


def test_the_model_is_told_that_there_is_no_such_tool(face: Face, server: Server) -> None:
    server.fail_next(calling(("fly", "{}")))
    with face.client(server) as client:
        client.responses.run(model="m", input="Rome", store=False, tools=[get_weather])
    assert outputs(server) == ["There is no tool named 'fly'."]


def test_calls_that_are_not_ours_to_make_end_the_run(face: Face, server: Server) -> None:
    definition = {"type": "function", "name": "fly", "parameters": {"type": "object", "properties": {}}}
    server.fail_next(calling(("fly", "{}"), ("get_weather", '{"city": "Rome"}')))
    with face.client(server) as client:
        result = client.responses.run(model="m", input="Rome", tools=[get_weather, definition, {"type": "web_search"}])
    assert [call.name for call in result.pending] == ["fly"]
    assert [call.output for call in result.calls] == ["sunny in Rome"]
    assert len(server.requests) == 1


def test_a_tool_that_hangs_is_given_up(face: Face, server: Server) -> None:
    release = threading.Event()

    def wait_for_ever(city: str) -> str:
        release.wait(PATIENCE)
        return "too late"

    server.fail_next(calling(("wait_for_ever", '{"city": "Rome"}'), ("get_weather", '{"city": "Rome"}')))
    with face.client(server) as client:
        result = client.responses.run(
            model="m", input="Rome", store=False, tools=[wait_for_ever, get_weather], tool_timeout=0.05, max_parallel=1
        )
    release.set()
    assert [call.output for call in result.calls] == ["The tool failed: TimeoutError: not done after 0.05 s", "sunny in Rome"]
    assert isinstance(result.calls[0].error, TimeoutError)


VERDICTS: list[tuple[Any, str]] = [
    (True, "sunny in Rome"),
    (False, "The user did not allow this call."),
    ("Not today.", "Not today."),
]


@pytest.mark.parametrize(("verdict", "told"), VERDICTS)
def test_a_call_may_need_to_be_approved(face: Face, server: Server, verdict: Any, told: str) -> None:
    asked: list[Any] = []

    def approve(call: FunctionCall) -> Any:
        asked.append((call.name, call.parsed))
        return verdict

    with face.client(server) as client:
        result = client.responses.run(model="m", input="weather in Rome", tools=[get_weather], approve=approve)
    assert asked == [("get_weather", {"city": "Rome"})]
    assert [call.output for call in result.calls] == [told]
    assert [call.result is None for call in result.calls] == [verdict is not True]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_calls_tools_for_ever_is_stopped(face: Face, server: Server, stream: bool) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    with face.client(server) as client:
        whole = client.responses.create(model="m", input="Rome", tools=[tool], stream=False).to_dict()
        played = Fault(status=200, pieces=[body("responses_tools")], headers={"content-type": "text/event-stream"})
        server.fail_next(*[played if stream else Fault(status=200, body=whole)] * 5)
        with pytest.raises(TurnLimitError, match="after 3 turns: raise max_turns=") as caught:
            run(client, stream, model="m", input="Rome", tools=[get_weather, get_time], max_turns=3)
    result = caught.value.result
    assert len(result.turns) == 3
    assert len(result.calls) == 3 * (2 if stream else 1)
    assert len(server.requests) == 1 + 3


def run(client: Any, stream: bool, **options: Any) -> Any:
    result = client.responses.run(stream=stream, **options)
    return result.get_final_result() if stream else result


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_cut_ends_the_run(face: Face, server: Server, stream: bool) -> None:
    answer = {"id": "resp_1", "object": "response", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": '{"ci', "status": "incomplete"}
    answer["output"] = [call]  # type: ignore[assignment]  # JSON
    event = b"data: " + json.dumps({"type": "response.incomplete", "response": answer}).encode() + b"\n\n"
    server.fail_next(Fault(pieces=[event], headers={"content-type": "text/event-stream"}) if stream else Fault(body=answer))
    with face.client(server) as client:
        result = run(client, stream, model="m", input="Rome", tools=[get_weather])
    assert result.response.status == "incomplete"
    assert (result.calls, len(server.requests)) == ([], 1)


def test_an_error_of_the_service_ends_the_run(face: Face, server: Server) -> None:
    server.fail_next(calling(("get_weather", '{"city": "Rome"}')), Fault(status=400))
    with face.client(server) as client, pytest.raises(oxide.BadRequestError):
        client.responses.run(model="m", input="Rome", store=False, tools=[get_weather])


ODD: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("no turns", {"max_turns": 0}, ValueError),
    ("no room", {"max_parallel": 0}, ValueError),
    ("no time", {"tool_timeout": 0}, ValueError),
    ("two of a name", {"tools": [get_weather, get_weather]}, ValueError),
    ("a function without annotations", {"tools": [lambda city: city]}, TypeError),
    ("in the background", {"background": True}, oxide.ConfigurationError),
]


@pytest.mark.parametrize(("title", "options", "error"), ODD, ids=[title for title, _, _ in ODD])
def test_what_cannot_be_run_is_said_before_anything_is_sent(
    face: Face, server: Server, title: str, options: dict[str, Any], error: type[Exception]
) -> None:
    with face.client(server) as client, pytest.raises(error):
        client.responses.run(**{"model": "m", "input": "Rome", "tools": [get_weather], **options})
    assert not server.requests


def test_a_run_that_is_left_early_starts_nothing_more(face: Face, server: Server) -> None:
    with face.client(server) as client, client.responses.run(model="m", input="weather in Rome", tools=[get_weather], stream=True) as run:
        with pytest.raises(RuntimeError, match="not begun"):
            _ = run.http
        assert next(iter(run)).type == "response.created"
        run.close()
        assert list(run) == []
    assert len(server.requests) == 1


def test_a_blocking_client_runs_no_coroutine_functions(server: Server) -> None:
    @oxide.tool
    async def look(city: str) -> str:
        return city

    with oxide.Client(base_url=server.url, api_key="test") as client, pytest.raises(TypeError, match="'look' is a coroutine function"):
        client.responses.run(model="m", input="Rome", tools=[look])
    assert not server.requests


# -------------------------------------------------------------------------------------------------------- asyncio alone
def in_a_loop(story: Callable[[AsyncClient], Any], server: Server) -> Any:
    async def main() -> Any:
        async with AsyncClient(base_url=server.url, api_key="test") as client:
            result = await asyncio.wait_for(story(client), PATIENCE)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left
        return result

    return asyncio.run(main())


def test_coroutine_tools_run_side_by_side_in_tasks(server: Server) -> None:
    async def story(client: AsyncClient) -> Any:
        begun: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

        async def get_weather(city: str) -> str:
            begun[0].set()
            await begun[1].wait()
            return "sunny"

        async def get_hour(city: str) -> str:
            begun[1].set()
            await begun[0].wait()
            return "noon"

        async def approve(call: FunctionCall) -> bool:
            await asyncio.sleep(0)
            return True

        return await client.responses.run(model="m", input="weather and hour in Rome", tools=[get_weather, get_hour], approve=approve)

    assert [call.output for call in in_a_loop(story, server).calls] == ["sunny", "noon"]


def test_a_coroutine_tool_that_hangs_is_cancelled(server: Server) -> None:
    ended: list[str] = []

    async def hang(city: str) -> str:
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return "never"

    async def story(client: AsyncClient) -> Any:
        return await client.responses.run(model="m", input="hang in Rome", tools=[hang], tool_timeout=0.02)

    assert "TimeoutError: not done after 0.02 s" in in_a_loop(story, server).calls[0].output
    assert ended == ["cancelled"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_that_is_cancelled_cancels_its_tools(server: Server, stream: bool) -> None:
    ended: list[str] = []

    async def story(client: AsyncClient) -> None:
        begun = asyncio.Event()

        async def hang(city: str) -> str:
            begun.set()
            try:
                await asyncio.sleep(PATIENCE)
            finally:
                ended.append("cancelled")
            return "never"

        async def running() -> None:
            result = await client.responses.run(model="m", input="hang in Rome", tools=[hang], stream=stream)
            if not isinstance(result, oxide.types.responses.Response) and hasattr(result, "get_final_result"):
                await result.get_final_result()

        task = asyncio.ensure_future(running())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    in_a_loop(story, server)
    assert ended == ["cancelled"]


def test_a_run_that_is_left_early_cancels_its_tools(server: Server) -> None:
    ended: list[str] = []

    async def story(client: AsyncClient) -> None:
        begun = asyncio.Event()

        async def hang(city: str) -> str:
            begun.set()
            try:
                await asyncio.sleep(PATIENCE)
            finally:
                ended.append("cancelled")
            return "never"

        async with await client.responses.run(model="m", input="hang in Rome", tools=[hang], stream=True) as run:
            async for event in run:
                if event.type == "tool.started":
                    await begun.wait()
                    break
        assert ended == ["cancelled"]

    in_a_loop(story, server)
