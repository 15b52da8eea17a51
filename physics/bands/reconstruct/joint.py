"""All bands at once: additive lines whose offsets from a theory are smooth, with an uncertainty at every momentum.

Misfit and smoothness together are Σ w (I − Σ_b A_b(k) V_b(E − E_b(k)))² / s² + Σ_neighbours (Δo_b)²/τ² + the like for
amplitudes, o_b = E_b − theory. s² is what the fit itself leaves, times the correlation of the rest along energy.
Uncertainties are spreads of answers to data and smoothness drawn anew (perturb and maximise: Papandreou & Yuille 2011).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.reconstruct.align import USUAL, Alignment, AlignSettings, inside_of, spread_momenta
from beamgym.physics.bands.reconstruct.fit import LineFit, smooth_functions
from beamgym.physics.bands.reconstruct.line_kernels import invert_sites, relax_sites
from beamgym.physics.bands.structure import BandStructure

_MOST_MOMENTA = 324
_DEGREES_A, _MOST_DEGREE, _MOST_DEGREE_LINE = 3.0, 5, 12
_STEP_EV = 0.05  # a place moves by no more in one round


@dataclass(frozen=True)
class JointSettings:
    """How smooth offsets and amplitudes are.

    Parameters
    ----------
    slope_ev_a : usual slope of the offset from theory, eV Å
    contrast_a : usual relative change of an amplitude, Å
    offset_ev : usual size of the offset from the aligned theory, eV
    rounds : at most
    samples : answers drawn for the uncertainty; 0 for none
    seed : of these
    """

    slope_ev_a: float = 0.3
    contrast_a: float = 3.0
    offset_ev: float = 0.1
    rounds: int = 8
    samples: int = 24
    seed: int = 0


@dataclass(frozen=True, eq=False)
class JointResult:
    """Bands of the joint model.

    Parameters
    ----------
    bands : with errors, one standard deviation
    amplitude : (b, x, y) areas of the lines, in the data's unit times eV
    fwhm_ev : (b,) full widths of the lines
    explained : share of the data's weighted sum of squares that the lines explain
    """

    bands: BandStructure
    amplitude: Float64Array
    fwhm_ev: Float64Array
    explained: float


def polish(cube: BandCube, found: Alignment, theory: BandStructure, settings: AlignSettings = USUAL) -> Alignment:
    """Improve an alignment by least squares: shift and scale of every band, smooth amplitudes, widths of the lines.

    Parameters
    ----------
    cube : the data, background removed
    found : of ``align``
    theory : what was aligned, on the cube's momenta
    settings : how far bands usually are from the theory
    """
    used = spread_momenta(cube.mask & theory.mask, _MOST_MOMENTA)
    fit = _begun(cube, found, used)
    mean = theory.energy_ev[:, cube.mask & theory.mask].mean(axis=1)
    bend = [theory.energy_ev[b][used] - mean[b] for b in range(len(theory))]
    sizes = [max(float(np.abs(one).max()), 1e-6) for one in bend]
    places = [np.stack([np.ones(one.size), one / size], axis=1) for one, size in zip(bend, sizes, strict=True)]
    usual = [np.array([settings.spread_ev, settings.stretch * size]) for size in sizes]
    functions, order = smooth_functions(cube.kx[used[0]], cube.ky[used[1]], degree_for(cube))
    fit.fit([place[:, :1] for place in places], [one[:1] for one in usual], functions[:, :1], np.ones(1))
    since = None
    for widths_too in (True, True, True, False):
        since = fit.fit(places, usual, functions, 1.0 / (1.0 + order), since=since)
        if widths_too:
            fit.fit_widths()
    energy = cube.energy_ev[0] + fit.place * cube.step_ev
    shift, scale = np.empty(len(theory)), np.empty(len(theory))
    for b, one in enumerate(bend):
        design = np.stack([np.ones(one.size), one], axis=1)
        (shift[b], scale[b]), *_ = np.linalg.lstsq(design, energy[:, b] - mean[b], rcond=None)
    moved = (mean + shift)[:, None, None] + scale[:, None, None] * (theory.energy_ev - mean[:, None, None])
    explained = 1.0 - fit.misfit() / float((fit.weight * fit.data**2).sum())
    step = cube.step_ev
    return replace(
        found,
        bands=theory.with_energies(moved),
        shift_ev=shift,
        scale=scale,
        explained=explained,
        sigma_ev=fit.sigma * step,
        gamma_ev=fit.gamma * step,
        amplitude=fit.amplitude.mean(axis=0) * step,
    )


def _begun(cube: BandCube, found: Alignment, used: tuple[Int64Array, Int64Array]) -> LineFit:
    bands, step = len(found.bands), cube.step_ev
    data = cube.intensity[used].astype(np.float64)
    place = (found.bands.energy_ev[:, used[0], used[1]].T - cube.energy_ev[0]) / step
    usual = np.asarray(found.amplitude, dtype=np.float64) / step
    area = data.sum(axis=1, keepdims=True)
    amplitude = area * usual / usual.sum() if usual.sum() > 0 else np.repeat(area / bands, bands, axis=1)
    return LineFit(data, step, place, amplitude, found.sigma_ev / step, found.gamma_ev / step)


def reconstruct_joint(cube: BandCube, found: Alignment, settings: JointSettings = JointSettings()) -> JointResult:
    """Reconstruct all bands together.

    Parameters
    ----------
    cube : the data, background removed
    found : the theory aligned, of ``polish``
    settings : smoothness
    """
    mask = cube.mask & found.bands.mask
    used = spread_momenta(mask, _MOST_MOMENTA)
    fit = _begun(cube, found, used)
    degree = degree_for(cube)
    functions, order = smooth_functions(cube.kx[used[0]], cube.ky[used[1]], degree)
    offset = [settings.offset_ev / (1.0 + order)] * len(found.bands)
    for upto in sorted({1, 2, (2 + degree) // 2, degree}):
        few = order <= upto
        fit.fit([functions[:, few]] * len(offset), [one[few] for one in offset], functions, 1.0 / (1.0 + order), 8)
        fit.fit_widths()
    every = inside_of(mask)
    whole = _begun(cube, found, every)
    whole.sigma, whole.gamma, whole.tables = fit.sigma, fit.gamma, fit.tables
    everywhere = _extended(cube, used, every, degree)
    offset_now = np.linalg.lstsq(functions, fit.place - _place(cube, found, used), rcond=None)[0]
    whole.place += everywhere @ offset_now
    strength = np.linalg.lstsq(functions, fit.amplitude, rcond=None)[0]
    whole.amplitude = np.maximum(everywhere @ strength, 1e-6 * fit.amplitude.max())
    return _relaxed(cube, found, whole, mask, every, settings)


def degree_for(cube: BandCube) -> int:
    """Return the degree of the functions that come before single momenta: the higher the wider the data are."""
    extent = max(float(np.ptp(cube.kx)), float(np.ptp(cube.ky)))
    return int(np.clip(round(_DEGREES_A * extent), 3, _MOST_DEGREE_LINE if cube.is_line else _MOST_DEGREE))


def _place(cube: BandCube, found: Alignment, used: tuple[Int64Array, Int64Array]) -> Float64Array:
    return np.asarray((found.bands.energy_ev[:, used[0], used[1]].T - cube.energy_ev[0]) / cube.step_ev)


def _extended(
    cube: BandCube, used: tuple[Int64Array, Int64Array], every: tuple[Int64Array, Int64Array], degree: int
) -> Float64Array:
    """Return the functions of the used momenta, continued to every momentum."""
    kx, ky = (np.concatenate([axis[u], axis[e]]) for axis, u, e in zip((cube.kx, cube.ky), used, every, strict=True))
    # the functions are scaled to the range of the used momenta: all are given that range by clipping
    for place, axis in ((kx, cube.kx[used[0]]), (ky, cube.ky[used[1]])):
        np.clip(place, axis.min(), axis.max(), out=place)
    return smooth_functions(kx, ky, degree)[0][used[0].size :]


def _relaxed(
    cube: BandCube,
    found: Alignment,
    fit: LineFit,
    mask: BoolArray,
    every: tuple[Int64Array, Int64Array],
    settings: JointSettings,
) -> JointResult:
    bands, step = len(found.bands), cube.step_ev
    ref = _place(cube, found, every)
    neighbours = _neighbours(mask)
    apart = float(np.median([np.diff(axis).mean() for axis in (cube.kx, cube.ky) if axis.size > 1]))
    usual = np.maximum(fit.amplitude.mean(axis=0), 1e-3 * fit.amplitude.mean())
    sizes = np.concatenate([np.full(bands, settings.slope_ev_a * apart / step), settings.contrast_a * apart * usual])
    most = _STEP_EV / step
    for _ in range(settings.rounds):
        matrix, gradient, _ = fit.equations()
        noise = fit.noise()
        hold = noise / sizes**2
        invert_sites(matrix, neighbours, hold)
        pull = np.concatenate([fit.place - ref, fit.amplitude], axis=1)
        change = np.zeros_like(pull)
        relax_sites(matrix, gradient, neighbours, hold, pull, change, 60, 1e-3)
        moved = np.clip(change[:, :bands], -most, most)
        fit.place += moved
        fit.amplitude = np.maximum(fit.amplitude + change[:, bands:], 0.0)
        _in_order(fit.place)
        if np.abs(moved).max() * step < 1e-4:
            break
    error = _errors(fit, neighbours, sizes, settings)
    energy, errors, amplitude = (np.full((bands, *mask.shape), np.nan) for _ in range(3))
    energy[:, every[0], every[1]] = (cube.energy_ev[0] + fit.place * step).T
    errors[:, every[0], every[1]] = error.T * step
    amplitude[:, every[0], every[1]] = fit.amplitude.T * step
    explained = 1.0 - fit.misfit() / float((fit.weight * fit.data**2).sum())
    from beamgym.physics.bands.reconstruct.lines import fwhm

    widths = np.array([fwhm(s, g) for s, g in zip(fit.sigma * step, fit.gamma * step, strict=True)])
    bands_found = replace(found.bands, energy_ev=energy, error_ev=errors, mask=mask)
    return JointResult(bands_found, amplitude, widths, explained)


def _in_order(place: Float64Array) -> None:
    """Let bands touch, but not pass each other."""
    place[:] = -np.sort(-place, axis=1)


def _errors(fit: LineFit, neighbours: Int64Array, sizes: Float64Array, settings: JointSettings) -> Float64Array:
    """Return standard deviations (n, b) of the places, in steps: the spread of answers to perturbed equations."""
    n, bands = fit.place.shape
    if settings.samples < 2:
        return np.full((n, bands), np.nan)
    matrix, _, _ = fit.equations()
    noise = fit.noise()
    hold = noise / sizes**2
    root = np.linalg.cholesky(matrix + 1e-9 * np.eye(2 * bands) * np.trace(matrix, axis1=1, axis2=2)[:, None, None])
    invert_sites(matrix, neighbours, hold)
    rng = np.random.default_rng(settings.seed)
    square = np.zeros((n, bands))
    for _ in range(settings.samples):
        side = np.sqrt(noise) * np.einsum("nij,nj->ni", root, rng.normal(size=(n, 2 * bands)))
        side += _drawn_smoothness(neighbours, np.sqrt(noise * hold), rng)
        change = np.zeros((n, 2 * bands))
        relax_sites(matrix, side, neighbours, hold, np.zeros_like(change), change, 100, 1e-2)
        square += change[:, :bands] ** 2
    return np.asarray(np.sqrt(square / settings.samples))


def _drawn_smoothness(neighbours: Int64Array, size: Float64Array, rng: np.random.Generator) -> Float64Array:
    """Return, for every momentum, the random pulls of its bonds: opposite at the two ends of each."""
    out = np.zeros((neighbours.shape[0], size.size))
    for q in (1, 3):  # each bond once: to the next along kx and along ky
        ends = np.flatnonzero(neighbours[:, q] >= 0)
        pulls = rng.normal(size=(ends.size, size.size)) * size
        np.add.at(out, ends, pulls)
        np.add.at(out, neighbours[ends, q], -pulls)
    return out


def _neighbours(mask: BoolArray) -> Int64Array:
    """Return the numbers (n, 4) of the momenta before and after each along kx and ky; −1 for none."""
    number = np.full((mask.shape[0] + 2, mask.shape[1] + 2), -1, dtype=np.int64)
    number[1:-1, 1:-1][mask] = np.arange(int(mask.sum()))
    inner = number[1:-1, 1:-1]
    around = [number[:-2, 1:-1], number[2:, 1:-1], number[1:-1, :-2], number[1:-1, 2:]]
    return np.stack([one[inner >= 0] for one in around], axis=1)
