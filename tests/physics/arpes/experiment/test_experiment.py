"""One sample in one instrument: cuts, maps, cubes, domains, kz, matrix elements, files."""

import importlib.util
from dataclasses import replace

import h5py
import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import gaps, self_energy
from beamgym.physics.arpes.bands_models.dirac import DiracSurface
from beamgym.physics.arpes.bands_models.kinematics import WAVENUMBER, Geometry
from beamgym.physics.arpes.bands_models.kz import KzBroadening, wrapped_lorentzian
from beamgym.physics.arpes.bands_models.lattices import TightBinding, coefficients
from beamgym.physics.arpes.bands_models.matrix_elements import ORBITALS, dipole, polarisation_vector
from beamgym.physics.arpes.detection.background import Background
from beamgym.physics.arpes.detection.response import Response, SpaceCharge
from beamgym.physics.arpes.detection.spectrum import Grid
from beamgym.physics.arpes.experiment.experiment import Domain, Experiment, Gap
from beamgym.physics.arpes.experiment.files import read_hdf5, to_xarray, write_hdf5

GRID = Grid.uniform((-0.5, 0.1), (-8, 8), (121, 161))
CONE = Experiment(
    DiracSurface(bulk=(), warping_ev_a3=0.0, curvature_ev_a2=0.0),
    self_energy=lambda w: self_energy.impurity(w, 0.01),
    angle_fwhm_deg=0.15,
)


def test_the_cone_crosses_the_fermi_level_at_the_angle_of_its_momentum():
    row = CONE.cut(GRID).arpes[np.argmin(np.abs(GRID.energy_ev + 0.02))]
    found = np.abs(GRID.slit_deg[row > 0.5 * row.max()])
    expected = np.degrees(np.arcsin((0.32 - 0.02) / 3.5 / (WAVENUMBER * np.sqrt(21.2 - 4.5 - 0.02))))
    assert np.mean(found) == pytest.approx(expected, abs=0.08)


def test_a_domain_tilted_along_the_slit_appears_beside_the_first():
    two = replace(CONE, domains=(Domain(), Domain(0.5, tilt_deg=4.0)))
    row = two.cut(GRID).arpes[np.argmin(np.abs(GRID.energy_ev + 0.32))]
    second = row * (np.abs(GRID.slit_deg) > 2.0)
    assert abs(GRID.slit_deg[np.argmax(second)]) == pytest.approx(4.0, abs=0.11)
    assert second.max() / row.max() == pytest.approx(0.5, abs=0.05)


def test_a_map_shows_the_fermi_surface_round_and_a_cube_contains_the_cut():
    axis = np.linspace(-6, 6, 97)
    ring = CONE.map(axis, axis, energy_ev=-0.05, window_ev=0.01).arpes
    np.testing.assert_allclose(ring, ring.T, atol=0.02)
    radius = np.hypot(*np.meshgrid(axis, axis))[ring > 0.5 * ring.max()]
    assert np.std(radius) < 0.15
    cube = CONE.cube(GRID, np.linspace(-1, 1, 41))
    assert cube.counts.shape == (121, 161, 41)
    assert cube.counts.sum() == 1e6
    middle = cube.arpes[:, :, 20] / cube.arpes[:, :, 20].max()
    assert np.corrcoef(middle.ravel(), CONE.cut(GRID).arpes.ravel())[0, 1] > 0.99


def test_the_same_seed_measures_the_same_and_another_seed_does_not():
    first, again, other = CONE.cut(GRID, seed=1), CONE.cut(GRID, seed=1), CONE.cut(GRID, seed=2)
    np.testing.assert_array_equal(first.counts, again.counts)
    assert not np.array_equal(first.counts, other.counts)


def test_a_work_function_changes_the_refraction_but_not_the_fermi_level():
    low, high = (replace(CONE, photon_energy_ev=7.0, work_function_ev=w).cut(GRID).arpes for w in (4.0, 5.0))
    assert np.argmax(low.sum(1)) == np.argmax(high.sum(1))
    row = np.argmin(np.abs(GRID.energy_ev + 0.05))
    spread = [np.abs(GRID.slit_deg[image[row] > 0.5 * image[row].max()]).mean() for image in (low, high)]
    assert spread[1] > 1.1 * spread[0]


def test_a_pairing_gap_empties_the_fermi_level():
    bands = TightBinding("square", coefficients("square", -0.1, 0.3), 3.8)
    metal = Experiment(bands, photon_energy_ev=30.0, angle_fwhm_deg=0.1, energy_fwhm_ev=0.005)
    metal = replace(metal, self_energy=lambda w: self_energy.impurity(w, 0.003))
    gapped = replace(metal, gap=Gap("pairing", lambda k: gaps.pairing_gap(k, 0.03)))
    grid = Grid.uniform((-0.2, 0.05), (-14, 14), (126, 141))
    row = np.argmin(np.abs(grid.energy_ev + 0.005))
    below = [np.asarray(e.cut(grid).arpes[row]).max() for e in (metal, gapped)]
    assert below[1] < 0.3 * below[0]


def test_kz_broadening_keeps_the_intensity_and_widens_the_band():
    bands = TightBinding("square", coefficients("square", -0.3, -0.02), 3.8)
    flat = Experiment(bands, self_energy=lambda w: self_energy.impurity(w, 0.005), temperature_k=0.0)
    grid = Grid.uniform((-1.5, 0.5), (-2, 2), (401, 11))
    sharp, wide = (replace(flat, kz=k).scene(grid) for k in (None, KzBroadening(0.05, 6.0, escape_depth_a=4.0)))
    from beamgym.physics.arpes.detection.spectrum import band_intensity

    columns = [band_intensity(part)[0, :, 5] for part in (sharp, wide)]
    assert columns[1].sum() == pytest.approx(columns[0].sum(), rel=0.03)
    assert columns[1].max() < 0.6 * columns[0].max()


def test_the_wrapped_lorentzian_has_the_first_moment_of_a_wrapped_cauchy():
    offset, _ = wrapped_lorentzian(0.7, 20_000)
    assert np.mean(np.cos(offset)) == pytest.approx(np.exp(-0.7), abs=1e-3)
    narrow, _ = wrapped_lorentzian(1e-6, 5)
    np.testing.assert_allclose(narrow, 0.0, atol=1e-5)


def test_orbitals_are_normalised_over_the_sphere():
    points = np.random.default_rng(0).normal(size=(400_000, 3))
    x, y, z = (points / np.linalg.norm(points, axis=1, keepdims=True)).T
    for orbital in ORBITALS.values():
        assert np.mean(orbital(x, y, z) ** 2) == pytest.approx(1.0, abs=0.01)


def test_light_polarised_across_the_momentum_emits_nothing_and_turning_the_sample_turns_the_pattern():
    vertical = polarisation_vector(polarisation_deg=90.0)
    assert dipole(np.array([0.5, 0.0]), 20.0, vertical) == pytest.approx(0.0, abs=1e-12)
    assert dipole(np.array([0.0, 0.5]), 20.0, vertical) > 0.01
    turned = Geometry(azimuth_deg=90.0)  # the sample's x now points up
    assert dipole(np.array([0.5, 0.0]), 20.0, vertical, geometry=turned) > 0.01
    # a dxy orbital has a node in the mirror plane
    assert dipole(np.array([0.5, 0.0]), 20.0, polarisation_vector(), "dxy") == pytest.approx(0.0, abs=1e-12)
    for angle in (0.0, 45.0):
        assert np.linalg.norm(polarisation_vector(50.0, 20.0, angle)) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="unknown orbital 'f'; choose one of s, px"):
        dipole(np.zeros(2), 20.0, vertical, "f")


def test_hdf5_gives_back_counts_axes_parameters_and_labels(tmp_path):
    made = replace(CONE, background=Background(0.1, shirley=0.1), response=Response()).cut(GRID, seed=4)
    made.attributes["score"] = 7.5
    back = read_hdf5(write_hdf5(made, tmp_path / "cut.h5"))
    np.testing.assert_array_equal(back.counts, made.counts)
    assert list(back.axes) == ["eV", "alpha"]
    assert back.attributes["score"] == 7.5
    assert [path.name for path in tmp_path.iterdir()] == ["cut.h5"]


@pytest.mark.parametrize(
    ("axes", "energies", "says"),
    [
        (np.bytes_("eV"), 5, r"names the axes eV 5 for counts of shape \(5, 4\)"),
        (["eV", "alpha"], 7, r"names the axes eV 7, alpha 4 for counts of shape \(5, 4\)"),
        (["eV", "beta"], 5, "truncated or no spectrum"),
    ],
)
def test_axes_that_do_not_fit_the_counts_are_told(tmp_path, axes, energies, says):
    with h5py.File(tmp_path / "a.h5", "w") as store:
        data = store.create_group("entry/data")
        data.attrs["axes"] = axes
        data["eV"], data["alpha"] = np.arange(float(energies)), np.arange(4.0)
        for name in ("counts", "arpes", "background"):
            data[name] = np.zeros((5, 4))
        store.create_group("entry/parameters")
    with pytest.raises(ValueError, match=says) as caught:
        read_hdf5(tmp_path / "a.h5")
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_named(tmp_path):
    path = write_hdf5(CONE.cut(GRID), tmp_path / "cut.h5")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"cut\.h5 is truncated or no spectrum"):
        read_hdf5(path)
    with pytest.raises(FileNotFoundError):
        read_hdf5(tmp_path / "none.h5")


def test_xarray_carries_erlabs_dimensions_or_says_what_to_install():
    if importlib.util.find_spec("xarray") is None:
        with pytest.raises(ImportError, match="pip install xarray"):
            to_xarray(CONE.cut(GRID))
        return
    data = to_xarray(CONE.cube(Grid.uniform((-0.1, 0.1), (-3, 3), (21, 31)), np.linspace(-1, 1, 11)))
    assert data["counts"].dims == ("eV", "alpha", "beta")
    assert data.attrs["hv"] == 21.2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: replace(CONE, photon_energy_ev=4.0).cut(GRID), "does not exceed the work function"),
        (lambda: replace(CONE, photon_energy_ev=4.8).cut(GRID), "below the vacuum level"),
        (lambda: replace(CONE, energy_fwhm_ev=-1.0), "energy_fwhm_ev must not be negative; found -1"),
        (lambda: replace(CONE, angle_fwhm_deg=np.nan), "angle_fwhm_deg must be finite; found nan"),
        (lambda: replace(CONE, energy_fwhm_ev=np.inf), "energy_fwhm_ev must be finite"),
        (lambda: replace(CONE, charging_ev="much"), "charging_ev must be a number, not 'much'"),
        (lambda: replace(CONE, temperature_k=-1.0), "temperature_k must not be negative"),
        (lambda: replace(CONE, photon_energy_ev=[20.0, 30.0]), "photon_energy_ev must be one number"),
        (lambda: replace(CONE, geometry=Geometry(polar_deg=[0, 1])), "polar_deg must be one number"),
        (lambda: replace(CONE, domains=()), "a domain with a share above 0"),
        (lambda: replace(CONE, domains=(Domain(0.0), Domain(0.0))), "a domain with a share above 0"),
        (lambda: replace(CONE, band_weights=[1.0, 2.0, 3.0]).cut(GRID), "must hold 2 numbers, one for every band"),
        (lambda: replace(CONE, band_weights=[1.0, -2.0]), "band_weights must be one number ≥ 0 for every band"),
        (lambda: replace(CONE, electrons_per_pulse=-1.0), "electrons_per_pulse must not be negative"),
        (lambda: replace(CONE, spot_mm=0.0), "spot_mm > 0"),
        (lambda: replace(CONE, geometry=Geometry(polar_deg=180)).cut(GRID), "from behind its surface; reduce polar"),
        (lambda: replace(CONE, geometry=Geometry(polar_deg=120)).cut(GRID), "from behind its surface"),
        (
            lambda: replace(CONE, geometry=Geometry(polar_deg=88, slit="horizontal")).cut(GRID),
            "from behind its surface",
        ),
        (lambda: replace(CONE, domains=(Domain(), Domain(tilt_deg=95.0))).cut(GRID), "from behind its surface"),
        (lambda: Domain(1.0, polar_deg=np.nan), "polar_deg must be a finite angle"),
        (lambda: Gap("pairing", lambda k: k, np.inf), "pair_breaking_ev"),
        (lambda: CONE.cut(GRID, events=-1.0), "events must not be negative"),
        (lambda: replace(CONE, matrix_element=lambda k: -np.ones(k.shape[:-1])).cut(GRID), "≥ 0"),
        (lambda: Domain(-1.0), "share"),
        (lambda: Gap("hard", lambda k: k), "unknown kind of gap"),
        (lambda: KzBroadening(0.1, -6.0), "c_angstrom"),
        (lambda: CONE.map([0.0, 1.0], [0.0, 1.0], window_ev=0.0), "window_ev"),
        (lambda: DiracSurface(velocity_ev_a=-1.0), "velocity"),
    ],
)
def test_impossible_experiments_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_domains_must_be_domains_and_may_come_in_a_list():
    with pytest.raises(TypeError, match=r"domains must hold Domain\(share"):
        replace(CONE, domains=(1.0,))
    with pytest.raises(TypeError, match="a list of Domain"):
        replace(CONE, domains=Domain())
    made = [replace(CONE, domains=kind).cut(GRID).counts for kind in ([Domain()], (Domain(),))]
    np.testing.assert_array_equal(*made)


def test_space_charge_moves_the_spectrum_and_widens_its_resolution():
    cloud = SpaceCharge(shift_ev=0.01, broadening_ev=0.02)
    pulsed = replace(CONE, space_charge=cloud, electrons_per_pulse=500.0, spot_mm=0.5)
    assert pulsed.shift_ev == pytest.approx(0.01)
    assert pulsed.resolution_ev == pytest.approx(np.hypot(0.01, 0.02))
    by_hand = replace(CONE, charging_ev=0.01, energy_fwhm_ev=np.hypot(0.01, 0.02))
    np.testing.assert_allclose(pulsed.cut(GRID).arpes, by_hand.cut(GRID).arpes, atol=1e-5)
    still = replace(pulsed, electrons_per_pulse=0.0).cut(GRID)
    np.testing.assert_array_equal(still.counts, CONE.cut(GRID).counts)


def test_every_number_of_an_experiment_changes_its_spectrum():
    whole = replace(
        CONE,
        bands=DiracSurface(),
        geometry=Geometry(1.0, 1.0, 5.0),
        background=Background(0.05, 0.1, np.random.default_rng(0).normal(size=(1, 3, 3)), 0.1),
        domains=(Domain(), Domain(0.5, 1.0, 1.0, 10.0)),
    )
    still = whole.cut(GRID)
    changes = {
        "photon energy": replace(whole, photon_energy_ev=25.0),
        "work function": replace(whole, work_function_ev=4.0),
        "polar": replace(whole, geometry=Geometry(2.0, 1.0, 5.0)),
        "tilt": replace(whole, geometry=Geometry(1.0, 2.0, 5.0)),
        "azimuth": replace(whole, geometry=Geometry(1.0, 1.0, 25.0)),
        "slit": replace(whole, geometry=Geometry(1.0, 1.0, 5.0, "horizontal")),
        "temperature": replace(whole, temperature_k=80.0),
        "energy resolution": replace(whole, energy_fwhm_ev=0.03),
        "angular resolution": replace(whole, angle_fwhm_deg=0.4),
        "charging": replace(whole, charging_ev=0.02),
        "constant": replace(whole, background=replace(whole.background, constant=0.1)),
        "polynomial": replace(whole, background=replace(whole.background, polynomial=0.2)),
        "shirley": replace(whole, background=replace(whole.background, shirley=0.2)),
        "domain": replace(whole, domains=(Domain(), Domain(0.5, 2.0, 1.0, 10.0))),
        "share": replace(whole, domains=(Domain(), Domain(0.9, 1.0, 1.0, 10.0))),
        "weights": replace(whole, band_weights=np.linspace(0.1, 1.0, 18)),
    }
    for name, other in changes.items():
        made = other.cut(GRID)
        moved = np.abs(made.arpes - still.arpes).max() + np.abs(made.background - still.background).max()
        assert moved > 0.005, name


def test_a_domain_turned_out_of_the_window_is_gone():
    far = replace(CONE, domains=(Domain(), Domain(1.0, tilt_deg=40.0)))
    np.testing.assert_allclose(far.cut(GRID).arpes, CONE.cut(GRID).arpes, atol=2e-3)


def test_nobody_elses_random_numbers_are_touched():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = CONE.cut(GRID)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    np.testing.assert_array_equal(CONE.cut(GRID).counts, first.counts)
