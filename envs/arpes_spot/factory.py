"""Builds ArpesSpot environments from what a user names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from beamgym.envs.arpes_spot.context import SpotContext, SpotReward
from beamgym.envs.arpes_spot.parts import Observed, choice_of
from beamgym.envs.arpes_spot.scoring import shipped_scorer
from beamgym.envs.arpes_spot.task import ArpesSpotTask
from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.arpes.stage import Stage
from beamgym.physics.arpes.surface import BeamFootprint, Geography, SurfaceNumbers


@dataclass(frozen=True)
class ArpesSpotOptions:
    """Everything that ``gym.make("beamgym/ArpesSpot-v0", ...)`` takes.

    Parameters
    ----------
    level : "easy", "real", "hard" or SurfaceNumbers
    stage : "stepper", "piezo" or a Stage
    size : pixels of a spectrum along energy and slit, a multiple of 64
    beam_time_s : budget in seconds of beam time: motors, settling, dwell and read-out
    action : "absolute" or "steps"
    max_step_mm : a full step
    score : who scores: "cnn" (the shipped network, what is observed and what is paid), or "truth" (for study: paid by
        the simulation, observed as read off the counts without a network)
    reward : "dense" or "sparse"
    stop : "declare" or "truth"
    beam : the light's footprint, a BeamFootprint; None for the usual one
    surfaces : draw every episode's surface from that many, which are kept; None makes a new one every time
    geography : what lies where, a Geography as from a measured map; None draws it
    material : "dirac", "square" or "hexagonal"; None draws it
    flat : observe one array in place of a Dict: its numbers by the order of their keys, or the picture alone
    history : last observations that are shown together, with the actions between them; 1 for the present one alone
    observation : "all", "scores" (no spectrum and no map), "map" (as a picture) or "spectrum" (with the position); by
        default what the id is named for
    """

    level: str | SurfaceNumbers = "real"
    stage: str | Stage = "stepper"
    size: int = 64
    beam_time_s: float = 120.0
    action: Literal["absolute", "steps"] = "absolute"
    max_step_mm: float = 0.5
    score: Literal["cnn", "truth"] = "cnn"
    reward: Literal["dense", "sparse"] = "dense"
    stop: Literal["declare", "truth"] = "declare"
    beam: BeamFootprint | None = None
    surfaces: int | None = None
    geography: Geography | None = None
    material: str | None = None
    flat: bool = False
    history: int = 1
    observation: Observed | None = None


def build(options: ArpesSpotOptions, n: int, image: bool = False) -> tuple[ArpesSpotTask, SimulatedArpes]:
    """Make the task and a world of n samples; ``image`` observes pixels and position only."""
    if options.score not in ("cnn", "truth"):
        raise ValueError(f"unknown score {options.score!r}; choose 'cnn' or 'truth'")
    if image and options.observation not in (None, "spectrum"):
        raise ValueError(
            f"ArpesSpotImage observes the spectrum; for observation={options.observation!r} make ArpesSpot"
        )
    learnt = options.score == "cnn"
    world = SimulatedArpes(
        n,
        options.level,
        options.stage,
        options.size,
        options.beam,
        options.surfaces,
        options.geography,
        options.material,
    )
    context = SpotContext(
        world.context.stage,
        world.context.analyser.grid,
        options.beam_time_s,
        options.action,
        options.max_step_mm,
    )
    scorer, paid = (shipped_scorer(), "scores") if learnt else (None, "truth")
    given = context, SpotReward(options.reward), options.stop, scorer, image, paid, options.observation
    return ArpesSpotTask(*given), world  # type: ignore[arg-type]


def task_over(context: SpotContext, size: int = 0, image: bool = False, parts: Sequence[str] = ()) -> ArpesSpotTask:
    """Return the task over a real instrument: it declares, and is scored by the shipped network.

    Parameters
    ----------
    context : as the instrument file gives it
    size : not used: a spectrum is observed as large as the context's grid
    image : observe pixels and position only
    parts : names of what is observed, where it is another choice than the id's own
    """
    observed = choice_of(parts)
    return ArpesSpotTask(context, SpotReward("sparse"), "declare", shipped_scorer(), image, "scores", observed)
