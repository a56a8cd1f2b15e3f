"""Both worlds, as the tests of the faces have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faces._both import AsyncioFace, Face

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[Face, AsyncioFace], ids=lambda kind: kind.name)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """One of the two worlds."""
    world: Face = request.param()
    yield world
    world.close()
