"""The operation of Chat Completions: there, the definition of a tool has another form than everywhere else."""

from __future__ import annotations

from ._omit import omit
from ._operation import StreamOperation
from ._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from typing import Any

    from ._operation import Request
    from ._settings import Settings

__all__ = ["ChatOperation"]

T = TypeVar("T")
E = TypeVar("E")


class ChatOperation(StreamOperation[T, E], Generic[T, E]):
    """An operation that takes tools in the form of Chat Completions."""

    __slots__ = ()

    def prepare(self, given: dict[str, Any], settings: Settings) -> Request:
        """Put each argument where it belongs; tools of ours (`oxide.tool`) are written out."""
        tools = given.get("tools")
        if tools is not None and tools is not omit:
            given = {**given, "tools": [getattr(each, "chat_definition", each) for each in tools]}
        return super().prepare(given, settings)
