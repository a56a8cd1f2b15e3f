"""Methods written by hand have the official names, and take what the official ones take: by name, by place, and left out."""

from __future__ import annotations

import inspect
from typing import Any

import openai
import pytest

import oxide

HELPERS = (
    "beta.threads.create_and_run_poll",
    "beta.threads.runs.create_and_poll",
    "beta.threads.runs.poll",
    "beta.threads.runs.submit_tool_outputs_and_poll",
    "files.wait_for_processing",
    "uploads.upload_file_chunked",
    "vector_stores.file_batches.create_and_poll",
    "vector_stores.file_batches.poll",
    "vector_stores.file_batches.upload_and_poll",
    "vector_stores.files.create_and_poll",
    "vector_stores.files.poll",
    "vector_stores.files.upload",
    "vector_stores.files.upload_and_poll",
    "videos.create_and_poll",
    "videos.poll",
    "webhooks.unwrap",
    "webhooks.verify_signature",
)
CLIENTS = {"blocking": (oxide.Client, openai.OpenAI), "asyncio": (oxide.AsyncClient, openai.AsyncOpenAI)}


def method(client: Any, call: str) -> Any:
    for word in call.split("."):
        client = getattr(client, word)
    return client


def plain(parameters: Any) -> list[str]:
    return [name for name, one in parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD]


@pytest.mark.parametrize("world", CLIENTS)
@pytest.mark.parametrize("call", HELPERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_helper_takes_what_the_official_one_takes(call: str, world: str) -> None:
    ours, official = (method(kind(api_key="k"), call) for kind in CLIENTS[world])
    mine, theirs = inspect.signature(ours).parameters, inspect.signature(official).parameters
    assert [name for name in theirs if name not in mine] == []
    positional = plain(theirs)
    if call == "beta.threads.runs.poll":  # there the options may stand without their names, too
        positional = positional[:2]
    assert plain(mine)[: len(positional)] == positional
    for name, one in theirs.items():
        assert (mine[name].default is one.empty) == (one.default is one.empty), name
    more = [name for name, one in mine.items() if name not in theirs and one.default is one.empty]
    assert more == []
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(inspect.unwrap(official))
