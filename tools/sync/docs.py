"""What `docs.toml` says about resources, methods and parameters, as docstrings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .layout import read_table

HERE = Path(__file__).parent


class Docs:
    """One-line descriptions, in our own words."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.table = table

    @classmethod
    def read(cls, path: Path = HERE / "docs.toml") -> Docs:
        """Read the committed descriptions."""
        return cls(read_table(path))

    def resource(self, path: str) -> str:
        """Return the sentence about an object of the client."""
        text: str = self.table["resource"][path]
        return text

    def method(self, call: str, parameters: list[str]) -> str:
        """Return the docstring of a method, with a line for each parameter that has one."""
        entry = self.table["method"][call]
        known = {**self.table["parameter"], **entry.get("parameter", {})}
        rows = [f"            {name}: {known[name]}" for name in parameters if name in known]
        if not rows:
            return f'        """{entry["text"]}"""\n'
        return f'        """{entry["text"]}\n\n        Args:\n' + "\n".join(rows) + '\n        """\n'
