"""From the environment's own observation to what the model saw, as torch modules whose memory goes in and out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.spaces.utils import flatten_space
from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize, VecTransposeImage
from torch import Tensor, nn

from beamgym.agents.decisions.wrappers import FLATTEN, Passed
from beamgym.envs.bundles import named_spaces

Parts = dict[str, Tensor]


class WrapperChain(nn.Module):
    """Every wrapper that an observation passes, in its order, and SB3's moving of an image's channel at the end.

    Parameters
    ----------
    passed : as of ``passed_wrappers``
    raw : the environment's own observation space
    wanted : the model's

    Attributes
    ----------
    memory : space of each remembered part by name, zero at the beginning of an episode

    Raises
    ------
    ValueError : the wrappers do not lead from the one space to the other
    """

    def __init__(self, passed: Passed, raw: spaces.Space[Any], wanted: spaces.Space[Any]) -> None:
        super().__init__()
        steps = [_step(source, raw) for source in passed]
        self.steps = nn.ModuleList([step for step in steps if step is not None])
        self.memory: dict[str, spaces.Box] = {}
        for step in self.steps:
            self.memory |= getattr(step, "memory", {})
        last = next((source.observation_space for source in reversed(passed) if source != FLATTEN), None)
        space = last or (flatten_space(raw) if FLATTEN in passed else raw)
        self.channel_last = _channel_last(named_spaces(space), named_spaces(wanted))

    def forward(self, observation: Mapping[str, Tensor], memory: Mapping[str, Tensor]) -> tuple[Parts, Parts]:
        """Return what the model sees, by name, and the memory after it."""
        parts, after = dict(observation), dict[str, Tensor]()
        for step in self.steps:
            parts, kept = step(parts, memory)
            after |= kept
        for name in self.channel_last:
            parts[name] = parts[name].permute(0, 3, 1, 2)
        return parts, after


class _Flatten(nn.Module):
    """Gymnasium's FlattenObservation of a Dict of Boxes."""

    def __init__(self, raw: spaces.Space[Any]) -> None:
        super().__init__()
        self.names = list(named_spaces(raw))

    def forward(self, parts: Parts, memory: Mapping[str, Tensor]) -> tuple[Parts, Parts]:
        rows = [parts[name].flatten(1).float() for name in self.names]
        return {"observation": torch.cat(rows, dim=1)}, {}


class _Normalise(nn.Module):
    """VecNormalize's (x - mean) / sqrt(variance + epsilon), clipped, in double precision as numpy does it there."""

    def __init__(self, source: VecNormalize) -> None:
        super().__init__()
        statistics: Any = source.obs_rms
        keyed = statistics if isinstance(statistics, dict) else {"observation": statistics}
        self.clip, self.names = float(source.clip_obs), list(source.norm_obs_keys or keyed)
        for name in self.names:
            mean, variance = (np.array(values, dtype=np.float64) for values in (keyed[name].mean, keyed[name].var))
            self.register_buffer(f"mean_{name}", torch.from_numpy(mean))
            self.register_buffer(f"scale_{name}", torch.from_numpy(np.sqrt(variance + source.epsilon)))

    def forward(self, parts: Parts, memory: Mapping[str, Tensor]) -> tuple[Parts, Parts]:
        out = dict(parts)
        for name in self.names:
            mean, scale = getattr(self, f"mean_{name}"), getattr(self, f"scale_{name}")
            out[name] = ((parts[name].double() - mean) / scale).clamp(-self.clip, self.clip).float()
        return out, {}


class _Stack(nn.Module):
    """VecFrameStack: the last frames beside each other along the axis that SB3 chose, zeros before the first."""

    def __init__(self, source: VecFrameStack) -> None:
        super().__init__()
        stacked: Any = source.stacked_obs
        parts = getattr(stacked, "sub_stacked_observations", {"observation": stacked})
        self.axes = {name: 1 if part.channels_first else -1 for name, part in parts.items()}
        self.frames = int(stacked.n_stack)
        self.memory = {f"frames_{name}": _kept(part, self.frames) for name, part in parts.items() if self.frames > 1}

    def forward(self, parts: Parts, memory: Mapping[str, Tensor]) -> tuple[Parts, Parts]:
        if self.frames == 1:
            return parts, {}
        out, kept = dict(parts), dict[str, Tensor]()
        for name, axis in self.axes.items():
            before = memory[f"frames_{name}"]
            out[name] = torch.cat([before, parts[name]], dim=axis)
            width = parts[name].shape[axis]
            kept[f"frames_{name}"] = out[name].narrow(axis, width, before.shape[axis])
        return out, kept


def _kept(part: Any, frames: int) -> spaces.Box:
    """Return the space of all frames of a stack but the newest."""
    shape, at = list(part.observation_space.shape), 0 if part.channels_first else -1
    shape[at] *= frames - 1
    if part.observation_space.dtype == np.uint8:
        return spaces.Box(0, 255, tuple(shape), np.uint8)
    return spaces.Box(-np.inf, np.inf, tuple(shape), np.float32)


class _ChannelFirst(nn.Module):
    """VecTransposeImage."""

    def __init__(self, source: VecTransposeImage) -> None:
        super().__init__()
        self.names = list(getattr(source, "image_space_keys", None) or ["observation"])
        self.skip = bool(source.skip)

    def forward(self, parts: Parts, memory: Mapping[str, Tensor]) -> tuple[Parts, Parts]:
        moved = {} if self.skip else {name: parts[name].permute(0, 3, 1, 2) for name in self.names}
        return {**parts, **moved}, {}


def _step(source: Any, raw: spaces.Space[Any]) -> nn.Module | None:
    if source == FLATTEN:
        return _Flatten(raw)
    if isinstance(source, VecNormalize):
        return _Normalise(source) if source.norm_obs else None
    return _Stack(source) if isinstance(source, VecFrameStack) else _ChannelFirst(source)


def _channel_last(given: Mapping[str, spaces.Space[Any]], wanted: Mapping[str, spaces.Space[Any]]) -> list[str]:
    """Return the names of images whose channel SB3 moves by itself; raises ValueError where anything else differs."""
    moved = []
    for name, space in wanted.items():
        found = given[name].shape if name in given else None
        if found == space.shape:
            continue
        if found is None or len(found) != 3 or space.shape != (found[2], *found[:2]):
            raise ValueError(
                f"the model sees {name!r} as {space.shape}, the environment gives {found}; give the model the "
                "environment that it was trained in, with its wrappers: model.set_env(env)"
            )
        moved.append(name)
    return moved
