"""check_instrument passes sound instruments, moves no real one unasked, and says of a broken one how to mend it."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.envs.checks import CheckFailed, check_instrument
from beamgym.physics.instrument import Frame, MoveFailed, MoveReport


@pytest.mark.parametrize("moves", [None, "none", "in place", "all"])
def test_a_sound_instrument_passes(lamp, moves):
    check_instrument(lamp.Hardware(), moves=moves)
    check_instrument(lamp.World(3), moves=moves)


def test_a_real_instrument_is_not_moved_unless_that_is_asked_for(lamp, broken):
    asked = []

    def move(self, target, mask):
        asked.append(target.tolist())
        return lamp.Hardware.move(self, target, mask)

    counting = broken(lamp.Hardware, move=move)
    check_instrument(counting())
    assert asked == []
    check_instrument(counting(), moves="in place")
    assert asked == [[[5.0]]]


def test_what_an_instrument_itself_refuses_comes_through(lamp, broken):
    def refuse(self, target, mask):
        raise MoveFailed("the slide is stuck")

    with pytest.raises(MoveFailed, match="stuck"):
        check_instrument(broken(lamp.Hardware, move=refuse)(), moves="in place")


def wrong(change):
    """Return an acquire whose frame is changed."""

    def acquire(self, settings, mask):
        return change(super(type(self), self).acquire(settings, mask))

    return acquire


def same_memory(self, settings, mask):
    frame = super(type(self), self).acquire(settings, mask)
    self.kept = getattr(self, "kept", frame.exposure_s)
    self.kept += 1.0
    return replace(frame, exposure_s=self.kept)


def clip(self, target, mask):
    return super(type(self), self).move(np.clip(np.nan_to_num(target, nan=5.0), 0.0, 10.0), mask)


def stay(self, target, mask):
    super(type(self), self).move(target, np.zeros_like(mask))
    return MoveReport(self.positions(), mask * 1.0)


def move_all(self, target, mask):
    return replace(super(type(self), self).move(target, np.ones_like(mask)), duration_s=np.where(mask, 1.0, 0.0))


def fail_late(self, target, mask):
    if (target > 10.0).any():
        self._place = np.minimum(target, 10.0)
    return super(type(self), self).move(target, mask)


@pytest.mark.parametrize(
    ("methods", "complaint"),
    [
        ({"positions": lambda self: self._place}, r"positions\(\): returns the same array twice; return a copy"),
        ({"positions": lambda self: self._place[0]}, r"positions\(\): has shape \(1,\); return a float array of shape"),
        ({"positions": lambda self: self._place.astype(int)}, "holds int64; return a float array"),
        ({"positions": lambda self: 1 / 0}, "raised ZeroDivisionError: division by zero; return the readback"),
        ({"acquire": lambda self, settings, mask: None}, "returned a NoneType; return a physics.instrument.Frame"),
        ({"acquire": wrong(lambda frame: replace(frame, image=None))}, "neither image nor found peaks; give one"),
        (
            {"acquire": wrong(lambda frame: replace(frame, counter=0 * frame.counter))},
            r"counter: went up by \[0, 0, 0\]",
        ),
        ({"acquire": wrong(lambda frame: replace(frame, exposure_s=1.0))}, "exposure_s: is a float; return a float"),
        ({"acquire": wrong(lambda frame: replace(frame, image=frame.image[0]))}, r"image: has shape \(1, 2\)"),
        ({"acquire": same_memory}, "exposure_s: (of the frame before was changed|changed in a row)"),
        ({"move": clip}, "a target outside the limits: was made; raise physics.instrument.MoveFailed and move nothing"),
        ({"move": stay}, "left slide where it was; drive where the mask is True, or raise MoveFailed"),
        ({"move": move_all}, "changed truth.*'place'.* of a row whose mask is False"),
        ({"move": fail_late}, "was refused, but changed truth"),
        ({"move": lambda self, target, mask: None}, "returned a NoneType; return a physics.instrument.MoveReport"),
        ({"axes": ()}, "axes: is tuple of 0; give a tuple of physics.instrument.Axis"),
        ({"n": 0}, "n: is 0; give the number of samples"),
    ],
)
def test_a_broken_one_is_told_what_to_do(lamp, broken, methods, complaint):
    fixed = {
        name: property(lambda self, value=value: value) for name, value in methods.items() if name in ("n", "axes")
    }
    for name in fixed:
        fixed[name] = fixed[name].setter(lambda self, value: None)
    world = broken(lamp.World, **{**methods, **fixed})
    with pytest.raises(CheckFailed, match=complaint) as error:
        check_instrument(world(3))
    assert "\n" not in str(error.value)


def test_what_is_missing_is_named(lamp):
    with pytest.raises(CheckFailed, match="Frame: has no n, axes, context, positions, move, acquire; physics"):
        check_instrument(Frame(np.zeros(1), np.zeros(1, np.int64), np.zeros(1)))


def test_a_real_instrument_holds_one_sample(lamp):
    with pytest.raises(CheckFailed, match="n: is 2; a real instrument holds one sample"):
        check_instrument(lamp.Hardware(2))


def test_a_wrong_word_for_moves_is_refused(lamp):
    with pytest.raises(CheckFailed, match="moves: is 'some'; choose from none, in place, all"):
        check_instrument(lamp.Hardware(), moves="some")
