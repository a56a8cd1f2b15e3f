"""Tokens that are fetched, kept, and renewed in time; however many threads or tasks want one, it is fetched once."""

from __future__ import annotations

from .._errors import APITimeoutError, OAuthError, OxideError
from .._settings import Secret
from .._typing import TYPE_CHECKING
from .requests import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._exchange import Exchange
    from .._operation import Request
    from .._transport.base import Backend, Gate

__all__ = ["BUFFER", "Tokens", "seconds_left"]

BUFFER = 1200.0
"""Seconds before its end when a token is renewed, or half of its life, where that is less."""

PATIENCE = 30.0
"""Seconds until a renewal that failed is tried again, while the present token still holds."""


class Bearer(Secret):
    """The value of a field with a token that was fetched here."""

    __slots__ = ()


class Held:
    """A token, and when it is to be renewed and ends, in seconds of a clock."""

    __slots__ = ("end", "renewal", "text")

    def __init__(self, text: str, renewal: float, end: float) -> None:
        self.text = Secret(text)
        self.renewal = renewal
        self.end = end


class Flight:
    """A token on its way, which others wait for; `error` is how that failed."""

    __slots__ = ("error", "gate")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.error: OxideError | None = None


class Tokens:
    """Authorizes calls by tokens that `fetch` brings; an authority of the exchange.

    Of many threads that want a token, or many tasks of one loop, one fetches it and the others wait.  While the present one still holds,
    they go on with that; and if it cannot be renewed then, it is used until its end.

    Args:
        buffer: seconds before its end when a token is renewed, at most half of its life.
    """

    __slots__ = ("_buffer", "_flights", "_held")

    def __init__(self, buffer: float = BUFFER) -> None:
        self._buffer = buffer
        self._held: Held | None = None
        self._flights: dict[Backend, Flight] = {}

    async def fetch(self, exchange: Exchange, deadline: float) -> tuple[str, float]:
        """Return a new token and the seconds that it holds. Raises OxideError."""
        raise NotImplementedError

    async def authorize(
        self, exchange: Exchange, request: Request, fields: Sequence[tuple[str, str]], deadline: float
    ) -> Sequence[tuple[str, str]]:
        """Return the fields with a token; a call that brings a key or token of its own keeps that. Raises as `fetch` does."""
        if request.authorized or fields is not request.fields:
            return fields
        return [*fields, ("Authorization", Bearer(f"Bearer {await self._token(exchange, deadline)}"))]

    def refused(self, fields: Sequence[tuple[str, str]]) -> bool:
        """Forget a token that the service refuses; return whether another one may do better."""
        value = next((value for name, value in fields if name == "Authorization"), "")
        self.invalidate_token(value.removeprefix("Bearer "))
        return isinstance(value, Bearer)

    def invalidate_token(self, token: str | None = None) -> None:
        """Forget the token, or this one; the next call fetches another."""
        if token is None or (self._held is not None and self._held.text == token):
            self._held = None

    async def _token(self, exchange: Exchange, deadline: float) -> str:
        backend = exchange.backend
        while True:
            held, now = self._held, backend.now()
            if held is not None and now < held.renewal:
                return held.text
            with backend.mutex:
                other = self._flights.get(backend)
                flight = other or self._flights.setdefault(backend, Flight(backend.gate()))
            if other is None:
                return await self._lead(flight, exchange, deadline)
            if held is not None and now < held.end:
                return held.text
            if not await flight.gate.wait(max(0.0, deadline - now)):
                raise APITimeoutError("The deadline of the call has passed while a token was fetched.", phase="head")
            if flight.error is not None:
                raise _copied(flight.error)

    async def _lead(self, flight: Flight, exchange: Exchange, deadline: float) -> str:
        """Fetch a token, and let go those who wait for it."""
        now = exchange.backend.now
        try:
            held = self._held  # somebody may have been faster, between a look at it and the take-off
            if held is None or now() >= held.renewal:
                begun = now()
                text, seconds = await self.fetch(exchange, deadline)
                held = self._held = Held(text, begun + seconds - min(self._buffer, seconds / 2), begun + seconds)
            return held.text
        except OxideError as error:
            old = self._held
            if old is None or now() >= old.end or isinstance(error, OAuthError):
                flight.error = error
                raise
            self._held = Held(old.text, now() + PATIENCE, old.end)
            return old.text
        finally:
            with exchange.backend.mutex:
                self._flights.pop(exchange.backend, None)
            flight.gate.open()


def seconds_left(exchange: Exchange, deadline: float) -> float:
    """Return the seconds that a request for a token may take."""
    return max(0.001, min(TIMEOUT, deadline - exchange.backend.now()))


def _copied(error: OxideError) -> OxideError:
    """Return an error for another thread or task to raise: each adds its own traceback."""
    from copy import copy

    return copy(error)
