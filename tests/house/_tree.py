"""The tree as the house rules see it: modules of the library, and what each imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeGuard

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "oxide"
HAND_WRITTEN = ("oxide", "tools", "tests", "fuzz", "bench", "examples")


class Import(NamedTuple):
    """One imported module, by its absolute name, the line that asks for it, and whether only checkers ever run that line."""

    name: str
    line: int
    for_checkers: bool


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below the folders (below all of ours, when none is named)."""
    return sorted(path for folder in folders or HAND_WRITTEN for path in (ROOT / folder).rglob("*.py"))


def generated(path: Path) -> bool:
    """Tell whether the file says in its first three lines that it was generated."""
    return "generated" in "".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:3]).lower()


def place(path: Path, line: int = 0) -> str:
    """Return "oxide/_json.py:12", which editors and terminals know how to open."""
    name = path.relative_to(ROOT).as_posix()
    return f"{name}:{line}" if line else name


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def modules() -> dict[str, Path]:
    """Return every module of the library by its absolute name."""
    found: dict[str, Path] = {}
    for path in LIBRARY.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(module: str) -> list[Import]:
    """Return what a module of the library imports: at its top, inside functions and under TYPE_CHECKING alike."""
    path = modules()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = tree_of(path)
    guarded = {inner for node in ast.walk(tree) if _for_checkers(node) for part in node.body for inner in ast.walk(part)}
    return [
        Import(name, node.lineno, node in guarded)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in _named_by(node, package)
    ]


def _for_checkers(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _named_by(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    """`from . import a` names the module `a` if there is one, and the package itself otherwise."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    above = package.rsplit(".", node.level - 1)[0] if node.level else ""
    source = ".".join(part for part in (above, node.module) if part)
    return [name if (name := f"{source}.{alias.name}") in modules() else source for alias in node.names]
