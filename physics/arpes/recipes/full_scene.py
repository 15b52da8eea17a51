"""From the parameters of the `full` recipe to spectra: scenes, backgrounds, detectors, scores."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.bands_models import (
    ORBITALS,
    WAVENUMBER,
    Geometry,
    cut_momentum,
    dirac_bands,
    electron_boson,
    fermi_liquid,
    impurity,
    lattice_code,
    marginal,
    tight_binding,
)
from beamgym.physics.arpes.detection import (
    DENSITY_WAVE,
    FWHM_PER_SIGMA,
    REACH,
    Background,
    Grid,
    Rendered,
    Response,
    Scene,
    Window,
    centre,
    gain_map,
    mesh,
    render,
)
from beamgym.physics.arpes.recipes.batch import Batch, take
from beamgym.physics.arpes.recipes.full import (
    DETECTOR_MODES,
    DIRAC_BANDS,
    GAIN_MAPS,
    ORBITAL_NAMES,
    SLICES,
    SURFACE_KINDS,
    FullParameters,
)
from beamgym.physics.arpes.recipes.full_kernels import MATTER, clean_measures, lay_out
from beamgym.physics.arpes.score import REFERENCE_COUNTS, Scores, paper_total, v2_sharpness, v2_total
from beamgym.physics.arrays import Float32Array, Float64Array

INNER_POTENTIAL_EV: Final = 10.0
_MARGINAL_K, _MARGINAL_STEPS = (3.0, 1000.0), 56
_MARGINAL_EV, _MARGINAL_POINTS = 4.0, 4001
_BOLTZMANN_EV: Final = 8.617333262e-5
_CODES: Final = np.array([lattice_code(name) for name in SURFACE_KINDS[:4]])


def simulate_full(
    p: FullParameters,
    grid: Grid,
    keys: NDArray[np.uint64],
    clean: bool = False,
    room: tuple[Float32Array, Float32Array, Float32Array] | None = None,
) -> Batch:
    """Simulate and score n spectra.

    Parameters
    ----------
    p : parameters of n spectra
    grid : energies and angles
    keys : (n,) random keys of the counting noise
    clean : also return the noise-free bands and the background
    room : where to write electrons, bands and background, (n, e, a) each; new arrays by default

    Returns
    -------
    Batch

    Raises
    ------
    ValueError : a window that reaches below the vacuum level
    """
    n, columns = len(p), grid.shape[1]
    scene, response = build_scene(p, grid), full_response(p, grid)
    ground = Background(p.constant, p.polynomial, p.ground, p.shirley)
    done = render(scene, ground, response, p.events, keys, quick=True, room=room)
    measures = _measure(scene, response, done, grid)
    paper, v2 = _scores(p, measures, done.counts.sum((1, 2), dtype=np.float64))
    slit = np.broadcast_to(grid.slit_deg, (n, columns))
    arpes, rest = (done.arpes, done.background) if clean else (done.arpes[:0], done.background[:0])
    return Batch("full", keys, done.counts, grid.energy_ev, slit, paper, v2, p, arpes, rest)


def build_scene(p: FullParameters, grid: Grid) -> Scene:
    """Return the scene of n samples: every domain's bands, one after another."""
    window = grid.window(p.resolution_ev, p.angle_fwhm_deg)
    n, width = len(p), window.slit_deg.size
    owner = np.repeat(np.arange(n), p.domains)
    domain = np.arange(owner.size) - np.repeat(np.cumsum(p.domains) - p.domains, p.domains)
    pairs = take(p, owner)
    at = np.arange(owner.size), domain
    geometry = Geometry(pairs.polar_deg[at], pairs.tilt_deg[at], pairs.azimuth_deg[at])
    momentum = cut_momentum(geometry, window.slit_deg, window.nodes_ev, pairs.photon_ev, pairs.work_function_ev)
    slots = p.bands * p.domains
    nodes = (window.nodes,)
    tables = [np.zeros((n, int(slots.max()), *rest, width), np.float32) for rest in (nodes, nodes, (), (), ())]
    lay_out(
        owner, pairs.bands * domain, pairs.bands, momentum, _matter(pairs, pairs.share[at]), pairs.amplitude,
        pairs.ripple, _polarisation_vectors(pairs, geometry), _harmonics()[pairs.orbital], *_bands(pairs, momentum),
        window.margin_columns, *tables,
    )  # fmt: skip
    energy, partner, weight, broadening, gaps = tables
    sigma = _sigma(p, window)
    return Scene(
        window, energy, weight,
        np.ascontiguousarray(sigma.real[:, None], dtype=np.float32),
        np.ascontiguousarray(sigma.imag[:, None], dtype=np.float32),
        count=slots, temperature_k=p.temperature_k, energy_fwhm_ev=p.resolution_ev, angle_fwhm_deg=p.angle_fwhm_deg,
        fermi_ev=p.fermi_ev, broadening_ev=broadening, gap_kind=p.gap_kind, gap_ev=gaps, partner_ev=partner,
        pair_breaking_ev=p.pair_breaking_ev,
    )  # fmt: skip


def _bands(p: FullParameters, momentum: Float64Array) -> tuple[Float32Array, Float32Array]:
    """Return energies (pairs, 8, nodes, w), and those a density wave mixes them with."""
    energy = np.zeros((len(p), DIRAC_BANDS, *momentum.shape[1:3]), dtype=np.float32)
    partner = np.zeros_like(energy)
    cone = p.surface == 4
    if cone.any():
        energy[cone] = dirac_bands(p.dirac[cone], p.bulk[cone], SLICES, momentum[cone])
    flat = ~cone
    if flat.any():
        code, sites = _CODES[p.surface[flat]], p.terms.shape[1]
        a, terms, used = p.constants_a[flat], p.terms[flat], p.bands[flat]
        energy[flat, :sites] = tight_binding(code, a, terms, momentum[flat], used)
    wave = p.gap_kind == DENSITY_WAVE
    if wave.any():
        nested = momentum[wave] + (np.pi / p.constants_a[wave])[:, None, None]
        mixed = tight_binding(_CODES[p.surface[wave]], p.constants_a[wave], p.terms[wave], nested, p.bands[wave])
        partner[wave, : mixed.shape[1]] = mixed
    return energy, partner


def _matter(p: FullParameters, share: Float64Array) -> NDArray[np.void]:
    """Return the numbers that ``lay_out`` reads of every pair, by name.

    The spacing is that of the middle of the wrapped Lorentzian, which ``kz.KzBroadening`` divides further: one escape
    depth along kz (Strocov 2003).
    """
    out = np.zeros(len(p), dtype=MATTER)
    out["a"], out["b"] = p.constants_a.T
    out["share"], out["kinetic"] = share, p.photon_ev - p.work_function_ev
    out["inside"] = out["kinetic"] + INNER_POTENTIAL_EV
    out["layer"], out["hopping"] = p.layer_a, p.kz_hopping_ev
    out["spacing"] = np.minimum(2.0 * np.pi * np.tanh(0.25 * p.layer_a / p.escape_a), np.pi)
    out["gap"] = np.where(p.gap_kind > 0, p.gap_ev, 0.0)
    out["d_wave"] = p.d_wave & (p.gap_kind != DENSITY_WAVE)
    return out


def _polarisation_vectors(p: FullParameters, geometry: Geometry) -> Float64Array:
    """Return the light's polarisation vector in the frame of each pair's sample, (pairs, 3)."""
    tilt, incidence = np.radians(p.polarisation_deg), np.radians(p.incidence_deg)
    field = np.stack([np.cos(tilt) * np.cos(incidence), np.sin(tilt), np.cos(tilt) * np.sin(incidence)], axis=-1)
    return np.ascontiguousarray((geometry.rotation() * field[:, :, None]).sum(1))


@lru_cache(maxsize=1)
def _harmonics() -> Float64Array:
    """Return every orbital's harmonic as coefficients of 1, x, y, z, xx, yy, zz, xy, xz, yz: (9, 10)."""
    points = np.array([*np.eye(3), *-np.eye(3), [0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.float64)
    x, y, z = points.T
    monomials = np.stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=-1)
    return np.stack([np.linalg.solve(monomials, ORBITALS[name](x, y, z)) for name in ORBITAL_NAMES])


def _sigma(p: FullParameters, window: Window) -> NDArray[np.complex128]:
    """Return Σ (n, h) at the window's energies, from each sample's own Fermi level."""
    omega = window.energy_ev - p.fermi_ev[:, None]
    sigma = impurity(omega, p.impurity_ev[:, None])
    for kind in range(3):
        at = p.mechanism == kind
        if at.any():
            strength, scale, warm = (v[at, None] for v in (p.coupling, p.scale_ev, p.temperature_k))
            if kind == 0:
                sigma[at] += fermi_liquid(omega[at], strength, scale, warm)
            elif kind == 1:
                rows = at[:, None] & _reached(p, window)
                of = np.nonzero(rows)[0]
                sigma[rows] += electron_boson(omega[rows], p.coupling[of], p.scale_ev[of], p.temperature_k[of])
            else:
                sigma[at] += strength * unit_marginal(omega[at], p.temperature_k[at])
    return sigma


def _reached(p: FullParameters, window: Window) -> NDArray[np.bool_]:
    """Return which rows (n, h) each resolution reaches: margins are sized for the worst one of a batch."""
    reach = np.ceil(REACH * p.resolution_ev / FWHM_PER_SIGMA / window.grid.energy_step_ev)
    row = np.arange(window.energy_ev.size) - window.margin_rows
    return np.asarray((row >= -reach[:, None]) & (row < window.grid.shape[0] + reach[:, None]))


def unit_marginal(omega_ev: Float64Array, temperature_k: Float64Array) -> NDArray[np.complex128]:
    """Return the marginal self-energy of coupling 1 at energies (n, h) and temperatures (n,), eV.

    From a table over energies to ±4 eV and temperatures from 3 to 1000 K, linear in the first and in the logarithm of
    the second: within 0.5 meV. What lies beyond takes the values at its ends.
    """
    low, high = _MARGINAL_K
    place = np.log(np.clip(temperature_k, low, high) / low) / math.log(high / low) * (_MARGINAL_STEPS - 1)
    lower = np.minimum(place.astype(np.int64), _MARGINAL_STEPS - 2)[:, None]
    warm = place[:, None] - lower
    along = np.clip((omega_ev + _MARGINAL_EV) / (2.0 * _MARGINAL_EV) * (_MARGINAL_POINTS - 1), 0, _MARGINAL_POINTS - 1)
    left = np.minimum(along.astype(np.int64), _MARGINAL_POINTS - 2)
    right = along - left
    table = _marginal_table()
    cold, hot = ((1.0 - right) * table[row, left] + right * table[row, left + 1] for row in (lower, lower + 1))
    return np.asarray((1.0 - warm) * cold + warm * hot)


@lru_cache(maxsize=1)
def _marginal_table() -> NDArray[np.complex128]:
    energy = np.linspace(-_MARGINAL_EV, _MARGINAL_EV, _MARGINAL_POINTS)
    return np.stack([marginal(energy, 1.0, temperature_k=t) for t in np.geomspace(*_MARGINAL_K, _MARGINAL_STEPS)])


@lru_cache(maxsize=4)
def _gain_maps(shape: tuple[int, int]) -> Float32Array:
    return np.stack([gain_map(7 + i, shape, 0.02 + 0.02 * i, hot=2e-4 * i, dead=5e-4 * i) for i in range(GAIN_MAPS)])


def full_response(p: FullParameters, grid: Grid) -> Response:
    """Return the detector of n spectra."""
    across, along = (
        centre(p.sensitivity, pixels) * mesh(p.mesh_depth, p.mesh_period, p.mesh_phase, pixels) for pixels in grid.shape
    )
    adc = p.detector == DETECTOR_MODES.index("ADC")
    return Response(across, along, _gain_maps(grid.shape), p.map_index, dead_time=p.dead_time, adc=adc)


def _measure(scene: Scene, response: Response, done: Rendered, grid: Grid) -> Float64Array:
    """Return F of paper and v2, B of paper and v2, and −Im Σ at the window's bottom and at its smallest, (n, 6)."""
    n = len(scene)
    rows, columns = (np.ascontiguousarray(axis, dtype=np.float32) for axis in (response.rows, response.columns))
    maps, index = _gain_maps(grid.shape), np.asarray(response.map_index, dtype=np.int64)
    parts = np.empty((n, 3))
    clean_measures(done.arpes, done.background, rows, columns, maps, index, parts)
    contrast = 1.0 - done.summary[:, 0] / np.where(done.summary[:, 1] > 0.0, done.summary[:, 1], 1.0)
    margin = scene.window.margin_rows
    width = -scene.sigma_imag[:, 0, margin : margin + grid.shape[0]]
    return np.stack([parts[:, 0], parts[:, 1], contrast, parts[:, 2], width[:, 0], width.min(1)], axis=1)


def _scores(p: FullParameters, measures: Float64Array, counted: Float64Array) -> tuple[Scores, Scores]:
    paper_f, v2_f, paper_b, v2_b, bottom, smallest = (measures[:, j].copy() for j in range(6))
    blur = np.sqrt(p.resolution_ev**2 + (_BOLTZMANN_EV * p.temperature_k) ** 2 + bottom**2)
    sharpness, asked = np.maximum(0.0, 1.0 - blur), np.minimum(1.0, p.events / REFERENCE_COUNTS)
    paper = Scores(paper_f, sharpness, paper_b, asked, paper_total(paper_f, sharpness, paper_b, asked))
    per_degree = np.radians(1.0) * WAVENUMBER * np.sqrt(p.photon_ev - p.work_function_ev)
    spread = per_degree * _spread_deg(p)
    mended = v2_sharpness(p.resolution_ev, p.temperature_k, smallest, per_degree * p.angle_fwhm_deg, spread)
    real = np.minimum(1.0, counted / REFERENCE_COUNTS)
    return paper, Scores(v2_f, mended, v2_b, real, v2_total(v2_f, mended, v2_b, real))


def _spread_deg(p: FullParameters) -> Float64Array:
    """Return the standard deviation of the domains' normals, weighted by their shares, (n,) in degrees."""
    total = np.zeros(len(p))
    for angle in (p.polar_deg, p.tilt_deg):
        mean = (p.share * angle).sum(1, keepdims=True)
        total += (p.share * (angle - mean) ** 2).sum(1)
    return np.sqrt(total)
