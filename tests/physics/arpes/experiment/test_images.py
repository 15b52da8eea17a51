"""Cubes and constant-energy maps: what is integrated, and what the detector does to them."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import self_energy
from beamgym.physics.arpes.bands_models.lattices import TightBinding, coefficients
from beamgym.physics.arpes.detection.background import Background
from beamgym.physics.arpes.detection.response import Response
from beamgym.physics.arpes.detection.spectrum import Grid
from beamgym.physics.arpes.experiment.experiment import Experiment

BANDS = TightBinding("square", coefficients("square", -0.4, 0.15), 3.8)
SHARP = Experiment(
    BANDS,
    photon_energy_ev=40.0,
    self_energy=lambda w: self_energy.impurity(w, 0.005),
    energy_fwhm_ev=0.005,
    angle_fwhm_deg=0.1,
)
SLIT, DEFLECTION = np.linspace(-6, 6, 33), np.linspace(-4, 4, 17)
GRID = Grid.uniform((-0.4, 0.1), (-6, 6), (26, 33))


@pytest.mark.parametrize("window_ev", [0.004, 0.2])
def test_a_map_is_the_sum_of_a_fine_cube_however_wide_its_window(window_ev):
    image = SHARP.map(SLIT, DEFLECTION, energy_ev=-0.15, window_ev=window_ev).arpes.astype(np.float64)
    energies = Grid.uniform((-0.15 - 0.5 * window_ev, -0.15 + 0.5 * window_ev), (-6, 6), (201, 33))
    weight = np.ones(201)
    weight[[0, -1]] = 0.5
    summed = np.einsum("e,ead->ad", weight, SHARP.cube(energies, DEFLECTION).arpes)
    misplaced = 0.5 * np.abs(image / image.sum() - summed / summed.sum()).sum()
    assert misplaced < 0.003


def test_a_map_of_lines_that_space_charge_moves_and_widens_looks_where_they_are():
    moved = replace(SHARP, charging_ev=0.05).map(SLIT, DEFLECTION, energy_ev=-0.1, window_ev=0.05)
    still = SHARP.map(SLIT, DEFLECTION, energy_ev=-0.15, window_ev=0.05)
    np.testing.assert_allclose(moved.arpes, still.arpes, atol=0.02)  # momenta differ by √(E_kin + 0.05 eV)


def test_dead_time_loses_electrons_of_cubes_and_maps_pixel_by_pixel():
    slow = replace(SHARP, background=Background(0.1), response=Response(dead_time=0.25))
    for made in (slow.cube(GRID, DEFLECTION, events=1e6), slow.map(SLIT, DEFLECTION, energy_ev=-0.15, events=1e5)):
        shape = made.arpes + made.background
        arriving = made.attributes["events"] * shape / shape.sum(dtype=np.float64)
        expected = (arriving / (1.0 + 0.25 * arriving)).sum()
        assert made.counts.sum() == pytest.approx(expected, rel=5.0 / np.sqrt(expected))
        assert made.counts.max() <= 4.0


def test_an_adc_reads_each_slice_of_a_cube_and_the_image_of_a_map():
    plain = replace(SHARP, background=Background(0.2))
    reading = replace(plain, response=Response(adc=True, cloud_px=1.0))
    for measure in (
        lambda e: e.cube(GRID, DEFLECTION, events=2000).counts,
        lambda e: e.map(SLIT, DEFLECTION, energy_ev=-0.15, events=50).counts,
    ):
        counted, read = measure(plain), measure(reading)
        assert read.sum() == pytest.approx(counted.sum(), rel=1e-3)
        np.testing.assert_array_equal(counted, np.round(counted))
        assert np.mean(read > 1e-3) > 2.0 * np.mean(counted > 0)
    cube = (
        SHARP.cube(GRID, DEFLECTION, events=1e4),
        replace(SHARP, response=Response(adc=True)).cube(GRID, DEFLECTION, events=1e4),
    )
    sums = [made.counts.sum((0, 1)) for made in cube]
    np.testing.assert_allclose(sums[1], sums[0], rtol=1e-3)  # clouds do not reach from one exposure into the next


def test_a_polynomial_background_lies_under_cubes_and_maps_too():
    ground = Background(polynomial=0.3, coefficients=np.array([[[0.0, 0.0], [1.0, 0.0]]]))  # rises with y
    sample = replace(SHARP, background=ground)
    rest = sample.cube(GRID, DEFLECTION).background
    np.testing.assert_allclose(rest, np.broadcast_to(np.linspace(0, 0.3, 26)[:, None, None], rest.shape), atol=1e-6)
    rest = sample.map(SLIT, DEFLECTION, energy_ev=-0.15).background
    np.testing.assert_allclose(rest, np.broadcast_to(np.linspace(0, 0.3, 33)[:, None], rest.shape), atol=1e-6)


def test_a_maps_response_has_a_row_for_every_slit_angle_and_a_column_for_every_deflection():
    rows, columns = np.linspace(0.5, 1.0, 33), np.linspace(1.0, 0.2, 17)
    plate = np.ones((1, 33, 17))
    plate[0, 3, 4] = 0.0
    ground = Background(1000.0)  # even but for the response
    seen = Response(rows=rows, columns=columns, maps=plate, map_index=[0])
    made = replace(SHARP, background=ground, response=seen).map(SLIT, DEFLECTION, energy_ev=-0.15, events=2e7)
    expected = rows[:, None] * columns * plate[0]
    expected *= 2e7 / expected.sum()
    assert made.counts[3, 4] == 0
    np.testing.assert_allclose(made.counts, expected, atol=6.0 * np.sqrt(expected.max()))
    with pytest.raises(ValueError, match=r"rows must have shape \(1, 33\); found \(26,\)"):
        replace(SHARP, response=Response(rows=np.ones(26))).map(SLIT, DEFLECTION)


def test_a_cube_is_seen_through_one_gain_map_in_every_slice():
    plate = np.ones((1, 26, 33))
    plate[0, 5, 6] = 0.0
    made = replace(SHARP, background=Background(0.5), response=Response(maps=plate, map_index=[0]))
    counts = made.cube(GRID, DEFLECTION, events=1e6).counts
    assert counts[5, 6].sum() == 0
    assert counts[5, 7].min() > 0


def test_a_local_shirley_background_of_a_cube_keeps_the_angles():
    made = replace(SHARP, background=Background(shirley=0.2, shirley_local=True)).cube(GRID, DEFLECTION)
    columns = made.arpes.sum(0, dtype=np.float64)
    assert made.background.max() == pytest.approx(0.2, rel=0.05)
    assert np.corrcoef(made.background[0].ravel(), columns.ravel())[0, 1] > 0.999


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SHARP.map(SLIT, DEFLECTION, window_ev=np.nan), "window_ev must be a positive energy"),
        (lambda: SHARP.map(SLIT, DEFLECTION, energy_ev=np.inf), "energy_ev a finite one"),
        (lambda: SHARP.map(SLIT, [0.0, 1.0, 3.0]), "deflection_deg must rise in equal steps"),
        (lambda: SHARP.cube(GRID, [0.0]), "deflection_deg must be a list of at least two numbers"),
    ],
)
def test_what_cannot_be_scanned_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
