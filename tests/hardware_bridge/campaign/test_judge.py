"""The judge of the campaign sees what is unsafe and what misleads, and nothing where all was well."""

import json

import numpy as np
import pytest

pytest.importorskip("caproto", reason="the campaign's server needs the extra 'ioc'")
pytest.importorskip("bluesky", reason="the campaign's bridge needs the extra 'hardware'")

from campaign.hall import Hall, Story, leg, read_story
from campaign.judge import Evidence, judged
from campaign.report import lower, upper
from campaign.table import drawn, row

BEGUN_S, ENDED_S = 1000.0, 1010.0
WELL = {"success": False, "problem": "guard item 4: th did not arrive", "began_s": BEGUN_S, "ended_s": ENDED_S}


def tell(folder, name, lines, told=None, plays=True, **about):
    """Write down a run of a scenario that never was."""
    scenario, _ = drawn(row(name), 0)
    run = {"scenario": {**scenario, **about}, "seed": 0, "begun_s": BEGUN_S, "exit": 0, "hung": False}
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "result.json").write_text(json.dumps({**WELL, "lines": [], **(told or {})}))
    played = [{"t": BEGUN_S, "kind": "fault", "what": fault["what"]} for fault in scenario.get("faults", [])]
    end = {"t": ENDED_S + 2.0, "kind": "client_ended", "status": 0}
    (folder / "story.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in [*(played if plays else []), *lines, end])
    )


def path(times, places, at_s=BEGUN_S, name="overshoot", why="client"):
    """A line of the story: a shaft's way, of the first axis of a scenario."""
    axis = next(iter(drawn(row(name), 0)[1].shafts))
    return {"t": at_s, "kind": "path", "axis": axis, "why": why, "times": times, "places": places}


def blade(at_s, is_open):
    return {"t": at_s, "kind": "blade", "open": is_open}


OPENED = [blade(1001.0, True), blade(1002.0, False)]

UNSAFE = {
    "beyond its limits": [path([1001.0, 1003.0], [0.0, 170.0])],
    "moved by": [path([1001.0, 1020.0], [0.0, 60.0])],
    "shutter was open": [blade(1009.0, True)],
    "dose": [blade(1001.0, True), blade(1009.0, False), blade(1009.1, True), blade(1018.0, False)],
}


@pytest.mark.parametrize("words", UNSAFE)
def test_what_is_unsafe_by_the_halls_truth_is_seen_whatever_the_bridge_says(tmp_path, words):
    tell(tmp_path, "overshoot", UNSAFE[words])
    assert any(words in found for found in judged(tmp_path).unsafe)


def test_a_run_that_was_stopped_in_time_for_the_reason_that_was_played_is_well_judged(tmp_path):
    tell(tmp_path, "overshoot", [path([1001.0, 1003.0], [0.0, 30.0]), *OPENED])
    verdict = judged(tmp_path)
    assert (verdict.unsafe, verdict.misleading, verdict.refused) == ((), (), True)


def test_a_move_that_another_client_makes_after_the_end_is_not_ours(tmp_path):
    tell(tmp_path, "foreign-move", [path([1001.0, 1020.0], [0.0, 60.0], name="foreign-move", why="foreign")])
    assert judged(tmp_path).unsafe == ()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"success": True, "problem": "", "ending": "declared"}, "success was told"),
        ({"problem": "", "ending": "steps spent"}, "no fault was told"),
        ({"problem": "the disk is full; see overshoot/audit.jsonl"}, "another cause was told"),
    ],
)
def test_what_misleads_is_seen(tmp_path, told, words):
    tell(tmp_path, "overshoot", OPENED, told)
    assert any(words in found for found in judged(tmp_path).misleading)


def test_success_of_a_crystal_that_is_not_aligned_is_unsafe(tmp_path):
    frame = {"t": 1002.0, "kind": "frame", "number": 1, "begun": 1001.0, "ended": 1002.0, "seconds": 1.0}
    tell(tmp_path, "clean", [frame], {"success": True, "problem": "", "ending": "declared"})
    assert any("success was claimed" in found for found in judged(tmp_path).unsafe)


def test_a_run_that_must_end_well_and_is_refused_is_a_false_alarm(tmp_path):
    tell(tmp_path, "clean", OPENED)
    assert judged(tmp_path).false_alarm


def test_a_shaft_that_goes_on_long_after_the_abort_is_seen_though_the_bridge_waits_for_it(tmp_path):
    told = {"problem": "stopped by SIGINT; did not arrive", "lines": ["AlarmRaised(time_s=1002.0, line='x')"]}
    tell(tmp_path, "overshoot", [path([1001.0, 1009.0], [0.0, 20.0])], told)
    assert any("after the abort" in found for found in judged(tmp_path).unsafe)


def test_a_run_whose_fault_was_never_played_proves_nothing(tmp_path):
    tell(tmp_path, "overshoot", OPENED, plays=False)
    assert any("nothing was proved" in found for found in judged(tmp_path).misleading)


def test_what_nobody_could_stop_must_be_told(tmp_path):
    lines = [path([1001.0, 1020.0], [0.0, 60.0], name="ignores-stop")]
    tell(tmp_path, "ignores-stop", lines, {"problem": "the move took longer than 4 s"})
    assert judged(tmp_path).unsafe
    tell(tmp_path, "ignores-stop", lines, {"problem": "the move took longer than 4 s; NOT SEEN TO STOP: th"})
    assert not judged(tmp_path).unsafe


def test_a_human_must_be_told_of_every_axis_that_moves(tmp_path):
    names = list(drawn(row("clean-asks-every-move"), 0)[1].shafts)
    one, all_of_them = f"{names[0]} is to move by 0, perhaps others too", " and ".join(names)
    for asked, found in ((one, True), (all_of_them, False)):
        tell(tmp_path, "clean-asks-every-move", OPENED, {"questions": [f"step 0: {asked}"]})
        assert any("a human was asked" in words for words in judged(tmp_path).misleading) is found


def test_a_shaft_is_where_its_last_path_says_and_earlier_ones_stay_true(tmp_path):
    tell(tmp_path, "overshoot", [path([1001.0, 1003.0], [0.0, 20.0]), path([1002.0, 1003.0], [10.0, 0.0], 1002.0)])
    axis = path([], [])["axis"]
    found = Evidence(tmp_path).places(axis, np.array([1001.5, 1002.5, 1009.0]))
    np.testing.assert_allclose(found, [5.0, 5.0, 0.0])


def test_a_server_that_is_started_again_finds_everything_where_it_is_by_now(tmp_path):
    story = Story(tmp_path / "story.jsonl")
    hall = Hall(story, {"phi": 1.0, "chi": 2.0})
    hall.go("phi", leg(1.0, 31.0, 20.0, 0.1, 50.0), "client")
    hall.blade(True)
    story.close()
    again = Hall(Story(tmp_path / "story.jsonl"), {"phi": 1.0, "chi": 2.0})
    again.restore(read_story(tmp_path / "story.jsonl"))
    assert again.open
    assert (again.at("phi"), again.at("chi")) == (31.0, 2.0)


def test_a_trapezoidal_move_takes_its_time_and_never_exceeds_its_speed():
    move = leg(0.0, 30.0, 20.0, 0.2, 100.0)
    times = np.linspace(100.0, 102.0, 2001)
    speed = np.diff(move.at(times)) / 0.001
    assert speed.max() <= 20.0 * (1 + 1e-6)
    assert move.end_s == pytest.approx(100.0 + 30.0 / 20.0 + 0.2)
    assert move.end == 30.0


def test_intervals_hold_their_rate():
    assert upper(0, 300) == pytest.approx(1.0 - 0.05 ** (1.0 / 300.0))
    assert lower(3, 300) < 0.01 < upper(3, 300)
