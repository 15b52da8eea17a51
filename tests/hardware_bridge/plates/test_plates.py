"""Instruments of kind mosaic: what their files must say, and how a scan sees the stage behind the guard."""

from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from beamgym.envs.policy import CannotPlay
from beamgym.hardware_bridge.instrument_file import check_experiment, parse_instrument, shipped_instrument
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.plates import PlateStage, ScanPlan
from beamgym.physics.instrument import AcquireSettings, Frame, MoveReport
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld

ONE = np.ones(1, dtype=np.bool_)


def content():
    return yaml.safe_load(shipped_instrument("mosaic_soft_ioc").read_text(encoding="utf-8"))


def test_the_shipped_file_describes_the_simulated_plates_stage_and_camera():
    file = parse_instrument(content())
    context, world = check_experiment(file), PlateWorld("FePS3", PlateOptions(20))
    assert [axis.name for axis in context.instrument_axes] == ["x", "y", "exposure"]
    assert np.allclose(file.detector.geometry().as_vector(), world.context.detector.as_vector())
    for axis, simulated in zip(context.stage, world.axes, strict=True):
        assert axis.vector == simulated.vector
        assert axis.limits[1] <= simulated.limits[1]
    assert context.optics.crystal.name == "FePS3"
    assert context.optics.beam.band_kev == world.context.beam.band_kev


def of_other_names(data):
    data["axes"][0]["name"] = "across"


def longer_than_the_camera(data):
    data["axes"][2]["limits"] = [0.1, 100.0]


def of_no_material(data):
    data["mosaic"]["material"] = "unobtainium"


def of_no_beam(data):
    data["mosaic"]["beam"] = "laser"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_other_names, "x in mm, y in mm, exposure in s"),
        (longer_than_the_camera, "bring it within the detector's"),
        (of_no_material, "mosaic: material: "),
        (of_no_beam, "mosaic: unknown beam 'laser'"),
    ],
)
def test_what_makes_no_such_instrument_is_refused_in_one_line(change, message):
    data = content()
    change(data)
    with pytest.raises(ValueError, match=message) as error:
        check_experiment(parse_instrument(data))
    assert "\n" not in str(error.value)


def test_a_frame_without_spots_is_an_ordinary_one_of_a_plate_alone():
    from beamgym.hardware_bridge.guard.devices.frame import may_show_nothing

    assert may_show_nothing(parse_instrument(content()))
    assert bridge_kind("laue").may_show_nothing is None


class Guarded:
    """A guarded instrument that notes what it is told."""

    def __init__(self):
        self.at, self.moves, self.clock = np.array([[1.0, 2.0, 1.0]]), [], 1.7e9

    axes = check_experiment(parse_instrument(content())).instrument_axes

    def positions(self):
        return self.at.copy()

    def move(self, target, mask):
        self.moves.append(target[0].tolist())
        self.at = target.copy()
        return MoveReport(target.copy(), np.array([0.5]))

    def acquire(self, settings, mask):
        self.clock += 10.0
        return Frame(np.array([self.at[0, 2]]), np.array([1]), np.array([self.clock]))


def test_the_exposure_is_set_where_it_changes_and_the_clock_begins_with_the_first_frame():
    inner, touched = Guarded(), []
    stage = PlateStage(inner, SimpleNamespace(alive=SimpleNamespace(touch=lambda: touched.append(1))), None)
    assert [axis.name for axis in stage.axes] == ["x", "y"]
    report = stage.move(np.array([[3.0, 4.0]]), ONE)
    assert report.readback.tolist() == [[3.0, 4.0]]
    first = stage.acquire(AcquireSettings(1.0), ONE)
    assert inner.moves == [[3.0, 4.0, 1.0]]
    second = stage.acquire(AcquireSettings(4.0), ONE)
    assert inner.moves[1:] == [[3.0, 4.0, 4.0]]
    stage.move(np.array([[5.0, 4.0]]), ONE)
    assert inner.moves[2:] == [[5.0, 4.0, 4.0]]
    assert (first.time_s[0], second.time_s[0]) == pytest.approx((1.0, 11.0))
    assert len(touched) == 4


def test_the_plan_of_a_scan_plays_no_episodes():
    with pytest.raises(CannotPlay, match="beamgym mosaic scan"):
        ScanPlan().start(None, 1)
