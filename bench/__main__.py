"""`python -m bench`: measure, print the tables, and write them to `bench/RESULTS.md` when all of them were made in full."""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import resource
import sys
import tempfile

from .clients import NAMES
from .measure import ROOT, ServerProcess
from .report import markdown
from .scenarios import Bench, Line, as_json, scenarios, usable


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", metavar="WORD", action="append", default=[], help="only scenarios whose key contains WORD; can be repeated"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="two rounds with a quarter of the load")
    parser.add_argument("--without", metavar="NAME", action="append", default=[], help="leave a competitor out (oxide, openai)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parser.add_argument("--list", action="store_true", help="print the keys of the scenarios")
    return parser.parse_args()


def measure(bench: Bench, only: list[str]) -> list[Line]:
    """All lines; a scenario that fails is named, and the others go on."""
    lines: list[Line] = []
    for scenario in scenarios():
        if only and not any(word in scenario.key for word in only):
            continue
        print(f"{scenario.key} ...", file=sys.stderr, flush=True)
        try:
            lines += scenario.run(bench)
        except RuntimeError as error:
            print(f"{scenario.key} failed: {error}", file=sys.stderr)
            lines.append(Line("count", f"{scenario.key} (failed)", {}, {}))
    return lines


def command(options: argparse.Namespace) -> str:
    """How to make these results again."""
    words = ["python -m bench", *(f"--only {word}" for word in options.only), *(f"--without {name}" for name in options.without)]
    words.append("--quick" if options.quick else f"--rounds {options.rounds}")
    return " ".join(words)


def main() -> None:
    options = arguments()
    if options.list:
        print(*(scenario.key for scenario in scenarios()), sep="\n")
        return
    rounds, load = (2, 0.25) if options.quick else (options.rounds, 1.0)
    competitors = [name for name in NAMES if name not in options.without and usable(name)]
    print("taking part:", *competitors, file=sys.stderr)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for package in ("oxide", "bench"):  # imports are measured, not compilations
        compileall.compile_dir(os.path.join(ROOT, package), quiet=1)
    with tempfile.TemporaryDirectory() as directory, ServerProcess(directory) as server:
        bench = Bench(server, competitors, rounds, load)
        lines = measure(bench, options.only)
        bench.close()
    text = markdown(lines, command(options), rounds)
    print(text)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(as_json(lines))
    if not (options.only or options.quick or options.without):
        with open(os.path.join(ROOT, "bench", "RESULTS.md"), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
