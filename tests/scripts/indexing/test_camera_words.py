"""What states the hand that two pictures have shown: options, or the words of a camera's file."""

import json

import numpy as np
import pytest

from beamgym.physics.laue.indexing import check_handedness
from beamgym.physics.laue.stated_camera import StatedCamera
from beamgym.physics.orientation import rotation_matrix
from beamgym.scripts.indexing.camera_options import CameraOptions

FILE_WORDS = StatedCamera("back-reflection", 40.0, 0.1, (200.0, 200.0), (400, 400))


@pytest.mark.parametrize(("flip", "rotate_deg"), [("none", 90), ("horizontal", 270), ("vertical", 90)])
def test_a_camera_file_in_words_is_told_the_words_that_make_it_right(tmp_path, flip, rotate_deg):
    """The second picture is turned about an oblique axis, so that one way for the picture to lie is left."""
    file = tmp_path / "camera.json"
    file.write_text(json.dumps(FILE_WORDS.as_dict()), encoding="utf-8")
    options = CameraOptions(file)
    stated, turn = FILE_WORDS.detector(), rotation_matrix([6.0, 8.0, 3.0])
    true = StatedCamera("back-reflection", 40.0, 0.1, (200.0, 200.0), (400, 400), flip, rotate_deg).detector()
    # what indexing on the stated panel makes of a turn that the true panel saw
    onto = np.stack([stated.fast, stated.slow, stated.normal], axis=1)
    operation = onto @ np.stack([true.fast, true.slow, stated.normal], axis=1).T
    seen = operation @ turn @ operation.T
    check = check_handedness([np.eye(3)], [seen], turn, stated, np.eye(3)[None])
    wanted = f'"flip": "{flip}" and "rotate_deg": {rotate_deg} in camera.json'
    words = [options.words_for(hand) for hand in check.agreeing]
    assert [_panel(one) for one in words] == [_panel(wanted)]


def _panel(words):
    flip, rotate_deg = words.split('"')[3], int(words.split(": ")[2].split(" ")[0])
    panel = StatedCamera("back-reflection", 40.0, 0.1, (200.0, 200.0), (400, 400), flip, rotate_deg).detector()
    return panel.fast.round(6).tolist(), panel.slow.round(6).tolist()
