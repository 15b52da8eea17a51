"""How a crystal stands with respect to its goal, by all frames, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.goniometer import Target
from beamgym.physics.laue.estimation.estimator import STRAYED_DEG, Estimator, Track
from beamgym.physics.laue.estimation.merit import demand
from beamgym.physics.laue.estimation.posterior import spread_deg, within
from beamgym.physics.orientation import nearest_equivalent, rotation_vector_deg


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

    stands = _open_ways(estimator, track)
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


def orientation_of(estimator: Estimator, track: Track) -> tuple[Float64Array, Float64Array] | None:
    """Return how the crystal of the last frame stands, and how well that is known.

    Where it is open which of several orientations it is, the others count as if each were as likely as the best one.
    Where the last frame is not understood, the axes may have carried the crystal elsewhere than they read: about each
    of the lab's axes a standard deviation of 8° is added, since they do so by no more.

    Returns
    -------
    (3, 3) crystal to lab, and (3, 3) covariance about the lab's axes, degrees²; None where no orientation explains the
    frames
    """
    best = track.best
    if best is None:
        return None
    stands = _open_ways(estimator, track)
    spread = spread_deg(best)
    if len(stands) > 1:
        equivalent = nearest_equivalent(np.array(stands[1:]), stands[0], estimator.crystal.rotations)[1]
        others = np.array(stands[1:]) @ estimator.crystal.rotations[equivalent]
        away = rotation_vector_deg(others @ stands[0].T)
        spread = spread + away.T @ away / len(stands)
    if not estimator.understands(track):
        spread = spread + STRAYED_DEG**2 * np.eye(3)
    return stands[0], spread


def _open_ways(estimator: Estimator, track: Track) -> list[Float64Array]:
    """Return the orientations (3, 3) of the last frame that are still open, the best first."""
    return [
        estimator.adjustment.orientations(fitted, track.shots)[-1]
        for fitted, merit in zip(track.fits, track.merits, strict=True)
        if fitted is track.best or (track.open and merit >= demand(track.shots))
    ]
