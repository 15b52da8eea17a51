"""Judge the first command by the frame that the detector holds now; nothing is written."""

from dataclasses import dataclass
from typing import Any

from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.events import Proposal
from beamgym.hardware_bridge.deployment.telling import proposal_of
from beamgym.hardware_bridge.rollout import StepRecord


@dataclass(frozen=True)
class DryRun:
    """What would be done first.

    Parameters
    ----------
    proposal : the command, which every rule lets pass that can be asked without moving or exposing
    doubts : why a run would not accept the present frame; empty where it would
    """

    proposal: Proposal
    doubts: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        target = [axis.goes_to for axis in self.proposal.axes]
        return {"declares": self.proposal.declares, "target": target, "written": 0, "doubts": list(self.doubts)}


def dry_run(deployment: Deployment) -> DryRun:
    """Judge the first command by the present frame; nothing is written to any device.

    Raises
    ------
    Stopped : it was stopped
    ValueError : in one line, what was refused or went wrong
    """
    with deployment.mode("dry-run"), deployment.connect(dry_run=True) as session:
        task: Any = deployment.prepare(session.motor_limits())
        instrument = session.guarded(lambda question: True)
        session.arm(deployment.options.homed)
        rollout = deployment.rollout(task, instrument, session, StepRecord())
        found: list[Any] = []

        def rehearsing() -> Any:
            found.append((yield from rollout.rehearsal()))

        with deployment.button.stopping(session.stop):
            session.engine(rehearsing())
            session.conclude()
        proposal = proposal_of(deployment.file, task.context.instrument_axes, *found[-1])
        return DryRun(proposal, tuple(instrument.guard.detector.doubts))
