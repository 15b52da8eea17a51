"""The ARPES instrument to practise on: ArpesSpot, whose stage stands while it exposes."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.arpes_spot import ArpesSpotOptions, build
from beamgym.envs.options import read_options
from beamgym.envs.task import Truth
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.practice.simulated import PracticeSample
from beamgym.physics.arpes.simulator import ARPES_READOUT_S
from beamgym.physics.arpes.stage import stage

_FILE_OPTIONS = ("stage", "beam_time_s", "action", "max_step_mm")


def practice(options: dict[str, Any]) -> PracticeSample:
    """Return a cleaved surface on its stage; the options are those of ArpesSpot."""
    # an EPICS camera is triggered when the motors stand
    standing = replace(stage(options.get("stage", "stepper")), overlap=False)
    task, world = build(read_options(ArpesSpotOptions, {**options, "stage": standing}), 1)
    home = np.clip(0.0, *world.context.stage.limits_mm.T)
    first_s = float(world.positions()[0, 2])
    return PracticeSample(task, world, home, _inside, first_s, ARPES_READOUT_S, world.context.stage.dwell_s, dark, bare)


def practice_options(file: InstrumentFile, level: str) -> dict[str, Any]:
    """Return the options of ArpesSpot with which it has the instrument of a file."""
    options = {name: getattr(file.experiment, name) for name in _FILE_OPTIONS}
    return {**options, "level": level, "size": file.detector.shape[0]}


def dark(counter: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Return the analyser's frame without light: no electrons, float32."""
    return np.zeros(shape, dtype=np.float32)


def bare(counter: int, shape: tuple[int, int], seconds: float) -> NDArray[Any]:
    """Return the analyser's frame beside the sample: stray electrons, one a second and pixel, float32."""
    return np.random.default_rng(counter).poisson(seconds, shape).astype(np.float32)


def _inside(truth: Truth) -> dict[str, Any]:
    return {"inside": bool(truth["place_score"][0] >= truth["threshold"][0])}
