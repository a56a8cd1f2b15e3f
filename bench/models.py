"""What records cost beside `json.loads` of the same bytes, and beside the official library where it is installed.

    python -m bench.models

CPU time, medians of rounds in which all take their turn; ratios are medians of the ratios within a round.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from bench.payloads import sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any]
    Work = Callable[[], object]

ROUNDS, SECONDS = 40, 0.004
PLAIN = frozenset((dict, str, int, float, bool, type(None)))
CREATED = 1_770_000_000


# ---------------------------------------------------------------------------------------------------- what is decoded
def answer() -> Json:
    """An answer of 20 KB and 30 objects, a turn of an agent: twelve functions on offer, thoughts, two calls, and a text of 1,500 words."""
    output: list[Json] = []
    for i in range(2):
        summary = [{"type": "summary_text", "text": sentence(i, 50)}]
        output.append({"id": f"rs_{i:050}", "type": "reasoning", "encrypted_content": f"gAAAAA{i:064x}" * 20, "summary": summary})
        arguments = json.dumps({"query": sentence(i, 12), "limit": 20})
        call = {"type": "function_call", "call_id": f"call_{i:020}", "name": "look_up_3", "arguments": arguments, "status": "completed"}
        output.append({"id": f"fc_{i:050}", **call})
    output.append(message(words=1_500, references=4))
    return response(output, functions(12))


def functions(count: int) -> list[Json]:
    limit = {"type": "integer", "description": sentence(2, 6), "minimum": 1, "maximum": 100}
    properties = {"query": {"type": "string", "description": sentence(5, 8)}, "limit": limit}
    schema = {"type": "object", "properties": properties, "required": ["query", "limit"], "additionalProperties": False}
    tool = {"type": "function", "description": sentence(3, 20), "strict": True, "parameters": schema}
    return [{**tool, "name": f"look_up_{i}"} for i in range(count)]


def dense_answer() -> Json:
    """An answer of 20 KB and 114 objects: little text in many items, and eight functions on offer."""
    output: list[Json] = []
    for i in range(7):
        output.append({"id": f"rs_{i:050}", "type": "reasoning", "summary": [{"type": "summary_text", "text": sentence(i, 50)}]})
        arguments = json.dumps({"query": sentence(i, 40)})
        call = {"type": "function_call", "call_id": f"call_{i:020}", "name": "look_up", "arguments": arguments, "status": "completed"}
        output += [{"id": f"fc_{i:050}", **call}, message(words=60, references=4)]
    return response(output, functions(8))


def message(words: int, references: int) -> Json:
    text: Json = {"type": "output_text", "text": sentence(0, words), "logprobs": [], "annotations": []}
    for i in range(references):
        url = f"https://example.com/articles/{i}?utm_source=openai"
        spot = {"type": "url_citation", "start_index": 100 * i, "end_index": 100 * i + 90, "url": url, "title": sentence(i, 8)}
        text["annotations"].append(spot)
    return {"id": f"msg_{0:050}", "type": "message", "status": "completed", "role": "assistant", "content": [text]}


def response(output: list[Json], tools: list[Json]) -> Json:
    usage = {"input_tokens": 9_120, "input_tokens_details": {"cached_tokens": 512}, "output_tokens": 4_096, "total_tokens": 13_216}
    return {
        "id": "resp_68af4030baa48193b0b43b4c2a176a1a0e2b6f5d1c",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": "gpt-5-2026-01-15",
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": tools,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {**usage, "output_tokens_details": {"reasoning_tokens": 2_048}},
        "user": None,
    }


def files() -> Json:
    """A page of 100 files."""
    facts = {"object": "file", "bytes": 120_000, "created_at": CREATED, "purpose": "assistants", "status": "processed"}
    items = [{"id": f"file-{i:022}", "filename": f"page_{i}.md", "expires_at": None, "status_details": None, **facts} for i in range(100)]
    return {"object": "list", "data": items, "has_more": True, "first_id": items[0]["id"], "last_id": items[-1]["id"]}


def delta() -> Json:
    """An event of a stream."""
    place = {"item_id": f"msg_{0:050}", "output_index": 0, "content_index": 0, "sequence_number": 17}
    return {"type": "response.output_text.delta", **place, "delta": " river", "logprobs": [], "obfuscation": "x7Kq"}


def vectors(text: bool) -> Json:
    """An embedding of 1,536 numbers, as text in base64 or as a list."""
    from array import array
    from base64 import b64encode

    numbers = array("f", [((i * 7919) % 2003 - 1001) / 1003 for i in range(1_536)])
    embedding = b64encode(numbers.tobytes()).decode() if text else [round(n, 9) for n in numbers]
    item = {"object": "embedding", "index": 0, "embedding": embedding}
    return {"object": "list", "data": [item], "model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}}


# -------------------------------------------------------------------------------------------------- what is done with it
def read_five(record: Any) -> None:
    """Read five fields, as most programs do."""
    _ = record.id, record.status, record.model, record.output, record.usage.total_tokens


def read_all(record: Any) -> None:
    """Read each field of each record, through the attributes."""
    for name in record.__dict__:
        value = getattr(record, name)
        if value.__class__ is list:
            for item in value:
                if item.__class__ not in PLAIN:
                    read_all(item)
        elif value.__class__ not in PLAIN:
            read_all(value)


def nothing(record: Any) -> None:
    """Read nothing."""


def first_number(record: Any) -> None:
    """Read a number of an embedding."""
    _ = record.data[0].embedding[0]


ROWS: tuple[tuple[str, str, Json, Callable[[Any], None]], ...] = (
    ("answer of 20 KB, five fields read", "responses.Response", answer(), read_five),
    ("the same, all fields read", "responses.Response", answer(), read_all),
    ("dense answer of 20 KB, five fields", "responses.Response", dense_answer(), read_five),
    ("page of 100 files", "list[files.FileObject]", files(), nothing),
    ("event of a stream", "responses_events.ResponseStreamEvent", delta(), nothing),
    ("1,536 numbers in JSON", "embeddings.CreateEmbeddingResponse", vectors(text=False), first_number),
    ("1,536 numbers in base64", "embeddings.CreateEmbeddingResponse", vectors(text=True), first_number),
)


def ours(kind: str, body: bytes, read: Callable[[Any], None]) -> Work:
    """Decode as a call does, and read."""
    from oxide._json import decode
    from oxide._models._base import decoder

    make = decoder(kind)
    if kind.startswith("list["):
        return lambda: make(decode(body)["data"])  # type: ignore[index]  # a page is an object
    return lambda: read(make(decode(body)))


def official(kind: str, body: bytes, read: Callable[[Any], None]) -> Work | None:
    """The same with the official library, None where it is not installed."""
    try:
        from openai import _models as models
        from openai import types
        from openai.pagination import SyncCursorPage
    except ImportError:
        return None
    from openai.types import responses

    stream_event: Any = responses.ResponseStreamEvent
    classes: dict[str, Any] = {
        "responses.Response": responses.Response,
        "list[files.FileObject]": SyncCursorPage[types.FileObject],
        "responses_events.ResponseStreamEvent": stream_event,
        "embeddings.CreateEmbeddingResponse": types.CreateEmbeddingResponse,
    }
    made = classes[kind]
    return lambda: read(models.construct_type(type_=made, value=json.loads(body)))


# ------------------------------------------------------------------------------------------------------------ measuring
def rounds(works: list[Work]) -> list[list[float]]:
    """Return microseconds of CPU for each work, a list of `ROUNDS` each."""
    counts = [calls_within(work, SECONDS) for work in works]
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, count, taken in zip(works, counts, times, strict=True):
            taken.append(timed(work, count))
    return times


def calls_within(work: Work, seconds: float) -> int:
    """Return how often a work is done in so many seconds."""
    timed(work, 3)
    return max(3, int(seconds * 1e6 / timed(work, 5)))


def timed(work: Work, count: int) -> float:
    """Return the microseconds that one work takes, done so many times."""
    begun = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - begun) / count * 1e6


def report(title: str, works: list[Work]) -> str:
    """Return a row: the floor, then each of the others as a time and a ratio to the floor."""
    floor, *others = rounds(works)
    cells = [f"{statistics.median(floor):10.1f}"]
    for taken in others:
        ratio = statistics.median([a / b for a, b in zip(taken, floor, strict=True)])
        cells.append(f"{statistics.median(taken):10.1f} {ratio:7.2f}")
    return f"{title:36}{''.join(cells)}"


def main() -> None:
    """Print the table."""
    print(f"CPython {sys.version.split()[0]}, microseconds of CPU; ratios to json.loads")
    print(f"{'':36}{'json.loads':>10}{'oxide':>10}{'ratio':>8}{'official':>10}{'ratio':>8}")
    for title, kind, value, read in ROWS:
        body = json.dumps(value, separators=(",", ":")).encode()
        theirs = official(kind, body, read)
        works: list[Work] = [lambda body=body: json.loads(body), ours(kind, body, read)]  # type: ignore[misc]  # bound early
        print(report(f"{title}", [*works, *([theirs] if theirs else [])]), flush=True)


if __name__ == "__main__":
    main()
