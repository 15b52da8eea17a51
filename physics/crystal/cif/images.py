"""All atoms of the cell from those of the asymmetric unit, where rounded coordinates hide a special position."""

import gemmi
import numpy as np
from numpy.typing import NDArray

from beamgym.physics.crystal.cif.block import CifError
from beamgym.physics.crystal.cif.metric import lengths_a, metric_of
from beamgym.physics.crystal.cif.sites import Row

Float64Array = NDArray[np.float64]

MOST_ATOMS = 20_000
"""A cell of more atoms is refused: its table of reflections would take minutes and gigabytes."""

SAME_ATOM_A = 0.02
"""An image this near to its own atom is that atom, whatever the digits say, Å: no atom splits by less."""

_EXACT = 1e-6  # what remains of fractions such as 0.333333 in single precision


def rotations_and_shifts(operations: gemmi.GroupOps) -> tuple[Float64Array, Float64Array]:
    """Return the operations as matrices (m, 3, 3) and translations (m, 3) on fractional coordinates."""
    listed = list(operations)
    rotation = np.array([op.rot for op in listed], dtype=np.float64) / gemmi.Op.DEN
    return rotation, np.array([op.tran for op in listed], dtype=np.float64) / gemmi.Op.DEN


def images_of(row: Row, rotation: Float64Array, shift: Float64Array, cell: Float64Array) -> Float64Array:
    """Return every image of a row within the cell, each once.

    Parameters
    ----------
    row : an atom of the asymmetric unit
    rotation, shift : (m, 3, 3) and (m, 3) operations of the space group
    cell : (6,) a, b, c in Å and angles in degrees

    Returns
    -------
    (k, 3) fractional coordinates, 0 to 1; k divides m

    Notes
    -----
    With x known to ± h, an operation (R, t) maps an atom onto itself where R x + t − x lies within Σ |R − 1| h of a
    lattice vector. The atom is then put onto the exact place, the mean of its images under these operations.
    """
    place = _on_its_place(row, rotation, shift, cell)
    images = (rotation @ place + shift) % 1.0
    apart = lengths_a((images[:, None] - images[None]).reshape(-1, 3), metric_of(cell)).reshape(len(images), -1)
    first = (apart < SAME_ATOM_A).argmax(axis=1)
    kept: Float64Array = images[first == np.arange(len(images))]
    return kept


def _on_its_place(row: Row, rotation: Float64Array, shift: Float64Array, cell: Float64Array) -> Float64Array:
    off = rotation @ row.place + shift - row.place
    off -= np.rint(off)
    allowed = np.abs(rotation - np.eye(3)) @ row.rounding + _EXACT
    mine = (np.abs(off) <= allowed).all(axis=1) | (lengths_a(off, metric_of(cell)) < SAME_ATOM_A)
    place: Float64Array = row.place + off[mine].mean(axis=0)
    return place


def check_size(rows: list[Row], operations: int) -> None:
    """Refuse a cell with too many atoms. Raises CifError."""
    if len(rows) * operations > 4 * MOST_ATOMS:
        raise CifError(
            f"its cell may hold {len(rows) * operations} atoms ({len(rows)} rows, {operations} operations); "
            f"up to {MOST_ATOMS} are read"
        )
