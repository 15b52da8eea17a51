"""scan.json: verdicts and orientations of a scan."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from beamgym.physics.messages import one_line
from beamgym.physics.mosaic.records import ScannedCrystal, Verdict

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


class _Crystal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    verdict: Verdict
    orientation: Matrix | None = None
    sigma_deg: tuple[float | None, float | None, float | None] = (None, None, None)
    shares: tuple[float, ...] = ()
    grains: tuple[Matrix, ...] = ()
    points_mm: tuple[tuple[float, float], ...] = ()
    exposure_s: float = 0.0
    note: str = ""


class _Scan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["beamgym mosaic scan"]
    version: Literal[1]
    plate_id: str
    crystals: tuple[_Crystal, ...]


def scan_content(crystals: Sequence[ScannedCrystal], plate_id: str) -> dict[str, Any]:
    """Return what scan.json holds, as plain content."""
    return {
        "format": "beamgym mosaic scan",
        "version": 1,
        "plate_id": plate_id,
        "crystals": [
            {
                "name": each.name,
                "verdict": each.verdict,
                "orientation": None if each.orientation is None else np.asarray(each.orientation).tolist(),
                "sigma_deg": [float(s) if np.isfinite(s) else None for s in each.sigma_deg],
                "shares": [float(share) for share in each.shares],
                "grains": np.asarray(each.grains).tolist(),
                "points_mm": np.asarray(each.points_mm).tolist(),
                "exposure_s": float(each.exposure_s),
                "note": each.note,
            }
            for each in crystals
        ],
    }


def read_scan(path: Path, plate_id: str | None = None) -> list[ScannedCrystal]:
    """Read what a scan found.

    Raises
    ------
    ValueError : no scan, not of this plate, or something in it is wrong; one line that names it
    """
    if not path.is_file():
        raise ValueError(f"there is no {path}; scan the plate first")
    try:
        found = _Scan.model_validate(json.loads(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(one_line(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}")) from None
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {one_line(error)}") from None
    if plate_id is not None and found.plate_id != plate_id:
        raise ValueError(f"{path} is a scan of plate {found.plate_id}, and this is {plate_id}; scan this plate")
    return [_record(each, path) for each in found.crystals]


def _record(found: _Crystal, path: Path) -> ScannedCrystal:
    grains = np.array(found.grains, dtype=np.float64).reshape(-1, 3, 3)
    whole = None if found.orientation is None else np.array(found.orientation)
    for u in (*grains, *([] if whole is None else [whole])):
        if not np.allclose(u @ u.T, np.eye(3), atol=1e-6) or np.linalg.det(u) < 0.0:
            raise ValueError(f"{path}: an orientation of {found.name} is no rotation; scan it again")
    return ScannedCrystal(
        found.name,
        found.verdict,
        whole,
        np.array([np.nan if s is None else s for s in found.sigma_deg]),
        found.shares,
        grains,
        np.array(found.points_mm, dtype=np.float64).reshape(-1, 2),
        found.exposure_s,
        found.note,
    )
