"""What a docstring says of its subject, and of each parameter: in the style of Google, of NumPy, or of reStructuredText."""

from __future__ import annotations

import re

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_docstring"]

_NAMED = ("args", "arguments", "parameters", "params", "attributes", "keyword args", "keyword arguments", "other parameters")
_OTHER = (
    *("returns", "return", "yields", "yield", "raises", "example", "examples", "note", "notes", "see also", "references"),
    *("warning", "warnings", "todo", "methods"),
)
_FIELD = re.compile(r":(?:param|parameter|arg|argument|key|keyword|ivar|cvar|var)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)")
_OTHER_FIELD = re.compile(r":\w+(?:\s[^:]*)?:")
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_NUMPY_ENTRY = re.compile(r"\*{0,2}(\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


def read_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """Return what a docstring says before its sections, and parameter -> what it says of it."""
    if not text:
        return "", {}
    from inspect import cleandoc

    lines = cleandoc(text).splitlines()
    head: list[str] = []
    texts: dict[str, str] = {}
    for title, body in _sections(lines):
        if title == "":
            head += body
        elif title in _NAMED:
            texts.update(_numpy(body[1:]) if body and _ruled(body[0]) else _entries(body, _ENTRY))
        elif title == ":":
            texts.update(_entries(body, _FIELD))
    return "\n".join(head).strip(), texts


def _sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield title and lines of each section; "" is the text, ":" what is written as fields."""
    title, body = "", list[str]()
    for number, line in enumerate(lines):
        found = _title(line, lines[number + 1] if number + 1 < len(lines) else "")
        if found is None and line and not line[0].isspace() and title and not (title in _NAMED and body and _ruled(body[0])) and body:
            found = "" if title != ":" and not body[-1].strip() else None  # text that stands at the margin again, after an empty line
        if found is None:
            body.append(line)
            continue
        yield title, body
        title, body = found, ([line] if found in ("", ":") else [])
    yield title, body


def _title(line: str, below: str) -> str | None:
    """Return the title of the section that begins with a line, None for any other line."""
    if line[:1].isspace():
        return None
    if _OTHER_FIELD.match(line):
        return ":"
    word = line.rstrip().rstrip(":").lower()
    if word in _NAMED or word in _OTHER:
        return word if line.rstrip().endswith(":") or _ruled(below) else None
    return None


def _ruled(line: str) -> bool:
    return len(line.strip()) > 2 and not line.strip().strip("-=")


def _entries(lines: list[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Read entries that begin with a name, and go on in lines that stand further to the right."""
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    texts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        begins = line.strip() and len(line) - len(line.lstrip()) == depth
        found = pattern.match(line.strip()) if begins else None
        if begins:
            current = texts.setdefault(found[1], []) if found else []
        current.append(found[2] if found else line.strip())
    return _joined(texts)


def _numpy(lines: list[str]) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    current: list[list[str]] = []
    for line in lines:
        if line and not line[0].isspace():
            found = _NUMPY_ENTRY.match(line.strip())
            current = [texts.setdefault(name.strip().lstrip("*"), []) for name in found[1].split(",")] if found else []
        else:
            for each in current:
                each.append(line.strip())
    return _joined(texts)


def _joined(texts: dict[str, list[str]]) -> dict[str, str]:
    joined = {name: " ".join([line for line in lines if line]) for name, lines in texts.items()}
    return {name: text for name, text in joined.items() if text}
