"""One method of the client, as the facts describe it: its operation as a constant, its signature, its body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .docs import Docs
from .expressions import Expressions, unique
from .facts import Facts, Parameter
from .layout import Layout

OPTIONS = [
    ("extra_headers", "Headers | None", "None"),
    ("extra_query", "Query | None", "None"),
    ("extra_body", "Body | None", "None"),
    ("timeout", "float | Timeout | None | NotGiven", "not_given"),
    ("max_retries", "int | NotGiven", "not_given"),
    ("idempotency_key", "str | None", "None"),
]

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Method:
    """One method of a resource: the operation behind it, and its arguments."""

    call: str
    key: str
    operation: dict[str, Any]
    parameters: list[Parameter]

    @property
    def name(self) -> str:
        """ "responses.input_items.list" -> "list"."""
        return self.call.rpartition(".")[2]

    @property
    def path(self) -> str:
        """The object that has the method: "responses.input_items.list" -> "responses.input_items"."""
        return self.call.rpartition(".")[0]

    @property
    def kind(self) -> str:
        """What the caller does with it: "page", "binary", "open" (it streams, or may) or "call"."""
        if "page" in self.operation:
            return "page"
        if self.operation.get("returns") == "bytes":
            return "binary"
        return "open" if "stream" in self.operation else "call"

    @property
    def always_streams(self) -> bool:
        """Whether there is no answer but a stream."""
        return bool(self.kind == "open" and self.operation["stream"]["when"] == "always")

    @property
    def body(self) -> str:
        """How the body is encoded: "" for none, "json", "form", or "either" (a form if there is a file)."""
        bodies = self.operation.get("body", {})
        if "form" in bodies:
            return "either" if "json" in bodies and self.operation.get("always") != "form" else "form"
        return "json" if bodies else ""

    @property
    def files(self) -> list[str]:
        """The keys of the parameters that carry files."""
        return [p.key for p in self.parameters if re.search(r"\bFile\b", p.type)]


WALKING = [("limit_total", "int | None", "None"), ("prefetch", "bool", "False")]
"""What a method that lists takes beside its parameters."""


RESUMING = {"resume": "bool = False"}

# The arguments of a method that has names of its own besides: a copy, as until 3.12 a debugger that looks at the method's
# variables, or on 3.10 any tracer, would put those names into what `locals()` returned, and so into the request.
GIVEN = "given = locals().copy()"
"""What a method takes beside its parameters whose streams may be taken up again."""


def methods(facts: Facts) -> list[Method]:
    """Return all methods of the client, by name."""
    return [Method(call, key, operation, facts.parameters(operation)) for call, (key, operation) in facts.calls().items()]


def described(facts: Facts, layout: Layout) -> dict[str, list[str]]:
    """Return the methods that have words, those by hand included, each with the arguments that may have some."""
    found: dict[str, list[str]] = {}
    for method in methods(facts):
        walking = [name for name, _, _ in WALKING] if method.kind == "page" else []
        resuming = [*RESUMING] if method.call in layout.resumable else []
        found[method.call] = [*resuming, *(layout.argument(p.key) for p in method.parameters), *walking]
    for entry in layout.derived:
        inherited = [name for name in found[entry["of"]] if name not in entry.get("leave_out", ()) and name not in RESUMING]
        renamed = entry.get("rename", {})
        found[entry["call"]] = [*entry.get("more", {}), *(renamed.get(name, name) for name in inherited)]
    return found


class Writer:
    """Writes the methods of one module."""

    def __init__(self, prefix: str, layout: Layout, expressions: Expressions, docs: Docs) -> None:
        self.prefix = prefix  # of the calls of this module; constants are named by what comes behind it
        self.layout = layout
        self.expressions = expressions
        self.docs = docs

    def name(self, method: Method) -> str:
        """Return the name of the constant: "responses.input_items.list" -> "INPUT_ITEMS_LIST"."""
        return method.call.removeprefix(f"{self.prefix}.").replace(".", "_").upper()

    # -------------------------------------------------------------------------------------------------- constants
    def constant(self, method: Method) -> str:
        """Return the operation of a method as a constant."""
        kind, given = self.typed(method)
        verb, _, path = method.key.partition(" ")
        places = [repr(verb), repr(path), *map(repr, given), *self.placement(method)]
        return f"{self.name(method)}: {kind} = {kind.partition('[')[0]}({', '.join(places)})"

    def typed(self, method: Method) -> tuple[str, list[str]]:
        """Return the type of the constant, and those of its arguments that say what comes back."""
        returns = self.returns(method)
        if method.kind == "page":
            return f"PageOperation[{returns}]", [returns, method.operation["page"]["kind"]]
        if method.kind == "binary":
            return "Operation[bytes]", ["bytes"]
        if method.kind == "open":
            event = self.expressions.output(method.operation["stream"]["event"])
            if method.always_streams:
                return f"StreamOperation[NoReturn, {event}]", ["", event]
            return f"{self.layout.operations.get(method.call, 'StreamOperation')}[{returns}, {event}]", [returns, event]
        return f"Operation[{returns}]", [returns] if returns != "None" else []

    def placement(self, method: Method) -> list[str]:
        """Return the arguments that say where each parameter travels, and what else is to know about the request."""
        operation, argument = method.operation, self.layout.argument
        facts = {
            "query": tuple(argument(p.key) for p in method.parameters if p.place == "query"),
            "header": {argument(p.key): p.key for p in method.parameters if p.place == "header"},
            "send": operation.get("send"),
            "rename": {argument(p.key): p.key for p in method.parameters if argument(p.key) != p.key and p.place != "header"},
            "body": method.body,
            "files": tuple(argument(key) for key in method.files),
            "parts": operation.get("parts"),
            "fill": operation.get("fill"),
            "admin": {"admin": True, "either": "either"}.get(operation.get("auth", "")),
            "text": operation.get("text", False) or operation.get("returns") == "str",
            "always": method.always_streams,
        }
        return [f"{name}={value!r}" for name, value in facts.items() if value]

    def returns(self, method: Method) -> str:
        """Return the type of one result, or of one item of a page."""
        operation = method.operation
        text = operation["page"]["item"] if "page" in operation else operation.get("returns", "None")
        return self.expressions.output(text) + (" | str" if "text" in operation else "")

    # ------------------------------------------------------------------------------------------------ definitions
    def definition(self, method: Method, waiting: bool) -> str:
        """Return the `def` of a method, with overloads where `stream` decides what comes back; `waiting` for asyncio."""
        wait, prefix = ("await ", "Async") if waiting else ("", "")
        body = f"return {'' if method.kind == 'page' else wait}self._caller.{method.kind}({self.name(method)}, locals())"
        if method.kind == "page":
            return self.one(method, False, f"{prefix}Page[{self.returns(method)}]", body)
        if method.kind == "binary":
            return self.one(method, waiting, f"{prefix}BinaryResponse", body)
        returns = self.returns(method)
        if method.kind == "call":
            return self.one(method, waiting, returns, body)
        stream = f"{prefix}Stream[{self.expressions.output(method.operation['stream']['event'])}]"
        if method.always_streams:
            return self.one(method, waiting, stream, body)
        if method.call in self.layout.resumable:
            helper = "async_resumed" if waiting else "resumed"
            taken_up = (
                f"from .._helpers.resumed import {helper}\n\n            return {wait}{helper}(self._caller, {self.name(method)}, given)"
            )
            body = f"{GIVEN}\n        if given.pop('resume'):\n            {taken_up}\n        {body.replace('locals()', 'given')}"
            return self.overloaded(method, waiting, returns, stream, body, {"more": RESUMING})
        return self.overloaded(method, waiting, returns, stream, body)

    def derived(self, entry: dict[str, Any], method: Method, waiting: bool, operation: str = "") -> str:
        """Return the `def` of a method that takes what another takes and more, and whose work is done by hand.

        `operation` is how it comes to the operation, where that is no constant of its module.

        The helper is a coroutine function, which the caller runs, or a class, of which `Async...` stands beside it; or, where the layout
        says what it `streams`, a function of the caller that returns either, beside which `async_...` stands.
        """
        module, _, name = entry["helper"].partition(":")
        made, either = name[0].isupper(), "streams" in entry
        if waiting and (made or either):
            name = f"Async{name}" if made else f"async_{name}"
        wait = "" if made else "await " if waiting else ""
        operation = operation or self.name(method)
        direct = f"{name}(self._caller, {operation}, given)"
        done = direct if made or either else f"self._caller.run({name}, {operation}, given)"
        body = f"{GIVEN}\n        from .._helpers.{module} import {name}\n\n        return {wait}{done}"
        without = [p for p in method.parameters if p.key not in entry.get("leave_out", ())]
        changed = Method(entry["call"], method.key, method.operation, without)
        returns, streams = (entry.get(key, "").replace("{Async}", "Async" if waiting else "") for key in ("returns", "streams"))
        if either:
            return self.overloaded(changed, waiting, returns, streams, body, entry)
        return self.one(changed, bool(wait and waiting), returns, body, own=entry)

    def overloaded(self, method: Method, waiting: bool, returns: str, stream: str, body: str, own: Mapping[str, Any] = NOTHING) -> str:
        """Return the `def` of a method with overloads, as `stream` decides what comes back."""
        either = f"{returns} | {stream}"
        overloads = [
            self.one(method, waiting, returns, "...", f"Literal[False]{self.stream_null(method)} | Omit = omit", own),
            self.one(method, waiting, stream, "...", "Literal[True]", own),
            self.one(method, waiting, either, "...", "bool", own),
        ]
        guarded = "    if TYPE_CHECKING:\n\n" + "\n".join([indented("    @overload\n" + text) for text in overloads])
        return guarded + "\n" + self.one(method, waiting, either, body, own=own)

    def one(self, method: Method, waiting: bool, returns: str, body: str, stream: str = "", own: Mapping[str, Any] = NOTHING) -> str:
        """Return one `def`; `stream` is the annotation and default of that parameter in an overload, `own` what a method by hand has."""
        walking = WALKING if method.kind == "page" else []
        rows = self.arguments(method, waiting, stream, own)
        rows += [f"{name}: {kind} = {default}," for name, kind, default in (*walking, *OPTIONS)]
        head = self.deprecation(method) + f"    {'async ' if waiting else ''}def {method.name}(\n"
        head += "".join([f"        {row}\n" for row in rows]) + f"    ) -> {returns}:"
        if body == "...":
            return f"{head} ...\n"
        names = [self.layout.argument(p.key) for p in method.parameters]
        documented = [*own.get("more", ()), *(own.get("rename", {}).get(name, name) for name in names), *(name for name, _, _ in walking)]
        return f"{head}\n{self.docs.method(method.call, documented)}        {body}\n"

    def arguments(self, method: Method, waiting: bool, stream: str, own: Mapping[str, Any]) -> list[str]:
        """Return the arguments of a method, its options excepted, a line each.

        The last part of the path is the thing itself, and may stand without its name, unless the layout says which are `positional`;
        it also says which to `rename`, and what there is `more`.
        """
        rows = {self.layout.argument(p.key): self.argument(p, waiting) for p in method.parameters}
        path = [self.layout.argument(p.key) for p in method.parameters if p.place == "path"]
        if stream:
            rows["stream"] = f"stream: {stream},"
        for name, other in own.get("rename", {}).items():
            rows[name] = other + rows[name].removeprefix(name)
        plain = own.get("positional", path[-1:])
        more = [f"{key}: {text.replace('{Async}', 'Async' if waiting else '')}," for key, text in own.get("more", {}).items()]
        front = [rows.pop(name) for name in plain]
        beside = [rows.pop(name) for name in path if name in rows]
        return ["self,", *front, "*,", *beside, *more, *rows.values()]

    def deprecation(self, method: Method) -> str:
        """Return the decorator of a method that is going to disappear."""
        if not method.operation.get("deprecated"):
            return ""
        advice = self.layout.instead(method.call)
        return f'    @deprecated("`{method.call}` is deprecated by the API{f"; {advice}" if advice else ""}")\n'

    def argument(self, parameter: Parameter, waiting: bool) -> str:
        """Return the line of a keyword argument; in asyncio a file may also be read as it comes."""
        text = unique(self.expressions.input(parameter.type))
        text = re.sub(r"\bFileTypes\b", "AsyncFileTypes", text) if waiting else text
        name = self.layout.argument(parameter.key)
        return f"{name}: {text}," if parameter.required else f"{name}: {text} | Omit = omit,"

    def stream_null(self, method: Method) -> str:
        """Return " | None" where the parameter `stream` may be null."""
        return " | None" if any(p.key == "stream" and "None" in p.type for p in method.parameters) else ""


def indented(text: str) -> str:
    """Return lines one step to the right."""
    return "".join([f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True)])
