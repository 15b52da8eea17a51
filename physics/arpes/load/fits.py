"""FITS files: images, and the binary tables of the Advanced Light Source, one row for each step of a scan.

The standard is short (FITS 4.0, A&A 524 (2010) A42), and files of beamlines hold cards that strict readers refuse.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.load.labelled import POSITIONS, LabelledArray, LabelledAxis, LoadError, key_of

_BLOCK, _CARD = 2880, 80
_CODES = {"L": "?", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "A": "S1"}
_IMAGES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def read_fits(path: Path) -> list[LabelledArray]:
    """Return the images and spectra of a FITS file.

    Raises
    ------
    LoadError : a file that is no FITS or ends too early
    """
    raw = path.read_bytes()
    if not raw.startswith(b"SIMPLE"):
        raise LoadError(f"{path} does not begin as FITS does")
    at, found = 0, list[LabelledArray]()
    about: dict[str, Any] = {}
    while at < len(raw):
        cards, at = _header(raw, at, path)
        about |= {key.lower(): value for key, value in cards.items()}
        size = _bytes(cards)
        if at + size > len(raw):
            raise LoadError(
                f"{path} ends {at + size - len(raw)} bytes too early; it is cut short or still being written"
            )
        if cards.get("XTENSION") == "BINTABLE":
            found += _table(cards, raw[at : at + size], about)
        elif cards.get("NAXIS", 0) > 1 and size:
            found.append(_image(cards, raw[at : at + size], about, path.stem))
        at += -(-size // _BLOCK) * _BLOCK
    return found


def _header(raw: bytes, at: int, path: Path) -> tuple[dict[str, Any], int]:
    cards: dict[str, Any] = {}
    while at + _BLOCK <= len(raw):
        block, at = raw[at : at + _BLOCK].decode("latin-1"), at + _BLOCK
        for start in range(0, _BLOCK, _CARD):
            card = block[start : start + _CARD]
            if card.startswith("END" + " " * 5):
                return cards, at
            if card[8:10] == "= ":
                cards.setdefault(card[:8].strip(), _value(card[10:]))
    raise LoadError(f"{path} ends within a header; it is cut short or still being written")


def _value(text: str) -> Any:
    quoted = re.match(r"\s*'((?:[^']|'')*)'", text)
    if quoted:
        return quoted.group(1).replace("''", "'").strip()
    bare = text.split("/")[0].strip()
    try:
        return int(bare)
    except ValueError:
        pass
    try:
        return float(bare.replace("D", "E"))
    except ValueError:
        return {"T": True, "F": False}.get(bare, bare)


def _bytes(cards: dict[str, Any]) -> int:
    sizes = [int(cards.get(f"NAXIS{i + 1}", 0)) for i in range(int(cards.get("NAXIS", 0)))]
    pixels = int(np.prod(sizes)) if sizes else 0
    return abs(int(cards["BITPIX"])) // 8 * int(cards.get("GCOUNT", 1)) * (int(cards.get("PCOUNT", 0)) + pixels)


def _image(cards: dict[str, Any], raw: bytes, about: dict[str, Any], name: str) -> LabelledArray:
    sizes = [int(cards[f"NAXIS{i + 1}"]) for i in range(int(cards["NAXIS"]))]
    values = np.frombuffer(raw, _IMAGES[int(cards["BITPIX"])]).reshape(sizes[::-1]) * cards.get("BSCALE", 1)
    values = values + cards.get("BZERO", 0)
    axes = [
        _scaled(cards.get(f"CTYPE{i + 1}", ""), cards.get(f"CUNIT{i + 1}", ""), size,
                cards.get(f"CRPIX{i + 1}", 1.0), cards.get(f"CRVAL{i + 1}"), cards.get(f"CDELT{i + 1}"), i)
        for i, size in enumerate(sizes)
    ]  # fmt: skip
    return LabelledArray(
        str(cards.get("EXTNAME", name)), values, tuple(axes[::-1]), dict(about), str(cards.get("BUNIT", ""))
    )


def _scaled(name: str, unit: str, size: int, pixel: Any, value: Any, step: Any, number: int) -> LabelledAxis:
    if value is None or step is None:
        return LabelledAxis(name or f"axis {number}", None, unit)
    places = float(value) + float(step) * (np.arange(size) + 1.0 - float(pixel))
    return LabelledAxis(name or f"axis {number}", places, unit)


def _table(cards: dict[str, Any], raw: bytes, about: dict[str, Any]) -> list[LabelledArray]:
    """Return each column whose cells are arrays, with the coordinates that other columns give to the rows."""
    columns = [_column(cards, i + 1) for i in range(int(cards["TFIELDS"]))]
    kind = np.dtype([(name, code, shape) for name, code, shape in columns])
    rows = np.frombuffer(raw, kind, int(cards["NAXIS2"]))
    sites = {
        name: rows[name].astype(np.float64)
        for name, code, shape in columns
        if not shape and len(rows) > 1 and key_of(name) in POSITIONS and np.dtype(code).kind in "iuf"
    }
    found = []
    for number, (name, code, shape) in enumerate(columns, start=1):
        if not shape or np.dtype(code).kind not in "iuf":
            continue
        values = _offset(rows[name], cards, number)
        axes = _cell_axes(cards, number, shape)
        unit = str(cards.get(f"TUNIT{number}", ""))
        if len(rows) == 1:
            found.append(LabelledArray(name, values[0], axes, dict(about), unit))
        else:
            found.append(LabelledArray(name, values, (LabelledAxis("row"), *axes), dict(about), unit, sites))
    return found


def _offset(values: NDArray[Any], cards: dict[str, Any], number: int) -> NDArray[Any]:
    scale, zero = cards.get(f"TSCAL{number}", 1), cards.get(f"TZERO{number}", 0)
    native = values.astype(values.dtype.newbyteorder("="))
    return native if (scale, zero) == (1, 0) else native * scale + zero


def _column(cards: dict[str, Any], number: int) -> tuple[str, str, tuple[int, ...]]:
    repeat, letter = re.match(r"(\d*)([A-Z])", str(cards[f"TFORM{number}"])).groups()  # type: ignore[union-attr]
    name = str(cards.get(f"TTYPE{number}", f"column {number}"))
    if letter not in _CODES:
        raise LoadError(f"column {name!r} has the FITS type {letter}; numbers of fixed length are read")
    count = int(repeat or 1)
    if letter == "A":
        return name, f"S{count}", ()
    shape = tuple(int(size) for size in re.findall(r"\d+", str(cards.get(f"TDIM{number}", ""))))[::-1]
    return name, _CODES[letter], shape or ((count,) if count > 1 else ())


def _cell_axes(cards: dict[str, Any], number: int, shape: tuple[int, ...]) -> tuple[LabelledAxis, ...]:
    """Return the axes of a column's cells, which the cards TDESC, TRPIX, TRVAL and TDELT list, the fastest first."""
    listed = [_listed(cards.get(f"{key}{number}", "")) for key in ("TDESC", "TRPIX", "TRVAL", "TDELT")]
    axes = []
    for i, size in enumerate(shape[::-1]):
        name, pixel, value, step = (words[i] if i < len(words) else "" for words in listed)
        given = [float(text) if text else None for text in (pixel, value, step)]
        axes.append(_scaled(name, name if name == "eV" else "", size, given[0] or 1.0, given[1], given[2], i))
    return tuple(axes[::-1])


def _listed(value: Any) -> list[str]:
    return [word.strip() for word in str(value).strip("()").split(",")]
