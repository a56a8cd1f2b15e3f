"""The Realtime API over a WebSocket, as a small model of it: text in, an echo in pieces out."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from ._model import echo, is_object, nested, objects, text_of, tokens

if TYPE_CHECKING:
    from ._api import Api
    from ._socket import ServerSocket, SocketHandler

__all__ = ["realtime"]

JSON = dict[str, Any]


def realtime(api: Api, pace: float) -> SocketHandler:
    """Return the handler of /v1/realtime; `pace` is the seconds between events."""

    async def handler(socket: ServerSocket) -> None:
        await Conversation(api, socket, pace).run()

    return handler


class Conversation:
    """One connection."""

    def __init__(self, api: Api, socket: ServerSocket, pace: float) -> None:
        self._api = api
        self._socket = socket
        self._pace = pace
        self._said = ""
        self._session: JSON = {"type": "realtime", "object": "realtime.session", "id": api.new_id("sess"), "output_modalities": ["text"]}

    async def run(self) -> None:
        """Take events until the client leaves."""
        await self._tell({"type": "session.created", "session": self._session})
        while True:
            event = _parsed(await self._socket.receive())
            for answer in self._answers(event):
                await self._tell(answer)
                if self._pace:
                    await asyncio.sleep(self._pace)

    async def _tell(self, event: JSON) -> None:
        await self._socket.send(json.dumps({"event_id": self._api.new_id("event"), **event}))

    def _answers(self, event: JSON) -> list[JSON]:
        kind = event.get("type")
        if kind == "session.update":
            self._session = {**self._session, **nested(event, "session")}
            return [{"type": "session.updated", "session": self._session}]
        if kind == "conversation.item.create":
            return self._item(nested(event, "item"))
        if kind == "input_audio_buffer.append":
            return []
        if kind == "response.create":
            return self._response()
        error = {"type": "invalid_request_error", "code": "invalid_value", "message": f"Unknown event: {kind!r}.", "param": "type"}
        return [{"type": "error", "error": {**error, "event_id": event.get("event_id")}}]

    def _item(self, item: JSON) -> list[JSON]:
        self._said = " ".join(text_of([part]) for part in objects(item.get("content"))) or self._said
        kept = {"id": self._api.new_id("item"), "object": "realtime.item", "status": "completed", **item}
        return [{"type": "conversation.item.added", "item": kept}, {"type": "conversation.item.done", "item": kept}]

    def _response(self) -> list[JSON]:
        text = echo(self._said, [])
        response: JSON = {"object": "realtime.response", "id": self._api.new_id("resp"), "status": "in_progress", "output": []}
        place: JSON = {"response_id": response["id"], "item_id": self._api.new_id("item"), "output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": text}
        item = {
            "id": place["item_id"],
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [part],
        }
        return [
            {"type": "response.created", "response": response},
            *({"type": "response.output_text.delta", **place, "delta": delta} for delta in tokens(text)),
            {"type": "response.output_text.done", **place, "text": text},
            {"type": "response.output_item.done", "response_id": response["id"], "output_index": 0, "item": item},
            {"type": "response.done", "response": {**response, "status": "completed", "output": [item]}},
        ]


def _parsed(message: str | bytes) -> JSON:
    try:
        event = json.loads(message)
    except ValueError:
        return {}
    return event if is_object(event) else {}
