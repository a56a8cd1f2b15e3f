"""What the resources have that travels over WebSockets: sessions and connections; what is behind them is loaded when one is asked for."""

from __future__ import annotations

from .._omit import not_given, omit
from .._typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypedDict

    from typing_extensions import Unpack

    from .._connection import AsyncConnectionManager, ConnectionManager, HasExchange, Opening
    from .._connection_core import OnReconnecting
    from .._connections import (
        AsyncBetaRealtimeConnection,
        AsyncBetaResponsesConnection,
        AsyncForkConnection,
        AsyncLiveConnection,
        AsyncRealtimeConnection,
        AsyncResponsesConnection,
        AsyncSidebandConnection,
        AsyncTranslationConnection,
        BetaRealtimeConnection,
        BetaRealtimeSaid,
        BetaResponsesConnection,
        BetaResponsesSaid,
        ForkConnection,
        ForkSaid,
        LiveConnection,
        LiveSaid,
        RealtimeConnection,
        RealtimeSaid,
        ResponsesConnection,
        ResponsesSaid,
        SidebandConnection,
        SidebandSaid,
        Speaking,
        TranslationConnection,
        TranslationSaid,
    )
    from .._omit import NotGiven, Omit
    from .._timeout import Timeout
    from .._transport.socket_options import SocketOptions
    from .sessions import AsyncResponsesSession, ResponsesSession

    class NativeOptions(TypedDict, total=False):
        """Options of the `websockets` package that have a counterpart here; `SocketOptions` has all."""

        max_size: int | None
        compression: str | None
        subprotocols: Sequence[str] | None
        ping_interval: float | None
        ping_timeout: float | None
        close_timeout: float | None

    class ConnectOptions(TypedDict, total=False):
        """What every `connect` takes; see `oxide._connection.Opening`."""

        extra_query: Mapping[str, object]
        extra_headers: Mapping[str, str | Omit]
        websocket_connection_options: NativeOptions | SocketOptions
        on_reconnecting: OnReconnecting | None
        max_retries: int
        initial_delay: float
        max_delay: float
        max_queue_size: int

    class HasCaller(Protocol):
        """An object of a client."""

        @property
        def _caller(self) -> object: ...


__all__ = [
    "AsyncBetaRealtimeHelpers",
    "AsyncBetaResponsesHelpers",
    "AsyncForks",
    "AsyncLiveHelpers",
    "AsyncRealtimeHelpers",
    "AsyncResponsesHelpers",
    "AsyncSideband",
    "AsyncTranslationsHelpers",
    "BetaRealtimeHelpers",
    "BetaResponsesHelpers",
    "Forks",
    "LiveHelpers",
    "RealtimeHelpers",
    "ResponsesHelpers",
    "Sideband",
    "TranslationsHelpers",
]


def caller_of(resource: HasCaller) -> HasExchange:
    """Return who makes the calls of a resource."""
    return cast("HasExchange", resource._caller)  # pyright: ignore[reportPrivateUsage]  # that of a client, not that of a raw view


def _opening(resource: HasCaller, kind: type[Speaking[Any]], params: dict[str, object], options: ConnectOptions) -> Opening:
    from .._connection import Opening

    return Opening(caller_of(resource), kind.operation, kind.event, params, kind.queue_size, **options)


class ResponsesHelpers:
    """What `client.responses` has over WebSockets."""

    def session(
        self: HasCaller,
        *,
        fallback: bool = False,
        keep_history: bool = False,
        socket_options: SocketOptions | None = None,
        extra_headers: Mapping[str, str | Omit] | None = None,
        extra_query: Mapping[str, object] | None = None,
        timeout: float | Timeout | None | NotGiven = not_given,
        max_retries: int | NotGiven = not_given,
    ) -> ResponsesSession:
        """Make calls over one WebSocket that stays open between them: the service keeps what it has read, and starts sooner.

        The connection is opened with the first call, replaced before it is too old or when it broke, and kept warm for the next session.

        Args:
            fallback: go on over HTTP where the server refuses WebSockets.
            keep_history: keep what was said, so that a conversation which the service has forgotten is sent whole.
            socket_options: limits and habits of the WebSocket.
        """
        from .sessions import ResponsesSession

        given = _given(extra_headers, extra_query, timeout, max_retries)
        return ResponsesSession(caller_of(self), given, socket_options, fallback, keep_history)

    def connect(self: HasCaller, **options: Unpack[ConnectOptions]) -> ConnectionManager[ResponsesConnection, ResponsesSaid]:
        """Open a connection to the Responses API, and send and receive its events; whole calls are made with `session`.

        The options are `ConnectOptions`.
        """
        from .._connection import ConnectionManager
        from .._connections import ResponsesConnection

        return ConnectionManager(ResponsesConnection, _opening(self, ResponsesConnection, {}, options))


class AsyncResponsesHelpers:
    """What `client.responses` of an asyncio client has over WebSockets."""

    def session(
        self: HasCaller,
        *,
        fallback: bool = False,
        keep_history: bool = False,
        socket_options: SocketOptions | None = None,
        extra_headers: Mapping[str, str | Omit] | None = None,
        extra_query: Mapping[str, object] | None = None,
        timeout: float | Timeout | None | NotGiven = not_given,
        max_retries: int | NotGiven = not_given,
    ) -> AsyncResponsesSession:
        """Make calls over one WebSocket that stays open between them; the arguments are those of `ResponsesHelpers.session`."""
        from .sessions import AsyncResponsesSession

        given = _given(extra_headers, extra_query, timeout, max_retries)
        return AsyncResponsesSession(caller_of(self), given, socket_options, fallback, keep_history)

    def connect(self: HasCaller, **options: Unpack[ConnectOptions]) -> AsyncConnectionManager[AsyncResponsesConnection, ResponsesSaid]:
        """Open a connection to the Responses API, and send and receive its events; whole calls are made with `session`.

        The options are `ConnectOptions`.
        """
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncResponsesConnection

        return AsyncConnectionManager(AsyncResponsesConnection, _opening(self, AsyncResponsesConnection, {}, options))


class BetaResponsesHelpers:
    """What `client.beta.responses` has over WebSockets."""

    def connect(self: HasCaller, **options: Unpack[ConnectOptions]) -> ConnectionManager[BetaResponsesConnection, BetaResponsesSaid]:
        """Open a connection to the Responses API, and send and receive its events. For the options see `ConnectOptions`."""
        from .._connection import ConnectionManager
        from .._connections import BetaResponsesConnection

        return ConnectionManager(BetaResponsesConnection, _opening(self, BetaResponsesConnection, {}, options))


class AsyncBetaResponsesHelpers:
    """What `client.beta.responses` of an asyncio client has over WebSockets."""

    def connect(
        self: HasCaller, **options: Unpack[ConnectOptions]
    ) -> AsyncConnectionManager[AsyncBetaResponsesConnection, BetaResponsesSaid]:
        """Open a connection to the Responses API, and send and receive its events. For the options see `ConnectOptions`."""
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncBetaResponsesConnection

        return AsyncConnectionManager(AsyncBetaResponsesConnection, _opening(self, AsyncBetaResponsesConnection, {}, options))


class RealtimeHelpers:
    """What `client.realtime` has over WebSockets."""

    def connect(
        self: HasCaller, *, call_id: str | Omit = omit, model: str | Omit = omit, **options: Unpack[ConnectOptions]
    ) -> ConnectionManager[RealtimeConnection, RealtimeSaid]:
        """Open a connection to a Realtime session: a new one of a model, or that of a call.

        Args:
            call_id: a call that came in over WebRTC or SIP.
            model: the model to talk with.
            options: see `ConnectOptions`.
        """
        from .._connection import ConnectionManager
        from .._connections import RealtimeConnection

        return ConnectionManager(RealtimeConnection, _opening(self, RealtimeConnection, {"call_id": call_id, "model": model}, options))


class AsyncRealtimeHelpers:
    """What `client.realtime` of an asyncio client has over WebSockets."""

    def connect(
        self: HasCaller, *, call_id: str | Omit = omit, model: str | Omit = omit, **options: Unpack[ConnectOptions]
    ) -> AsyncConnectionManager[AsyncRealtimeConnection, RealtimeSaid]:
        """Open a connection to a Realtime session: a new one of a model, or that of a call.

        Args:
            call_id: a call that came in over WebRTC or SIP.
            model: the model to talk with.
            options: see `ConnectOptions`.
        """
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncRealtimeConnection

        return AsyncConnectionManager(
            AsyncRealtimeConnection, _opening(self, AsyncRealtimeConnection, {"call_id": call_id, "model": model}, options)
        )


class TranslationsHelpers:
    """What `client.realtime.translations` has over WebSockets."""

    def connect(
        self: HasCaller, model: str, **options: Unpack[ConnectOptions]
    ) -> ConnectionManager[TranslationConnection, TranslationSaid]:
        """Open a connection that translates what is said.

        Args:
            model: the model that translates.
            options: see `ConnectOptions`.
        """
        from .._connection import ConnectionManager
        from .._connections import TranslationConnection

        return ConnectionManager(TranslationConnection, _opening(self, TranslationConnection, {"model": model}, options))


class AsyncTranslationsHelpers:
    """What `client.realtime.translations` of an asyncio client has over WebSockets."""

    def connect(
        self: HasCaller, model: str, **options: Unpack[ConnectOptions]
    ) -> AsyncConnectionManager[AsyncTranslationConnection, TranslationSaid]:
        """Open a connection that translates what is said.

        Args:
            model: the model that translates.
            options: see `ConnectOptions`.
        """
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncTranslationConnection

        return AsyncConnectionManager(AsyncTranslationConnection, _opening(self, AsyncTranslationConnection, {"model": model}, options))


class BetaRealtimeHelpers:
    """What `client.beta.realtime` has over WebSockets."""

    def connect(
        self: HasCaller, *, model: str, **options: Unpack[ConnectOptions]
    ) -> ConnectionManager[BetaRealtimeConnection, BetaRealtimeSaid]:
        """Open a connection to a Realtime session, as the API was before.

        Args:
            model: the model to talk with.
            options: see `ConnectOptions`.
        """
        from .._connection import ConnectionManager
        from .._connections import BetaRealtimeConnection

        return ConnectionManager(BetaRealtimeConnection, _opening(self, BetaRealtimeConnection, {"model": model}, options))


class AsyncBetaRealtimeHelpers:
    """What `client.beta.realtime` of an asyncio client has over WebSockets."""

    def connect(
        self: HasCaller, *, model: str, **options: Unpack[ConnectOptions]
    ) -> AsyncConnectionManager[AsyncBetaRealtimeConnection, BetaRealtimeSaid]:
        """Open a connection to a Realtime session, as the API was before.

        Args:
            model: the model to talk with.
            options: see `ConnectOptions`.
        """
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncBetaRealtimeConnection

        return AsyncConnectionManager(AsyncBetaRealtimeConnection, _opening(self, AsyncBetaRealtimeConnection, {"model": model}, options))


class LiveHelpers:
    """What `client.live` has over WebSockets."""

    @property
    def forks(self: HasCaller) -> Forks:
        """Sessions that go on from stored ones."""
        return Forks(self._caller)  # pyright: ignore[reportPrivateUsage]  # as `caller_of`

    @property
    def sideband(self: HasCaller) -> Sideband:
        """Second connections to sessions."""
        return Sideband(self._caller)  # pyright: ignore[reportPrivateUsage]  # as `caller_of`

    def connect(self: HasCaller, **options: Unpack[ConnectOptions]) -> ConnectionManager[LiveConnection, LiveSaid]:
        """Open a connection for a Live session; begin with `connection.session.start(...)`. For the options see `ConnectOptions`."""
        from .._connection import ConnectionManager
        from .._connections import LiveConnection

        return ConnectionManager(LiveConnection, _opening(self, LiveConnection, {}, options))


class AsyncLiveHelpers:
    """What `client.live` of an asyncio client has over WebSockets."""

    @property
    def forks(self: HasCaller) -> AsyncForks:
        """Sessions that go on from stored ones."""
        return AsyncForks(self._caller)  # pyright: ignore[reportPrivateUsage]  # as `caller_of`

    @property
    def sideband(self: HasCaller) -> AsyncSideband:
        """Second connections to sessions."""
        return AsyncSideband(self._caller)  # pyright: ignore[reportPrivateUsage]  # as `caller_of`

    def connect(self: HasCaller, **options: Unpack[ConnectOptions]) -> AsyncConnectionManager[AsyncLiveConnection, LiveSaid]:
        """Open a connection for a Live session; begin with `connection.session.start(...)`. For the options see `ConnectOptions`."""
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncLiveConnection

        return AsyncConnectionManager(AsyncLiveConnection, _opening(self, AsyncLiveConnection, {}, options))


class Forks:
    """What `client.live.forks` has over WebSockets."""

    def __init__(self, caller: object) -> None:
        self._caller = caller

    def connect(self: HasCaller, *, session_id: str, **options: Unpack[ConnectOptions]) -> ConnectionManager[ForkConnection, ForkSaid]:
        """Go on from a stored Live session; begin with `connection.session.start(...)`.

        Args:
            session_id: the stored session.
            options: see `ConnectOptions`.
        """
        from .._connection import ConnectionManager
        from .._connections import ForkConnection

        return ConnectionManager(ForkConnection, _opening(self, ForkConnection, {"session_id": session_id}, options))


class AsyncForks:
    """What `client.live.forks` of an asyncio client has over WebSockets."""

    def __init__(self, caller: object) -> None:
        self._caller = caller

    def connect(
        self: HasCaller, *, session_id: str, **options: Unpack[ConnectOptions]
    ) -> AsyncConnectionManager[AsyncForkConnection, ForkSaid]:
        """Go on from a stored Live session; begin with `connection.session.start(...)`.

        Args:
            session_id: the stored session.
            options: see `ConnectOptions`.
        """
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncForkConnection

        return AsyncConnectionManager(AsyncForkConnection, _opening(self, AsyncForkConnection, {"session_id": session_id}, options))


class Sideband:
    """What `client.live.sideband` has over WebSockets."""

    def __init__(self, caller: object) -> None:
        self._caller = caller

    def connect(
        self: HasCaller, *, session_id: str, graceful_close: bool | Omit = omit, **options: Unpack[ConnectOptions]
    ) -> ConnectionManager[SidebandConnection, SidebandSaid]:
        """Open a second connection to a Live session that is going on.

        Args:
            session_id: the session.
            graceful_close: whether the session is ended in order when this connection closes.
            options: see `ConnectOptions`.
        """
        from .._connection import ConnectionManager
        from .._connections import SidebandConnection

        return ConnectionManager(
            SidebandConnection, _opening(self, SidebandConnection, {"session_id": session_id, "graceful_close": graceful_close}, options)
        )


class AsyncSideband:
    """What `client.live.sideband` of an asyncio client has over WebSockets."""

    def __init__(self, caller: object) -> None:
        self._caller = caller

    def connect(
        self: HasCaller, *, session_id: str, graceful_close: bool | Omit = omit, **options: Unpack[ConnectOptions]
    ) -> AsyncConnectionManager[AsyncSidebandConnection, SidebandSaid]:
        """Open a second connection to a Live session that is going on.

        Args:
            session_id: the session.
            graceful_close: whether the session is ended in order when this connection closes.
            options: see `ConnectOptions`.
        """
        from .._connection import AsyncConnectionManager
        from .._connections import AsyncSidebandConnection

        return AsyncConnectionManager(
            AsyncSidebandConnection,
            _opening(self, AsyncSidebandConnection, {"session_id": session_id, "graceful_close": graceful_close}, options),
        )


def _given(headers: object, query: object, timeout: object, max_retries: object) -> dict[str, Any]:
    return {"extra_headers": headers, "extra_query": query, "timeout": timeout, "max_retries": max_retries}
