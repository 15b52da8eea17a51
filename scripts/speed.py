"""`beamgym speed`: rates of the simulators and environments, and of a peer measured in the same run."""

import difflib
import json
import math
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
from beamgym.scripts.speeds.history import append_run, compared, read_history
from beamgym.scripts.speeds.machine import machine_name
from beamgym.scripts.speeds.training import phases_of, trained, training_table

KEYS = (
    *("name", "value", "unit", "peer", "peer_value", "ratio"),
    *("all_cores", "threads", "yardstick", "why", "machine"),
)
"""Of a row, as ``--json`` writes them."""

_FILE_COLUMNS = 120  # of what is no terminal

_AS_IT_IS: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}
"""How a line is printed that may hold square brackets, as "pip install 'beamgym[ioc]'"."""


def speed_command(
    only: Annotated[str | None, typer.Option(help="Rows, with commas between: " + ", ".join(CASES))] = None,
    seed: Annotated[int, typer.Option(help="Of the orientations, crystals and moves.", min=0)] = 0,
    repeats: Annotated[int, typer.Option(help="A rate is the median of so many.", min=1)] = 7,
    seconds: Annotated[float, typer.Option(help="CPU seconds of each repeat.", min=0.0)] = 0.7,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows here, after each.")] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="Append the ratios to this file; fails where one has fallen by more than a third."),
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="Instead: where the CPU time of every shipped training goes.")
    ] = False,
) -> None:
    """Measure how fast the simulators and environments are."""
    check_output(json_file)
    check_output(history)
    if not math.isfinite(seconds):
        raise ValueError(f"--seconds is {seconds}; give the CPU seconds of a repeat, such as 0.7")
    if training:
        if only is not None or history is not None:
            raise ValueError("--training measures no rows; leave out --only and --history")
        _trainings(seed, repeats * seconds, json_file)
        return
    runs = [] if history is None else read_history(history)
    rows = _measured(_named(only), seed, repeats, seconds, json_file)
    machine = machine_name()
    _show(rows, machine, repeats, seconds)
    faults = [] if history is None else _set_down(history, runs, rows, machine)
    failed = [row["name"] for row in rows if row["unit"] is None]
    if failed:
        faults.append(f"{rows_word(failed)} could not be measured: {', '.join(failed)}; the table says why")
    if faults:
        raise OSError("; ".join(faults))


def _set_down(history: Path, runs: list[dict[str, Any]], rows: list[dict[str, Any]], machine: str) -> list[str]:
    """Compare with the runs before, say which rows could not be, and append this run; returns what has fallen."""
    comparison = compared(runs, rows)
    for name, why in comparison.left_out.items():
        _console().print(f"not compared: {name}: {why}", **_AS_IT_IS)
    append_run(history, rows, machine, list(comparison.fallen))
    words = ", ".join(f"{name} to {100 * share:.0f} %" for name, share in comparison.fallen.items())
    return [f"slower than the runs before in {history}, by ratios: {words}"] if words else []


def _trainings(seed: int, seconds: float, json_file: Path | None) -> None:
    console = _console()
    rows: list[dict[str, Any]] = []
    with Progress(TextColumn("{task.description}"), console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("")
        for env_id in trained():
            progress.update(bar, description=env_id)
            rows += phases_of(env_id, seconds, seed)
    console.print(training_table(rows))
    console.print(machine_name(), style="dim", **_AS_IT_IS)
    console.print("Shares of CPU time, environments and torch on one thread each.", style="dim", soft_wrap=True)
    if json_file is not None:
        write_json(json_file, rows)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=_FILE_COLUMNS)


def rows_word(names: list[str]) -> str:
    """Return the word for so many rows."""
    return "a row" if len(names) == 1 else f"{len(names)} rows"


def _measured(
    names: list[str], seed: int, repeats: int, seconds: float, json_file: Path | None
) -> list[dict[str, Any]]:
    """Measure rows, and keep after each what there is: a run takes long, and may be ended early."""
    rows = list[dict[str, Any]]()
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
            if json_file is not None:
                write_json(json_file, rows)
            if not sys.stderr.isatty():
                typer.echo(_finished(rows[-1], len(rows), len(names)), err=True)
    return rows


def _finished(row: dict[str, Any], number: int, of: int) -> str:
    """Return what is said of a row when it has been measured, where no bar shows that."""
    said = f"{_rounded(row['value'])} {row['unit']}" if row["value"] is not None else row["why"]
    return f"{number} of {of}: {row['name']}: {said}"


def _show(rows: list[dict[str, Any]], machine: str, repeats: int, seconds: float) -> None:
    console = _console()
    console.print(table(rows))
    for row in rows:
        if row["why"]:
            console.print(f"{row['name']}: {row['why']}", **_AS_IT_IS)
    each = f"{seconds:g} s" if seconds > 0.0 else "one call"
    console.print(machine, style="dim", **_AS_IT_IS)
    console.print(
        f"Rates per second of CPU time of one thread, each row in a process of its own; "
        f"{f'median of {repeats} repeats' if repeats > 1 else 'one repeat'} of {each}. All cores, guard_step_ms, "
        "deploy_*_s, mosaic_200_frames_s and import_s: by the clock; all cores the best repeat.",
        style="dim",
        **_AS_IT_IS,
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


def _named(only: str | None) -> list[str]:
    """Return the rows to measure, each once."""
    if only is None:
        return list(CASES)
    names = [name for name in (word.strip() for word in only.split(",")) if name]
    if not names:
        raise ValueError(f"--only {only!r} names no row; there are {', '.join(CASES)}")
    return list(dict.fromkeys(_known(name) for name in names))


def _known(name: str) -> str:
    if name in CASES:
        return name
    close = difflib.get_close_matches(name, CASES, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? `beamgym speed --help` names them all" if close else ""
    raise ValueError(f"unknown row {name!r}; {hint or 'there are ' + ', '.join(CASES)}")


def _rounded(rate: float | None) -> str:
    return "" if rate is None else f"{rate:,.0f}" if rate >= 100.0 else f"{rate:.2g}"


if __name__ == "__main__":
    run(speed_command)
