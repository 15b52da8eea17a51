"""The oracle of the search for a symmetry axis: it knows the true orientation of the unknown crystal."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, need_kind, positions_of, step_to
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array


class TrueAxis:
    """Turns the nearest line that counts into the beam, and declares inside the tolerance."""

    name = "true-pose"
    oracle = True

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay where no symmetry axis is looked for."""
        need_kind(context, ("zone",), "this rival looks for a symmetry axis of an unknown crystal; play LaueZone")
        return [context] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Step towards the nearest axis; raises ValueError without the truth."""
        if truth is None:
            raise ValueError("true-pose is an oracle: it needs the truth, which only a simulated instrument knows")
        context = state[0]
        positions = positions_of(observation, context)
        wanted = zone_positions(truth["mount"], context.lines(truth["cell"]), positions)
        done = context.error_deg(truth["orientation"], truth["cell"]) <= context.tolerance_deg
        spent = exposures_left(observation, context) == 0
        return declared(step_to(wanted, positions, context), done | spent), state


def zone_positions(mount: Float64Array, directions: Float64Array, positions: Float64Array) -> Float64Array:
    """Return where theta and phi lay a direction along the beam, for the one that needs the least turning.

    Phi (inner, about z) brings the line into the plane of beam and z, theta (outer, about y) onto the beam.

    Parameters
    ----------
    mount : (n, 3, 3) crystal to lab at zero angles
    directions : (n, k, 3) lines, crystal Cartesian
    positions : (n, 2) where theta and phi stand, degrees

    Returns
    -------
    (n, 2) theta and phi, each within 90 degrees of 0
    """
    x, y, z = np.moveaxis(np.einsum("nij,nkj->nki", mount, directions), 2, 0)
    flip = np.where(x < 0.0, -1.0, 1.0)
    theta = np.degrees(np.arctan2(flip * z, np.hypot(x, y)))
    phi = -np.degrees(np.arctan2(flip * y, flip * x))
    choices = np.stack([theta, phi], axis=2)
    nearest = np.abs(choices - positions[:, None]).max(axis=2).argmin(axis=1)
    wanted: Float64Array = choices[np.arange(len(choices)), nearest]
    return wanted
