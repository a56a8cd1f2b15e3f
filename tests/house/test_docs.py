"""What the documents point to is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.house._tree import ROOT, place

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=place)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()]
    assert not broken, f"{place(path)} links to what is not there: {broken}"


def test_the_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {(place(path), name) for path in DOCUMENTS for name in re.findall(r"`make ([a-z][a-z-]*)", path.read_text(encoding="utf-8"))}
    unknown = sorted((document, name) for document, name in named if name not in targets)
    assert not unknown, f"no such target in the Makefile: {unknown}"


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"docs/decisions: {numbers}"
