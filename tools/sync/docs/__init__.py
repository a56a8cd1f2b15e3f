"""What the files beside this one say about objects of the client, methods and parameters, as docstrings.

There is a file for each namespace, and `common.toml` for parameters that mean the same everywhere.  In a namespace, `[parameter]`
holds for all of it, `[within."..."]` for one object and those inside, and what a method says of its own goes before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..layout import read_table

FOLDER = Path(__file__).parent
COMMON = "common"


class Docs:
    """One-line descriptions, in our own words."""

    def __init__(self, tables: Mapping[str, dict[str, Any]]) -> None:
        self.resources: dict[str, str] = {}
        self.methods: dict[str, str] = {}
        self.parameters: dict[str, dict[str, str]] = {}  # by call, by object, or under "common"
        self.like: dict[str, str] = {}  # object or method -> the one whose words about parameters hold for it too
        for namespace, table in tables.items():
            self._add(namespace, table)

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Docs:
        """Read the committed descriptions."""
        return cls({path.stem: read_table(path) for path in sorted(folder.glob("*.toml"))})

    def _add(self, namespace: str, table: dict[str, Any]) -> None:
        entries: dict[str, dict[str, Any]] = table.get("method", {})
        for name in (*table.get("resource", {}), *table.get("within", {}), *entries):
            if name.partition(".")[0] != namespace:
                raise ValueError(f"{name} is described in docs/{namespace}.toml: its file is {_file(name)}")
        self.resources.update(table.get("resource", {}))
        self.methods.update({call: entry["text"] for call, entry in entries.items() if "text" in entry})
        self.like.update(table.get("like", {}))
        self.parameters[namespace] = table.get("parameter", {})
        self.parameters.update(table.get("within", {}))
        self.parameters.update({call: entry.get("parameter", {}) for call, entry in entries.items()})

    # ------------------------------------------------------------------------------------------------- docstrings
    def resource(self, path: str) -> str:
        """Return the sentence about an object of the client. LookupError names one that has none."""
        if path not in self.resources:
            raise LookupError(f"{_file(path)} says nothing about the object {path}")
        return self.resources[path]

    def method(self, call: str, parameters: Iterable[str]) -> str:
        """Return the docstring of a method, with a line for each parameter that has one. LookupError names a method without words."""
        if call not in self.methods:
            raise LookupError(f"{_file(call)} says nothing about the method {call}")
        rows = [f"            {name}: {words}" for name in parameters if (words := self.parameter(call, name))]
        if not rows:
            return f'        """{self.methods[call]}"""\n'
        return f'        """{self.methods[call]}\n\n        Args:\n' + "\n".join(rows) + '\n        """\n'

    def parameter(self, call: str, name: str) -> str:
        """Return the words about a parameter, "" where there are none: the method's own go before those of the objects around it."""
        places: list[str] = []
        for place in _outwards(call):
            places += [place, *_outwards(self.like[place] + call.removeprefix(place))] if place in self.like else [place]
        return next((self.parameters[p][name] for p in (*places, COMMON) if name in self.parameters.get(p, {})), "")

    # ----------------------------------------------------------------------------------------------------- guard
    def check(self, methods: Mapping[str, Iterable[str]]) -> None:
        """Compare with the methods that exist, given as call -> parameters: LookupError names words about what does not."""
        strange = [*self._strange(methods)]
        if strange:
            raise LookupError("described but not there:\n" + "\n".join(strange))

    def _strange(self, methods: Mapping[str, Iterable[str]]) -> Iterator[str]:
        known = {call: set(parameters) for call, parameters in methods.items()}
        objects = {path for call in known for path in _outwards(call)[1:]}
        yield from [f"{_file(path)}: object {path}" for path in self.resources if path not in objects]
        yield from [f"{_file(call)}: method {call}" for call in self.methods if call not in known]
        yield from [
            f"{_file(here)}: {here}, that is said to be like {there}"
            for here, there in self.like.items()
            if not {here, there} <= objects and not {here, there} <= known.keys()
        ]
        for place, words in self.parameters.items():
            there = {name for call in known if place == COMMON or f"{call}.".startswith(f"{place}.") for name in known[call]}
            yield from [f"{_file(place)}: parameter {name} of {place}" for name in words if name not in there]


def _file(name: str) -> str:
    return f"tools/sync/docs/{name.partition('.')[0]}.toml"


def _outwards(path: str) -> list[str]:
    """ "chat.completions.create" -> itself, "chat.completions", "chat"."""
    return [path.rsplit(".", n)[0] if n else path for n in range(path.count(".") + 1)]
