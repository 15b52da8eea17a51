"""Momentum and angle: exact, invertible, and of the right sign."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.physics.arpes.bands_models.kinematics import (
    WAVENUMBER,
    Geometry,
    cut_momentum,
    kinetic_energy_ev,
    perpendicular_momentum,
)

angle = st.floats(-20, 20)


@pytest.mark.parametrize("slit", ["vertical", "horizontal"])
@settings(max_examples=100, deadline=None)
@given(polar=angle, tilt=angle, azimuth=st.floats(-180, 180), along=angle, across=angle, kinetic=st.floats(1, 100))
def test_angles_become_momenta_and_back_to_a_millionth_of_a_radian(slit, polar, tilt, azimuth, along, across, kinetic):
    geometry = Geometry(polar, tilt, azimuth, slit)
    found = geometry.angles(geometry.momentum(along, kinetic, across), kinetic)
    np.testing.assert_allclose(np.radians(found), np.radians([along, across]), atol=1e-6)


def test_normal_emission_without_deflection_is_k_sin_alpha_along_the_slit():
    k = Geometry(slit="vertical").momentum([0.0, 10.0], 16.0)
    np.testing.assert_allclose(k, [[0, 0], [0, 0.512317 * 4.0 * np.sin(np.radians(10.0))]], atol=1e-6)
    np.testing.assert_allclose(Geometry(slit="horizontal").momentum(10.0, 16.0), k[1][::-1], atol=1e-12)


def test_turning_the_polar_axis_scans_across_a_vertical_slit_and_along_a_horizontal_one():
    # Turned by +10° about the vertical y, the normal leaves the lens axis towards +x: the lens sees −kx.
    np.testing.assert_allclose(
        Geometry(polar_deg=10.0).momentum(0.0, 25.0), [-WAVENUMBER * 5 * np.sin(np.radians(10)), 0], atol=1e-12
    )
    horizontal = Geometry(polar_deg=10.0, slit="horizontal").momentum([10.0], 25.0)
    np.testing.assert_allclose(horizontal, [[0.0, 0.0]], atol=1e-12)


def test_turning_the_azimuth_turns_momentum_the_other_way():
    straight, turned = (Geometry(azimuth_deg=a, slit="horizontal").momentum(12.0, 30.0) for a in (0.0, 30.0))
    cosine, sine = np.cos(np.radians(30)), np.sin(np.radians(30))
    np.testing.assert_allclose(turned, straight @ np.array([[cosine, -sine], [sine, cosine]]), atol=1e-12)


def test_a_deflected_electron_lies_off_the_axis_by_the_length_of_both_angles():
    k = Geometry().momentum(3.0, 16.0, 4.0)
    assert np.linalg.norm(k) == pytest.approx(WAVENUMBER * 4.0 * np.sin(np.radians(5.0)))
    assert k[0] / k[1] == pytest.approx(4.0 / 3.0)


def test_the_fast_path_for_many_cuts_agrees_with_the_plain_one():
    rng = np.random.default_rng(3)
    polar, tilt, azimuth = rng.uniform(-10, 10, (3, 5))
    photon, deflection = rng.uniform(20, 40, 5), rng.uniform(-5, 5, 5)
    slit, nodes = np.linspace(-12, 12, 9), np.array([-0.5, -0.2, 0.1])
    found = cut_momentum(Geometry(polar, tilt, azimuth), slit, nodes, photon, 4.3, deflection)
    for i in range(5):
        geometry = Geometry(polar[i], tilt[i], azimuth[i])
        plain = geometry.momentum(slit[None], (photon[i] - 4.3 + nodes)[:, None], deflection[i])
        np.testing.assert_allclose(found[i], plain, atol=1e-12)


@pytest.mark.parametrize("slit", ["vertical", "horizontal"])
def test_the_fast_path_refuses_the_same_windows_behind_the_surface_as_the_plain_one(slit):
    rng = np.random.default_rng(8)
    along = np.linspace(-12, 12, 25)
    refused = 0
    for polar, tilt, azimuth, deflection in rng.uniform([-180, -100, -180, -10], [180, 100, 180, 10], (200, 4)):
        geometry = Geometry(polar, tilt, azimuth, slit)
        messages = []
        for call in (
            lambda g=geometry, d=deflection: g.momentum(along, 16.0, d),
            lambda g=geometry, d=deflection: cut_momentum(g, along, [-0.5], 21.0, 4.5, d),
        ):
            try:
                call()
                messages.append("")
            except ValueError as error:
                messages.append(str(error))
        assert messages[0] == messages[1], geometry
        refused += "from behind" in messages[0]
    assert 50 < refused < 150


def test_the_inner_potential_bends_kz():
    assert perpendicular_momentum([0.0, 0.0], 30.0, 10.0) == pytest.approx(WAVENUMBER * np.sqrt(40.0))
    inside = perpendicular_momentum([1.0, 0.0], 30.0, 10.0)
    assert inside**2 + 1.0 == pytest.approx(WAVENUMBER**2 * 40.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: kinetic_energy_ev(0.0, 4.0, 4.5),
            "no electron leaves: the photon energy 4 eV does not exceed",
        ),
        (lambda: kinetic_energy_ev([-2.0, 0.0], 6.0, 4.5), "0.5 eV below the vacuum level"),
        (lambda: kinetic_energy_ev(0.0, 20.0, -1.0), "work_function_ev must be positive"),
        (lambda: Geometry().angles([2.0, 0.0], 10.0), "outside the photoelectron cone of 1.62"),
        (lambda: Geometry().momentum(95.0, 10.0), "within 90°"),
        (lambda: Geometry(polar_deg=60.0, slit="horizontal").momentum(-40.0, 10.0), "from behind"),
        (lambda: Geometry().momentum(5.0, 0.0), "must be positive"),
        (lambda: Geometry(slit="diagonal"), "vertical"),
        (lambda: Geometry(polar_deg=np.nan), "polar_deg must be finite"),
        (lambda: cut_momentum(Geometry(), [0.0], [0.0], 4.0, 4.5), "does not exceed"),
        (lambda: perpendicular_momentum([0.0, 0.0], 20.0, -5.0), "inner_potential_ev"),
    ],
)
def test_impossible_windows_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
