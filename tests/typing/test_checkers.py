"""Two checkers read the examples beside this file: they agree with every `assert_type`, and find every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

Check = Callable[[Path], dict[int, str]]


def mypy(path: Path) -> dict[int, str]:
    """Return line -> complaint."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--show-column-numbers", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode in (0, 1), done.stderr
    rows = [row.split(":", 4) for row in done.stdout.splitlines() if ": error:" in row]
    return {int(row[1]): row[4] for row in rows if row[0] == path.relative_to(ROOT).as_posix()}


def pyright(path: Path) -> dict[int, str]:
    """Return line -> complaint."""
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", str(path)], cwd=ROOT, capture_output=True, text=True, timeout=170
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {row["range"]["start"]["line"] + 1: row["message"] for row in found if row["severity"] == "error" and Path(row["file"]) == path}


def checker(check: Check) -> object:
    missing = find_spec(check.__name__) is None
    return pytest.param(check, id=check.__name__, marks=pytest.mark.skipif(missing, reason="a checker of the extra `dev`"))


CHECKERS = [checker(mypy), checker(pyright)]
pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("name", ["calls.py", "jobs.py", "raw.py", "sockets.py", "structured.py"])
@pytest.mark.parametrize("check", CHECKERS)
def test_calls_results_and_inputs_have_the_types_they_should(check: Check, name: str) -> None:
    assert check(HERE / name) == {}


@pytest.mark.parametrize("name", ["mistakes.py", "clients.py"])
@pytest.mark.parametrize("check", CHECKERS)
def test_mistakes_are_found_and_nothing_else(check: Check, name: str) -> None:
    path = HERE / name
    wanted = {number for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if "  # mistake" in line}
    assert set(check(path)) == wanted
