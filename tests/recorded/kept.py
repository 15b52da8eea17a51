"""The committed fixtures: the first steps of the trajectories, coarse enough to be small, and the bundles' answers.

``trajectories.npz`` holds a float32 matrix (rows, columns) for each record, nan where a row lacks a name;
``trajectories.json`` says which columns belong to which name. Of an array with more than ``MOST`` numbers an
environment, evenly spaced ones and their mean are kept.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case, cases
from numpy.typing import NDArray
from others import bundles
from record import KEPT_STEPS, Record, play

DATA = Path(__file__).with_name("data")
MOST = 32
FLAT = 24
"""Numbers that are kept of a large array, beside their mean."""

Layout = list[list[Any]]  # of [name, dtype, columns]
Matrix = NDArray[np.float32]


def kept_records() -> Iterator[tuple[str, Record]]:
    """Yield what is committed, by name, as it is now."""
    for case in kept_cases():
        yield case.name, play(case, KEPT_STEPS)
    for name, make in bundles().items():
        yield name, make()


def kept_cases() -> list[Case]:
    """Return the trajectories of which a shorter run is committed."""
    return [case for case in cases() if case.kept]


def coarse(record: Record, envs: int = 0) -> tuple[Layout, Matrix]:
    """Return a record as a matrix (rows, columns), and what its columns are.

    Parameters
    ----------
    record : arrays (rows, ...), or (rows, envs, ...) of a vector environment
    envs : number of environments; 0 for a single one
    """
    arrays = {name: values for name, values in record.items() if name != "types" and not name.endswith("@rows")}
    rows = max(len(values) for values in arrays.values())
    layout: Layout = []
    columns = []
    for name, values in arrays.items():
        thin = _thinned(values, envs)
        part = np.full((rows, thin.shape[1]), np.nan, dtype=np.float32)
        part[record.get(f"{name}@rows", np.arange(len(values)))] = thin
        columns.append(part)
        layout.append([name, str(values.dtype), thin.shape[1]])
    return layout, np.concatenate(columns, axis=1)


def _thinned(values: NDArray[Any], envs: int) -> Matrix:
    """Return (rows, columns): all numbers of small arrays; of large ones some and the mean, each environment's own."""
    flat = values.reshape(len(values), envs or 1, -1).astype(np.float64)
    if flat.shape[2] > MOST:
        places = np.linspace(0, flat.shape[2] - 1, FLAT).round().astype(int)
        flat = np.concatenate([flat[..., places], flat.mean(axis=2, keepdims=True)], axis=2)
    return flat.reshape(len(values), -1).astype(np.float32)


def write_fixtures() -> None:
    """Write ``trajectories.npz`` and ``trajectories.json``."""
    layouts: list[Layout] = []
    of_record: dict[str, int] = {}
    matrices: dict[str, Matrix] = {}
    envs = {case.name: case.envs for case in kept_cases()}
    for name, record in kept_records():
        layout, matrices[name] = coarse(record, envs.get(name, 0))
        if layout not in layouts:
            layouts.append(layout)
        of_record[name] = layouts.index(layout)
    DATA.mkdir(exist_ok=True)
    np.savez_compressed(DATA / "trajectories.npz", allow_pickle=False, **matrices)  # type: ignore[arg-type]
    text = json.dumps({"layouts": layouts, "records": of_record}, separators=(",", ":"))
    (DATA / "trajectories.json").write_text(text.replace('],["', '],\n["') + "\n", encoding="utf-8")
