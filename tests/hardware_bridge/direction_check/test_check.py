"""A known turn of every axis finds flipped motors and flipped images, alone and together, on simulated instruments."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.hardware_bridge.direction_check.check import AS_IT_IS, judge_directions, known_turn_deg
from beamgym.hardware_bridge.direction_check.coordinates import changed_coordinates, coordinates_of
from beamgym.hardware_bridge.direction_check.motion import BRIGHTEST, ImageFlags, agreement, image_flags, moved_px
from beamgym.hardware_bridge.direction_check.record import (
    DirectionCheckMissing,
    direction_check_passed,
    direction_record_path,
    make_known_moves,
    make_seen_moves,
    require_direction_check,
    require_same_coordinates,
    write_direction_record,
)
from beamgym.hardware_bridge.instrument_file.load import load_instrument, parse_instrument, shipped_instrument
from beamgym.hardware_bridge.instrument_file.text import read_yaml
from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.instrument import Frame, MoveReport, Peaks
from beamgym.physics.orientation import rotation_matrix

SHAPE = (512, 512)
FLAGS = list(image_flags(SHAPE))
SIX = ("j1", "j2", "j3", "j4", "j5", "j6")


@pytest.fixture(scope="module")
def six():
    return load_instrument(shipped_instrument("laue_soft_ioc"))


@pytest.fixture(scope="module")
def two_arc():
    """A manual head before the panel of the simulation."""
    content = read_yaml(shipped_instrument("laue_manual_filedrop"))
    panel = read_yaml(shipped_instrument("laue_soft_ioc"))["detector"]
    for key in ("shape", "origin_mm", "pixel_mm"):
        content["detector"][key] = panel[key]
    return parse_instrument(content)


class WrongWayRound:
    """A simulated instrument whose camera is turned over by ``flags`` and whose motors ``wrong`` run backwards."""

    n = 1

    def __init__(self, world, flags=AS_IT_IS, wrong=(), dead=()):
        self.world, self.flags = world, flags
        names = [axis.name for axis in world.axes]
        self.signs = np.array([-1.0 if name in wrong else 1.0 for name in names])
        self.lives = np.array([0.0 if name in dead else 1.0 for name in names])
        self.axes, self.context = world.axes, world.context
        self.at = world.positions()
        self.home = self.at.copy()

    def positions(self):
        return self.at.copy()

    def move(self, target, mask):
        self.world.move(self.home + (target - self.home) * self.signs * self.lives, mask)
        self.at = target.copy()
        return MoveReport(self.at.copy(), np.zeros(1))

    def acquire(self, settings, mask):
        frame = self.world.acquire(settings, mask)
        peaks = frame.peaks()
        turned = self.flags.positions(np.asarray(peaks.position_px[0], dtype=np.float64), SHAPE)
        found = Peaks(turned[None].astype(np.float32), peaks.intensity, peaks.count, peaks.saturated)
        return Frame(frame.exposure_s, frame.counter, frame.time_s, found=found)


@cache
def _world(goniometer, level):
    return build(LaueAlignOptions(goniometer=goniometer, level=level, target="axis [001] x"), 1, image=False)[1]


def _simulated(goniometer, level, seed, *faults):
    world = _world(goniometer, level)
    world.reset(np.array([seed], dtype=np.uint64), np.ones(1, dtype=np.bool_))
    return WrongWayRound(world, *faults)


def _moves(file, instrument):
    return make_known_moves(instrument, file, lambda text: None)


def _inverse(flags):
    return next(other for other in FLAGS if other.after(flags) == AS_IT_IS)


@pytest.mark.parametrize("level", ["easy", "real", "hard"])
@pytest.mark.parametrize("seed", range(3))
def test_an_instrument_that_is_right_passes(six, level, seed):
    report = judge_directions(six, _moves(six, _simulated("six-axis", level, seed)))
    assert report.passed
    assert report.flags == AS_IT_IS
    assert report.lines == ("every axis and the image are the way round that the file says",)
    assert dict(report.axes) == dict.fromkeys(SIX, "right")


@pytest.mark.parametrize("axis", SIX)
def test_one_flipped_motor_is_found_alone(six, axis):
    report = judge_directions(six, _moves(six, _simulated("six-axis", "real", 5, AS_IT_IS, (axis,))))
    assert not report.passed
    assert report.flags == AS_IT_IS
    assert report.explanations[0].flipped == [axis]
    assert report.lines[0] == f"{axis} moves the wrong way round; give the opposite sign"


@pytest.mark.parametrize("flags", FLAGS[1:], ids=str)
def test_every_way_an_image_can_be_turned_over_is_found_with_the_flags_that_mend_it(six, flags):
    report = judge_directions(six, _moves(six, _simulated("six-axis", "real", 6, flags)))
    assert not report.passed
    assert report.flags == _inverse(flags)
    assert report.explanations[0].flipped == []
    assert report.lines[0] == f"the image is turned over; set detector: {_inverse(flags)}"


@pytest.mark.parametrize("flags", FLAGS[1:], ids=str)
@pytest.mark.parametrize("axis", ["j2", "j6"])
def test_a_flipped_motor_behind_an_image_turned_over_is_found_too(six, flags, axis):
    report = judge_directions(six, _moves(six, _simulated("six-axis", "real", 7, flags, (axis,))))
    assert not report.passed
    simplest = [one for one in report.explanations if one.faults == 2]
    assert (_inverse(flags), [axis]) in [(one.image, one.flipped) for one in simplest]
    assert len(simplest) == 1 or any(line.startswith("or else: ") for line in report.lines)


@pytest.mark.parametrize("flags", FLAGS, ids=str)
def test_a_head_turned_by_hand_is_judged_as_well(two_arc, flags):
    report = judge_directions(two_arc, _moves(two_arc, _simulated("two-arc", "real", 8, flags)))
    assert report.flags == _inverse(flags)
    assert report.passed == (flags == AS_IT_IS)


def test_the_flags_the_test_asks_for_make_the_image_right(six):
    content = read_yaml(shipped_instrument("laue_soft_ioc"))
    hidden, given = ImageFlags(True, False, True), ImageFlags(False, True, True)
    content["detector"].update(transpose=False, flip_fast=True, flip_slow=True)
    wrong = judge_directions(
        parse_instrument(content), _moves(six, _simulated("six-axis", "real", 9, given.after(hidden)))
    )
    assert not wrong.passed
    assert wrong.flags.after(hidden) == AS_IT_IS


def test_two_flipped_motors_look_like_a_flipped_image_and_the_report_says_so(two_arc):
    instrument = _simulated("two-arc", "real", 10, AS_IT_IS, ("rotation", "lower_arc"))
    moves = _moves(two_arc, instrument)
    report = judge_directions(two_arc, moves)
    assert not report.passed
    assert report.lines == (
        "the image is turned over; set detector: transpose: false, flip_fast: true, flip_slow: false",
        "or else: rotation, lower_arc move the wrong way round; give the opposite sign",
        "look which way one of these motors turns to decide between them",
    )
    vouched = judge_directions(two_arc, moves, image_seen=True)
    assert not vouched.passed
    assert vouched.lines == ("rotation, lower_arc move the wrong way round; give the opposite sign",)


def _single(axis, vector):
    content = read_yaml(shipped_instrument("laue_soft_ioc"))
    content["axes"] = [{**content["axes"][0], "name": axis, "device": axis, "vector": vector, "limits": [-20, 20]}]
    content["devices"] = {
        axis: content["devices"]["j1"],
        **{name: entry for name, entry in content["devices"].items() if not name.startswith("j")},
    }
    content["goniometer"], content["envelopes"] = {"name": "custom"}, []
    return parse_instrument(content)


def test_one_axis_cannot_tell_a_mirrored_image_and_a_human_is_asked(two_arc):
    file = _single("upper_arc", [0, 1, 0])
    instrument = _simulated("two-arc", "real", 11)
    moves = [move for move in _moves(two_arc, instrument) if move.axis == "upper_arc"]
    alone = [replace(move, before=move.before[2:], after=move.after[2:]) for move in moves]
    report = judge_directions(file, alone)
    assert not report.passed
    assert "these axes cannot tell it from an image that needs (transpose: false, flip_fast: true" in report.lines[1]
    assert judge_directions(file, alone, image_seen=True).passed


def test_an_axis_that_does_not_carry_the_sample_is_found(six):
    report = judge_directions(six, _moves(six, _simulated("six-axis", "real", 12, AS_IT_IS, (), ("j4",))))
    assert not report.passed
    assert report.axes["j4"] == "still"
    assert report.lines[0].startswith("j4 moved no spots although the readback changed")


def test_two_axes_with_exchanged_addresses_are_found(six):
    moves = _moves(six, _simulated("six-axis", "real", 13))
    by_name = {move.axis: move for move in moves}
    first, second = by_name["j1"], by_name["j2"]
    exchanged = [
        replace(first, spots_before=second.spots_before, spots_after=second.spots_after),
        replace(second, spots_before=first.spots_before, spots_after=first.spots_after),
        *moves[2:],
    ]
    report = judge_directions(six, exchanged)
    assert not report.passed
    assert "the spots did not move as any turn of j1, j2 moves them" in report.lines[0]


def test_frames_of_noise_pass_nothing(six):
    rng = np.random.default_rng(3)
    moves = []
    for move in _moves(six, _simulated("six-axis", "real", 14)):
        noise = [
            replace(move.spots_after, position_px=rng.uniform(0, 511, (1, 64, 2)), count=np.array([40]))
            for _ in range(2)
        ]
        moves.append(replace(move, spots_before=noise[0], spots_after=noise[1]))
    report = judge_directions(six, moves)
    assert not report.passed
    assert set(report.axes.values()) == {"unclear"}


def test_mistakes_of_the_test_itself_are_one_line(six):
    moves = _moves(six, _simulated("six-axis", "real", 15))
    good = moves[0]

    def changed(**parts):
        return [replace(good, **parts), *moves[1:]]

    few = replace(good.spots_after, count=np.array([7]))
    for bad, expected in (
        (moves[1:], "the direction check lacks j1; make a known move of every rotation axis"),
        (changed(axis="chi"), "no axis 'chi'; the axes are j1, j2"),
        (changed(after=good.before + 1e-3), "j1 moved by 0.001 deg only; turn it by 3 or more"),
        (changed(after=good.after + np.eye(6)[1]), "j2 moved by 1 while j1 was tested"),
        (changed(after=good.after * np.nan), "not finite"),
        (changed(spots_after=few), "the frame after the move of j1 has 7 spots, 8 are needed"),
    ):
        with pytest.raises(ValueError) as caught:
            judge_directions(six, bad)
        assert expected in str(caught.value)


def test_the_known_turn_goes_towards_the_side_with_more_room_and_stays_inside(six):
    for index, axis in enumerate(six.axes):
        low, high = axis.limits
        for present in np.linspace(low, high, 7):
            positions = np.zeros(6)
            positions[index] = present
            turn = known_turn_deg(six, axis.name, positions)
            assert low <= present + turn <= high
            assert 3.0 <= abs(turn) <= 15.0
    assert known_turn_deg(six, "j6", np.zeros(6)) > known_turn_deg(six, "j2", np.zeros(6))


def test_an_axis_without_room_is_named_before_anything_moves(six):
    content = read_yaml(shipped_instrument("laue_soft_ioc"))
    content["axes"][5]["max_step"] = 1.0
    instrument = _simulated("six-axis", "real", 16)
    exposed = instrument.world.truth()["dose"][0]
    with pytest.raises(
        ValueError, match="axis 'j6' has room for 1 deg from where it stands, the direction check needs 3"
    ):
        _moves(parse_instrument(content), instrument)
    assert instrument.world.truth()["dose"][0] == exposed
    assert instrument.positions().tolist() == instrument.home.tolist()


def test_spots_move_to_where_the_turned_planes_reflect(six):
    detector = six.detector_geometry()
    turn = rotation_matrix([1.0, -4.0, 2.0])
    before = np.array([[250.0, 200.0], [300.5, 310.25]])
    after = moved_px(detector, turn, before)
    assert detector.plane_normals(after) == pytest.approx(detector.plane_normals(before) @ turn.T, abs=1e-12)
    rng = np.random.default_rng(0)
    many = rng.uniform(100, 400, (BRIGHTEST, 2))
    assert agreement(detector, turn, many, moved_px(detector, turn, many)) > 50
    assert agreement(detector, turn, many, np.zeros((0, 2))) == 0.0


@pytest.mark.parametrize("shape", [(5, 5), (4, 7)])
def test_flags_turn_positions_as_they_turn_arrays(shape):
    for flags in image_flags(shape):
        image = np.zeros(shape)
        image[1, 3] = 1.0
        turned = np.swapaxes(image, 0, 1) if flags.transpose else image
        turned = turned[:, ::-1] if flags.flip_fast else turned
        turned = turned[::-1] if flags.flip_slow else turned
        slow, fast = np.argwhere(turned)[0]
        assert flags.positions(np.array([[3.0, 1.0]]), shape).tolist() == [[fast, slow]]
    assert len(list(image_flags(shape))) == (8 if shape == (5, 5) else 4)


def test_flags_after_flags_are_flags():
    image = np.arange(9.0)
    where = np.stack([image % 3, image // 3], axis=1)
    for first in FLAGS:
        for second in FLAGS:
            both = second.positions(first.positions(where, (3, 3)), (3, 3))
            assert both.tolist() == second.after(first).positions(where, (3, 3)).tolist()


# -- the record --------------------------------------------------------------------------------------------------------


@pytest.fixture
def report(six):
    return judge_directions(six, _moves(six, _simulated("six-axis", "easy", 1)))


def test_a_passed_test_is_kept_beside_the_file_and_bound_to_its_content(six, report, tmp_path):
    path = tmp_path / "mine.yaml"
    with pytest.raises(DirectionCheckMissing, match="no direction check was made with"):
        require_direction_check(path, six)
    assert write_direction_record(path, six, report) == direction_record_path(path) == tmp_path / "mine.yaml.signs.json"
    assert direction_check_passed(path, six)
    flipped = six.model_copy(update={"detector": six.detector.model_copy(update={"flip_fast": True})})
    with pytest.raises(
        DirectionCheckMissing, match="was changed after its direction check; run `beamgym deploy --signs`"
    ):
        require_direction_check(path, flipped)


def test_a_failed_test_is_kept_and_does_not_pass(six, tmp_path):
    path = tmp_path / "mine.yaml"
    write_direction_record(
        path, six, judge_directions(six, _moves(six, _simulated("six-axis", "easy", 2, AS_IT_IS, ("j1",))))
    )
    assert not direction_check_passed(path, six)
    with pytest.raises(DirectionCheckMissing, match="was not passed; mend what it found"):
        require_direction_check(path, six)


def test_a_forged_or_broken_record_does_not_pass(six, report, tmp_path):
    path = tmp_path / "mine.yaml"
    good = json.loads(write_direction_record(path, six, report).read_text(encoding="utf-8"))
    for text in (json.dumps({**good, "instrument": "0" * 64}), json.dumps({**good, "axes": {}}), "[]", "{}", "no"):
        direction_record_path(path).write_text(text, encoding="utf-8")
        assert not direction_check_passed(path, six)


SAID = {"DIR": "Pos", "OFF": 0.0, "MRES": 0.001, "VELO": 5.0}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"OFF": -12.5}, "j3: OFF was 0 and is -12.5"),
        ({"DIR": "Neg"}, "j3: DIR was Pos and is Neg"),
        ({"MRES": 0.002}, "j3: MRES was 0.001 and is 0.002"),
    ],
)
def test_a_motor_that_counts_otherwise_than_in_its_test_is_refused(six, report, tmp_path, changed, told):
    path = tmp_path / "mine.yaml"
    write_direction_record(path, six, report, "", coordinates_of(dict.fromkeys(SIX, SAID)))
    now = coordinates_of({**dict.fromkeys(SIX, SAID), "j3": {**SAID, **changed}})
    with pytest.raises(DirectionCheckMissing, match=f"since the direction check of .*mine.yaml {told}: "):
        require_same_coordinates(path, six, now)
    # without what the test kept, or where the motor says nothing, it would pass
    require_same_coordinates(path, six, coordinates_of({name: {} for name in SIX}))
    write_direction_record(path, six, report)
    require_same_coordinates(path, six, now)


@pytest.mark.parametrize("changed", [{"ReverseX_RBV": "1"}, {"MinY_RBV": "40"}, {"NDArrayPort_RBV": "TRANS1"}])
def test_an_image_that_is_read_out_otherwise_than_in_the_test_is_refused(six, report, tmp_path, changed):
    path = tmp_path / "mine.yaml"
    modes = {"ReverseX_RBV": "0", "MinY_RBV": "0", "NDArrayPort_RBV": "DET1", "ImageMode_RBV": "Single"}
    write_direction_record(path, six, report, "", coordinates_of({}, modes))
    # what only says when frames are taken is judged at the trigger
    require_same_coordinates(path, six, coordinates_of({}, {**modes, "ImageMode_RBV": "Continuous"}))
    ((name, word),) = changed.items()
    with pytest.raises(DirectionCheckMissing, match=f"the image: {name} was {modes[name]} and is {word}: "):
        require_same_coordinates(path, six, coordinates_of({}, {**modes, **changed}))
    require_same_coordinates(path, six, coordinates_of({}, {"ReverseX_RBV": "0"}))


def test_a_zero_within_the_tolerance_and_another_speed_leave_the_coordinates_as_they_were(six):
    before = coordinates_of({"j1": SAID, "j2": {"OFF": float("nan"), "DIR": None}})
    assert before == {"j1": {"DIR": "Pos", "OFF": 0.0, "MRES": 0.001}, "j2": {}, "the image": {}}
    tolerance = six.axes[0].tolerance
    found = coordinates_of({"j1": {**SAID, "OFF": 0.9 * tolerance, "VELO": 1.0}, "j2": SAID})
    assert changed_coordinates(six, before, found) == []
    assert changed_coordinates(six, before, {"j1": {"OFF": 1.1 * tolerance}}) != []


def test_a_stage_is_judged_by_a_human_who_watches(tmp_path):
    file = load_instrument(shipped_instrument("arpes_soft_ioc"))
    world = SimulatedArpes()
    world.reset(np.zeros(1, dtype=np.uint64), np.ones(1, dtype=np.bool_), positions=np.array([0.95, 0.0, 0.5]))
    asked, told = [], []

    def watch(question):
        asked.append(question)
        return "(0 1 0)" not in question

    seen = make_seen_moves(world, file, watch, told.append)
    assert told == ["x: -0.2 mm and back; watch the sample", "y: +0.2 mm and back; watch the sample"]
    assert "Did the sample move along (-1 " in asked[0]
    assert dict(seen.axes) == {"x": "right", "y": "flipped"}
    assert not seen.passed
    assert world.positions()[0, :2] == pytest.approx([0.95, 0.0], abs=0.005)
    right = make_seen_moves(world, file, lambda question: True, told.append)
    write_direction_record(tmp_path / "arpes.yaml", file, right)
    assert direction_check_passed(tmp_path / "arpes.yaml", file)
