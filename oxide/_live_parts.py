"""What can be said over connections of the Live API: its events by their types, `connection.session.update(...)` for "session.update"."""

from __future__ import annotations

from ._connection import Part
from ._omit import omit
from ._typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._models import live_events_params, live_params, responses_input_params
    from ._omit import Omit

__all__ = ["Decisions", "ForkSession", "PrimarySession", "Responses", "SidebandSession", "Transport"]

R = TypeVar("R")


class Thoughts(Part[R]):
    """Context for the model; to whom it is of use tells the path."""

    __slots__ = ()

    def append(self, *, content: str, delegation_id: str | None, event_id: str | None | Omit = omit) -> R:
        """Add a text; `delegation_id` is that of the delegation it belongs to, None for none."""
        return self._event("append", locals())


class Ears(Part[R]):
    """Whether the model hears the user."""

    __slots__ = ()

    def mute(self, *, event_id: str | None | Omit = omit) -> R:
        """Let the model hear nothing; the session goes on."""
        return self._event("mute", locals())

    def unmute(self, *, event_id: str | None | Omit = omit) -> R:
        """Let the model hear again."""
        return self._event("unmute", locals())


class InputAudio(Ears[R]):
    """What the model hears."""

    __slots__ = ()

    def append(self, *, audio: str, event_id: str | None | Omit = omit) -> R:
        """Send sound: base64 text, in the format of the session."""
        return self._event("append", locals())


class Fixture(Part[R]):
    """Recorded sound."""

    __slots__ = ()

    def play(self, *, audio: str, event_id: str | None | Omit = omit) -> R:
        """Play a sound to the user: base64 text, mono PCM16 at 24 kHz, at most 30 seconds."""
        return self._event("play", locals())


class OutputAudio(Part[R]):
    """What the user hears."""

    __slots__ = ("fixture",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.fixture = Fixture[R](tell, f"{path}.fixture")


class _Session(Part[R]):
    __slots__ = ("commentary", "instructions", "output_audio", "thinking")

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.commentary = Thoughts[R](tell, f"{path}.commentary")
        self.instructions = Thoughts[R](tell, f"{path}.instructions")
        self.thinking = Thoughts[R](tell, f"{path}.thinking")
        self.output_audio = OutputAudio[R](tell, f"{path}.output_audio")

    def close(self, *, event_id: str | None | Omit = omit) -> R:
        """End the session; "session.closed" tells why, and what it cost."""
        return self._event("close", locals())

    def update(self, *, session: live_params.SessionUpdateConfigParam, event_id: str | None | Omit = omit) -> R:
        """Change settings of the session; "session.updated" follows."""
        return self._event("update", locals())


class PrimarySession(_Session[R]):
    """The session, as the one who began it has it."""

    __slots__ = ("input_audio",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.input_audio = InputAudio[R](tell, f"{path}.input_audio")

    def start(self, *, session: live_params.SessionConfigParam, event_id: str | None | Omit = omit) -> R:
        """Begin; "session.started" follows, and only then anything else may be said."""
        return self._event("start", locals())


class ForkSession(_Session[R]):
    """A session that goes on from a stored one."""

    __slots__ = ("input_audio",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.input_audio = InputAudio[R](tell, f"{path}.input_audio")

    def start(self, *, session: live_params.ForkSessionConfigParam, event_id: str | None | Omit = omit) -> R:
        """Begin, with what is to be different (`overrides`, perhaps empty); "session.started" follows."""
        return self._event("start", locals())


class SidebandSession(_Session[R]):
    """A session that somebody else has begun."""

    __slots__ = ("input_audio",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.input_audio = Ears[R](tell, f"{path}.input_audio")


class DecisionItems(Part[R]):
    """What decisions are made of, beside the conversation."""

    __slots__ = ()

    def create(self, *, item: live_events_params.DecisionItemCreateEventItemUnionParam, event_id: str | None | Omit = omit) -> R:
        """Add an item for the decisions to come."""
        return self._event("create", locals())

    def delete(self, *, item_id: str, event_id: str | None | Omit = omit) -> R:
        """Take an item out of the decisions to come."""
        return self._event("delete", locals())


class Decisions(Part[R]):
    """Questions that are answered beside the conversation."""

    __slots__ = ("item",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.item = DecisionItems[R](tell, f"{path}.item")

    def create(self, *, event_id: str) -> R:
        """Have the questions answered now; no `event_id` may come twice in a session."""
        return self._event("create", locals())


class ResponseItems(Part[R]):
    """What the model behind the voice is told."""

    __slots__ = ()

    def create(self, *, item: responses_input_params.ResponseInputItemParam, event_id: str | None | Omit = omit) -> R:
        """Add an item, as the result of a tool."""
        return self._event("create", locals())


class Responses(Part[R]):
    """Answers of the model behind the voice."""

    __slots__ = ("item",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.item = ResponseItems[R](tell, f"{path}.item")

    def create(self, *, event_id: str | None | Omit = omit) -> R:
        """Ask for an answer, or let one go on that waits for results of tools."""
        return self._event("create", locals())


class Tones(Part[R]):
    """Keys of a telephone."""

    __slots__ = ()

    def send(self, *, event: str, event_id: str | None | Omit = omit) -> R:
        """Send the tones of keys."""
        return self._event("send", locals())


class Transport(Part[R]):
    """The telephone call of a session."""

    __slots__ = ("dtmf",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.dtmf = Tones[R](tell, f"{path}.dtmf")
