"""Names that annotations need, without importing `typing` at run time (8 ms of a cold start).

A checker sees the real `typing` objects; at run time they are empty stand-ins, good enough for base classes and subscripts.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as Any
    from typing import Generic as Generic
    from typing import Protocol as Protocol
    from typing import TypeVar as TypeVar
    from typing import cast as cast
else:

    class Generic:
        """Stands in for `typing.Generic`: subscripting gives the class itself."""

        __slots__ = ()

        def __class_getitem__(cls, _parameters):
            return cls

    class Protocol(Generic):
        """Stands in for `typing.Protocol`."""

        __slots__ = ()

    class Any:
        """Stands in for `typing.Any`."""

    def TypeVar(name, *_constraints, **_options):  # noqa: N802 - the name that checkers know
        """Stand in for `typing.TypeVar`."""
        return name

    def cast(_type, value):
        """Return `value`, as `typing.cast` does."""
        return value


__all__ = ["TYPE_CHECKING", "Any", "Generic", "Protocol", "TypeVar", "cast"]
