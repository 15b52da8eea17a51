"""CBF as Dectris' detectors and fabio write it; what does not fit its own header or checksum is refused."""

import fabio.cbfimage
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beamgym.physics.laue.files import ImageFileError, read_image
from beamgym.physics.laue.files.images.unpack_kernels import unpack_byte_offsets

COUNTS = np.random.default_rng(3).poisson(20.0, (40, 50)).astype(np.int32)
COUNTS[10, 10:14] = 2**20, 5, 40_000, 3
COUNTS[20] = -1


def write(path, values=COUNTS, change=None):
    fabio.cbfimage.CbfImage(data=values).write(str(path))
    if change is not None:
        path.write_bytes(path.read_bytes().replace(*change))
    return path


@settings(deadline=None, max_examples=60)
@given(arrays(np.int32, (6, 7), elements=st.integers(-(2**31), 2**31 - 1)))
def test_any_counts_that_fabio_packs_come_back(tmp_path_factory, values):
    packed = fabio.compression.compByteOffset(values)
    out = np.zeros(values.size, np.int64)
    assert unpack_byte_offsets(np.frombuffer(packed, np.uint8), out) == values.size
    # fabio's differences of 32 bits run over, and back
    np.testing.assert_array_equal(out.astype(np.int32), values.ravel())


@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.int16, np.uint16, np.int8])
def test_every_type_of_numbers_comes_back(tmp_path, kind):
    values = np.clip(COUNTS, 0, 100).astype(kind)
    image = read_image(write(tmp_path / "x.cbf", values)).image
    np.testing.assert_array_equal(image, values)
    assert image.dtype == kind


def test_gaps_of_a_pilatus_are_ignored(tmp_path):
    file = read_image(write(tmp_path / "x.cbf"))
    np.testing.assert_array_equal(file.image, COUNTS)
    assert file.ignored[20].all()
    assert file.ignored.sum() == COUNTS.shape[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((b"--CIF-BINARY-FORMAT-SECTION--", b"--NO--"), "no binary section"),
        ((b"\x0c\x1a\x04\xd5", b"\x0c\x1a\x04\xd6"), "no binary section"),
        ((b"BYTE_OFFSET", b"CANONICAL__"), "packed in a way that is not read"),
        ((b"Fastest-Dimension: 50", b"Fastest-Dimension: 5O"), "states no X-Binary-Size-Fastest"),
        ((b"Fastest-Dimension: 50", b"Fastest-Dimension: 51"), "2000 of 2040 pixels|holds 2"),
        ((b"Fastest-Dimension: 50", b"Fastest-Dimension: 99999999"), "more than 64 million"),
        ((b"signed 32-bit", b"signed 33-bit"), "type of numbers is not known"),
        ((b"Content-MD5: ", b"Content-MD5: A"), "checksum does not fit"),
        ((b"\x05\x00", b"\x06\x00"), "checksum does not fit"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, change, says):
    with pytest.raises(ImageFileError, match=says) as caught:
        read_image(write(tmp_path / "x.cbf", change=change))
    assert "\n" not in str(caught.value)


def test_there_is_one_image_in_a_file(tmp_path):
    with pytest.raises(ImageFileError, match="holds 1 image"):
        read_image(write(tmp_path / "x.cbf"), frame=1)
