"""Which element a CIF's row means: from its type symbol, or from a label that may say more than an element."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import gemmi

from beamgym.physics.crystal.cif.block import CifError

_CHARGE = re.compile(r"^([A-Za-z]+?)(?:(\d*)([+-])|([+-])(\d*))$")
_LETTERS = re.compile(r"^[A-Za-z]+")
_WATER = re.compile(r"^(o-?h|o-?w|wat(er)?|hoh|h2o|oh2)[\d_]*$", re.IGNORECASE)
"""Labels of a hydroxyl group or a water molecule whose hydrogen has no place of its own: it scatters as oxygen."""


@dataclass(frozen=True)
class Kind:
    """An element with what is known of its charge.

    Parameters
    ----------
    symbol : chemical symbol; D for deuterium
    charge : in elementary charges; None where none is stated
    note : what was assumed, "" where the file says it
    """

    symbol: str
    charge: int | None = None
    note: str = ""


def kinds_of(names: list[tuple[str, str]], formula: Collection[str]) -> list[Kind]:
    """Return the element of every row.

    Parameters
    ----------
    names : label and type symbol of each row, "" where there is none
    formula : elements of the file's formula, which decide what a label such as CA1 or W1 means; empty where unknown

    Raises
    ------
    CifError : a row whose element is in doubt, with what to add
    """
    possible = [_possible(label, type_symbol, formula) for label, type_symbol in names]
    sure = {kinds[0].symbol for kinds in possible if len(kinds) == 1}
    return [
        kinds[0] if len(kinds) == 1 else _decided(label or type_symbol, kinds, sure, formula)
        for (label, type_symbol), kinds in zip(names, possible, strict=True)
    ]


def is_element(symbol: str) -> bool:
    """Whether a text is a chemical symbol; D and T are, as isotopes of hydrogen."""
    return symbol in ("D", "T") or (gemmi.Element(symbol).atomic_number > 0 and gemmi.Element(symbol).name == symbol)


def _possible(label: str, type_symbol: str, formula: Collection[str]) -> list[Kind]:
    """Every element that a row may mean; the likeliest first."""
    stated = _with_charge(type_symbol)
    if stated is not None:
        return [stated]
    text = type_symbol or label
    if _WATER.match(text) and ("O" in formula or not formula):
        return [Kind("O", note=f"{text} is taken for O; its hydrogen has no place")]
    letters = _LETTERS.match(text)
    if not letters:
        raise CifError(f"its site {label or type_symbol!r} has no element; add _atom_site_type_symbol")
    return _from_letters(text, letters[0], formula)


def _with_charge(text: str) -> Kind | None:
    """A symbol such as Fe, Fe3+, O2- or Fe+3, in any case of letters; None for anything else."""
    plain = text.strip()
    if plain and is_element(plain.capitalize()):
        return Kind(plain.capitalize())
    found = _CHARGE.match(plain)
    if not found or not is_element(found[1].capitalize()):
        return None
    amount, sign = found[2] or found[5] or "1", found[3] or found[4]
    return Kind(found[1].capitalize(), int(amount) * (1 if sign == "+" else -1))


def _from_letters(text: str, letters: str, formula: Collection[str]) -> list[Kind]:
    found = [symbol for symbol in (letters[:2].capitalize(), letters[0].upper()) if is_element(symbol)]
    found = list(dict.fromkeys(found))
    if formula:
        found = [symbol for symbol in found if symbol in formula or (symbol == "D" and "H" in formula)] or found
        if letters[0] in "Ww" and "W" not in formula and "O" in formula:
            return [Kind("O", note=f"{text} is taken for water's O, since its formula has no W")]
    if not found:
        raise CifError(f"its site {text!r} is no element; add _atom_site_type_symbol")
    if len(letters) > 1 and letters[1].islower() and found[0] == letters[:2].capitalize():
        found = found[:1]
    if len(letters) > 3:
        raise CifError(f"its site {text!r} is no element; add _atom_site_type_symbol")
    return [
        Kind(symbol, note="" if letters.capitalize() == symbol else f"{text} is taken for {symbol}") for symbol in found
    ]


def _decided(text: str, kinds: list[Kind], sure: Collection[str], formula: Collection[str]) -> Kind:
    """Of Co and C for CO1, the one that the formula has and no other row is for sure."""
    needed = [kind for kind in kinds if kind.symbol in formula and kind.symbol not in sure]
    if len(needed) != 1:
        one, other = kinds[0].symbol, kinds[1].symbol
        remedy = "add _atom_site_type_symbol" if formula else "add _atom_site_type_symbol or _chemical_formula_sum"
        raise CifError(f"its site {text!r} may be {one} or {other}; {remedy}")
    return needed[0]
