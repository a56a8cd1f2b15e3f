"""Proposes words for methods and objects that have none yet, so that new operations can be written; a person finds better ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .docs import FOLDER, Docs
from .facts import Facts
from .layout import short

VERBS = {"create": "Create", "delete": "Delete", "retrieve": "Fetch", "update": "Change", "cancel": "Cancel"}
START = "# Words about `{namespace}`.\n\n[resource]\n\n[method]\n"


def missing(facts: Facts, docs: Docs) -> dict[str, dict[str, str]]:
    """Return proposals for what has no words: "resource" -> path -> sentence, "method" -> call -> sentence."""
    calls = [call for call in facts.calls() if call not in docs.methods]
    paths = {".".join(call.split(".")[:length]) for call in facts.calls() for length in range(1, call.count(".") + 1)}
    return {
        "resource": {path: f"{plain(short(path)).capitalize()}." for path in sorted(paths) if path not in docs.resources},
        "method": {call: sentence(call) for call in calls},
    }


def sentence(call: str) -> str:
    """ "batches.create" -> "Create a batch."."""
    path, _, name = call.rpartition(".")
    many = plain(short(path))
    one = many[:-1] if many.endswith("s") and not many.endswith("ss") else many
    article = "an" if one[0] in "aeiou" else "a"
    if name == "list":
        return f"List {many}."
    return f"{VERBS[name]} {article} {one}." if name in VERBS else f"{plain(name).capitalize()}: {article} {one}."


def plain(name: str) -> str:
    """ "spend_limits" -> "spend limits"."""
    return name.replace("_", " ")


def add(new: Mapping[str, Mapping[str, str]], docs: Docs, folder: Path = FOLDER) -> dict[str, str]:
    """Enter words into `docs`, and return the text of each file that changes by them."""
    docs.resources.update(new["resource"])
    docs.methods.update(new["method"])
    texts: dict[str, str] = {}
    for table, form in (("resource", '"{name}" = "{text}"'), ("method", '"{name}".text = "{text}"')):
        for name, text in new[table].items():
            namespace = name.partition(".")[0]
            file = f"{namespace}.toml"
            before = texts.get(file) or (
                (folder / file).read_text("utf-8") if (folder / file).exists() else START.format(namespace=namespace)
            )
            texts[file] = entered(before, table, form.format(name=name, text=text))
    return texts


def entered(text: str, table: str, line: str) -> str:
    """Return a TOML text with a line more at the end of a table."""
    lines = text.splitlines()
    if f"[{table}]" not in lines:
        lines += ["", f"[{table}]"]
    end = start = lines.index(f"[{table}]")
    for number in range(start + 1, len(lines)):
        if lines[number].startswith("["):
            break
        if lines[number].strip():
            end = number
    return "\n".join([*lines[: end + 1], line, *lines[end + 1 :]]) + "\n"
