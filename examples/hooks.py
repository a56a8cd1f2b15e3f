"""Count what is spent and watch what is tried again, without touching the calls themselves.

    OPENAI_API_KEY=... python examples/hooks.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

from collections import Counter

from oxide import Client

MODEL = "gpt-5-mini"


class Watch:
    """A hook has any of these four methods; they are called at every attempt."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def on_request(self, request) -> None:
        self.counts["requests"] += 1
        print(f"-> {request.method} {request.url}")

    def on_response(self, request, http) -> None:
        self.counts[f"status {http.status}"] += 1
        print(f"<- {http.status} after {http.timings.first_byte:.3f} s, {http.ratelimit.remaining_requests} requests left")

    def on_error(self, request, error) -> None:
        self.counts["errors"] += 1
        print(f"!! {error}")

    def on_retry(self, request, error, delay) -> None:
        print(f".. once more in {delay:.2f} s")


watch = Watch()
with Client(hooks=[watch]) as client:
    for question in ("Why is the sky blue?", "Why is grass green?"):
        print(client.responses.create(model=MODEL, input=question).output_text)
print(dict(watch.counts))
