"""How the code is written: sizes, annotations, and what has no place in the tree."""

from __future__ import annotations

import ast
import re
import statistics
from typing import TYPE_CHECKING

import pytest

from tests.house._tree import HAND_WRITTEN, ROOT, generated, place, python_files, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef

OURS = [path for path in python_files() if not generated(path)]
SHIPPED = [path for path in python_files("oxide") if not generated(path)]
TEXTS = [
    path
    for folder in (*HAND_WRITTEN, "docs", ".ci")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".toml", ".cfg", ".txt", ".sh", ""} and path.is_file()
] + [path for path in sorted(ROOT.glob("*")) if path.is_file() and path.suffix in {".md", ".toml", ".cfg", ""}]

MAY_PRINT = {"_cli.py", "_demo.py", "__main__.py"}

# Written in pieces, so that this file does not break its own rules.
MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
MACHINE_PATHS = re.compile("(?<![\\w.:/<-])/(" + "|".join(("wo" + "rk", "ro" + "ot", "home" + "/[a-z]", "Us" + "ers/[a-z]")) + r")\b/?")
HOST = ("cla" + "ude", "anth" + "ropic")
MAKERS = ("copi" + "lot", "co-auth" + "ored-by", "language mod" + "el wrote")

# Of these words two are those of a host as well: where hosts are the subject they may be said.
ABOUT_HOSTS = {"oxide/providers.py", "docs/hosts.md", "examples/hosts.py", "tests/exchange/test_hosts.py"}


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Return how many lines the body takes, its docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", OURS, ids=place)
def test_a_file_holds_one_idea(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    limit = 450 if path in SHIPPED else 800  # tables of cases may be long
    assert lines <= limit, f"{place(path)} has {lines} lines, over {limit}: is it one idea?"


@pytest.mark.parametrize("path", OURS, ids=place)
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    long = [f"{place(path, node.lineno)} {node.name}: {body_lines(node)} lines" for node in functions(path) if body_lines(node) > 60]
    assert not long, "split what is over 60 lines: " + "; ".join(long)


def test_functions_are_short() -> None:
    sizes = {place(path, node.lineno): body_lines(node) for path in SHIPPED for node in functions(path)}
    over = sorted((name for name, size in sizes.items() if size > 25), key=lambda name: -sizes[name])
    assert len(over) <= len(sizes) / 10, f"more than a tenth of the functions is over 25 lines; longest: {over[:8]}"
    assert statistics.median(sizes.values()) <= 7


def stand_ins(path: Path) -> set[ast.AST]:
    """Return what no checker sees: the run-time side of `if TYPE_CHECKING: ... else: ...` and of `if not TYPE_CHECKING: ...`."""
    choices = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.If)]
    unseen = [node.orelse for node in choices if ast.unparse(node.test) == "TYPE_CHECKING"]
    unseen += [node.body for node in choices if ast.unparse(node.test) == "not TYPE_CHECKING"]
    return {inner for parts in unseen for part in parts for inner in ast.walk(part)}


@pytest.mark.parametrize("path", SHIPPED + python_files("tools"), ids=place)
def test_every_function_is_annotated(path: Path) -> None:
    unseen = stand_ins(path)
    for node in functions(path):
        if node in unseen:
            continue
        given = node.args
        named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        bare = [argument.arg for argument in named if argument.annotation is None and argument.arg not in {"self", "cls"}]
        assert not bare, f"{place(path, node.lineno)}: annotate {', '.join(bare)} of {node.name}"
        assert node.returns is not None, f"{place(path, node.lineno)}: say what {node.name} returns"


@pytest.mark.parametrize("path", SHIPPED, ids=place)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree_of(path)) or not tree_of(path).body, f"{place(path)}: open with one to five lines on what it is"


@pytest.mark.parametrize("path", OURS, ids=place)
def test_no_error_is_swallowed_in_silence(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    passes = [node.body[0] for node in ast.walk(tree_of(path)) if isinstance(node, ast.ExceptHandler) and len(node.body) == 1]
    silent = [place(path, node.lineno) for node in passes if isinstance(node, ast.Pass) and "#" not in lines[node.lineno - 1]]
    assert not silent, f"`except: pass` at {silent}: handle it, let it go up, or say in a comment behind it why nothing is to be done"


@pytest.mark.parametrize("path", [path for path in SHIPPED if path.name not in MAY_PRINT], ids=place)
def test_a_library_does_not_print(path: Path) -> None:
    prints = [
        place(path, node.lineno) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert not prints, f"print at {prints}: return it, raise it or log it"


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """Return where the pattern is found, as "file:line: text"."""
    return [
        f"{place(path, number)}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_an_ignored_error_is_named() -> None:
    bare = lines_with(re.compile(r"#\s*(type|pyright)" + r": ignore(?!\[)"), OURS)
    assert not bare, "write `type: ignore[code]  # reason`:\n" + "\n".join(bare)


def test_a_cast_has_its_reason() -> None:
    bare = lines_with(re.compile(r"# type" + r": ignore\[[\w, -]+\]\s*$"), SHIPPED)
    assert not bare, "say in a comment why the checker is wrong:\n" + "\n".join(bare)


def test_nothing_is_left_for_later() -> None:
    assert not (found := lines_with(MARKS, TEXTS)), "do it now, or file an issue:\n" + "\n".join(found)


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    assert not (found := lines_with(MACHINE_PATHS, TEXTS)), "this works on one machine only:\n" + "\n".join(found)


def test_the_tree_speaks_of_the_project_only() -> None:
    others = [path for path in TEXTS if place(path) not in ABOUT_HOSTS and "oxide/_providers/" not in place(path)]
    found = lines_with(re.compile("|".join(MAKERS), re.IGNORECASE), TEXTS) + lines_with(re.compile("|".join(HOST), re.IGNORECASE), others)
    assert not found, "how a text came about has no place in it:\n" + "\n".join(found)
