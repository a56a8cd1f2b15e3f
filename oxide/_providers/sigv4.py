"""Signature Version 4 of AWS: a keyed hash over what is asked, good for some minutes. Facts in, header fields out.

What is signed: the method, the target, the hash of the body, and the fields `host`, `content-type` and `x-amz-*`; proxies may rewrite
all others.  The algorithm is AWS's "Signature Version 4 signing process", steps 1 to 4.
"""

from __future__ import annotations

import hashlib
import hmac
import time

from .._settings import Secret
from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AwsKeys", "sign"]

ALGORITHM = "AWS4-HMAC-SHA256"
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
OURS = frozenset(("authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"))


class AwsKeys:
    """An access key of AWS; its `repr` shows no secret.

    Args:
        access_key_id: its public half.
        secret_access_key: its secret half.
        session_token: of keys that were lent for a while.
    """

    __slots__ = ("access_key_id", "secret_access_key", "session_token")

    def __init__(self, access_key_id: str, secret_access_key: str, session_token: str | None = None) -> None:
        self.access_key_id = access_key_id
        self.secret_access_key = Secret(secret_access_key)
        self.session_token = None if session_token is None else Secret(session_token)

    def __repr__(self) -> str:
        return f"<AWS keys {self.access_key_id[:4]}...>"


def sign(
    keys: AwsKeys,
    service: str,
    region: str,
    method: str,
    target: str,
    fields: Sequence[tuple[str, str]],
    digest: str,
    unix_time: float,
) -> list[tuple[str, str]]:
    """Return the fields of a request with its signature.

    Args:
        target: path and query, as they are sent.
        fields: as they are sent, with `Host`; signatures among them are left out.
        digest: the SHA-256 of the body, in hexadecimal.
        unix_time: now.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(unix_time))
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    complete = [field for field in fields if field[0].lower() not in OURS]
    complete += [("X-Amz-Content-SHA256", digest), ("X-Amz-Date", moment)]
    if keys.session_token is not None:
        complete.append(("X-Amz-Security-Token", keys.session_token))
    signed = _signed(complete)
    names = ";".join([name for name, _ in signed])
    asked = canonical(method, target, signed, names, digest)
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(keys, scope), text.encode(), "sha256").hex()
    credential = f"{ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*complete, ("Authorization", Secret(credential))]


def _signed(fields: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the fields to sign, sorted; those of one name as one, in the order in which they are sent."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        if (lower := name.lower()) in ("host", "content-type") or lower.startswith("x-amz-"):
            found.setdefault(lower, []).append(" ".join(value.split()))
    return sorted([(name, ",".join(values)) for name, values in found.items()])


def canonical(method: str, target: str, signed: Sequence[tuple[str, str]], names: str, digest: str) -> str:
    """Return the one way to write a request down (step 1); the path is encoded once more, as all services but S3 want it."""
    path, _, query = target.partition("?")
    pairs = sorted([pair.partition("=")[::2] for pair in query.split("&") if pair])
    lines = [f"{name}:{value}\n" for name, value in signed]
    encoded = "".join([c if c in PLAIN else f"%{ord(c):02X}" for c in _tidy(path)])
    return "\n".join((method, encoded, "&".join(map("=".join, pairs)), "".join(lines), names, digest))


def _tidy(path: str) -> str:
    """Return a path without empty segments and dots (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return f"/{'/'.join(kept)}{'/' if kept and path.endswith('/') else ''}"


def _signing_key(keys: AwsKeys, scope: str) -> bytes:
    """Return the key of a day, region and service (step 3)."""
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
