"""Small CIFs that were read wrongly once, each for a kind of file; they lie beside the measured data."""

import os
import warnings
from pathlib import Path

import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.crystal.cif import CifWarning
from beamgym.physics.crystal.cif.structure_input import DebyeWallerWarning

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).parents[5] / "shared" / "data"))
CASES = DATA / "cases" / "cif"

EXPECTED = {
    "same_labels": ("mmm", {"Al": 1, "O": 2}, None),
    "origin_2": ("m-3m", {"C": 8}, "F d -3 m:2 are used"),
    "rhombohedral_axes": ("-3m1", {"Bi": 2, "Se": 3}, "R -3 m:R are used"),
    "short_symbol_P21n": ("2/m", {"Fe": 4, "S": 4}, "P 1 21/n 1 are used"),
    "short_symbol_C2m": ("2/m", {"Fe": 4, "P": 4, "S": 12}, "C 1 2/m 1 are used"),
    "setting_Bmab": ("mmm", {"La": 8, "Cu": 4, "O": 16}, "B m a b are used"),
    "old_symbol": ("m-3m", {"La": 1, "B": 6}, "P m -3 m are used"),
    "rounded_jarosite": ("-3m1", {"K": 3, "Fe": 9, "S": 6, "O": 42}, "R -3 m:H are used"),
    "rounded_partial": ("6/mmm", {"W": 2, "Se": 4, "Cu": 0.6}, None),
    "no_identity": ("mmm", {"Li": 4, "Si": 4}, "lacks x,y,z"),
    "case_of_tags": ("m-3m", {"Na": 4, "Cl": 4}, None),
    "occupancy_dot": ("mmm", {"Fe": 1, "O": 1, "C": 0.5}, None),
    "label_OH": ("mmm", {"K": 1, "O": 1}, "OH is taken for O"),
    "label_WAT": ("mmm", {"K": 1, "O": 1}, "WAT1 is taken for O"),
    "text_semicolon": ("mmm", {"Al": 1, "N": 1, "O": 1}, None),
    "first_site_unknown": ("mmm", {"Fe": 1, "O": 1}, "H1 have no place"),
    "bom": ("mmm", {"Fe": 1, "O": 1}, None),
    "two_blocks_one_name": ("mmm", {"Fe": 1}, "the first"),
    "supercell": ("m-3m", {"Fe": 4}, None),
}
"""Laue class, atoms in the cell, and what a note says; a group that was guessed is always named in one."""


def case(name):
    path = CASES / f"{name}.cif"
    if not path.exists():
        pytest.skip(f"the cases are not in {CASES}; set BEAMGYM_DATA")
    return path


@pytest.mark.parametrize("name", EXPECTED)
def test_a_case_is_read_rightly(name):
    laue_class, atoms, note = EXPECTED[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        crystal = load_crystal(case(name))
    notes = [str(w.message) for w in caught if issubclass(w.category, CifWarning)]
    assert crystal.laue_class == laue_class
    found = crystal.structure.composition.element_composition
    assert {element.symbol: round(amount, 3) for element, amount in found.items()} == atoms
    assert note is None or any(note in said for said in notes)


def test_displacements_go_by_the_row_not_by_the_label():
    sites = {tuple(s.frac_coords): s.properties["b_iso"] for s in load_crystal(case("same_labels")).structure}
    assert sites[0.0, 0.0, 0.0] == pytest.approx(0.3)
    assert sites[0.0, 0.0, 0.5] == pytest.approx(3.0)


def test_the_rotations_of_a_supercell_are_those_of_its_atoms():
    crystal = load_crystal(case("supercell"))
    assert len(crystal.rotations) == 24
    assert len(crystal.holohedry) == 24


def test_deuterium_is_no_hydrogen_for_neutrons():
    crystal = load_crystal(case("deuterium"), "neutron")
    assert crystal.atoms.elements == ("D", "O")
    hydrogen = load_crystal(case("deuterium"), "xray")
    assert hydrogen.atoms.elements == ("H", "O")
    assert crystal.absorption_per_mm(6.9) < 0.1  # hydrogen's incoherent 80 barn would make it 0.7


def test_operations_that_are_no_group_are_refused_by_name():
    with pytest.raises(ValueError, match="form no group: 'x,-y,-z' after") as caught:
        load_crystal(case("no_group"))
    assert "\n" not in str(caught.value)


def test_the_registry_of_cases_is_whole():
    if not CASES.exists():
        pytest.skip(f"the cases are not in {CASES}; set BEAMGYM_DATA")
    assert {path.stem for path in CASES.glob("*.cif")} == {*EXPECTED, "deuterium", "no_group"}


LOOP = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def cubic(a):
    lengths = "".join(f"_cell_length_{axis} {a}\n" for axis in "abc")
    return lengths + "".join(f"_cell_angle_{name} 90\n" for name in ("alpha", "beta", "gamma"))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("_chemical_formula_sum 'Na1 Cl1'\n_cell_formula_units_Z 8", "Cl4 Na4 in the cell, its formula says Cl8 Na8"),
        ("_chemical_formula_sum 'Na2 Cl1'", "its formula says Cl1 Na2"),
    ],
)
@pytest.mark.filterwarnings(f"ignore::{CifWarning.__module__}.CifWarning")
@pytest.mark.filterwarnings(f"ignore::{DebyeWallerWarning.__module__}.DebyeWallerWarning")
def test_atoms_that_are_not_those_of_the_formula_are_refused_with_both(more, says, tmp_path):
    cell = cubic(5.64)
    sites = f"{LOOP}Na 0 0 0\nCl 0.5 0.5 0.5\n"
    path = tmp_path / "salt.cif"
    path.write_text(f"data_salt\n{cell}_symmetry_space_group_name_H-M 'F m -3 m'\n{more}\n{sites}")
    with pytest.raises(ValueError, match=says):
        load_crystal(path)


@pytest.mark.filterwarnings(f"ignore::{DebyeWallerWarning.__module__}.DebyeWallerWarning")
@pytest.mark.parametrize(("z", "origin"), [(8, "1"), (16, "2")])
def test_an_origin_that_the_symbol_leaves_open_is_the_one_that_gives_the_formula(z, origin, tmp_path):
    cell = cubic(3.567)
    rows = f"{LOOP}C1 0 0 0\n"
    path = tmp_path / "diamond.cif"
    text = f"data_d\n{cell}_symmetry_space_group_name_H-M 'F d -3 m'\n"
    path.write_text(f"{text}_chemical_formula_sum C1\n_cell_formula_units_Z {z}\n{rows}")
    with pytest.warns(CifWarning, match=f"F d -3 m:{origin} are used"):
        assert len(load_crystal(path).structure) == z
    path.write_text(text + rows)
    with pytest.raises(ValueError, match="may be F d -3 m:1 or F d -3 m:2"):
        load_crystal(path)
