"""Reads a form (multipart/form-data, RFC 7578) as an object: texts by name, files as objects with `filename`, `type` and `content`."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["read_form"]

JSON = dict[str, Any]


def read_form(content_type: str, body: bytes) -> JSON:
    """Return the fields of a form; `name[key]` becomes an object, `name[]` a list. Raises ValueError for what is no form."""
    found = re.search(r'boundary="?([^";]{1,70})"?', content_type)
    if not content_type.startswith("multipart/form-data") or found is None:
        raise ValueError("no form")
    mark = b"--" + found[1].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 2 or pieces[0] or not pieces[-1].startswith(b"--"):
        raise ValueError("a form without a beginning or an end")
    form: JSON = {}
    for piece in pieces[1:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        if not blank:
            raise ValueError("a part without content")
        _add(form, head.decode(), content)
    return form


def _add(form: JSON, head: str, content: bytes) -> None:
    name = re.search(r'; name="([^"]*)"', head)
    if name is None:
        raise ValueError("a part without a name")
    filename = re.search(r'; filename="([^"]*)"', head)
    kind = re.search(r"(?im)^content-type: *([^\r\n]+)", head)
    value: Any = content.decode() if filename is None else {"filename": filename[1], "type": kind and kind[1], "content": content}
    key, _, inner = name[1].partition("[")
    inner = inner.rstrip("]")
    if inner:
        form.setdefault(key, {})[inner] = value
    elif "[" in name[1]:
        form.setdefault(key, []).append(value)
    else:
        form[key] = value
