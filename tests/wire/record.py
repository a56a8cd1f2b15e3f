"""`python -m tests.wire.record` writes the table of expectations, from what the installed official library sends.

Run it after the facts have changed, or after the official library was renewed, and read the difference.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from tests.wire.arguments import Arguments
from tests.wire.calls import FILE, call, freeze, method_of, request_of
from tests.wire.recorder import Recorder
from tools.sync.facts import Facts

OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout"}


def main() -> None:
    """Call every method with every set of arguments; write the table."""
    import openai

    maker = Arguments(Facts.read())
    rows: list[Any] = []
    with Recorder() as recorder, openai.OpenAI(base_url=recorder.url, api_key="key", admin_api_key="admin", max_retries=0) as client:
        for path in maker.calls:
            try:
                signature = inspect.signature(method_of(client, path))
            except AttributeError:
                print(f"{path} is not in the official library")
                continue
            rows += recorded(recorder, client, maker, path, [p for p in signature.parameters.values() if p.name not in OPTIONS])
    for lack in maker.lacking:
        print(f"no type known of {lack}")
    text = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    FILE.write_text(f'{{"version":"{openai.__version__}","calls":[\n{text}\n]}}\n', "utf-8")
    print(f"{len({row[0] for row in rows})} methods, {len(rows)} calls, {FILE.stat().st_size} bytes")


def recorded(recorder: Recorder, client: Any, maker: Arguments, path: str, parameters: list[inspect.Parameter]) -> list[Any]:
    """Return the rows of one method; the set of the required arguments gives by position what can be given so."""
    names = [p.name for p in parameters]
    required = [p.name for p in parameters if p.default is p.empty]
    found: list[Any] = []
    for title, given in maker.sets(path, names, required).items():
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] if title == "required" else []
        row = [path, title, positional, freeze(given), None]
        try:
            call(client, row)
        except Exception as error:
            print(f"{path} ({title}) is refused: {type(error).__name__}: {error}")
        if requests := recorder.take():
            found.append([*row[:4], request_of(title, requests)])
    return found


if __name__ == "__main__":
    main()
