"""Places of an orientation that is known roughly, and what a wide scan that shows nothing says of it."""

import numpy as np

from beamgym.envs.diffractometer_align import WIDE_DEG, DiffractometerAlignOptions, build
from beamgym.envs.diffractometer_align.guided import likely_places, roughly_known, without_missed
from beamgym.physics.diffractometer import Candidate, Candidates, observed_vectors, scattering_vectors
from beamgym.physics.orientation import rotation_matrix

TASK, _ = build(DiffractometerAlignOptions(crystal="Si", handover=True), 1)
CONTEXT = TASK.context
HERE = np.zeros(4)


def candidate(u, covariance, probability=1.0):
    nothing = np.zeros((0, 3), dtype=np.int64)
    return Candidate(u, u @ CONTEXT.known.b_matrix, probability, nothing, np.zeros(0), covariance)


def about(axis, across_deg, along_deg):
    """Return the covariance of an orientation that is known to so much across an axis, and about it."""
    unit = axis / np.linalg.norm(axis)
    one = np.outer(unit, unit)
    return np.radians(across_deg) ** 2 * (np.eye(3) - one) + np.radians(along_deg) ** 2 * one


def test_a_wide_scan_holds_a_reflection_as_often_as_it_is_said_to():
    u, rng = rotation_matrix(np.array([30.0, 50.0, -20.0])), np.random.default_rng(0)
    places, chance = likely_places(
        [candidate(u, np.radians(CONTEXT.prior_deg) ** 2 * np.eye(3))], np.zeros((0, 3)), HERE, CONTEXT
    )
    place, q = places[0], scattering_vectors(CONTEXT.instrument, places[:1], CONTEXT.beam.wavelength_a)[0][0]
    rotation = CONTEXT.instrument.sample.rotation(place[None, :3])[0]
    hits = 0
    for _ in range(2000):
        off = rotation @ (rotation_matrix(CONTEXT.prior_deg * rng.normal(size=3)) @ q - q) / np.linalg.norm(q)
        across, total = np.degrees(abs(off[1])), np.degrees(np.linalg.norm(off))
        within = np.sqrt(max(total**2 - across**2, 0.0))
        hits += across < 0.5 * CONTEXT.acceptance_deg(place[-1]) and within < 0.5 * WIDE_DEG
    assert abs(0.9 * hits / 2000 - chance[0]) < 0.05


def test_the_second_order_of_a_known_reflection_is_no_place_to_look_at():
    u = np.eye(3)
    known = CONTEXT.known.b_matrix @ np.array([1.0, 1.0, 1.0])
    one = candidate(u, about(known, 0.02, 5.0))
    assert roughly_known(one)
    assert not roughly_known(candidate(u, about(known, 0.02, 0.02)))
    places, _ = likely_places([one], known[None], HERE, CONTEXT)
    q = scattering_vectors(CONTEXT.instrument, places, CONTEXT.beam.wavelength_a)[0]
    cosine = np.abs(q @ known) / np.linalg.norm(q, axis=1) / np.linalg.norm(known)
    assert (cosine < np.cos(np.radians(5.0))).all()


def test_a_missed_place_speaks_against_who_expects_something_there_and_not_against_another():
    u = rotation_matrix(np.array([30.0, 50.0, -20.0]))
    other = rotation_matrix(np.array([10.0, 0.0, 25.0])) @ u
    sharp = np.radians(0.1) ** 2 * np.eye(3)
    both = (candidate(u, sharp, 0.5), candidate(other, sharp, 0.4))
    seen = observed_vectors(u @ CONTEXT.known.b_matrix @ np.array([1.0, 1.0, 1.0]), 1.54)
    found = Candidates(both, 0.1, 1, seen, CONTEXT.known)
    place, _ = likely_places([both[0]], np.zeros((0, 3)), HERE, CONTEXT)
    after = without_missed(found, place[:1], CONTEXT)
    assert after.found[0].u is other
    assert after.found[1].probability < 0.2
    assert abs(sum(one.probability for one in after.found) + after.none - 1.0) < 1e-12
