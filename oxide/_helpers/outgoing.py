"""What a WebSocket connection keeps while there is none: messages to be sent, bounded, and functions that want its events."""

from __future__ import annotations

from collections import deque

from .._errors import WebSocketQueueFullError
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Handlers", "SendQueue"]


class SendQueue:
    """Messages that wait for a connection, in their order.

    Args:
        most: bytes they may have together.
    """

    __slots__ = ("_messages", "_most", "_size")

    def __init__(self, most: int = 1_048_576) -> None:
        self._most = most
        self._messages: deque[str | bytes] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str | bytes) -> None:
        """Add a message. Raises WebSocketQueueFullError where there is no room for it."""
        size = _size(message)
        if self._size + size > self._most:
            raise WebSocketQueueFullError(f"The queue of the WebSocket is full: {self._size} of {self._most} bytes wait to be sent.")
        self._messages.append(message)
        self._size += size

    def take(self) -> str | bytes | None:
        """Return the message that has waited longest, None where none waits."""
        if not self._messages:
            return None
        message = self._messages.popleft()
        self._size -= _size(message)
        return message

    def put_back(self, message: str | bytes) -> None:
        """Return a message that could not be sent: it is the first again."""
        self._messages.appendleft(message)
        self._size += _size(message)

    def drain(self) -> list[str | bytes]:
        """Return all messages, which wait no more."""
        messages = [*self._messages]
        self._messages.clear()
        self._size = 0
        return messages


def _size(message: str | bytes) -> int:
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())


class Handlers:
    """Functions that are called with events, by the type of those; "event" stands for all types."""

    __slots__ = ("_functions",)

    def __init__(self) -> None:
        self._functions: dict[str, list[tuple[Callable[..., object], bool]]] = {}

    def add(self, kind: str, function: Callable[..., object], once: bool = False) -> None:
        """Add a function; one that is added twice is called twice."""
        self._functions.setdefault(kind, []).append((function, once))

    def remove(self, kind: str, function: Callable[..., object]) -> None:
        """Remove a function, if it is there: the one added first."""
        functions = self._functions.get(kind, [])
        found = next((entry for entry in functions if entry[0] == function), None)
        if found is not None:
            functions.remove(found)

    def take(self, kind: str) -> list[Callable[..., object]]:
        """Return the functions to be called with an event of a type: those of the type, then those of all; some for the last time."""
        called: list[Callable[..., object]] = []
        for name in (kind, "event"):
            functions = self._functions.get(name)
            if functions:
                called.extend(function for function, _ in functions)
                self._functions[name] = [entry for entry in functions if not entry[1]]
        return called

    def adopt(self, others: Handlers) -> None:
        """Take over the functions of another registry."""
        for kind, functions in others._functions.items():
            self._functions.setdefault(kind, []).extend(functions)
