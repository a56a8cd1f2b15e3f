"""WebSocket connections: a machine and a byte stream, joined; shared by tasks or by threads with the same code.

Who lacks a message and finds no reader becomes the reader, as in `multiplex`; who has a message to send waits for its turn.  Nobody waits
in the background: whoever is the reader also asks a silent peer whether it is there, so that without a reader nobody asks, and a peer
that has gone meanwhile is noticed by the next who reads.
"""

from __future__ import annotations

from collections import deque

from .._protocol.base import ProtocolError
from .._protocol.websocket import CLOSING, OPEN
from .._protocol.websocket_frames import ABNORMAL, NO_CODE, Closed, check_close
from .._timeout import FOREVER
from .._typing import TYPE_CHECKING, cast
from .course import Opaque
from .turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._protocol.websocket import SocketEvent, WebSocket
    from .._protocol.websocket_handshake import Opened
    from .base import Backend, ByteStream, Gate
    from .socket_options import SocketOptions

__all__ = ["Waiter", "WebSocketClosed", "WebSocketConnection"]

PIECE = 1 << 20
"""Bytes handed over at once; see `outbox`."""

MOMENT = 0.001
"""Seconds to take in what has come already."""

UNASKED = 16
"""Reads of what a peer has said while nobody listened."""

LINGER = 1.0
"""Seconds to look for the last words of a peer that takes nothing any more."""

PATIENCE = 5.0
"""Seconds in which a peer must take the answer to its ping."""


class WebSocketClosed(Exception):  # noqa: N818 - a goodbye is no error
    """There will be no more messages. `code` and `reason` are the peer's, or ours if we were first; 1006 where nobody said goodbye."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Waiter:
    """Somebody who waits for messages on a shared connection; `wake` has it look again."""

    __slots__ = ("gate",)

    def __init__(self) -> None:
        self.gate: Gate | None = None

    def wake(self) -> None:
        """Have it look again whether it is satisfied. From any thread or task."""
        gate = self.gate
        if gate is not None:
            gate.open()


class WebSocketConnection:
    """One open WebSocket.

    Args:
        stream: behind the opening.
        machine: that is open.
        agreed: how the opening went.

    `deliver` takes the messages of one read, in the place of the inbox behind `receive`; it is called by whoever reads, and must wake
    those waiters whom the messages concern, and not raise.  It is set before anybody waits.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_backend",
        "_controls",
        "_inbox",
        "_machine",
        "_mutex",
        "_options",
        "_reading",
        "_stream",
        "_turns",
        "_waiting",
        "deliver",
        "failure",
        "headers",
        "heard",
        "opened",
        "subprotocol",
        "take",
    )

    def __init__(
        self,
        backend: Backend,
        stream: ByteStream,
        machine: WebSocket,
        options: SocketOptions,
        agreed: Opened,
    ) -> None:
        self._backend = backend
        self._mutex = backend.mutex
        self._stream = stream
        self._machine = machine
        self._options = options
        self._inbox: deque[str | bytes] = deque()  # never more than one read has brought: nobody reads while there is something
        self._reading = False
        self._turns = Turns(backend)
        self._waiting: list[Waiter] = []
        self._controls = 0  # control frames that were looked at
        self._asked: float | None = None  # when the peer was asked whether it is there, and has said nothing since
        self.opened = self.heard = backend.now()  # monotonic seconds; `heard`: when the peer last said anything
        self.failure: Exception | None = None  # why there will be no more messages
        self.headers = agreed.headers
        self.subprotocol = agreed.subprotocol
        self.deliver: Callable[[Sequence[str | bytes]], None] = self._inbox.extend
        self.take = self._inbox.popleft  # a message that is here already; raises IndexError where there is none

    # ------------------------------------------------------------------------------------------------ receiving
    async def receive(self, timeout: float) -> str | bytes:
        """Return the next message, text or binary.

        Raises:
            WebSocketClosed: the peer closed, or we did, or the connection broke.
            ProtocolError: the peer broke a rule.
            TimeoutError: no message came within `timeout` seconds.
        """
        inbox = self._inbox
        while True:
            try:
                return inbox.popleft()
            except IndexError:  # nothing is there, or another thread was faster
                await self.wait(Waiter(), inbox.__len__, timeout)

    async def wait(self, waiter: Waiter, satisfied: Callable[[], object], timeout: float) -> None:
        """Wait until `satisfied`, as the reader or behind one; raise as `receive` does."""
        now = self._backend.now
        until, left, queued = now() + timeout, timeout, False
        try:
            while not satisfied():
                if self.failure is not None:
                    raise self.failure
                if left <= 0:
                    raise TimeoutError("no message has come")
                gate = self._claim(waiter)
                if gate is None:
                    await self._read(left)
                else:
                    queued = True
                    if not satisfied() and self.failure is None:
                        await gate.wait(left)
                if until != FOREVER:
                    left = until - now()
        finally:
            if queued:
                self._leave(waiter)

    def _claim(self, waiter: Waiter) -> Gate | None:
        """Become the reader (None), or get the gate to wait at."""
        with self._mutex:
            if self._reading:
                waiter.gate = gate = self._backend.gate()
                if waiter not in self._waiting:
                    self._waiting.append(waiter)
                return gate
            self._reading = True
            return None

    def _leave(self, waiter: Waiter) -> None:
        """Stand at no gate any more; who was woken to read, and has got all it wanted, wakes the next."""
        with self._mutex:
            waiter.gate = None
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        self._wake_next()

    def _wake_next(self) -> None:
        with self._mutex:
            waiting = self._waiting[0] if self._waiting and not self._reading else None
        if waiting is not None:
            waiting.wake()

    async def _read(self, left: float) -> None:
        """Be the reader until something has come, or for `left` seconds at most; then let another one be."""
        try:
            patience = await self._ask()
            if not await self._read_once(min(left, max(patience, MOMENT))):
                self._judge_silence()
        finally:
            self._stop_reading()

    def _stop_reading(self) -> None:
        with self._mutex:
            self._reading = False
            waiting = self._waiting[0] if self._waiting else None
        if waiting is not None:
            waiting.wake()

    async def _ask(self) -> float:
        """Ask a peer that has been silent for long whether it is there; return how long to wait for a word of it."""
        options = self._options
        now = self._backend.now()
        if self._asked is not None:
            return self._asked + options.ping_timeout - now
        if now - self.heard < options.ping_interval or self._turns.taken:  # behind a message the question would have to wait
            return options.ping_interval
        self._asked = now
        await self._reply(self._question)
        return options.ping_timeout

    def _question(self) -> bytes:
        with self._mutex:
            return self._machine.ping() if self._machine.state == OPEN else b""

    def _judge_silence(self) -> None:
        asked = self._asked
        if asked is not None and self._backend.now() - asked >= self._options.ping_timeout:
            self._fail(WebSocketClosed(ABNORMAL, f"the peer has answered no ping for {self._options.ping_timeout:g} s"))

    async def _read_once(self, timeout: float) -> bool:
        """Receive, and say what has to be said to that; return whether anything has come."""
        try:
            data = await self._stream.receive(timeout)
        except TimeoutError:
            return False
        except OSError as error:
            self._broken(error)
            return True
        self.heard, self._asked = self._backend.now(), None
        try:
            with self._mutex:
                events = self._machine.receive(data) if self.failure is None else []
        except ProtocolError as error:
            await self._end(error)
        else:
            await self.digest(events)
        return True

    async def digest(self, events: Sequence[SocketEvent]) -> None:
        """Take in what has come: hand out the messages, answer, and end where the peer has."""
        machine = self._machine
        if machine.controls == self._controls and machine.state == OPEN:
            if events:
                self.deliver(cast("Sequence[str | bytes]", events))  # what is no control frame is a message
            return
        self._controls = machine.controls
        messages = [event for event in events if isinstance(event, (str, bytes))]
        if messages:
            self.deliver(messages)
        closed = next((event for event in events if isinstance(event, Closed)), None)
        if machine.failure is not None:
            await self._end(machine.failure)
        elif closed is not None:
            await self._end(WebSocketClosed(closed.code, closed.reason))
        elif machine.talkative:
            await self._reply(self._pending)

    async def _end(self, error: Exception) -> None:
        """Say the machine's last words; nothing will follow, even if we are cancelled over that."""
        try:
            await self._reply(self._pending)
        finally:
            self._fail(error)

    async def settle(self) -> bool:
        """Take in what has come, without waiting; return whether the connection may still be used: not if its peer goes on and on."""
        reads = 0
        while self.failure is None and not self._stream.quiet:
            reads += 1
            if reads > UNASKED:
                return False
            with self._mutex:
                if self._reading:
                    break
                self._reading = True
            try:
                await self._read_once(MOMENT)
            finally:
                self._stop_reading()
        return self.failure is None and self._machine.state == OPEN

    async def ping(self, timeout: float) -> float:
        """Ask the peer whether it is there; return the seconds until it has said anything at all. Raises as `receive` does."""
        begun = self._backend.now()
        await self._speak(self._question, timeout)
        await self.wait(Waiter(), lambda: self.heard > begun, timeout)
        return self.heard - begun

    # ------------------------------------------------------------------------------------------------ sending
    async def send(self, message: str | bytes, timeout: float) -> None:
        """Send a message, behind those that others are sending.

        Args:
            timeout: seconds to wait for its turn, and for the peer to take any of it.

        Raises:
            WebSocketClosed, ProtocolError: as `receive` does.
            TimeoutError: nothing was taken in time; where the message was begun the connection is closed.
            ValueError: text that cannot be encoded.
        """
        await self._speak(lambda: self._encoded(message), timeout)

    async def _speak(self, words: Callable[[], bytes], timeout: float) -> None:
        if self.failure is not None:
            raise self.failure
        await self._turns.take(timeout)
        try:
            await self._say(words, timeout)
        except TimeoutError:
            raise
        except OSError as error:
            await self._hear_why(error)

    def _encoded(self, message: str | bytes) -> bytes:
        if self._machine.state == CLOSING:
            raise WebSocketClosed(NO_CODE, "it is being closed")
        try:
            return self._machine.send(message)
        except RuntimeError as error:  # the peer's goodbye has come, and its reader is about to tell
            raise ConnectionAbortedError("the peer takes no more messages") from error

    async def _hear_why(self, error: OSError) -> None:
        """The peer takes nothing any more: what it said before that, a goodbye perhaps, is still to be read."""
        try:
            await self.wait(Waiter(), bool, LINGER)
        except TimeoutError:
            self._broken(error)
        if self.failure is not None:
            raise self.failure

    async def _reply(self, words: Callable[[], bytes]) -> None:
        """Say something to the peer, unless somebody is sending, who will say what is pending too."""
        if self.failure is not None or not self._turns.take_at_once():
            return
        try:
            await self._say(words, PATIENCE)
        except (OSError, WebSocketClosed):
            return  # who reads on is told: the peer's last words first

    def _pending(self) -> bytes:
        with self._mutex:
            return self._machine.pending()

    async def _say(self, words: Callable[[], bytes], timeout: float) -> None:
        """Send, in our turn, and what the machine itself has to say behind it; then it is the next one's turn."""
        whole = True
        try:
            if self.failure is not None:
                raise self.failure
            data = words()
            while True:
                for start in range(0, len(data), PIECE):
                    whole = len(data) - start <= PIECE
                    await self._stream.send(Opaque(data if len(data) <= PIECE else data[start : start + PIECE]), timeout)
                data = self._next_words()
                if not data:
                    return
        except BaseException as error:
            if isinstance(error, TimeoutError):
                self._broken(error)  # a frame may be half sent, and nothing can follow that
            elif isinstance(error, (KeyboardInterrupt, SystemExit)) or not whole:
                self._fail(WebSocketClosed(ABNORMAL, "sending was interrupted in the midst of a message"))
            self._turns.give()
            raise

    def _next_words(self) -> bytes:
        """Return what the machine itself has to say; b"": nothing, and it is the next one's turn."""
        with self._mutex:
            if self._machine.talkative and self.failure is None:
                return self._machine.pending()
            gate = self._turns.successor()
        if gate is not None:
            gate.open()
        return b""

    # ------------------------------------------------------------------------------------------------ the end
    async def close(self, code: int = 1000, reason: str = "", timeout: float | None = None) -> None:
        """Say goodbye, and wait for the peer's; messages that nobody has taken are dropped. Closing twice does nothing.

        Args:
            timeout: seconds for all of it; None: as the options have it. After that the connection is closed without an answer.

        Raises:
            ValueError: a code that cannot be sent, or a reason of more than 123 bytes.
        """
        check_close(code, reason)
        span = self._options.close_timeout if timeout is None else timeout
        until = self._backend.now() + span
        try:
            await self._turns.take(span)
            await self._say(lambda: self._goodbye(code, reason), span)
            await self.wait(Waiter(), bool, until - self._backend.now())
        except (OSError, ProtocolError, WebSocketClosed):
            return  # it is over, in whatever way
        finally:
            self._fail(WebSocketClosed(code, reason))
            self._inbox.clear()

    def _goodbye(self, code: int, reason: str) -> bytes:
        with self._mutex:
            return self._machine.close(code, reason) if self._machine.state == OPEN else b""

    def discard(self) -> None:
        """Close at once, without a goodbye. From any thread or task; whoever waits is woken."""
        self._fail(WebSocketClosed(ABNORMAL, "it was closed on this side"))

    def forget(self) -> None:
        """In a forked child: let go of the descriptor without a word to the peer, which talks with the parent."""
        self.failure = WebSocketClosed(ABNORMAL, "the process was forked")
        self._stream.forget()

    def _broken(self, error: OSError) -> None:
        failure = WebSocketClosed(ABNORMAL, f"the connection broke: {error}")
        failure.__cause__ = error
        self._fail(failure)

    def _fail(self, error: Exception) -> None:
        """There will be no more messages: everybody learns why."""
        with self._mutex:
            if self.failure is None:
                self.failure = error
            waiting = list(self._waiting)
        self._stream.close()
        for waiter in waiting:
            waiter.wake()
        self._turns.dismiss()

    def __del__(self) -> None:
        self._stream.close()
