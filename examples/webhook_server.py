"""Receive webhooks: check who sent them, answer at once, do the work afterwards.

    python examples/webhook_server.py

It needs no key and no network: a webhook is signed here as the service signs them, and sent to the little server; then a forged one.
"""

import http.server
import json
import queue
import threading
import urllib.error
import urllib.request

import oxide
from oxide.testing import webhook_headers

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB3ZWJob29r"  # told once, when the webhook is made; OPENAI_WEBHOOK_SECRET

client = oxide.Client(api_key="unused", webhook_secret=SECRET)
work: queue.Queue[object] = queue.Queue()
seen: set[str] = set()  # ids of deliveries: the service sends again what was not answered in time


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))  # as it came: a body that was parsed and written anew has no signature
        try:
            event = client.webhooks.unwrap(body, self.headers)
        except oxide.InvalidWebhookSignatureError as error:
            print(f"refused: {error}")
            self.send_response(400)
        else:
            if self.headers["webhook-id"] not in seen:
                seen.add(self.headers["webhook-id"])
                work.put(event)
            self.send_response(200)  # soon: the work is done elsewhere
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def deliver(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Send a webhook, as the service does; return the status of the answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    body = json.dumps({"id": "evt_1", "object": "event", "created_at": 0, "type": "response.completed", "data": {"id": "resp_1"}}).encode()
    signed = webhook_headers(body, SECRET)
    print("the webhook:", deliver(url, body, signed))
    print("once more:  ", deliver(url, body, signed))
    print("a forgery:  ", deliver(url, body.replace(b"resp_1", b"resp_2"), signed))
    server.shutdown()

event = work.get(timeout=10)
print(f"to do: {event.type} of {event.data.id}; {work.qsize()} more")
