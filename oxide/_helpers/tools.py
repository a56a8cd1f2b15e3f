"""Functions as tools: `@oxide.tool` makes the definition of its signature, and checks the arguments of a call before it is made."""

from __future__ import annotations

import inspect
import re
from functools import update_wrapper

from .._models._tool import ToolDefinition
from .._omit import omit
from .._typing import TYPE_CHECKING, Generic
from .decoding import decoder_for, read_as
from .docstrings import read_docstring
from .kinds import Field, Object, Reader, hints_of
from .schema import schema_of
from .strict import make_strict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ParamSpec, TypeVar, overload

    from .._omit import Omit

    P = ParamSpec("P")
    R = TypeVar("R")
else:
    P = R = None

__all__ = ["Tool", "pydantic_function_tool", "pydantic_responses_function_tool", "tool"]

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Tool(ToolDefinition, Generic[P, R]):
    """A function that a model may call. It can be called as before, and be given in `tools=[...]` of either API.

    Attributes:
        name, description, parameters, strict: as the model is told.
        definition, chat_definition: the tool as the Responses API takes it, and as Chat Completions does.
        waiting: whether the function is a coroutine function, so that `call` returns an awaitable.
    """

    __wrapped__: Callable[P, R]

    def __init__(self, function: Callable[P, R], name: str | None = None, description: str | None = None) -> None:
        text, texts = read_docstring(function.__doc__)
        self._kind = _arguments_of(function, texts)
        title = name or re.sub(r"[^a-zA-Z0-9_-]", "_", function.__name__)[:64]
        super().__init__(title, text if description is None else description, schema_of(self._kind))
        update_wrapper(self, function)
        self.waiting = inspect.iscoroutinefunction(function)
        self._positional = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_ONLY]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.__wrapped__(*args, **kwargs)

    def decode(self, arguments: str) -> dict[str, Any]:
        """Return the arguments of a call by name, as the types that the function names; those left to their defaults are absent.

        Raises:
            StructureError: the JSON does not fit the function; the message says where.
        """
        values: dict[str, Any] = read_as(self._kind, arguments or "{}")
        return values

    def call(self, arguments: str) -> R:
        """Call the function with arguments in JSON, as the model sent them; of a coroutine function, return what is to be awaited.

        Raises:
            StructureError: the JSON does not fit the function, which is not called then.
        """
        values = self.decode(arguments)
        function: Callable[..., R] = self.__wrapped__
        return function(*[values.pop(name) for name in self._positional if name in values], **values)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Return the tool bound to an object, as functions are: a method may be a tool."""
        if instance is None:
            return self
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__, __wrapped__=self.__wrapped__.__get__(instance, owner))
        return bound


if TYPE_CHECKING:

    @overload
    def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
    @overload
    def tool(*, name: str | None = None, description: str | None = None) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(function: Any = None, /, *, name: str | None = None, description: str | None = None) -> Any:
    """Make a strict tool of a function, blocking or coroutine: `@oxide.tool`, or `@oxide.tool(name=..., description=...)`.

    The annotations say what each argument is, as for `strict_schema`; an argument with a default may be left to it by the model. What
    is told of the arguments comes from `Annotated[X, "..."]`, or from the docstring in the style of Google, NumPy or reStructuredText,
    the description from its text before the arguments.

    Raises:
        TypeError: an argument has no annotation, or one without a strict schema; the function takes `*args` or `**kwargs`.
    """

    def make(wrapped: Callable[..., Any]) -> Tool[..., Any]:
        return Tool(wrapped, name, description)

    return make if function is None else make(function)


def _arguments_of(function: Callable[..., Any], texts: Mapping[str, str]) -> Object:
    """Return the kind of the arguments of a function."""
    hints = hints_of(function)
    kind = Object(dict, "dict", function.__name__)
    reader = Reader()
    for number, parameter in enumerate(inspect.signature(function).parameters.values()):
        where = f"{function.__name__}({parameter.name})"
        if parameter.kind in _VARIADIC:
            raise TypeError(f"{where}: a tool has a fixed number of arguments")
        if parameter.name not in hints:
            if number == 0 and parameter.name in ("self", "cls"):
                continue
            raise TypeError(f"{where}: an argument of a tool needs an annotation")
        absent = parameter.default is not parameter.empty
        made = reader.read(hints[parameter.name], where, {})
        kind.fields.append(Field(parameter.name, made, texts.get(parameter.name, ""), absent=absent))
    return kind


# ------------------------------------------------------------------------------------------------------------ pydantic
class _ModelTool(dict["str", "Any"]):
    """The definition of a tool whose arguments are a pydantic model."""

    def __init__(self, definition: Mapping[str, Any], model: type) -> None:
        super().__init__(definition)
        self.model = model

    def decode(self, arguments: str) -> Any:
        """Return the arguments of a call as an instance of the model."""
        return decoder_for(self.model)(arguments)


def _function_of(model: Any, name: str | None, description: str | None) -> dict[str, Any]:
    text = model.__doc__ if description is None else description
    told = {} if text is None else {"description": text}
    schema = make_strict(model.model_json_schema(), optional_null=False)
    return {"name": name or model.__name__, "strict": True, "parameters": schema, **told}


def pydantic_function_tool(model: type[Any], *, name: str | None = None, description: str | None = None) -> Any:
    """Return the definition of a tool for Chat Completions, whose arguments are a pydantic model; `parse` gives instances of it.

    Args:
        model: the model; its name and docstring are the tool's, unless given.
        name, description: what the model is told instead.
    """
    return {"type": "function", "function": _ModelTool(_function_of(model, name, description), model)}


def pydantic_responses_function_tool(
    model: type[Any], *, name: str | None = None, description: str | None = None, defer_loading: bool | Omit = omit
) -> Any:
    """Return the definition of a tool for Responses, whose arguments are a pydantic model; `parse` gives instances of it.

    Args:
        model: the model; its name and docstring are the tool's, unless given.
        name, description: what the model is told instead.
        defer_loading: the tool is found by searching tools, and costs nothing before.
    """
    later = {} if defer_loading is omit else {"defer_loading": defer_loading}
    return _ModelTool({"type": "function", **_function_of(model, name, description), **later}, model)
