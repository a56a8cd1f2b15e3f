"""Every name that the official types export is in `oxide.types`: the same kind of thing, with the same fields and members."""

from __future__ import annotations

import ast
import re
import sys
import typing
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, get_args, get_origin

import openai.types
import pytest
import typing_extensions
from openai._utils import PropertyInfo
from pydantic import BaseModel

from oxide._models._base import Record, Unknown, decoder
from oxide._models._shape import shape
from tools.sync.faces import shown
from tools.sync.facts import LITERAL, Facts, references
from tools.sync.layout import Layout, attribute, input_name, short
from tools.sync.models import Models

# Names of helpers, not of the API, by how they start: what is in their place.
OF_HELPERS = {
    "Parsed": "what `parse()` gives is written by hand, and compared in tests/structured/test_parse.py",
    "Reconnecting": "an event of the official WebSocket connections",
    "SyncWebSocketConnectionOptions": "options of the official WebSocket connections",
    "WebSocketConnectionOptions": "options of the official WebSocket connections",
    "WebsocketConnectionOptions": "options of the official WebSocket connections",
}


# ---------------------------------------------------------------------------------------------- the official names
def packages(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for module in iter_modules(package.__path__):
        if module.ispkg:
            yield from packages(import_module(f"{package.__name__}.{module.name}"))


def exported() -> Iterator[tuple[str, Any]]:
    """Yield "responses.Response" and what it is."""
    for package in packages(openai.types):
        for name, value in vars(package).items():
            if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations":
                yield f"{package.__name__}.{name}".removeprefix("openai.types."), value


FACTS, LAYOUT = Facts.read(), Layout.read()
SHOWN = shown(Models(FACTS, LAYOUT))
OFFICIAL = {name: value for name, value in exported() if not name.rpartition(".")[2].startswith(tuple(OF_HELPERS))}


def ours(name: str) -> Any:
    face, _, last = name.rpartition(".")
    return getattr(import_module(f"oxide.types.{face}".rstrip(".")), last)


def ours_or_none(name: str) -> Any:
    try:
        return ours(name)
    except (ImportError, AttributeError):
        return None


def is_dictionary(value: Any) -> bool:
    return typing_extensions.is_typeddict(value)


def kind(value: Any) -> str:
    if isinstance(value, type) and issubclass(value, (BaseModel, Record)):
        return "record"
    return "dictionary" if is_dictionary(value) else "alias"


# ------------------------------------------------------------------------------------------------------- the names
def test_the_official_library_has_the_names_that_are_looked_for() -> None:
    assert len(OFFICIAL) > 1_700
    assert {
        "responses.Response",
        "responses.ResponseCreateParams",
        "ChatModel",
        "shared_params.Reasoning",
        "live.ServerEvent",
    } < OFFICIAL.keys()


def test_every_official_name_is_there() -> None:
    missing: list[str] = []
    for name in OFFICIAL:
        try:
            ours(name)
        except (ImportError, AttributeError):
            missing.append(name)
    assert missing == []


def test_every_name_means_what_it_means_there() -> None:
    pairs = {name: (kind(value), kind(ours(name))) for name, value in OFFICIAL.items()}
    odd = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    # There, parameters of a method are a union where dictionaries differ in `stream`; here where a field decides about others.
    assert {name for name, pair in odd.items() if not name.endswith("Params") or "record" in pair} == set()


def test_names_of_helpers_are_written_by_hand_or_not_promised() -> None:
    by_hand = {name for names in LAYOUT.by_hand.values() for name in names}
    there = {name for name, _ in exported() if name not in OFFICIAL and ours_or_none(name) is not None}
    assert there <= by_hand
    assert {name for name in by_hand if short(name).startswith("Parsed")} <= there


@pytest.mark.parametrize(
    ("second", "first"),
    [
        ("EvalCreateResponse", "EvalListResponse"),
        ("ChatModel", "shared.ChatModel"),
        ("shared_params.Reasoning", "shared.ReasoningParam"),
        ("chat.ChatCompletionToolParam", "chat.ChatCompletionFunctionToolParam"),
        ("conversations.InputTextContent", "responses.ResponseInputText"),
    ],
)
def test_a_second_name_is_the_same_thing(second: str, first: str) -> None:
    assert ours(second) is ours(first) or ours(second) == ours(first)
    face, _, last = second.rpartition(".")
    module = sys.modules[f"oxide.types.{face}".rstrip(".")]
    assert last in module.__all__
    assert last in dir(module)


def test_what_a_method_returns_is_what_its_official_name_says() -> None:
    from oxide.resources.evals import Evals
    from oxide.types import EvalCreateResponse

    assert str(Evals.create.__annotations__["return"]).rpartition(".")[2] == EvalCreateResponse.__name__


# ------------------------------------------------------------------------------------------------------- the fields
def official_fields(value: Any) -> set[str]:
    if not is_dictionary(value):
        return {field.alias or name for name, field in value.model_fields.items()}
    names = {name: wire_name(name, hint) for name, hint in hints(value).items()}
    keys = {name if "-" in key else key for name, key in names.items()}  # headers: by keyword
    return keys - {"idempotency_key"}  # an option of every method


def wire_name(name: str, hint: Any) -> str:
    """Return the JSON key of a field of a dictionary: `Annotated[..., PropertyInfo(alias="in")]`, inside or outside of `Required`."""
    while True:
        if get_origin(hint) in (typing_extensions.Required, typing_extensions.NotRequired):
            hint = get_args(hint)[0]
        elif hasattr(hint, "__metadata__"):
            known = [part.alias for part in hint.__metadata__ if isinstance(part, PropertyInfo) and part.alias]
            if known:
                return str(known[0])
            hint = hint.__origin__
        else:
            return name


def our_fields(value: Any) -> set[str]:
    return set(value.__annotations__ if is_dictionary(value) else shape(value).types)


def test_every_official_field_is_there() -> None:
    known = {name: value for name, value in OFFICIAL.items() if kind(value) != "alias" and kind(ours(name)) != "alias"}
    assert len(known) > 1_300
    lost = {name: official_fields(value) - our_fields(ours(name)) for name, value in known.items()}
    assert {name: fields for name, fields in lost.items() if fields} == {}


# ------------------------------------------------------------------------------------------------------ the values
def values(annotation: Any) -> set[str]:
    """Return the strings of the enums in an annotation, those of the objects that it names left out."""
    if get_origin(annotation) is typing.Literal:
        return {value for value in get_args(annotation) if isinstance(value, str)}
    if kind(annotation) != "alias":
        return set()
    return set[str]().union(
        *[values(part) for part in (getattr(annotation, "__origin__", None), *get_args(annotation)) if part is not None]
    )


def known_values(text: str) -> set[str] | None:
    """Return the strings of the enums in a type expression, None where any string is allowed."""
    found = {value for literal in LITERAL.findall(text) for value in ast.literal_eval(literal.removeprefix("Literal"))}
    inner = [known_values(FACTS.types[name]["is"]) for name in references(text) if "is" in FACTS.types[name]]
    is_open = "str" in re.findall(r"\w+", LITERAL.sub("", text)) or None in inner
    return None if is_open else found.union(*[some for some in inner if some is not None])


def hints(value: Any) -> dict[str, Any]:
    if is_dictionary(value):
        return typing_extensions.get_type_hints(value, include_extras=True)
    return {info.alias or name: info.annotation for name, info in value.model_fields.items()}


def test_every_value_that_the_official_library_allows_is_allowed() -> None:
    where = {(LAYOUT.module(name), short(name)): name for name in FACTS.types}
    where |= {(LAYOUT.module(name) + "_params", input_name(name)): name for name in FACTS.types}
    compared = 0
    lost: dict[tuple[str, str], set[str]] = {}
    for name, value in OFFICIAL.items():
        fact = where.get(SHOWN.get(name, ("", "")))
        if kind(value) == "alias" or fact is None or "fields" not in FACTS.types[fact]:
            continue
        fields = {key.rstrip("?"): text for key, text in FACTS.given_fields(fact).items()}
        for field, annotation in hints(value).items():
            known = known_values(fields[field]) if field in fields else None
            if known is not None:
                compared += 1
                if values(annotation) - known:
                    lost[name, field] = values(annotation) - known
    assert compared > 3_000
    assert lost == {}


# ------------------------------------------------------------------------------------------------------ the unions
def tagged(value: Any) -> tuple[str, tuple[Any, ...]] | None:
    """Return the tag of a union of records, and its members."""
    tags = [part.discriminator for part in getattr(value, "__metadata__", ()) if isinstance(part, PropertyInfo) and part.discriminator]
    return (str(tags[0]), get_args(value.__origin__)) if tags else None


def classes(members: tuple[Any, ...]) -> Iterator[type[BaseModel]]:
    """Yield the records among the members of a union, and of the unions among them."""
    for member in members:
        if kind(member) == "record":
            yield member
        elif get_origin(member) is not typing.Literal:
            yield from classes(get_args(getattr(member, "__origin__", member)))


def literals(cls: type[BaseModel], field: str) -> tuple[Any, ...]:
    """Return the values that a field of an official class allows, () where it is no enum."""
    info = cls.model_fields.get(field)
    return get_args(info.annotation) if info and get_origin(info.annotation) is typing.Literal else ()


def minimal(cls: type[BaseModel]) -> dict[str, Any]:
    """Return an object with a value for every field that the class requires: a true one of enums, None of all others."""
    return {info.alias or name: (literals(cls, name) or (None,))[0] for name, info in cls.model_fields.items() if info.is_required()}


UNIONS = {name: found for name, value in OFFICIAL.items() if (found := tagged(value))}


def test_every_member_of_an_official_union_is_decoded() -> None:
    assert len(UNIONS) > 60
    assert {"live.ServerEvent", "live.ClientEvent", "beta.realtime.RealtimeServerEvent", "webhooks.UnwrapWebhookEvent"} < UNIONS.keys()
    lost: dict[str, list[str]] = {}
    for name, (tag, members) in UNIONS.items():
        for cls in classes(members):
            for value in literals(cls, tag):
                decoded = decoder(".".join(SHOWN[name]))({**minimal(cls), tag: value})
                if isinstance(decoded, (Unknown, dict)):
                    lost.setdefault(name, []).append(f"{cls.__name__}: {value}")
    assert lost == {}


def test_events_are_decoded_to_the_records_of_their_names() -> None:
    for union in ("live.ServerEvent", "beta.realtime.RealtimeServerEvent", "realtime.RealtimeServerEvent", "webhooks.UnwrapWebhookEvent"):
        package = union.rpartition(".")[0]
        tag, members = UNIONS[union]
        for cls in classes(members):
            if OFFICIAL.get(f"{package}.{cls.__name__}") is cls:
                (value,) = get_args(cls.model_fields[tag].annotation)
                assert type(decoder(".".join(SHOWN[union]))({tag: value})) is ours(f"{package}.{cls.__name__}")


# ------------------------------------------------------------------------------------------------ parameters, by name
def test_dictionaries_of_parameters_are_what_methods_take_by_name() -> None:
    calls = FACTS.calls()
    for name, call in FACTS.params.items():
        parameters = FACTS.parameters(calls[call][1])
        alone = [p.key for p in parameters if p.place == "path"][-1:]
        assert {attribute(key) for key in our_fields(ours(name))} == {LAYOUT.argument(p.key) for p in parameters} - set(alone)
