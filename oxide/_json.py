"""JSON in and out: the one place to change the codec.

Where orjson is installed (the extra `fast`) it decodes; what it refuses, NaN say, the standard library has the last word on.  Integers
beyond 64 bits, which the API does not send, become floats then.
"""

from __future__ import annotations

import json
import json.encoder

from ._typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["as_object", "decode", "encode", "plain_with"]


def _refuse(value: object) -> object:
    raise TypeError(f"cannot send a {type(value).__name__} as JSON")


_plain: Callable[[object], object] = _refuse


def plain_with(function: Callable[[object], object]) -> None:
    """Let `function` turn what JSON does not know into what it knows (it raises TypeError for the rest)."""
    global _plain
    _plain = function


def _plain_late(value: object) -> object:
    return _plain(value)


# ASCII with the default separators is 1.5 times as fast as compact UTF-8 on large bodies; a cycle shows as RecursionError.
_encoder = json.JSONEncoder(check_circular=False, allow_nan=False, default=_plain_late)
_make_chunks: Any = getattr(json.encoder, "c_make_encoder", None)  # `JSONEncoder.encode` would make this anew for every value
_chunks: Any = _make_chunks and _make_chunks(None, _plain_late, json.encoder.encode_basestring_ascii, None, ": ", ", ", False, False, False)
_decoder: Any = json.JSONDecoder()
_scan: Callable[[str, int], tuple[object, int]] = _decoder.scan_once  # without the search for white space around it


def _find_fast() -> Callable[[bytes | str], object] | None:
    try:
        orjson: Any = __import__("orjson")
    except ImportError:
        return None
    loads: Callable[[bytes | str], object] = orjson.loads
    return loads


_loads = _find_fast()


def encode(value: object) -> bytes:
    """Return `value` as JSON bytes.

    Raises:
        TypeError: something in it cannot be sent as JSON.
        ValueError: a float is not finite, or the value contains itself.
    """
    try:
        text = "".join(_chunks(value, 0)) if _chunks else _encoder.encode(value)
        return text.encode()
    except TypeError as problem:
        raise TypeError(f"{_place(value, '') or 'the body'}: {problem}") from None
    except RecursionError:
        raise ValueError("the value is nested too deeply to be sent as JSON, or contains itself") from None


def _place(value: Any, path: str) -> str | None:
    """Return where in a value the first thing stands that cannot be sent, None if there is none (an iterator may have been used up)."""
    if value is None or isinstance(value, (str, int, float)):
        return None
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()  # of any keys and values
        if any(not isinstance(key, (str, int, float, type(None))) for key, _ in pairs):
            return path
        return _first([(inner, f"{path}.{key}" if path else str(key)) for key, inner in pairs])
    if isinstance(value, (list, tuple)):
        return _first([(inner, f"{path}[{i}]") for i, inner in enumerate(cast("list[object]", value))])  # of any items
    try:
        inner = _plain(value)
    except TypeError:
        return path
    return _place(inner, path)


def _first(places: list[tuple[object, str]]) -> str | None:
    return next((found for inner, path in places if (found := _place(inner, path)) is not None), None)


def decode(data: bytes | str) -> object:
    """Return the value of a JSON document. Raises ValueError for anything else, too deep a document included."""
    if _loads is not None:
        try:
            return _loads(data)
        except ValueError:
            pass  # perhaps only to orjson: the standard library tells what is wrong
    text = data if isinstance(data, str) else str(data, "utf-8")
    try:
        value, end = _scan(text, 0)
        if end == len(text) or not text[end:].strip(" \t\r\n"):
            return value
    except StopIteration:
        pass  # white space or a byte order mark in front, or no JSON at all: the slow way tells
    except RecursionError:
        raise _too_deep() from None
    return _decode_slowly(text)


def _decode_slowly(text: str) -> object:
    try:
        value: object = json.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise _too_deep() from None
    return value


def _too_deep() -> ValueError:
    return ValueError("the JSON document is nested too deeply")


def as_object(value: object) -> dict[str, Any] | None:
    """Return a parsed value that is a JSON object as the dictionary it is, None for any other."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None  # JSON has no other keys than strings
