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
from beamgym.scripts.speeds.history import append_run, fallen_rows, read_history
from beamgym.scripts.speeds.machine import machine_name
from beamgym.scripts.speeds.training import phases_of, trained, training_table

KEYS = (
    *("name", "value", "unit", "peer", "peer_value", "ratio"),
    *("all_cores", "threads", "yardstick", "why", "machine"),
)
"""Of a row, as ``--json`` writes them."""

_FILE_COLUMNS = 120  # of what is no terminal


def speed_command(
    only: Annotated[str | None, typer.Option(help="Rows, with commas between: " + ", ".join(CASES))] = None,
    seed: Annotated[int, typer.Option(help="Of the orientations, crystals and moves.", min=0)] = 0,
    repeats: Annotated[int, typer.Option(help="A rate is the median of so many.", min=1)] = 7,
    seconds: Annotated[float, typer.Option(help="CPU seconds of each repeat.", min=0.0)] = 0.7,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows here.")] = None,
    history: Annotated[
        Path | None, typer.Option(help="Append the ratios here; fails where one has fallen by more than a third.")
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="Instead: where the CPU time of every shipped training goes.")
    ] = False,
) -> None:
    """Measure how fast the simulators and environments are."""
    check_output(json_file)
    check_output(history)
    if training:
        if only is not None or history is not None:
            raise ValueError("--training measures no rows; leave out --only and --history")
        _trainings(seed, repeats * seconds, json_file)
        return
    runs = [] if history is None else read_history(history)
    names = list(CASES) if only is None else [_known(name.strip()) for name in only.split(",")]
    rows = _measured(names, seed, repeats, seconds)
    machine = machine_name()
    _show(rows, machine, repeats, seconds)
    if json_file is not None:
        write_json(json_file, rows)
    if history is not None:
        fallen = fallen_rows(runs, rows)
        append_run(history, rows, machine, list(fallen))
        if fallen:
            words = ", ".join(f"{name} to {100 * share:.0f} %" for name, share in fallen.items())
            raise ValueError(f"slower than the runs before in {history}, by ratios: {words}")
    failed = [row["name"] for row in rows if row["unit"] is None]
    if failed:
        raise OSError(f"{rows_word(failed)} could not be measured: {', '.join(failed)}; the table says why")


def _trainings(seed: int, seconds: float, json_file: Path | None) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=_FILE_COLUMNS)
    rows: list[dict[str, Any]] = []
    with Progress(TextColumn("{task.description}"), console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("")
        for env_id in trained():
            progress.update(bar, description=env_id)
            rows += phases_of(env_id, seconds, seed)
    console.print(training_table(rows))
    console.print(machine_name(), style="dim", highlight=False, soft_wrap=True)
    console.print("Shares of CPU time, environments and torch on one thread each.", style="dim", soft_wrap=True)
    if json_file is not None:
        write_json(json_file, rows)


def rows_word(names: list[str]) -> str:
    """Return the word for so many rows."""
    return "a row" if len(names) == 1 else f"{len(names)} rows"


def _measured(names: list[str], seed: int, repeats: int, seconds: float) -> list[dict[str, Any]]:
    rows = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(names))
        for name in names:
            progress.update(bar, description=name)
            try:
                rows.append(measured_apart(name, seed, repeats, seconds))
            except OSError as error:
                rows.append({**dict.fromkeys(KEYS), "name": name, "why": str(error)})
            progress.advance(bar)
    return rows


def _show(rows: list[dict[str, Any]], machine: str, repeats: int, seconds: float) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=_FILE_COLUMNS)
    console.print(table(rows))
    for row in rows:
        if row["why"]:
            console.print(f"{row['name']}: {row['why']}", highlight=False, soft_wrap=True)
    console.print(machine, style="dim", highlight=False, soft_wrap=True)
    console.print(
        f"Rates per second of CPU time of one thread, each row in a process of its own; median of {repeats} repeats of "
        f"{seconds:g} s. All cores: per second on the clock, the best repeat.",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )


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
        raise OSError(f"could not be measured: {last}")
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def table(rows: list[dict[str, Any]]) -> Table:
    """Return the rows for reading."""
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("row", "rate", "unit", "all cores", "peer", "peer's rate", "ratio"):
        justify: Literal["left", "right"] = "left" if heading in ("row", "unit", "peer") else "right"
        out.add_column(heading, justify=justify, no_wrap=heading != "peer")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2g}" if row["ratio"] < 1.0 else f"{row['ratio']:.1f}"
        numbers = _rounded(row["value"]), row["unit"], _rounded(row["all_cores"])
        out.add_row(row["name"], *numbers, row["peer"], _rounded(row["peer_value"]), ratio)
    return out


def _known(name: str) -> str:
    if name in CASES:
        return name
    (nearest,) = difflib.get_close_matches(name, CASES, n=1, cutoff=0.0)
    raise ValueError(f"unknown row {name!r}; did you mean {nearest!r}? `beamgym speed --help` names them all")


def _rounded(rate: float | None) -> str:
    return "" if rate is None else f"{rate:,.0f}" if rate >= 100.0 else f"{rate:.2g}"


if __name__ == "__main__":
    run(speed_command)
