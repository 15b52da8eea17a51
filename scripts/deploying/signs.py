"""`beamgym deploy --signs`: known moves through the guard, and their result kept beside the instrument file."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rich.console import Console

import beamgym
from beamgym.hardware_bridge.deployment import Session
from beamgym.hardware_bridge.direction_check import (
    DirectionReport,
    judge_directions,
    make_known_moves,
    make_seen_moves,
    write_direction_record,
)
from beamgym.hardware_bridge.records import Confirmation, content_digest, store_of, subject
from beamgym.hardware_bridge.rollout import BlueskyInstrument
from beamgym.hardware_bridge.terminal import ask_terminal_now, said_yes
from beamgym.scripts.deploying.run import Deployment, Limits
from beamgym.scripts.deploying.show import ask_on, show_on
from beamgym.scripts.deploying.stop import StopButton


def make_direction_check(
    deployment: Deployment, session: Session, limits: Limits, console: Console, button: StopButton
) -> dict[str, Any]:
    """Make the test, keep it, and print it.

    Raises
    ------
    ValueError : it was not passed; the line says what to mend
    """
    file, options = deployment.file, deployment.options
    ask: Callable[[str], Any] = (lambda question: True) if options.yes else ask_on(console)
    policy = content_digest({"sign test": beamgym.__version__})
    mode: Any = options.confirm
    bound = subject(policy, {"sign test": True, "devices": deployment.own.sha256}, file, limits)
    instrument = session.guarded(Confirmation(bound, mode, file, store_of(deployment.path), ask))
    session.arm(options.homed)
    with button.stopping(session.stop):
        report = _tested(instrument, deployment, console, button)
    with button.closing():
        session.close()
        kept = write_direction_record(deployment.path, file, report, deployment.own.sha256)
    for line in report.lines:
        console.print(f"direction check: {line}", highlight=False, soft_wrap=True)
    if not report.passed:
        raise ValueError(f"the direction check of {deployment.path} was not passed: {report.lines[0]}")
    console.print(f"direction check passed; kept in {kept}", highlight=False, soft_wrap=True)
    return {"passed": report.passed, "axes": dict(report.axes), "lines": list(report.lines), "kept": str(kept)}


def _tested(
    instrument: BlueskyInstrument, deployment: Deployment, console: Console, button: StopButton
) -> DirectionReport:
    def tell(text: str) -> None:
        console.print(f"direction check: {text}", highlight=False, style="dim")

    def asked(question: str) -> bool:
        if deployment.options.yes:
            return True
        try:
            return said_yes(ask_terminal_now(f"{question} [yes/no] ", button.check, partial(show_on, console)))
        except EOFError:
            return False

    file = deployment.file
    if file.kind == "arpes":
        return make_seen_moves(instrument, file, asked, tell)
    moves = make_known_moves(instrument, file, tell)
    report = judge_directions(file, moves)
    undecided = not report.passed and report.explanations and report.explanations[0].faults == 0
    if undecided and asked(f"{report.lines[-1]}. Did you look, and is the image the right way round?"):
        return judge_directions(file, moves, image_seen=True)
    return report
