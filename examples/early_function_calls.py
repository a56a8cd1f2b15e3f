"""Begin each function that the model calls while it is still writing the next call, and answer all of them at once.

    OPENAI_API_KEY=... python examples/early_function_calls.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import oxide
from oxide import Client

MODEL = "gpt-5-mini"


@oxide.tool
def get_weather(city: str) -> str:
    """Look up the weather in a city."""
    time.sleep(0.1)
    return f"sunny in {city}, 23 degrees"


@oxide.tool
def get_time(city: str) -> str:
    """Look up the time in a city."""
    time.sleep(0.1)
    return f"noon in {city}"


TOOLS = {"get_weather": get_weather, "get_time": get_time}

with Client() as client, ThreadPoolExecutor() as threads:
    question = "What are the weather and the time in Ljubljana?"
    with client.responses.stream(model=MODEL, input=question, tools=[*TOOLS.values()]) as stream:
        begun = {}
        for call in stream.function_calls():
            print(f"{call.name}({call.parsed}) begins, the model writes on")
            begun[call.call_id] = threads.submit(TOOLS[call.name].call, call.arguments)
        response = stream.get_final_response()

    results = [{"type": "function_call_output", "call_id": call_id, "output": each.result()} for call_id, each in begun.items()]
    print(client.responses.create(model=MODEL, previous_response_id=response.id, input=results).output_text)
