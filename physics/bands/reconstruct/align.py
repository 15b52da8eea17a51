"""Shift and scale of every band of a theory, found from the data: additive lines are to explain as much as they can.

The lines stand where the theory, moved, has its bands; their amplitudes are fitted, at every momentum, and held near
those that are usual for the band. Nothing else is known of the answer. The search moves single bands, neighbouring
pairs and all bands below one, since what is wrong with one functional is alike for neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.reconstruct.line_kernels import amplitudes
from beamgym.physics.bands.reconstruct.lines import FINE, fwhm, overlap_table, projected
from beamgym.physics.bands.reconstruct.mrf import check_start
from beamgym.physics.bands.structure import BandStructure

MOST_MOMENTA = 144
"""Momenta that the search looks at, spread evenly."""
WIDTHS_EV = tuple(0.06 * 1.25**i for i in range(11))
"""Full widths of lines that are tried, eV."""
_JUMPS_EV = (0.32, 0.16, 0.08, 0.04, 0.02, 0.01, 0.005)
_STRETCHES = (0.16, 0.08, 0.04, 0.02, 0.01)
SCALES = (0.7, 1.4)
"""Between which a band is scaled about its mean."""
_STARTS, _APART_EV = 4, 0.1


@dataclass(frozen=True)
class AlignSettings:
    """How a theory may be moved.

    Parameters
    ----------
    shift_ev : a common shift is looked for within ± this
    spread_ev : usual difference of the shifts of neighbouring bands, eV
    stretch : usual deviation of a band's scale from 1
    hold : how firmly amplitudes are held near the usual ones of their band
    prior : share of the explained variance that one usual deviation costs
    """

    shift_ev: float = 1.5
    spread_ev: float = 0.15
    stretch: float = 0.15
    hold: float = 0.5
    prior: float = 5e-4


USUAL = AlignSettings()


@dataclass(frozen=True, eq=False)
class Alignment:
    """A theory moved onto the data.

    Parameters
    ----------
    bands : shifted and scaled, on the cube's momenta
    shift_ev : (b,) added to a band's mean, eV
    scale : (b,) of the band about its mean
    explained : share of the data's sum of squares that the lines explain, less what the prior costs
    sigma_ev, gamma_ev : (b,) of the lines, eV
    amplitude : (b,) usual amplitudes
    """

    bands: BandStructure
    shift_ev: Float64Array
    scale: Float64Array
    explained: float
    sigma_ev: Float64Array
    gamma_ev: Float64Array
    amplitude: Float64Array


def align(cube: BandCube, theory: BandStructure, settings: AlignSettings = USUAL) -> Alignment:
    """Find shift and scale of every band of a theory.

    Parameters
    ----------
    cube : the data, background removed
    theory : on the cube's momenta, its own zero of energy
    settings : how far bands may move

    Raises
    ------
    ValueError : a theory on other momenta, or one whose bands cannot be brought into the window
    """
    check_start(cube, theory)
    search = _Search(cube, theory, settings)
    found = []
    for _, common, width in search.starts():
        search.begin(common, width)
        search.improve()
        found.append(search.result(theory))
    return max(found, key=lambda one: one.explained)


class _Search:
    """The state of one search; energies in steps of the axis."""

    def __init__(self, cube: BandCube, theory: BandStructure, settings: AlignSettings) -> None:
        self.cube, self.settings, self.step = cube, settings, cube.step_ev
        self.used = spread_momenta(cube.mask & theory.mask, MOST_MOMENTA)
        data = cube.intensity[self.used].astype(np.float64)
        self.data = data / np.maximum(np.linalg.norm(data, axis=1, keepdims=True), 1e-12 * np.linalg.norm(data))
        self.whole = float((self.data**2).sum())
        self.mean = theory.energy_ev[:, cube.mask & theory.mask].mean(axis=1)
        self.bend = theory.energy_ev[:, self.used[0], self.used[1]].T - self.mean
        self.bands = len(theory)
        self.shift, self.scale = np.zeros(self.bands), np.ones(self.bands)
        self.usual = np.ones(self.bands)
        self.width_ev = 0.2
        self.set_width(self.width_ev)

    def set_width(self, width_ev: float) -> None:
        """Take lines of another full width, Gaussian and Lorentzian in equal parts."""
        unit = fwhm(1.0, 0.5)
        self.width_ev, self.sigma, self.gamma = width_ev, width_ev / unit / self.step, 0.5 * width_ev / unit / self.step
        self.projected = projected(self.data, self.sigma, self.gamma)
        self.overlap = overlap_table(self.sigma, self.gamma, self.data.shape[1])

    def score(self, shift: Float64Array, scale: Float64Array, hold: float | None = None) -> float:
        """Return the explained share less the prior's cost; −1 where the order of bands is broken."""
        mean = self.mean + shift
        if np.any(np.diff(mean) > 0.0) or np.any(scale < SCALES[0]) or np.any(scale > SCALES[1]):
            return -1.0
        place = (mean + scale * self.bend - self.cube.energy_ev[0]) / self.step
        held = self.settings.hold if hold is None else hold
        self.fitted = np.empty_like(place)
        explained = amplitudes(self.projected, self.overlap, place, FINE, self.usual, held, self.fitted) / self.whole
        apart = np.diff(shift) / self.settings.spread_ev
        stretched = np.log(scale) / self.settings.stretch
        return float(explained - self.settings.prior * ((apart**2).sum() + (stretched**2).sum()))

    def starts(self) -> list[tuple[float, float, float]]:
        """Return (score, common shift, width) of the best common shifts from a scan, the best first."""
        reach = self.settings.shift_ev
        found: list[tuple[float, float, float]] = []
        for common in np.arange(-reach, reach + 1e-9, 0.03):
            shift = np.full(self.bands, common)
            if self._inside(shift):
                found.append(max(self._tried(shift, width) for width in WIDTHS_EV[::2]))
        if not found:
            raise ValueError(
                f"no common shift within ± {reach:g} eV brings the theory's bands, {self.mean[-1]:.2f} to "
                f"{self.mean[0]:.2f} eV, into the data's {self.cube.energy_ev[0]:.2f} to {self.cube.energy_ev[-1]:.2f} "
                "eV; take fewer bands by --bands, or shift the theory by --shift"
            )
        best: list[tuple[float, float, float]] = []
        for one in sorted(found, reverse=True):
            if all(abs(one[1] - other[1]) > _APART_EV for other in best):
                best.append(one)
        return best[:_STARTS]

    def _tried(self, shift: Float64Array, width_ev: float) -> tuple[float, float, float]:
        self.set_width(width_ev)
        self._level(shift)
        return self.score(shift, self.scale), float(shift[0]), width_ev

    def begin(self, common_ev: float, width_ev: float) -> None:
        """Start from a common shift."""
        self.shift, self.scale = np.full(self.bands, common_ev), np.ones(self.bands)
        self.set_width(width_ev)
        self._level(self.shift)

    def _inside(self, shift: Float64Array) -> bool:
        low, high = self.cube.energy_ev[0], self.cube.energy_ev[-1]
        return bool((self.mean + shift)[-1] > low and (self.mean + shift)[0] < high)

    def _level(self, shift: Float64Array) -> None:
        """Set the usual amplitudes to the mean fitted ones, from equal ones."""
        self.usual = np.full(self.bands, self.data.sum() / self.data.shape[0] / self.bands)
        for _ in range(2):
            self.score(shift, self.scale, hold=0.1)
            self.usual = self.fitted.mean(axis=0) + 0.02 * self.fitted.mean()

    def improve(self) -> None:
        """Take every move that betters the score, large ones first, until none does."""
        for _ in range(30):
            self.score(self.shift, self.scale)
            self.usual = 0.5 * self.usual + 0.5 * (self.fitted.mean(axis=0) + 0.02 * self.fitted.mean())
            now = self.score(self.shift, self.scale)
            gained = self._widths(now)
            gained = self._moves(gained)
            if gained - now < 1e-6:
                return

    def _widths(self, now: float) -> float:
        was = self.width_ev
        scores = {was: now}
        for width in (was / 1.25, was / 1.08, was * 1.08, was * 1.25):
            self.set_width(width)
            scores[width] = self.score(self.shift, self.scale)
        best = max(scores, key=lambda width: scores[width])
        self.set_width(best)
        return scores[best]

    def _moves(self, now: float) -> float:
        for jump in _JUMPS_EV:
            for group in self._groups():
                for sign in (1.0, -1.0):
                    shift = self.shift + sign * jump * group
                    if (score := self.score(shift, self.scale)) > now:
                        self.shift, now = shift, score
        for stretch in _STRETCHES:
            for group in self._groups():
                for sign in (1.0, -1.0):
                    scale = self.scale * np.exp(sign * stretch * group)
                    if (score := self.score(self.shift, scale)) > now:
                        self.scale, now = scale, score
        return now

    def _groups(self) -> list[Float64Array]:
        eye = np.eye(self.bands)
        pairs = [eye[b] + eye[b + 1] for b in range(self.bands - 1)]
        below = [np.tri(self.bands)[:, b] for b in range(self.bands)]
        return [*below, *pairs, *eye]

    def result(self, theory: BandStructure) -> Alignment:
        """Return the alignment as it stands."""
        score = self.score(self.shift, self.scale)
        mean = self.mean[:, None, None]
        energy = mean + self.shift[:, None, None] + self.scale[:, None, None] * (theory.energy_ev - mean)
        bands = theory.with_energies(energy)
        sigma, gamma = (np.full(self.bands, one * self.step) for one in (self.sigma, self.gamma))
        return Alignment(bands, self.shift, self.scale, score, sigma, gamma, self.usual)


def spread_momenta(mask: BoolArray, most: int) -> tuple[Int64Array, Int64Array]:
    """Return indices (n,), (n,) of at most so many momenta of a mask, spread evenly over it."""
    every = 1
    while True:
        grid = np.zeros_like(mask)
        grid[every // 2 :: every, (every // 2 if mask.shape[1] > every else 0) :: every] = True
        chosen = inside_of(grid & mask)
        if len(chosen[0]) <= most or every > max(mask.shape):
            return chosen if len(chosen[0]) else inside_of(mask)
        every += 1


def inside_of(mask: BoolArray) -> tuple[Int64Array, Int64Array]:
    """Return the indices (n,), (n,) of a mask's momenta."""
    rows, columns = np.nonzero(mask)
    return rows.astype(np.int64), columns.astype(np.int64)
