"""Which connections are kept warm."""

from __future__ import annotations

from oxide._protocol.warm import Warm


class Connection:
    """Stands for one."""


def test_the_one_that_was_given_back_last_is_taken_first() -> None:
    warm: Warm[Connection] = Warm()
    first, second = Connection(), Connection()
    warm.put("key", first, 0.0, 1.0)
    warm.put("key", second, 0.0, 2.0)
    assert warm.take("key", 3.0) == (second, [])
    assert warm.take("key", 3.0) == (first, [])
    assert warm.take("key", 3.0) == (None, [])


def test_a_connection_serves_its_own_key_only() -> None:
    warm: Warm[Connection] = Warm()
    warm.put("key", Connection(), 0.0, 1.0)
    assert warm.take("another", 1.0) == (None, [])
    assert len(warm) == 1


def test_too_many_for_a_key_or_in_all_push_the_oldest_out() -> None:
    warm: Warm[Connection] = Warm(per_key=2, total=3)
    many = [Connection() for _ in range(5)]
    assert [warm.put("a", each, 0.0, 1.0) for each in many[:2]] == [[], []]
    assert warm.put("a", many[2], 0.0, 1.0) == [many[0]]
    assert warm.put("b", many[3], 0.0, 1.0) == []
    assert warm.put("c", many[4], 0.0, 1.0) == [many[1]]


def test_nothing_is_kept_where_nothing_may_be() -> None:
    warm: Warm[Connection] = Warm(per_key=0)
    one = Connection()
    assert warm.put("a", one, 0.0, 1.0) == [one]


def test_idle_ones_and_old_ones_go() -> None:
    warm: Warm[Connection] = Warm(idle=10.0, age=100.0)
    idle, old = Connection(), Connection()
    warm.put("a", idle, 80.0, 90.0)
    warm.put("a", old, 0.0, 95.0)
    assert warm.take("a", 100.0) == (None, [idle, old])
    assert not warm.fresh(0.0, 100.0)
    assert warm.fresh(0.1, 100.0)


def test_the_end_closes_those_in_use_too() -> None:
    warm: Warm[Connection] = Warm()
    kept, taken = Connection(), Connection()
    warm.put("a", taken, 0.0, 1.0)
    warm.take("a", 1.0)
    warm.put("a", kept, 0.0, 1.0)
    assert warm.clear() == [kept, taken]
    assert warm.put("a", taken, 0.0, 1.0) == [taken]


def test_one_in_use_that_everybody_has_dropped_is_not_held() -> None:
    warm: Warm[Connection] = Warm()
    warm.out.add(Connection())
    assert warm.clear() == []
