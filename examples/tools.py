"""Make tools of functions, let the model call them, and send back what they return.

    OPENAI_API_KEY=... python examples/tools.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import json
from dataclasses import dataclass
from typing import Literal

import oxide
from oxide import Client, StructureError

MODEL = "gpt-5-mini"


@dataclass
class Place:
    city: str
    country: str | None = None


@oxide.tool
def weather(place: Place, unit: Literal["C", "F"] = "C") -> dict[str, object]:
    """Look up the weather of a place, now.

    Args:
        place: where.
        unit: of the temperature.
    """
    return {"city": place.city, "sky": "sunny", "temperature": f"23 {unit}"}


@oxide.tool
def add(numbers: list[float]) -> float:
    """Add numbers up."""
    return sum(numbers)


TOOLS = {tool.name: tool for tool in (weather, add)}

with Client() as client:
    asked = [{"role": "user", "content": "How is the weather in Ljubljana?"}]
    response = client.responses.create(model=MODEL, input=asked, tools=list(TOOLS.values()))

    results = []
    for call in response.function_calls:
        try:
            result = json.dumps(TOOLS[call.name].call(call.arguments))  # checks the arguments first
        except StructureError as problem:
            result = f"wrong arguments: {problem}"  # the model may try again
        print(f"{call.name}({call.arguments}) -> {result}")
        results.append({"type": "function_call_output", "call_id": call.call_id, "output": result})

    response = client.responses.create(model=MODEL, input=[*asked, *response.output, *results], tools=list(TOOLS.values()))
    print(response.output_text)
