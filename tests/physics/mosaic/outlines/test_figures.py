"""How well outlines are found on photographs of random plates, printed with -s; minutes, so marked slow."""

from dataclasses import replace

import numpy as np
import pytest
from photographed import MARKERS, compared, random_scene

from beamgym.physics.mosaic.outlines import PhotographStyle, outlines_of_photograph, photograph

pytest.importorskip("skimage", reason="scikit-image is in the extra mosaic")

USUAL = PhotographStyle()
HARD = replace(
    USUAL,
    tilt_deg=15.0,
    tilt_towards_deg=200.0,
    shadow=0.55,
    shadow_mm=0.5,
    glare=0.4,
    plate_glare=0.3,
    noise=0.03,
    quality=70,
    uneven=0.6,
)
SOFT = replace(HARD, shadow=0.1)


def figures(style, seeds):
    """For every crystal: intersection over union, error of the longest side in degrees, whether it is in doubt."""
    rows = []
    for seed in seeds:
        truth = random_scene(seed)
        found = outlines_of_photograph(photograph(truth, MARKERS, seed, style), markers=MARKERS)
        rows += [(shared, error, best.name in found.doubts) for best, shared, error in compared(truth, found)]
    shared, error, doubtful = (np.array(column) for column in zip(*rows, strict=True))
    return shared, error, doubtful.astype(bool)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "style", "unseen"),
    [
        ("usual", USUAL, 0.02),
        ("hard", HARD, 0.10),
        ("hard, soft light", SOFT, 0.05),
    ],
)
def test_outlines_on_photographs_with_shadows_glare_touching_pairs_and_perspective(name, style, unseen):
    shared, error, doubtful = figures(style, range(100, 106))
    sure = ~doubtful
    print(f"{name}: {len(shared)} crystals, {doubtful.sum()} in doubt")
    for words, of in (("all", np.ones(len(sure), dtype=bool)), ("not in doubt", sure)):
        print(
            f"  {words}: IoU median {np.median(shared[of]):.3f}, 5 % {np.quantile(shared[of], 0.05):.3f}; "
            f"longest side median {np.median(error[of]):.2f}°, 95 % {np.quantile(error[of], 0.95):.2f}°"
        )
    print(f"  not in doubt and IoU below 0.9: {(sure & (shared < 0.9)).sum()}")
    assert np.median(shared[sure]) >= 0.95
    assert np.median(error[sure]) <= 0.3
    assert (sure & (shared < 0.9)).mean() <= unseen
    assert np.quantile(error[sure], 0.95) <= 1.0
    assert np.median(shared) >= 0.94
    assert np.median(error) <= 0.3
    if name == "hard, soft light":
        assert np.quantile(error, 0.95) <= 2.0
    if name == "usual":
        assert np.quantile(error, 0.95) <= 2.0
        assert doubtful.mean() <= 0.5
