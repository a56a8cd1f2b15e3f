"""`oxide.types` shows every model by its official name, loads it when it is touched, and nothing before."""

from __future__ import annotations

import subprocess
import sys
import typing
from importlib import import_module
from pkgutil import iter_modules

import pytest

import oxide.types
from oxide._models._base import Record
from tests.models._instances import FACTS
from tools.sync.layout import short

SECOND_NAMES = {short(name): short(target) for name, target in FACTS.aliases.items()}
FACES = ["oxide.types", *(f"oxide.types.{m.name}" for m in iter_modules(oxide.types.__path__) if m.name[0] != "_")]


@pytest.mark.parametrize("face", FACES)
def test_every_name_loads_and_is_a_type(face: str) -> None:
    module = import_module(face)
    for name in module.__all__:
        value = getattr(module, name)
        assert not isinstance(value, str), name
        assert value is getattr(module, name)
        if isinstance(value, type) and issubclass(value, Record):
            assert value.__name__ in (name, SECOND_NAMES.get(name))


@pytest.mark.parametrize("face", FACES)
def test_dir_and_all_agree(face: str) -> None:
    module = import_module(face)
    assert set(module.__all__) <= set(dir(module))
    assert len(set(module.__all__)) == len(module.__all__)


def test_a_union_is_a_real_one() -> None:
    from oxide.types.responses import ResponseOutputItem, ResponseOutputMessage

    assert ResponseOutputMessage in typing.get_args(ResponseOutputItem)
    assert isinstance(ResponseOutputMessage.from_dict({}), ResponseOutputItem)
    assert typing.get_args(ResponseOutputItem | None)[-1] is type(None)


def test_an_enum_is_a_literal() -> None:
    from oxide.types.shared import ReasoningEffort

    assert "low" in typing.get_args(ReasoningEffort)


def test_an_input_type_is_a_typed_dict() -> None:
    from oxide.types.chat import ChatCompletionUserMessageParam

    made = ChatCompletionUserMessageParam(role="user", content="hi")
    assert made == {"role": "user", "content": "hi"}
    assert {"role", "content", "name"} <= set(ChatCompletionUserMessageParam.__annotations__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'oxide.types.responses' has no attribute 'Respons'"):
        _ = import_module("oxide.types.responses").Respons


def test_nothing_loads_before_it_is_touched() -> None:
    program = (
        "import sys, oxide.types.responses as r\n"
        "print(*[m for m in sys.modules if m.startswith('oxide._models')])\n"
        "r.Response\n"
        "print(*[m for m in sys.modules if m.endswith(('_params', '_events', '_input', '.chat'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == []
