"""Angles and scattering vectors: signs of every axis, round trips, other programs' conventions, and diffcalc beside."""

from itertools import product

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import busing_levy_b
from beamgym.physics.diffractometer import (
    CONVENTIONS,
    diffractometer,
    diffractometer_names,
    frame_of,
    plane_angle_deg,
    positions_of,
    scattering_vectors,
    two_theta_deg,
    ub_for,
    ub_from,
    ub_from_indexed,
)

X, Y, Z = np.eye(3)
SENSES = {
    "e4cv": {"omega": (X, Z), "chi": (Y, Z), "phi": (X, Z), "tth": (X, Z)},
    "e4ch": {"omega": (X, Y), "chi": (Y, Z), "phi": (X, Y), "tth": (X, Y)},
    "neutron-4c": {"omega": (Y, X), "chi": (Y, Z), "phi": (Y, X), "tth": (Y, X)},
    "kappa": {"komega": (X, Z), "kphi": (X, Z), "tth": (X, Z)},
    "psic": {"mu": (X, Y), "eta": (X, Z), "chi": (Y, Z), "phi": (X, Z), "nu": (X, Y), "delta": (X, Z)},
    "tas": {"a3": (X, Y), "lower_arc": (Y, Z), "upper_arc": (Z, X), "a4": (X, Y)},
}
"""With the others at zero, + moves the first direction towards the second."""


@pytest.mark.parametrize("name", diffractometer_names())
def test_each_axis_turns_as_the_table_says(name):
    instrument = diffractometer(name)
    for axis, (start, towards) in SENSES[name].items():
        stage = instrument.arm if axis in instrument.arm.names else instrument.sample
        positions = np.where(np.array(stage.names) == axis, 1.0, 0.0)
        assert stage.rotation(positions) @ start @ towards == pytest.approx(np.sin(np.radians(1.0)))


@pytest.mark.parametrize("name", diffractometer_names())
def test_positions_bring_their_vector_back_and_obey_bragg(name):
    instrument, rng = diffractometer(name), np.random.default_rng(4)
    q = 0.5 * rng.normal(size=(40, 3))
    if name == "tas":
        q[:, 2] = 0.0
    found = positions_of(instrument, q, 1.1)
    assert found.reachable.mean() > 0.8
    back, _ = scattering_vectors(instrument, found.degrees[found.reachable], 1.1)
    assert back == pytest.approx(q[found.reachable], abs=1e-9)
    sine = np.sin(np.radians(0.5 * two_theta_deg(instrument, found.degrees[found.reachable])))
    assert 2.0 * sine / 1.1 == pytest.approx(np.linalg.norm(q[found.reachable], axis=1))
    assert all(bool(why) != bool(reached) for why, reached in zip(found.why, found.reachable, strict=True))


def test_the_bisecting_position_has_omega_at_theta():
    found = positions_of("e4cv", np.random.default_rng(1).normal(size=(20, 3)) * 0.3, 1.0)
    assert found.degrees[:, 0] == pytest.approx(0.5 * found.degrees[:, 3])


@pytest.mark.parametrize("hold", [{"chi": 75.0}, {"phi": 20.0}, {"omega": 10.0}])
def test_a_held_circle_stands_and_the_others_bring_the_vector_there(hold):
    q = np.random.default_rng(2).normal(size=(60, 3)) * 0.3
    found = positions_of("e4cv", q, 1.0, hold=hold)
    assert found.reachable.any()
    ((name, value),) = hold.items()
    good = found.degrees[found.reachable]
    assert good[:, diffractometer("e4cv").names.index(name)] == pytest.approx(value)
    assert scattering_vectors(diffractometer("e4cv"), good, 1.0)[0] == pytest.approx(q[found.reachable], abs=1e-9)


def test_six_circles_scatter_in_either_plane():
    psic = diffractometer("psic")
    q = np.array([[0.1, 0.35, 0.02]])
    horizontal = positions_of(psic, q, 1.0, horizontal=True).degrees
    assert horizontal[0, psic.names.index("delta")] == 0.0
    assert scattering_vectors(psic, horizontal, 1.0)[0] == pytest.approx(q)


def test_the_jacobian_is_the_slope():
    for name in diffractometer_names():
        instrument = diffractometer(name)
        at = np.random.default_rng(3).uniform(5.0, 50.0, (3, len(instrument.names)))
        _, slope = scattering_vectors(instrument, at, 1.3)
        for i in range(at.shape[1]):
            step = 1e-5 * np.eye(at.shape[1])[i]
            difference = (
                scattering_vectors(instrument, at + step, 1.3)[0] - scattering_vectors(instrument, at - step, 1.3)[0]
            )
            assert slope[:, :, i] == pytest.approx(difference / 2e-5, abs=1e-8)


def test_what_cannot_be_reached_is_said():
    beyond = positions_of("e4cv", [[0.0, 0.0, 2.5]], 1.0)
    assert not beyond.reachable[0]
    assert "longer than 2d" in beyond.why[0]
    out_of_plane = positions_of("tas", [[0.3, 0.0, 0.1]], 1.0)
    assert not out_of_plane.reachable[0]
    assert plane_angle_deg(diffractometer("tas"), [[0.3, 0.0, 0.3]])[0] == pytest.approx(45.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"wavelength_a": -1.0}, "wavelength"),
        ({"wavelength_a": 1.0, "hold": {"eta": 0.0}}, "no axis 'eta'"),
        ({"wavelength_a": 1.0, "hold": {"chi": 0.0, "phi": 0.0}}, "so that two are free"),
        ({"wavelength_a": 1.0, "horizontal": True}, "one plane"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        positions_of("e4cv", [[0.1, 0.2, 0.3]], **arguments)


def test_an_unknown_preset_is_named_with_those_that_there_are():
    with pytest.raises(ValueError, match="e4cv, e4ch"):
        diffractometer("fourc")


def test_silicon_as_hklpy2_writes_it():
    """hklpy2 1.0, tests/test_diffract.py: (400) and (040) of silicon on E4CV give −1.1569 on the antidiagonal."""
    e4cv = diffractometer("e4cv")
    angles = [[-145.451, 0.0, 0.0, 69.0966], [-145.451, 90.0, 0.0, 69.0966]]
    q, _ = scattering_vectors(e4cv, angles, 1.54)
    third = np.cross(q[0], q[1]) / np.linalg.norm(q[0])
    ub = ub_from_indexed([*q, third], [[4, 0, 0], [0, 4, 0], [0, 0, 4]])
    assert ub_for("hklpy2", ub, e4cv) == pytest.approx(1.1569 * -np.eye(3)[::-1], abs=1e-3)


def test_nicos_and_its_zones():
    """cvector.py and bisect.py of NICOS: c = d (−sin φ cos χ, cos φ cos χ, sin χ) bisects at (θ, χ, φ)."""
    instrument = diffractometer("neutron-4c")
    theta, chi, phi = np.radians([14.0, 35.0, -50.0])
    d = 2.0 * np.sin(theta) / 1.2
    c = d * np.array([-np.sin(phi) * np.cos(chi), np.cos(phi) * np.cos(chi), np.sin(chi)])
    q, _ = scattering_vectors(instrument, [[14.0, 35.0, -50.0, 28.0]], 1.2)
    assert frame_of("nicos", instrument) @ q[0] == pytest.approx(c)


def test_busing_and_levy_matrices_are_those_of_spec():
    """Their eqs. 8 to 10, written out: R = Ω(ω) X(χ) Φ(φ), all but χ left-handed; frames rotate, not mirror."""
    for name in ("e4cv", "e4ch", "neutron-4c"):
        instrument = diffractometer(name)
        frame = frame_of("spec", instrument)
        omega, chi, phi = 0.3, -0.5, 0.9
        paper = (
            Rotation.from_rotvec([0, 0, -omega])
            * Rotation.from_rotvec([0, chi, 0])
            * Rotation.from_rotvec([0, 0, -phi])
        )
        ours = instrument.sample.rotation(np.degrees([omega, chi, phi]))
        assert frame @ ours @ frame.T == pytest.approx(paper.as_matrix())
        assert np.linalg.det(frame) == pytest.approx(1.0)


@pytest.mark.parametrize("program", CONVENTIONS)
def test_a_matrix_goes_to_another_program_and_back(program):
    ub = np.random.default_rng(0).normal(size=(3, 3))
    for name in diffractometer_names():
        instrument = diffractometer(name)
        there = ub_for(program, ub, instrument)
        assert ub_from(program, there, instrument) == pytest.approx(ub)
        assert np.linalg.det(there) == pytest.approx(np.linalg.det(ub) * CONVENTIONS[program].scale ** 3)


@pytest.mark.peers
def test_diffcalc_computes_the_same_indices_and_angles():
    """diffcalc-core 0.4.0: indices of random positions to 1e-6, and the angles of reflections to 1e-4°."""
    ub_calc = pytest.importorskip("diffcalc.ub.calc", reason="diffcalc-core is not installed: pip install '.[peers]'")
    geometry = pytest.importorskip("diffcalc.hkl.geometry")
    calc = pytest.importorskip("diffcalc.hkl.calc")
    constraints = pytest.importorskip("diffcalc.hkl.constraints")
    psic, rng, cell = diffractometer("psic"), np.random.default_rng(6), [5.0, 6.0, 7.5, 85.0, 95.0, 105.0]
    ub = Rotation.random(random_state=1).as_matrix() @ busing_levy_b(cell)
    theirs = ub_calc.UBCalculation()
    theirs.set_lattice("crystal", *cell)
    theirs.set_ub(ub_for("diffcalc", ub, psic))
    hkl_calc = calc.HklCalculation(theirs, constraints.Constraints({"nu": 0, "mu": 0, "phi": 15.0}))
    at = rng.uniform(-60.0, 60.0, (20, 6))
    for mine, q in zip(at, scattering_vectors(psic, at, 1.2)[0], strict=True):
        mu, eta, chi, phi, nu, delta = mine
        place = geometry.Position(mu=mu, delta=delta, nu=nu, eta=eta, chi=chi, phi=phi)
        assert hkl_calc.get_hkl(place, 1.2) == pytest.approx(np.linalg.solve(ub, q), abs=1e-6)
    compared = 0
    for hkl in product((-1, 0, 1), (-1, 1), (0, 1, 2)):
        mine = positions_of(psic, [ub @ hkl], 1.2, hold={"mu": 0.0, "phi": 15.0})
        if not mine.reachable[0]:
            continue
        _, eta, chi, phi, _, delta = mine.degrees[0]
        every = [one.asdict for one, _ in hkl_calc.get_position(*hkl, 1.2)]
        near = min(
            abs((one["eta"] - eta + 180) % 360 - 180)
            + abs((one["chi"] - chi + 180) % 360 - 180)
            + abs(one["delta"] - delta)
            for one in every
        )
        assert near < 1e-4
        compared += 1
    assert compared >= 5
