"""How a crystal stands with respect to its goal, by all frames, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.goniometer import Target
from beamgym.physics.laue.estimation.estimator import Estimator, Track
from beamgym.physics.laue.estimation.merit import demand
from beamgym.physics.laue.estimation.posterior import spread_deg, within


@dataclass(frozen=True)
class Standing:
    """How the crystal of the last frame stands.

    Parameters
    ----------
    error_deg : to the nearest goal that the goniometer reaches, or to the nearest of all where it reaches none; of the
        worst of the ways to see the frames that are still open
    sigma_deg : one standard deviation of the orientation, in the direction in which it is known worst
    probability : of being within the tolerance of a goal that can be reached; 0 while it is open which orientation it
        is, where the last frame is not understood, and where no goal can be reached
    mount : (3, 3) the crystal on the goniometer at zero angles
    reachable : whether the goniometer reaches a goal
    understood : whether the fit explains the last frame as well as the others; else the error is what the axes say
    """

    error_deg: float
    sigma_deg: float
    probability: float
    mount: Float64Array
    reachable: bool
    understood: bool


def standing(estimator: Estimator, track: Track, target: Target, tolerance_deg: float) -> Standing | None:
    """Return how the crystal stands after the frames of a track; None where no orientation explains them."""
    best = track.best
    if best is None:
        return None
    allowed = target.reachable(estimator.goniometer, best.mount[None])
    reachable = bool(allowed.any())
    counted = allowed if reachable else np.ones_like(allowed)

    def error_deg(orientation: Float64Array) -> Float64Array:
        error: Float64Array = target.error_deg(
            orientation, np.broadcast_to(counted, (len(orientation), counted.shape[1]))
        )
        return error

    stands = [
        estimator.adjustment.orientations(fitted, track.shots)[-1]
        for fitted, merit in zip(track.fits, track.merits, strict=True)
        if fitted is best or (track.open and merit >= demand(track.shots))
    ]
    understood = estimator.understands(track)
    sure = reachable and not track.open and understood
    return Standing(
        error_deg=float(error_deg(np.array(stands)).max()),
        sigma_deg=float(np.sqrt(np.linalg.eigvalsh(spread_deg(best))[-1])),
        probability=within(best, stands[0], error_deg, tolerance_deg) if sure else 0.0,
        mount=best.mount,
        reachable=reachable,
        understood=understood,
    )
