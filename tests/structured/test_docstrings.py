"""Texts of parameters, in the three styles that people write."""

from __future__ import annotations

import pytest

from oxide._helpers.docstrings import read_docstring

GOOGLE = """Look up the weather.

    Goes outside, if need be.

    Args:
        city (str): where, with the
            country behind it.
        days: how many: one or more.
        *units: ignored.

    Returns:
        str: a text.

    Raises:
        ValueError: no such city.
    """

NUMPY = """Look up the weather.

    Parameters
    ----------
    city : str
        where, with the
        country behind it.
    days, hours : int, optional
        how many.

    Returns
    -------
    str
        a text.
    """

REST = """Look up the weather.

    Goes outside.

    :param city: where, with the
        country behind it.
    :type city: str
    :param int days: how many.
    :returns: a text.
    :raises ValueError: no such city.
    """

TABLE: list[tuple[str, str | None, str, dict[str, str]]] = [
    ("none", None, "", {}),
    ("one line", "Look.", "Look.", {}),
    (
        "Google",
        GOOGLE,
        "Look up the weather.\n\nGoes outside, if need be.",
        {"city": "where, with the country behind it.", "days": "how many: one or more.", "units": "ignored."},
    ),
    ("NumPy", NUMPY, "Look up the weather.", {"city": "where, with the country behind it.", "days": "how many.", "hours": "how many."}),
    ("reST", REST, "Look up the weather.\n\nGoes outside.", {"city": "where, with the country behind it.", "days": "how many."}),
    ("attributes of a class", "A thing.\n\n    Attributes:\n        a: the first.\n    ", "A thing.", {"a": "the first."}),
    ("only arguments", "Args:\n    a: the first.", "", {"a": "the first."}),
    ("a word that ends in a colon", "Look at this:\n    a: b\nSo.", "Look at this:\n    a: b\nSo.", {}),
    ("text behind the arguments", "Look.\n\nArgs:\n    a: b\n\nMore text.", "Look.\n\nMore text.", {"a": "b"}),
]


@pytest.mark.parametrize(("text", "head", "texts"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_docstring_is_read(text: str | None, head: str, texts: dict[str, str]) -> None:
    assert read_docstring(text) == (head, texts)
