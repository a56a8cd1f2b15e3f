"""Ask many questions at once, and stay below the limits of the service: no request is refused, because none goes too early.

    OPENAI_API_KEY=... python examples/rate_limits.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import asyncio
import time

from oxide import AsyncClient, RateLimiter

MODEL = "gpt-5-mini"
QUESTIONS = [f"What is {number} times {number}?" for number in range(20)]

limiter = RateLimiter(requests_per_minute=6000, tokens_per_minute=100_000)  # left out: what the service says


async def main() -> None:
    begun = time.monotonic()
    async with AsyncClient(rate_limiter=limiter) as client:
        answers = await asyncio.gather(
            *[client.responses.create(model=MODEL, input=question, max_output_tokens=200) for question in QUESTIONS]
        )
    print(f"{len(answers)} answers in {time.monotonic() - begun:.2f} s; {sum(answer.http.retries for answer in answers)} retries")
    print(answers[-1].output_text)
    print(limiter)


asyncio.run(main())
