"""Functions for calls that are made on speculation: `hedged_request` sends one in several copies, `speculate` works before it may."""

from __future__ import annotations

import sys

from ._deprecated import COROUTINE
from ._errors import OxideError
from ._transport.base import Contest, run_now
from ._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from typing import Any, TypeAlias, overload

    from ._client import AsyncClient, Client
    from ._models.responses import Response
    from ._transport.base import Attempt, Backend

    Waiting: TypeAlias = "Awaitable[T] | Callable[[], Awaitable[T]]"

__all__ = ["RejectedError", "hedged_request", "hedged_request_n", "speculate"]

T = TypeVar("T")
C = TypeVar("C")
W = TypeVar("W")

MOST = 3
"""Copies of a call that `hedged_request_n` sends at the most."""

# -------------------------------------------------------------------------------------------------------- hedging
if TYPE_CHECKING:

    @overload
    def hedged_request(client: Client, request: Mapping[str, Any], delay: float | None = None) -> Response: ...
    @overload
    def hedged_request(client: AsyncClient, request: Mapping[str, Any], delay: float | None = None) -> Coroutine[Any, Any, Response]: ...


def hedged_request(
    client: Client | AsyncClient, request: Mapping[str, Any], delay: float | None = None
) -> Response | Coroutine[Any, Any, Response]:
    """Make a response from two copies of one request; the first answer counts, and the other copy is cancelled.

    Args:
        request: the arguments of `client.responses.create`.
        delay: seconds after which the second copy starts; None for both at once.

    Raises:
        APIError: both have failed; `attempts` and the notes of the error tell of each.
    """
    return hedged_request_n(client, request, 2, delay)


if TYPE_CHECKING:

    @overload
    def hedged_request_n(client: Client, request: Mapping[str, Any], n: int, delay: float | None = None) -> Response: ...
    @overload
    def hedged_request_n(
        client: AsyncClient, request: Mapping[str, Any], n: int, delay: float | None = None
    ) -> Coroutine[Any, Any, Response]: ...
    @overload
    def hedged_request_n(
        client: Client | AsyncClient, request: Mapping[str, Any], n: int, delay: float | None = None
    ) -> Response | Coroutine[Any, Any, Response]: ...


def hedged_request_n(
    client: Client | AsyncClient, request: Mapping[str, Any], n: int, delay: float | None = None
) -> Response | Coroutine[Any, Any, Response]:
    """Make a response from up to `n` copies of one request, which start `delay` seconds apart; see `hedged_request`.

    Args:
        n: from 1 to 3; a number outside becomes the nearest of them.
    """
    copies = max(1, min(n, MOST))
    once = client.hedged(delay=delay or 0.0, copies=copies, budget=copies - 1)  # the caller has decided: nothing is to be saved
    create: Any = once.responses.create  # of either world
    result: Response | Coroutine[Any, Any, Response] = create(**request)
    return result


# ---------------------------------------------------------------------------------------------------- speculation
class RejectedError(OxideError):
    """The result of a check was not accepted.

    Attributes:
        result: what the check has returned.
    """

    def __init__(self, result: object = None) -> None:
        super().__init__("The result of the check was not accepted; the work was stopped.")
        self.result = result


if TYPE_CHECKING:

    @overload
    def speculate(  # type: ignore[overload-overlap]  # the first one that fits counts
        check: Waiting[C], work: Waiting[W], accept: Callable[[C], object] | None = None
    ) -> Coroutine[Any, Any, tuple[C, W]]: ...
    @overload
    def speculate(check: Callable[[], C], work: Callable[[], W], accept: Callable[[C], object] | None = None) -> tuple[C, W]: ...


def speculate(check: Any, work: Any, accept: Callable[[Any], object] | None = None) -> Any:
    """Begin the work while the check is still running; return both results, or stop the work at once where the check forbids it.

    In asyncio, which is where one of them is an awaitable or a coroutine function, or an event loop is running: both are tasks, and what is
    returned is to be awaited.  Otherwise each function runs in a thread of its own.  No thread can be stopped from outside: calls of this
    library that the function makes are broken off where they wait, with an exception that `except Exception` does not catch; all
    other code runs on to its end, and its result is dropped.

    Args:
        check, work: functions without arguments; in asyncio awaitables, or functions that return them.
        accept: tells from the result of the check whether the work is wanted; left out, any result will do.

    Raises:
        RejectedError: the result of the check was not accepted.
        Exception: what the check has raised, or the work; whichever fails first stops the other.
    """
    if _waits(check) or _waits(work) or _in_event_loop():
        from ._transport.aio import AsyncioBackend

        return _both(AsyncioBackend(), check, work, accept)
    from ._transport.blocking import BlockingBackend

    return run_now(_both(BlockingBackend(), check, work, accept))


def _waits(given: object) -> bool:
    return hasattr(given, "__await__") or bool(getattr(getattr(given, "__code__", None), "co_flags", 0) & COROUTINE)


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


async def _both(backend: Backend, check: Any, work: Any, accept: Callable[[Any], object] | None) -> tuple[Any, Any]:
    speculation: _Speculation[Any, Any] = _Speculation(backend, check, work, accept)
    return await backend.contest(speculation)


class _Speculation(Contest["tuple[C, W]"], Generic[C, W]):
    """A contest of two that need each other: each waits for the other before it has the result; the first failure is that of both."""

    def __init__(self, backend: Backend, check: Any, work: Any, accept: Callable[[Any], object] | None) -> None:
        self._backend = backend
        self._given = check, work
        self._accept = accept
        self._results: list[Any] = [None, None]
        self._gates = backend.gate(), backend.gate()
        self._begun = 0
        self._error: Exception = RuntimeError("nothing has failed")

    def due(self, now: float) -> float | None:
        return 0.0 if self._begun < 2 else None

    def start(self, now: float) -> Attempt[tuple[C, W]] | None:
        number, self._begun = self._begun, self._begun + 1
        return lambda: self._run(number)

    async def _run(self, number: int) -> tuple[C, W]:
        given, backend = self._given[number], self._backend
        result = await backend.settle(given if hasattr(given, "__await__") else given())
        if number == 0 and self._accept is not None and not await backend.settle(self._accept(result)):
            raise RejectedError(result)
        self._results[number] = result
        self._gates[number].open()
        await self._gates[1 - number].wait(float("inf"))
        return self._results[0], self._results[1]

    def won(self, number: int) -> None:
        """Both have their results."""

    def failed(self, number: int, error: Exception, now: float) -> bool:
        self._error = error
        return True

    def verdict(self) -> Exception:
        return self._error

    def drop(self, result: tuple[C, W]) -> None:
        """The same pair has been returned."""
