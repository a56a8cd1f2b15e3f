"""A scripted OpenAI-compatible server for tests: `with oxide.testing.Server() as server: Client(base_url=server.url, api_key="test")`."""

from __future__ import annotations

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._script import Fault as Fault
    from ._script import Received as Received
    from ._socket import ServerSocket as ServerSocket
    from ._socket import SocketGone as SocketGone
    from ._webhooks import webhook_headers as webhook_headers
    from .server import Server as Server

__all__ = ["Fault", "Received", "Server", "ServerSocket", "SocketGone", "webhook_headers"]

_HOMES = {
    "Fault": "_script",
    "Received": "_script",
    "Server": "server",
    "ServerSocket": "_socket",
    "SocketGone": "_socket",
    "webhook_headers": "_webhooks",
}


def __getattr__(name: str) -> object:
    """Import a name when it is first touched: asyncio is not for those who only want a scripted backend."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
