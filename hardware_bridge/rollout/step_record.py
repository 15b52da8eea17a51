"""One step of an episode, and the bluesky Readable that puts it into documents.

Every key begins with ``step_``, so that it meets no device's own. Numbers that are not known are null, never NaN: the
documents are JSON.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.task import Observation, TaskCommand, Verdict
from beamgym.hardware_bridge.records import FrameStore
from beamgym.physics.instrument import Frame

Reading = dict[str, dict[str, Any]]

_SHORT = 32
"""Parts of an observation with at most so many numbers are written as they are; all are in its digest."""


@dataclass(frozen=True)
class EpisodeStep:
    """What one step of the episode brought; step 0 is the first exposure, without an action.

    Parameters
    ----------
    number : 0, 1, 2, …
    state : the task's state after it
    frame : the frame held
    observation : what the policy sees next
    command : what was commanded, None for step 0
    action : (a,) what the policy asked for, zeros for step 0
    verdict : what the task says, None for step 0
    costs : of this step, by name
    """

    number: int
    state: Any
    frame: Frame
    observation: Observation
    command: TaskCommand | None
    action: NDArray[np.float32]
    verdict: Verdict | None
    costs: Mapping[str, NDArray[Any]]

    @property
    def declared(self) -> bool:
        """Whether the policy ended the episode with this step."""
        return self.command is not None and bool(self.command.declare[0])

    @property
    def over(self) -> bool:
        """Whether the episode ended with this step, by declaration or by the budget."""
        return self.verdict is not None and bool(self.verdict.terminated[0] or self.verdict.truncated[0])


class StepRecord:
    """Reads as the last step put into it; its image lies in the frame store.

    Parameters
    ----------
    frames : takes the images; None leaves them out
    """

    name = "step"
    parent = None

    def __init__(self, frames: FrameStore | None = None) -> None:
        self.frames = frames
        self._values: dict[str, Any] = {}
        self._time_s = 0.0

    @property
    def hints(self) -> dict[str, list[str]]:
        """What a live table shows."""
        return {"fields": ["step_number", "step_reward"]}

    def put(self, step: EpisodeStep) -> None:
        """Take a step; the next reading is it."""
        self._values, self._time_s = step_values(step), time.time()
        if self.frames is not None and step.frame.image is not None:
            self.frames.put(step.frame.image[0])

    def describe(self) -> Reading:
        """Return the data keys of the step just put."""
        return {name: data_key(value, "beamgym rollout", _unit(name)) for name, value in self._values.items()}

    def read(self) -> Reading:
        """Return the step just put."""
        return {name: {"value": value, "timestamp": self._time_s} for name, value in self._values.items()}


class VerdictRecord:
    """Reads as how the episode ended.

    Parameters
    ----------
    step : the last one
    ending : "declared", "budget spent" or "steps spent"
    """

    name = "verdict"
    parent = None

    def __init__(self, step: EpisodeStep, ending: str) -> None:
        verdict = step.verdict
        metrics = {} if verdict is None else verdict.metrics
        self._values = {
            "verdict_ending": ending,
            "verdict_moves": step.number,
            "verdict_declared": step.declared,
            "verdict_success": verdict is not None and bool(verdict.is_success[0]),
            **{f"verdict_{name}": plain(values[0]) for name, values in metrics.items()},
        }
        self._time_s = time.time()

    @property
    def hints(self) -> dict[str, list[str]]:
        """Nothing of it is for a plot."""
        return {"fields": []}

    def describe(self) -> Reading:
        """Return the data keys."""
        return {
            name: data_key(value, "beamgym task, without truth", _unit(name)) for name, value in self._values.items()
        }

    def read(self) -> Reading:
        """Return the ending."""
        return {name: {"value": value, "timestamp": self._time_s} for name, value in self._values.items()}


def step_values(step: EpisodeStep) -> dict[str, Any]:
    """Return a step as plain numbers, texts and lists by the names they have in documents."""
    command, verdict, state = step.command, step.verdict, step.state
    positions = state.positions[0]
    values: dict[str, Any] = {
        "step_number": step.number,
        "step_action": step.action,
        "step_target": positions if command is None else command.target[0],
        "step_readback": positions,
        "step_declare": step.declared,
        "step_limited": command is not None and bool(command.limited[0]),
        "step_reward": 0.0 if verdict is None else float(verdict.reward[0]),
        "step_terminated": verdict is not None and bool(verdict.terminated[0]),
        "step_truncated": verdict is not None and bool(verdict.truncated[0]),
        "step_success": verdict is not None and bool(verdict.is_success[0]),
        "step_exposure_s": float(step.frame.exposure_s[0]),
        "step_counter": int(step.frame.counter[0]),
        "step_frame_time_s": float(step.frame.time_s[0]),
        **{f"step_cost_{name}": values[0] for name, values in step.costs.items()},
        **_found(step.frame),
        **_seen(step.observation),
    }
    return {name: plain(value) for name, value in values.items()}


def observation_digest(observation: Observation) -> str:
    """Return the SHA-256 of an observation: names, shapes, dtypes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    # In the order of the names: the digest must not depend on who built the dictionary.
    for name in sorted(observation):
        values = np.ascontiguousarray(observation[name])
        digest.update(f"{name} {values.shape} {values.dtype.str}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numbers, texts, lists; what is not finite becomes None."""
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(entry) for entry in np.asarray(value).tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    # NaN is no JSON: documents with it cannot be read by others.
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def data_key(value: Any, source: str, unit: str = "") -> dict[str, Any]:
    """Return the data key of a plain value."""
    kinds: dict[type, str] = {bool: "boolean", int: "integer", str: "string", list: "array"}
    key: dict[str, Any] = {
        "source": source,
        "dtype": kinds.get(type(value), "number"),
        "shape": list(np.shape(value)) if isinstance(value, list) else [],
    }
    return {**key, "units": unit} if unit else key


def _unit(name: str) -> str:
    return next((unit for suffix, unit in (("_s", "s"), ("_deg", "deg"), ("_px", "px")) if name.endswith(suffix)), "")


def _found(frame: Frame) -> dict[str, Any]:
    """Return the spots found, padded with zeros to the length that the finder keeps."""
    if frame.found is None:
        return {}
    peaks, present = frame.found, frame.found.mask[0]
    return {
        "step_found_count": int(peaks.count[0]),
        # Of one length in all events, as bluesky's data keys demand.
        "step_found_px": np.where(present[:, None], peaks.position_px[0], 0.0),
        "step_found_intensity": np.where(present, peaks.intensity[0], 0.0),
    }


def _seen(observation: Observation) -> dict[str, Any]:
    short = {name: values[0] for name, values in observation.items() if values[0].size <= _SHORT}
    return {
        "step_observation_sha256": observation_digest(observation),
        **{f"step_observation_{name}": values.ravel() for name, values in short.items()},
    }
