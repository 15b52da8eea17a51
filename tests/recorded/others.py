"""What else is recorded to the bit: the answers of the shipped bundles, and what the verbs print and write."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Record = dict[str, NDArray[Any]]
Make = Callable[[], Record]

ROWS = 16
"""Observations of a bundle's reference that its network answers."""

ENDS = ("LaueAlign-v0", "LaueAlignImage-v0", "LaueZone-v0", "ArpesSpot-v0", "ArpesSpotImage-v0")
VERBS = ("demo", "envs", "index", "train", "benchmark", "study", "dataset", "deploy", "ioc", "speed")
CLOCKED = ("seconds",)
"""Keys of results that say how long something took."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "version": ("--version",),
    **{f"{verb} help": (verb, "--help") for verb in VERBS},
    "envs": ("envs", "--json", "result.json"),
    **{f"benchmark {end}": ("benchmark", f"beamgym/{end}", "--episodes", "3", "--json", "result.json") for end in ENDS},
    "benchmark shipped Laue": (
        *("benchmark", "beamgym/LaueAlign-v0", "--policy", "shipped", "--episodes", "3", "--seed", "1"),
        *("--frames", "rendered", "--level", "hard", "--json", "result.json"),
    ),
    "benchmark scorers": ("benchmark", "arpes-scorer", "--spectra", "40", "--json", "result.json"),
    "dataset published": (
        *("dataset", "arpes", "--out", "shards", "--spectra", "12", "--shape", "64x64", "--natural"),
        *("--json", "result.json"),
    ),
    "dataset full": (
        *("dataset", "arpes", "--out", "shards", "--spectra", "6", "--shape", "64x64", "--natural"),
        *("--recipe", "full", "--json", "result.json"),
    ),
    "index": (
        *("index", "silicon.dat", "--crystal", "Si", "--detector", "camera.json", "--goniometer", "six-axis"),
        *("--target", "pose [001] [110]", "--json", "result.json"),
    ),
    "study": ("study", "--no-ladders", "--places", "8", "--dwell-s", "0.5", "--json", "result.json"),
    "unknown verb": ("align",),
    "unknown option": ("benchmark", "beamgym/LaueAlign-v0", "--levels", "real"),
    "unknown environment": ("benchmark", "beamgym/LaueAlign-v9"),
    "deploy without an instrument": ("deploy", "laue-align-si"),
    "deploy of another kind": ("deploy", "laue-align-si", "-i", "arpes_soft_ioc"),
}
"""Words of the command line by the name of their record."""


def bundle_folders() -> dict[str, Path]:
    """Return the shipped bundles' folders by name."""
    homes = [Path(str(files(home))) for home in ("beamgym.agents.zoo", "beamgym.envs.models")]
    return {path.parent.name: path.parent for home in homes for path in sorted(home.glob("*/manifest.json"))}


def bundles() -> dict[str, Make]:
    """Return, by name, what makes the record of a bundle's answers."""
    return {f"bundle {name}": partial(answers, folder) for name, folder in bundle_folders().items()}


def answers(folder: Path) -> Record:
    """Return what a bundle's network says to the first observations of its reference, one at a time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "policy.onnx", options, providers=["CPUExecutionProvider"])
    (output,) = (entry.name for entry in session.get_outputs())
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        observations = {entry.name: reference[f"observation/{entry.name}"] for entry in session.get_inputs()}
    said = [
        session.run([output], {name: values[row : row + 1] for name, values in observations.items()})[0]
        for row in range(ROWS)
    ]
    return {output: np.concatenate(said)}


def verbs() -> dict[str, Make]:
    """Return, by name, what makes the record of a verb."""
    return {f"verb {name}": partial(spoken, words) for name, words in EXAMPLES.items()}


def spoken(words: tuple[str, ...]) -> Record:
    """Return what a verb printed, with which code it ended, and what it wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_pattern(folder)
        environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1", "MPLBACKEND": "Agg"}
        done = subprocess.run(
            [sys.executable, "-m", "beamgym.scripts.main", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        told = {"code": np.array(done.returncode), "printed": np.array(done.stdout)}
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        return {**told, "errors": np.array("\n".join(errors)), **_written(folder)}


def _written(folder: Path) -> Record:
    """Return what a verb wrote: the JSON without times, pictures, and every array of HDF5 files."""
    record: Record = {
        "files": np.array(json.dumps(sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))))
    }
    result = folder / "result.json"
    if result.exists():
        content = json.loads(result.read_text(encoding="utf-8"))
        for name in CLOCKED if isinstance(content, dict) else ():
            content.pop(name, None)
        record["result.json"] = np.array(json.dumps(content))
    for path in folder.rglob("*.png"):
        record[path.name] = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    for path in sorted(folder.rglob("*.h5")):
        with h5py.File(path) as file:
            file.visititems(partial(_keep, record, path.name))
    return record


def _keep(record: Record, file: str, name: str, item: Any) -> None:
    if isinstance(item, h5py.Dataset):
        values = np.asarray(item[()])
        record[f"{file}/{name}"] = values if values.dtype.kind != "O" else values.astype(np.bytes_)


def _write_pattern(folder: Path) -> None:
    """Write the peaks of a silicon crystal on a back-reflection camera, computed here, and the camera."""
    camera = {"name": "back", "origin_mm": [-70.0, -81.76, 81.76], "fast": [0.0, 1.0, 0.0], "slow": [0.0, 0.0, -1.0]}
    (folder / "camera.json").write_text(json.dumps({**camera, "pixel_mm": 0.32, "shape": [512, 512]}), encoding="utf-8")
    range_ = np.arange(-9, 10)
    hkl = np.stack(np.meshgrid(range_, range_, range_), axis=-1).reshape(-1, 3)
    even, odd = (hkl % 2 == 0).all(axis=1) & (hkl.sum(axis=1) % 4 == 0), (hkl % 2 == 1).all(axis=1)
    hkl = hkl[(even | odd) & hkl.any(axis=1)]
    normals = hkl @ _turn(7.0, 4.0).T
    towards = -normals[:, 0] / np.linalg.norm(normals, axis=1)  # sine of the Bragg angle
    normals, towards = normals[towards > 0.1], towards[towards > 0.1]
    energy_kev = 12.398419843 / (2.0 * 5.4309 * towards) * np.linalg.norm(normals, axis=1)
    unit = normals / np.linalg.norm(normals, axis=1)[:, None]
    out = np.array([1.0, 0.0, 0.0]) + 2.0 * towards[:, None] * unit
    with np.errstate(divide="ignore"):
        hit = out * (-70.0 / out[:, :1])
    pixel = np.stack([(hit[:, 1] + 81.76) / 0.32, (81.76 - hit[:, 2]) / 0.32], axis=1)
    seen = (out[:, 0] < -0.05) & (pixel > 0).all(axis=1) & (pixel < 511).all(axis=1) & (energy_kev < 24.0)
    found = np.unique(np.round(pixel[seen], 3), axis=0)
    lines = [f"{x:.3f} {y:.3f} {1000 - i}" for i, (x, y) in enumerate(found)]
    (folder / "silicon.dat").write_text("\n".join(["X Y I", *lines]) + "\n", encoding="utf-8")


def _turn(about_y_deg: float, about_z_deg: float) -> NDArray[np.float64]:
    y, z = np.radians([about_y_deg, about_z_deg])
    about_y = np.array([[np.cos(y), 0.0, np.sin(y)], [0.0, 1.0, 0.0], [-np.sin(y), 0.0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0.0], [np.sin(z), np.cos(z), 0.0], [0.0, 0.0, 1.0]])
    return about_z @ about_y
