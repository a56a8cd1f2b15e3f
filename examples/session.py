"""A conversation over one WebSocket: the service keeps what it has read, and each turn sends only what is new.

    OPENAI_API_KEY=... python examples/session.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import asyncio

from oxide import AsyncClient

MODEL = "gpt-5-mini"


async def main() -> None:
    async with AsyncClient() as client, client.responses.session(fallback=True, keep_history=True) as session:
        first = await session.create(model=MODEL, input="Name a river.", store=False)
        print(first.output_text)

        stream = await session.stream(model=MODEL, input="Where does it end?", store=False, previous_response_id=first.id)
        async for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
        print()

        # Side by side, over the same connection.
        questions = ["Name a mountain.", "Name a lake.", "Name a desert."]
        answers = await asyncio.gather(*(session.create(model=MODEL, input=question) for question in questions))
        for answer in answers:
            print(answer.output_text)


asyncio.run(main())
