"""Plays one episode again and keeps its last frame: what was seen, what the policy took it for, and what was true."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from beamgym.agents.baselines.align import spots_of_frames
from beamgym.agents.baselines.moves import exposures_left, need_kind, positions_of
from beamgym.agents.evaluation import context_of
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import Policy
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation import mutual_nearest
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import misorientation_deg
from beamgym.scripts.laue_gallery.again import played_again

RAYS = 128
"""Rays, brightest first, that spots are given to."""
LEAST_REACH_MM, REACH_PX = 1.0, 0.6
"""A spot is a ray's within a millimetre, or more than half a pixel where pixels are coarse."""


@dataclass(frozen=True)
class View:
    """How a crystal stands in a frame, and the panel (9,) before it.

    Parameters
    ----------
    orientation : (3, 3) crystal to lab
    panel : (9,) as ``Detector.as_vector``
    """

    orientation: Float64Array
    panel: Float64Array


@dataclass(frozen=True)
class Replayed:
    """The end of an episode.

    Parameters
    ----------
    context : what the instrument publicly knows
    policy : its name
    panel : the nominal panel in whose pixels spots were found
    found_px : (p, 2) spots of the last frame, brightest first
    image : (size, size) the last frame, where images are observed
    true, believed : how the crystal stood, and how the policy thought that it stood; None where it knew of none
    tells : whether this policy says what it believes
    certain : probability of being aligned that the policy stated at the end; NaN of a policy that states none
    undecided : the policy had found two orientations that explain the spots alike
    declared, forced : it ended by a declaration; by one that came because no exposure was left
    error_deg : true error at the end
    """

    context: Any
    policy: str
    panel: Detector
    found_px: Float64Array
    image: Any
    true: View
    believed: View | None
    tells: bool
    certain: float
    undecided: bool
    declared: bool
    forced: bool
    error_deg: float

    @cached_property
    def _model(self) -> LaueModel:
        return LaueModel(self.context.crystal, self.context.beam, self.panel, brightest=RAYS)

    def rays_px(self, view: View) -> Float64Array:
        """Return where the brightest rays land by a view, (m, 2) pixels."""
        spots = self._model.spots(view.orientation[None], view.panel[None])
        return spots.position_px[0, : int(spots.count[0])].astype(np.float64)

    def explained(self, view: View | None) -> int:
        """Return how many found spots a view explains: each other's nearest, within a millimetre."""
        if view is None or not len(self.found_px):
            return 0
        reach_px = max(LEAST_REACH_MM / self.panel.pixel_mm, REACH_PX)
        near = mutual_nearest(np.ascontiguousarray(self.found_px), self.rays_px(view), reach_px)
        return int((near >= 0).sum())

    @property
    def mistaken_deg(self) -> float:
        """Angle between what the policy believed and the truth, reduced by the crystal's rotations; NaN of none."""
        if self.believed is None:
            return float("nan")
        rotations = self.context.crystal.rotations
        return float(misorientation_deg(self.believed.orientation, self.true.orientation, rotations))


def replay(env: InstrumentVectorEnv, policy: Policy, seed: int) -> Replayed:
    """Play an episode of one environment (n = 1) to its end.

    Parameters
    ----------
    env : without autoreset
    policy : an oracle is handed the truth
    seed : the environment's

    Raises
    ------
    CannotPlay : an environment that is not that of a known crystal
    """
    context = context_of(env)
    need_kind(context, ("laue",), "only episodes of known crystals are played again")
    last = played_again(env, policy, context, seed)
    seen, memory = last.seen, last.memory
    frame = spots_of_frames(seen, context, policy.name)[0]
    positions = positions_of(seen, context)[0]
    return Replayed(
        context=context,
        policy=policy.name,
        panel=frame.panel,
        found_px=frame.position_px,
        image=seen["image"][0, ..., 0] if "image" in seen else None,
        true=View(last.truth["orientation"][0], last.truth["detector"][0]),
        believed=_believed(policy, memory, context.goniometer.rotation(positions), frame.panel),
        tells=hasattr(policy, "believed") or hasattr(memory, "mount"),
        certain=_certain(policy, memory, context),
        undecided=bool(getattr(getattr(memory, "track", None), "open", False)),
        declared=last.declared,
        forced=last.declared and int(exposures_left(seen, context)[0]) == 0,
        error_deg=float(last.info["misorientation_deg"][0]),
    )


def _believed(policy: Policy, memory: Any, turned: Float64Array, panel: Detector) -> View | None:
    """Return how the policy thinks that the crystal stands, by what it says or by mount and camera as it keeps them."""
    if hasattr(policy, "believed"):
        found = policy.believed(memory.track)
        return None if found is None else View(*found)
    mount, camera = getattr(memory, "mount", None), getattr(memory, "camera", None)
    return None if mount is None else View(turned @ mount, (camera or panel).as_vector())


def _certain(policy: Policy, memory: Any, context: Any) -> float:
    return float(policy.certainty(memory.track, context)) if hasattr(policy, "certainty") else float("nan")
