"""A whole instrument of plain-Python devices with faults, and a guard over it."""

import contextlib
import copy
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan
from beamgym.hardware_bridge.instrument_file.load import parse_instrument
from beamgym.hardware_bridge.records.audit import AuditLog
from rigs.faulty import Camera, Clock, Exposure, Motor, Shutter, Signal
from rigs.guarded import Guarded, left_out

ARPES: dict[str, Any] = {
    "name": "rig",
    "kind": "arpes",
    "devices": {
        **{name: {"adapter": "object", "address": name} for name in
           ("x", "y", "camera", "shutter", "beat", "current", "filter")},
        "dwell": {"adapter": "exposure", "address": "camera"},
    },
    "axes": [
        {"name": name, "device": name, "kind": "linear", "unit": "mm", "vector": vector, "limits": [-1.0, 1.0],
         "speed": 100.0, "tolerance": 0.01, "max_step": 1.5, "timeout_s": 20.0}
        for name, vector in (("x", [1.0, 0.0, 0.0]), ("y", [0.0, 1.0, 0.0]))
    ]
    + [{"name": "dwell", "device": "dwell", "kind": "linear", "unit": "s", "vector": [0.0, 0.0, 0.0],
        "limits": [0.01, 1.0], "tolerance": 0.001, "max_step": 1.0}],
    "detector": {"device": "camera", "shape": [8, 6], "energy_ev": [-0.5, 0.1], "slit_deg": [-10.0, 10.0],
                 "exposure_s": [0.01, 1.0], "timeout_s": 20.0, "saturation": 60000.0, "max_saturated": 0.1},
    "shutter": {"device": "shutter"},
    "attenuator": {"device": "filter", "high": 0.1},
    "dose": {"budget_s": 5.0},
    "heartbeats": [{"name": "server", "device": "beat", "period_s": 0.05, "missed": 20}],
    "suspenders": [{"name": "beam", "device": "current", "low": 10.0, "heartbeat": "server"}],
    "operator": {"deadman_s": 60.0},
    "arpes": {"beam_time_s": 100.0},
}  # fmt: skip


class Rig(Guarded):
    """Devices, file, log and guard of one test; the policy's silence is counted by ``clock``, which stands.

    Parameters
    ----------
    folder : for the audit log
    changes : to the instrument file
    motor : class of the motors
    items : guard items that are left out while the guard is armed
    """

    def __init__(self, folder: Path, changes: dict[str, Any], motor: type[Motor], items: tuple[int, ...]) -> None:
        super().__init__(parse_instrument({**copy.deepcopy(ARPES), **changes}), folder, items)
        self.x, self.y = motor("x"), motor("y")
        self.camera, self.shutter = Camera(), Shutter()
        beats = itertools.count()
        self.beat, self.current = Signal("beat", lambda: next(beats)), Signal("current", 200.0)
        self.filter = Signal("filter", 0.02)
        self.identity: Signal | None = None
        self.clock = Clock()
        self.deadman = DeadMan(self.clock)
        self.audit = AuditLog(self.log)

    def devices(self) -> Any:
        """Return the devices as ``connect`` does."""
        return SimpleNamespace(
            axes={"x": self.x, "y": self.y, "dwell": Exposure(self.camera)},
            detector=self.camera,
            shutter=self.shutter,
            heartbeats={"server": self.beat},
            suspenders={"beam": self.current},
            attenuator=self.filter,
            identity=self.identity,
        )

    def make(self, **options: Any) -> Guard:
        """Make the guard, without arming it."""
        return self.guarded(self.devices(), self.audit, **{"watch_s": 0.03, "keep_trying_s": 60.0, **options})

    @contextlib.asynccontextmanager
    async def armed(self, **options: Any) -> AsyncIterator[Guard]:
        """Make the guard, arm it, and close it at the end."""
        with left_out(*self.items):
            async with self.closing(self.make(**options)) as guard:
                yield guard
