"""The connections of each part of the API: which events, which groups of them, and where."""

from __future__ import annotations

from ._connection import AsyncConnection, Connection
from ._live_parts import Decisions, ForkSession, PrimarySession, SidebandSession, Transport
from ._live_parts import Responses as LiveResponses
from ._operation import Operation
from ._realtime_parts import (
    BetaConversation,
    BetaResponses,
    BetaSession,
    BetaSocketResponses,
    Conversation,
    InputBuffer,
    OutputBuffer,
    Responses,
    Session,
    SocketResponses,
    TranscriptionSession,
    TranslationSession,
)
from ._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeAlias

    from ._models import (
        beta_realtime_events,
        beta_realtime_events_params,
        beta_response_events_params,
        beta_socket_events,
        live_events,
        live_events_params,
        realtime,
        realtime_params,
        responses_socket_events,
        responses_socket_events_params,
    )

    Sent: TypeAlias = Coroutine[Any, Any, None]

    # What the server says over each, and what can be said.
    ResponsesEvent: TypeAlias = responses_socket_events.ResponsesServerEvent
    ResponsesSaid: TypeAlias = responses_socket_events_params.ResponsesClientEventParam
    BetaResponsesEvent: TypeAlias = beta_socket_events.BetaResponsesServerEvent
    BetaResponsesSaid: TypeAlias = beta_response_events_params.BetaResponsesClientEventParam
    RealtimeEvent: TypeAlias = realtime.RealtimeServerEvent
    RealtimeSaid: TypeAlias = realtime_params.RealtimeClientEventParam
    TranslationEvent: TypeAlias = realtime.RealtimeTranslationServerEvent
    TranslationSaid: TypeAlias = realtime_params.RealtimeTranslationClientEventParam
    BetaRealtimeEvent: TypeAlias = beta_realtime_events.RealtimeServerEvent
    BetaRealtimeSaid: TypeAlias = beta_realtime_events_params.RealtimeClientEventParam
    LiveEvent: TypeAlias = live_events.ServerEvent
    LiveSaid: TypeAlias = live_events_params.ClientEventParam
    ForkEvent: TypeAlias = live_events.ForkServerEvent
    ForkSaid: TypeAlias = live_events_params.ForkClientEventParam
    SidebandEvent: TypeAlias = live_events.ConnectServerEvent
    SidebandSaid: TypeAlias = live_events_params.ConnectClientEventParam

__all__ = [
    "AsyncBetaRealtimeConnection",
    "AsyncBetaResponsesConnection",
    "AsyncForkConnection",
    "AsyncLiveConnection",
    "AsyncRealtimeConnection",
    "AsyncResponsesConnection",
    "AsyncSidebandConnection",
    "AsyncTranslationConnection",
    "BetaRealtimeConnection",
    "BetaResponsesConnection",
    "ForkConnection",
    "LiveConnection",
    "RealtimeConnection",
    "ResponsesConnection",
    "SidebandConnection",
    "Speaking",
    "TranslationConnection",
]

R = TypeVar("R")

RESPONSES: Operation[None] = Operation("GET", "/responses")
REALTIME: Operation[None] = Operation("GET", "/realtime", query=("model", "call_id"))
TRANSLATIONS: Operation[None] = Operation("GET", "/realtime/translations", query=("model",))
BETA_REALTIME: Operation[None] = Operation("GET", "/realtime", query=("model",), send={"OpenAI-Beta": "realtime=v1"})
LIVE: Operation[None] = Operation("GET", "/live/sessions")
FORK: Operation[None] = Operation("GET", "/live/sessions/{session_id}/fork")
SIDEBAND: Operation[None] = Operation("GET", "/live/sessions/{session_id}/attach", query=("graceful_close",))


class Speaking(Generic[R]):
    """A connection that has parts; R is what sending returns.

    Attributes:
        operation: the request that opens it.
        event: the type of the server's events.
        queue_size: bytes of messages that may wait for it, unless the user says otherwise.
    """

    operation: Operation[None]
    event = ""
    queue_size = 1_048_576

    if TYPE_CHECKING:

        @property
        def _tell(self) -> Callable[[dict[str, Any]], R]: ...


# ------------------------------------------------------------------------------------------------ Responses
class _Responses(Speaking[R]):
    operation = RESPONSES
    event = "responses_socket_events.ResponsesServerEvent"

    def _make_parts(self) -> None:
        self.response = SocketResponses[R](self._tell, "response")


class ResponsesConnection(
    _Responses[None],
    Connection["ResponsesEvent", "ResponsesSaid"],
):
    """A connection to the Responses API."""


class AsyncResponsesConnection(
    _Responses["Sent"],
    AsyncConnection["ResponsesEvent", "ResponsesSaid"],
):
    """A connection to the Responses API."""


class _BetaResponses(Speaking[R]):
    operation = RESPONSES
    event = "beta_socket_events.BetaResponsesServerEvent"

    def _make_parts(self) -> None:
        self.response = BetaSocketResponses[R](self._tell, "response")


class BetaResponsesConnection(
    _BetaResponses[None],
    Connection["BetaResponsesEvent", "BetaResponsesSaid"],
):
    """A connection to the Responses API, with what is being tried out."""


class AsyncBetaResponsesConnection(
    _BetaResponses["Sent"],
    AsyncConnection["BetaResponsesEvent", "BetaResponsesSaid"],
):
    """A connection to the Responses API, with what is being tried out."""


# ------------------------------------------------------------------------------------------------ Realtime
class _Realtime(Speaking[R]):
    operation = REALTIME
    event = "realtime.RealtimeServerEvent"

    def _make_parts(self) -> None:
        tell = self._tell
        self.session = Session[R](tell, "session")
        self.response = Responses[R](tell, "response")
        self.conversation = Conversation[R](tell, "conversation")
        self.input_audio_buffer = InputBuffer[R](tell, "input_audio_buffer")
        self.output_audio_buffer = OutputBuffer[R](tell, "output_audio_buffer")


class RealtimeConnection(_Realtime[None], Connection["RealtimeEvent", "RealtimeSaid"]):
    """A connection to the Realtime API."""


class AsyncRealtimeConnection(_Realtime["Sent"], AsyncConnection["RealtimeEvent", "RealtimeSaid"]):
    """A connection to the Realtime API."""


class _Translation(Speaking[R]):
    operation = TRANSLATIONS
    event = "realtime.RealtimeTranslationServerEvent"

    def _make_parts(self) -> None:
        self.session = TranslationSession[R](self._tell, "session")


class TranslationConnection(_Translation[None], Connection["TranslationEvent", "TranslationSaid"]):
    """A connection that translates what is said."""


class AsyncTranslationConnection(
    _Translation["Sent"],
    AsyncConnection["TranslationEvent", "TranslationSaid"],
):
    """A connection that translates what is said."""


class _BetaRealtime(Speaking[R]):
    operation = BETA_REALTIME
    event = "beta_realtime_events.RealtimeServerEvent"

    def _make_parts(self) -> None:
        tell = self._tell
        self.session = BetaSession[R](tell, "session")
        self.response = BetaResponses[R](tell, "response")
        self.conversation = BetaConversation[R](tell, "conversation")
        self.input_audio_buffer = InputBuffer[R](tell, "input_audio_buffer")
        self.output_audio_buffer = OutputBuffer[R](tell, "output_audio_buffer")
        self.transcription_session = TranscriptionSession[R](tell, "transcription_session")


class BetaRealtimeConnection(_BetaRealtime[None], Connection["BetaRealtimeEvent", "BetaRealtimeSaid"]):
    """A connection to the Realtime API as it was."""


class AsyncBetaRealtimeConnection(
    _BetaRealtime["Sent"],
    AsyncConnection["BetaRealtimeEvent", "BetaRealtimeSaid"],
):
    """A connection to the Realtime API as it was."""


# ------------------------------------------------------------------------------------------------ Live
class _Live(Speaking[R]):
    operation = LIVE
    event = "live_events.ServerEvent"
    queue_size = 2_097_152

    def _make_parts(self) -> None:
        tell = self._tell
        self.session = PrimarySession[R](tell, "session")
        self.decision = Decisions[R](tell, "decision")
        self.response = LiveResponses[R](tell, "response")


class LiveConnection(_Live[None], Connection["LiveEvent", "LiveSaid"]):
    """The connection that begins a Live session."""


class AsyncLiveConnection(_Live["Sent"], AsyncConnection["LiveEvent", "LiveSaid"]):
    """The connection that begins a Live session."""


class _Fork(Speaking[R]):
    operation = FORK
    event = "live_events.ForkServerEvent"
    queue_size = 2_097_152

    def _make_parts(self) -> None:
        tell = self._tell
        self.session = ForkSession[R](tell, "session")
        self.decision = Decisions[R](tell, "decision")
        self.response = LiveResponses[R](tell, "response")


class ForkConnection(_Fork[None], Connection["ForkEvent", "ForkSaid"]):
    """A connection that goes on from a stored Live session."""


class AsyncForkConnection(_Fork["Sent"], AsyncConnection["ForkEvent", "ForkSaid"]):
    """A connection that goes on from a stored Live session."""


class _Sideband(Speaking[R]):
    operation = SIDEBAND
    event = "live_events.ConnectServerEvent"
    queue_size = 2_097_152

    def _make_parts(self) -> None:
        tell = self._tell
        self.session = SidebandSession[R](tell, "session")
        self.decision = Decisions[R](tell, "decision")
        self.response = LiveResponses[R](tell, "response")
        self.transport = Transport[R](tell, "transport")


class SidebandConnection(_Sideband[None], Connection["SidebandEvent", "SidebandSaid"]):
    """A second connection to a Live session."""


class AsyncSidebandConnection(_Sideband["Sent"], AsyncConnection["SidebandEvent", "SidebandSaid"]):
    """A second connection to a Live session."""
