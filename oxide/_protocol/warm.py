"""Which connections are kept warm for the next conversation: decisions only; the caller closes what is returned, and holds the lock."""

from __future__ import annotations

from _weakrefset import WeakSet

from .._typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Warm"]

C = TypeVar("C")


class _Kept(Generic[C]):
    __slots__ = ("connection", "key", "opened", "since")

    def __init__(self, key: Hashable, connection: C, opened: float, since: float) -> None:
        self.key = key
        self.connection = connection
        self.opened = opened
        self.since = since


class Warm(Generic[C]):
    """Connections that nobody uses at the moment, the latest one taken first.

    Args:
        per_key: kept for one key: an address with the credentials and headers it was opened with.
        total: kept for all keys.
        idle: seconds one is kept.
        age: seconds after its opening that one is of use.
    """

    __slots__ = ("_age", "_idle", "_kept", "_per_key", "_total", "closed", "out")

    def __init__(self, per_key: int = 4, total: int = 8, idle: float = 55.0, age: float = 3300.0) -> None:
        self._per_key = per_key
        self._total = total
        self._idle = idle
        self._age = age
        self._kept: list[_Kept[C]] = []  # the one that was given back last comes last
        self.out: WeakSet[C] = WeakSet()  # those in use, as long as somebody holds them
        self.closed = False

    def __len__(self) -> int:
        return len(self._kept)

    def fresh(self, opened: float, now: float) -> bool:
        """Whether a connection is young enough to begin something on it."""
        return now - opened < self._age

    def take(self, key: Hashable, now: float) -> tuple[C | None, list[C]]:
        """Return a connection for a key, if there is one, and those that have become too old."""
        old = self._drop_old(now)
        for at in range(len(self._kept) - 1, -1, -1):
            if self._kept[at].key == key:
                connection = self._kept.pop(at).connection
                self.out.add(connection)
                return connection, old
        return None, old

    def put(self, key: Hashable, connection: C, opened: float, now: float) -> list[C]:
        """Keep a connection that nobody uses any more; return those that have to go for it, perhaps itself."""
        self.out.discard(connection)
        if self.closed:
            return [connection]
        self._kept.append(_Kept(key, connection, opened, now))
        gone = self._drop_old(now)
        same = [kept for kept in self._kept if kept.key == key]
        for kept in same[: max(0, len(same) - self._per_key)]:
            self._kept.remove(kept)
            gone.append(kept.connection)
        while len(self._kept) > self._total:
            gone.append(self._kept.pop(0).connection)
        return gone

    def _drop_old(self, now: float) -> list[C]:
        old = [kept for kept in self._kept if now - kept.since >= self._idle or not self.fresh(kept.opened, now)]
        for kept in old:
            self._kept.remove(kept)
        return [kept.connection for kept in old]

    def clear(self) -> list[C]:
        """Keep nothing from now on; return all connections, those in use too."""
        self.closed = True
        gone = [*(kept.connection for kept in self._kept), *self.out]
        self._kept.clear()
        self.out.clear()
        return gone
