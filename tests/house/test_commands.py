"""The commands are there, and ask for nothing that is not."""

from __future__ import annotations

import configparser
import importlib
import subprocess
import sys

from tests.house._tree import ROOT


def test_the_console_script_names_a_function_that_exists() -> None:
    config = configparser.RawConfigParser()
    config.read(ROOT / "setup.cfg")
    module, _, function = config["options.entry_points"]["console_scripts"].partition("=")[2].strip().partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_help_tells_the_commands() -> None:
    done = subprocess.run([sys.executable, "-m", "oxide", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert {"demo", "serve"} <= set(done.stdout.replace(",", " ").replace("{", " ").replace("}", " ").split())
