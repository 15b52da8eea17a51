"""The fit that a person makes: lines to one energy distribution curve after the other, each momentum alone."""

from __future__ import annotations

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.reconstruct.fit import weights
from beamgym.physics.bands.structure import BandStructure

_BASE_TERMS = 2


def pointwise_fits(
    cube: BandCube, start: BandStructure, bands: int = 2, below_ev: float = 0.35, above_ev: float = 0.5
) -> BandStructure:
    """Fit the highest bands of each momentum by Voigt-like lines on a straight base, from a start, nothing smoothed.

    Parameters
    ----------
    cube : the data as measured, without a background taken away
    start : on the cube's momenta
    bands : how many of the highest; a fit of more is not determined by one curve
    below_ev, above_ev : what is fitted reaches so far below the lowest and above the highest of them

    Returns
    -------
    the fitted bands with errors of least squares; masked where a fit does not end, or leaves its window
    """
    from scipy.optimize import least_squares

    energy = np.full((bands, *cube.mask.shape), np.nan)
    error = np.full_like(energy, np.nan)
    used = cube.mask & start.mask
    for i, j in np.argwhere(used):
        begun = np.sort(start.energy_ev[:bands, i, j])[::-1]
        inside = (cube.energy_ev > begun[-1] - below_ev) & (cube.energy_ev < begun[0] + above_ev)
        x, y = cube.energy_ev[inside], cube.intensity[i, j, inside].astype(np.float64)
        if x.size < 4 * bands + _BASE_TERMS:
            continue
        scale = max(float(y.max()), 1e-12)
        root = np.sqrt(weights(y[None] / scale)[0])

        def rest(
            p: Float64Array, x: Float64Array = x, y: Float64Array = y / scale, root: Float64Array = root
        ) -> Float64Array:
            return (_curve(p, x, bands) - y) * root

        first = np.concatenate(
            [begun, np.full(bands, 0.6), np.full(bands, np.log(0.1)), [0.3, float(y.min()) / scale, 0.0]]
        )
        low = np.concatenate([begun - 0.3, np.zeros(bands), np.full(bands, np.log(0.02)), [0.0, -0.2, -2.0]])
        high = np.concatenate([begun + 0.3, np.full(bands, 5.0), np.full(bands, np.log(0.5)), [1.0, 2.0, 2.0]])
        found = least_squares(rest, np.clip(first, low + 1e-6, high - 1e-6), bounds=(low, high), max_nfev=60)
        place = found.x[:bands]
        if np.any(np.abs(place - begun) > 0.29):
            continue
        spread = 2.0 * found.cost / max(x.size - first.size, 1)
        cov = np.linalg.pinv(found.jac.T @ found.jac) * spread
        order = np.argsort(-place)
        energy[:, i, j] = place[order]
        error[:, i, j] = np.sqrt(np.maximum(np.diag(cov)[:bands], 0.0))[order]
    mask = np.asarray(np.isfinite(energy).all(axis=0))
    if not mask.any():
        raise ValueError("no curve could be fitted; give a start nearer to the bands")
    return BandStructure(cube.kx, cube.ky, energy, error, mask, "pointwise fits")


def _curve(p: Float64Array, x: Float64Array, bands: int) -> Float64Array:
    """Sum of lines, a Gaussian and a Lorentzian of one width mixed, on a straight base.

    p : places, heights and log half widths of the bands, the share of the Lorentzian, base and its slope
    """
    out = p[-2] + p[-1] * (x - x[0])
    for b in range(bands):
        u = (x - p[b]) / np.exp(p[2 * bands + b])
        out = out + p[bands + b] * (p[-3] / (1.0 + u * u) + (1.0 - p[-3]) * np.exp(-np.log(2.0) * u * u))
    return np.asarray(out)
