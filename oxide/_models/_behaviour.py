"""What some records can do besides holding their fields; `tools/sync/layout.toml` names who derives from what."""

from __future__ import annotations

from .._typing import TYPE_CHECKING, cast
from ._base import Record

if TYPE_CHECKING:
    from typing import Any

    from .responses import ResponseFunctionToolCall, ResponseOutputItem

__all__ = ["FunctionCalling", "Measured", "Speaking"]


class Speaking(Record):
    """An answer of a model, made of output items."""

    if TYPE_CHECKING:
        output: list[ResponseOutputItem]

    @property
    def output_text(self) -> str:
        """All text of the answer in one string, "" where it has none; refusals are no text."""
        parts = [part for item in _items(self, "message") for part in _list(item.__dict__.get("content"))]
        texts = [part.__dict__.get("text") for part in parts if isinstance(part, Record) and part.__dict__.get("type") == "output_text"]
        return "".join([text for text in texts if isinstance(text, str)])

    @property
    def function_calls(self) -> list[ResponseFunctionToolCall]:
        """The functions that the model asks to be called, each with `call_id`, `name`, `arguments` and `parsed()`."""
        calls = [item for item in _items(self, "function_call") if isinstance(item, FunctionCalling)]
        return cast("list[ResponseFunctionToolCall]", calls)  # the only class that derives from FunctionCalling


class FunctionCalling(Record):
    """A call of a function that the model asks for."""

    if TYPE_CHECKING:
        arguments: str

    def parsed(self) -> dict[str, Any]:
        """Return the arguments, decoded from their JSON; a call without arguments gives an empty dictionary.

        Raises:
            ValueError: the model wrote something other than a JSON object.
        """
        from json import loads

        text = self.__dict__.get("arguments") or "{}"
        values: Any = loads(text)
        if values.__class__ is not dict:
            raise ValueError(f"arguments are no JSON object: {text[:100]}")
        arguments: dict[str, Any] = values
        return arguments


class Measured(Record):
    """An embedding: a text measured, so to say. Numbers that came in base64 are a `Vector`, those that came as JSON a list."""

    if TYPE_CHECKING:
        embedding: list[float]

    def _revive(self) -> None:
        values = self.__dict__
        text = values.get("embedding")
        if isinstance(text, str):
            from ._vectors import vector

            values["embedding"] = vector(text)


def _items(record: Record, kind: str) -> list[Record]:
    items = _list(record.__dict__.get("output"))
    return [item for item in items if isinstance(item, Record) and item.__dict__.get("type") == kind]


def _list(value: Any) -> list[Any]:
    return value if value.__class__ is list else []
