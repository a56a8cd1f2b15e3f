"""How a module of `oxide.types` loads its names: each when it is first touched, from the module that holds it."""

from __future__ import annotations

import sys

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["open_face"]

_MODELS = __name__.rpartition(".types.")[0] + "._models."


def open_face(face: str, places: dict[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for the module `face`; `places` maps a module of the models to names in it.

    "Name=Other" shows as `Name` what the module calls `Other`. Names of the module "" are modules inside the face.
    """
    table = {word.partition("=")[0]: (module, word.rpartition("=")[2]) for module, words in places.items() for word in words.split()}

    def load(name: str) -> object:
        if name not in table:
            raise AttributeError(f"module {face!r} has no attribute {name!r}")
        module, held = table[name]
        if not module:
            __import__(f"{face}.{name}")
            return sys.modules[f"{face}.{name}"]
        value = _load(module, held)
        setattr(sys.modules[face], name, value)
        return value

    return load, lambda: sorted({*vars(sys.modules[face]), *table})


def _load(module: str, name: str) -> object:
    __import__(_MODELS + module)
    value = sys.modules[_MODELS + module].__dict__[name]
    return _union(value, module) if isinstance(value, str) else value


def _union(text: str, module: str) -> object:
    """Return a real type for an alias, which the models keep as a string."""
    import collections.abc
    import typing

    names = {"Any": typing.Any, "Literal": typing.Literal, "Union": typing.Union}
    names |= {name: getattr(collections.abc, name) for name in ("Iterable", "Mapping", "Sequence")}
    return eval(text.strip().replace("\n", " "), {}, _Names(module, names))  # our own text, from a generated module


class _Names(dict[str, "Any"]):
    """What the words of an alias mean: modules of the models, and the names of its own."""

    def __init__(self, module: str, names: dict[str, Any]) -> None:
        super().__init__(names)
        self.module = module

    def __missing__(self, name: str) -> object:
        if hasattr(__builtins__, name) or name in ("str", "int", "float", "bool", "list", "dict"):
            raise KeyError(name)
        __import__(_MODELS + self.module)
        if name in sys.modules[_MODELS + self.module].__dict__:
            return _load(self.module, name)
        return _Module(name)


class _Module:
    """A module of the models, seen from an alias."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __getattr__(self, name: str) -> object:
        return _load(self.module, name)
