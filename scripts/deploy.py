"""`beamgym deploy`: a policy on a real instrument, every command through the guard."""

from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.command_line import check_output, run

EPISODES = 100


def deploy_command(
    policy: Annotated[
        str | None,
        typer.Argument(help="A bundle's folder or name (laue-align-si), or a baseline's name (index-and-move)."),
    ] = None,
    instrument: Annotated[
        str | None, typer.Option("--instrument", "-i", help="instrument.yaml, or a shipped one: laue_soft_ioc.")
    ] = None,
    devices: Annotated[
        Path | None, typer.Option(help="Python file whose devices() returns your own devices by name.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Connect, read everything, print it; move nothing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge the first command by the present frame; write to nothing.")
    ] = False,
    signs: Annotated[
        bool, typer.Option("--signs", help="Make the direction check: a small known move of every axis.")
    ] = False,
    confirm: Annotated[str, typer.Option(help="Ask before every move, before the first run, or never.")] = "every",
    yes: Annotated[bool, typer.Option("--yes", help="Answer yes to everything; on a simulation only.")] = False,
    max_steps: Annotated[int | None, typer.Option(help="Moves at most.", min=0)] = None,
    dose: Annotated[
        float | None, typer.Option(help="Seconds of open shutter at most, where that is less than the file's.", min=0)
    ] = None,
    return_home: Annotated[
        bool, typer.Option("--return", help="Afterwards bring the axes back to where they stood.")
    ] = False,
    homed: Annotated[list[str] | None, typer.Option(help="An axis of which you say that it is homed.")] = None,
    token: Annotated[
        Path | None, typer.Option(help="File that the operator's token keeps touching; its silence stops everything.")
    ] = None,
    tiled: Annotated[str | None, typer.Option(help="URI of a Tiled server that takes the documents too.")] = None,
    practice: Annotated[
        int | None, typer.Option(help="Play so many episodes on the practice instrument and compare.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the practice episodes.", min=0)] = 0,
    level: Annotated[str, typer.Option(help="Level that the practice instrument was started with.")] = "real",
    out: Annotated[Path, typer.Option(help="Folder in which the run's own folder is made.")] = Path("out"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here.")] = None,
    verify: Annotated[Path | None, typer.Option(help="Say whether an audit log is whole, and do nothing else.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="With --verify: hold the log against this record of the practice instrument.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="With --verify: the log must end with this hash, which the run printed.")
    ] = None,
) -> None:
    """Let a policy align or find on a real instrument: check, direction check, confirmation, run, report."""
    check_output(json_file)
    if verify is not None:
        from beamgym.scripts.deploying.modes import verify_log

        return verify_log(verify, json_file, record, head)
    for option, given in (("--record", record), ("--head", head)):
        if given is not None:
            raise ValueError(f"{option} is what a log is held against; name the log too: --verify audit.jsonl")
    if policy is None or instrument is None:
        raise ValueError("name a policy and an instrument: beamgym deploy laue-align-si --instrument instrument.yaml")
    modes = [name for name, on in (("--check", check), ("--dry-run", dry_run), ("--signs", signs)) if on]
    modes += ["--practice"] if practice is not None else []
    if len(modes) > 1:
        raise ValueError(f"{' and '.join(modes)} were asked for at once; choose one")
    bridge_or_say()
    from beamgym.hardware_bridge.deployment import Options
    from beamgym.scripts.deploying.modes import deploy

    options = Options(
        devices=devices,
        confirm=confirm,
        yes=yes,
        max_steps=max_steps,
        dose_s=dose,
        back=return_home,
        homed=tuple(homed or ()),
        token=token,
        tiled=tiled,
        episodes=practice or 0,
        seed=seed,
        level=level,
        out=out,
    )
    deploy(policy, instrument, options, modes[0].removeprefix("--") if modes else "run", json_file)
    return None


def bridge_or_say() -> None:
    """Raise ValueError with the extra's name where bluesky is not installed."""
    try:
        import beamgym.hardware_bridge.rollout.rollout  # noqa: F401
    except ImportError as error:
        raise ValueError(str(error)) from None


if __name__ == "__main__":
    run(deploy_command)
