"""A mark on methods that the API is going to drop: checkers strike them through, and the first use warns."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import deprecated as deprecated
else:

    def deprecated(message: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Make a method issue a DeprecationWarning, once in the life of the process, at the line that calls it (PEP 702)."""
        return lambda method: warning(method, message)


__all__ = ["COROUTINE", "deprecated", "dressed", "warning"]

COROUTINE = 0x80  # inspect.CO_COROUTINE


def warning(method: Callable[..., Any], message: str) -> Callable[..., Any]:
    """Wrap a method so that its first use warns."""
    warned: list[bool] = []

    def warn() -> None:
        if not warned:
            import warnings

            warned.append(True)
            warnings.warn(message, DeprecationWarning, stacklevel=3)

    async def wait(*args: Any, **named: Any) -> Any:
        warn()
        return await method(*args, **named)

    def call(*args: Any, **named: Any) -> Any:
        warn()
        return method(*args, **named)

    wrapper = dressed(wait if method.__code__.co_flags & COROUTINE else call, method)
    wrapper.__deprecated__ = message  # type: ignore[attr-defined]  # where PEP 702 has it
    return wrapper


def dressed(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a wrapper the looks of what it wraps, and return it."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__kwdefaults__"):
        setattr(wrapper, name, getattr(function, name))
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]  # what inspect.signature follows
    return wrapper
