"""Folds the events of a response, as they come, into the response: what `responses.stream` is made of.

    before       response.created, response.queued, response.in_progress: the response without its output
    growing      items are added, parts of them are added, texts grow; what is done replaces what was gathered
    over         response.completed, response.incomplete or response.failed brings the whole

An event goes in, the event to hand out comes back.  Chat completions have `chat_snapshots`; who waits for events is told nowhere here.
"""

from __future__ import annotations

from .._models._base import Record, decoder
from .._models._dump import copied
from .._omit import omit
from .._protocol.base import ProtocolError
from .._typing import TYPE_CHECKING, cast
from .growing import Growing
from .objects import is_list, is_object
from .stream_events import (
    Final,
    ResponseCompletedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
    retyped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from .._models.responses import Response

    Fields: TypeAlias = dict[str, Any]
    Fold: TypeAlias = "Callable[[ResponseSnapshots, Record, Fields], Record]"

__all__ = ["LIMIT", "ResponseSnapshots", "weight"]

LIMIT = 256 * 1024 * 1024
"""Characters of all texts of a stream that are folded."""


class _Spot:
    """Where in an item a text belongs: a field of it, or of the n-th entry of a list in it.

    Args:
        key: the field; "" where the entry itself is the text.
        path: leads to the list; empty where there is none.
        index: what events call the n.
    """

    __slots__ = ("index", "key", "path")

    def __init__(self, key: str, path: tuple[str, ...] = (), index: str = "") -> None:
        self.key = key
        self.path = path
        self.index = index

    def place(self, fields: Fields, number: int) -> tuple[Any, Any] | None:
        """Return what has the text, and the key or index it has it under; None where the item has no such place."""
        if not self.path:
            return fields, self.key
        entries: Any = fields
        for step in self.path:
            entries = entries.get(step) if is_object(entries) else None
        if not is_list(entries) or not 0 <= number < len(entries):
            return None
        if not self.key:
            return entries, number
        return (entries[number], self.key) if is_object(entries[number]) else None


class _Item:
    """One item of the output: its fields as they came, and the texts that have grown since."""

    __slots__ = ("fields", "texts")

    def __init__(self, fields: Fields | None = None) -> None:
        self.fields = fields  # None where deltas have come, but not the item
        self.texts: dict[tuple[_Spot, int], Growing] = {}

    def begun(self, spot: _Spot, number: int) -> str:
        """Return what a text began with before it grew."""
        place = spot.place(self.fields or {}, number)
        text = None if place is None else place[0].get(place[1]) if is_object(place[0]) else place[0][place[1]]
        return text if isinstance(text, str) else ""

    def whole(self) -> Fields | None:
        """Return a copy of the item with its texts joined."""
        fields: Fields | None = copied(self.fields)
        for (spot, number), growing in self.texts.items() if fields else ():
            place = spot.place(fields or {}, number)
            if place is not None:
                place[0][place[1]] = growing.text()
        return fields


_TEXTS = {
    "response.output_text": _Spot("text", ("content",), "content_index"),
    "response.refusal": _Spot("refusal", ("content",), "content_index"),
    "response.reasoning_text": _Spot("text", ("content",), "content_index"),
    "response.reasoning_summary_text": _Spot("text", ("summary",), "summary_index"),
    "response.function_call_arguments": _Spot("arguments"),
    "response.mcp_call_arguments": _Spot("arguments"),
    "response.custom_tool_call_input": _Spot("input"),
    "response.code_interpreter_call_code": _Spot("code"),
    "response.shell_call_command": _Spot("", ("action", "commands"), "command_index"),
}
"""The texts that grow, by the names of their events without `.delta` and `.done`."""

_PARTS = {
    "response.content_part": ("content", "content_index"),
    "response.reasoning_summary_part": ("summary", "summary_index"),
}
_CALLS = ("code_interpreter_call", "file_search_call", "image_generation_call", "mcp_call", "web_search_call")
_STATES = ("in_progress", "searching", "generating", "interpreting", "completed", "failed")


class ResponseSnapshots:
    """The response that a stream of events makes.

    Args:
        hint: the type that its texts are to be of, `omit` for none.
        tools: whose arguments are to be parsed.
        limit: characters that may be gathered.

    Attributes:
        final: the response at the end, None until then.
    """

    __slots__ = ("_hint", "_items", "_left", "_response", "_tools", "final")

    def __init__(self, hint: Any = omit, tools: Sequence[Any] = (), limit: int = LIMIT) -> None:
        self._hint = hint
        self._tools = tools
        self._left = limit
        self._response: Fields | None = None
        self._items: dict[int, _Item] = {}
        self.final: Final | None = None

    def feed(self, event: Record) -> Record:
        """Take the next event; return it, with its snapshot where it is to have one. Raises ProtocolError."""
        own = event.__dict__
        kind = own.get("type")
        fold = _FOLDS.get(kind) if isinstance(kind, str) else None
        return event if fold is None else fold(self, event, own)

    def snapshot(self) -> Response | None:
        """Return the response as far as it has come, None before its beginning."""
        if self.final is not None:
            return self.final.response
        if self._response is None:
            return None
        response: Response = decoder("responses.Response")({**copied(self._response), "output": self._output()})
        return response

    def _output(self) -> list[Fields]:
        items = [self._items[index].whole() for index in sorted(self._items)]
        return [item for item in items if item is not None]

    # ------------------------------------------------------------------------------------------------- what events tell of
    def item(self, own: Fields) -> _Item:
        """Return the item that an event is about."""
        index = own.get("output_index")
        if not isinstance(index, int):
            raise ProtocolError(f"an event {own.get('type')} does not tell which item it is about")
        item = self._items.get(index)
        if item is None:
            self.weigh(64)
            item = self._items[index] = _Item()
        return item

    def fields(self, own: Fields) -> Fields:
        """Return the fields of the item that an event is about; of no use where it has not been added."""
        return self.item(own).fields or {}

    def growing(self, own: Fields, spot: _Spot) -> Growing:
        """Return the text that an event is about."""
        number = own.get(spot.index) if spot.index else 0
        if not isinstance(number, int):
            raise ProtocolError(f"an event {own.get('type')} has no {spot.index}")
        item = self.item(own)
        growing = item.texts.get((spot, number))
        if growing is None:
            self.weigh(64)
            growing = item.texts[spot, number] = Growing(item.begun(spot, number))
        return growing

    def weigh(self, size: int) -> None:
        """Count what is gathered. Raises ProtocolError when it is too much."""
        self._left -= size
        if self._left < 0:
            raise ProtocolError("the stream is longer than what is kept of it")

    # --------------------------------------------------------------------------------------------------------- lifecycle
    def begin(self, event: Record, own: Fields) -> Record:
        """Fold an event that shows the response on its way."""
        response = own.get("response")
        if isinstance(response, Record):
            self._response = fields = copied(response)
            output = fields.pop("output", None)
            for index, item in enumerate(filter(is_object, output) if is_list(output) else ()):
                self._items.setdefault(index, _Item(item))
        return event

    def end(self, event: Record, own: Fields) -> Record:
        """Fold the last event."""
        response = own.get("response")
        if not isinstance(response, Record):
            raise ProtocolError(f"an event {own.get('type')} brings no response")
        if not is_list(response.__dict__.get("output")):  # some services leave out what they have told before
            response.__dict__["output"] = decoder("list[responses.ResponseOutputItem]")(self._output())
        self.final = Final(cast("Response", response), self._hint, self._tools)  # what the decoder makes of that key
        return retyped(ResponseCompletedEvent, event, self.final) if own["type"] == "response.completed" else event

    def hint_of(self, own: Fields) -> Any:
        """Return the type that a text is to be of: a comment on the way to the final answer is of none."""
        return self._hint if self.fields(own).get("phase") in (None, "final_answer") else omit


# --------------------------------------------------------------------------------------------------------------- folds
def _delta(spot: _Spot, cls: Any = None) -> Fold:
    """Return the fold of a text that grows; its event has a snapshot where a class for that is given."""

    def fold(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
        growing, delta = state.growing(own, spot), own.get("delta")
        if not isinstance(delta, str):
            raise ProtocolError(f"an event {own['type']} has no text")
        state.weigh(len(delta))
        growing.add(delta)
        if own.get("logprobs"):
            _extend(state, own, "logprobs", own["logprobs"])
        return event if cls is None else retyped(cls, event, growing.excerpt())

    return fold


def _done(spot: _Spot, cls: Any = None) -> Fold:
    """Return the fold of a text that is complete; a class is given for one that may be parsed."""

    def fold(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
        text = own.get(spot.key or "command")
        if isinstance(text, str):
            growing = state.growing(own, spot)
            state.weigh(max(0, len(text) - growing.length))
            growing.settle(text)
        return event if cls is None else retyped(cls, event, state.hint_of(own))

    return fold


def _part(name: str, index: str) -> Fold:
    """Return the fold of a part that begins, or is complete."""

    def fold(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
        fields, number, part = state.fields(own), own.get(index), copied(own.get("part"))
        entries = fields.get(name)
        if not is_list(entries):
            entries = fields[name] = []
        if isinstance(number, int) and 0 <= number < len(entries):
            entries[number] = part
        else:
            state.weigh(weight(part))
            entries.append(part)
        return event

    return fold


def _extend(state: ResponseSnapshots, own: Fields, name: str, values: object) -> None:
    """Put values behind those of a list in a part of a message."""
    number = own.get("content_index")
    place = _TEXTS["response.output_text"].place(state.fields(own), number) if isinstance(number, int) else None
    if place is not None and is_list(values):
        added = copied(values)
        state.weigh(weight(added))
        known = place[0].get(name)
        if not is_list(known):
            known = place[0][name] = []
        known.extend(added)


def _annotation(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
    _extend(state, own, "annotations", [own.get("annotation")])
    return event


def _item(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
    """Fold an item that begins, or is complete."""
    item, fields = state.item(own), copied(own.get("item"))
    if is_object(fields):
        state.weigh(weight(fields))
        item.fields = fields
        if own["type"] == "response.output_item.done":
            item.texts = {}
    return event


def _status(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
    fields = state.fields(own)
    if "status" in fields:
        fields["status"] = own["type"].rpartition(".")[2]
    return event


def _command(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
    """Fold the beginning of a command of a shell."""
    action = state.fields(own).get("action")
    if is_object(action) and is_list(commands := action.setdefault("commands", [])):
        commands.append(own.get("command"))
    return event


def _printed(state: ResponseSnapshots, event: Record, own: Fields) -> Record:
    """Fold what a shell has printed: both channels of a command come in one event."""
    outputs, number, delta = state.fields(own).setdefault("output", []), own.get("command_index"), copied(own.get("delta"))
    if not is_list(outputs) or not is_object(delta):
        return event
    if number == len(outputs):
        outputs.append({"stdout": "", "stderr": ""})
    for channel, spot in _CHANNELS.items():
        text = delta.get(channel)
        if isinstance(text, str):
            state.weigh(len(text))
            state.growing(own, spot).add(text)
    return event


_CHANNELS = {name: _Spot(name, ("output",), "command_index") for name in ("stdout", "stderr")}

_FOLDS: dict[str, Fold] = {
    **{f"{name}.delta": _delta(spot) for name, spot in _TEXTS.items()},
    **{f"{name}.done": _done(spot) for name, spot in _TEXTS.items()},
    **{f"{name}.{end}": _part(*where) for name, where in _PARTS.items() for end in ("added", "done")},
    **{f"response.{call}.{state}": _status for call in _CALLS for state in _STATES},
    **dict.fromkeys(("response.created", "response.queued", "response.in_progress"), ResponseSnapshots.begin),
    **dict.fromkeys(("response.completed", "response.incomplete", "response.failed"), ResponseSnapshots.end),
    **dict.fromkeys(("response.output_item.added", "response.output_item.done"), _item),
    "response.output_text.delta": _delta(_TEXTS["response.output_text"], ResponseTextDeltaEvent),
    "response.output_text.done": _done(_TEXTS["response.output_text"], ResponseTextDoneEvent),
    "response.output_text.annotation.added": _annotation,
    "response.function_call_arguments.delta": _delta(_TEXTS["response.function_call_arguments"], ResponseFunctionCallArgumentsDeltaEvent),
    "response.shell_call_command.added": _command,
    "response.shell_call_output_content.delta": _printed,
}


def weight(value: Any) -> int:
    """Return about how many characters a JSON value has."""
    if isinstance(value, str):
        return len(value)
    if is_object(value):
        return sum([len(key) + weight(inner) for key, inner in value.items()])
    return sum(map(weight, value)) if is_list(value) else 8
