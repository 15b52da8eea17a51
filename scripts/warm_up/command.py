"""`beamgym warm-up`: compiles what environments, demo and deployments need, once for this machine, and says so."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output
from beamgym.scripts.warm_up.parts import Part, parts


def warm_up_command(
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write parts, functions compiled and seconds here, after each part.")
    ] = None,
) -> None:
    """Compile what the environments, the demo and deployments need, so that their first use does not wait for it."""
    check_output(json_file)
    console, rows, todo = Console(), list[dict[str, Any]](), parts()
    try:
        for name, part in todo.items():
            rows.append({"name": name, **timed(part)})
            console.print(line(rows[-1]), highlight=False, markup=False, soft_wrap=True)
            if json_file is not None:
                write_json(json_file, rows)
    except KeyboardInterrupt:
        done = f"ended after {len(rows)} of {len(todo)} parts"
        console.print(f"{done}; what was compiled is kept, and need not be compiled again", highlight=False)
        raise
    total, kernels = sum(row["seconds"] for row in rows), sum(row["compiled"] for row in rows)
    console.print(
        f"{kernels} functions compiled in {total:.0f} s, kept in {kept_in()}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def timed(part: Part) -> dict[str, Any]:
    """Do a part; return how many functions it compiled, the seconds it took, and why it could not be done, or None."""
    from numba.core.event import install_recorder

    begun, why = time.perf_counter(), None
    with install_recorder("numba:compile") as seen:
        try:
            part()
        except ImportError as error:  # an extra that is not installed
            why = str(error)
    compiled = sum(event.is_start for _, event in seen.buffer)
    return {"compiled": compiled, "seconds": round(time.perf_counter() - begun, 2), "why": why}


def line(row: dict[str, Any]) -> str:
    """Return what is said of a part."""
    if row["why"]:
        return f"left out   {row['name']}: {row['why']}"
    compiled = f"compiled {row['compiled']}" if row["compiled"] else "nothing to compile"
    return f"{row['seconds']:7.1f} s  {row['name']}: {compiled}"


def kept_in() -> Path:
    """Return the folder under which numba keeps the compiled kernels: the package itself where it can be written to."""
    from beamgym.physics.laue.pattern import panel_frame

    folder = Path(panel_frame.stats.cache_path)
    return folder.parents[3] if folder.name == "__pycache__" else folder.parent
