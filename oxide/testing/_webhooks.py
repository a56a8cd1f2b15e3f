"""Signs webhooks as the service does, for tests of programs that receive them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

__all__ = ["webhook_headers"]


def webhook_headers(payload: str | bytes, secret: str, *, name: str = "wh_test", at: float | None = None) -> dict[str, str]:
    """Return the header fields of a webhook.

    Args:
        payload: the body.
        secret: what to sign with: `whsec_` and base64, or any other text.
        name: the id of the delivery.
        at: when it was sent, in seconds since 1970; left out, now.
    """
    body = payload.encode() if isinstance(payload, str) else payload
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    moment = str(int(time.time() if at is None else at))
    mac = hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": f"v1,{base64.b64encode(mac).decode()}"}
