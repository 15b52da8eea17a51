"""What the indexer prepares once per crystal and band: ray directions, seed pairs, maps, expected intensities."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal import Crystal, ReflectionTable
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.matching import kernels
from beamgym.physics.orientation import misorientation_deg, nearest_rotation

UInt8Array = NDArray[np.uint8]

BRIGHTNESS_LEVELS = 254
"""Steps into which |q| is divided in the map of directions; one byte, less the mark for "nothing"."""
SEED_RAYS = 500
"""Rays (both signs counted) that orientations are made from: enough that two of the brightest peaks are among them."""

METRIC_TOLERANCE = 0.03
"""Relative change of lengths and angles up to which a lattice may be mistaken for its own image."""
KEPT_SHARE = 0.5
"""Share of the brightest rays that a rotation by thirds or sixths of lattice vectors must keep to be tried."""
COVERED_SHARE = 0.12
"""Largest share of all directions that the rays in play may lie within the tolerance of."""
VOTE_SHARE = 0.04
"""The same for the search, which must tell a crystal from its look-alikes by the brightest rays."""
SINE_BINS = 12
"""Steps of sin(theta) in which rays are ranked by brightness."""


@dataclass(frozen=True)
class IndexingTable:
    """Ray directions of one crystal in one band, arranged for looking up.

    Parameters
    ----------
    crystal : the crystal
    band_kev : lowest and highest photon energy
    beam : its spectrum sharpens what is made of intensities; None for a flat one
    """

    crystal: Crystal
    band_kev: tuple[float, float]
    beam: Beam | None = None
    _maps: dict[tuple[float, int], tuple[UInt8Array, int]] = field(default_factory=dict, repr=False)
    _sorted_q: dict[int, Float64Array] = field(default_factory=dict, repr=False)
    _brightness: dict[tuple[int, int], Float64Array] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        low, high = self.band_kev
        if not (np.isfinite(low) and np.isfinite(high) and 0.0 <= low < high):
            raise ValueError(f"band_kev must be (lowest, highest) with 0 <= lowest < highest, got ({low:g}, {high:g})")

    @cached_property
    def reflections(self) -> ReflectionTable:
        """The reflection table to the band's highest energy."""
        return self.crystal.reflections(max_energy_kev=self.band_kev[1])

    @cached_property
    def q_inv_a(self) -> Float64Array:
        """(m,) |q| of each primitive direction, 1/Å."""
        length: Float64Array = np.linalg.norm(self.reflections.q_inv_a, axis=1)
        return length

    @cached_property
    def lowest_q_inv_a(self) -> Float64Array:
        """(m,) |q| of each ray's lowest harmonic that is not absent, 1/Å."""
        lowest: Float64Array = self.q_inv_a * self.reflections.order[self.reflections.first[:-1]]
        return lowest

    @cached_property
    def rank(self) -> Int64Array:
        """(m,) place of each ray when the brightest stand first."""
        rank = np.empty(len(self.q_inv_a), dtype=np.int64)
        rank[np.argsort(-self.strength, kind="stable")] = np.arange(len(rank))
        return rank

    def ray_limit(self, tolerance_deg: float, covered: float = COVERED_SHARE) -> int:
        """How many rays, brightest first, a peak may be matched to within this tolerance.

        Rays of a large cell lie so dense that every direction is near one; bright peaks come from bright rays. The
        number is rounded to powers of two, so that few are ever prepared.
        """
        share = 1.0 - np.cos(np.radians(tolerance_deg))
        return min(len(self.q_inv_a), int(2 ** round(float(np.log2(covered / share)))))

    def _ascending_q(self, limit: int) -> Float64Array:
        if limit not in self._sorted_q:
            self._sorted_q[limit] = np.sort(self.lowest_q_inv_a[self.rank < limit])
        return self._sorted_q[limit]

    @cached_property
    def levels(self) -> UInt8Array:
        """(m,) uint8, ``lowest_q_inv_a`` in steps, rounded down so that no ray is lost."""
        step = 2.0 * self.band_kev[1] / HC_KEV_A / BRIGHTNESS_LEVELS
        levels: UInt8Array = np.minimum(np.floor(self.lowest_q_inv_a / step), BRIGHTNESS_LEVELS).astype(np.uint8)
        return levels

    def peak_limits(self, sines: Float64Array) -> UInt8Array:
        """Return the highest level a peak of this sin(theta) may match, (p,) uint8."""
        return np.minimum(np.floor(BRIGHTNESS_LEVELS * sines), BRIGHTNESS_LEVELS).astype(np.uint8)

    @cached_property
    def sorted_directions(self) -> tuple[Float64Array, Int64Array, Int64Array]:
        """Unit directions of both signs (2m, 3) ascending in z, their ray (2m,) and their sign (2m,)."""
        unit = self.reflections.q_inv_a / self.q_inv_a[:, None]
        both = np.concatenate([unit, -unit])
        rows = np.argsort(both[:, 2], kind="stable")
        rays = np.arange(len(unit))
        signs = np.repeat(np.array([1, -1]), len(unit))
        return np.ascontiguousarray(both[rows]), np.concatenate([rays, rays])[rows], signs[rows]

    @cached_property
    def heights(self) -> Float64Array:
        """(1, 2m) z of ``sorted_directions``, in one piece for the kernels' binary search."""
        return np.ascontiguousarray(self.sorted_directions[0][None, :, 2])

    def map(self, tolerance_deg: float) -> tuple[UInt8Array, int]:
        """Return the cube map of ray directions for this tolerance and its resolution."""
        return self.bright_map(tolerance_deg, self.ray_limit(tolerance_deg, VOTE_SHARE))

    def bright_map(self, tolerance_deg: float, rays: int) -> tuple[UInt8Array, int]:
        """Return the cube map of so many ray directions, brightest first, and its resolution."""
        if (tolerance_deg, rays) not in self._maps:
            tolerance_rad = np.radians(tolerance_deg)
            resolution = int(np.clip(round(5.0 / tolerance_rad), 128, 1024))
            bright = self.rank < rays
            unit = self.reflections.q_inv_a[bright] / self.q_inv_a[bright, None]
            cells = kernels.paint_map(unit, self.levels[bright], tolerance_rad, resolution)
            self._maps[tolerance_deg, rays] = (cells, resolution)
        return self._maps[tolerance_deg, rays]

    def chance(self, sines: Float64Array, tolerance_deg: float) -> Float64Array:
        """Probability that a peak of no ray's lies within the tolerance of one, (p,).

        The caps of the rays that the peak's sin(theta) allows, as a share of the sphere, overlaps counted once.
        """
        ascending = self._ascending_q(self.ray_limit(tolerance_deg))
        allowed = np.searchsorted(ascending, 2.0 * sines * self.band_kev[1] / HC_KEV_A)
        share = 1.0 - np.cos(np.radians(tolerance_deg))
        probability: Float64Array = 1.0 - np.exp(-allowed * share)
        return probability

    def brightness_share(self, ray: Int64Array, sines: Float64Array, tolerance_deg: float) -> Float64Array:
        """How few of the rays in play and visible at this sin(theta) are at least as bright, (p,) in (0, 1].

        For a peak that met its ray by chance the share is uniform; true matches pile up near 0.
        """
        limit = self.ray_limit(tolerance_deg)
        bins = np.minimum((sines * SINE_BINS).astype(np.int64), SINE_BINS - 1)
        share = np.ones(len(ray))
        for number in np.unique(bins):
            here = bins == number
            share[here] = self._shares(int(number), limit)[ray[here]]
        return share

    def _shares(self, sine_bin: int, limit: int) -> Float64Array:
        if (sine_bin, limit) not in self._brightness:
            rays = np.arange(len(self.q_inv_a))
            sines = np.full(len(rays), (sine_bin + 0.5) / SINE_BINS)
            intensity, _ = self.expected(rays, np.ones_like(rays), sines)
            intensity[self.rank >= limit] = 0.0
            visible = max(int((intensity > 0).sum()), 1)
            place = np.empty(len(rays))
            place[np.argsort(-intensity, kind="stable")] = rays + 1.0
            self._brightness[sine_bin, limit] = np.minimum(place / visible, 1.0)
        return self._brightness[sine_bin, limit]

    @cached_property
    def strength(self) -> Float64Array:
        """(m,) how bright a ray tends to be: the largest |F|²/q² of its harmonics, f′ and f″ left out."""
        table = self.reflections
        structure_factor = np.abs((table.f0 * table.partial).sum(axis=1))
        per_harmonic = (structure_factor / (table.order * np.repeat(self.q_inv_a, np.diff(table.first)))) ** 2
        strongest: Float64Array = np.maximum.reduceat(per_harmonic, table.first[:-1])
        return strongest

    @cached_property
    def seeds(self) -> tuple[Float64Array, UInt8Array, Int64Array, Float64Array, Int64Array]:
        """The strongest rays, one seed for each symmetry class of them, and all angles between the two.

        Returns
        -------
        rays (g, 3) of both signs, levels (g,), seeds (r,), cosines (r, g) ascending, order (r, g)
        """
        unit = self.reflections.q_inv_a / self.q_inv_a[:, None]
        chosen = np.argsort(-self.strength, kind="stable")[: SEED_RAYS // 2]
        rays = np.concatenate([unit[chosen], -unit[chosen]])
        levels = np.concatenate([self.levels[chosen], self.levels[chosen]])
        seeds = _one_of_each_class(rays, self.crystal.rotations)
        cosines = rays[seeds] @ rays.T
        order = np.argsort(cosines, axis=1, kind="stable")
        return rays, levels, seeds, np.take_along_axis(cosines, order, axis=1), order.astype(np.int64)

    @cached_property
    def look_alikes(self) -> Float64Array:
        """(c, 3, 3) rotations that keep the lattice's points, or many of them, but not the crystal.

        One of each coset of the Laue class: the holohedry, and pseudo-symmetry such as the quarter turn about c where a
        and b differ by little, or the half turn that maps every second layer of a triclinic cell onto itself.
        """
        near, halves = _near_symmetries(self.crystal.b_matrix)
        near = near[halves | (self._bright_share_kept(near) > KEPT_SHARE)]
        left = np.concatenate([np.eye(3)[None], self.crystal.holohedry, near])
        chosen = []
        while len(left):
            chosen.append(left[0])
            left = left[misorientation_deg(left, left[0], self.crystal.rotations) > 0.3]
        return np.array(chosen[1:]).reshape(-1, 3, 3)

    def _bright_share_kept(self, rotations: Float64Array) -> Float64Array:
        """(c,) share of the brightest rays that each rotation takes to within half a degree of a bright ray."""
        order = np.argsort(-self.strength, kind="stable")[:400]
        unit = self.reflections.q_inv_a[order] / self.q_inv_a[order, None]
        turned = unit[:100] @ rotations.transpose(0, 2, 1)
        near = (np.abs(turned @ unit.T) > np.cos(np.radians(0.5))).any(axis=2)
        share: Float64Array = near.mean(axis=1)
        return share

    def harmonics(self, ray: Int64Array, sines: Float64Array) -> tuple[Int64Array, Int64Array, Float64Array]:
        """Return the harmonics in the band of rays seen at sin(theta).

        Parameters
        ----------
        ray : (p,) rows of the reflection table
        sines : (p,) sin(theta)

        Returns
        -------
        peak (k,), row of the table's harmonics (k,), energy in keV (k,)
        """
        table = self.reflections
        counts = np.diff(table.first)[ray]
        peak = np.repeat(np.arange(len(ray)), counts)
        row = np.arange(len(peak)) - np.repeat(np.cumsum(counts) - counts, counts) + table.first[ray][peak]
        energy = table.order[row] * (0.5 * HC_KEV_A * self.q_inv_a[ray] / sines)[peak]
        inside = (energy >= self.band_kev[0]) & (energy <= self.band_kev[1])
        return peak[inside], row[inside], energy[inside]

    def expected(self, ray: Int64Array, sign: Int64Array, sines: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Relative kinematic intensity of rays seen at sin(theta), and their mean energy.

        Sum over harmonics of Φ(E) λ² |F|² / sin²θ per unit energy (Zachariasen 1945), the spectrum Φ flat where no beam
        is given; absorption left out.

        Parameters
        ----------
        ray, sign : (p,) row of the reflection table, and -1 where -hkl diffracts
        sines : (p,) sin(theta)

        Returns
        -------
        intensity (p,) and intensity-weighted energy (p,) in keV; both 0 where no harmonic lies in the band
        """
        table = self.reflections
        peak, row, energy = self.harmonics(ray, sines)
        dispersion = np.empty((len(row), len(table.elements)), dtype=np.complex128)
        for element in range(len(table.elements)):
            dispersion[:, element] = np.interp(energy, table.energy_kev, table.f_prime[element])
            dispersion[:, element] += 1j * np.interp(energy, table.energy_kev, table.f_second[element])
        partial = np.where((sign[peak] > 0)[:, None], table.partial[row], table.partial[row].conj())
        weight = np.abs(((table.f0[row] + dispersion) * partial).sum(axis=1)) ** 2 / energy**2
        if self.beam is not None:
            weight *= np.interp(energy, self.beam.energy_kev, self.beam.spectrum * self.beam.efficiency)
        total = np.bincount(peak, weights=weight, minlength=len(ray))
        mean = np.bincount(peak, weights=weight * energy, minlength=len(ray)) / np.where(total > 0, total, 1.0)
        return total / sines**2, mean


def _one_of_each_class(rays: Float64Array, rotations: Float64Array) -> Int64Array:
    """Return the first ray of every orbit under the rotations, (r,)."""
    taken = np.zeros(len(rays), dtype=bool)
    seeds = []
    for number in range(len(rays)):
        if not taken[number]:
            seeds.append(number)
            images = rotations @ rays[number]
            taken |= (rays @ images.T > 1.0 - 1e-9).any(axis=1)
    return np.array(seeds, dtype=np.int64)


def _near_symmetries(b_matrix: Float64Array) -> tuple[Float64Array, BoolArray]:
    """Rotations that take each reciprocal axis near a lattice vector or sixths of one.

    Fractions belong to sublattices, whose strong reflections may dominate a pattern: halves to every second layer,
    sixths to a third of a centred lattice, as for the turn by 120° about c* where c cos(beta) = -a/3 and b = √3 a.

    Returns
    -------
    rotations (c, 3, 3), and (c,) True where whole vectors and halves do
    """
    sixths = np.array(list(product(range(-9, 10), repeat=3)))
    vectors = sixths @ b_matrix.T / 6.0
    metric = b_matrix.T @ b_matrix
    size = np.sqrt(np.diag(metric))
    length = np.linalg.norm(vectors, axis=1)
    one, two, three = (np.flatnonzero(np.abs(length / edge - 1.0) < METRIC_TOLERANCE) for edge in size)

    def angle_kept(i: int, j: int, rows: Int64Array, columns: Int64Array) -> BoolArray:
        deviation = np.abs(vectors[rows] @ vectors[columns].T - metric[i, j])
        kept: BoolArray = deviation < 2.0 * METRIC_TOLERANCE * size[i] * size[j]
        return kept

    first, second = np.nonzero(angle_kept(0, 1, one, two))
    pair, third = np.nonzero(angle_kept(0, 2, one, three)[first] & angle_kept(1, 2, two, three)[second])
    images = sixths[np.stack([one[first[pair]], two[second[pair]], three[third]], axis=1)].transpose(0, 2, 1)
    matrices = b_matrix @ images @ np.linalg.inv(b_matrix) / 6.0
    strain = np.abs(matrices.transpose(0, 2, 1) @ matrices - np.eye(3)).max(axis=(1, 2))
    good = (strain < 2.0 * METRIC_TOLERANCE) & (np.linalg.det(matrices) > 0.0) & _few_points_lost(images)
    rotations = np.array([nearest_rotation(matrix) for matrix in matrices[good]]).reshape(-1, 3, 3)
    halves: BoolArray = ((images[good] % 3 == 0) & (np.abs(images[good]) <= 6)).all(axis=(1, 2))
    return rotations, halves


def _few_points_lost(images: Int64Array) -> BoolArray:
    """(c,) True where at least every eighth lattice point falls on another; matrices (c, 3, 3) in sixths."""
    points = np.array(list(product(range(6), repeat=3)))
    kept: BoolArray = ((images @ points.T) % 6 == 0).all(axis=1).mean(axis=1) > 0.12
    return kept
