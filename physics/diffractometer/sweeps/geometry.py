"""How a sweep was made, and from its spots to scattering vectors in the mount frame."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer import Diffractometer, Observed, observed_vectors
from beamgym.physics.diffractometer.sweeps.spots import SweepSpots
from beamgym.physics.laue.detector import Detector

BEAM = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, eq=False)
class SweepGeometry:
    """A sweep: frame f is exposed while one axis goes from start + f·step to start + (f + 1)·step.

    Parameters
    ----------
    instrument : whose sample's axes
    at_deg : (k,) where the sample's axes stand, the swept one anywhere
    axis : name of the swept one
    start_deg, step_deg : of it
    panel : the detector, in the lab
    wavelength_a : Å

    Raises
    ------
    ValueError : an axis that the instrument's sample does not have, another number of positions, a step of 0
    """

    instrument: Diffractometer
    at_deg: Float64Array
    axis: str
    start_deg: float
    step_deg: float
    panel: Detector
    wavelength_a: float

    def __post_init__(self) -> None:
        """Check the axis, the positions and the step."""
        names = self.instrument.sample.names
        if self.axis not in names:
            raise ValueError(f"{self.instrument.name} has no axis {self.axis!r} to sweep; there are {', '.join(names)}")
        if np.shape(self.at_deg) != (len(names),) or not np.isfinite(self.at_deg).all():
            raise ValueError(f"give a finite position for each of {', '.join(names)}")
        if not (np.isfinite([self.start_deg, self.step_deg]).all() and self.step_deg != 0.0):
            raise ValueError(f"start {self.start_deg:g}° and step {self.step_deg:g}°: the step must not be 0")

    def rotations(self, angles_deg: Float64Array) -> Float64Array:
        """Return the rotations (n, 3, 3), mount frame to lab, at positions (n,) of the swept axis."""
        at = np.tile(self.at_deg, (len(angles_deg), 1))
        at[:, self.instrument.sample.names.index(self.axis)] = angles_deg
        return np.asarray(self.instrument.sample.rotation(at))

    def axis_in_lab(self) -> Float64Array:
        """Return the unit vector (3,) about which a growing position turns the sample, lab frame."""
        first, second = self.rotations(np.array([0.0, 1.0]))
        turn = second @ first.T
        vector = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        return np.asarray(vector / np.linalg.norm(vector))

    def angles_deg(self, frame: Float64Array) -> Float64Array:
        """Return the position (n,) of the swept axis at places (n,) in the stack; k.5 is the middle of frame k."""
        return np.asarray(self.start_deg + frame * self.step_deg)


def spot_reflections(
    spots: SweepSpots, geometry: SweepGeometry, error_deg: float = 0.1, cell_error: float = 0.0005
) -> Observed:
    """Return the reflections that spots are, with intensities as a scan of the bisecting rocking angle would give them.

    Parameters
    ----------
    spots : found in the sweep's frames; one at least
    geometry : how it was made
    error_deg : one standard deviation of a direction, and of 2θ
    cell_error : relative error of the known cell and wavelength

    Notes
    -----
    q = k_out − k_in, turned back by the rotation at the spot's middle. Lorentz factor of a turn about a unit vector e:
    1 / abs(e · (ŝ × ŝ₀)) (Milch & Minor, J. Appl. Cryst. 7 (1974) 502).
    """
    out = geometry.panel.directions(spots.position_px)
    q_lab = (out - BEAM) / geometry.wavelength_a
    back = np.swapaxes(geometry.rotations(geometry.angles_deg(spots.frame)), 1, 2)
    q = np.einsum("nij,nj->ni", back, q_lab)
    across = np.cross(out, BEAM)
    speed = np.abs(across @ geometry.axis_in_lab())
    sine = np.maximum(np.linalg.norm(across, axis=1), 1e-9)
    intensity = np.maximum(spots.counts * speed / sine, 1e-9)
    return observed_vectors(q, geometry.wavelength_a, error_deg, intensity, cell_error)
