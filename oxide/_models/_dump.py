"""Records as plain dictionaries, lists and JSON text: what `to_dict`, `model_dump` and their kin are made of."""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from ._shape import Shaped, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["chosen", "copied", "dump", "text"]


def copied(value: Any) -> Any:
    """Return a deep copy of JSON-like data, with records turned into dictionaries."""
    if isinstance(value, Shaped):
        value = value.__dict__
    if value.__class__ is dict:
        return {k: copied(v) for k, v in value.items()}
    if value.__class__ is list or value.__class__ is tuple:
        return [copied(v) for v in value]
    return value.tolist() if hasattr(value.__class__, "tolist") else value


def dump(record: Shaped, use_api_names: bool, exclude_unset: bool, exclude_defaults: bool, exclude_none: bool) -> dict[str, Any]:
    """Return a record and all inside it as dictionaries and lists."""
    if use_api_names and exclude_unset and not exclude_defaults and not exclude_none:
        whole: dict[str, Any] = copied(record)
        return whole

    def value_of(value: Any) -> Any:
        if isinstance(value, Shaped):
            return fields_of(value)
        if value.__class__ is dict:
            return {k: value_of(v) for k, v in value.items()}
        if value.__class__ is list or value.__class__ is tuple:
            return [value_of(v) for v in value]
        return copied(value)

    def fields_of(record: Shaped) -> dict[str, Any]:
        about, cls = shape(type(record)), type(record)
        names = {} if use_api_names else {key: name for name, key in about.attributes.items()}
        values = record.__dict__ if exclude_unset else {**dict.fromkeys(about.types), **about.constants, **record.__dict__}
        if exclude_defaults:
            optional = {about.attributes[n]: getattr(cls, n) for n in about.attributes if n not in about.required}
            values = {k: v for k, v in values.items() if k not in optional or v != optional[k]}
        return {names.get(k, k): value_of(v) for k, v in values.items() if v is not None or not exclude_none}

    return fields_of(record)


def chosen(values: dict[str, Any], include: Iterable[str] | None, exclude: Iterable[str] | None) -> dict[str, Any]:
    """Return the entries whose keys are wanted."""
    wanted = None if include is None else set(include)
    unwanted = set(exclude or ())
    return {k: v for k, v in values.items() if (wanted is None or k in wanted) and k not in unwanted}


def text(values: dict[str, Any], indent: int | None, plain: Callable[[object], object]) -> str:
    """Return JSON text: on one line without spaces, or indented. `plain` turns what JSON does not know into what it knows."""
    from json import dumps

    return dumps(values, ensure_ascii=False, indent=indent, separators=(",", ":") if indent is None else None, default=plain)
