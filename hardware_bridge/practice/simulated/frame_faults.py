"""Which frame a camera hands over, where a fault makes it another one than it took."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from beamgym.hardware_bridge.practice.simulated.beam_state import SPOILERS, ServedFrame

OTHER_EXPOSURE = 20.0
"""By this factor another client sets the exposure time."""

REMEMBERED = 9
"""So many frames back an earlier one may be that is served again."""


class FrameFaults:
    """Hands over frames, of which it remembers the last ones.

    Parameters
    ----------
    has_fault : whether a fault of that name is set
    first : what the camera holds before its first exposure
    """

    def __init__(self, has_fault: Callable[[str], bool], first: ServedFrame) -> None:
        self._has_fault = has_fault
        self._taken: deque[ServedFrame] = deque([first], maxlen=REMEMBERED)

    def handed_over(self, shown: ServedFrame, taken: ServedFrame) -> ServedFrame:
        """Return what is shown after an exposure.

        Parameters
        ----------
        shown : what was shown before it
        taken : its own frame
        """
        for name, spoil in SPOILERS.items():
            taken = replace(taken, image=spoil(taken.image)) if self._has_fault(name) else taken
        for name, other in _OTHERS.items():
            if self._has_fault(name):
                handed = other(list(self._taken), shown, taken)
                break
        else:
            handed = taken
        self._taken.append(taken)
        return handed


Earlier = Sequence[ServedFrame]


def _stale(earlier: Earlier, shown: ServedFrame, taken: ServedFrame) -> ServedFrame:
    return replace(shown, counter=taken.counter)


def _behind(earlier: Earlier, shown: ServedFrame, taken: ServedFrame) -> ServedFrame:
    return replace(earlier[-1], counter=taken.counter)


def _lagging(earlier: Earlier, shown: ServedFrame, taken: ServedFrame) -> ServedFrame:
    return replace(earlier[-1], time_s=taken.time_s)


def _turned(earlier: Earlier, shown: ServedFrame, taken: ServedFrame) -> ServedFrame:
    image = shown.image
    return replace(taken, image=np.ascontiguousarray(image.T if len({*image.shape}) == 1 else image[::-1]))


def _changed(earlier: Earlier, shown: ServedFrame, taken: ServedFrame) -> ServedFrame:
    image = shown.image.copy()
    image[image.shape[0] // 2, image.shape[1] // 3] += 1
    return replace(taken, image=image)


def _earlier(earlier: Earlier, shown: ServedFrame, taken: ServedFrame) -> ServedFrame:
    # The oldest that was exposed: a camera with a ring of buffers comes round to it.
    exposed = [frame for frame in earlier if frame.counter] or list(earlier)
    return replace(taken, image=exposed[0].image)


_OTHERS: dict[str, Callable[[Earlier, ServedFrame, ServedFrame], ServedFrame]] = {
    "stale_frame": _stale,
    "one_behind": _behind,
    "lagging_plugin": _lagging,
    "turned_frame": _turned,
    "changed_pixel": _changed,
    "earlier_frame": _earlier,
}
"""What faults of these names hand over instead of the frame that was taken."""
