"""CIF files: the first structure in them, or one line that says why it would be a guess."""

import os
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Species, Structure

from beamgym.physics.crystal.cif.block import Block, CifError, number, read_blocks
from beamgym.physics.crystal.cif.formula import Stated, compared, formula_text, stated_content
from beamgym.physics.crystal.cif.images import check_size, images_of, rotations_and_shifts
from beamgym.physics.crystal.cif.metric import metric_of
from beamgym.physics.crystal.cif.operations import listed_operations
from beamgym.physics.crystal.cif.sites import OCCUPANCY_TOLERANCE, Row, rows_of
from beamgym.physics.crystal.cif.structure_input import B_ISO, BeamgymWarning, check_structure
from beamgym.physics.crystal.cif.symbols import Setting, cell_fits, same_group, settings_of

Float64Array = NDArray[np.float64]

_CELL = tuple(
    f"_cell_{part}" for part in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
_PLACE = "_atom_site_fract_x"


class CifWarning(BeamgymWarning):
    """The CIF could be read, but something in it had to be guessed."""


@dataclass(frozen=True)
class _Reading:
    """A block's atoms under one choice of operations."""

    setting: Setting
    rows: list[Row]
    places: Float64Array
    row: NDArray[np.int64]

    def amounts(self) -> dict[str, float]:
        found: Counter[str] = Counter()
        for index in self.row:
            found[self.rows[index].kind.symbol] += self.rows[index].occupancy  # type: ignore[assignment]
        return dict(found)


def read_cif(path: str | os.PathLike[str]) -> Structure:
    """Read the first structure of a CIF file.

    Parameters
    ----------
    path : file, plain text

    Returns
    -------
    pymatgen structure in the file's own cell; the site property ``b_iso`` (Å²) comes from B_iso, U_iso or the
    anisotropic U or B of the same row, and is None where the file gives none

    Raises
    ------
    ValueError : when the file is not there, is not a CIF, holds no sites, or could be read in two ways

    Notes
    -----
    Operations come from the file's list, which must be a group; where it has none, from the space group's symbol with
    its setting. Where the setting is open (origin choice, axes), the one is taken under which the atoms are those of
    the stated formula; where that does not decide, the file is refused. A CifWarning says what was assumed.
    """
    name = os.fspath(path)
    if not os.path.isfile(name):
        raise ValueError(f"no CIF file at {name!r}; check the path")
    notes: list[str] = []
    try:
        structure = _structure(_first_with_atoms(read_blocks(Path(name), notes), notes), notes)
    except (CifError, OSError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise ValueError(f"CIF {name!r}: {said}") from None
    for note in dict.fromkeys(notes):
        warnings.warn(f"CIF {name!r}: {note}", CifWarning, stacklevel=3)
    return structure


def _first_with_atoms(blocks: list[Block], notes: list[str]) -> Block:
    held = [block for block in blocks if block.has(_PLACE)]
    if not held:
        cartesian = any(block.has("_atom_site_Cartn_x") for block in blocks)
        also = "; those in Cartesian coordinates are not read" if cartesian else ""
        raise CifError(f"has no sites; it needs _atom_site_label and _atom_site_fract_x, _y, _z{also}")
    if len(held) > 1:
        notes.append(f"it holds {len(held)} structures; the first, {held[0].name!r}, is read")
    return held[0]


def _structure(block: Block, notes: list[str]) -> Structure:
    cell = _cell(block, notes)
    stated = stated_content(block)
    rows = rows_of(block, cell, stated.amounts.keys(), notes)
    chosen = _chosen([_read_as(setting, rows, cell) for setting in _settings(block, cell, notes)], cell, stated, notes)
    return _built(chosen, cell)


def _cell(block: Block, notes: list[str]) -> Float64Array:
    values = []
    for tag in _CELL:
        value = number(block.text(tag))
        if value is None and "angle" in tag and not block.text(tag):
            notes.append(f"{tag} is not given; it is taken for 90 degrees, the dictionary's default")
            value = 90.0
        if value is None or not 0.0 < value < 1e4:
            raise CifError(f"has {tag} {block.text(tag) or 'missing'!r}; give a positive number")
        values.append(value)
    cell = np.array(values)
    if np.linalg.det(metric_of(cell)) <= 0.0:
        raise CifError(f"has cell angles {cell[3:].tolist()} that enclose no volume; mend them")
    return cell


def _settings(block: Block, cell: Float64Array, notes: list[str]) -> list[Setting]:
    """The operations listed, else what the symbols leave open, else none at all, which is said."""
    listed = listed_operations(block, notes)
    if listed is not None:
        if not cell_fits(listed, cell):
            numbers = ", ".join(f"{value:g}" for value in cell)
            raise CifError(f"its cell ({numbers}) has not the symmetry of the operations it lists; mend one of them")
        return [Setting("the operations listed", listed), *_fuller(block, cell, listed)]
    found = settings_of(block, cell)
    if not found:
        notes.append("neither operations nor a space group are given; P1 is taken")
        return [Setting("P 1", gemmi.symops_from_hall("P 1"))]
    if len(found) == 1:
        notes.append(f"no operations are listed; those of {found[0].name} are used")
    return found


def _fuller(block: Block, cell: Float64Array, listed: gemmi.GroupOps) -> list[Setting]:
    """The symbol's group where the list is a part of it: some files leave the centring to the symbol."""
    try:
        named = settings_of(block, cell)
    except CifError:
        return []
    if any(same_group(setting.operations, listed) for setting in named):
        return []
    mine = {op.triplet() for op in listed}
    return [setting for setting in named if len(mine) > 1 and mine < {op.wrap().triplet() for op in setting.operations}]


def _read_as(setting: Setting, rows: list[Row], cell: Float64Array) -> _Reading:
    rotation, shift = rotations_and_shifts(setting.operations)
    check_size(rows, len(rotation))
    images = [images_of(row, rotation, shift, cell) for row in rows]
    return _Reading(
        setting, rows, np.concatenate(images), np.repeat(np.arange(len(rows)), [len(found) for found in images])
    )


def _chosen(readings: list[_Reading], cell: Float64Array, stated: Stated, notes: list[str]) -> _Reading:
    """The one reading whose atoms are those of the formula; refused where none is, or more than one."""
    volume = float(np.sqrt(np.linalg.det(metric_of(cell))))
    verdicts = [compared(reading.amounts(), volume, stated) for reading in readings]
    if readings[0].setting.name == "the operations listed" and verdicts[0] != "differs":
        return readings[0]
    left = [reading for reading, verdict in zip(readings, verdicts, strict=True) if verdict != "differs"]
    sure = [reading for reading, verdict in zip(readings, verdicts, strict=True) if verdict == "agrees"]
    if not left:
        raise CifError(_disagreement(readings[0], stated))
    possible = _possible(sure or left, cell)
    if len(possible) > 1:
        names = " or ".join(reading.setting.name for reading in possible)
        raise CifError(f"lists no operations, and its space group may be {names}; add _space_group_symop_operation_xyz")
    if len(readings) > 1:
        notes.append(
            f"the operations of {possible[0].setting.name} are used, with which its atoms are those of its formula"
        )
    return possible[0]


def _disagreement(reading: _Reading, stated: Stated) -> str:
    units = stated.units or 1.0
    return (
        f"its atoms are {formula_text(reading.amounts())} in the cell, its formula says "
        f"{formula_text({element: amount * units for element, amount in stated.amounts.items()})}"
        f"{f' (Z = {units:g})' if stated.units else ''}; mend sites, operations or _chemical_formula_sum"
    )


def _possible(readings: list[_Reading], cell: Float64Array) -> list[_Reading]:
    """Readings whose atoms do not overlap, where some do and some do not."""
    if len(readings) == 1:
        return readings
    whole = [reading for reading in readings if _sound(reading, cell)]
    return whole or readings


def _sound(reading: _Reading, cell: Float64Array) -> bool:
    try:
        check_structure(_built(reading, cell))
    except ValueError:
        return False
    return True


def _built(reading: _Reading, cell: Float64Array) -> Structure:
    rows = [reading.rows[index] for index in reading.row]
    species = [{Species(row.kind.symbol, row.kind.charge): row.occupancy} for row in rows]
    structure = Structure(
        Lattice.from_parameters(*cell),
        species,
        reading.places,
        labels=[row.label for row in rows],
        site_properties={B_ISO: [row.b_iso for row in rows]},
    )
    return _scaled(structure)


def _scaled(structure: Structure) -> Structure:
    """Occupancies that share a place and sum to a little more than 1, by rounding, are scaled to 1."""
    groups: dict[tuple[float, ...], list[int]] = {}
    for index, place in enumerate(structure.frac_coords):
        groups.setdefault(tuple(np.round(place % 1.0, 4) % 1.0), []).append(index)
    for members in groups.values():
        total = sum(structure[index].species.num_atoms for index in members)
        if len(members) > 1 and 1.0 < total <= OCCUPANCY_TOLERANCE:
            for index in members:
                structure[index].species = structure[index].species / total
    return structure
