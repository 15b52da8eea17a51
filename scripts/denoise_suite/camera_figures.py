"""Frames of the environments' own camera: what a denoiser before the peak finder is worth there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.table import Table
from scipy.spatial import cKDTree

from beamgym.agents.denoising import Rival
from beamgym.physics.arrays import Float64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.camera import DENOISED_FAINTEST_COUNTS, FAINTEST_COUNTS, LaueCamera
from beamgym.physics.laue.detector import Detector
from beamgym.scripts.denoise_suite.methods import Asked
from beamgym.scripts.rates import Bar

COUNTS = (100.0, 150.0, 250.0, 400.0, 600.0)
SECONDS = 10.0
_SIDE, _PIXEL_MM = 512, 0.32
_GRID, _EDGE_PX, _SHIFT_PX, _MATCH_PX, _FREE_PX = (8, 5), 40.0, 8.0, 2.0, 60.0
_STREAM = 89


@dataclass(frozen=True)
class Row:
    """One camera: of spots of some counts the share that is found, how far off they are in pixels (root mean square),
    and spots in a frame without any."""

    camera: str
    counts: float
    found: float
    error_px: float
    false_in_blank: float


def run(asked: Asked) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return figures, bars and tables."""
    panel = Detector.back_reflection(shape=(_SIDE, _SIDE), pixel_mm=_PIXEL_MM)
    cameras = {
        f"plain ≥ {FAINTEST_COUNTS:g}": LaueCamera(panel),
        f"plain ≥ {DENOISED_FAINTEST_COUNTS:g}": LaueCamera(panel, DENOISED_FAINTEST_COUNTS),
        "plain ≥ 130": LaueCamera(panel, 130.0),
        **{f"{one.name} ≥ {DENOISED_FAINTEST_COUNTS:g}": _denoised(panel, one) for one in asked.networks("laue")},
    }
    rows = []
    for name, camera in cameras.items():
        asked.told(name)
        false = float(camera.find(_frames(camera, np.empty((asked.frames, 0, 2)), 0.0, asked.seed)).count.mean())
        rows += [_row(name, camera, counts, false, asked) for counts in COUNTS]
    return {"rows": [dict(vars(row)) for row in rows]}, [], [_table(rows)]


def _denoised(panel: Detector, network: Rival) -> LaueCamera:
    return LaueCamera.denoised(panel, network.method)


def _row(name: str, camera: LaueCamera, counts: float, false: float, asked: Asked) -> Row:
    places = _places(asked.frames, asked.seed)
    found = camera.find(_frames(camera, places, counts, asked.seed))
    off = np.concatenate([_off(found, i, place) for i, place in enumerate(places)])
    near = off[off <= _MATCH_PX]
    error = float(np.sqrt(np.mean(near**2))) if len(near) else float("nan")
    return Row(name, counts, len(near) / len(off), error, false)


def _places(frames: int, seed: int) -> Float64Array:
    """Return spots (frames, s, 2) apart from each other and from the hole."""
    across, down = (np.linspace(_EDGE_PX, _SIDE - _EDGE_PX, number) for number in _GRID)
    grid = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)
    grid = grid[np.linalg.norm(grid - 0.5 * (_SIDE - 1), axis=1) > _FREE_PX]
    draw = np.random.default_rng([seed, _STREAM])
    return np.asarray(grid + draw.uniform(-_SHIFT_PX, _SHIFT_PX, (frames, *grid.shape)))


def _frames(camera: LaueCamera, places: Float64Array, counts: float, seed: int) -> Any:
    frames, number = places.shape[:2]
    position = np.zeros((frames, max(1, number), 2), np.float32)
    position[:, :number] = places
    each = np.full(position.shape[:2], counts, np.float32)
    keys = make_keys(seed, np.arange(frames))
    return camera.expose(position, each, np.full(frames, number), SECONDS, keys)


def _off(found: Peaks, frame: int, places: Float64Array) -> Float64Array:
    """Return how far from each place the nearest spot is (s,), pixels; infinity where there is none."""
    number = int(found.count[frame])
    if not number:
        return np.full(len(places), np.inf)
    return np.asarray(cKDTree(found.position_px[frame, :number]).query(places)[0])


def _table(rows: list[Row]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0), title=f"spots by counts, {SECONDS:g} s: found, error in px")
    out.add_column("camera")
    for counts in COUNTS:
        out.add_column(f"{counts:g}")
    out.add_column("blank")
    for name in dict.fromkeys(row.camera for row in rows):
        own = [row for row in rows if row.camera == name]
        cells = (f"{100 * row.found:.0f} %, {row.error_px:.2f}" if row.found else "0 %" for row in own)
        out.add_row(name, *cells, f"{own[0].false_in_blank:.2f}")
    return out
