"""What all resources are: objects of a client that hand an operation and its arguments to their caller.

A method takes its arguments by name, so a name that it does not know ends in a TypeError. Python 3.13 and later tell which
name was probably meant; on earlier versions the thin wrapper here does.
"""

from __future__ import annotations

import sys

from .._deprecated import COROUTINE, dressed, warning
from .._typing import TYPE_CHECKING
from ._lazy import Views

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from typing import Any, ParamSpec, TypeAlias, TypeVar

    from .._caller import AsyncCaller, Caller
    from .._omit import Omit
    from .._raw import RawResponse
    from .._streamed import AsyncStreamingOpening, StreamingOpening

    Headers: TypeAlias = Mapping[str, "str | Omit"]
    Query: TypeAlias = Mapping[str, object]
    Body: TypeAlias = object

    P = ParamSpec("P")
    R = TypeVar("R")

    # How the methods look behind `with_raw_response` and `with_streaming_response`.
    def raw_call(method: Callable[P, R]) -> Callable[P, RawResponse[R]]: ...
    def raw_coroutine(method: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, RawResponse[R]]]: ...
    def streamed_call(method: Callable[P, R]) -> Callable[P, StreamingOpening[R]]: ...
    def streamed_coroutine(method: Callable[P, Awaitable[R]]) -> Callable[P, AsyncStreamingOpening[R]]: ...


__all__ = ["AsyncResource", "Resource"]


class Resource(Views):
    """An object of a blocking client. Its methods take, besides what the API defines:

    Args:
        extra_headers: header fields for this call; `omit` as a value takes a default field away.
        extra_query: more query parameters for this call.
        extra_body: more keys for the body of this call.
        timeout: seconds that each wait of this call may take, or a `Timeout`.
        max_retries: how often this call is tried again.
        idempotency_key: the Idempotency-Key of this call, in place of a random one.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def _over(self, caller: Any) -> Resource:
        return type(self)(caller)

    if sys.version_info < (3, 13):

        def __init_subclass__(cls, **options: Any) -> None:
            super().__init_subclass__(**options)
            _suggest_names(cls)


class AsyncResource(Views):
    """An object of an asyncio client. Its methods take the same as those of `Resource`."""

    _waiting = True

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def _over(self, caller: Any) -> AsyncResource:
        return type(self)(caller)

    if sys.version_info < (3, 13):

        def __init_subclass__(cls, **options: Any) -> None:
            super().__init_subclass__(**options)
            _suggest_names(cls)


def _suggest_names(cls: type) -> None:
    for name, function in list(cls.__dict__.items()):
        if name[0] != "_" and hasattr(function, "__code__"):
            message = getattr(function, "__deprecated__", "")
            setattr(cls, name, warning(_suggesting(function.__wrapped__), message) if message else _suggesting(function))


def _suggesting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method so that a misspelt argument name ends in an error that knows the right one."""

    async def wait(self: object, /, *rest: Any, **named: Any) -> Any:
        try:
            return await (function(self, *rest, **named) if rest else function(self, **named))
        except TypeError as error:
            if better := _explained(error, function, named):
                raise better from None
            raise

    def call(self: object, /, *rest: Any, **named: Any) -> Any:
        try:
            return function(self, *rest, **named) if rest else function(self, **named)  # the latter is quicker by half
        except TypeError as error:
            if better := _explained(error, function, named):
                raise better from None
            raise

    return dressed(wait if function.__code__.co_flags & COROUTINE else call, function)


def _explained(error: TypeError, function: Callable[..., Any], named: dict[str, Any]) -> TypeError | None:
    """Return a better error if the call itself failed for a name: then the traceback ends in the wrapper."""
    code = function.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    unknown = next((name for name in named if name not in known), None)
    if unknown is None or error.__traceback__ is None or error.__traceback__.tb_next is not None:
        return None
    from difflib import get_close_matches

    close = get_close_matches(unknown, known, 1)
    hint = f". Did you mean {close[0]!r}?" if close else ""
    return TypeError(f"{function.__name__}() got an unexpected keyword argument {unknown!r}{hint}")
