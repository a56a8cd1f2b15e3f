"""What other hosts need is loaded by those who use them, and no more of it than they use."""

from __future__ import annotations

from tests.house.test_import_budget import loaded_by

SERVE = ("from oxide.testing import Server", "server = Server().__enter__()", "before |= set(sys.modules)", "import oxide")
CALL = "client.responses.create(model='m', input='Hello')"
OTHERS = {"_azure", "_bedrock", "_providers", "auth", "providers"}


def ours(names: list[str]) -> set[str]:
    """Return the modules of the library about hosts, without the name of the package."""
    return {name.removeprefix("oxide.") for name in names if name.startswith("oxide.") and name.split(".")[1] in OTHERS}


def test_a_plain_client_loads_nothing_of_other_hosts() -> None:
    assert not ours(loaded_by(*SERVE, "client = oxide.Client(api_key='k', base_url=server.url)", CALL))


def test_a_plain_asyncio_client_loads_nothing_of_other_hosts() -> None:
    make = "async def main():\n async with oxide.AsyncClient(api_key='k', base_url=server.url) as client: await "
    assert not ours(loaded_by(*SERVE, "import asyncio", make + CALL, "asyncio.run(main())"))


def test_another_host_loads_neither_signatures_nor_what_reads_files() -> None:
    make = "client = oxide.Client(provider=oxide.providers.openrouter('k', base_url=server.url))"
    names = loaded_by(*SERVE, make, CALL)
    assert "oxide._providers.openrouter" in names
    assert not {"configparser", "typing", "dataclasses", "logging", "asyncio", "datetime", "email"}.intersection(names)
    assert len(ours(names)) <= 16
