"""The Responses API over a WebSocket, as a model of it: `response.create` in, the events of the response out.

Lanes: requests with one `stream_id` are answered in their order, those of different ones side by side; the events carry it too.  A
connection remembers the last response of each lane, so that a response that was not stored can be gone on from there, and only there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._events import response_events
from ._judge import ApiError
from ._model import is_object, nested

if TYPE_CHECKING:
    from ._api import Api
    from ._socket import ServerSocket, SocketHandler

__all__ = ["responses_mode"]

JSON = dict[str, Any]
MAX_RUNNING = 16
MAX_LANES = 32
NOT_SENT = ("type", "stream_id", "stream", "background", "generate")
"""Keys of the client's event that are no parameters of the operation."""


def responses_mode(api: Api, pace: float, age: float) -> SocketHandler:
    """Return the handler of /v1/responses; `pace` is the seconds between events, `age` those after which nothing more is taken."""

    async def handler(socket: ServerSocket) -> None:
        await Lanes(api, socket, pace, age).run()

    return handler


class Lanes:
    """One connection."""

    def __init__(self, api: Api, socket: ServerSocket, pace: float, age: float) -> None:
        self._api = api
        self._socket = socket
        self._pace = pace
        self._last: dict[str | None, JSON] = {}  # the last response of each lane
        self._queues: dict[str | None, list[JSON]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        self._end = self._now() + age

    async def run(self) -> None:
        """Take events until the client leaves."""
        try:
            while True:
                event = _parsed(await self._socket.receive())
                lane = event.get("stream_id")
                try:
                    self._check(event)
                except ApiError as refusal:
                    await self._refuse(refusal, lane)
                    if refusal.error["code"] == "websocket_connection_limit_reached":
                        await self._socket.close(1000, "the connection is too old")
                    continue
                self._put(event, lane)
        finally:
            for task in self._tasks:
                task.cancel()

    def _check(self, event: JSON) -> None:
        lane = event.get("stream_id")
        if event.get("type") != "response.create":
            raise ApiError(400, f"Unknown event: {event.get('type')!r}.", param="type", code="unknown_parameter")
        if lane is not None and not isinstance(lane, str):
            raise ApiError(400, "stream_id must be a string.", param="stream_id", code="invalid_type")
        if self._now() > self._end:
            message = "This connection has reached its age limit: open another one."
            raise ApiError(400, message, code="websocket_connection_limit_reached")
        named = self._queues.keys() - {None}
        if len(named | {lane}) > MAX_LANES and lane is not None and lane not in named:
            raise ApiError(400, f"A connection has at most {MAX_LANES} lanes.", param="stream_id", code="websocket_stream_limit_reached")
        if sum(map(len, self._queues.values())) >= MAX_RUNNING:
            raise ApiError(400, f"At most {MAX_RUNNING} responses at once.", code="websocket_stream_limit_reached")

    def _put(self, event: JSON, lane: str | None) -> None:
        queue = self._queues.setdefault(lane, [])
        queue.append(event)
        if len(queue) == 1:
            task = asyncio.get_running_loop().create_task(self._serve(queue, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, queue: list[JSON], lane: str | None) -> None:
        """Answer what waits in a lane, one after another."""
        from ._socket import SocketGone

        try:
            while queue:
                await self._answer(queue[0], lane)
                del queue[0]
        except SocketGone:
            queue.clear()

    async def _answer(self, event: JSON, lane: str | None) -> None:
        try:
            response = self._response(event)
        except ApiError as refusal:
            self._last.pop(lane, None)
            await self._refuse(refusal, lane)
            return
        self._last[lane] = response
        padded = nested(event, "stream_options").get("include_obfuscation") is not False
        texts = [json.dumps(_named({**each, "sequence_number": n}, lane)) for n, each in enumerate(response_events(response, padded))]
        if not self._pace:
            await self._socket.send(*texts)
            return
        for text in texts:
            await self._socket.send(text)
            await asyncio.sleep(self._pace)

    def _response(self, event: JSON) -> JSON:
        body = {name: value for name, value in event.items() if name not in NOT_SENT}
        received = replace(self._socket.received, method="POST", path="/v1/responses", query="", body=json.dumps(body).encode())
        before = next((one for one in self._last.values() if one["id"] == body.get("previous_response_id")), None)
        known = None if before is None else int(before["usage"]["total_tokens"])
        return self._api.take_turn(received, event.get("generate") is not False, known)

    async def _refuse(self, refusal: ApiError, lane: object) -> None:
        await self._socket.send(json.dumps(_named({"type": "error", "status": refusal.status, "error": refusal.error}, lane)))


def _named(event: JSON, lane: object) -> JSON:
    return event if lane is None else {**event, "stream_id": lane}


def _parsed(message: str | bytes) -> JSON:
    """Return an event; what is none has no type."""
    try:
        event = json.loads(message)
    except ValueError:
        return {}
    return event if is_object(event) else {}
