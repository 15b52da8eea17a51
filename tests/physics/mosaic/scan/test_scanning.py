"""A whole scan of a small plate, and what it says of every kind of place."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import Grain, PlateCrystal, PlateOptions, PlateWorld, SimulatedPlate, draw_plate
from beamgym.physics.mosaic.scan import FrameStore, ScanSettings, analysed, scan_plate
from beamgym.physics.mosaic.scan import frames as frames_module
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

CRYSTAL = load_crystal("YFe2Ge2")


def spoilt_plate():
    """Nine single crystals, and one of each kind of trouble."""
    plate = draw_plate(CRYSTAL, 8, PlateOptions.faultless(13))
    crystals = list(plate.crystals)
    for number, what in enumerate(("two grains", "bent", "empty", "several under the beam")):
        old = crystals[number]
        u = old.grains[0].orientation
        other = rotation_matrix(np.array([2.0, -3.0, 24.0])) @ u
        low, high = old.outline.polygon_mm.min(axis=0), old.outline.polygon_mm.max(axis=0)
        middle = old.outline.centre_mm[0]
        halves = [
            np.array(old.outline.shape.intersection(_box(*ends, low[1], high[1])).exterior.coords)[:-1]
            for ends in ((low[0], middle), (middle, high[0]))
        ]
        grains = {
            "two grains": (Grain(u, halves[0]), Grain(other, halves[1])),
            "bent": (Grain(u),),
            "empty": (),
            "several under the beam": (Grain(u, share=0.6), Grain(other, share=0.4)),
        }[what]
        bend = np.array([[0.0, 0.7], [-0.7, 0.0]]) if what == "bent" else np.zeros((2, 2))
        crystals[number] = PlateCrystal(old.outline, grains, "single", old.height_mm, old.face, bend, old.mosaic_deg)
    return SimulatedPlate(tuple(crystals), plate.size_mm)


def _box(left, right, low, high):
    from shapely.geometry import box

    return box(left, low, right, high)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    plate = spoilt_plate()
    store = FrameStore(tmp_path_factory.mktemp("scan") / "frames.h5", "this plate")
    told = []
    world = PlateWorld.of(plate, CRYSTAL)
    scan = scan_plate(world, plate.outlines, store=store, progress=lambda done, total: told.append((done, total)))
    return plate, scan, store, told


def test_every_kind_of_place_is_told(scanned):
    _, scan, _, _ = scanned
    verdicts = [one.verdict for one in scan.crystals]
    assert verdicts[:4] == ["several grains", "bent", "empty", "several grains"]
    assert verdicts[4:] == ["indexed"] * 9


def test_orientations_of_single_crystals_are_right_to_their_standard_error(scanned):
    plate, scan, _, _ = scanned
    error = [
        float(misorientation_deg(seen.orientation, true.grains[0].orientation, scan.rotations))
        for seen, true in zip(scan.crystals[4:], plate.crystals[4:], strict=True)
    ]
    assert np.median(error) < 0.03
    assert max(error) < 0.08
    assert all(0.002 < seen.sigma_deg.max() < 0.05 for seen in scan.crystals[4:])


def test_grains_are_named_with_their_shares(scanned):
    plate, scan, _, _ = scanned
    seen, true = scan.crystals[3], plate.crystals[3]
    assert len(seen.grains) == 2
    # the one with more light comes first: which one that is depends on where its bright spots fall, too
    for grain in true.grains:
        assert min(float(misorientation_deg(u, grain.orientation, scan.rotations)) for u in seen.grains) < 0.1
    assert seen.shares[0] > seen.shares[1] > 0.1
    assert "2 orientations" in seen.note


def test_heights_differ_as_the_crystals_do(scanned):
    plate, scan, _, _ = scanned
    true = np.array([crystal.height_mm for crystal in plate.crystals[4:]])
    assert np.std(scan.heights_mm[4:] - true) < 0.03
    assert np.std(true) > 0.1


def test_progress_is_told_crystal_by_crystal(scanned):
    _, _, _, told = scanned
    assert told[:13] == [(k + 1, 13) for k in range(13)]


def test_the_kept_frames_say_the_same_again(scanned):
    plate, scan, store, _ = scanned
    frames = {name: store.read(name) for name in store.names}
    world = PlateWorld.of(plate, CRYSTAL)
    again = analysed(frames, plate.outlines, world.context)
    assert [one.verdict for one in again.crystals] == [one.verdict for one in scan.crystals]


class Killed(Exception):
    """As a power failure."""


class Dying:
    """An instrument that dies in its k-th exposure."""

    def __init__(self, world, exposures):
        self.world, self.left = world, exposures

    def __getattr__(self, name):
        return getattr(self.world, name)

    def acquire(self, settings, mask):
        self.left -= 1
        if self.left < 0:
            raise Killed
        return self.world.acquire(settings, mask)


@pytest.mark.parametrize("exposures", [0, 4, 7])
def test_a_killed_scan_loses_the_crystal_in_hand_and_no_other(tmp_path, exposures):
    plate = draw_plate(CRYSTAL, 8, PlateOptions.faultless(4))
    path = tmp_path / "frames.h5"
    settings = ScanSettings(places=2, looks=0)
    with pytest.raises(Killed):
        scan_plate(Dying(PlateWorld.of(plate, CRYSTAL), exposures), plate.outlines, settings, FrameStore(path, "p"))
    kept = FrameStore(path, "p").names
    assert len(kept) == exposures // 2
    counting = Dying(PlateWorld.of(plate, CRYSTAL), 100)
    scan = scan_plate(counting, plate.outlines, settings, FrameStore(path, "p"))
    assert 100 - counting.left == 2 * (4 - len(kept))
    assert len(scan.crystals) == 4
    assert set(FrameStore(path, "p").names) == {outline.name for outline in plate.outlines}
    assert not path.with_suffix(".parts").exists()


@pytest.mark.slow
def test_twenty_random_kills_lose_one_crystal_each_at_most(tmp_path, monkeypatch):
    """Whatever the program was at: in an exposure, or in the middle of writing."""
    plate = draw_plate(CRYSTAL, 8, PlateOptions.faultless(5))
    settings, rng = ScanSettings(places=1, looks=0), np.random.default_rng(4)
    whole = frames_module._write
    for number in range(20):
        path = tmp_path / f"{number}.h5"
        at, writing = int(rng.integers(0, 5)), bool(rng.integers(0, 2))
        written = []

        def dying(draft, *parts, at=at, written=written):
            whole(draft, *parts)
            written.append(draft)
            if len(written) > at:
                draft.write_bytes(draft.read_bytes()[:900])
                raise Killed

        monkeypatch.setattr(frames_module, "_write", dying if writing else whole)
        instrument = PlateWorld.of(plate, CRYSTAL)
        with pytest.raises(Killed):
            scan_plate(
                instrument if writing else Dying(instrument, at), plate.outlines, settings, FrameStore(path, "p")
            )
        # all crystals but the one in hand are there and can be read
        store = FrameStore(path, "p")
        assert len(store.names) == at
        assert all(len(store.read(name)) == 1 for name in store.names)


def test_what_cannot_be_scanned_is_said_before_anything_moves():
    plate = draw_plate(CRYSTAL, 8, PlateOptions.faultless(2))
    world = PlateWorld.of(plate, CRYSTAL)
    far = Outline("far", plate.outlines[0].polygon_mm + 500.0)
    with pytest.raises(ValueError, match=r"crystal far lies at x = .* mm, the stage goes from"):
        scan_plate(world, [*plate.outlines, far])
    with pytest.raises(ValueError, match="no outlines"):
        scan_plate(world, [])
    with pytest.raises(ValueError, match="two outlines are named '1'"):
        scan_plate(world, [plate.outlines[0], plate.outlines[0]])
    with pytest.raises(ValueError, match="this one holds 2 samples"):
        scan_plate(PlateWorld("YFe2Ge2", PlateOptions(2), 2), plate.outlines)
    assert (world.positions() == 0.0).all()
    assert world.acquire(AcquireSettings(1.0), np.ones(1, dtype=np.bool_)).counter[0] == 1


def test_an_instrument_without_a_stage_is_told_what_it_lacks():
    class Turntable:
        n = 1
        axes = ()
        context = PlateWorld.of(draw_plate(CRYSTAL, 8, PlateOptions.faultless(2)), CRYSTAL).context

        def positions(self):
            return np.zeros((1, 0))

    plate = draw_plate(CRYSTAL, 8, PlateOptions.faultless(2))
    with pytest.raises(ValueError, match="no linear axis x and y"):
        scan_plate(Turntable(), plate.outlines)
