"""Every method hands on what it is given, to the operation that the facts tell; and it says what was meant by a misspelt argument.

That all methods and parameters are there is told by `test_coverage.py`; what they send, by `tests/wire`.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from oxide._models._base import decoder
from oxide._models._shape import read_kinds
from oxide._omit import omit
from oxide._operation import Operation, PageOperation, StreamOperation
from oxide.resources._namespaces import AsyncNamespaces, Namespaces
from tools.sync.coverage import OPTIONS, WALKING
from tools.sync.expressions import members
from tools.sync.facts import Facts, references
from tools.sync.layout import Layout, short
from tools.sync.methods import Method, methods

FACTS, LAYOUT = Facts.read(), Layout.read()
METHODS = {method.call: method for method in methods(FACTS)}
CALLS = sorted(METHODS)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


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
    value: Any = AsyncNamespaces() if waiting else Namespaces()
    value._caller = caller
    for word in call.split("."):
        value = getattr(value, word)
    return value


def names(method: Method, *, required_only: bool = False) -> list[str]:
    return [LAYOUT.argument(p.key) for p in method.parameters if p.required or not required_only]


# ------------------------------------------------------------------------------------------------------ signatures
@pytest.mark.parametrize("waiting", [False, True], ids=["blocking", "asyncio"])
def test_one_argument_may_stand_without_its_name_and_none_more(waiting: bool) -> None:
    for call, method in METHODS.items():
        live = inspect.signature(method_of(call, waiting, Recorder())).parameters
        path = [LAYOUT.argument(p.key) for p in method.parameters if p.place == "path"]
        plain = [name for name, p in live.items() if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        assert plain == path[-1:], call
        assert set(list(live)[-6:]) == OPTIONS, call
        assert WALKING.issubset(live) == (method.kind == "page"), call


@pytest.mark.parametrize("waiting", [False, True], ids=["blocking", "asyncio"])
def test_what_is_left_out_is_marked_so(waiting: bool) -> None:
    for call, method in METHODS.items():
        live = inspect.signature(method_of(call, waiting, Recorder())).parameters
        for p in method.parameters:
            known = live[LAYOUT.argument(p.key)]
            assert known.default is (inspect.Parameter.empty if p.required else omit), (call, p.key)
            assert ("Omit" in members(str(known.annotation))) != p.required, (call, p.key)


# ------------------------------------------------------------------------------------------------------- operations
@pytest.mark.parametrize("call", CALLS)
def test_the_caller_gets_the_operation_and_every_argument(call: str) -> None:
    method, caller = METHODS[call], Recorder()
    given = {name: object() for name in names(method)}
    assert method_of(call, False, caller)(**given, timeout=5, idempotency_key="k") == "result"
    [(verb, operation, arguments)] = caller.seen
    assert {name: arguments[name] for name in given} == given
    assert (arguments["timeout"], arguments["idempotency_key"]) == (5, "k")
    assert (verb, f"{operation.method} {operation.path}") == (method.kind, method.key)
    assert operation.body == method.body
    assert operation.admin == {"admin": True, "either": "either"}.get(method.operation.get("auth", ""), False)
    assert dict(operation.send) == method.operation.get("send", {})


@pytest.mark.parametrize("call", CALLS)
def test_the_results_are_decoded_as_the_facts_tell(call: str) -> None:
    method, caller = METHODS[call], Recorder()
    method_of(call, False, caller)(**dict.fromkeys(names(method, required_only=True), "x"))
    [(_, operation, _)] = caller.seen
    page = method.operation.get("page", {})
    if method.kind != "binary" and not method.always_streams:
        assert decodes_to(operation.returns) == behind(method.operation.get("returns") or page.get("item", ""))
    if isinstance(operation, StreamOperation):
        assert decodes_to(operation.event) == behind(method.operation["stream"]["event"])
    assert (operation.kind if isinstance(operation, PageOperation) else None) == page.get("kind")


def decodes_to(expression: str) -> set[str]:
    """Return the classes that a type expression of the package leads to."""
    if not expression:
        return set()
    decoder(expression)
    return {cls.__name__ for cls in read_kinds(expression, "oxide._models._base").classes}


def behind(text: str) -> set[str]:
    """Return the same by the facts, unions opened."""
    found: set[str] = set()
    for name in references(text):
        found |= {short(name)} if FACTS.is_object(name) else behind(FACTS.types[name]["is"])
    return found


def test_the_asyncio_twin_hands_on_the_same() -> None:
    for call, method in METHODS.items():
        given = dict.fromkeys(names(method, required_only=True), "x")
        blocking, waiting = Recorder(), AsyncRecorder()
        method_of(call, False, blocking)(**given)
        result = method_of(call, True, waiting)(**given)
        assert (result if method.kind == "page" else run(result)) == "result"
        (verb, operation, arguments), (other_verb, other_operation, other_arguments) = blocking.seen[0], waiting.seen[0]
        assert (verb, operation) == (other_verb, other_operation)
        assert {**arguments, "self": None} == {**other_arguments, "self": None}


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
