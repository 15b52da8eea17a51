"""Runs the parts of the suite that were asked for, and prints their tables and bars."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.physics.jobs import InProcess, OnRay, Processes
from beamgym.scripts.engine_suite.kinds import JobKind, begun, kinds, spread, timed
from beamgym.scripts.engine_suite.local_nodes import local_nodes
from beamgym.scripts.engine_suite.measuring import Share, clocked, megabyte, overhead
from beamgym.scripts.engine_suite.model import modelled
from beamgym.scripts.rates import Bar, bars_table

OVERHEAD_MS, TWO_NODES = 5.0, 1.8
"""The bars."""
EMPTY, LARGE = 2000, 100
"""Jobs without work; jobs whose result is a megabyte."""
ONE_NODE_S = 40.0
"""About so long one node works on each kind of job."""
MODELLED, WORK_S = (1, 10, 100, 1000), 600.0
"""Workers of the model, and about how long each of them works."""
TIMED = 12
"""Jobs of each kind whose time is taken."""


def run_suite(options: Mapping[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Measure, print the tables and return the figures.

    Parameters
    ----------
    options : "part" (overhead, nodes, model; all by default)
    seed : of the data sets and episodes
    console : where the tables go

    Raises
    ------
    ValueError : an unknown part
    ImportError : a part needs Ray, which is not installed
    """
    names = list(dict.fromkeys(options.get("part") or PARTS))
    for name in names:
        if name not in PARTS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join(PARTS)}")
    figures: dict[str, Any] = {"suite": "engine", "seed": seed, "cores": os.cpu_count(), "parts": {}}
    bars: list[Bar] = []
    for name in names:
        figures["parts"][name], more = PARTS[name](seed, console)
        bars += more
    if bars:
        console.print(bars_table(bars))
    return figures | {"bars": [bar.as_dict() for bar in bars]}


Part = tuple[dict[str, Any], list[Bar]]


def _overhead(seed: int, console: Console) -> Part:
    both = min(2, os.cpu_count() or 1)
    rows = [overhead("in this process", InProcess(), 1, EMPTY)]
    rows += [overhead(f"processes, {n}", Processes(n), n, EMPTY) for n in range(1, both + 1)]
    rows.append(overhead("processes, 1, 1 MB each", Processes(1), 1, LARGE, megabyte))
    with local_nodes() as nodes:
        ray = OnRay(nodes.address)
        rows.append(overhead("Ray, one node", ray, 1, EMPTY))
        rows.append(overhead("Ray, one node, 1 MB each", ray, 1, LARGE, megabyte))
    out = _table("what a job costs besides its work", "place", "jobs", "jobs/s", "ms a job", "driver, CPU ms a job")
    for row in rows:
        out.add_row(row.place, str(row.jobs), f"{row.per_s:.0f}", f"{row.per_job_ms:.2f}", f"{row.driver_ms:.2f}")
    console.print(out)
    bars = [_most(f"{row.place}: ms a job", row.per_job_ms) for row in rows if "MB" not in row.place]
    return {"rows": [row.as_dict() for row in rows]}, bars


def _most(figure: str, reached: float) -> Bar:
    return Bar(figure, f"≤ {OVERHEAD_MS:g}", f"{reached:.2f}", reached <= OVERHEAD_MS)


def _nodes(seed: int, console: Console) -> Part:
    measured = [timed(kind, 3) for kind in kinds(seed)]
    amounts = [max(4, 2 * round(ONE_NODE_S / spread(kind.seconds)[0] / 2)) for kind in measured]
    with local_nodes() as nodes:
        ray = OnRay(nodes.address)
        alone = [clocked(ray, kind, jobs, 1) for kind, jobs in zip(measured, amounts, strict=True)]
        nodes.add()
        both = [clocked(ray, kind, jobs, 6) for kind, jobs in zip(measured, amounts, strict=True)]
    shares = [
        Share(kind.name, jobs, one[0], two[0], one[1] == two[1])
        for kind, jobs, one, two in zip(measured, amounts, alone, both, strict=True)
    ]
    out = _table("two nodes of one core each against one", "work", "jobs", "one, s", "two, s", "ratio", "same bytes")
    for share in shares:
        times = f"{share.one_s:.1f}", f"{share.two_s:.1f}", f"{share.ratio:.2f}"
        out.add_row(share.name, str(share.jobs), *times, "yes" if share.same else "NO")
    console.print(out)
    bars = []
    for share in shares:
        met = share.ratio >= TWO_NODES
        bars.append(Bar(f"{share.name}: two nodes over one", f"≥ {TWO_NODES} ×", f"{share.ratio:.2f} ×", met))
        bars.append(Bar(f"{share.name}: same bytes", "yes", "yes" if share.same else "no", share.same))
    return {"rows": [share.as_dict() for share in shares]}, bars


def _model(seed: int, console: Console) -> Part:
    measured = [begun(timed(kind, TIMED)) for kind in kinds(seed)]
    with local_nodes() as nodes:
        ray = OnRay(nodes.address)
        small, large = overhead("Ray", ray, 1, EMPTY), overhead("Ray", ray, 1, LARGE, megabyte)
    per_mb = max(large.driver_ms - small.driver_ms, 0.0)
    driver = f"driver {small.driver_ms:.2f} ms a job and {per_mb:.2f} ms a MB that it writes"
    out = _table(f"the model: {WORK_S:g} s of work for each worker; {driver}", *COLUMNS)
    figures: dict[str, Any] = {"driver_ms": small.driver_ms, "driver_ms_per_mb": per_mb, "kinds": {}}
    for kind in measured:
        ways = {"workers": small.driver_ms} | (
            {"driver": small.driver_ms + kind.megabytes * per_mb} if kind.megabytes else {}
        )
        rows = [
            {"written_by": way, **_row(kind, way, ms / 1e3, workers, out)}
            for way, ms in ways.items()
            for workers in MODELLED
        ]
        figures["kinds"][kind.name] = {
            "seconds": list(kind.seconds),
            "start_s": kind.start_s,
            "megabytes": kind.megabytes,
            "rows": rows,
        }
    console.print(out)
    return figures, []


COLUMNS = ("job", "start, s", "s a job", "written by", "workers", "efficiency", "driver", "MB/s", "bottleneck", "most")


def _row(kind: JobKind, way: str, driver_s: float, workers: int, out: Table) -> dict[str, Any]:
    """Model one number of workers, add it to the table and return it for JSON."""
    mean, least, most = spread(kind.seconds)
    found = modelled(kind, driver_s, workers, workers * max(round(WORK_S / mean), 1))
    out.add_row(
        kind.name,
        f"{kind.start_s:.1f}",
        f"{mean:.2f} ({least:.2f}–{most:.2f})",
        way,
        f"{workers:,}",
        f"{100 * found.efficiency:.1f} %",
        f"{100 * found.driver:.1f} %",
        f"{found.mb_per_s:.0f}",
        found.bottleneck,
        f"{found.most:,.0f}",
    )
    return {**vars(found), "bottleneck": found.bottleneck}


def _table(title: str, *headings: str) -> Table:
    out = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        out.add_column(heading, justify="right" if number else "left", no_wrap=True)
    return out


PARTS: dict[str, Callable[[int, Console], Part]] = {"overhead": _overhead, "nodes": _nodes, "model": _model}
"""Every part: it takes the seed and where tables go, and returns figures and bars."""
