"""A surface from a measured map: its clusters, layers and shifts are those that were put in; and a real one."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import minimum_filter

from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.arpes.surface.fields import RASTER_CELLS
from beamgym.physics.arpes.surface.measured import measured_surface
from beamgym.physics.counter_rng import make_keys

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).resolve().parents[5] / "shared" / "data"))
ENERGY = np.linspace(-2.0, 0.5, 60)
X, Y = np.linspace(0.0, 0.3, 31), np.linspace(0.0, 0.2, 21)


def peak(centre, width):
    return np.exp(-0.5 * ((ENERGY - centre) / width) ** 2) + 0.2


def made_map(layer=0.0, shift=0.0):
    """Return counts (y, x, e): a wide peak on the left two thirds, a narrow one elsewhere, dimmed and shifted."""
    left = X[None, :] < 0.2
    counts = np.where(left[..., None], peak(-1.2, 0.35), peak(-0.4, 0.1)) * np.ones((Y.size, 1, 1))
    counts[10:] *= np.exp(-layer)
    moved = np.where(left[..., None], peak(-1.2 + shift, 0.35), peak(-0.4 + shift, 0.1)) * np.ones((Y.size, 1, 1))
    counts[:, 25:] = moved[:, 25:] * np.exp(-layer * (np.arange(Y.size) >= 10))[:, None, None]
    return np.random.default_rng(0).poisson(2000.0 * counts)


class TestAMadeMap:
    def test_its_two_kinds_of_place_are_found_the_larger_first(self):
        found = measured_surface(made_map(), X, Y, ENERGY, clusters=2)
        assert (found.cluster[:, :19] == 0).all()
        assert (found.cluster[:, 22:] == 1).all()
        assert found.explained > 0.95
        assert ENERGY[np.argmax(found.spectra[0])] == pytest.approx(-1.2, abs=0.06)
        assert ENERGY[np.argmax(found.spectra[1])] == pytest.approx(-0.4, abs=0.06)

    def test_what_is_dimmer_has_the_layer_that_dims_it(self):
        found = measured_surface(made_map(layer=0.5), X, Y, ENERGY, clusters=2, smooth_px=0.5)
        middle = found.geography.layer[:, 30:70][found.geography.on_sample[:, 30:70]]
        assert np.percentile(middle, 90) == pytest.approx(0.5, abs=0.06)
        assert np.percentile(middle, 10) < 0.05

    def test_a_shifted_part_has_its_potential(self):
        found = measured_surface(made_map(shift=0.03), X, Y, ENERGY, clusters=2, smooth_px=0.5)
        middle = RASTER_CELLS // 2
        row = found.geography.potential_ev[middle]
        columns = ((np.arange(RASTER_CELLS) + 0.5) / RASTER_CELLS - 0.5) * X.size + 0.5 * (X.size - 1)
        right, left = row[columns > 26].mean(), row[(columns > 21) & (columns < 23.5)].mean()
        assert right - left == pytest.approx(0.03, rel=0.25)

    @pytest.mark.parametrize("clusters", [2, 3])
    def test_a_rim_where_two_kinds_mix_is_told_from_a_shift(self, clusters):
        """Columns 12 to 18 pass from one spectrum to the other; the upper half of the last ones is really shifted."""
        share = np.clip((np.arange(X.size) - 11.0) / 8.0, 0.0, 1.0)[None, :, None]
        moved = np.where((np.arange(Y.size) >= 10)[:, None, None], peak(-0.36, 0.1), peak(-0.4, 0.1))
        counts = (1.0 - share) * peak(-1.2, 0.35) + share * np.where(share < 1.0, peak(-0.4, 0.1), moved)
        noisy = np.random.default_rng(0).poisson(2000.0 * counts)
        found = measured_surface(noisy, X, Y, ENERGY, clusters=clusters, smooth_px=0.5)
        assert found.mixed[:, 13:18].mean() > 0.95
        assert found.mixed[:, 21:].mean() < 0.1
        assert found.clipped == 0.0
        column = ((np.arange(RASTER_CELLS) + 0.5) / RASTER_CELLS - 0.5) * X.size + 0.5 * (X.size - 1)
        row = ((np.arange(RASTER_CELLS) + 0.5) / RASTER_CELLS - 0.5) * X.size + 0.5 * (Y.size - 1)
        potential = found.geography.potential_ev
        assert np.abs(potential[:, (column > 12) & (column < 18)]).max() < 0.03
        right = potential[:, column > 22]
        apart = right[(row > 12) & (row < 19)].mean() - right[(row > 1) & (row < 8)].mean()
        assert apart == pytest.approx(0.04, rel=0.25)

    @pytest.mark.parametrize("clusters", [2, 4])
    def test_noise_alone_is_mixed_at_the_level_of_the_test(self, clusters):
        """Clusters that are found in noise are no kinds of site; half of all sites had been called mixtures of them."""
        counts = np.random.default_rng(1).poisson(300.0 * peak(-1.2, 0.35) * np.ones((30, 30, 1)))
        found = measured_surface(counts, np.arange(30.0), np.arange(30.0), ENERGY, clusters=clusters)
        assert found.mixed.mean() < 0.03

    def test_shares_below_a_tenth_are_no_mixture_and_the_unit_of_the_counts_does_not_matter(self):
        share = np.where(X < 0.1, 0.03, np.where(X < 0.15, 0.4, 1.0))[None, :, None]
        counts = np.random.default_rng(0).poisson(
            2000.0 * ((1.0 - share) * peak(-1.2, 0.35) + share * peak(-0.4, 0.1)) * np.ones((Y.size, 1, 1))
        )
        found = measured_surface(counts, X, Y, ENERGY, clusters=2, smooth_px=0.5)
        assert found.mixed[:, :9].mean() < 0.05
        assert found.mixed[:, 11:14].mean() > 0.95
        assert np.array_equal(
            measured_surface(7.3 * counts, X, Y, ENERGY, clusters=2, smooth_px=0.5).mixed, found.mixed
        )

    def test_shifts_beyond_what_a_surface_can_have_are_counted(self):
        right = np.where((X > 0.25)[:, None], peak(-0.9, 0.35), peak(-1.2, 0.35))
        counts = np.random.default_rng(0).poisson(2000.0 * right * np.ones((Y.size, 1, 1)))
        assert measured_surface(counts, X, Y, ENERGY, clusters=1).clipped == pytest.approx(5 / 31, abs=0.04)
        assert measured_surface(counts, X, Y, ENERGY, clusters=2).clipped == 0.0

    def test_sites_at_uneven_steps_keep_their_places(self):
        x = np.concatenate([np.linspace(0.0, 0.05, 25), [0.1, 0.15, 0.2, 0.25, 0.28, 0.3]])
        left = (x < 0.2)[None, :, None] * np.ones((Y.size, 1, 1))
        counts = np.random.default_rng(0).poisson(2000.0 * np.where(left, peak(-1.2, 0.35), peak(-0.4, 0.1)))
        flake = measured_surface(counts, x, Y, ENERGY, clusters=2, smooth_px=0.3).geography.flake
        assert (flake == 0).sum() / (flake >= 0).sum() == pytest.approx(0.175 / 0.3, abs=0.03)

    def test_masked_sites_are_beside_the_sample_and_no_neighbours(self):
        counts, mask = made_map(), np.zeros((Y.size, X.size), dtype=bool)
        mask[:, 5:8] = True
        rubbish = np.where(mask[..., None], 10**6, counts)
        found = measured_surface(
            np.ma.masked_array(rubbish, np.repeat(mask[..., None], 60, axis=2)), X, Y, ENERGY, clusters=2
        )
        assert np.array_equal(found.cluster == -1, mask)
        whole = measured_surface(counts, X, Y, ENERGY, clusters=2)
        assert np.array_equal(found.cluster[~mask], whole.cluster[~mask])

    def test_named_dimensions_are_taken_by_name(self):
        class Named:
            """As much of an xarray.DataArray as is read."""

            def __init__(self, dims, order):
                self.dims, self.values = dims, np.transpose(made_map(), order)

        plain = measured_surface(made_map(), X, Y, ENERGY, clusters=2).cluster
        turned = measured_surface(Named(("eV", "x", "y"), (2, 1, 0)), X, Y, ENERGY, clusters=2).cluster
        assert np.array_equal(turned, plain)
        with pytest.raises(ValueError, match="dimensions are a, b, c; name them y, x and eV"):
            measured_surface(Named(("a", "b", "c"), (0, 1, 2)), X, Y, ENERGY)

    def test_the_map_keeps_its_aspect_and_its_size(self):
        found = measured_surface(made_map(), X, Y, ENERGY, clusters=2, field_mm=None)
        assert found.geography.field_mm == pytest.approx(0.31)
        assert found.geography.on_sample.mean() == pytest.approx(Y.size / X.size, abs=0.02)

    def test_the_same_seed_gives_the_same_clusters(self):
        one, two = (measured_surface(made_map(), X, Y, ENERGY, clusters=4, seed=3).cluster for _ in range(2))
        assert np.array_equal(one, two)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"clusters": 13}, "clusters is 13; choose 1 to 12"),
            ({"holder_clusters": 2, "clusters": 2}, "at least one cluster must be sample"),
            ({"x_mm": X[::-1]}, r"x_mm must hold 31 rising numbers, but it falls: flip both, x_mm\[::-1\]"),
            ({"energy_ev": ENERGY[::-1]}, r"flip both, energy_ev\[::-1\] and intensity\[:, :, ::-1\]"),
            ({"x_mm": np.where(X > 0.2, 0.2, X)}, "neither rise nor fall"),
            ({"y_mm": np.append(Y[:-1], np.inf)}, "y_mm must hold finite numbers; found inf"),
            ({"x_mm": X[:-1]}, r"31 rising numbers to fit the map; found shape \(30,\)"),
            ({"intensity": made_map() - 900.0}, "none negative .the lowest is -"),
            ({"intensity": np.full((21, 31, 60), np.nan)}, "finite counts"),
            ({"intensity": np.zeros((21, 31, 60))}, "no counts at all"),
            ({"intensity": np.ones((21, 31))}, r"shape \(y, x, energy\)"),
        ],
    )
    def test_mistakes_are_told_in_one_line(self, change, message):
        given = {"intensity": made_map(), "x_mm": X, "y_mm": Y, "energy_ev": ENERGY, "clusters": 2} | change
        with pytest.raises(ValueError, match=message) as caught:
            measured_surface(**given)
        assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def flake():
    file = DATA / "arpes" / "nano_xps.npz"
    if not file.is_file():
        pytest.skip(f"the measured map is not at {file}; set BEAMGYM_DATA")
    with np.load(file) as store:
        return measured_surface(
            store["I"], store["x"], store["y"], store["eV"], clusters=4, field_mm=1.8, holder_clusters=1
        )


class TestTheMeasuredFlake:
    def test_its_core_levels_part_the_flake_from_the_substrate(self, flake):
        assert flake.explained > 0.85
        contrast = flake.spectra.max(axis=1) / np.median(flake.spectra, axis=1)
        assert contrast.min() < 1.5
        assert contrast.max() > 3.0
        assert 0.15 < (flake.cluster >= 0).mean() < 0.5

    def test_its_seams_are_mixtures_and_no_shift_is_cut_off(self, flake):
        """The rims are 1 to 3 places wide; read as shifts, a sixth of one cluster had been at the end of the range."""
        rim = (flake.cluster >= 0) & (minimum_filter((flake.cluster >= 0).astype(int), 3) == 0)
        assert flake.mixed[rim].mean() > flake.mixed[(flake.cluster == 1) & ~rim].mean() + 0.3
        assert flake.mixed[flake.cluster >= 2].mean() > 0.6
        assert flake.clipped < 0.02
        assert np.abs(flake.geography.potential_ev).max() < 0.1

    def test_it_can_be_searched(self, flake):
        world = SimulatedArpes(2, "real", geography=flake.geography)
        world.reset(make_keys(np.arange(2)), np.ones(2, np.bool_))
        drawn = world.score_map(0)
        assert drawn.best > 5.0
        assert np.isfinite(drawn.points).mean() == pytest.approx(flake.geography.on_sample.mean(), abs=0.03)
        assert not np.array_equal(drawn.points, world.score_map(1).points, equal_nan=True)
