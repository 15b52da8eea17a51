"""The simulated sample behind the practice instrument: the very world that an environment of the same seed has.

Motors tell it where they went, turning points included, because its axes have backlash. What several motors did
between two exposures is handed on as one move, as an environment does, so that clocks and noise agree with it.
"""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.loop import EpisodeKeys, checked_seed
from beamgym.envs.options import read_options
from beamgym.physics.instrument import AcquireSettings, Axis, Float64Array
from beamgym.physics.laue.camera import PEDESTAL, READ_NOISE

Kind = Literal["laue", "arpes"]
KINDS: tuple[Kind, ...] = ("laue", "arpes")
_ONE = np.ones(1, dtype=np.bool_)
_SHORTEST_EXPOSURE_S, _LONGEST_EXPOSURE_S = 1e-3, 3600.0


class EmulatedSample:
    """A crystal or a cleaved surface in its instrument, as an environment's World with n = 1.

    Parameters
    ----------
    kind : "laue" (LaueAlign with rendered frames) or "arpes" (ArpesSpot)
    options : of that environment, such as level, crystal, goniometer, target, stage

    Raises
    ------
    ValueError, TypeError : an unknown kind or option
    """

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown instrument {kind!r}; choose one of {', '.join(KINDS)}")
        self.kind = kind
        self.task: Any
        self.world: Any
        if kind == "laue":
            self._build_laue(options)
        else:
            self._build_arpes(options)
        self.axes: tuple[Axis, ...] = self.world.axes[: len(self.home)]
        self.seed, self.history = 0, list[list[Any]]()
        self._stands, self._dwell, self.moved = self.home.copy(), self.exposure_s, dict[int, float]()
        self.shape: tuple[int, int] = self._rehearse()

    # Only the physics that is asked for is imported: an instrument is to be up in seconds.
    def _build_laue(self, options: dict[str, Any]) -> None:
        from beamgym.envs.laue_align import LaueAlignOptions, build
        from beamgym.physics.laue.simulator import READOUT_S

        self.task, self.world = build(read_options(LaueAlignOptions, {**options, "frames": "rendered"}), 1, False)
        self.home: Float64Array = self.world.context.goniometer.home()
        self.exposure_s, self.readout_s = float(self.task.settings.exposure_s), READOUT_S
        self.exposure_limits_s: tuple[float, float] = (_SHORTEST_EXPOSURE_S, _LONGEST_EXPOSURE_S)

    def _build_arpes(self, options: dict[str, Any]) -> None:
        from beamgym.envs.arpes_spot import ArpesSpotOptions, build
        from beamgym.physics.arpes.simulator import READOUT_S
        from beamgym.physics.arpes.stage import stage

        # an EPICS camera is triggered when the motors stand
        standing = replace(stage(options.get("stage", "stepper")), overlap=False)
        self.task, self.world = build(read_options(ArpesSpotOptions, {**options, "stage": standing}), 1)
        self.home = np.clip(0.0, *self.world.context.stage.limits_mm.T)
        self.exposure_s, self.readout_s = float(self.world.positions()[0, 2]), READOUT_S
        self.exposure_limits_s = self.world.context.stage.dwell_s

    def _rehearse(self) -> tuple[int, int]:
        """Do everything once, so that kernels are compiled before anybody waits; returns a frame's shape."""
        self.reset(0)
        self.carry(0, float(self.home[0]))
        image = self.expose(self.exposure_s)
        self.readback_noise()
        self.truth()
        return image.shape[0], image.shape[1]

    def reset(self, seed: int) -> None:
        """Mount the sample with which the first episode of a seed begins; the motors are at home then."""
        keys = EpisodeKeys(1)
        keys.reseed([checked_seed(seed)], np.random.default_rng)
        self.world.reset(keys.next(_ONE), _ONE)
        self.seed, self.history = int(seed), []
        self._stands, self._dwell, self.moved = self.home.copy(), self.exposure_s, {}

    def restore(self, seed: int, history: list[list[Any]], moved: dict[int, float]) -> None:
        """Bring a seed's sample to where its history, and the moves not yet in it, had brought it."""
        self.reset(seed)
        for what, value in history:
            if what == "go":
                self._go(np.array(value))
            else:
                self.expose(value)
        self.moved = dict(moved)

    def carry(self, axis: int, dial: float) -> None:
        """Take note that a motor has arrived at, or turned round at, a dial position."""
        if axis in self.moved:
            self.settle()
        self.moved[axis] = dial

    def settle(self) -> None:
        """Hand what the motors did since the last exposure to the world, as one move."""
        if self.moved:
            target = self._stands.copy()
            for axis, dial in self.moved.items():
                target[axis] = dial
            self.moved = {}
            self._go(np.append(target, self._dwell)[: len(self.world.axes)])

    def expose(self, seconds: float) -> NDArray[Any]:
        """Take one frame (slow, fast); uint16 counts for Laue, float32 counts for ARPES."""
        if self.kind == "arpes" and seconds != self._dwell:
            self.moved.setdefault(0, float(self._stands[0]))
            self._dwell = seconds
        self.settle()
        frame = self.world.acquire(AcquireSettings(exposure_s=seconds), _ONE)
        self.history.append(["expose", seconds])
        image: NDArray[Any] = np.asarray(frame.image)[0]
        return image

    def dark(self, counter: int) -> NDArray[Any]:
        """Return a frame (slow, fast) without light."""
        if self.kind == "arpes":
            return np.zeros(self.shape, dtype=np.float32)
        noise = np.random.default_rng(counter).normal(PEDESTAL, READ_NOISE, self.shape)
        return np.maximum(np.rint(noise), 0.0).astype(np.uint16)

    def readback_noise(self) -> Float64Array:
        """Return what the encoders now read beyond the motors' counts, (k,)."""
        noise: Float64Array = self.world.positions()[0, : len(self.axes)] - self._stands
        return noise

    def truth(self) -> dict[str, Any]:
        """Return what no instrument knows, as plain numbers and lists; see ``World.truth``.

        Beside the world's own truth: "inside" (the pose or place now held would count as success) and, for Laue,
        "misorientation_deg" and "tolerance_deg".
        """
        self.settle()
        truth = self.world.truth()
        plain = {name: values[0].tolist() for name, values in truth.items()}
        if self.kind == "arpes":
            return {**plain, "inside": bool(truth["place_score"][0] >= truth["threshold"][0])}
        known = self.task.context
        goals = known.target.reachable(known.goniometer, truth["mount"])
        error = known.target.error_deg(truth["orientation"], goals if goals.any() else np.ones_like(goals))
        inside = bool(error[0] <= known.tolerance_deg and goals.any())
        return {
            **plain,
            "misorientation_deg": float(error[0]),
            "tolerance_deg": known.tolerance_deg,
            "inside": inside,
        }

    def _go(self, target: Float64Array) -> None:
        self.world.move(target[None], _ONE)
        self.history.append(["go", target.tolist()])
        self._stands = target[: len(self.home)].copy()
        if self.kind == "arpes":
            self._dwell = float(target[-1])
