"""Both faces, spelled alike, so that each test is written once.

    def test_an_answer_has_text(face: Face, server: Server) -> None:
        with face.client(server) as client:
            assert client.responses.create(model="echo", input="Hello").output_text

What comes from `face.client` mirrors the client, its resources, streams and pages. Where the asyncio twin is awaited, iterated with
`async for` or entered with `async with`, the mirror does that on the loop of the face; results and errors are the true ones.
`mirror.itself` is the thing behind it.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from oxide.testing import Server

T = TypeVar("T")

# Modules whose objects differ from world to world; everything else is a result and stays what it is.
HELPERS = ("oxide._helpers.sessions", "oxide._helpers.response_streams", "oxide._helpers.chat_streams", "oxide._helpers.agent_runs")
SOCKETS = ("oxide._connection", "oxide._realtime_parts", "oxide._live_parts", "oxide._helpers.sockets")
TWINS = ("oxide._client", "oxide._stream", "oxide._page", "oxide._raw", "oxide._binary", "oxide.resources", *HELPERS, *SOCKETS)
SHAPES = ("__next__", "__anext__", "__aiter__", "__aenter__")


class Mirror:
    """Something of either world, used as if it were blocking."""

    def __init__(self, face: Face, itself: Any) -> None:
        self.itself = itself
        self._face = face

    def __getattr__(self, name: str) -> Any:
        return self._face.mirrored(getattr(self.itself, name))

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._face.mirrored(self.itself(*args, **options))

    def __iter__(self) -> Iterator[Any]:
        return self._face.each(self.itself)

    def __enter__(self) -> Mirror:
        entered = self._face.enter(self.itself)
        return self if entered is self.itself else Mirror(self._face, entered)

    def __exit__(self, *error: Any) -> Any:
        return self._face.leave(self.itself, *error)

    def __repr__(self) -> str:
        return f"<{self._face} {self.itself!r}>"


class Face:
    """One of the two worlds."""

    name = "blocking"
    client_class = "Client"

    def __init__(self) -> None:
        self._clients: list[Any] = []

    def __repr__(self) -> str:
        return self.name

    def client(self, server: Server | None = None, **options: Any) -> Any:
        """Return the mirror of a new client of the server; it is closed at the end of the test, if not before."""
        import oxide

        if server is not None:
            options.setdefault("base_url", server.url)
        client = getattr(oxide, self.client_class)(**{"api_key": "test", **options})
        self._clients.append(client)
        return Mirror(self, client)

    def mirrored(self, value: Any) -> Any:
        """Return the value, awaited where need be, and mirrored if it differs from world to world."""
        value = self.run(value)
        kind = type(value)
        twin = kind.__module__.startswith(TWINS) or any(hasattr(kind, shape) for shape in SHAPES)
        return Mirror(self, value) if twin or inspect.isroutine(value) else value

    def run(self, value: Any) -> Any:
        """Return the value; in asyncio an awaitable is awaited."""
        return value

    def each(self, iterable: Any) -> Iterator[Any]:
        """Iterate over a stream or a page."""
        return iter(iterable)

    def collect(self, stream: Any) -> list[Any]:
        """Return everything that a stream or a page yields."""
        return list(stream)

    def enter(self, context: Any) -> Any:
        return context.__enter__()

    def leave(self, context: Any, *error: Any) -> Any:
        return context.__exit__(*error)

    def sleep(self, seconds: float) -> None:
        """Let time pass, in which the world goes on."""
        time.sleep(seconds)

    def together(self, client: Any, calls: Sequence[Callable[[Any], Any]], timeout: float = 30.0) -> list[Any]:
        """Make calls at the same time, each with the client itself; return their results, or what they raised, in order."""
        results: list[Any] = [TimeoutError(f"not done after {timeout} s")] * len(calls)

        def make(place: int, call: Callable[[Any], Any]) -> None:
            try:
                results[place] = call(client.itself)
            except Exception as error:
                results[place] = error

        threads = [threading.Thread(target=make, args=numbered, daemon=True) for numbered in enumerate(calls)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return results

    def close(self) -> None:
        """Close the clients that the test left open."""
        for client in self._clients:
            self.run(client.close())


class AsyncioFace(Face):
    """The world of one event loop, which runs while something is waited for."""

    name = "asyncio"
    client_class = "AsyncClient"

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()

    def run(self, value: Any) -> Any:
        if not inspect.isawaitable(value):
            return value

        async def awaited() -> Any:
            return await value

        return self.loop.run_until_complete(awaited())

    def each(self, iterable: Any) -> Iterator[Any]:
        iterator = aiter(iterable)
        while True:
            try:
                item = self.run(anext(iterator))
            except StopAsyncIteration:
                return
            yield item

    def enter(self, context: Any) -> Any:
        return self.run(context.__aenter__())

    def leave(self, context: Any, *error: Any) -> Any:
        return self.run(context.__aexit__(*error))

    def sleep(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    def together(self, client: Any, calls: Sequence[Callable[[Any], Any]], timeout: float = 30.0) -> list[Any]:
        async def make(call: Callable[[Any], Any]) -> Any:
            return await call(client.itself)

        async def all_of_them() -> list[Any]:
            return await asyncio.wait_for(asyncio.gather(*map(make, calls), return_exceptions=True), timeout)

        return self.loop.run_until_complete(all_of_them())

    def close(self) -> None:
        """Close the clients that the test left open, and see that no task outlives them."""
        try:
            super().close()
            self.sleep(0)
            left = asyncio.all_tasks(self.loop)
            assert not left, f"tasks that nobody waits for: {left}"
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()
