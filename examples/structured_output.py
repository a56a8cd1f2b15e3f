"""Ask for an answer of a type of ours, and get an instance of it; then watch one come into being.

    OPENAI_API_KEY=... python examples/structured_output.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import oxide
from oxide import Client, PartialJson

MODEL = "gpt-5-mini"


@dataclass
class Step:
    explanation: Annotated[str, "one sentence, in plain words"]
    output: Annotated[str, "the equation as it stands then"]


@dataclass
class Solution:
    """How an equation is solved."""

    steps: list[Step]
    answer: str
    difficulty: Literal["easy", "hard"] = "easy"


with Client() as client:
    response = client.responses.parse(model=MODEL, input="Solve 8x + 31 = 2.", text_format=Solution)
    solution = response.output_parsed
    if solution is None:  # the model refused
        print(response.output[0])
    else:
        for number, step in enumerate(solution.steps, 1):
            print(f"{number}. {step.explanation}: {step.output}")
        print(f"{solution.answer} ({solution.difficulty})")

    # What has come of it so far, while it is written.
    growing = PartialJson()
    schema = {"type": "json_schema", "name": "Solution", "schema": oxide.strict_schema(Solution), "strict": True}
    for event in client.responses.create(model=MODEL, input="Solve x + 1 = 2.", text={"format": schema}, stream=True):
        if event.type == "response.output_text.delta":
            print(growing.feed(event.delta))
