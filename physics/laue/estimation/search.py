"""How the crystal may sit on the goniometer: by the last frame alone, or by all frames turned back into one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.laue.matching import MIN_MATCHED, Pattern
from beamgym.physics.laue.stated_camera import sharpest_cameras

TOLERANCES_DEG = (0.25, 0.6, 1.0)
"""Search radii: of a calibrated camera, one that is half a millimetre off, one that is off by a millimetre."""
BEST = 6
"""Candidates of a search over several frames that are handed on."""
DISTANCES = (0.0, -0.028, 0.028, -0.056, 0.056, -0.084, 0.084, -0.112, 0.112, -0.14, 0.14)
"""By how much of its distance a camera may stand elsewhere, where nothing explains the spots, in steps of which each is
within reach of the next radius."""
ONE_FRAME_DEG, MORE_DEG = 0.4, 0.5
"""Search radius of one frame, and of several, about whose turns little is known."""
PAIR_PEAKS, VOTE_PEAKS = 40, 200
"""Peaks that orientations are made from, and that vote: most of them may be false."""
LEFT_OVER_DEG, STRAIN_SHARE = 0.3, 0.4
"""Search radius where camera and axes were fitted, and by which share of the largest strain it grows."""
ZONES_SHARE, ZONES_CENTRE_MM = 0.3, 3.0
"""Errors of distance and centre within which the sharpness of zones is asked where no search with the crystal helps."""
TELLING, MAJORITY = 14.0, 0.5
"""Merit, and share of the spots explained, that end a search over distances."""


@dataclass(frozen=True)
class Start:
    """Where an adjustment is to begin.

    Parameters
    ----------
    mount : (3, 3) the crystal on the goniometer at zero angles
    shift_mm : of the panel along its edges and across itself
    """

    mount: Float64Array
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


def by_last(indexer: Indexer, goniometer: Goniometer, shots: Sequence[Shot], detector: Detector) -> Iterator[Start]:
    """Yield starts by the last frame: that of the index, what it could not exclude, and the look-alikes."""
    shot = shots[-1]
    if len(shot.position_px) == 0:
        return
    answer = indexer.on(detector).index(shot.position_px, shot.counts)
    if not isinstance(answer, Indexed):
        return
    here = goniometer.rotation(shot.readback)
    found = answer.orientation
    for u in (found, *answer.ambiguous, *(found @ image for image in indexer.table.look_alikes)):
        yield Start(here.T @ u)


def by_all(indexer: Indexer, goniometer: Goniometer, shots: Sequence[Shot], detector: Detector) -> Iterator[Start]:
    """Yield starts by all frames together, likeliest first: each spot is turned back to zero angles."""
    joint = joint_pattern(indexer, shots, detector, goniometer.rotation(np.array([shot.readback for shot in shots])))
    for tolerance in TOLERANCES_DEG:
        fits = sorted(joint.candidates(tolerance), key=lambda fit: -fit.merit)
        for fit in fits[:BEST]:
            yield Start(fit.u)


def by_distance(indexer: Indexer, goniometer: Goniometer, shots: Sequence[Shot], detector: Detector) -> Iterator[Start]:
    """Yield starts by all frames together with the panel nearer or farther than it is said to be, likeliest first."""
    turned = goniometer.rotation(np.array([shot.readback for shot in shots]))
    tolerance = ONE_FRAME_DEG if len(shots) == 1 else MORE_DEG
    found: list[tuple[float, Start]] = []
    for share in DISTANCES:
        moved = share * detector.distance_mm
        joint = joint_pattern(indexer, shots, _moved(detector, moved), turned)
        fits = list(joint.candidates(tolerance, PAIR_PEAKS, VOTE_PEAKS))
        found += [(fit.merit, Start(fit.u, (0.0, 0.0, moved))) for fit in fits]
        if any(fit.merit > TELLING and fit.assigned.mean() > MAJORITY for fit in fits):
            break
    for _, start in sorted(found, key=lambda each: -each[0])[: 2 * BEST]:
        yield start


def by_zones(indexer: Indexer, goniometer: Goniometer, shots: Sequence[Shot], detector: Detector) -> Iterator[Start]:
    """Yield starts by all frames on the cameras that make zones sharp in the frame with the most spots.

    That needs no crystal, and reaches farther than a search with one.
    """
    if isinstance(detector, CylinderDetector):
        return  # zones are straight on flat panels alone
    fullest = max(shots, key=lambda shot: len(shot.position_px))
    cameras = sharpest_cameras(fullest.position_px, fullest.counts, detector, ZONES_SHARE, ZONES_CENTRE_MM)
    turned = goniometer.rotation(np.array([shot.readback for shot in shots]))
    edges = np.stack([detector.fast, detector.slow, np.cross(detector.fast, detector.slow)])
    for camera in cameras:
        if not camera.clear:
            continue
        shift = edges @ (np.asarray(camera.detector.origin_mm) - np.asarray(detector.origin_mm))
        joint = joint_pattern(indexer, shots, camera.detector, turned)
        fits = sorted(joint.candidates(MORE_DEG, PAIR_PEAKS, VOTE_PEAKS), key=lambda fit: -fit.merit)
        for fit in fits[:BEST]:
            yield Start(fit.u, (float(shift[0]), float(shift[1]), float(shift[2])))


def by_left_over(
    indexer: Indexer, shots: Sequence[Shot], detector: Detector, turned: Float64Array, strain: Float64Array
) -> Iterator[Start]:
    """Yield starts by spots that are left over, on a panel and after turns (T, 3, 3) that are known by now.

    The search knows the cell of the file: what it is deformed by, (3, 3), widens its radius.
    """
    joint = joint_pattern(indexer, shots, detector, turned)
    if len(joint.order) < MIN_MATCHED:
        return
    radius = LEFT_OVER_DEG + STRAIN_SHARE * float(np.degrees(np.abs(strain - np.eye(3)).max()))
    fits = joint.candidates(min(radius, TOLERANCES_DEG[-1]), PAIR_PEAKS, VOTE_PEAKS)
    for fit in sorted(fits, key=lambda fit: -fit.merit)[:2]:
        yield Start(fit.u)


def _moved(detector: Detector, across_mm: float) -> Detector:
    """Return the panel moved along the cross product of its edges."""
    fast, slow = np.asarray(detector.fast), np.asarray(detector.slow)
    origin = np.asarray(detector.origin_mm) + across_mm * np.cross(fast, slow)
    return detector.placed(origin, fast, slow)


def joint_pattern(indexer: Indexer, shots: Sequence[Shot], detector: Detector, turned: Float64Array) -> Pattern:
    """Return the spots of all frames as one pattern of the crystal on the goniometer at zero angles.

    Parameters
    ----------
    turned : (T, 3, 3) how the goniometer has turned it in each frame
    """
    normals, sines, counts = [], [], []
    for shot, turn in zip(shots, turned, strict=True):
        lab = detector.plane_normals(shot.position_px)
        normals.append(lab @ turn)
        sines.append(-lab[:, 0])
        # Of each frame the brightest first, whatever another's scale.
        counts.append(shot.counts / max(float(np.median(shot.counts)), 1e-9) if len(shot.counts) else shot.counts)
    return Pattern(indexer.table, np.concatenate(normals), np.concatenate(counts), np.concatenate(sines))
