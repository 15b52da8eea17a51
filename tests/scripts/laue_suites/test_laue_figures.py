"""Figures of the Laue suites are what hand-made episodes say they are."""

import math
from pathlib import Path

import numpy as np
import pytest

from beamgym.agents.baselines.align import TruePose
from beamgym.agents.evaluation import BATCH, PolicyResult, evaluate_in, make_vector_env
from beamgym.agents.evaluation.claims import claims_of, watched
from beamgym.agents.evaluation.evaluator import Episodes, summarise
from beamgym.scripts.laue_suites.measured import Measured, episode_records
from beamgym.scripts.laue_suites.page import page_of
from beamgym.scripts.laue_suites.rows import ENV_ID, Goal, SuiteRow
from beamgym.scripts.laue_suites.summaries import against_exposures, claims_held, over_all_rows
from beamgym.scripts.laue_suites.tables import bars_of
from beamgym.scripts.laue_suites.worst import WorstEpisode, worst_failures

ROW = SuiteRow("hard", "hard", {"level": "hard"}, Goal(success=0.7, exposures=3, misled=0.0))


class Named:
    """What ``summarise`` asks of a policy."""

    oracle = False

    def __init__(self, name):
        self.name = name


def result_of(errors, declared, name="calibrating", exposures=2.0) -> PolicyResult:
    error, ended = np.array(errors), np.array(declared)
    spent = np.full(len(error), exposures)
    return summarise(Named(name), Episodes((error < 0.25) & ended, spent, spent, spent, error, ended), 20.0)


def measured(errors=(0.1, 0.2, 0.3, 40.0), declared=(True,) * 4, claims=(0.9995, 0.998, 0.998, 0.5), row=ROW, **more):
    return Measured(row, result_of(errors, declared, **more), np.array(claims), 10.0)


def test_only_a_declaration_misleads():
    assert measured().misled.count == 1
    assert measured(declared=(True, True, True, False)).misled.count == 0
    assert measured(errors=(0.1, 0.2, 0.3, 4.9)).misled.count == 0


def test_claims_are_counted_class_by_class():
    one = measured()
    assert one.claimed == pytest.approx((0.9995 + 0.998 + 0.998 + 0.5) / 4)
    counts = {entry["from"]: (entry["right"]["count"], entry["right"]["total"]) for entry in one.claim_classes()}
    assert counts == {0.0: (0, 1), 0.9: (0, 0), 0.99: (0, 0), 0.997: (1, 2), 0.999: (1, 1)}
    assert (one.held().count, one.held().total) == (2, 4)


def test_a_policy_that_states_nothing_has_no_claims():
    one = measured(claims=(math.nan,) * 4)
    assert one.as_dict()["claims"] is None
    assert math.isnan(one.claimed)
    assert one.held().total == 0


def test_a_certain_claim_has_its_class():
    assert measured(claims=(1.0,) * 4).claim_classes()[-1]["right"]["total"] == 4


def test_the_tail_and_the_dose_are_those_of_all_episodes():
    figures = measured().as_dict()
    assert figures["error_deg_p99"] == pytest.approx(np.quantile([0.1, 0.2, 0.3, 40.0], 0.99))
    assert figures["dose_s_median"] == 20.0  # two frames of 10 s, also where the episode failed
    assert figures["exposures_median"] == 11.0  # of 2, 2, 20, 20


def test_failed_episodes_can_be_drawn_again():
    failed = episode_records(measured(), first_seed=100)
    assert [entry["env_seed"] for entry in failed] == [102, 103]
    assert failed[1] == {"env_seed": 103, "declared": True, "error_deg": 40.0, "exposures": 2, "claimed": 0.5}


def test_bars_are_for_calibrating_and_say_met_or_missed():
    others = measured(name="index-and-move")
    assert bars_of([others]) == []
    assert [(bar.bar, bar.met) for bar in bars_of([measured(), others])] == [
        ("≥ 70 %", False),
        ("≤ 3", False),
        ("≤ 0 %", False),
    ]
    well = measured(errors=(0.1, 0.2, 0.2, 0.1))
    assert all(bar.met for bar in bars_of([well]))


def test_rows_on_the_same_starts_are_compared_pair_by_pair():
    beside = SuiteRow("lists", "rendered", {"level": "hard"})
    row = SuiteRow("rendered", "rendered", {"level": "hard", "frames": "rendered"}, Goal(beside="lists", apart=0.02))
    lists = measured(errors=(0.1, 0.2, 0.3, 0.4), row=beside)
    alike, worse = measured(errors=(0.3, 0.2, 0.1, 0.4), row=row), measured(errors=(0.3, 0.2, 0.3, 0.4), row=row)
    assert bars_of([lists]) == []
    assert [(bar.reached, bar.met) for bar in bars_of([lists, alike])] == [
        ("+0.0 points; 1 only here, 1 only there", True)
    ]
    assert [(bar.bar, bar.reached, bar.met) for bar in bars_of([lists, worse])] == [
        ("± 2 points", "-25.0 points; 0 only here, 1 only there", False)
    ]
    assert bars_of([worse]) == []  # nothing to compare with


def test_the_page_tells_missed_bars_claims_and_worst_episodes():
    one = measured()
    told = "declared: took another orientation"
    worst = [WorstEpisode(one, 3, 103, told, Path("page_worst/hard-calibrating-103.png"))]
    page = page_of("suite", "beamgym benchmark x", [one], ["Four episodes."], worst)
    assert page.count("**missed**") == 3
    assert "| calibrating | 0.997 to 0.999 | 99.80 | 2 | 50.0 (9.5–90.5) |" in page
    assert f"| hard | calibrating | 103 | 40 | 2 | {told} | [picture](<page_worst/hard-calibrating-103.png>) |" in page
    assert "Written by this command" in page
    assert "beamgym benchmark x" in page


def test_the_worst_are_those_furthest_off_and_the_usual_policys_come_first():
    other = SuiteRow("easy", "easy", {"level": "easy"})
    ours, more = measured(), measured(errors=(0.1, 50.0, 0.1, 0.1), row=other)
    rival = measured(name="index-and-move", errors=(9.0, 8.0, 7.0, 6.0))
    blind = measured(name="random", errors=(90.0,) * 4)
    chosen = worst_failures([blind, rival, ours, more])
    assert [(one.result.name, one.row.name, i) for one, i in chosen] == [
        ("calibrating", "easy", 1),
        ("calibrating", "hard", 3),
        ("calibrating", "hard", 2),
        ("index-and-move", "hard", 0),
        ("index-and-move", "hard", 1),
        ("index-and-move", "hard", 2),
    ]


def test_claims_of_all_rows_are_held_against_what_was_right():
    other = SuiteRow("easy", "easy", {"level": "easy"})
    held = claims_held([measured(), measured(row=other), measured(name="index-and-move", claims=(math.nan,) * 4)])
    assert [(name, low, rate.count, rate.total) for name, low, _, _, rate in held] == [
        ("calibrating", 0.0, 0, 2),
        ("calibrating", 0.997, 2, 4),
        ("calibrating", 0.999, 2, 2),
    ]
    assert held[1][3] == pytest.approx(0.998)


def test_success_against_exposures_counts_only_what_had_ended_aligned():
    quick, slow = measured(exposures=2.0), measured(errors=(0.1,) * 4, exposures=4.0, row=SuiteRow("b", "b"))
    found = against_exposures([quick, slow], (1, 2, 4))["calibrating"]
    assert [mean for mean, _, _ in found] == [0.0, 0.25, 0.75]  # of 2 of 4, and 4 of 4
    assert found[2][1] < 0.75 < found[2][2]


def test_over_all_rows_each_row_counts_alike_and_only_those_who_played_all():
    other = SuiteRow("easy", "easy", {"level": "easy"})
    good = measured(errors=(0.1,) * 8, declared=(True,) * 8, claims=(1.0,) * 8, row=other)
    absent = measured(name="shipped")
    summary = over_all_rows([measured(), good, absent])
    assert list(summary) == ["calibrating"]
    mean, low, high = summary["calibrating"]
    assert mean == pytest.approx(0.75)  # of 2 of 4 and 8 of 8
    assert (low, high) == (0.5, 1.0)  # 0 of 4 and 4 of 4 are each drawn once in 16


class Sure(TruePose):
    """The oracle, which numbers its episodes and claims by their numbers."""

    def __init__(self):
        self.begun = 0

    def start(self, context, n):
        first, self.begun = self.begun, self.begun + n
        return [_Track(context, first + i) for i in range(n)]

    def act(self, observation, state, truth=None):
        actions, _ = super().act(observation, [entry.context for entry in state], truth)
        return actions, state

    def certainty(self, track, context):
        return track / 10.0


class _Track:
    def __init__(self, context, track):
        self.context, self.track = context, track


def test_each_episodes_claim_is_kept_beside_it():
    env = make_vector_env(ENV_ID, 2, "easy")  # five episodes in three rounds
    policy = watched(Sure())
    result = evaluate_in(policy, env, 5, 0)
    assert result.success_rate == 1.0
    assert claims_of(policy, 5).tolist() == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert BATCH > 2


def test_a_watched_policy_plays_as_it_does_alone():
    env = make_vector_env(ENV_ID, 3, "hard")
    alone, seen = (evaluate_in(policy, env, 3, 1) for policy in (TruePose(), watched(Sure())))
    np.testing.assert_array_equal(alone.episodes.misorientation_deg, seen.episodes.misorientation_deg)


def test_a_policy_that_says_nothing_is_not_watched():
    policy = TruePose()
    assert watched(policy) is policy
    assert np.isnan(claims_of(policy, 2)).all()
