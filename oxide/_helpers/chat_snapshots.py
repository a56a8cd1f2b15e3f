"""Folds the chunks of a chat completion, as they come, into the completion: what `chat.completions.stream` is made of.

Every answer of a completion (`n`) has a state of its own, and so has every call in it.  A chunk goes in, events come out: the chunk, then
what it brought, then what is complete by it.
"""

from __future__ import annotations

from .._errors import ContentFilterFinishReasonError, LengthFinishReasonError
from .._json import as_object
from .._models._base import Record, decoder
from .._models._dump import copied
from .._omit import omit
from .._protocol.base import ProtocolError
from .._typing import TYPE_CHECKING
from . import chat_events as events
from .growing import Growing
from .objects import is_list, is_object
from .snapshots import LIMIT, weight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from .._models._parsed_chat import ParsedChatCompletion
    from .._models.chat import ChatCompletion, ChatCompletionTokenLogprob
    from .chat_events import ChatCompletionStreamEvent

    Fields: TypeAlias = dict[str, Any]
    Events: TypeAlias = list[ChatCompletionStreamEvent[Any]]

__all__ = ["ChatSnapshots"]

MAX_CHOICES = 1024
FIRST = ("id", "object", "created", "model", "choices", "usage")
"""The order of the keys of a completion that was not streamed; others follow."""

_SETTLED = frozenset(("id", "index", "name", "object", "role", "type"))
"""Keys whose texts do not grow; services that repeat them mean the same once more."""

_GIVEN_UP = {"length": LengthFinishReasonError, "content_filter": ContentFilterFinishReasonError}


class ChatSnapshots:
    """The chat completion that a stream of chunks makes.

    Args:
        hint: the type that its texts are to be of, `omit` for none.
        tools: those of the request; the arguments of strict ones are parsed.
        limit: characters that may be gathered.
    """

    __slots__ = ("_choices", "_head", "_left", "reading")

    def __init__(self, hint: Any = omit, tools: Sequence[Any] = (), limit: int = LIMIT) -> None:
        self.reading = Reading(hint, tools)
        self._left = limit
        self._head: Fields = {}
        self._choices: dict[int, _Choice] = {}

    def feed(self, chunk: Record) -> Events:
        """Take the next chunk; return the events that it makes.

        Raises:
            LengthFinishReasonError, ContentFilterFinishReasonError: an answer that was to be parsed has ended so.
            ProtocolError: what came is no chunk, or more than is kept.
        """
        own = chunk.__dict__
        if own.get("object") == "":  # Azure tells of its filter so
            return []
        for key, value in own.items():
            if key not in ("choices", "object", "obfuscation") and (value is not None or key not in self._head):
                self._head[key] = copied(value)
        fresh: Events = [events.ChunkEvent(chunk, self.shown)]  # type: ignore[arg-type]  # the decoder makes a chunk of what came
        choices = own.get("choices")
        for choice in choices if is_list(choices) else ():
            if isinstance(choice, Record):
                self._choice(choice.__dict__).feed(choice.__dict__, fresh)
        return fresh

    def _choice(self, own: Fields) -> _Choice:
        index = own.get("index")
        if not isinstance(index, int):
            raise ProtocolError("an answer in a chunk has no index")
        choice = self._choices.get(index)
        if choice is None:
            if len(self._choices) >= MAX_CHOICES:
                raise ProtocolError(f"a completion of more than {MAX_CHOICES} answers")
            choice = self._choices[index] = _Choice(index, self)
        return choice

    def weigh(self, size: int) -> None:
        """Count what is gathered. Raises ProtocolError when it is too much."""
        self._left -= size
        if self._left < 0:
            raise ProtocolError("the stream is longer than what is kept of it")

    def snapshot(self) -> ChatCompletion:
        """Return the completion as far as it has come."""
        choices = [self._choices[index].whole() for index in sorted(self._choices)]
        whole = {**copied(self._head), "object": "chat.completion", "choices": choices}
        completion: ChatCompletion = decoder("chat.ChatCompletion")({key: whole[key] for key in (*FIRST, *whole) if key in whole})
        return completion

    def shown(self) -> ParsedChatCompletion[Any]:
        """Return the completion as far as it has come; what is not complete is parsed as far as it can be."""
        return self.reading.shown(self.snapshot())

    def final(self) -> ParsedChatCompletion[Any]:
        """Return the completion at the end, parsed. Raises what `chat.completions.parse` raises, where something was to be parsed."""
        from .structured import parse_completion

        completion = self.snapshot()
        return parse_completion(completion, self.reading.hint, self.reading.tools) if self.reading.wanted else self.shown()


class Reading:
    """What is to be parsed, and how far.

    Attributes:
        wanted: whether anything is to be parsed.
    """

    __slots__ = ("hint", "strict", "tools", "typed", "wanted")

    def __init__(self, hint: Any, tools: Sequence[Any]) -> None:
        self.hint = hint
        self.tools = tools
        self.typed = hint is not omit and hint is not None and as_object(hint) is None
        self.strict = frozenset(_name(tool) for tool in tools if _name(tool))
        self.wanted = self.typed or bool(self.strict)

    def content(self, text: str) -> Any:
        """Return what a complete text means."""
        from .structured import parse_text

        return parse_text(text, self.hint)

    def arguments(self, name: str, text: str) -> object:
        """Return what complete arguments mean."""
        from .structured import parse_arguments

        return parse_arguments(name, text, self.tools)

    def shown(self, completion: ChatCompletion) -> ParsedChatCompletion[Any]:
        """Return a completion that may not be complete."""
        from .._models._parsed import as_parsed
        from .._models._parsed_chat import ParsedChatCompletion

        shown: ParsedChatCompletion[Any] = as_parsed(
            ParsedChatCompletion, completion, choices=[self._shown(each) for each in completion.choices or ()]
        )
        return shown

    def _shown(self, choice: Any) -> Any:
        from .._models._parsed import as_parsed
        from .._models._parsed_chat import ParsedChatCompletionMessage, ParsedChoice, ParsedFunction, ParsedFunctionToolCall

        message = choice.message
        inner: Fields = {}
        if message.tool_calls:
            calls = [each for each in message.tool_calls if each.__dict__.get("function") is not None]
            parsed = [partial(each.function.arguments) if each.function.name in self.strict else None for each in calls]
            inner["tool_calls"] = [
                as_parsed(ParsedFunctionToolCall, call, function=as_parsed(ParsedFunction, call.function, made))
                for call, made in zip(calls, parsed, strict=True)
            ]
        made = partial(message.content) if self.typed and not message.refusal else None
        return as_parsed(ParsedChoice, choice, message=as_parsed(ParsedChatCompletionMessage, message, made, **inner))


def _name(tool: Any) -> str | None:
    """Return the name of a tool whose arguments are parsed: one that is strict, in whatever form it was given."""
    plain = as_object(getattr(tool, "chat_definition", tool)) or getattr(tool, "__dict__", {})
    function = plain.get("function")
    inner = as_object(function) or getattr(function, "__dict__", {})
    return inner.get("name") if inner.get("strict") else None


def partial(text: str | None) -> object:
    """Return the JSON value that a text is the beginning of, None where nothing can be told yet."""
    from .partial import partial_json

    return partial_json(text) if text and text.strip() else None


class _Choice:
    """One of the answers."""

    __slots__ = ("_complete", "_fields", "_index", "_logprobs", "_message", "_tool", "_whole")

    def __init__(self, index: int, whole: ChatSnapshots) -> None:
        self._index = index
        self._whole = whole
        self._fields: Fields = {"finish_reason": None}
        self._message: Fields = {}
        self._logprobs: dict[str, list[ChatCompletionTokenLogprob] | None] | None = None
        self._tool: int | None = None  # the call whose arguments are coming
        self._complete: set[object] = set()  # what has been told to be complete

    def feed(self, own: Fields, fresh: Events) -> None:
        """Fold what a chunk says of this answer."""
        delta = own.get("delta")
        said = delta.__dict__ if isinstance(delta, Record) else {}
        self._merge(self._message, said)
        if own.get("finish_reason"):
            self._fields["finish_reason"] = own["finish_reason"]
            self._give_up(own["finish_reason"])
        if own.keys() - _KNOWN:
            self._fields.update({key: copied(value) for key, value in own.items() if key not in _KNOWN})
        logprobs = own.get("logprobs")
        self._tell_texts(said, fresh)
        if logprobs is not None:
            self._tell_logprobs(getattr(logprobs, "__dict__", {}), fresh)
        if own.get("finish_reason"):
            self._tell_complete(fresh)
            self._tell_call(self._tool, fresh)
        for call in _calls_in(said):
            self._next_call(call, fresh)

    def _give_up(self, reason: object) -> None:
        error = _GIVEN_UP.get(reason) if isinstance(reason, str) else None
        if error is not None and self._whole.reading.wanted:
            raise error(self._whole.snapshot())

    # --------------------------------------------------------------------------------------------------------- folding
    def _merge(self, tree: Fields, delta: Fields) -> None:
        for key, value in delta.items():
            known = tree.get(key)
            if isinstance(value, str):
                self._whole.weigh(len(value))
                if key in _SETTLED:
                    tree[key] = value or known or ""
                elif isinstance(known, Growing):
                    known.add(value)
                else:
                    tree[key] = Growing(value)
            elif value is None:
                tree.setdefault(key, None)
            elif isinstance(value, Record):
                self._merge(_within(tree, key, dict), value.__dict__)
            elif is_object(value):
                self._merge(_within(tree, key, dict), value)
            elif is_list(value):
                self._merge_list(tree, key, value)
            else:
                tree[key] = value

    def _merge_list(self, tree: Fields, key: str, values: list[Any]) -> None:
        """Fold a list: what has an index belongs to the entry of that index, everything else comes behind what there is."""
        if key != "tool_calls":
            self._whole.weigh(weight(copied(values)))
            _within(tree, key, list).extend(copied(values))
            return
        calls = _within(tree, key, _Numbered)
        for value in values:
            if isinstance(value, Record):
                own = value.__dict__
                own["index"] = index = calls.index_of(own)
                if index not in calls:
                    self._whole.weigh(64)
                self._merge(calls.setdefault(index, {}), {name: inner for name, inner in own.items() if name != "index"})

    def whole(self) -> Fields:
        """Return a copy of the answer with its texts joined."""
        message = {"role": "assistant", "content": None, "refusal": None, **_joined(self._message)}
        return {"index": self._index, "message": message, "logprobs": copied(self._logprobs), **copied(self._fields)}

    # ---------------------------------------------------------------------------------------------------------- events
    def _tell_texts(self, said: Fields, fresh: Events) -> None:
        reading, message = self._whole.reading, self._message
        content, refusal = message.get("content"), message.get("refusal")
        if said.get("content") is not None and isinstance(content, Growing):
            read = partial if reading.typed else None
            fresh.append(events.ContentDeltaEvent(self._index, said["content"], content.excerpt(), read))
        if said.get("refusal") is not None and isinstance(refusal, Growing):
            fresh.append(events.RefusalDeltaEvent(self._index, said["refusal"], refusal.excerpt()))
        for call in _calls_in(said):
            self._tell_arguments(call, fresh)

    def _tell_arguments(self, own: Fields, fresh: Events) -> None:
        function = self._call(own["index"]).get("function")
        if not is_object(function):  # a tool of another kind
            return
        arguments = function.get("arguments")
        if not isinstance(arguments, Growing):
            arguments = function["arguments"] = Growing()
        name, delta = _text(function.get("name")), _text(getattr(own.get("function"), "arguments", None))
        read = partial if name in self._whole.reading.strict else None
        fresh.append(events.FunctionToolCallArgumentsDeltaEvent(self._index, name, own["index"], delta, arguments.excerpt(), read))

    def _tell_logprobs(self, own: Fields, fresh: Events) -> None:
        if self._logprobs is None:
            self._logprobs = {"content": None, "refusal": None}
        for key, event in _LOGPROBS:
            values = own.get(key)
            if is_list(values):
                known = self._logprobs[key] = self._logprobs[key] or []
                self._whole.weigh(64 * len(values))
                known.extend(values)
                if values:
                    fresh.append(event(self._index, values, known))

    def _next_call(self, own: Fields, fresh: Events) -> None:
        """Another call begins, so the one before it is complete."""
        if own["index"] != self._tool:
            self._tell_complete(fresh)
            self._tell_call(self._tool, fresh)
        self._tool = own["index"]

    def _tell_complete(self, fresh: Events) -> None:
        """Tell what is complete when calls begin, or the answer has ended."""
        content, refusal, reading = self._message.get("content"), self._message.get("refusal"), self._whole.reading
        if isinstance(content, Growing) and content.length and self._first("content"):
            fresh.append(events.ContentDoneEvent(self._index, content.text(), reading.content if reading.typed else None))
        if isinstance(refusal, Growing) and self._first("refusal"):
            fresh.append(events.RefusalDoneEvent(self._index, refusal.text()))
        tokens = self._logprobs or {}
        said, declined = tokens.get("content"), tokens.get("refusal")
        if said is not None and self._first("logprobs.content"):
            fresh.append(events.LogprobsContentDoneEvent(self._index, said))
        if declined is not None and self._first("logprobs.refusal"):
            fresh.append(events.LogprobsRefusalDoneEvent(self._index, declined))

    def _tell_call(self, index: int | None, fresh: Events) -> None:
        call = self._call(index)
        if index is not None and is_object(call.get("function")) and self._first(index):
            joined = _joined(call)
            name, arguments = _text(joined["function"].get("name")), _text(joined["function"].get("arguments"))
            read = self._whole.reading.arguments
            fresh.append(events.FunctionToolCallArgumentsDoneEvent(self._index, name, index, _text(joined.get("id")), arguments, read))

    def _call(self, index: int | None) -> Fields:
        """Return what has come of a call."""
        calls = self._message.get("tool_calls")
        return calls.get(index, {}) if isinstance(calls, _Numbered) and index is not None else {}

    def _first(self, what: object) -> bool:
        """Return whether something has not been told before."""
        if what in self._complete:
            return False
        self._complete.add(what)
        return True


_KNOWN = frozenset(("index", "delta", "logprobs", "finish_reason"))
_LOGPROBS: tuple[tuple[str, Any], ...] = (
    ("content", events.LogprobsContentDeltaEvent),
    ("refusal", events.LogprobsRefusalDeltaEvent),
)


class _Numbered(dict[int, "Fields"]):
    """Entries of a list that come in pieces, by their indexes."""

    def index_of(self, own: Fields) -> int:
        """Return the index of the entry that a piece belongs to; some services leave it out, and tell calls apart by their ids alone."""
        index, last = own.get("index"), max(self, default=-1)
        if isinstance(index, int) and index >= 0:
            return index
        return last + 1 if last < 0 or (own.get("id") and own["id"] != self[last].get("id")) else last


def _calls_in(said: Fields) -> list[Fields]:
    """Return the pieces of calls that a chunk brings."""
    calls = said.get("tool_calls")
    return [call.__dict__ for call in calls if isinstance(call, Record)] if is_list(calls) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _within(tree: Fields, key: str, kind: Any) -> Any:
    """Return what is under a key, made anew where it is of another kind."""
    known = tree.get(key)
    if type(known) is not kind:
        known = tree[key] = kind()
    return known


def _joined(value: Any) -> Any:
    """Return a copy with texts joined, and with lists where entries had numbers."""
    if isinstance(value, Growing):
        return value.text()
    if isinstance(value, _Numbered):
        return [_joined(value[index]) for index in sorted(value)]
    if is_object(value):
        return {key: _joined(inner) for key, inner in value.items()}
    return copied(value)
