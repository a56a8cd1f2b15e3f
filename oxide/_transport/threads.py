"""Work that may wait for a disk, done in a thread while the event loop goes on."""

from __future__ import annotations

import asyncio

from .._typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["call_in_thread"]

T = TypeVar("T")


async def call_in_thread(function: Callable[..., T], *args: Any) -> T:
    """Call a function in a thread of the running loop.

    Nobody can stop it: a task that is cancelled meanwhile waits for its end, so that nothing is written once the task is over.
    """
    future = asyncio.get_running_loop().run_in_executor(None, _called, function, args)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue  # once is enough to be told
        raise


def _called(function: Callable[..., T], args: tuple[Any, ...]) -> T:
    try:
        return function(*args)
    except StopIteration as error:  # of a `read` that asks an iterator, say: no future carries it, and who waits would wait for ever
        raise RuntimeError(f"{function!r} raised StopIteration") from error
