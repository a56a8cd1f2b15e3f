"""Types as they are read from an OpenAPI document, before they have names; how a union of them is put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast


@dataclass(frozen=True)
class Scalar:
    """A type of Python that stands for itself: str, int, float, bool, None, Any, or File for bytes in a form."""

    name: str


@dataclass(frozen=True)
class Values:
    """An enum: nothing but these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class ListOf:
    """A list."""

    item: Kind


@dataclass(frozen=True)
class MapOf:
    """An object whose keys are data."""

    value: Kind


@dataclass(frozen=True)
class Reference:
    """A schema of the document, by its name."""

    schema: str


@dataclass(frozen=True)
class Object:
    """An object with fields, by its place in the document."""

    place: str


@dataclass(frozen=True)
class Union:
    """One of several; `tag` is the property that tells which, where the document says so."""

    members: tuple[Kind, ...]
    tag: str | None = None


Kind: TypeAlias = "Scalar | Values | ListOf | MapOf | Reference | Object | Union"

ANY, NONE, STR, FILE = Scalar("Any"), Scalar("None"), Scalar("str"), Scalar("File")


@dataclass
class Property:
    """A field of an object."""

    kind: Kind
    required: bool = False
    default: Any = None
    deprecated: bool = False
    format: str | None = None


@dataclass
class Shape:
    """What is known about an object: its fields, and the type of the values of other keys, if those are allowed by a schema."""

    fields: dict[str, Property] = field(default_factory=dict[str, Property])
    rest: Kind | None = None


def union(kinds: Iterable[Kind], tag: str | None = None) -> Kind:
    """Join kinds: unions inside are opened, enums merged, repeats and lone members taken out; None goes last, as people write it."""
    given = list(kinds)
    if len(given) == 1 and isinstance(given[0], Union):
        tag = tag or given[0].tag
    flat: list[Kind] = []
    for kind in given:
        for part in kind.members if isinstance(kind, Union) else (kind,):
            _join(flat, part)
    if ANY in flat:
        return ANY
    if NONE in flat:
        flat.remove(NONE)
        flat.append(NONE)
    return flat[0] if len(flat) == 1 else Union(tuple(flat), tag)


def _join(flat: list[Kind], part: Kind) -> None:
    if isinstance(part, Values):
        for place, known in enumerate(flat):
            if isinstance(known, Values):
                flat[place] = Values(known.values + tuple(v for v in part.values if v not in known.values))
                return
    if part not in flat:
        flat.append(part)


def without_none(kind: Kind) -> Kind:
    """Return a kind that does not allow None."""
    return union([m for m in kind.members if m != NONE], kind.tag) if isinstance(kind, Union) else kind


def table(value: object) -> dict[str, Any] | None:
    """Return a JSON object as one, None for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None  # keys of JSON are strings
