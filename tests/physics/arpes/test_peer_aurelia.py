"""aurelia 0.1.0 as an oracle: the published score, on its own component values."""

from types import SimpleNamespace

import numpy as np
import pytest

from beamgym.physics.arpes.quality import AURELIA_DEFAULT, PAPER, paper_scores, paper_total

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]
aurelia = pytest.importorskip("aurelia", reason="aurelia 0.1.0 is not installed: pip install 'beamgym[peers]'")

CASES = 1500
BRACKETS = {"thresholds": "threshold", "penalties": "penalty", "weights": "weight"}


def their_score(case, brackets):
    """Let aurelia score given arrays: a bare object with the attributes that its scoring reads."""
    theirs = aurelia.ARPES.__new__(aurelia.ARPES)
    theirs.intensity, theirs.bkgd, theirs.response = case["arpes"], case["background"], case["response"]
    if case["domains"] is not None:
        theirs.domain = case["domains"]
    modifier = SimpleNamespace(ER=case["resolution_ev"], Temp=case["temperature_k"])
    theirs.spec = SimpleNamespace(mod=modifier, ImS=[case["widths"], 10.0 * case["widths"]])
    theirs.exp = SimpleNamespace(Ne=case["events"])
    words = {word: list(getattr(brackets, name)) for name, word in BRACKETS.items()}
    theirs.Make_quality_score(param=words)
    return theirs.score


def draw_case(rng):
    """Arrays and settings that visit every bracket, bonus and deduction."""
    shape = tuple(rng.integers(4, 24, 2))
    smooth = rng.uniform(0.0, 1.0) < 0.3  # without features: F below the threshold
    band = 1.0 + 1e-3 * rng.random(shape) if smooth else rng.random(shape) ** rng.uniform(0.2, 6.0)
    whole = rng.choice([2e5, 1e5, 9e4, 7e4, 5e4, 3e4, 1e4])
    return {
        "arpes": band,
        "background": rng.choice([0.0, 10.0 ** rng.uniform(-3, 1.5)]) * (1.0 + rng.random(shape)),
        "response": rng.uniform(0.0, 1.0, shape) if rng.random() < 0.5 else np.ones(shape),
        "domains": band + rng.random(shape) if rng.random() < 0.3 else None,
        "resolution_ev": rng.uniform(0.0, 1.2),
        "temperature_k": rng.uniform(0.0, 400.0),
        "widths": rng.uniform(0.0, 0.3, rng.integers(1, 5)),
        "events": int(rng.choice([whole, rng.uniform(1e2, 3e5)])),
    }


@pytest.mark.parametrize("brackets", [PAPER, AURELIA_DEFAULT])
def test_the_published_score_equals_that_of_the_code(brackets, capsys):
    rng = np.random.default_rng(20)
    totals = np.empty((CASES, 2))
    for i in range(CASES):
        case = draw_case(rng)
        theirs = their_score(case, brackets)
        domains = None if case["domains"] is None else case["domains"][None]
        ours = paper_scores(
            case["arpes"][None],
            case["background"][None],
            case["response"][None],
            resolution_ev=case["resolution_ev"],
            temperature_k=case["temperature_k"],
            width_ev=case["widths"].min(),
            events=case["events"],
            domains=domains,
            brackets=brackets,
        )
        mine = [ours.feature, ours.sharpness, ours.background, ours.counts]
        np.testing.assert_allclose(
            np.ravel(mine), [theirs[k] for k in ("feature", "width", "bkgd", "counts")], rtol=1e-12, atol=1e-12
        )
        own = paper_total(theirs["feature"], theirs["width"], theirs["bkgd"], theirs["counts"], brackets)
        totals[i] = own, theirs["final"]
    capsys.readouterr()
    np.testing.assert_allclose(totals[:, 0], totals[:, 1], rtol=0, atol=1e-12)
    assert len(np.unique(np.round(totals[:, 1], 6))) >= 11  # the cases reach all of the score's values
