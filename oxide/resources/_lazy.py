"""How a client comes to its namespaces: the module of one is imported, and its object made, when it is first touched."""

from __future__ import annotations

from .._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, overload

    from typing_extensions import Self

__all__ = ["Views", "resource"]

R = TypeVar("R")


class resource(Generic[R]):  # noqa: N801 - used as a decorator
    """A namespace of the API: the decorated function makes it once for each client."""

    def __init__(self, make: Callable[[Any], R]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    if TYPE_CHECKING:

        @overload
        def __get__(self, client: None, owner: type) -> Self: ...
        @overload
        def __get__(self, client: object, owner: type) -> R: ...

    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self
        # From now on the object is found among the client's own attributes, before this is asked. Of two threads one is first.
        return client.__dict__.setdefault(self._name, self._make(client))


class Views:
    """What calls through a caller can call through another one, which gives raw answers; checkers see the exact types of each."""

    _waiting = False  # whether the calls are awaited

    if not TYPE_CHECKING:

        @property
        def with_raw_response(self):
            """The same methods, which return a `RawResponse`: its `parse()` returns what they return here."""
            from .._raw_callers import RawCaller

            return self._over(RawCaller(self._caller, self._waiting))

        @property
        def with_streaming_response(self):
            """The same methods, which return a context manager: it gives an answer whose body is read as it comes."""
            from .._raw_callers import StreamingCaller, entered

            view = self._over(StreamingCaller(self._caller, self._waiting))
            return entered(view) if self._waiting else view
