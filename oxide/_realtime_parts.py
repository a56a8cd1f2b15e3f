"""What can be said over connections of the Realtime and Responses APIs: events by their types, as `connection.response.create(...)`."""

from __future__ import annotations

from ._connection import Part
from ._omit import omit
from ._typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from typing_extensions import Unpack

    from ._models import (
        beta_realtime_events_params,
        beta_response_input_params,
        realtime_params,
        responses_socket_events_params,
    )
    from ._models.responses_input_params import ResponseCreateParams
    from ._omit import Omit

    class SocketCreateParams(ResponseCreateParams, total=False):
        """What `responses.create` takes, and what there is over WebSockets only."""

        generate: bool
        stream_id: str


__all__ = [
    "BetaConversation",
    "BetaResponses",
    "BetaSession",
    "BetaSocketResponses",
    "Conversation",
    "InputBuffer",
    "OutputBuffer",
    "Responses",
    "Session",
    "SocketResponses",
    "TranscriptionSession",
    "TranslationSession",
]

R = TypeVar("R")


# ------------------------------------------------------------------------------------------------ Responses
class SocketResponses(Part[R]):
    """Answers."""

    __slots__ = ()

    def create(self, **params: Unpack[SocketCreateParams]) -> R:
        """Ask for an answer. The parameters are those of `client.responses.create`, and `stream_id` and `generate`."""
        return self._event("create", dict(params))

    def steer(self, *, input: responses_socket_events_params.ResponseSteerInputParam, previous_response_id: str) -> R:
        """Say something to a model that is at work on an answer; "response.steer.accepted" follows."""
        return self._event("steer", locals())


class BetaSocketResponses(Part[R]):
    """Answers, with what is being tried out."""

    __slots__ = ()

    def create(self, **params: Unpack[SocketCreateParams]) -> R:
        """Ask for an answer. The parameters are those of `client.beta.responses.create`, and `stream_id` and `generate`."""
        return self._event("create", dict(params))

    def inject(self, *, input: Iterable[beta_response_input_params.BetaResponseInputItemParam], response_id: str) -> R:
        """Add items to an answer under way."""
        return self._event("inject", locals())

    def steer(self, *, input: beta_response_input_params.BetaResponseSteerInputParam, previous_response_id: str) -> R:
        """Say something to a model that is at work on an answer."""
        return self._event("steer", locals())


# ------------------------------------------------------------------------------------------------ Realtime
class Session(Part[R]):
    """Settings of the session."""

    __slots__ = ()

    def update(self, *, session: realtime_params.SessionUpdateEventSessionParam, event_id: str | Omit = omit) -> R:
        """Change settings; what is left out stays. "session.updated" follows, with all settings."""
        return self._event("update", locals())


class Responses(Part[R]):
    """Answers of the model."""

    __slots__ = ()

    def create(
        self,
        *,
        event_id: str | Omit = omit,
        response: realtime_params.RealtimeResponseCreateParams
        | realtime_params.RealtimeResponseCreateParamsWithReferencesParam
        | Omit = omit,
    ) -> R:
        """Have the model answer now; `response` has settings for this answer alone."""
        return self._event("create", locals())

    def cancel(self, *, event_id: str | Omit = omit, response_id: str | Omit = omit) -> R:
        """Stop an answer, the one under way if none is named."""
        return self._event("cancel", locals())


class Clearing(Part[R]):
    """Sound that can be thrown away."""

    __slots__ = ()

    def clear(self, *, event_id: str | Omit = omit) -> R:
        """Throw away the sound that waits."""
        return self._event("clear", locals())


class InputBuffer(Clearing[R]):
    """What the user says."""

    __slots__ = ()

    def append(self, *, audio: str, event_id: str | Omit = omit) -> R:
        """Add sound: base64 text, at most 15 MiB of it at a time."""
        return self._event("append", locals())

    def commit(self, *, event_id: str | Omit = omit) -> R:
        """Make a message of the sound, where the service does not notice by itself that the user has ended."""
        return self._event("commit", locals())


class OutputBuffer(Clearing[R]):
    """What the user hears, over WebRTC and SIP."""

    __slots__ = ()


class _Items(Part[R]):
    __slots__ = ()

    def delete(self, *, item_id: str, event_id: str | Omit = omit) -> R:
        """Take an item out of the conversation."""
        return self._event("delete", locals())

    def retrieve(self, *, item_id: str, event_id: str | Omit = omit) -> R:
        """Ask for an item as the service has it."""
        return self._event("retrieve", locals())

    def truncate(self, *, audio_end_ms: int, content_index: int, item_id: str, event_id: str | Omit = omit) -> R:
        """Forget the sound of the model that the user has not heard, from `audio_end_ms` milliseconds on."""
        return self._event("truncate", locals())


class Items(_Items[R]):
    """Items of the conversation."""

    __slots__ = ()

    def create(self, *, item: realtime_params.ConversationItemParam, event_id: str | Omit = omit, previous_item_id: str | Omit = omit) -> R:
        """Add an item, at the end or behind another: a message, a function call or the result of one."""
        return self._event("create", locals())


class Conversation(Part[R]):
    """The conversation."""

    __slots__ = ("item",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.item = Items[R](tell, f"{path}.item")


# ------------------------------------------------------------------------------------------------ translations
class TranslationInput(Part[R]):
    """What is to be translated."""

    __slots__ = ()

    def append(self, *, audio: str, event_id: str | Omit = omit) -> R:
        """Add sound: base64 text."""
        return self._event("append", locals())


class TranslationSession(Part[R]):
    """The session."""

    __slots__ = ("input_audio_buffer",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.input_audio_buffer = TranslationInput[R](tell, f"{path}.input_audio_buffer")

    def close(self, *, event_id: str | Omit = omit) -> R:
        """End the session when all is translated."""
        return self._event("close", locals())

    def update(self, *, session: realtime_params.RealtimeTranslationSessionUpdateRequestParam, event_id: str | Omit = omit) -> R:
        """Change settings."""
        return self._event("update", locals())


# ------------------------------------------------------------------------------------------------ Realtime, as it was
class BetaSession(Part[R]):
    """Settings of the session."""

    __slots__ = ()

    def update(self, *, session: beta_realtime_events_params.SessionUpdateEventSessionParam, event_id: str | Omit = omit) -> R:
        """Change settings."""
        return self._event("update", locals())


class BetaResponses(Part[R]):
    """Answers of the model."""

    __slots__ = ()

    def create(
        self, *, event_id: str | Omit = omit, response: beta_realtime_events_params.ResponseCreateEventResponseParam | Omit = omit
    ) -> R:
        """Have the model answer now."""
        return self._event("create", locals())

    def cancel(self, *, event_id: str | Omit = omit, response_id: str | Omit = omit) -> R:
        """Stop an answer."""
        return self._event("cancel", locals())


class BetaItems(_Items[R]):
    """Items of the conversation."""

    __slots__ = ()

    def create(
        self, *, item: beta_realtime_events_params.ConversationItemParam, event_id: str | Omit = omit, previous_item_id: str | Omit = omit
    ) -> R:
        """Add an item."""
        return self._event("create", locals())


class BetaConversation(Part[R]):
    """The conversation."""

    __slots__ = ("item",)

    def __init__(self, tell: Callable[[dict[str, Any]], R], path: str) -> None:
        super().__init__(tell, path)
        self.item = BetaItems[R](tell, f"{path}.item")


class TranscriptionSession(Part[R]):
    """Settings of a session that only writes down what is said."""

    __slots__ = ()

    def update(self, *, session: beta_realtime_events_params.TranscriptionSessionUpdateSessionParam, event_id: str | Omit = omit) -> R:
        """Change settings."""
        return self._event("update", locals())
