"""Let a model look things up by itself until it knows the answer; tools run side by side, and say no where they must.

    OPENAI_API_KEY=... python examples/agent_loop.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import asyncio

import oxide
from oxide import AsyncClient

MODEL = "gpt-5-mini"
PRICES = {"tea": 3.2, "coffee": 2.9}


@oxide.tool
async def get_price(drink: str) -> float:
    """Look up the price of a drink, in euros.

    Args:
        drink: tea or coffee.
    """
    await asyncio.sleep(0.05)
    return PRICES[drink.lower()]


@oxide.tool
async def order(drink: str, count: int) -> str:
    """Order drinks."""
    return f"{count} x {drink}, on its way"


def approve(call: oxide.FunctionCall) -> bool | str:
    """Let the model look, but not spend."""
    return call.name != "order" or "Ask the user first."


async def main() -> None:
    async with AsyncClient() as client:
        question = "Before you order two: what is the price of Tea?"
        options = {"model": MODEL, "input": question, "tools": [get_price, order], "approve": approve, "tool_timeout": 10}
        async with await client.responses.run(**options, stream=True) as run:
            async for event in run:
                if event.type == "tool.started":
                    print(f"-> {event.call.name}({event.call.arguments})")
                elif event.type == "tool.finished":
                    print(f"<- {event.result.output}")
            result = await run.get_final_result()
    print(result.output_text)
    print(f"{len(result.turns)} answers, {len(result.calls)} calls of tools")


asyncio.run(main())
