"""Whatever fields a response has, a delay is None or a finite number of seconds, and it is what a plain account of the rules says.

Any text is a date or not, but never an exception; a date that the standard library wrote is read as the time it stands for; a retry
budget never holds less than nothing or more than its capacity.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.retry`

from _harness import command, run

from oxide._protocol.headers import Headers
from oxide._protocol.ratelimit import parse_reset, rate_limit
from oxide._protocol.retry import RetryBudget, RetryPolicy, http_date

FORMS = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
WORDS = [
    "0",
    "1",
    "-1",
    "119.5",
    "120",
    "120.1",
    "inf",
    "nan",
    "-inf",
    "1e400",
    "1e-400",
    "9" * 5000,
    "1_0",
    "٣",
    "",
    " 5 ",
    "5, 5",
    "0x5",
    "soon",
]
WORDS += ["1m20s", "6.5s", "100ms", "2d3h", "1h", "5m5m", "s", "1.s", "Mon, 30 Feb 2026 00:00:00 GMT", "Mon, 01 Jan 0000 00:00:00 GMT"]
Case = tuple[int, "int | None", "str | None", dict[str, str], float, int]


def value(random: Random, now: int) -> str:
    if random.random() < 0.3:
        moment = datetime.fromtimestamp(now, timezone.utc) + timedelta(seconds=random.randrange(-200, 200))
        return moment.strftime(random.choice(FORMS))
    if random.random() < 0.3:
        return "".join(random.choice("0123456789.eE+-_ ,:GMTJandhms\x00\xe9") for _ in range(random.randrange(30)))
    return random.choice(WORDS)


def make(random: Random) -> Case:
    now = random.randrange(4_000_000_00, 3_000_000_000)
    names = ["retry-after", "Retry-After-Ms", "x-should-retry", "x-ratelimit-limit-tokens", "x-ratelimit-reset-tokens"]
    headers = {name: value(random, now) for name in names if random.random() < 0.4}
    if random.random() < 0.3:
        headers["x-should-retry"] = random.choice(["true", "false", "True", "maybe"])
    status = random.choice([None, 200, 400, 404, 408, 409, 422, 429, 500, 503, 599, 999])
    return random.choice([0, 1, 2, 9, 10**6]), status, random.choice([None, "insufficient_quota", "x"]), headers, random.random(), now


def check(case: Case) -> None:
    taken, status, code, fields, dice, now = case
    headers = Headers(fields.items())
    policy = RetryPolicy(10)
    delay = policy.delay(taken, status, headers, dice, now, code=code)
    verdict = headers.get("x-should-retry")
    again = status is None or status in (408, 409, 429) or status >= 500
    again = verdict == "true" or (verdict != "false" and again and not (status and code == "insufficient_quota"))
    if taken >= 10 or not again:
        assert delay is None
    else:
        assert delay is None or 0 < delay <= 120
        backoff = min(0.5 * 2**taken, 8) * (1 - 0.25 * dice)
        if not {"retry-after", "retry-after-ms"} & set(headers):
            assert delay == backoff
    check_texts(list(fields.values()), now)
    rate_limit(headers)
    check_budget(taken + now)


def check_texts(texts: list[str], now: int) -> None:
    for text in texts:
        date, reset = http_date(text), parse_reset(text)
        assert date is None or -1e11 < date < 1e12
        assert reset is None or 0 <= reset < 1e300
    for form in FORMS:
        assert http_date(datetime.fromtimestamp(now, timezone.utc).strftime(form)) == now


def check_budget(steps: int) -> None:
    budget = RetryBudget(10, 3, 0.5)
    for bit in bin(steps)[2:]:
        before = budget.tokens
        if bit == "1":
            assert budget.take() == (before >= 3)
        else:
            budget.give()
        assert 0 <= budget.tokens <= 10


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, only=only)


if __name__ == "__main__":
    command(main, __doc__)
