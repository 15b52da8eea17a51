"""CIF files: the first structure in them, with its displacement factors."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifBlock, CifFile, CifParser, str2float

from beamgym.physics.crystal.atoms import B_ISO
from beamgym.physics.crystal.structure_input import BeamgymWarning
from beamgym.physics.messages import one_line

OCCUPANCY_TOLERANCE = 1.05
"""A site fuller than 1 by rounding is scaled down; one fuller than this is refused."""

_B_PER_U = 8.0 * np.pi**2
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
# what pymatgen says about every other file and no user need act on
_ROUTINE = ("rounded to ideal", "stoichiometry check", "Cannot determine", "used.", "Issues encountered")


class CifWarning(BeamgymWarning):
    """The CIF could be read, but something in it had to be guessed."""


def read_cif(path: str | os.PathLike[str]) -> Structure:
    """Read the first structure of a CIF file.

    Parameters
    ----------
    path : file, plain text

    Returns
    -------
    pymatgen structure in the file's own cell; the site property ``b_iso`` (Å²) comes from B_iso, U_iso or the
    anisotropic U or B, and is None where the file gives none

    Raises
    ------
    ValueError : when the file is not there, is not a CIF, or holds no sites
    """
    name = os.fspath(path)
    if not os.path.isfile(name):
        raise ValueError(f"no CIF file at {name!r}; check the path")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            block, structure = _first_structure(Path(name).read_text(encoding="utf-8", errors="replace"))
        except _NoSites:
            raise ValueError(
                f"CIF {name!r} has no sites; it needs _atom_site_label and _atom_site_fract_x, _y, _z"
            ) from None
        except Exception as problem:
            raise ValueError(f"CIF {name!r} does not parse: {_said(problem)}; check it or export it anew") from problem
    said = [_said(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
    for message in dict.fromkeys(said):
        if not any(routine in message for routine in _ROUTINE):
            warnings.warn(f"CIF {name!r}: {message}", CifWarning, stacklevel=3)
    factors = _displacements(block, structure.lattice)
    return structure.copy(site_properties={B_ISO: [factors.get(label) for label in structure.labels]})


class _NoSites(Exception):
    """A CIF whose blocks list no atoms."""


def _first_structure(text: str) -> tuple[CifBlock, Structure]:
    for name, block in CifFile.from_str(text).data.items():
        rows = block.data.get("_atom_site_fract_x")
        if rows is None or "_atom_site_label" not in block.data or _number(_listed(rows)[0]) is None:
            continue
        alone = f"data_{name}\n" + str(block).split("\n", 1)[1]
        parser = CifParser.from_str(alone, occupancy_tolerance=OCCUPANCY_TOLERANCE)
        return block, parser.parse_structures(primitive=False, on_error="raise")[0]
    raise _NoSites


def _said(problem: object) -> str:
    if isinstance(problem, ZeroDivisionError):
        return "a loop_ has names but no rows"
    return one_line(problem)


def _listed(value: Any) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def _number(text: str) -> float | None:
    """Value of a CIF number such as 0.0052(3), None for '.', '?' and what is no number."""
    if text in (".", "?"):
        return None
    try:
        value = float(str2float(text))
    except (TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None


def _displacements(block: CifBlock, lattice: Lattice) -> dict[str, float]:
    """B in Å² of each site label that has a displacement factor of any kind."""
    labels = _listed(block.data["_atom_site_label"])
    factors = _anisotropic(block, lattice)
    for key, scale in (("_atom_site_U_iso_or_equiv", _B_PER_U), ("_atom_site_B_iso_or_equiv", 1.0)):
        for label, text in zip(labels, _listed(block.data.get(key, [])), strict=False):
            value = _number(text)
            if value is not None and value >= 0.0:
                factors[label] = scale * value
    return factors


def _anisotropic(block: CifBlock, lattice: Lattice) -> dict[str, float]:
    """B_eq of labels with anisotropic factors: U_eq = Σ U_ij a*_i a*_j a_i·a_j / 3 (Fischer & Tillmanns 1988)."""
    labels = _listed(block.data.get("_atom_site_aniso_label", []))
    factors: dict[str, float] = {}
    for letter, scale in (("U", _B_PER_U), ("B", 1.0)):
        columns = [_listed(block.data.get(f"_atom_site_aniso_{letter}_{i + 1}{j + 1}", [])) for i, j in _PAIRS]
        for row, label in enumerate(labels):
            values = [_number(column[row]) if row < len(column) else None for column in columns]
            if None not in values:
                equivalent = scale * _equivalent(np.array(values, dtype=np.float64), lattice)
                if equivalent >= 0.0:
                    factors[label] = equivalent
    return factors


def _equivalent(values: NDArray[np.float64], lattice: Lattice) -> float:
    tensor = np.zeros((3, 3))
    for value, (i, j) in zip(values, _PAIRS, strict=True):
        tensor[i, j] = tensor[j, i] = value
    star = np.linalg.norm(np.linalg.inv(lattice.matrix), axis=0)
    metric = lattice.matrix @ lattice.matrix.T
    return float((tensor * np.outer(star, star) * metric).sum() / 3.0)
