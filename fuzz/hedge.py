"""Whatever a call's copies meet, it ends: with its winner or with an error, after no more starts than copies, retries and budgets allow.

No copy starts before its delay unless one has failed, none while the server has asked to wait, none after the deadline, none once the call
is over; and what a percentile says is what sorting says.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.hedge`

from _harness import command, run

from oxide._protocol.hedge import Failure, HedgeBudget, HedgeState, Latencies
from oxide._protocol.retry import RetryBudget

ENDINGS = ("won", "failed", "failed", "held", "final", "doubtful")
Case = tuple[int, "float | None", int, float, int, float, "list[tuple[float, str, float]]"]


def make(random: Random) -> Case:
    plan = [(random.choice([0.0, 0.5, random.random() * 10]), random.choice(ENDINGS), random.choice([0.0, 0.5, 3.0])) for _ in range(20)]
    delay = random.choice([None, 0.0, 1.0, random.random() * 5])
    share, tokens = random.choice([0.0, 0.1, 1.0, 5.0]), random.randrange(0, 30, 5)
    return random.randint(1, 6), delay, random.randrange(5), share, tokens, random.choice([math.inf, 2.0, 8.0]), plan


def check(case: Case) -> None:
    copies, delay, retries, share, tokens, deadline, plan = case
    budget = HedgeBudget(share)
    budget.note_call()
    state = HedgeState(copies, delay, retries, budget, RetryBudget(tokens), deadline)
    now, hold = 0.0, -math.inf
    starts: list[float] = []
    failures: list[float] = []
    running: dict[int, tuple[float, str, float]] = {}
    for _ in range(200):
        due = state.due(now)
        ends = min((end for end, _, _ in running.values()), default=math.inf)
        if due is not None and now + max(0.0, due) <= ends:
            now += max(0.0, due)
            number = state.start(now)
            if number is None:
                continue
            assert number == len(starts)
            assert now >= hold
            if starts:
                assert now < deadline
                waited = delay is not None and now >= starts[-1] + delay - 1e-9
                assert waited or any(failed <= now for failed in failures), "before its time"
            starts.append(now)
            seconds, ending, again = plan[number]
            running[number] = now + seconds, ending, again
        elif not running:
            break
        else:
            number = min(running, key=lambda each: running[each][0])
            now, ending, again = running.pop(number)
            if ending == "won":
                state.won(number)
                break
            failures.append(now)
            final = ending in ("final", "doubtful")
            state.failed(number, Failure(OSError(number), None if final else again, ending == "held", ending == "doubtful"), now)
            if ending == "held":
                hold = max(hold, now + again)
            if state.over:
                break
    assert state.over, "a call without an end"
    assert state.due(now) is None
    assert 1 <= state.sent == len(starts) <= copies + retries
    assert state.retries_taken <= min(retries, tokens // 5)
    assert state.sent - state.retries_taken <= min(copies, 1 + math.ceil(share))
    if state.winner is None:
        assert isinstance(state.verdict(), OSError)
    check_percentile([seconds for seconds, _, _ in plan], copies * 10 + 39)


def check_percentile(samples: list[float], percent: int) -> None:
    latencies = Latencies(window=10, least=1)
    for seconds in samples:
        latencies.note(seconds)
    assert latencies.percentile(percent / 100) == sorted(samples[-10:])[math.ceil(percent / 10) - 1]


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, only=only)


if __name__ == "__main__":
    command(main, __doc__)
