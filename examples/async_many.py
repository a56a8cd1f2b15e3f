"""Ask many questions at once, a few at a time, and print each answer as soon as it is there.

    OPENAI_API_KEY=... python examples/async_many.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import asyncio

from oxide import AsyncClient

MODEL = "gpt-5-mini"
AT_A_TIME = 8
QUESTIONS = [f"Name a river that begins with the letter {letter}." for letter in "ABCDEFGHIJKLMNOPRSTVWZ"]


async def main() -> None:
    places = asyncio.Semaphore(AT_A_TIME)

    async with AsyncClient() as client:

        async def ask(question: str) -> str:
            async with places:
                response = await client.responses.create(model=MODEL, input=question)
                return response.output_text

        for answer in asyncio.as_completed([ask(question) for question in QUESTIONS]):
            print(await answer)


asyncio.run(main())
