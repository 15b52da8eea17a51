"""Random crystals: the same from the same numbers, of the system asked for, train and test apart."""

import itertools

import numpy as np
import pytest

from beamgym.physics.crystal import RandomCrystals
from beamgym.physics.crystal.random_crystals import MOST_ATOMS, SPACE_GROUPS
from beamgym.physics.crystal.table_cache import cache_folder

CLASSES = {
    "cubic": {"m-3", "m-3m"},
    "tetragonal": {"4/m", "4/mmm"},
    "hexagonal": {"6/m", "6/mmm"},
    "trigonal": {"-3", "-3m1", "-31m"},
    "orthorhombic": {"mmm"},
    "monoclinic": {"2/m"},
    "triclinic": {"-1"},
}


@pytest.mark.parametrize("system", SPACE_GROUPS)
def test_a_crystal_is_of_its_system_and_its_atoms_keep_apart(system):
    for crystal in itertools.islice(RandomCrystals(systems=(system,)), 2):
        assert crystal.laue_class in CLASSES[system]
        assert 1 <= len(crystal.structure) <= MOST_ATOMS
        assert len(crystal.structure.get_neighbor_list(1.9)[0]) == 0
        assert 8.9 < crystal.volume_a3 / len(crystal.structure) < 22.1


def test_a_number_names_the_same_crystal_everywhere_and_splits_and_seeds_differ():
    systems = ("triclinic", "monoclinic", "orthorhombic")
    cells = {}
    for split, seed in itertools.product(("train", "test"), (0, 1)):
        stream = RandomCrystals(split, seed, systems)
        cells[split, seed] = [crystal.cell for crystal in itertools.islice(stream, 4)]
        again = RandomCrystals(split, seed, systems)[3]
        np.testing.assert_array_equal(again.cell, cells[split, seed][3])
        assert again.name.endswith(f"{split}-{seed}-3)")
    every = np.array(list(itertools.chain(*cells.values())))
    assert len(np.unique(every.round(6), axis=0)) == 16


def test_tables_of_random_crystals_are_not_left_on_disk():
    folder = cache_folder() / "reflections"
    crystal = RandomCrystals(systems=("triclinic",))[0]
    before = set(folder.glob("*")) if folder.exists() else set()
    table = crystal.reflections(20.0)
    assert crystal.reflections(20.0) is table
    assert (set(folder.glob("*")) if folder.exists() else set()) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "validation"}, "choose 'train' or 'test'"),
        ({"seed": -1}, "give a whole number, 0 or more"),
        ({"systems": ("quasi",)}, "give some of cubic, tetragonal"),
        ({"systems": ()}, "give some of cubic, tetragonal"),
        ({"systems": "cubic"}, "give some of cubic, tetragonal"),
    ],
)
def test_what_is_no_stream_is_refused_in_one_line(options, words):
    with pytest.raises(ValueError, match=words):
        RandomCrystals(**options)
