"""Tries a built wheel as a stranger would: alone, in an empty environment, far from the checkout.

    python -m tools.try_wheel dist

Dependencies come from the package index; the wheel itself is the file and nothing but the file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

COMMANDS = (
    ["-c", "import oxide; oxide.Client; oxide.AsyncClient"],
    ["-m", "oxide", "--help"],
    ["-m", "oxide", "demo"],
)


def try_wheel(wheel: Path) -> None:
    """Install `wheel` into a new environment and run COMMANDS there; raises CalledProcessError when one fails."""
    with tempfile.TemporaryDirectory() as home:
        venv.create(home, with_pip=True)
        python = str(Path(home) / ("Scripts" if sys.platform == "win32" else "bin") / "python")
        run = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
        subprocess.run(run, cwd=home, check=True)
        for command in COMMANDS:
            subprocess.run([python, "-I", *command], cwd=home, check=True, stdout=subprocess.DEVNULL, timeout=60)


def main(folder: str = "dist") -> None:
    """Try the one wheel of `folder`."""
    (wheel,) = Path(folder).resolve().glob("*.whl")
    try_wheel(wheel)
    print(f"{wheel.name} works alone")


if __name__ == "__main__":
    main(*sys.argv[1:])
