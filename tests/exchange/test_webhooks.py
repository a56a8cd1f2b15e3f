"""Webhooks: what is taken, what is refused, and that the official library judges alike."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import json
from email.message import Message
from typing import Any

import pytest
from openai import OpenAI

import oxide
from oxide._helpers.webhooks import verify
from oxide._models import webhooks as models
from oxide._protocol.headers import Headers
from oxide.types import webhooks as types
from oxide.types.webhooks import BatchCompletedWebhookEvent, ResponseCompletedWebhookEvent

NOW = 1_700_000_000
RAW = b"a secret of thirty-two bytes....."
SECRET = "whsec_" + base64.b64encode(RAW).decode()
BODY = json.dumps({"id": "evt_1", "object": "event", "created_at": NOW, "type": "response.completed", "data": {"id": "resp_1"}})


def sign(body: str | bytes = BODY, *, key: bytes = RAW, name: str = "wh_1", moment: object = NOW) -> str:
    """Sign as the service does, by the rules alone: nothing of the library is asked."""
    content = body.encode() if isinstance(body, str) else body
    mac = hmac.new(key, f"{name}.{moment}.".encode() + content, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def fields(body: str | bytes = BODY, *, key: bytes = RAW, name: str = "wh_1", moment: object = NOW, **changes: str) -> dict[str, str]:
    found = {"webhook-id": name, "webhook-timestamp": str(moment), "webhook-signature": sign(body, key=key, name=name, moment=moment)}
    found.update({key.replace("_", "-"): value for key, value in changes.items()})
    return {key: value for key, value in found.items() if value != ""}


def client(**options: Any) -> oxide.Client:
    return oxide.Client(api_key="k", base_url="http://api.test/v1", proxy=None, **options)


OLD, NEW = sign(key=b"old"), sign()

# title, body, headers, secret, whether it is sound
TABLE: list[tuple[str, str | bytes, dict[str, str], str, bool]] = [
    ("as it should be", BODY, fields(), SECRET, True),
    ("a body of bytes", BODY.encode(), fields(), SECRET, True),
    ("a body beyond ASCII", '{"q": "größer €"}', fields('{"q": "größer €"}'), SECRET, True),
    ("a secret as it is", BODY, fields(key=b"plain secret"), "plain secret", True),
    ("a secret beyond ASCII", BODY, fields(key="größer".encode()), "größer", True),
    ("names in other cases", BODY, {key.title(): value for key, value in fields().items()}, SECRET, True),
    ("several signatures, the last fits", BODY, fields(webhook_signature=f"{OLD} {NEW}"), SECRET, True),
    ("several signatures, the first fits", BODY, fields(webhook_signature=f"{NEW} {OLD}"), SECRET, True),
    ("a signature without its version", BODY, fields(webhook_signature=NEW[3:]), SECRET, True),
    ("a signature of another version", BODY, fields(webhook_signature="v2" + NEW[2:]), SECRET, False),
    ("a signature cut short", BODY, fields(webhook_signature=NEW[:-4]), SECRET, False),
    ("a signature with nothing in it", BODY, fields(webhook_signature="v1,"), SECRET, False),
    ("another secret", BODY, fields(key=b"another"), SECRET, False),
    ("the secret with its mark taken for its text", BODY, fields(key=SECRET.encode()), SECRET, False),
    ("a changed byte", BODY.replace("resp_1", "resp_2"), fields(), SECRET, False),
    ("a byte more", BODY + " ", fields(), SECRET, False),
    ("an empty body", "", fields(), SECRET, False),
    ("another id", BODY, fields(webhook_id="wh_2"), SECRET, False),
    ("another time", BODY, fields(webhook_timestamp=str(NOW + 1)), SECRET, False),
    ("a time that is none", BODY, fields(moment="yesterday"), SECRET, False),
    ("a time with a fraction", BODY, fields(moment="1700000000.5"), SECRET, False),
    ("no id", BODY, fields(webhook_id=""), SECRET, False),
    ("no time", BODY, fields(webhook_timestamp=""), SECRET, False),
    ("no signature", BODY, fields(webhook_signature=""), SECRET, False),
    ("no fields", BODY, {}, SECRET, False),
    ("300 s old", BODY, fields(moment=NOW - 300), SECRET, True),
    ("301 s old: a replay", BODY, fields(moment=NOW - 301), SECRET, False),
    ("300 s in the future", BODY, fields(moment=NOW + 300), SECRET, True),
    ("301 s in the future", BODY, fields(moment=NOW + 301), SECRET, False),
]
CASES = pytest.mark.parametrize(("body", "headers", "secret", "sound"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])


def verdict(check: Any, *arguments: Any, **options: Any) -> bool:
    try:
        check(*arguments, **options)
    except ValueError:
        return False
    return True


@CASES
def test_a_webhook_is_judged(body: str | bytes, headers: dict[str, str], secret: str, sound: bool) -> None:
    assert verdict(verify, body, headers, secret, NOW) is sound


@CASES
def test_the_official_library_judges_alike(
    body: str | bytes, headers: dict[str, str], secret: str, sound: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: float(NOW))
    official = OpenAI(api_key="k", webhook_secret=secret)
    assert verdict(official.webhooks.verify_signature, body, headers) is sound


def test_each_single_changed_byte_is_noticed() -> None:
    body, headers = BODY.encode(), fields()
    for place in range(len(body)):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(oxide.InvalidWebhookSignatureError, match="No signature"):
            verify(changed, headers, SECRET, NOW)


def test_bytes_that_are_no_text_are_checked_all_the_same() -> None:
    body = b"\xff\xfe\x00"
    verify(body, fields(body), SECRET, NOW)


@pytest.mark.parametrize("changed", [{"body": '{"a": "\ud800"}'}, {"name": "\ud800"}], ids=["body", "id"])
def test_half_a_character_is_no_signed_one(changed: dict[str, str]) -> None:
    headers = {**fields(), "webhook-id": changed.get("name", "wh_1")}
    with pytest.raises(oxide.InvalidWebhookSignatureError, match="half a character"):
        verify(changed.get("body", BODY), headers, SECRET, NOW)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_every_kind_are_taken(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxide._helpers.webhooks.unix_time", lambda: float(NOW))
    assert client().webhooks.unwrap(kind(BODY.encode()), fields(), secret=SECRET).type == "response.completed"


def test_what_is_wrong_is_said() -> None:
    for headers, words in (
        (fields(webhook_id="", webhook_signature=""), "no webhook-id and no webhook-signature"),
        (fields(moment=NOW - 1000), "1000 s old, and 300 s are allowed"),
        (fields(moment=NOW + 1000), "1000 s in the future"),
        (fields(moment="9" * 5000), "no number of seconds"),
        (fields(webhook_signature="v1,ä"), "No signature of the webhook fits"),
    ):
        with pytest.raises(oxide.InvalidWebhookSignatureError, match=words) as caught:
            verify(BODY, headers, SECRET, NOW)
        assert SECRET not in str(caught.value)


def test_the_error_is_a_value_error_too() -> None:
    assert issubclass(oxide.InvalidWebhookSignatureError, ValueError)
    assert issubclass(oxide.InvalidWebhookSignatureError, oxide.OpenAIError)


def test_headers_may_be_of_any_framework() -> None:
    message = Message()  # as http.server has them
    for key, value in fields().items():
        message[key] = value
    wsgi = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in fields().items()}
    asgi = [(key.encode(), value.encode()) for key, value in fields().items()]
    headers: Any
    for headers in (message, wsgi, asgi, Headers(list(fields().items())), list(fields().items()), {**wsgi, "wsgi.input": object()}):
        verify(BODY, headers, SECRET, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!", "whsec_A"])
def test_a_broken_secret_is_the_fault_of_the_program(secret: str) -> None:
    with pytest.raises(oxide.ConfigurationError, match="webhook secret"):
        verify(BODY, fields(), secret, NOW)


# --------------------------------------------------------------------------------------------------------- clients
@pytest.fixture
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxide._helpers.webhooks.unix_time", lambda: float(NOW))


@pytest.mark.usefixtures("wall_clock")
def test_an_event_has_its_type() -> None:
    event = client(webhook_secret=SECRET).webhooks.unwrap(BODY, fields())
    assert isinstance(event, ResponseCompletedWebhookEvent)
    assert (event.id, event.data.id) == ("evt_1", "resp_1")
    body = BODY.replace("response.completed", "batch.completed").encode()
    assert isinstance(client().webhooks.unwrap(body, fields(body), secret=SECRET), BatchCompletedWebhookEvent)


EVENTS = [name.strip() for name in models.UnwrapWebhookEvent.split("|")]


@pytest.mark.usefixtures("wall_clock")
@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_its_type(name: str) -> None:
    kind = getattr(types, name)
    told = next(field.default for field in dataclasses.fields(kind) if field.name == "type")
    body = json.dumps({"id": "evt_1", "type": told, "created_at": NOW, "data": {}})
    assert type(client(webhook_secret=SECRET).webhooks.unwrap(body, fields(body))) is kind


@pytest.mark.usefixtures("wall_clock")
def test_an_event_that_is_not_known_yet_is_kept_whole() -> None:
    body = json.dumps({"id": "evt_2", "type": "weather.changed", "data": {"sun": True}})
    event: Any = client(webhook_secret=SECRET).webhooks.unwrap(body, fields(body))
    assert (event.type, event.to_dict()["data"]) == ("weather.changed", {"sun": True})


@pytest.mark.usefixtures("wall_clock")
@pytest.mark.parametrize("body", ["no JSON", "[]", '"text"', "{"])
def test_a_signed_body_that_is_no_event_is_told_apart(body: str) -> None:
    with pytest.raises(oxide.APIResponseValidationError, match="The webhook is signed, but"):
        client(webhook_secret=SECRET).webhooks.unwrap(body, fields(body))


@pytest.mark.usefixtures("wall_clock")
def test_both_clients_have_it_and_neither_is_awaited() -> None:
    waiting = oxide.AsyncClient(api_key="k", base_url="http://api.test/v1", proxy=None, webhook_secret=SECRET)
    assert waiting.webhooks.unwrap(BODY, fields()).id == "evt_1"  # no loop is running

    async def inside() -> str:
        waiting.webhooks.verify_signature(BODY, fields())
        return waiting.webhooks.unwrap(payload=BODY, headers=fields()).id

    assert asyncio.run(inside()) == "evt_1"
    assert client(webhook_secret=SECRET).with_raw_response.webhooks.unwrap(BODY, fields()).id == "evt_1"


@pytest.mark.usefixtures("wall_clock")
def test_the_tolerance_can_be_chosen() -> None:
    webhooks = client(webhook_secret=SECRET).webhooks
    late = fields(moment=NOW - 1000)
    webhooks.verify_signature(BODY, late, tolerance=1000)
    with pytest.raises(oxide.InvalidWebhookSignatureError):
        webhooks.verify_signature(BODY, fields(moment=NOW - 11), tolerance=10)


def test_without_a_secret_it_says_where_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET", raising=False)
    with pytest.raises(oxide.ConfigurationError, match="OPENAI_WEBHOOK_SECRET"):
        client().webhooks.verify_signature(BODY, fields())
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    with pytest.raises(oxide.InvalidWebhookSignatureError, match="s old"):  # by the true clock
        client().webhooks.verify_signature(BODY, fields())
