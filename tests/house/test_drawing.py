"""The drawing of the layers in docs/architecture.md is the table that the tests hold the tree to."""

from __future__ import annotations

import re

from tests.house._tree import ROOT
from tests.house.test_layers import LAYERS


def test_the_drawing_of_the_layers_is_the_table() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## The layers")[2].partition("\n## ")[0]
    lines = re.findall(r"^    (\S+(?:, \S+)*)  ", text, re.MULTILINE)
    drawn = [tuple("" if name == "__init__" else name for name in line.split(", ")) for line in reversed(lines)]
    assert drawn == list(LAYERS), "draw in docs/architecture.md, from the top down, what LAYERS in tests/house/test_layers.py says"
