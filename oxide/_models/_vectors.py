"""Vectors: the numbers of an embedding that came in base64, in four bytes each as they travelled."""

from __future__ import annotations

import sys
from array import array

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from typing_extensions import Self

    Floats = array[float]
else:
    Floats = array

__all__ = ["Vector", "vector"]


_item: Callable[[Any, Any], Any] = getattr(array, "__getitem__")  # noqa: B009 - its type says nothing to checkers


class Vector(Floats):
    """A sequence of floats that behaves like a list of them; `memoryview` and numpy see its memory without a copy."""

    __slots__ = ()
    __hash__ = None  # mutable, as lists are

    if TYPE_CHECKING:  # the stubs of `array` forget the subclass

        def __new__(cls, code: str, values: Iterable[float] = ..., /) -> Self: ...

    def __getitem__(self, index: Any) -> Any:
        found = _item(self, index)
        return found if found.__class__ is float else Vector("f", found)

    def __eq__(self, other: object) -> bool:
        return self.tolist() == other if isinstance(other, list) else super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __copy__(self) -> Self:
        return type(self)("f", self)

    def __deepcopy__(self, _seen: object) -> Self:
        return type(self)("f", self)

    def __repr__(self) -> str:
        return repr(self.tolist()) if len(self) < 6 else f"<{len(self)} floats: {', '.join(map(str, self.tolist()[:3]))}, ...>"


def vector(text: str) -> Vector | str:
    """Return the numbers of a text in base64 (little-endian, four bytes each), or the text if it is something else."""
    from binascii import a2b_base64

    numbers = Vector("f")
    try:
        numbers.frombytes(a2b_base64(text))
    except ValueError:  # no base64, or a number cut in two
        return text
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
