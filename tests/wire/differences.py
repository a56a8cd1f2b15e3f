"""How two requests are compared, and the few differences from the official library that are meant, each with its reason."""

from __future__ import annotations

import copy
import json
from typing import Any


def without_idempotency_key(title: str, wanted: dict[str, Any], sent: dict[str, Any]) -> None:
    """Each POST has a key of its own, so that a retry is not done twice; the official library makes one up, and does not send it."""
    if wanted["request"].startswith("POST") and "idempotency-key" not in wanted["headers"]:
        assert sent["headers"].pop("idempotency-key").startswith("oxide-")


def without_type_of_nothing(title: str, wanted: dict[str, Any], sent: dict[str, Any]) -> None:
    """A request without a body has no Content-Type: it describes content (RFC 9110, 8.3). The official library sends one."""
    if not {"json", "parts", "text"} & wanted.keys() and "content-type" not in sent["headers"]:
        wanted["headers"].pop("content-type", None)


def accepting_events(title: str, wanted: dict[str, Any], sent: dict[str, Any]) -> None:
    """A stream is asked for by its media type; the official library asks for JSON, and gets events all the same."""
    if sent["headers"].get("accept") == "text/event-stream" and title == "stream":
        wanted["headers"]["accept"] = "text/event-stream"


PAGED_HERE = ("GET /organization/usage/", "GET /organization/costs")
"""Reports whose pages follow each other by `next_page`: we ask for the next one; the official library leaves that to its users."""

MEANT = [without_idempotency_key, without_type_of_nothing, accepting_events]


def difference(title: str, wanted: dict[str, Any] | None, sent: dict[str, Any] | None, meant: bool = True) -> str:
    """Return how what was sent differs from what is wanted, but for what is `meant` to differ; "" where it does not."""
    if wanted is None or sent is None:
        paged = meant and sent is not None and sent["request"].startswith(PAGED_HERE)
        return "" if wanted is sent or paged else f"  wanted {wanted}\n  sent   {sent}"
    wanted, sent = copy.deepcopy((wanted, sent))
    for forgive in MEANT if meant else []:
        forgive(title, wanted, sent)
    found = []
    for name in sorted(wanted.keys() | sent.keys()):
        one, other = (json.dumps(facts.get(name), sort_keys=True, ensure_ascii=False) for facts in (wanted, sent))  # 1 is not 1.0, nor true
        if one != other:
            found.append(f"  {name}\n    wanted {one}\n    sent   {other}")
    return "\n".join(found)
