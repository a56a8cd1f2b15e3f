"""The guided tour. A stop is a function: its docstring is the title, its body is the code that is shown, and then run."""

from __future__ import annotations

import asyncio
from functools import partial
from inspect import getsource
from textwrap import dedent
from time import perf_counter

from . import APIError, AsyncClient, Client
from ._typing import TYPE_CHECKING
from .testing import Fault, Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .types.responses import FunctionToolParam
    from .types.responses import ResponseInputItemFunctionCallOutputParam as FunctionOutput

__all__ = ["tour"]

ANSWERS = {
    "Why is the sky blue?": "Air scatters blue light more than red, so blue comes to us from everywhere.",
    "Tell me a very short story.": (
        "A crab found a socket on the beach. It was still open, and somebody was sending a story, word by word. "
        "The crab read to the end, closed it politely, and left the connection for the next reader."
    ),
}
WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    "strict": True,
}
LATENCY = 0.25


def get_weather(city: str) -> str:
    """Be the tool that the model calls."""
    return f"23 degrees and sunny in {city}"


# ------------------------------------------------------------------------------------------------------------- the stops


def plain(client: Client, model: str) -> None:
    """A plain answer, as in any script"""
    response = client.responses.create(model=model, input="Why is the sky blue?")
    print(response.output_text)


def streamed(client: Client, model: str) -> None:
    """The same, while it is being written"""
    with client.responses.create(model=model, input="Tell me a very short story.", stream=True) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)


def tool(client: Client, model: str) -> None:
    """A tool: the model calls, we answer, it goes on"""
    first = client.responses.create(model=model, input="How is the weather in Ljubljana?", tools=[WEATHER])
    call = first.function_calls[0]
    print("the model calls", call.name, "with", call.parsed())
    result: FunctionOutput = {"type": "function_call_output", "call_id": call.call_id, "output": get_weather(**call.parsed())}
    print(client.responses.create(model=model, input=[result], previous_response_id=first.id).output_text)


async def gathered(client: AsyncClient, model: str) -> None:
    """Ten answers at once, in asyncio"""
    questions = [f"Say the number {number}." for number in range(1, 11)]
    answers = await asyncio.gather(*(client.responses.create(model=model, input=question) for question in questions))
    print(*(answer.output_text for answer in answers), sep=" | ")
    print(f"one after the other: {sum(answer.http.timings.done for answer in answers):.2f} s")


def retried(client: Client, model: str) -> None:
    """A busy server: tried again when it says so"""
    response = client.responses.create(model=model, input="Are you there?")
    print(response.output_text)
    for attempt in response.http.attempts:
        print(f"attempt {attempt.number}: {attempt.status}, after {attempt.ended:.2f} s")


def refused(client: Client, model: str) -> None:
    """An error says what happened, to which request, and what to do"""
    try:
        client.responses.create(model=model, input="Hello", extra_body={"temprature": 1})
    except APIError as error:
        print(type(error).__name__, "-", error)


# -------------------------------------------------------------------------------------------------------------- the tour


def tour(*, live: bool, model: str, colored: bool) -> None:
    """Walk through the stops, and print each with its code, its output and its time.

    Args:
        live: against the API, with the key of the environment; else against an embedded server.
        model: the model to ask.
        colored: whether the terminal shows colours.

    Raises:
        APIError: a call failed.
    """
    paint = _paint if colored else _plain_text
    begun = perf_counter()
    if live:
        print(paint("1", f"oxide, a tour with {model}"))
        _walk(None, {}, model, paint)
    else:
        with Server(answer=_answer, pace=0.02) as server:
            print(paint("1", "oxide, a tour"), paint("2", f"(the API is embedded, at {server.url}; nothing leaves this machine)"))
            _walk(server, {"base_url": server.url, "api_key": "test"}, model, paint)
    print(paint("1", f"\nThat was all, in {perf_counter() - begun:.1f} s."), "Next: the README, or python -m oxide serve")


def _walk(server: Server | None, options: dict[str, Any], model: str, paint: Callable[[str, str], str]) -> None:
    with Client(**options) as client:
        for number, stop in enumerate((plain, streamed, tool), 1):
            _slow(server)
            _show(number, stop, paint, partial(stop, client, model))
        _show(4, gathered, paint, lambda: asyncio.run(_gathered(options, model)))
        if server is not None:
            server.fail_next(Fault(status=429, headers={"retry-after-ms": "400"}))
            _show(5, retried, paint, partial(retried, client, model))
        _show(6, refused, paint, partial(refused, client, model))


def _slow(server: Server | None) -> None:
    """Let the embedded server think for a moment, as a model does."""
    if server is not None:
        server.slow = (1, LATENCY)


async def _gathered(options: dict[str, Any], model: str) -> None:
    async with AsyncClient(**options) as client:
        await gathered(client, model)


def _show(number: int, stop: Callable[..., object], paint: Callable[[str, str], str], run: Callable[[], object]) -> None:
    print("\n" + paint("1;36", f"{number}  {stop.__doc__}"))
    for line in _code(stop):
        print(paint("2", f"  | {line}"))
    begun = perf_counter()
    run()
    print("\n" * (stop is streamed) + paint("32", f"  {perf_counter() - begun:.2f} s"))


def _code(stop: Callable[..., object]) -> list[str]:
    """Return the body of a function as it stands here; nothing where the source is not at hand."""
    try:
        lines = getsource(stop).splitlines()
    except OSError:
        return []
    return dedent("\n".join(lines[2:])).splitlines()


def _answer(asked: str) -> str:
    """Be the model of the tour."""
    if asked.startswith("Say the number "):
        return asked.removeprefix("Say the number ").rstrip(".")
    return ANSWERS.get(asked, f"You said: {asked}")


def _paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m"


def _plain_text(_code: str, text: str) -> str:
    return text
