"""The direction check: known moves through the guard, and their result kept beside the instrument file."""

from dataclasses import dataclass
from typing import Any

import beamgym
from beamgym.hardware_bridge.deployment.deployment import Deployment, Limits
from beamgym.hardware_bridge.deployment.events import DirectionsChecked, Note, Question
from beamgym.hardware_bridge.deployment.session import Session
from beamgym.hardware_bridge.direction_check import (
    DirectionReport,
    check_directions,
    coordinates_of,
    direction_check_passed,
    require_direction_check,
    require_same_coordinates,
    write_direction_record,
)
from beamgym.hardware_bridge.records import Confirmation, content_digest, store_of, subject
from beamgym.hardware_bridge.rollout import BlueskyInstrument
from beamgym.hardware_bridge.terminal import said_yes


@dataclass(frozen=True)
class DirectionCheck:
    """What the direction check found.

    Parameters
    ----------
    report : in full
    instrument : path of the instrument file
    record : path of the file in which it is kept
    """

    report: DirectionReport
    instrument: str
    record: str

    @property
    def passed(self) -> bool:
        """Whether every axis and the image are the way round that the file says."""
        return self.report.passed

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        report = self.report
        return {
            "passed": report.passed,
            "axes": dict(report.axes),
            "lines": list(report.lines),
            "kept": self.record,
        }

    def require(self) -> None:
        """Raise ValueError where it was not passed; the line says what to mend."""
        if not self.passed:
            raise ValueError(f"the direction check of {self.instrument} was not passed: {self.report.lines[0]}")


def make_direction_check(deployment: Deployment) -> DirectionCheck:
    """Make the direction check and keep its record beside the instrument file.

    Returns
    -------
    What was found, passed or not; ``require`` makes an error of what was not

    Raises
    ------
    Stopped : it was stopped
    ValueError : in one line, what was refused or went wrong
    """
    with deployment.mode("signs"), deployment.connect() as session:
        return check_in_session(deployment, session, session.motor_limits())


def refuse_unchecked(deployment: Deployment) -> None:
    """Refuse hardware whose very file has not passed its direction check; needs no connection."""
    if not deployment.file.simulation:
        require_direction_check(deployment.path, deployment.file, deployment.own.sha256)


def refuse_other_coordinates(deployment: Deployment, session: Session) -> None:
    """Refuse motors and an image that mean other places than in the direction check, where one was passed."""
    if direction_check_passed(deployment.path, deployment.file, deployment.own.sha256):
        require_same_coordinates(
            deployment.path, deployment.file, coordinates_of(session.motor_settings(), session.image_modes())
        )


def ensure_directions(deployment: Deployment, session: Session) -> None:
    """Make sure that this very file has passed its direction check; on a simulation it is made now.

    Raises
    ------
    ValueError : it was not passed
    """
    if not direction_check_passed(deployment.path, deployment.file, deployment.own.sha256):
        text = "no direction check of this file yet; it is a simulation, so it is made now"
        deployment.events.report(Note(text, in_passing=True))
        check_in_session(deployment, session, session.motor_limits()).require()


def check_in_session(deployment: Deployment, session: Session, limits: Limits) -> DirectionCheck:
    """Make the check in a connected session, keep its record, and report it."""
    file, own = deployment.file, deployment.own.sha256
    coordinates = coordinates_of(session.motor_settings(), session.image_modes())
    instrument = session.guarded(_confirmation(deployment, session, limits))
    session.arm(deployment.options.homed)
    with deployment.button.stopping(session.stop):
        report = _moved(deployment, session, instrument)
        session.conclude()
    with deployment.button.closing():
        record = str(write_direction_record(deployment.path, file, report, own, coordinates))
    deployment.events.report(DirectionsChecked(report.passed, dict(report.axes), tuple(report.lines), record))
    return DirectionCheck(report, str(deployment.path), record)


def _confirmation(deployment: Deployment, session: Session, limits: Limits) -> Confirmation:
    # what was said yes to is in the operators' records under these names
    policy = content_digest({"sign test": beamgym.__version__})
    bound = subject(policy, {"sign test": True, "devices": deployment.own.sha256}, deployment.file, limits)
    mode: Any = deployment.options.confirm
    ask = deployment.answering(deployment.asker(session))
    return Confirmation(bound, mode, deployment.file, store_of(deployment.path), ask)


def _moved(deployment: Deployment, session: Session, instrument: BlueskyInstrument) -> DirectionReport:
    """Make the moves of this kind of instrument, and judge them."""

    def ask(text: str) -> bool:
        if deployment.options.yes:
            return True
        # Who watches a sample may take as long as the question waits: nothing is under way meanwhile.
        with instrument.guard.life.busy():
            return said_yes(session.ask(Question(f"{text} [yes/no] ", "direction")))

    def tell(text: str) -> None:
        deployment.events.report(Note(f"direction check: {text}", in_passing=True))

    return check_directions(instrument, deployment.file, ask, tell)
