"""The fixtures that run each test in both worlds, and over every kind of connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faces._both import AsyncioFace, Face
from tests.faces._wires import WIRES, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=[Face, AsyncioFace], ids=lambda kind: kind.name)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """One of the two worlds; see `tests/faces/_both.py`."""
    world: Face = request.param()
    yield world
    world.close()


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest, tmp_path: Path) -> Wire:
    """One of the four ways to a server; see `tests/faces/_wires.py`."""
    return Wire(request.param, tmp_path)
