"""One recorded episode as arrays: what the policy saw, what it did, what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Episode:
    """An episode of T steps.

    Parameters
    ----------
    observations : (T + 1, ...) each part of the observation by its name; row t is what action t was decided on
    actions : (T, a) float32, or (T,) choices
    rewards : (T,)
    terminations, truncations : (T,) bool
    infos : (T + 1, ...) what the instrument did by name, row 0 being the first exposure; see ``INFOS``
    about : what it is an episode of: environment, policy, instrument, ending; texts, numbers, lists of them

    Raises
    ------
    ValueError : arrays whose lengths do not go together
    """

    observations: Mapping[str, NDArray[Any]]
    actions: NDArray[Any]
    rewards: NDArray[np.float64]
    terminations: NDArray[np.bool_]
    truncations: NDArray[np.bool_]
    infos: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.actions.ndim != 2 and not (self.actions.ndim == 1 and self.actions.dtype.kind in "iu"):
            raise ValueError(f"actions have shape {self.actions.shape}; they must be (T, a), or (T,) whole numbers")
        steps = len(self.actions)
        for name in ("rewards", "terminations", "truncations"):
            _check_length(name, getattr(self, name), steps, "T")
        for group in ("observations", "infos"):
            for name, values in getattr(self, group).items():
                _check_length(f"{group}/{name}", values, steps + 1, "T + 1")

    @property
    def steps(self) -> int:
        """T, the number of actions."""
        return len(self.actions)

    @property
    def success(self) -> bool:
        """Whether it succeeded, by what could be seen."""
        return bool(self.about.get("success", False))


INFOS: dict[str, str] = {
    "target": "where the axes were sent, (T + 1, k); row 0 is where they stood",
    "readback": "where they said that they were, (T + 1, k)",
    "declared": "the policy ended the episode with this step",
    "limited": "the move was shortened at the end of an axis's travel",
    "exposure_s": "of the frame, seconds",
    "counter": "of the frame; a declaration without a move repeats the last one",
    "frame_time_s": "unix time at the end of the exposure, NaN where the detector has no clock",
    "found_px": "spots found, (T + 1, p, 2) along fast and slow, 0-based, padded with zeros",
    "found_intensity": "their counts, (T + 1, p)",
    "found_saturated": "they hold full pixels, (T + 1, p)",
    "found_count": "how many of the p are spots, (T + 1,)",
}
"""What ``Episode.infos`` holds; costs are there as ``cost_NAME``. Kinds without spots leave them out."""


def _check_length(name: str, values: NDArray[Any], rows: int, words: str) -> None:
    if len(values) != rows:
        raise ValueError(f"{name} has {len(values)} rows; it must have {words} = {rows}")
