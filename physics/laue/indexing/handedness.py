"""Which hand a camera's picture has: two pictures with a known turn between them tell, one alone never does.

A mirrored picture is exactly the pattern of another orientation. If M is the mirror of the lab that exchanges the two
hands, spots do not tell U from −M·U, since every pattern has the inversion. A turn R of the crystal then looks like
M·R·M, about the mirrored axis and the other way round: that is what a known turn shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import BEAM, Detector
from beamgym.physics.laue.stated_camera import mirror_of, mirrored_in_lab
from beamgym.physics.orientation import check_rotation, misorientation_deg, rotation_matrix, rotation_vector_deg

AGREES_DEG = 2.0
"""A turn read off a hand-turned head, between two pictures of one crude camera, is right to about this."""
APART_DEG = 4.0
"""The turns that two hands predict must differ by at least this, else the pictures cannot tell."""
CLEARLY = 2.0
"""The hand that agrees must do so this many times better than the other."""
_ACROSS = 0.9
"""Cosine of normal and beam above which a panel is taken to stand across the beam."""


@dataclass(frozen=True)
class Hand:
    """One way in which a picture may lie, and how well it agrees with the turn.

    Parameters
    ----------
    flip : what of the geometry as stated is the other way round: "none", "horizontal" or "vertical"
    rotate_deg : by how much the picture is turned clockwise besides
    operation : (3, 3) of the lab, which takes the panel as stated to the panel of this hand
    error_deg : angle between the crystal's known turn and the one that the two pictures show
    """

    flip: str
    rotate_deg: int
    operation: Float64Array
    error_deg: float

    def detector(self, stated: Detector) -> Detector:
        """Return the geometry of this hand."""
        return mirrored_in_lab(stated, self.operation)


@dataclass(frozen=True)
class HandednessCheck:
    """What two pictures say of the camera's hand.

    Parameters
    ----------
    verdict : "as stated", "mirrored", "turned" (neither hand agrees, but some do with the picture turned), "undecided"
        (the turn shows both hands alike) or "neither"
    hands : as stated first, then mirrored, then the same with the picture turned
    turn_deg : angle of the known turn
    seen_deg : (3,) rotation vector in the lab between the pictures as stated, the smallest of its equivalents
    """

    verdict: str
    hands: tuple[Hand, ...]
    turn_deg: float
    seen_deg: Float64Array

    @property
    def agreeing(self) -> tuple[Hand, ...]:
        """Every hand that agrees with the turn, turned pictures among them: those that the turn cannot tell apart."""
        return tuple(hand for hand in self.hands if hand.error_deg <= AGREES_DEG)

    @property
    def sentence(self) -> str:
        """The verdict in one line, with both errors."""
        as_stated, mirrored = self.hands[0].error_deg, self.hands[1].error_deg
        return (
            f"{_SENTENCES[self.verdict]} (the crystal was turned by {self.turn_deg:.1f}°; the pictures disagree with "
            f"that by {as_stated:.1f}° as stated, by {mirrored:.1f}° mirrored)"
        )


_SENTENCES = {
    "as stated": "the picture's hand is as stated",
    "mirrored": "the picture is MIRRORED",
    "turned": "the picture lies otherwise than stated, turned by a quarter or a half",
    "undecided": "both hands agree with this turn: turn by 10° about the vertical or the beam",
    "neither": "neither hand agrees with the turn: check its size and sense, that both pictures show one crystal, and "
    "that the goniometer's axes are as stated",
}


def check_handedness(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    turn: ArrayLike,
    detector: Detector,
    rotations: ArrayLike,
) -> HandednessCheck:
    """Compare a known turn of the crystal with the one between two indexed pictures, for both hands.

    Parameters
    ----------
    first, second : (3, 3) orientations that explain each picture with ``detector`` as stated: the best one, and those
        that positions do not exclude
    turn : (3, 3) rotation of the crystal in the lab from the first picture to the second
    detector : the geometry that both were indexed with
    rotations : (k, 3, 3) proper rotations of the crystal's Laue class

    Returns
    -------
    HandednessCheck

    Raises
    ------
    ValueError : no orientation, or matrices that are no rotations
    """
    if not len(first) or not len(second):
        raise ValueError("each picture needs an orientation at least; index both")
    known = check_rotation(turn, "turn")
    pairs = [(check_rotation(a, "first"), check_rotation(b, "second")) for a in first for b in second]
    hands = tuple(
        Hand(flip, rotate, operation, min(_error_deg(a, b, operation, known, rotations) for a, b in pairs))
        for flip, rotate, operation in arrangements(detector)
    )
    turn_deg = float(np.linalg.norm(rotation_vector_deg(known)))
    return HandednessCheck(_verdict(hands), hands, turn_deg, _seen_deg(pairs[0], rotations))


def arrangements(detector: Detector) -> list[tuple[str, int, Float64Array]]:
    """Return flip, turn and (3, 3) operation of the lab for every way in which a picture may lie on this panel.

    The operation takes the panel as stated to the panel as it would be, and leaves beam and panel's plane where they
    are; the first is the identity, the second the other hand. A flip is done after the turn, as in ``StatedCamera``.
    """
    if isinstance(detector, CylinderDetector):
        half = rotation_matrix(180.0 * BEAM)
        mirror = mirror_of(detector, "horizontal")
        return [
            ("none", 0, np.eye(3)),
            ("horizontal", 0, mirror),
            ("none", 180, half),
            ("horizontal", 180, half @ mirror),
        ]
    normal, fast, slow = detector.normal, detector.fast, detector.slow
    if abs(normal @ BEAM) < _ACROSS:
        across = np.cross(normal, BEAM)
        across /= np.linalg.norm(across)
        flip = "vertical" if abs(slow @ across) > abs(fast @ across) else "horizontal"
        return [("none", 0, np.eye(3)), (flip, 0, np.eye(3) - 2.0 * np.outer(across, across))]
    along = fast - (fast @ BEAM) * BEAM
    along /= np.linalg.norm(along)
    mirror = np.eye(3) - 2.0 * np.outer(along, along)
    found = [("none", 0, np.eye(3)), ("horizontal", 0, mirror)]
    # clockwise for an eye at the sample that looks at the panel, unless the picture is mirrored already
    sense = -90.0 * np.sign(BEAM @ np.cross(fast, slow))
    for quarters in (1, 2, 3):
        turned = rotation_matrix(sense * quarters * BEAM)
        found += [("none", 90 * quarters, turned), ("horizontal", 90 * quarters, turned @ mirror)]
    return found


def _error_deg(
    first: Float64Array, second: Float64Array, operation: Float64Array, known: Float64Array, rotations: ArrayLike
) -> float:
    """Angle between the second orientation and the first one after the turn, both seen in one arrangement."""
    sign = np.sign(np.linalg.det(operation))
    start, end = sign * operation @ first, sign * operation @ second
    return float(misorientation_deg(end, known @ start, rotations))


def _seen_deg(pair: tuple[Float64Array, Float64Array], rotations: ArrayLike) -> Float64Array:
    first, second = pair
    ways = rotation_vector_deg(second @ np.asarray(rotations, dtype=np.float64) @ first.T)
    smallest: Float64Array = ways[np.argmin(np.linalg.norm(ways, axis=1))]
    return smallest


def _verdict(hands: tuple[Hand, ...]) -> str:
    as_stated, mirrored = hands[0].error_deg, hands[1].error_deg
    better, worse = min(as_stated, mirrored), max(as_stated, mirrored)
    if better <= AGREES_DEG:
        if worse < max(APART_DEG, CLEARLY * better):
            return "undecided"
        return "as stated" if as_stated < mirrored else "mirrored"
    return "turned" if min((hand.error_deg for hand in hands[2:]), default=np.inf) <= AGREES_DEG else "neither"
