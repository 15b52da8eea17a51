"""Practice against simulation, in numbers, and over Channel Access without a terminal."""

import shutil

import pytest

from beamgym.hardware_bridge.deployment.events.events import Ended, EpisodeEnded, Progress, StateChanged
from beamgym.hardware_bridge.deployment.events.sinks import Recorder
from beamgym.hardware_bridge.deployment.practise import Comparison, Outcome, Pair, practise
from beamgym.hardware_bridge.instrument_file import shipped_instrument

GOOD, LATE, BAD = Outcome(True, 4, "declared"), Outcome(True, 9, "declared"), Outcome(False, 12, "budget spent")


def test_outcomes_are_compared_seed_by_seed(tmp_path):
    comparison = Comparison("a policy", (Pair(1, GOOD, LATE), Pair(2, GOOD, BAD), Pair(3, BAD, BAD)))
    figures = comparison.as_dict()
    assert (figures["episodes"], figures["different"]) == (3, 1)
    assert (figures["success_simulated"], figures["success_deployed"]) == (2, 1)
    assert (figures["exposures_median_simulated"], figures["exposures_median_deployed"]) == (4.0, 12.0)
    assert figures["pairs"][0] == {
        "seed": 1,
        "simulated": {"success": True, "exposures": 4, "ending": "declared", "judged": None},
        "deployed": {"success": True, "exposures": 9, "ending": "declared", "judged": None},
    }
    with pytest.raises(ValueError, match=r"1 of 3 outcomes differ from simulation, more than may; see .*practice.json"):
        comparison.require(tmp_path)


def test_what_was_judged_without_the_truth_is_compared_with_it():
    pairs = [
        Pair(i, GOOD, Outcome(success, 2, "declared", judged))
        for i, (success, judged) in enumerate([(True, True), (True, False), (False, False), (False, True)])
    ]
    assert Comparison("a policy", tuple(pairs)).as_dict()["judged_right"] == 2


def test_one_in_twenty_may_differ(tmp_path):
    same = [Pair(seed, GOOD, GOOD) for seed in range(19)]
    Comparison("a policy", (*same, Pair(19, GOOD, BAD))).require(tmp_path)
    with pytest.raises(ValueError, match="more than may"):
        Comparison("a policy", (*same[1:], Pair(19, GOOD, BAD))).require(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("silent")
def test_practice_over_channel_access_returns_both_sides(laue_ioc, tmp_path, monkeypatch):
    pytest.importorskip("aioca", reason="driving the practice instrument needs the extra 'epics'")
    from beamgym.agents.policies import find_policy
    from beamgym.hardware_bridge.deployment.deployment import Deployment
    from beamgym.hardware_bridge.deployment.terms import Options

    monkeypatch.chdir(tmp_path)
    shutil.copyfile(shipped_instrument("laue_soft_ioc"), "soft.yaml")
    sink = Recorder()
    policy = find_policy("index-and-move", "beamgym/LaueAlign-v0")
    deployment = Deployment(policy, "soft.yaml", Options(yes=True, confirm="never", episodes=2), sink)
    comparison = practise(deployment)
    assert comparison.different == 0
    assert [(progress.done, progress.total) for progress in sink.of(Progress)] == [(0, 2), (1, 2), (2, 2)]
    assert [ended.success for ended in sink.of(EpisodeEnded)] == [pair.deployed.success for pair in comparison.pairs]
    assert [state.state for state in sink.of(StateChanged)].count("running") == 2
    assert isinstance(sink.events[-1], Ended)
    assert (deployment.folder / "practice.json").exists()
