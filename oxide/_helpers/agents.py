"""`responses.run`: the model answers, the tools that it calls are run, it is told what came of them, until it calls none.

    asking       a turn is opened: everything that the tools had to say goes to the model
    reading      its events come; a call begins the moment its arguments are complete
    waiting      the answer is complete, tools still run
    over         the model has called nothing, or nothing that is ours to run; or it has given up

A turn is anything with events, calls and a response in the end: `open_turn` is where another transport comes in.  Who runs the tools
(threads, tasks) is told by whoever makes the loop.
"""

from __future__ import annotations

from collections import deque
from functools import partial

from .._errors import ConfigurationError, StructureError, TurnLimitError
from .._json import encode
from .._models._dump import copied
from .._omit import omit
from .._transport.workers import Job
from .._typing import TYPE_CHECKING, Protocol, cast
from .agent_events import AgentResult, ToolFinished, ToolResult, ToolStarted, TurnFinished
from .early_calls import FunctionCall
from .folding import kept_tools
from .history import as_items
from .objects import is_list, is_object
from .tools import Tool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from typing import Any, TypeAlias

    from .._exchange import Exchange
    from .._info import HttpInfo
    from .._models._parsed_responses import ParsedResponse
    from .._models.responses import Response
    from .._raw import RawResponse
    from .._transport.workers import Outcome
    from .agent_events import AgentEvent

    OpenTurn: TypeAlias = Callable[[dict[str, Any]], Coroutine[Any, Any, "Turn"]]
    Approval: TypeAlias = Callable[[FunctionCall], "bool | str | Awaitable[bool | str]"]
    Mending: TypeAlias = Callable[[FunctionCall, Exception], "str | None | Awaitable[str | None]"]

__all__ = ["AgentLoop", "Options", "Turn", "Workers"]

ENDED_BADLY = ("failed", "incomplete", "cancelled")


class Turn(Protocol):
    """One answer of the model, on its way or complete."""

    @property
    def calls(self) -> deque[FunctionCall]: ...
    @property
    def http(self) -> HttpInfo: ...
    @property
    def response(self) -> RawResponse: ...
    async def next_batch(self) -> Sequence[Any] | None: ...
    def answer(self) -> Response: ...
    def final(self) -> ParsedResponse[Any]: ...
    def close(self) -> None: ...


class Workers(Protocol):
    """Who runs the tools."""

    def start(self, job: Job, waiting: bool = False) -> None: ...
    def ended(self) -> list[Outcome]: ...
    async def next(self) -> Outcome: ...
    def cancel(self) -> None: ...
    async def stop(self) -> None: ...


class Options:
    """What `responses.run` takes beside the arguments of a call; see there."""

    __slots__ = ("approve", "max_parallel", "max_turns", "on_tool_error", "tool_timeout")

    def __init__(self, given: dict[str, Any]) -> None:
        self.max_turns: int = given.pop("max_turns", 10)
        self.max_parallel: int = given.pop("max_parallel", 8)
        self.tool_timeout: float | None = given.pop("tool_timeout", None)
        self.approve: Approval | None = given.pop("approve", None)
        self.on_tool_error: Mending | None = given.pop("on_tool_error", None)
        for name in ("max_turns", "max_parallel"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be 1 or more")
        if self.tool_timeout is not None and not self.tool_timeout > 0:
            raise ValueError(f"tool_timeout is {self.tool_timeout!r}; it must be a number of seconds above 0")


class AgentLoop:
    """A run; to streams a reader of its events.

    Args:
        exchange: where the calls of this world go.
        given: the arguments of `responses.create` for the first turn.
        options: those of the run.
        workers: who runs the tools.
        open_turn: asks the model.
        waiting: whether tools may be coroutine functions.
    """

    def __init__(
        self, exchange: Exchange, given: dict[str, Any], options: Options, workers: Workers, open_turn: OpenTurn, waiting: bool
    ) -> None:
        self._exchange = exchange
        self._given = given
        self._options = options
        self._workers = workers
        self._open_turn = open_turn
        self._tools, self._foreign = _told_apart(given, waiting)
        self._turn: Turn | None = None
        self._reading = False
        self._over = False
        self._fresh: list[AgentEvent[Any]] = []
        self._handed = self._fresh  # the latest batch: what nobody has taken of it goes with `close`
        said = given.get("input")
        self._input = as_items(None if said is omit else said)  # what is sent next, or all that was said where nothing is stored
        self._calls: list[FunctionCall] = []  # of this turn
        self._results: dict[int, ToolResult] = {}  # by the place of the call in this turn
        self._turns: list[Response] = []
        self._told: list[ToolResult] = []
        self._pending: list[FunctionCall] = []

    # ---------------------------------------------------------------------------------------------------------- a reader
    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the present turn."""
        return self._present().http

    @property
    def response(self) -> RawResponse:
        """The answer that is the present turn: status and headers."""
        return self._present().response

    async def next_batch(self) -> list[AgentEvent[Any]] | None:
        """Return the events that came next, at least one, or None at the end.

        Raises:
            TurnLimitError: the model calls tools again and again.
            OxideError: as `responses.create`.
        """
        try:
            while not self._fresh:
                if self._over:
                    await self._workers.stop()
                    return None
                await self._step()
        except BaseException:
            self.close()
            await self._workers.stop()
            raise
        self._handed, self._fresh = self._fresh, []
        return self._handed

    def close(self) -> None:
        """End the run at once; tools in threads run on to their end, to no avail."""
        self._over = True
        self._fresh = []
        self._handed.clear()
        self._workers.cancel()
        if self._turn is not None:
            self._turn.close()

    async def stop(self) -> None:
        """End the run, and wait for the tools that can be stopped."""
        self.close()
        await self._workers.stop()

    async def finish(self) -> AgentResult[Any]:
        """Go on to the end, and return the result."""
        while await self.next_batch() is not None:
            continue
        return self.result()

    def result(self) -> AgentResult[Any]:
        """Return what the run has come to so far. Raises what `responses.parse` raises, where a type was asked for."""
        return AgentResult(self._present().final(), [*self._turns], [*self._told], [*self._pending])

    def _present(self) -> Turn:
        if self._turn is None:
            raise RuntimeError("the run has not begun: its first event has not been asked for")
        return self._turn

    # ----------------------------------------------------------------------------------------------------------- steps
    async def _step(self) -> None:
        if self._turn is None:
            await self._ask(self._given)
        elif self._reading:
            await self._read(self._turn)
        elif len(self._results) < len(self._calls):
            await self._note(await self._workers.next())
        else:
            await self._go_on(self._turn.answer())

    async def _ask(self, given: dict[str, Any]) -> None:
        self._calls, self._results = [], {}
        self._turn = await self._open_turn(dict(given))
        self._reading = True

    async def _read(self, turn: Turn) -> None:
        """Take what has come of the answer: begin what it calls, and see what has ended meanwhile."""
        batch = await turn.next_batch()
        self._fresh += batch or ()
        while turn.calls:
            await self._begin(turn.calls.popleft())
        if batch is None:
            self._reading = False
            response = turn.answer()
            self._turns.append(response)
            self._fresh.append(TurnFinished(len(self._turns), response))
            if response.status in ENDED_BADLY:
                self._over = True
        for outcome in self._workers.ended():
            await self._note(outcome)

    async def _go_on(self, response: Response) -> None:
        """All tools of a turn have ended: tell the model, or come to an end."""
        results = [self._results[place] for place in sorted(self._results)]
        mine = [result for result in results if result.call not in self._pending]
        self._told += mine
        if not mine or self._pending:
            self._over = True
            return
        if len(self._turns) >= self._options.max_turns:
            raise TurnLimitError(
                f"The model still calls tools after {len(self._turns)} turns: raise max_turns=, or see error.result for what it does.",
                self.result(),
            )
        await self._ask(self._next_call(response, [_output_item(result) for result in mine]))

    def _next_call(self, response: Response, outputs: list[Any]) -> dict[str, Any]:
        """Return the arguments of the next turn."""
        given = {**self._given}
        if _forces(given.get("tool_choice")):  # else it would be forced for ever
            del given["tool_choice"]
        if given.get("conversation", omit) is not omit and given["conversation"] is not None:
            return {**given, "input": outputs}
        if given.get("store") is False:
            self._input = [*self._input, *_said(response), *outputs]
            return {**given, "input": self._input}
        return {**given, "input": outputs, "previous_response_id": response.id}

    # ----------------------------------------------------------------------------------------------------------- tools
    async def _begin(self, call: FunctionCall) -> None:
        place = len(self._calls)
        self._calls.append(call)
        tool = self._tools.get(call.name)
        if tool is None and call.name in self._foreign:
            self._pending.append(call)
            self._results[place] = ToolResult(call, "")
            return
        refusal = f"There is no tool named {call.name!r}." if tool is None else await self._refusal(tool, call)
        if tool is None or refusal is not None:
            self._end(place, ToolResult(call, refusal or ""))
            return
        self._fresh.append(ToolStarted(call))
        self._workers.start(Job(place, partial(tool.call, call.arguments), self._options.tool_timeout), tool.waiting)

    async def _refusal(self, tool: Tool[..., Any], call: FunctionCall) -> str | None:
        """Return why a call is not made, None where it is."""
        try:
            tool.decode(call.arguments)
        except StructureError as problem:
            return f"The arguments do not fit the tool: {problem}"
        if self._options.approve is None:
            return None
        verdict = await self._exchange.backend.settle(self._options.approve(call))
        return verdict if isinstance(verdict, str) else None if verdict else "The user did not allow this call."

    async def _note(self, outcome: Outcome) -> None:
        """A tool has ended: make of its result, or of its error, what the model is told."""
        call, error, output = self._calls[outcome.number], outcome.error, ""
        if error is None:
            try:
                output = _as_output(outcome.result)
            except (TypeError, ValueError) as problem:
                error = problem
        if error is not None and not isinstance(error, Exception):
            raise error
        if error is not None:
            output = await self._mended(call, error)
        self._end(outcome.number, ToolResult(call, output, outcome.result, error))

    async def _mended(self, call: FunctionCall, error: Exception) -> str:
        text = None
        if self._options.on_tool_error is not None:
            text = await self._exchange.backend.settle(self._options.on_tool_error(call, error))
        return f"The tool failed: {type(error).__name__}: {error}" if text is None else text

    def _end(self, place: int, result: ToolResult) -> None:
        self._results[place] = result
        self._fresh.append(ToolFinished(result))


# ---------------------------------------------------------------------------------------------------------------- inputs
def _told_apart(given: dict[str, Any], waiting: bool) -> tuple[dict[str, Tool[..., Any]], frozenset[str]]:
    """Return the tools that are ours to run, by name, and the names of functions that are not; send the definitions of all."""
    ours: dict[str, Tool[..., Any]] = {}
    foreign: set[str] = set()
    sent: list[Any] = []
    for each in kept_tools(given):
        tool = _as_tool(each)
        sent.append(tool or each)
        if tool is None:
            plain = each if is_object(each) else getattr(each, "__dict__", {})
            foreign.update([plain["name"]] if plain.get("type") == "function" and "name" in plain else ())
            continue
        if tool.name in ours:
            raise ValueError(f"two tools are named {tool.name!r}")
        if tool.waiting and not waiting:
            raise TypeError(f"the tool {tool.name!r} is a coroutine function, which a blocking client cannot run: use AsyncClient")
        ours[tool.name] = tool
    if given.get("background") is True and not given.get("stream"):
        raise ConfigurationError("a run waits for each answer: background=True needs stream=True")
    if sent:
        given["tools"] = sent
    return ours, frozenset(foreign)


def _as_tool(given: Any) -> Tool[..., Any] | None:
    """Return a function as a tool, None for what is a definition only."""
    if isinstance(given, Tool):
        return cast("Tool[..., Any]", given)  # of whatever function
    return Tool(given) if callable(given) else None


def _said(response: Response) -> list[Any]:
    """Return the items of an answer, to be sent again where the service has not stored them."""
    items: list[Any] = [copied(item) for item in response.output or ()]
    return [item for item in items if item.get("type") != "reasoning" or item.get("encrypted_content")]


def _forces(choice: Any) -> bool:
    """Whether a choice of tools makes the model call one."""
    return choice is not None and choice is not omit and choice not in ("auto", "none")


def _output_item(result: ToolResult) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": result.call.call_id, "output": result.output}


def _as_output(result: Any) -> Any:
    """Return what the model is told of a result: a text as it is, parts of a message as they are, all else as JSON."""
    if isinstance(result, str):
        return result
    if is_list(result) and result and all(is_object(part) and str(part.get("type")).startswith("input_") for part in result):
        return result
    return encode(result).decode()


class WholeTurn:
    """A turn whose answer has come as a whole."""

    __slots__ = ("_hint", "_response", "calls")

    def __init__(self, response: Response, hint: Any) -> None:
        self._response = response
        self._hint = hint
        complete = response.status not in ENDED_BADLY
        self.calls = deque([FunctionCall(item.call_id, item.name, item.arguments) for item in response.function_calls if complete])

    @property
    def http(self) -> HttpInfo:
        """Status, headers, attempts and timings of the answer."""
        return self._response.http

    @property
    def response(self) -> RawResponse:
        """There is nothing that has not been read."""
        raise RuntimeError("the answer has been read: see http")

    async def next_batch(self) -> None:
        """There are no events."""
        return

    def answer(self) -> Response:
        """Return the answer as it came."""
        return self._response

    def final(self) -> ParsedResponse[Any]:
        """Return the answer, its texts parsed."""
        from .structured import parse_response

        return parse_response(self._response, self._hint)

    def close(self) -> None:
        """There is nothing to close."""
