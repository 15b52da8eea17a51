"""What counts say of themselves: the size of one electron by their noise, and whether angles hold any bands.

Counts of electrons have the variance of their mean. What the second differences along both axes leave of a spectrum is
noise almost alone, so that their squares over the counts are the size of one electron in the file's unit.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import Float64Array

SAME_UNIT: Final = (0.5, 2.0)
"""Sizes of one electron between which the unit passes for electrons."""

BANDLESS: Final = 0.004
"""Share of a spectrum's structure (φ², see ``band_share``) below which it is taken for one without bands."""

_BLOCK, _COARSE, _CELLS = 8, 4, 24
_SEEN = 5.0  # standard deviations above the noise
_SMOOTH = 0.05  # of the noise of counts, between neighbours: no camera blurs that far
_RATES = ("cps", "counts/s", "count/s", "hz", "kcps", "1/s")
_ALONG = 6.0  # sum of the squares of [1, −2, 1]


@dataclass(frozen=True)
class CountNoise:
    """The size of one electron in the unit of a file, as its noise tells.

    Parameters
    ----------
    fine : between neighbouring pixels; small where they share electrons, as after a camera's blur or an interpolation
    coarse : between cells of 4 x 4 pixels; also grows by structure as narrow as a cell
    quantum : the number of which all values are multiples, such as one over the seconds of a rate; 0 if there is none
    """

    fine: float
    coarse: float
    quantum: float

    @property
    def electron(self) -> float:
        """The likely size of one electron: the quantum where the noise agrees with it, else the coarse noise."""
        agrees = self.quantum > 0 and 0.5 * self.quantum < self.coarse and self.fine < 2.0 * self.quantum
        return self.quantum if agrees else max(self.fine, self.coarse)


def count_noise(counts: ArrayLike) -> CountNoise:
    """Return the size of one electron in spectra.

    Parameters
    ----------
    counts : (e, a) or (m, e, a) in the file's unit; the m are taken one after the other, and the median of all blocks
    """
    spectra = np.asarray(counts)
    spectra = spectra[None] if spectra.ndim == 2 else spectra
    quantum = _quantum(spectra)
    fine = _noise(spectra.astype(np.float64))
    coarse = _noise(_binned(spectra, _COARSE, _COARSE)) if min(spectra.shape[1:]) >= 3 * _COARSE else fine
    return CountNoise(fine, coarse, quantum)


def unit_doubts(noise: CountNoise, gain: float = 1.0, unit: str = "") -> list[str]:
    """Return what speaks against a unit, a line each that names the remedy; none where nothing does.

    Parameters
    ----------
    noise : of the spectra, in the file's unit
    gain : that the user states, in the file's unit
    unit : as the file writes it
    """
    fine, coarse, electron = noise.fine / gain, noise.coarse / gain, noise.electron
    stated = [word for word in _RATES if word in unit.lower().replace(" ", "")]
    if stated and gain == 1.0 and fine < _SMOOTH * electron:
        return [
            f"the file holds rates ({unit}), smoothed, so that no noise tells the size of one electron; export counts"
        ]
    if stated and gain == 1.0:
        return [f"the file holds rates ({unit}), not electrons; its noise is that of --gain {electron:.3g}"]
    if fine > SAME_UNIT[1]:
        return [f"one electron is {fine * gain:.3g} units by the noise, not {gain:.3g}; say --gain {electron:.3g}"]
    if max(fine, coarse) < SAME_UNIT[0]:
        return [f"one electron is {electron:.3g} units by the noise, not {gain:.3g}: rates? say --gain {electron:.3g}"]
    if fine < _SMOOTH:
        return [
            f"neighbouring pixels share their noise ({fine:.2g} of that of counts): smoothed, interpolated or "
            "averaged; N and the totals are those of an unknown number of electrons: score the raw file"
        ]
    return []


def band_share(counts: ArrayLike, gain: float = 1.0, cells: int = _CELLS) -> float:
    """Return how far a spectrum is from a product of an energy profile and an angle profile, beyond noise.

    Parameters
    ----------
    counts : (e, a) in the file's unit, within the scorer's window
    gain : the file's units of one electron
    cells : along either axis, into which pixels are added up

    Returns
    -------
    φ² = (χ² − degrees of freedom) / electrons of the test of independence (Pearson, Phil. Mag. 50 (1900) 157): 0 for
    a gold film, whose energies look alike at every angle
    """
    cell = _into(np.asarray(counts, dtype=np.float64) / gain, cells)
    total = float(cell.sum())
    rows, columns = cell.sum(axis=1, keepdims=True), cell.sum(axis=0, keepdims=True)
    used = (rows > 5.0) & (columns > 5.0)
    expected = np.where(used, rows * columns / max(total, 1e-12), 1.0)
    chi = float((np.where(used, cell - expected, 0.0) ** 2 / np.maximum(expected, 1e-12)).sum())
    freedom = max(int((rows > 5.0).sum()) - 1, 0) * max(int((columns > 5.0).sum()) - 1, 0)
    return (chi - freedom) / max(total, 1e-12)


def band_doubts(counts: ArrayLike, gain: float = 1.0) -> list[str]:
    """Return a line where the angles of a spectrum (e, a) show no bands, as on a gold film, or none above the noise."""
    share = band_share(counts, gain)
    # Without bands χ² scatters by √(2 × degrees of freedom).
    error = float(np.sqrt(2.0) * _CELLS * gain / max(float(np.asarray(counts, dtype=np.float64).sum()), 1e-300))
    if share < max(BANDLESS, _SEEN * error):
        what = (
            "all angles show the same energies" if share < BANDLESS and _SEEN * error < BANDLESS else "too few counts"
        )
        return [f"no bands are seen ({what}; φ² {max(share, 0.0):.4f}): S and B mean nothing here"]
    return []


def _into(spectrum: Float64Array, cells: int) -> Float64Array:
    """Return pixels added up to at most ``cells`` along either axis; every pixel goes into one cell."""
    for axis in (0, 1):
        starts = np.unique((np.arange(cells) * spectrum.shape[axis]) // cells)
        spectrum = np.add.reduceat(spectrum, starts, axis=axis)
    return spectrum


def _binned(spectra: NDArray[Any], rows: int, columns: int) -> Float64Array:
    m, e, a = spectra.shape
    cut = spectra[:, : e // rows * rows, : a // columns * columns].astype(np.float64)
    return np.asarray(cut.reshape(m, e // rows, rows, a // columns, columns).sum(axis=(2, 4)))


def _noise(spectra: Float64Array) -> float:
    """Return the median over blocks of pixels of the squared second differences over the counts."""
    inner, along = spectra[:, 1:-1], spectra[:, :-2] - 2.0 * spectra[:, 1:-1] + spectra[:, 2:]
    square = _ALONG
    if spectra.shape[2] >= 3:
        along = along[:, :, :-2] - 2.0 * along[:, :, 1:-1] + along[:, :, 2:]
        inner, square = inner[:, :, 1:-1], _ALONG**2
    if not inner.size:
        return 1.0
    sides = min(_BLOCK, inner.shape[1]), min(_BLOCK, inner.shape[2])
    squares, sums = _binned(along**2, *sides).ravel(), _binned(inner, *sides).ravel()
    lit = (sums >= np.median(sums)) & (sums > 0)
    return float(np.median(squares[lit] / sums[lit]) / square) if lit.any() else 0.0


def _quantum(spectra: NDArray[Any]) -> float:
    """Return the number of which all values are multiples: 1 for counts, 0 for values that are multiples of nothing."""
    values = np.unique(spectra[: max(1, 200_000 // max(spectra[0].size, 1))])
    values = values[values > 0].astype(np.float64)
    if not values.size:
        return 0.0
    if np.all(values == np.rint(values)):
        return float(np.gcd.reduce(values.astype(np.int64)))
    # Rates lie on a ladder of steps; the smallest difference is one step, or noise of the arithmetic.
    steps = np.diff(values, prepend=0.0)
    step = float(steps[steps > 1e-4 * values[-1] / values.size].min(initial=np.inf))
    if not np.isfinite(step) or values[-1] / step > 1e5:
        return 0.0
    step = float(values[-1] / np.rint(values[-1] / step))
    off = np.abs(values / step - np.rint(values / step))
    return step if off.max() < 0.05 else 0.0
