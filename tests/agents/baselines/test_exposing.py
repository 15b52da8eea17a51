"""Rivals that choose exposures: by one length for all frames, and by doubling while too little is known."""

import math

import numpy as np
import pytest

from beamgym.agents.baselines.align import BASELINES, EXPOSING
from beamgym.agents.baselines.align.exposing import WIDE, doubling
from beamgym.agents.evaluation import evaluate
from beamgym.agents.policies import policy_names
from beamgym.envs.make import make_env
from beamgym.envs.policy import CannotPlay

CHOSEN = {"exposure": "choose"}


def test_doubling_stops_where_enough_is_known():
    assert doubling(math.inf, 0.5) == 1.0
    assert doubling(2.0 * WIDE, 4.0) == 8.0
    assert doubling(0.5 * WIDE, 4.0) == 4.0


@pytest.mark.parametrize(("name", "seconds"), [("calibrating-2s", 2.0), ("calibrating", 10.0)])
def test_every_frame_but_the_first_is_as_long_as_the_rival_is_named_for(name, seconds):
    found = evaluate({**BASELINES, **EXPOSING}[name](), "beamgym/LaueAlign-v1", 4, 0, "real", CHOSEN, purpose="tuning")
    assert found.success_rate == 1.0
    np.testing.assert_allclose(found.episodes.exposure_s, 0.5 + seconds * (found.episodes.exposures - 1.0), rtol=1e-5)
    assert found.value("exposure_s_median") == pytest.approx(np.median(found.episodes.exposure_s))
    assert "exposure_s_median" in found.as_dict()


def test_they_do_not_play_where_exposures_are_not_chosen():
    context = make_env("laue", version=1).unwrapped.context
    assert "calibrating-2s" in policy_names(make_env("laue", version=1, **CHOSEN).unwrapped.context)
    for name in ("calibrating-doubling", "calibrating-0.5s"):
        assert name not in policy_names(context)
        with pytest.raises(CannotPlay, match="make the environment with exposure='choose'"):
            EXPOSING[name]().start(context, 1)
