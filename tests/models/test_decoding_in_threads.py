"""Decoding while another thread is still importing the module of the records."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from oxide._models._base import Record, decoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

NAME = "oxide._models.slow"


class SlowImport(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, which takes its time."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name == NAME else None

    def exec_module(self, module: ModuleType) -> None:
        self.begun.set()
        assert self.go_on.wait(10)
        module.Thing = type("Thing", (Record,), {"__module__": NAME, "__annotations__": {"n": "int"}})  # type: ignore[attr-defined]


@pytest.fixture
def slow() -> Iterator[SlowImport]:
    finder = SlowImport()
    sys.meta_path.insert(0, finder)
    yield finder
    sys.meta_path.remove(finder)
    sys.modules.pop(NAME, None)
    vars(importlib.import_module("oxide._models")).pop("slow", None)


def test_a_module_that_another_thread_imports_is_waited_for(slow: SlowImport) -> None:
    results: list[Any] = []
    first = threading.Thread(target=importlib.import_module, args=(NAME,))
    first.start()
    assert slow.begun.wait(10)
    second = threading.Thread(target=lambda: results.append(decoder("slow.Thing")({"n": 1})))
    second.start()
    second.join(0.05)  # it waits for the module, or has gone wrong
    slow.go_on.set()
    for thread in (first, second):
        thread.join(10)
    assert isinstance(results[0], Record)
