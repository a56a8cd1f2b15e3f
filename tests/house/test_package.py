"""What is built from the tree: a wheel that holds the library and nothing else."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

import oxide._version
from tests.house._tree import LIBRARY, ROOT

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build a wheel from a copy of the sources, without the network."""
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        shutil.copy(ROOT / name, copy)
    shutil.copytree(LIBRARY, copy / "oxide", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", "dist", "."]
    done = subprocess.run(pip, cwd=copy, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (copy / "dist").glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_library_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"oxide", f"oxide_client-{oxide._version.__version__}.dist-info"}


def test_the_wheel_holds_every_file_of_the_library(wheel: zipfile.ZipFile) -> None:
    def kept(path: Path) -> bool:
        return path.is_file() and "__pycache__" not in path.parts

    missing = {path.relative_to(ROOT).as_posix() for path in LIBRARY.rglob("*") if kept(path)} - set(wheel.namelist())
    assert not missing, f"not in the wheel: {sorted(missing)}; name data files in setup.cfg, options.package_data"
    assert "oxide/py.typed" in wheel.namelist()


def test_the_library_asks_for_three_packages_and_for_none_in_the_browser() -> None:
    config = configparser.RawConfigParser()
    config.read(ROOT / "setup.cfg")
    needs = [line.partition(";") for line in config["options"]["install_requires"].split("\n") if line]
    assert sorted(name.partition(">=")[0] for name, _, _ in needs) == ["certifi", "h2", "wsproto"]
    assert {marker.strip() for _, _, marker in needs} == {'sys_platform != "emscripten"'}
