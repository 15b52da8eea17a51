"""The published patch and the measured line, where their files are."""

import os
from pathlib import Path

import numpy as np
import pytest

from beamgym.physics.bands.files import read_cube
from beamgym.scripts.bands_suite.cases import PATCH, folder, line_case, patch_case, patch_truth

DATA = Path(os.environ.get("BEAMGYM_DATA", "../shared/data")) / "bands" / PATCH
pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="the measured data are not there: BEAMGYM_DATA")


@pytest.mark.slow
def test_the_truth_of_the_patch_makes_the_patch():
    truth = patch_truth(read_cube(folder() / PATCH), folder())
    assert truth.misfit < 0.004
    assert truth.known.sum() > 400


@pytest.mark.slow
def test_the_patch_is_reconstructed_from_the_other_functional_within_the_bars():
    patch = patch_case(folder())
    median = {name: np.median(rms) for name, rms in patch["rms_ev"].items()}
    assert median["theory"] > 0.2
    assert median["automatic alignment"] <= 0.035
    assert median["joint model"] <= 0.025
    assert median["joint model"] < median["plain field from it"]
    assert patch["smaller"] >= 5000


@pytest.mark.slow
def test_the_highest_bands_of_the_measured_line_do_not_depend_on_the_functional():
    line = line_case(folder())
    joint, field = (line["methods"][name] for name in ("joint model", "plain field from it"))
    assert max(joint["apart_median_ev"][:2]) <= 0.010
    assert max(field["pointwise_median_ev"][name][0] for name in ("PBE", "LDA")) <= 0.015
