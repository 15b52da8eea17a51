"""The steps of a rollout as a recorded episode, for training to read."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.episodes import Episode
from beamgym.hardware_bridge.rollout.step_record import EpisodeStep, plain
from beamgym.physics.instrument import Peaks


def recorded(steps: Sequence[EpisodeStep], about: Mapping[str, Any], failed: bool = False) -> Episode:
    """Return the steps of one rollout as an episode, also of one that broke off.

    Parameters
    ----------
    steps : at least the first exposure
    about : what it is an episode of, as JSON has it
    failed : it broke off, so that it is no success whatever its last verdict says

    Raises
    ------
    ValueError : for no steps
    """
    if not steps:
        raise ValueError("a rollout without its first exposure is no episode")
    later, verdicts = steps[1:], [step.verdict for step in steps[1:]]
    return Episode(
        {name: np.concatenate([step.observation[name] for step in steps]) for name in steps[0].observation},
        np.array([step.action for step in later], dtype=np.float32).reshape(len(later), steps[0].action.size),
        np.array([0.0 if verdict is None else verdict.reward[0] for verdict in verdicts], dtype=np.float64),
        np.array([verdict is not None and verdict.terminated[0] for verdict in verdicts], dtype=np.bool_),
        np.array([verdict is not None and verdict.truncated[0] for verdict in verdicts], dtype=np.bool_),
        _infos(steps),
        {**about, **_verdict(steps[-1], failed)},
    )


def _infos(steps: Sequence[EpisodeStep]) -> dict[str, NDArray[Any]]:
    commands = [step.command for step in steps]
    stood = steps[0].state.positions[0]
    infos: dict[str, NDArray[Any]] = {
        "target": np.array([stood if command is None else command.target[0] for command in commands]),
        "readback": np.array([step.state.positions[0] for step in steps]),
        "declared": np.array([step.declared for step in steps]),
        "limited": np.array([command is not None and bool(command.limited[0]) for command in commands]),
        "exposure_s": np.array([step.frame.exposure_s[0] for step in steps]),
        "counter": np.array([step.frame.counter[0] for step in steps]),
        "frame_time_s": np.array([step.frame.time_s[0] for step in steps]),
    }
    costs = {f"cost_{name}": np.array([step.costs[name][0] for step in steps]) for name in steps[0].costs}
    found = [step.frame.found for step in steps]
    peaks = [one for one in found if one is not None]
    return {**infos, **costs, **(_spots(peaks) if len(peaks) == len(steps) else {})}


def _spots(peaks: Sequence[Peaks]) -> dict[str, NDArray[Any]]:
    """Return the spots found on every frame, padded to the longest list."""
    room = max(one.intensity.shape[1] for one in peaks)

    def padded(values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
        out = np.zeros((room, *values.shape[1:]), dtype=values.dtype)
        out[: len(values)][mask] = values[mask]
        return out

    return {
        "found_px": np.array([padded(one.position_px[0], one.mask[0]) for one in peaks]),
        "found_intensity": np.array([padded(one.intensity[0], one.mask[0]) for one in peaks]),
        "found_saturated": np.array([padded(one.saturated[0], one.mask[0]) for one in peaks]),
        "found_count": np.array([one.count[0] for one in peaks]),
    }


def _verdict(step: EpisodeStep, failed: bool) -> dict[str, Any]:
    if step.verdict is None:
        return {"success": False, "metrics": {}}
    metrics = {name: plain(values[0]) for name, values in step.verdict.metrics.items()}
    return {"success": not failed and bool(step.verdict.is_success[0]), "metrics": metrics}
