"""Places of weak peaks out of a file, and what is measured there into another one."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.envs.denoising import check_places, shipped_ground
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.files import write_text

_HEADER = (
    "frame",
    "column",
    "row",
    "counts",
    "uncertainty",
    "significance",
    "ground",
    "ground_uncertainty",
    "flags",
)


def read_places(path: Path) -> Float64Array:
    """Return places (k, 4): column and row, and standard deviations along columns and rows, in pixels.

    Lines that begin with # are left out, and a first line of words.

    Raises
    ------
    FileNotFoundError, ValueError : what cannot be read, with one line
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; --peaks-at takes lines of column,row,sigma,sigma")
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    rows = [line.replace(",", " ").split() for line in lines if line and not line.startswith("#")]
    if rows and not _is_number(rows[0][0]):
        rows = rows[1:]
    try:
        found = np.array([[float(word) for word in row] for row in rows], np.float64)
    except ValueError:
        found = np.empty(0)
    if not rows or found.ndim != 2 or found.shape[1] != 4:
        raise ValueError(
            f"{path} names no places of peaks; give lines of four numbers in pixels: column, row, and the peak's "
            "standard deviations along columns and rows"
        )
    return check_places(found)


def write_peaks(path: Path, counts: Float64Array, places: Float64Array, mask: BoolArray) -> dict[str, Any]:
    """Measure peaks in every frame (n, slow, fast) of counts, write a table, and return what is told of it."""
    network, flags, text = shipped_ground(), set(), io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_HEADER)
    for number, frame in enumerate(counts):
        for place, one in zip(places, network.measure(frame, places, mask), strict=True):
            numbers = (one.counts, one.uncertainty, one.significance, one.ground, one.ground_uncertainty)
            where = [number, f"{place[0]:.2f}", f"{place[1]:.2f}"]
            table.writerow([*where, *(f"{each:.4g}" for each in numbers), "; ".join(one.flags)])
            flags |= {f"peak at {place[0]:g}, {place[1]:g}: {flag}" for flag in one.flags}
    write_text(path, text.getvalue())
    return {"file": path.name, "network": network.name, "places": len(places), "flags": sorted(flags)}


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
