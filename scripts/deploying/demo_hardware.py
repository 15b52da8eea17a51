"""`make demo-hardware`: the usual policy aligns silicon over EPICS Channel Access, on a practice instrument."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.command_line import run
from beamgym.scripts.deploying.waiting import telling_seconds

INSTRUMENT = "laue_soft_ioc"
SPEED = 20.0
"""Motors and exposures that many times faster than real ones, so that the show takes half a minute."""


def demonstrate(
    seed: Annotated[int, typer.Option(help="Of the crystal's mount.")] = 0,
    speed: Annotated[float, typer.Option(help="How many times faster than real motors and exposures.")] = SPEED,
    policy: Annotated[str, typer.Option(help="A bundle or a baseline; the usual policy if left out.")] = "",
    out: Annotated[Path, typer.Option(help="Folder of the results; made where it is missing.")] = Path("out"),
) -> None:
    """Start the practice instrument, deploy a policy on it, and compare with the emulator's truth."""
    try:
        import beamgym.hardware_bridge.practice.soft_ioc  # noqa: F401
        from beamgym.hardware_bridge.practice import IocProcess
    except ImportError as error:
        raise ValueError(str(error)) from None
    words = ["deploy", "--instrument", INSTRUMENT, "--confirm", "never", "--yes", "--out", str(out)]
    words += ["--open-page", "--page-port", "0"]
    words[1:1] = [policy] if policy else []
    typer.echo("starting the practice instrument; the first start compiles its simulation, which takes a minute")
    ioc = IocProcess("laue", seed=seed, speed=speed)
    with closing(ioc):
        with telling_seconds("compiling and starting", typer.echo):
            ioc.start()
        typer.echo(f"the practice instrument answers on loopback port {ioc.port}")
        command = [sys.executable, "-m", "beamgym.scripts.main", *words]
        # A client needs none of the server's variables, and libca complains of them.
        client = {name: value for name, value in ioc.environment.items() if not name.startswith("EPICS_CAS_")}
        code = subprocess.run(command, env={**os.environ, **client}, check=False).returncode
        truth = ioc.truth()
    typer.echo(
        f"the emulator's own truth: {truth['misorientation_deg']:.3f}° from the target "
        f"(tolerance {truth['tolerance_deg']:g}°), shutter {'OPEN' if truth['shutter_open'] else 'closed'}, "
        f"motors moving: {', '.join(truth['moving']) or 'none'}"
    )
    raise SystemExit(code or (0 if truth["inside"] else 1))


if __name__ == "__main__":
    run(demonstrate)
