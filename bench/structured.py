"""What structured output costs beside `json.loads` of the same text, beside pydantic where it is installed, and as a text grows.

    python -m bench.structured

CPU time, medians of rounds in which all take their turn; ratios are medians of the ratios within a round.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from bench.payloads import sentence
from oxide import PartialJson, decode_as, strict_schema
from oxide._helpers.structured import text_param_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Work = Callable[[], object]

ROUNDS, SECONDS = 40, 0.004


@dataclass
class Step:
    explanation: str
    output: str
    number: int
    share: float


@dataclass
class Steps:
    steps: list[Step]
    tags: list[str]
    answer: str


class StepDict(TypedDict):
    explanation: str
    output: str
    number: int
    share: float


class StepsDict(TypedDict):
    steps: list[StepDict]
    tags: list[str]
    answer: str


class StepTuple(NamedTuple):
    explanation: str
    output: str
    number: int
    share: float


class StepsTuple(NamedTuple):
    steps: list[StepTuple]
    tags: list[str]
    answer: str


@dataclass(frozen=True)
class StepChecked:
    explanation: str
    output: str
    number: int | None
    share: float
    note: str = ""

    def __post_init__(self) -> None:
        if self.share < 0:
            raise ValueError("share is below 0")


@dataclass(frozen=True)
class StepsChecked:
    steps: tuple[StepChecked, ...]
    tags: set[str]
    answer: str


def text_of(words: int, steps: int) -> str:
    """Return an answer of so many steps, each of about so many words."""
    rows = [{"explanation": sentence(i, words), "output": f"x = {i}", "number": i, "share": 0.5} for i in range(steps)]
    return json.dumps({"steps": rows, "tags": ["algebra", "easy"], "answer": "x = 3"})


TEXTS = {
    "5 KB, 63 objects, little text in each": text_of(2, 63),
    "5 KB, 31 objects": text_of(18, 31),
    "5 KB, 10 objects, much text": text_of(80, 10),
}


def competitors(text: str) -> dict[str, Work]:
    """Return name -> what decodes the text."""
    works: dict[str, Work] = {
        "json.loads": lambda: json.loads(text),
        "dataclasses": lambda: decode_as(Steps, text),
        "TypedDicts": lambda: decode_as(StepsDict, text),
        "NamedTuples": lambda: decode_as(StepsTuple, text),
        "frozen dataclasses that check themselves": lambda: decode_as(StepsChecked, text),
    }
    try:
        from pydantic import TypeAdapter
    except ImportError:
        return works
    adapter: Any = TypeAdapter(Steps)
    return {**works, "pydantic (compiled) on the dataclasses": lambda: adapter.validate_json(text)}


def timed(work: Work) -> float:
    """Return the CPU seconds of one piece of work, over a few milliseconds of it."""
    count, begun = 0, time.process_time()
    while (spent := time.process_time() - begun) < SECONDS:
        for _ in range(10):
            work()
        count += 10
    return spent / count


def decoding() -> None:
    """Print a table of decoding."""
    for title, text in TEXTS.items():
        works = competitors(text)
        rounds = [{name: timed(work) for name, work in works.items()} for _ in range(ROUNDS)]
        print(f"\n{title} ({len(text)} bytes)")
        for name in works:
            microseconds = 1e6 * statistics.median([taken[name] for taken in rounds])
            ratio = statistics.median([taken[name] / taken["json.loads"] for taken in rounds])
            print(f"  {name:42} {microseconds:8.1f} us {ratio:6.2f} x")


def growing() -> None:
    """Print what a growing text costs, by its length."""
    print("\na string that grows by 8 characters at a time")
    for pieces in (25_000, 50_000, 100_000, 200_000):
        machine = PartialJson()
        machine.feed('{"text": "')
        begun = time.process_time()
        for _ in range(pieces):
            machine.feed("piece x ")
        print(f"  {8 * pieces / 1000:6.0f} KB {1e6 * (time.process_time() - begun) / pieces:6.2f} us a piece")


def describing() -> None:
    """Print what the schema of a type costs that is known already."""
    print()
    for name, work in {"strict_schema": lambda: strict_schema(Steps), "what is sent for a type": lambda: text_param_of(Steps)}.items():
        print(f"{name:24} {1e6 * statistics.median([timed(work) for _ in range(ROUNDS)]):8.1f} us")


if __name__ == "__main__":
    decoding()
    growing()
    describing()
