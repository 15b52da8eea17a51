"""Crystals: symmetry, cells and named structures against tables; CIF files and bad input."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from beamgym.physics.crystal.cif import CifWarning
from beamgym.physics.crystal.cif.structure_input import BeamgymWarning, DebyeWallerWarning
from beamgym.physics.crystal.crystal import Crystal, crystal_names, load_crystal, ub_matrix
from beamgym.physics.crystal.lattice_symmetry import ROTATIONS_OF_LAUE_CLASS, busing_levy_b
from beamgym.physics.crystal.named import NAMED_CRYSTALS
from beamgym.physics.crystal.reflections import reflection_table, structure_factors
from beamgym.physics.orientation import check_rotation, rotation_matrix

# Laue class; rotations of the lattice; density in g/cm3 (CRC Handbook, Handbook of Mineralogy, or the work cited);
# a line of the powder pattern: hkl and d in Å (ICDD PDF-2 or the work cited)
KNOWN = {
    "Si": ("m-3m", 24, 2.329, (1, 1, 1), 3.1356),
    "Ge": ("m-3m", 24, 5.323, (1, 1, 1), 3.266),
    "Cu": ("m-3m", 24, 8.94, (1, 1, 1), 2.087),
    "W": ("m-3m", 24, 19.25, (1, 1, 0), 2.238),
    "NaCl": ("m-3m", 24, 2.165, (2, 0, 0), 2.820),
    "MgO": ("m-3m", 24, 3.58, (2, 0, 0), 2.106),
    "SrTiO3": ("m-3m", 24, 5.12, (1, 1, 0), 2.761),
    "Al2O3": ("-3m1", 6, 3.98, (1, 0, 4), 2.551),
    "quartz": ("-3m1", 12, 2.648, (1, 0, 1), 3.343),
    "YBa2Cu3O7": ("mmm", 4, 6.37, (0, 0, 5), 2.335),
    "La2-xSrxCuO4": ("4/mmm", 8, 6.99, (1, 0, 3), 2.87),
    "Ca2RuO4": ("mmm", 4, 4.58, (0, 0, 2), 5.981),
    "Sr4Ru3O10": ("mmm", 4, 6.18, (0, 0, 8), 3.581),
    "YFe2Ge2": ("4/mmm", 8, 7.02, (0, 0, 2), 5.21),
    "FePS3": ("2/m", 2, 3.09, (0, 0, 1), 6.423),
    "FePSe3": ("-3", 6, 4.80, (0, 0, 3), 6.60),
    "KFe3(OH)6(SO4)2": ("-3m1", 6, 3.13, (0, 1, 2), 5.10),
    "Bi2Se3": ("-3m1", 6, 7.66, (0, 0, 6), 4.77),
    "WSe2": ("6/mmm", 12, 9.32, (0, 0, 2), 6.48),
    "MoO3": ("mmm", 4, 4.70, (0, 2, 0), 6.93),
    "4H-SiC": ("6/mmm", 12, 3.23, (0, 0, 4), 2.513),
    "kyanite": ("-1", 1, 3.67, (2, 0, 0), 3.36),
    "Ca2Ru1-xMnxO4": ("mmm", 4, 4.50, (0, 0, 2), 5.981),
}

SYSTEM_OF_CLASS = {
    "-1": "triclinic",
    "2/m": "monoclinic",
    "mmm": "orthorhombic",
    "4/m": "tetragonal",
    "4/mmm": "tetragonal",
    "-3": "trigonal",
    "-3m1": "trigonal",
    "-31m": "trigonal",
    "6/m": "hexagonal",
    "6/mmm": "hexagonal",
    "m-3": "cubic",
    "m-3m": "cubic",
}

TRICLINIC = (5.0, 6.0, 7.0, 80.0, 95.0, 105.0)
MONOCLINIC = (5.0, 6.0, 7.0, 90.0, 105.0, 90.0)
ORTHORHOMBIC = (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)
TETRAGONAL = (7.0, 7.0, 9.0, 90.0, 90.0, 90.0)
HEXAGONAL = (9.0, 9.0, 10.0, 90.0, 90.0, 120.0)
CUBIC = (11.0, 11.0, 11.0, 90.0, 90.0, 90.0)

# one space group of every crystal class, in its Laue class, with the rotations of its lattice
SPACE_GROUPS = [
    ("P1", TRICLINIC, "-1", 1),
    ("P-1", TRICLINIC, "-1", 1),
    ("P2_1", MONOCLINIC, "2/m", 2),
    ("Cm", MONOCLINIC, "2/m", 2),
    ("P2_1/c", MONOCLINIC, "2/m", 2),
    ("P2_12_12_1", ORTHORHOMBIC, "mmm", 4),
    ("Pna2_1", ORTHORHOMBIC, "mmm", 4),
    ("Pnma", ORTHORHOMBIC, "mmm", 4),
    ("P4_1", TETRAGONAL, "4/m", 8),
    ("P-4", TETRAGONAL, "4/m", 8),
    ("P4/m", TETRAGONAL, "4/m", 8),
    ("P4_12_12", TETRAGONAL, "4/mmm", 8),
    ("P4mm", TETRAGONAL, "4/mmm", 8),
    ("P-42_1m", TETRAGONAL, "4/mmm", 8),
    ("P4/mmm", TETRAGONAL, "4/mmm", 8),
    ("P3_1", HEXAGONAL, "-3", 12),
    ("P-3", HEXAGONAL, "-3", 12),
    ("R-3", HEXAGONAL, "-3", 6),
    ("P3_121", HEXAGONAL, "-3m1", 12),
    ("P3m1", HEXAGONAL, "-3m1", 12),
    ("P-3m1", HEXAGONAL, "-3m1", 12),
    ("R3c", HEXAGONAL, "-3m1", 6),
    ("P3_112", HEXAGONAL, "-31m", 12),
    ("P31m", HEXAGONAL, "-31m", 12),
    ("P-31m", HEXAGONAL, "-31m", 12),
    ("P6_1", HEXAGONAL, "6/m", 12),
    ("P-6", HEXAGONAL, "6/m", 12),
    ("P6/m", HEXAGONAL, "6/m", 12),
    ("P6_122", HEXAGONAL, "6/mmm", 12),
    ("P6mm", HEXAGONAL, "6/mmm", 12),
    ("P-62m", HEXAGONAL, "6/mmm", 12),
    ("P6/mmm", HEXAGONAL, "6/mmm", 12),
    ("P2_13", CUBIC, "m-3", 24),
    ("Pa-3", CUBIC, "m-3", 24),
    ("P4_132", CUBIC, "m-3m", 24),
    ("P-43m", CUBIC, "m-3m", 24),
    ("Pm-3m", CUBIC, "m-3m", 24),
]


def in_space_group(symbol: str, cell: tuple[float, ...]) -> Crystal:
    """A crystal with two atoms in general positions, so that it has no more symmetry than its space group."""
    structure = Structure.from_spacegroup(
        symbol, Lattice.from_parameters(*cell), ["Fe", "O"], [[0.568, 0.682, 0.952], [0.776, 0.134, 0.284]]
    )
    return load_crystal(structure.add_site_property("b_iso", [0.5] * len(structure)))


def amplitudes(crystal: Crystal, max_energy_kev: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """(k, 3) q of one of each ± pair, crystal Cartesian, and (k,) its |F| without dispersion."""
    table = reflection_table(crystal.b_matrix, crystal.atoms, max_energy_kev)
    q = table.q_inv_a[table.ray] * table.order[:, None]
    return q, np.abs((table.f0 * table.partial).sum(axis=1))


def carried(crystal: Crystal, rotations: np.ndarray, q: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """Largest change of |F| (an absent one is 0) by each rotation, as a part of the largest |F|."""
    index = np.rint(q @ np.linalg.inv(crystal.b_matrix).T).astype(int)
    known = {tuple(i): a for i, a in zip(index.tolist(), amplitude, strict=True)}
    changes = []
    for rotation in rotations:
        turned = q @ rotation.T @ np.linalg.inv(crystal.b_matrix).T
        assert np.abs(turned - np.rint(turned)).max() < 0.02, "the rotation does not map the lattice onto itself"
        pairs = np.rint(turned).astype(int).tolist()
        found = [known.get(tuple(i), known.get(tuple(-j for j in i), 0.0)) for i in pairs]
        changes.append(np.abs(np.array(found) - amplitude).max() / amplitude.max())
    return np.array(changes)


def test_every_named_crystal_is_in_the_table_of_known_values():
    assert set(KNOWN) == set(crystal_names()), "add the new crystal's Laue class, density and a d-spacing to KNOWN"


def test_the_named_crystals_cover_all_seven_systems():
    assert {SYSTEM_OF_CLASS[laue_class] for laue_class, *_ in KNOWN.values()} == set(SYSTEM_OF_CLASS.values())


@pytest.mark.parametrize("name", KNOWN)
def test_a_named_crystal_has_its_known_class_density_and_spacing(name):
    laue_class, holohedry, density, hkl, spacing = KNOWN[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crystal = load_crystal(name)
    assert crystal.laue_class == laue_class
    assert (len(crystal.rotations), len(crystal.holohedry)) == (ROTATIONS_OF_LAUE_CLASS[laue_class], holohedry)
    assert crystal.density_g_per_cm3 == pytest.approx(density, rel=0.01)
    assert crystal.d_spacing_a(hkl) == pytest.approx(spacing, rel=0.003)
    assert NAMED_CRYSTALS[name].source


@pytest.mark.parametrize("name", KNOWN)
def test_no_two_atoms_of_a_named_crystal_are_closer_than_a_bond(name):
    structure = load_crystal(name).structure
    _, _, _, distance = structure.get_neighbor_list(3.2)
    hydrogen = any(site.species_string == "H" for site in structure)
    assert distance.min() > (0.9 if hydrogen else 1.4)
    # every atom has a neighbour: none was put where the structure has a hole
    assert len(set(structure.get_neighbor_list(3.2)[0])) == len(structure)


@pytest.mark.parametrize(
    ("name", "pair", "lengths"),
    [
        ("quartz", ("Si", "O"), (1.60, 1.62)),
        ("kyanite", ("Si", "O"), (1.61, 1.66)),
        ("KFe3(OH)6(SO4)2", ("S", "O"), (1.45, 1.50)),
        ("FePSe3", ("P", "Se"), (2.15, 2.25)),
        ("FePS3", ("P", "S"), (2.01, 2.06)),
        ("MoO3", ("Mo", "O"), (1.66, 2.36)),
        ("Ca2RuO4", ("Ru", "O"), (1.97, 2.03)),
        ("WSe2", ("W", "Se"), (2.50, 2.55)),
        ("4H-SiC", ("Si", "C"), (1.88, 1.90)),
        ("Al2O3", ("Al", "O"), (1.85, 1.98)),
    ],
)
def test_named_crystals_have_the_bond_lengths_of_their_chemistry(name, pair, lengths):
    structure = load_crystal(name).structure
    first, second, _, distance = structure.get_neighbor_list(lengths[1] + 0.15)
    symbols = [site.species.elements[0].symbol for site in structure]
    bonds = [d for i, j, d in zip(first, second, distance, strict=True) if (symbols[i], symbols[j]) == pair]
    assert lengths[0] <= min(bonds) <= max(bonds) <= lengths[1]


@pytest.mark.parametrize(("symbol", "cell", "laue_class", "holohedry"), SPACE_GROUPS)
def test_every_crystal_class_gets_its_laue_class_and_rotations(symbol, cell, laue_class, holohedry):
    crystal = in_space_group(symbol, cell)
    assert crystal.laue_class == laue_class
    assert len(crystal.rotations) == ROTATIONS_OF_LAUE_CLASS[laue_class]
    assert len(crystal.holohedry) == holohedry


def test_the_space_groups_above_cover_every_laue_class():
    assert {laue_class for _, _, laue_class, _ in SPACE_GROUPS} == set(ROTATIONS_OF_LAUE_CLASS)


@pytest.mark.parametrize("name", KNOWN)
def test_the_rotations_form_a_group_inside_that_of_the_lattice(name):
    crystal = load_crystal(name)
    for group in (crystal.rotations, crystal.holohedry):
        check_rotation(group)
        np.testing.assert_allclose(group[0], np.eye(3), atol=1e-9)
        products = (group[:, None] @ group[None]).reshape(-1, 1, 3, 3)
        assert np.abs(products - group).max(axis=(2, 3)).min(axis=1).max() < 1e-6
    apart = np.abs(crystal.rotations[:, None] - crystal.holohedry).max(axis=(2, 3))
    assert apart.min(axis=1).max() < 1e-6


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "Sr4Ru3O10"])
def test_the_rotations_carry_every_reflection_to_one_of_equal_strength(name):
    crystal = load_crystal(name)
    assert carried(crystal, crystal.rotations, *amplitudes(crystal)).max() < 1e-3


@pytest.mark.parametrize("name", ["quartz", "FePSe3"])
def test_where_the_lattice_is_more_symmetric_its_other_rotations_keep_places_but_not_strengths(name):
    crystal = load_crystal(name)
    assert len(crystal.holohedry) == 2 * len(crystal.rotations)
    change = carried(crystal, crystal.holohedry, *amplitudes(crystal))
    assert (change < 1e-3).sum() == len(crystal.rotations)
    assert np.sort(change)[len(crystal.rotations)] > 0.05


def test_turning_quartz_by_60_degrees_about_c_keeps_every_spot():
    crystal = load_crystal("quartz")
    sixth = rotation_matrix(60.0 * crystal.direction([0, 0, 1]))
    assert np.abs(crystal.holohedry - sixth).max(axis=(1, 2)).min() < 1e-9
    assert np.abs(crystal.rotations - sixth).max(axis=(1, 2)).min() > 0.1


cells = st.tuples(*[st.floats(2.0, 20.0)] * 3, *[st.floats(40.0, 140.0)] * 3)
indices = st.tuples(*[st.integers(-9, 9)] * 3).filter(any)


def makes_a_cell(cell) -> bool:
    cosine = np.cos(np.radians(cell[3:]))
    return bool(1.0 - (cosine**2).sum() + 2.0 * cosine.prod() > 1e-3)


@settings(deadline=None)
@given(cells)
def test_b_is_the_reciprocal_lattice_with_a_star_along_x_and_b_star_in_xy(cell):
    assume(makes_a_cell(cell))
    b = busing_levy_b(cell)
    assert b[0, 0] > 0.0
    assert b[1, 1] > 0.0
    assert b[2, 2] > 0.0
    np.testing.assert_array_equal(b[[1, 2, 2], [0, 0, 1]], 0.0)
    lattice = Lattice.from_parameters(*cell)
    # the metric of the reciprocal lattice does not depend on how the cell lies
    star = lattice.reciprocal_lattice_crystallographic.matrix
    np.testing.assert_allclose(b.T @ b, star @ star.T, rtol=1e-6, atol=1e-9)


@settings(deadline=None)
@given(cells, indices, indices)
def test_a_direction_lies_in_a_plane_when_their_indices_say_so(cell, uvw, hkl):
    assume(makes_a_cell(cell))
    structure = Structure(Lattice.from_parameters(*cell), ["Fe"], [[0, 0, 0]], site_properties={"b_iso": [0.5]})
    b = busing_levy_b(cell)
    crystal = Crystal("any", structure, b, np.array(cell), "-1", np.eye(3)[None], np.eye(3)[None])
    length = np.linalg.norm(np.linalg.inv(b).T @ uvw)
    # Weiss zone law: the projection of [uvw] on the normal is (hu + kv + lw) d
    projection = crystal.direction(uvw) @ crystal.plane_normal(hkl)
    assert projection == pytest.approx(np.dot(uvw, hkl) * crystal.d_spacing_a(hkl) / length, abs=1e-9)


def test_directions_and_plane_normals_differ_in_an_oblique_cell():
    crystal = load_crystal("FePS3")
    between = np.degrees(np.arccos(crystal.direction([0, 0, 1]) @ crystal.plane_normal([0, 0, 1])))
    assert between == pytest.approx(17.16, abs=1e-6)


def test_ub_takes_hkl_to_the_lab_with_or_without_two_pi():
    crystal = load_crystal("kyanite")
    u = rotation_matrix([10.0, -20.0, 30.0])
    np.testing.assert_allclose(ub_matrix(u, crystal) @ [1, 2, 3], u @ crystal.b_matrix @ [1, 2, 3])
    np.testing.assert_allclose(ub_matrix(u, crystal, two_pi=True), 2.0 * np.pi * ub_matrix(u, crystal))
    with pytest.raises(ValueError, match="not a rotation"):
        ub_matrix(crystal.b_matrix, crystal)


@pytest.mark.parametrize(
    ("name", "radiation", "energy_kev", "per_mm"),
    [
        # NIST XCOM: mu/rho = 63.7 cm2/g (silicon, 8.05 keV), 33.9 (silicon, 10 keV), 65.7 (tungsten, 20 keV)
        ("Si", "xray", 8.048, 14.8),
        ("Si", "xray", 10.0, 7.90),
        ("W", "xray", 20.0, 127.0),
        # 3.78 barn absorbed and 0.55 barn scattered incoherently at 1.798 Å, 0.0847 atoms per Å3
        ("Cu", "neutron", 12.39842 / 1.798, 0.0367),
    ],
)
def test_attenuation_agrees_with_the_tables(name, radiation, energy_kev, per_mm):
    found = load_crystal(name, radiation).absorption_per_mm([energy_kev, energy_kev])
    np.testing.assert_allclose(found, per_mm, rtol=0.04)


def test_a_crystal_asked_for_other_radiation_is_made_anew():
    crystal = load_crystal("Si")
    assert load_crystal(crystal) is crystal
    assert load_crystal(crystal, "neutron").radiation == "neutron"


def test_a_structure_gives_the_same_crystal_as_its_name():
    named = load_crystal("quartz")
    given_structure = load_crystal(named.structure)
    one, other = (reflection_table(c.b_matrix, c.atoms, 8.0) for c in (named, given_structure))
    np.testing.assert_array_equal(structure_factors(one, 8.0), structure_factors(other, 8.0))
    assert given_structure.name == "SiO2"


def test_a_magnetic_moment_does_not_lower_the_symmetry():
    structure = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    structure.add_site_property("magmom", [2.2, -2.2])
    structure.add_site_property("b_iso", [0.35, 0.35])
    assert load_crystal(structure).laue_class == "m-3m"


CIF = """data_first
_cell_length_a 4.0
_cell_length_b 4.0
_cell_length_c 6.0
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_symmetry_equiv_pos_as_xyz
'x,y,z'
'-x,-y,z'
'-y,x,z'
'y,-x,z'
'-x,-y,-z'
'x,y,-z'
'y,-x,-z'
'-y,x,-z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{extra}
{rows}
"""
ROWS = "Sr1 Sr 0 0 0 1 {0}\nTi1 Ti 0.5 0.5 0.5 0.7 {1}\nZr1 Zr 0.5 0.5 0.5 0.3 {1}\nO1 O 0.5 0.5 0.2 1 {2}"


def write_cif(folder, rows: str, extra: str = "", after: str = "") -> str:
    path = folder / "crystal.cif"
    path.write_text(CIF.format(extra=extra, rows=rows) + after)
    return str(path)


def b_of(crystal: Crystal) -> dict[str, float]:
    return dict(zip(crystal.atoms.label, crystal.atoms.b_iso, strict=True))


def test_a_cif_gives_cell_sites_occupancies_and_b(tmp_path):
    path = write_cif(tmp_path, ROWS.format(0.4, "0.61(2)", 0.9), "_atom_site_B_iso_or_equiv")
    crystal = load_crystal(path)
    atoms = crystal.atoms
    assert len(atoms.label) == 5
    assert sorted(zip(atoms.label, atoms.occupancy, strict=True))[-1] == ("Zr", 0.3)
    assert b_of(crystal) == {"Sr": 0.4, "Ti": 0.61, "Zr": 0.61, "O": 0.9}
    np.testing.assert_allclose(crystal.cell, [4, 4, 6, 90, 90, 90])
    # without a two-fold axis across c in the operations the atoms still have one: the class is that of the atoms
    assert crystal.laue_class == "4/mmm"


def test_u_iso_becomes_b(tmp_path):
    path = write_cif(tmp_path, ROWS.format(0.005, 0.005, 0.01), "_atom_site_U_iso_or_equiv")
    assert b_of(load_crystal(path))["O"] == pytest.approx(8.0 * np.pi**2 * 0.01)


def test_anisotropic_factors_become_their_equivalent(tmp_path):
    loop = "loop_\n_atom_site_aniso_label\n" + "".join(f"_atom_site_aniso_U_{ij}\n" for ij in (11, 22, 33, 12, 13, 23))
    rows = "".join(f"{label} 0.010 0.010 0.040 0 0 0\n" for label in ("Sr1", "Ti1", "Zr1", "O1"))
    crystal = load_crystal(write_cif(tmp_path, ROWS.format("", "", ""), after=loop + rows))
    # orthogonal axes: U_eq is the mean of the three
    assert b_of(crystal)["Sr"] == pytest.approx(8.0 * np.pi**2 * 0.020)


def test_a_site_without_displacement_factor_gets_half_an_angstrom_squared_and_a_warning(tmp_path):
    path = write_cif(tmp_path, ROWS.format(0.4, ".", "?"), "_atom_site_B_iso_or_equiv")
    with pytest.warns(DebyeWallerWarning, match=r"no Debye-Waller factor for O, .*B = 0.5 Å² is used"):
        crystal = load_crystal(path)
    assert b_of(crystal) == {"Sr": 0.4, "Ti": 0.5, "Zr": 0.5, "O": 0.5}
    assert issubclass(DebyeWallerWarning, BeamgymWarning)
    assert issubclass(BeamgymWarning, UserWarning)


def test_a_cif_without_symmetry_is_read_with_a_warning(tmp_path):
    text = CIF.format(extra="_atom_site_B_iso_or_equiv", rows=ROWS.format(0.4, 0.5, 0.6))
    head, tail = text.split("loop_\n_symmetry")
    path = tmp_path / "plain.cif"
    path.write_text(head + "loop_\n_atom_site_label" + tail.split("loop_\n_atom_site_label")[1])
    with pytest.warns(CifWarning, match="P1"):
        assert len(load_crystal(path).atoms.label) == 4


def test_the_first_block_with_atoms_is_read(tmp_path):
    path = tmp_path / "two.cif"
    second = CIF.format(extra="_atom_site_B_iso_or_equiv", rows=ROWS.format(0.4, 0.5, 0.6)).replace(
        "data_first", "data_b"
    )
    path.write_text("data_a\n_journal_year 1999\n" + second)
    assert load_crystal(str(path)).atoms.elements == ("O", "Sr", "Ti", "Zr")


def test_a_cif_written_from_a_named_crystal_gives_the_same_amplitudes(tmp_path):
    named = load_crystal("kyanite")
    path = tmp_path / "kyanite.cif"
    named.structure.to(filename=str(path))
    with pytest.warns(DebyeWallerWarning):
        crystal = load_crystal(path)
    b_matrix, atoms = crystal.b_matrix, crystal.atoms
    np.testing.assert_allclose(b_matrix, named.b_matrix, atol=1e-8)
    assert sorted(atoms.label) == sorted(named.atoms.label)


def test_two_entries_at_one_place_are_one_site():
    structure = Structure(
        Lattice.cubic(4.0), [{"Fe": 0.5}, {"Co": 0.5}], [[0, 0, 0], [0, 0, 0]], site_properties={"b_iso": [0.5, 0.5]}
    )
    crystal = load_crystal(structure)
    assert len(crystal.structure) == 1
    assert dict(zip(crystal.atoms.label, crystal.atoms.occupancy, strict=True)) == {"Fe": 0.5, "Co": 0.5}


def test_a_split_site_may_be_closer_than_atoms():
    structure = Structure(Lattice.cubic(4.0), [{"O": 0.5}] * 2, [[0, 0, 0.05], [0, 0, -0.05]])
    structure.add_site_property("b_iso", [0.5, 0.5])
    assert load_crystal(structure).laue_class == "4/mmm"


def structure_with(b_iso=0.5, **changes) -> Structure:
    values = {"lattice": Lattice.cubic(4.0), "species": ["Fe"], "coords": [[0, 0, 0]], **changes}
    return Structure(**values, site_properties={"b_iso": [b_iso] * len(values["species"])})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("silicn", "did you mean 'Si'"),
        ("Bi2Se4", "did you mean 'Bi2Se3'"),
        ("Sapphir", "did you mean 'Al2O3'"),
        ("@@@@", "known are Si, Ge"),
        ("nowhere.cif", "no CIF file"),
        ("some/where", "no CIF file"),
        (structure_with(species=[], coords=[]), "no sites"),
        (
            structure_with(species=["Fe", "Co"], coords=[[0, 0, 0], [0, 0, 0.1]]),
            "atoms overlap: sites 0 .Fe. and 1 .Co.",
        ),
        (structure_with(species=["Fe", "Co"], coords=[[0, 0, 0], [0, 0, 0.999]]), "0.004 Å apart"),
        (structure_with(coords=[[0, 0, np.nan]]), "NaN"),
        (structure_with(lattice=Lattice.cubic(0.3)), "too small"),
        (structure_with(lattice=Lattice.from_parameters(4, 4, 4, 60, 60, 119.999)), "flat"),
        (structure_with(species=["X"]), "unknown element 'X'"),
        (structure_with(species=["Pu"]), "Z = 92"),
        (structure_with(b_iso=-1.0), "give 0 or more"),
        (structure_with(b_iso="much"), "give 0 or more"),
    ],
)
def test_a_crystal_that_cannot_be_is_refused_in_one_line(spec, says):
    with pytest.raises(ValueError, match=says) as caught:
        load_crystal(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no line data_NAME"),
        ("data_x\n_cell_length_a 4\n", "no sites"),
        ("this is not a CIF at all", "no line data_NAME"),
        (CIF.format(extra="", rows="").replace("_cell_length_a 4.0\n", ""), "_cell_length_a .missing."),
        (CIF.format(extra="", rows="Sr1 Sr 0 0 0 1").replace("_cell_length_a 4.0\n", ""), "_cell_length_a .missing."),
        (CIF.format(extra="", rows="Sr1 Sr 0 0 0 2.5"), "occupancy '2.5'; give 0 to 1"),
        (CIF.format(extra="", rows="Sr1 Sr 0 0 0 1\nTi1 Ti 0 0 0.02 1"), "atoms overlap"),
        (CIF.format(extra="", rows="Sr1 Sr zero 0 0 1"), "coordinate 'zero'"),
        ("data_x\nloop_\n_atom_site_label\n_atom_site_fract_x\nA", "does not parse|no sites"),
    ],
)
@pytest.mark.filterwarnings("ignore::beamgym.physics.crystal.cif.structure_input.BeamgymWarning")
def test_a_cif_that_cannot_be_read_is_refused_in_one_line(tmp_path, text, says):
    path = tmp_path / "bad.cif"
    path.write_text(text)
    with pytest.raises(ValueError, match=says) as caught:
        load_crystal(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", [None, 14, ["Si"], b"Si", {"Si": 1}])
def test_what_is_no_crystal_at_all_is_a_type_error(spec):
    with pytest.raises(TypeError, match="name, the path of a CIF file or a pymatgen Structure"):
        load_crystal(spec)


def test_unknown_radiation_is_refused():
    with pytest.raises(ValueError, match="'xray' or 'neutron'"):
        load_crystal("Si", "electron")


@pytest.mark.parametrize("energy", [0.0, -1.0, np.nan, np.inf, [8.0, 0.0]])
def test_an_energy_that_is_not_positive_is_refused(energy):
    crystal = load_crystal("W")
    with pytest.raises(ValueError, match="positive"):
        crystal.absorption_per_mm(energy)


@pytest.mark.parametrize("index", [[0, 0, 0], [1, 2], [np.nan, 0, 1], 3])
def test_a_direction_needs_three_indices_that_are_not_all_zero(index):
    crystal = load_crystal("W")
    for method in (crystal.direction, crystal.plane_normal):
        with pytest.raises(ValueError, match="give"):
            method(index)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=12).filter(lambda text: text.lower() not in "si ge cu w sic sto"))
def test_any_text_is_a_known_name_or_refused_in_one_line(text):
    known = {other.lower() for name, entry in NAMED_CRYSTALS.items() for other in (name, *entry.other_names)}
    assume(text.lower() not in known)
    with pytest.raises(ValueError, match=r"unknown crystal|no CIF file") as caught:
        load_crystal(text)
    assert "\n" not in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.lists(st.one_of(st.floats(), st.integers(-5, 200)), max_size=8),
        st.tuples(*[st.floats(0.0, exclude_min=True)] * 3, *[st.floats(10.0, 170.0)] * 3),
    )
)
@example([5e-324, 1.0, 1.0, 90.0, 90.0, 90.0])
@example([1.0, 1e308, 1e308, 90.0, 90.0, 90.0])
@example([1e6, 1e6, 1e6, 0.02, 0.02, 0.02])
@example([1e-3, 1e-3, 1e-3, 179.99, 90.0, 90.0])
def test_any_six_numbers_make_a_cell_or_are_refused(numbers):
    try:
        b = busing_levy_b(numbers)
    except ValueError as problem:
        assert "\n" not in str(problem)  # noqa: PT017  which of the two happens depends on the numbers
    else:
        assert np.isfinite(b).all()
        assert np.linalg.det(b) > 0.0


lengths = st.floats(0.1, 12.0)
angles = st.floats(10.0, 170.0)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(lengths, lengths, lengths, angles, angles, angles),
    st.lists(st.tuples(*[st.floats(-1.0, 1.0)] * 3), max_size=4),
    st.sampled_from(["Fe", "O", "X", "D", "Pu"]),
)
def test_any_structure_is_a_crystal_or_refused_in_one_line(cell, positions, element):
    assume(makes_a_cell(cell))
    structure = Structure(Lattice.from_parameters(*cell), [element] * len(positions), positions)
    structure.add_site_property("b_iso", [0.5] * len(positions))
    try:
        crystal = load_crystal(structure)
    except ValueError as problem:
        assert "\n" not in str(problem)  # noqa: PT017
    else:
        assert len(crystal.rotations) == ROTATIONS_OF_LAUE_CLASS[crystal.laue_class]
        assert len(crystal.holohedry) % len(crystal.rotations) == 0


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.integers(0, 2000), st.text(alphabet="'\n_ .?0-9aZ;#x,", max_size=6), st.integers(0, 40))
@pytest.mark.filterwarnings("ignore::beamgym.physics.crystal.cif.structure_input.BeamgymWarning")
def test_a_cif_with_anything_written_into_it_is_read_or_refused_in_one_line(tmp_path, place, text, cut):
    good = CIF.format(extra="_atom_site_B_iso_or_equiv", rows=ROWS.format(0.4, 0.5, 0.6))
    place %= len(good)
    path = tmp_path / "fuzzed.cif"
    path.write_text(good[:place] + text + good[place + cut :])
    try:
        crystal = load_crystal(path)
    except ValueError as problem:
        assert "\n" not in str(problem)  # noqa: PT017
    else:
        assert len(crystal.atoms.label) > 0
