"""Writes the resources: per namespace a blocking and an asyncio class for each object of the client, without logic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from . import source
from .docs import Docs
from .expressions import Expressions, unique
from .facts import Facts, Parameter
from .layout import Layout, attribute, class_name
from .models import Models

OPTIONS = [
    ("extra_headers", "Headers | None", "None"),
    ("extra_query", "Query | None", "None"),
    ("extra_body", "Body | None", "None"),
    ("timeout", "float | Timeout | None | NotGiven", "not_given"),
    ("max_retries", "int | NotGiven", "not_given"),
    ("idempotency_key", "str | None", "None"),
]


@dataclass(frozen=True)
class Method:
    """One method of a resource: its name, the operation behind it, its arguments, what it gives."""

    call: str
    key: str
    operation: dict[str, Any]
    parameters: list[Parameter]

    @property
    def name(self) -> str:
        return self.call.rpartition(".")[2]

    @property
    def constant(self) -> str:
        """ "responses.input_items.list" -> "INPUT_ITEMS_LIST"."""
        return self.call.partition(".")[2].replace(".", "_").upper()

    @property
    def kind(self) -> str:
        """What the caller does with it: "call", "open" (it may stream) or "page"."""
        return "page" if "page" in self.operation else "open" if "stream" in self.operation else "call"


def write(facts: Facts, layout: Layout, models: Models) -> dict[str, str]:
    """Return file name -> source of a module for each namespace."""
    methods = [Method(call, key, o, facts.parameters(o)) for call, (key, o) in facts.calls(layout.namespaces).items()]
    modules: dict[str, list[Method]] = {}
    for method in methods:
        modules.setdefault(method.call.partition(".")[0], []).append(method)
    docs = Docs.read()
    return {f"{name}.py": Module(name, some, Expressions(facts, layout, models.records), docs).text() for name, some in modules.items()}


class Module:
    """The source of one namespace."""

    def __init__(self, name: str, methods: list[Method], expressions: Expressions, docs: Docs) -> None:
        self.name = name
        self.methods = methods
        self.expressions = expressions
        self.docs = docs

    def text(self) -> str:
        """Return the whole module."""
        constants = "\n".join([self.constant(m) for m in self.methods])
        classes = [self.resource(path, waiting) for path in self.paths() for waiting in (False, True)]
        body = constants + "\n\n\n" + "\n\n\n".join(classes) + "\n"
        return f"{source.header(f'The resource `{self.name}` of both clients.')}\n{self.imports(body)}\n\n{body}"

    def paths(self) -> list[str]:
        """Return the dotted paths of all objects, each before those inside it."""
        found: dict[str, None] = {}
        for method in self.methods:
            words = method.call.split(".")[:-1]
            for length in range(1, len(words) + 1):
                found[".".join(words[:length])] = None
        return sorted(found, key=lambda path: (path.count("."), path))

    def imports(self, body: str) -> str:
        """Return the imports that a body needs."""

        def named(*words: str) -> str:
            return ", ".join([word for word in words if re.search(rf"\b{word}\b", body)])

        checked = [f"from .._models import {module}" for module in self.expressions.used]
        for place, words in (
            ("typing", ("Any", "Literal", "overload")),
            ("collections.abc", ("Iterable", "Mapping", "Sequence")),
            (".._omit", ("NotGiven", "Omit")),
            (".._page", ("AsyncPage", "Page")),
            (".._timeout", ("Timeout",)),
            (".._stream", ("AsyncStream", "Stream")),
            (".._caller", ("AsyncCaller", "Caller")),
            ("._base", ("Body", "Headers", "Query")),
        ):
            if named(*words):
                checked.append(f"from {place} import {named(*words)}")
        operations = named("Operation", "PageOperation", "StreamOperation")
        rows = [
            f"from .._omit import {named('not_given', 'omit')}",
            f"from .._operation import {operations}",
            "from .._typing import TYPE_CHECKING",
            f"from ._base import {named('AsyncResource', 'Resource')}",
        ]
        return "\n".join(rows) + "\n\n" + source.checker_imports(checked)

    # -------------------------------------------------------------------------------------------------- constants
    def constant(self, method: Method) -> str:
        """Return the operation of a method as a constant."""
        operation, returns = method.operation, self.returns(method)
        verb, _, path = method.key.partition(" ")
        given: list[object] = [verb, path]
        if method.kind == "page":
            kind = f"PageOperation[{returns}]"
            given += [returns, operation["page"]["kind"]]
        elif method.kind == "open":
            event = self.expressions.output(operation["stream"]["event"])
            kind = f"StreamOperation[{returns}, {event}]"
            given += [returns, event]
        else:
            kind = f"Operation[{returns}]"
            given += [returns] if returns != "None" else []
        places = [*map(repr, given), *self.placement(method)]
        return f"{method.constant}: {kind} = {kind.partition('[')[0]}({', '.join(places)})"

    def placement(self, method: Method) -> list[str]:
        """Return the arguments that say where each parameter travels."""
        query = tuple(attribute(p.key) for p in method.parameters if p.place == "query")
        header = {attribute(p.key): p.key for p in method.parameters if p.place == "header"}
        rename = {attribute(p.key): p.key for p in method.parameters if attribute(p.key) != p.key and p.place != "header"}
        facts = {
            "query": query,
            "header": header,
            "send": method.operation.get("send"),
            "rename": rename,
            "body": "json" if "body" in method.operation else "",
        }
        return [f"{name}={value!r}" for name, value in facts.items() if value]

    def returns(self, method: Method) -> str:
        """Return the type of one result, or of one item of a page."""
        operation = method.operation
        text = operation["page"]["item"] if "page" in operation else operation.get("returns", "None")
        return self.expressions.output(text)

    # ---------------------------------------------------------------------------------------------------- classes
    def resource(self, path: str, waiting: bool) -> str:
        """Return the class of an object of the client, blocking or `waiting` (asyncio)."""
        prefix = "Async" if waiting else ""
        inner = [p for p in self.paths() if p.rpartition(".")[0] == path]
        rows = [f"class {prefix}{class_name(path)}({prefix}Resource):", f'    """{self.docs.resource(path)}"""', ""]
        if inner:
            rows += [f"    def __init__(self, caller: {prefix}Caller) -> None:", "        super().__init__(caller)"]
            rows += [f"        self.{p.rpartition('.')[2]} = {prefix}{class_name(p)}(caller)" for p in inner]
        methods = [m for m in self.methods if m.call.rpartition(".")[0] == path]
        return "\n".join([*rows, "", *[self.method(m, waiting) for m in methods]]).rstrip()

    def method(self, method: Method, waiting: bool) -> str:
        """Return a method, with overloads where `stream` decides what comes back."""
        if method.kind == "page":
            page = f"{'Async' if waiting else ''}Page[{self.returns(method)}]"
            return self.definition(method, False, page, f"return self._caller.page({method.constant}, locals())")
        returns = self.returns(method)
        wait = "await " if waiting else ""
        if method.kind == "call":
            return self.definition(method, waiting, returns, f"return {wait}self._caller.call({method.constant}, locals())")
        stream = f"{'Async' if waiting else ''}Stream[{self.expressions.output(method.operation['stream']['event'])}]"
        either = f"{returns} | {stream}"
        overloads = [
            self.definition(method, waiting, returns, "...", f"Literal[False]{self.stream_null(method)} | Omit = omit"),
            self.definition(method, waiting, stream, "...", "Literal[True]"),
            self.definition(method, waiting, either, "...", "bool"),
        ]
        guarded = "    if TYPE_CHECKING:\n\n" + "\n".join(["        @overload\n" + _indented(text) for text in overloads])
        body = f"return {wait}self._caller.open({method.constant}, locals())"
        return guarded + "\n" + self.definition(method, waiting, either, body)

    def definition(self, method: Method, waiting: bool, returns: str, body: str, stream: str = "") -> str:
        """Return one `def`; `stream` is the annotation and default of that parameter in an overload."""
        rows = ["self,", *[f"{attribute(p.key)}: {self.expressions.input(p.type)}," for p in method.parameters if p.place == "path"], "*,"]
        for p in method.parameters:
            if p.place != "path":
                rows.append(f"stream: {stream}," if stream and p.key == "stream" else self.argument(p))
        rows += [f"{name}: {kind} = {default}," for name, kind, default in OPTIONS]
        head = (
            f"    {'async ' if waiting else ''}def {method.name}(\n"
            + "".join([f"        {row}\n" for row in rows])
            + f"    ) -> {returns}:"
        )
        if body == "...":
            return f"{head} ...\n"
        return f"{head}\n{self.docs.method(method.call, [attribute(p.key) for p in method.parameters])}        {body}\n"

    def argument(self, parameter: Parameter) -> str:
        """Return the line of a keyword argument."""
        text = unique(self.expressions.input(parameter.type))
        if parameter.required:
            return f"{attribute(parameter.key)}: {text},"
        return f"{attribute(parameter.key)}: {text} | Omit = omit,"

    def stream_null(self, method: Method) -> str:
        """Return " | None" where the parameter `stream` may be null."""
        return " | None" if any(p.key == "stream" and "None" in p.type for p in method.parameters) else ""


def _indented(text: str) -> str:
    return "".join([f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True)])
