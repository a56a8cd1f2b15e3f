"""The examples in docs/ and in examples/ run as they are, against the embedded server."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.house._tree import ROOT, place

if TYPE_CHECKING:
    from pathlib import Path

    from oxide.testing import Server

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
BLOCKS = [
    (path, text[: found.start(1)].count("\n"), found[1])
    for path in sorted((ROOT / "docs").rglob("*.md"))
    for text in [path.read_text(encoding="utf-8")]
    for found in BLOCK.finditer(text)
]
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize(("path", "line", "code"), BLOCKS, ids=[place(path, line + 1) for path, line, _ in BLOCKS])
def test_an_example_of_the_documents_runs(path: Path, line: int, code: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    exec(compile("\n" * line + code, str(path), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("path", PROGRAMS, ids=place)
def test_an_example_runs_as_a_program(path: Path, server: Server) -> None:
    environment = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "test", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip(), f"{place(path)} prints nothing"


@pytest.mark.parametrize("path", PROGRAMS, ids=place)
def test_an_example_says_how_to_run_it(path: Path) -> None:
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert f"python {place(path)}" in told
