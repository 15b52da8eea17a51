"""The rows of a CIF's atom list: element, place, occupancy and displacement of each, row by row."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.crystal.cif.block import Block, CifError, known, number, numbered, rounding
from beamgym.physics.crystal.cif.metric import metric_of
from beamgym.physics.crystal.cif.species import Kind, kinds_of

Float64Array = NDArray[np.float64]

OCCUPANCY_TOLERANCE = 1.05
"""A site fuller than 1 by rounding is scaled down; one fuller than this is refused."""

_PLACE = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_B_PER_U = 8.0 * np.pi**2
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


@dataclass(frozen=True)
class Row:
    """One row of the list, an atom of the asymmetric unit.

    Parameters
    ----------
    label : as the file names it
    kind : its element and charge
    place : (3,) fractional coordinates as written
    rounding : (3,) half a unit of each coordinate's last digit
    occupancy : 0 to 1
    b_iso : B in Å², None where the file gives none
    """

    label: str
    kind: Kind
    place: Float64Array
    rounding: Float64Array
    occupancy: float
    b_iso: float | None


def rows_of(block: Block, cell: Float64Array, formula: Collection[str], notes: list[str]) -> list[Row]:
    """Read the atom list.

    Parameters
    ----------
    block : of the CIF
    cell : (6,) a, b, c in Å and angles in degrees
    formula : elements of the file's formula, empty where it states none
    notes : what the user should know is added to it

    Raises
    ------
    CifError : no atom with a place, a coordinate or an occupancy that is no number, a label that says no element
    """
    labels, types = block.column("_atom_site_label"), block.column("_atom_site_type_symbol")
    flags, occupancies = block.column("_atom_site_calc_flag"), block.column("_atom_site_occupancy")
    charges = _oxidation(block)
    factors = _displacements(block, cell, notes)
    columns = [labels, types, flags, occupancies, *(block.column(tag) for tag in _PLACE)]
    kept: list[tuple[int, str, str, float, list[str]]] = []
    left_out: list[str] = []
    for index, (label, type_symbol, flag, occupancy, *place) in enumerate(numbered(columns)):
        name = label if known(label) else type_symbol
        share = _occupancy(name, occupancy)
        if flag.lower() == "dum" or share == 0.0:
            continue
        if all(known(text) for text in place):
            kept.append((index, label, type_symbol, share, place))
        else:
            left_out.append(name)
    kinds = kinds_of([(_or_empty(label), _or_empty(type_symbol)) for _, label, type_symbol, *_ in kept], formula)
    rows = [
        Row(
            label if known(label) else type_symbol,
            _charged(kind, type_symbol, charges),
            *_place(label, place),
            share,
            factors.get(index),
        )
        for (index, label, type_symbol, share, place), kind in zip(kept, kinds, strict=True)
    ]
    _tell(rows, left_out, notes)
    return rows


def _charged(kind: Kind, type_symbol: str, charges: dict[str, int]) -> Kind:
    """The element with the charge that the list of atom types gives it, where its own symbol says none."""
    if kind.charge is not None or type_symbol not in charges:
        return kind
    return Kind(kind.symbol, charges[type_symbol], kind.note)


def _tell(rows: list[Row], left_out: list[str], notes: list[str]) -> None:
    if not rows:
        missing = f"; {', '.join(left_out[:5])} have no place" if left_out else ""
        raise CifError(f"has no sites; it needs _atom_site_label and _atom_site_fract_x, _y, _z{missing}")
    if left_out:
        notes.append(f"{', '.join(left_out[:8])}{' …' if len(left_out) > 8 else ''} have no place and are left out")
    notes.extend(dict.fromkeys(row.kind.note for row in rows if row.kind.note))


def _or_empty(value: str) -> str:
    return value.strip() if known(value) else ""


def _place(name: str, texts: list[str]) -> tuple[Float64Array, Float64Array]:
    values = [number(text) for text in texts]
    for text, value in zip(texts, values, strict=True):
        if value is None or abs(value) > 100.0:
            raise CifError(f"site {name!r} has the coordinate {text!r}; give a fraction of the cell")
    return np.array(values, dtype=np.float64), np.array([rounding(text) for text in texts])


def _occupancy(name: str, text: str) -> float:
    """Occupancy of a row; '.' is the dictionary's default, 1, and '?' is taken for it."""
    if not known(text):
        return 1.0
    value = number(text)
    if value is None or not 0.0 <= value <= OCCUPANCY_TOLERANCE:
        raise CifError(f"site {name!r} has the occupancy {text!r}; give 0 to 1")
    return min(value, 1.0)


def _oxidation(block: Block) -> dict[str, int]:
    """Charges of the atom types that state one as a whole number."""
    rows = numbered([block.column("_atom_type_symbol"), block.column("_atom_type_oxidation_number")])
    found = {symbol: number(text) for symbol, text in rows}
    return {symbol: int(value) for symbol, value in found.items() if value is not None and value == int(value)}


def _displacements(block: Block, cell: Float64Array, notes: list[str]) -> dict[int, float]:
    """B in Å² by row of the atom list; what is isotropic or equivalent goes before what is anisotropic."""
    found = _anisotropic(block, cell, notes)
    for key, scale in (("_atom_site_U_iso_or_equiv", _B_PER_U), ("_atom_site_B_iso_or_equiv", 1.0)):
        for row, text in enumerate(block.column(key)):
            value = number(text)
            if value is not None and value >= 0.0:
                found[row] = scale * value
    return found


def _anisotropic(block: Block, cell: Float64Array, notes: list[str]) -> dict[int, float]:
    """B_eq by row: U_eq = Σ U_ij a*_i a*_j a_i·a_j / 3 (Fischer & Tillmanns, Acta Cryst. C44 (1988) 775)."""
    by_label: dict[str, list[float]] = defaultdict(list)
    labels = block.column("_atom_site_aniso_label")
    for letter, scale in (("U", _B_PER_U), ("B", 1.0)):
        columns = [block.column(f"_atom_site_aniso_{letter}_{i + 1}{j + 1}") for i, j in _PAIRS]
        for label, *texts in numbered([labels, *columns]) if any(columns) else ():
            values = [number(text) for text in texts]
            if all(value is not None for value in values):
                by_label[label].append(scale * _equivalent(np.array(values, dtype=np.float64), cell))
    return _by_row(block.column("_atom_site_label"), by_label, notes)


def _by_row(labels: list[str], by_label: dict[str, list[float]], notes: list[str]) -> dict[int, float]:
    """Match anisotropic rows to sites by label; where sites share one, in the order of the file if all have a row."""
    count, seen, found = Counter(labels), Counter[str](), {}
    unmatched = [label for label, values in by_label.items() if len(values) != count[label] and count[label] > 1]
    for row, label in enumerate(labels):
        values = by_label.get(label, [])
        if len(values) == count[label] and values[seen[label]] >= 0.0:
            found[row] = values[seen[label]]
        seen[label] += 1
    if unmatched:
        notes.append(
            f"sites share the label {', '.join(unmatched[:5])}, so that its anisotropic displacement is left out; "
            "give each site a label of its own"
        )
    return found


def _equivalent(values: Float64Array, cell: Float64Array) -> float:
    tensor = np.zeros((3, 3))
    for value, (i, j) in zip(values, _PAIRS, strict=True):
        tensor[i, j] = tensor[j, i] = value
    metric = metric_of(cell)
    star = np.sqrt(np.diag(np.linalg.inv(metric)))
    return float((tensor * np.outer(star, star) * metric).sum() / 3.0)
