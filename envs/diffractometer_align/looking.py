"""Where to look next: places that tell orientations apart or sharpen one, and cones about a known reflection."""

from collections.abc import Sequence

import numpy as np

from beamgym.envs.diffractometer_align.belief import Belief, Cone
from beamgym.envs.diffractometer_align.context import MOST_CHOICES, STRONG_COUNTS, DiffractometerContext
from beamgym.envs.diffractometer_align.guided import likely_places, roughly_known
from beamgym.physics.diffractometer import Candidates, lattice_of, next_looks, scattering_vectors
from beamgym.physics.diffractometer.scans import SharpOrientation, nearest_positions, sharpest_places
from beamgym.physics.instrument import Float64Array

_CONE_DEG, _LEAST_CONE_DEG = 1.0, 8.0
_SEEN = 40.0  # counts of a sweep at full speed from which on a reflection is expected to be seen
_POOL, _INDEXINGS = 120, 64
_INTENSITY_SPREAD = 0.9  # of the logarithm of an intensity: the crystal's size, absorption, extinction
_LOOKS, _LEAST_BITS, _LOOK_S = 16, 0.02, 35.0
_CONE_S, _LEAST_CHANCE = 20.0, 0.02


def places_of(
    belief: Belief, found: Candidates, sharp: SharpOrientation, context: DiffractometerContext
) -> tuple[Float64Array, Float64Array]:
    """Return where to look next (p, k), and the bits (p,) that each is expected to give."""
    here, wavelength = belief.at, context.beam.wavelength_a
    been = np.concatenate([belief.empty, belief.failed])
    if roughly_known(found.found[0]):
        gone = scattering_vectors(context.instrument, np.concatenate([belief.missed, belief.centred]), wavelength)[0]
        return likely_places(found.found, np.concatenate([been, gone]), here, context)
    if found.decided is None:
        return _telling(found, been, here, context)
    lattice = lattice_of(context.known, _line_length(context), wavelength)
    strong = np.flatnonzero(context.counts_of(lattice.strength, lattice.length) >= STRONG_COUNTS)
    order = strong[np.argsort(-lattice.strength[strong], kind="stable")][:_POOL]
    q = lattice.hkl[order] @ (sharp.u @ context.known.b_matrix).T
    taken = scattering_vectors(context.instrument, belief.centred, wavelength)[0]
    gap = np.linalg.norm(q[:, None] - np.concatenate([taken, been])[None], axis=2).min(axis=1)
    q = q[gap > np.radians(2.0) * np.linalg.norm(q, axis=1)]
    degrees = sharpest_places(context.instrument, sharp, q, here, wavelength, context.centred, MOST_CHOICES)
    return degrees, np.zeros(len(degrees))


def _telling(
    found: Candidates, been: Float64Array, here: Float64Array, context: DiffractometerContext
) -> tuple[Float64Array, Float64Array]:
    """Return the places (p, k) that tell most per second, and their bits (p,)."""
    wavelength = context.beam.wavelength_a
    looks = next_looks(found, context.instrument, wavelength, _LOOKS + len(been), near=here)
    q = np.array([found.found[look.candidate].ub @ look.hkl for look in looks]).reshape(-1, 3)
    bits = np.array([look.information for look in looks])
    new = np.array([not _was_there(one, been) for one in q], dtype=np.bool_)
    q, bits = q[new], bits[new]
    if not len(q):
        return no_places(context), np.zeros(0)
    degrees, seconds = nearest_positions(context.instrument, q, wavelength, here)
    order = np.argsort(-(bits + _LEAST_BITS) / (seconds + _LOOK_S), kind="stable")
    order = order[np.isfinite(seconds[order])][:MOST_CHOICES]
    return degrees[order], bits[order]


def _was_there(q: Float64Array, places: Float64Array) -> bool:
    """Return whether a scattering vector (3,) lies near one of some others (e, 3)."""
    away = np.linalg.norm(places - q, axis=1)
    return bool((away < np.radians(_CONE_DEG) * np.linalg.norm(q)).any())


def no_places(context: DiffractometerContext) -> Float64Array:
    """Return no place to look at, (0, k)."""
    return np.zeros((0, len(context.instrument.axes)))


def cones_of(belief: Belief, context: DiffractometerContext) -> tuple[Cone, ...]:
    """Return cones about the strongest centred reflection on which others are to be found, the best first."""
    wavelength = context.beam.wavelength_a
    strongest = int(np.argmax(belief.intensity))
    q = scattering_vectors(context.instrument, belief.centred[strongest][None], wavelength)[0][0]
    length = float(np.linalg.norm(q))
    lattice = lattice_of(context.known, _line_length(context), wavelength)
    counts = context.counts_of(lattice.strength, lattice.length)
    theta = np.arcsin(min(0.5 * wavelength * length, 0.9999))
    sigma = length * (context.cell_error + np.radians(context.error_deg) / 2.0 / np.tan(theta))
    expected = np.log(np.maximum(counts, 1e-12) * context.degrees_per_s)
    score = -0.5 * ((lattice.length - length) / sigma) ** 2
    score -= 0.5 * ((expected - np.log(belief.intensity[strongest])) / _INTENSITY_SPREAD) ** 2
    own = np.argsort(-score, kind="stable")[:_INDEXINGS]
    shares = np.exp(score[own] - score[own[0]])
    shares = shares / shares.sum()
    found: list[Cone] = []
    for line in context.lines:
        middle = 2.0 * np.sin(np.radians(0.5 * line.two_theta_deg)) / wavelength
        half = np.radians(0.35 * context.detector.in_plane_deg) / wavelength
        half *= float(np.cos(np.radians(0.5 * line.two_theta_deg)))
        there = np.flatnonzero((np.abs(lattice.length - middle) < half) & (counts >= _SEEN))
        if not len(there):
            continue
        angle = np.degrees(np.arccos(np.clip(lattice.unit[own] @ lattice.unit[there].T, -1.0, 1.0)))
        for middle_deg in np.arange(_LEAST_CONE_DEG, 180.0 - _LEAST_CONE_DEG, 0.5 * _CONE_DEG):
            near = np.abs(angle - middle_deg) <= 0.5 * _CONE_DEG
            chance = float(shares @ near.any(axis=1))
            if chance < _LEAST_CHANCE:
                continue
            exact = float(np.average(angle, weights=near * shares[:, None]))
            mean_length = float(np.average(lattice.length[there], weights=shares @ near))
            seconds = _CONE_S + 360.0 * float(np.sin(np.radians(exact))) / context.sweep_deg_s
            found.append(Cone(mean_length, exact, chance, seconds))
    found.sort(key=lambda cone: -cone.chance / cone.seconds)
    apart: list[Cone] = []
    for cone in found:
        others = (*((one.length, one.angle_deg) for one in apart), *belief.tried)
        if not any(_same(cone, other) for other in others):
            apart.append(cone)
        if len(apart) == MOST_CHOICES:
            break
    return tuple(apart)


def _same(cone: Cone, tried: Sequence[float]) -> bool:
    return abs(cone.length - tried[0]) < 1e-3 and abs(cone.angle_deg - tried[1]) < _CONE_DEG


def _line_length(context: DiffractometerContext) -> float:
    """Return the length of vectors up to which reflections are looked for, 1/Å."""
    most = min(max(line.two_theta_deg for line in context.lines) + 5.0, 110.0)
    return 2.0 * float(np.sin(np.radians(0.5 * most))) / context.beam.wavelength_a
