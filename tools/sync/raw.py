"""Writes what checkers see of `with_raw_response` and `with_streaming_response`; at run time they are the resource over another caller.

Beside each resource stand two classes that no interpreter makes: their attributes are its methods with other results, which the
helpers of `oxide/resources/_base.py` tell of any signature, overloads included.
"""

from __future__ import annotations

from collections.abc import Iterable

from .methods import Method

VIEWS = (("with_raw_response", "Raw", "raw"), ("with_streaming_response", "Streamed", "streamed"))
DEPRECATED = "  # pyright: ignore[reportDeprecated]"
HELPERS = ("raw_call", "raw_coroutine", "streamed_call", "streamed_coroutine")


def attributes(name: str) -> list[str]:
    """Return the lines in the body of a class `name` that tell the types of both views."""
    return [*[f"    {attribute}: {name}{suffix}" for attribute, suffix, _ in VIEWS], ""]


def classes(name: str, methods: Iterable[Method], inner: Iterable[str], waiting: bool) -> str:
    """Return the source of both views of a class, to stand below `if TYPE_CHECKING:`.

    Args:
        name: of the class of the resource.
        methods: its methods.
        inner: its attributes that are resources.
        waiting: whether it is one of asyncio.
    """
    inner = list(inner)
    return "\n\n".join([_view(name, methods, inner, *view, "coroutine" if waiting else "call") for view in VIEWS])


def _view(name: str, methods: Iterable[Method], inner: list[str], attribute: str, suffix: str, verb: str, kind: str) -> str:
    rows = [f"    class {name}{suffix}:", f"        def __init__(self, of: {name}) -> None:"]
    rows += [f"            self.{m.name} = {verb}_{kind}(of.{m.name}){DEPRECATED * bool(m.operation.get('deprecated'))}" for m in methods]
    rows += [f"            self.{each} = of.{each}.{attribute}" for each in inner]
    return "\n".join(rows)
