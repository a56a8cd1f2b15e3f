"""A record that carries a key does not show it when it is printed, logged or inspected; what is encoded has it."""

from __future__ import annotations

import copy
import json
import pickle
import re
from importlib import import_module
from pprint import pformat
from typing import Any

import pytest

from oxide._models._base import Record
from oxide._models.admin_organization_projects import ServiceAccountCreateResponse
from oxide._models.beta_realtime import SessionCreateResponse
from oxide._models.responses import Response
from oxide._models.webhooks import WebhookEndpointWithSecret
from tools.sync.facts import Facts
from tools.sync.layout import Layout, attribute, short
from tools.sync.models import Models

FACTS, LAYOUT = Facts.read(), Layout.read()
KEY = "whsec_dont_show_me"
HIDDEN = [(name, field) for name, fields in LAYOUT.secrets.items() for field in fields]
NAMED_LIKE_SECRETS = re.compile(r"(secret|authorization|password|private_key|secret_value|(access|refresh|bearer)_token)$")
VALUES_OF = re.compile(r"Secret\w*$|APIKey\w*$")  # records of these names keep the key itself in `value`


def ways_to_print(value: object) -> list[str]:
    return [repr(value), str(value), f"{value}", f"{value!r}", f"{value!s:>10}", pformat(value)]


def record(name: str, **values: Any) -> Record:
    cls: type[Record] = getattr(import_module(f"oxide._models.{LAYOUT.module(name)}"), short(name))
    return cls.from_dict(values)


@pytest.mark.parametrize(("name", "field"), HIDDEN)
def test_a_key_is_not_printed(name: str, field: str) -> None:
    made = record(name, **{field: KEY, "id": "shown"})
    for text in ways_to_print(made):
        assert KEY not in text
        assert f"{attribute(field)}='***'" in text
        assert "'shown'" in text


@pytest.mark.parametrize(("name", "field"), HIDDEN)
def test_a_key_is_there_for_who_asks_for_it(name: str, field: str) -> None:
    made = record(name, **{field: KEY})
    assert getattr(made, attribute(field)) == KEY
    assert made.to_dict()[field] == KEY
    assert made.model_dump()[field] == KEY
    assert json.loads(made.to_json())[field] == KEY
    assert json.loads(made.model_dump_json())[field] == KEY
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made
    assert made != record(name, **{field: "another"})


def test_a_key_inside_other_records_is_not_printed() -> None:
    account = ServiceAccountCreateResponse.from_dict({"id": "svc", "api_key": {"id": "key_1", "name": "n", "value": KEY}})
    session = SessionCreateResponse.from_dict({"client_secret": {"value": KEY, "expires_at": 1}})
    answer = Response.from_dict({"id": "resp", "tools": [{"type": "mcp", "authorization": KEY, "headers": {"Authorization": KEY}}]})
    everything = [account, session, answer, [answer], {"key": session}, (account,)]
    for value in everything:
        for text in ways_to_print([value]):
            assert KEY not in text
            assert "'***'" in text
    assert account.to_dict()["api_key"]["value"] == KEY


def test_a_key_that_did_not_come_is_none() -> None:
    made = WebhookEndpointWithSecret.from_dict({"id": "we_1", "signing_secret": None})
    assert "signing_secret=None" in repr(made)
    assert "signing_secret" not in repr(WebhookEndpointWithSecret.from_dict({"id": "we_1"}))


def test_every_field_that_is_named_like_a_secret_is_hidden() -> None:
    for name in Models(FACTS, LAYOUT).records:
        for field, text in FACTS.types[name].get("fields", {}).items():
            key = field.rstrip("?")
            named = NAMED_LIKE_SECRETS.search(key) or (key == "value" and VALUES_OF.search(short(name)))
            if named and text.removesuffix(" | None") == "str":
                assert key in LAYOUT.secrets.get(name, ()), f"{name}.{key}"


def test_every_hidden_field_is_one() -> None:
    for name, fields in LAYOUT.secrets.items():
        assert set(fields) <= {field.rstrip("?") for field in FACTS.types[name]["fields"]}, name
