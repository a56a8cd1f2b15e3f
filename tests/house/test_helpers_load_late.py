"""Whoever does not use a helper does not load it: neither with the package, nor with a client, nor with a resource that has some."""

from __future__ import annotations

from tests.house.test_import_budget import loaded_by

TOUCHED = ("import oxide", "client = oxide.Client(api_key='k')", "client.files, client.uploads, client.vector_stores.files, client.videos")
LATE = ("crew", "jobs", "uploads", "webhooks", "bar")


def test_touching_a_resource_loads_no_helper() -> None:
    names = loaded_by(*TOUCHED)
    assert "oxide.resources.uploads" in names
    found = {f"oxide._helpers.{name}" for name in LATE}.intersection(names)
    assert not found, f"{sorted(found)} are loaded before anybody has called a method of theirs: import them inside the methods"


def test_only_a_client_with_a_limiter_loads_the_queue() -> None:
    queue = {"oxide._protocol.limiter", "oxide._transport.limited"}
    assert not queue.intersection(loaded_by(*TOUCHED))
    assert queue <= set(loaded_by("import oxide", "oxide.Client(api_key='k', rate_limiter=oxide.RateLimiter(5))"))


def test_a_client_with_a_limiter_does_without_typing_and_dataclasses() -> None:
    names = loaded_by("import oxide", "oxide.Client(api_key='k', rate_limiter=oxide.RateLimiter(5)).uploads")
    assert not {"typing", "dataclasses", "asyncio", "inspect", "logging"}.intersection(names)
