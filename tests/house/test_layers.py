"""Who may import whom: the drawing of docs/architecture.md, held to."""

from __future__ import annotations

import pytest

from tests.house._tree import imports_of, modules, place

LAYERS: tuple[tuple[str, ...], ...] = (
    # From the ground up.  A module may import from its own entry and from any entry on a lower line; entries that share a line do not
    # know each other.  An entry is a module, or a package with all that is in it; the longest entry that fits counts.
    ("_typing", "_version", "_omit"),
    ("_deprecated",),
    ("_errors",),
    ("_json", "_url", "_timeout", "_when", "_clock"),
    ("_protocol",),
    ("_files",),
    ("_info",),
    ("_models",),
    ("_settings", "_validate"),
    ("_transport.base",),
    ("_transport.addresses", "_transport.tls"),
    ("_transport.racing",),
    ("_transport.aio_stream",),
    ("_transport.blocking", "_transport.aio"),
    ("_transport",),
    ("_forms",),
    ("_operation",),
    ("_chat_operation",),
    ("_raw",),
    ("_log",),
    ("_judge",),
    ("_answer",),
    ("_exchange",),
    ("_socket",),
    ("_hedged",),
    ("_stream", "_page", "_body"),
    ("_resume",),
    ("_helpers.outgoing",),
    ("_connection_core",),
    ("_connection",),
    ("_realtime_parts", "_live_parts"),
    ("_connections",),
    ("_helpers.lanes", "_helpers.history"),
    ("_link", "_turn_errors"),
    ("_turn",),
    ("_binary",),
    ("_streamed",),
    ("_caller",),
    ("_raw_callers",),
    ("_helpers",),
    ("resources",),
    ("_providers",),
    ("_shared",),
    ("_callers",),
    ("_verbs",),
    ("_official",),
    ("_client",),
    ("_hedging",),
    ("_azure", "_bedrock"),
    ("_module_client",),
    ("types", "testing", "providers", "auth"),
    ("",),
    ("_demo",),
    ("_cli",),
    ("__main__",),
)

MODELS = "oxide._models."
TESTING_MAY_IMPORT = ("oxide._typing", "oxide._version", "oxide._json", "oxide._protocol", "oxide._transport.base", "oxide.testing")

# The commands are programs that use the library, as anybody may write them.
MAY_WAIT = ("oxide._transport", "oxide.testing", "oxide._demo", "oxide._cli", "oxide.__main__")
WAITING = {"socket", "ssl", "asyncio", "threading", "_thread", "select", "selectors", "js", "pyodide"}
TIME_AND_DICE = {"time", "sched", "signal", "queue", "subprocess", "multiprocessing", "concurrent", "random", "secrets", "uuid"}


def entry_of(module: str) -> tuple[int, str]:
    """Return the line and the entry of LAYERS where a module belongs."""
    inner = module.removeprefix("oxide").removeprefix(".")
    fits = [(height, entry) for height, line in enumerate(LAYERS) for entry in line if f"{inner}.".startswith(f"{entry}.")]
    if not fits:
        pytest.fail(f"{module} has no layer: give it a place in LAYERS and in docs/architecture.md")
    return max(fits, key=lambda fit: len(fit[1]))


def ours(module: str) -> list[tuple[str, int]]:
    """Return what a module imports from the library, and where."""
    return [(name, line) for name, line, _ in imports_of(module) if name.partition(".")[0] == "oxide"]


def test_every_entry_of_the_table_exists() -> None:
    gone = [entry for line in LAYERS for entry in line if entry and f"oxide.{entry}" not in modules()]
    assert not gone, f"take {gone} out of LAYERS and of docs/architecture.md"


@pytest.mark.parametrize("module", modules())
def test_a_layer_imports_only_lower_layers(module: str) -> None:
    height, entry = entry_of(module)
    for name, line in ours(module):
        other_height, other_entry = entry_of(name)
        assert other_entry == entry or other_height < height, (
            f"{place(modules()[module], line)} imports {name}, which does not lie below it: turn the dependency round, "
            f"or move what both need into a lower layer (the table is LAYERS in {__name__})"
        )


def needed(module: str) -> list[str]:
    """Return the modules that a module needs, for annotations too; but models may name each other, as the types of the API do."""
    imports = [each for each in imports_of(module) if each.name in modules() and each.name != module]
    return [name for name, _, for_checkers in imports if not (for_checkers and name.startswith(MODELS) and module.startswith(MODELS))]


def test_no_imports_run_in_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"a circle of imports, cut it anywhere: {' > '.join((*path[path.index(module) :], module))}"
        if module not in done:
            for name in needed(module):
                visit(name, (*path, module))
            done.add(module)

    for module in modules():
        visit(module, ())


def foreign(module: str) -> list[tuple[str, int]]:
    """Return the top names of what a module truly imports from elsewhere; a name for annotations alone does no harm."""
    imports = [(name.partition(".")[0], line) for name, line, for_checkers in imports_of(module) if not for_checkers]
    return [(name, line) for name, line in imports if name != "oxide"]


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith(("oxide._protocol", "oxide._helpers"))])
def test_machines_and_helpers_import_nothing_that_waits_tells_the_time_or_throws_dice(module: str) -> None:
    for name, line in foreign(module):
        assert name not in WAITING | TIME_AND_DICE, (
            f"{place(modules()[module], line)} imports {name}: take the moment, the random number or the bytes as an argument instead"
        )


@pytest.mark.parametrize("module", [name for name in modules() if not name.startswith(MAY_WAIT)])
def test_only_the_transport_and_the_test_server_know_sockets_threads_and_loops(module: str) -> None:
    for name, line in foreign(module):
        assert name not in WAITING, f"{place(modules()[module], line)} imports {name}: what waits belongs into oxide/_transport"


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith("oxide.testing")])
def test_the_test_server_stands_apart_from_the_client(module: str) -> None:
    for name, line in ours(module):
        assert name.startswith(TESTING_MAY_IMPORT), (
            f"{place(modules()[module], line)} imports {name}: a server that shares code with the client repeats its mistakes"
        )
