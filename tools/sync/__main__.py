"""From facts to code, and from a new description of the API to new facts.

python -m tools.sync                   write the generated files anew from the committed facts
python -m tools.sync --check           write nothing; fail if a generated file is not what the facts give
python -m tools.sync --spec openapi.json   take the facts from a document (a path or an address), tell what changed, write all
python -m tools.sync --coverage        tell how much of the facts the live classes cover
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import report, spec, words
from .docs import Docs
from .facts import Facts
from .layout import Layout
from .readable import UnreadableError
from .tree import MARK, ROOT, differences, generate, stale, write
from .update import Tables, Update, update

__all__ = ["MARK", "ROOT", "differences", "generate", "main", "stale"]

FOLDER = "tools/sync"
CHANGELOG = "CHANGELOG.md"


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for; return the exit status."""
    options = read_options(arguments)
    if options.coverage:
        from . import coverage

        return coverage.tell()
    if options.check:
        return check()
    if options.spec is None and not options.published:
        return regenerate()
    try:
        return sync(options.spec or spec.PUBLISHED, options.all)
    except spec.SpecError as error:
        if options.spec is not None:
            return refused(error)
        print(f"{error}\nthe published description is out of reach, so the code is made from the facts that are committed", file=sys.stderr)
        return regenerate()
    except (UnreadableError, LookupError) as error:
        return refused(error)


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    """Take the command line apart."""
    parser = argparse.ArgumentParser(prog="python -m tools.sync", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="write nothing; fail if a file is not what the facts give")
    what.add_argument("--spec", metavar="PATH_OR_URL", help="take the facts from this document")
    what.add_argument(
        "--published", action="store_true", help="take them from the published document; without a network, from what is committed"
    )
    what.add_argument("--coverage", action="store_true", help="tell how much of the facts the live classes cover")
    parser.add_argument("--all", action="store_true", help="tell all that changed, and cut no list")
    return parser.parse_args(arguments)


def check() -> int:
    """Tell which generated files are not what the facts give."""
    wrong = differences(generate(Facts.read(), Layout.read()))
    for path in wrong:
        print(f"{path} is not what the facts give; run `make generate`", file=sys.stderr)
    return 1 if wrong else 0


def regenerate() -> int:
    """Write what is generated from the committed facts."""
    texts = generate(Facts.read(), Layout.read())
    print(f"{len(texts)} files, {len(write(texts))} changed")
    return 0


def sync(source: str, whole: bool, root: Path = ROOT) -> int:
    """Take the facts from a document and write all that follows from them. Nothing is written before all is known."""
    folder = root / FOLDER
    tables = Tables.read(folder)
    found = update(spec.read(source), tables, source)
    print(told(found, tables, whole))
    texts = {f"{FOLDER}/{name}": text for name, text in found.tables.texts().items()}
    facts, docs = Facts(found.tables.digest, found.tables.digest_extra), Docs.read(folder / "docs")
    texts |= {f"{FOLDER}/docs/{name}": text for name, text in words.add(words.missing(facts, docs), docs, folder / "docs").items()}
    texts[CHANGELOG] = report.with_stub((root / CHANGELOG).read_text("utf-8"), report.stub(found.changes))
    texts |= generate(facts, Layout.read(), docs)
    print(f"{len(texts)} files, {len(write(texts, root))} changed")
    return 0


def told(found: Update, before: Tables, whole: bool) -> str:
    """Return the report, with the names that were given and what is odd."""
    rows = [report.report(found.changes, before.digest["source"], found.tables.digest["source"], whole)]
    named = [f"    {place} -> {name}" for place, name in sorted(found.named.items())]
    if named:
        rows += [f"NAMED BY RULE, FOR GOOD ONCE COMMITTED ({len(named)})", *(named if whole else report.cut(named)), ""]
    if found.notes:
        rows += [f"ODD, THOUGH IT CAN BE READ ({len(found.notes)}{'' if whole else ', told with --all'})"]
        rows += [*[f"    {note}" for note in found.notes if whole], ""]
    return "\n".join(rows)


def refused(error: Exception) -> int:
    """Say why nothing was written."""
    print(f"{error}\nnothing was changed", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
