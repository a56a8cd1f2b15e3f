"""The competitors behind one small face each: what a user writes with them, for every kind of work of the benchmark.

`python -m bench.worker` makes one of them by name. The official SDK and oxide are spelled alike; the floors return dictionaries.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any

NAMES = ("floor", "oxide", "openai")
KEY = "sk-bench"


class Streamed:
    """What came of a stream: how many events, the text, and the nanoseconds from the server's stamp to the first event."""

    __slots__ = ("count", "delay", "pieces")

    def __init__(self) -> None:
        self.count = 0
        self.delay = 0
        self.pieces: list[str] = []

    def take(self, piece: str | None) -> None:
        if not self.count and piece and piece.isdigit():
            self.delay = time.perf_counter_ns() - int(piece)
        self.count += 1
        if piece:
            self.pieces.append(piece)


class FloorFace:
    """The floors: blocking, HTTP/1.1 or HTTP/2."""

    def __init__(self, floor: Any) -> None:
        self.floor = floor

    def chat(self, model: str, request: dict[str, Any]) -> str:
        answer = self.floor.post("/v1/chat/completions", {"model": model, **request})
        return chat_result_of_dict(answer)

    def response(self, model: str, request: dict[str, Any]) -> str:
        answer = self.floor.post("/v1/responses", {"model": model, **request})
        return "".join(part["text"] for item in answer["output"] for part in item["content"])

    def chat_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        for event in self.floor.stream("/v1/chat/completions", {"model": model, "stream": True, **request}):
            streamed.take(event["choices"][0]["delta"].get("content"))
        return streamed

    def response_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        for event in self.floor.stream("/v1/responses", {"model": model, "stream": True, **request}):
            streamed.take(event["delta"] if event["type"] == "response.output_text.delta" else None)
        return streamed

    def close(self) -> None:
        self.floor.close()


class AsyncFloorFace:
    """The floor in asyncio."""

    def __init__(self, floor: Any) -> None:
        self.floor = floor

    async def chat(self, model: str, request: dict[str, Any]) -> str:
        answer = await self.floor.post("/v1/chat/completions", {"model": model, **request})
        return chat_result_of_dict(answer)

    async def response(self, model: str, request: dict[str, Any]) -> str:
        answer = await self.floor.post("/v1/responses", {"model": model, **request})
        return "".join(part["text"] for item in answer["output"] for part in item["content"])

    async def chat_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        async for event in self.floor.stream("/v1/chat/completions", {"model": model, "stream": True, **request}):
            streamed.take(event["choices"][0]["delta"].get("content"))
        return streamed

    async def response_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        async for event in self.floor.stream("/v1/responses", {"model": model, "stream": True, **request}):
            streamed.take(event["delta"] if event["type"] == "response.output_text.delta" else None)
        return streamed

    async def close(self) -> None:
        await self.floor.close()


class LibraryFace:
    """oxide and the official SDK, blocking."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def chat(self, model: str, request: dict[str, Any]) -> str:
        return chat_result(self.client.chat.completions.create(model=model, **request))

    def response(self, model: str, request: dict[str, Any]) -> str:
        return str(self.client.responses.create(model=model, **request).output_text)

    def chat_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        for chunk in self.client.chat.completions.create(model=model, stream=True, **request):
            streamed.take(chunk.choices[0].delta.content)
        return streamed

    def response_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        for event in self.client.responses.create(model=model, stream=True, **request):
            streamed.take(event.delta if event.type == "response.output_text.delta" else None)
        return streamed

    def close(self) -> None:
        self.client.close()


class AsyncLibraryFace:
    """oxide and the official SDK, asyncio."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def chat(self, model: str, request: dict[str, Any]) -> str:
        return chat_result(await self.client.chat.completions.create(model=model, **request))

    async def response(self, model: str, request: dict[str, Any]) -> str:
        return str((await self.client.responses.create(model=model, **request)).output_text)

    async def chat_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        async for chunk in await self.client.chat.completions.create(model=model, stream=True, **request):
            streamed.take(chunk.choices[0].delta.content)
        return streamed

    async def response_stream(self, model: str, request: dict[str, Any]) -> Streamed:
        streamed = Streamed()
        async for event in await self.client.responses.create(model=model, stream=True, **request):
            streamed.take(event.delta if event.type == "response.output_text.delta" else None)
        return streamed

    async def close(self) -> None:
        await self.client.close()


def chat_result_of_dict(answer: dict[str, Any]) -> str:
    message = answer["choices"][0]["message"]
    calls = message.get("tool_calls")
    return str(calls[0]["function"]["arguments"] if calls else message["content"])


def chat_result(completion: Any) -> str:
    message = completion.choices[0].message
    return str(message.tool_calls[0].function.arguments if message.tool_calls else message.content)


def tls_context(authority: str) -> ssl.SSLContext:
    import ssl

    return ssl.create_default_context(cafile=authority)


def make_blocking(name: str, ports: dict[str, Any], *, http2: bool = False) -> Any:
    """A blocking competitor; with `http2` over TLS, else over cleartext HTTP/1.1."""
    context = tls_context(ports["authority"]) if http2 else None
    port = ports["https" if http2 else "http"]
    if name == "floor":
        from .floors import BlockingFloor, Http2Floor

        return FloorFace(Http2Floor("127.0.0.1", port, context) if context else BlockingFloor("127.0.0.1", port))
    options: dict[str, Any] = {"base_url": f"http{'s' if http2 else ''}://127.0.0.1:{port}/v1", "api_key": KEY, "max_retries": 0}
    if name == "oxide":
        from oxide import Client

        return LibraryFace(Client(**options, ssl_context=context, http2=True) if context else Client(**options))
    import openai

    if context:
        options["http_client"] = openai.DefaultHttpxClient(verify=context, http2=True)
    return LibraryFace(openai.OpenAI(**options))


def make_async(name: str, ports: dict[str, Any], *, http2: bool = False) -> Any:
    """An asyncio competitor, made inside the running loop; with `http2` over TLS, else over cleartext HTTP/1.1."""
    context = tls_context(ports["authority"]) if http2 else None
    port = ports["https" if http2 else "http"]
    if name == "floor":
        from .floors import AsyncFloor

        if http2:
            raise ValueError("the floor over HTTP/2 is blocking")
        return AsyncFloorFace(AsyncFloor("127.0.0.1", port))
    options: dict[str, Any] = {"base_url": f"http{'s' if http2 else ''}://127.0.0.1:{port}/v1", "api_key": KEY, "max_retries": 0}
    if name == "oxide":
        from oxide import AsyncClient

        return AsyncLibraryFace(AsyncClient(**options, ssl_context=context, http2=True) if context else AsyncClient(**options))
    import openai

    if context:
        options["http_client"] = openai.DefaultAsyncHttpxClient(verify=context, http2=True)
    return AsyncLibraryFace(openai.AsyncOpenAI(**options))
