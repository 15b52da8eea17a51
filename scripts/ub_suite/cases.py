"""Cases: a crystal in a random orientation, reflections of it as a search finds them, and what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

import numpy as np

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.crystal import Crystal, RandomCrystals, load_crystal
from beamgym.physics.diffractometer import (
    Candidates,
    Diffractometer,
    KnownCell,
    Observed,
    cell_of_crystal,
    diffractometer,
    lattice_of,
    nearly_symmetric,
    next_looks,
    observed_angles,
    positions_of,
    scattering_vectors,
    ub_candidates,
)
from beamgym.physics.orientation import misorientation_deg, nearest_rotation, rotation_matrix

SYSTEMS: dict[str, tuple[str, ...]] = {
    "cubic": ("Si", "NaCl", "SrTiO3", "W"),
    "tetragonal": ("La2-xSrxCuO4", "YFe2Ge2"),
    "hexagonal": ("WSe2", "4H-SiC"),
    "trigonal": ("Al2O3", "quartz", "FePSe3", "Bi2Se3"),
    "orthorhombic": ("Ca2RuO4", "MoO3", "YBa2Cu3O7"),
    "monoclinic": (),
    "triclinic": ("kyanite",),
}
"""The known crystals of each system; random ones, none of them nearly symmetric, make them up to six."""
NEARLY_SYMMETRIC = ("Sr4Ru3O10", "FePS3")
"""Crystals whose cell has, within the errors, a symmetry that they lack: positions cannot tell."""
CRYSTALS_EACH = 6
WAVELENGTH_A, ERROR_DEG, MOST_TWO_THETA_DEG = 1.5406, 0.1, 90.0
RIGHT_DEG = 1.0
"""An orientation is right that near the truth: no other candidate comes so close."""
INTENSITY_ERROR = 0.5  # of the log of an intensity
_NO_LINE_DEG = 3.0  # two reflections nearer to one line are no two
_OFF_PLANE_DEG = 10.0
_SEEN_WITHIN_DEG = 1.2
_MOST_LOOKS = 8


@dataclass(frozen=True)
class Answer:
    """What was made of one set of reflections.

    Parameters
    ----------
    right : the most probable candidate is the true orientation
    certain : an answer is claimed
    error_deg : of the most probable candidate
    looks : places looked at beyond those found at random
    probability : that the most probable candidate has; 0 where there is none
    """

    right: bool
    certain: bool
    error_deg: float
    looks: int = 0
    probability: float = 0.0


@dataclass(frozen=True)
class Case:
    """The answers to one case, by the name of what was observed."""

    system: str
    crystal: str
    answers: dict[str, Answer]


@cache
def crystals_of(system: str) -> tuple[Crystal, ...]:
    """Return the six crystals of a system, or those of "nearly symmetric"."""
    if system not in SYSTEMS:
        return tuple(load_crystal(name) for name in NEARLY_SYMMETRIC)
    named = [load_crystal(name) for name in SYSTEMS[system]]
    stream = RandomCrystals("test", seed=19, systems=(system,))
    drawn = (crystal for crystal in stream if not nearly_symmetric(cell_of_crystal(crystal)))
    return (*named, *islice(drawn, CRYSTALS_EACH - len(named)))


@cache
def _known(system: str, index: int) -> tuple[KnownCell, KnownCell]:
    known = cell_of_crystal(crystals_of(system)[index])
    return known, replace(known, strengths=False, kept={})


def run_case(system: str, number: int, seed: int) -> Case:
    """Draw a case and answer it, from all that is asked; depends on its arguments alone."""
    places = [*SYSTEMS, "nearly symmetric"]
    rng = np.random.default_rng([19, seed, places.index(system), number])
    index = number % len(crystals_of(system))
    known, present_only = _known(system, index)
    sample = _Sample(known, nearest_rotation(rotation_matrix(_uniform_vector(rng))), diffractometer("e4cv"), rng)
    chosen = sample.found(8)
    all_seen = sample.observe(chosen)
    asked = {
        "2": all_seen.rows(np.arange(2)),
        "3": all_seen.rows(np.arange(3)),
        "4": all_seen.rows(np.arange(4)),
        "3 off one plane": sample.observe(sample.found(3, off_plane=True)),
        "8, two spurious": sample.spoiled(all_seen),
    }
    answers = {name: sample.judge(ub_candidates(_without(seen), known)) for name, seen in asked.items()}
    answers["3, no strengths"] = sample.judge(ub_candidates(_without(asked["3"]), present_only))
    answers["4, no strengths"] = sample.judge(ub_candidates(_without(asked["4"]), present_only))
    answers["3, intensities"] = sample.judge(ub_candidates(asked["3"], known))
    answers["4, intensities"] = sample.judge(ub_candidates(asked["4"], known))
    for name, looked in sample.looked_where_told(_without(asked["2"])).items():
        answers[name] = looked
    return Case(system, crystals_of(system)[index].name, answers)


class _Sample:
    """A crystal on a diffractometer."""

    def __init__(self, known: KnownCell, u: Float64Array, instrument: Diffractometer, rng: np.random.Generator) -> None:
        self.known, self.u, self.instrument, self.rng = known, u, instrument, rng
        reach = 2.0 * np.sin(np.radians(0.5 * MOST_TWO_THETA_DEG)) / WAVELENGTH_A
        self.lattice = lattice_of(known, reach, WAVELENGTH_A)
        self.everywhere = lattice_of(known, 2.0 / WAVELENGTH_A, WAVELENGTH_A)
        inside = self.lattice.length <= reach
        self.hkl, self.chance = self.lattice.hkl[inside], self.lattice.chance[inside]

    def found(self, n: int, off_plane: bool = False) -> Int64Array:
        """Return n reflections (n, 3) as a search finds them, strong ones more often; no two along one line."""
        share = self.chance / self.chance.sum()
        for _ in range(10_000):
            index = self.rng.choice(len(self.hkl), n, replace=False, p=share)
            unit = self.hkl[index] @ self.known.b_matrix.T
            unit /= np.linalg.norm(unit, axis=1)[:, None]
            alike = np.abs(np.triu(unit @ unit.T, 1)).max() > np.cos(np.radians(_NO_LINE_DEG))
            if alike or (off_plane and not _leaves_plane(unit)):
                continue
            return np.asarray(self.hkl[index])
        raise ValueError(f"{self.known.name} has no {n} reflections in different directions")

    def observe(self, hkl: Int64Array) -> Observed:
        """Return them centred in the bisecting position, with errors of the angles and of the intensities."""
        q = hkl @ (self.u @ self.known.b_matrix).T
        exact = positions_of(self.instrument, q, WAVELENGTH_A).degrees
        intensity = np.exp(self.lattice.intensities(hkl) + INTENSITY_ERROR * self.rng.normal(size=len(hkl)))
        return self._centred(exact, intensity)

    def spoiled(self, seen: Observed) -> Observed:
        """Return the reflections with two replaced: by one of a second grain, and by one that is anywhere."""
        assert seen.positions is not None
        assert seen.intensity is not None
        other = nearest_rotation(rotation_matrix(_uniform_vector(self.rng)))
        grain = self.found(1) @ (other @ self.known.b_matrix).T
        length = self.lattice.length[len(self.hkl) - 1] * self.rng.uniform(0.02, 1.0) ** (1.0 / 3.0)
        anywhere = self.rng.normal(size=3)
        q = np.stack([grain[0], length * anywhere / np.linalg.norm(anywhere)])
        false = self._centred(positions_of(self.instrument, q, WAVELENGTH_A).degrees, np.ones(2))
        assert false.positions is not None
        places = self.rng.choice(len(seen), 2, replace=False)
        positions = seen.positions.copy()
        positions[places] = false.positions
        return observed_angles(self.instrument, positions, WAVELENGTH_A, ERROR_DEG, seen.intensity)

    def looked_where_told(self, seen: Observed) -> dict[str, Answer]:
        """Return the answers after a third and a fourth reflection, each found where it was proposed to look."""
        answers: dict[str, Answer] = {}
        empty: list[Float64Array] = []
        looks = 0
        for name in ("3 where told", "4 where told"):
            for _ in range(_MOST_LOOKS):
                told = next_looks(ub_candidates(seen, self.known, empty=empty), self.instrument, WAVELENGTH_A, 1)
                looks += 1
                there = self._there(told[0].positions) if told else None
                if there is not None:
                    seen = self._joined(seen, self.observe(there[None]))
                    break
                if told:
                    empty.append(scattering_vectors(self.instrument, told[0].positions, WAVELENGTH_A)[0][0])
            answers[name] = replace(self.judge(ub_candidates(seen, self.known, empty=empty)), looks=looks)
        return answers

    def _joined(self, seen: Observed, new: Observed) -> Observed:
        assert seen.positions is not None
        assert new.positions is not None
        both = np.concatenate([seen.positions, new.positions])
        return observed_angles(self.instrument, both, WAVELENGTH_A, ERROR_DEG)

    def judge(self, candidates: Candidates) -> Answer:
        """Compare the most probable candidate with the truth, modulo what the data cannot tell apart."""
        told = candidates.observed.intensity is not None
        rotations = self.known.rotations if told else self.known.lattice_rotations
        error = float(misorientation_deg(candidates.found[0].u, self.u, rotations)) if candidates.found else 180.0
        best = candidates.found[0].probability if candidates.found else 0.0
        return Answer(error <= RIGHT_DEG, candidates.decided is not None, error, probability=best)

    def _there(self, positions: Float64Array) -> Int64Array | None:
        """Return the reflection that is seen at positions, or None where nothing is."""
        q = scattering_vectors(self.instrument, positions[None], WAVELENGTH_A)[0][0]
        point = np.rint(np.linalg.solve(self.u @ self.known.b_matrix, q)).astype(np.int64)
        row = np.flatnonzero((self.everywhere.hkl == point).all(axis=1))
        away = np.linalg.norm(self.u @ self.known.b_matrix @ point - q) / np.linalg.norm(q)
        if not len(row) or np.degrees(away) > _SEEN_WITHIN_DEG or self.rng.random() > self.everywhere.chance[row[0]]:
            return None
        return point

    def _centred(self, exact: Float64Array, intensity: Float64Array) -> Observed:
        angles = exact + ERROR_DEG * self.rng.normal(size=exact.shape)
        return observed_angles(self.instrument, angles, WAVELENGTH_A, ERROR_DEG, intensity)


def _without(seen: Observed) -> Observed:
    return replace(seen, intensity=None)


def _leaves_plane(unit: Float64Array) -> bool:
    """Return whether the third vector stands off the plane of the first two."""
    normal = np.cross(unit[0], unit[1])
    return bool(abs(unit[2] @ normal) > np.sin(np.radians(_OFF_PLANE_DEG)) * np.linalg.norm(normal))


def _uniform_vector(rng: np.random.Generator) -> Float64Array:
    """Return the rotation vector, degrees, of a uniformly random rotation."""
    quaternion = rng.normal(size=4)
    quaternion /= np.linalg.norm(quaternion)
    angle = 2.0 * np.arctan2(np.linalg.norm(quaternion[1:]), quaternion[0])
    return np.asarray(np.degrees(angle) * quaternion[1:] / np.linalg.norm(quaternion[1:]))


def run_cases(work: Sequence[tuple[str, int, int]]) -> list[Case]:
    """Run several cases, given as (system, number, seed)."""
    return [run_case(*one) for one in work]
