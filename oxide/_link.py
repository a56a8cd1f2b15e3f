"""The connections of sessions: opened when needed, shared by turns, replaced before they are too old, kept warm behind the session."""

from __future__ import annotations

import os
import time

from ._errors import APIConnectionError, APIStatusError, ConfigurationError
from ._helpers.lanes import Lanes, parsed, word
from ._judge import CLOSED
from ._protocol.warm import Warm
from ._socket import open_socket
from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from ._exchange import Exchange
    from ._helpers.lanes import Turn
    from ._operation import Request
    from ._socket import Socket, SocketOptions
    from ._transport.base import Gate

__all__ = ["Link", "Links"]

SESSION_CLOSED = "The session is closed; make another one."
NO_CODE = 1005
"""Nothing was said about why (RFC 6455, 7.4.1)."""


class Link:
    """A connection and its lanes.

    Args:
        home: where it is kept while nobody uses it; a forked child has another one.
    """

    __slots__ = ("__weakref__", "_exchange", "home", "lanes", "left", "socket")

    def __init__(self, exchange: Exchange, socket: Socket, home: Warm[Link]) -> None:
        self._exchange = exchange
        self.socket = socket
        self.home = home
        self.lanes = Lanes()
        self.left: list[Turn] = []  # turns that the collector has found: nobody will take their events
        socket.connection.deliver = self._deliver

    def _deliver(self, messages: Sequence[str | bytes]) -> None:
        mutex = self._exchange.backend.mutex
        with mutex:
            turn = self.lanes.deliver(messages)
        if turn is not None:
            turn.wake()
            return
        events = [parsed(message) for message in messages]
        with mutex:
            woken = self.lanes.route(events)
        for turn in woken:
            turn.wake()

    def enter(self, turn: Turn, previous: str | None) -> bool:
        """Give a turn a lane; return False where all are taken."""
        with self._exchange.backend.mutex:
            while self.left:
                self.lanes.leave(self.left.pop())
            return self.lanes.take(turn, previous)

    def finish(self, turn: Turn, response_id: object) -> None:
        """The last event of a turn was taken."""
        with self._exchange.backend.mutex:
            self.lanes.finish(turn, response_id)

    def retire(self) -> None:
        """The service wants no more turns on it."""
        with self._exchange.backend.mutex:
            self.lanes.failure = "the service ended it"

    def leave(self, turn: Turn) -> None:
        """A turn is not wanted any more."""
        with self._exchange.backend.mutex:
            self.lanes.leave(turn)

    @property
    def failure(self) -> str | None:
        """Why nothing can be said on it any more."""
        failure = self.socket.connection.failure
        return self.lanes.failure if failure is None else str(failure)

    @property
    def opened(self) -> float:
        """When it was opened (monotonic seconds)."""
        return self.socket.connection.opened

    def discard(self) -> None:
        """Close it at once."""
        self.socket.discard()

    def forget(self) -> None:
        """In a forked child: let go of it."""
        self.socket.connection.forget()


class Links:
    """The connection of a session at any time.

    Attributes:
        replaced: why the last connection was replaced; "" where none was.
        seen: whether there was any.
        closed: whether the session was closed.
    """

    def __init__(self, exchange: Exchange, request: Request, options: SocketOptions | None) -> None:
        self.exchange = exchange
        self.request = request
        self._options = options
        who = exchange.settings.api_key, exchange.settings.authority
        self._key: Hashable = (request.origin.key, request.target, tuple(request.fields), who, options)
        self._link: Link | None = None
        self._opening: Gate | None = None
        self.closed = False
        self.replaced = ""
        self.seen = False

    async def link(self) -> Link:
        """Return a connection to say something on: the one there is, a warm one, or a new one.

        Raises:
            APIStatusError: the server refuses WebSockets.
            APIConnectionError, ConfigurationError: as for every call.
        """
        backend = self.exchange.backend
        while True:
            with backend.mutex:
                link, gate = self._link, self._opening
                if gate is None and link is None:
                    self._opening = mine = backend.gate()
                    break
            if gate is not None:
                await gate.wait(self.request.timeout.connect)
            elif link is not None and await self._usable(link):
                return link
        try:
            link = await self._new()
            self.seen = True
            with backend.mutex:
                if not self.closed:
                    self._link = link
                    return link
            self._let_go(link)  # the session was closed meanwhile, and knows nothing of it
            raise ConfigurationError(SESSION_CLOSED)
        finally:
            with backend.mutex:
                self._opening = None
            mine.open()

    async def _usable(self, link: Link) -> bool:
        """Whether something can be begun on the connection; if not, it is let go of."""
        if self.closed:
            raise ConfigurationError(SESSION_CLOSED)
        why = link.failure
        if link.home is not self._home():
            why = "the process was forked"
        elif why is None and not link.home.fresh(link.opened, self.exchange.backend.now()):
            why = "it had become too old"
        elif why is None and not link.lanes.active and not await link.socket.settle():
            why = link.failure or "it was closed"
        if why is None:
            return True
        self.replaced = why
        with self.exchange.backend.mutex:
            if self._link is link:
                self._link = None
        self._let_go(link)
        return False

    def released(self, link: Link) -> None:
        """A turn has ended: a connection that was replaced goes with its last one."""
        if link is not self._link:
            self._let_go(link)

    def _let_go(self, link: Link) -> None:
        if link.home is self._home() and not link.lanes.active:
            link.home.out.discard(link)
            link.discard()

    def _home(self) -> Warm[Link]:
        """The warm connections of the client."""
        transport = self.exchange.transport
        warm: Warm[Link] | None = transport.warm
        if warm is None:
            limits = transport.limits
            warm = transport.warm = Warm(limits.max_sockets_per_key, limits.max_sockets, limits.socket_expiry, limits.max_socket_age)
        return warm

    async def _new(self) -> Link:
        if self.closed or self.exchange.closed:
            raise ConfigurationError(CLOSED if self.exchange.closed else SESSION_CLOSED)
        backend, home = self.exchange.backend, self._home()
        while True:
            with backend.mutex:
                link, old = home.take(self._key, backend.now())
            for each in old:
                each.discard()
            if link is None:
                break
            if await link.socket.settle():
                return link
            home.out.discard(link)
        link = Link(self.exchange, await self._opened(), home)
        with backend.mutex:
            home.out.add(link)
        return link

    async def _opened(self) -> Socket:
        """Open a connection, and try again where that may help."""
        exchange, request = self.exchange, self.request
        policy = exchange.settings.retry.with_limit(request.max_retries)
        taken = 0
        while True:
            try:
                return await open_socket(exchange, request, options=self._options)
            except (APIStatusError, APIConnectionError) as error:
                headers = getattr(getattr(error, "response", None), "headers", None)
                dice = int.from_bytes(os.urandom(4), "big") / 2**32
                delay = policy.delay(taken, getattr(error, "status_code", None), headers, dice, time.time(), code=word(error.code))
                if delay is None or (exchange.budget is not None and not exchange.budget.take()):
                    raise
                await exchange.backend.sleep(delay)
                taken += 1

    async def close(self) -> None:
        """Give the connection back, or close it where turns are under way: they end."""
        backend = self.exchange.backend
        with backend.mutex:
            link, self._link, self.closed = self._link, None, True
        if link is None or link.home is not self._home():
            return
        if link.lanes.active or link.failure is not None or not await link.socket.settle():
            link.home.out.discard(link)
            link.discard()
            return
        with backend.mutex:
            gone = link.home.put(self._key, link, link.opened, backend.now())
        for each in gone:
            each.discard()
