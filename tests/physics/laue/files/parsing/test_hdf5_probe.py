"""Files on which libhdf5 itself never comes to an end are refused in one line."""

import struct
import sys

import h5py
import numpy as np
import pytest

from beamgym.physics.laue.files import ImageFileError, load_detector, read_image
from beamgym.physics.laue.files.parsing import look_through


@pytest.fixture
def endless(tmp_path):
    """A file whose first text of variable length is said to be 16 bytes shorter than nothing: HDF5 stands still."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as out:
        out["data"] = np.arange(400, dtype=np.uint16).reshape(20, 20)
        out.attrs["default"] = "data"
        out["data"].attrs["units"] = "counts"
    raw = bytearray(path.read_bytes())
    heap = raw.find(b"GCOL")
    raw[heap + 24 : heap + 32] = struct.pack("<q", -16)
    path.write_bytes(raw)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="the limit of computing time is one of POSIX")
@pytest.mark.parametrize("read", [read_image, load_detector])
def test_a_file_without_end_is_refused_in_one_line(endless, read):
    with pytest.raises(ValueError, match=r"x\.h5 is damaged: HDF5 does not come to an end") as caught:
        read(endless)
    assert "\n" not in str(caught.value)


def test_what_can_be_caught_is_left_to_the_reader(tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n and nothing behind it")
    look_through(path)
    with pytest.raises(ImageFileError, match="damaged, cut short or no HDF5 file"):
        read_image(path)
