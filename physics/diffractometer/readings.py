"""Other readings of a table of angles, tried where the stated one explains nothing: axes the other way round."""

from dataclasses import replace

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer.candidates import Candidates, ub_candidates
from beamgym.physics.diffractometer.lattice import KnownCell, lattice_of
from beamgym.physics.diffractometer.observations import Observed, observed_angles

_FITS = 0.9  # probability from which a reading is worth telling


def other_readings(observed: Observed, known: KnownCell) -> list[str]:
    """Return, in words, the readings of the same angles that a cell explains: signs of axes, where omega begins.

    Parameters
    ----------
    observed : reflections given as angles
    known : the cell
    """
    instrument, positions = observed.instrument, observed.positions
    if instrument is None or positions is None:
        return []
    found = []
    for words, changed in _changed(positions, instrument.names, instrument.halved):
        try:
            again = observed_angles(instrument, changed, observed.wavelength_a, observed.error_deg)
            told = ub_candidates(again, known)
        except ValueError:
            continue
        if fits(told) and told.none < 1.0 - _FITS:
            found.append(words)
    return found


def fits(candidates: Candidates) -> bool:
    """Return whether some orientation explains more than half of the reflections, and at least two."""
    if not candidates.found or candidates.none > 0.5:
        return False
    explained = float((candidates.found[0].belongs > 0.5).sum())
    return explained >= max(2.0, 0.5 * len(candidates.observed) + 0.1)


def strangers(observed: Observed, known: KnownCell) -> Float64Array:
    """Return which reflections (n,) have the 2θ of no reflection of the cell, within five standard deviations."""
    length = np.linalg.norm(observed.q, axis=1)
    lattice = lattice_of(known, 1.05 * float(length.max()), observed.wavelength_a)
    unit = observed.q / length[:, None]
    error = 5.0 * np.sqrt(np.einsum("ni,nij,nj->n", unit, observed.covariance, unit))
    place = np.searchsorted(lattice.length, length)
    below = np.abs(lattice.length[np.maximum(place - 1, 0)] - length)
    above = np.abs(lattice.length[np.minimum(place, len(lattice.length) - 1)] - length)
    return np.asarray(np.minimum(below, above) > error)


def without_strengths(known: KnownCell) -> KnownCell:
    """Return the cell as if its structure were not known, except for which reflections there are."""
    return replace(known, strengths=False, kept={})


def _changed(positions: Float64Array, names: tuple[str, ...], halved: str) -> list[tuple[str, Float64Array]]:
    tried = []
    if halved:
        relative = positions.copy()
        relative[:, names.index(halved)] += 0.5 * positions[:, -1]
        tried.append((f"if {halved} is counted from the bisecting position (--omega-relative)", relative))
    for name in names[:-1]:
        flipped = positions.copy()
        flipped[:, names.index(name)] *= -1.0
        tried.append((f"if the sign of {name} is reversed", flipped))
    return tried
