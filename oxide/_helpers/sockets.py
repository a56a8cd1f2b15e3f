"""What the resources have that travels over WebSockets: sessions and connections; what is behind them is loaded when one is asked for."""

from __future__ import annotations

from .._omit import not_given
from .._typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .._exchange import Exchange
    from .._omit import NotGiven, Omit
    from .._session import AsyncResponsesSession, ResponsesSession
    from .._timeout import Timeout
    from .._transport.socket_options import SocketOptions

    class HasExchange(Protocol):
        """A caller of a client."""

        @property
        def exchange(self) -> Exchange: ...

    class HasCaller(Protocol):
        """An object of a client."""

        @property
        def _caller(self) -> object: ...


__all__ = ["AsyncResponsesHelpers", "ResponsesHelpers"]


def caller_of(resource: HasCaller) -> HasExchange:
    """Return who makes the calls of a resource."""
    return cast("HasExchange", resource._caller)  # pyright: ignore[reportPrivateUsage]  # that of a client, not that of a raw view


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
        from .._session import ResponsesSession

        given = _given(extra_headers, extra_query, timeout, max_retries)
        return ResponsesSession(caller_of(self), given, socket_options, fallback, keep_history)


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
        """Make calls over one WebSocket that stays open between them: the service keeps what it has read, and starts sooner.

        The connection is opened with the first call, replaced before it is too old or when it broke, and kept warm for the next session.

        Args:
            fallback: go on over HTTP where the server refuses WebSockets.
            keep_history: keep what was said, so that a conversation which the service has forgotten is sent whole.
            socket_options: limits and habits of the WebSocket.
        """
        from .._session import AsyncResponsesSession

        given = _given(extra_headers, extra_query, timeout, max_retries)
        return AsyncResponsesSession(caller_of(self), given, socket_options, fallback, keep_history)


def _given(headers: object, query: object, timeout: object, max_retries: object) -> dict[str, Any]:
    return {"extra_headers": headers, "extra_query": query, "timeout": timeout, "max_retries": max_retries}
