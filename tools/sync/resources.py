"""Writes the resources: per namespace a blocking and an asyncio class for each object of the client, without logic."""

from __future__ import annotations

import re
from typing import Any

from . import raw, source
from .docs import Docs
from .expressions import Expressions
from .facts import Facts
from .layout import Layout, class_names, short
from .methods import Method, Writer, methods
from .models import Models

RUN_TIME = (
    (".._chat_operation", ("ChatOperation",)),
    (".._deprecated", ("deprecated",)),
    (".._omit", ("not_given", "omit")),
    (".._operation", ("Operation", "PageOperation", "StreamOperation")),
    (".._typing", ("TYPE_CHECKING",)),
    ("._base", ("AsyncResource", "Resource")),
    ("._lazy", ("resource",)),
)
CHECKED = (
    ("typing", ("Any", "Literal", "NoReturn", "overload")),
    ("collections.abc", ("Callable", "Iterable", "Mapping", "Sequence")),
    (".._binary", ("AsyncBinaryResponse", "BinaryResponse")),
    (".._caller", ("AsyncCaller", "Caller")),
    (".._files", ("AsyncFileTypes", "FileTypes")),
    (".._omit", ("NotGiven", "Omit")),
    (".._page", ("AsyncPage", "Page")),
    (".._stream", ("AsyncStream", "Stream")),
    (".._timeout", ("Timeout",)),
    ("._base", ("Body", "Headers", "Query", *raw.HELPERS)),
)
NAMESPACES = """{header}
from .._typing import TYPE_CHECKING
from ._lazy import Views, resource

{imports}

__all__ = ["AsyncNamespaces", "Namespaces"]


class Namespaces(Views):
    \"\"\"The namespaces of a blocking client.\"\"\"

    with_raw_response: NamespacesRaw
    with_streaming_response: NamespacesStreamed
    _caller: Any  # a Caller, of the kind that the client has

    def _over(self, caller: Any) -> Namespaces:
        view = Namespaces()
        view._caller = caller
        return view

{blocking}

class AsyncNamespaces(Views):
    \"\"\"The namespaces of an asyncio client.\"\"\"

    with_raw_response: AsyncNamespacesRaw
    with_streaming_response: AsyncNamespacesStreamed
    _caller: Any  # an AsyncCaller, of the kind that the client has
    _waiting = True

    def _over(self, caller: Any) -> AsyncNamespaces:
        view = AsyncNamespaces()
        view._caller = caller
        return view

{waiting}

if TYPE_CHECKING:

{views}
"""

MODULE_LEVEL = """{header}
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._namespaces import Namespaces

    _namespaces = Namespaces()
{rows}

__all__ = [{names}]  # pyright: ignore[reportUnsupportedDunderAll]  # for checkers only
"""


def write(facts: Facts, layout: Layout, models: Models, docs: Docs | None = None) -> dict[str, str]:
    """Return file name -> source of all modules of resources."""
    return Resources(facts, layout, models, docs or Docs.read()).files()


class Resources:
    """All objects of the client: what is inside what, and which module and class each is."""

    def __init__(self, facts: Facts, layout: Layout, models: Models, docs: Docs) -> None:
        self.facts = facts
        self.layout = layout
        self.models = models
        self.docs = docs
        self.methods = methods(facts)
        words = [method.path.split(".") for method in self.methods]
        every = {".".join(w[:length]) for w in words for length in range(1, len(w) + 1)}
        self.paths = sorted(every, key=lambda path: (path.count("."), path))  # each before those inside it
        self.modules: dict[str, list[str]] = {}
        for path in self.paths:
            self.modules.setdefault(layout.resource_module(path), []).append(path)
        self.classes = {path: name for paths in self.modules.values() for path, name in class_names(paths).items()}

    def files(self) -> dict[str, str]:
        """Return file name -> source."""
        out = {f"{file_name(name)}.py": Module(self, name, paths).text() for name, paths in self.modules.items()}
        out |= {f"{file_name(path)}_derived.py": self.module_of(path).apart(path) for path in self.layout.apart}
        return {**out, "_namespaces.py": self.namespaces(), "_module_level.py": self.module_level()}

    def module_of(self, path: str) -> Module:
        """Return the module of an object, yet to be written."""
        name = self.layout.resource_module(path)
        return Module(self, name, self.modules[name])

    def inner(self, path: str) -> list[tuple[str, str]]:
        """Return the objects inside an object, "" for the client: attribute and path; the path of an alias is that of its target."""
        own = [(short(p), p) for p in self.paths if p.rpartition(".")[0] == path]
        return sorted([*own, *((short(a), target) for a, target in self.layout.aliases.items() if a.rpartition(".")[0] == path)])

    def touched(self, name: str, path: str, waiting: bool) -> str:
        """Return the attribute of an object that is made, and its module imported, when it is first touched."""
        made = f"{'Async' if waiting else ''}{self.classes[path]}"
        place = f"from .{file_name(self.layout.resource_module(path))} import {made}"
        head = f'    @resource\n    def {name}(self) -> {made}:\n        """{self.docs.resource(path)}"""\n'
        return f"{head}        {place}\n\n        return {made}(self._caller)\n"

    def imported(self, path: str) -> str:
        """Return the import of both classes of an object."""
        return f"from .{file_name(self.layout.resource_module(path))} import Async{self.classes[path]}, {self.classes[path]}"

    def namespaces(self) -> str:
        """Return the source of the namespaces of both clients."""
        inner = self.inner("")
        imports = ["from typing import Any", *(self.imported(path) for _, path in inner)]
        return NAMESPACES.format(
            header=source.header("The namespaces of both clients: what stands behind the first dot of `client.responses.create`."),
            imports=source.checker_imports(imports),
            blocking="\n".join([self.touched(name, path, False) for name, path in inner]),
            waiting="\n".join([self.touched(name, path, True) for name, path in inner]),
            views="\n\n".join(
                [raw.classes(f"{'Async' * waiting}Namespaces", (), [n for n, _ in inner], waiting) for waiting in (False, True)]
            ),
        )

    def module_level(self) -> str:
        """Return the source of what checkers see of the namespaces of the package itself."""
        names = [name for name, _ in self.inner("")]
        title = "The namespaces that the package offers without a client, as checkers and editors see them: `oxide.responses.create(...)`."
        return MODULE_LEVEL.format(
            header=source.header(title),
            rows="\n".join([f"    {name} = _namespaces.{name}" for name in names]),
            names=", ".join([f'"{name}"' for name in names]),
        )


class Module:
    """The source of one module: a namespace, or a part of one."""

    def __init__(self, resources: Resources, name: str, paths: list[str]) -> None:
        self.resources = resources
        self.name = name
        self.paths = paths
        self.expressions = Expressions(resources.facts, resources.layout, resources.models.records)
        self.writer = Writer(name, resources.layout, self.expressions, resources.docs)
        self.methods = [m for m in resources.methods if m.path in paths]

    def text(self) -> str:
        """Return the whole module."""
        constants = "\n".join([self.writer.constant(m) for m in self.methods])
        classes = [self.resource(path, waiting) for path in self.paths for waiting in (False, True)]
        body = (constants + "\n\n\n" if constants else "") + "\n\n\n".join(classes) + "\n\n\n" + self.views()
        return f"{source.header(f'The resource `{self.name}` of both clients.')}\n{self.imports(body)}\n\n{body}"

    def imports(self, body: str) -> str:
        """Return the imports that a body needs."""
        checked = [f"from .._models import {module}" for module in self.expressions.used]
        checked += [self.resources.imported(path) for path in self.elsewhere() if re.search(rf"\b{self.resources.classes[path]}\b", body)]
        apart = [path for path in self.paths if path in self.resources.layout.apart]
        checked += [line for e, _ in self.derived() if e["call"].rpartition(".")[0] not in apart for line in e.get("imports", ())]
        below = source.checker_imports([*checked, *mentioned(CHECKED, body)])
        classes = [(file_name(path), self.resources.classes[path]) for path in apart]
        by_hand = [f"from .{file}_derived import Async{name}Derived, {name}Derived" for file, name in classes]
        by_hand += [f"from .._helpers.{module} import Async{name}, {name}" for module, name in self.by_hand()]
        return "\n".join([*mentioned(RUN_TIME, below + body), *by_hand]) + "\n\n" + below

    def views(self) -> str:
        """Return what checkers see of raw and streamed answers."""
        views: list[str] = []
        for path in self.paths:
            own = [m for m in [*self.methods, *self.told()] if m.path == path]
            inner = [name for name, _ in self.resources.inner(path)]
            views += [raw.classes(f"{'Async' * waiting}{self.resources.classes[path]}", own, inner, waiting) for waiting in (False, True)]
        return "if TYPE_CHECKING:\n\n" + "\n\n".join(views) + "\n"

    def elsewhere(self) -> list[str]:
        """Return the objects inside those of this module that have modules of their own."""
        return [target for path in self.paths for _, target in self.resources.inner(path) if target not in self.paths]

    def resource(self, path: str, waiting: bool) -> str:
        """Return the class of an object of the client, blocking or `waiting` (asyncio)."""
        prefix, resources = "Async" if waiting else "", self.resources
        inner = resources.inner(path)
        here = [(name, target) for name, target in inner if target in self.paths]
        helpers = f"{prefix}{resources.layout.helpers[path].partition(':')[2]}, " if path in resources.layout.helpers else ""
        helpers = f"{prefix}{resources.classes[path]}Derived, {helpers}" if path in resources.layout.apart else helpers
        rows = [f"class {prefix}{resources.classes[path]}({helpers}{prefix}Resource):", f'    """{resources.docs.resource(path)}"""', ""]
        rows += raw.attributes(f"{prefix}{resources.classes[path]}")
        rows += [f"    _{m.name} = {self.writer.name(m)}" for m in self.bases_of_derived(path)] if path in resources.layout.apart else []
        if here:
            rows += [f"    def __init__(self, caller: {prefix}Caller) -> None:", "        super().__init__(caller)"]
            rows += [f"        self.{name} = {prefix}{resources.classes[target]}(caller)" for name, target in here]
            rows += [""]
        rows += [resources.touched(name, target, waiting) for name, target in inner if target not in self.paths]
        rows += [self.writer.definition(m, waiting) for m in self.methods if m.path == path]
        rows += [] if path in resources.layout.apart else self.of_derived(path, waiting)
        return "\n".join(rows).rstrip()

    def of_derived(self, path: str, waiting: bool, apart: bool = False) -> list[str]:
        """Return the definitions of the derived methods of an object."""
        here = [(entry, method) for entry, method in self.derived() if entry["call"].rpartition(".")[0] == path]
        return [self.writer.derived(entry, method, waiting, f"self._{method.name}" if apart else "") for entry, method in here]

    def bases_of_derived(self, path: str) -> list[Method]:
        """Return the methods whose operations the derived methods of an object use."""
        return list({m.call: m for entry, m in self.derived() if entry["call"].rpartition(".")[0] == path}.values())

    def apart(self, path: str) -> str:
        """Return the whole module of the derived methods of an object, where that is one of its own."""
        name, classes = self.resources.classes[path], []
        for prefix in ("", "Async"):
            head = f'class {prefix}{name}Derived({prefix}Resource):\n    """What `client.{path}` does with more than one operation."""\n\n'
            fields = [f"    _{m.name}: {self.writer.typed(m)[0]}\n" for m in self.bases_of_derived(path)]
            classes.append(head + "".join(fields) + "\n" + "\n".join(self.of_derived(path, bool(prefix), apart=True)))
        body = "\n\n".join(classes)
        lines = [line for entry, _ in self.derived() if entry["call"].rpartition(".")[0] == path for line in entry.get("imports", ())]
        checked = [f"from .._models import {module}" for module in self.expressions.used]
        below = source.checker_imports([*checked, *lines, *mentioned(CHECKED, body)])
        title = f"What `client.{path}` does with more than one operation, in both clients."
        return f"{source.header(title)}\n" + "\n".join(mentioned(RUN_TIME, below + body)) + f"\n\n{below}\n\n{body}"

    def derived(self) -> list[tuple[dict[str, Any], Method]]:
        """Return what the layout says of methods by hand that take what one of this module takes, each with that one."""
        return [(entry, method) for entry in self.resources.layout.derived for method in self.methods if method.call == entry["of"]]

    def told(self) -> list[Method]:
        """Return those of them that are coroutine functions, and have a result like any other method."""
        return [Method(e["call"], m.key, m.operation, m.parameters) for e, m in self.derived() if _told(e)]

    def by_hand(self) -> list[tuple[str, str]]:
        """Return module and class of the hand-written parts of the objects of this module."""
        places = [text.partition(":") for path, text in self.resources.layout.helpers.items() if path in self.paths]
        return [(module, name) for module, _, name in places]


def _told(entry: dict[str, Any]) -> bool:
    """Whether a method by hand is a coroutine function with one result."""
    return entry["helper"].partition(":")[2].islower() and "streams" not in entry


def file_name(path: str) -> str:
    """Return the module for a path of the client."""
    return path.replace(".", "_")


def mentioned(table: tuple[tuple[str, tuple[str, ...]], ...], body: str) -> list[str]:
    """Return the imports of those names that a body mentions."""
    found = [(module, [name for name in names if re.search(rf"\b{name}\b", body)]) for module, names in table]
    return [f"from {module} import {', '.join(names)}" for module, names in found if names]
