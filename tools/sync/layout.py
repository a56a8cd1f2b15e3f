"""Where things go: which module a type is written in, what its names are, which class stands behind it."""

from __future__ import annotations

import keyword
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMMON = "common"  # the module of types that have no package and that no family names, as new ones
RECORD_NAMES = frozenset(
    ("extra", "from_dict", "http", "model_dump", "model_dump_json", "to_dict", "to_json")
)  # names of `Record` that no field may hide


class Layout:
    """What `layout.toml` says."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.resource_modules: list[str] = table["resource_modules"]
        self.families: list[dict[str, Any]] = table["family"]
        self.arguments: dict[str, str] = table.get("argument", {})
        self.aliases: dict[str, str] = table.get("alias", {})
        self.deprecated: dict[str, str] = table.get("deprecated", {})
        self.helpers: dict[str, str] = table.get("resource", {})
        self.derived: list[dict[str, Any]] = table.get("derived", [])
        self.apart: list[str] = table.get("derived_apart", [])
        self.resumable: list[str] = table.get("resumable", [])
        self.records: dict[str, dict[str, Any]] = table.get("record", {})
        self.by_hand: dict[str, list[str]] = table.get("by_hand", {})
        self.operations: dict[str, str] = table.get("operation", {})
        self.taken: dict[str, list[str]] = table.get("taken", {})
        self.send_back: dict[str, list[str]] = table.get("send_back", {})
        self.secrets: dict[str, list[str]] = table.get("secret", {})
        self._modules: dict[str, str] = {}  # what `module` found

    @classmethod
    def read(cls, path: Path = HERE / "layout.toml") -> Layout:
        """Read the committed layout."""
        return cls(read_table(path))

    def module(self, name: str) -> str:
        """Return the module of `oxide._models` that a type is written in."""
        if name not in self._modules:
            self._modules[name] = self._module(name)
        return self._modules[name]

    def _module(self, name: str) -> str:
        package, _, last = name.rpartition(".")
        for family in self.families:
            if family["package"] == package and any(fnmatchcase(last, pattern) for pattern in family["names"]):
                module: str = family["module"]
                return module
        return package.replace(".", "_") or COMMON

    def resource_module(self, path: str) -> str:
        """Return the path of the object whose module holds another: "beta.threads.runs" -> "beta.threads"."""
        return max((p for p in (*self.resource_modules, path.partition(".")[0]) if f"{path}.".startswith(f"{p}.")), key=len)

    def face(self, name: str) -> str:
        """Return the module of `oxide.types` that shows a type, dotted; "" for `oxide.types` itself."""
        return name.rpartition(".")[0]

    def argument(self, key: str) -> str:
        """Return the Python name of a parameter."""
        return self.arguments.get(key) or attribute(key)

    def instead(self, call: str) -> str:
        """Return what to use in place of a deprecated method, "" where there is nothing."""
        return next((text for start, text in self.deprecated.items() if f"{call}.".startswith(f"{start}.")), "")

    def base(self, name: str) -> str:
        """Return the class that a record derives from."""
        base: str = self.records.get(name, {}).get("base", "Record")
        return base

    def left_out(self, name: str) -> list[str]:
        """Return the fields that hand-written behaviour provides."""
        fields: list[str] = self.records.get(name, {}).get("leave_out", [])
        return fields


def read_table(path: Path) -> dict[str, Any]:
    """Read a TOML file. Only who writes code from the facts needs a reader for it, and gets it here."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    return tomllib.loads(path.read_text("utf-8"))


def short(name: str) -> str:
    """Return the last part of a dotted name."""
    return name.rpartition(".")[2]


def input_name(name: str) -> str:
    """Return the name of the input type of a type, as the official SDK forms it."""
    last = short(name)
    return last if last.endswith(("Param", "Params")) else last + "Param"


def attribute(key: str) -> str:
    """Return the Python name of a JSON key."""
    name = re.sub(r"\W", "_", key)
    return name + "_" if keyword.iskeyword(name) or name[0].isdigit() or name in RECORD_NAMES else name


def class_names(paths: list[str]) -> dict[str, str]:
    """Return the classes of the objects of one module: each by its last word, or by as many as tell it from the others.

    "turns.items" -> "Items"; beside "subagents.items" they are "TurnsItems" and "SubagentsItems".
    """
    found: dict[str, str] = {}
    for path in paths:
        words = path.split(".")
        length = next((n for n in range(1, len(words)) if sum(p.split(".")[-n:] == words[-n:] for p in paths) == 1), len(words))
        found[path] = "".join([part.capitalize() for word in words[-length:] for part in word.split("_")])
    return found
