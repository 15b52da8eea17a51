"""Builds ArpesAlign environments from what a user names."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from beamgym.envs.arpes_align.context import ArpesAlignContext, PoseReward
from beamgym.envs.arpes_align.task import ArpesAlignTask
from beamgym.physics.arpes.aligning import AligningNumbers, LayeredCrystal, SimulatedAligning, layered_crystal

MIRROR = "mirror"
"""The direction that is asked where the dispersion is not told: any mirror line."""


@dataclass(frozen=True)
class ArpesAlignOptions:
    """Everything that ``gym.make("beamgym/ArpesAlign-v0", ...)`` takes.

    Parameters
    ----------
    material : "hexagonal" or "square"
    level : "ideal", "real", "hard" or AligningNumbers
    direction : along the slit: "gamma-K" or "gamma-M" (square: "gamma-X" or "gamma-M"), or "mirror", any mirror line;
        None for the first, or for "mirror" where the dispersion is not told
    dispersion : the bands are told, to the level's errors
    beam_time_s : budget in seconds of beam time: motors, settling, dwell and read-out
    action : "absolute" or "steps"
    chart : observe the constant-energy map
    reward : "dense" or "sparse"
    time_cost : per second of beam time
    wrong : what a wrong declaration costs
    flat : observe one array in place of a Dict: its numbers by the order of their keys
    history : last observations that are shown together, with the actions between them; 1 for the present one alone
    """

    material: str = "hexagonal"
    level: str | AligningNumbers = "real"
    direction: str | None = None
    dispersion: bool = True
    beam_time_s: float = 300.0
    action: Literal["absolute", "steps"] = "absolute"
    chart: bool = True
    reward: Literal["dense", "sparse"] = "dense"
    time_cost: float = 0.001
    wrong: float = 0.2
    flat: bool = False
    history: int = 1


def build(options: ArpesAlignOptions, n: int) -> tuple[ArpesAlignTask, SimulatedAligning]:
    """Make the task and a world of n samples; raises ValueError for options that cannot be."""
    crystal = layered_crystal(options.material)
    direction = _direction(options, crystal)
    world = SimulatedAligning(n, options.material, options.level, direction)
    context = ArpesAlignContext(
        crystal if options.dispersion else replace(crystal, terms=np.zeros((0, 6))),
        direction,
        world.context.grid,
        world.axes,
        beam_time_s=options.beam_time_s,
        action=options.action,
    )
    reward = PoseReward(options.reward, options.time_cost, options.wrong)
    return ArpesAlignTask(context, reward, options.chart), world


def _direction(options: ArpesAlignOptions, crystal: LayeredCrystal) -> str:
    if options.dispersion:
        return options.direction or next(iter(crystal.directions))
    if options.direction not in (None, MIRROR):
        raise ValueError(
            f"direction is {options.direction!r}, but without the dispersion mirror lines cannot be told apart; "
            "choose direction='mirror', or dispersion=True"
        )
    return MIRROR


def task_over(context: ArpesAlignContext, size: int = 0) -> ArpesAlignTask:
    """Return the task over a real instrument, where nobody knows the truth; ``size`` is not used."""
    return ArpesAlignTask(context, PoseReward("sparse"))
