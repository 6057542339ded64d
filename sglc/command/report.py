"""Results for people: tables on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sglc.result import Result
from sglc.runtime.engine.request import Stats

_WIDEST_CELL = 56


def results_console() -> Console:
    """Standard output, as wide as the terminal; 120 columns where it is none."""
    return Console(width=None if sys.stdout.isatty() else 120)


def row_json(number: int, result: Result) -> str:
    """One row as one line of JSON."""
    error = result.error()
    return json.dumps(
        {
            "row": number,
            "text": "" if error else result.text(),
            "variables": result.variables,
            "meta": result.meta,
            "error": None if error is None else str(error),
        },
        ensure_ascii=False,
        default=str,
    )


def print_results(console: Console, results: Sequence[Result | None]) -> None:
    """A table with a line for each row that is done and a column for each variable."""
    done = [(number, result) for number, result in enumerate(results) if result is not None]
    names = list(dict.fromkeys(name for _, result in done for name in result.variables))
    if len(done) == 1 and done[0][1].error() is None:
        console.print(Text(done[0][1].text()))
    table = Table(show_lines=any(isinstance(v, list) for _, result in done for v in result.variables.values()))
    table.add_column("row", justify="right")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    failed = any(result.error() for _, result in done)
    if failed:
        table.add_column("error", overflow="fold")
    for number, result in done:
        error = result.error()
        cells = [_cell(result.variables.get(name)) for name in names]
        table.add_row(str(number), *cells, *([Text(str(error or ""))] if failed else []))
    console.print(table)


def _cell(value: Any) -> Text:
    """A value on one line; a list of longer texts on a line each."""
    if value is None:
        return Text("")
    if isinstance(value, list):
        items = [_short(str(item), _WIDEST_CELL) for item in cast("list[Any]", value)]
        return Text((", " if sum(map(len, items)) < _WIDEST_CELL else "\n").join(items))
    return Text(_short(str(value), _WIDEST_CELL))


def _short(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def print_savings(console: Console, stats: Stats) -> None:
    """What sharing saved: prompt tokens that each request and each choice would have prefilled alone, against what was."""
    without = stats.prompt_tokens + stats.shared_tokens
    shared = stats.prefilled_tokens + stats.speculated_tokens
    table = Table(title="Prompt tokens prefilled")
    table.add_column("without sharing", justify="right")
    table.add_column("compiled", justify="right")
    table.add_column("saved", justify="right")
    saved = f"{1 - shared / without:.1%}" if without else "-"
    table.add_row(f"{without:,}", f"{shared:,}", saved)
    console.print(table)
    console.print(
        f"decoded {stats.decoded_tokens:,} tokens, {stats.forced_tokens:,} more were forced; "
        f"{stats.forward_passes:,} forward passes; KV pool at most {stats.kv_tokens_peak:,} tokens",
        highlight=False,
    )
