"""`beamgym ioc`: serve the simulated instrument over EPICS Channel Access, to practise on."""

import json
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from beamgym.physics.files import write_text
from beamgym.scripts.command_line import check_output, run
from beamgym.scripts.deploying.waiting import telling_seconds


def ioc_command(
    kind: Annotated[str, typer.Argument(help="What to serve: laue, arpes or a kind of your own.")],
    prefix: Annotated[str, typer.Option(help="Beginning of every PV name.")] = "bgym:",
    port: Annotated[int, typer.Option(help="TCP and UDP port.")] = 5064,
    seed: Annotated[int, typer.Option(help="Seed of the sample, as an environment's reset(seed=...) takes it.")] = 0,
    level: Annotated[
        str, typer.Option(help="Imperfections: easy, real, hard, harsh or dim (laue), or its file.")
    ] = "real",
    speed: Annotated[float, typer.Option(help="Motors and exposures are that many times faster.")] = 1.0,
    fast: Annotated[bool, typer.Option("--fast", help="Motors and exposures take no time.")] = False,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="NAME=VALUE of the environment, as goniometer=psic.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Append what happens to this file, as JSON lines.")] = None,
    state: Annotated[Path | None, typer.Option(help="Keep the hardware's state here, and go on from it.")] = None,
    address: Annotated[str, typer.Option(help="Address to listen on; anything but loopback is open to others.")] = (
        "127.0.0.1"
    ),
    repeater_port: Annotated[int, typer.Option(help="Port to which beacons are sent.")] = 5065,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the PV names here.")] = None,
) -> None:
    """Serve motors, camera, shutter and faults of a simulated instrument until Ctrl-C."""
    for path in (record, state, json_file):
        check_output(path)
    soft_ioc = _bridge()
    options = soft_ioc.IocOptions(
        kind=kind,
        prefix=prefix,
        address=address,
        port=port,
        repeater_port=repeater_port,
        seed=seed,
        speed=soft_ioc.FAST if fast else speed,
        record=None if record is None else str(record),
        state=None if state is None else str(state),
        environment={"level": level, **dict(_read(word) for word in option or ())},
    )

    def tell(ioc: Any) -> None:
        waiting.close()
        if json_file is not None:
            write_text(json_file, json.dumps(sorted(ioc.channels), indent=2) + "\n")
        typer.echo(f"{kind}: {len(ioc.channels)} PVs {prefix}... on {address}:{port}; Ctrl-C ends it")

    with ExitStack() as waiting:
        tell_err = partial(typer.echo, err=True)
        waiting.enter_context(telling_seconds("getting ready, which compiles the first time", tell_err))
        soft_ioc.serve(options, tell)


def _bridge() -> Any:
    try:
        from beamgym.hardware_bridge.practice import soft_ioc
    except ImportError as error:
        raise ValueError(str(error)) from None
    return soft_ioc


def _read(word: str) -> tuple[str, Any]:
    """Return the name and the value of NAME=VALUE; a value that is JSON is taken as such."""
    name, equals, text = word.partition("=")
    if not (name and equals):
        raise ValueError(f"--option {word!r} is not NAME=VALUE, as goniometer=psic")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


if __name__ == "__main__":
    run(ioc_command)
