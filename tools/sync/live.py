"""What the package offers, as a program finds it: methods by their signatures, records by their fields and by decoding, input types."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import Any

import oxide
from oxide._models._base import Record, Unknown, decoder
from oxide._models._shape import literals, shape

from .facts import LITERAL

MODELS = "oxide._models"
SCALARS = frozenset(("str", "int", "float", "bool", "File"))
_WORD = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Expression:
    """An annotation as it is found, and the module of models that it is read in."""

    text: str
    module: str = ""

    @property
    def values(self) -> set[object]:
        """The values of all enums in it."""
        return {value for found in LITERAL.findall(self.text) for value in ast.literal_eval(found.removeprefix("Literal"))}

    @property
    def scalars(self) -> set[str]:
        """The scalars that it allows, files among them."""
        words = {"File" if word in ("AsyncFileTypes", "FileTypes") else word for word in self._words}
        return words & SCALARS

    @property
    def names(self) -> set[tuple[str, str]]:
        """The types of the API that it names, as module and name; only those that are really there."""
        pairs = [word.rpartition(".") for word in self._words]
        return {(module or self.module, name) for module, _, name in pairs if found(module or self.module, name) is not None}

    @property
    def _words(self) -> list[str]:
        return _WORD.findall(LITERAL.sub("", self.text))


@cache
def found(module: str, name: str) -> Any:
    """Return what a module of models has under a name, None for nothing."""
    try:
        return vars(import_module(f"{MODELS}.{module}")).get(name) if module else None
    except ModuleNotFoundError:
        return None


# --------------------------------------------------------------------------------------------------------- methods
@cache
def clients() -> tuple[object, ...]:
    """Return a client of each kind; neither is ever used."""
    return oxide.Client(api_key="none"), oxide.AsyncClient(api_key="none")


@cache
def signatures(call: str) -> tuple[inspect.Signature, ...]:
    """Return the signatures of a method in both clients; none if one of them lacks it."""
    methods: list[Any] = list(clients())
    for word in call.split("."):
        methods = [getattr(value, word, None) for value in methods]
    return tuple([inspect.signature(method) for method in methods]) if None not in methods else ()


def parameters(call: str) -> dict[str, inspect.Parameter]:
    """Return the parameters of a method by name: those that are the same in both clients, but for how a file may be read."""
    known = signatures(call)
    if not known:
        return {}
    blocking, waiting = [signature.parameters for signature in known]
    return {name: parameter for name, parameter in blocking.items() if str(parameter) == str(waiting.get(name)).replace("AsyncF", "F")}


def annotation(parameter: inspect.Parameter) -> Expression:
    """Return what a parameter takes."""
    return Expression(str(parameter.annotation))


# ---------------------------------------------------------------------------------------------------------- models
@cache
def record_fields(module: str, name: str) -> dict[str, Expression]:
    """Return JSON key -> type of the fields of a record, as the dataclass and its decoder both know them."""
    cls = found(module, name)
    if not (isinstance(cls, type) and issubclass(cls, Record)):
        return {}
    about = shape(cls)
    declared = {about.attributes[field.name] for field in fields(cls)}  # type: ignore[arg-type]  # a dataclass, once it is asked
    return {key: Expression(text, here.rpartition(".")[2]) for key, (text, here) in about.types.items() if key in declared}


@cache
def input_fields(module: str, name: str) -> dict[str, Expression]:
    """Return key -> type of the keys of an input type."""
    cls = found(module, name)
    annotations: dict[str, Any] = getattr(cls, "__annotations__", {})
    return {key: Expression(getattr(value, "__forward_arg__", str(value)), module) for key, value in annotations.items()}


def alias(module: str, name: str) -> Expression | None:
    """Return what an alias stands for."""
    text = found(module, name)
    return Expression(text, module) if isinstance(text, str) else None


def decodes(module: str, union: str, member: tuple[str, str]) -> bool:
    """Tell whether an object of a member of a union is decoded as one by way of the union, or as another that it is just as well."""
    cls = found(*member)
    given = dict(sample(cls))
    decoded: object = decoder(f"{module}.{union}")(dict(given))
    if type(decoded) is cls or not isinstance(decoded, Record):
        return type(decoded) is cls
    return type(decoded) is not Unknown and dict(sample(type(decoded))).items() <= given.items()


def sample(cls: type[Record]) -> Iterator[tuple[str, Any]]:
    """Yield keys that make an object one of a class: enums with their first value, what else must be there with null."""
    about = shape(cls)
    for key, (text, module) in about.types.items():
        values = literals(text, module)
        required = any(about.attributes[name] == key for name in about.required)
        if key in about.constants or (values and (required or len(values) == 1)):
            yield key, about.constants[key] if key in about.constants else values[0] if values else None
        elif required:
            yield key, None
