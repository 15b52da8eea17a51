"""A space as a manifest describes it: a Box, or a choice among whole numbers."""

from typing import Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Bound = float | list[float]


class SpaceSpec(BaseModel):
    """A Box: shape, dtype and bounds; a bound is one number where it is the same everywhere.

    Discrete and MultiDiscrete are those whose dtype is int64: ``low`` and ``high`` are the first and last choice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: tuple[int, ...]
    dtype: Literal["float32", "uint8", "int64"]
    low: Bound
    high: Bound

    @classmethod
    def of(cls, space: spaces.Space[Any]) -> "SpaceSpec":
        """Describe a space; raises ValueError for another one, or a Box that is neither float32 nor uint8."""
        choices = _choices(space)
        if choices is not None:
            return cls(shape=choices[0].shape, dtype="int64", low=_bound(choices[0]), high=_bound(choices[1]))
        if not isinstance(space, spaces.Box):
            raise ValueError(f"a bundle holds Box, Discrete and MultiDiscrete spaces, found {type(space).__name__}")
        if str(space.dtype) not in ("float32", "uint8"):
            raise ValueError(f"a bundle holds float32 and uint8 spaces only, found {space.dtype}")
        dtype: Any = str(space.dtype)
        return cls(shape=space.shape, dtype=dtype, low=_bound(space.low), high=_bound(space.high))

    @property
    def discrete(self) -> bool:
        """Whether it is a choice among whole numbers."""
        return self.dtype == "int64"

    def bounds(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the lower and the upper bound as arrays that broadcast to (n, *shape)."""
        dtype = np.int64 if self.discrete else np.float32
        low, high = (
            np.asarray(limit, dtype=dtype).reshape(self.shape if isinstance(limit, list) else ())
            for limit in (self.low, self.high)
        )
        return low, high

    def difference(self, space: spaces.Space[Any]) -> str:
        """Return in words how another space differs from this one, or an empty string."""
        found: Any = _choices(space)
        low, high = found or (getattr(space, "low", None), getattr(space, "high", None))
        wanted = "a choice" if self.discrete else "a Box"
        if (found is not None) != self.discrete or low is None:
            return f"is a {type(space).__name__}, the bundle needs {wanted}"
        if space.shape != self.shape:
            return f"has shape {space.shape}, the bundle needs {self.shape}"
        if not self.discrete and str(space.dtype) != self.dtype:
            return f"has dtype {space.dtype}, the bundle needs {self.dtype}"
        for name, bound, here in (("lower", self.low, low), ("upper", self.high, high)):
            if not np.allclose(np.ravel(np.asarray(here)), np.asarray(bound, dtype=np.float64), rtol=1e-6, atol=1e-6):
                return f"has other {name} bounds than the bundle"
        return ""


def scale_of(space: SpaceSpec) -> float:
    """Return the size of an action by which tolerances grow: its largest finite bound, at least 1."""
    bounds = np.abs(np.concatenate([np.ravel(space.low), np.ravel(space.high)]))
    return float(max(1.0, bounds[np.isfinite(bounds)].max(initial=1.0)))


def named_spaces(space: spaces.Space[Any]) -> dict[str, spaces.Space[Any]]:
    """Return the parts of a Dict by name; any other space is one part named "observation"."""
    return dict(space.spaces) if isinstance(space, spaces.Dict) else {"observation": space}


def _choices(space: spaces.Space[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the first and the last choice of a space; None where it is no choice."""
    if isinstance(space, spaces.Discrete):
        return np.array(space.start, np.int64), np.array(space.start + space.n - 1, np.int64)
    if isinstance(space, spaces.MultiDiscrete):
        start = np.asarray(space.start, np.int64)
        return start, start + np.asarray(space.nvec, np.int64) - 1
    return None


def _bound(values: Any) -> Bound:
    flat = np.ravel(values).astype(np.float64)
    return float(flat[0]) if (flat == flat[0]).all() else [float(value) for value in flat]
