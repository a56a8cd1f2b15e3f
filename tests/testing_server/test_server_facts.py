"""The names that the server knows are those of the API's description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oxide.testing import _facts

DIGEST = Path(__file__).parents[2] / "tools" / "sync" / "digest.json"


@pytest.fixture(scope="module")
def digest() -> dict[str, Any]:
    facts = json.loads(DIGEST.read_text())
    more = json.loads(DIGEST.with_name("digest_extra.json").read_text())["more_fields"]
    for name, fields in more.items():
        facts["types"][name]["fields"].update(fields)
    return facts


@pytest.mark.parametrize("operation", sorted(_facts.BODY))
def test_the_server_knows_every_body_parameter_and_no_other(digest: dict[str, Any], operation: str) -> None:
    fields = digest["types"][digest["operations"][operation]["body"]["json"]]["fields"]
    assert _facts.BODY[operation] == {name.rstrip("?") for name in fields}
    assert set(_facts.REQUIRED.get(operation, ())) == {name for name in fields if not name.endswith("?")}


@pytest.mark.parametrize("operation", sorted(_facts.FORM))
def test_the_server_knows_every_field_of_a_form_and_no_other(digest: dict[str, Any], operation: str) -> None:
    fields = digest["types"][digest["operations"][operation]["body"]["form"]]["fields"]
    assert _facts.FORM[operation] == {name.rstrip("?") for name in fields}
    assert set(_facts.REQUIRED.get(operation, ())) == {name for name in fields if not name.endswith("?")}


@pytest.mark.parametrize("operation", sorted(_facts.QUERY))
def test_the_server_knows_every_query_parameter_and_no_other(digest: dict[str, Any], operation: str) -> None:
    assert _facts.QUERY[operation] == {name.rstrip("?") for name in digest["operations"][operation]["query"]}


def test_every_kind_belongs_to_a_known_parameter() -> None:
    assert set(_facts.KINDS) <= frozenset().union(*_facts.BODY.values())
