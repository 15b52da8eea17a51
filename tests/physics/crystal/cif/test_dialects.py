"""Every named crystal in many dialects of CIF: read as gemmi reads it and as it is known, or refused in one line."""

import warnings

import gemmi
import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.crystal.cif import CifWarning, read_cif
from beamgym.physics.crystal.named import NAMED_CRYSTALS

NAMES = sorted(NAMED_CRYSTALS)


class Written:
    """A named crystal as what a CIF states: group, cell, sites."""

    def __init__(self, name):
        self.name = name
        crystal = NAMED_CRYSTALS[name]
        self.cell = crystal.cell
        self.group = gemmi.find_spacegroup_by_name(crystal.space_group, crystal.cell[3], crystal.cell[5])
        self.operations = self.group.operations()
        if not self.same_atoms_as_known(self.operations):
            others = [g for g in gemmi.spacegroup_table() if g.number == self.group.number]
            self.group = next(g for g in others if self.same_atoms_as_known(g.operations()))
            self.operations = self.group.operations()
        self.sites = [
            (f"{element}{i}", element, share, site.position, site.b_iso)
            for i, site in enumerate(crystal.sites, 1)
            for element, share in site.species.items()
        ]

    def same_atoms_as_known(self, operations):
        known = load_crystal(self.name).structure
        images = [
            np.array(op.apply_to_xyz(list(site.position)))
            for site in NAMED_CRYSTALS[self.name].sites
            for op in operations
        ]
        off = np.array(images)[:, None] - known.frac_coords[None]
        return bool((np.abs(off - np.rint(off)).max(axis=2).min(axis=1) < 1e-3).all())

    def text(self, symmetry="", rows=None, columns=None, head="data_written", number="{:.6f}", more=""):
        """A CIF; ``columns`` are tags and a function of a site."""
        columns = columns or {
            "_atom_site_label": lambda s: s[0],
            "_atom_site_type_symbol": lambda s: s[1],
            "_atom_site_fract_x": lambda s: number.format(s[3][0]),
            "_atom_site_fract_y": lambda s: number.format(s[3][1]),
            "_atom_site_fract_z": lambda s: number.format(s[3][2]),
            "_atom_site_occupancy": lambda s: f"{s[2]:g}",
            "_atom_site_B_iso_or_equiv": lambda s: f"{s[4]:g}",
        }
        names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
        lines = [head, *(f"_cell_{n} {v:g}" for n, v in zip(names, self.cell, strict=True)), symmetry, more, "loop_"]
        lines += list(columns)
        lines += [" ".join(write(site) for write in columns.values()) for site in (rows or self.sites)]
        return "\n".join(lines) + "\n"

    def listed(self, tag="_symmetry_equiv_pos_as_xyz"):
        return "\n".join(["loop_", tag, *(f"'{op.triplet()}'" for op in self.operations)])

    def formula(self):
        amounts = load_crystal(self.name).structure.composition.element_composition
        return " ".join(f"{element.symbol}{amount:g}" for element, amount in amounts.items())


def hall(w):
    return f"_symmetry_space_group_name_Hall '{w.group.hall}'"


def symbol(w):
    return f"_symmetry_space_group_name_H-M '{w.group.xhm()}'"


def as_p1(w):
    known = load_crystal(w.name).structure
    rows = [
        (f"{el.symbol}{i}", el.symbol, share, site.frac_coords, site.properties["b_iso"])
        for i, site in enumerate(known, 1)
        for el, share in site.species.items()
    ]
    return w.text("_symmetry_space_group_name_H-M 'P 1'\nloop_\n_symmetry_equiv_pos_as_xyz\nx,y,z", rows)


def labels_only(w):
    columns = {
        "_atom_site_label": lambda s: f"{s[0]}A",
        "_atom_site_fract_x": lambda s: f"{s[3][0]:.6f}",
        "_atom_site_fract_y": lambda s: f"{s[3][1]:.6f}",
        "_atom_site_fract_z": lambda s: f"{s[3][2]:.6f}",
        "_atom_site_occupancy": lambda s: f"{s[2]:g}",
        "_atom_site_B_iso_or_equiv": lambda s: f"{s[4]:g}",
    }
    return w.text(w.listed(), columns=columns, more=f"_chemical_formula_sum '{w.formula()}'")


def types_only(w):
    columns = {
        "_atom_site_type_symbol": lambda s: s[1],
        "_atom_site_fract_x": lambda s: f"{s[3][0]:.6f}",
        "_atom_site_fract_y": lambda s: f"{s[3][1]:.6f}",
        "_atom_site_fract_z": lambda s: f"{s[3][2]:.6f}",
        "_atom_site_occupancy": lambda s: f"{s[2]:g}",
        "_atom_site_U_iso_or_equiv": lambda s: f"{s[4] / (8 * np.pi**2):.8f}",
    }
    return w.text(w.listed("_space_group_symop_operation_xyz"), columns=columns)


def other_case(w):
    return (
        w.text(w.listed()).replace("_atom_site_", "_ATOM_Site_").replace("_cell_", "_Cell_").replace("loop_", "LOOP_")
    )


def dotted(w):
    text = w.text(w.listed("_space_group_symop.operation_xyz"))
    return text.replace("_atom_site_", "_atom_site.").replace("_cell_", "_cell.")


def same_label(w):
    columns = {
        "_atom_site_label": lambda s: s[1],
        "_atom_site_fract_x": lambda s: f"{s[3][0]:.6f}",
        "_atom_site_fract_y": lambda s: f"{s[3][1]:.6f}",
        "_atom_site_fract_z": lambda s: f"{s[3][2]:.6f}",
        "_atom_site_occupancy": lambda s: f"{s[2]:g}",
        "_atom_site_B_iso_or_equiv": lambda s: f"{s[4]:g}",
    }
    return w.text(w.listed(), columns=columns)


def no_symbol_blanks(w):
    return w.text(
        f"_space_group_name_H-M_alt '{w.group.xhm().replace(' ', '')}'\n_space_group_IT_number {w.group.number}"
    )


def symbol_and_formula(w):
    formula = f"_chemical_formula_sum '{w.formula()}'\n_cell_formula_units_Z 1"
    return w.text(f"_symmetry_space_group_name_H-M '{w.group.hm}'", more=formula)


def code(w):
    ext = w.group.ext.strip("\0") or w.group.qualifier
    said = f"_space_group_IT_coordinate_system_code '{ext}'\n" if ext else ""
    return w.text(f"{said}_space_group_name_H-M_alt '{w.group.hm}'\n_space_group_IT_number {w.group.number}")


DIALECTS = {
    "operations": lambda w: w.text(w.listed()),
    "modern operations": lambda w: w.text(w.listed("_space_group_symop_operation_xyz")),
    "operations without the identity": lambda w: w.text(w.listed().replace("'x,y,z'\n", "")),
    "operations in capitals with blanks": lambda w: w.text(
        w.listed().upper().replace(",", " , ").replace("LOOP_", "loop_")
    ),
    "Hall symbol": lambda w: w.text(hall(w)),
    "symbol with setting": lambda w: w.text(symbol(w)),
    "symbol without blanks": no_symbol_blanks,
    "symbol and code": code,
    "symbol and formula": lambda w: w.text(
        f"_symmetry_space_group_name_H-M '{w.group.hm}'",
        more=f"_chemical_formula_sum '{w.formula()}'\n_cell_formula_units_Z 1",
    ),
    "four digits": lambda w: w.text(w.listed(), number="{:.4f}"),
    "three digits": lambda w: w.text(w.listed(), number="{:.3f}"),
    "all atoms": as_p1,
    "labels only": labels_only,
    "types only": types_only,
    "case of tags": other_case,
    "dotted tags": dotted,
    "one label for all": same_label,
    "byte order mark": lambda w: "\ufeff" + w.text(w.listed()).replace("\n", "\r\n"),
}


def read(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CifWarning)
        return read_cif(path)


def atoms(structure):
    return [
        (species.symbol, share, site.frac_coords, site.properties["b_iso"])
        for site in structure
        for species, share in site.species.items()
    ]


def same(found, known, off):
    """Whether two lists of atoms are the same, fractional places to ``off``, in any order."""
    if len(found) != len(known):
        return False
    left = list(known)
    for symbol_, share, place, b_iso in found:
        for i, (symbol2, share2, place2, b2) in enumerate(left):
            apart = place - place2
            near = np.abs(apart - np.rint(apart)).max() <= off
            if near and symbol_ == symbol2 and abs(share - share2) < 1e-3 and abs((b_iso or 0.0) - b2) < 2e-3:
                del left[i]
                break
        else:
            return False
    return True


@pytest.fixture(scope="module")
def written():
    return {name: Written(name) for name in NAMES}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_named_crystal_is_read_in_every_dialect_or_refused_in_one_line(name, dialect, written, tmp_path):
    text = DIALECTS[dialect](written[name])
    known = load_crystal(name).structure
    off = {"four digits": 1.5e-4, "three digits": 1.5e-3}.get(dialect, 2e-5)
    found = read_or_refusal(tmp_path / "written.cif", text)
    if isinstance(found, str):
        assert "may be" in found, "refused without a doubt"
        assert "\n" not in found
        assert "symbol" in dialect or "label" in dialect
    else:
        assert same(atoms(found), atoms(known), off)


def read_or_refusal(path, text):
    try:
        return read(path, text)
    except ValueError as refusal:
        return str(refusal)


GROUPS = (3, 5, 9, 12, 14, 15, 19, 33, 36, 39, 41, 57, 62, 64, 68, 70, 86, 126, 141, 148, 155, 166, 167, 201, 222, 227)
SETTINGS = [group for group in gemmi.spacegroup_table() if group.number in GROUPS]

CELLS = {
    "triclinic": (16.1, 17.3, 18.7, 81.0, 95.0, 103.0),
    "orthorhombic": (16.1, 17.3, 18.7, 90.0, 90.0, 90.0),
    "tetragonal": (16.1, 16.1, 18.7, 90.0, 90.0, 90.0),
    "cubic": (16.1, 16.1, 16.1, 90.0, 90.0, 90.0),
}


def cell_of(group):
    system = group.crystal_system_str()
    if system == "monoclinic":
        unique = group.qualifier[0].strip("-")
        return (16.1, 17.3, 18.7, *(101.0 if axis == unique else 90.0 for axis in "abc"))
    if system == "trigonal":
        return (16.1, 16.1, 16.1, 71.0, 71.0, 71.0) if group.ext == "R" else (16.1, 16.1, 18.7, 90.0, 90.0, 120.0)
    return CELLS[system]


@pytest.mark.parametrize("group", SETTINGS, ids=lambda group: group.xhm().replace(" ", ""))
def test_every_setting_of_a_group_gives_the_atoms_that_gemmi_gives(group, tmp_path):
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    cell = "\n".join(f"_cell_{n} {v:g}" for n, v in zip(names, cell_of(group), strict=True))
    sites = "Fe1 Fe 0.1013 0.2647 0.4391\nO1 O 0 0 0"
    loop = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z"
    text = f"data_x\n{cell}\n_symmetry_space_group_name_H-M '{group.xhm()}'\n{loop}\n{sites}\n"
    small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text).sole_block())
    wanted = [(a.element.name, a.occ, np.array(a.fract.tolist()), 0.0) for a in small.get_all_unit_cell_sites()]
    found = atoms(read(tmp_path / "x.cif", text))
    assert same([(s, o, p, 0.0) for s, o, p, _ in found], wanted, 1e-4)
