"""The file of frames: what is kept comes back, and frames of another plate are refused."""

import errno

import numpy as np
import pytest

from beamgym.physics.instrument import Peaks
from beamgym.physics.mosaic.scan import FrameStore, TakenFrame, frames


def frame(count, seed=0, image=None):
    rng = np.random.default_rng(seed)
    peaks = Peaks(
        rng.uniform(0, 500, (1, count, 2)).astype(np.float32),
        rng.uniform(1, 9, (1, count)).astype(np.float32),
        np.array([count]),
        rng.uniform(size=(1, count)) < 0.5,
    )
    return TakenFrame(np.array([1.0, -2.0]), 10.0, 12.0 * seed, peaks, image)


def test_frames_come_back_as_they_were_before_and_after_the_end(tmp_path):
    store = FrameStore(tmp_path / "frames.h5", "plate")
    kept = [frame(5, 1), frame(0, 2), frame(9, 3)]
    store.add("a/b 1", kept)
    store.add("2", [frame(3, 4)])
    for _ in range(2):
        again = FrameStore(tmp_path / "frames.h5", "plate")
        assert again.names == ("a/b 1", "2")
        for one, other in zip(again.read("a/b 1"), kept, strict=True):
            assert np.array_equal(one.peaks.position_px, other.peaks.position_px)
            assert np.array_equal(one.peaks.intensity, other.peaks.intensity)
            assert np.array_equal(one.peaks.saturated, other.peaks.saturated)
            assert (one.exposure_s, one.time_s) == (other.exposure_s, other.time_s)
            assert np.array_equal(one.point_mm, other.point_mm)
        store.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["frames.h5"]


def test_images_are_kept(tmp_path):
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    store = FrameStore(tmp_path / "frames.h5", "plate")
    store.add("1", [frame(2, image=image)])
    store.finish()
    assert np.array_equal(FrameStore(tmp_path / "frames.h5", "plate").read("1")[0].image, image)


def test_frames_of_another_plate_are_refused(tmp_path):
    store = FrameStore(tmp_path / "frames.h5", "plate")
    store.add("1", [frame(2)])
    with pytest.raises(ValueError, match="holds frames of another plate"):
        FrameStore(tmp_path / "frames.h5", "other")
    store.finish()
    with pytest.raises(ValueError, match="holds frames of another plate"):
        FrameStore(tmp_path / "frames.h5", "other")


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path):
    (tmp_path / "frames.h5").write_text("no HDF5")
    with pytest.raises(ValueError, match="holds no frames of a plate") as caught:
        FrameStore(tmp_path / "frames.h5", "plate")
    assert "\n" not in str(caught.value)


def test_a_crystal_that_was_not_visited_has_no_frames(tmp_path):
    with pytest.raises(KeyError):
        FrameStore(tmp_path / "frames.h5", "plate").read("1")


def test_two_scans_of_one_plate_lose_none_of_their_frames(tmp_path):
    one, other = FrameStore(tmp_path / "frames.h5", "plate"), FrameStore(tmp_path / "frames.h5", "plate")
    one.add("1", [frame(2)])
    other.add("2", [frame(3)])
    one.finish()
    other.add("3", [frame(4)])
    other.finish()
    kept = FrameStore(tmp_path / "frames.h5", "plate")
    assert sorted(kept.names) == ["1", "2", "3"]
    assert [int(kept.read(name)[0].peaks.count[0]) for name in "123"] == [2, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["frames.h5"]


@pytest.mark.parametrize("end", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_ctrl_c_while_frames_are_written_leaves_what_was_there(tmp_path, monkeypatch, end):
    store = FrameStore(tmp_path / "frames.h5", "plate")
    store.add("1", [frame(5, 1)])
    whole = frames._write

    def half_written(path, plate, crystals):
        whole(path, plate, crystals)
        raise end

    monkeypatch.setattr(frames, "_write", half_written)
    for write in (lambda: store.add("2", [frame(3, 2)]), store.finish):
        with pytest.raises(type(end)):
            write()
        assert FrameStore(tmp_path / "frames.h5", "plate").names == ("1",)
        assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["frames.parts", "00000.h5"]
