"""The Laue instrument to practise on: LaueAlign with rendered frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.laue_align import LaueAlignOptions, build
from beamgym.envs.options import read_options
from beamgym.envs.task import Truth
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.practice.simulated import PracticeSample
from beamgym.physics.laue.camera import PEDESTAL, READ_NOISE, LaueCamera
from beamgym.physics.laue.simulator import LAUE_READOUT_S

STRAY_SPOTS, STRAY_COUNTS = 12, 4000.0
"""Without the crystal there is the diffuse background, and a few spots of the grains of its holder, in counts each."""

_FILE_OPTIONS = ("crystal", "target", "beam", "tolerance_deg", "max_rotation_deg", "action", "exposures")


def practice(options: dict[str, Any]) -> PracticeSample:
    """Return a crystal before its camera; the options are those of LaueAlign."""
    task, world = build(read_options(LaueAlignOptions, {**options, "frames": "rendered"}), 1, False)
    known = task.context

    def inside(truth: Truth) -> dict[str, Any]:
        goals = known.target.reachable(known.goniometer, truth["mount"])
        error = known.target.error_deg(truth["orientation"], goals if goals.any() else np.ones_like(goals))
        return {
            "misorientation_deg": float(error[0]),
            "tolerance_deg": known.tolerance_deg,
            "inside": bool(error[0] <= known.tolerance_deg and goals.any()),
        }

    camera = LaueCamera(known.detector)

    def bare(counter: int, shape: tuple[int, int], seconds: float) -> NDArray[Any]:
        rng = np.random.default_rng(counter)
        stray = rng.uniform(5.0, np.array(shape[::-1]) - 6.0, (1, STRAY_SPOTS, 2)).astype(np.float32)
        counts = np.full((1, STRAY_SPOTS), STRAY_COUNTS, dtype=np.float32)
        keys = np.array([counter], dtype=np.uint64)
        images: NDArray[Any] = camera.expose(stray, counts, np.array([STRAY_SPOTS]), seconds, keys)
        return np.array(images[0])

    home, first_s = world.context.goniometer.home(), task.settings.of_all
    return PracticeSample(task, world, home, inside, first_s, LAUE_READOUT_S, dark=dark, bare=bare)


def practice_options(file: InstrumentFile, level: str) -> dict[str, Any]:
    """Return the options of LaueAlign with which it has the instrument of a file."""
    options = {name: getattr(file.experiment, name) for name in _FILE_OPTIONS}
    if options["action"] == "decisions":
        options["action"] = "rotation"  # what is chosen is the policy's affair, and no property of the instrument
    return {**options, "goniometer": file.build_goniometer(), "detector": file.detector_geometry(), "level": level}


def dark(counter: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Return the camera's frame without light: pedestal and read noise, uint16."""
    noise = np.random.default_rng(counter).normal(PEDESTAL, READ_NOISE, shape)
    return np.maximum(np.rint(noise), 0.0).astype(np.uint16)
