"""Whether the atoms of the cell are those that a CIF's formula states."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import periodictable
from scipy.constants import atomic_mass

from beamgym.physics.crystal.cif.block import Block, number
from beamgym.physics.crystal.cif.species import is_element

_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")
_RELATIVE = 0.04  # formulas of solid solutions are rounded
_ABSOLUTE = 0.11
_WHOLE = 0.03  # a cell's number of formula units, relative
_DENSITY = 0.03  # stated and computed density, relative

Verdict = Literal["agrees", "unknown", "differs"]


@dataclass(frozen=True)
class Stated:
    """What a CIF states of its content.

    Parameters
    ----------
    amounts : atoms of each element in the formula; empty where there is none that can be read
    units : formula units in the cell, None where not stated
    density_g_per_cm3 : None where not stated
    """

    amounts: Mapping[str, float]
    units: float | None = None
    density_g_per_cm3: float | None = None


def stated_content(block: Block) -> Stated:
    """Read the formula, the number of formula units and the density of a block."""
    units = number(block.text("_cell_formula_units_Z"))
    density = number(block.text("_exptl_crystal_density_diffrn", "_exptl_crystal_density_calc"))
    return Stated(
        _amounts(block.text("_chemical_formula_sum")),
        units if units is not None and units > 0.0 else None,
        density if density is not None and density > 0.0 else None,
    )


def compared(atoms: Mapping[str, float], volume_a3: float, stated: Stated) -> Verdict:
    """Hold the atoms of the cell against the formula.

    Parameters
    ----------
    atoms : atoms of each element in the cell
    volume_a3 : of the cell in Å³
    stated : by the file

    Returns
    -------
    "unknown" without a formula. Hydrogen may be missing, as it has no place in many files; a wrong number of formula
    units is forgiven where the stated density confirms the atoms.
    """
    if not stated.amounts:
        return "unknown"
    heavy, wanted = _without_hydrogen(atoms), _without_hydrogen(stated.amounts)
    if not heavy or not wanted:
        return "unknown"
    units = sum(heavy.values()) / sum(wanted.values())
    for element in heavy.keys() | wanted.keys():
        found, said = heavy.get(element, 0.0) / units, wanted.get(element, 0.0)
        if abs(found - said) > max(_RELATIVE * said, _ABSOLUTE):
            return "differs"
    return _units_agree(atoms, units, volume_a3, stated)


def _units_agree(atoms: Mapping[str, float], units: float, volume_a3: float, stated: Stated) -> Verdict:
    if stated.units is not None and (abs(units / stated.units - 1.0) <= _WHOLE or _of_the_cell(units, stated)):
        return "agrees"
    if stated.density_g_per_cm3 is not None:
        whole = {**atoms, "H": max(atoms.get("H", 0.0), stated.amounts.get("H", 0.0) * units)}
        ratio = density_g_per_cm3(whole, volume_a3) / stated.density_g_per_cm3
        if abs(ratio - 1.0) <= _DENSITY:
            return "agrees"
        return "differs" if stated.units is not None or abs(ratio - 1.0) > 0.2 else "unknown"
    return "unknown" if stated.units is None else "differs"


def _of_the_cell(units: float, stated: Stated) -> bool:
    """Whether the formula is that of the whole cell, as pymatgen writes it: each amount holds Z formula units."""
    whole = all(abs(amount / (stated.units or 1.0) % 1.0) < 1e-6 for amount in stated.amounts.values())
    return whole and abs(units - 1.0) <= _WHOLE


def density_g_per_cm3(atoms: Mapping[str, float], volume_a3: float) -> float:
    """Density of a cell in g/cm³ from its atoms by element."""
    mass = sum(amount * float(getattr(periodictable, element).mass) for element, amount in atoms.items())
    return float(mass * atomic_mass * 1e3 / (volume_a3 * 1e-24))


def formula_text(atoms: Mapping[str, float], units: float = 1.0) -> str:
    """Return a formula such as 'Fe4 P4 S12', elements in alphabetical order, amounts divided by ``units``."""
    return " ".join(f"{element}{atoms[element] / units:.4g}" for element in sorted(atoms))


def _without_hydrogen(amounts: Mapping[str, float]) -> dict[str, float]:
    return {element: amount for element, amount in amounts.items() if element not in ("H", "D", "T") and amount > 0.0}


def _amounts(text: str) -> dict[str, float]:
    """Elements of a formula such as 'C12 H22 O11'; empty where it is none."""
    plain = re.sub(r"[\s'\"]", "", text)
    found: dict[str, float] = {}
    at = 0
    for token in _TOKEN.finditer(plain):
        if token.start() != at or not is_element(token[1]):
            return {}
        found[token[1]] = found.get(token[1], 0.0) + (float(token[2]) if token[2] not in ("", ".") else 1.0)
        at = token.end()
    return found if at == len(plain) else {}
