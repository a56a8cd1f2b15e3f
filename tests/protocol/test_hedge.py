"""Hedging as a table of what happens and when: what starts, what ends a call, and whose error counts."""

from __future__ import annotations

import math
import pickle
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide._protocol.hedge import Failure, HedgeBudget, HedgePolicy, HedgeState, Latencies, LatencyTable
from oxide._protocol.retry import RetryBudget

Told: TypeAlias = "tuple[float, str]"

# title, (copies, delay, retries), {copy: (seconds it takes, how it ends)}, [(moment, what happens)]
# An ending is "won", "failed" (a retry would come after 0.5 s), "held" (the server asks for 3 s), "final" or "doubtful".
TABLE: list[tuple[str, tuple[int, float | None, int], dict[int, tuple[float, str]], list[Told]]] = [
    ("a quick answer is the only one", (2, 1.5, 2), {0: (1, "won")}, [(0, "start 0"), (1, "won 0")]),
    ("a slow one is overtaken", (2, 1.5, 2), {0: (9, "won"), 1: (1, "won")}, [(0, "start 0"), (1.5, "start 1"), (2.5, "won 1")]),
    ("a slow one may win all the same", (2, 1.5, 2), {0: (2, "won"), 1: (1, "won")}, [(0, "start 0"), (1.5, "start 1"), (2, "won 0")]),
    (
        "copies start one delay apart",
        (3, 1, 0),
        {0: (9, "won"), 1: (9, "won"), 2: (1, "won")},
        [(0, "start 0"), (1, "start 1"), (2, "start 2"), (3, "won 2")],
    ),
    ("no more copies than allowed", (2, 1, 0), {0: (9, "won"), 1: (9, "won")}, [(0, "start 0"), (1, "start 1"), (9, "won 0")]),
    ("without a delay none follows", (2, None, 0), {0: (9, "won")}, [(0, "start 0"), (9, "won 0")]),
    ("all at once with a delay of nothing", (3, 0, 0), {0: (9, "won"), 1: (9, "won"), 2: (1, "won")}, [
        (0, "start 0"), (0, "start 1"), (0, "start 2"), (1, "won 2"),
    ]),
    ("a failure starts the next at once", (2, 5, 2), {0: (1, "failed"), 1: (1, "won")}, [
        (0, "start 0"), (1, "failed 0"), (1, "start 1"), (2, "won 1"),
    ]),
    ("so it does where no delay is known", (2, None, 0), {0: (1, "failed"), 1: (1, "won")}, [
        (0, "start 0"), (1, "failed 0"), (1, "start 1"), (2, "won 1"),
    ]),
    ("the third then follows its delay after", (3, 2, 0), {0: (1, "failed"), 1: (9, "won"), 2: (1, "won")}, [
        (0, "start 0"), (1, "failed 0"), (1, "start 1"), (3, "start 2"), (4, "won 2"),
    ]),
    ("all copies fail", (2, 5, 0), {0: (1, "failed"), 1: (1, "failed")}, [
        (0, "start 0"), (1, "failed 0"), (1, "start 1"), (2, "failed 1"), (2, "lost 0"),
    ]),
    ("a retry follows the last copy", (2, 5, 1), {0: (1, "failed"), 1: (1, "failed"), 2: (1, "won")}, [
        (0, "start 0"), (1, "failed 0"), (1, "start 1"), (2, "failed 1"), (2.5, "start 2"), (3.5, "won 2"),
    ]),
    ("retries are counted for the call", (2, 5, 1), {0: (1, "failed"), 1: (1, "failed"), 2: (1, "failed")}, [
        (0, "start 0"), (1, "failed 0"), (1, "start 1"), (2, "failed 1"), (2.5, "start 2"), (3.5, "failed 2"), (3.5, "lost 0"),
    ]),
    ("a copy that fails while the other runs is retried", (2, 1, 1), {0: (9, "won"), 1: (1, "failed"), 2: (1, "won")}, [
        (0, "start 0"), (1, "start 1"), (2, "failed 1"), (2.5, "start 2"), (3.5, "won 2"),
    ]),
    ("the other may still win", (2, 1, 0), {0: (9, "won"), 1: (1, "failed")}, [
        (0, "start 0"), (1, "start 1"), (2, "failed 1"), (9, "won 0"),
    ]),
    ("a refusal ends the call", (2, 1, 2), {0: (0.5, "final")}, [(0, "start 0"), (0.5, "failed 0"), (0.5, "lost 0")]),
    ("a refusal of any copy does", (2, 1, 2), {0: (9, "won"), 1: (1, "final")}, [
        (0, "start 0"), (1, "start 1"), (2, "failed 1"), (2, "lost 1"),
    ]),
    ("a refusal counts more than failures before", (2, 5, 2), {0: (1, "failed"), 1: (1, "final")}, [
        (0, "start 0"), (1, "failed 0"), (1, "start 1"), (2, "failed 1"), (2, "lost 1"),
    ]),
    ("a doubtful refusal leaves it to the other", (2, 1, 2), {0: (3, "won"), 1: (1, "doubtful")}, [
        (0, "start 0"), (1, "start 1"), (2, "failed 1"), (3, "won 0"),
    ]),
    ("alone it is a refusal", (2, 1, 2), {0: (0.5, "doubtful")}, [(0, "start 0"), (0.5, "failed 0"), (0.5, "lost 0")]),
    ("where the server asks to wait no copy starts", (2, 5, 2), {0: (1, "held"), 1: (1, "won")}, [
        (0, "start 0"), (1, "failed 0"), (4, "start 1"), (5, "won 1"),
    ]),
    ("nor does one that is due", (3, 1, 2), {0: (9, "won"), 1: (0.5, "held"), 2: (1, "won")}, [
        (0, "start 0"), (1, "start 1"), (1.5, "failed 1"), (4.5, "start 2"), (5.5, "won 2"),
    ]),
    ("one copy is a plain call", (1, 1, 1), {0: (2, "failed"), 1: (1, "won")}, [
        (0, "start 0"), (2, "failed 0"), (2.5, "start 1"), (3.5, "won 1"),
    ]),
]  # fmt: skip


def failure(number: int, ending: str) -> Failure:
    error = OSError(number)
    return {
        "failed": Failure(error, 0.5),
        "held": Failure(error, 3.0, asked=True),
        "final": Failure(error, None),
        "doubtful": Failure(error, None, doubtful=True),
    }[ending]


def played(state: HedgeState, plan: dict[int, tuple[float, str]]) -> list[Told]:
    """Run the state against a plan of how the copies end, on a clock that jumps from one thing to the next."""
    now, told, ends = 0.0, [], dict[int, tuple[float, str]]()
    for _ in range(100):
        due = state.due(now)
        first = min(ends, key=lambda number: ends[number][0], default=None)
        if due is not None and (first is None or now + max(0.0, due) <= ends[first][0]):
            now += max(0.0, due)
            number = state.start(now)
            if number is not None:
                told.append((now, f"start {number}"))
                seconds, ending = plan[number]
                ends[number] = now + seconds, ending
            else:
                told.append((now, "not paid"))
        elif first is None:
            assert state.over
            assert state.winner is None
            return [*told, (now, f"lost {state.verdict().args[0]}")]
        else:
            now, ending = ends.pop(first)
            if ending == "won":
                state.won(first)
                assert (state.over, state.winner) == (True, first)
                return [*told, (now, f"won {first}")]
            state.failed(first, failure(first, ending), now)
            told.append((now, f"failed {first}"))
            if state.over:
                ends.clear()
    raise AssertionError("no end")


@pytest.mark.parametrize(("title", "given_", "plan", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_a_hedged_call(title: str, given_: tuple[int, float | None, int], plan: dict[int, tuple[float, str]], expected: list[Told]) -> None:
    state = HedgeState(*given_)
    assert played(state, plan) == expected
    assert len(state.errors) == sum(what.startswith("failed") for _, what in expected)


def test_a_copy_that_nobody_pays_for_is_not_sent() -> None:
    state = HedgeState(3, 1, 0, HedgeBudget(0.0))
    assert played(state, {0: (9, "won")}) == [(0, "start 0"), (1, "not paid"), (9, "won 0")]


def test_where_the_copy_after_a_failure_is_not_paid_for_the_retry_comes_in_its_time() -> None:
    state = HedgeState(2, 5, 1, HedgeBudget(0.0))
    told = played(state, {0: (1, "failed"), 1: (1, "won")})
    assert told == [(0, "start 0"), (1, "failed 0"), (1, "not paid"), (1.5, "start 1"), (2.5, "won 1")]
    assert state.retries_taken == 1


def test_two_failures_before_one_start_are_followed_by_two() -> None:
    state = HedgeState(4, 1, 1)
    plan = {0: (1.6, "held"), 1: (0.7, "held"), 2: (9, "won"), 3: (1, "won")}
    told = played(state, plan)
    assert told[-3:] == [(4.7, "start 2"), (4.7, "start 3"), (5.7, "won 3")]


def test_a_retry_that_the_retry_budget_does_not_pay_for_is_none() -> None:
    state = HedgeState(1, 1, 2, None, RetryBudget(0))
    assert played(state, {0: (1, "failed")}) == [(0, "start 0"), (1, "failed 0"), (1.5, "not paid"), (1.5, "lost 0")]


def test_nothing_starts_after_the_deadline() -> None:
    state = HedgeState(2, 5, 1, deadline=5)
    assert played(state, {0: (9, "won")}) == [(0, "start 0"), (9, "won 0")]
    state = HedgeState(1, None, 1, deadline=1.2)
    assert played(state, {0: (1, "failed")}) == [(0, "start 0"), (1, "failed 0"), (1, "lost 0")]


def test_misuse_is_told() -> None:
    state = HedgeState(2, 1)
    with pytest.raises(RuntimeError):
        state.won(0)
    with pytest.raises(RuntimeError):
        state.verdict()
    state.start(0.0)
    with pytest.raises(RuntimeError):
        state.start(0.5)
    state.won(0)
    for late in (lambda: state.won(0), lambda: state.failed(0, failure(0, "failed"), 1.0), lambda: state.start(9.0)):
        with pytest.raises(RuntimeError):
            late()


endings = st.sampled_from(["won", "failed", "failed", "held", "final", "doubtful"])
plans = st.lists(st.tuples(st.floats(0, 10), endings), min_size=20, max_size=20).map(lambda plan: dict(enumerate(plan)))


@given(st.integers(1, 5), st.none() | st.floats(0, 5), st.integers(0, 4), plans, st.sampled_from([0.0, 0.5, 4.0]), st.floats(0, 20))
@settings(max_examples=300, deadline=None)
def test_whatever_happens_a_call_ends_within_its_bounds(
    copies: int, delay: float | None, retries: int, plan: dict[int, tuple[float, str]], share: float, deadline: float
) -> None:
    budget = HedgeBudget(share)
    budget.note_call()
    state = HedgeState(copies, delay, retries, budget, RetryBudget(10), deadline)
    told = played(state, plan)
    starts = [(when, what) for when, what in told if what.startswith("start")]
    assert 1 <= len(starts) == state.sent <= copies + retries
    assert state.retries_taken <= min(retries, 2)
    assert state.sent - 1 - state.retries_taken <= math.ceil(share)
    assert all(when < deadline for when, _ in starts[1:])
    assert told[-1][1].startswith("won") == (state.winner is not None)
    assert [when for when, _ in told] == sorted(when for when, _ in told)
    assert len(state.errors) + len(state.running) + (state.winner is not None) == state.sent


# ------------------------------------------------------------------------------------------------------------ policy
@pytest.mark.parametrize(
    "options",
    [
        {"delay": -1},
        {"delay": math.inf},
        {"delay": math.nan},
        {"delay": "95"},
        {"delay": "p9"},
        {"delay": "p49"},
        {"delay": "p100"},
        {"delay": "p9٣"},
        {"copies": 0},
        {"copies": 11},
        {"budget": -0.1},
        {"budget": math.inf},
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        HedgePolicy(**options)


def test_a_policy_is_a_value() -> None:
    policy = HedgePolicy("p90", 3, 0.2)
    assert policy == pickle.loads(pickle.dumps(policy)) != HedgePolicy()
    assert hash(policy) == hash(HedgePolicy("p90", 3, 0.2))
    assert (policy.rank, HedgePolicy(1.5).rank) == (0.9, None)
    assert repr(policy) == "HedgePolicy(delay='p90', copies=3, budget=0.2)"
    with pytest.raises(AttributeError):
        policy.copies = 4
    with pytest.raises(AttributeError):
        del policy.copies


# ------------------------------------------------------------------------------------------------------------ budget
@given(st.floats(0, 3), st.lists(st.integers(0, 4), max_size=200))
def test_extra_copies_stay_within_their_share_of_the_calls(share: float, wanted: list[int]) -> None:
    budget = HedgeBudget(share)
    taken = 0
    for calls, copies in enumerate(wanted, start=1):
        budget.note_call()
        taken += sum(budget.take() for _ in range(copies))
        assert taken <= math.ceil(share * calls + 1e-6)


def test_a_tenth_is_one_in_ten_calls_and_the_first_may_be_it() -> None:
    budget = HedgeBudget(0.1)
    paid = []
    for _ in range(40):
        budget.note_call()
        paid.append(budget.take())
    assert [number for number, each in enumerate(paid) if each] == [0, 10, 20, 30]


def test_calm_times_save_no_more_than_the_bound() -> None:
    budget = HedgeBudget(0.1, most=3)
    for _ in range(1000):
        budget.note_call()
    assert [budget.take() for _ in range(5)] == [True, True, True, False, False]
    assert "3" in repr(budget)


# --------------------------------------------------------------------------------------------------------- latencies
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=120), st.integers(50, 99), st.integers(1, 50))
def test_a_percentile_is_that_of_the_window(samples: list[float], percent: int, window: int) -> None:
    latencies = Latencies(window, least=1)
    for seconds in samples:
        latencies.note(seconds)
    held = samples[-window:]
    found = latencies.percentile(percent / 100)
    assert found in held
    assert sum(each <= found for each in held) * 100 >= percent * len(held)
    assert sum(each < found for each in held) * 100 < percent * len(held)
    assert len(latencies) == len(held)


def test_too_few_latencies_tell_nothing() -> None:
    latencies = Latencies()
    for _ in range(19):
        latencies.note(1.0)
    assert latencies.percentile(0.95) is None
    latencies.note(1.0)
    assert latencies.percentile(0.95) == 1.0
    with pytest.raises(ValueError, match="nan"):
        latencies.note(math.nan)
    with pytest.raises(ValueError, match="window"):
        Latencies(10, least=11)


def test_a_percentile_that_is_slow_by_chance_is_not_waited_for() -> None:
    table = LatencyTable()
    for number in range(200):
        table.note("few are slow", 2.0 if number % 20 == 0 or number == 1 else 0.1)  # one more than a twentieth
        table.note("many are slow", 2.0 if number % 5 == 0 else 0.1)
        table.note("all differ", number / 100)
    assert table.delay("few are slow", 0.95) == 0.2
    assert table.delay("many are slow", 0.95) == 2.0
    assert table.delay("all differ", 0.95) == 1.89


def test_the_table_is_bounded_and_so_is_what_it_tells() -> None:
    table = LatencyTable(operations=3, shortest=0.1, longest=5)
    for name in "abcd":
        for _ in range(20):
            table.note(name, {"b": 0.001, "c": 99.0}.get(name, 1.0))
    assert len(table) == 3
    assert [table.delay(name, 0.95) for name in "abcd"] == [None, 0.1, 5, 1.0]
