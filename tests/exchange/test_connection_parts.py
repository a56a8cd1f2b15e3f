"""What the groups of a connection send, compared with the official client."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from openai import Omit
from openai.resources.beta.realtime import realtime as beta_realtime
from openai.resources.beta.responses import responses as beta_responses
from openai.resources.live import forks, live, sideband
from openai.resources.realtime import realtime
from openai.resources.realtime.translations import translations
from openai.resources.responses import responses

from oxide import _connections
from oxide._connection import text_of
from oxide._helpers.outgoing import Handlers, SendQueue

PAIRS = [
    (responses.ResponsesConnection, _connections.ResponsesConnection),
    (beta_responses.ResponsesConnection, _connections.BetaResponsesConnection),
    (realtime.RealtimeConnection, _connections.RealtimeConnection),
    (translations.TranslationsConnection, _connections.TranslationConnection),
    (beta_realtime.RealtimeConnection, _connections.BetaRealtimeConnection),
    (live.LiveConnection, _connections.LiveConnection),
    (forks.ForksConnection, _connections.ForkConnection),
    (sideband.SidebandConnection, _connections.SidebandConnection),
]


class Recorder:
    """Stands for a connection, and remembers the last event that was sent."""

    def __init__(self) -> None:
        self.handlers = Handlers()
        self.event: Any = None

    def send(self, event: Any) -> None:
        self.event = {name: value for name, value in event.items() if not isinstance(value, Omit)}  # as the official `send` does


class CoreRecorder(Recorder):
    """The same below a connection of ours."""

    async def send(self, text: str) -> None:  # type: ignore[override]  # a coroutine function, as that of the core
        self.event = json.loads(text)


def official_methods(kind: type[Any]) -> tuple[Recorder, dict[str, Any]]:
    """Return every method of the groups of an official connection, by its path."""
    recorder = Recorder()
    found: dict[str, Any] = {}

    def walk(group: Any, path: str) -> None:
        group._connection = recorder
        for name in dir(group):
            if not name.startswith("_"):
                value = getattr(group, name)
                if inspect.ismethod(value):
                    found[f"{path}.{name}"] = value
                else:
                    walk(value, f"{path}.{name}")

    for name, value in vars(kind(recorder)).items():
        if type(value).__name__.endswith("Resource"):
            walk(value, name)
    return recorder, found


def ours(kind: type[Any]) -> tuple[CoreRecorder, Any]:
    core = CoreRecorder()
    return core, kind(core)


def reached(connection: Any, path: str) -> Any:
    for name in path.split("."):
        connection = getattr(connection, name)
    return connection


@pytest.mark.parametrize(("theirs", "mine"), PAIRS, ids=[mine.__name__ for _, mine in PAIRS])
def test_every_method_sends_what_the_official_one_sends(theirs: type[Any], mine: type[Any]) -> None:
    recorder, methods = official_methods(theirs)
    core, connection = ours(mine)
    assert methods
    for path, method in methods.items():
        parameters = inspect.signature(method).parameters.values()
        for chosen in ([p for p in parameters if p.default is p.empty], parameters):
            arguments = {parameter.name: f"a value of {parameter.name}" for parameter in chosen}
            method(**arguments)
            reached(connection, path)(**arguments)
            assert core.event == recorder.event, path


@pytest.mark.parametrize(("theirs", "mine"), PAIRS, ids=[mine.__name__ for _, mine in PAIRS])
def test_there_are_no_other_methods_and_their_arguments_are_those(theirs: type[Any], mine: type[Any]) -> None:
    _, methods = official_methods(theirs)
    _, connection = ours(mine)
    found: set[str] = set()

    def walk(group: Any, path: str) -> None:
        for name in dir(group):
            if not name.startswith("_"):
                value = getattr(group, name)
                if inspect.ismethod(value):
                    found.add(f"{path}.{name}")
                else:
                    walk(value, f"{path}.{name}")

    for name, value in vars(connection).items():
        if not name.startswith("_"):
            walk(value, name)
    assert found == set(methods)
    for path, method in methods.items():
        if path != "response.create":  # whose parameters are a TypedDict in two of them
            mine_ = inspect.signature(reached(connection, path)).parameters
            theirs_ = inspect.signature(method).parameters
            assert list(mine_) == list(theirs_), path
            assert {n for n, p in mine_.items() if p.default is p.empty} == {n for n, p in theirs_.items() if p.default is p.empty}


@pytest.mark.parametrize(("theirs", "mine"), PAIRS, ids=[mine.__name__ for _, mine in PAIRS])
def test_connections_have_the_methods_of_the_official_ones(theirs: type[Any], mine: type[Any]) -> None:
    official = {name for name in dir(theirs) if not name.startswith("_")}
    _, connection = ours(mine)
    assert official <= set(dir(connection))


def test_the_queue_keeps_order_and_counts_bytes() -> None:
    queue = SendQueue(10)
    queue.put("abc")
    queue.put(b"de")
    queue.put("é")
    with pytest.raises(Exception, match="full: 7 of 10 bytes"):
        queue.put("four")
    assert queue.take() == "abc"
    queue.put_back("abc")
    assert queue.drain() == ["abc", b"de", "é"]
    assert (queue.take(), len(queue)) == (None, 0)
    queue.put("x" * 10)


def test_handlers_are_called_in_order_and_some_only_once() -> None:
    handlers = Handlers()
    functions = [lambda number=number: number for number in range(3)]
    handlers.add("a", functions[0])
    handlers.add("a", functions[1], once=True)
    handlers.add("event", functions[2])
    assert handlers.take("a") == functions
    assert handlers.take("a") == [functions[0], functions[2]]
    assert handlers.take("b") == [functions[2]]
    handlers.remove("a", functions[0])
    handlers.remove("a", functions[0])
    assert handlers.take("a") == [functions[2]]


def test_records_are_sent_as_what_they_are() -> None:
    from oxide.types.realtime import SessionUpdateEvent

    event = SessionUpdateEvent(session={"type": "realtime"})  # type: ignore[arg-type]  # a dictionary does as well
    assert json.loads(text_of(event)) == {"type": "session.update", "session": {"type": "realtime"}}
