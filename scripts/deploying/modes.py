"""What `beamgym deploy` can do: run, check, dry run, direction check, practice; each returns what --json writes."""

from collections.abc import Callable
from typing import Any

from rich.console import Console

from beamgym.hardware_bridge.deployment import Session
from beamgym.hardware_bridge.direction_check import direction_check_passed, require_direction_check
from beamgym.hardware_bridge.rollout import EpisodeReport, Rollout, StepRecord
from beamgym.scripts.deploying.check import axes_table, look, others_table
from beamgym.scripts.deploying.practice import practise
from beamgym.scripts.deploying.run import Deployment, play, prepare
from beamgym.scripts.deploying.show import ask_on, command_table, said, steps_table
from beamgym.scripts.deploying.signs import make_direction_check
from beamgym.scripts.deploying.stop import StopButton

Mode = Callable[[Deployment, Console, StopButton], dict[str, Any]]


def run(deployment: Deployment, console: Console, button: StopButton) -> dict[str, Any]:
    """Play one episode and report."""
    _refuse_untested(deployment)
    with deployment.session() as session:
        limits = session.motor_limits()
        task = prepare(deployment, deployment.context(limits), console)
        _direction_checked(deployment, session, console, button)
        instrument = session.guarded(deployment.confirmation(limits, ask_on(console)))
        session.arm(deployment.options.homed)
        report = play(deployment, session, task, instrument, button)
    console.print(steps_table(report))
    _tell(console, report)
    if not report.success:
        raise SystemExit(1)
    return report.as_dict()


def check(deployment: Deployment, console: Console, button: StopButton) -> dict[str, Any]:
    """Connect and read everything, then let the guard say whether it would arm; nothing is written."""
    with deployment.session(dry_run=True) as session:
        findings = look(session)
        console.print(axes_table(findings))
        console.print(others_table(findings))
        deployment.context(session.motor_limits())
        session.guarded(lambda question: False)
        session.arm(deployment.options.homed)
    console.print("the guard would arm: everything is as the file says; nothing was moved", highlight=False)
    return findings.as_dict()


def dry_run(deployment: Deployment, console: Console, button: StopButton) -> dict[str, Any]:
    """Judge the first command by the frame that the detector holds; nothing is written."""
    with deployment.session(dry_run=True) as session:
        limits = session.motor_limits()
        task = prepare(deployment, deployment.context(limits), console)
        instrument = session.guarded(lambda question: True)
        session.arm(deployment.options.homed)
        rollout = Rollout(task, deployment.deployed.policy, instrument, StepRecord(), pulse=session.alive.touch)
        kept: list[Any] = []

        def rehearsing() -> Any:
            kept.append((yield from rollout.rehearsal()))

        with button.stopping(session.stop):
            session.engine(rehearsing())
        step, command = kept[-1]
    doubts = instrument.guard.detector.doubts
    console.print(command_table(deployment.file, step, command, doubts))
    done = {"declares": bool(command.declare[0]), "target": command.target[0].tolist(), "written": 0}
    return done | {"doubts": list(doubts)}


def signs(deployment: Deployment, console: Console, button: StopButton) -> dict[str, Any]:
    """Make the direction check and keep its record beside the instrument file."""
    with deployment.session() as session:
        limits = session.motor_limits()
        return make_direction_check(deployment, session, limits, console, button)


def practice(deployment: Deployment, console: Console, button: StopButton) -> dict[str, Any]:
    """Play many episodes on the practice instrument, and compare them with the same ones in simulation."""
    with deployment.session() as session:
        _direction_checked(deployment, session, console, button)
        return practise(deployment, session, console, button)


MODES: dict[str, Mode] = {"run": run, "check": check, "dry-run": dry_run, "signs": signs, "practice": practice}


def _refuse_untested(deployment: Deployment) -> None:
    """Refuse hardware whose very file has not passed its direction check, before anything connects."""
    if not deployment.file.simulation:
        require_direction_check(deployment.path, deployment.file, deployment.own.sha256)


def _direction_checked(deployment: Deployment, session: Session, console: Console, button: StopButton) -> None:
    """Make sure that this very file has passed its direction check; on a simulation it is made now."""
    if not direction_check_passed(deployment.path, deployment.file, deployment.own.sha256):
        console.print("no direction check of this file yet; it is a simulation, so it is made now", style="dim")
        make_direction_check(deployment, session, session.motor_limits(), console, button)


def _tell(console: Console, report: EpisodeReport) -> None:
    console.print(said(report), highlight=False, soft_wrap=True)
    for what, path in report.files.items():
        console.print(f"{what:>10}  {path}", highlight=False, soft_wrap=True)
