"""Recorded streams: `tests/transcripts/*.jsonl`, an event a line.

Those of the Responses API end with the event that brings the whole response. Those of Chat Completions have one line more,
`{"final": ...}`: the completion that the service sends for the same answer when it is not streamed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxide._models._base import decoder

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent / "transcripts"
RESPONSES = sorted(path.stem for path in FOLDER.glob("responses_*.jsonl"))
CHATS = sorted(path.stem for path in FOLDER.glob("chat_*.jsonl"))


def lines(name: str) -> list[dict[str, Any]]:
    """Return the lines of a transcript, parsed."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def response_events(name: str) -> Iterator[Any]:
    """Yield the events of a response, as a stream would."""
    decode = decoder("responses_events.ResponseStreamEvent")
    yield from map(decode, lines(name))


def chunks(name: str) -> Iterator[Any]:
    """Yield the chunks of a chat completion, as a stream would."""
    yield from map(decoder("chat.ChatCompletionChunk"), lines(name)[:-1])


def final(name: str) -> dict[str, Any]:
    """Return what the service sends in the end."""
    last = lines(name)[-1]
    whole: dict[str, Any] = last["final"] if "final" in last else last["response"]
    return whole


def body(name: str) -> bytes:
    """Return the transcript as the body of an answer."""
    events = lines(name)
    if "final" in events[-1]:
        return b"".join([b"data: %b\n\n" % json.dumps(event).encode() for event in events[:-1]]) + b"data: [DONE]\n\n"
    return b"".join([b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events])
