"""The plate to practise on: PlateScan with rendered frames."""

from typing import Any

import numpy as np
from shapely.geometry import Point

from beamgym.envs.options import read_options
from beamgym.envs.plate_scan import EXPOSURE_S, FIRST_EXPOSURE_S, PlateScanOptions, build
from beamgym.envs.task import Truth
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.practice.samples.laue import dark
from beamgym.hardware_bridge.practice.simulated import PracticeSample
from beamgym.physics.laue.simulator import LAUE_READOUT_S

_FILE_OPTIONS = ("material", "crystals", "beam_time_s")


def practice(options: dict[str, Any]) -> PracticeSample:
    """Return a plate on its stage before a Laue camera; the options are those of PlateScan."""
    task, world = build(read_options(PlateScanOptions, {**options, "frames": "rendered"}), 1)

    def inside(truth: Truth) -> dict[str, Any]:
        at = Point(*truth["position_mm"][0])
        return {"inside": any(outline.shape.contains(at) for outline in world.world.outlines())}

    return PracticeSample(task, world, np.zeros(2), inside, FIRST_EXPOSURE_S, LAUE_READOUT_S, EXPOSURE_S, dark)


def practice_options(file: InstrumentFile, level: str) -> dict[str, Any]:
    """Return the options of PlateScan with which it has the instrument of a file."""
    return {**{name: getattr(file.experiment, name) for name in _FILE_OPTIONS}, "level": level}
