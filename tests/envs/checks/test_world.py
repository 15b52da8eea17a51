"""check_world passes a world whose rows depend on their keys alone, and names the call of one whose rows do not."""

import numpy as np
import pytest

from beamgym.envs.checks import CheckFailed, check_world


def test_a_sound_world_passes(lamp):
    check_world(lamp.World)


def ignores_keys(self, keys, mask):
    self._place = np.where(mask[:, None], 5.0, self._place)


def draws_from_the_global_generator(self, keys, mask):
    self._brightest = np.where(mask, np.random.uniform(0.0, 10.0, self.n), self._brightest)  # noqa: NPY002


def ignores_the_mask(self, keys, mask):
    super(type(self), self).reset(keys, np.ones_like(mask))


def depends_on_the_place_in_the_batch(self, keys, mask):
    super(type(self), self).reset(keys, mask)
    self._brightest = self._brightest + np.arange(self.n) * mask


def depends_on_the_others(self, keys, mask):
    super(type(self), self).reset(keys, mask)
    self._brightest = np.where(mask, self._brightest.mean(), self._brightest)


def keeps_the_motors(self, keys, mask):
    place = self._place
    super(type(self), self).reset(keys, mask)
    self._place = place


@pytest.mark.parametrize(
    ("methods", "complaint"),
    [
        ({"reset": ignores_keys}, r"reset\(keys, mask\): gave the same truth for other keys; draw the sample from the"),
        ({"reset": draws_from_the_global_generator}, "differs when the same keys are played again; draw every random"),
        ({"reset": keeps_the_motors}, "differs when the same keys are played again"),
        ({"reset": ignores_the_mask}, "of a row whose mask is False; leave rows whose mask is False alone"),
        (
            {"reset": depends_on_the_place_in_the_batch},
            "brightest: differs when a row is played alone; let a row depend",
        ),
        ({"reset": depends_on_the_others}, "differs when a row is played alone"),
        (
            {"truth": lambda self: {"place": self._place}},
            r"truth\(\)\['place'\]: changed after it was returned|same truth",
        ),
        ({"truth": lambda self: {"place": 3.0}}, r"truth\(\)\['place'\]: begins with None; give an array"),
        ({"truth": lambda self: {}}, r"truth\(\): returned dict; return a mapping of names to arrays"),
        ({"start_options": "positions"}, r"start_options: is 'positions'; give a tuple of the keywords"),
    ],
)
def test_a_broken_one_is_told_what_to_do(lamp, broken, methods, complaint):
    with pytest.raises(CheckFailed, match=complaint) as error:
        check_world(broken(lamp.World, **methods))
    assert "\n" not in str(error.value)


def test_a_place_to_begin_is_taken_where_it_is_offered(lamp, broken):
    def reset(self, keys, mask, positions=None):
        lamp.World.reset(self, keys, mask)
        if positions is not None:
            self._place = np.where(mask[:, None], positions, self._place)

    check_world(broken(lamp.World, start_options=("positions",), reset=reset))

    def deaf(self, keys, mask, positions=None):
        lamp.World.reset(self, keys, mask)
        self._place = np.where(mask[:, None], 5.0 if positions is None else 1.0, self._place)

    with pytest.raises(CheckFailed, match="put an axis 4 away; put the axes where they are asked to begin"):
        check_world(broken(lamp.World, start_options=("positions",), reset=deaf))


def test_a_maker_that_makes_another_number_is_told_so(lamp):
    with pytest.raises(CheckFailed, match=r"make_world\(3\): returned a World of n = 1; make as many samples"):
        check_world(lambda n: lamp.World(1))
    with pytest.raises(CheckFailed, match="LampHardware: has no reset, truth; physics"):
        check_world(lamp.Hardware)
