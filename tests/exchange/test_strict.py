"""A strict client refuses what is not as described, and names the place; any other takes what comes."""

from __future__ import annotations

from copy import deepcopy

import pytest

import oxide
from oxide._models._base import decoder
from oxide._validate import validate
from tests.exchange._story import END, STREAM_HEAD, answer, chunk, event, scripted
from tests.models._instances import Maker

PART = {"type": "output_text", "annotations": []}
MESSAGE = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [PART]}
WHOLE = {key: value for key, value in Maker(3).named("responses.Response").items() if key not in ("status", "error")}
BODY = {**WHOLE, "object": "response", "output": [MESSAGE]}
DELTA = {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "x", "sequence_number": 1}
FILE = {"id": "f", "object": "file", "bytes": 1, "created_at": 1, "filename": "a", "purpose": "batch", "status": "processed"}


def test_every_problem_has_its_path() -> None:
    record = decoder("responses.Response")(deepcopy(BODY) | {"created_at": "now", "metadata": {"a b": 1}})
    del record.__dict__["tools"]
    told = {problem.path: problem.fault for problem in validate(record)}
    assert told["output[0].content[0].text"] == "missing"
    assert told["created_at"] == "str where float or int is expected"
    assert told["metadata['a b']"] == "int where str is expected"
    assert told["tools"] == "missing"
    assert validate([record])[0].path.startswith("[0].")


def test_what_the_api_may_add_is_no_problem() -> None:
    assert validate(decoder("responses_events.ResponseStreamEvent")({**DELTA, "logprobs": [], "tomorrow": 1})) == []
    assert validate(decoder("responses_events.ResponseStreamEvent")({"type": "response.telepathy"})) == []
    assert validate(decoder("files.FileObject")(FILE | {"status": "enchanted", "purpose": "fun"})) == []


def test_a_strict_client_refuses_an_answer() -> None:
    client, _ = scripted([answer(200, BODY)], strict=True)
    with pytest.raises(oxide.APIResponseValidationError, match=r"output\[0\]\.content\[0\]\.text: missing") as caught:
        client.responses.create(model="m", input="hi")
    assert caught.value.status_code == 200
    client, _ = scripted([answer(200, BODY)])
    assert client.responses.create(model="m", input="hi").output[0].content[0].text is None  # type: ignore[union-attr]  # by BODY


def test_a_strict_client_takes_a_good_answer() -> None:
    client, _ = scripted([answer(200, FILE)], strict=True)
    assert client.files.retrieve("f").bytes == 1


def test_a_strict_client_refuses_a_page_with_one_bad_item() -> None:
    page = {"object": "list", "data": [FILE, {**FILE, "bytes": "many"}], "has_more": False}
    client, _ = scripted([answer(200, page)], strict=True)
    with pytest.raises(oxide.APIResponseValidationError, match=r"data\[1\]\.bytes: str where int is expected"):
        client.files.list()
    client, _ = scripted([answer(200, page)])
    assert [item.bytes for item in client.files.list()] == [1, "many"]


def test_a_strict_client_hands_out_the_events_before_a_bad_one() -> None:
    good = {**DELTA, "logprobs": []}
    reply = STREAM_HEAD + chunk(event(good) + event({**good, "delta": 5})) + END
    client, _ = scripted([reply], strict=True)
    seen = []
    with pytest.raises(oxide.APIResponseValidationError, match="delta: int where str is expected"):
        seen.extend(e.type for e in client.responses.create(model="m", input="hi", stream=True))
    assert seen == ["response.output_text.delta"]
