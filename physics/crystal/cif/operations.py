"""The symmetry operations that a CIF lists: parsed, completed by the identity, and held to be a group."""

import re

import gemmi

from beamgym.physics.crystal.cif.block import Block, CifError, known
from beamgym.physics.crystal.cif.symbols import triplets

LISTED = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
MAGNETIC = ("_space_group_symop_magn_operation_xyz", "_space_group_magn_symop_operation_xyz")
MAGNETIC_CENTRING = ("_space_group_symop_magn_centering_xyz", "_space_group_symop_magn_centring_xyz")

MOST_OPERATIONS = 1000
"""A list longer than this is none of a space group: the largest has 192, in supercells a few times that."""

_TIME_REVERSAL = re.compile(r",\s*[+-]?1?\s*$")
_NUMBERED = re.compile(r"^\d+\s+(?=[^,]*,)")


def listed_operations(block: Block, notes: list[str]) -> gemmi.GroupOps | None:
    """Return the group that a block lists, None where it lists none.

    Parameters
    ----------
    block : of the CIF
    notes : what the user should know is added to it

    Raises
    ------
    CifError : an operation that is none, or a list that is no group
    """
    magnetic = [_time_dropped(text) for text in block.column(*MAGNETIC)]
    texts = [text for text in magnetic or block.column(*LISTED) if known(text)]
    if not texts:
        return None
    operations = [_operation(text) for text in texts]
    if magnetic:
        centrings = [_operation(_time_dropped(text)) for text in block.column(*MAGNETIC_CENTRING) if known(text)]
        operations = [(shift * op).wrap() for op in operations for shift in centrings] or operations
        notes.append("magnetic moments and time reversal are left out; the operations are used without them")
    identity = gemmi.Op()
    if identity not in operations:
        notes.append("the list of operations lacks x,y,z; it was added")
        operations.insert(0, identity)
    return _group(operations)


def _time_dropped(text: str) -> str:
    return _TIME_REVERSAL.sub("", text) if text.count(",") == 3 else text


def _operation(text: str) -> gemmi.Op:
    plain = _NUMBERED.sub("", text.strip()).replace(" ", "").lower()
    try:
        found = gemmi.Op(plain)
    except (ValueError, RuntimeError):
        raise CifError(f"its operation {text!r} is none; mend it") from None
    if abs(found.det_rot()) != gemmi.Op.DEN**3:
        raise CifError(f"its operation {text!r} is no symmetry of any cell; mend it")
    return found.wrap()


def _group(operations: list[gemmi.Op]) -> gemmi.GroupOps:
    """The operations as a group; what is missing for one is named."""
    there = triplets(operations)
    if len(there) > MOST_OPERATIONS:
        raise CifError(f"it lists {len(there)} operations; a space group has at most 192")
    for first in operations:
        for second in operations:
            product = (first * second).wrap()
            if product.triplet() not in there:
                raise CifError(
                    f"its operations form no group: {first.triplet()!r} after {second.triplet()!r} is "
                    f"{product.triplet()!r}, which is not listed; mend the list, or give the space group's symbol alone"
                )
    return gemmi.GroupOps([gemmi.Op(text) for text in sorted(there)])
