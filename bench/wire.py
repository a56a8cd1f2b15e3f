"""The answers as bytes for the wire, made once before the first request: HTTP/1.1 pieces and HTTP/2 blocks.

A `Script` is a list of pieces and the time between them. Which script answers is decided by the model the request names, so that
one server plays all scenarios and no path or header differs from real ones.
"""

from __future__ import annotations

from . import payloads

COMMON_FIELDS: list[tuple[str, str]] = [
    ("date", "Thu, 12 Feb 2026 09:41:07 GMT"),
    ("openai-version", "2020-10-01"),
    ("openai-organization", "user-3kq8vtm1hwz0yxnc"),
    ("openai-project", "proj_V8mKq2hTz5wR1yXc"),
    ("openai-processing-ms", "212"),
    ("x-envoy-upstream-service-time", "216"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "200000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "199999969"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "0s"),
    ("x-request-id", "req_5f0c7e2b91d84a63b1e7c5a9d3f2e804"),
    ("cf-cache-status", "DYNAMIC"),
    ("set-cookie", "__cf_bm=Qk7mV2xT9zLw4RcYs8Hn1uJbE6pAoDgI3fXtKqWvZ0M-1770889267-1.0.1.1; path=/; HttpOnly; Secure; SameSite=None"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("server", "cloudflare"),
    ("cf-ray", "9cc1f0a7be2d4c31-VIE"),
    ("alt-svc", 'h3=":443"; ma=86400'),
]
# What a real front end makes anew for each answer, and therefore cannot take from the dynamic table of HPACK.
CHANGING = {"date", "openai-processing-ms", "x-request-id", "cf-ray", "set-cookie", "x-ratelimit-remaining-tokens", "content-length"}


class Script:
    """One answer: its body in pieces and, when it is paced, the seconds between two of them."""

    def __init__(self, *, whole: bytes = b"", events: list[bytes] | None = None, gap: float = 0.0, late_end: bool = False) -> None:
        self.whole = whole
        self.events = events
        self.gap = gap
        self.late_end = late_end
        self.fields = self._fields()
        self.http1 = self._http1()

    def _fields(self) -> list[tuple[str, str]]:
        if self.events is None:
            return [("content-type", "application/json"), ("content-length", str(len(self.whole))), *COMMON_FIELDS]
        return [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"), *COMMON_FIELDS]

    def _http1(self) -> list[bytes]:
        fields = self.fields if self.events is None else [*self.fields, ("transfer-encoding", "chunked")]
        head = b"HTTP/1.1 200 OK\r\n" + b"".join(f"{name}: {value}\r\n".encode() for name, value in fields) + b"\r\n"
        if self.events is None:
            return [head + self.whole]
        chunks = [b"%x\r\n%s\r\n" % (len(event), event) for event in self.events]
        end = b"0\r\n\r\n"
        if self.late_end:
            return [head + b"".join(chunks), end]
        if not self.gap:
            return [head + b"".join(chunks) + end]
        chunks[0] = head + chunks[0]
        chunks[-1] += end
        return chunks


def scripts() -> dict[bytes, Script]:
    """Every answer of the benchmark, by the model that asks for it."""
    chat, stamped = payloads.chat_events(114), payloads.stamped_events()
    responses = payloads.response_events(150)
    return {
        b"chat-tiny": Script(whole=payloads.compact(payloads.chat_tiny())),
        b"responses-small": Script(whole=payloads.compact(payloads.response_small())),
        b"chat-tool-call": Script(whole=payloads.compact(payloads.chat_tool_call())),
        b"chat-long": Script(whole=payloads.compact(payloads.chat_long())),
        b"chat-stream": Script(events=chat),
        b"chat-stream-late-end": Script(events=chat, late_end=True, gap=0.0005),
        b"chat-stream-paced": Script(events=chat, gap=0.0004),
        b"responses-stream": Script(events=responses),
        b"responses-stream-paced": Script(events=responses, gap=0.0004),
        b"fan-out-stream": Script(events=payloads.chat_events(99), gap=0.02),
        b"first-event": Script(events=[stamped[0], b"".join(stamped[1:])], gap=0.003),
    }
