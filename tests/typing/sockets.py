"""Sessions and connections: what they take and what they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import assert_type

from oxide import AsyncClient, Client

if TYPE_CHECKING:
    from oxide._connections import AsyncRealtimeConnection, ForkConnection, RealtimeConnection, ResponsesConnection
    from oxide.types.live import ForkServerEvent
    from oxide.types.realtime import RealtimeServerEvent
    from oxide.types.responses import Response, ResponsesServerEvent


def session(client: Client) -> None:
    with client.responses.session(fallback=True) as one:
        answer = one.create(model="gpt-5", input="x", temperature=0.5, timeout=5)
        assert_type(answer, Response)
        assert_type(one.warmup(model="gpt-5", input="x"), Response | None)
        for event in one.events(model="gpt-5", input=[{"role": "user", "content": "x"}]):
            if event.type == "response.output_text.delta":
                assert_type(event.delta, str)
        one.create(modle="gpt-5")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def async_session(client: AsyncClient) -> None:
    async with client.responses.session() as one:
        assert_type(await one.create(model="gpt-5", input="x"), Response)
        async for event in await one.events(model="gpt-5", input="x"):
            if event.type == "response.completed":
                assert_type(event.response, Response)


def connections(client: Client) -> None:
    with client.realtime.connect(model="gpt-realtime", max_retries=3) as realtime:
        assert_type(realtime, RealtimeConnection)
        assert_type(realtime.recv(), RealtimeServerEvent)
        assert_type(realtime.response.create(), None)
        realtime.conversation.item.create(item={"type": "message", "role": "user", "content": []})
        realtime.session.update(sesion={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        for event in realtime:
            if event.type == "response.output_text.delta":
                assert_type(event.delta, str)
    with client.responses.connect() as responses:
        assert_type(responses, ResponsesConnection)
        assert_type(responses.recv(), ResponsesServerEvent)
    fork = client.live.forks.connect(session_id="s").enter()
    assert_type(fork, ForkConnection)
    assert_type(fork.recv(), ForkServerEvent)


async def async_connections(client: AsyncClient) -> None:
    async with client.realtime.connect(call_id="c") as realtime:
        assert_type(realtime, AsyncRealtimeConnection)
        assert_type(await realtime.response.create(), None)
        assert_type(await realtime.recv(), RealtimeServerEvent)
