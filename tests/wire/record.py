"""`python -m tests.wire.record` writes the table of expectations, from what the installed official library sends.

Run it after the facts have changed, or after the official library was renewed, and read the difference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.wire.arguments import Arguments
from tests.wire.calls import FILE, call, freeze, thaw
from tests.wire.recorder import Recorder
from tools.sync.facts import Facts

METHODS = Path(__file__).parents[2] / "tools" / "sync" / "official.json"


def main(path: Path = METHODS) -> None:
    """Call every method with every set of arguments; write the table."""
    import openai

    methods = json.loads(path.read_text("utf-8"))
    maker = Arguments(Facts.read())
    rows: list[Any] = []
    with Recorder() as recorder, openai.OpenAI(base_url=recorder.url, api_key="key", admin_api_key="admin", max_retries=0) as client:
        for method in sorted(methods, key=lambda m: m["path"]):
            for title, given in maker.sets(method).items():
                positional = method["positional"] if title == "required" else []
                arguments = thaw(freeze(given))
                try:
                    call(client, method["path"], positional, arguments)
                except Exception as error:
                    print(f"{method['path']} ({title}) is refused: {type(error).__name__}: {error}")
                seen = recorder.take()
                if len(seen) == 1:
                    rows.append([method["path"], title, positional, freeze(given), seen[0].facts()])
    for lack in maker.lacking:
        print(f"no type known of {lack}")
    text = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    FILE.write_text(f'{{"version":"{openai.__version__}","calls":[\n{text}\n]}}\n', "utf-8")
    print(f"{len(methods)} methods, {len(rows)} calls, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
