"""What goes wrong, what is tried again, and what an error tells.

    python examples/errors_and_retries.py

Needs no key: to have something go wrong, it starts the embedded server and spoils its answers.
"""

from oxide import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    Client,
    RateLimitError,
    RetryPolicy,
    StreamError,
    Timeout,
)
from oxide.testing import Fault, Server

BUSY = Fault(status=429, headers={"retry-after-ms": "50"})

with Server() as server, Client(base_url=server.url, api_key="test", retry=RetryPolicy(first=0.05)) as client:

    def ask(**options: object) -> str:
        return client.responses.create(model="any", input="Are you there?", **options).output_text

    # Two failures, each tried again: the first after the time the server asks for.
    server.fail_next(BUSY, Fault(cut="reset", at="body"))
    response = client.responses.create(model="any", input="Are you there?")
    print(response.output_text, *response.http.attempts, sep="\n  ")

    # One failure more than there are retries.
    server.fail_next(BUSY, BUSY)
    try:
        ask(max_retries=1)
    except RateLimitError as error:
        print(f"{type(error).__name__}: come back in {error.retry_after} s; {len(error.attempts)} attempts")

    # A mistake of ours is not tried again.
    try:
        ask(extra_body={"temprature": 1})
    except BadRequestError as error:
        print(f"{type(error).__name__}: {error.message} (request {error.request_id})")

    # A server that says nothing.
    server.fail_next(Fault(cut="stall"))
    try:
        ask(timeout=Timeout(read=0.2), max_retries=0)
    except APITimeoutError as error:
        print(f"{type(error).__name__}: {error}")

    # A stream that breaks off: what has come is there, and it is for the program to decide what to do.
    server.fail_next(Fault(cut="close", at="body"))
    try:
        for _ in client.responses.create(model="any", input="Tell me a story.", stream=True):
            pass
    except (StreamError, APIConnectionError) as error:
        print(f"{type(error).__name__} after {len(error.events_so_far)} events: {error}")

    # Everything else has one of two shapes: an answer with an error status, or no usable answer.
    server.fail_next(Fault(status=404))
    try:
        ask()
    except APIStatusError as error:
        print(f"{type(error).__name__}: {error.status_code}")
    except APIConnectionError as error:
        print(f"{type(error).__name__}: {error.phase}")
