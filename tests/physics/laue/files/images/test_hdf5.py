"""HDF5 as different facilities write it: what the file points to is read, what it leaves open is refused by name."""

import h5py
import hdf5plugin
import numpy as np
import pytest

from beamgym.physics.laue.files import ImageFileError, read_image

SHAPE = (64, 80)
COUNTS = np.random.default_rng(1).poisson(60.0, SHAPE).astype(np.uint16)
OTHER = np.full((200, 300), 7, dtype=np.float32)
"""Larger than the picture, and no picture."""


def nexus(out, **attributes):
    """The groups of a NeXus file, the picture in entry/data, a flat field in the detector."""
    out.create_group("entry").attrs["NX_class"] = "NXentry"
    data = out.create_group("entry/data")
    data.attrs["NX_class"] = "NXdata"
    data["counts"] = COUNTS
    out["entry/instrument/detector/flatfield"] = OTHER
    for path, (name, value) in attributes.items():
        out[path.replace("__", "/") or "/"].attrs[name] = value
    return data


def whole_path(out):
    nexus(out)
    out.attrs["default"] = "/entry/data"
    out["entry/data"].attrs["signal"] = "counts"


def is_the_picture(file):
    return file.image.dtype.isnative and np.array_equal(file.image, COUNTS)


def text(kind):
    """Attributes as h5py, areaDetector, the NAPI and Matlab store them."""
    return {
        "text": str,
        "bytes": np.bytes_,
        "padded": lambda word: np.array(word.encode().ljust(32, b"\0"), dtype="S32"),
        "array of objects": lambda word: np.array([word], dtype=h5py.string_dtype()),
        "array of bytes": lambda word: np.array([word.encode()]),
    }[kind]


@pytest.mark.parametrize("kind", ["text", "bytes", "padded", "array of objects", "array of bytes"])
def test_default_and_signal_are_followed_however_they_are_stored(tmp_path, kind):
    with h5py.File(tmp_path / "x.h5", "w") as out:
        nexus(out)
        word = text(kind)
        out.attrs["default"], out["entry"].attrs["default"] = word("entry"), word("data")
        out["entry/data"].attrs["signal"] = word("counts")
    assert is_the_picture(read_image(tmp_path / "x.h5"))


@pytest.mark.parametrize("mark", [1, "1", np.array([1]), np.bytes_("1"), np.int64(1)])
def test_the_old_mark_of_a_signal_is_understood(tmp_path, mark):
    with h5py.File(tmp_path / "x.nxs", "w") as out:
        nexus(out)["errors"] = OTHER
        out["entry/data/counts"].attrs["signal"] = mark
    assert is_the_picture(read_image(tmp_path / "x.nxs"))


def without_default(out):
    nexus(out)["background"] = OTHER
    out["entry/data"].attrs["signal"] = "counts"


def signal_that_is_a_curve(out):
    nexus(out)
    out["entry/scan/monitor"] = np.arange(30.0)
    out.attrs["default"], out["entry"].attrs["default"] = "entry", "scan"
    out["entry/scan"].attrs["signal"] = "monitor"


def area_detector(out):
    out["entry/instrument/detector/data"] = COUNTS[None]
    out["entry/data"] = h5py.SoftLink("/entry/instrument/detector")
    out["entry/instrument/NDAttributes/NDArrayUniqueId"] = np.arange(1)
    out["entry/instrument/performance/timestamp"] = np.zeros((1, 5))


def cxi(out):
    out["entry_1/instrument_1/detector_1/data"] = COUNTS
    out["entry_1/data_1"] = h5py.SoftLink("/entry_1/instrument_1/detector_1")
    out["entry_1/instrument_1/detector_1/mask"] = np.zeros(SHAPE, np.uint32)


def bliss(out):
    out["1.1/instrument/frelon/data"] = COUNTS[None]
    out["1.1/measurement/frelon"] = h5py.SoftLink("/1.1/instrument/frelon/data")
    out["1.1/measurement/diode"] = np.zeros(1)


def named_only_one(out):
    out["a/b/image"] = COUNTS
    out["a/b/flatfield"], out["dark_current"], out["pixel_mask2"] = OTHER, OTHER, OTHER


def packed(out):
    out.create_dataset("entry/data/data", data=COUNTS, **hdf5plugin.Bitshuffle())


def big_endian(out):
    out["data"] = COUNTS.astype(">u2")


def half(out):
    out["data"] = COUNTS.astype(">f2")


def scan_of_one_step(out):
    out["data"] = COUNTS[None, None]


LAYOUTS = [
    whole_path, without_default, signal_that_is_a_curve, area_detector, cxi, bliss, named_only_one, packed, big_endian,
    half, scan_of_one_step,
]  # fmt: skip


@pytest.mark.parametrize("write", LAYOUTS, ids=lambda write: write.__name__)
def test_the_picture_is_read_and_not_what_is_larger(tmp_path, write):
    with h5py.File(tmp_path / "x.h5", "w") as out:
        write(out)
    assert is_the_picture(read_image(tmp_path / "x.h5"))


def test_a_choice_by_name_is_told(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as out:
        named_only_one(out)
    assert "/a/b/image is read" in read_image(tmp_path / "x.h5").notes[0]


def two_detectors(out):
    out["entry/instrument/pilatus/data"], out["entry/instrument/eiger/data"] = COUNTS, OTHER


def two_signals(out):
    for name in "ab":
        group = out.create_group(f"entry/{name}")
        group.attrs.update({"NX_class": "NXdata", "signal": "counts"})
        group["counts"] = COUNTS + ord(name)


def flat_field_alone(out):
    out["entry/flatfield"] = OTHER


def table(out):
    out["spots"] = np.zeros((300, 5))


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (two_detectors, "holds 2 images and points to none: name one with --dataset: /entry/instrument/"),
        (two_signals, "holds 2 images and points to none: name one with --dataset: /entry/a/counts, /entry/b/counts"),
        (flat_field_alone, "holds no image.* but /entry/flatfield; name one with --dataset"),
        (table, "holds no image"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_file_leaves_open_is_refused_with_the_names(tmp_path, write, says):
    with h5py.File(tmp_path / "x.h5", "w") as out:
        write(out)
    with pytest.raises(ImageFileError, match=says) as caught:
        read_image(tmp_path / "x.h5")
    assert "\n" not in str(caught.value)


def test_a_named_dataset_is_read_whatever_the_file_points_to(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as out:
        two_signals(out)
    np.testing.assert_array_equal(read_image(tmp_path / "x.h5", dataset="/entry/b").image, COUNTS + ord("b"))
    np.testing.assert_array_equal(read_image(tmp_path / "x.h5", dataset="entry/a/counts").image, COUNTS + ord("a"))


def eiger(folder, files=2, link=True):
    """A master file with its frames in files of their own, three each, and the pixel mask beside the flat field."""
    mask = np.zeros(SHAPE, np.uint32)
    mask[:, 30:40] = 1
    mask[5, 5] = 1 << 30
    for number in range(1, files + 1):
        with h5py.File(folder / f"scan_data_{number:06}.h5", "w") as out:
            frames = np.stack([COUNTS + 10 * number + k for k in range(3)]).astype(np.uint32)
            out.create_dataset("entry/data/data", data=frames, chunks=(1, *SHAPE), **hdf5plugin.Bitshuffle())
    with h5py.File(folder / "scan_master.h5", "w") as out:
        data = out.create_group("entry/data")
        data.attrs["NX_class"] = "NXdata"
        for number in range(1, files + 1):
            data[f"data_{number:06}"] = h5py.ExternalLink(f"scan_data_{number:06}.h5", "/entry/data/data")
        specific = "entry/instrument/detector/detectorSpecific"
        out[f"{specific}/flatfield"], out[f"{specific}/pixel_mask"] = OTHER, mask
    return folder / "scan_master.h5"


def test_an_eiger_master_is_followed_from_file_to_file(tmp_path):
    master = eiger(tmp_path)
    file = read_image(master)
    assert file.frames == 6
    assert "number 0 is read" in file.notes[0]
    np.testing.assert_array_equal(file.image, COUNTS + 10)
    np.testing.assert_array_equal(read_image(master, frame=5).image, COUNTS + 22)
    with pytest.raises(ImageFileError, match="holds 6 image"):
        read_image(master, frame=6)


def test_its_pixel_mask_is_kept_but_for_virtual_pixels(tmp_path):
    ignored = read_image(eiger(tmp_path)).ignored
    assert ignored[:, 30:40].all()
    assert ignored.sum() == 10 * SHAPE[0]


def test_a_master_without_its_files_names_them(tmp_path):
    master = eiger(tmp_path)
    (tmp_path / "scan_data_000002.h5").unlink()
    with pytest.raises(ImageFileError, match=r"keeps its images in 'scan_data_000002\.h5'"):
        read_image(master)


def test_a_pixel_mask_that_marks_the_good_ones_is_left_alone_and_told(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as out:
        out["data"], out["detector/pixel_mask"] = COUNTS, np.ones(SHAPE, np.uint8)
    file = read_image(tmp_path / "x.h5")
    assert not file.ignored.any()
    assert "marks more than half" in " ".join(file.notes)


def test_what_was_never_written_is_not_read_as_zeros(tmp_path):
    with h5py.File(tmp_path / "chunks.h5", "w") as out:
        data = out.create_dataset("data", (3, *SHAPE), "u2", chunks=(1, 40, 50))
        data[0] = COUNTS
        data[1, :40] = COUNTS[:40]
    assert is_the_picture(read_image(tmp_path / "chunks.h5"))
    for frame in (1, 2):
        with pytest.raises(ImageFileError, match="was not written to its end"):
            read_image(tmp_path / "chunks.h5", frame)
    with h5py.File(tmp_path / "whole.h5", "w") as out:
        out.create_dataset("data", SHAPE, "u2")
    with pytest.raises(ImageFileError, match="was not written"):
        read_image(tmp_path / "whole.h5")


def test_virtual_data_whose_source_is_away_are_not_read_as_zeros(tmp_path):
    with h5py.File(tmp_path / "source.h5", "w") as out:
        out["data"] = COUNTS
    layout = h5py.VirtualLayout(SHAPE, "u2")
    layout[:] = h5py.VirtualSource("source.h5", "data", SHAPE)
    with h5py.File(tmp_path / "virtual.h5", "w") as out:
        out.create_virtual_dataset("data", layout)
    assert is_the_picture(read_image(tmp_path / "virtual.h5"))
    (tmp_path / "source.h5").unlink()
    with pytest.raises(ImageFileError, match=r"keeps its images in 'source\.h5'"):
        read_image(tmp_path / "virtual.h5")


def test_an_image_larger_than_any_is_refused_before_it_takes_the_memory(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as out:
        out.create_dataset("data", (200_000, 200_000), "u4", chunks=(100, 100))
    with pytest.raises(ImageFileError, match="more than 64 million are not read"):
        read_image(tmp_path / "x.h5")
