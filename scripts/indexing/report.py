"""The report of an indexed pattern as JSON's numbers and words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from beamgym.physics.arrays import Float64Array
from beamgym.physics.goniometer import (
    Goniometer,
    TurnsToTarget,
    parse_target,
    sense_words,
    turn_uncertainty,
    turns_to_target,
)
from beamgym.physics.laue.indexing import HandednessCheck, SolvedPattern
from beamgym.physics.laue.report import (
    CellAnswer,
    Near,
    angles_of_c_deg,
    axis_and_angle,
    euler_angles_deg,
    nearest_directions,
    orientation_uncertainty_deg,
)
from beamgym.physics.laue.stated_camera import beam_point_px


def solved_report(image: Path, solved: SolvedPattern) -> dict[str, Any]:
    """Return the figures of an answer."""
    indexed = solved.indexed
    axis, angle = axis_and_angle(indexed.orientation)
    return {
        "image": str(image),
        "crystal": solved.crystal.name,
        "notes": list(solved.pattern.notes),
        "peaks": solved.pattern.count,
        "saturated": int(solved.pattern.peaks.saturated.sum()),
        "matched": indexed.matched,
        "figure_of_merit": indexed.figure_of_merit,
        "warnings": list(solved.warnings),
        "residual_px": indexed.residual_px,
        "residual_deg": indexed.residual_deg,
        "u": indexed.orientation.tolist(),
        "ub_inv_a": solved.ub_inv_a.tolist(),
        "uncertainty": dict(solved.uncertainty),
        "uncertainty_deg": orientation_uncertainty_deg(solved.uncertainty),
        "axis_angle": {"axis_lab": axis.tolist(), "angle_deg": angle},
        "euler_bunge_deg": euler_angles_deg(indexed.orientation).tolist(),
        "detector_change": solved.detector_change,
        "distance_mm": solved.detector.distance_mm,
        "stated_distance_mm": solved.given.distance_mm,
        "centre_px": beam_point_px(solved.detector).tolist(),
        "stated_centre_px": beam_point_px(solved.given).tolist(),
        "ambiguous": [u.tolist() for u in indexed.ambiguous],
    }


def cells_report(answers: Sequence[CellAnswer]) -> list[dict[str, Any]]:
    """Return a row for every crystal that was tried, the best first."""
    rows: list[dict[str, Any]] = []
    for answer in answers:
        row: dict[str, Any] = {"crystal": answer.crystal.name, "merit_per_peak": answer.merit_per_peak}
        if answer.solved is None:
            row["because"] = answer.reason
        else:
            indexed = answer.solved.indexed
            row |= {
                "matched": indexed.matched,
                "peaks": answer.solved.pattern.count,
                "residual_px": indexed.residual_px,
            }
        rows.append(row)
    return rows


def way_report(way: TurnsToTarget, stage: Goniometer, solved: SolvedPattern) -> dict[str, Any]:
    """Return the turn of every axis to a target with its uncertainty, or how to glue the crystal anew."""
    report: dict[str, Any] = {
        "label": way.label,
        "goniometer": way.goniometer,
        "error_deg": way.error_deg,
        "reachable": way.reachable,
        "mount": way.mount.tolist(),
    }
    if way.remount is None:
        goal = [axis.goal for axis in way.axes]
        carried = stage.rotation(goal) @ way.mount @ solved.indexed.orientation.T
        # a camera's errors turn the orientation about axes of their own: the covariance knows, three numbers do not
        spread = turn_uncertainty(stage, goal, solved.refined.rotation_covariance_deg2, carried)
        report["axes"] = {
            axis.name: {
                "turn": axis.turn,
                "to": axis.goal,
                "unit": axis.unit,
                "uncertainty": float(sigma),
                "sense": sense_words(hardware),
            }
            for axis, hardware, sigma in zip(way.axes, stage.axes, spread, strict=True)
        }
    else:
        report["because"] = way.because
        report["remount"] = {"axis_lab": way.remount.axis_lab.tolist(), "angle_deg": way.remount.angle_deg}
    return report


def pointing_report(solved: SolvedPattern, stage: Goniometer | None, positions: Float64Array | None) -> dict[str, Any]:
    """Return where c and the nearest zone axes and planes point, with the turn to each."""
    orientation = solved.indexed.orientation
    near = nearest_directions(solved.crystal, orientation)
    return {
        "c_deg": angles_of_c_deg(solved.crystal, orientation),
        "nearest": [_near_report(one, solved, stage, positions) for one in near],
    }


def _near_report(
    near: Near, solved: SolvedPattern, stage: Goniometer | None, positions: Float64Array | None
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "lab": near.lab,
        "direction": near.name,
        "angle_deg": near.angle_deg,
        "axis_lab": near.axis_lab.tolist(),
    }
    if stage is not None:
        way = turns_to_target(stage, parse_target(solved.crystal, near.target), solved.indexed.orientation, positions)
        report["turns"] = {axis.name: axis.turn for axis in way.axes} if way.reachable else None
    return report


def handedness_report(check: HandednessCheck, second: Path, remedy: str) -> dict[str, Any]:
    """Return what two pictures say of the camera's hand; ``remedy`` are the options to state it by, or empty."""
    return {
        "second": str(second),
        "verdict": check.verdict,
        "sentence": check.sentence + (f": index with {remedy}" if remedy else ""),
        "turn_deg": check.turn_deg,
        "seen_deg": check.seen_deg.tolist(),
        "hands": [{"flip": h.flip, "rotate_deg": h.rotate_deg, "error_deg": h.error_deg} for h in check.hands],
    }
