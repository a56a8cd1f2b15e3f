"""Function calls, told the moment their arguments are complete, while the rest of the answer is still coming.

Events go in, calls come out: `EarlyCalls` reads those of the Responses API, `EarlyChatCalls` the chunks of Chat Completions.  Each call
is told once, with the `call_...` id that its result has to name.
"""

from __future__ import annotations

from .._models._base import Record
from .._typing import TYPE_CHECKING
from .objects import is_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from .chat_events import ChatCompletionStreamEvent

    Fields: TypeAlias = dict[str, Any]
    Parse: TypeAlias = Callable[[str, str], object]

__all__ = ["EarlyCalls", "EarlyChatCalls", "FunctionCall"]

NONE: Sequence[FunctionCall] = ()


class FunctionCall:
    """A function that the model asks to be called.

    Attributes:
        call_id: what the result has to name: `call_...`.
        name: the function.
        arguments: the arguments, as the JSON text that the model wrote.
        choice: which answer of a chat completion it is from; 0 elsewhere.
    """

    __slots__ = ("_parse", "arguments", "call_id", "choice", "name")

    def __init__(self, call_id: str, name: str, arguments: str, choice: int = 0, parse: Parse | None = None) -> None:
        self.call_id = call_id
        self.name = name
        self.arguments = arguments
        self.choice = choice
        self._parse = parse

    @property
    def parsed(self) -> Any:
        """The arguments as the tool takes them; for a tool without a type, the object that the JSON text says.

        Raises:
            ValueError: the model wrote no JSON, or arguments that do not fit (StructureError).
        """
        parsed = None if self._parse is None else self._parse(self.name, self.arguments)
        if parsed is not None:
            return parsed
        from .._json import decode

        return decode(self.arguments or "{}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionCall) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[str, str, str, int]:
        return self.call_id, self.name, self.arguments, self.choice

    def __repr__(self) -> str:
        return f"FunctionCall(call_id={self.call_id!r}, name={self.name!r}, arguments={self.arguments!r})"


class EarlyCalls:
    """The function calls in the events of a response.

    Args:
        parse: makes something of the name of a function and the text of its arguments; None where it knows no better.
    """

    __slots__ = ("_begun", "_parse", "_told")

    def __init__(self, parse: Parse | None = None) -> None:
        self._parse = parse
        self._begun: dict[int, Fields] = {}  # the items of calls, by their place in the output
        self._told: set[str] = set()

    def feed(self, event: Record) -> Sequence[FunctionCall]:
        """Take the next event; return the calls that are now complete."""
        own = event.__dict__
        kind = own.get("type")
        read = _EVENTS.get(kind) if isinstance(kind, str) else None
        return NONE if read is None else read(self, own)

    def added(self, own: Fields) -> Sequence[FunctionCall]:
        """An item begins: remember its name and its id, which the event with the arguments lacks."""
        item, place = own.get("item"), own.get("output_index")
        if isinstance(item, Record) and item.__dict__.get("type") == "function_call" and isinstance(place, int):
            self._begun[place] = item.__dict__
        return NONE

    def arguments_done(self, own: Fields) -> Sequence[FunctionCall]:
        """The arguments of a call are complete."""
        place = own.get("output_index")
        item = self._begun.get(place) if isinstance(place, int) else None
        return NONE if item is None else self._tell({**item, "arguments": own.get("arguments"), "status": None})

    def item_done(self, own: Fields) -> Sequence[FunctionCall]:
        """An item is complete: for a service that does not tell of arguments."""
        item = own.get("item")
        return self._tell(item.__dict__) if isinstance(item, Record) else NONE

    def completed(self, own: Fields) -> Sequence[FunctionCall]:
        """The response is complete: for a service that does not tell of items."""
        output = getattr(own.get("response"), "output", None)
        return [call for item in (output if is_list(output) else ()) if isinstance(item, Record) for call in self._tell(item.__dict__)]

    def _tell(self, item: Fields) -> Sequence[FunctionCall]:
        call_id, name, arguments = item.get("call_id"), item.get("name"), item.get("arguments")
        if item.get("type") != "function_call" or item.get("status") in ("incomplete", "in_progress"):
            return NONE
        if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)) or call_id in self._told:
            return NONE
        self._told.add(call_id)
        return (FunctionCall(call_id, name, arguments, parse=self._parse),)


_EVENTS: dict[str, Callable[[EarlyCalls, Fields], Sequence[FunctionCall]]] = {
    "response.output_item.added": EarlyCalls.added,
    "response.function_call_arguments.done": EarlyCalls.arguments_done,
    "response.output_item.done": EarlyCalls.item_done,
    "response.completed": EarlyCalls.completed,
}


class EarlyChatCalls:
    """The function calls in the events of a chat completion: `ChatSnapshots` notices where arguments end.

    Args:
        parse: as above.
    """

    __slots__ = ("_parse",)

    def __init__(self, parse: Parse | None = None) -> None:
        self._parse = parse

    def feed(self, event: ChatCompletionStreamEvent[Any]) -> Sequence[FunctionCall]:
        """Take the next event; return the calls that are now complete."""
        if event.type != "tool_calls.function.arguments.done":
            return NONE
        return (FunctionCall(event.call_id, event.name, event.arguments, event.choice, self._parse),)
