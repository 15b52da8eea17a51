"""The manipulator to practise on: ArpesAlign, with its seven axes."""

from typing import Any

import numpy as np

from beamgym.envs.arpes_align import ArpesAlignOptions, build
from beamgym.envs.options import read_options
from beamgym.envs.task import Truth
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.practice.samples.arpes import bare, dark
from beamgym.hardware_bridge.practice.simulated import PracticeSample
from beamgym.physics.arpes.aligning import ALIGNING_READOUT_S, FIRST_CUT_S

_FILE_OPTIONS = ("material", "direction", "dispersion", "beam_time_s", "action")


def practice(options: dict[str, Any]) -> PracticeSample:
    """Return a cleaved crystal on its manipulator; the options are those of ArpesAlign."""
    task, world = build(read_options(ArpesAlignOptions, options), 1)

    def inside(truth: Truth) -> dict[str, Any]:
        return {"inside": bool(task.stands(truth)[0])}

    limits = world.axes[6].limits
    return PracticeSample(task, world, np.zeros(6), inside, FIRST_CUT_S, ALIGNING_READOUT_S, limits, dark, bare)


def practice_options(file: InstrumentFile, level: str) -> dict[str, Any]:
    """Return the options of ArpesAlign with which it has the instrument of a file."""
    return {**{name: getattr(file.experiment, name) for name in _FILE_OPTIONS}, "level": level}
