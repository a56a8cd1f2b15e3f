"""What every fuzz program shares: a seeded stream of cases, a time box, and a reproducer when the invariant breaks.

A program gives `make` (a random source in, a case out) and `check` (raises when the case breaks the invariant).  Case number N of seed S is
always the same case, so that `--only S:N` repeats it.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "fuzz")]  # `fuzz/x.py` hides no other x

Case = TypeVar("Case")


def run(
    make: Callable[[Random], Case],
    check: Callable[[Case], None],
    seconds: float,
    seed: str,
    corpus: Iterable[Case] = (),
    only: str | None = None,
) -> int:
    """Check the corpus, then made cases until `seconds` have passed; return 0, or 1 after telling of the first that fails."""
    if only is not None:
        return tell(only, make(Random(only)), check)
    for number, case in enumerate(corpus):
        if tell(f"corpus {number}", case, check):
            return 1
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        name = f"{seed}:{number}"
        if tell(name, make(Random(name)), check):
            return 1
        number += 1
    print(f"{Path(sys.argv[0]).name}: {number} cases hold")
    return 0


def tell(name: str, case: Case, check: Callable[[Case], None]) -> int:
    """Check one case; tell how to repeat it where it fails."""
    try:
        check(case)
    except Exception:
        traceback.print_exc()
        print(f"\nThe invariant is broken by {case!r}\nAgain: python {sys.argv[0]} --only {name}")
        return 1
    return 0


def command(main: Callable[[float, str, str | None], int], about: str | None) -> None:
    """Read the command line, run `main`, and leave with its result."""
    options = argparse.ArgumentParser(description=about)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--seed", default="1")
    options.add_argument("--only", metavar="SEED:NUMBER", help="one case, as a failure names it")
    given = options.parse_args()
    sys.exit(main(given.seconds, given.seed, given.only))


def pieces(random: Random, data: bytes, most: int = 12) -> list[bytes]:
    """Cut bytes at random places."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(most)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]
