"""Which of two grains is the crystal: the brighter one, by how strong its reflections are and what is left over."""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from beamgym.envs.diffractometer_align.belief import Belief, Grain
from beamgym.envs.diffractometer_align.context import DiffractometerContext
from beamgym.physics.diffractometer import Candidate, Lattice, lattice_of, scattering_vectors
from beamgym.physics.diffractometer.scans import SharpOrientation
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import misorientation_deg

_SURE = 0.5
_FIRST_FOUND = 0.3  # how often the first reflection that a search finds is the weaker grain's
_SCATTER = 0.35  # of the logarithm of a median of three to five intensities, besides the crystal's size
_FOUND = 0.9  # of the reflections that a row goes over
_TOLERANCE_DEG, _LENGTH_TOLERANCE = 1.5, 0.02
_SHOWN = 15.0  # counts of a sweep at full speed from which on a reflection may show itself
_HARMONIC = 2
_SAME_GRAIN_DEG = 3.0


def log_scale(belief: Belief, one: Candidate, context: DiffractometerContext) -> float:
    """Return the logarithm of measured over expected intensities, the median of what belongs to an orientation."""
    lattice = _lattice(context)
    inside = (np.abs(one.hkl) <= lattice.size).all(axis=1) & (one.belongs > _SURE)
    if not inside.any():
        return 0.0
    table = lattice.table(np.log(np.maximum(_expected(lattice.strength, lattice.length, context), 1e-12)), -30.0)
    expected = table[tuple((one.hkl[inside] + lattice.size).T)]
    return float(np.median(np.log(belief.intensity[inside]) - expected))


def chance_of_brighter(belief: Belief, scale: float, context: DiffractometerContext) -> float:
    """Return the probability that a brighter grain is there than one of which that is the scale.

    Before any search the weaker grain is the first to be found three times in ten; then both are judged by how
    bright a crystal is that is known to a factor, and by how many reflections of a brighter one would have been seen.
    """
    if not context.second_grain or belief.aside:
        return 0.0
    spread = float(np.hypot(context.flux_factor, _SCATTER))
    apart = -float(np.log(context.second_grain))
    log_odds = np.log(_FIRST_FOUND / (1.0 - _FIRST_FOUND))
    log_odds += 0.5 * ((scale / spread) ** 2 - ((scale + apart) / spread) ** 2)
    return float(expit(log_odds - _FOUND * belief.searched))


def parted(belief: Belief, one: Candidate, sharp: SharpOrientation, context: DiffractometerContext) -> Belief | None:
    """Return the belief on what an orientation leaves over, with that one set aside; None where nothing is.

    Parameters
    ----------
    belief : before
    one, sharp : its certain orientation, and that with the axes' zeros
    """
    left = one.belongs <= _SURE
    if not left.any() or not context.second_grain or belief.aside or belief.strays:
        return None
    q = scattering_vectors(context.instrument, belief.centred, context.beam.wavelength_a)[0]
    left &= ~np.array([_harmonic(vector, one.ub) for vector in q])
    if not left.any():
        return None
    grain = Grain(sharp.u, log_scale(belief, one, context), belief.centred[~left], belief.intensity[~left])
    return replace(
        belief, centred=belief.centred[left], intensity=belief.intensity[left], aside=(grain,), tried=(), hunted=0
    )


def brighter(belief: Belief, u: Float64Array, scale: float, context: DiffractometerContext) -> Belief | None:
    """Return the belief on the grain that was set aside, where that one is the brighter; None where it is not.

    Where both are one grain, whose reflections had not all fitted, a brighter one is still to be looked for.
    """
    if not belief.aside:
        return None
    away = misorientation_deg(u, belief.aside[0].u, context.known.lattice_rotations)
    if float(away) < _SAME_GRAIN_DEG:
        return replace(taken_up(belief), aside=(), settled=False, strays=True)
    return taken_up(belief) if belief.aside[0].scale > scale else None


def taken_up(belief: Belief) -> Belief:
    """Return the belief on the grain that was set aside: what was centred since then is left out."""
    grain = belief.aside[0]
    return replace(belief, centred=grain.centred, intensity=grain.intensity, settled=True, tried=())


def explained(positions: Float64Array, belief: Belief, context: DiffractometerContext) -> bool:
    """Return whether a peak of a sweep at positions (k,) can be a reflection of a grain that is known already."""
    known = [(grain.u, grain.scale) for grain in belief.aside]
    if belief.candidates is not None and belief.candidates.decided is not None and belief.u is not None:
        known.append((belief.u, log_scale(belief, belief.candidates.decided, context)))
    if not context.second_grain or not known:
        return False
    q = scattering_vectors(context.instrument, positions[None], context.beam.wavelength_a)[0][0]
    length, lattice = float(np.linalg.norm(q)), _lattice(context)
    near = np.abs(lattice.length - length) < _LENGTH_TOLERANCE * length
    counts = context.counts_of(lattice.strength, lattice.length)
    away = np.cos(np.radians(_TOLERANCE_DEG + 0.5 * context.acceptance_deg(float(positions[-1]))))
    return any(
        bool((lattice.unit[near & (counts * np.exp(scale) >= _SHOWN)] @ u.T @ q / length > away).any())
        for u, scale in known
    )


def expected_in_row(positions: Float64Array, axis: int, swept_deg: float, context: DiffractometerContext) -> float:
    """Return how many reflections of the crystal a sweep of phi shows on the average; 0 of other scans."""
    names = context.instrument.names
    if names[axis] != "phi" or swept_deg < 20.0:
        return 0.0
    line = min(context.lines, key=lambda one: abs(one.two_theta_deg - positions[-1]))
    if abs(line.two_theta_deg - positions[-1]) > 0.5:
        return 0.0
    height = np.radians(context.acceptance_deg(line.two_theta_deg))
    share = height * abs(np.cos(np.radians(positions[names.index("chi")]))) * np.radians(swept_deg)
    return float(line.members * share / (4.0 * np.pi))


def _harmonic(q: Float64Array, ub: Float64Array) -> bool:
    """Return whether a vector is one of half the wavelength: twice it is a reflection."""
    point = _HARMONIC * np.linalg.solve(ub, q)
    miss = np.linalg.norm(ub @ (point - np.rint(point))) / _HARMONIC / np.linalg.norm(q)
    return bool(miss < np.radians(_TOLERANCE_DEG))


def _expected(strength: Float64Array, length: Float64Array, context: DiffractometerContext) -> Float64Array:
    """Return the intensities (n,) of rocking curves, counts per second times degrees."""
    sine = np.clip(0.5 * context.beam.wavelength_a * length, 0.0, 1.0)
    cosine = np.cos(2.0 * np.arcsin(sine))
    share = context.beam.polarised if context.beam.radiation == "xray" else 1.0
    of_lines = sum(line.share for line in context.beam.lines if abs(line.ratio - 1.0) < 0.01)
    factor = (share + (1.0 - share) * cosine**2) * (1.0 + of_lines)
    return np.asarray(context.counts_of(strength, length) * context.degrees_per_s * factor)


def _lattice(context: DiffractometerContext) -> Lattice:
    reach = 2.0 * float(np.sin(np.radians(55.0))) / context.beam.wavelength_a
    return lattice_of(context.known, reach, context.beam.wavelength_a)
