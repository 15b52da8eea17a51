"""Area detectors while an axis turns: frames simulated, spots found over frames, and the reflections that they are."""

from beamgym.physics.diffractometer.sweeps.frames import FrameSettings, sweep_frames
from beamgym.physics.diffractometer.sweeps.geometry import SweepGeometry, spot_reflections
from beamgym.physics.diffractometer.sweeps.indexed import IndexedSweep, free_sweep, index_sweep
from beamgym.physics.diffractometer.sweeps.presets import SWEEP_PRESETS, SweepPreset, sweep_preset
from beamgym.physics.diffractometer.sweeps.spots import SweepSpots, find_sweep_spots

__all__ = [
    "SWEEP_PRESETS",
    "FrameSettings",
    "IndexedSweep",
    "SweepGeometry",
    "SweepPreset",
    "SweepSpots",
    "find_sweep_spots",
    "free_sweep",
    "index_sweep",
    "spot_reflections",
    "sweep_frames",
    "sweep_preset",
]
