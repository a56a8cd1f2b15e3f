"""A file goes out in constant memory. OXIDE_UPLOAD=2000000000 makes it one of 2 GB; `python -m bench.upload` compares."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.house._tree import ROOT

SIZE = int(os.environ.get("OXIDE_UPLOAD", "200000000"))
GROWTH = 20_000_000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["oxide", "oxide-asyncio"])
def test_a_large_file_costs_no_memory(name: str) -> None:
    command = [sys.executable, "-m", "bench.upload", "--only", name, "--size", str(SIZE), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=290, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[name]["growth"] < GROWTH
