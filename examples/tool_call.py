"""Let the model call a function of ours, send back what the function returns, and print what the model makes of it.

    OPENAI_API_KEY=... python examples/tool_call.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import json

from oxide import Client

MODEL = "gpt-5-mini"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city, now.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    "strict": True,
}


def get_weather(city: str) -> dict[str, object]:
    """Look out of the window."""
    return {"city": city, "sky": "sunny", "degrees": 23}


with Client() as client:
    asked = [{"role": "user", "content": "How is the weather in Ljubljana?"}]
    response = client.responses.create(model=MODEL, input=asked, tools=[WEATHER])

    results = []
    for call in response.function_calls:
        arguments = call.parsed()
        print(f"the model calls {call.name}({arguments})")
        results.append({"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(get_weather(**arguments))})

    # What the model has said goes back as it came: records are taken wherever dictionaries are.
    response = client.responses.create(model=MODEL, input=[*asked, *response.output, *results], tools=[WEATHER])
    print(response.output_text)
