"""Where spot lists are written: arrays of one block, and room that is used again."""

import numpy as np

from beamgym.physics.arrays import Float32Array, Int32Array

SpotArrays = tuple[Float32Array, Float32Array, Float32Array, Int32Array]
"""Position, intensity, energy and ray."""

_ROOMS: list[SpotArrays] = []
"""Where the next call writes its lists before they are padded: memory fresh from the system costs more than a list."""

_MOST_ROOMS = 4  # that are kept, for as many threads at once


def spot_arrays(n: int, longest: int) -> SpotArrays:
    """Return position, intensity, energy and ray of n lists, not yet set.

    They are one block of memory: the C library keeps a freed block at hand, and returns four to the system.
    """
    whole = np.empty((5, n, longest), dtype=np.float32)
    return whole[:2].reshape(n, longest, 2), whole[2], whole[3], whole[4].view(np.int32)


def take_room(capacity: int) -> SpotArrays:
    """Return room for so many spots."""
    try:
        kept = _ROOMS.pop()  # at once: another thread finds none and makes its own
    except IndexError:
        kept = None
    if kept is not None and len(kept[1]) >= capacity:
        return kept
    position, intensity, energy, ray = spot_arrays(1, capacity)
    return position[0], intensity[0], energy[0], ray[0]


def keep_rooms(rooms: list[SpotArrays]) -> None:
    """Keep room that is no longer needed for the next call."""
    _ROOMS.extend(rooms[: max(0, _MOST_ROOMS - len(_ROOMS))])
