"""Image files: every format comes back as it was written, every damaged one with a clear line."""

import struct

import fabio.cbfimage
import fabio.edfimage
import fabio.tifimage
import h5py
import numpy as np
import pytest
from PIL import Image

from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.images.pixels import ImageFileError
from beamgym.physics.laue.files.images.read import read_image
from beamgym.physics.laue.indexing.indexing import Indexed
from beamgym.physics.laue.report.results_file import write_results

COUNTS = (np.arange(64 * 48).reshape(64, 48) * 7 % 4001).astype(np.uint16)


def write_mccd(path):
    """A MarCCD file: a TIFF head, MarCCD's own header from byte 1024, 16-bit counts from byte 4096."""
    rows, columns = COUNTS.shape
    tags = {256: columns, 257: rows, 258: 16, 259: 1, 262: 1, 273: 4096, 277: 1, 278: rows, 279: COUNTS.nbytes}
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", k, 4, 1, v) for k, v in tags.items())
    head = bytearray(4096)
    head[: 8 + len(directory)] = struct.pack("<2sHI", b"II", 42, 8) + directory
    struct.pack_into("<IIIII", head, 1024 + 80, columns, rows, 2, columns * 2, 2)
    path.write_bytes(bytes(head) + COUNTS.astype("<u2").tobytes())


def write(path):
    suffix = path.suffix
    if suffix == ".tif":
        fabio.tifimage.TifImage(data=COUNTS).write(str(path))
    elif suffix == ".tiff":
        Image.fromarray(COUNTS).save(path, compression="tiff_lzw")
    elif suffix == ".edf":
        fabio.edfimage.EdfImage(data=COUNTS).write(str(path))
    elif suffix == ".cbf":
        fabio.cbfimage.CbfImage(data=COUNTS.astype(np.int32)).write(str(path))
    elif suffix == ".png":
        Image.fromarray(COUNTS).save(path)
    elif suffix == ".mccd":
        write_mccd(path)
    else:
        with h5py.File(path, "w") as out:
            out["entry/data/data"] = COUNTS
    return path


FORMATS = [".tif", ".tiff", ".edf", ".cbf", ".png", ".mccd", ".h5"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_image_comes_back_as_it_was_written(tmp_path, suffix):
    file = read_image(write(tmp_path / f"image{suffix}"))
    np.testing.assert_array_equal(file.image, COUNTS)
    assert file.image.shape == (64, 48)
    assert not file.ignored.any()
    assert file.frames == 1


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.7])
def test_a_truncated_file_says_so(tmp_path, suffix, share):
    path = write(tmp_path / f"image{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ImageFileError, match=f"image{suffix} is (damaged|empty)") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", FORMATS)
def test_rubbish_is_no_image(tmp_path, suffix):
    path = tmp_path / f"image{suffix}"
    path.write_bytes(b"this is no image at all. " * 40)
    with pytest.raises(ImageFileError, match="damaged"):
        read_image(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing\\.tif"):
        read_image(tmp_path / "nothing.tif")


def test_pixels_that_detectors_mark_are_ignored(tmp_path):
    counts = COUNTS.astype(np.int32)
    counts[3, 4], counts[5] = -2, -1
    path = tmp_path / "gaps.cbf"
    fabio.cbfimage.CbfImage(data=counts).write(str(path))
    assert read_image(path).ignored.sum() == 1 + 48
    with h5py.File(tmp_path / "gaps.h5", "w") as out:
        out["data"] = np.where(counts < 0, 2**32 - 1, counts).astype(np.uint32)
    assert read_image(tmp_path / "gaps.h5").ignored.sum() == 1 + 48


def test_one_image_of_a_stack_is_chosen_by_number(tmp_path):
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as out:
        out["entry/data"] = np.stack([COUNTS, COUNTS + 1, COUNTS + 2])
    assert read_image(path).frames == 3
    np.testing.assert_array_equal(read_image(path, frame=2).image, COUNTS + 2)
    with pytest.raises(ImageFileError, match="3 image"):
        read_image(path, frame=3)


def test_hdf5_follows_nexus_default_and_signal(tmp_path):
    path = tmp_path / "nexus.h5"
    with h5py.File(path, "w") as out:
        out["big"] = np.zeros((200, 200))
        out["entry/plot/small"] = COUNTS
        out.attrs["default"], out["entry"].attrs["default"], out["entry/plot"].attrs["signal"] = (
            "entry",
            "plot",
            "small",
        )
    np.testing.assert_array_equal(read_image(path).image, COUNTS)
    assert read_image(path, dataset="big").image.shape == (200, 200)
    with pytest.raises(ImageFileError, match="no dataset 'none'"):
        read_image(path, dataset="none")


def test_hdf5_without_an_image_says_so(tmp_path):
    with h5py.File(tmp_path / "empty.h5", "w") as out:
        out["spectrum"] = np.arange(5.0)
    with pytest.raises(ImageFileError, match="holds no image"):
        read_image(tmp_path / "empty.h5")


def _result():
    return Indexed(
        orientation=np.eye(3),
        matched=1,
        figure_of_merit=9.0,
        residual_px=0.2,
        residual_deg=0.01,
        ambiguous=(),
        assigned=np.array([True, False]),
        hkl=np.array([[1, 1, 1], [0, 0, 0]], dtype=np.int32),
        energy_kev=np.array([9.0, 0.0]),
        tolerance_deg=0.1,
    )


def test_results_are_nexus_and_read_back(tmp_path):
    silicon = load_crystal("Si")
    peaks = Peaks(np.ones((1, 2, 2), np.float32), np.ones((1, 2), np.float32), np.array([2]), np.zeros((1, 2), bool))
    path = tmp_path / "result.h5"
    write_results(path, silicon, Detector.top(shape=(64, 48)), peaks, _result(), COUNTS)
    with h5py.File(path) as file:
        np.testing.assert_allclose(file["entry/sample/ub_matrix"][0], silicon.b_matrix)
        np.testing.assert_allclose(file["entry/sample/unit_cell"], silicon.cell)
        assert file["entry/sample"].attrs["NX_class"] == "NXsample"
        assert file["entry/instrument/detector/distance"].attrs["units"] == "mm"
        assert file["entry/peaks/hkl"][0].tolist() == [1, 1, 1]
    np.testing.assert_array_equal(read_image(path).image, COUNTS)


def test_results_that_cannot_be_written_leave_nothing(tmp_path):
    peaks = Peaks(np.ones((1, 2, 2), np.float32), np.ones((1, 2), np.float32), np.array([2]), np.zeros((1, 2), bool))
    with pytest.raises(AttributeError):
        write_results(tmp_path / "result.h5", None, Detector.top(shape=(64, 48)), peaks, _result())
    assert list(tmp_path.iterdir()) == []
