"""Pictures and arrays of numpy: to the last bit where the format keeps it, refused where it is cut short."""

import numpy as np
import pytest
from PIL import Image

from beamgym.physics.laue.files import ImageFileError, read_image

SHAPE = (50, 70)
COUNTS = (np.random.default_rng(2).poisson(40.0, SHAPE) + 900 * (np.arange(SHAPE[1]) == 30)).astype(np.uint16)
BYTES = np.minimum(COUNTS, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["x.png", "x.jp2", "x.j2k", "x.pgm"])
def test_sixteen_bits_come_back(tmp_path, name):
    Image.fromarray(COUNTS).save(tmp_path / name)
    image = read_image(tmp_path / name).image
    np.testing.assert_array_equal(image, COUNTS)
    assert image.dtype == np.uint16


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "webp", "jp2", "jpg", "pgm", "npy", "ppm"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_a_picture_cut_short_is_refused(tmp_path, ending, share):
    path = tmp_path / f"x.{ending}"
    if ending == "npy":
        np.save(path, BYTES)
    else:
        Image.fromarray(np.stack([BYTES] * 3, axis=2) if ending == "ppm" else BYTES).save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ImageFileError, match=f"x.{ending} is damaged") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_the_name_does_not_decide_what_a_file_is(tmp_path):
    Image.fromarray(COUNTS).save(tmp_path / "x.png")
    (tmp_path / "x.png").rename(tmp_path / "x.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif").image, COUNTS)


def test_one_picture_of_a_moving_one_is_chosen(tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "x.gif", save_all=True, append_images=[Image.fromarray(BYTES[::-1].copy())])
    file = read_image(tmp_path / "x.gif", frame=1)
    assert file.frames == 2
    np.testing.assert_array_equal(file.image, BYTES[::-1])


def test_a_phone_picture_that_was_turned_is_told(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(BYTES).save(tmp_path / "x.jpg", exif=exif)
    assert "read as it is stored, not turned" in read_image(tmp_path / "x.jpg").notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "P2\n# by hand\n3 2\n255\n1 2 3\n4 5 6\n",
        "P2 3 2 1000\n1 2 3 4 5 6",
        b"P5\n3 2\n255\n\1\2\3\4\5\6",
        b"P5 3 2 961\n\0\1\0\2\0\3\0\4\0\5\0\6",
        b"P5 \n3 2 961 \n\0\1\0\2\0\3\0\4\0\5\0\6",
    ],
)
def test_a_portable_map_is_not_stretched(tmp_path, text):
    (tmp_path / "x.pgm").write_bytes(text.encode() if isinstance(text, str) else text)
    np.testing.assert_array_equal(read_image(tmp_path / "x.pgm").image, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("kind", ["u1", "<u2", ">u2", ">i4", "<i8", "f2", ">f2", "<f4", ">f4", ">f8", "g"])
def test_numpys_own_files_come_back_in_types_that_the_finder_knows(tmp_path, kind):
    np.save(tmp_path / "x.npy", BYTES.astype(kind))
    image = read_image(tmp_path / "x.npy").image
    np.testing.assert_array_equal(image, BYTES)
    assert image.dtype.isnative
    assert image.dtype.name in ("uint8", "uint16", "int32", "int64", "float32", "float64")


def test_an_array_in_fortrans_order_and_one_of_a_stack_are_read(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(COUNTS))
    np.testing.assert_array_equal(read_image(tmp_path / "x.npy").image, COUNTS)
    np.save(tmp_path / "stack.npy", np.stack([COUNTS, COUNTS + 1]))
    np.testing.assert_array_equal(read_image(tmp_path / "stack.npy", frame=1).image, COUNTS + 1)


@pytest.mark.parametrize(
    "array", [np.zeros((5, 5), complex), np.zeros((5, 5), bool), np.zeros(9), np.zeros((5, 5), [("a", "f4")])],
    ids=["complex", "bool", "one dimension", "records"],
)  # fmt: skip
def test_an_array_that_is_no_image_is_refused(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ImageFileError, match="not an image or a stack"):
        read_image(tmp_path / "x.npy")


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1, None]]), allow_pickle=True)
    with pytest.raises(ImageFileError, match="damaged"):
        read_image(tmp_path / "x.npy")
