"""What an import and a first call load: counted, because counts do not depend on how busy the machine is."""

from __future__ import annotations

import subprocess
import sys

from tests.house._tree import ROOT

# -I -S: no site-packages hooks, no user settings; what is loaded was loaded by us.
PREPARE = f"import sys; sys.path[:0] = {[str(ROOT), *(p for p in sys.path if p.endswith('site-packages'))]!r}; before = set(sys.modules)"
REPORT = "print(*sorted(set(sys.modules) - before))"


def loaded_by(*lines: str) -> list[str]:
    """Run the lines in a fresh interpreter and return the names of the modules that they loaded."""
    script = "\n".join((PREPARE, *lines, REPORT))
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_oxide_loads_at_most_five_modules() -> None:
    names = loaded_by("import oxide")
    assert "oxide" in names
    assert len(names) <= 5, f"`import oxide` loads {names}: import where the name is first used, not at the top"


def test_importing_oxide_loads_nothing_costly() -> None:
    costly = {"json", "ssl", "asyncio", "typing", "dataclasses", "socket", "re", "inspect", "logging"}
    found = costly.intersection(loaded_by("import oxide"))
    assert not found, f"`import oxide` loads {sorted(found)}: look for the culprit with `python -X importtime -c 'import oxide'`"
