"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide.testing import Server

# Real servers and proxies are for `make check-real`: they are not on every machine.
collect_ignore = [] if os.environ.get("RUN_REAL") else ["real"]

# A shell that puts the tests in the background has them, and every process they start, ignore Ctrl-C; some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

OURS = ("OPENAI_", "OXIDE_", "SSL_CERT_")
PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


def pytest_collection_finish() -> None:
    """Have the collector pass over what the tests are made of.

    These half a million objects stay to the end; walking them takes a third of a second, in which no thread of a test moves on.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep keys, proxies and roots of the developer's shell out of the tests."""
    for name in list(os.environ):
        if name.startswith(OURS) or name.upper() in PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[Server]:
    """An embedded API server on 127.0.0.1, over plain HTTP/1.1, for one test."""
    from oxide.testing import Server

    with Server() as running:
        yield running
