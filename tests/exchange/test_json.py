"""The codec: what the standard library says counts, with a faster decoder or without."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from oxide import _json

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = [b"{}", b' {"a": [1, 2.5, null, "\xc3\xa9"]}\n', b"\xef\xbb\xbf[]", b"NaN", b'"\\ud800"', b"1"]
BAD = [b"", b" ", b"{", b"{} x", b"\xff", b"[" * 100_000, b"'a'"]


def strict(data: bytes | str) -> object:
    """Stand in for orjson: what it takes it decodes as the standard library does, and it refuses more."""
    if b"NaN" in (data if isinstance(data, bytes) else data.encode()):
        raise ValueError("no NaN")
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("too deep") from None


@pytest.fixture(params=[None, strict], ids=["standard", "fast"])
def codec(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes | str], object]:
    monkeypatch.setattr(_json, "_loads", request.param)
    return _json.decode


@pytest.mark.parametrize("document", GOOD)
def test_a_document_is_decoded_as_the_standard_library_does(codec: Callable[[bytes | str], object], document: bytes) -> None:
    expected = json.loads(document.decode("utf-8-sig"))
    found = codec(document)
    assert found == expected or (isinstance(found, float) and math.isnan(found))


@pytest.mark.parametrize("document", BAD, ids=lambda document: repr(document[:5]))
def test_what_is_no_json_is_a_value_error(codec: Callable[[bytes | str], object], document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        codec(document)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        _json.encode(loop)


def test_a_float_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        _json.encode({"a": math.inf})
