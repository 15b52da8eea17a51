"""Reflection tables: against direct sums, gemmi, extinction rules, and the cache on disk."""

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal import table_cache
from beamgym.physics.crystal.atoms import Atoms, atoms_of
from beamgym.physics.crystal.crystal import Crystal, load_crystal
from beamgym.physics.crystal.reflections import ReflectionTable, reflection_table, structure_factors

ARRAYS = ("hkl", "q_inv_a", "first", "order", "f0", "partial", "energy_kev", "f_prime", "f_second")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BEAMGYM_CACHE", str(tmp_path))
    return tmp_path


def table_of(crystal: Crystal, max_energy_kev: float) -> ReflectionTable:
    return reflection_table(crystal.b_matrix, crystal.atoms, max_energy_kev, crystal.radiation)


def reflections_of(table: ReflectionTable) -> np.ndarray:
    """(k, 3) n·hkl of every harmonic."""
    return table.hkl[table.ray] * table.order[:, None]


def direct_sum(atoms: Atoms, element: str, hkl: np.ndarray, s: float) -> complex:
    total = 0.0 + 0.0j
    for label, x, occupancy, b_iso in zip(atoms.label, atoms.fractional, atoms.occupancy, atoms.b_iso, strict=True):
        if label == element:
            total += occupancy * np.exp(-b_iso * s * s) * np.exp(2j * np.pi * np.dot(hkl, x))
    return total


@pytest.mark.parametrize("name", ["quartz", "kyanite", "La2-xSrxCuO4", "4H-SiC"])
def test_partial_sums_equal_a_direct_sum_over_the_atoms(name):
    crystal = load_crystal(name)
    table, atoms = table_of(crystal, 12.0), crystal.atoms
    hkl, s = reflections_of(table), 0.5 * np.linalg.norm(table.q_inv_a[table.ray], axis=1) * table.order
    for row in range(0, table.order.size, table.order.size // 40):
        for e, element in enumerate(table.elements):
            assert table.partial[row, e] == pytest.approx(direct_sum(atoms, element, hkl[row], s[row]), abs=1e-10)


@pytest.mark.parametrize("name", ["quartz", "Ca2RuO4", "kyanite", "FePS3", "KFe3(OH)6(SO4)2"])
def test_neutron_structure_factors_equal_those_of_gemmi(name):
    crystal = load_crystal(name, "neutron")
    table = table_of(crystal, 10.0)
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*crystal.cell)
    small.spacegroup_hm = "P 1"
    small.setup_cell_images()
    for i, (label, x, b_iso) in enumerate(
        zip(crystal.atoms.label, crystal.atoms.fractional, crystal.atoms.b_iso, strict=True)
    ):
        site = gemmi.SmallStructure.Site()
        site.label, site.element, site.fract = f"{label}{i}", gemmi.Element(label), gemmi.Fractional(*x)
        site.u_iso = b_iso / (8.0 * np.pi**2)
        small.add_site(site)
    calculator = gemmi.StructureFactorCalculatorN(small.cell)
    found = structure_factors(table, 5.0)
    rows = range(0, table.order.size, table.order.size // 60)
    theirs = np.array(
        [calculator.calculate_sf_from_small_structure(small, reflections_of(table)[r].tolist()) for r in rows]
    )
    # the two programs' scattering lengths differ by up to 0.3 %
    np.testing.assert_allclose(found[list(rows)], theirs, atol=0.004 * np.abs(found).max())


RULES = {
    "Si": lambda h, k, el: (
        (h % 2 == k % 2 == el % 2) and not (h % 2 == 0 and (h + k + el) % 4 != 0)
    ),
    "W": lambda h, k, el: (h + k + el) % 2 == 0,
    "NaCl": lambda h, k, el: h % 2 == k % 2 == el % 2,
    "Bi2Se3": lambda h, k, el: (-h + k + el) % 3 == 0,
    "Al2O3": lambda h, k, el: (-h + k + el) % 3 == 0 and not (h + k == 0 and el % 2),
    "Ca2RuO4": lambda h, k, el: not (
        (h == 0 and k % 2) or (k == 0 and el % 2) or (el == 0 and h % 2)
    ),
    "FePS3": lambda h, k, el: (h + k) % 2 == 0,
    "quartz": lambda h, k, el: not (h == 0 and k == 0 and el % 3),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_absences_fall_out_of_the_structure_factor(name):
    # International Tables A: reflection conditions of the space group, and of silicon's special position 8a
    table = table_of(load_crystal(name), 9.0)
    hkl = reflections_of(table)
    assert all(RULES[name](*index) for index in hkl.tolist())


@pytest.mark.parametrize("name", ["Si", "W", "NaCl", "FePS3"])
def test_every_allowed_reflection_within_the_limit_is_there_once(name):
    crystal = load_crystal(name)
    energy = 8.0
    table = table_of(crystal, energy)
    span = np.arange(-14, 15)
    every = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    every = every[every.any(axis=1)]
    length = np.linalg.norm(every @ crystal.b_matrix.T, axis=1)
    assert np.abs(every[length <= 2 * energy / HC_KEV_A]).max() < 14
    wanted = {
        tuple(index)
        for index in every[length <= 2 * energy / HC_KEV_A].tolist()
        if RULES[name](*index)
    }  # fmt: skip
    found = reflections_of(table).tolist()
    both_senses = {tuple(index) for index in found} | {tuple(-i for i in index) for index in found}
    assert len(found) * 2 == len(both_senses)
    assert both_senses <= wanted
    # what a rule allows may still vanish or nearly so by the atoms' positions; in the three cubic ones nothing does
    assert both_senses == wanted or name == "FePS3"


def test_a_ray_is_a_primitive_direction_with_its_harmonics_in_order():
    table = table_of(load_crystal("Si"), 25.0)
    assert (np.gcd.reduce(table.hkl, axis=1) == 1).all()
    assert len({tuple(index) for index in table.hkl.tolist()}) == len(table.hkl)
    for ray in range(len(table.hkl)):
        order = table.order[table.first[ray] : table.first[ray + 1]]
        assert order.size > 0
        assert (np.diff(order) > 0).all()
    ray = int(np.flatnonzero((table.hkl == [1, 1, 1]).all(axis=1))[0])
    # 222, 666 and (10 10 10) vanish in diamond; (13 13 13) would need 25.7 keV
    assert table.order[table.first[ray] : table.first[ray + 1]].tolist() == [1, 3, 4, 5, 7, 8, 9, 11, 12]


def test_the_table_is_wide_enough_for_back_reflection():
    table = table_of(load_crystal("Si"), 25.0)
    s = 0.5 * np.linalg.norm(table.q_inv_a[table.ray], axis=1) * table.order
    assert 1.98 < s.max() <= 25.0 / HC_KEV_A


def test_silicon_111_has_the_textbook_structure_factor():
    # |F(111)| = 4·sqrt(2)·f at s = 0.1595 1/Å: 4·sqrt(2)·10.54·exp(-0.461·0.0254) = 58.9 without dispersion
    table = table_of(load_crystal("Si"), 25.0)
    row = int(table.first[np.flatnonzero((table.hkl == [1, 1, 1]).all(axis=1))[0]])
    assert abs(table.f0[row, 0] * table.partial[row, 0]) == pytest.approx(58.9, rel=0.005)


def test_friedel_pairs_differ_only_without_a_centre_and_with_absorption():
    for name, centred in (("Al2O3", True), ("Ca2RuO4", True), ("quartz", False), ("4H-SiC", False)):
        table = table_of(load_crystal(name), 10.0)
        plus = np.abs(structure_factors(table, 5.0))
        minus = np.abs(structure_factors(table, 5.0, friedel=True))
        difference = np.abs(plus - minus).max() / plus.max()
        assert difference < 1e-12 if centred else difference > 1e-4


def test_dispersion_is_read_at_each_harmonics_own_energy():
    table = table_of(load_crystal("Cu"), 20.0)
    mixed = np.where(np.arange(table.order.size) % 2, 8.9, 9.1)
    below, above = structure_factors(table, 8.9), structure_factors(table, 9.1)
    np.testing.assert_allclose(structure_factors(table, mixed), np.where(mixed < 9.0, below, above))


def test_a_warmer_crystal_scatters_less_by_its_debye_waller_factor():
    lattice = Lattice.cubic(4.0)
    cold, warm = (
        Structure(lattice, ["W"], [[0, 0, 0]], site_properties={"b_iso": [b_iso]}) for b_iso in (0.2, 1.2)
    )  # fmt: skip
    tables = [table_of(load_crystal(structure), 10.0) for structure in (cold, warm)]
    s = 0.5 * np.linalg.norm(tables[0].q_inv_a[tables[0].ray], axis=1) * tables[0].order
    np.testing.assert_allclose(np.abs(tables[1].partial / tables[0].partial)[:, 0], np.exp(-1.0 * s * s))


def test_a_half_occupied_site_scatters_half():
    lattice = Lattice.cubic(4.0)
    full = Structure(lattice, [{"W": 1.0}], [[0, 0, 0]], site_properties={"b_iso": [0.3]})
    half = Structure(lattice, [{"W": 0.5}], [[0, 0, 0]], site_properties={"b_iso": [0.3]})
    tables = [table_of(load_crystal(structure), 8.0) for structure in (full, half)]
    np.testing.assert_allclose(tables[1].partial, 0.5 * tables[0].partial)


def test_neutron_tables_have_no_fall_off_and_no_dispersion():
    table = table_of(load_crystal("Cu", "neutron"), 12.0)
    assert table.radiation == "neutron"
    np.testing.assert_allclose(table.f0, 7.718, rtol=1e-3)
    assert not table.f_prime.any()
    assert not table.f_second.any()


def test_an_energy_below_every_reflection_gives_an_empty_table():
    table = table_of(load_crystal("W"), 1.0)
    assert table.hkl.shape == (0, 3)
    assert table.first.tolist() == [0]
    assert structure_factors(table, 0.9).shape == (0,)


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.floats(), st.integers(), st.text(max_size=4), st.none()))
def test_an_energy_is_either_taken_or_refused_in_one_line(energy):
    crystal = load_crystal(Structure(Lattice.cubic(3.0), ["W"], [[0, 0, 0]], site_properties={"b_iso": [0.3]}))
    if isinstance(energy, int | float) and 0.1 <= energy <= 20.0:
        assert table_of(crystal, energy).energy_kev[-1] == energy
    elif not isinstance(energy, int | float) or not 0.1 <= energy <= 400.0:
        with pytest.raises((ValueError, TypeError), match="max_energy_kev") as caught:
            table_of(crystal, energy)
        assert "\n" not in str(caught.value)


def test_an_energy_that_asks_for_too_many_reflections_says_which_would_do():
    with pytest.raises(ValueError, match="use 242 keV or less"):
        load_crystal("Si").reflections(300.0)


def assert_equal(one: ReflectionTable, other: ReflectionTable) -> None:
    assert (one.elements, one.radiation) == (other.elements, other.radiation)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype


def files(folder) -> list:
    return sorted(folder.rglob("*.npz"))


def test_a_table_from_disk_equals_the_computed_one(own_cache, monkeypatch):
    crystal = load_crystal("quartz")
    made = crystal.reflections(10.0)
    assert len(files(own_cache)) == 1
    monkeypatch.setattr(table_cache, "reflection_table", None)  # any computation would now fail
    assert_equal(crystal.reflections(10), made)
    assert not list(own_cache.rglob(".*"))


@pytest.mark.parametrize("damage", [b"", b"not a zip file", None], ids=["empty", "text", "cut short"])
def test_a_damaged_cache_file_is_made_anew(own_cache, damage):
    crystal = load_crystal("Si")
    made = crystal.reflections(10.0)
    (file,) = files(own_cache)
    file.write_bytes(file.read_bytes()[:-500] if damage is None else damage)
    assert_equal(crystal.reflections(10.0), made)
    assert_equal(table_cache.load_table(file), made)


def test_a_flipped_bit_in_the_cache_is_noticed(own_cache):
    crystal = load_crystal("Si")
    made = crystal.reflections(10.0)
    (file,) = files(own_cache)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(bytes(content))
    assert_equal(crystal.reflections(10.0), made)


def test_the_cache_is_keyed_by_everything_the_table_depends_on(own_cache):
    base = Structure(Lattice.cubic(4.0), ["W"], [[0, 0, 0]], site_properties={"b_iso": [0.3]})
    warmer = base.copy(site_properties={"b_iso": [0.4]})
    longer = Structure(Lattice.cubic(4.1), ["W"], [[0, 0, 0]], site_properties={"b_iso": [0.3]})
    other = Structure(Lattice.cubic(4.0), ["Ta"], [[0, 0, 0]], site_properties={"b_iso": [0.3]})
    for structure in (base, warmer, longer, other):
        load_crystal(structure).reflections(5.0)
    load_crystal(base).reflections(5.5)
    load_crystal(base, "neutron").reflections(5.0)
    assert len(files(own_cache)) == 6
    load_crystal(base.copy()).reflections(5.0)
    assert len(files(own_cache)) == 6


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("BEAMGYM_CACHE", str(blocked))
    assert load_crystal("W").reflections(10.0).order.size > 0


def test_atoms_keep_species_charge_and_occupancy():
    structure = Structure(Lattice.cubic(4.0), [{"Fe3+": 0.6, "Mg2+": 0.4}, "O2-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    atoms = atoms_of(structure)
    assert dict(zip(atoms.label, atoms.occupancy, strict=True)) == {"Fe3+": 0.6, "Mg2+": 0.4, "O2-": 1.0}
    assert atoms_of(structure, "neutron").elements == ("Fe", "Mg", "O")
