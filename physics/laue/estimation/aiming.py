"""How to send the axes so that the crystal gets where it should: through the play, and past the zero errors."""

from collections.abc import Sequence

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.estimation.adjustment import Adjustment, Fitted
from beamgym.physics.laue.estimation.frames import Shot, readings
from beamgym.physics.laue.estimation.model import Layout, normal_equations
from beamgym.physics.laue.estimation.posterior import turns

SPOTS_SEEN = 50
"""Spots that a frame to come is thought to show."""
_DRAWS = 256
_SURE = 2.8
"""Standard deviations, outwards from the goal, within which a declaration must lie."""


def gets_to(adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot], command: Float64Array) -> Float64Array:
    """Return where the axes truly stand, (k,), once they are sent to a command (k,) after these frames."""
    setup = adjustment.setup
    layout = setup.layout(len(shots) + 1)
    values = np.zeros(layout.size)
    values[: len(fitted.values)] = fitted.values
    true, _, _ = setup.course(values, layout, np.array([*readings(shots), command]))
    last: Float64Array = true[-1]
    return last


def stands_at(adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot]) -> Float64Array:
    """Return where the axes truly stand in the last frame, (k,)."""
    true, _, _ = adjustment.setup.course(fitted.values, adjustment.setup.layout(len(shots)), readings(shots))
    last: Float64Array = true[-1]
    return last


def foresee(
    adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot], *commands: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return how well the orientation at the last of some commands (k,) will be known: covariances (3, 3), degrees².

    Returns
    -------
    After a frame at each of them, and before the last one's frame: what is not known of where that move ends
    """
    assert fitted.information is not None
    setup, first, frames = adjustment.setup, len(shots), len(shots) + len(commands)
    grown, layout = adjustment.grown(fitted, frames), setup.layout(frames)
    readback = np.array([*readings(shots), *commands])
    orientation, by_turn, by_shift = adjustment.derivatives(grown, layout, readback, first=first)
    information = np.diag(adjustment.priors[fitted.prior].precision(layout, setup.rotates))
    known = len(fitted.information)
    information[:known, :known] += fitted.information
    last = by_turn[-1]
    for i in range(len(commands) - 1):
        information += _information_there(adjustment, grown, orientation[i], by_turn[i], by_shift[i], layout)
    more = _information_there(adjustment, grown, orientation[-1], last, by_shift[-1], layout)
    after, before = (last @ np.linalg.inv(each) @ last.T for each in (information + more, information))
    return after, before


def _information_there(
    adjustment: Adjustment,
    fitted: Fitted,
    orientation: Float64Array,
    by_turn: Float64Array,
    by_shift: Float64Array,
    layout: Layout,
) -> Float64Array:
    """Return what the spots of one frame to come will tell of the parameters, (p, p)."""
    setup = adjustment.setup
    panel, vector = setup.panel(fitted.values), setup.panel_vector(fitted.values)
    strain = setup.strain(fitted.values, layout)
    rays = setup.rays(orientation[None], vector[None], strain)[0]
    normal = rays.normal[:SPOTS_SEEN]
    found = setup.detector.pixel_mm * (rays.position_px[:SPOTS_SEEN] - setup.middle_px)
    count = len(normal)
    matrix, gradient = np.zeros((layout.size, layout.size)), np.zeros(layout.size)
    normal_equations(
        normal, np.zeros(count, dtype=np.int64), found, orientation[None], panel.centre[None], panel.edges,
        by_turn[None], by_shift[None], layout.tilt.start, setup.modes, layout.cell.start, strain,
        setup.radius_mm, np.inf, matrix, gradient, np.zeros((count, 2)),
    )  # fmt: skip
    return matrix / fitted.spot_mm**2


def likely_to_end(seen: Float64Array, blind: Float64Array, tolerance_deg: float) -> float:
    """Return the chance that a move ends so that the next frame allows a declaration.

    Parameters
    ----------
    seen, blind : covariances (3, 3) after and before a frame there, as from ``foresee``
    tolerance_deg : largest error allowed
    """
    ends = turns(blind, _DRAWS)
    off = np.maximum(np.linalg.norm(ends, axis=1), 1e-12)
    outwards = np.sqrt(np.einsum("ni,ij,nj->n", ends, seen, ends)) / off
    return float(np.mean(off + _SURE * outwards < tolerance_deg))
