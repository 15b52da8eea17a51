"""Pictures come back from their files with all of their truth, and do not depend on where they were made."""

import numpy as np
import pytest

from beamgym.physics.laue.lab import PictureShards, read_pictures, write_pictures


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return write_pictures(folder, 2, 3, ("Si", "quartz"), per_shard=2)


def test_pictures_come_back_with_their_truth(written):
    found = [one for path in written for one in read_pictures(path)]
    assert [(one.number, one.crystal) for one in found] == [(0, "Si"), (1, "quartz"), (2, "Si")]
    drawn = PictureShards(("Si", "quartz")).take(2, 2).picture
    picture = found[2].picture
    for name in ("image", "orientation", "position_px", "strength"):
        one, other = getattr(picture, name), getattr(drawn, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert (picture.spots, picture.camera.bits, picture.camera.tail) == (
        drawn.spots,
        drawn.camera.bits,
        drawn.camera.tail,
    )
    for word in ("true", "stated"):
        one, other = getattr(picture.camera, word), getattr(drawn.camera, word)
        assert (one.shape, one.pixel_mm) == (other.shape, other.pixel_mm)
        np.testing.assert_allclose(one.to_lab_mm(np.array([[3.0, 5.0]])), other.to_lab_mm(np.array([[3.0, 5.0]])))


def test_pictures_that_cannot_be_written_are_refused_in_a_line(written, tmp_path):
    with pytest.raises(ValueError, match="belongs to another data set: its crystals is"):
        write_pictures(written[0].parent, 2, 3, ("Si",), per_shard=2)
    with pytest.raises(ValueError, match="unobtainium"):
        write_pictures(tmp_path, 2, 3, ("unobtainium",))
    with pytest.raises(ValueError, match="the seed is -1"):
        write_pictures(tmp_path, -1, 3)
    (tmp_path / "a.h5").write_text("no shard")
    with pytest.raises(ValueError, match="is damaged or no shard of Laue pictures"):
        read_pictures(tmp_path / "a.h5")
    assert not list(tmp_path.glob("shard*"))
