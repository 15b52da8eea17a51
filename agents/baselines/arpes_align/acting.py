"""What the rivals at ArpesAlign share: planned cuts, what came of them, and the policy that runs a procedure.

A procedure is a generator: it yields planned cuts, is sent what they showed, and returns when the pose then held is to
be declared. So each rival reads as what a person would do, one exposure after another.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import need_kind, part_of
from beamgym.envs.arpes_align import BRIGHTEST, STEPS, STILL, ArpesAlignContext, counts_of_grey
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.goniometer import travel_time_s
from beamgym.physics.instrument import Float64Array

_SPARE_S: Final = 1e-3  # of the beam time, which is observed as a float32
_ARRIVED: Final = 0.9 * STILL


@dataclass(frozen=True, eq=False)
class PlannedCut:
    """A cut to be taken: its pose (6,), mm and degrees, and its dwell in seconds."""

    pose: Float64Array
    dwell_s: float


@dataclass(frozen=True, eq=False)
class TakenCut:
    """What a cut showed.

    Parameters
    ----------
    pose : (6,) by the readback
    dwell_s : of the exposure
    counts : (e, a) electrons
    left_s : beam time left
    seed : of the episode, for what draws at random
    """

    pose: Float64Array
    dwell_s: float
    counts: Float64Array
    left_s: float
    seed: int

    @property
    def rate(self) -> float:
        """Electrons a second."""
        return float(self.counts.sum() / self.dwell_s)


Procedure = Generator[PlannedCut, TakenCut, None]
BeginProcedure = Callable[[ArpesAlignContext, TakenCut], Procedure]
"""(context, first cut) → the procedure."""


@dataclass
class _Under:
    context: ArpesAlignContext
    begin: BeginProcedure
    seed: int
    running: Procedure | None = None
    planned: PlannedCut | None = None


class ProcedurePolicy:
    """Runs one procedure per episode; declares when it ends or when its next cut no longer fits into the beam time.

    Parameters
    ----------
    name : as in tables
    begin : begins a procedure, from the context and the first cut
    """

    oracle = False

    def __init__(self, name: str, begin: BeginProcedure) -> None:
        self.name, self.begin = name, begin

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n procedures that have not begun; raises CannotPlay for another task."""
        return self.start_from(context, range(n))

    def start_from(self, context: Any, seeds: Sequence[int]) -> PolicyState:
        """Return a procedure for each seed; otherwise as ``start``."""
        known = aligning_context(context, self.name)
        return [_Under(known, self.begin, int(seed)) for seed in seeds]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return each procedure's next cut, or a declaration."""
        cuts = [cut_in(observation, row, each.context, each.seed) for row, each in enumerate(state)]
        return np.array([_next(each, cut) for each, cut in zip(state, cuts, strict=True)], dtype=np.float32), state


def aligning_context(context: Any, name: str) -> ArpesAlignContext:
    """Return the context as that of ArpesAlign; raises CannotPlay for another."""
    need_kind(context, ("arpes_align",), f"{name} aligns a crystal by its bands; play it in beamgym/ArpesAlign-v0")
    found: ArpesAlignContext = context
    return found


def cut_in(observation: Observation, row: int, context: ArpesAlignContext, seed: int) -> TakenCut:
    """Return the last cut of a row by what was observed; raises CannotPlay where that is not the usual Dict."""
    grey, shown = part_of(observation, "spectrum")[row, ..., 0], part_of(observation, "exposure")[row]
    electrons = 10.0 ** (BRIGHTEST * float(shown[1])) - 1.0
    dwell = float(context.dwells.seconds(np.asarray(2.0 * float(shown[0]) - 1.0)))
    left = float(part_of(observation, "budget")[row, 0]) * context.beam_time_s - _SPARE_S
    pose = context.poses(part_of(observation, "pose")[row].astype(np.float64))
    return TakenCut(pose, dwell, counts_of_grey(grey, electrons), left, seed)


def cost_s(context: ArpesAlignContext, pose: Float64Array, planned: PlannedCut) -> float:
    """Return the beam time in seconds that a planned cut takes from a pose (6,)."""
    way = float(travel_time_s(context.axes[:6], pose, planned.pose))
    return way + planned.dwell_s + context.readout_s


def cut_action(context: ArpesAlignContext, pose: Float64Array, planned: PlannedCut) -> NDArray[np.float32]:
    """Return the action (8,) that goes from a pose to that of a planned cut, or part of the way where steps are short.

    Poses outside the travel are cut off at its ends.
    """
    low, high = context.limits.T
    wanted, dwell_s = np.clip(planned.pose, low, high), planned.dwell_s
    if context.action == "absolute":
        move = context.fractions(wanted)
    else:
        share = (wanted - pose) / STEPS
        move = np.cbrt(np.clip(share, -1.0, 1.0))
        dwell_s = context.dwells.least_s if np.abs(share).max() > 1.0 else dwell_s
    return np.array([*move, float(context.dwells.number(np.asarray(dwell_s))), -1.0], dtype=np.float32)


def declaration(context: ArpesAlignContext, pose: Float64Array) -> NDArray[np.float32]:
    """Return the action (8,) that stays at a pose and declares."""
    stay = context.fractions(pose) if context.action == "absolute" else np.zeros(6)
    return np.array([*stay, 0.0, 1.0], dtype=np.float32)


def _next(under: _Under, cut: TakenCut) -> NDArray[np.float32]:
    context = under.context
    if under.planned is None or context.action == "absolute" or _arrived(context, cut, under.planned):
        under.planned = _asked(under, cut)
    if under.planned is None or cost_s(context, cut.pose, under.planned) > cut.left_s:
        return declaration(context, cut.pose)
    return cut_action(context, cut.pose, under.planned)


def _arrived(context: ArpesAlignContext, cut: TakenCut, planned: PlannedCut) -> bool:
    return bool((np.abs(cut.pose - np.clip(planned.pose, *context.limits.T)) <= _ARRIVED).all())


def _asked(under: _Under, cut: TakenCut) -> PlannedCut | None:
    try:
        if under.running is None:
            under.running = under.begin(under.context, cut)
            return next(under.running)
        return under.running.send(cut)
    except StopIteration:
        return None
