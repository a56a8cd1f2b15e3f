"""From JSON text to instances of a Python type, every value checked: what does not fit is told with its place, `$.steps[2].output`.

A type is compiled once to functions, one for each kind in it.  As in `_models`, parsed objects are fresh dictionaries that nobody
else holds, so an ordinary dataclass wears the dictionary it came in.
"""

from __future__ import annotations

from .._errors import StructureError
from .._json import decode
from .._typing import TYPE_CHECKING
from .compiling import Compiler
from .kinds import Foreign, kind_of, remember
from .leaves import Wrong
from .schema import WRAPPED, is_wrapped

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, overload

    from .kinds import Kind

    T = TypeVar("T")
    Read = Callable[[Any], Any]

__all__ = ["decode_as", "decoder_for", "parse_json", "read_as"]

_compiled: dict[Any, tuple[Kind, Read]] = {}


if TYPE_CHECKING:

    @overload
    def decode_as(hint: type[T], text: str) -> T: ...
    @overload
    def decode_as(hint: object, text: str) -> Any: ...


def decode_as(hint: Any, text: str) -> Any:
    """Decode a JSON text that follows `strict_schema(hint)` to an instance of the type.

    Null in place of a field that has a default gives the default; unknown keys are passed over. What is no object may come bare or
    as the key `value` of one. A JSON schema gives plain data; pydantic models and msgspec structs are decoded by their libraries.

    Raises:
        StructureError: the text is no JSON, or not of this type; the message says where.
        TypeError: the type is nothing that can be decoded.
    """
    return decoder_for(hint)(text)


def decoder_for(hint: Any) -> Callable[[str], Any]:
    """Return the function that decodes texts as `decode_as` does."""
    if isinstance(hint, dict):
        return parse_json
    kind = kind_of(hint)
    if isinstance(kind, Foreign) and not is_wrapped(kind):
        return kind.loads
    read = _read_of(hint, kind)
    return _unwrapping(read) if is_wrapped(kind) else lambda text: _checked(read, parse_json(text))


def read_as(kind: Kind, text: str) -> Any:
    """Decode a text to a value of a kind that no type stands for, as the arguments of a function. Raises StructureError."""
    return _checked(_read_of(kind, kind), parse_json(text))


def parse_json(text: str) -> Any:
    """Return the value of a JSON text. Raises StructureError."""
    try:
        return decode(text)
    except ValueError as problem:
        raise StructureError(f"the text is no JSON: {problem}", text=text) from None


def _unwrapping(read: Read) -> Callable[[str], Any]:
    def decode_text(text: str) -> Any:
        value = parse_json(text)
        wrapped = value.__class__ is dict and len(value) == 1 and WRAPPED in value
        return _checked(read, value[WRAPPED] if wrapped else value)

    return decode_text


def _checked(read: Read, value: Any) -> Any:
    try:
        return read(value)
    except Wrong as wrong:
        raise StructureError(f"{wrong.place}: {wrong.problem}", path=wrong.place) from wrong.__cause__
    except RecursionError:
        raise StructureError("the text is nested too deeply") from None


def _read_of(hint: Any, kind: Kind) -> Read:
    try:
        found = _compiled.get(hint)
    except TypeError:  # not hashable
        return Compiler().read(kind)
    if found is None or found[0] is not kind:
        found = kind, Compiler().read(kind)
        remember(_compiled, hint, found)
    return found[1]
