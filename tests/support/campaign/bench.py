"""The instruments of the campaign: each as an instrument file, and as the records that a facility would have set up."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

PREFIX = "IDC13:"
"""Of every PV; nothing in these names is the practice instrument's."""

BUSY, LATE_S = {"reply_s": 5.0}, 1.5
"""Answers, and frames, may be so late, seconds: one busy computer is server and client, and plays several runs."""

_UP, _BEAM, _SIDE = [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
_ALPHA = np.radians(50.0)


@dataclass(frozen=True)
class Shaft:
    """One motor as its facility has set it up.

    Parameters
    ----------
    record : its name
    direction, offset : DIR ("Pos", "Neg") and OFF; user = ± dial + OFF
    egu : as somebody spelled it
    velo, accl_s, mres : units per second, seconds to that speed, units
    limits : soft limits, user coordinates
    start : where it stands at first, user coordinates
    """

    record: str
    direction: str
    offset: float
    egu: str
    velo: float
    accl_s: float
    mres: float
    limits: tuple[float, float]
    start: float


@dataclass(frozen=True)
class Bench:
    """An instrument: what its file says, and how its records are set up.

    Parameters
    ----------
    content : of instrument.yaml
    shafts : by the axis's name
    kind : "laue" or "arpes"
    array : type of the waveform: "long", "short" or "float"
    stamp : an image carries the time of its exposure's "start" or "end"
    """

    content: dict[str, Any]
    shafts: dict[str, Shaft]
    kind: str
    array: str = "long"
    stamp: str = "start"


_KINDS: dict[str, list[dict[str, Any]]] = {
    "kappa": [
        {"name": "omega", "vector": [0.0, -1.0, 0.0], "limits": [-120.0, 120.0]},
        {"name": "kap", "vector": [0.0, -float(np.cos(_ALPHA)), -float(np.sin(_ALPHA))], "limits": [-100.0, 100.0]},
        {"name": "phi", "vector": [0.0, -1.0, 0.0], "limits": [-150.0, 150.0]},
    ],
    "euler": [
        {"name": "th", "vector": [0.0, -1.0, 0.0], "limits": [-100.0, 100.0]},
        {"name": "chi", "vector": _BEAM, "limits": [-95.0, 95.0]},
        {"name": "phi", "vector": [0.0, 1.0, 0.0], "sign": -1, "limits": [-140.0, 140.0]},
    ],
    "arcs": [
        {"name": "rot", "vector": _UP, "limits": [-90.0, 90.0]},
        {"name": "low", "vector": _BEAM, "sign": -1, "limits": [-25.0, 25.0]},
        {"name": "upp", "vector": _SIDE, "zero": 2.5, "limits": [-22.5, 27.5]},
    ],
}
_EGUS = ("deg", "degrees", "DEG", "Degree")
_VIEWS = ((False, False, False), (True, False, False), (False, True, False), (True, True, True), (False, False, True))


def laue(name: str, seed: int, changes: dict[str, Any] | None = None) -> Bench:
    """Return a Laue instrument: its geometry is the name's, its conventions are the seed's.

    Parameters
    ----------
    name : "kappa", "euler" or "arcs"
    seed : of directions, offsets, spellings, the camera's mounting and time stamps
    changes : of the file's content, merged into it
    """
    draw = np.random.default_rng([seed, 90210, len(name)])
    axes, shafts, devices = [], {}, {}
    for number, about in enumerate(_KINDS[name], start=1):
        low, high = about["limits"]
        direction, offset = str(draw.choice(["Pos", "Neg"])), round(float(draw.uniform(-40.0, 40.0)), 2)
        velo = round(float(draw.uniform(18.0, 30.0)), 1)
        start = float(about.get("zero", 0.0)) + round(float(draw.uniform(-2.0, 2.0)), 2)
        record = f"m{number}"
        mres = float(draw.choice([0.0005, 0.001, 0.002]))
        shafts[about["name"]] = Shaft(
            record,
            direction,
            offset,
            str(draw.choice(_EGUS)),
            velo,
            round(float(draw.uniform(0.05, 0.2)), 2),
            mres,
            (low - 5.0, high + 5.0),
            start,
        )
        devices[about["name"]] = {"adapter": "epics", "address": f"{PREFIX}{record}", "options": dict(BUSY)}
        axes.append(
            {
                "device": about["name"],
                "kind": "rotation",
                "unit": "deg",
                "speed": velo,
                "tolerance": 0.05,
                "max_step": 160.0,
                "max_moves_per_min": 200,
                "timeout_s": 4.0,
                **copy.deepcopy(about),
            }
        )
    transpose, fast, slow = _VIEWS[int(draw.integers(len(_VIEWS)))]
    content: dict[str, Any] = {
        "name": f"campaign-{name}",
        "kind": "laue",
        "simulation": False,
        "devices": {**devices, **_common()},
        "axes": axes,
        "goniometer": {"name": name},
        "detector": {
            "device": "camera",
            "shape": [288, 320],
            "origin_mm": [-70.0, -79.75, 71.75],
            "fast": [0.0, 1.0, 0.0],
            "slow": [0.0, 0.0, -1.0],
            "pixel_mm": 0.5,
            "transpose": transpose,
            "flip_fast": fast,
            "flip_slow": slow,
            "exposure_s": [0.05, 5.0],
            "timeout_s": 4.0,
            "max_age_s": LATE_S,
            "saturation": 65535,
            "max_saturated": 0.05,
            "peaks": {"gain": 0.25},
        },
        **_around(budget_s=12.0),
        "laue": {
            "crystal": "Si",
            "target": "pose [001] [110]",
            "beam": "tube-W",
            "tolerance_deg": 0.5,
            "exposures": 10,
            "exposure_s": 0.25,
            "readout_s": 0.05,
        },
    }
    stamp = str(draw.choice(["start", "end"]))
    return Bench(merged(content, changes or {}), shafts, "laue", "long", stamp)


def arpes(seed: int, changes: dict[str, Any] | None = None) -> Bench:
    """Return an ARPES stage with an analyser; conventions are the seed's."""
    draw = np.random.default_rng([seed, 555])
    shafts, axes, devices = {}, [], {}
    for number, name in enumerate(("x", "y"), start=4):
        direction, offset = str(draw.choice(["Pos", "Neg"])), round(float(draw.uniform(-3.0, 3.0)), 3)
        shafts[name] = Shaft(
            f"m{number}",
            direction,
            offset,
            str(draw.choice(["mm", "MM", "millimeter"])),
            1.5,
            0.05,
            1e-4,
            (-1.2, 1.2),
            0.0,
        )
        devices[name] = {"adapter": "epics", "address": f"{PREFIX}m{number}", "options": dict(BUSY)}
        vector = _BEAM if name == "x" else _SIDE
        axes.append(
            {
                "name": name,
                "device": name,
                "kind": "linear",
                "unit": "mm",
                "vector": vector,
                "limits": [-1.0, 1.0],
                "step": 0.0005,
                "speed": 1.5,
                "settle_s": 0.05,
                "tolerance": 0.005,
                "max_step": 2.0,
                "max_moves_per_min": 600,
                "timeout_s": 4.0,
            }
        )
    dwell = {"name": "dwell", "device": "dwell", "kind": "linear", "unit": "s", "vector": [0.0, 0.0, 0.0]}
    axes.append({**dwell, "limits": [0.05, 2.0], "tolerance": 0.001, "max_step": 2.0})
    content: dict[str, Any] = {
        "name": "campaign-arpes",
        "kind": "arpes",
        "simulation": False,
        "devices": {**devices, **_common(), "dwell": {"adapter": "exposure", "address": "camera"}},
        "axes": axes,
        "detector": {
            "device": "camera",
            "shape": [64, 64],
            "energy_ev": [-0.55, 0.15],
            "slit_deg": [-15.0, 15.0],
            "exposure_s": [0.05, 2.0],
            "timeout_s": 4.0,
            "max_age_s": LATE_S,
            "saturation": 1.0e9,
        },
        **_around(budget_s=15.0),
        "arpes": {"beam_time_s": 30.0},
    }
    return Bench(merged(content, changes or {}), shafts, "arpes", "float", "end")


def merged(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with changes put into it; "axes" takes changes by the axis's name, "*" for every motor."""
    made = copy.deepcopy(content)
    for key, value in changes.items():
        if key == "axes":
            for axis in made["axes"]:
                if axis["unit"] != "s":
                    axis.update({**value.get("*", {}), **value.get(axis["name"], {})})
        elif value is None:
            made.pop(key, None)
        else:
            made[key] = (
                merged(made[key], value) if isinstance(value, dict) and isinstance(made.get(key), dict) else value
            )
    return made


def _common() -> dict[str, Any]:
    devices = {
        "camera": f"{PREFIX}det:",
        "shutter": f"{PREFIX}psh:",
        "pulse": f"{PREFIX}ioc:Heartbeat",
        "current": f"{PREFIX}ring:Current",
        "pressure": f"{PREFIX}vac:Pressure",
    }
    return {name: {"adapter": "epics", "address": address, "options": dict(BUSY)} for name, address in devices.items()}


def _around(budget_s: float) -> dict[str, Any]:
    """Return shutter, dose, heartbeat, suspenders and operator, as all instruments of the campaign have them."""
    return {
        "shutter": {"device": "shutter"},
        "dose": {"budget_s": budget_s},
        "heartbeats": [{"name": "ioc", "device": "pulse", "period_s": 0.5, "missed": 6}],
        "suspenders": [
            {"name": "ring", "device": "current", "low": 50.0, "heartbeat": "ioc"},
            {"name": "vacuum", "device": "pressure", "high": 1.0e-6, "heartbeat": "ioc"},
        ],
        "operator": {"deadman_s": 20.0},
    }
