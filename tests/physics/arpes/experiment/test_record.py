"""What a spectrum says of itself: every parameter of its experiment, and its scores, in attributes and in files."""

import functools
import importlib.util
from dataclasses import fields, replace

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import gaps, self_energy
from beamgym.physics.arpes.bands_models.dirac import DiracSurface
from beamgym.physics.arpes.bands_models.kinematics import WAVENUMBER, Geometry
from beamgym.physics.arpes.bands_models.kz import KzBroadening
from beamgym.physics.arpes.bands_models.lattices import TightBinding, coefficients
from beamgym.physics.arpes.detection.background import Background
from beamgym.physics.arpes.detection.response import Response, centre
from beamgym.physics.arpes.detection.spectrum import Grid
from beamgym.physics.arpes.experiment.experiment import Domain, Experiment, Gap
from beamgym.physics.arpes.experiment.files import read_hdf5, to_xarray, write_hdf5
from beamgym.physics.arpes.score.quality import paper_scores, v2_scores

BANDS = TightBinding("square", coefficients("square", [-0.4, -0.9], [0.15, -0.1]), 3.8)
GRID = Grid.uniform((-0.5, 0.1), (-6, 6), (61, 41))


def liquid(slope):
    def sigma(omega):
        return self_energy.fermi_liquid(omega, slope) - 0.01j

    return sigma


WHOLE = Experiment(
    BANDS,
    photon_energy_ev=40.0,
    geometry=Geometry(2.0, 1.0, 30.0, "horizontal"),
    self_energy=liquid(0.123),
    matrix_element=functools.partial(np.linalg.norm, axis=-1),
    band_weights=[1.0, 0.5],
    domains=(Domain(), Domain(0.25, tilt_deg=3.0)),
    gap=Gap("pairing", functools.partial(gaps.pairing_gap, gap_ev=0.02, symmetry="d")),
    charging_ev=-0.01,
    background=Background(0.05, 0.1, np.arange(9.0).reshape(1, 3, 3), 0.1),
    response=Response(rows=centre(0.2, 61), dead_time=0.01, maps=np.ones((1, 61, 41)), map_index=[0]),
    electrons_per_pulse=100.0,
)


def test_every_parameter_of_an_experiment_is_in_its_spectrum():
    kept = WHOLE.cut(GRID, events=5e4, seed=7).attributes
    expected = {
        "bands": "TightBinding",
        "bands.lattice": "square",
        "bands.a_angstrom": 3.8,
        "hv": 40.0,
        "polar_deg": 2.0,
        "slit": "horizontal",
        "sample_temp": 20.0,
        "self_energy.slope": 0.123,
        "matrix_element": "norm",
        "domains": 2,
        "domains.1.share": 0.25,
        "domains.1.tilt_deg": 3.0,
        "gap.kind": "pairing",
        "gap.gap_ev": "pairing_gap",
        "gap.gap_ev.gap_ev": 0.02,
        "gap.gap_ev.symmetry": "d",
        "gap.pair_breaking_ev": 0.002,
        "kz": "none",
        "background.shirley": 0.1,
        "response.dead_time": 0.01,
        "space_charge.shift_ev": 0.005,
        "electrons_per_pulse": 100.0,
        "energy_pixel_ev": pytest.approx(0.01),
        "slit_pixel_deg": pytest.approx(0.3),
        "events": 5e4,
        "seed": 7,
    }
    assert {name: kept[name] for name in expected} == expected
    assert "sigma" in kept["self_energy"]
    np.testing.assert_array_equal(kept["bands.terms"], BANDS.terms)
    np.testing.assert_array_equal(kept["band_weights"], [1.0, 0.5])
    np.testing.assert_array_equal(kept["background.coefficients"], np.arange(9.0).reshape(1, 3, 3))
    np.testing.assert_array_equal(kept["response.rows"], centre(0.2, 61))
    sigma = liquid(0.123)(GRID.energy_ev - WHOLE.shift_ev)
    np.testing.assert_allclose(kept["self_energy.real_ev"] + 1j * kept["self_energy.imag_ev"], sigma)


def test_no_field_of_an_experiment_is_left_out():
    renamed = {"photon_energy_ev": "hv", "temperature_k": "sample_temp", "geometry": "tilt_deg"}
    for sample in (WHOLE, replace(WHOLE, gap=None, kz=KzBroadening(0.1, 6.0)), Experiment(DiracSurface())):
        kept = sample.cut(GRID).attributes
        for field in fields(Experiment):
            name = renamed.get(field.name, field.name)
            assert name in kept, name
            value = getattr(sample, field.name)
            if field.name in ("bands", "kz", "gap", "background", "response", "space_charge") and value is not None:
                assert {f"{name}.{part.name}" for part in fields(value)} <= set(kept)
    assert kept["bands.bulk.1.edge_ev"] == -0.55


def test_a_lambda_is_recorded_by_the_names_and_constants_in_it():
    kept = replace(WHOLE, self_energy=lambda w: self_energy.impurity(w, 0.0125)).cut(GRID).attributes
    np.testing.assert_array_equal(kept["self_energy.constants"], [0.0125])
    assert kept["self_energy.names"].split()[-1] == "impurity"


def test_a_cut_carries_both_scores_of_its_own_images():
    made = WHOLE.cut(GRID, events=5e4)
    kept, gain = made.attributes, np.broadcast_to(centre(0.2, 61)[0][:, None], (1, 61, 41))
    width = -liquid(0.123)(GRID.energy_ev - WHOLE.shift_ev).imag
    per_degree = np.radians(1.0) * WAVENUMBER * np.sqrt(40.0 - 4.5)
    common = {"resolution_ev": WHOLE.resolution_ev, "temperature_k": 20.0}
    images = made.arpes[None], made.background[None], gain
    paper = paper_scores(*images, **common, width_ev=width[0], events=5e4)
    v2 = v2_scores(
        *images,
        **common,
        width_ev=width.min(),
        events=made.counts.sum(),
        momentum_fwhm_inv_a=0.2 * per_degree,
        spread_inv_a=per_degree * 3.0 * np.sqrt(0.2 * 0.8),
    )
    for kind, scores in (("paper", paper), ("v2", v2)):
        for field in fields(scores):
            assert kept[f"{kind}.{field.name}"] == pytest.approx(getattr(scores, field.name)[0], rel=1e-6), field.name
    assert kept["v2.counts"] < kept["paper.counts"] == 0.5  # dead time


def test_a_cube_carries_the_scores_of_every_slice_and_a_map_none():
    deflection = np.linspace(-2, 2, 5)
    cube = WHOLE.cube(GRID, deflection, events=2e5).attributes
    assert cube["paper.total"].shape == cube["v2.total"].shape == (5,)
    assert cube["paper.counts"].sum() == pytest.approx(2.0)
    assert cube["deflection_pixel_deg"] == 1.0
    flat = replace(WHOLE, response=Response())
    assert not [name for name in flat.map(GRID.slit_deg, deflection).attributes if name.startswith(("paper", "v2"))]


def test_a_file_gives_back_every_parameter_and_label(tmp_path):
    made = WHOLE.cut(GRID)
    back = read_hdf5(write_hdf5(made, tmp_path / "cut.h5"))
    assert set(back.attributes) == set(made.attributes)
    for name, value in made.attributes.items():
        np.testing.assert_array_equal(back.attributes[name], value, err_msg=name)
        assert type(back.attributes[name]) is type(value), name


@pytest.mark.skipif(importlib.util.find_spec("xarray") is None, reason="xarray is not installed")
def test_xarray_carries_every_parameter_and_label():
    made = WHOLE.cut(GRID)
    data = to_xarray(made)
    assert set(made.attributes) == set(data.attrs) | set(data.variables) & set(made.attributes)
    assert data.attrs["v2.total"] == made.attributes["v2.total"]
    np.testing.assert_array_equal(data["bands.terms"], BANDS.terms)
