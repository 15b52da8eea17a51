"""`beamgym speed`: rates of the simulators and environments, and of a peer measured in the same run."""

import difflib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from beamgym.physics.files import write_json
from beamgym.scripts.command_line import ONE_THREAD, check_output, run
from beamgym.scripts.speeds.cases import CASES


def speed_command(
    only: Annotated[str | None, typer.Option(help="One row: " + ", ".join(CASES))] = None,
    seed: Annotated[int, typer.Option(help="Of the orientations, crystals and moves.", min=0)] = 0,
    repeats: Annotated[int, typer.Option(help="A rate is the median of so many.", min=1)] = 7,
    seconds: Annotated[float, typer.Option(help="CPU seconds of each repeat.", min=0.0)] = 0.7,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows here.")] = None,
) -> None:
    """Measure how fast the simulators and environments are."""
    check_output(json_file)
    names = [_known(only)] if only is not None else list(CASES)
    rows = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(names))
        for name in names:
            progress.update(bar, description=name)
            rows.append(measured_apart(name, seed, repeats, seconds))
            progress.advance(bar)
    console = Console()
    console.print(table(rows))
    console.print(
        f"CPU time of one thread, each row in a process of its own; median of {repeats} repeats of {seconds:g} s",
        style="dim",
        highlight=False,
    )
    if json_file is not None:
        write_json(json_file, rows)


def measured_apart(name: str, seed: int, repeats: int, seconds: float) -> dict[str, Any]:
    """Return one row, measured in a fresh process with one thread.

    Raises
    ------
    OSError : when that process fails; the line is its last
    """
    words = [sys.executable, "-m", "beamgym.scripts.speeds.row", name, str(seed), str(repeats), str(seconds)]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise OSError(f"the row {name} could not be measured: {last}")
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def table(rows: list[dict[str, Any]]) -> Table:
    """Return the rows for reading."""
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("row", "rate", "unit", "peer", "peer's rate", "ratio"):
        justify: Literal["left", "right"] = "right" if heading in ("rate", "peer's rate", "ratio") else "left"
        out.add_column(heading, justify=justify, no_wrap=heading != "peer")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.1f}"
        out.add_row(row["name"], _rounded(row["value"]), row["unit"], row["peer"], _rounded(row["peer_value"]), ratio)
    return out


def _known(name: str) -> str:
    if name in CASES:
        return name
    close = difflib.get_close_matches(name, CASES, n=1, cutoff=0.3)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(CASES)}"
    raise ValueError(f"unknown row {name!r}; {hint}")


def _rounded(rate: float | None) -> str:
    return "" if rate is None else f"{rate:,.0f}" if rate >= 100.0 else f"{rate:.2g}"


if __name__ == "__main__":
    run(speed_command)
