"""The kinds of work a competitor does, with the answer each must end in: nobody wins by not working."""

from __future__ import annotations

import functools
import json

from . import payloads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Work:
    """One kind of call: which method of the face, which script of the server, which request."""

    __slots__ = ("method", "model", "size")

    def __init__(self, method: str, model: str, size: int = 0) -> None:
        self.method = method
        self.model = model
        self.size = size

    @property
    def streams(self) -> bool:
        return self.method.endswith("_stream")

    def request(self) -> dict[str, Any]:
        if self.size:
            return dict(payloads.agent_request(self.size))
        if self.method.startswith("chat"):
            return {"messages": payloads.tiny_messages()}
        return {"input": "What is the capital of Slovenia?"}


WORKS = {
    "chat-tiny": Work("chat", "chat-tiny"),
    "responses-small": Work("response", "responses-small"),
    "request-148": Work("chat", "chat-tool-call", 148),
    "request-634": Work("chat", "chat-long", 634),
    "chat-stream": Work("chat_stream", "chat-stream"),
    "responses-stream": Work("response_stream", "responses-stream"),
    "chat-stream-paced": Work("chat_stream", "chat-stream-paced"),
    "responses-stream-paced": Work("response_stream", "responses-stream-paced"),
    "chat-stream-late-end": Work("chat_stream", "chat-stream-late-end"),
    "fan-out-stream": Work("chat_stream", "fan-out-stream"),
    "first-event": Work("chat_stream", "first-event"),
}


@functools.cache
def expected(model: str) -> tuple[int, str]:
    """How many events (0: no stream) and which text the server's script for `model` ends in."""
    texts: dict[str, tuple[int, str]] = {
        "chat-tiny": (0, payloads.CHAT_TEXT),
        "responses-small": (0, payloads.CHAT_TEXT),
        "chat-tool-call": (0, json.dumps({"query": payloads.sentence(3, 6), "limit": 5})),
        "chat-long": (0, json.dumps({"query": payloads.sentence(0, 60)})),
        "fan-out-stream": (99, "".join(payloads.tokens(97))),
        "first-event": (12, "".join(payloads.tokens(10))),
    }
    if model in texts:
        return texts[model]
    return (114, "".join(payloads.tokens(112))) if model.startswith("chat") else (150, "".join(payloads.tokens(142)))


def check(work: Work, result: Any) -> None:
    """Raise `AssertionError` unless the result is the whole and right one."""
    count, text = expected(work.model)
    if not work.streams:
        correct = result == text
    else:
        pieces = result.pieces[1:] if work.model == "first-event" else result.pieces
        correct = result.count == count and "".join(pieces) == text
    if not correct:
        raise AssertionError(f"{work.model}: a wrong answer: {result!r:.200}")
