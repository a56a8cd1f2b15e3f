"""What waits to be sent on a shared connection: who has bytes and finds no sender sends all that is queued, in the order it was put."""

from __future__ import annotations

from collections import deque

from .._protocol.base import ProtocolError
from .._typing import TYPE_CHECKING
from .course import Opaque

if TYPE_CHECKING:
    from .base import Backend, ByteStream

__all__ = ["Outbox"]

PATIENCE = 1.0
"""Seconds for a reset to be taken by a peer, in the blocking world."""


PIECE = 1 << 20
"""Bytes handed over at once. TLS takes as many without a wait: who is cancelled then leaves no frame half sent."""

MAX_REPLIES = 65_536
"""Bytes of answers to the peer's own questions that may wait: one that asks on and on, and reads nothing, shall not fill the memory."""


class Outbox:
    """The bytes for one stream. `put` them under the backend's mutex, in the order in which the machine made them; then `flush`."""

    __slots__ = ("_mutex", "_queued", "_replies", "_sending", "_stream")

    def __init__(self, backend: Backend, stream: ByteStream) -> None:
        self._mutex = backend.mutex
        self._stream = stream
        self._queued: deque[bytes] = deque()  # in pieces
        self._replies = 0  # bytes queued by `reply`
        self._sending = False

    def put(self, data: bytes) -> None:
        """Queue bytes; the caller holds the mutex."""
        if len(data) <= PIECE:
            if data:
                self._queued.append(data)
        else:
            self._queued.extend([data[start : start + PIECE] for start in range(0, len(data), PIECE)])

    def reply(self, data: bytes) -> None:
        """Queue answers to what the peer has sent; the caller holds the mutex. Raises ProtocolError where too many wait."""
        self._replies += len(data)
        if self._sending and self._replies > MAX_REPLIES:
            raise ProtocolError("the peer asks for answers and does not read them")
        self.put(data)

    async def flush(self, timeout: float) -> None:
        """Send what is queued, unless somebody is at it already. `timeout` (seconds) bounds the wait for the peer to take any of it.

        Raises:
            OSError: the connection is broken; what was queued has not all been sent.
            ConnectionAbortedError: so is it after an interrupt, which may have come in the midst of a frame.
        """
        data = self._take(first=True)
        try:
            while data:
                await self._stream.send(data, timeout)
                data = self._take()
        except Exception:
            self._sending = False
            raise
        except BaseException as stop:
            self._sending = False
            if isinstance(stop, (KeyboardInterrupt, SystemExit)):
                self._stream.close()  # perhaps in the midst of a frame
            else:
                self.flush_now()  # a cancelled task: asyncio has taken what was sent, and only waited for the peer
            raise

    def _take(self, first: bool = False) -> Opaque:
        """Take what is queued, as the only one who sends; nothing when somebody else is sending, or all is sent."""
        if first and not self._queued:
            return _NOTHING
        with self._mutex:
            if first and self._sending:
                return _NOTHING
            queued, size = self._queued, 0
            pieces: list[bytes] = []
            while queued and (size := size + len(queued[0])) <= PIECE:
                pieces.append(queued.popleft())
            data = Opaque(b"".join(pieces))
            self._replies = 0
            self._sending = bool(data)
            return data

    def flush_now(self) -> None:
        """Send what is queued without waiting, as far as that goes: `send` hands over its bytes before it waits for the peer."""
        data = self._take(first=True)
        while data:
            step = self._stream.send(data, PATIENCE)
            try:
                step.send(None)
            except TimeoutError:
                self._stream.close()  # perhaps in the midst of a frame
            except (StopIteration, OSError, RuntimeError):
                pass  # sent, or the connection is dead: the next who reads from it is told
            step.close()
            data = self._take()


_NOTHING = Opaque()
