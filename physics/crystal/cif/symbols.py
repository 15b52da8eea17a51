"""Space groups from symbols, each with its setting: which operations a file may mean that lists none."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import gemmi
import numpy as np

from beamgym.physics.crystal.cif.block import Block, CifError, known
from beamgym.physics.crystal.cif.metric import Float64Array, metric_of

HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
HERMANN_MAUGUIN = (
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_full",
    "_space_group_name_H-M_ref",
    "_symmetry_space_group_name_H-M_alt",
)
NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
CODE = ("_space_group_IT_coordinate_system_code",)

_ORIGINS = {"s": "1", "z": "2", "o1": "1", "o2": "2", "1": "1", "2": "2"}
_FINE = 0.003  # what rounded cells miss of their symmetry: relative lengths, and angles in radians
_COARSE = 0.02  # what measured cells miss that were not constrained to it
_DECORATION = re.compile(r"[()_]|\s*\(?no\.?\s*\d+\)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Setting:
    """One way to read a file's symbol.

    Parameters
    ----------
    name : the full symbol with its setting, as in messages
    operations : its group
    """

    name: str
    operations: gemmi.GroupOps


def settings_of(block: Block, cell: Float64Array) -> list[Setting]:
    """Return every setting that symbols and cell leave open: one where they are clear, none without a symbol.

    Parameters
    ----------
    block : of the CIF
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees

    Raises
    ------
    CifError : symbols that are unknown, contradict each other, or do not fit the cell
    """
    symbol, hall = block.text(*HERMANN_MAUGUIN), block.text(*HALL)
    stated, code = _stated_number(block), block.text(*CODE)
    groups = _by_symbol(symbol) if symbol else _by_number(stated)
    if symbol and not groups and not hall:
        raise CifError(
            f"its space group {symbol!r} is not known, and it lists no operations; add _space_group_symop_operation_xyz"
        )
    if stated and groups and all(group.number != stated for group in groups):
        raise CifError(
            f"its space group {symbol!r} is number {groups[0].number}, not {stated} as stated; mend one of them"
        )
    groups = [group for group in groups if _code_fits(group, code)] or groups
    if hall:
        return [_by_hall(hall, groups)]
    return _fitting(groups, cell, symbol or f"number {stated}")


def _stated_number(block: Block) -> int | None:
    text = block.text(*NUMBER)
    return int(text) if text.isdigit() and 1 <= int(text) <= 230 else None


def _by_number(stated: int | None) -> list[gemmi.SpaceGroup]:
    """Settings that a number alone may mean; for triclinic ones that is P, as only a symbol names another lattice."""
    found = [group for group in gemmi.spacegroup_table() if group.number == stated]
    return found[:1] if stated in (1, 2) else found


def _by_symbol(symbol: str) -> list[gemmi.SpaceGroup]:
    """Settings that a Hermann-Mauguin symbol may name: an origin or axes that it does not say stay open."""
    name, _, extension = symbol.partition(":")
    name, extension = " ".join(_DECORATION.sub("", name).split()), extension.strip().lower()
    if not extension:
        name, extension = _trailing_code(name)
    found = _named(name)
    extension = _ORIGINS.get(extension, extension)
    chosen = [group for group in found if extension and extension in (group.ext.lower(), group.qualifier.lower())]
    if extension and not chosen and any(group.ext.strip("\0") or group.qualifier for group in found):
        chosen = found
    return chosen or found


def _trailing_code(name: str) -> tuple[str, str]:
    """Split what old files write behind the symbol without a colon, as in 'F d -3 m S' or 'R -3 m H'."""
    head, _, last = name.rpartition(" ")
    if head and last.lower() in ("s", "z", "h", "r", "o1", "o2") and _named(head):
        return head, last.lower()
    if len(name) > 2 and name[-1] in "SZHR" and " " not in name and _named(name[:-1]):
        return name[:-1], name[-1].lower()
    return name, ""


def _named(name: str) -> list[gemmi.SpaceGroup]:
    """Return all settings whose symbol is this one, short or full, old or new, with or without blanks."""
    wanted = _squeezed(name)
    exact = [group for group in gemmi.spacegroup_table() if wanted in _spellings(group)]
    if exact:
        return exact
    first = gemmi.find_spacegroup_by_name(name)
    if first is None:
        return []
    return [group for group in gemmi.spacegroup_table() if group.hm == first.hm]


def _squeezed(name: str) -> str:
    return name.replace(" ", "").replace("_", "").lower()


def _spellings(group: gemmi.SpaceGroup) -> set[str]:
    """Full symbol, and the short one: monoclinic without its 1s, cubic as before 1992 without the bar of -3."""
    parts = group.hm.split()
    spellings = {_squeezed(group.hm), _squeezed(group.short_name())}
    if group.crystal_system_str() == "monoclinic":
        spellings.add(_squeezed(" ".join(part for part in parts if part != "1")))
    if group.crystal_system_str() == "cubic" and "-3" in parts[2:3]:
        spellings.add(_squeezed(" ".join([*parts[:2], "3", *parts[3:]])))
    return spellings


def _code_fits(group: gemmi.SpaceGroup, code: str) -> bool:
    wanted = _ORIGINS.get(code.lower(), code.lower())
    return bool(known(code)) and wanted in (group.ext.lower(), group.qualifier.lower())


def _by_hall(hall: str, groups: list[gemmi.SpaceGroup]) -> Setting:
    try:
        operations = gemmi.symops_from_hall(hall)
    except (ValueError, RuntimeError):
        raise CifError(f"its Hall symbol {hall!r} is none; mend it, or add the operations") from None
    if groups and not any(same_group(operations, group.operations()) for group in groups):
        raise CifError(
            f"its Hall symbol {hall!r} and its space group {groups[0].hm!r} are different groups; mend one of them"
        )
    return Setting(f"Hall symbol {hall}", operations)


def same_group(one: gemmi.GroupOps, other: gemmi.GroupOps) -> bool:
    """Whether two groups hold the same operations."""
    return triplets(one) == triplets(other)


def triplets(operations: Iterable[gemmi.Op]) -> frozenset[str]:
    """Return the operations as x,y,z triplets, translations within the cell."""
    return frozenset(op.wrap().triplet() for op in operations)


def _fitting(groups: list[gemmi.SpaceGroup], cell: Float64Array, said: str) -> list[Setting]:
    """The settings that the cell allows; a short monoclinic symbol means the axis b where the cell does not say."""
    for allowed in (_FINE, _COARSE):
        fitting = [group for group in groups if cell_fits(group.operations(), cell, allowed)]
        if len(fitting) > 1 and fitting[0].crystal_system_str() == "monoclinic" and " 1" not in said:
            fitting = [group for group in fitting if group.qualifier.startswith("b")] or fitting
        if fitting:
            break
    if groups and not fitting:
        numbers = ", ".join(f"{value:g}" for value in cell)
        raise CifError(f"its cell ({numbers}) has not the symmetry of its space group {said!r}; mend one of them")
    different = {triplets(group.operations()): group for group in reversed(fitting)}
    return [Setting(group.xhm(), group.operations()) for group in reversed(different.values())]


def cell_fits(operations: Iterable[gemmi.Op], cell: Float64Array, allowed: float = _COARSE) -> bool:
    """Whether every operation keeps a cell's lengths (relative) and angles (radians) within ``allowed``."""
    metric = metric_of(cell)
    rotations = {tuple(map(tuple, op.rot)) for op in operations}
    return all(_kept(np.array(rotation, dtype=np.float64) / gemmi.Op.DEN, metric, allowed) for rotation in rotations)


def _kept(rotation: Float64Array, metric: Float64Array, allowed: float) -> bool:
    turned = rotation.T @ metric @ rotation
    scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
    return bool((np.abs(turned - metric) <= 2.0 * allowed * scale).all())
