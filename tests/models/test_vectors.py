"""Embeddings: numbers in base64 become vectors, which behave like lists of floats and show their memory."""

from __future__ import annotations

import copy
import json
import pickle
from array import array
from base64 import b64encode
from typing import Any

import numpy
import pytest

from oxide._models import _vectors
from oxide._models._base import plain
from oxide._models._behaviour import Measured
from oxide._models._decode import decoder_of
from oxide._models._vectors import Vector, vector
from tests.exchange._story import answer, asked, scripted

NUMBERS = [0.5, -1.0, 0.25, 3.0, 2.0, -0.125, 8.0]
TEXT = b64encode(array("f", NUMBERS).tobytes()).decode()


def measured(embedding: Any) -> Any:
    return decoder_of(Measured)({"index": 0, "embedding": embedding})


def test_base64_becomes_a_vector_and_a_list_stays_one() -> None:
    assert type(measured(TEXT).embedding) is Vector
    assert measured(TEXT).embedding == NUMBERS
    assert type(measured(list(NUMBERS)).embedding) is list


@pytest.mark.parametrize("odd", ["no base64", "AAA", "AAAA", None, 5, {"a": 1}])
def test_what_is_no_vector_stays_what_it_is(odd: Any) -> None:
    assert measured(odd).embedding == odd


def test_a_vector_behaves_like_a_list() -> None:
    found = vector(TEXT)
    assert isinstance(found, Vector)
    assert (len(found), found[1], found[-1], found[1:3], list(found[::3])) == (7, -1.0, 8.0, [-1.0, 0.25], [0.5, 3.0, 8.0])
    assert (list(found), sum(found), 3.0 in found, found.index(3.0)) == (NUMBERS, sum(NUMBERS), True, 3)
    assert found == NUMBERS
    assert found == NUMBERS
    assert found != NUMBERS[1:]
    assert found == Vector("f", NUMBERS)
    assert found != "text"
    with pytest.raises(IndexError):
        _ = found[7]
    with pytest.raises(TypeError, match="unhashable"):
        hash(found)


def test_its_repr_is_short() -> None:
    assert repr(vector(TEXT)) == "<7 floats: 0.5, -1.0, 0.25, ...>"
    assert repr(vector(TEXT)[:2]) == "[0.5, -1.0]"  # type: ignore[index]  # it is no text


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, *(lambda v, p=p: pickle.loads(pickle.dumps(v, p)) for p in range(6))])
def test_copies_are_equal_vectors(way: Any) -> None:
    before = vector(TEXT)
    after = way(before)
    assert type(after) is Vector
    assert after == before
    after[0] = 9.0  # type: ignore[index]  # it is no text
    assert before == NUMBERS


def test_it_is_json_as_a_list() -> None:
    record = measured(TEXT)
    assert json.loads(json.dumps(record, default=plain))["embedding"] == NUMBERS
    assert record.to_dict()["embedding"] == NUMBERS
    assert type(record.to_dict()["embedding"]) is list
    assert json.loads(record.to_json())["embedding"] == NUMBERS
    assert record.model_dump()["embedding"] == NUMBERS


def test_its_memory_is_seen_without_a_copy() -> None:
    found = measured(TEXT).embedding
    view = memoryview(found)
    assert (view.format, view.nbytes, view[3]) == ("f", 28, 3.0)
    seen = numpy.asarray(found)
    found[0] = 4.0
    assert seen[0] == 4.0


def test_the_bytes_travel_little_end_first(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = array("f", NUMBERS)
    turned.byteswap()
    monkeypatch.setattr(_vectors.sys, "byteorder", "big")
    assert vector(b64encode(turned.tobytes()).decode()) == NUMBERS


def test_a_client_asks_for_base64_unless_told_otherwise() -> None:
    body = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": TEXT}], "usage": {}}
    plain_body = {**body, "data": [{"object": "embedding", "index": 0, "embedding": NUMBERS}]}
    client, world = scripted([answer(200, body), answer(200, plain_body)])
    assert client.embeddings.create(model="m", input="hi").data[0].embedding == NUMBERS
    found = client.embeddings.create(model="m", input="hi", encoding_format="float").data[0].embedding
    assert type(found) is list
    assert [json.loads(request.body)["encoding_format"] for request in asked(world)] == ["base64", "float"]
