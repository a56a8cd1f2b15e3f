"""What the first blocking call loads: a cold start pays for each module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.house.test_import_budget import loaded_by

if TYPE_CHECKING:
    from oxide.testing import Server

NEVER = {"typing", "dataclasses", "asyncio", "inspect", "logging", "ssl", "h2", "wsproto", "urllib", "email", "http", "certifi", "uuid"}


def test_a_first_blocking_call_loads_nothing_it_could_do_without(server: Server) -> None:
    names = loaded_by(
        "import oxide",
        f"with oxide.Client(base_url={server.url!r}, api_key='test') as client:",
        "    client.responses.create(model='gpt-5', input='Hello')",
    )
    assert "oxide._client" in names
    found = NEVER.intersection(names)
    assert not found, f"the blocking path loads {sorted(found)}: import them where they are truly needed"
