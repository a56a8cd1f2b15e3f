"""TLS over any byte stream, in memory and therefore once for both worlds; and the contexts that say whom to trust.

Nothing here is imported before the first https connection, since `ssl` costs as much as the rest of a cold start.
"""

from __future__ import annotations

import errno
import ssl
from _thread import RLock, allocate_lock

from .._typing import TYPE_CHECKING
from .base import run_now

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from .base import ByteStream

__all__ = ["TlsStream", "UnexpectedEOF", "context"]

_RECORD = 16384  # RFC 8446, 5.1: no record holds more plain text
_SEALED_AT_ONCE = 1 << 20  # bytes of a large body that are encrypted before any of them is sent
_SESSIONS = 100  # hosts whose last session is kept

# A context carries the protocols to offer, but each connection may offer others. As making a context costs 20 ms and the offer is copied
# into a connection when it begins, there is one context, and this lock around setting the offer and beginning.
_beginning = allocate_lock()


class UnexpectedEOF(OSError):  # noqa: N818 - named for what it is; an OSError by its base
    """The connection ended without the peer's TLS goodbye (close_notify): what came may have been cut short."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.ECONNRESET, message)

    def __reduce__(self) -> tuple[type[UnexpectedEOF], tuple[str]]:
        return UnexpectedEOF, (str(self.strerror),)


def context(trust: str = "certifi", cafile: str | None = None, capath: str | None = None) -> ssl.SSLContext:
    """Return a client's context: TLS 1.2 or newer, certificate and host name checked.

    Args:
        trust: "certifi" for the roots of that package, "system" for those of the machine.
        cafile: a file of roots (SSL_CERT_FILE) to trust instead of either.
        capath: a directory of hashed roots (SSL_CERT_DIR) to trust instead of either.

    Raises:
        ValueError: `trust` is neither.
        OSError: the roots cannot be read.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION
    if cafile or capath:
        _load(made, cafile, capath)
    elif trust == "system":
        made.load_default_certs()
    elif trust == "certifi":
        made.load_verify_locations(_certifi_roots())
    else:
        raise ValueError(f'trust must be "certifi" or "system", not {trust!r}')
    return made


def _load(made: ssl.SSLContext, cafile: str | None, capath: str | None) -> None:
    try:
        made.load_verify_locations(cafile, capath)
    except FileNotFoundError as error:  # which does not say of what
        raise FileNotFoundError(error.errno, error.strerror, cafile or capath) from None


def _certifi_roots() -> str:
    """Return the path of certifi's roots, without importing it where that can be avoided: it pulls in importlib.resources (15 ms)."""
    from importlib.machinery import PathFinder
    from os.path import dirname, isfile, join

    spec = PathFinder.find_spec("certifi")
    if spec is not None and spec.origin is not None and isfile(roots := join(dirname(spec.origin), "cacert.pem")):
        return roots
    import certifi

    return certifi.where()


class TlsStream:
    """A byte stream inside a byte stream. One task or thread receives and one sends at a time; anybody closes."""

    __slots__ = (
        "_ended",
        "_failure",
        "_host",
        "_incoming",
        "_inner",
        "_lock",
        "_now",
        "_object",
        "_outgoing",
        "_plain",
        "_sessions",
        "alpn",
    )

    def __init__(self, inner: ByteStream, now: Callable[[], float]) -> None:
        self._inner = inner
        self._now = now
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # An SSLObject bears one thread at a time. Held for microseconds, never across a wait; reentrant, since the collector may come in
        # between and reset a stream that was dropped.
        self._lock = RLock()
        self._plain = b""  # decrypted, not yet asked for
        self._ended = False
        self._failure: OSError | None = None
        self._object: ssl.SSLObject
        self._sessions: MutableMapping[str, ssl.SSLSession] | None = None
        self._host = ""
        self.alpn: str | None = None

    @classmethod
    async def handshake(
        cls,
        inner: ByteStream,
        context: ssl.SSLContext,
        host: str,
        *,
        timeout: float,
        now: Callable[[], float],
        alpn: tuple[str, ...] = (),
        sessions: MutableMapping[str, ssl.SSLSession] | None = None,
    ) -> TlsStream:
        """Return a stream that talks TLS to `host` through `inner`, which the caller closes if this fails.

        Args:
            timeout: seconds for the whole handshake.
            now: the clock of the backend.
            alpn: protocols to offer, the preferred one first; `stream.alpn` is the one chosen, or None.
            sessions: the last session of each host, to resume from and to add to; belongs to one context.

        Raises:
            ssl.SSLCertVerificationError, ssl.SSLError: the peer is not whom we trust, or talks no TLS that we do.
            UnexpectedEOF, TimeoutError, OSError: the stream ended, was silent, or failed.
        """
        stream = cls(inner, now)
        with _beginning:
            session = None if sessions is None else sessions.get(host)
            context.set_alpn_protocols(list(alpn))
            stream._object = context.wrap_bio(stream._incoming, stream._outgoing, server_hostname=host, session=session)
        await stream._shake_hands(now() + timeout)
        stream._sessions, stream._host = sessions, host
        stream.alpn = stream._object.selected_alpn_protocol()
        stream._decrypt(b"")  # what came along with the end of the handshake
        return stream

    async def _shake_hands(self, deadline: float) -> None:
        while True:
            finished = False
            try:
                self._object.do_handshake()
                finished = True
            except ssl.SSLWantReadError:
                pass  # more is to be sent or received first
            except ssl.SSLError:
                await self._say_why(deadline)
                raise
            if self._outgoing.pending:
                await self._inner.send(self._outgoing.read(), max(0.0, deadline - self._now()))
            if finished:
                return
            data = await self._inner.receive(max(0.0, deadline - self._now()))
            if not data:
                raise UnexpectedEOF("the peer hung up during the TLS handshake")
            self._incoming.write(data)

    async def _say_why(self, deadline: float) -> None:
        """Send the alert that the failure has produced; whether it arrives does not matter."""
        try:
            await self._inner.send(self._outgoing.read(), max(0.0, deadline - self._now()))
        except OSError:
            return

    async def receive(self, timeout: float) -> bytes:
        deadline = 0.0
        while True:
            if self._plain:
                data, self._plain = self._plain, b""
                return data
            if self._ended:
                return b""
            if self._failure is not None:
                raise self._failure
            data = await self._inner.receive(timeout)
            if not data:
                raise UnexpectedEOF("the connection ended without a TLS close_notify: what came may be cut short")
            self._decrypt(data)
            if not self._plain:  # part of a record, or a ticket: the clock goes on
                deadline = deadline or self._now() + timeout
                timeout = max(0.0, deadline - self._now())

    def _decrypt(self, data: bytes) -> None:
        """Add to the plain text all that `data` completes; what else it tells becomes `_ended` or `_failure`."""
        parts: list[bytes] = []
        with self._lock:
            incoming = self._incoming
            incoming.write(data)
            try:
                # Asked for as long as there is cipher text, since asking too often costs an exception.
                while incoming.pending:
                    part = self._object.read(_RECORD)
                    if not part:
                        self._ended = True
                        break
                    parts.append(part)
            except ssl.SSLWantReadError:
                pass  # the rest of a record is still to come
            except OSError as error:
                self._failure = error
            if parts and self._sessions is not None:
                self._remember(self._sessions)
        if parts:
            self._plain += parts[0] if len(parts) == 1 else b"".join(parts)

    def _remember(self, sessions: MutableMapping[str, ssl.SSLSession]) -> None:
        """Keep the session for the next connection, once: with TLS 1.3 its ticket comes before the first data."""
        self._sessions = None
        session = self._object.session
        if session is None or not (session.has_ticket or session.id):
            return
        with _beginning:
            if len(sessions) >= _SESSIONS and self._host not in sessions:
                sessions.pop(next(iter(sessions)))
            sessions[self._host] = session

    async def send(self, data: bytes, timeout: float) -> None:
        if len(data) <= _SEALED_AT_ONCE:
            await self._inner.send(self._seal(data), timeout)
            return
        for start in range(0, len(data), _SEALED_AT_ONCE):
            await self._inner.send(self._seal(data[start : start + _SEALED_AT_ONCE]), timeout)

    def _seal(self, data: bytes) -> bytes:
        """Encrypt. What the receiving side has to answer (RFC 8446, 4.6.3: a key update) lies in `_outgoing` and goes first."""
        with self._lock:
            written = self._object.write(data) if data else 0
            if written < len(data):  # a record at a time
                view = memoryview(data)
                while written < len(data):
                    written += self._object.write(view[written:])
            return self._outgoing.read()

    def close(self) -> None:
        self._inner.close()

    def forget(self) -> None:
        self._inner.forget()

    @property
    def quiet(self) -> bool:
        # Bytes that wait to be read may be a late session ticket, which is no reason to give the connection up: take them in. Reading
        # what has come already suspends in no world.
        for _ in range(4):
            if self._plain or self._ended or self._failure is not None:
                return False
            if self._inner.quiet:
                return True
            try:
                data = run_now(self._inner.receive(0.0))
            except OSError:
                return False
            if not data:
                return False
            self._decrypt(data)
        return False
