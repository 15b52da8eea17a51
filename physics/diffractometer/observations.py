"""Observed reflections: scattering vectors in the mount frame with their errors, made from angles or given."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer.geometry import check_wavelength, scattering_vectors
from beamgym.physics.diffractometer.presets import Diffractometer

SAME_DEG = 0.5
"""Two reflections nearer than that, in direction and in 2θ, are one that was measured twice."""
_FLOOR = 0.05  # of the error in each direction, so that axes that do not turn a vector leave it no infinite weight


@dataclass(frozen=True, eq=False)
class Observed:
    """Observed reflections.

    Parameters
    ----------
    q : (n, 3) scattering vectors in the mount frame, 1/Å without 2π
    covariance : (n, 3, 3) of them, 1/Å²
    wavelength_a : Å
    error_deg : one standard deviation of each angle
    positions : (n, k) of all axes, degrees; None where vectors were given
    instrument : whose axes they are; None where vectors were given
    intensity : (n,) integrated, in any unit; None where not measured
    """

    q: Float64Array
    covariance: Float64Array
    wavelength_a: float
    error_deg: float
    positions: Float64Array | None = None
    instrument: Diffractometer | None = None
    intensity: Float64Array | None = None

    def __len__(self) -> int:
        return len(self.q)

    def rows(self, chosen: ArrayLike) -> "Observed":
        """Return some of them, by index or mask."""
        index = np.asarray(chosen)
        positions = None if self.positions is None else self.positions[index]
        intensity = None if self.intensity is None else self.intensity[index]
        covariance = self.covariance[index]
        return Observed(
            self.q[index], covariance, self.wavelength_a, self.error_deg, positions, self.instrument, intensity
        )


def observed_angles(
    instrument: Diffractometer,
    positions: ArrayLike,
    wavelength_a: float,
    error_deg: float = 0.1,
    intensity: ArrayLike | None = None,
    cell_error: float = 0.0005,
) -> Observed:
    """Return reflections that were centred at positions of the axes.

    Parameters
    ----------
    instrument : whose axes
    positions : (n, k) degrees, the sample's axes first, then the arm's
    wavelength_a : Å
    error_deg : one standard deviation of every angle, degrees
    intensity : (n,) integrated, in any unit
    cell_error : relative error of the known cell, which makes lengths that uncertain

    Raises
    ------
    ValueError : no reflection, angles that are not finite, a wavelength that is none, an error that is not positive,
        or a detector that stands in the beam
    """
    wavelength_a, angles = check_wavelength(wavelength_a), np.atleast_2d(np.asarray(positions, dtype=np.float64))
    if not len(angles):
        raise ValueError("no reflection is given; centre at least one, and write a row for it")
    if not np.isfinite(angles).all():
        raise ValueError("an angle is NaN or infinite; leave that row out")
    _check_error(error_deg)
    q, slope = scattering_vectors(instrument, angles, wavelength_a)
    length = np.linalg.norm(q, axis=1)
    if (length * wavelength_a < 0.01).any():
        row = int(np.argmax(length * wavelength_a < 0.01)) + 1
        raise ValueError(
            f"reflection {row} has the detector in the direct beam; "
            f"give the angles of its arm ({', '.join(instrument.arm.names)})"
        )
    covariance = slope @ np.swapaxes(slope, -1, -2) * error_deg**2
    return _made(q, covariance, wavelength_a, error_deg, cell_error, angles, instrument, intensity)


def observed_vectors(
    q: ArrayLike,
    wavelength_a: float,
    error_deg: float = 0.1,
    intensity: ArrayLike | None = None,
    cell_error: float = 0.0005,
) -> Observed:
    """Return reflections that are given as scattering vectors (n, 3) in the mount frame, 1/Å without 2π.

    The error is that of a direction, and of 2θ. Raises ValueError as ``observed_angles`` does.
    """
    wavelength_a, vectors = check_wavelength(wavelength_a), np.atleast_2d(np.asarray(q, dtype=np.float64))
    _check_error(error_deg)
    if not len(vectors) or not np.isfinite(vectors).all():
        raise ValueError("scattering vectors must be finite, and at least one; leave empty rows out")
    length = np.linalg.norm(vectors, axis=1)
    sine = 0.5 * wavelength_a * length
    if (length <= 0.0).any() or (sine > 1.0).any():
        row = int(np.argmax((length <= 0.0) | (sine > 1.0))) + 1
        raise ValueError(
            f"vector {row} has the length {length[row - 1]:.4g} 1/Å, "
            f"and {wavelength_a:g} Å reaches {2.0 / wavelength_a:.4g}; "
            "is it in units of 2π/Å, or the wavelength wrong?"
        )
    unit = vectors / length[:, None]
    along = unit[:, :, None] * unit[:, None, :]
    error = np.radians(error_deg)
    of_length = 0.5 * error * np.sqrt(np.maximum(1.0 - sine**2, 1e-4)) / sine
    covariance = (length**2)[:, None, None] * (error**2 * (np.eye(3) - along) + (of_length**2)[:, None, None] * along)
    return _made(vectors, covariance, wavelength_a, error_deg, cell_error, None, None, intensity)


def repeated(observed: Observed) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, of reflections that are one and the same, from 0."""
    length = np.linalg.norm(observed.q, axis=1)
    limit = np.radians(SAME_DEG)
    apart = np.linalg.norm(observed.q[:, None] - observed.q[None], axis=2)
    near = apart < limit * np.minimum(length[:, None], length[None])
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(near, 1))]


def _check_error(error_deg: float) -> None:
    if not (np.isfinite(error_deg) and 0.0 < error_deg <= 5.0):
        raise ValueError(f"an error of {error_deg:g}°: give one standard deviation of the angles, above 0 and up to 5°")


def _made(
    q: Float64Array,
    covariance: Float64Array,
    wavelength_a: float,
    error_deg: float,
    cell_error: float,
    positions: Float64Array | None,
    instrument: Diffractometer | None,
    intensity: ArrayLike | None,
) -> Observed:
    square = (q**2).sum(axis=1)
    floor = (_FLOOR * np.radians(error_deg)) ** 2 * square[:, None, None] * np.eye(3)
    total = covariance + floor + cell_error**2 * q[:, :, None] * q[:, None, :]
    counts = None if intensity is None else np.asarray(intensity, dtype=np.float64)
    if counts is not None and (counts.shape != (len(q),) or not np.isfinite(counts).all() or (counts <= 0.0).any()):
        raise ValueError(
            "intensities must be positive numbers, one for each reflection; leave the column out if some are missing"
        )
    return Observed(q, total, wavelength_a, error_deg, positions, instrument, counts)
