"""Every method that the facts know is there in both clients, with the parameters, placement and results that the facts tell."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest

from oxide._models._base import decoder
from oxide._models._shape import read_kinds
from oxide._omit import omit
from oxide._operation import Operation, PageOperation, StreamOperation
from tools.sync.facts import Facts
from tools.sync.layout import attribute, class_name, short

FACTS = Facts.read()
NAMESPACES = ["responses", "chat.completions"]
CALLS = FACTS.calls(NAMESPACES)
OPTIONS = ["extra_headers", "extra_query", "extra_body", "timeout", "max_retries", "idempotency_key"]

# The official library's methods and parameters, as a second witness beside the digest: (required by name, how many optional ones).
OFFICIAL = {
    "chat.completions.create": (["messages", "model"], 35),
    "chat.completions.delete": (["completion_id"], 0),
    "chat.completions.list": ([], 5),
    "chat.completions.messages.list": (["completion_id"], 3),
    "chat.completions.retrieve": (["completion_id"], 0),
    "chat.completions.update": (["completion_id", "metadata"], 0),
    "responses.cancel": (["response_id"], 0),
    "responses.compact": (["model"], 8),
    "responses.create": ([], 34),
    "responses.delete": (["response_id"], 0),
    "responses.input_items.list": (["response_id"], 4),
    "responses.input_tokens.count": ([], 12),
    "responses.retrieve": (["response_id"], 4),
}


class Recorder:
    """A caller that keeps what it is handed."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Operation[Any], dict[str, Any]]] = []

    def _take(self, verb: str) -> Any:
        def take(operation: Operation[Any], given: dict[str, Any]) -> str:
            self.seen.append((verb, operation, given))
            return "result"

        return take

    def __getattr__(self, verb: str) -> Any:
        return self._take(verb)


class AsyncRecorder(Recorder):
    def _take(self, verb: str) -> Any:
        take = super()._take(verb)
        if verb == "page":
            return take

        async def wait(operation: Operation[Any], given: dict[str, Any]) -> Any:
            return take(operation, given)

        return wait


def method_of(call: str, waiting: bool, caller: Any) -> Any:
    """Walk from the client's first attribute to the method, as a user would."""
    first, *path, name = call.split(".")
    value = getattr(import_module(f"oxide.resources.{first}"), ("Async" if waiting else "") + class_name(first))(caller)
    for word in path:
        value = getattr(value, word)
    return getattr(value, name)


def faults(facts: Facts, call: str, waiting: bool) -> list[str]:
    """Compare one live method with the facts; return what differs."""
    method = method_of(call, waiting, Recorder())
    operation = facts.calls(NAMESPACES)[call][1]
    wanted = facts.parameters(operation)
    live = inspect.signature(method).parameters
    found: list[str] = []
    expected = [attribute(p.key) for p in wanted] + OPTIONS
    if list(live) != expected:
        found.append(f"{call}{tuple(live)} is not {tuple(expected)}")
    for p in wanted:
        name = attribute(p.key)
        if name not in live:
            continue
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if p.place == "path" else inspect.Parameter.KEYWORD_ONLY
        default = inspect.Parameter.empty if p.required else omit
        if live[name].kind is not kind or live[name].default is not default:
            found.append(f"{call}: {name} has the wrong kind or default")
        if "Omit" in str(live[name].annotation) == p.required:
            found.append(f"{call}: {name} is annotated {live[name].annotation}")
    return found


@pytest.mark.parametrize("waiting", [False, True], ids=["blocking", "asyncio"])
@pytest.mark.parametrize("call", CALLS)
def test_the_signature_is_that_of_the_facts(call: str, waiting: bool) -> None:
    assert not faults(FACTS, call, waiting)


def test_the_methods_are_those_of_the_official_library() -> None:
    found = {}
    for call, (_, operation) in CALLS.items():
        parameters = FACTS.parameters(operation)
        found[call] = ([p.key for p in parameters if p.required], len([p for p in parameters if not p.required]))
    assert found == OFFICIAL


def test_no_method_exists_that_the_facts_do_not_know() -> None:
    for module in {call.partition(".")[0] for call in CALLS}:
        for name, cls in vars(import_module(f"oxide.resources.{module}")).items():
            if not isinstance(cls, type) or cls.__module__ != f"oxide.resources.{module}":
                continue
            owner = name.removeprefix("Async")
            methods = {m for m in vars(cls) if m[0] != "_"}
            assert methods == {short(call) for call in CALLS if class_name(call.rpartition(".")[0]) == owner}


@pytest.mark.parametrize("call", CALLS)
def test_the_caller_gets_the_operation_and_every_argument(call: str) -> None:
    key, facts = CALLS[call]
    caller = Recorder()
    parameters = FACTS.parameters(facts)
    path = [p for p in parameters if p.place == "path"]
    given = {attribute(p.key): object() for p in parameters if p.place != "path"}
    assert method_of(call, False, caller)(*["id_1" for _ in path], **given, timeout=5, idempotency_key="k") == "result"
    [(verb, operation, arguments)] = caller.seen
    assert {name: arguments[name] for name in given} == given
    assert [arguments[p.key] for p in path] == ["id_1"] * len(path)
    assert (arguments["timeout"], arguments["idempotency_key"]) == (5, "k")
    assert f"{operation.method} {operation.path}" == key
    assert verb == ("page" if "page" in facts else "open" if "stream" in facts else "call")
    assert set(operation.query) == {p.key for p in parameters if p.place == "query"}
    assert operation.body == ("json" if "body" in facts else "")
    assert dict(operation.send) == facts.get("send", {})


@pytest.mark.parametrize("call", CALLS)
def test_the_results_are_decoded_as_the_facts_tell(call: str) -> None:
    facts = CALLS[call][1]
    caller = Recorder()
    method_of(call, False, caller)(**{attribute(p.key): "x" for p in FACTS.parameters(facts) if p.required})
    [(_, operation, _)] = caller.seen
    assert decodes_to(operation.returns) == known_as(facts.get("returns") or facts.get("page", {}).get("item", ""))
    if isinstance(operation, StreamOperation):
        assert decodes_to(operation.event) == known_as(facts["stream"]["event"])
    if isinstance(operation, PageOperation):
        assert operation.kind == facts["page"]["kind"]


def decodes_to(expression: str) -> set[str]:
    decoder(expression)
    return {cls.__name__ for cls in read_kinds(expression, "oxide._models._base").classes}


def known_as(name: str) -> set[str]:
    """Return the classes behind a type of the facts, unions opened."""
    if not name:
        return set()
    if FACTS.is_object(name):
        return {short(name)}
    return {n for member in FACTS.types[name]["is"].split(" | ") for n in known_as(member)}


def test_the_asyncio_twin_hands_on_the_same() -> None:
    for call, (_, facts) in CALLS.items():
        given = {attribute(p.key): "x" for p in FACTS.parameters(facts) if p.required}
        blocking, waiting = Recorder(), AsyncRecorder()
        method_of(call, False, blocking)(**given)
        result = method_of(call, True, waiting)(**given)
        assert (result if "page" in facts else run(result)) == "result"
        (verb, operation, arguments), (other_verb, other_operation, other_arguments) = blocking.seen[0], waiting.seen[0]
        assert (verb, operation) == (other_verb, other_operation)
        assert {**arguments, "self": None} == {**other_arguments, "self": None}


def make_required(facts: Facts) -> None:
    fields = facts.types["responses.ResponseCreateParams"]["fields"]
    fields["model"] = fields.pop("model?")


MUTATIONS = [
    ("a parameter more", lambda d: d.types["responses.ResponseCreateParams"]["fields"].update({"new?": "str"})),
    ("a parameter less", lambda d: d.types["responses.ResponseCreateParams"]["fields"].pop("model?")),
    ("a parameter required", make_required),
    ("a query parameter more", lambda d: d.operations["GET /responses/{response_id}"]["query"].update({"new?": "str"})),
]


@pytest.mark.parametrize(("title", "change"), MUTATIONS, ids=[row[0] for row in MUTATIONS])
def test_a_change_of_the_facts_is_noticed(title: str, change: Any) -> None:
    facts = Facts.read()
    change(facts)
    assert any(faults(facts, call, False) for call in CALLS)


# ------------------------------------------------------------------------------------------------ misspelt arguments
@pytest.mark.parametrize("waiting", [False, True], ids=["blocking", "asyncio"])
def test_a_misspelt_argument_is_named_with_the_right_one(waiting: bool) -> None:
    method = method_of("responses.create", waiting, Recorder())
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'modle'. Did you mean 'model'\?"):
        run(method(modle="gpt-4o")) if waiting else method(modle="gpt-4o")


def test_a_type_error_from_inside_stays_as_it_is() -> None:
    class Broken:
        def __getattr__(self, verb: str) -> Any:
            def take(operation: object, given: object) -> Any:
                raise TypeError("from inside")

            return take

    with pytest.raises(TypeError, match=r"^from inside$"):
        method_of("responses.create", False, Broken())(model="m")


def test_methods_keep_their_nature() -> None:
    blocking, waiting = (method_of("responses.create", w, Recorder()) for w in (False, True))
    assert inspect.iscoroutinefunction(waiting)
    assert not inspect.iscoroutinefunction(blocking)
    assert blocking.__name__ == "create"
    assert "temperature" in (blocking.__doc__ or "")
    assert blocking.__qualname__ == "Responses.create"


def run(coroutine: Any) -> Any:
    """Return the result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")
