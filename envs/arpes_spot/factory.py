"""Builds ArpesSpot environments from what a user names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from beamgym.envs.arpes_spot.composed_scorer import composed_scorer
from beamgym.envs.arpes_spot.context import SpotContext, SpotRules, spot_rules
from beamgym.envs.arpes_spot.parts import Observed, choice_of
from beamgym.envs.arpes_spot.scoring import shipped_scorer
from beamgym.envs.arpes_spot.task import ArpesSpotTask, SpotScorer
from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.arpes.stage import Stage
from beamgym.physics.arpes.surface import BeamFootprint, Geography, SurfaceNumbers

SCORES: Final = ("composed", "cnn", "truth")
"""Who can give the scores that are observed."""


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
    score : who gives the scores that are observed: "composed" (the shipped network whose total is composed of its
        components), "cnn" (the network of version 0) or "truth" (for study: read off the counts without a network);
        None for the version's, "cnn" in version 0 and "composed" in version 1. Version 0 also pays by it
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
    score: Literal["composed", "cnn", "truth"] | None = None
    reward: Literal["dense", "sparse"] = "dense"
    stop: Literal["declare", "truth"] = "declare"
    beam: BeamFootprint | None = None
    surfaces: int | None = None
    geography: Geography | None = None
    material: str | None = None
    flat: bool = False
    history: int = 1
    observation: Observed | None = None


def build(
    options: ArpesSpotOptions, n: int, image: bool = False, version: int = 0
) -> tuple[ArpesSpotTask, SimulatedArpes]:
    """Make the task and a world of n samples.

    Parameters
    ----------
    options : what the user named
    n : samples
    image : observe pixels and position only
    version : of the id
    """
    ruled = spot_rules(version)
    score = ruled.score if options.score is None else options.score
    if score not in SCORES:
        raise ValueError(f"unknown score {score!r}; choose one of {', '.join(map(repr, SCORES))}")
    if image and options.observation not in (None, "spectrum"):
        raise ValueError(
            f"ArpesSpotImage observes the spectrum; for observation={options.observation!r} make ArpesSpot"
        )
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
    task = ArpesSpotTask(
        context,
        replace(ruled.reward, kind=options.reward),
        options.stop,
        _scorer(score),
        image,
        "truth" if score == "truth" else ruled.paid,
        options.observation,
        ruled.declares_within_mm,
        ruled.estimates,
    )
    return task, world


def _scorer(score: str) -> SpotScorer | None:
    if score == "truth":
        return None
    return composed_scorer() if score == "composed" else shipped_scorer()


def task_over(
    context: SpotContext, size: int = 0, image: bool = False, parts: Sequence[str] = (), version: int = 0
) -> ArpesSpotTask:
    """Return the task over a real instrument: it declares, and is scored by the version's network.

    Parameters
    ----------
    context : as the instrument file gives it
    size : not used: a spectrum is observed as large as the context's grid
    image : observe pixels and position only
    parts : names of what is observed, where it is another choice than the id's own
    version : of the environment whose rules hold
    """
    ruled: SpotRules = spot_rules(version)
    paid, within = replace(ruled.reward, kind="sparse"), ruled.declares_within_mm
    scorer, observed = _scorer(ruled.score), choice_of(parts)
    return ArpesSpotTask(context, paid, "declare", scorer, image, "scores", observed, within, ruled.estimates)
