"""From the parameters of the `full` recipe to spectra: scenes, backgrounds, detectors, scores."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.background import Background
from beamgym.physics.arpes.batch import Batch, take
from beamgym.physics.arpes.dirac import dirac_bands
from beamgym.physics.arpes.full import DIRAC_BANDS, GAIN_MAPS, ORBITAL_NAMES, SLICES, SURFACES, FullParameters
from beamgym.physics.arpes.full_kernels import clean_measures
from beamgym.physics.arpes.kernels import DENSITY_WAVE
from beamgym.physics.arpes.kinematics import WAVENUMBER, Geometry, cut_momentum
from beamgym.physics.arpes.lattices import lattice_code, tight_binding
from beamgym.physics.arpes.matrix_elements import ORBITALS
from beamgym.physics.arpes.quality import REFERENCE_COUNTS, Scores, paper_total, v2_sharpness, v2_total
from beamgym.physics.arpes.response import Response, centre, gain_map, mesh
from beamgym.physics.arpes.self_energy import electron_boson, fermi_liquid, impurity, marginal
from beamgym.physics.arpes.spectrum import Grid, Scene, Window, render

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

INNER_POTENTIAL_EV: Final = 10.0
DEAD_TIME: Final = 0.05
"""What a pixel loses at detectors with dead time: m/(1 + 0.05 m) of m electrons are counted."""

_BOLTZMANN_EV: Final = 8.617333262e-5
_CODES: Final = np.array([lattice_code(name) for name in SURFACES[:4]])


def simulate_full(p: FullParameters, grid: Grid, keys: NDArray[np.uint64], clean: bool = False) -> Batch:
    """Simulate and score n spectra.

    Parameters
    ----------
    p : parameters of n spectra
    grid : energies and angles
    keys : (n,) random keys of the counting noise
    clean : also return the noise-free bands and the background

    Returns
    -------
    Batch

    Raises
    ------
    ValueError : a window that reaches below the vacuum level
    """
    n, shape = len(p), grid.shape
    counts = np.empty((n, *shape), dtype=np.float32)
    arpes, rest = (np.empty((n if clean else 0, *shape), dtype=np.float32) for _ in range(2))
    measures = np.empty((n, 6))
    for kind in range(3):  # a response has one way of counting
        at = np.flatnonzero(p.detector == kind)
        if at.size:
            part = take(p, at)
            scene = build_scene(part, grid)
            response = _response(part, grid, kind)
            done = render(scene, _background(part), response, part.events, keys[at])
            counts[at] = done.counts
            if clean:
                arpes[at], rest[at] = done.arpes, done.background
            measures[at] = _measure(part, scene, response, done.arpes, done.background, done.summary, grid)
    paper, v2 = _scores(p, measures, counts.sum((1, 2), dtype=np.float64))
    slit = np.broadcast_to(grid.slit_deg, (n, shape[1]))
    return Batch("full", keys, counts, grid.energy_ev, slit, paper, v2, p, arpes, rest)


def build_scene(p: FullParameters, grid: Grid) -> Scene:
    """Lay out what n samples emit: every domain's bands, one after another."""
    window = grid.window(p.resolution_ev, p.angle_fwhm_deg)
    n, width = len(p), window.slit_deg.size
    owner = np.repeat(np.arange(n), p.domains)
    domain = np.arange(owner.size) - np.repeat(np.cumsum(p.domains) - p.domains, p.domains)
    geometry = Geometry(p.polar_deg[owner, domain], p.tilt_deg[owner, domain], p.azimuth_deg[owner, domain])
    momentum = cut_momentum(geometry, window.slit_deg, window.nodes_ev, p.photon_ev[owner], p.work_function_ev[owner])
    energy, partner = _bands(take(p, owner), momentum)
    centre_momentum = momentum[:, momentum.shape[1] // 2]
    weight = (
        _weights(take(p, owner), geometry, centre_momentum, window.margin_columns) * p.share[owner, domain, None, None]
    )
    shift, broad = _along_kz(take(p, owner), centre_momentum)
    energy += shift[:, None, None]
    gap = _gaps(take(p, owner), centre_momentum)
    slots = p.bands * p.domains
    room = int(slots.max())
    sources: list[NDArray[Any]] = [energy, partner, weight]
    tables = [np.zeros((n, room, *source.shape[2:]), dtype=np.float32) for source in sources]
    broadening, gaps = (np.zeros((n, room, width), dtype=np.float32) for _ in range(2))
    for pair in range(owner.size):
        i, used = owner[pair], p.bands[owner[pair]]
        place = slice(used * domain[pair], used * (domain[pair] + 1))
        for table, source in zip(tables, sources, strict=True):
            table[i, place] = source[pair, :used]
        broadening[i, place] = broad[pair]
        gaps[i, place] = gap[pair]
    sigma = _sigma(p, window)
    return Scene(
        window, tables[0], tables[2],
        np.ascontiguousarray(sigma.real[:, None], dtype=np.float32),
        np.ascontiguousarray(sigma.imag[:, None], dtype=np.float32),
        count=slots, temperature_k=p.temperature_k, energy_fwhm_ev=p.resolution_ev, angle_fwhm_deg=p.angle_fwhm_deg,
        fermi_ev=p.fermi_ev, broadening_ev=broadening, gap_kind=p.gap_kind, gap_ev=gaps, partner_ev=tables[1],
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


def _weights(p: FullParameters, geometry: Geometry, momentum: Float64Array, margin: int) -> Float64Array:
    """Return |M|² of every band (pairs, 8, w): its amplitude, two lattice harmonics, and the dipole (Moser 2017)."""
    a = p.constants_a[:, None, :] * momentum  # phases along both axes
    phase = np.moveaxis(a, -1, 1)[:, None] + p.ripple[:, :, :, 1, None]
    ripple = 1.0 + (p.ripple[:, :, :, 0, None] * np.cos(phase)).sum(2)
    return np.asarray(p.amplitude[:, :, None] * ripple**2 * _dipole(p, geometry, momentum, margin)[:, None])


def _dipole(p: FullParameters, geometry: Geometry, momentum: Float64Array, margin: int) -> Float64Array:
    """Return |ε·k̂ Y(k̂)|² (pairs, w) with its mean along the slit at 1: other than in shape it is lost in the flux."""
    kinetic = (p.photon_ev - p.work_function_ev)[:, None]
    vector = np.concatenate([momentum, _kz(momentum, kinetic)[..., None]], axis=-1)
    unit = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    tilt, incidence = np.radians(p.polarisation_deg), np.radians(p.incidence_deg)
    field = np.stack([np.cos(tilt) * np.cos(incidence), np.sin(tilt), np.cos(tilt) * np.sin(incidence)], axis=-1)
    turned = (geometry.rotation() * field[:, :, None]).sum(1)
    strength = (unit * turned[:, None, :]).sum(-1) ** 2
    for index, name in enumerate(ORBITAL_NAMES):
        at = p.orbital == index
        if at.any():
            strength[at] *= ORBITALS[name](*np.moveaxis(unit[at], -1, 0)) ** 2
    seen = strength[:, margin : strength.shape[1] - margin]  # margins are as wide as a batch's worst resolution asks
    return np.asarray(0.02 + strength / np.maximum(seen.mean(1, keepdims=True), 1e-12))


def _along_kz(p: FullParameters, momentum: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the band shift and the further half width (pairs, w) that one escape depth along kz gives (Strocov 2003).

    The middle of the wrapped Lorentzian that ``kz.KzBroadening`` divides further.
    """
    kinetic = (p.photon_ev - p.work_function_ev)[:, None]
    phase = _kz(momentum, kinetic) * p.layer_a[:, None]
    spacing = np.minimum(2.0 * np.pi * np.tanh(0.25 * p.layer_a / p.escape_a), np.pi)[:, None]
    hopping = p.kz_hopping_ev[:, None]
    return 2.0 * hopping * np.cos(phase), np.abs(hopping * np.sin(phase)) * spacing


def _kz(momentum: Float64Array, kinetic: Float64Array) -> Float64Array:
    inside = kinetic + INNER_POTENTIAL_EV - ((momentum / WAVENUMBER) ** 2).sum(-1)
    return np.asarray(WAVENUMBER * np.sqrt(np.maximum(inside, 0.0)))


def _gaps(p: FullParameters, momentum: Float64Array) -> Float64Array:
    """Return Δ(k) (pairs, w): s or d wave for pairing, constant for density waves."""
    phases = np.cos(p.constants_a[:, None, :] * momentum)
    shape = np.where(
        p.d_wave[:, None] & (p.gap_kind != DENSITY_WAVE)[:, None], 0.5 * (phases[..., 0] - phases[..., 1]), 1.0
    )
    return np.asarray(np.where(p.gap_kind > 0, p.gap_ev, 0.0)[:, None] * shape)


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
                sigma[at] += electron_boson(omega[at], strength, scale, warm)
            else:
                energy, unit = _marginal_table()
                real, imaginary = (np.interp(omega[at], energy, part) for part in (unit.real, unit.imag))
                sigma[at] += strength * (real + 1j * imaginary)
    return sigma


@lru_cache(maxsize=1)
def _marginal_table() -> tuple[Float64Array, NDArray[np.complex128]]:
    energy = np.linspace(-4.0, 4.0, 8001)
    return energy, marginal(energy, 1.0)


def _background(p: FullParameters) -> Background:
    return Background(p.constant, p.polynomial, p.ground, p.shirley)


@lru_cache(maxsize=4)
def _gain_maps(shape: tuple[int, int]) -> Float32Array:
    return np.stack([gain_map(7 + i, shape, 0.02 + 0.02 * i, hot=2e-4 * i, dead=5e-4 * i) for i in range(GAIN_MAPS)])


def _response(p: FullParameters, grid: Grid, kind: int) -> Response:
    rows, columns = grid.shape
    along = centre(p.sensitivity, columns) * mesh(p.mesh_depth, p.mesh_period, p.mesh_phase, columns)
    across = centre(p.sensitivity, rows) * mesh(p.mesh_depth, p.mesh_period, p.mesh_phase, rows)
    dead_time = DEAD_TIME if kind == 1 else 0.0
    return Response(across, along, _gain_maps(grid.shape), p.map_index, dead_time=dead_time, adc=kind == 2)


def _measure(
    p: FullParameters,
    scene: Scene,
    response: Response,
    signal: Float32Array,
    ground: Float32Array,
    summary: Float32Array,
    grid: Grid,
) -> Float64Array:
    """Return F of paper and v2, B of paper and v2, and −Im Σ at the window's bottom and at its smallest, (n, 6)."""
    n = len(p)
    rows, columns, maps, index = response.arrays(n, grid.shape)
    parts = np.empty((n, 3))
    clean_measures(signal, ground, rows, columns, maps, index, parts)
    contrast = 1.0 - summary[:, 0] / np.where(summary[:, 1] > 0.0, summary[:, 1], 1.0)
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
