"""The examples of the README run as printed, against the embedded server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.house._tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from oxide.testing import Server

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    (README[: found.start(1)].count("\n"), found[1]) for found in re.finditer(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize(("line", "code"), EXAMPLES, ids=[f"README.md:{line + 1}" for line, _ in EXAMPLES])
def test_an_example_of_the_readme_runs(line: int, code: str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    exec(compile("\n" * line + code, str(ROOT / "README.md"), "exec"), {"__name__": "__main__"})
