"""What `beamgym deploy` can do: each mode prints what was found, and returns what --json writes."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from beamgym.hardware_bridge import deployment as headless
from beamgym.hardware_bridge.deployment import AUDIT, Deployment, Options, StopButton, Stopped, open_instrument
from beamgym.physics.files import write_json
from beamgym.scripts.deploying.page import page_of
from beamgym.scripts.deploying.policy import recommended_for
from beamgym.scripts.deploying.tables import command_table, episode_sentence, practice_sentence, steps_table
from beamgym.scripts.deploying.terminal import Terminal, say_from_handler

_LOOKING = ("check", "dry-run")
"""Modes that send nothing, whose log proves nothing."""


def deploy(
    policy: str | None,
    instrument: str,
    options: Options,
    mode: str,
    json_file: Path | None,
    page: Any = None,
) -> None:
    """Do what was asked for, print it, and write it; where no policy is named, the best measured one is taken.

    Parameters
    ----------
    policy, instrument : by name
    options, mode : how, and what
    json_file : the result goes here too
    page : port of the operator's page, and whether a browser is opened; None serves none

    Raises
    ------
    ValueError : in one line, what was refused or went wrong
    SystemExit : 1 where the policy did not reach its goal, 130 after Ctrl-C
    """
    opened, terminal = open_instrument(instrument, options.out), Terminal()
    button = StopButton(say_from_handler)
    if policy is None:
        chosen = recommended_for(opened.file)
        policy = chosen.policy
        terminal.line(str(chosen))
    with page_of(opened.file, policy, terminal, button, None if page is None else page.port) as watched:
        deployment = Deployment(watched.policy, opened, options, watched.events, button)
        watched.serve(deployment, page is not None and page.opened)
        result = _done(deployment, terminal, button, mode)
        watched.picture(deployment.folder)
    if json_file is not None:
        write_json(json_file, result)


def _done(deployment: Deployment, terminal: Terminal, button: StopButton, mode: str) -> dict[str, Any]:
    """Do what was asked for, and print it."""
    with button:
        try:
            return MODES[mode](deployment, terminal)
        except Stopped as stopped:
            raise SystemExit(_said_stopped(deployment, stopped, mode)) from None
        finally:
            if deployment.head and mode not in _LOOKING:
                with suppress(OSError):  # the terminal may be gone
                    typer.echo(f"  log ends  {deployment.head}")


def verify_log(path: Path, json_file: Path | None, record: Path | None = None, head: str | None = None) -> None:
    """Print what a log says of itself, and of the guard's decisions when they are made again.

    Raises
    ------
    ValueError : in one line, for a log that is not whole, or ends elsewhere, whose decisions come out otherwise, or
        that differs from the record
    """
    found = headless.verify(path, record, head, Terminal())
    if json_file is not None:
        write_json(json_file, found.as_dict())
    if found.complaints:
        raise ValueError(found.complaints[0])


def _run(deployment: Deployment, terminal: Terminal) -> dict[str, Any]:
    """Play one episode and print it."""
    report = headless.run(deployment)
    terminal.console.print(steps_table(report))
    terminal.line(episode_sentence(report))
    for what, path in report.files.items():
        terminal.line(f"{what:>10}  {path}")
    if not report.success:
        raise SystemExit(1)
    return report.as_dict()


def _check(deployment: Deployment, terminal: Terminal) -> dict[str, Any]:
    """Read everything; the tables are printed when they are read, before the guard says whether it would arm."""
    findings = headless.check(deployment)
    notes = len(findings.differences)
    noted = f" See the {notes} note{'' if notes == 1 else 's'} above" if notes else ""
    terminal.line(f"the guard would arm, and no device contradicts the file; nothing was moved.{noted}")
    return findings.as_dict()


def _dry_run(deployment: Deployment, terminal: Terminal) -> dict[str, Any]:
    """Judge the first command and print it."""
    found = headless.dry_run(deployment)
    terminal.console.print(command_table(found))
    return found.as_dict()


def _check_directions(deployment: Deployment, terminal: Terminal) -> dict[str, Any]:
    """Make the direction check; raises ValueError where it is not passed."""
    found = headless.make_direction_check(deployment)
    found.require()
    return found.as_dict()


def _practise(deployment: Deployment, terminal: Terminal) -> dict[str, Any]:
    """Play many episodes on both sides and print how they compare; raises ValueError where too many differ."""
    comparison = headless.practise(deployment)
    terminal.line(practice_sentence(comparison))
    for pair in comparison.pairs:
        if not pair.same:
            terminal.line(f"seed {pair.seed}: {pair.simulated.ending} / {pair.deployed.ending}")
    comparison.require(deployment.folder)
    return comparison.as_dict()


Mode = Callable[[Deployment, Terminal], dict[str, Any]]
MODES: dict[str, Mode] = {
    "run": _run,
    "check": _check,
    "dry-run": _dry_run,
    "signs": _check_directions,
    "practice": _practise,
}


def _said_stopped(deployment: Deployment, stopped: Stopped, mode: str) -> int:
    log, report = deployment.folder / AUDIT, deployment.aborted
    if mode in _LOOKING:
        safe = "nothing had been moved"
    elif report is None:
        safe = "nothing was under way"
    elif report.complete:
        # What was seen, and of what: motors of others are not looked at, and there may be no shutter.
        shutter = "the file has no shutter" if deployment.file.shutter is None else "its shutter was seen closed"
        safe = f"what it had moved was seen to stand, {shutter}"
    else:
        safe = f"NOT SEEN TO STOP: {', '.join(report.unconfirmed)}"
    where = f"; the log is {log}" if log.exists() else ""
    with suppress(OSError):  # the terminal may be gone
        typer.echo(f"{stopped}; {safe}{where}", err=True)
    return 130
