"""Calls that are sent once more when they are slow, and work that is begun before it may: `python examples/hedged_requests.py`."""

from __future__ import annotations

import asyncio
import os

from oxide import AsyncClient, Client, RejectedError, speculate
from oxide.types.responses import Response

MODEL = os.environ.get("OXIDE_MODEL", "gpt-5-nano")


def hedged_calls() -> None:
    with Client() as client:
        hedged = client.hedged(delay="p95", copies=2, budget=0.1)  # learns after how long a call of its kind is slow
        for city in ("Rome", "Oslo", "Lima"):
            response = hedged.responses.create(model=MODEL, input=f"Name one sight of {city}.")
            print(f"{response.output_text}  {response.http.hedge}")
        for event in hedged.responses.create(model=MODEL, input="Count to five.", stream=True):  # won by its first event
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
        print()


async def checked_call() -> None:
    async with AsyncClient() as client:

        def harmless(verdict: Response) -> bool:
            return "forbidden" not in verdict.output_text

        for question in ("Where is Rome?", "Tell me something forbidden."):
            check = client.responses.create(model=MODEL, input=f"Is this allowed? {question}")
            work = client.responses.create(model=MODEL, input=question)
            try:
                _, answer = await speculate(check, work, harmless)
                print(answer.output_text)
            except RejectedError as error:
                print("stopped:", error)


if __name__ == "__main__":
    hedged_calls()
    asyncio.run(checked_call())
