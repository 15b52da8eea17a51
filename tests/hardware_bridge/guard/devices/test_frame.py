"""The frame that tasks get of a raw array: its spots have one length, whatever is found."""

import numpy as np
import pytest

from beamgym.hardware_bridge.guard.devices.frame import spot_finder
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument


def drawn(spots):
    """A panel with noise and some bright spots."""
    image = np.random.default_rng(3).normal(100.0, 3.0, (512, 512))
    for i in range(spots):
        image[40 + 30 * i : 43 + 30 * i, 60:63] += 4000.0
    return image.astype(np.uint16)[None]


@pytest.mark.parametrize("hardware", [True, False])
def test_frames_with_few_and_with_many_spots_are_of_one_length(hardware):
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    find = spot_finder(file.model_copy(update={"simulation": not hardware}))
    few, many = find(drawn(2)), find(drawn(12))
    assert few.count[0] < many.count[0]
    assert few.position_px.shape == many.position_px.shape == (1, file.detector.peaks.max_peaks, 2)
    assert few.intensity.shape == many.saturated.shape == (1, file.detector.peaks.max_peaks)
    assert not few.intensity[0, few.count[0] :].any()
