"""A diffractometer on the bridge: its file, the counter to practise on, and the ways of its scans."""

from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from beamgym.hardware_bridge.instrument_file import check_experiment, parse_instrument, shipped_instrument
from beamgym.hardware_bridge.practice.samples import MONITOR_PER_S, ScanningSample, Sweep
from beamgym.hardware_bridge.scans.entry import counted
from beamgym.physics.diffractometer.scans import POINTS, ScanPath, ScanSettings, nothing_scanned
from beamgym.physics.instrument import FrameFailed, MoveFailed

pytest.importorskip("bluesky", reason="scans are plans, which need the extra 'hardware'")

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.scans import ScalerDetector, ScanInstrument
from beamgym.hardware_bridge.scans.instrument import _checked

ONE = np.ones(1, dtype=np.bool_)


def content():
    return yaml.safe_load(shipped_instrument("diffractometer_soft_ioc").read_text(encoding="utf-8"))


def of_other_axes(data):
    data["axes"][0], data["axes"][2] = data["axes"][2], data["axes"][0]


def turned_the_other_way(data):
    data["axes"][1]["vector"] = [-1.0, 0.0, 0.0]


def of_one_column(data):
    data["detector"]["shape"] = [91, 1]


def without_bisecting(data):
    data["diffractometer"]["instrument"] = "tas"


def of_no_crystal(data):
    data["diffractometer"]["crystal"] = "unobtainium"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_other_axes, "has the axes omega, chi, phi, tth"),
        (turned_the_other_way, "angles would be in another frame"),
        (of_one_column, r"give shape: \[91, 4\]"),
        (without_bisecting, "no bisecting position"),
        (of_no_crystal, "diffractometer: crystal: "),
    ],
)
def test_what_makes_no_such_instrument_is_refused_in_one_line(change, message):
    data = content()
    change(data)
    with pytest.raises(ValueError, match=message) as error:
        check_experiment(parse_instrument(data))
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def sample():
    return ScanningSample("diffractometer", {"crystal": "Si", "level": "real"})


class TestTheCounterToPractiseOn:
    @staticmethod
    def in_simulation(sample, settings, at):
        """The same scan of the same sample by its world alone."""
        sample.reset(3)
        world = sample.world
        world.move(at[None], ONE)
        return world.acquire(settings, ONE)

    def test_a_sweep_counts_what_the_simulated_scan_counts(self, sample):
        at, width, p = np.array([20.0, 5.0, -60.0, 40.0]), 120.0, POINTS
        settings = ScanSettings(
            what=np.array([1]),
            axis=np.array([2]),
            width_deg=np.array([width]),
            count_s=np.array([0.5]),
            about=np.zeros((1, 3)),
        )
        expected = self.in_simulation(sample, settings, at)
        sample.reset(3)
        step = width / (p - 1)
        edges = at[2] + (np.arange(p + 1) - 0.5) * step
        for axis, value in enumerate(at):
            sample.carry(axis, value)
        sample.carry(2, edges[0])
        sample.arm(Sweep(2, edges, expected.count_s[0]))
        sample.begin()
        assert not sample.full
        sample.carry(2, edges[-1])
        assert sample.full
        image = sample.expose(1.0)
        assert np.array_equal(image[:, 2] * image[:, 3], expected.counts[0])
        assert image[:, 1].sum() == pytest.approx(MONITOR_PER_S * image[:, 0].sum(), rel=0.01)

    def test_channels_that_were_not_passed_are_of_no_time(self, sample):
        sample.reset(3)
        edges = np.linspace(0.0, 9.0, 10)
        sample.arm(Sweep(0, edges, np.ones(9)))
        sample.begin()
        sample.carry(0, 4.5)
        assert not sample.full
        image = sample.expose(1.0)
        assert image[:4, 0].tolist() == [1.0] * 4
        assert not image[4:, :2].any()

    def test_without_beam_the_monitor_says_so(self, sample):
        sample.reset(3)
        sample.begin()
        image = sample.dark(1)
        assert image[0].tolist() == [1.0, 0.0, 0.0, 1.0]
        with pytest.raises(FrameFailed, match="monitor counted nothing at 1 of 1 points"):
            _checked(image, np.array([0]))

    def test_it_goes_on_after_its_server_was_killed(self, sample):
        sample.reset(5)
        first = sample.expose(1.0)
        kept = sample.history
        second = sample.expose(1.0)
        sample.restore(5, kept, {})
        assert np.array_equal(sample.expose(1.0), second)
        assert not np.array_equal(first, second)

    @pytest.mark.parametrize(
        "sweep",
        [Sweep(0, np.zeros(3), np.ones(3)), Sweep(9, np.zeros(4), np.ones(3)), Sweep(-1, np.zeros(0), np.ones(0))],
    )
    def test_what_is_no_sweep_is_refused(self, sample, sweep):
        with pytest.raises(ValueError, match=r"sweep|no axis"):
            sample.arm(sweep)


def instrument(speed_follows=True, device=None):
    """A ScanInstrument behind a guard that allows everything and moves nothing."""
    data = content()
    data["diffractometer"]["speed_follows"] = speed_follows
    file = parse_instrument(data)
    proxy = SimpleNamespace(device=device)
    return ScanInstrument(file, SimpleNamespace(travel={}, detector=SimpleNamespace(proxy=proxy)), None)


def asked(what, width, axis=0):
    return ScanSettings(
        what=np.array([what]),
        axis=np.array([axis]),
        width_deg=np.array([width]),
        count_s=np.array([0.1]),
        about=np.zeros((1, 3)),
    )


@pytest.mark.parametrize(
    ("at", "width", "message"),
    [([0.0, 0.0, 0.0, 0.0], -80.0, "its limits are"), ([50.0, 0.0, 0.0, 20.0], 60.0, "cradle touches")],
)
def test_a_scan_through_a_limit_or_the_envelope_is_one_line_before_anything_moves(at, width, message):
    scanner = instrument()
    scanner._at = np.array(at)
    with pytest.raises(MoveFailed, match=message) as error:
        next(scanner.acquire_plan(asked(1, width)))
    assert "\n" not in str(error.value)


class TestWays:
    def test_a_scan_of_one_axis_goes_on_without_a_gap(self):
        legs = np.zeros((3, 2, 4))
        legs[:, 0, 2], legs[:, 1, 2] = [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]
        assert ScanInstrument._only_axis(legs) == 2
        legs[1:, :, 2] += 0.5
        assert ScanInstrument._only_axis(legs) == -1
        legs[:, :, 1] += np.arange(3)[:, None]
        assert ScanInstrument._only_axis(legs) == -1

    def test_points_that_need_longer_than_their_way_are_counted_standing(self):
        edges = np.zeros((2, 2, 4))
        edges[:, 1, 0] = 1.0
        path = ScanPath(edges.mean(axis=1), edges, np.array([0.5, 5.0]), 10.0, np.array([2.0, 10.0]))
        legs = instrument(speed_follows=False)._legs(path, np.arange(2))
        assert np.array_equal(legs[0], edges[0])
        assert np.array_equal(legs[1, 0], legs[1, 1])
        assert np.array_equal(instrument()._legs(path, np.arange(2)), edges)


class Scaler:
    """A bluesky scaler of somebody's own."""

    name = "scaler"

    def __init__(self):
        self.preset = 0.0

    def set_exposure(self, seconds):
        self.preset = seconds

    def trigger(self):
        return "status"

    def read(self):
        return {"scaler_I0": {"value": 5000.0, "timestamp": 0.0}, "scaler_det": {"value": 12.0, "timestamp": 0.0}}


class TestAnyScaler:
    def test_its_readings_are_a_row(self):
        import asyncio

        made = ScalerDetector(Scaler(), "scaler_det", "scaler_I0")
        made.set_exposure(2.0)
        assert made.trigger() == "status"
        readings = asyncio.run(made.read())
        assert readings["scaler_image"]["value"][0].tolist() == [2.0, 5000.0, 12.0, 1.0]
        assert readings["scaler_counter"]["value"] == 1

    def test_a_scan_without_its_monitor_is_one_line(self):
        import asyncio

        made = ScalerDetector(Scaler(), "scaler_det", "scaler_I1")
        with pytest.raises(DeviceError, match="no reading 'scaler_I1' for its monitor counts") as error:
            asyncio.run(made.read())
        assert "\n" not in str(error.value)


def test_a_reports_row_says_what_a_scan_has_shown():
    frame = nothing_scanned(1, 4)
    frame.points[0], frame.counts[0, :3], frame.count_s[0, :3] = 3, [1.0, 8.0, 2.0], 0.5
    assert counted(frame) == {"points": 3, "highest_cps": 16.0}
