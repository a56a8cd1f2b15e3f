"""Writes the modules of records, and beside each the module of its input types."""

from __future__ import annotations

import keyword
import re

from . import source
from .expressions import Expressions, optional, unique
from .facts import Facts
from .layout import Layout, attribute, input_name, short

TYPING = ("Any", "Literal", "TypeAlias")
ABSTRACT = ("Iterable", "Mapping", "Sequence")


class Models:
    """The types that a choice of operations needs, by module.

    Attributes:
        records: names of types that come back, and of all enums: they stand among the records.
        inputs: names of types that are passed in and lead to objects: they have an input type.
    """

    def __init__(self, facts: Facts, layout: Layout) -> None:
        self.facts = facts
        self.layout = layout
        operations = facts.operations.values()
        taken = facts.closure([text for operation in operations for text in facts.inputs(operation)])
        given = facts.closure([text for operation in operations for text in facts.outputs(operation)])
        others = facts.types.keys() - taken - given  # events of sockets and webhooks, and what the description only mentions
        others |= facts.uses.keys()
        taken |= facts.closure([name for name in others if facts.goes_in(name)])
        given |= facts.closure([name for name in others if not facts.goes_in(name) or facts.comes_out(name)])
        self.inputs = {name for name in taken if facts.leads_to_objects(name)}
        self.records = given | (taken - self.inputs)

    def write(self) -> dict[str, str]:
        """Return file name -> source of all modules."""
        out: dict[str, str] = {}
        for module in sorted({self.layout.module(n) for n in self.records}):
            out[f"{module}.py"] = self._records(module)
        for module in sorted({self.layout.module(n) for n in self.inputs}):
            out[f"{module}_params.py"] = self._inputs(module)
        return out

    def _of(self, module: str, names: set[str]) -> list[str]:
        return sorted(n for n in names if self.layout.module(n) == module)

    # ---------------------------------------------------------------------------------------------------- records
    def _records(self, module: str) -> str:
        expressions = Expressions(self.facts, self.layout, self.records)
        names = self._of(module, self.records)
        classes = [self._record(n, module, expressions) for n in names if self.facts.is_object(n)]
        aliases = [
            source.alias(short(n), expressions.output(self.facts.types[n]["is"], module)) for n in names if not self.facts.is_object(n)
        ]
        bases = sorted({self.layout.base(n) for n in names if self.facts.is_object(n)} - {"Record"})
        body = "\n\n".join(classes) + "\n\n" + "\n".join(aliases)
        imports = [f"from ._behaviour import {base}" for base in bases]
        if classes:
            kit = [word for word in ("Record", "wire") if re.search(rf"\b{word}\(|\({word}\)", body)]
            imports += [f"from ._base import {', '.join(kit)}"] if kit else []
        return self._module(f"Records of the API: {module.replace('_', ' ')}.", imports, body, expressions.used)

    def _record(self, name: str, here: str, expressions: Expressions) -> str:
        secrets = self.layout.secrets.get(name)
        rows = [f"    _secrets = {tuple(secrets)!r}\n"] if secrets else []
        for field, text in self.facts.types[name]["fields"].items():
            key = field.rstrip("?")
            if key not in self.layout.left_out(name):
                rows.append("    " + record_field(key, not field.endswith("?"), expressions.output(text, here)))
        return f"class {short(name)}({self.layout.base(name)}):\n" + ("\n".join(rows) or "    pass") + "\n"

    # ----------------------------------------------------------------------------------------------------- inputs
    def _inputs(self, module: str) -> str:
        here = module + "_params"
        expressions = Expressions(self.facts, self.layout, self.records)
        names = self._of(module, self.inputs)
        classes = [self._typed_dict(n, here, expressions) for n in names if self.facts.is_object(n)]
        aliases = [source.alias(input_name(n), self._input_union(n, here, expressions)) for n in names if not self.facts.is_object(n)]
        body = "\n\n".join(classes) + "\n\n" + "\n".join(aliases)
        imports = ["from typing import TypedDict"] if classes else []
        title = (
            f"Input types of the API: {module.replace('_', ' ')}. Checkers read this; a program loads it only where it names one of them."
        )
        return self._module(title, imports, body, expressions.used)

    def _input_union(self, name: str, here: str, expressions: Expressions) -> str:
        text = expressions.input(self.facts.types[name]["is"], here)
        back = [expressions.output(n, here) for n in self.layout.send_back.get(name, ())]
        ours = self.layout.taken.get(name, [])
        expressions.used.update(place.partition(".")[0] for place in ours)
        return unique(" | ".join([text, *back, *ours]))

    def _typed_dict(self, name: str, here: str, expressions: Expressions) -> str:
        odd: list[str] = []
        rows: list[str] = []
        title = input_name(name)
        for field, text in self.facts.given_fields(name).items():
            key, wanted = field.rstrip("?"), expressions.input(text, here)
            wanted = wanted if field.endswith("?") else f"Required[{wanted}]"
            if key.isidentifier() and not keyword.iskeyword(key):
                rows.append(f"    {key}: {wanted}")
            else:
                odd.append(f'"{key}": "{wanted}"')
        body = "\n".join(rows) or "    pass"
        if not odd:
            return f"class {title}(TypedDict, total=False):\n{body}\n"
        base = f'_{title} = TypedDict("_{title}", {{{", ".join(odd)}}}, total=False)  # keys that are no Python names'
        return f"{base}\n\n\nclass {title}(_{title}, total=False):\n{body}\n"

    # ----------------------------------------------------------------------------------------------------- module
    def _module(self, title: str, imports: list[str], body: str, used: set[str]) -> str:
        checked = [f"from . import {module}" for module in used]
        for package, words in (
            ("typing", TYPING),
            ("collections.abc", ABSTRACT),
            ("typing_extensions", ("Required",)),
            (".._files", ("FileTypes",)),
        ):
            mentioned = [word for word in words if re.search(rf"\b{word}\b", body)]
            checked += [f"from {package} import {', '.join(mentioned)}"] if mentioned else []
        top = "\n".join([*imports, *(["from .._typing import TYPE_CHECKING"] if checked else [])])
        return f"{source.header(title)}\n{top}\n\n{source.checker_imports(checked)}\n\n{body.strip()}\n"


def record_field(key: str, required: bool, text: str) -> str:
    """Return the line of a field."""
    name = attribute(key)
    text = text if required else optional(text)
    if name != key:
        return f'{name}: {text} = wire("{key}"{"" if required else ", default=None"})'
    constant = re.fullmatch(r"Literal\['([^']*)'\]", text)
    if required and constant:
        return f'{name}: {text} = "{constant[1]}"'
    return f"{name}: {text}" + ("" if required else " = None")
