"""A function that a model may call, as the API takes it; how one is made of a Python function is told in `_helpers/tools`."""

from __future__ import annotations

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["ToolDefinition"]


class ToolDefinition:
    """What a model is told of a function; usable in `tools=[...]`. As a mapping it is the definition that the Responses API takes.

    Attributes:
        name: what the model calls it by.
        description: when and why it should be called.
        parameters: the JSON schema of its arguments.
        strict: whether the arguments always follow the schema.
    """

    type = "function"

    def __init__(self, name: str, description: str, parameters: dict[str, Any], strict: bool = True) -> None:
        self.name = name
        self.description = description
        self.parameters = parameters
        self.strict = strict

    @property
    def definition(self) -> dict[str, Any]:
        """The tool as the Responses API takes it, and Realtime."""
        return {"type": "function", **self._function()}

    @property
    def chat_definition(self) -> dict[str, Any]:
        """The tool as Chat Completions takes it."""
        return {"type": "function", "function": self._function()}

    def _function(self) -> dict[str, Any]:
        told = {"description": self.description} if self.description else {}
        return {"name": self.name, **told, "parameters": self.parameters, "strict": self.strict}

    def keys(self) -> Iterator[str]:
        """The keys of the definition."""
        return iter(self.definition)

    def __getitem__(self, key: str) -> Any:
        return self.definition[key]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
