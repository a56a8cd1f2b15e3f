"""Every type of every namespace: random objects, made from the facts, come through decoding whole, and as what they are declared to be."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from copy import deepcopy
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from oxide._models._base import Record, decoder, plain
from oxide._validate import MismatchError, strict_decoder, validate
from tests.models._instances import FACTS, Maker
from tools.sync.layout import Layout, short

LAYOUT = Layout.read()
ROUNDS = 3
ALIKE = "CreateEvalCompletionsRunDataSourceInputMessagesTemplate"
"""Holds messages of two kinds that differ only in what a list inside them may hold: either class is as good."""


def types_by_module() -> dict[str, list[str]]:
    """Return the types that come in answers; the others exist for checkers alone."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(FACTS.types):
        module = LAYOUT.module(name)
        if find_spec(f"oxide._models.{module}") and hasattr(import_module(f"oxide._models.{module}"), short(name)):
            found[module].append(name)
    return found


TYPES = types_by_module()


def made(name: str, round_: int) -> Any:
    return Maker(zlib.crc32(name.encode()) + round_, deepest=4).named(name)


@pytest.mark.parametrize("module", TYPES)
def test_random_objects_of_all_types_survive_and_are_what_is_declared(module: str) -> None:
    for name in TYPES[module]:
        expression = f"{module}.{short(name)}"
        decode = decoder(expression)
        strict = strict_decoder(expression)
        for round_ in range(ROUNDS):
            value = made(name, round_)
            record = decode(deepcopy(value))
            assert json.loads(json.dumps(record, default=plain)) == value, name
            if ALIKE in name:
                continue
            if isinstance(record, Record):
                assert validate(record) == [], name
            strict(value)


def test_most_types_are_there() -> None:
    assert sum(map(len, TYPES.values())) > 2_500


def test_what_is_missing_or_of_another_type_is_found_in_every_class() -> None:
    for module, names in TYPES.items():
        for name in names:
            fields = FACTS.types[name].get("fields", {})
            required = [key for key, text in fields.items() if not key.endswith("?") and not text.startswith("Literal[") and text != "Any"]
            if required:
                spoil(f"{module}.{short(name)}", made(name, 0), required[-1])


def spoil(expression: str, value: dict[str, Any], key: str) -> None:
    """Leave a required field out, then give it a value that nothing allows."""
    strict = strict_decoder(expression)
    with pytest.raises(MismatchError) as caught:
        strict({k: deepcopy(v) for k, v in value.items() if k != key})
    assert key in [problem.path for problem in caught.value.problems], expression
