"""A cleaved surface of flakes, each tilted and turned in its own way, under a layer that is thinner in places."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arpes.aligning.levels import AligningNumbers
from beamgym.physics.arpes.aligning.materials import LayeredCrystal
from beamgym.physics.arpes.aligning.surface_kernels import CELLS, HALF_MM, map_sites, under_beam
from beamgym.physics.arpes.bands_models import rotation_x, rotation_y, rotation_z
from beamgym.physics.arrays import Float64Array, Int64Array

BEST_SHARE = 0.25
"""A site is among the best of its flake where no more than this share of the flake's area is better."""
SIGMA_MM = 0.03
"""Standard deviation of the beam's cross-section; the footprint is longer by √2 along u."""
_WAVES, _SHORTEST_MM, _LONGEST_MM = 16, 0.7, 1.6


@dataclass(frozen=True, eq=False)
class FlakedSurface:
    """One surface.

    Parameters
    ----------
    seeds_mm : (f, 2) of the flakes: each site belongs to the nearest
    frames : (f, 3, 3) crystal frame of each flake in the sample's
    brightness : (f,) of each
    broadening : (f,) factor of its line width
    waves : (w, 3) of the contamination
    layer : mean free paths from the cleanest to the worst
    thresholds : (f,) score that a site among the best of a flake has
    """

    seeds_mm: Float64Array
    frames: Float64Array
    brightness: Float64Array
    broadening: Float64Array
    waves: Float64Array
    layer: float
    thresholds: Float64Array

    def under(self, u_mm: float, v_mm: float) -> tuple[Float64Array, Float64Array, int, float]:
        """Return shares (f + 1,) of flakes and holder, clean shares (f,), the middle flake, and the site's score."""
        count = len(self.seeds_mm)
        share, clean = np.empty(count + 1), np.empty(count)
        flake, score = under_beam(
            u_mm, v_mm, np.sqrt(2.0) * SIGMA_MM, SIGMA_MM, self.seeds_mm, self.waves, self.layer, share, clean
        )
        return share, clean, flake, score

    def site_map(self) -> tuple[Int64Array, Float64Array]:
        """Return flakes and scores (cells, cells) of a grid of sites over the sample, rows along v."""
        return _mapped(self.seeds_mm, self.waves, self.layer)

    def best_site(self, flake: int) -> Float64Array:
        """Return the best site (2,) of a flake on the map's grid, mm."""
        flakes, scores = self.site_map()
        row, column = np.unravel_index(int(np.argmax(np.where(flakes == flake, scores, -1.0))), scores.shape)
        grid = np.linspace(-HALF_MM, HALF_MM, CELLS)
        return np.array([grid[column], grid[row]])


def draw_surface(key: int, numbers: AligningNumbers, crystal: LayeredCrystal) -> FlakedSurface:
    """Draw a surface from a random key."""
    rng = np.random.default_rng([int(key), 1])
    count = int(rng.integers(numbers.fewest_flakes, numbers.most_flakes + 1))
    seeds = rng.uniform(-HALF_MM, HALF_MM, (count, 2))
    tilts = numbers.flake_deg * np.clip(rng.normal(size=(2, count)), -2.5, 2.5)
    twin = rng.random(count) < numbers.twin_fraction
    turn = rng.uniform(0.0, crystal.fold_deg) + 0.5 * crystal.fold_deg * twin
    turn = turn + numbers.flake_turn_deg * rng.normal(size=count)
    frames = rotation_x(tilts[0]) @ rotation_y(tilts[1]) @ rotation_z(turn)
    brightness, broadening = np.exp(0.15 * rng.normal(size=count)), np.exp(0.3 * rng.normal(size=count))
    number = 2.0 * np.pi / rng.uniform(_SHORTEST_MM, _LONGEST_MM, _WAVES)
    angle, phase = rng.uniform(0.0, 2.0 * np.pi, (2, _WAVES))
    waves = np.stack([number * np.cos(angle), number * np.sin(angle), phase], axis=1)
    flakes, scores = _mapped(seeds, waves, numbers.layer)
    thresholds = np.array(
        [np.quantile(scores[flakes == f], 1.0 - BEST_SHARE) if (flakes == f).any() else np.inf for f in range(count)]
    )
    return FlakedSurface(seeds, np.asarray(frames), brightness, broadening, waves, numbers.layer, thresholds)


def _mapped(seeds: Float64Array, waves: Float64Array, layer: float) -> tuple[Int64Array, Float64Array]:
    flakes, scores = np.empty((CELLS, CELLS), dtype=np.int64), np.empty((CELLS, CELLS))
    map_sites(np.sqrt(2.0) * SIGMA_MM, SIGMA_MM, seeds, waves, layer, flakes, scores)
    return flakes, scores
