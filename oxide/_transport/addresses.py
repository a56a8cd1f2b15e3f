"""From names to connected sockets: lookup, options, and trying many addresses. What waits here blocks; the loop has its own way to it."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from _thread import start_new_thread

from .._typing import TYPE_CHECKING
from .base import ResolveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from .base import Endpoint

    Address: TypeAlias = tuple[int, tuple[str | int | bytes, ...] | str]  # the family, and what `socket.connect` takes

__all__ = [
    "FOREVER",
    "STAGGER",
    "SlowResolver",
    "Socket",
    "aborted",
    "alternate",
    "in_thread",
    "late",
    "literal",
    "lookup",
    "new_socket",
    "poll_of",
    "reach",
    "unix",
    "unreachable",
]

FOREVER = 1e8  # seconds; from here on (three years) a timeout is none
STAGGER = 0.25  # RFC 8305, 5: the recommended delay between two connection attempts, seconds

# Name and value of the options that every TCP connection gets, where the platform knows them (the keep-alive ones in seconds and probes).
_OPTIONS = [
    (level, number, value)
    for level, name, value in (
        (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 60),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 60),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 5),
    )
    if (number := getattr(socket, name, None)) is not None
]


class SlowResolver(ResolveError, TimeoutError):  # noqa: N818 - an OSError by its bases
    """The resolver did not answer in time."""

    def __init__(self, host: str, timeout: float) -> None:
        super().__init__(errno.ETIMEDOUT, f"no address for {host!r} within {timeout:g} s")
        self._made_of = (host, timeout)

    def __reduce__(self) -> tuple[type[SlowResolver], tuple[str, float]]:
        return SlowResolver, self._made_of


class Socket(socket.socket):
    """A socket that closes, without a warning, when its last holder has gone: a script may end in the middle of an answer."""

    __slots__ = ()

    def __del__(self) -> None:
        self.close()


def new_socket(family: int) -> Socket:
    """Return an unconnected, non-blocking stream socket with the options of a client."""
    sock = Socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    if family != getattr(socket, "AF_UNIX", None):
        for level, number, value in _OPTIONS:
            sock.setsockopt(level, number, value)
    return sock


def literal(host: str, port: int) -> list[Address] | None:
    """Return the address that `host` spells, or None if it is a name. Never waits."""
    try:
        return _addresses(host, port, socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return None


def lookup(host: str, port: int) -> list[Address]:
    """Return the addresses of a name, in the order to try them. Waits as long as the resolver likes; raises `ResolveError`."""
    try:
        return alternate(_addresses(host, port, 0))
    except socket.gaierror as error:
        raise ResolveError(error.errno, f"{error.strerror} (host {host!r})") from error
    except UnicodeError as error:
        raise ResolveError(socket.EAI_NONAME, f"not a host name: {host!r}") from error


def _addresses(host: str, port: int, flags: int) -> list[Address]:
    if not host or "\0" in host:  # C would take the one for this machine, and the other for what stands before the NUL
        raise UnicodeError("not a host name")
    # As bytes an ASCII name does not pass through the idna codec, whose import costs more than the lookup.
    name = host.encode() if host.isascii() else host
    return [(family, address) for family, _, _, _, address in socket.getaddrinfo(name, port, 0, socket.SOCK_STREAM, 0, flags)]


def unix(path: str) -> list[Address]:
    """Return the address of a Unix socket; raises OSError where there are none."""
    family: int | None = getattr(socket, "AF_UNIX", None)
    if family is None:
        raise OSError(errno.EAFNOSUPPORT, "this platform has no Unix sockets", path)
    return [(family, path)]


def alternate(addresses: list[Address]) -> list[Address]:
    """Return the addresses with their families taking turns, the first one staying first (RFC 8305, 4)."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    other = [address for address in addresses if address[0] != addresses[0][0]]
    mixed: list[Address] = []
    while first or other:
        mixed += first[:1] + other[:1]
        del first[:1], other[:1]
    return mixed


def in_thread(run: Callable[[], None]) -> None:
    """Run a function in a thread that nobody waits for at exit; here, if there can be no thread."""
    try:
        start_new_thread(run, ())
    except RuntimeError:  # no more threads, or the interpreter is about to end
        run()


def aborted() -> OSError:
    """Return the error of a stream that is used after its end by our own hand."""
    return OSError(errno.ECONNABORTED, "the connection was closed on this side")


def late(timeout: float) -> TimeoutError:
    """Return the error of a receive that took too long."""
    return TimeoutError(errno.ETIMEDOUT, f"nothing received within {timeout:g} s")


def unreachable(host: str, port: int, tried: int, last: OSError) -> OSError:
    """Return `last` once more, telling which host it was and how many of its addresses were tried."""
    addresses = "1 address" if tried == 1 else f"{tried} addresses"
    reason = os.strerror(last.errno) if last.errno else str(last)
    return OSError(last.errno, f"{reason} ({host!r} port {port}, {addresses} tried)")


class Dialing:
    """Attempts to reach one host at several addresses, each started a moment after the one before, or as soon as one fails."""

    __slots__ = ("error", "next_start", "running", "tried", "waiting")

    def __init__(self, addresses: Sequence[Address]) -> None:
        self.waiting = list(addresses)
        self.running: list[Socket] = []
        self.next_start = 0.0
        self.tried = 0
        self.error = OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    def start_next(self, now: float) -> Socket | None:
        """Try the next address; return its socket if it is connected already."""
        family, address = self.waiting.pop(0)
        self.tried += 1
        self.next_start = now + STAGGER
        try:
            sock = new_socket(family)
        except OSError as error:  # IPv6 is not built in, or no descriptors are left
            self.error, self.next_start = error, now
            return None
        code = sock.connect_ex(address)
        if code == 0:
            return sock
        if code in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
            self.running.append(sock)
        else:
            self.fail(sock, code)
        return None

    def wait(self, now: float, deadline: float) -> Socket | None:
        """Wait for an attempt to end, or for the time to start another; return a connected socket if there is one."""
        until = min(deadline, self.next_start) if self.waiting else deadline
        for sock in writable(self.running, until - now):
            self.running.remove(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return sock
            self.fail(sock, code)
        return None

    def fail(self, sock: Socket, code: int) -> None:
        sock.close()
        self.error = OSError(code, os.strerror(code))
        self.next_start = 0.0  # a failure lets the next address start at once

    def stop(self) -> None:
        for sock in self.running:
            sock.close()


def writable(socks: list[Socket], timeout: float) -> list[Socket]:
    """Return the sockets whose attempt has ended. `poll` where there is one: `select` fails above descriptor 1023."""
    timeout = max(0.0, min(timeout, 86400.0))
    if not hasattr(select, "poll"):  # Windows reports a refusal as an exception
        _, written, failed = select.select([], socks, socks, timeout)
        return [sock for sock in socks if sock in written or sock in failed]
    poll = select.poll()
    for sock in socks:
        poll.register(sock, select.POLLOUT)
    ready = {descriptor for descriptor, _ in poll.poll(int(timeout * 1000) + 1)}
    return [sock for sock in socks if sock.fileno() in ready]


def reach(endpoint: Endpoint, addresses: Sequence[Address], deadline: float) -> Socket:
    """Connect to the first address that answers; raises TimeoutError at the deadline, else what the last address failed with."""
    dialing = Dialing(addresses)
    try:
        while True:
            now = time.monotonic()
            if now >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, f"no answer from {endpoint} in time ({dialing.tried} addresses tried)")
            if dialing.waiting and now >= dialing.next_start:
                connected = dialing.start_next(now)
            elif dialing.running:
                connected = dialing.wait(now, deadline)
            else:
                raise unreachable(endpoint.path or endpoint.host, endpoint.port, dialing.tried, dialing.error)
            if connected is not None:
                return connected
    finally:
        dialing.stop()


def poll_of(sock: socket.socket) -> Callable[[int], Sequence[object]]:
    """Return what tells whether the socket has something to say: bytes, its end, an error. A third of the price of a look with `recv`."""
    if not hasattr(select, "poll"):  # Windows
        return lambda _: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return poll.poll
