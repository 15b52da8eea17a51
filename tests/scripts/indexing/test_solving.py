"""Finders in turn: what is told where none of them leads to an answer."""

from pathlib import Path

import numpy as np
import pytest

from beamgym.physics.instrument import FrameFailed, Peaks
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import IndexingFailed, MeasuredPattern
from beamgym.physics.laue.indexing.indexing import NotIndexed
from beamgym.scripts.indexing.solving import PictureFailed, Solving

FULL = "7.8 % of the pixels are saturated"


class SecondRefuses:
    """A source whose second finder refuses a saturated picture."""

    def finders(self, path):
        return ("laboratory", "detector")

    def read(self, path, finder):
        if finder == "detector":
            raise FrameFailed(FULL)
        peaks = Peaks(np.zeros((1, 0, 2)), np.zeros((1, 0)), np.zeros(1, dtype=np.int64), np.zeros((1, 0), dtype=bool))
        return MeasuredPattern(peaks), Detector.back_reflection()


@pytest.mark.parametrize(
    ("nearest", "error", "says"),
    [(NotIndexed("12 peaks"), PictureFailed, "chance does as well"), (None, FrameFailed, FULL)],
    ids=["spots were found", "none were"],
)
def test_a_finder_that_refuses_a_picture_does_not_hide_what_another_found(monkeypatch, nearest, error, says):
    def none_fits(self, pattern, panel, source):
        raise IndexingFailed("chance does as well", nearest)

    monkeypatch.setattr(Solving, "cells", none_fits)
    with pytest.raises(error, match=says):
        Solving((), (5.0, 25.0)).picture(SecondRefuses(), Path("a.png"))
