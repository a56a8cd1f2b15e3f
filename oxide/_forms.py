"""Parameters as a form: which fields there are, how nested ones are named, and where the files go.

Names are `k[sub]` for objects and `k[]` for arrays; fields go first, in the order given, files behind them.
"""

from __future__ import annotations

import os

from ._files import is_file, part_of
from ._json import encode
from ._models._base import plain
from ._omit import omit
from ._protocol.multipart import Multipart, Part
from ._typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["encode_form"]

JSON = "application/json"

DEPTH = 64
"""Levels of nesting; a value that contains itself has no end."""


def encode_form(
    values: dict[str, Any], files: Sequence[str], parts: Mapping[str, str], optional: bool = False
) -> tuple[bytes | Multipart, str]:
    """Return a body and its content type.

    Args:
        values: the parameters by name; taken apart.
        files: names of those that carry a file, or a list of them.
        parts: names of those that are one part each, with its content type: text, or JSON. A text that is alone is the whole body.
        optional: send JSON where no file was given.

    Raises:
        TypeError: a value can be no file, or no field of a form.
        OSError: there is no file at a path.
        ValueError: a name or header field cannot be sent.
    """
    sent = [part for name in files if name in values and _holds_files(values[name]) for part in _file_parts(name, values.pop(name))]
    if optional and not sent:
        return encode(values), JSON
    if len(values) == 1 and not sent and (alone := next(iter(values))) in parts and parts[alone] != JSON:
        return _text(alone, values[alone]).encode(), parts[alone]
    whole = [(name, kind, values.pop(name)) for name, kind in parts.items() if name in values]
    form = [Part(name, text) for name, texts in _grouped(values.items()).items() for text in texts]
    form += sent
    form += [Part(name, encode(value) if kind == JSON else _text(name, value), content_type=kind) for name, kind, value in whole]
    body = Multipart(form, os.urandom(16).hex())
    return body if body.contents else b"".join(map(_as_bytes, body.segments())), body.content_type


def _as_bytes(segment: object) -> bytes:
    return cast("bytes", segment)  # where there is no content to be opened


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def _holds_files(value: object) -> bool:
    """Whether a value is a file, files, or none, rather than an object by its fields."""
    return value is None or isinstance(value, list) or is_file(value)


def _file_parts(name: str, value: object) -> list[Part]:
    if isinstance(value, list):
        return [part_of(f"{name}[]", each) for each in cast("list[object]", value)]  # of whatever the caller put in
    return [] if value is None else [part_of(name, value)]


def _grouped(fields: Iterable[tuple[str, object]]) -> dict[str, list[str]]:
    """Return the texts of each field: those of one name stand together."""
    grouped: dict[str, list[str]] = {}
    for name, text in _flat(fields, DEPTH):
        grouped.setdefault(name, []).append(text)
    return grouped


def _flat(fields: Iterable[tuple[str, object]], depth: int) -> Iterator[tuple[str, str]]:
    if not depth:
        raise ValueError("a value is nested too deeply to be sent in a form, or contains itself")
    for name, value in fields:
        if value is None or value is omit:
            continue
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif isinstance(value, (str, int, float)):
            yield name, _primitive(value)
        elif isinstance(value, dict):
            inner = cast("dict[object, object]", value)  # of any keys and values
            yield from _flat([(f"{name}[{key}]", each) for key, each in inner.items()], depth - 1)
        elif isinstance(value, (list, tuple, set, frozenset)):
            yield from _flat([(f"{name}[]", each) for each in cast("list[object]", value)], depth - 1)  # of any items
        else:
            yield from _flat([(name, _plain(name, value))], depth - 1)


def _primitive(value: float | str) -> str:
    """Return the text of a value; of a member of an enum, that of what it stands for."""
    if isinstance(value, str):
        return str.__str__(value)
    return int.__repr__(value) if isinstance(value, int) else float.__repr__(value)


def _plain(name: str, value: object) -> object:
    try:
        return plain(value)
    except TypeError:
        raise TypeError(f"{name}: a {type(value).__name__} cannot be a field of a form") from None
