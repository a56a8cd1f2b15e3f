"""The fixture that runs each test in both worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faces._both import AsyncioFace, Face

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[Face, AsyncioFace], ids=lambda kind: kind.name)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """One of the two worlds; see `tests/faces/_both.py`."""
    world: Face = request.param()
    yield world
    world.close()
