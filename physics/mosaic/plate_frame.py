"""The plate's own frame: x to the right and y up as the beam's source sees it, z out of the plate towards the source.

In back-reflection the plate stands across the beam: its z is against the beam, its y is up.
"""

import numpy as np

from beamgym.physics.arrays import Float64Array

PLATE_TO_LAB = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Takes a direction in the plate's frame to the lab, where the beam runs along x and z is up; a proper rotation."""

TURNED_OVER = np.diag([-1.0, 1.0, -1.0])
"""What a crystal does that is turned over about the plate's y, so that its other face lies down."""


def turn_about_normal(angle_deg: float) -> Float64Array:
    """Return the rotation by an angle about the plate's normal, (3, 3), counter-clockwise as the source sees it."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
