"""The results as Markdown: tables without dates, the goals beside the figures, and whether they are met."""

from __future__ import annotations

import importlib.metadata
import math
import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .scenarios import Line

SECTIONS = {
    "cpu": "CPU per call, microseconds",
    "fan-out": "A thousand at once (asyncio, a fresh process each)",
    "delay": "From the moment the server sends the first event to user code, microseconds",
    "start": "A fresh process (best of the rounds)",
    "count": "Counts",
    "wall": "Wall time per call, microseconds",
}
PREFACE = """# Results

Made by `{command}`: {python}, openai {openai}, h2 {h2}, {rounds} rounds.

Everything here comes from one run. The server is a process of its own on the other core; each competitor is a process of its own too,
and they take turns within every round. CPU is that of all threads of the client's process. Figures are medians over the rounds; `x floor`
is the median of the ratios taken within each round. Every answer is compared with the one that must come. The *floor* is code written
by hand for this one purpose (`bench/floors.py`): a bare socket, a bare `asyncio.Protocol`, and for HTTP/2 the h2 package on a TLS socket,
with `json` and nothing else. *Reach* and *aim* are the goals for oxide: times the floor (x), or the figure itself.

What hedging does to the slowest calls has a page of its own, made by `python -m bench.hedging`: [HEDGING.md](HEDGING.md).
"""


def markdown(lines: Sequence[Line], command: str, rounds: int) -> str:
    """The whole document."""
    preface = PREFACE.format(
        command=command,
        python=f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}",
        openai=version("openai"),
        h2=version("h2"),
        rounds=rounds,
    )
    tables = [table(title, [line for line in lines if line.section == key]) for key, title in SECTIONS.items()]
    return "\n".join([preface, *(text for text in tables if text)])


def table(title: str, lines: Sequence[Line]) -> str:
    """One section; nothing when it has no line."""
    if not lines:
        return ""
    rows = [
        f"## {title}\n",
        "| | floor | oxide | x floor | reach | aim | | openai | x floor | x oxide |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|---:|",
    ]
    rows += ["| " + " | ".join(row(line)) + " |" for line in lines]
    return "\n".join(rows) + "\n"


def row(line: Line) -> list[str]:
    values, ratios, target = line.values, line.ratios, line.target
    ours, official = values.get("oxide"), values.get("openai")
    goals = ["", "", ""]
    if target is not None:
        sign = "x" if target.ratio else ""
        aim = "" if target.aim is None else f"{target.aim:g}{sign}"
        goals = [f"{target.reach:g}{sign}", aim, target.verdict(ours, ratios.get("oxide"))]
    versus = official / ours if official and ours else None
    return [
        line.work,
        figure(values.get("floor")),
        figure(ours),
        ratio(ratios.get("oxide")),
        *goals,
        figure(official),
        ratio(ratios.get("openai")),
        ratio(versus),
    ]


def figure(value: float | None) -> str:
    if value is None:
        return "-"
    if math.isnan(value):
        return "failed"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def ratio(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.0f}" if value >= 20 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
