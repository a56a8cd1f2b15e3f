"""Types of every kind that the tests of structured output share. Annotations are strings here, as they are in most programs."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar
from uuid import UUID

from typing_extensions import NotRequired, Required

T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    """Colours of things."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    ONE = 1
    WORD = "word"


@dataclass
class Step:
    """One step of many.

    Attributes:
        output: what comes out.
    """

    explanation: Annotated[str, "why it is taken"]
    output: str


@dataclass(frozen=True)
class Frozen:
    name: str
    step: Step


@dataclass
class Slotted:
    __slots__ = ("count", "name")
    name: str
    count: int


@dataclass
class Named:
    name: str
    count: int
    more: int


@dataclass
class Chain:
    child: Chain | OtherChain | None
    number: int


@dataclass
class OtherChain:
    child: OtherChain | Chain | None
    number: int


@dataclass
class Checked:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


@dataclass
class Defaults:
    name: str
    count: int = 3
    tags: list[str] = field(default_factory=list)
    color: Color = Color.RED
    maybe: int | None = 5
    hidden: int = field(default=7, init=False)


@dataclass
class Reply:
    steps: list[Step]
    final: Step | None
    color: Color
    sure: float


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Whole(TypedDict):
    name: str
    step: Step


class Partial(TypedDict, total=False):
    a: Required[int]
    b: str
    c: int | None


class Partly(TypedDict):
    a: int
    b: NotRequired[Annotated[str, "may be left out"]]


@dataclass
class Tree:
    value: int
    children: list[Tree]
    parent: Tree | None = None


@dataclass
class Cat:
    kind: Literal["cat"]
    lives: int


@dataclass
class Dog:
    kind: Literal["dog", "puppy"]
    name: str


@dataclass
class Numbers:
    items: list[int]


@dataclass
class Words:
    items: list[str]


@dataclass
class Owner:
    pet: Cat | Dog


@dataclass
class Either:
    thing: Step | Point


@dataclass
class Box(Generic[T]):
    inside: T
    more: list[T]


@dataclass
class Texts:
    moment: datetime
    day: date
    clock: time
    id: UUID
    price: Decimal


@dataclass
class Everything:
    pair: tuple[int, str]
    many: tuple[int, ...]
    words: set[str]
    scores: dict[str, int]
    by_color: dict[Color, Step]
    either: int | str | None
    word: Literal["a", "b", None]
    number: Literal[1, 2]
    level: Level
    mixed: Mixed
    user: UserId
    box: Box[int]
    limited: Annotated[int, {"minimum": 1, "maximum": 5}, "small"]
    described: Annotated[Step, "the first"]
