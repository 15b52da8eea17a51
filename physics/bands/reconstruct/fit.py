"""Additive lines fitted to the data of some momenta: places and amplitudes as smooth functions of momentum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.bands.reconstruct.line_kernels import model, normal_equations
from beamgym.physics.bands.reconstruct.lines import FINE, fwhm, voigt_tables

_FLOOR = 0.03
"""Of a momentum's largest intensity: the variance of an empty pixel, in units of that intensity."""
_SMALLEST_STEPS = 0.3
_WIDTH_SPREAD = 0.3
"""Usual deviation of the logarithm of a band's width from that of the others."""


Since = tuple[tuple[Float64Array, Float64Array], Float64Array]


class LineFit:
    """Lines on some momenta, in steps of the energy axis; what is fitted is kept.

    Parameters
    ----------
    data : (n, e) background removed
    step_ev : of the energy axis
    place, amplitude : (n, b) to begin with, in steps
    sigma, gamma : (b,) of the lines, in steps
    """

    def __init__(
        self,
        data: Float64Array,
        step_ev: float,
        place: Float64Array,
        amplitude: Float64Array,
        sigma: Float64Array,
        gamma: Float64Array,
    ) -> None:
        self.data, self.step_ev = data, step_ev
        self.place, self.amplitude = place.copy(), amplitude.copy()
        self.weight = weights(data)
        self.sigma, self.gamma = sigma.copy(), gamma.copy()
        self.tables = voigt_tables(self.sigma, self.gamma, data.shape[1])

    def misfit(self) -> float:
        """Return Σ weight · residual²."""
        return float((self.weight * self.rest() ** 2).sum())

    def rest(self) -> Float64Array:
        """Return what the lines leave of the data, (n, e)."""
        out = np.empty_like(self.data)
        model(self.tables, FINE, self.place, self.amplitude, out)
        return np.asarray(self.data - out)

    def equations(self) -> tuple[Float64Array, Float64Array, float]:
        """Return Gauss–Newton's matrices (n, 2b, 2b), gradients (n, 2b), and the misfit."""
        n, bands = self.place.shape
        matrix, gradient = np.empty((n, 2 * bands, 2 * bands)), np.empty((n, 2 * bands))
        arrays = self.data, self.weight, self.tables, FINE, self.place, self.amplitude
        total = normal_equations(*arrays, matrix, gradient)
        return matrix, gradient, float(total)

    def noise(self) -> float:
        """Return the variance that the residuals show, times how far they are correlated along energy."""
        rest = self.rest()
        free = max(rest.size - 2 * self.place.size, rest.size // 10)
        return float((self.weight * rest**2).sum()) / free * _correlation(rest * np.sqrt(self.weight))

    def fit(
        self,
        places: Sequence[Float64Array],
        place_ev: Sequence[Float64Array],
        amplitudes: Float64Array,
        contrast: Float64Array,
        rounds: int = 12,
        since: Since | None = None,
    ) -> Since:
        """Improve places and amplitudes by Levenberg–Marquardt.

        Parameters
        ----------
        places : for each band (n, m) functions whose combination may be added to its places
        place_ev : for each band (m,) usual sizes of their coefficients, eV
        amplitudes : (n, m) functions for amplitudes of every band
        contrast : (m,) usual sizes of their coefficients, in usual amplitudes of the band
        rounds : steps taken at most
        since : what an earlier call with the same functions returned: the usual sizes count from where that one began

        Returns
        -------
        where this began, and the coefficients since
        """
        designs = [*places, *([amplitudes] * self.place.shape[1])]
        usual = np.maximum(self.amplitude.mean(axis=0), 0.02 * self.amplitude.mean())
        sizes = np.concatenate([*(one / self.step_ev for one in place_ev), *(contrast * one for one in usual)])
        prior = self.noise() / sizes**2
        begun, moved = (
            since if since is not None else ((self.place.copy(), self.amplitude.copy()), np.zeros(sizes.size))
        )
        self._move(begun, moved, designs)
        damping, now = 1e-2, self.misfit() + float(prior @ moved**2)
        for _ in range(rounds):
            matrix, gradient, _ = self.equations()
            system, side = _assembled(matrix, gradient, designs)
            system, side = system + np.diag(prior), side - prior * moved
            for _ in range(6):
                trial = moved + _solved(system, side, damping)
                self._move(begun, trial, designs)
                after = self.misfit() + float(prior @ trial**2)
                if after < now:
                    break
                damping *= 6.0
            else:
                self._move(begun, moved, designs)
                break
            gained, now, moved = now - after, after, trial
            damping = max(damping / 4.0, 1e-6)
            if gained < 1e-5 * now:
                break
        return begun, moved

    def _move(self, begun: tuple[Float64Array, Float64Array], moved: Float64Array, designs: list[Float64Array]) -> None:
        """Set places and amplitudes to those at the beginning plus the functions times their coefficients."""
        bands = self.place.shape[1]
        ends = np.cumsum([design.shape[1] for design in designs])[:-1]
        parts = [design @ one for design, one in zip(designs, np.split(moved, ends), strict=True)]
        self.place = begun[0] + np.stack(parts[:bands], axis=1)
        self.amplitude = np.maximum(begun[1] + np.stack(parts[bands:], axis=1), 0.0)

    def fit_widths(self, rounds: int = 4) -> None:
        """Improve each band's width and strength, and how Lorentzian all lines are, by Gauss–Newton's steps."""
        bands = self.sigma.size
        for _ in range(rounds):
            now, rest = self.misfit(), self.rest()
            columns = self._width_columns(rest)
            weighted = columns * self.weight[None]
            system = np.einsum("ike,jke->ij", weighted, columns)
            side = np.einsum("ike,ke->i", weighted, rest)
            prior = np.zeros_like(system)
            prior[:bands, :bands] = (np.eye(bands) - 1.0 / bands) / _WIDTH_SPREAD**2
            prior[-1, -1] = 1.0
            noise = self.noise()
            spread = np.concatenate([np.log(self._fwhm()), np.zeros(bands + 1)])
            system, side = system + noise * prior, side - noise * prior @ spread
            change = np.clip(_solved(system, side, 1e-6), -0.3, 0.3)
            if not self._widened(change, now):
                return

    def _fwhm(self) -> Float64Array:
        return np.array([fwhm(s, g) for s, g in zip(self.sigma, self.gamma, strict=True)])

    def _width_columns(self, rest: Float64Array) -> Float64Array:
        """Return what the residuals change by with log widths, log strengths and the log shape, (2b + 1, n, e)."""
        size, nudge = self.data.shape[1], 0.02
        wider = voigt_tables(self.sigma * (1 + nudge), self.gamma * (1 + nudge), size)
        other = voigt_tables(self.sigma * (1 - nudge), self.gamma * (1 + nudge), size)
        out = np.empty((2 * self.sigma.size + 1, *rest.shape))
        one, changed = np.empty_like(rest), np.empty_like(rest)
        out[-1] = 0.0
        for b in range(self.sigma.size):
            part = np.s_[:, b : b + 1]
            place, amplitude = np.ascontiguousarray(self.place[part]), np.ascontiguousarray(self.amplitude[part])
            model(self.tables[b : b + 1], FINE, place, amplitude, one)
            model(wider[b : b + 1], FINE, place, amplitude, changed)
            out[b] = (changed - one) / nudge
            out[self.sigma.size + b] = one
            model(other[b : b + 1], FINE, place, amplitude, changed)
            out[-1] += (changed - one) / nudge
        return out

    def _widened(self, change: Float64Array, now: float) -> bool:
        """Take a step of widths, strengths and shape, or a half, quarter … of it; returns whether any was taken."""
        bands = self.sigma.size
        was = self.sigma, self.gamma, self.amplitude, self.tables
        for _ in range(4):
            grown, shape = np.exp(change[:bands]), np.exp(change[-1])
            self.sigma = np.maximum(was[0] * grown / shape, _SMALLEST_STEPS)
            self.gamma = np.maximum(was[1] * grown * shape, _SMALLEST_STEPS)
            self.amplitude = was[2] * np.exp(change[bands : 2 * bands])
            self.tables = voigt_tables(self.sigma, self.gamma, self.data.shape[1])
            if self.misfit() < now:
                return True
            change = 0.5 * change
        self.sigma, self.gamma, self.amplitude, self.tables = was
        return False


def _correlation(rest: Float64Array) -> float:
    """Return 1 + 2 Σ of the autocorrelation along the last axis, up to where it vanishes: how few data are free."""
    power = np.abs(np.fft.rfft(rest, 2 * rest.shape[1], axis=1)) ** 2
    along = np.fft.irfft(power.mean(axis=0))[: max(rest.shape[1] // 4, 2)]
    along /= max(along[0], 1e-300)
    ends = np.flatnonzero(along <= 0.05)
    return float(1.0 + 2.0 * along[1 : ends[0] if ends.size else along.size].sum())


def weights(data: Float64Array) -> Float64Array:
    """Return the inverse variances (n, e) of counts, in units that the residuals set: one over the smoothed data."""
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(np.maximum(data, 0.0), 3.0, axis=1)
    floor = _FLOOR * np.maximum(smooth.max(axis=1, keepdims=True), 1e-12 * max(float(data.max()), 1e-30))
    return np.asarray(1.0 / (smooth + floor))


def smooth_functions(kx: Float64Array, ky: Float64Array, degree: int) -> tuple[Float64Array, Float64Array]:
    """Return functions (n, m) of momenta (n,), and the order (m,) of each: 0 for the constant, which comes first.

    Chebyshev polynomials on a plane, cosines on a line; both stay between −1 and 1.
    """
    if np.ptp(ky) == 0.0:
        way = (kx - kx.min()) / max(float(np.ptp(kx)), 1e-12)
        orders = np.arange(degree + 1)
        return np.cos(np.pi * way[:, None] * orders), orders.astype(np.float64)
    x = 2.0 * (kx - kx.min()) / max(float(np.ptp(kx)), 1e-12) - 1.0
    y = 2.0 * (ky - ky.min()) / max(float(np.ptp(ky)), 1e-12) - 1.0
    cheb = np.polynomial.chebyshev.chebvander
    fx, fy = cheb(x, degree), cheb(y, degree)
    pairs = [(total - j, j) for total in range(degree + 1) for j in range(total + 1)]
    functions = np.stack([fx[:, i] * fy[:, j] for i, j in pairs], axis=1)
    return functions, np.array([float(i + j) for i, j in pairs])


def _assembled(
    matrix: Float64Array, gradient: Float64Array, designs: list[Float64Array]
) -> tuple[Float64Array, Float64Array]:
    """Return the equations of the functions' coefficients from those of every momentum."""
    system = np.block(
        [[a.T @ (matrix[:, i, j, None] * b) for j, b in enumerate(designs)] for i, a in enumerate(designs)]
    )
    return system, np.concatenate([a.T @ gradient[:, i] for i, a in enumerate(designs)])


def _solved(system: Float64Array, side: Float64Array, damping: float) -> Float64Array:
    diagonal = np.diag(system)
    raised = system + np.diag(damping * diagonal + 1e-8 * diagonal.max() + 1e-30)
    return np.asarray(np.linalg.solve(raised, side))
