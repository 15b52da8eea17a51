"""Igor Pro: binary waves (.ibw) and packed experiments (.pxt, .pxp) by igor2, and text waves (.itx) by itself."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.load.labelled import LabelledArray, LabelledAxis, LoadError, unnamed_axes

_WAVES = re.compile(r"^WAVES\s*((?:/\w+(?:=\([\d,\s]+\))?\s*)*)(.*)$", re.IGNORECASE)
_SCALE = re.compile(
    r"^X\s+SetScale\s*(?:/(\w))?\s*(\w),\s*([^,]+),\s*([^,]+),\s*(\"[^\"]*\"|'[^']*')?\s*,?\s*(.*)$", re.IGNORECASE
)
_DIMENSIONS = "xyzt"


def read_binary_wave(path: Path) -> list[LabelledArray]:
    """Return the wave of an .ibw file.

    Raises
    ------
    LoadError : igor2 is not installed, a file that is no wave or damaged, a wave of texts
    """
    from_igor = _igor2(path)
    try:
        found = from_igor.binarywave.load(str(path))["wave"]
    except Exception as error:
        raise LoadError(f"{path} is no readable Igor binary wave ({error}); is it damaged or cut short?") from None
    return [_labelled(found, path.stem)]


def read_packed(path: Path) -> list[LabelledArray]:
    """Return the waves of a packed experiment or template, .pxp or .pxt; raises LoadError as ``read_binary_wave``."""
    from_igor, complaints = _igor2(path), []
    for order in "<>=":  # packed files do not say their byte order; a wrong one runs over the file's end
        try:
            records, _ = from_igor.packed.load(str(path), initial_byte_order=order)
        except Exception as error:
            complaints.append(str(error))
            continue
        waves = [record.wave["wave"] for record in records if hasattr(record, "wave") and "wave" in (record.wave or {})]
        return [_labelled(wave, path.stem) for wave in waves if np.asarray(wave["wData"]).dtype.kind in "iuf"]
    raise LoadError(f"{path} is no readable packed Igor file ({complaints[-1]}); save the wave as .ibw or .itx")


def _igor2(path: Path) -> Any:
    try:
        import igor2.binarywave
        import igor2.packed
    except ImportError:
        raise LoadError(
            f"{path.name} needs igor2, which is not installed: pip install 'beamgym[igor]'; or save the wave as .itx"
        ) from None
    return igor2


def _labelled(wave: Any, fallback: str) -> LabelledArray:
    header, values = wave["wave_header"], np.asarray(wave["wData"])
    if values.dtype.kind not in "iuf":
        raise LoadError(f"{fallback} holds texts, not numbers; save the spectrum's wave")
    steps = header.get("sfA") if header.get("sfA") is not None else [header.get("hsA", 1.0)]
    starts = header.get("sfB") if header.get("sfB") is not None else [header.get("hsB", 0.0)]
    units = header.get("dimUnits") if header.get("dimUnits") is not None else [header.get("xUnits", "")]
    axes = []
    for number, size in enumerate(values.shape):
        step, start, unit = float(steps[number]), float(starts[number]), _text(units[number])
        places = start + step * np.arange(size) if (step, start) != (1.0, 0.0) or unit else None
        axes.append(_axis(number, places, unit))
    note = _text(wave.get("note", b""))
    unit, name = _text(header.get("dataUnits", "")), _text(header.get("bname", ""))
    return LabelledArray(
        name or fallback, values.astype(values.dtype.newbyteorder("=")), tuple(axes), notes_in(note), unit
    )


def _axis(number: int, places: NDArray[Any] | None, words: str) -> LabelledAxis:
    """Return an axis out of what Igor calls its unit, which often holds its name: "deg (theta_y)", "Energy [eV]"."""
    inside = re.fullmatch(r"(.*?)\s*[\[(](.*?)[\])]\s*", words)
    name, unit = (f"axis {number}", words) if inside is None else inside.groups()
    if inside is not None and re.match(r"(k|m)?eV\b|deg|m?rad|mm|1/", name, re.IGNORECASE):
        name, unit = unit, name
    kind = next((word for word in ("kinetic", "binding") if word in words.lower()), "")
    return LabelledAxis(name, places, unit, kind)


def _text(value: Any) -> str:
    """Return Igor's text, which comes as bytes or as an array of letters."""
    letters = b"".join(np.asarray(value, dtype="S1").ravel().tolist()) if isinstance(value, np.ndarray) else value
    return letters.decode("latin-1").strip("\0 ") if isinstance(letters, bytes) else str(letters)


def notes_in(text: str) -> dict[str, Any]:
    """Return what lines such as "Excitation Energy=96.00" say, as numbers where they are some, by small letters."""
    pairs = (line.split("=", 1) for line in re.split(r"[\r\n]+", text) if "=" in line)
    found: dict[str, Any] = {}
    for key, value in pairs:
        try:
            found.setdefault(key.strip(" /").lower(), float(value))
        except ValueError:
            found.setdefault(key.strip(" /").lower(), value.strip())
    return found


def read_text_waves(path: Path) -> list[LabelledArray]:
    """Return the waves of an Igor text file.

    Raises
    ------
    LoadError : a file that does not begin with IGOR, a wave that is cut short or of more numbers than it says
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip().upper() != "IGOR":
        raise LoadError(f"{path} does not begin with the word IGOR; it is no Igor text file")
    about = notes_in("\n".join(line[2:] for line in lines if line.startswith("X //")))
    found: list[LabelledArray] = []
    number = 0
    while number < len(lines):
        match = _WAVES.match(lines[number].strip())
        if match is None:
            number += 1
            continue
        block, number = _block(lines, number + 1, path)
        found += _text_waves(match, block, path, about, _scales(lines, number))
    return found


def _block(lines: list[str], number: int, path: Path) -> tuple[list[str], int]:
    """Return the lines between BEGIN and END and the number of the line after them."""
    upper = [line.strip().upper() for line in lines[number:]]
    if "BEGIN" not in upper or "END" not in upper:
        raise LoadError(f"{path} ends within a wave: there is no END; it is cut short or still being written")
    first, last = upper.index("BEGIN") + 1, upper.index("END")
    return lines[number + first : number + last], number + last + 1


def _scales(lines: list[str], number: int) -> list[re.Match[str]]:
    """Return the SetScale commands that follow a block, up to the next wave."""
    found = []
    for line in lines[number:]:
        if line.strip().upper().startswith("WAVES"):
            break
        for part in (
            "X " + piece.strip() for piece in line.strip()[1:].split(";") if line.strip()[:1] in "Xx" and line
        ):
            if match := _SCALE.match(part):
                found.append(match)
    return found


def _text_waves(
    match: re.Match[str], block: list[str], path: Path, about: dict[str, Any], scales: list[re.Match[str]]
) -> list[LabelledArray]:
    names = shlex.split(match.group(2).replace(",", " "))
    size = re.search(r"/N=\(([\d,\s]+)\)", match.group(1), re.IGNORECASE)
    try:
        numbers = np.array(" ".join(block).split(), dtype=np.float64)
    except ValueError as error:
        raise LoadError(f"{path}: wave {names} holds what is no number ({error})") from None
    if size is None:
        table = numbers.reshape(-1, len(names)) if numbers.size % max(len(names), 1) == 0 else numbers[:, None]
        return [_scaled(name, table[:, i], about, scales) for i, name in enumerate(names)]
    shape = tuple(int(part) for part in size.group(1).split(","))
    if numbers.size != np.prod(shape):
        raise LoadError(f"{path}: wave {names[0]} holds {numbers.size} numbers, {shape} needs {np.prod(shape)}")
    # A line of an Igor text file is a row; layers of three-dimensional waves follow each other.
    values = (
        numbers.reshape(shape) if len(shape) < 3 else np.moveaxis(numbers.reshape(shape[2:][::-1] + shape[:2]), 0, -1)
    )
    return [_scaled(names[0], values, about, scales)]


def _scaled(name: str, values: NDArray[Any], about: dict[str, Any], scales: list[re.Match[str]]) -> LabelledArray:
    axes, unit = list(unnamed_axes(values.ndim)), ""
    for scale in scales:
        flag, dimension, first, second, words, of = scale.groups()
        if name not in of.replace("'", "").replace('"', ""):
            continue
        text = (words or "").strip("\"'")
        if dimension.lower() == "d":
            unit = text
        elif (number := _DIMENSIONS.find(dimension.lower())) in range(values.ndim):
            count, start, other = values.shape[number], float(first), float(second)
            ends = (flag or "").lower() == "i"
            places = np.linspace(start, other, count) if ends else start + other * np.arange(count)
            axes[number] = _axis(number, places, text)
    return LabelledArray(name, values, tuple(axes), about, unit)
