"""The steps of an episode as events: what the policy decided, the frame, the axes, and what the task estimates."""

from collections.abc import Sequence

from beamgym.envs.kinds import resolve
from beamgym.envs.task import TaskCommand
from beamgym.hardware_bridge.deployment.events import (
    AxesRead,
    AxisMove,
    AxisReading,
    CommandProposed,
    EstimateMade,
    Events,
    FrameTaken,
    Proposal,
)
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.rollout import EpisodeStep, plain
from beamgym.physics.instrument import Axis


class StepTeller:
    """Reports the steps of one episode; its methods are what ``Rollout`` calls.

    Parameters
    ----------
    events : gets them
    file : the instrument
    axes : its axes, with the limits that hold

    Attributes
    ----------
    proposal : the command that was decided and has not come to its step yet; None where there is none
    """

    def __init__(self, events: Events, file: InstrumentFile, axes: Sequence[Axis]) -> None:
        self.proposal: Proposal | None = None
        self._events, self._file, self._axes = events, file, axes
        told = bridge_kind(file.kind).told
        self._told = None if told is None else resolve(told)

    def on_command(self, step: EpisodeStep, command: TaskCommand) -> None:
        """Report what was decided on a step."""
        self.proposal = proposal_of(self._file, self._axes, step, command)
        self._events.report(CommandProposed(self.proposal))

    def on_step(self, step: EpisodeStep) -> None:
        """Report a step that was made."""
        self.proposal = None
        # A declaration without a last move exposes nothing: the frame held is judged.
        if step.command is None or bool(step.command.moves[0]):
            self._events.report(_frame(step))
        self._events.report(AxesRead(step.number, tuple(self._readings(step))))
        values = {} if self._told is None else dict(self._told(step.state))
        if step.verdict is not None:
            values |= {name: plain(values[0]) for name, values in step.verdict.metrics.items()}
        if step.verdict is not None or values:
            self._events.report(EstimateMade(step.number, values))

    def _readings(self, step: EpisodeStep) -> list[AxisReading]:
        targets = [None] * len(self._axes) if step.command is None else step.command.target[0].tolist()
        places = step.state.positions[0].tolist()
        return [
            AxisReading(entry.name, entry.unit, target, place, *axis.limits)
            for entry, axis, target, place in zip(self._file.axes, self._axes, targets, places, strict=True)
        ]


def proposal_of(file: InstrumentFile, axes: Sequence[Axis], step: EpisodeStep, command: TaskCommand) -> Proposal:
    """Return a command as a whole, as it was decided on a step."""
    places, targets = step.state.positions[0].tolist(), command.target[0].tolist()
    moves = tuple(
        AxisMove(entry.name, entry.unit, place, target, *axis.limits)
        for entry, axis, place, target in zip(file.axes, axes, places, targets, strict=True)
    )
    spots = None if step.frame.found is None else int(step.frame.found.count[0])
    declares, sends, limited = (bool(part[0]) for part in (command.declare, command.moves, command.limited))
    return Proposal(step.number + 1, moves, declares, sends, limited, spots)


def _frame(step: EpisodeStep) -> FrameTaken:
    frame = step.frame
    image = None if frame.image is None else frame.image[0]
    spots = None if frame.found is None else frame.found.position_px[0, : int(frame.found.count[0])]
    return FrameTaken(
        step.number, image, spots, int(frame.counter[0]), float(frame.exposure_s[0]), float(frame.time_s[0])
    )
