"""What is observed at a diffractometer: the last scan, what was found, what it says of UB, axes and beam time."""

from typing import Final

import numpy as np
from gymnasium import spaces

from beamgym.envs.diffractometer_align.belief import Belief
from beamgym.envs.diffractometer_align.context import MACROS, MOST_CHOICES, DiffractometerContext
from beamgym.envs.diffractometer_align.state import AlignScanState
from beamgym.envs.task import Observation
from beamgym.physics.diffractometer.scans import POINTS, largest_peak
from beamgym.physics.instrument import Float64Array

PEAK_ROWS: Final = 8
_LARGEST_RATE, _LARGEST_DEG, _MOST_PEAKS = 6.0, 1.0, 16.0

ALIGN_SCAN_UNITS: Final = {
    "scan": "log10(1 + counts per second) / 6 of every point of the last scan; 0 behind its last point",
    "last": "which macro it was (4, one hot); significance of its largest peak / 50, at most 1; place of that peak in "
    "the scan, 0 to 1; whether a centring ended on a reflection; peaks waiting to be centred / 4",
    "peaks": "the last 8 centred reflections: present, positions in the travel, log10(1 + counts · degrees per second) "
    "/ 6",
    "candidates": "probabilities of the first four orientations and of none of them; whether one is decided; its "
    "stated error / 1 degree, 1 where there is none; centred reflections / 16; cones to look along / 4; whether an "
    "orientation came with the crystal",
    "looks": "the four best places to look at: present, positions in the travel, bits",
    "cones": "the four best cones about the strongest reflection: chance that another one is found along it, and "
    "seconds that this takes / 1000, at most 1; zeros for none",
    "axes": "positions in the travel, -1 to 1",
    "budget": "beam time left / budget",
}


class AlignScanView:
    """Encodes observations.

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: DiffractometerContext) -> None:
        self.context = context
        k = len(context.instrument.axes)
        row = np.array([0.0, *[-1.0] * k, 0.0], np.float32)

        def box(low: object, size: int) -> spaces.Box:
            return spaces.Box(np.broadcast_to(np.asarray(low, np.float32), (size,)), np.ones(size, np.float32))

        self.space = spaces.Dict(
            {
                "scan": box(0.0, POINTS),
                "last": box(0.0, len(MACROS) + 4),
                "peaks": box(np.tile(row, PEAK_ROWS), PEAK_ROWS * (k + 2)),
                "candidates": box(0.0, MOST_CHOICES + 6),
                "looks": box(np.tile(row, MOST_CHOICES), MOST_CHOICES * (k + 2)),
                "cones": box(0.0, MOST_CHOICES * 2),
                "axes": box(-1.0, k),
                "budget": box(0.0, 1),
            }
        )

    def encode(self, state: AlignScanState) -> Observation:
        """Return the observation, as fresh arrays."""
        frame = state.frame
        rate = frame.counts / np.maximum(frame.count_s, 1e-9) * (frame.count_s > 0.0)
        left = 1.0 - state.spent_s / self.context.beam_time_s
        rows = range(len(state.beliefs))
        observed = {
            "scan": np.log10(1.0 + rate) / _LARGEST_RATE,
            "last": np.stack([self._last(state, row) for row in rows]),
            "peaks": np.stack([self._peaks(state.beliefs[row]) for row in rows]),
            "candidates": np.stack([self._candidates(state.beliefs[row]) for row in rows]),
            "looks": np.stack([self._looks(state.beliefs[row]) for row in rows]),
            "cones": np.stack([_cones(state.beliefs[row]) for row in rows]),
            "axes": self.context.fractions(state.positions),
            "budget": left[:, None],
        }
        spaces_of = self.space.spaces
        return {
            name: np.clip(values, spaces_of[name].low, spaces_of[name].high).astype(np.float32)  # type: ignore[attr-defined]
            for name, values in observed.items()
        }

    def _last(self, state: AlignScanState, row: int) -> Float64Array:
        out = np.zeros(len(MACROS) + 4)
        frame, points = state.frame, int(state.frame.points[row])
        if state.what[row] >= 0:
            out[state.what[row]] = 1.0
        if points > 1:
            peak = largest_peak(frame.counts[row, :points], frame.count_s[row, :points])
            out[-4], out[-3] = min(peak.significance / 50.0, 1.0), peak.middle / (points - 1)
        out[-2] = float(frame.on_peak[row])
        out[-1] = len(state.beliefs[row].pending) / MOST_CHOICES
        return out

    def _peaks(self, belief: Belief) -> Float64Array:
        k = len(self.context.instrument.axes)
        out = np.tile([0.0, *[-1.0] * k, 0.0], (PEAK_ROWS, 1))
        last = belief.centred[-PEAK_ROWS:]
        out[: len(last), 0] = 1.0
        out[: len(last), 1:-1] = self.context.fractions(last)
        out[: len(last), -1] = np.log10(1.0 + belief.intensity[-PEAK_ROWS:]) / _LARGEST_RATE
        return out.ravel()

    def _candidates(self, belief: Belief) -> Float64Array:
        error = min(belief.error_deg, _LARGEST_DEG) / _LARGEST_DEG
        more = [
            float(belief.decided),
            error,
            len(belief.centred) / _MOST_PEAKS,
            len(belief.cones) / MOST_CHOICES,
            float(belief.prior_u is not None),
        ]
        return np.array([*belief.probabilities, *more])

    def _looks(self, belief: Belief) -> Float64Array:
        k = len(self.context.instrument.axes)
        out = np.tile([0.0, *[-1.0] * k, 0.0], (MOST_CHOICES, 1))
        places = belief.looks[:MOST_CHOICES]
        if len(places):
            out[: len(places), 0] = 1.0
            out[: len(places), 1:-1] = self.context.fractions(places)
            out[: len(places), -1] = belief.bits[: len(places)]
        return out.ravel()


def _cones(belief: Belief) -> Float64Array:
    out = np.zeros((MOST_CHOICES, 2))
    for place, cone in enumerate(belief.cones[:MOST_CHOICES]):
        out[place] = cone.chance, min(cone.seconds / 1000.0, 1.0)
    return out.ravel()
