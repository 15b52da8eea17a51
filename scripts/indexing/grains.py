"""The grains of an indexed pattern, in the report and as text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from beamgym.physics.laue.indexing import SolvedPattern, shares_of_light
from beamgym.physics.laue.report import orientation_uncertainty_deg, turn_words
from beamgym.physics.orientation import nearest_equivalent, rotation_vector_deg

GOOD_SHARE = 0.7
"""Share of the peaks that a picture's grains explain together, unless something else is in it."""
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def grains_report(grains: Sequence[SolvedPattern]) -> dict[str, Any]:
    """Return a row for every grain, the first one included, and how many peaks they explain together."""
    shares = shares_of_light(grains)
    rows = [_grain_report(grain, grains[0], float(share)) for grain, share in zip(grains, shares, strict=True)]
    explained = np.any([grain.indexed.assigned for grain in grains], axis=0)
    return {"grains": rows, "explained": int(explained.sum())}


def left_over(grains: Sequence[SolvedPattern]) -> list[str]:
    """Return a warning where all grains together leave many peaks unexplained, else nothing."""
    share = float(np.any([grain.indexed.assigned for grain in grains], axis=0).mean())
    if share >= GOOD_SHARE:
        return []
    return [
        f"another crystal with the same angles, weaker grains, or false peaks? {100.0 * (1.0 - share):.0f} % of the "
        "peaks are left over; see the picture, and name every crystal that it may be"
    ]


def _grain_report(grain: SolvedPattern, first: SolvedPattern, share: float) -> dict[str, Any]:
    indexed = grain.indexed
    reference, rotations = first.indexed.orientation, grain.crystal.rotations
    angle, equivalent = nearest_equivalent(indexed.orientation, reference, rotations)
    turn = rotation_vector_deg(indexed.orientation @ rotations[equivalent] @ reference.T)
    return {
        "u": indexed.orientation.tolist(),
        "ub_inv_a": grain.ub_inv_a.tolist(),
        "uncertainty_deg": orientation_uncertainty_deg(grain.uncertainty),
        "matched": indexed.matched,
        "figure_of_merit": indexed.figure_of_merit,
        "residual_px": indexed.residual_px,
        "residual_deg": indexed.residual_deg,
        "share_of_light": share,
        "from_first": {"angle_deg": float(angle), "axis_lab": (turn / angle if angle > 1e-9 else turn).tolist()},
        "ambiguous": [u.tolist() for u in indexed.ambiguous],
        "warnings": list(grain.warnings),
    }


def grains_in_short(grains: Sequence[dict[str, Any]]) -> list[str]:
    """Return one line on all further grains, with each one's turn from the first; nothing where there is one grain."""
    if len(grains) < 2:
        return []
    turns = ", ".join(
        f"{grain['from_first']['angle_deg']:.1f}° away ({100.0 * grain['share_of_light']:.0f} % of the light)"
        for grain in grains[1:]
    )
    return [f"{len(grains) - 1} more grain(s): {turns}"]


def grains_as_text(grains: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for every further grain, and one on the first one's share; nothing where there is one grain."""
    if len(grains) < 2:
        return []
    lines = [f"first grain: the one above, {100.0 * grains[0]['share_of_light']:.0f} % of the peaks' light"]
    for number, grain in enumerate(grains[1:], 2):
        x, y, z = grain["from_first"]["axis_lab"]
        name = f"{ORDINALS[number - 1]} grain" if number <= len(ORDINALS) else f"grain {number}"
        lines.append(
            f"{name}: turned by {grain['from_first']['angle_deg']:.2f}° about ({x:.4f}, {y:.4f}, {z:.4f}) from the "
            f"first, {turn_words(grain['uncertainty_deg'])}; {grain['matched']} peaks, "
            f"{100.0 * grain['share_of_light']:.0f} % of the light, figure of merit {grain['figure_of_merit']:.1f}, "
            f"{grain['residual_px']:.2f} px" + ("; ambiguous" if grain["ambiguous"] else "")
        )
        lines += [f"  WARNING: {warning}" for warning in grain["warnings"]]
    return lines
