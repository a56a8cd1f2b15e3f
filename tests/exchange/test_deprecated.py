"""Methods that the API is going to drop: they work, warn once, and are marked for whoever looks."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import warnings

import pytest

from oxide._deprecated import warning
from oxide.resources.beta_assistants import Assistants, AsyncAssistants

PROGRAM = """
import warnings
from oxide import Client
from oxide.testing import Server

with warnings.catch_warnings(record=True) as told, Server() as server, Client(base_url=server.url, api_key="key") as client:
    warnings.simplefilter("always")
    for _ in range(3):
        try:
            client.beta.assistants.retrieve("asst_1")
        except Exception as error:
            assert type(error).__name__ == "NotFoundError", error
print(*[f"{w.category.__name__} {w.filename} {w.message}" for w in told], sep="\\n")
"""


def test_the_first_use_warns_at_the_line_that_calls_and_no_other_use_does() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True)
    [line] = done.stdout.splitlines()
    assert line.startswith("DeprecationWarning <string> `beta.assistants.retrieve` is deprecated by the API; use `client.responses`")


@pytest.mark.parametrize("cls", [Assistants, AsyncAssistants])
def test_the_mark_is_seen_and_hides_nothing(cls: type) -> None:
    method = cls.__dict__["create"]
    assert method.__deprecated__.startswith("`beta.assistants.create` is deprecated")
    assert "model" in inspect.signature(method).parameters
    assert method.__doc__
    assert method.__name__ == "create"


def test_a_misspelt_argument_is_still_explained() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError, match=r"modell.*model"):
            Assistants(caller=None).create(modell="gpt-4o")  # type: ignore[arg-type, call-arg]  # wrong on purpose


def test_a_coroutine_method_warns_as_well_and_stays_one() -> None:
    async def method() -> int:
        return 1

    marked = warning(method, "going")
    assert inspect.iscoroutinefunction(marked)
    with pytest.warns(DeprecationWarning, match="going"):
        assert asyncio.run(marked()) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(marked()) == 1


def test_methods_that_stay_have_no_mark() -> None:
    from oxide.resources.responses import Responses

    assert not any(hasattr(method, "__deprecated__") for method in vars(Responses).values())
