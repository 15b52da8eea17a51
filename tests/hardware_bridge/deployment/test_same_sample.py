"""A success rests on frames of one sample that turned as its axes did, by the truth of a crystal that was exchanged."""

from pathlib import Path

import pytest
from rigs.guarded import left_out

from beamgym.hardware_bridge.deployment.run import run
from beamgym.hardware_bridge.records.audit_check import read_log

EXCHANGED = """

from pathlib import Path

from beamgym.physics.orientation import rotation_matrix

KNOWN, FIRST = TASK.context, WORLD.truth()["mount"]
OTHER = rotation_matrix(np.array([17.0, 41.0, 9.0]))


class Exchanging(Camera):
    # somebody else's crystal is in the beam from the second frame on; ours stays where the axes have brought it
    def trigger(self):
        if self.counter == 1:
            WORLD.reset(KEYS.next(ONE), ONE, mount=FIRST @ OTHER, positions=STANDS[0])
        mine = KNOWN.goniometer.rotation(STANDS) @ FIRST
        Path("error_deg.txt").write_text(str(KNOWN.target.error_deg(mine)[0]))
        return super().trigger()


Camera = Exchanging
"""


def error_deg():
    """How far the crystal with which the run began truly is from its goal."""
    return float(Path("error_deg.txt").read_text(encoding="utf-8"))


def test_item_18_a_crystal_that_is_exchanged_in_mid_run_is_no_success(mine):
    with pytest.raises(ValueError, match="the pattern did not turn as the axes did") as refused:
        run(mine(more=EXCHANGED))
    assert "guard item 18" in str(refused.value)
    assert error_deg() > 5.0


def test_item_18_off_it_is_no_success_either_but_nobody_is_told_why(mine):
    with left_out(18):
        report = run(mine(more=EXCHANGED))
    assert not report.success
    assert report.metrics["within_tolerance_probability"] < 0.5
    assert error_deg() > 5.0


def test_a_crystal_that_stays_is_aligned_and_the_log_says_that_it_was_the_same(mine):
    deployment = mine()
    assert run(deployment).success
    decided = [line["data"]["decisions"] for _, line in read_log(deployment.folder / "audit.jsonl") if is_judged(line)]
    (((decision,),)) = decided
    assert decision["rule"] == "same_sample"
    assert decision["inputs"]["change_deg"] < 0.5


def is_judged(line):
    return line.get("event") == "judged"
