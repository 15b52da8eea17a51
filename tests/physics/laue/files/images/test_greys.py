"""Colours and films: what grows with the X-rays is read, what is not clear is refused or told."""

import numpy as np
import pytest
from PIL import Image

from beamgym.physics.laue.files import ImageFileError, read_image
from beamgym.physics.laue.files.images.greys import shows_dark_spots

SHAPE = (120, 150)


def picture(spots=8, ground=60.0, bright=150.0, seed=1):
    """A picture of 8 bits: spots of σ = 1.5 px on noise."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rng = np.random.default_rng(seed)
    counts = rng.normal(ground, 4.0, SHAPE)
    for x, y in rng.uniform((8, 8), (SHAPE[1] - 8, SHAPE[0] - 8), (spots, 2)):
        counts += bright * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.5**2))
    return np.clip(np.round(counts), 0, 255).astype(np.uint8)


GREY = picture()
SAME = np.stack([GREY] * 3, axis=2)


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif", "x.gif", "x.jp2", "x.webp"])
@pytest.mark.parametrize("values", [GREY, SAME], ids=["grey", "three equal channels"])
def test_a_picture_that_shows_greys_is_read_as_it_is(tmp_path, name, values):
    Image.fromarray(values).save(tmp_path / name, **({"lossless": True} if name == "x.webp" else {}))
    np.testing.assert_array_equal(read_image(tmp_path / name).image, GREY)


@pytest.mark.parametrize("mode", ["P", "LA", "RGBA"])
@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_palettes_and_transparency_show_the_same_greys(tmp_path, name, mode):
    Image.fromarray(GREY).convert(mode).save(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name).image, GREY)


def test_a_shuffled_palette_is_looked_up_and_not_taken_for_counts(tmp_path):
    shuffled = np.random.default_rng(0).permutation(256).astype(np.uint8)
    place = np.argsort(shuffled).astype(np.uint8)
    image = Image.frombytes("P", SHAPE[::-1], place[GREY].tobytes())
    image.putpalette(np.repeat(shuffled, 3).tobytes())
    for name in ("x.png", "x.gif", "x.tif"):
        image.save(tmp_path / name)
        np.testing.assert_array_equal(read_image(tmp_path / name).image, GREY)


def test_pixels_that_are_transparent_are_ignored(tmp_path):
    values = np.dstack([SAME, np.full(SHAPE, 255, np.uint8)])
    values[:, :20, 3] = 0
    Image.fromarray(values).save(tmp_path / "x.png")
    assert read_image(tmp_path / "x.png").ignored.sum() == 20 * SHAPE[0]


def test_a_jpeg_whose_channels_differ_by_its_rounding_is_grey(tmp_path):
    tinted = np.dstack([GREY, GREY, np.minimum(GREY.astype(int) + 2, 255).astype(np.uint8)])
    Image.fromarray(tinted).save(tmp_path / "x.png")
    file = read_image(tmp_path / "x.png")
    assert "channels agree to 2 of 255" in file.notes[0]
    np.testing.assert_allclose(file.image, GREY, atol=1.0)


def test_colours_are_refused_with_the_remedy_and_averaged_on_request(tmp_path):
    green = np.zeros((*SHAPE, 3), np.uint8)
    green[:, :, 1] = GREY
    Image.fromarray(green).save(tmp_path / "x.png")
    with pytest.raises(ImageFileError, match=r"colour image whose channels differ by up to .* with --grey"):
        read_image(tmp_path / "x.png")
    file = read_image(tmp_path / "x.png", grey=True)
    np.testing.assert_allclose(file.image, GREY / 3.0, rtol=1e-6)
    assert "as asked" in file.notes[0]


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_one_bit_a_pixel_is_refused(tmp_path, name):
    Image.fromarray(GREY > 100).save(tmp_path / name)
    with pytest.raises(ImageFileError, match="black and white, one bit a pixel"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.tif", "x.jpg"])
def test_a_film_is_known_and_inverted_and_told(tmp_path, name):
    Image.fromarray(255 - GREY).save(tmp_path / name)
    file = read_image(tmp_path / name)
    assert "taken for a film and inverted" in file.notes[-1]
    np.testing.assert_allclose(file.image, GREY, atol=40 if name == "x.jpg" else 0)


@pytest.mark.parametrize("top", [4095, 65535])
def test_a_film_of_more_bits_is_known_as_well(tmp_path, top):
    np.save(tmp_path / "x.npy", (top - GREY.astype(int) * (top // 256)).astype(np.uint16))
    image = read_image(tmp_path / "x.npy").image.astype(int)
    np.testing.assert_array_equal(image - image.min(), (GREY.astype(int) - GREY.min()) * (top // 256))


def test_the_word_of_the_user_counts_for_more(tmp_path):
    Image.fromarray(255 - GREY).save(tmp_path / "film.png")
    Image.fromarray(GREY).save(tmp_path / "spots.png")
    np.testing.assert_array_equal(read_image(tmp_path / "film.png", invert=False).image, 255 - GREY)
    file = read_image(tmp_path / "spots.png", invert=True)
    np.testing.assert_array_equal(file.image, 255 - GREY)
    assert file.notes == ("inverted, as asked",)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("values", [GREY, 255 - GREY], ids=["spots", "film"])
def test_white_or_black_as_zero_the_spots_come_out_bright(tmp_path, photometric, values):
    Image.fromarray(values).save(tmp_path / "x.tif", tiffinfo={262: photometric})
    file = read_image(tmp_path / "x.tif")
    np.testing.assert_array_equal(file.image, GREY)
    assert (photometric == 0) == any("0 as white" in note for note in file.notes)


def shadow(values):
    """A beam stop with its arm and a dark corner, as bright pictures have them."""
    values = values.astype(float)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    values[(rows - 60) ** 2 + (columns - 75) ** 2 < 14**2] *= 0.05
    values[58:62, 75:] *= 0.05
    values[rows + columns < 40] *= 0.2
    return values


@pytest.mark.parametrize("seed", range(6))
def test_what_is_no_film_is_not_taken_for_one(seed):
    nothing = np.zeros(SHAPE, dtype=bool)
    rng = np.random.default_rng(seed)
    spots = picture(seed=seed).astype(float)
    for image in (
        spots,
        shadow(spots),
        shadow(picture(spots=0, seed=seed)),
        rng.poisson(3.0, SHAPE),
        np.zeros(SHAPE),
        np.where(rng.random(SHAPE) < 0.003, 0.0, picture(spots=3, seed=seed)),
        np.minimum(spots * 2.0, 255.0),
    ):
        assert not shows_dark_spots(np.asarray(image), nothing)


@pytest.mark.parametrize("seed", range(6))
def test_a_film_with_letters_and_a_hole_is_known(seed):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    film = 230.0 - picture(spots=25, ground=20.0, seed=seed)
    film[(rows - 60) ** 2 + (columns - 75) ** 2 < 6**2] = 250.0
    film += 15.0 * (columns / SHAPE[1])
    assert shows_dark_spots(np.clip(film, 0, 255).astype(np.uint8), np.zeros(SHAPE, dtype=bool))
